package h2_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/h2"
	"gohttpx.dev/wire"
)

// expire runs n requests without an answer whose read timeouts are a millisecond
// apart, and returns how often the clock has looked at a stream for each.
func expire(t *testing.T, n int) float64 {
	f := start(t, h2.Config{PingInterval: -1}, h2.Setting{ID: h2.SettingMaxConcurrentStreams, Value: uint32(n)})
	f.Go(func() {
		for {
			if _, err := f.TryNext(); err != nil {
				return
			}
		}
	})
	before := f.c.Looked()
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			req := get("/")
			limit := time.Second + time.Duration((i*7919)%n)*time.Millisecond
			req.Timeouts = wire.Timeouts{Read: limit, Write: wire.Never}
			began := time.Now()
			var res wire.Response
			err := f.c.RoundTrip(context.Background(), req, &res)
			if d := time.Since(began); err == nil || d < limit || d > limit+limit/10 {
				t.Errorf("%v after %v, want a timeout after %v", err, d, limit)
			}
		})
	}
	wg.Wait()
	synctest.Wait()
	if left := f.c.Waiting(); left > 256 {
		t.Errorf("the clock keeps %d streams of %d", left, n)
	}
	f.c.Close()
	return float64(f.c.Looked()-before) / float64(n)
}

// What the clock does for one wait that expires does not depend on how many
// others there are.
func TestManyDeadlines(t *testing.T) {
	for _, n := range []int{100, 10_000} {
		if raceEnabled {
			n = min(n, 1000)
		}
		bubble(t, func(t *testing.T) {
			looks := expire(t, n)
			t.Logf("%d streams: %.2f looks for each", n, looks)
			if looks > 3 {
				t.Errorf("of %d streams the clock looked at %.1f for each that expired", n, looks)
			}
		})
	}
}

// Timeouts of all lengths, requests that end in between, objects that are used
// again: nobody is woken early, late or never.
func TestDeadlinesMixed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{PingInterval: -1}, h2.Setting{ID: h2.SettingMaxConcurrentStreams, Value: 1000})
		f.Go(func() {
			for {
				fr, err := f.TryNext()
				if err != nil {
					return
				}
				if fr.Type == h2.FrameHeaders && f.Decode(fr, "a request").Get(":path") == "/answer" {
					f.Respond(fr.StreamID, "200", "ok")
				}
			}
		})
		var wg sync.WaitGroup
		for g := range 400 {
			rnd := rand.New(rand.NewPCG(1, uint64(g)))
			wg.Go(func() {
				for range 20 {
					time.Sleep(time.Duration(rnd.IntN(1000)) * time.Millisecond)
					req := get("/")
					if rnd.IntN(2) == 0 {
						req = get("/answer")
					}
					limit := time.Duration(1+rnd.IntN(5000)) * time.Millisecond
					req.Timeouts.Read = limit
					began := time.Now()
					var res wire.Response
					body, err := exchange(f.c, req, &res)
					switch d := time.Since(began); {
					case req.Target == "/answer" && (err != nil || body != "ok"):
						t.Errorf("got %q, %v", body, err)
					case req.Target == "/" && (err == nil || d < limit || d > limit+limit/10):
						t.Errorf("%v after %v, want a timeout after %v", err, d, limit)
					}
				}
			})
		}
		wg.Wait()
		f.inFlight(0)
		f.c.Close()
	})
}
