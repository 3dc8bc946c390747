package pool_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"gohttpx.dev/pool"
	"gohttpx.dev/wire"
)

// TestStress lets goroutines loose, with cancels, failing dials and servers
// that hang up, in real time and under the race detector: what the random
// schedules cannot reach is events that happen at once. Afterwards nothing is
// in use, nothing waits, and the goroutines are gone (C1).
func TestStress(t *testing.T) {
	const goroutines, each = 64, 300
	start := runtime.NumGoroutine()
	n := &fakeNet{}
	keys := []pool.Key{key("a"), key("b"), key("c"), key("d")}
	n.limit = func(k pool.Key) int {
		if k == keys[0] {
			return 5
		}
		return 1
	}
	n.before = func(ctx context.Context, _ pool.Key, i int) error {
		runtime.Gosched()
		if i%7 == 0 {
			return errRefused
		}
		return ctx.Err()
	}
	n.made = func(c *fakeConn) {
		c.serve = func(context.Context, *wire.Request) error {
			runtime.Gosched()
			switch rand.IntN(20) {
			case 0:
				return disconnected(true)
			case 1:
				return unprocessed()
			}
			return nil
		}
	}
	p := pool.New(pool.Config{
		Dial: n.dial, MaxConnections: 8, MaxConnectionsPerHost: 5, MaxKeepaliveConnections: 4, KeepaliveExpiry: time.Millisecond,
		MaxConnectionAge: 20 * time.Millisecond, Probes: may,
	})
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 2))
			for range each {
				ctx, stop := context.WithCancel(context.Background())
				var res wire.Response
				if r.IntN(10) == 0 {
					d := time.Duration(r.IntN(200)) * time.Microsecond
					time.AfterFunc(d, stop)
				}
				err := p.RoundTrip(ctx, keys[r.IntN(len(keys))], &wire.Request{Timeouts: wire.Timeouts{Pool: time.Minute}}, &res)
				if r.IntN(50) == 0 {
					p.CloseIdle()
				}
				var e *wire.Error
				switch {
				case err == nil:
					if r.IntN(20) == 0 {
						connOf(n, &res).end() // the server hangs up
					}
					res.Body.Close()
				case !errors.As(err, &e):
					t.Errorf("not an *wire.Error: %v", err)
				case errors.Is(err, wire.ErrTimeout):
					t.Errorf("a wake-up was lost: %v", err)
				}
				stop()
			}
		})
	}
	wg.Wait()
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	if err := p.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v; %+v", err, p.Stats().Counts)
	}
	if n.most > 8 {
		t.Errorf("%d connections and dials at once, MaxConnections 8", n.most)
	}
	if err := p.Check(); err != nil {
		t.Errorf("books: %v", err)
	}
	if s := p.Stats(); s.Open+s.Dialing+s.Waiting != 0 {
		t.Errorf("left over: %+v", s.Counts)
	}
	for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > start; runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines, at first %d", runtime.NumGoroutine(), start)
		}
	}
}
