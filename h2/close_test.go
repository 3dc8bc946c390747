package h2_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/h2"
	"gohttpx.dev/internal/memconn"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/wire"
)

func TestDrain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{})
		changes := make(chan struct{}, 100)
		f.c.OnChange(func() { changes <- struct{}{} })
		k := f.do(t.Context(), get("/"))
		f.WantHeaders(1, "", "a request")
		if !f.c.Reserve() {
			t.Fatal("no slot")
		}
		f.c.Drain()
		f.phase(wire.ConnDraining)
		if f.c.Reserve() || len(changes) != 1 {
			t.Errorf("draining: %d changes", len(changes))
		}
		f.Respond(1, "200", "x")
		k.ok(200, "x")
		f.phase(wire.ConnDraining)
		f.c.Release()
		f.WantGoAway(h2.NoError, "the last slot was given back")
		f.phase(wire.ConnClosed)
	})
}

func TestCloseFailsStreams(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{})
		a := f.do(t.Context(), get("/"))
		f.WantHeaders(1, "", "a request")
		b := f.head(t.Context(), get("/"))
		f.WantHeaders(3, "", "a request")
		f.SendHeaders(3, false, ":status", "200")
		f.SendData(3, "lost", true)
		b.wait()
		synctest.Wait()
		f.c.Close()
		f.c.Close()
		a.fails(wire.ErrClosed)
		b.read()
		b.fails(wire.ErrClosed)
		f.WantGoAway(h2.NoError, "goodbye")
		f.inFlight(0)
		var res wire.Response
		if err := f.c.RoundTrip(t.Context(), get("/"), &res); !errors.Is(err, wire.ErrClosed) {
			t.Errorf("got %v", err)
		}
	})
}

// A peer that takes nothing must not hold Close up.
func TestCloseOfStuckConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{})
		f.nc.SetCapacity(10)
		k := f.do(t.Context(), never(get("/"+strings.Repeat("x", 5000))))
		synctest.Wait()
		began := time.Now()
		f.c.Close()
		k.fails(wire.ErrClosed)
		if d := time.Since(began); d != 0 {
			t.Errorf("Close took %v", d)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if !f.nc.Closed() {
			t.Error("the socket is open")
		}
	})
}

// crypto/tls gives its closure alert five seconds.
func TestCloseOfStuckTLS(t *testing.T) {
	cert, pool := peer.Cert(t, "example.test")
	for _, tt := range []struct {
		name string
		room int // what the socket takes of the end
	}{
		{"nothing", 1},
		{"GOAWAY", 45},
		{"GOAWAY and the alert", 1000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				nc, p := peerPair(t, 1<<16)
				server := tls.Server(p, &tls.Config{Certificates: []tls.Certificate{cert}, SessionTicketsDisabled: true})
				client := tls.Client(nc, &tls.Config{RootCAs: pool, ServerName: "example.test"})
				go server.Handshake()
				if err := client.Handshake(); err != nil {
					t.Fatal(err)
				}
				c, err := h2.NewConn(t.Context(), client, h2.Config{})
				if err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				nc.SetCapacity(p.Buffered() + tt.room)
				began := time.Now()
				c.Close()
				if d := time.Since(began); d != 0 {
					t.Errorf("Close took %v", d)
				}
				time.Sleep(time.Second)
				synctest.Wait()
				if !nc.Closed() {
					t.Error("the socket is open after a second")
				}
			})
		})
	}
}

// noDeadlines is a connection that has none, like a channel of SSH.
type noDeadlines struct{ *memconn.Conn }

func (noDeadlines) SetDeadline(time.Time) error      { return errors.ErrUnsupported }
func (noDeadlines) SetReadDeadline(time.Time) error  { return errors.ErrUnsupported }
func (noDeadlines) SetWriteDeadline(time.Time) error { return errors.ErrUnsupported }

// gone is a connection whose peer has become silent for the system's patience.
type gone struct {
	*memconn.Conn
	on    atomic.Bool
	other *peer.H2Script
}

func (g *gone) Write(p []byte) (int, error) {
	if g.on.Load() {
		g.other.Close()
		return 0, &net.OpError{Op: "write", Net: "tcp", Err: syscall.ETIMEDOUT}
	}
	return g.Conn.Write(p)
}

// The system's ETIMEDOUT says Timeout too, but it is none of our limits.
func TestSystemsTimeout(t *testing.T) {
	bubble(t, func(t *testing.T) {
		nc, p := peer.H2(t)
		g := &gone{Conn: nc, other: p}
		c, err := h2.NewConn(t.Context(), g, h2.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		p.Start()
		synctest.Wait()
		g.on.Store(true)
		err = c.RoundTrip(t.Context(), get("/"), new(wire.Response))
		var e *wire.Error
		if !errors.Is(err, syscall.ETIMEDOUT) || errors.Is(err, wire.ErrTimeout) || !errors.As(err, &e) {
			t.Fatalf("got %v", err)
		}
		if e.Kind != wire.KindNetwork || !e.Remote || !e.Sent {
			t.Errorf("got %+v: the peer has ended nothing, and may have received the request", e)
		}
	})
}

func TestStuckWithoutDeadlines(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  h2.Config
		end  func(c *h2.Conn)
		in   time.Duration
	}{
		{"Close", h2.Config{}, func(c *h2.Conn) { c.Close() }, time.Second},
		{"no answer to a PING", h2.Config{}, func(*h2.Conn) {}, 21 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				nc, p := peer.H2(t)
				c, err := h2.NewConn(t.Context(), noDeadlines{nc}, tt.cfg)
				if err != nil {
					t.Fatal(err)
				}
				p.Start()
				nc.SetCapacity(10)
				began := time.Now()
				done := make(chan error)
				go func() {
					var res wire.Response
					done <- c.RoundTrip(t.Context(), never(get("/"+strings.Repeat("~", 1000))), &res)
				}()
				synctest.Wait()
				tt.end(c)
				if err := <-done; err == nil {
					t.Error("no error")
				}
				time.Sleep(time.Second)
				synctest.Wait()
				if !nc.Closed() || time.Since(began) > tt.in {
					t.Errorf("closed: %v after %v", nc.Closed(), time.Since(began))
				}
			})
		})
	}
	t.Run("NewConn", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			nc, _ := peerPair(t, 4)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			began := time.Now()
			_, err := h2.NewConn(ctx, noDeadlines{nc}, h2.Config{})
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second || !nc.Closed() {
				t.Errorf("got %v after %v", err, time.Since(began))
			}
		})
	})
}

func TestNewConnGivesUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		nc, p := peerPair(t, 4)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		top := &aboveSocket{Conn: nc}
		_, err := h2.NewConn(ctx, top, h2.Config{RawConn: nc})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second || !nc.Closed() || !top.closed {
			t.Errorf("got %v after %v; what is above the socket is closed: %t", err, time.Since(began), top.closed)
		}
		p.Close()
	})
}

// aboveSocket is a connection that may hold more than the socket beneath it.
type aboveSocket struct {
	net.Conn
	closed bool
}

func (c *aboveSocket) Close() error {
	c.closed = true
	return c.Conn.Close()
}

// The only slot comes free again with a request that was never sent, and the pool is
// told at once: others may wait for it, and nothing else would tell.
func TestUnsentFreesSlot(t *testing.T) {
	for name, fail := range map[string]func(t *testing.T, f *fixture) error{
		"a bad field": func(t *testing.T, f *fixture) error {
			req := get("/")
			req.Fields.Add("bad name", "x")
			return f.c.RoundTrip(t.Context(), req, new(wire.Response))
		},
		"cancelled before": func(t *testing.T, f *fixture) error {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			return f.c.RoundTrip(ctx, get("/"), new(wire.Response))
		},
		"larger than the peer takes": func(t *testing.T, f *fixture) error {
			return f.c.RoundTrip(t.Context(), get("/"+strings.Repeat("x", 1000)), new(wire.Response))
		},
		"a body that is too short": func(t *testing.T, f *fixture) error {
			return f.c.RoundTrip(t.Context(), post("/", text("x"), 2), new(wire.Response))
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := start(t, h2.Config{MaxConcurrent: 1}, h2.Setting{ID: h2.SettingMaxHeaderListSize, Value: 500})
				calls := 0
				f.c.OnChange(func() { calls++ })
				if !f.c.Reserve() || f.c.Reserve() {
					t.Fatal("not one slot")
				}
				if err := fail(t, f); err == nil {
					t.Error("sent")
				}
				if calls != 1 || !f.c.Reserve() {
					t.Errorf("%d calls of the hook, %+v", calls, f.c.State())
				}
				if name == "larger than the peer takes" && f.c.Spare() != 1 { // the others had no object yet
					t.Error("the stream's object is not used again")
				}
				f.WantIdle("nothing was sent")
			})
		})
	}
}
