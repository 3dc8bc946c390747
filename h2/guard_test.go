package h2_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2/hpack"

	"gohttpx.dev/h1"
	"gohttpx.dev/h2"
	"gohttpx.dev/wire"
)

// flood sends what next returns until the client has gone, and returns how often
// that was.
func (f *fixture) flood(most int, next func(i int) []byte) int {
	for i := range most {
		if f.TrySend(next(i)) != nil {
			return i
		}
		if i%100 == 0 {
			synctest.Wait()
			if f.c.State().Phase == wire.ConnClosed {
				return i
			}
		}
	}
	return most
}

// What a hostile peer may do for nothing: each row ends the connection with
// ENHANCE_YOUR_CALM, soon.
func TestFlood(t *testing.T) {
	block := func(fields ...string) []byte {
		var b strings.Builder
		e := hpack.NewEncoder(&b)
		for i := 0; i+1 < len(fields); i += 2 {
			e.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
		}
		return []byte(b.String())
	}
	interim := h2.AppendHeaders(nil, 1, block(":status", "103"), h2.HeadersOptions{})
	for _, tt := range []struct {
		name string
		most int
		next func(f *fixture, i int) []byte
	}{
		{"PING", 2000, func(f *fixture, i int) []byte { return h2.AppendPing(nil, [8]byte{}, false) }},
		{"PING acknowledgements", 2000, func(f *fixture, i int) []byte { return h2.AppendPing(nil, [8]byte{}, true) }},
		{"SETTINGS", 2000, func(f *fixture, i int) []byte { return h2.AppendSettings(nil) }},
		{"SETTINGS acknowledgements", 2000, func(f *fixture, i int) []byte { return h2.AppendSettingsAck(nil) }},
		{"PRIORITY", 2000, func(f *fixture, i int) []byte { return h2.AppendPriority(nil, uint32(i+1), h2.Priority{}) }},
		{"WINDOW_UPDATE of the connection", 2000, func(f *fixture, i int) []byte { return h2.AppendWindowUpdate(nil, 0, 1) }},
		{"WINDOW_UPDATE of a stream", 2000, func(f *fixture, i int) []byte { return h2.AppendWindowUpdate(nil, 1, 1) }},
		{"unknown frames", 2000, func(f *fixture, i int) []byte { return rawFrame(0x77, 0, 0, "x") }},
		{"RST_STREAM of a stream that is gone", 2000, func(f *fixture, i int) []byte { return h2.AppendRSTStream(nil, 1, h2.Cancel) }},
		{"zero WINDOW_UPDATE of a stream that is gone", 2000, func(f *fixture, i int) []byte { return rawFrame(h2.FrameWindowUpdate, 0, 1, "\x00\x00\x00\x00") }},
		{"empty DATA", 2000, func(f *fixture, i int) []byte { return h2.AppendData(nil, 3, nil, false, 0) }},
		{"DATA of padding", 2000, func(f *fixture, i int) []byte { return h2.AppendData(nil, 3, nil, false, 200) }},
		{"GOAWAY", 2000, func(f *fixture, i int) []byte { return h2.AppendGoAway(nil, h2.MaxStreamID, h2.NoError, "") }},
		{"short PRIORITY", 2000, func(f *fixture, i int) []byte { return rawFrame(h2.FramePriority, 0, 7, "x") }},
		{"CONTINUATION without content", 300, func(f *fixture, i int) []byte {
			if i == 0 {
				return rawFrame(h2.FrameHeaders, 0, 5, "")
			}
			return rawFrame(h2.FrameContinuation, 0, 5, "")
		}},
		{"CONTINUATION of a stream that is gone", 300, func(f *fixture, i int) []byte {
			if i == 0 {
				return rawFrame(h2.FrameHeaders, 0, 7, "")
			}
			return rawFrame(h2.FrameContinuation, 0, 7, "")
		}},
		{"CONTINUATION with content", 300, func(f *fixture, i int) []byte {
			b := block("x", strings.Repeat("y", 10000))
			if i == 0 {
				return rawFrame(h2.FrameHeaders, 0, 5, string(b))
			}
			return rawFrame(h2.FrameContinuation, 0, 5, string(b))
		}},
		{"interim responses to many requests", 2000, func(f *fixture, i int) []byte { return interim }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := start(t, h2.Config{Interim: 1 << 20})
				f.do(t.Context(), get("/1"))
				f.WantHeaders(1, "", "a request")
				if !strings.Contains(tt.name, "interim") {
					f.SendRaw(h2.AppendRSTStream(nil, 1, h2.InternalError))
				}
				open := f.head(t.Context(), get("/3"))
				f.WantHeaders(3, "", "a request")
				f.SendHeaders(3, false, ":status", "200")
				f.do(t.Context(), never(get("/5")))
				f.WantHeaders(5, "", "a request")
				gone := f.head(t.Context(), get("/7"))
				f.WantHeaders(7, "", "a request")
				f.SendHeaders(7, false, ":status", "200")
				gone.wait().res.Body.Close()
				f.WantRST(7, h2.Cancel, "closed early")
				open.wait()
				// Answers must not fill the pipe: nobody reads them.
				f.Go(func() { io.Copy(io.Discard, f.Conn) })
				n := f.flood(tt.most, func(i int) []byte { return tt.next(f, i) })
				synctest.Wait()
				f.phase(wire.ConnClosed)
				if n >= tt.most {
					t.Errorf("%d frames were taken", n)
				}
				open.read()
				var ce h2.ConnError
				if !errors.As(open.berr, &ce) || ce.Code != h2.EnhanceYourCalm {
					t.Errorf("got %v", open.berr)
				}
			})
		})
	}
}

// What is right must not be taken for abuse.
func TestNoFlood(t *testing.T) {
	t.Run("a PING and two WINDOW_UPDATEs for every frame of an upload", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := start(t, h2.Config{})
			k := f.do(t.Context(), post("/", io.NopCloser(io.LimitReader(new(pattern), 64<<20)), 64<<20))
			f.WantHeaders(1, "", "a request")
			for got := 0; got < 64<<20; {
				fr := f.Next("content")
				if fr.Type != h2.FrameData {
					continue
				}
				got += len(fr.Payload)
				b := h2.AppendWindowUpdate(nil, 0, uint32(len(fr.Payload)))
				b = h2.AppendPing(b, [8]byte{}, false)
				f.SendRaw(h2.AppendWindowUpdate(b, 1, uint32(len(fr.Payload))))
			}
			f.Respond(1, "200", "ok")
			k.ok(200, "ok")
		})
	})
	// As a server with large windows does that reads 4 KiB at a time, seen over
	// a long wire.
	t.Run("all WINDOW_UPDATEs of an upload in one burst", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			const size = 16 << 20
			f := start(t, h2.Config{}, h2.Setting{ID: h2.SettingInitialWindowSize, Value: size})
			f.SendRaw(h2.AppendWindowUpdate(nil, 0, size))
			k := f.do(t.Context(), post("/", io.NopCloser(io.LimitReader(new(pattern), size)), size))
			f.WantHeaders(1, "", "a request")
			f.WantBody(1, "all of it, without a word from us")
			for range size / (2 << 10) {
				f.SendRaw(h2.AppendWindowUpdate(nil, 0, 2<<10))
			}
			f.Respond(1, "200", "ok")
			k.ok(200, "ok")
		})
	})
	t.Run("a PING for every frame of a download", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := start(t, h2.Config{})
			k := f.do(t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			f.Go(func() { io.Copy(io.Discard, f.Conn) })
			f.SendHeaders(1, false, ":status", "200")
			for range 5000 {
				f.SendRaw(h2.AppendPing(h2.AppendData(nil, 1, []byte("x"), false, 0), [8]byte{}, false))
			}
			f.SendData(1, "", true)
			k.ok(200, strings.Repeat("x", 5000))
		})
	})
}

// A peer that does not read its answers is disconnected, or not read, before they pile
// up.
func TestUnreadAnswers(t *testing.T) {
	t.Run("PINGs for nothing", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := start(t, h2.Config{Write: wire.Never, PingInterval: -1})
			f.nc.SetCapacity(20)
			for i := 0; i < 20000 && f.TrySend(h2.AppendPing(nil, [8]byte{}, false)) == nil; i++ {
			}
			f.phase(wire.ConnClosed)
		})
	})
	// Content earns the right to ask, and so does not end.
	const rounds = 20_000
	ask := func(f *fixture) error {
		b := h2.AppendData(nil, 1, []byte("x"), false, 0)
		for range 4 {
			b = h2.AppendPing(b, [8]byte{}, false)
		}
		for range rounds {
			if err := f.TrySend(b); err != nil {
				return err
			}
		}
		return nil
	}
	for name, cfg := range map[string]h2.Config{
		"the socket's limit ends it":   {Write: 3 * time.Second, PingInterval: -1},
		"a PING without an answer too": {Write: wire.Never, PingInterval: time.Second, PingTimeout: 2 * time.Second},
	} {
		t.Run("PINGs between content, "+name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := start(t, cfg)
				k := f.do(t.Context(), never(get("/")))
				f.WantHeaders(1, "", "a request")
				f.nc.SetCapacity(20)
				f.SendHeaders(1, false, ":status", "200")
				began := time.Now()
				ask(f) // what comes after the end is dropped
				k.wait()
				f.phase(wire.ConnClosed)
				if d := time.Since(began); !errors.Is(k.berr, wire.ErrTimeout) || d < 3*time.Second || d > 5*time.Second {
					t.Errorf("after %v: %v", d, k.berr)
				}
			})
		})
	}
	t.Run("PINGs between content, Close ends it", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := start(t, h2.Config{Write: wire.Never, PingInterval: -1})
			k := f.do(t.Context(), never(get("/")))
			f.WantHeaders(1, "", "a request")
			f.nc.SetCapacity(20)
			f.SendHeaders(1, false, ":status", "200")
			f.Go(func() { ask(f) })
			synctest.Wait()
			f.c.Close()
			if k.wait(); !errors.Is(k.berr, wire.ErrClosed) {
				t.Errorf("got %v", k.berr)
			}
		})
	})
	t.Run("PINGs between content, a peer that reads later", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := start(t, h2.Config{Write: wire.Never, PingInterval: -1})
			k := f.do(t.Context(), never(get("/")))
			f.WantHeaders(1, "", "a request")
			f.nc.SetCapacity(20)
			f.SendHeaders(1, false, ":status", "200")
			f.Go(func() {
				if err := ask(f); err != nil {
					t.Error(err)
				}
				f.SendData(1, "", true)
			})
			synctest.Wait()
			for n := 0; n < 4*rounds; {
				if fr := f.Next("all answers"); fr.Type == h2.FramePing && fr.Ack() {
					n++
				}
			}
			k.ok(200, strings.Repeat("x", rounds))
			f.alive()
		})
	})
}

func TestInterimLimit(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  h2.Config
		most int
	}{
		{"three", h2.Config{Interim: 3}, 3},
		{"by default as many as over HTTP/1.1", h2.Config{}, h1.DefaultInterim},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := start(t, tt.cfg)
				seen := 0
				req := get("/")
				req.Trace = &wire.Trace{Interim: func(int, wire.Fields) error { seen++; return nil }}
				k := f.do(t.Context(), req)
				f.WantHeaders(1, "", "a request")
				for range tt.most {
					f.SendHeaders(1, false, ":status", "103")
				}
				synctest.Wait()
				if seen != tt.most {
					t.Errorf("%d of %d were seen", seen, tt.most)
				}
				f.SendHeaders(1, false, ":status", "103")
				f.reset(k, 1, h2.EnhanceYourCalm, "one too many")
			})
		})
	}
}

// Interim responses that nobody takes, because the hook that is to see them has
// not returned, do not pile up: all together they may be as large as one.
func TestInterimSize(t *testing.T) {
	const most = h2.DefaultListBytes
	large := strings.Repeat("x", 8<<10)
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{Interim: 1 << 20})
		hook, entered := make(chan struct{}), make(chan struct{}, 1)
		req := get("/")
		req.Trace = &wire.Trace{Interim: func(int, wire.Fields) error {
			select {
			case entered <- struct{}{}:
			default:
			}
			<-hook
			return nil
		}}
		k := f.do(t.Context(), req)
		f.WantHeaders(1, "", "a request")
		for n := 0; n <= most; n += len(large) {
			f.SendHeaders(1, false, ":status", "103", "link", large)
		}
		<-entered
		f.Want(h2.FrameRSTStream, 1, "too much, while the hook has not returned")
		close(hook)
		if e := k.fails(wire.ErrRemoteProtocol); !strings.Contains(e.Error(), "interim responses too large") {
			t.Errorf("%v", e)
		}
	})
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{Interim: 1 << 20})
		s, err := f.c.Open(t.Context(), requestFields("GET", "/"), true)
		if err != nil {
			t.Fatal(err)
		}
		f.WantHeaders(1, "", "a request")
		for n := 0; n <= most; n += len(large) {
			f.SendHeaders(1, false, ":status", "103", "link", large)
		}
		f.Want(h2.FrameRSTStream, 1, "events that nobody receives are bounded, too")
		s.Reset(h2.Cancel)
	})
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{})
		seen := 0
		req := get("/")
		req.Trace = &wire.Trace{Interim: func(int, wire.Fields) error { seen++; return nil }}
		k := f.do(t.Context(), req)
		f.WantHeaders(1, "", "a request")
		for range 7 {
			f.SendHeaders(1, false, ":status", "103", "link", large)
		}
		f.Respond(1, "200", "ok")
		k.ok(200, "ok")
		if seen != 7 {
			t.Errorf("%d of 7 were told", seen)
		}
	})
}

func TestHeaderListLimits(t *testing.T) {
	for _, tt := range []struct {
		name   string
		fields []string
	}{
		{"too many bytes", []string{"a", strings.Repeat("x", 600), "b", strings.Repeat("x", 600)}},
		{"too many fields", func() (fs []string) {
			for range 30 {
				fs = append(fs, "a", "b")
			}
			return
		}()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := start(t, h2.Config{Fields: h2.DecoderConfig{ListBytes: 1200, Fields: 20}})
				k := f.do(t.Context(), get("/"))
				f.WantHeaders(1, "", "a request")
				f.SendHeaders(1, true, append([]string{":status", "200"}, tt.fields...)...)
				f.reset(k, 1, h2.EnhanceYourCalm, "too much for one response")
			})
		})
	}
}

// An entry of the table that is named thousands of times: few bytes, much text.
func TestHPACKBomb(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{})
		k := f.do(t.Context(), get("/"))
		f.WantHeaders(1, "", "a request")
		b := f.Block(":status", "200", "bomb", strings.Repeat("x", 3900))
		index := f.Block("bomb", strings.Repeat("x", 3900))
		if len(index) != 1 {
			t.Fatalf("the entry is not in the table: %x", index)
		}
		for range 15000 {
			b = append(b, index...)
		}
		f.SendRaw(h2.AppendHeaders(nil, 1, b, h2.HeadersOptions{EndStream: true}))
		f.reset(k, 1, h2.EnhanceYourCalm, "too much for one response")
	})
}
