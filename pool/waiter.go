package pool

import (
	"context"
	"fmt"
	"time"

	"gohttpx.dev/wire"
)

// maxFreeWaiters bounds the waiters kept for reuse: each has 570 bytes, with its
// timer and its channel, and as many as ever waited at once would stay.
const maxFreeWaiters = 64

// grace is how much longer a request waits for its own dial, whose context has
// just ended, to say what it was doing. It matters only to a dialler that does
// not look at its context.
const grace = 50 * time.Millisecond

// turn is what a request takes along from one attempt to the next: its rank by
// age and what it has used up of its timeouts.
type turn struct {
	seq         uint64
	poolUsed    time.Duration
	connectUsed time.Duration
	avoid       *member // if there is another
	stillborn   int     // dials for it whose connections were over before they were used
	reused      bool    // the connection has served before
	old         bool    // the connection has served or idled before
	check       bool    // and had no exchange: its peer may have closed it
}

// waiter is a request that waits for a slot.
type waiter struct {
	p    *Pool // immutable
	turn       // guarded by Pool.mu while it is queued

	// constant while it is queued
	o            *origin
	ctx          context.Context
	trace        *wire.Trace
	poolLimit    time.Duration // 0: none
	connectLimit time.Duration // 0: none

	// guarded by Pool.mu
	node    node[*waiter] // in origin.waiters
	own     *dial         // started for it, in flight
	covered bool          // a dial in flight may serve it: Connect's clock runs, else Pool's
	running bool          // the clocks run
	since   time.Duration // when they were last read
	m       *member       // the outcome: a slot of it is reserved
	err     error         // or why there is none
	next    *waiter       // in Pool.free

	ready chan struct{} // holds one token from the outcome until the request takes it
	timer *time.Timer   // for the clock that runs
}

// waiterLocked makes or recycles a waiter; recycleLocked takes it back.
func (p *Pool) waiterLocked() *waiter {
	w := p.free
	if w == nil {
		w = &waiter{p: p, ready: make(chan struct{}, 1), timer: time.NewTimer(time.Hour)}
		w.timer.Stop()
		w.node.v = w
		return w
	}
	p.free, w.next = w.next, nil
	p.nfree--
	return w
}

func (p *Pool) recycleLocked(w *waiter) {
	w.timer.Stop()
	if p.nfree >= maxFreeWaiters {
		return
	}
	*w = waiter{p: p, node: node[*waiter]{v: w}, ready: w.ready, timer: w.timer, next: p.free}
	p.free = w
	p.nfree++
}

func (w *waiter) queued() bool { return w.node.in != nil }

// wake hands over the outcome. It never blocks: there is one outcome.
func (w *waiter) wake() {
	w.charge()
	w.running = false
	w.ready <- struct{}{}
}

// start sets the clocks running.
func (w *waiter) start() { w.running, w.since = true, w.p.now() }

// charge books the time since the last reading on the clock that ran.
func (w *waiter) charge() {
	if !w.running {
		return
	}
	now := w.p.now()
	if w.covered {
		w.connectUsed += now - w.since
	} else {
		w.poolUsed += now - w.since
	}
	w.since = now
}

// setCovered changes over to the other clock.
func (w *waiter) setCovered(on bool) {
	w.charge()
	w.covered = on
	w.arm()
}

// left is what the clock that runs permits; ok is false if it permits all.
func (w *waiter) left() (d time.Duration, ok bool) {
	switch {
	case !w.covered:
		return w.poolLimit - w.poolUsed, w.poolLimit > 0
	case w.own != nil && w.own.exact:
		return w.connectLimit + grace - w.connectUsed, w.connectLimit > 0
	}
	return w.connectLimit - w.connectUsed, w.connectLimit > 0
}

// arm sets the timer to the end of the clock that runs.
func (w *waiter) arm() {
	if !w.running {
		return
	}
	w.charge()
	if d, ok := w.left(); ok {
		w.timer.Reset(max(d, 0))
	} else {
		w.timer.Stop()
	}
}

// expiredLocked returns the error if the clock that runs has run out.
func (p *Pool) expiredLocked(w *waiter) *wire.Error {
	w.charge()
	if d, ok := w.left(); !ok || d > 0 {
		return nil
	}
	if w.covered {
		return &wire.Error{
			Phase: wire.PhaseDial, Kind: wire.KindTimeout,
			Err: &connectTimeout{addr: w.o.key.Addr, limit: w.connectLimit},
		}
	}
	o := w.o
	e := &exhausted{addr: o.key.Addr, limit: w.poolLimit}
	if o.mute > 0 {
		e.bound = "the peer permits no request at present"
		e.open, e.idle, e.dials, e.waiting = o.open, o.idle, o.dials, o.waiters.n
	} else if o.open+o.dials >= p.maxConnsPerHost {
		e.bound, e.advice = fmt.Sprintf("MaxConnectionsPerHost is %d", p.maxConnsPerHost), "raise MaxConnectionsPerHost"
		e.open, e.idle, e.dials, e.waiting = o.open, o.idle, o.dials, o.waiters.n
	} else {
		e.bound, e.advice = fmt.Sprintf("MaxConnections is %d", p.maxConns), "raise MaxConnections"
		e.open, e.idle, e.dials, e.waiting = p.conns.n, p.idle.n, p.dials.n, p.waiting
	}
	return &wire.Error{Phase: wire.PhasePool, Kind: wire.KindTimeout, Err: e}
}

// exhausted is the detail of a pool timeout.
type exhausted struct {
	addr                       string
	limit                      time.Duration
	bound, advice              string
	open, idle, dials, waiting int
}

func (e *exhausted) Error() string {
	s := fmt.Sprintf("no connection to %s came free within %v: %s; %d in use, %d idle, %d dialing, %d waiting",
		e.addr, e.limit, e.bound, e.open-e.idle, e.idle, e.dials, e.waiting)
	if e.advice != "" {
		s += "; read response bodies to their end or close them, or " + e.advice
	}
	return s
}
