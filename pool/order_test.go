package pool_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/pool"
	"gohttpx.dev/wire"
)

// world runs f with a pool in a bubble and checks afterwards that nothing is
// left of either.
func world(t *testing.T, cfg pool.Config, f func(t *testing.T, p *pool.Pool, n *fakeNet)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := &fakeNet{}
		cfg.Dial = n.dial
		p := pool.New(cfg)
		defer p.Close()
		f(t, p, n)
		synctest.Wait()
		if err := p.Check(); err != nil {
			t.Errorf("books: %v", err)
		}
		p.Close()
		synctest.Wait()
		open, dials, _ := n.now()
		if s := p.Stats(); open+dials+s.Open+s.Dialing+s.Waiting != 0 || p.Armed() {
			t.Errorf("left over: %d connections, %d dials, timer %v, %+v", open, dials, p.Armed(), s.Counts)
		}
	})
}

// granted waits for a request to have a response.
func granted(t *testing.T, c *call) {
	t.Helper()
	synctest.Wait()
	if !c.over() {
		t.Fatal("the request still waits")
	}
	if c.err != nil {
		t.Fatalf("RoundTrip: %v", c.err)
	}
}

func waits(t *testing.T, c *call) {
	t.Helper()
	synctest.Wait()
	if c.over() {
		t.Fatalf("the request does not wait: %v", c.err)
	}
}

func failed(t *testing.T, c *call, target error) *wire.Error {
	t.Helper()
	synctest.Wait()
	if !c.over() {
		t.Fatal("the request still waits")
	}
	var e *wire.Error
	if !errors.Is(c.err, target) || !errors.As(c.err, &e) {
		t.Fatalf("error %v, want %v", c.err, target)
	}
	return e
}

// ARCHITECTURE's LIFO: hot connections stay hot.
func TestReusesTheConnectionUsedLast(t *testing.T) {
	world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		a, b := start(p, key("a"), wire.Timeouts{}), start(p, key("a"), wire.Timeouts{})
		granted(t, a)
		granted(t, b)
		b.end()
		a.end()
		if c := get(t, p, n, key("a")); c != connOf(n, &a.res) {
			t.Errorf("connection %d was used, want %d, which was idle for the shortest time", c.id, connOf(n, &a.res).id)
		}
	})
}

// C1, C2: one connection goes to one waiter, and to the one that waits longest.
func TestWaitersAreServedInOrder(t *testing.T) {
	world(t, pool.Config{MaxConnections: 1}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		var cs []*call
		for range 5 {
			c := start(p, key("a"), wire.Timeouts{Pool: wire.Never})
			synctest.Wait()
			cs = append(cs, c)
		}
		cs[2].stop() // one leaves the middle of the queue
		e := failed(t, cs[2], context.Canceled)
		if e.Phase != wire.PhasePool || e.Sent {
			t.Errorf("phase %v, sent %v; want pool, false", e.Phase, e.Sent)
		}
		for _, i := range []int{0, 1, 3, 4} {
			granted(t, cs[i])
			for _, later := range cs[i+1:] {
				if later != cs[2] {
					waits(t, later)
				}
			}
			cs[i].end()
		}
	})
}

// A16.5 and the rule of fairness: at the cap a connection that comes free goes
// to whoever waits longest, over all origins.
func TestOldestWaiterFirstAcrossOrigins(t *testing.T) {
	world(t, pool.Config{MaxConnections: 1}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		never := wire.Timeouts{Pool: wire.Never}
		first := start(p, key("a"), never)
		granted(t, first)
		b := start(p, key("b"), never)
		waits(t, b)
		a := start(p, key("a"), never)
		waits(t, a)
		first.end()
		granted(t, b)
		waits(t, a)
		if c := n.conn(0); c.State().Phase != wire.ConnClosed {
			t.Error("the connection to a was not closed for b")
		}
		b.end()
		granted(t, a)
		a.end()
		if s := p.Stats(); s.Evicted != 2 || s.Dials != 3 {
			t.Errorf("evicted %d, dials %d; want 2, 3", s.Evicted, s.Dials)
		}
	})
}

// A slot that is on its way is enough for one: the next connection that comes
// free is not closed as well.
func TestOneSlotForOneStarvedRequest(t *testing.T) {
	world(t, pool.Config{MaxConnections: 2}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		busy := hold(t, p, key("a"), 2)
		n.conn(0).linger, n.conn(1).linger = time.Second, time.Second
		b := start(p, key("b"), wire.Timeouts{})
		waits(t, b)
		a := start(p, key("a"), wire.Timeouts{})
		waits(t, a)
		go busy[0].end() // its connection is closed for b, which takes a second
		synctest.Wait()
		go busy[1].end()
		granted(t, a)
		waits(t, b)
		time.Sleep(time.Second)
		granted(t, b)
		a.end()
		b.end()
		if s := p.Stats(); s.Evicted != 1 {
			t.Errorf("%d evicted, want 1", s.Evicted)
		}
	})
}

// A16.5 (3): an idle connection of another origin is closed for a request, the
// one that has been idle for longest.
func TestEvictsTheLongestIdle(t *testing.T) {
	world(t, pool.Config{MaxConnections: 2}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		get(t, p, n, key("a"))
		get(t, p, n, key("b"))
		get(t, p, n, key("c"))
		synctest.Wait()
		if n.conn(0).State().Phase != wire.ConnClosed || n.conn(1).State().Phase != wire.ConnOpen {
			t.Error("b was closed or a kept")
		}
		if n.most > 2 {
			t.Errorf("%d connections at once, MaxConnections 2", n.most)
		}
	})
}

// A connection holds its slot until its Close has returned.
func TestSlotIsTakenWhileClosing(t *testing.T) {
	world(t, pool.Config{MaxConnections: 1}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		get(t, p, n, key("a"))
		n.conn(0).linger = time.Second
		began := time.Now()
		b := start(p, key("b"), wire.Timeouts{})
		lasted(t, b, began, time.Second)
		granted(t, b)
		b.end()
		if n.most > 1 {
			t.Errorf("%d connections at once, MaxConnections 1", n.most)
		}
	})
}

// CVE-2026-94441's class: the scheme is part of the key.
func TestKeysAreNotMixed(t *testing.T) {
	world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		seen := map[*fakeConn]bool{}
		for _, k := range []pool.Key{{Scheme: "http", Addr: "a:443"}, {Scheme: "https", Addr: "a:443"}, {Scheme: "https", Addr: "a:443", Profile: 1}} {
			c := get(t, p, n, k)
			if seen[c] || c.key != k {
				t.Errorf("%v was served on a connection for %v", k, c.key)
			}
			seen[c] = true
		}
	})
}

// B11.
func TestMaxConnsPerHost(t *testing.T) {
	world(t, pool.Config{MaxConnectionsPerHost: 2}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		var cs []*call
		for range 3 {
			cs = append(cs, start(p, key("a"), wire.Timeouts{Pool: time.Second}))
			synctest.Wait()
		}
		other := start(p, key("b"), wire.Timeouts{})
		granted(t, other)
		granted(t, cs[0])
		granted(t, cs[1])
		began := time.Now()
		<-cs[2].done
		failed(t, cs[2], wire.ErrPoolTimeout)
		if d := time.Since(began); d != time.Second {
			t.Errorf("pool timeout after %v, want 1s", d)
		}
		want := "pool: pool timeout: no connection to a:443 came free within 1s: MaxConnectionsPerHost is 2; " +
			"2 in use, 0 idle, 0 dialing, 1 waiting; read response bodies to their end or close them, or raise MaxConnectionsPerHost"
		if cs[2].err.Error() != want {
			t.Errorf("text\n got %s\nwant %s", cs[2].err, want)
		}
		cs[0].end()
		cs[1].end()
		other.end()
	})
}

// C22: the timeout says what there is and which limit binds.
func TestPoolTimeoutText(t *testing.T) {
	world(t, pool.Config{MaxConnections: 2}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		n.before = func(ctx context.Context, k pool.Key, _ int) error {
			if k == key("hole") {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}
		a := start(p, key("a"), wire.Timeouts{})
		granted(t, a)
		hole := start(p, key("hole"), wire.Timeouts{Connect: time.Minute})
		waits(t, hole)
		b := start(p, key("b"), wire.Timeouts{Pool: time.Second})
		<-b.done
		failed(t, b, wire.ErrPoolTimeout)
		if !strings.Contains(b.err.Error(), "MaxConnections is 2; 1 in use, 0 idle, 1 dialing, 2 waiting") {
			t.Errorf("text %q", b.err)
		}
		hole.stop()
		failed(t, hole, context.Canceled)
		a.end()
	})
}

func TestContextEndedBefore(t *testing.T) {
	world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		why := errors.New("why")
		ctx, stop := context.WithCancelCause(context.Background())
		stop(why)
		body := &countedBody{}
		err := p.RoundTrip(ctx, key("a"), &wire.Request{Body: body}, &wire.Response{})
		if !errors.Is(err, context.Canceled) || !errors.Is(err, why) {
			t.Errorf("error %v", err)
		}
		if _, _, began := n.now(); began != 0 {
			t.Error("a dial was started")
		}
		if body.closed != 1 {
			t.Errorf("the body was closed %d times, want once", body.closed)
		}
	})
}

// countedBody counts how often it is closed.
type countedBody struct{ closed int }

func (b *countedBody) Read([]byte) (int, error) { return 0, errors.New("not to be read") }
func (b *countedBody) Close() error             { b.closed++; return nil }

// C1: whatever ends a wait, the body is closed once.
func TestBodyIsClosedWhenTheWaitFails(t *testing.T) {
	world(t, pool.Config{MaxConnections: 1}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		hold := start(p, key("a"), wire.Timeouts{})
		granted(t, hold)
		body := &countedBody{}
		c := startReq(p, key("a"), wire.Request{Body: body, Timeouts: wire.Timeouts{Pool: time.Second}})
		<-c.done
		failed(t, c, wire.ErrPoolTimeout)
		if body.closed != 1 {
			t.Errorf("the body was closed %d times, want once", body.closed)
		}
		hold.end()
	})
}

// B21, C34.
func TestStats(t *testing.T) {
	world(t, pool.Config{MaxConnectionsPerHost: 1}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		get(t, p, n, key("a"))
		get(t, p, n, key("a"))
		n.before = func(_ context.Context, k pool.Key, _ int) error {
			if k == key("bad") {
				return errRefused
			}
			return nil
		}
		bad := start(p, key("bad"), wire.Timeouts{})
		failed(t, bad, wire.ErrConnect)
		b := start(p, key("b"), wire.Timeouts{})
		granted(t, b)
		w := start(p, key("b"), wire.Timeouts{})
		waits(t, w)
		time.Sleep(time.Second)
		s := p.Stats()
		want := pool.Counts{Open: 2, Idle: 1, Busy: 1, Streams: 1, Waiting: 1, Dials: 3, DialErrors: 1, Reuses: 1, Waits: 4}
		if s.Counts != want {
			t.Errorf("Stats\n got %+v\nwant %+v", s.Counts, want)
		}
		if len(s.Origins) != 3 {
			t.Errorf("%d origins, want 3", len(s.Origins))
		}
		cs := p.Conns()
		if len(cs) != 2 || cs[0].Key != key("a") || cs[0].Idle != time.Second || cs[1].State.InFlight != 1 || cs[1].Idle != 0 {
			t.Errorf("Conns %+v", cs)
		}
		b.end()
		granted(t, w)
		w.end()
		if s := p.Stats(); s.WaitTime != time.Second || w.res.Timing.Pool != time.Second {
			t.Errorf("WaitTime %v, Timing.Pool %v; want 1s", s.WaitTime, w.res.Timing.Pool)
		}
	})
}

// What is remembered of origins is bounded.
func TestOriginsAreForgotten(t *testing.T) {
	world(t, pool.Config{KeepNone: true}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		for i := range 1000 {
			get(t, p, n, pool.Key{Scheme: "http", Addr: "a", Profile: i})
		}
		if p.Known() > 257 {
			t.Errorf("%d origins remembered", p.Known())
		}
		if s := p.Stats(); s.Dials != 1000 {
			t.Errorf("%d dials in all, want 1000: the counters of forgotten origins count", s.Dials)
		}
		p.CloseIdle()
		if p.Known() != 0 {
			t.Errorf("%d origins remembered after CloseIdle", p.Known())
		}
	})
}

func TestTraceHooks(t *testing.T) {
	world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		var got []wire.GotConn
		asked := ""
		tr := &wire.Trace{GetConn: func(s, a string) { asked = s + " " + a }, GotConn: func(g wire.GotConn) { got = append(got, g) }}
		n.before = func(ctx context.Context, _ pool.Key, _ int) error {
			if wire.TraceFrom(ctx) != tr {
				t.Error("the dial does not see the trace")
			}
			time.Sleep(time.Second)
			return nil
		}
		for range 2 {
			c := startReq(p, key("a"), wire.Request{Trace: tr})
			<-c.done
			granted(t, c)
			c.end()
		}
		info := &n.conn(0).info
		if asked != "https a:443" || len(got) != 2 || got[0] != (wire.GotConn{Conn: info, Wait: time.Second}) || got[1] != (wire.GotConn{Conn: info, Reused: true}) {
			t.Errorf("GetConn %q, GotConn %+v", asked, got)
		}
	})
}
