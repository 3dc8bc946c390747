package h2_test

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"strings"
	"sync"
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

// never is for requests whose end is the connection's business.
func never(req *wire.Request) *wire.Request {
	req.Timeouts = wire.Timeouts{Read: wire.Never, Write: wire.Never}
	return req
}

func TestConnectionLost(t *testing.T) {
	for _, tt := range []struct {
		name   string
		before func(f *fixture)
		want   error
		not    error
		body   string
	}{
		{"before any byte", func(f *fixture) {}, wire.ErrServerClosedIdle, nil, ""},
		{"within the header of a frame", func(f *fixture) {
			f.SendRaw(h2.AppendHeaders(nil, 1, f.Block(":status", "200"), h2.HeadersOptions{})[:8])
		}, wire.ErrServerClosedIdle, nil, ""},
		{"within the head", func(f *fixture) {
			f.SendRaw(h2.AppendHeaders(nil, 1, f.Block(":status", "200", "x", "y"), h2.HeadersOptions{})[:12])
		}, wire.ErrRemoteProtocol, wire.ErrServerClosedIdle, ""},
		{"before CONTINUATION", func(f *fixture) {
			block := f.Block(":status", "200")
			f.SendRaw(h2.AppendRaw(nil, h2.FrameHeader{Length: uint32(len(block)), Type: h2.FrameHeaders, StreamID: 1}, block))
		}, wire.ErrRemoteProtocol, wire.ErrServerClosedIdle, ""},
		{"after an interim response", func(f *fixture) { f.SendHeaders(1, false, ":status", "103") }, wire.ErrRemoteProtocol, wire.ErrServerClosedIdle, ""},
		{"after the head", func(f *fixture) { f.SendHeaders(1, false, ":status", "200") }, wire.ErrRemoteProtocol, wire.ErrServerClosedIdle, ""},
		{"within the body", func(f *fixture) {
			f.SendHeaders(1, false, ":status", "200", "content-length", "10")
			f.SendData(1, "half", false)
		}, wire.ErrRemoteProtocol, wire.ErrServerClosedIdle, "half"},
		{"within a frame", func(f *fixture) {
			f.SendHeaders(1, false, ":status", "200")
			f.SendRaw([]byte("\x00\x00"))
		}, wire.ErrRemoteProtocol, wire.ErrServerClosedIdle, ""},
		{"after GOAWAY", func(f *fixture) { f.SendRaw(h2.AppendGoAway(nil, 1, h2.InternalError, "oops")) }, wire.ErrServerClosedIdle, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := start(t, h2.Config{})
				k := f.do(t.Context(), get("/"))
				f.WantHeaders(1, "", "a request")
				tt.before(f)
				synctest.Wait()
				f.Close()
				e := k.fails(tt.want)
				if tt.not != nil && errors.Is(e, tt.not) || k.body != tt.body || !e.Sent || !e.Remote {
					t.Errorf("got %+v, %q", e, k.body)
				}
				f.phase(wire.ConnClosed)
				f.inFlight(0)
			})
		})
	}
	// As HTTP/1.1 has it: content that ends early breaks the protocol, and a reset
	// is a failure of reading.
	t.Run("reset within the body", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := start(t, h2.Config{})
			k := f.do(t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			f.SendHeaders(1, false, ":status", "200", "content-length", "10")
			f.SendData(1, "half", false)
			synctest.Wait()
			f.Conn.(*memconn.Conn).ResetAfter()
			if e := k.fails(wire.ErrRead); e.Phase != wire.PhaseBody || !e.Remote || errors.Is(e, wire.ErrProtocol) || k.body != "half" {
				t.Errorf("got %+v, %q", e, k.body)
			}
			f.phase(wire.ConnClosed)
			f.inFlight(0)
		})
	})
	// A socket tells of a reset but once: here it tells a write, which comes back
	// later than the read that has met an ordinary end, or before it.
	for name, late := range map[string]struct{ write, read time.Duration }{
		"reset that a write is told of":      {write: time.Millisecond},
		"reset that a write was told before": {read: time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				nc, p := peer.H2(t)
				told := &toldWrite{Conn: nc, write: late.write, read: late.read, writing: make(chan struct{})}
				c, err := h2.NewConn(t.Context(), told, h2.Config{})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { c.Close() })
				f := &fixture{p, t, c, nc}
				f.WantPreface("a connection starts with the preface")
				f.SendSettings()
				f.WantSettingsAck("SETTINGS are acknowledged")
				k := f.do(t.Context(), get("/"))
				f.WantHeaders(1, "", "a request")
				f.SendHeaders(1, false, ":status", "200", "content-length", "10")
				f.SendData(1, "half", false)
				synctest.Wait()
				told.armed.Store(true)
				began := time.Now()
				f.SendRaw(h2.AppendPing(nil, [8]byte{}, false))
				if e := k.fails(wire.ErrRead); errors.Is(e, wire.ErrProtocol) || k.body != "half" {
					t.Errorf("got %+v, %q", e, k.body)
				}
				if d := time.Since(began); d != time.Millisecond {
					t.Errorf("after %v", d)
				}
				f.phase(wire.ConnClosed)
			})
		})
	}
	// Where the write does not come back, it is not waited for, and nobody else comes.
	t.Run("the end, and a write that stands still", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := start(t, h2.Config{Write: wire.Never, PingInterval: -1})
			f.nc.SetCapacity(20)
			k := f.do(t.Context(), never(post("/", stream(100<<10), 100<<10)))
			synctest.Wait()
			began := time.Now()
			f.Conn.(*memconn.Conn).CloseWrite()
			f.phase(wire.ConnDraining)
			if f.c.Reserve() {
				t.Error("a slot for one more")
			}
			k.fails(wire.ErrServerClosedIdle)
			if d := time.Since(began); d > 100*time.Millisecond {
				t.Errorf("after %v", d)
			}
			f.phase(wire.ConnClosed)
		})
	})
	t.Run("a complete response outlives it", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := start(t, h2.Config{})
			k := f.head(t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			f.Respond(1, "200", "whole")
			f.Close()
			k.wait()
			f.phase(wire.ConnClosed)
			k.read()
			k.ok(200, "whole")
			f.inFlight(0)
		})
	})
}

// toldWrite is a socket that the peer resets once it is armed: the next write has
// met that, and a read sees the end. One of them comes back late.
type toldWrite struct {
	net.Conn
	write, read time.Duration // how late
	armed       atomic.Bool
	once        sync.Once
	writing     chan struct{}
}

func (c *toldWrite) Write(p []byte) (int, error) {
	if !c.armed.Load() {
		return c.Conn.Write(p)
	}
	c.once.Do(func() { close(c.writing) })
	time.Sleep(c.write)
	return 0, syscall.ECONNRESET
}

func (c *toldWrite) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.armed.Load() && n > 0 {
		c.Conn.SetReadDeadline(time.Now()) // nothing else comes
	} else if c.armed.Load() {
		<-c.writing
		time.Sleep(c.read)
		return 0, io.EOF
	}
	return n, err
}

// wantQuestion waits for the next question to a silent peer, which must come
// after the pause, and answers it if that is wanted.
func (f *fixture) wantQuestion(i int, began time.Time, pause time.Duration, answer bool) {
	f.t.Helper()
	q := f.Next("a silent peer is asked")
	if d := time.Since(began); d < pause || d > pause+pause/10 {
		f.t.Errorf("question %d after %v, want %v", i, d, pause)
	}
	// gRPC's servers take two PINGs without content in between.
	want := h2.FramePing
	if i >= 2 {
		want = h2.FrameSettings
	}
	if q.Type != want || q.Ack() || want == h2.FrameSettings && q.Length != 0 {
		f.t.Errorf("question %d is %v, want %v", i, q.FrameHeader, want)
	}
	switch {
	case !answer:
	case q.Type == h2.FramePing:
		f.SendRaw(h2.AppendPing(nil, q.Ping(), true))
	default:
		f.SendRaw(h2.AppendSettingsAck(nil))
	}
	synctest.Wait()
}

func TestPing(t *testing.T) {
	t.Run("B6 C10 while a request waits, at one pace", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := start(t, h2.Config{})
			f.Patience = time.Hour
			began := time.Now()
			k := f.do(t.Context(), never(get("/")))
			f.WantHeaders(1, "", "a request")
			for i := range 200 {
				f.wantQuestion(i, began, 15*time.Second, true)
				began = time.Now()
			}
			// Content makes it a PING again.
			f.SendHeaders(1, false, ":status", "200")
			f.SendData(1, "x", false)
			synctest.Wait()
			f.wantQuestion(0, time.Now(), 15*time.Second, false)
			f.SendData(1, "y", true) // as good as an answer
			k.ok(200, "xy")
			f.phase(wire.ConnOpen)
		})
	})
	t.Run("C11 while idle, less and less often", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := start(t, h2.Config{})
			f.Patience = time.Hour
			began := time.Now()
			for i, pause := range []time.Duration{15 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 5 * time.Minute, 5 * time.Minute} {
				f.wantQuestion(i, began, pause, true)
				began = time.Now()
			}
			// Not when somebody waits.
			time.Sleep(20 * time.Second)
			began = time.Now()
			k := f.do(t.Context(), never(get("/")))
			f.WantHeaders(1, "", "a request")
			f.wantQuestion(9, began, 15*time.Second, true)
			f.Respond(1, "200", "ok")
			k.ok(200, "ok")
		})
	})
}

// However long it has waited, and whatever was answered before, a request on a
// dead connection fails within 20 s.
func TestBlackholeAfterQuestions(t *testing.T) {
	for _, answered := range []int{0, 1, 2, 3, 10} {
		bubble(t, func(t *testing.T) {
			f := start(t, h2.Config{})
			f.Patience = time.Hour
			k := f.do(t.Context(), never(get("/")))
			f.WantHeaders(1, "", "a request")
			began := time.Now()
			for i := range answered {
				f.wantQuestion(i, began, 15*time.Second, true)
				began = time.Now()
			}
			f.wantQuestion(answered, began, 15*time.Second, false)
			k.fails(wire.ErrReadTimeout)
			within(t, "failure", time.Since(began), 20*time.Second)
		})
	}
}

// The long pauses of an idle connection are over for each request, also when one
// before it has given up unanswered.
func TestBlackholeAfterLongPause(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{})
		f.Patience = time.Hour
		for i, pause := range []time.Duration{15 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute} {
			f.wantQuestion(i, time.Now(), pause, true)
		}
		time.Sleep(10 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		f.do(ctx, never(get("/"))).fails(context.DeadlineExceeded)
		time.Sleep(20 * time.Second) // nobody waits
		began := time.Now()
		f.do(t.Context(), never(get("/"))).fails(wire.ErrReadTimeout)
		if d := time.Since(began); d > 20*time.Second+time.Millisecond {
			t.Errorf("failed after %v", d)
		}
	})
}

// A peer that sends a frame byte by byte for ever is as good as gone; one that is
// just slow is not.
func TestDribbledFrame(t *testing.T) {
	frame := h2.AppendData(nil, 1, make([]byte, 16<<10), true, 0)
	for _, tt := range []struct {
		name  string
		piece int
		dies  bool
	}{
		{"a byte a second", 1, true},
		{"40 bytes a second", 40, true},
		{"100 bytes a second", 100, false},
		{"300 bytes a second", 300, false},
		{"3 KiB a second", 3 << 10, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := start(t, h2.Config{})
				k := f.do(t.Context(), never(get("/")))
				f.WantHeaders(1, "", "a request")
				f.SendHeaders(1, false, ":status", "200")
				synctest.Wait()
				began := time.Now()
				for rest := frame; len(rest) > 0; {
					n := min(tt.piece, len(rest))
					if f.TrySend(rest[:n]) != nil {
						break
					}
					rest = rest[n:]
					time.Sleep(time.Second)
				}
				if !tt.dies {
					k.ok(200, strings.Repeat("\x00", 16<<10))
					f.phase(wire.ConnOpen)
					return
				}
				k.fails(wire.ErrReadTimeout)
				if d := time.Since(began); d < 19*time.Second || d > 22*time.Second {
					t.Errorf("found out after %v", d)
				}
			})
		})
	}
}

// RFC 9113 §6.5.3: "If the sender of a SETTINGS frame does not receive an
// acknowledgement within a reasonable amount of time, it MAY issue a connection
// error (Section 5.4.1) of type SETTINGS_TIMEOUT."
func TestSettingsTimeout(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  h2.Config
		want time.Duration // 0: never
	}{
		{"default", h2.Config{}, 30 * time.Second},
		{"without PING", h2.Config{PingInterval: -1}, 30 * time.Second},
		{"set", h2.Config{SettingsTimeout: time.Second}, time.Second},
		{"off", h2.Config{SettingsTimeout: -1}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				cfg := tt.cfg
				cfg.Interim = 100 // that is how the peer says that it is there
				f := raw(t, cfg)
				f.SendSettings()
				f.WantSettingsAck("acknowledged")
				began := time.Now()
				k := f.do(t.Context(), never(get("/")))
				f.WantHeaders(1, "", "a request")
				for range 100 { // a peer that is there, but for its acknowledgement
					select {
					case <-k.done:
						e := k.fails(wire.ErrRemoteProtocol)
						within(t, "the end", time.Since(began), tt.want)
						var ce h2.ConnError
						if !errors.As(e, &ce) || ce.Code != h2.SettingsTimeout {
							t.Errorf("got %v", e)
						}
						f.WantGoAway(h2.SettingsTimeout, "the peer is told")
						return
					case <-time.After(900 * time.Millisecond):
						f.SendHeaders(1, false, ":status", "103")
					}
				}
				if tt.want != 0 {
					t.Error("nothing happened")
				}
				f.Respond(1, "200", "ok")
				k.ok(200, "ok")
			})
		})
	}
	t.Run("acknowledged", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := start(t, h2.Config{PingInterval: -1, SettingsTimeout: time.Second})
			time.Sleep(time.Hour)
			f.alive()
		})
	})
}

func TestBlackhole(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{})
		began := time.Now()
		k := f.do(t.Context(), never(get("/")))
		f.WantHeaders(1, "", "a request")
		f.Want(h2.FramePing, 0, "a silent peer is asked")
		time.Sleep(2600 * time.Millisecond)
		f.phase(wire.ConnDraining)
		if f.c.Reserve() {
			t.Error("a slot of a connection that may be dead")
		}
		e := k.fails(wire.ErrReadTimeout)
		if d := time.Since(began); d < 19*time.Second || d > 21*time.Second || !e.Remote {
			t.Errorf("failed after %v with %+v", d, e)
		}
		f.phase(wire.ConnClosed)
	})
}

func TestBlackholeWhileIdle(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{})
		time.Sleep(14 * time.Second)
		k := f.do(t.Context(), never(get("/")))
		began := time.Now()
		f.WantHeaders(1, "", "a request")
		k.fails(wire.ErrTimeout)
		if d := time.Since(began); d > 20*time.Second+time.Millisecond {
			t.Errorf("failed after %v", d)
		}
	})
}

// The largest duration is a way to say for ever.
func TestLimitsForEver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := raw(t, h2.Config{PingInterval: math.MaxInt64, PingTimeout: math.MaxInt64, SettingsTimeout: math.MaxInt64, Write: math.MaxInt64})
		time.Sleep(time.Hour)
		f.WantIdle("nothing is asked, and no acknowledgement waited for")
		f.phase(wire.ConnOpen)
	})
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{PingTimeout: math.MaxInt64})
		f.Patience = time.Hour
		f.Want(h2.FramePing, 0, "a silent peer is asked")
		time.Sleep(time.Hour)
		f.WantIdle("the answer may take as long as it likes")
		f.phase(wire.ConnOpen)
	})
}

func TestPingOff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{PingInterval: -1})
		time.Sleep(time.Hour)
		f.WantIdle("no PING is sent")
	})
}

func TestSettingsLimits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := raw(t, h2.Config{})
		if l := f.c.State().Limit; l != 100 {
			t.Errorf("limit %d before SETTINGS", l)
		}
		changes := 0
		f.c.OnChange(func() { changes++ })
		var calls []*call
		for range 3 {
			calls = append(calls, f.do(t.Context(), get("/")))
			f.WantHeaders(0, "", "a request")
		}
		f.SendSettings(h2.Setting{ID: h2.SettingMaxConcurrentStreams, Value: 2})
		f.WantSettingsAck("acknowledged")
		synctest.Wait()
		if st := f.c.State(); st.Limit != 2 || st.InFlight != 3 || st.Free() != 0 || changes != 0 {
			t.Errorf("got %+v, %d changes", st, changes)
		}
		f.Respond(1, "200", "x")
		calls[0].ok(200, "x")
		if changes != 0 || f.c.Reserve() {
			t.Errorf("a lowered limit admits: %d changes", changes)
		}
		f.Respond(3, "200", "x")
		calls[1].ok(200, "x")
		synctest.Wait()
		if changes != 1 {
			t.Errorf("%d changes, want one for the free slot", changes)
		}
		f.SendSettings(h2.Setting{ID: h2.SettingMaxConcurrentStreams, Value: 0})
		f.WantSettingsAck("acknowledged")
		f.Respond(5, "200", "x")
		calls[2].ok(200, "x")
		synctest.Wait()
		before := changes
		f.SendSettings(h2.Setting{ID: h2.SettingMaxConcurrentStreams, Value: 1})
		f.WantSettingsAck("acknowledged")
		synctest.Wait()
		if changes != before+1 || !f.c.Reserve() {
			t.Errorf("a raised limit is not told")
		}
		f.c.Release()
	})
}
