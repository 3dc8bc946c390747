package h2_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/h2"
	"gohttpx.dev/wire"
)

// within checks that d is between limit and 1.1 limit.
func within(t *testing.T, what string, d, limit time.Duration) {
	t.Helper()
	if d < limit || d > limit+limit/10 {
		t.Errorf("%s after %v, want %v to %v", what, d, limit, limit+limit/10)
	}
}

func TestReadTimeoutIsOfOneStream(t *testing.T) {
	// httpx fails every stream of the connection.
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{})
		slow := get("/silent")
		slow.Timeouts.Read = 300 * time.Millisecond
		began := time.Now()
		a := f.do(t.Context(), slow)
		f.WantHeaders(1, "", "a request")
		b := f.do(t.Context(), get("/3"))
		f.WantHeaders(3, "", "a request")
		e := a.fails(wire.ErrReadTimeout)
		within(t, "timeout", time.Since(began), 300*time.Millisecond)
		if e.Phase != wire.PhaseHead || !e.Sent || !e.Remote {
			t.Errorf("got %+v", e)
		}
		f.WantRST(1, h2.Cancel, "the stream is given up")
		time.Sleep(700 * time.Millisecond)
		f.Respond(3, "200", "fine")
		b.ok(200, "fine")
	})
}

func TestReadTimeoutInBody(t *testing.T) {
	for _, tt := range []struct {
		name string
		feed func(f *fixture)
	}{
		{"silence", func(f *fixture) {}},
		{"empty DATA does not feed it", func(f *fixture) {
			for range 9 {
				time.Sleep(100 * time.Millisecond)
				f.SendRaw(h2.AppendData(nil, 1, nil, false, 0))
			}
		}},
		{"padding does not feed it", func(f *fixture) {
			for range 9 {
				time.Sleep(100 * time.Millisecond)
				f.SendRaw(h2.AppendData(nil, 1, nil, false, 100))
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := start(t, h2.Config{})
				req := get("/")
				req.Timeouts.Read = time.Second
				k := f.do(t.Context(), req)
				f.WantHeaders(1, "", "a request")
				f.SendHeaders(1, false, ":status", "200")
				for range 5 {
					time.Sleep(900 * time.Millisecond)
					f.SendData(1, "x", false)
					synctest.Wait()
				}
				began := time.Now()
				tt.feed(f)
				e := k.fails(wire.ErrReadTimeout)
				within(t, "timeout", time.Since(began), time.Second)
				if e.Phase != wire.PhaseBody || k.body != "xxxxx" {
					t.Errorf("got %+v, %q", e, k.body)
				}
				f.WantRST(1, h2.Cancel, "the stream is given up")
				f.alive()
			})
		})
	}
}

// The read clock is about the time without a byte: a long frame may take longer
// than that to come.
func TestReadTimeoutWithinFrame(t *testing.T) {
	data := strings.Repeat("x", 16<<10)
	for _, tt := range []struct {
		name  string
		frame []byte // the last of the response
		ok    bool
	}{
		{"DATA", h2.AppendData(nil, 1, []byte(data), true, 0), true},
		{"padded DATA", h2.AppendData(nil, 1, []byte(data[:16000]), true, 10), true},
		{"the padding", h2.AppendData(nil, 1, nil, true, 200), false},
		{"the padding behind content", h2.AppendData(nil, 1, []byte("x"), true, 200), false},
		{"DATA of another stream", h2.AppendData(nil, 3, []byte(data), true, 0), false},
		{"an unknown frame", rawFrame(0x77, 0, 1, data), false},
		{"the frame header", h2.AppendData(nil, 1, []byte(data), true, 0)[:9], false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := start(t, h2.Config{PingInterval: -1})
				req := get("/1")
				req.Timeouts.Read = time.Second
				k := f.do(t.Context(), req)
				f.WantHeaders(1, "", "a request")
				f.head(t.Context(), never(get("/3")))
				f.WantHeaders(3, "", "a request")
				f.SendHeaders(3, false, ":status", "200")
				f.SendHeaders(1, false, ":status", "200")
				synctest.Wait()
				began := time.Now()
				step := max(len(tt.frame)/6, 1)
				if len(tt.frame) < 1000 {
					step = 40
				}
				if len(tt.frame) == 9 {
					step = 2
				}
				f.Go(func() {
					for rest := tt.frame; len(rest) > 0; {
						n := min(step, len(rest))
						if f.TrySend(rest[:n]) != nil {
							return
						}
						rest = rest[n:]
						time.Sleep(900 * time.Millisecond)
					}
				})
				k.wait()
				if tt.ok {
					if k.err != nil || k.berr != nil || !strings.HasPrefix(data, k.body) {
						t.Errorf("got %d bytes, %v, %v", len(k.body), k.err, k.berr)
					}
					return
				}
				k.fails(wire.ErrReadTimeout)
				if d := time.Since(began); d > 2*time.Second {
					t.Errorf("after %v", d)
				}
			})
		})
	}
	t.Run("a head in CONTINUATION frames", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := start(t, h2.Config{PingInterval: -1})
			req := get("/1")
			req.Timeouts.Read = time.Second
			k := f.do(t.Context(), req)
			f.WantHeaders(1, "", "a request")
			block := f.Block(":status", "204", "x", "a value that comes late")
			f.SendRaw(rawFrame(h2.FrameHeaders, h2.FlagEndStream, 1, string(block[:1])))
			for _, b := range block[1:] {
				time.Sleep(900 * time.Millisecond)
				f.SendRaw(rawFrame(h2.FrameContinuation, 0, 1, string([]byte{b})))
			}
			time.Sleep(900 * time.Millisecond)
			f.SendRaw(rawFrame(h2.FrameContinuation, h2.FlagEndHeaders, 1, ""))
			k.ok(204, "")
		})
	})
}

// An application that pauses is not the peer's fault.
func TestReadTimeoutNotWhilePausing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{PingInterval: -1})
		req := get("/")
		req.Timeouts.Read = time.Second
		k := f.head(t.Context(), req)
		f.WantHeaders(1, "", "a request")
		f.SendHeaders(1, false, ":status", "200")
		k.wait()
		time.Sleep(time.Minute)
		go func() {
			time.Sleep(900 * time.Millisecond)
			f.SendData(1, "late", true)
		}()
		k.read()
		k.ok(200, "late")
	})
}

func TestHeaderTimeout(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{})
		req := get("/")
		req.Timeouts.Header = 2 * time.Second
		req.Timeouts.Read = time.Second
		began := time.Now()
		k := f.do(t.Context(), req)
		f.WantHeaders(1, "", "a request")
		for range 2 {
			time.Sleep(900 * time.Millisecond)
			f.SendHeaders(1, false, ":status", "103")
		}
		k.fails(wire.ErrReadTimeout)
		within(t, "timeout", time.Since(began), 2*time.Second)
		f.WantRST(1, h2.Cancel, "the stream is given up")
	})
}

// Nothing comes that could wake the caller, who began to wait before the request was
// sent.
func TestTimeoutsInSilence(t *testing.T) {
	const limit = 2 * time.Second
	for _, tt := range []wire.Timeouts{
		{Header: limit, Read: wire.Never, Write: wire.Never},
		{Header: limit, Read: time.Minute},
		{Header: limit, Read: 3 * time.Second, Write: 4 * time.Second},
		{Header: time.Minute, Read: limit, Write: 4 * time.Second},
		{Read: limit, Write: 4 * time.Second},
		{Read: limit, Write: wire.Never},
	} {
		bubble(t, func(t *testing.T) {
			f := start(t, h2.Config{Write: time.Minute})
			req := get("/")
			req.Timeouts = tt
			began := time.Now()
			k := f.do(t.Context(), req)
			f.WantHeaders(1, "", "a request")
			k.fails(wire.ErrReadTimeout)
			within(t, "timeout", time.Since(began), limit)
			f.WantRST(1, h2.Cancel, "the stream is given up")
		})
	}
}

func TestWriteTimeoutIsOfOneStream(t *testing.T) {
	for _, tt := range []struct {
		name string
		body func() io.ReadCloser
		n    int64
	}{
		{"long body", func() io.ReadCloser { return text(strings.Repeat("x", 100000)) }, 100000},
		{"unknown length", func() io.ReadCloser { return text(strings.Repeat("x", 100000)) }, -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := start(t, h2.Config{}, h2.Setting{ID: h2.SettingInitialWindowSize, Value: 10})
				req := post("/", tt.body(), tt.n)
				req.Timeouts.Write = time.Second
				began := time.Now()
				k := f.do(t.Context(), req)
				f.WantHeaders(1, "", "a request")
				for range 3 {
					f.Want(h2.FrameData, 1, "what the window allows")
					time.Sleep(900 * time.Millisecond)
					f.SendRaw(h2.AppendWindowUpdate(nil, 1, 2000))
					synctest.Wait()
					began = time.Now()
				}
				f.Want(h2.FrameData, 1, "what the window allows")
				e := k.fails(wire.ErrWriteTimeout)
				within(t, "timeout", time.Since(began), time.Second)
				if !e.Sent || e.Phase != wire.PhaseWrite {
					t.Errorf("got %+v", e)
				}
				f.WantRST(1, h2.Cancel, "the stream is given up")
				f.alive()
			})
		})
	}
}

// The read clock starts when the request is fully sent.
func TestSteadyUploadIsNoTimeout(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{PingInterval: -1})
		pr, pw := io.Pipe()
		k := f.do(t.Context(), post("/", pr, -1))
		f.WantHeaders(1, "", "a request")
		for range 30 {
			time.Sleep(time.Second)
			pw.Write([]byte("x"))
			f.WantData(1, "x", false, "content")
		}
		time.Sleep(time.Hour) // the source's business
		pw.Close()
		f.WantData(1, "", true, "the end")
		began := time.Now()
		k.fails(wire.ErrReadTimeout)
		within(t, "timeout", time.Since(began), 5*time.Second)
	})
}

// A socket that takes nothing ends the connection.
func TestSocketWriteTimeout(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{Write: 2 * time.Second})
		f.nc.SetCapacity(100)
		began := time.Now()
		k := f.do(t.Context(), never(get("/"+strings.Repeat("~", 30000))))
		e := k.fails(wire.ErrWriteTimeout)
		within(t, "timeout", time.Since(began), 2*time.Second)
		if !e.Sent {
			t.Errorf("got %+v", e)
		}
		f.phase(wire.ConnClosed)
	})
}

// The heads of requests wait for room too, and not for ever.
func TestNoRoom(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(f *fixture, cancel func())
		want error
		wait time.Duration
	}{
		{"timeout", func(*fixture, func()) {}, wire.ErrWriteTimeout, time.Second},
		{"cancel", func(f *fixture, cancel func()) { cancel() }, context.Canceled, 0},
		{"Close", func(f *fixture, cancel func()) { f.c.Close() }, wire.ErrClosed, 0},
		{"the connection ends", func(f *fixture, cancel func()) { f.H2Script.Close() }, wire.ErrUnprocessed, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := start(t, h2.Config{Write: wire.Never, PingInterval: -1})
				f.nc.SetCapacity(10)
				for range 12 {
					f.do(t.Context(), never(get("/"+strings.Repeat("~", 100<<10))))
					synctest.Wait()
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				body := &closeCounter{Reader: strings.NewReader("x")}
				req := post("/", body, 1)
				req.Timeouts.Write = time.Second
				began := time.Now()
				k := f.do(ctx, req)
				synctest.Wait()
				tt.end(f, cancel)
				e := k.fails(tt.want)
				if d := time.Since(began); d != tt.wait || e.Sent || body.n != 1 {
					t.Errorf("failed after %v with %+v, body closed %d times", d, e, body.n)
				}
			})
		})
	}
}

func TestContinue(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer func(f *fixture)
		sent   bool
	}{
		{"100", func(f *fixture) { f.SendHeaders(1, false, ":status", "100") }, true},
		{"nothing", func(f *fixture) { time.Sleep(time.Second) }, true},
		{"417", func(f *fixture) { f.Respond(1, "417", "no") }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := start(t, h2.Config{})
				body := &closeCounter{Reader: strings.NewReader("hello")}
				req := post("/", body, 5)
				req.Timeouts.Continue = time.Second
				k := f.do(t.Context(), req)
				if h := f.WantHeaders(1, "", "a request"); h.Get("expect") != "100-continue" || h.End {
					t.Errorf("got %+v", h)
				}
				f.WantIdle("the content is held back")
				tt.answer(f)
				if tt.sent {
					f.WantData(1, "hello", true, "the content")
					f.Respond(1, "200", "ok")
					k.ok(200, "ok")
				} else {
					k.ok(417, "no")
					f.WantRST(1, h2.Cancel, "the content will never come")
				}
				synctest.Wait()
				if body.n != 1 {
					t.Errorf("closed %d times", body.n)
				}
				f.alive()
			})
		})
	}
}

// closeCounter counts Close.
type closeCounter struct {
	io.Reader
	n int
}

func (c *closeCounter) Close() error { c.n++; return nil }

// Whatever the stage at which the context ends, the stream is reset, the slot is
// free and the connection lives.
func TestCancel(t *testing.T) {
	cause := errors.New("because")
	for _, tt := range []struct {
		name string
		req  func() *wire.Request
		go1  func(f *fixture)
		rst  bool
		read bool
	}{
		{"while waiting for the head", func() *wire.Request { return get("/") }, func(f *fixture) { f.WantHeaders(1, "", "a request") }, true, true},
		{"after an interim response", func() *wire.Request { return get("/") }, func(f *fixture) {
			f.WantHeaders(1, "", "a request")
			f.SendHeaders(1, false, ":status", "103")
		}, true, true},
		{"while waiting for content", func() *wire.Request { return get("/") }, func(f *fixture) {
			f.WantHeaders(1, "", "a request")
			f.SendHeaders(1, false, ":status", "200")
		}, true, true},
		{"while nobody reads", func() *wire.Request { return get("/") }, func(f *fixture) {
			f.WantHeaders(1, "", "a request")
			f.SendHeaders(1, false, ":status", "200")
			f.SendData(1, "x", false)
		}, true, false},
		{"while the window is closed", func() *wire.Request { return post("/", text(strings.Repeat("x", 100000)), 100000) }, func(f *fixture) {
			f.WantHeaders(1, "", "a request")
			for n := 0; n < 65535; {
				n += len(f.Want(h2.FrameData, 1, "content").Payload)
			}
		}, true, true},
		{"while the body is silent", func() *wire.Request { pr, _ := io.Pipe(); return post("/", pr, -1) }, func(f *fixture) {
			f.WantHeaders(1, "", "a request")
		}, true, true},
		{"while 100 (Continue) is awaited", func() *wire.Request {
			r := post("/", text("x"), 1)
			r.Timeouts.Continue = time.Hour
			return r
		}, func(f *fixture) { f.WantHeaders(1, "", "a request") }, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := start(t, h2.Config{})
				ctx, cancel := context.WithCancelCause(t.Context())
				k := f.exchange(ctx, tt.req(), tt.read)
				tt.go1(f)
				synctest.Wait()
				cancel(cause)
				if tt.rst {
					f.WantRST(1, h2.Cancel, "a cancelled stream is reset")
				}
				k.wait()
				f.inFlight(0)
				if k.err == nil && k.berr == nil {
					k.read()
				}
				e := k.fails(context.Canceled)
				if !errors.Is(e, cause) || e.Kind != wire.KindCanceled || !e.Sent {
					t.Errorf("got %+v", e)
				}
				f.alive()
			})
		})
	}
	t.Run("before", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := start(t, h2.Config{})
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			body := &closeCounter{Reader: strings.NewReader("hello")}
			if e := f.do(ctx, post("/", body, 5)).fails(context.Canceled); e.Sent || body.n != 1 {
				t.Errorf("got %+v, closed %d times", e, body.n)
			}
			f.WantIdle("nothing is sent")
			f.alive()
		})
	})
	t.Run("behind a peer that does not read", func(t *testing.T) {
		// The caller must not wait for bytes that are under way.
		bubble(t, func(t *testing.T) {
			f := start(t, h2.Config{})
			f.nc.SetCapacity(10)
			ctx, cancel := context.WithCancel(t.Context())
			k := f.do(ctx, get("/"+strings.Repeat("~", 5000)))
			synctest.Wait()
			began := time.Now()
			cancel()
			k.fails(context.Canceled)
			if d := time.Since(began); d != 0 {
				t.Errorf("waited %v", d)
			}
			f.nc.SetCapacity(1 << 20)
			f.WantHeaders(1, "", "whole all the same")
			f.WantRST(1, h2.Cancel, "and reset")
			f.alive()
		})
	})
}
