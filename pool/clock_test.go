package pool_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/pool"
	"gohttpx.dev/wire"
)

// slowly makes dials take d, or as long as their context permits.
func slowly(d time.Duration, err error) func(context.Context, pool.Key, int) error {
	return func(ctx context.Context, _ pool.Key, _ int) error {
		select {
		case <-time.After(d):
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func lasted(t *testing.T, c *call, began time.Time, want time.Duration) {
	t.Helper()
	<-c.done
	if d := time.Since(began); d != want {
		t.Errorf("it took %v, want %v: %v", d, want, c.err)
	}
}

// A15.5: the Pool clock covers the wait for a connection, exactly.
func TestPoolTimeout(t *testing.T) {
	for name, tt := range map[string]struct{ set, want time.Duration }{"default": {0, 5 * time.Second}, "set": {time.Second, time.Second}} {
		t.Run(name, func(t *testing.T) {
			world(t, pool.Config{MaxConnections: 1}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
				hold := start(p, key("a"), wire.Timeouts{})
				granted(t, hold)
				began := time.Now()
				a, b := start(p, key("a"), wire.Timeouts{Pool: tt.set}), start(p, key("b"), wire.Timeouts{Pool: tt.set})
				never := start(p, key("b"), wire.Timeouts{Pool: wire.Never})
				lasted(t, a, began, tt.want)
				lasted(t, b, began, tt.want)
				for _, c := range []*call{a, b} {
					if e := failed(t, c, wire.ErrPoolTimeout); e.Phase != wire.PhasePool || e.Sent || !e.Timeout() {
						t.Errorf("%+v", e)
					}
				}
				time.Sleep(24 * time.Hour)
				waits(t, never)
				hold.end()
				granted(t, never)
				never.end()
			})
		})
	}
}

// The Connect clock is the dial's: it fires exactly, and the dialler's phase is
// kept.
func TestConnectTimeout(t *testing.T) {
	world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		n.before = slowly(time.Hour, nil)
		began := time.Now()
		a := start(p, key("a"), wire.Timeouts{})
		b := start(p, key("b"), wire.Timeouts{Connect: time.Second, Pool: time.Millisecond})
		lasted(t, b, began, time.Second)
		lasted(t, a, began, 5*time.Second)
		if e := failed(t, a, wire.ErrConnectTimeout); e.Phase != wire.PhaseDial || e.Kind != wire.KindTimeout || a.err.Error() != "dial: connect timeout: no connection to a:443 within 5s" {
			t.Errorf("%+v", e)
		}
		n.before = func(ctx context.Context, _ pool.Key, _ int) error {
			<-ctx.Done()
			return wire.Canceled(ctx, wire.PhaseTLS, false)
		}
		began = time.Now()
		c := start(p, key("a"), wire.Timeouts{Connect: time.Second})
		lasted(t, c, began, time.Second)
		if e := failed(t, c, wire.ErrConnectTimeout); e.Phase != wire.PhaseTLS || errors.Is(c.err, context.Canceled) {
			t.Errorf("%+v", e)
		}
		n.before = slowly(24*time.Hour, nil)
		began = time.Now()
		never := start(p, key("a"), wire.Timeouts{Connect: wire.Never, Pool: time.Millisecond})
		lasted(t, never, began, 24*time.Hour)
		granted(t, never)
		never.end()
	})
}

// A dialler that ignores its context cannot hold the request.
func TestDialThatIgnoresItsContext(t *testing.T) {
	world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		let := make(chan struct{})
		n.before = func(context.Context, pool.Key, int) error { <-let; return nil }
		began := time.Now()
		c := start(p, key("a"), wire.Timeouts{Connect: time.Second})
		lasted(t, c, began, time.Second+50*time.Millisecond)
		failed(t, c, wire.ErrConnectTimeout)
		close(let)
		synctest.Wait()
		if s := p.Stats(); s.Idle != 1 {
			t.Errorf("%d idle: what the dial brought is not kept", s.Idle)
		}
	})
}

// Time in which a dial for the request is in flight is Connect's, all other
// time is Pool's.
func TestDialTimeIsNotPoolTime(t *testing.T) {
	world(t, pool.Config{MaxConnections: 1}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		hold := start(p, key("a"), wire.Timeouts{})
		granted(t, hold)
		n.before = slowly(4*time.Second, nil)
		began := time.Now()
		c := start(p, key("b"), wire.Timeouts{Pool: 5 * time.Second, Connect: 5 * time.Second})
		time.Sleep(3 * time.Second)
		waits(t, c)
		hold.end() // its slot dials
		lasted(t, c, began, 7*time.Second)
		granted(t, c)
		if c.res.Timing.Pool != 3*time.Second {
			t.Errorf("Timing.Pool %v, want 3s", c.res.Timing.Pool)
		}
		c.end()
	})
}

// Neither clock restarts: what a joined dial has cost is gone, and so is what
// was spent before a dial began.
func TestClocksDoNotRestart(t *testing.T) {
	world(t, pool.Config{Probes: func(pool.Key) bool { return true }}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		n.before = func(ctx context.Context, k pool.Key, i int) error {
			if i == 1 {
				return slowly(4*time.Second, errRefused)(ctx, k, i)
			}
			return slowly(time.Hour, nil)(ctx, k, i)
		}
		began := time.Now()
		owner := start(p, key("a"), wire.Timeouts{})
		synctest.Wait()
		joiner := start(p, key("a"), wire.Timeouts{Connect: 6 * time.Second, Pool: time.Second})
		lasted(t, owner, began, 4*time.Second)
		failed(t, owner, errRefused)
		lasted(t, joiner, began, 6*time.Second)
		failed(t, joiner, wire.ErrConnectTimeout)
	})
	world(t, pool.Config{MaxConnectionsPerHost: 1}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		// 2 s of Pool for the one connection, 1 s behind first, then 9 s of
		// Connect for the dial that was first's and fails, 1 s for its own.
		n.before = func(ctx context.Context, k pool.Key, i int) error {
			switch i {
			case 1:
				return nil
			case 2:
				return slowly(10*time.Second, errRefused)(ctx, k, i)
			}
			return slowly(time.Second, nil)(ctx, k, i)
		}
		hold := start(p, key("a"), wire.Timeouts{})
		granted(t, hold)
		began := time.Now()
		first := start(p, key("a"), wire.Timeouts{Pool: wire.Never, Connect: wire.Never})
		synctest.Wait()
		second := start(p, key("a"), wire.Timeouts{Pool: 5 * time.Second, Connect: wire.Never})
		time.Sleep(2 * time.Second)
		n.conn(0).end() // the server hangs up; first's dial is in flight
		time.Sleep(time.Second)
		hold.end()
		first.stop()
		failed(t, first, context.Canceled) // second takes its dial over
		lasted(t, second, began, 13*time.Second)
		granted(t, second)
		if second.res.Timing.Pool != 3*time.Second {
			t.Errorf("Timing.Pool %v, want 3s: 2s for the first connection, 1s behind first", second.res.Timing.Pool)
		}
		second.end()
	})
}

// A joiner may give up before the dial it has joined.
func TestJoinerGivesUpByItsOwnConnect(t *testing.T) {
	world(t, pool.Config{Probes: func(pool.Key) bool { return true }}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		n.limit = func(pool.Key) int { return 10 }
		n.before = slowly(3*time.Second, nil)
		began := time.Now()
		owner := start(p, key("a"), wire.Timeouts{})
		synctest.Wait()
		joiner := start(p, key("a"), wire.Timeouts{Connect: time.Second})
		lasted(t, joiner, began, time.Second)
		failed(t, joiner, wire.ErrConnectTimeout)
		lasted(t, owner, began, 3*time.Second)
		granted(t, owner)
		owner.end()
	})
}

// A waiter whose dial served an older one is covered by that one's dial, and
// gives up exactly at its own time.
func TestWaiterWhoseDialServedAnother(t *testing.T) {
	world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		n.before = func(ctx context.Context, k pool.Key, i int) error {
			if i == 1 {
				return slowly(time.Hour, nil)(ctx, k, i)
			}
			return slowly(time.Second, nil)(ctx, k, i)
		}
		began := time.Now()
		first := start(p, key("a"), wire.Timeouts{})
		synctest.Wait()
		second := start(p, key("a"), wire.Timeouts{Connect: 2 * time.Second})
		lasted(t, first, began, time.Second)
		granted(t, first)
		lasted(t, second, began, 2*time.Second)
		failed(t, second, wire.ErrConnectTimeout)
		first.end()
	})
}

// A15.5 and Part D: MAX_CONCURRENT_STREAMS=1 and five requests. Either more
// connections are opened, or the wait for a stream is a pool wait.
func TestWaitForAStreamIsPoolTime(t *testing.T) {
	world(t, pool.Config{MaxConnectionsPerHost: 1}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		n.limit = func(pool.Key) int { return 2 }
		a, b := start(p, key("a"), wire.Timeouts{}), start(p, key("a"), wire.Timeouts{})
		granted(t, a)
		granted(t, b)
		began := time.Now()
		c := start(p, key("a"), wire.Timeouts{Pool: 100 * time.Millisecond})
		lasted(t, c, began, 100*time.Millisecond)
		failed(t, c, wire.ErrPoolTimeout)
		a.end()
		b.end()
	})
	world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		n.limit = func(pool.Key) int { return 1 }
		var cs []*call
		for range 5 {
			cs = append(cs, start(p, key("a"), wire.Timeouts{Pool: 100 * time.Millisecond}))
		}
		for _, c := range cs {
			granted(t, c)
			c.end()
		}
	})
}

// A socket's deadline may come an instant before the context's timer: what the
// dialler says then is a timeout all the same.
func TestConnectTimeoutThatTheDiallerSeesFirst(t *testing.T) {
	for range 100 {
		world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
			n.before = func(ctx context.Context, _ pool.Key, _ int) error {
				end, _ := ctx.Deadline()
				time.Sleep(time.Until(end))
				return &wire.Error{Phase: wire.PhaseDial, Kind: wire.KindNetwork, Err: os.ErrDeadlineExceeded}
			}
			c := start(p, key("a"), wire.Timeouts{Connect: time.Second})
			time.Sleep(time.Second)
			if e := failed(t, c, wire.ErrConnectTimeout); e.Phase != wire.PhaseDial || errors.Is(c.err, context.DeadlineExceeded) {
				t.Errorf("%+v", e)
			}
		})
	}
}
