package h1_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/h1"
	"gohttpx.dev/internal/memconn"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/wire"
)

var errWhy = errors.New("the reason why")

func wantCanceled(t testing.TB, err error, phase wire.Phase, sent bool) {
	t.Helper()
	wantErr(t, err, phase, wire.KindCanceled, false, sent, "context canceled")
	if !errors.Is(err, context.Canceled) || !errors.Is(err, errWhy) {
		t.Errorf("%v does not unwrap to context.Canceled and the cause", err)
	}
}

// stuck is a body whose Read blocks until it is closed, or for ever.
type stuck struct {
	first   string
	deaf    bool          // Close does not wake Read
	reading chan struct{} // closed when a Read blocks
	release chan struct{} // closed to let it go
	once    sync.Once
	closes  atomic.Int32
}

func newStuck(first string, deaf bool) *stuck {
	return &stuck{first: first, deaf: deaf, reading: make(chan struct{}), release: make(chan struct{})}
}

func (s *stuck) Read(p []byte) (int, error) {
	if s.first != "" {
		n := copy(p, s.first)
		s.first = s.first[n:]
		return n, nil
	}
	s.once.Do(func() { close(s.reading) })
	<-s.release
	return 0, errors.New("released")
}

func (s *stuck) Close() error {
	s.closes.Add(1)
	if !s.deaf {
		close(s.release)
	}
	return nil
}

func TestCancel(t *testing.T) {
	bg, cancel0 := context.WithCancelCause(context.Background())
	cancel0(errWhy)
	t.Run("before anything is sent", func(t *testing.T) {
		r := newRig(t, h1.Config{})
		r.script(func() {
			r.p.WantRequest("GET /next HTTP/1.1", "nothing was sent before")
			r.p.Respond("200 OK", "")
		})
		b := bodyOf("x")
		wantCanceled(t, r.do(bg, post(b, 1), new(wire.Response)), wire.PhaseWrite, false)
		if b.closes.Load() != 1 {
			t.Error("body not closed")
		}
		r.wantFree(1, wire.ConnOpen)
		if err := r.do(context.Background(), get("/next"), new(wire.Response)); err != nil {
			t.Error(err)
		}
	})
	for _, end := range []string{"cancel", "close"} {
		finish := func(t *testing.T, r *rig, cancel context.CancelCauseFunc) {
			if end == "cancel" {
				cancel(errWhy)
			} else if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
		check := func(t *testing.T, err error, phase wire.Phase) {
			t.Helper()
			if end == "cancel" {
				wantCanceled(t, err, phase, true)
			} else {
				wantErr(t, err, phase, wire.KindClosed, false, true, "closed by its owner")
			}
		}
		t.Run(end+" while the head is awaited", func(t *testing.T) {
			r := newRig(t, h1.Config{})
			ctx, cancel := context.WithCancelCause(context.Background())
			r.script(func() {
				r.p.WantRequest("GET / HTTP/1.1", "the request")
				r.p.Send("HTTP/1.1 200")
				finish(t, r, cancel)
				r.p.WantClosed("it was cancelled")
			})
			check(t, r.do(ctx, get("/"), new(wire.Response)), wire.PhaseHead)
			r.wantFree(1, wire.ConnClosed)
		})
		t.Run(end+" while the content is read", func(t *testing.T) {
			r := newRig(t, h1.Config{})
			ctx, cancel := context.WithCancelCause(context.Background())
			goOn := make(chan struct{})
			r.script(func() {
				r.p.WantRequest("GET / HTTP/1.1", "the request")
				r.p.Send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
				<-goOn
				finish(t, r, cancel)
				r.p.WantClosed("it was cancelled")
			})
			var res wire.Response
			if err := r.do(ctx, get("/"), &res); err != nil {
				t.Fatal(err)
			}
			res.Body.Read(make([]byte, 10))
			close(goOn)
			_, err := res.Body.Read(make([]byte, 10))
			check(t, err, wire.PhaseBody)
			r.wantFree(1, wire.ConnClosed)
		})
		t.Run(end+" while the content is held unread", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, h1.Config{})
				ctx, cancel := context.WithCancelCause(context.Background())
				r.script(func() {
					r.p.WantRequest("GET / HTTP/1.1", "the request")
					r.p.Send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
					r.p.WantClosed("it was cancelled")
				})
				var res wire.Response
				if err := r.do(ctx, get("/"), &res); err != nil {
					t.Fatal(err)
				}
				finish(t, r, cancel)
				synctest.Wait()
				r.wantFree(1, wire.ConnClosed) // there and then
				_, err := res.Body.Read(make([]byte, 10))
				check(t, err, wire.PhaseBody)
				if err := res.Body.Close(); err != nil {
					t.Error(err)
				}
				r.wantFree(1, wire.ConnClosed)
			})
		})
		for _, deaf := range []bool{false, true} {
			name := end + " while the body's Read blocks"
			if deaf {
				name += " and Close does not wake it"
			}
			for _, first := range []string{"", "some data"} {
				for _, n := range []int64{-1, 20, 30_000} {
					t.Run(name, func(t *testing.T) {
						r := newRig(t, h1.Config{})
						ctx, cancel := context.WithCancelCause(context.Background())
						b := newStuck(first, deaf)
						sent := n != 20 // a short body is read before anything is sent
						r.script(func() {
							if sent {
								r.p.WantHead("POST /up HTTP/1.1", "the head")
							}
							<-b.reading
							finish(t, r, cancel)
							io.Copy(io.Discard, r.p.Conn)
						})
						err := r.do(ctx, post(b, n), new(wire.Response))
						if end == "cancel" {
							wantCanceled(t, err, wire.PhaseHead, sent)
						} else {
							wantErr(t, err, wire.PhaseHead, wire.KindClosed, false, sent, "closed by its owner")
						}
						r.wantFree(1, wire.ConnClosed)
						eventually(t, "the body is closed", func() bool { return b.closes.Load() == 1 })
						if deaf {
							close(b.release)
						}
					})
				}
			}
		}
		t.Run(end+" while a write stands still", func(t *testing.T) {
			for _, big := range []io.ReadCloser{bodyOf(strings.Repeat("x", 300_000)), io.NopCloser(strings.NewReader(strings.Repeat("x", 300_000)))} {
				r := newRig(t, h1.Config{})
				ctx, cancel := context.WithCancelCause(context.Background())
				r.p.Go(func() {
					nc := r.nc.(*memconn.Conn)
					eventually(t, "the buffer is full", func() bool { return nc.Counts().Waiting == memconn.DefaultSize })
					finish(t, r, cancel)
				})
				check(t, r.do(ctx, post(big, 300_000), new(wire.Response)), wire.PhaseHead)
				r.wantFree(1, wire.ConnClosed)
			}
		})
	}
	t.Run("after the end", func(t *testing.T) {
		r := newRig(t, h1.Config{})
		ctx, cancel := context.WithCancelCause(context.Background())
		r.script(func() {
			for range 2 {
				r.p.WantRequest("GET / HTTP/1.1", "the request")
				r.p.Respond("200 OK", "abc")
			}
		})
		for range 2 {
			var res wire.Response
			if err := r.do(ctx, get("/"), &res); err != nil {
				t.Fatal(err)
			}
			readAll(t, res.Body, "abc")
			cancel(errWhy)
			ctx, cancel = context.WithCancelCause(context.Background())
		}
		defer cancel(nil)
		r.wantFree(2, wire.ConnOpen)
	})
	t.Run("by the context's deadline", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, h1.Config{})
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			start := time.Now()
			err := r.do(ctx, get("/"), new(wire.Response))
			if d := time.Since(start); d != time.Second {
				t.Errorf("after %v", d)
			}
			wantErr(t, err, wire.PhaseHead, wire.KindCanceled, false, true, "deadline exceeded")
			if !errors.Is(err, wire.ErrTimeout) || errors.Is(err, wire.ErrReadTimeout) {
				t.Error("sentinels")
			}
		})
	})
}

// A handle that has outlived its exchange never reads the next response.
func TestStaleHandle(t *testing.T) {
	r := newRig(t, h1.Config{})
	r.script(func() {
		for range 2 {
			r.p.WantRequest("GET / HTTP/1.1", "the request")
			r.p.Respond("200 OK", "abcdef")
		}
	})
	var res1, res2 wire.Response
	if err := r.do(context.Background(), get("/"), &res1); err != nil {
		t.Fatal(err)
	}
	readAll(t, res1.Body, "abcdef")
	if err := r.do(context.Background(), get("/"), &res2); err != nil {
		t.Fatal(err)
	}
	if n, err := res1.Body.Read(make([]byte, 3)); n != 0 || err != wire.ErrBodyClosed {
		t.Errorf("stale read: %d, %v", n, err)
	}
	if err := res1.Body.Close(); err != nil {
		t.Errorf("stale close: %v", err)
	}
	if _, err := res1.Body.Detach(); err != wire.ErrBodyClosed {
		t.Errorf("stale detach: %v", err)
	}
	readAll(t, res2.Body, "abcdef")
	r.wantFree(2, wire.ConnOpen)
}

func TestCloseWhileReading(t *testing.T) {
	r := newRig(t, h1.Config{})
	r.script(func() {
		r.p.WantRequest("GET / HTTP/1.1", "the request")
		r.p.Send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
		r.p.WantClosed("the content was given up")
	})
	var res wire.Response
	if err := r.do(context.Background(), get("/"), &res); err != nil {
		t.Fatal(err)
	}
	reads := r.nc.(*memconn.Conn).Counts().Reads
	got := make(chan error)
	go func() {
		_, err := res.Body.Read(make([]byte, 10))
		got <- err
	}()
	eventually(t, "the read is in the socket", func() bool { return r.nc.(*memconn.Conn).Counts().Reads > reads })
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
	if err := <-got; err != wire.ErrBodyClosed {
		t.Errorf("read says %v", err)
	}
	r.wantFree(1, wire.ConnClosed)
}

// Read beside Close beside cancel, over and over; the race detector looks on.
func TestReadCloseCancelStress(t *testing.T) {
	const rounds = 1500
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range rounds {
		nc, other := memconn.Pipe()
		r := rigOver(t, h1.Config{DrainTime: time.Millisecond}, nc, nil)
		chunked, upload, split := rng.IntN(2) == 0, rng.IntN(3) == 0, rng.IntN(3)
		seed := rng.Uint64()
		var peerDone sync.WaitGroup
		peerDone.Go(func() {
			buf := make([]byte, 2000)
			other.Read(buf) // the head
			s := "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789"
			if chunked {
				s = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n"
			}
			io.WriteString(other, s[:len(s)-split*4])
			yield()
			io.WriteString(other, s[len(s)-split*4:])
			io.Copy(io.Discard, other)
		})
		ctx, cancel := context.WithCancelCause(context.Background())
		req := get("/")
		b := bodyOf(strings.Repeat("x", 20_000))
		if upload {
			req = post(b, -1)
		}
		var wg sync.WaitGroup
		rng2 := rand.New(rand.NewPCG(seed, 3))
		early, closer, canceller, owner := rng2.IntN(4) == 0, rng2.IntN(2) == 0, rng2.IntN(2) == 0, rng2.IntN(8) == 0
		if early {
			wg.Go(func() { cancel(errWhy) })
		}
		var res wire.Response
		err := r.do(ctx, req, &res)
		if err == nil {
			handle := res.Body
			wg.Go(func() {
				got, err := io.ReadAll(handle)
				var e *wire.Error
				switch {
				case err == nil && string(got) != "0123456789":
					t.Errorf("round %d: content %q", i, got)
				case err != nil && err != wire.ErrBodyClosed && !errors.As(err, &e):
					t.Errorf("round %d: %T %v", i, err, err)
				}
			})
			if closer {
				wg.Go(func() { handle.Close() })
				wg.Go(func() { handle.Close() })
			}
		}
		if canceller {
			wg.Go(func() { cancel(errWhy) })
		}
		if owner {
			wg.Go(func() { r.Close() })
			wg.Go(r.Drain)
			wg.Go(func() { r.Healthy(); r.State() })
		}
		wg.Wait()
		cancel(nil)
		if err == nil {
			res.Body.Close()
		}
		eventually(t, "the slot is free", func() bool { return r.State().InFlight == 0 })
		if n := r.freed.Load(); n > 1 {
			t.Fatalf("round %d: freed %d times", i, n)
		}
		r.Close()
		other.Close()
		peerDone.Wait()
		if upload {
			eventually(t, "the body is closed", func() bool { return b.closes.Load() == 1 })
		}
	}
}

// The first write may have reached the peer in part before it was cut off.
func TestSentWhileTheFirstWriteStandsStill(t *testing.T) {
	a, b := memconn.PipeSize(100)
	t.Cleanup(func() { b.Close() })
	r := rigOver(t, h1.Config{}, a, nil)
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() {
		eventually(t, "the buffer is full", func() bool { return a.Counts().Waiting == 100 })
		cancel(errWhy)
	}()
	wantCanceled(t, r.do(ctx, post(bodyOf(strings.Repeat("x", 10_000)), 10_000), new(wire.Response)), wire.PhaseHead, true)
	r.wantFree(1, wire.ConnClosed)
}

// tellConn calls a function when a read has brought bytes, before anybody knows.
type tellConn struct {
	*memconn.Conn
	got func(p []byte)
}

func (c *tellConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.got(p[:n])
	}
	return n, err
}

// A Close that comes while the head or content is being read finds the exchange
// with its owner, who has to end it: not only at the next read.
func TestCloseWhileBytesArrive(t *testing.T) {
	for _, when := range []string{"HTTP/1.1", "abc"} {
		t.Run(when, func(t *testing.T) {
			nc, p := peer.H1(t)
			tell := &tellConn{Conn: nc}
			r := rigOver(t, h1.Config{}, tell, p)
			tell.got = func(b []byte) {
				if strings.HasPrefix(string(b), when) {
					r.Close()
				}
			}
			goOn := make(chan struct{})
			r.script(func() {
				r.p.WantRequest("GET / HTTP/1.1", "the request")
				r.p.Send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
				<-goOn
				r.p.TrySend("abc")
			})
			var res wire.Response
			err := r.do(context.Background(), get("/"), &res)
			close(goOn)
			if when == "HTTP/1.1" {
				wantErr(t, err, wire.PhaseBody, wire.KindClosed, false, true, "closed by its owner")
				if !res.Body.Ended() {
					t.Error("a failed exchange has a body")
				}
			} else {
				if err != nil {
					t.Fatal(err)
				}
				if n, err := res.Body.Read(make([]byte, 10)); n != 3 || err != nil {
					t.Errorf("%d, %v", n, err)
				}
			}
			r.wantFree(1, wire.ConnClosed) // at once
			if when == "abc" {
				_, err = res.Body.Read(make([]byte, 10))
				wantErr(t, err, wire.PhaseBody, wire.KindClosed, false, true, "closed by its owner")
			}
		})
	}
}
