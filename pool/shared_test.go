package pool_test

import (
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/pool"
	"gohttpx.dev/wire"
)

// hold starts n requests and has them all granted.
func hold(t *testing.T, p *pool.Pool, k pool.Key, n int) (cs []*call) {
	t.Helper()
	for range n {
		c := start(p, k, wire.Timeouts{Pool: wire.Never})
		granted(t, c)
		cs = append(cs, c)
	}
	return cs
}

func endAll(cs []*call) {
	for _, c := range cs {
		c.end()
	}
}

// B10, C15: another connection when all are full, and the least loaded first.
func TestSharedConnections(t *testing.T) {
	world(t, pool.Config{MaxConnectionsPerHost: 2}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		n.limit = func(pool.Key) int { return 3 }
		cs := hold(t, p, key("a"), 6)
		if open, _, _ := n.now(); open != 2 {
			t.Fatalf("%d connections for 6 requests, want 2", open)
		}
		w := start(p, key("a"), wire.Timeouts{Pool: wire.Never})
		waits(t, w)
		cs[5].end()
		granted(t, w)
		endAll([]*call{cs[0], cs[1], cs[2], cs[3]})
		// One connection is empty now, the other has two.
		for range 2 {
			for _, c := range hold(t, p, key("a"), 1) {
				if c := connOf(n, &c.res); c.id != 1 {
					t.Errorf("connection %d was used, want 1, the least loaded", c.id)
				}
				defer c.end()
			}
		}
		endAll([]*call{cs[4], w})
	})
}

// More connections than are compared: all get their share.
func TestManySharedConnections(t *testing.T) {
	world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		n.limit = func(pool.Key) int { return 2 }
		cs := hold(t, p, key("a"), 40)
		for i, c := range cs {
			if i%2 == 0 {
				c.end()
			}
		}
		defer func() {
			for i, c := range cs {
				if i%2 == 1 {
					c.end()
				}
			}
		}()
		more := hold(t, p, key("a"), 20)
		defer endAll(more)
		if open, _, _ := n.now(); open != 20 {
			t.Errorf("%d connections, want 20", open)
		}
	})
}

// C9: a lowered limit only affects admission.
func TestLoweredLimit(t *testing.T) {
	world(t, pool.Config{MaxConnectionsPerHost: 1}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		n.limit = func(pool.Key) int { return 3 }
		cs := hold(t, p, key("a"), 3)
		n.conn(0).setLimit(1)
		w := start(p, key("a"), wire.Timeouts{Pool: wire.Never})
		waits(t, w)
		cs[0].end()
		cs[1].end()
		waits(t, w)
		cs[2].end()
		granted(t, w)
		w.end()
	})
}

// A peer that permits nothing is not dialled again and again: it is waited for,
// and the wait has its clock.
func TestLimitZero(t *testing.T) {
	world(t, pool.Config{KeepaliveExpiry: -1}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		n.limit = func(pool.Key) int { return 0 }
		began := time.Now()
		c := start(p, key("a"), wire.Timeouts{})
		lasted(t, c, began, 5*time.Second)
		failed(t, c, wire.ErrPoolTimeout)
		d := start(p, key("a"), wire.Timeouts{})
		waits(t, d)
		n.conn(0).setLimit(1)
		granted(t, d)
		d.end()
		if _, _, dials := n.now(); dials != 1 {
			t.Errorf("%d dials, want 1", dials)
		}
	})
}

// C31: a connection that drains takes nothing more, while it serves what it has.
func TestDrainingConnection(t *testing.T) {
	world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		n.limit = func(pool.Key) int { return 10 }
		cs := hold(t, p, key("a"), 2)
		n.conn(0).Drain() // GOAWAY
		if c := get(t, p, n, key("a")); c.id != 2 {
			t.Errorf("connection %d was used, want a new one", c.id)
		}
		endAll(cs)
		synctest.Wait()
		if n.conn(0).State().Phase != wire.ConnClosed {
			t.Error("the drained connection is not closed")
		}
	})
}

// C29, A16.3: shared connections idle and expire like others.
func TestSharedConnectionsExpire(t *testing.T) {
	world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		n.limit = func(pool.Key) int { return 10 }
		cs := hold(t, p, key("a"), 2)
		time.Sleep(time.Minute)
		cs[0].end()
		time.Sleep(time.Minute)
		if open, _, _ := n.now(); open != 1 {
			t.Error("a busy connection has expired")
		}
		cs[1].end()
		time.Sleep(5*time.Second - 1)
		synctest.Wait()
		if open, _, _ := n.now(); open != 1 {
			t.Error("expired too early")
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if open, _, _ := n.now(); open != 0 {
			t.Error("not expired")
		}
	})
}

// No origin starves behind a shared connection that is never idle: as a new
// request for it arrives, it is drained for the older one.
func TestSharedConnectionYieldsAtTheCap(t *testing.T) {
	world(t, pool.Config{MaxConnections: 1}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		n.limit = func(k pool.Key) int { return 10 }
		busy := hold(t, p, key("a"), 1)
		b := start(p, key("b"), wire.Timeouts{Pool: wire.Never})
		waits(t, b)
		more := start(p, key("a"), wire.Timeouts{Pool: wire.Never})
		waits(t, more) // it does not overtake b
		if n.conn(0).State().Phase != wire.ConnDraining {
			t.Error("the connection to a is not drained")
		}
		busy[0].end()
		granted(t, b)
		waits(t, more)
		b.end()
		granted(t, more)
		more.end()
	})
}
