package pool

import (
	"context"
	"time"

	"gohttpx.dev/wire"
)

// maxCompared is how many shared connections are compared for their load.
const maxCompared = 8

// acquire returns a member with a slot reserved for the caller, who owns it
// until RoundTrip or Release: at once if one is free, else when it is the
// request's turn. It notes in t what is known of the
// connection.
func (p *Pool) acquire(ctx context.Context, k Key, req *wire.Request, t *turn) (*member, error) {
	done := ctx.Done()
	if done != nil && ctx.Err() != nil {
		return nil, wire.Canceled(ctx, wire.PhasePool, false)
	}
	for {
		p.mu.Lock()
		o := p.originLocked(k)
		// A request that comes back is in flight: Shutdown lets it finish.
		if p.closed || p.stopping && t.seq == 0 {
			p.unlock()
			return nil, errClosed(k)
		}
		if t.seq == 0 {
			p.seq++
			t.seq = p.seq
		}
		m := p.takeLocked(o, t)
		if m != nil {
			p.unlock()
		} else {
			var err error
			if m, err = p.wait(ctx, done, o, req, t); err != nil {
				if t.stillborn >= maxStillborn || !isEndedEarly(err) {
					return nil, err
				}
				if !pause(ctx, t.stillborn) {
					return nil, wire.Canceled(ctx, wire.PhaseDial, false)
				}
				t.stillborn++
				continue
			}
		}
		if !t.check || m.c.Healthy() {
			return m, nil
		}
		p.discard(m)
	}
}

// takeLocked takes a free slot of o if there is one. A newcomer overtakes
// nobody: while requests wait, no connection of theirs is on offer.
func (p *Pool) takeLocked(o *origin, t *turn) *member {
	for {
		m := o.avail.front()
		if m != nil && m.shared {
			m = p.leastLoadedLocked(o, t.avoid)
		}
		if m == nil {
			return nil
		}
		if !m.c.Reserve() {
			p.shelveLocked(m)
			continue
		}
		m.takenLocked(t, p.idle.has(&m.idle))
		p.unparkLocked(m)
		if !m.shared {
			o.avail.remove(&m.avail)
		}
		return m
	}
}

// leastLoadedLocked returns the connection with the fewest exchanges among the
// first few, avoid only if there is no other. Connections that turn out to be
// full are taken off. One is retired if that is the only way to let a starved
// request of another origin have a slot.
func (p *Pool) leastLoadedLocked(o *origin, avoid *member) *member {
	var best *member
	least := 0
	next := o.avail.head
	for i := 0; next != nil && i < maxCompared; i++ {
		n := next
		next = n.next
		m := n.v
		st := m.c.State()
		switch {
		case st.Free() == 0:
			p.shelveLocked(m)
		case st.InFlight > 0 && p.need > p.leaving+p.draining:
			o.count.Evicted++
			p.retireLocked(m)
		case best == nil || best == avoid || m != avoid && st.InFlight < least:
			best, least = m, st.InFlight
		}
	}
	if next != nil && best != nil {
		// More than we look at: those come next that were not looked at.
		for n := o.avail.head; n != next; n = o.avail.head {
			o.avail.remove(n)
			o.avail.pushBack(n)
		}
	} else if next != nil {
		return next.v
	}
	return best
}

// wait queues until a slot is handed over, a clock runs out, the context ends
// or the pool is closed. It is entered with the mutex held and returns without.
func (p *Pool) wait(ctx context.Context, done <-chan struct{}, o *origin, req *wire.Request, t *turn) (*member, error) {
	w := p.waiterLocked()
	w.turn = *t
	w.ctx, w.trace = ctx, req.Trace
	w.poolLimit, w.connectLimit = capped(wire.Limit(req.Timeouts.Pool)), capped(wire.Limit(req.Timeouts.Connect))
	w.start()
	began := w.since
	o.count.Waits++
	p.enqueueLocked(o, w)
	p.settleLocked(o)
	p.pumpLocked()
	w.arm()
	p.unlock()
	if tr := req.Trace; tr != nil && tr.PoolWait != nil {
		tr.PoolWait()
	}

	var expire <-chan time.Time // a timer that is never set need not be waited for
	if w.poolLimit > 0 || w.connectLimit > 0 {
		expire = w.timer.C
	}
	var gone *wire.Error
	for queued := true; queued; {
		select {
		case <-w.ready:
			p.mu.Lock()
			queued = false
		case <-done:
			gone = wire.Canceled(ctx, wire.PhasePool, false)
			p.mu.Lock()
			if w.queued() {
				if w.covered {
					gone.Phase = wire.PhaseDial
				}
				p.leaveLocked(w)
			}
			<-w.ready // it was there, or has just been put there
			queued = false
		case <-expire:
			p.mu.Lock()
			if !w.queued() {
				<-w.ready
				queued = false
			} else if gone = p.expiredLocked(w); gone != nil {
				p.leaveLocked(w)
				<-w.ready
				queued = false
			} else {
				w.arm()
				p.unlock()
			}
		}
	}

	m, err := w.m, w.err
	*t = w.turn
	waited := w.since - began
	o.count.WaitTime += waited
	p.recycleLocked(w)
	p.pumpLocked()
	p.unlock()
	if gone != nil {
		if m != nil {
			p.release(m)
		}
		m, err = nil, gone
	}
	if tr := req.Trace; tr != nil && tr.PoolAcquire != nil {
		tr.PoolAcquire(waited, err)
	}
	return m, err
}

// leaveLocked ends a wait that its request gives up.
func (p *Pool) leaveLocked(w *waiter) {
	p.failLocked(w, nil)
	p.settleLocked(w.o)
}

// release gives back a slot that was not used. An engine need not tell of its
// own Release, so we look.
func (p *Pool) release(m *member) {
	m.c.Release()
	p.changed(m)
}

// discard closes a connection that was found dead with our slot reserved.
func (p *Pool) discard(m *member) {
	p.mu.Lock()
	m.o.count.Stale++
	p.doomLocked(m)
	p.unlock()
	m.c.Release()
}
