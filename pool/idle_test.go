package pool_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/pool"
	"gohttpx.dev/wire"
)

// A16.2, C4 and Part D: 25 streams are held, 20 may idle, then 5 requests in a
// row. Busy connections do not count, so none is opened or closed for them.
func TestMaxIdleCountsIdleOnly(t *testing.T) {
	world(t, pool.Config{MaxKeepaliveConnections: 20}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		cs := hold(t, p, key("a"), 25)
		for range 5 {
			get(t, p, n, key("a"))
			synctest.Wait()
		}
		if open, _, dials := n.now(); open != 26 || dials != 26 {
			t.Errorf("%d open, %d dials; want 26, 26", open, dials)
		}
		endAll(cs)
		synctest.Wait()
		if s := p.Stats(); s.Idle != 20 || s.Open != 20 || s.Trimmed != 6 {
			t.Errorf("idle %d open %d trimmed %d; want 20, 20, 6", s.Idle, s.Open, s.Trimmed)
		}
		if n.conn(24).State().Phase != wire.ConnOpen {
			t.Error("the one used last was closed")
		}
	})
}

// A16.2, B11.
func TestIdleLimits(t *testing.T) {
	for name, tt := range map[string]struct {
		cfg  pool.Config
		want int
	}{
		"default":   {pool.Config{}, 20},
		"unlimited": {pool.Config{MaxKeepaliveConnections: -1}, 30},
		"per host":  {pool.Config{MaxKeepalivePerHost: 2}, 4},
		"none":      {pool.Config{KeepNone: true, MaxKeepaliveConnections: -1}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			world(t, tt.cfg, func(t *testing.T, p *pool.Pool, n *fakeNet) {
				endAll(append(hold(t, p, key("a"), 15), hold(t, p, key("b"), 15)...))
				synctest.Wait()
				if s := p.Stats(); s.Idle != tt.want || s.Open != tt.want {
					t.Errorf("idle %d, open %d; want %d", s.Idle, s.Open, tt.want)
				}
			})
		})
	}
}

// A16.3 and Part D: expiry comes by itself, not with the next request, and each
// connection has its own time.
func TestIdleConnectionsExpire(t *testing.T) {
	world(t, pool.Config{KeepaliveExpiry: 200 * time.Millisecond}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		cs := hold(t, p, key("a"), 3)
		for _, c := range cs {
			c.end()
			time.Sleep(50 * time.Millisecond)
		}
		for i, want := range []int{3, 2, 1, 0} {
			synctest.Wait()
			if open, _, _ := n.now(); open != want {
				t.Errorf("after %d ms: %d open, want %d", 150+50*i, open, want)
			}
			if p.Armed() != (want > 0) {
				t.Errorf("the timer runs: %v, with %d idle", p.Armed(), want)
			}
			time.Sleep(50 * time.Millisecond)
		}
		if s := p.Stats(); s.Expired != 3 {
			t.Errorf("Expired %d, want 3", s.Expired)
		}
	})
}

func TestIdleForEver(t *testing.T) {
	const huge = time.Duration(math.MaxInt64)
	for name, tt := range map[string]struct {
		cfg      pool.Config
		timeouts wire.Timeouts
		timer    bool
	}{
		"no expiry":   {cfg: pool.Config{KeepaliveExpiry: -1}},
		"longest":     {cfg: pool.Config{KeepaliveExpiry: huge, MaxConnectionAge: huge}, timer: true},
		"and to wait": {cfg: pool.Config{KeepaliveExpiry: huge}, timeouts: wire.Timeouts{Pool: huge, Connect: huge}, timer: true},
	} {
		t.Run(name, func(t *testing.T) {
			world(t, tt.cfg, func(t *testing.T, p *pool.Pool, n *fakeNet) {
				n.before = slowly(time.Second, nil)
				for range 2 {
					c := start(p, key("a"), tt.timeouts)
					time.Sleep(2 * time.Second) // its dial takes one
					granted(t, c)
					c.end()
					time.Sleep(24 * time.Hour)
				}
				if _, _, dials := n.now(); dials != 1 || p.Armed() != tt.timer {
					t.Errorf("%d dials, timer %v", dials, p.Armed())
				}
			})
		})
	}
}

// A connection in use since before its deadline is not touched by the timer,
// and has a whole KeepaliveExpiry when it comes back.
func TestUseRestartsTheIdleTime(t *testing.T) {
	world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		get(t, p, n, key("a"))
		time.Sleep(4 * time.Second)
		cs := hold(t, p, key("a"), 1)
		time.Sleep(4 * time.Second)
		endAll(cs)
		time.Sleep(4 * time.Second)
		get(t, p, n, key("a"))
		if _, _, dials := n.now(); dials != 1 {
			t.Errorf("%d dials, want 1", dials)
		}
	})
}

// A16.4, C5: idle connections that are dead are dropped, all of them, before
// the request is sent.
func TestDeadIdleConnectionsAreDropped(t *testing.T) {
	world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		endAll(hold(t, p, key("a"), 3))
		synctest.Wait()
		n.conn(1).sick, n.conn(2).sick = true, true
		if c := get(t, p, n, key("a")); c.id != 1 {
			t.Errorf("connection %d was used, want 1", c.id)
		}
		if s := p.Stats(); s.Stale != 2 || s.Open != 1 || s.Replays != 0 {
			t.Errorf("%+v", s.Counts)
		}
		n.conn(0).sick = true
		if c := get(t, p, n, key("a")); c.id != 4 {
			t.Errorf("connection %d was used, want a new one", c.id)
		}
	})
}

// B12, C32: an old connection ends, idle or after its exchange, and those made
// together do not end together.
func TestMaxAge(t *testing.T) {
	const age = 100 * time.Second
	world(t, pool.Config{MaxConnectionAge: age, MaxKeepaliveConnections: -1, KeepaliveExpiry: -1}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		busy := hold(t, p, key("a"), 50)
		endAll(busy[1:])
		time.Sleep(age*9/10 - 1)
		synctest.Wait()
		if open, _, _ := n.now(); open != 50 {
			t.Errorf("%d open before 0.9 of the age, want 50", open)
		}
		time.Sleep(age / 10)
		synctest.Wait()
		if open, _, _ := n.now(); open == 50 || open < 5 {
			t.Errorf("%d open at the age, want about half", open)
		}
		time.Sleep(age/10 + 1)
		synctest.Wait()
		if open, _, _ := n.now(); open != 1 {
			t.Errorf("%d open after 1.1 of the age, want the busy one", open)
		}
		if c := get(t, p, n, key("a")); c == n.conn(0) {
			t.Error("the old connection was given another request")
		}
		busy[0].end()
		synctest.Wait()
		if n.conn(0).State().Phase != wire.ConnClosed {
			t.Error("the old connection is not closed after its exchange")
		}
		if s := p.Stats(); s.Expired != 50 {
			t.Errorf("Expired %d, want 50", s.Expired)
		}
	})
}

// B48, C29.
func TestCloseIdle(t *testing.T) {
	world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		n.limit = func(k pool.Key) int { return map[pool.Key]int{key("a"): 1, key("b"): 100}[k] }
		busy := hold(t, p, key("a"), 1)
		get(t, p, n, key("a"))
		get(t, p, n, key("b"))
		n.before = hole("c")
		n.limit = nil
		c := start(p, key("c"), wire.Timeouts{Connect: wire.Never})
		waits(t, c)
		c.stop()
		synctest.Wait()
		p.CloseIdle()
		synctest.Wait()
		if open, dials, _ := n.now(); open != 1 || dials != 0 || p.Armed() {
			t.Errorf("%d open, %d dials, timer %v; want 1, 0, false", open, dials, p.Armed())
		}
		endAll(busy)
	})
}
