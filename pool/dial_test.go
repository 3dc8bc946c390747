package pool_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/pool"
	"gohttpx.dev/wire"
)

// hole is a network that drops every packet for the given host.
func hole(host string) func(context.Context, pool.Key, int) error {
	return func(ctx context.Context, k pool.Key, _ int) error {
		if k != key(host) {
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	}
}

func may(pool.Key) bool { return true }

// A16.8: a failed dial fails its own request, and its slot serves the next.
func TestDialFailureFailsItsOwnRequestOnly(t *testing.T) {
	world(t, pool.Config{MaxConnections: 1}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		n.before = func(_ context.Context, _ pool.Key, i int) error {
			time.Sleep(time.Second)
			if i == 1 {
				return errRefused
			}
			return nil
		}
		a := start(p, key("a"), wire.Timeouts{})
		waits(t, a)
		b := start(p, key("a"), wire.Timeouts{})
		waits(t, b)
		time.Sleep(time.Second)
		e := failed(t, a, wire.ErrConnect)
		if e.Phase != wire.PhaseDial || e.Kind != wire.KindNetwork || e.Sent || !errors.Is(a.err, errRefused) {
			t.Errorf("%+v", e)
		}
		waits(t, b)
		time.Sleep(time.Second)
		granted(t, b)
		b.end()
	})
}

// What the dialler says is kept: it knows the phase.
func TestDialErrorIsKept(t *testing.T) {
	world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		said := &wire.Error{Phase: wire.PhaseDNS, Kind: wire.KindNetwork, Remote: true, Err: errRefused}
		n.before = func(context.Context, pool.Key, int) error { return said }
		c := start(p, key("a"), wire.Timeouts{})
		if e := failed(t, c, wire.ErrDNS); e != said {
			t.Errorf("%+v, want the dialler's own", e)
		}
	})
}

// An impatient request leaves its dial to the pool.
func TestDialOutlivesItsRequest(t *testing.T) {
	world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		n.before = slowly(2*time.Second, nil)
		c := start(p, key("a"), wire.Timeouts{})
		time.Sleep(time.Second)
		c.stop()
		if e := failed(t, c, context.Canceled); e.Phase != wire.PhaseDial {
			t.Errorf("phase %v, want dial", e.Phase)
		}
		began := time.Now()
		next := start(p, key("a"), wire.Timeouts{})
		lasted(t, next, began, time.Second) // not two: it takes the dial over
		granted(t, next)
		next.end()
		if _, _, n := n.now(); n != 1 {
			t.Errorf("%d dials, want 1", n)
		}
	})
}

func TestDialContextIsDetached(t *testing.T) {
	world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		type label struct{}
		ctx, stop := context.WithDeadline(context.WithValue(context.Background(), label{}, "x"), time.Now().Add(time.Second))
		defer stop()
		n.before = func(dctx context.Context, _ pool.Key, _ int) error {
			if dctx.Value(label{}) != "x" {
				t.Error("the request's values are missing")
			}
			if d, ok := dctx.Deadline(); !ok || time.Until(d) != 3*time.Second {
				t.Errorf("deadline %v, want that of Connect", d)
			}
			return slowly(2*time.Second, nil)(dctx, pool.Key{}, 0)
		}
		err := p.RoundTrip(ctx, key("a"), &wire.Request{Timeouts: wire.Timeouts{Connect: 3 * time.Second}}, &wire.Response{})
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, wire.ErrTimeout) {
			t.Errorf("error %v", err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if p.Stats().Idle != 1 {
			t.Error("the connection was not kept")
		}
	})
}

// A storm of cancelled requests to a black hole must not hold the pool: dials
// that nobody waits for make room, oldest first.
func TestAbandonedDialsMakeRoom(t *testing.T) {
	world(t, pool.Config{MaxConnections: 3}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		n.before = func(ctx context.Context, k pool.Key, i int) error {
			if k == key("a") {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}
		long := wire.Timeouts{Connect: time.Hour}
		for _, h := range []string{"hole1", "hole2", "hole3"} {
			c := start(p, key(h), long)
			waits(t, c)
			c.stop()
			failed(t, c, context.Canceled)
		}
		if _, dials, _ := n.now(); dials != 3 {
			t.Fatalf("%d dials go on, want 3", dials)
		}
		began := time.Now()
		a := start(p, key("a"), wire.Timeouts{})
		lasted(t, a, began, 0)
		granted(t, a)
		b := start(p, key("a"), wire.Timeouts{})
		lasted(t, b, began, 0)
		granted(t, b)
		for _, o := range p.Stats().Origins {
			if want := map[string]int{"hole1:443": 0, "hole3:443": 1}[o.Key.Addr]; o.Dialing != want {
				t.Errorf("%s: %d dials, want %d", o.Key.Addr, o.Dialing, want)
			}
		}
		if s := p.Stats(); s.DialErrors != 0 || s.Evicted != 2 {
			t.Errorf("dial errors %d, evicted %d; want 0, 2", s.DialErrors, s.Evicted)
		}
		a.end()
		b.end()
	})
}

// A dial with a waiter is never evicted.
func TestWantedDialsStay(t *testing.T) {
	world(t, pool.Config{MaxConnections: 1}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		n.before = hole("hole")
		a := start(p, key("hole"), wire.Timeouts{})
		waits(t, a)
		began := time.Now()
		b := start(p, key("b"), wire.Timeouts{Pool: time.Second})
		lasted(t, b, began, time.Second)
		failed(t, b, wire.ErrPoolTimeout)
		waits(t, a)
		c := start(p, key("b"), wire.Timeouts{Pool: wire.Never})
		lasted(t, a, began, 5*time.Second)
		failed(t, a, wire.ErrConnectTimeout)
		granted(t, c)
		c.end()
	})
}

// Nor is one that nobody owns but somebody has joined.
func TestJoinedDialStays(t *testing.T) {
	world(t, pool.Config{MaxConnections: 1, Probes: may}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		n.before = slowly(2*time.Second, nil)
		owner := start(p, key("a"), wire.Timeouts{})
		waits(t, owner)
		joiner := start(p, key("a"), wire.Timeouts{})
		waits(t, joiner)
		owner.stop()
		failed(t, owner, context.Canceled)
		b := start(p, key("b"), wire.Timeouts{Pool: time.Second})
		<-b.done
		failed(t, b, wire.ErrPoolTimeout)
		<-joiner.done
		granted(t, joiner)
		joiner.end()
		if s := p.Stats(); s.Evicted != 0 || s.Dials != 1 {
			t.Errorf("evicted %d, dials %d; want 0, 1", s.Evicted, s.Dials)
		}
	})
}

// What a dial brings goes to its origin, although an older request of another
// has come back meanwhile and waits.
func TestFreshConnectionIsNotRefused(t *testing.T) {
	world(t, pool.Config{MaxConnections: 2}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		n.limit = func(k pool.Key) int { return map[pool.Key]int{key("a"): 1, key("b"): 2}[k] }
		held := hold(t, p, key("b"), 1)
		refuse := make(chan struct{})
		n.conn(0).serve = func(context.Context, *wire.Request) error { <-refuse; return unprocessed() }
		back := start(p, key("b"), wire.Timeouts{Pool: wire.Never})
		waits(t, back)
		n.before = slowly(time.Second, nil)
		a := start(p, key("a"), wire.Timeouts{})
		waits(t, a)
		n.conn(0).setLimit(1)
		close(refuse)
		waits(t, back)
		<-a.done
		granted(t, a)
		if _, _, dials := n.now(); dials != 2 {
			t.Errorf("%d dials, want 2: the connection was thrown away", dials)
		}
		n.conn(0).serve = nil
		a.end() // the older one is next
		<-back.done
		granted(t, back)
		back.end()
		held[0].end()
	})
}

// A16.7: one dial decides what an unknown origin speaks; then HTTP/1.1 fans out.
func TestProbeThenFanOut(t *testing.T) {
	world(t, pool.Config{Probes: may}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		n.before = slowly(time.Second, nil)
		began := time.Now()
		var cs []*call
		for range 5 {
			cs = append(cs, start(p, key("a"), wire.Timeouts{}))
		}
		synctest.Wait()
		if _, dials, _ := n.now(); dials != 1 {
			t.Errorf("%d dials at first contact, want 1", dials)
		}
		for _, c := range cs {
			<-c.done
			granted(t, c)
		}
		if d := time.Since(began); d != 2*time.Second {
			t.Errorf("it took %v, want 2s: the others dial in parallel", d)
		}
		if _, _, dials := n.now(); dials != 5 {
			t.Errorf("%d dials, want 5", dials)
		}
		for _, c := range cs {
			c.end()
		}
		time.Sleep(time.Minute) // all have expired; what it speaks is remembered
		a, b := start(p, key("a"), wire.Timeouts{}), start(p, key("a"), wire.Timeouts{})
		synctest.Wait()
		if _, dials, _ := n.now(); dials != 2 {
			t.Errorf("%d dials to a known origin, want 2", dials)
		}
		<-a.done
		<-b.done
		a.end()
		b.end()
	})
}

// A16.7: and HTTP/2 does not.
func TestProbeThenShare(t *testing.T) {
	world(t, pool.Config{Probes: may}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		n.limit = func(pool.Key) int { return 100 }
		n.before = slowly(time.Second, nil)
		for range 2 {
			var cs []*call
			for range 50 {
				cs = append(cs, start(p, key("a"), wire.Timeouts{}))
			}
			for _, c := range cs {
				<-c.done
				granted(t, c)
				c.end()
			}
			if open, _, _ := n.now(); open != 1 {
				t.Errorf("%d connections, want 1", open)
			}
			time.Sleep(time.Minute) // expired, but known
		}
	})
}

// A failed probe lets all who joined it dial in parallel.
func TestFailedProbe(t *testing.T) {
	world(t, pool.Config{Probes: may}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		n.before = slowly(time.Second, errRefused)
		began := time.Now()
		var cs []*call
		for range 5 {
			cs = append(cs, start(p, key("a"), wire.Timeouts{}))
			synctest.Wait()
		}
		for i, c := range cs {
			lasted(t, c, began, time.Duration(min(i+1, 2))*time.Second)
			failed(t, c, errRefused)
		}
	})
}

// A failed probe is forgotten with those who joined it: the next first contact
// is decided by one dial again.
func TestProbeAfterAFailedProbe(t *testing.T) {
	world(t, pool.Config{Probes: may}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		n.before = slowly(time.Second, errRefused)
		failedProbe := start(p, key("a"), wire.Timeouts{})
		time.Sleep(2 * time.Second)
		failed(t, failedProbe, errRefused)
		n.before, n.limit = slowly(time.Second, nil), func(pool.Key) int { return 100 }
		cs := []*call{start(p, key("a"), wire.Timeouts{}), start(p, key("a"), wire.Timeouts{})}
		time.Sleep(2 * time.Second)
		for _, c := range cs {
			granted(t, c)
			c.end()
		}
		if _, _, dials := n.now(); dials != 2 {
			t.Errorf("%d dials, want 2", dials)
		}
	})
}

// A connection that is over before its first request (GOAWAY from a server that is
// about to go) fails nobody: there is another. A server that ends connections as
// soon as they are made is given time, and not dialled over and over.
func TestConnectionThatEndsAtOnce(t *testing.T) {
	for _, over := range []int{1, 4, 5} {
		world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
			n.made = func(c *fakeConn) {
				if c.id <= over {
					c.phase = wire.ConnDraining
				}
			}
			began := time.Now()
			c := start(p, key("a"), wire.Timeouts{})
			if over == 5 {
				<-c.done
				if took := time.Since(began); took < 52*time.Millisecond || took > 88*time.Millisecond {
					t.Errorf("the peer was given %v, want 70 ms give or take a quarter", took)
				}
				if e := failed(t, c, wire.ErrServerClosedIdle); e.Sent || e.Phase != wire.PhaseDial {
					t.Errorf("%+v", e)
				}
			} else {
				time.Sleep(time.Second)
				granted(t, c)
				c.end()
			}
			synctest.Wait()
			if open, _, dials := n.now(); dials != min(over+1, 5) || open != dials-over {
				t.Errorf("%d open, %d dials after %d that ended at once", open, dials, over)
			}
		})
	}
}

// Who has a deadline does not wait for it.
func TestConnectionThatEndsAtOnceAndTheContext(t *testing.T) {
	world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		n.made = func(c *fakeConn) { c.phase = wire.ConnDraining }
		ctx, cancel := context.WithTimeout(context.Background(), 12*time.Millisecond)
		defer cancel()
		began := time.Now()
		err := p.RoundTrip(ctx, key("a"), &wire.Request{}, &wire.Response{})
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took > 12*time.Millisecond {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

func TestDialReturnsNothing(t *testing.T) {
	p := pool.New(pool.Config{Dial: func(context.Context, pool.Key) (pool.Conn, error) { return nil, nil }})
	defer p.Close()
	if err := p.RoundTrip(context.Background(), key("a"), &wire.Request{}, &wire.Response{}); !errors.Is(err, wire.ErrConnect) {
		t.Errorf("error %v", err)
	}
}

// B48.
func TestPreconnect(t *testing.T) {
	world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		if err := p.Preconnect(context.Background(), key("a"), 3, wire.Timeouts{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if s := p.Stats(); s.Idle != 3 {
			t.Errorf("%d idle, want 3", s.Idle)
		}
		get(t, p, n, key("a"))
		if _, _, dials := n.now(); dials != 3 {
			t.Errorf("%d dials, want 3", dials)
		}
		for _, none := range []int{0, -1} {
			if err := p.Preconnect(context.Background(), key("b"), none, wire.Timeouts{}); err != nil {
				t.Errorf("%d connections: %v", none, err)
			}
		}
		n.before = func(context.Context, pool.Key, int) error { return errRefused }
		if err := p.Preconnect(context.Background(), key("b"), 2, wire.Timeouts{}); !errors.Is(err, errRefused) {
			t.Errorf("error %v", err)
		}
	})
}
