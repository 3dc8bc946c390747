package delay

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"
)

// echo answers with what it is sent, and ends when its peer does.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				io.Copy(nc, nc)
				nc.Close()
			}()
		}
	}()
	return l.Addr().String()
}

func TestProxyIsLateAndWhole(t *testing.T) {
	const oneWay = 30 * time.Millisecond
	p, err := Listen(echo(t), oneWay)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	nc, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	sent := make([]byte, 5<<20)
	for i := range sent {
		sent[i] = byte(i * i >> 7)
	}
	start := time.Now()
	go func() {
		nc.Write(sent)
		nc.(*net.TCPConn).CloseWrite()
	}()
	first := make([]byte, 1)
	if _, err := io.ReadFull(nc, first); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d < 2*oneWay {
		t.Errorf("the first byte was back after %v, earlier than a round trip", d)
	}
	got, err := io.ReadAll(nc)
	if err != nil || !bytes.Equal(append(first, got...), sent) {
		t.Errorf("%d bytes came back of %d, or others: %v", len(got)+1, len(sent), err)
	}
}

func TestCloseEndsConnections(t *testing.T) {
	p, err := Listen(echo(t), time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	nc, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := nc.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(nc, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	p.Close() // returns when all goroutines have ended
	if _, err := nc.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is still open")
	}
}
