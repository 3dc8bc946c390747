package h2_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/h2"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/pool"
	"gohttpx.dev/wire"
)

// TestRows says which test shows which promise. The numbers are those of the
// project's list of features.
func TestRows(t *testing.T) {
	for _, row := range []struct {
		name string
		test func(t *testing.T)
	}{
		{"A18.1 SETTINGS as configured, in their order", TestSettingsAreSentAsGiven},
		{"A18.1 windows tune themselves", TestWindowGrows},
		{"A18.2 slots follow the peer's limit", TestSettingsLimits},
		{"A18.2 the wait for a slot is the pool's", TestPoolTimeoutCoversStreams},
		{"A18.3 pseudo-fields and END_STREAM", TestGet},
		{"A18.3 content-length and END_STREAM", TestPost},
		{"A18.4 full duplex", TestFullDuplex},
		{"A18.5 GOAWAY lets streams finish", TestGoAwayLetsStreamsFinish},
		{"A18.5 GOAWAY refuses streams", TestGoAwayRefusesStreams},
		{"A18.5 GOAWAY(0) is replayed", TestGoAwayZeroIsReplayed},
		{"A18.6 unread bodies give credit and slot back", TestUnreadBodiesClosed},
		{"A18.7 PING, also while idle", TestPing},
		{"A18.8 1xx and trailers", TestInterimAndTrailers},
		{"A18.9 protocol and stream in the response", TestGet},
		{"B5 an unprocessed POST is replayed", TestGoAwayZeroIsReplayed},
		{"B5 refused for ever is bounded", TestRefusedForEver},
		{"B6 PING is on by default", TestPing},
		{"B7 soft retire", TestBlackhole},
		{"B7 new requests go elsewhere", TestBlackholedConnectionInPool},
		{"B8 h2c by prior knowledge", TestCleartext},
		{"B9 SETTINGS", TestSettingsAreSentAsGiven},
		{"B9 windows", TestMemoryCap},
		{"B10 streams run out", TestStreamsRunOut},
		{"B10 the least loaded", TestConnectionsAndStreams},
		{"B15 trailers both ways", TestInterimAndTrailers},
		{"B16 interim responses", TestInterimAndTrailers},
		{"B17 100 (Continue)", TestContinue},
		{"B18 CONNECT", TestConnect},
		{"B19 extended CONNECT", TestExtendedConnect},
		{"C33 a stream for WebSockets", TestExtendedConnect},
		{"B26 frames in and out", TestWriteFrameAndOnFrame},
		{"B26 a stream by hand", TestOpen},
		{"C6 GOAWAY", TestGoAwayLetsStreamsFinish},
		{"C7 unread bodies", TestUnreadBodiesClosed},
		{"C8 a read timeout is of one stream", TestReadTimeoutIsOfOneStream},
		{"C9 a lowered limit touches admission only", TestSettingsLimits},
		{"C10 a black hole is found within 20 s", TestBlackholeAfterQuestions},
		{"C11 questions are not abuse", TestPing},
		{"C12 windows grow", TestWindowGrows},
		{"C13 cancel does not wait for a write", TestCancel},
		{"C13 Close does not wait for a write", TestCloseOfStuckConnection},
		{"C14 a stalled reader stalls nobody else", TestStalledReaders},
		{"C15 100 streams until SETTINGS", TestSettingsLimits},
		{"C16 more callers than streams", TestMoreCallersThanStreams},
		{"C29 idle connections are reaped", TestIdleConnections},
		{"C30 abort leaves nothing", TestCancel},
		{"C31 GOAWAY before admission", TestGoAwayBeforeReservedRequest},
		{"C38 negative windows", TestNegativeWindow},
		{"C39 big uploads in whole frames", TestUploadFrames},
		{"C40 connections and streams are set apart", TestConnectionsAndStreams},
		{"D1 the rest of a stream after GOAWAY", TestGoAwayLetsStreamsFinish},
		{"D2 GOAWAY with a last stream of 0", TestGoAwayZeroIsReplayed},
		{"D3 one stream's read timeout", TestReadTimeoutIsOfOneStream},
		{"D4 unread bodies closed", TestUnreadBodiesClosed},
		{"D5 one stream allowed, five callers, one connection", TestPoolTimeoutCoversStreams},
		{"D5 one stream allowed, five callers, more connections", TestStreamsRunOut},
	} {
		t.Run(row.name, row.test)
	}
}

// No TLS, no upgrade: the preface is the first that the server sees.
func TestCleartext(t *testing.T) {
	c := xnet(t, h2.Config{}, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto+" "+r.URL.Path) })
	var res wire.Response
	if body, err := exchange(c, get("/x"), &res); body != "HTTP/2.0 /x" || err != nil || res.Proto != wire.HTTP2 {
		t.Errorf("got %q, %v", body, err)
	}
}

// The response is read while the request is sent.
func TestFullDuplex(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{})
		pr, pw := io.Pipe()
		k := f.head(t.Context(), post("/", pr, -1))
		f.WantHeaders(1, "POST /", "the head comes first")
		f.SendHeaders(1, false, ":status", "200")
		k.wait()
		buf := make([]byte, 10)
		for _, s := range []string{"one", "two", "three"} {
			pw.Write([]byte(s))
			f.WantData(1, s, false, "sent at once")
			f.SendData(1, s, false)
			if n, err := k.res.Body.Read(buf); string(buf[:n]) != s || err != nil {
				t.Errorf("got %q, %v", buf[:n], err)
			}
		}
		pw.Close()
		f.WantData(1, "", true, "the end")
		f.SendData(1, "", true)
		k.read()
		k.ok(200, "")
	})
}

// A peer that refuses each stream is asked a few times, with pauses.
func TestRefusedForEver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		asked := 0
		f := newFarm(t, pool.Config{}, func(n int, p *peer.H2Script) {
			p.WantPreface("a connection starts with the preface")
			p.SendSettings()
			for {
				fr, err := p.TryNext()
				if err != nil {
					return
				}
				if fr.Type == h2.FrameHeaders {
					asked++
					p.TrySend(h2.AppendRSTStream(nil, fr.StreamID, h2.RefusedStream))
				}
			}
		})
		began := time.Now()
		_, err := f.get(t.Context(), get("/"))
		if !errors.Is(err, wire.ErrUnprocessed) || asked < 2 || asked > 10 || time.Since(began) == 0 {
			t.Errorf("got %v after %d times in %v", err, asked, time.Since(began))
		}
	})
}

// HTTP/2 connections expire and are closed when idle like any other.
func TestIdleConnections(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(f *farm)
	}{
		{"expiry", func(f *farm) { time.Sleep(2 * time.Second) }},
		{"CloseIdle", func(f *farm) { f.CloseIdle() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFarm(t, pool.Config{KeepaliveExpiry: 2 * time.Second}, func(n int, p *peer.H2Script) { answer(p, 0) })
				for want := 1; want <= 2; want++ {
					if _, err := f.get(t.Context(), get("/")); err != nil || f.dials != want {
						t.Errorf("%v after %d dials, want %d", err, f.dials, want)
					}
					time.Sleep(1900 * time.Millisecond)
					if st := f.Stats(); st.Open != 1 || st.Idle != 1 {
						t.Errorf("too early: %+v", st.Counts)
					}
					tt.end(f)
					synctest.Wait()
					if st := f.Stats(); st.Open != 0 {
						t.Errorf("left: %+v", st.Counts)
					}
				}
			})
		})
	}
}

// RFC 9113 §6.9.2: "A sender MUST track the negative flow-control window and MUST
// NOT send new flow-controlled frames until it receives WINDOW_UPDATE frames that
// cause the flow-control window to become positive."
func TestNegativeWindow(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{}, h2.Setting{ID: h2.SettingInitialWindowSize, Value: 1000})
		body := strings.Repeat("x", 1500)
		k := f.do(t.Context(), post("/", text(body), 1500))
		f.WantHeaders(1, "", "a request")
		f.WantData(1, body[:1000], false, "what the window allows")
		f.SendSettings(h2.Setting{ID: h2.SettingInitialWindowSize, Value: 100})
		f.WantSettingsAck("the window is -900 now")
		f.SendRaw(h2.AppendWindowUpdate(nil, 1, 900))
		f.WantIdle("it is 0")
		f.SendRaw(h2.AppendWindowUpdate(nil, 1, 500))
		f.WantData(1, body[1000:], true, "it is 500")
		f.Respond(1, "200", "ok")
		k.ok(200, "ok")
	})
}

// A big upload goes in frames of the size that the peer takes, whatever the
// pieces it comes in.
func TestUploadFrames(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{}, h2.Setting{ID: h2.SettingInitialWindowSize, Value: 1 << 20})
		f.SendRaw(h2.AppendWindowUpdate(nil, 0, 1<<20))
		const size = 1 << 20
		k := f.do(t.Context(), post("/", text(strings.Repeat("x", size)), size))
		f.WantHeaders(1, "", "a request")
		frames, got := 0, 0
		for end := false; !end; {
			fr := f.Want(h2.FrameData, 1, "content")
			frames++
			got += len(fr.Payload)
			end = fr.EndStream()
		}
		if got != size || frames > size/(16<<10)+2 {
			t.Errorf("%d bytes in %d frames", got, frames)
		}
		f.Respond(1, "200", "ok")
		k.ok(200, "ok")
	})
}

// An upload goes in large frames if the peer takes them.
func TestLargeFrames(t *testing.T) {
	for _, tt := range []struct {
		name          string
		takes, window uint32
		most          int
		frames        int // at most
	}{
		{"usual frames only", 16 << 10, 8 << 20, 16 << 10, 66},
		{"a little more", 65526, 8 << 20, 16 << 10, 66},
		{"large frames", 65527, 8 << 20, 64<<10 - 9, 30},
		{"very large frames", 1<<24 - 1, 8 << 20, 64<<10 - 9, 30},
		{"a small window", 1 << 20, 4 << 10, 4 << 10, 257 + 2*17}, // a piece of the body may end within a window: two frames more,
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := start(t, h2.Config{}, h2.Setting{ID: h2.SettingInitialWindowSize, Value: tt.window},
					h2.Setting{ID: h2.SettingMaxFrameSize, Value: tt.takes})
				f.SendRaw(h2.AppendWindowUpdate(nil, 0, 8<<20))
				const size = 1 << 20
				k := f.do(t.Context(), post("/", io.NopCloser(io.LimitReader(new(pattern), size)), size))
				f.WantHeaders(1, "", "a request")
				frames, got := 0, 0
				for end := false; !end; {
					fr := f.Want(h2.FrameData, 1, "content")
					frames++
					if len(fr.Payload) > tt.most {
						t.Fatalf("a frame of %d bytes", len(fr.Payload))
					}
					got += len(fr.Payload)
					if end = fr.EndStream(); !end {
						f.SendRaw(h2.AppendWindowUpdate(nil, 1, uint32(len(fr.Payload))))
					}
				}
				if got != size || frames > tt.frames {
					t.Errorf("%d bytes in %d frames", got, frames)
				}
				f.Respond(1, "200", "ok")
				k.ok(200, "ok")
			})
		})
	}
}

// What waits for a socket that takes nothing is bounded, however large the frames
// are that the peer takes, and whichever size it takes next.
func TestLargeFramesWait(t *testing.T) {
	bubble(t, func(t *testing.T) {
		large := h2.Setting{ID: h2.SettingMaxFrameSize, Value: 1 << 20}
		usual := h2.Setting{ID: h2.SettingMaxFrameSize, Value: 16 << 10}
		f := start(t, h2.Config{Write: wire.Never, PingInterval: -1}, h2.Setting{ID: h2.SettingInitialWindowSize, Value: 8 << 20}, large)
		f.SendRaw(h2.AppendWindowUpdate(nil, 0, 8<<20))
		f.nc.SetCapacity(4 << 10)
		const size = 4 << 20
		body := io.LimitReader(new(pattern), size)
		k := f.do(t.Context(), never(post("/", io.NopCloser(body), size)))
		limit, acked := 1<<20, 0
		for got, end := 0, false; !end; {
			synctest.Wait()
			if n := f.c.Unsent(); n > h2.MaxUnsent+100 { // and an acknowledgement
				t.Fatalf("%d bytes wait", n)
			}
			switch fr := f.Next("content"); fr.Type {
			case h2.FrameData:
				if len(fr.Payload) > limit {
					t.Fatalf("a frame of %d bytes after the acknowledgement of %d", len(fr.Payload), limit)
				}
				was := got >> 20
				got += len(fr.Payload)
				if end = fr.EndStream(); end && got != size {
					t.Errorf("got %d bytes", got)
				}
				if got>>20 == was {
					break
				}
				if was%2 == 0 {
					f.SendSettings(usual)
				} else {
					f.SendSettings(large)
				}
			case h2.FrameSettings:
				if acked++; acked%2 == 1 {
					limit = 16 << 10
				} else {
					limit = 1 << 20
				}
			}
		}
		if acked < 3 {
			t.Errorf("%d acknowledgements", acked)
		}
		f.Respond(1, "200", "ok")
		k.ok(200, "ok")
	})
}

// How many connections, and how many streams on each, are set one by one; and
// the streams are spread over the connections.
func TestConnectionsAndStreams(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var mu sync.Mutex
		running, most := map[int]int{}, map[int]int{}
		dials := 0
		p := pool.New(pool.Config{MaxConnectionsPerHost: 2, Dial: func(ctx context.Context, k pool.Key) (pool.Conn, error) {
			mu.Lock()
			dials++
			n := dials
			mu.Unlock()
			nc, p := peer.H2(t)
			p.Go(func() {
				p.WantPreface("a connection starts with the preface")
				p.SendSettings()
				p.SendRaw(h2.AppendSettingsAck(nil))
				for {
					fr, err := p.TryNext()
					if err != nil {
						return
					}
					if fr.Type != h2.FrameHeaders {
						continue
					}
					p.Decode(fr, "a request")
					mu.Lock()
					running[n]++
					most[n] = max(most[n], running[n])
					mu.Unlock()
					p.Go(func() {
						time.Sleep(time.Millisecond)
						mu.Lock()
						defer mu.Unlock()
						running[n]--
						p.TrySend(h2.AppendHeaders(nil, fr.StreamID, p.Block(":status", "204"), h2.HeadersOptions{EndStream: true}))
					})
				}
			})
			return h2.NewConn(ctx, nc, h2.Config{MaxConcurrent: 3})
		}})
		defer p.Close()
		f := &farm{Pool: p}
		if err := p.Preconnect(t.Context(), farmKey, 6, wire.Timeouts{}); err != nil || dials != 2 {
			t.Fatalf("%v, %d connections for 6 streams of 3 each", err, dials)
		}
		for _, load := range []struct{ requests, each int }{{2, 1}, {4, 2}, {60, 3}} {
			clear(most)
			var wg sync.WaitGroup
			for range load.requests {
				wg.Go(func() {
					if _, err := f.get(t.Context(), get("/")); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if most[1] != load.each || most[2] != load.each {
				t.Errorf("%d requests: at most %v on the connections at once, want %d on each", load.requests, most, load.each)
			}
		}
		if st := p.Stats(); dials != 2 || st.Open != 2 {
			t.Errorf("%d connections dialled, %d open", dials, st.Open)
		}
	})
}
