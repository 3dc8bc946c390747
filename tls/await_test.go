package tls

import (
	"bufio"
	"context"
	stdtls "crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"gohttpx.dev/internal/await"
	"gohttpx.dev/internal/peer"
)

// asked is a connection whose server sends each line back; over is what the client's connection is made of.
func asked(t *testing.T, o Options, over func(nc net.Conn) net.Conn) (c *Conn, requests chan int) {
	t.Helper()
	cert, roots := peer.Cert(t, "localhost")
	requests = make(chan int, 10)
	s := peer.Listen(t, func(nc net.Conn) {
		sc := stdtls.Server(nc, &stdtls.Config{Certificates: []stdtls.Certificate{cert}, MinVersion: stdtls.VersionTLS10})
		br := bufio.NewReader(sc)
		for {
			p, err := br.ReadBytes('\n')
			if err != nil {
				return
			}
			requests <- len(p)
			sc.Write(p)
		}
	})
	nc, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	o.RootCAs = roots
	client, err := NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	c, err = client.Handshake(context.Background(), over(nc), "localhost")
	if err != nil {
		t.Fatal(err)
	}
	return c, requests
}

// line is n bytes, the last of which ends a request.
func line(n int) []byte {
	p := make([]byte, n)
	p[n-1] = '\n'
	return p
}

// Whether the write waits or not, the answer is there for the next Read, and none
// of the request waits for it.
func TestWriteAwait(t *testing.T) {
	same := func(nc net.Conn) net.Conn { return nc }
	another := NewHandshaker(func(ctx context.Context, nc net.Conn, cfg *stdtls.Config) (net.Conn, stdtls.ConnectionState, error) {
		c := stdtls.Client(nc, cfg)
		err := c.HandshakeContext(ctx)
		return c, c.ConnectionState(), err
	})
	for _, tt := range []struct {
		name  string
		o     Options
		over  func(nc net.Conn) net.Conn
		n     int
		waits bool
	}{
		{"one byte", Options{}, same, 1, true},
		{"the longest that is surely one record", Options{}, same, 1 << 10, true},
		{"TLS 1.2", Options{MaxVersion: stdtls.VersionTLS12}, same, 1 << 10, true},
		{"one byte more", Options{}, same, 1<<10 + 1, false},
		{"several records", Options{}, same, 60_000, false},
		{"TLS 1.0, of two records", Options{MinVersion: stdtls.VersionTLS10, MaxVersion: stdtls.VersionTLS10}, same, 100, false},
		{"TLS 1.1", Options{MinVersion: stdtls.VersionTLS11, MaxVersion: stdtls.VersionTLS11}, same, 100, false},
		{"not over a socket", Options{}, func(nc net.Conn) net.Conn { return struct{ net.Conn }{nc} }, 100, false},
		{"another implementation", Options{Handshaker: another}, same, 100, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := asked(t, tt.o, tt.over)
			for range 3 {
				c.SetReadDeadline(time.Now().Add(time.Minute))
				start := time.Now()
				n, waited, err := c.WriteAwait(line(tt.n))
				if n != tt.n || waited != (tt.waits && await.Waits) || err != nil {
					t.Fatalf("%d bytes, waited %v, %v", n, waited, err)
				}
				if _, err := io.ReadFull(c, make([]byte, tt.n)); err != nil {
					t.Fatal(err)
				}
				if d := time.Since(start); d > 30*time.Second {
					t.Errorf("it took %v", d)
				}
			}
		})
	}
}

// A Write that was not asked to wait does not, after one that was.
func TestWriteAfterWriteAwait(t *testing.T) {
	c, requests := asked(t, Options{}, func(nc net.Conn) net.Conn { return nc })
	c.SetReadDeadline(time.Now().Add(time.Minute))
	if _, waited, err := c.WriteAwait(line(10)); waited != await.Waits || err != nil {
		t.Fatalf("waited %v, %v", waited, err)
	}
	// This one has no time to wait, and Write would have a minute.
	c.SetReadDeadline(time.Unix(1, 0))
	if _, waited, err := c.WriteAwait(line(10)); waited || err != nil {
		t.Fatalf("waited %v, %v", waited, err)
	}
	c.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := io.ReadFull(c, make([]byte, 20)); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if _, err := c.Write(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d > 30*time.Second {
		t.Errorf("Write took %v", d)
	}
	if _, err := c.Write(line(10)); err != nil {
		t.Fatal(err)
	}
	if got := []int{<-requests, <-requests, <-requests}; got[0] != 10 || got[1] != 10 || got[2] != 20 {
		t.Errorf("requests of %v bytes", got)
	}
	if _, err := io.ReadFull(c, make([]byte, 20)); err != nil {
		t.Error(err)
	}
}

func TestWriteAwaitThatFails(t *testing.T) {
	c, _ := asked(t, Options{}, func(nc net.Conn) net.Conn { return nc })
	c.SetWriteDeadline(time.Unix(1, 0))
	c.SetReadDeadline(time.Unix(1, 0))
	if _, waited, err := c.WriteAwait(line(10)); waited || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("waited %v, %v", waited, err)
	}
}

// Close ends a wait, and does not wait for it.
func TestCloseEndsWriteAwait(t *testing.T) {
	c, requests := asked(t, Options{}, func(nc net.Conn) net.Conn { return nc })
	done := make(chan error, 1)
	p := line(10)
	p[9] = 0 // no request: there is no answer
	go func() {
		_, _, err := c.WriteAwait(p)
		done <- err
	}()
	c.Close()
	<-done
	if _, err := c.Read(p); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a read says %v", err)
	}
	if len(requests) > 0 {
		t.Error("the server saw a request")
	}
}
