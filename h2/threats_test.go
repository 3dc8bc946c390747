package h2_test

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/h2"
	"gohttpx.dev/wire"
)

// What hostile servers have done to HTTP/2 clients, attack by attack, as far as
// the tests of the rules (TestRFC9113Conn, TestRFC9113Messages) and of single
// floods (TestFlood) do not say all of it. What they cost is in
// TestThreatsMemory.

// overrun floods the client, and checks that it is cut off with GOAWAY(code)
// after most pieces.
func (f *fixture) overrun(code h2.ErrCode, most int, next func(i int) []byte) {
	f.t.Helper()
	n := 0
	for ; f.TrySend(next(n)) == nil; n++ {
		if synctest.Wait(); f.c.State().Phase == wire.ConnClosed {
			break
		}
		if n > most {
			f.t.Fatalf("%d pieces were taken, want %d at most", n, most)
		}
	}
	f.WantGoAway(code, "the peer is told")
	f.phase(wire.ConnClosed)
}

// A frame size of nothing, or of less than the protocol has, once made clients
// write CONTINUATION frames for ever.
func TestThreatsFrameSize(t *testing.T) {
	for _, size := range []uint32{0, 1, 16383, 1 << 24, 1<<32 - 1} {
		large := func() *wire.Request {
			req := get("/")
			req.Fields.Add("x-large", strings.Repeat("~", 100_000))
			return req
		}
		t.Run(fmt.Sprintf("MAX_FRAME_SIZE of %d before a large head", size), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := raw(t, h2.Config{})
				f.SendSettings(h2.Setting{ID: h2.SettingMaxFrameSize, Value: size})
				synctest.Wait()
				if f.c.Reserve() {
					t.Error("a connection that is over takes requests")
				}
				f.broken(nil, h2.ProtocolError, "PROTOCOL_ERROR, and nothing else")
			})
		})
		t.Run(fmt.Sprintf("MAX_FRAME_SIZE of %d after a large head", size), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := start(t, h2.Config{})
				k := f.do(t.Context(), large())
				f.WantHeaders(1, "GET /", "in frames of the size that holds")
				f.SendSettings(h2.Setting{ID: h2.SettingMaxFrameSize, Value: size})
				f.broken(k, h2.ProtocolError, "PROTOCOL_ERROR")
			})
		})
	}
}

func TestThreatsWindows(t *testing.T) {
	// A client is known that hangs, and forgets its timeouts.
	t.Run("two WINDOW_UPDATEs of 2^31-1 on a stream", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := start(t, h2.Config{PingInterval: -1})
			pr, pw := io.Pipe()
			defer pw.Close()
			k := f.do(t.Context(), post("/", pr, -1))
			f.WantHeaders(1, "", "a request that is not complete")
			req := get("/other")
			req.Timeouts.Read = time.Second
			other := f.do(t.Context(), req)
			f.WantHeaders(3, "", "another")
			began := time.Now()
			one := h2.AppendWindowUpdate(nil, 1, h2.MaxWindow)
			f.SendRaw(append(one, one...))
			f.WantRST(1, h2.FlowControlError, "FLOW_CONTROL_ERROR, once")
			if e := k.fails(wire.ErrRemoteProtocol); !e.Remote || !e.Sent {
				t.Errorf("got %+v", e)
			}
			other.fails(wire.ErrReadTimeout)
			within(t, "read timeout", time.Since(began), time.Second)
			f.WantRST(3, h2.Cancel, "the other stream has its own end")
			f.alive()
		})
	})
	t.Run("data dribble: a window of a byte at a time", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := start(t, h2.Config{}, h2.Setting{ID: h2.SettingInitialWindowSize})
			k := f.do(t.Context(), never(post("/", stream(1<<20), 1<<20)))
			f.WantHeaders(1, "", "a request")
			f.overrun(h2.EnhanceYourCalm, 1200, func(int) []byte { return h2.AppendWindowUpdate(nil, 1, 1) })
			if e := k.fails(wire.ErrRemoteProtocol); !e.Remote {
				t.Errorf("got %+v", e)
			}
		})
	})
	// Large windows, and a socket that takes nothing.
	t.Run("internal data buffering", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			nc, p := newPeer(t)
			c, err := h2.NewConn(t.Context(), nc, h2.Config{PingInterval: -1, Write: 3 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			f := &fixture{p, t, c, nc}
			f.Start(h2.Setting{ID: h2.SettingInitialWindowSize, Value: h2.MaxWindow})
			f.SendRaw(h2.AppendWindowUpdate(nil, 0, 1<<30))
			synctest.Wait()
			nc.SetCapacity(1 << 10)
			body := &counted{r: new(pattern)}
			began := time.Now()
			k := f.do(t.Context(), never(post("/", body, -1)))
			k.fails(wire.ErrWriteTimeout)
			if d := time.Since(began); d < 3*time.Second || d > 4*time.Second {
				t.Errorf("after %v, want the socket's write limit of 3 s", d)
			}
			if body.n > 512<<10 {
				t.Errorf("%d bytes of the body were taken for a socket that took 1 KiB", body.n)
			}
		})
	})
}

// counted counts what is read.
type counted struct {
	r io.Reader
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}
func (*counted) Close() error { return nil }

func TestThreatsContinuation(t *testing.T) {
	large := func() string { return "\x00\x01x" + string(hpackInt(nil, 7, 16000)) + strings.Repeat("y", 16000) }()
	for _, block := range []struct {
		name    string
		cfg     h2.Config
		prepare func(f *fixture)
		first   func(fragment string) []byte
		id      uint32
	}{
		{"of a response", h2.Config{}, func(f *fixture) {}, func(s string) []byte { return rawFrame(h2.FrameHeaders, 0, 1, s) }, 1},
		{
			"of trailers",
			h2.Config{},
			func(f *fixture) { f.SendHeaders(1, false, ":status", "200") },
			func(s string) []byte { return rawFrame(h2.FrameHeaders, h2.FlagEndStream, 1, s) }, 1,
		},
		{"of a stream that was reset", h2.Config{}, func(f *fixture) {
			k := f.head(f.t.Context(), get("/3"))
			f.WantHeaders(3, "", "a request")
			f.SendHeaders(3, false, ":status", "200")
			k.wait().res.Body.Close()
			f.WantRST(3, h2.Cancel, "closed early")
		}, func(s string) []byte { return rawFrame(h2.FrameHeaders, 0, 3, s) }, 3},
		{
			"of a push",
			h2.Config{Settings: []h2.Setting{}},
			func(f *fixture) {},
			func(s string) []byte { return rawFrame(h2.FramePushPromise, 0, 1, "\x00\x00\x00\x02"+s) }, 1,
		},
	} {
		for _, tt := range []struct {
			name string
			next string
			most int
		}{
			// 64 KiB are four of them.
			{"CONTINUATION without end", large, 5},
			{"CONTINUATION without content and without end", "", 128},
		} {
			t.Run(tt.name+", "+block.name, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					f := start(t, block.cfg)
					k := f.do(t.Context(), never(get("/")))
					f.WantHeaders(1, "", "a request")
					block.prepare(f)
					f.SendRaw(block.first(""))
					f.overrun(h2.EnhanceYourCalm, tt.most, func(int) []byte { return rawFrame(h2.FrameContinuation, 0, block.id, tt.next) })
					e := k.fails(wire.ErrRemoteProtocol)
					var ce h2.ConnError
					if !errors.As(e, &ce) || ce.Code != h2.EnhanceYourCalm {
						t.Errorf("got %v", e)
					}
				})
			})
		}
	}
}

func TestThreatsFields(t *testing.T) {
	// Huffman decoding that looks back at all it has is quadratic: eight times
	// the bytes are then 64 times the work.
	t.Run("long Huffman strings", func(t *testing.T) {
		decode := func(n int, best *time.Duration) {
			block := []byte("\x88\x00\x01x" + string(huffman(hpackInt(nil, 7, n))) + strings.Repeat("\x00", n)) // "0", eight of them in five bytes
			for range 10 {
				d := h2.NewFieldDecoder(h2.DecoderConfig{BlockBytes: 256 << 10, ListBytes: 256 << 10})
				var res wire.Response
				began := time.Now()
				d.Begin(h2.ResponseBlock, 1, true, &res)
				err := d.Write(block)
				if err == nil {
					err = d.End()
				}
				*best = min(*best, time.Since(began))
				if err != nil || len(res.Fields.Get("x")) != n*8/5 {
					t.Fatalf("%d bytes: %v, %d decoded", n, err, len(res.Fields.Get("x")))
				}
			}
		}
		one, eight := time.Duration(1<<62), time.Duration(1<<62)
		for range 20 { // the best of each, undisturbed
			decode(16_000, &one)
			decode(128_000, &eight)
			if eight <= 32*one {
				return
			}
		}
		t.Errorf("%v for 16,000 bytes, %v for eight times as many", one, eight)
	})
	t.Run("a Huffman string above the limit", func(t *testing.T) {
		d := h2.NewFieldDecoder(h2.DecoderConfig{})
		var res wire.Response
		d.Begin(h2.ResponseBlock, 1, true, &res)
		// Within the limit as it is sent, above it when decoded.
		err := d.Write([]byte("\x88\x00\x01x" + string(huffman(hpackInt(nil, 7, 60_000))) + strings.Repeat("\x00", 60_000)))
		var ce h2.ConnError
		if !errors.As(err, &ce) || ce.Code != h2.EnhanceYourCalm {
			t.Errorf("got %v", err)
		}
	})
	t.Run("fields without a name", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := start(t, h2.Config{})
			k := f.do(t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			f.SendHeaders(1, true, ":status", "200", "", "x")
			f.reset(k, 1, h2.ProtocolError, "a field has a name")
		})
	})
	t.Run("fields without a value, one above the limit", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := start(t, h2.Config{})
			for i, n := range []int{h2.DefaultFields - 1, h2.DefaultFields} {
				fields := []string{":status", "200"}
				for range n {
					fields = append(fields, "x", "")
				}
				k := f.do(t.Context(), get("/"))
				h := f.WantHeaders(0, "", "a request")
				f.SendHeaders(h.ID, true, fields...)
				if i == 0 {
					k.ok(200, "")
					continue
				}
				f.reset(k, h.ID, h2.EnhanceYourCalm, "one field too many")
			}
		})
	})
	t.Run("a small block that comes to much counts 32 bytes for each field", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := start(t, h2.Config{Fields: h2.DecoderConfig{ListBytes: 1000}})
			k := f.do(t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			fields := []string{":status", "200"}
			for range 30 { // 30 bytes of the table
				fields = append(fields, "x", "")
			}
			f.SendHeaders(1, true, fields...)
			f.reset(k, 1, h2.EnhanceYourCalm, "32 bytes each are more than 1000")
		})
	})
	// A cache of names that a peer can fill is a leak.
	t.Run("new names in every response", func(t *testing.T) {
		if raceEnabled {
			return // the detector keeps memory of its own
		}
		bubble(t, func(t *testing.T) {
			f := start(t, h2.Config{Fields: h2.DecoderConfig{BlockBytes: 256 << 10, ListBytes: 256 << 10}})
			round := func(n int) {
				for i := range n {
					fields := []string{":status", "200"}
					for j := range 500 {
						fields = append(fields, fmt.Sprintf("x-%d-%d-%s", i, j, strings.Repeat("z", 100)), "")
					}
					k := f.do(t.Context(), get("/"))
					h := f.WantHeaders(0, "", "a request")
					f.SendRaw(rawFrame(h2.FrameHeaders, h2.FlagEndStream, h.ID, string(f.Block(fields[:200]...))))
					for at := 200; at < len(fields); at += 200 {
						flags := h2.Flags(0)
						if at+200 >= len(fields) {
							flags = h2.FlagEndHeaders
						}
						f.SendRaw(rawFrame(h2.FrameContinuation, flags, h.ID, string(f.Block(fields[at:min(at+200, len(fields))]...))))
					}
					k.ok(200, "")
				}
			}
			heap := func() uint64 {
				runtime.GC()
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				return m.HeapAlloc
			}
			round(20)
			before := heap()
			round(200) // 100,000 names, 11 MB
			if after := heap(); after > before+128<<10 {
				t.Errorf("the heap has grown by %d bytes", after-before)
			}
		})
	})
	// What a proxy that speaks HTTP/1.1 behind this client would take for other
	// fields, or for another message.
	for name, fields := range map[string][]string{
		"CR LF in a value":       {"a", "b\r\nc: d"},
		"LF in a value":          {"a", "b\nc"},
		"CR in a value":          {"a", "b\rc"},
		"NUL in a value":         {"a", "b\x00c"},
		"CR LF in a name":        {"a\r\nb", "c"},
		"a colon in a name":      {"a:b", "c"},
		"a space in a name":      {"a b", "c"},
		"an upper-case name":     {"A", "b"},
		"transfer-encoding":      {"transfer-encoding", "chunked"},
		"connection":             {"connection", "close"},
		"keep-alive":             {"keep-alive", "1"},
		"proxy-connection":       {"proxy-connection", "close"},
		"upgrade":                {"upgrade", "h2c"},
		"te other than trailers": {"te", "gzip"},
		"two content-lengths":    {"content-length", "1", "content-length", "2"},
		"content-length +1":      {"content-length", "+1"},
		"content-length -1":      {"content-length", "-1"},
		"content-length 1, 2":    {"content-length", "1, 2"},
		"content-length 2^64":    {"content-length", "18446744073709551616"},
		"a second :status":       {":status", "204"},
		"a late pseudo-field":    {"a", "b", ":path", "/"},
		"status 0200":            nil, "status 99": nil, "status 2 00": nil, "status +20": nil, "status 1000": nil, "status ": nil,
	} {
		t.Run("smuggling by downgrade: "+name, func(t *testing.T) {
			status, bad := strings.CutPrefix(name, "status ")
			if !bad {
				status = "200"
			}
			bubble(t, func(t *testing.T) {
				f := start(t, h2.Config{})
				k := f.do(t.Context(), get("/"))
				f.WantHeaders(1, "", "a request")
				f.SendHeaders(1, false, append([]string{":status", status}, fields...)...)
				f.SendData(1, "x", true)
				f.reset(k, 1, h2.ProtocolError, "a malformed response is a stream error")
				if k.res.Status != 0 || len(k.res.Fields) > 0 {
					t.Errorf("something of it came through: %d %v", k.res.Status, k.res.Fields)
				}
			})
		})
		if bad := strings.HasPrefix(name, "content-length") || strings.HasPrefix(name, "two ") || len(fields) == 0; bad {
			continue // no rule for trailers
		}
		t.Run("smuggling by downgrade, in trailers: "+name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := start(t, h2.Config{})
				k := f.do(t.Context(), get("/"))
				f.WantHeaders(1, "", "a request")
				f.SendHeaders(1, false, ":status", "200")
				f.SendHeaders(1, true, fields...)
				f.WantRST(1, h2.ProtocolError, "malformed trailers are a stream error")
				if k.wait(); !errors.Is(k.berr, wire.ErrRemoteProtocol) || len(k.res.Trailers) > 0 {
					t.Errorf("got %v, trailers %v", k.berr, k.res.Trailers)
				}
				f.alive()
			})
		})
	}
}

// Frames that make a client answer, on and on.
func TestThreatsAnswers(t *testing.T) {
	for _, tt := range []struct {
		name string
		next []byte
		most int
	}{
		{"PING flood", h2.AppendPing(nil, [8]byte{}, false), 1001},
		{"SETTINGS flood", h2.AppendSettings(nil), 1001},
		{"PRIORITY churn", h2.AppendPriority(nil, 9, h2.Priority{}), 1001},
		{"RST_STREAM flood", h2.AppendRSTStream(nil, 1, h2.Cancel), 1001},
		{"bad frames on a stream that is gone", rawFrame(h2.FrameWindowUpdate, 0, 1, "\x00\x00\x00\x00"), 1001},
		{"malformed PRIORITY of one stream after another", rawFrame(h2.FramePriority, 0, 1, "x"), 1001},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := start(t, h2.Config{})
				k := f.do(t.Context(), get("/"))
				f.WantHeaders(1, "", "a request")
				f.SendHeaders(1, true, ":status", "bad")
				f.WantRST(1, h2.ProtocolError, "malformed")
				k.fails(wire.ErrRemoteProtocol)
				for n := 0; f.c.State().Phase != wire.ConnClosed; n++ {
					if n > tt.most {
						t.Fatalf("%d frames were taken", n)
					}
					f.TrySend(tt.next)
					synctest.Wait()
				}
				var answers, resets int
				for {
					fr, err := f.TryNext()
					if err != nil {
						t.Fatal("closed without GOAWAY")
					}
					switch {
					case fr.Type == h2.FrameRSTStream:
						resets++
					case fr.Ack():
						answers++
					}
					if fr.Type == h2.FrameGoAway {
						if code := fr.GoAway().Code; code != h2.EnhanceYourCalm {
							t.Errorf("got %v", code)
						}
						break
					}
				}
				if resets > 0 || answers > 1001 {
					t.Errorf("%d answers, %d more resets", answers, resets)
				}
			})
		})
	}
	// A reset for each request is all that a peer can have.
	t.Run("rapid reset, mirrored", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := start(t, h2.Config{})
			for range 500 {
				k := f.do(t.Context(), get("/"))
				h := f.WantHeaders(0, "", "a request")
				f.SendHeaders(h.ID, false, ":status", "bad")
				f.WantRST(h.ID, h2.ProtocolError, "malformed")
				k.fails(wire.ErrRemoteProtocol)
				f.SendRaw(rawFrame(h2.FrameWindowUpdate, 0, h.ID, "\x00\x00\x00\x00"))
				f.WantIdle("no second reset of a stream")
			}
			f.alive()
		})
	})
	t.Run("PUSH_PROMISE before our SETTINGS are acknowledged", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := raw(t, h2.Config{})
			f.SendSettings()
			f.WantSettingsAck("SETTINGS are acknowledged")
			f.do(t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			block := strings.Repeat("\x00\x01a\x01b", 3000)
			n := 0
			for ; f.c.State().Phase != wire.ConnClosed && n < 2000; n++ {
				f.TrySend(h2.AppendPushPromise(nil, 1, uint32(2*n+2), []byte(block)))
				synctest.Wait()
			}
			if n > 1001 {
				t.Errorf("%d pushes were taken", n)
			}
			resets := 0
			for {
				fr, err := f.TryNext()
				if err != nil {
					t.Fatal("closed without GOAWAY")
				}
				if fr.Type == h2.FrameRSTStream && fr.Code() == h2.RefusedStream {
					resets++
				}
				if fr.Type == h2.FrameGoAway {
					break
				}
			}
			if resets > n {
				t.Errorf("%d resets for %d pushes", resets, n)
			}
		})
	})
	t.Run("PUSH_PROMISE of very many fields", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := start(t, h2.Config{})
			k := f.do(t.Context(), get("/"))
			f.WantHeaders(1, "", "a request")
			f.SendRaw(rawFrame(h2.FramePushPromise, 0, 1, "\x00\x00\x00\x02"+strings.Repeat("\x00\x01a\x01b", 3000)))
			f.broken(k, h2.ProtocolError, "the first frame of it is enough")
		})
	})
}
