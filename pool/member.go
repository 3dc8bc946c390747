package pool

import (
	"math/rand/v2"
	"time"

	"gohttpx.dev/wire"
)

// member is a connection of the pool. The pool refers to it until it is closed,
// also while it is in use: a connection without a live reference would be
// closed by its finalizer.
type member struct {
	c    Conn           // immutable
	o    *origin        // immutable
	info *wire.ConnInfo // immutable; nil if the engine does not tell

	// guarded by Pool.mu
	all       node[*member] // in Pool.conns while it counts
	idle      node[*member] // in Pool.idle
	avail     node[*member] // in origin.avail
	idleSince time.Duration // valid while in Pool.idle
	end       time.Duration // of its life, if there is a MaxConnectionAge
	rank      int           // place in Pool.ages
	used      bool          // has been handed out
	rested    bool          // has been idle: its peer may have closed it meanwhile
	shared    bool          // takes more than one exchange
	mute      bool          // is idle, but its peer permits no exchange
	drains    bool          // finishes what it has
	doomed    bool          // we close it, or have
}

func (m *member) before(b *member) bool { return m.end < b.end }
func (m *member) place() *int           { return &m.rank }

// joinLocked makes a connection a member and gives its slots away.
func (p *Pool) joinLocked(o *origin, m *member) {
	m.all.v, m.idle.v, m.avail.v = m, m, m
	p.conns.pushBack(&m.all)
	o.open++
	if p.maxAge > 0 {
		m.end = p.now() + time.Duration((0.9+0.2*rand.Float64())*float64(p.maxAge))
		p.ages.fix(m)
		p.armLocked(m.end)
	}
	p.reviewLocked(m, true)
}

// removeLocked strikes m off. It is idempotent.
func (p *Pool) removeLocked(m *member) {
	if !p.conns.remove(&m.all) {
		return
	}
	p.withdrawLocked(m)
	p.ages.remove(m)
	m.o.open--
	if m.doomed {
		p.leaving--
	}
	if m.drains {
		p.draining--
	}
	if m.mute {
		m.o.mute--
	}
	p.settleLocked(m.o)
}

// withdrawLocked offers m to nobody any more.
func (p *Pool) withdrawLocked(m *member) {
	m.o.avail.remove(&m.avail)
	p.unparkLocked(m)
}

func (p *Pool) unparkLocked(m *member) {
	if p.idle.remove(&m.idle) {
		m.o.idle--
	}
}

// doomLocked has m closed by whoever unlocks. From here to removeLocked its
// slot is on its way.
func (p *Pool) doomLocked(m *member) {
	if m.doomed || !p.conns.has(&m.all) {
		return
	}
	m.doomed = true
	p.leaving++
	p.withdrawLocked(m)
	p.doomed = append(p.doomed, m)
}

// retireLocked has m drained by whoever unlocks.
func (p *Pool) retireLocked(m *member) {
	p.withdrawLocked(m)
	if !m.drains {
		m.drains = true
		p.draining++
		p.retiring = append(p.retiring, m)
	}
}

// shelveLocked takes m, which turned out to have no free slot, off the offers
// of its origin. If it is full or has ended a hook is due. A peer that now
// permits no exchange has no need to say so: then m stays idle and expires.
func (p *Pool) shelveLocked(m *member) {
	m.o.avail.remove(&m.avail)
	st := m.c.State()
	if st.Phase != wire.ConnOpen || st.InFlight > 0 {
		p.unparkLocked(m)
	} else {
		p.muteLocked(m, st)
	}
}

// muteLocked notes whether m is idle and its peer permits no exchange. Once
// it does, there is a slot where there was none, and a hook; while exchanges
// run a higher limit need not be told, and m counts as full.
func (p *Pool) muteLocked(m *member, st wire.ConnState) {
	mute := st.Limit < 1 && st.InFlight == 0
	switch {
	case mute == m.mute:
		return
	case mute:
		m.o.mute++
	default:
		m.o.mute--
	}
	m.mute = mute
	p.settleLocked(m.o)
}

// reviewLocked looks at m anew: its free slots go to the waiters of its origin,
// then it is parked, and then it may be that it must go. fresh says that it has
// just been dialled.
//
// Exchanges are reserved under the mutex only, so that a connection which is
// idle here stays so unless its peer ends it, of which we then hear.
func (p *Pool) reviewLocked(m *member, fresh bool) {
	if m.doomed || !p.conns.has(&m.all) {
		return
	}
	o, st := m.o, m.c.State()
	switch {
	case st.Phase == wire.ConnClosed:
		p.removeLocked(m)
		return
	case st.Phase == wire.ConnDraining || m.drains:
		p.withdrawLocked(m)
		if !m.drains {
			m.drains = true
			p.draining++
		}
		p.settleLocked(o)
		return
	}
	m.shared = st.Limit > 1
	p.muteLocked(m, st)

	for st.Free() > 0 && o.waiters.n > 0 {
		w := o.waiters.front()
		// A dial was started in its turn; what it brings is never refused.
		if !fresh && p.starvedLocked(w) {
			if st.InFlight == 0 {
				o.count.Evicted++
				p.doomLocked(m)
				return
			}
			if p.need-o.need > p.leaving+p.draining {
				o.count.Evicted++
				p.retireLocked(m)
				return
			}
		}
		if !m.c.Reserve() {
			p.shelveLocked(m) // it has just changed again
			return
		}
		p.unparkLocked(m)
		p.serveLocked(w, m, st.InFlight == 0)
		st.InFlight++
		p.settleLocked(o)
	}

	if st.Free() == 0 && st.InFlight > 0 {
		p.withdrawLocked(m)
		return
	}
	if st.InFlight > 0 {
		p.unparkLocked(m)
	} else if !p.parkLocked(m) {
		return
	}
	if st.Free() == 0 {
		o.avail.remove(&m.avail)
	} else if !o.avail.has(&m.avail) {
		o.avail.pushFront(&m.avail)
	}
	p.trimLocked(o)
}

// takenLocked notes in t that a slot of m was given away; idle says that m had
// no other exchange.
func (m *member) takenLocked(t *turn, idle bool) {
	t.reused, t.old = m.used, m.used || m.rested
	t.check = t.old && idle
	m.used = true
	if t.reused {
		m.o.count.Reuses++
	}
}

// serveLocked gives a reserved slot of m to w.
func (p *Pool) serveLocked(w *waiter, m *member, idle bool) {
	p.dequeueLocked(w)
	w.m = m
	m.takenLocked(&w.turn, idle)
	w.wake()
}

// failLocked ends w's wait with an error.
func (p *Pool) failLocked(w *waiter, err error) {
	p.dequeueLocked(w)
	w.err = err
	w.wake()
}
