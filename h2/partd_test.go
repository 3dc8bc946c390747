package h2_test

import (
	"context"
	"errors"
	"io"
	"strconv"
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

var _ pool.Conn = (*h2.Conn)(nil)

// farm is a pool of HTTP/2 connections to scripted peers.
type farm struct {
	*pool.Pool
	mu    sync.Mutex
	dials int
}

// newFarm returns a pool. serve plays the nth connection's server, from 1 on.
func newFarm(t *testing.T, cfg pool.Config, serve func(n int, p *peer.H2Script)) *farm {
	f := &farm{}
	cfg.Dial = func(ctx context.Context, k pool.Key) (pool.Conn, error) {
		f.mu.Lock()
		f.dials++
		n := f.dials
		f.mu.Unlock()
		nc, p := peer.H2(t)
		p.Go(func() { serve(n, p) })
		c, err := h2.NewConn(ctx, nc, h2.Config{})
		if err != nil {
			return nil, err
		}
		return c, nil
	}
	f.Pool = pool.New(cfg)
	t.Cleanup(func() { f.Close() })
	return f
}

var farmKey = pool.Key{Scheme: "https", Addr: "example.test:443"}

func (f *farm) get(ctx context.Context, req *wire.Request) (string, error) {
	var res wire.Response
	if err := f.RoundTrip(ctx, farmKey, req, &res); err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return string(b), err
}

// answer serves requests until the connection ends: the path comes back.
func answer(p *peer.H2Script, delay time.Duration, settings ...h2.Setting) {
	p.WantPreface("a connection starts with the preface")
	p.SendSettings(settings...)
	p.SendRaw(h2.AppendSettingsAck(nil))
	var mu sync.Mutex
	for {
		f, err := p.TryNext()
		if err != nil {
			return
		}
		if f.Type != h2.FrameHeaders {
			continue
		}
		h := p.Decode(f, "a request")
		respond := func() {
			mu.Lock()
			defer mu.Unlock()
			b := h2.AppendHeaders(nil, h.ID, p.Block(":status", "200"), h2.HeadersOptions{})
			p.TrySend(h2.AppendData(b, h.ID, []byte(h.Get(":path")), true, 0))
		}
		if delay == 0 {
			respond()
			continue
		}
		p.Go(func() {
			time.Sleep(delay)
			respond()
		})
	}
}

// firstRequest waits for the first request, which need not wait for SETTINGS.
func firstRequest(p *peer.H2Script) {
	p.WantPreface("a connection starts with the preface")
	p.SendSettings()
	for {
		if f, err := p.TryNext(); err != nil || f.Type == h2.FrameHeaders {
			return
		}
	}
}

// GOAWAY with a last stream of 0, then the end: the request is made again on
// another connection, although it is no idempotent one.
func TestGoAwayZeroIsReplayed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFarm(t, pool.Config{}, func(n int, p *peer.H2Script) {
			if n > 1 {
				answer(p, 0)
				return
			}
			firstRequest(p)
			p.SendRaw(h2.AppendGoAway(nil, 0, h2.NoError, ""))
			p.Close()
		})
		req := post("/again", text("x"), 1)
		req.Rewind = func() (io.ReadCloser, error) { return text("x"), nil }
		if body, err := f.get(t.Context(), req); body != "/again" || err != nil || f.dials != 2 {
			t.Errorf("got %q, %v after %d dials", body, err, f.dials)
		}
	})
}

// A peer that refuses for ever is asked a few times, not for ever.
func TestGoAwayForEver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFarm(t, pool.Config{}, func(n int, p *peer.H2Script) {
			firstRequest(p)
			p.SendRaw(h2.AppendGoAway(nil, 0, h2.EnhanceYourCalm, ""))
			p.Close()
		})
		_, err := f.get(t.Context(), get("/"))
		var g h2.GoAwayError
		if !errors.As(err, &g) || f.dials > 10 {
			t.Errorf("got %v after %d dials", err, f.dials)
		}
	})
}

// More callers than the peer's stream limit wait in the pool and proceed
// (net/http was seen to hang for good at 101, 130 and 256).
func TestMoreCallersThanStreams(t *testing.T) {
	for _, callers := range []int{101, 130, 256} {
		t.Run(strconv.Itoa(callers), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFarm(t, pool.Config{MaxConnectionsPerHost: 1}, func(n int, p *peer.H2Script) {
					answer(p, 100*time.Millisecond, h2.Setting{ID: h2.SettingMaxConcurrentStreams, Value: 100})
				})
				var wg sync.WaitGroup
				for i := range callers {
					wg.Go(func() {
						path := "/" + strconv.Itoa(i)
						if body, err := f.get(t.Context(), get(path)); body != path || err != nil {
							t.Errorf("%s: got %q, %v", path, body, err)
						}
					})
				}
				wg.Wait()
				if f.dials != 1 {
					t.Errorf("%d connections", f.dials)
				}
			})
		})
	}
}

// A limit of one stream, five callers, one connection allowed: the wait for a
// stream is the pool's, and has its timeout.
func TestPoolTimeoutCoversStreams(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFarm(t, pool.Config{MaxConnectionsPerHost: 1}, func(n int, p *peer.H2Script) {
			answer(p, 300*time.Millisecond, h2.Setting{ID: h2.SettingMaxConcurrentStreams, Value: 1})
		})
		if _, err := f.get(t.Context(), get("/first")); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		good, late := 0, 0
		for range 5 {
			wg.Go(func() {
				req := get("/")
				req.Timeouts.Pool = 100 * time.Millisecond
				_, err := f.get(t.Context(), req)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					good++
				case errors.Is(err, wire.ErrPoolTimeout):
					late++
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if good != 1 || late != 4 {
			t.Errorf("%d succeeded, %d timed out", good, late)
		}
	})
}

// The same with more connections allowed: they are opened.
func TestStreamsRunOut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFarm(t, pool.Config{MaxConnectionsPerHost: 5}, func(n int, p *peer.H2Script) {
			answer(p, 300*time.Millisecond, h2.Setting{ID: h2.SettingMaxConcurrentStreams, Value: 1})
		})
		if _, err := f.get(t.Context(), get("/first")); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if _, err := f.get(t.Context(), get("/")); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if d := time.Since(began); d > 700*time.Millisecond || f.dials < 2 {
			t.Errorf("took %v with %d connections", d, f.dials)
		}
	})
}

// The peer is silent and the socket open: waiting requests fail within 20 s, and
// new ones go elsewhere before.
func TestBlackholedConnectionInPool(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFarm(t, pool.Config{}, func(n int, p *peer.H2Script) {
			if n > 1 {
				answer(p, 0)
				return
			}
			firstRequest(p)
			for {
				if _, err := p.TryNext(); err != nil {
					return
				}
			}
		})
		began := time.Now()
		failed := make(chan time.Duration, 1)
		go func() {
			_, err := f.get(t.Context(), never(get("/waits")))
			if !errors.Is(err, wire.ErrTimeout) {
				t.Errorf("got %v", err)
			}
			failed <- time.Since(began)
		}()
		time.Sleep(17600 * time.Millisecond)
		if body, err := f.get(t.Context(), get("/elsewhere")); body != "/elsewhere" || err != nil || f.dials != 2 {
			t.Errorf("got %q, %v, %d dials", body, err, f.dials)
		}
		if d := <-failed; d > 20*time.Second+time.Millisecond {
			t.Errorf("failed after %v", d)
		}
	})
}

// The server may reload: streams it has seen are finished, all others are made
// again.
func TestGracefulReload(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFarm(t, pool.Config{MaxConnectionsPerHost: 1}, func(n int, p *peer.H2Script) {
			p.WantPreface("a connection starts with the preface")
			p.SendSettings()
			served := 0
			for {
				fr, err := p.TryNext()
				if err != nil {
					return
				}
				if fr.Type != h2.FrameHeaders {
					continue
				}
				h := p.Decode(fr, "a request")
				if served++; served == 10 {
					p.TrySend(h2.AppendGoAway(nil, h.ID, h2.NoError, "reload"))
				}
				if served <= 10 {
					b := h2.AppendHeaders(nil, h.ID, p.Block(":status", "200"), h2.HeadersOptions{})
					p.TrySend(h2.AppendData(b, h.ID, []byte(h.Get(":path")), true, 0))
				}
			}
		})
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				for j := range 50 {
					path := "/" + strconv.Itoa(i) + "/" + strconv.Itoa(j)
					if body, err := f.get(t.Context(), get(path)); body != path || err != nil {
						t.Errorf("%s: got %q, %v", path, body, err)
					}
				}
			})
		}
		wg.Wait()
	})
}

// A handle that has outlived its exchange must not see the next one.
func TestStaleHandle(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{})
		k := f.do(t.Context(), get("/1"))
		f.WantHeaders(1, "", "a request")
		f.Respond(1, "200", "one")
		k.ok(200, "one")
		old := k.res.Body
		next := f.head(t.Context(), get("/2"))
		f.WantHeaders(3, "", "a request")
		f.SendHeaders(3, false, ":status", "200")
		f.SendData(3, "two", true)
		next.wait()
		synctest.Wait()
		if n, err := old.Read(make([]byte, 10)); n != 0 || err != wire.ErrBodyClosed {
			t.Errorf("got %d, %v", n, err)
		}
		old.Close()
		if _, err := old.Detach(); err == nil {
			t.Error("a stale handle was detached")
		}
		next.read()
		next.ok(200, "two")
		if _, err := next.res.Body.Read(make([]byte, 1)); err != wire.ErrBodyClosed {
			t.Errorf("after Close: %v", err)
		}
	})
}

// Read must end when Close comes.
func TestCloseWhileReading(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{})
		k := f.do(t.Context(), get("/"))
		f.WantHeaders(1, "", "a request")
		f.SendHeaders(1, false, ":status", "200")
		f.SendData(1, "x", false)
		synctest.Wait()
		k.res.Body.Close()
		if k.wait(); k.berr != wire.ErrBodyClosed {
			t.Errorf("got %v", k.berr)
		}
		f.WantRST(1, h2.Cancel, "closed early")
		f.alive()
	})
}

func TestInterimAndTrailers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{})
		var seen []string
		req := get("/")
		req.Trace = &wire.Trace{Interim: func(status int, fs wire.Fields) error {
			seen = append(seen, strconv.Itoa(status)+fs.Get("link"))
			return nil
		}}
		k := f.do(t.Context(), req)
		f.WantHeaders(1, "", "a request")
		f.SendHeaders(1, false, ":status", "103", "link", "a")
		f.SendHeaders(1, false, ":status", "103", "link", "b")
		f.Respond(1, "200", "x")
		k.ok(200, "x")
		if strings.Join(seen, " ") != "103a 103b" {
			t.Errorf("got %q", seen)
		}

		req = post("/", text("body"), 4)
		req.Trailers = func() wire.Fields { return wire.Fields{{Name: "X-Sum", Value: "1"}} }
		k = f.do(t.Context(), req)
		f.WantHeaders(3, "", "a request")
		f.WantData(3, "body", false, "its content")
		if h := f.WantHeaders(3, "", "its trailers"); !h.End || h.Get("x-sum") != "1" {
			t.Errorf("got %+v", h)
		}
		f.Respond(3, "200", "y")
		k.ok(200, "y")
	})
}
