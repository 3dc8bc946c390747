package pool

// origin is what the pool holds for one Key.
//
// Its waiters stand in one queue, oldest first. The dials in flight cover the
// front of that queue: whatever a dial brings goes to the oldest, so the first
// waiters, as many as the dials may serve, have "a dial in flight", no matter
// which dial was started for whom. The others are hungry: they wait for a
// connection to come free, or for a limit to permit another dial.
type origin struct {
	key    Key  // immutable
	probes bool // immutable: may turn out to be shared

	// guarded by Pool.mu
	open        int           // connections that count
	dials       int           // dials in flight, cancelled ones included
	idle        int           // of open: in Pool.idle
	avail       list[*member] // perhaps with a free slot, last used first
	mute        int           // of open: those whose peer permits no exchange at all
	waiters     list[*waiter] // oldest first
	edge        *waiter       // the oldest hungry one
	covered     int           // waiters before edge
	cover       int           // how many waiters the dials in flight may serve
	loose       list[*dial]   // dials whose own waiter has left, first left first
	need        int           // dials that are wanted and not forbidden by MaxConnectionsPerHost
	known       bool          // a dial has succeeded
	limit       int           // if known: exchanges at once on the last connection made
	fanout      bool          // a probe has failed: those who joined it dial by themselves
	count       Counts        //
	rank        int           // place in Pool.want
	surplus     node[*origin] // in Pool.surplus
	dormantNode node[*origin] // in Pool.dormant
}

// manyWaiters is how many a probe may serve: all.
const manyWaiters = 1 << 20

func newOrigin(k Key, probes bool) *origin {
	o := &origin{key: k, probes: probes}
	o.surplus.v, o.dormantNode.v = o, o
	return o
}

// before orders origins by their oldest hungry waiter.
func (o *origin) before(b *origin) bool { return o.edge.seq < b.edge.seq }
func (o *origin) place() *int           { return &o.rank }

// perDial is how many waiters the next dial may serve.
func (o *origin) perDial() int {
	switch {
	case o.known:
		return min(max(o.limit, 1), manyWaiters)
	case o.probes && !o.fanout:
		return manyWaiters
	}
	return 1
}

// enqueueLocked puts w in its place by age. A new request is the youngest; one
// that comes back, because its connection was dead, is mostly the oldest.
func (p *Pool) enqueueLocked(o *origin, w *waiter) {
	prev := o.waiters.tail
	var next *node[*waiter]
	if prev != nil && prev.v.seq > w.seq {
		prev, next = nil, o.waiters.head
		for next.v.seq < w.seq {
			prev, next = next, next.next
		}
	}
	o.waiters.insert(&w.node, prev, next)
	p.waiting++
	w.o = o
	switch {
	case next != nil && next.v.covered:
		w.covered = true
		o.covered++
	case prev == nil || prev.v.covered:
		o.edge = w
	}
}

// dequeueLocked takes w out and leaves its own dial, if any, to the others.
func (p *Pool) dequeueLocked(w *waiter) {
	o := w.o
	if w.covered {
		o.covered--
	} else if o.edge == w {
		o.edge = nil
		if w.node.next != nil {
			o.edge = w.node.next.v
		}
	}
	o.waiters.remove(&w.node)
	p.waiting--
	if d := w.own; d != nil {
		w.own, d.owner = nil, nil
		if !d.canceled {
			o.loose.pushBack(&d.loose)
		}
	}
}

// settleLocked draws the conclusions after anything in o has changed: who is
// covered, whether a dial is abandoned, how many more are needed.
func (p *Pool) settleLocked(o *origin) {
	n := o.waiters.n
	for o.covered < min(n, o.cover) {
		w := o.edge
		o.covered++
		o.edge = nil
		if w.node.next != nil {
			o.edge = w.node.next.v
		}
		w.setCovered(true)
	}
	for o.covered > min(n, o.cover) {
		last := o.waiters.tail
		if o.edge != nil {
			last = o.edge.node.prev
		}
		o.covered--
		o.edge = last.v
		last.v.setCovered(false)
	}

	if d := o.loose.front(); d != nil && o.cover-d.serves >= n {
		if !p.surplus.has(&o.surplus) {
			p.surplus.pushBack(&o.surplus)
		}
	} else {
		p.surplus.remove(&o.surplus)
	}

	// A peer that permits no exchange at all has asked us to wait: another
	// connection to it would be told the same, and again.
	need := 0
	if hungry := n - o.covered; hungry > 0 && o.mute == 0 && !p.closed {
		per := o.perDial()
		need = min((hungry-1)/per+1, max(p.maxConnsPerHost-o.open-o.dials, 0))
	}
	p.need += need - o.need
	o.need = need
	if need > 0 {
		p.want.fix(o)
	} else {
		p.want.remove(o)
	}
	if n == 0 && o.dials == 0 {
		o.fanout = false
	}
	p.tidyLocked(o)
	p.checkDrainedLocked()
}

// pumpLocked starts the dials that are needed and permitted, oldest waiter
// first, and where MaxConnections forbids one makes room for it.
func (p *Pool) pumpLocked() {
	for len(p.want) > 0 {
		if p.conns.n+p.dials.n < p.maxConns {
			p.dialLocked(p.want[0])
			continue
		}
		if p.need <= p.leaving || !p.evictLocked() {
			break
		}
	}
	for p.stopping && p.surplus.n > 0 {
		p.cancelLocked(p.surplus.front().loose.front())
	}
}

// evictLocked frees a slot of the pool: the connection that has been idle for
// longest goes, or else the dial that has been abandoned for longest.
func (p *Pool) evictLocked() bool {
	if m := p.idle.front(); m != nil {
		m.o.count.Evicted++
		p.doomLocked(m)
		return true
	}
	if o := p.surplus.front(); o != nil {
		o.count.Evicted++
		p.cancelLocked(o.loose.front())
		return true
	}
	return false
}

// starvedLocked reports whether a request of another origin, older than w, which
// is the oldest of its own, waits for a slot of the pool that is not on its way.
func (p *Pool) starvedLocked(w *waiter) bool {
	return p.need-w.o.need > p.leaving && p.want[0].edge.seq < w.seq
}
