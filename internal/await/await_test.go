//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package await_test

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"gohttpx.dev/internal/await"
	"gohttpx.dev/internal/leak"
)

func TestMain(m *testing.M) { os.Exit(leak.Main(m)) }

// pair returns both ends of a connection.
func pair(t *testing.T) (client, server *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	sc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sc.Close() })
	return nc.(*net.TCPConn), sc.(*net.TCPConn)
}

// pending is what a read of nc would find now, without a wait.
func pending(t *testing.T, nc *net.TCPConn) (n int, err error) {
	t.Helper()
	raw, err := nc.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var buf [64]byte
	raw.Control(func(fd uintptr) {
		n, _, err = syscall.Recvfrom(int(fd), buf[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	})
	return n, err
}

// until waits for what a read would find.
func until(t *testing.T, nc *net.TCPConn, want func(n int, err error) bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !want(pending(t, nc)); {
		if time.Now().After(end) {
			t.Fatal("it did not come")
		}
	}
}

func TestWriteWaitsForTheAnswer(t *testing.T) {
	client, server := pair(t)
	go func() {
		io.CopyN(io.Discard, server, 4)
		io.WriteString(server, "answer")
		io.CopyN(io.Discard, server, 4)
		server.Close()
	}()
	n, waited, err := await.Write(client, []byte("ask "))
	if n != 4 || !waited || err != nil {
		t.Fatalf("%d bytes, waited %v, %v", n, waited, err)
	}
	if n, err := pending(t, client); n != 6 || err != nil {
		t.Fatalf("a read would find %d bytes and %v", n, err)
	}
	io.CopyN(io.Discard, client, 6)
	if _, waited, err = await.Write(client, []byte("ask ")); !waited || err != nil {
		t.Fatalf("waited %v, %v", waited, err)
	}
	if n, err := client.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Fatalf("a read of the end has %d bytes and %v", n, err)
	}
}

// The wait is blind to what was there before, and the read deadline is what ends
// it; the read after it finds everything.
func TestWriteIsBlindToWhatWasThere(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(server *net.TCPConn)
		seen func(n int, err error) bool
	}{
		{"bytes", func(s *net.TCPConn) { io.WriteString(s, "early") }, func(n int, err error) bool { return n == 5 }},
		{"end", func(s *net.TCPConn) { s.CloseWrite() }, func(n int, err error) bool { return n == 0 && err == nil }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client, server := pair(t)
			tt.do(server)
			until(t, client, tt.seen)
			const look = 50 * time.Millisecond
			client.SetReadDeadline(time.Now().Add(look))
			n, waited, err := await.Write(client, []byte("ask"))
			if n != 3 || !waited || err != nil {
				t.Fatalf("%d bytes, waited %v, %v", n, waited, err)
			}
			client.SetReadDeadline(time.Time{})
			if got, err := client.Read(make([]byte, 8)); !tt.seen(got, ignoreEOF(err)) {
				t.Errorf("the read has %d bytes and %v", got, err)
			}
		})
	}
}

func ignoreEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

func TestWriteEnds(t *testing.T) {
	t.Run("by the read deadline", func(t *testing.T) {
		client, _ := pair(t)
		client.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		if n, waited, err := await.Write(client, []byte("ask")); n != 3 || !waited || err != nil {
			t.Errorf("%d bytes, waited %v, %v", n, waited, err)
		}
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the read after it says %v", err)
		}
	})
	t.Run("by Close", func(t *testing.T) {
		client, server := pair(t)
		go func() {
			io.CopyN(io.Discard, server, 3)
			client.Close() // while it waits
		}()
		if n, waited, err := await.Write(client, []byte("ask")); n != 3 || !waited || err != nil {
			t.Errorf("%d bytes, waited %v, %v", n, waited, err)
		}
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the read after it says %v", err)
		}
	})
	t.Run("by a reset", func(t *testing.T) {
		client, server := pair(t)
		go func() {
			io.CopyN(io.Discard, server, 3)
			server.SetLinger(0)
			server.Close()
		}()
		if n, waited, err := await.Write(client, []byte("ask")); n != 3 || !waited || err != nil {
			t.Errorf("%d bytes, waited %v, %v", n, waited, err)
		}
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the read after it says %v", err)
		}
	})
}

// A write that fails says what net.TCPConn.Write would.
func TestWriteErrors(t *testing.T) {
	t.Run("closed", func(t *testing.T) {
		client, _ := pair(t)
		client.Close()
		if n, waited, err := await.Write(client, []byte("ask")); n != 0 || waited || !errors.Is(err, net.ErrClosed) {
			t.Errorf("%d bytes, waited %v, %v", n, waited, err)
		}
	})
	t.Run("reset", func(t *testing.T) {
		client, server := pair(t)
		server.SetLinger(0)
		server.Close()
		until(t, client, func(n int, err error) bool { return err == syscall.ECONNRESET })
		n, waited, err := await.Write(client, []byte("ask"))
		var op *net.OpError
		if n != 0 || waited || !errors.As(err, &op) || op.Op != "write" || op.Addr == nil || op.Source == nil {
			t.Errorf("%d bytes, waited %v, %#v", n, waited, err)
		}
		if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%v is no reset", err)
		}
	})
	t.Run("write deadline passed", func(t *testing.T) {
		client, _ := pair(t)
		client.SetWriteDeadline(time.Unix(1, 0))
		client.SetReadDeadline(time.Unix(1, 0))
		if n, waited, err := await.Write(client, []byte("ask")); n != 0 || waited || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%d bytes, waited %v, %v", n, waited, err)
		}
	})
}

// What the socket does not take at once is written as by Write, with no wait
// after it, and within the write deadline.
func TestWriteOfMoreThanFits(t *testing.T) {
	const size = 64 << 20
	t.Run("all of it", func(t *testing.T) {
		client, server := pair(t)
		got := make(chan int64)
		go func() {
			n, _ := io.Copy(io.Discard, server)
			got <- n
		}()
		n, waited, err := await.Write(client, make([]byte, size))
		if n != size || waited || err != nil {
			t.Errorf("%d bytes, waited %v, %v", n, waited, err)
		}
		client.Close()
		if n := <-got; n != size {
			t.Errorf("%d bytes arrived", n)
		}
	})
	t.Run("up to the deadline", func(t *testing.T) {
		client, _ := pair(t)
		client.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
		n, waited, err := await.Write(client, make([]byte, size))
		if n == 0 || n == size || waited || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%d bytes, waited %v, %v", n, waited, err)
		}
	})
	t.Run("none of it, up to the deadline", func(t *testing.T) {
		client, _ := pair(t)
		for {
			// The system may find room yet: until there was none, and is none.
			for n := 1; n > 0; {
				client.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
				n, _ = client.Write(make([]byte, size))
			}
			client.SetDeadline(time.Now().Add(50 * time.Millisecond))
			n, waited, err := await.Write(client, []byte("ask"))
			if n > 0 {
				continue
			}
			if waited || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("waited %v, %v", waited, err)
			}
			break
		}
	})
}
