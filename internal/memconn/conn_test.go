package memconn

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

func pair(t *testing.T) (a, b *Conn) {
	t.Helper()
	a, b = Pipe()
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

func write(t *testing.T, c net.Conn, s string) {
	t.Helper()
	if n, err := io.WriteString(c, s); n != len(s) || err != nil {
		t.Fatalf("Write(%q) = %d, %v", s, n, err)
	}
}

func read(t *testing.T, c net.Conn, want string) {
	t.Helper()
	p := make([]byte, len(want))
	if n, err := io.ReadFull(c, p); err != nil || string(p) != want {
		t.Fatalf("read %q (%d bytes), %v; want %q", p[:n], n, err, want)
	}
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("%s: error %v, want %v", what, err, want)
	}
	if op := (*net.OpError)(nil); want != io.EOF && !errors.As(err, &op) {
		t.Fatalf("%s: error is a %T, want *net.OpError", what, err)
	}
}

func readErr(c net.Conn) error {
	_, err := c.Read(make([]byte, 1))
	return err
}

func writeErr(c net.Conn) error {
	_, err := c.Write([]byte("x"))
	return err
}

func TestBothEndsWriteBeforeEitherReads(t *testing.T) {
	a, b := pair(t)
	write(t, a, "ping")
	write(t, b, "pong")
	if n := b.Buffered(); n != 4 {
		t.Errorf("Buffered = %d, want 4", n)
	}
	read(t, b, "ping")
	read(t, a, "pong")
	if a.LocalAddr().String() != b.RemoteAddr().String() || a.LocalAddr().Network() != "mem" {
		t.Errorf("addresses: a is %v, b sees %v", a.LocalAddr(), b.RemoteAddr())
	}
	if n := a.Counts(); n.BytesRead != 4 || n.BytesWritten != 4 || n.Reads != 1 || n.Writes != 1 || n.Waiting != 0 {
		t.Errorf("counts = %+v", n)
	}
}

func TestReader(t *testing.T) {
	for _, max := range []int{0, 1, 7} {
		a, b := pair(t)
		want := bytes.Repeat([]byte("0123456789"), 300)
		write(t, a, string(want))
		a.CloseWrite()
		b.MaxRead(max)
		if err := iotest.TestReader(b, want); err != nil {
			t.Errorf("MaxRead(%d): %v", max, err)
		}
	}
}

func TestMaxReadIsByteByByte(t *testing.T) {
	a, b := pair(t)
	b.MaxRead(1)
	write(t, a, "xyz")
	p := make([]byte, 8)
	for _, want := range "xyz" {
		if n, err := b.Read(p); n != 1 || err != nil || rune(p[0]) != want {
			t.Fatalf("Read = %d, %v, %q; want one byte %q", n, err, p[:n], want)
		}
	}
	b.MaxRead(0)
	write(t, a, "xyz")
	if n, _ := b.Read(p); n != 3 {
		t.Fatalf("MaxRead(0): %d bytes, want 3", n)
	}
}

func TestWriteLargerThanBufferWaitsForReader(t *testing.T) {
	for _, size := range []int{1, 3, 512, 4096} {
		synctest.Test(t, func(t *testing.T) {
			a, b := PipeSize(size)
			want := make([]byte, 10*size+1)
			for i := range want {
				want[i] = byte(i * 7)
			}
			done := make(chan error, 1)
			go func() {
				_, err := a.Write(want)
				a.Close()
				done <- err
			}()
			synctest.Wait()
			if n := a.Counts(); n.Waiting != size {
				t.Errorf("size %d: %d bytes wait, want a full buffer", size, n.Waiting)
			}
			got, err := io.ReadAll(b)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("size %d: %d bytes, %v; want %d", size, len(got), err, len(want))
			}
			if err := <-done; err != nil {
				t.Errorf("size %d: Write: %v", size, err)
			}
		})
	}
}

func TestCapacityChangesWhileInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := PipeSize(4)
		go func() { write(t, a, "0123456789"); a.Close() }()
		synctest.Wait()
		if n := a.Counts().Waiting; n != 4 {
			t.Errorf("%d bytes wait, want 4", n)
		}
		a.SetCapacity(8)
		synctest.Wait()
		if n := a.Counts().Waiting; n != 8 {
			t.Errorf("%d bytes wait after SetCapacity(8), want 8", n)
		}
		a.SetCapacity(2) // below what is on its way: nothing is lost
		if got, err := io.ReadAll(b); string(got) != "0123456789" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
	})
}

func TestEndings(t *testing.T) {
	for _, tt := range []struct {
		name  string
		end   func(a, b *Conn)
		call  func(a, b *Conn) error
		want  error
		after string // what b can still read first
	}{
		{"own close, read", func(a, b *Conn) { b.Close() }, func(a, b *Conn) error { return readErr(b) }, net.ErrClosed, ""},
		{"own close, write", func(a, b *Conn) { b.Close() }, func(a, b *Conn) error { return writeErr(b) }, net.ErrClosed, ""},
		{"own close, empty read", func(a, b *Conn) { b.Close() }, func(a, b *Conn) error { _, err := b.Read(nil); return err }, net.ErrClosed, ""},
		{"own close, deadline", func(a, b *Conn) { b.Close() }, func(a, b *Conn) error { return b.SetDeadline(time.Time{}) }, net.ErrClosed, ""},
		{"own close, read deadline", func(a, b *Conn) { b.Close() }, func(a, b *Conn) error { return b.SetReadDeadline(time.Time{}) }, net.ErrClosed, ""},
		{"own close, write deadline", func(a, b *Conn) { b.Close() }, func(a, b *Conn) error { return b.SetWriteDeadline(time.Time{}) }, net.ErrClosed, ""},
		{"own close, twice", func(a, b *Conn) { b.Close() }, func(a, b *Conn) error { return b.Close() }, net.ErrClosed, ""},
		{"own close, half-close", func(a, b *Conn) { b.Close() }, func(a, b *Conn) error { return b.CloseWrite() }, net.ErrClosed, ""},
		{"peer close, read", func(a, b *Conn) { a.Close() }, func(a, b *Conn) error { return readErr(b) }, io.EOF, "rest"},
		{"peer close, write", func(a, b *Conn) { a.Close() }, func(a, b *Conn) error { return writeErr(b) }, syscall.EPIPE, ""},
		{"peer half-close, read", func(a, b *Conn) { a.CloseWrite() }, func(a, b *Conn) error { return readErr(b) }, io.EOF, "rest"},
		{"peer half-close, its own write", func(a, b *Conn) { a.CloseWrite() }, func(a, b *Conn) error { return writeErr(a) }, syscall.EPIPE, ""},
		{"peer half-close then close, read", func(a, b *Conn) { a.CloseWrite(); a.Close() }, func(a, b *Conn) error { return readErr(b) }, io.EOF, "rest"},
		{"peer reset, read", func(a, b *Conn) { a.Reset() }, func(a, b *Conn) error { return readErr(b) }, syscall.ECONNRESET, ""},
		{"peer reset, write", func(a, b *Conn) { a.Reset() }, func(a, b *Conn) error { return writeErr(b) }, syscall.ECONNRESET, ""},
		{"peer reset after, read", func(a, b *Conn) { a.ResetAfter() }, func(a, b *Conn) error { return readErr(b) }, syscall.ECONNRESET, "rest"},
		{"peer reset after, write", func(a, b *Conn) { a.ResetAfter() }, func(a, b *Conn) error { return writeErr(b) }, syscall.ECONNRESET, ""},
		{"own reset after, read", func(a, b *Conn) { b.ResetAfter() }, func(a, b *Conn) error { return readErr(b) }, net.ErrClosed, ""},
		{"own reset, read", func(a, b *Conn) { b.Reset() }, func(a, b *Conn) error { return readErr(b) }, net.ErrClosed, ""},
		{"own reset, write", func(a, b *Conn) { b.Reset() }, func(a, b *Conn) error { return writeErr(b) }, net.ErrClosed, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, b := pair(t)
			write(t, a, "rest")
			tt.end(a, b)
			if tt.after != "" {
				read(t, b, tt.after)
			}
			wantErr(t, tt.name, tt.call(a, b), tt.want)
		})
	}
}

func TestEndingsWakeBlockedCalls(t *testing.T) {
	for _, tt := range []struct {
		name            string
		end             func(a, b *Conn)
		onRead, onWrite error // of b
	}{
		{"own close", func(a, b *Conn) { b.Close() }, net.ErrClosed, net.ErrClosed},
		{"own reset", func(a, b *Conn) { b.Reset() }, net.ErrClosed, net.ErrClosed},
		{"peer close", func(a, b *Conn) { a.Close() }, io.EOF, syscall.EPIPE},
		{"peer reset", func(a, b *Conn) { a.Reset() }, syscall.ECONNRESET, syscall.ECONNRESET},
		{"past deadline", func(a, b *Conn) { b.SetDeadline(time.Unix(1, 0)) }, os.ErrDeadlineExceeded, os.ErrDeadlineExceeded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := PipeSize(1)
				write(t, b, "x") // fills the buffer
				var rerr, werr error
				var wg sync.WaitGroup
				wg.Go(func() { rerr = readErr(b) })
				wg.Go(func() { werr = writeErr(b) })
				synctest.Wait()
				tt.end(a, b)
				wg.Wait()
				wantErr(t, "Read", rerr, tt.onRead)
				wantErr(t, "Write", werr, tt.onWrite)
			})
		})
	}
}

func TestOwnHalfCloseWakesBlockedWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, b := PipeSize(1)
		done := make(chan error)
		go func() { n, err := b.Write([]byte("xy")); _ = n; done <- err }()
		synctest.Wait()
		b.CloseWrite()
		wantErr(t, "Write", <-done, syscall.EPIPE)
	})
}

func TestDeadlinesFollowTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := PipeSize(1)
		start := time.Now()
		at := func(what string, err error, want time.Duration) {
			t.Helper()
			wantErr(t, what, err, os.ErrDeadlineExceeded)
			var ne net.Error
			if !errors.As(err, &ne) || !ne.Timeout() {
				t.Errorf("%s: %v is no timeout", what, err)
			}
			if d := time.Since(start); d != want {
				t.Errorf("%s: after %v, want %v", what, d, want)
			}
		}
		a.SetReadDeadline(start.Add(300 * time.Millisecond))
		at("read", readErr(a), 300*time.Millisecond)
		at("read again", readErr(a), 300*time.Millisecond)

		a.SetReadDeadline(start.Add(time.Second)) // a later one revives
		at("read, later deadline", readErr(a), time.Second)

		// Without a monotonic reading.
		a.SetReadDeadline(start.Add(2 * time.Second).Round(0))
		at("read, wall clock", readErr(a), 2*time.Second)

		a.SetWriteDeadline(start.Add(3 * time.Second))
		n, err := a.Write([]byte("xyz"))
		at("write", err, 3*time.Second)
		if n != 1 {
			t.Errorf("Write took %d bytes, want the 1 there was room for", n)
		}

		a.SetDeadline(start.Add(4 * time.Second))
		at("write, both", writeErr(a), 4*time.Second)
		at("read, both", readErr(a), 4*time.Second)
	})
}

func TestPassedDeadlineWinsOverWaitingBytes(t *testing.T) {
	a, b := pair(t)
	write(t, a, "x")
	b.SetReadDeadline(time.Unix(1, 0))
	wantErr(t, "read", readErr(b), os.ErrDeadlineExceeded)
	b.SetReadDeadline(time.Time{})
	read(t, b, "x")
}

func TestMovedDeadlineDoesNotFire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe()
		got := make(chan error)
		b.SetReadDeadline(time.Now().Add(time.Second))
		go func() { got <- readErr(b) }()
		synctest.Wait()
		b.SetReadDeadline(time.Time{})
		<-time.After(time.Hour) // of the fake clock
		select {
		case err := <-got:
			t.Fatalf("Read ended with %v although the deadline was taken back", err)
		default:
		}
		write(t, a, "x")
		if err := <-got; err != nil {
			t.Fatal(err)
		}
	})
}

// A timer that fires while its deadline is being moved is late: it must look again.
func TestLateTimerDoesNothing(t *testing.T) {
	a, b := pair(t)
	b.SetReadDeadline(time.Now().Add(time.Hour))
	b.in.rdead.fire()
	write(t, a, "x")
	read(t, b, "x")
	b.SetReadDeadline(time.Time{})
	b.in.rdead.fire()
	write(t, a, "y")
	read(t, b, "y")
}

func TestSettingDeadlinesAllocatesNothing(t *testing.T) {
	a, _ := pair(t)
	when := time.Now().Add(time.Hour)
	a.SetDeadline(when)
	if n := testing.AllocsPerRun(100, func() { a.SetDeadline(when); a.SetDeadline(time.Time{}) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func TestWaitingBytesDoNotGrowTheBuffer(t *testing.T) {
	a, b := PipeSize(1024)
	p := make([]byte, 1)
	for range 100_000 {
		write(t, a, "xy")
		b.Read(p)
		b.Read(p)
	}
	if n := cap(a.out.buf); n > 4096 {
		t.Errorf("the buffer is %d bytes for a limit of 1024", n)
	}
	write(t, a, string(make([]byte, 1000)))
	for range 10_000 { // nearly full all the time
		write(t, a, "x")
		b.Read(p)
	}
	if n := cap(a.out.buf); n > 4096 {
		t.Errorf("the buffer is %d bytes for a limit of 1024", n)
	}
}

// Everything at once, for the race detector; it ends because Close wakes all.
func TestConcurrentCalls(t *testing.T) {
	a, b := PipeSize(16)
	var wg sync.WaitGroup
	for _, c := range []*Conn{a, b} {
		for i := range 4 {
			wg.Go(func() {
				p := make([]byte, 5)
				for {
					if _, err := c.Read(p); errors.Is(err, net.ErrClosed) || err == io.EOF {
						return
					}
				}
			})
			wg.Go(func() {
				for {
					if _, err := c.Write([]byte("0123456")); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
						return
					}
				}
			})
			wg.Go(func() {
				for j := range 500 {
					c.SetDeadline(time.Now().Add(time.Duration(j%3) * time.Microsecond))
					c.SetReadDeadline(time.Now().Add(time.Microsecond))
					c.SetWriteDeadline(time.Time{})
					c.Counts()
					c.MaxRead(j % 3)
					c.SetCapacity(j%20 + 1)
				}
				if i == 0 {
					c.Close()
				}
			})
		}
	}
	wg.Wait()
}
