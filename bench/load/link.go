package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"gohttpx.dev/pool"
	"gohttpx.dev/wire"
)

// dialPause is how long a link waits after a dial that failed before the next.
const dialPause = 100 * time.Millisecond

// link is one of the -c connections: the one that is open now, and those that took
// its place. One goroutine uses it over HTTP/1.1, -streams of them over HTTP/2.
type link struct {
	dialer *dialer
	ctx    context.Context // ends when the run is cut off
	bytes  traffic
	live   atomic.Pointer[live]

	mu        sync.Mutex // held while dialling
	dials     int        // guarded by mu; connections made
	dialTime  time.Duration
	notBefore time.Time // guarded by mu; no dial until then
}

// live is an open connection.
type live struct {
	pool.Conn
	room    chan struct{} // has a value if there may be a free slot
	waiting atomic.Int32
}

// reserve returns the connection with a slot reserved; it makes one if there is
// none. It waits for a slot if all are taken, until the link's context ends.
func (l *link) reserve() (*live, error) {
	for {
		c := l.live.Load()
		if c == nil {
			var err error
			if c, err = l.dial(); err != nil {
				return nil, err
			}
		}
		if c.Reserve() {
			if c.waiting.Load() > 0 && c.State().Free() > 0 {
				c.kick()
			}
			return c, nil
		}
		if c.State().Phase != wire.ConnOpen {
			l.live.CompareAndSwap(c, nil)
			continue
		}
		if err := c.await(l.ctx); err != nil {
			return nil, err
		}
	}
}

// await waits until there may be a free slot.
func (c *live) await(ctx context.Context) error {
	c.waiting.Add(1)
	defer c.waiting.Add(-1)
	if st := c.State(); st.Phase != wire.ConnOpen || st.Free() > 0 {
		return nil
	}
	select {
	case <-c.room:
		if c.State().Phase != wire.ConnOpen {
			c.kick() // the others must see that too
		}
		return nil
	case <-ctx.Done():
		return wire.Canceled(ctx, wire.PhasePool, false)
	}
}

// kick wakes one goroutine that waits for a slot.
func (c *live) kick() {
	select {
	case c.room <- struct{}{}:
	default:
	}
}

// dial makes the connection, unless somebody else has just done so.
func (l *link) dial() (*live, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.live.Load(); c != nil {
		return c, nil
	}
	if d := time.Until(l.notBefore); d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-l.ctx.Done():
		}
	}
	began := time.Now()
	conn, err := l.dialer.dial(l.ctx, &l.bytes)
	if err != nil {
		l.notBefore = time.Now().Add(dialPause)
		return nil, err
	}
	l.dials++
	l.dialTime += time.Since(began)
	c := &live{Conn: conn, room: make(chan struct{}, 1)}
	conn.OnChange(c.kick)
	l.live.Store(c)
	if l.ctx.Err() != nil {
		// The run may have been cut off, and all links closed, in between.
		l.drop()
		return nil, wire.Canceled(l.ctx, wire.PhaseDial, false)
	}
	return c, nil
}

// drop closes the connection, if there is one; the next request makes another.
func (l *link) drop() {
	if c := l.live.Swap(nil); c != nil {
		c.Close()
		c.kick()
	}
}
