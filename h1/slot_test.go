package h1_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gohttpx.dev/h1"
	"gohttpx.dev/wire"
)

func TestSlot(t *testing.T) {
	ctx := context.Background()
	hook := func(r *rig) *atomic.Int32 {
		var n atomic.Int32
		r.OnChange(func() { n.Add(1) })
		return &n
	}
	t.Run("one at a time", func(t *testing.T) {
		r := newRig(t, h1.Config{})
		var won atomic.Int32
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				if r.Reserve() {
					won.Add(1)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 || r.State().InFlight != 1 || r.State().Free() != 0 {
			t.Errorf("%d reservations, %+v", won.Load(), r.State())
		}
	})
	t.Run("release", func(t *testing.T) {
		r := newRig(t, h1.Config{})
		n := hook(r)
		r.Release() // nothing to release
		if !r.Reserve() {
			t.Fatal("not free")
		}
		if n.Load() != 0 {
			t.Error("the hook was called for nothing")
		}
		r.Release()
		if n.Load() != 1 || r.State().Free() != 1 {
			t.Errorf("hook %d times, %+v", n.Load(), r.State())
		}
	})
	t.Run("drain while idle", func(t *testing.T) {
		r := newRig(t, h1.Config{})
		n := hook(r)
		r.script(func() { r.p.WantClosed("nothing runs") })
		r.Drain()
		r.Drain()
		if n.Load() != 1 || r.State().Phase != wire.ConnClosed || r.Reserve() {
			t.Errorf("hook %d times, %+v", n.Load(), r.State())
		}
	})
	t.Run("drain while reserved", func(t *testing.T) {
		r := newRig(t, h1.Config{})
		n := hook(r)
		r.script(func() { r.p.WantClosed("nothing ran") })
		r.Reserve()
		r.Drain()
		if r.State().Phase != wire.ConnDraining {
			t.Errorf("%+v", r.State())
		}
		r.Release()
		if n.Load() != 2 || r.State().Phase != wire.ConnClosed {
			t.Errorf("hook %d times, %+v", n.Load(), r.State())
		}
	})
	t.Run("drain while an exchange runs", func(t *testing.T) {
		r := newRig(t, h1.Config{})
		r.script(func() {
			r.p.WantRequest("GET / HTTP/1.1", "the request")
			r.Drain()
			r.p.Respond("200 OK", "abc")
			r.p.WantClosed("the last exchange has ended")
		})
		var res wire.Response
		if err := r.do(ctx, get("/"), &res); err != nil {
			t.Fatal(err)
		}
		if s := r.State(); s.Phase != wire.ConnDraining || s.InFlight != 1 {
			t.Errorf("%+v", s)
		}
		readAll(t, res.Body, "abc")
		r.wantFree(1, wire.ConnClosed)
	})
	t.Run("close while reserved", func(t *testing.T) {
		r := newRig(t, h1.Config{})
		r.Reserve()
		r.Close()
		b := bodyOf("x")
		err := r.RoundTrip(ctx, post(b, 1), new(wire.Response))
		wantErr(t, err, wire.PhaseWrite, wire.KindClosed, false, false, "closed by its owner")
		if b.closes.Load() != 1 || r.State().InFlight != 0 {
			t.Errorf("body closed %d times, %+v", b.closes.Load(), r.State())
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Run("two exchanges", func(t *testing.T) {
		r := newRig(t, h1.Config{})
		r.script(func() {
			r.p.WantRequest("GET / HTTP/1.1", "the request")
			r.p.Respond("200 OK", "abc")
		})
		var res wire.Response
		if err := r.do(ctx, get("/"), &res); err != nil {
			t.Fatal(err)
		}
		b := bodyOf("x")
		if err := r.RoundTrip(ctx, post(b, 1), new(wire.Response)); !errors.Is(err, wire.ErrLocalProtocol) || b.closes.Load() != 1 {
			t.Errorf("%v, body closed %d times", err, b.closes.Load())
		}
		if err := r.SendRaw(ctx, []byte("x")); !errors.Is(err, wire.ErrLocalProtocol) {
			t.Error(err)
		}
		readAll(t, res.Body, "abc")
		r.wantFree(1, wire.ConnOpen)
	})
	t.Run("max requests", func(t *testing.T) {
		r := newRig(t, h1.Config{MaxRequests: 2})
		r.script(func() {
			for range 2 {
				r.p.WantRequest("GET / HTTP/1.1", "the request")
				r.p.Respond("200 OK", "")
			}
			r.p.WantClosed("two are enough")
		})
		for i, phase := range []wire.ConnPhase{wire.ConnOpen, wire.ConnClosed} {
			if err := r.do(ctx, get("/"), new(wire.Response)); err != nil {
				t.Fatal(err)
			}
			r.wantFree(int32(i+1), phase)
		}
	})
	t.Run("no lock in the hook", func(t *testing.T) {
		r := newRig(t, h1.Config{})
		r.script(func() {
			r.p.WantRequest("GET / HTTP/1.1", "the request")
			r.p.Respond("200 OK", "")
		})
		r.OnChange(func() {
			if r.Reserve() {
				defer r.Release() // calls this again, which finds it closed
			}
			r.Healthy()
			r.Drain()
			r.Close()
		})
		if err := r.RoundTrip(ctx, get("/"), new(wire.Response)); err != nil {
			t.Fatal(err)
		}
	})
}

func TestInterimHookAborts(t *testing.T) {
	why := errors.New("seen enough")
	r := newRig(t, h1.Config{})
	r.script(func() {
		r.p.WantRequest("GET / HTTP/1.1", "the request")
		r.p.Send("HTTP/1.1 103 Early Hints\r\n\r\n")
		r.p.WantClosed("the hook has aborted")
	})
	req := get("/")
	req.Trace = &wire.Trace{Interim: func(int, wire.Fields) error { return why }}
	err := r.do(context.Background(), req, new(wire.Response))
	wantErr(t, err, wire.PhaseHead, wire.KindCanceled, false, true, "seen enough")
	if !errors.Is(err, why) {
		t.Error("does not unwrap to the hook's error")
	}
	r.wantFree(1, wire.ConnClosed)
}

func TestTraceAndTrailers(t *testing.T) {
	var mu sync.Mutex
	var events []string
	note := func(s string) func() {
		return func() {
			mu.Lock()
			defer mu.Unlock()
			events = append(events, s)
		}
	}
	trace := &wire.Trace{
		WroteHead: note("head"), Wait100: note("wait"), FirstByte: note("first byte"),
		WroteRequest: func(err error) {
			if err != nil {
				t.Error(err)
			}
			note("request")()
		},
		Interim: func(int, wire.Fields) error { note("interim")(); return nil },
	}
	for _, tt := range []struct {
		name, want string
		req        func() *wire.Request
		trailers   bool
	}{
		{"GET", "head request first byte", func() *wire.Request { return get("/up") }, false},
		{"short body", "head request first byte", func() *wire.Request { return post(io.NopCloser(strings.NewReader("abc")), 3) }, false},
		{"chunked with trailers", "head request first byte", func() *wire.Request {
			r := post(bodyOf("abc"), -1)
			r.Trailers = func() wire.Fields { return wire.Fields{{Name: "Sum", Value: "1"}} }
			return r
		}, true},
		{"trailers of known length", "head request first byte", func() *wire.Request {
			r := post(io.NopCloser(strings.NewReader("abc")), 3)
			r.Trailers = func() wire.Fields { return wire.Fields{{Name: "Sum", Value: "1"}} }
			return r
		}, true},
		{"trailers alone", "head request first byte", func() *wire.Request {
			r := post(nil, 0)
			r.Trailers = func() wire.Fields { return wire.Fields{{Name: "Sum", Value: "1"}} }
			return r
		}, true},
		{"100-continue", "head wait first byte interim request", func() *wire.Request {
			r := post(bodyOf("abc"), -1)
			r.Timeouts.Continue = 1 << 40
			return r
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			events = nil
			r := newRig(t, h1.Config{})
			r.script(func() {
				h := r.p.WantHead("", "the head")
				if h.Get("Expect") != "" {
					r.p.Send("HTTP/1.1 100 Continue\r\n\r\n")
				}
				want := "abc"
				if tt.name == "GET" || tt.name == "trailers alone" {
					want = ""
				}
				r.p.WantBody(h, want, "the body")
				if (h.Trailers.Get("Sum") == "1") != tt.trailers {
					t.Errorf("trailers %v", h.Trailers)
				}
				if tt.name != "GET" {
					eventually(t, "the hook", func() bool {
						mu.Lock()
						defer mu.Unlock()
						return strings.Contains(strings.Join(events, " "), "request")
					})
				}
				r.p.Respond("200 OK", "")
			})
			req := tt.req()
			req.Trace = trace
			var res wire.Response
			if err := r.do(context.Background(), req, &res); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(events, " "); got != tt.want {
				t.Errorf("events %q, want %q", got, tt.want)
			}
			r.wantFree(1, wire.ConnOpen)
		})
	}
}
