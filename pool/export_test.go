package pool

import "fmt"

// Check recomputes what the pool keeps as running totals and links, and says
// what does not add up. It is meant for moments in which nothing runs.
func (p *Pool) Check() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.doomed)+len(p.retiring) > 0 {
		return fmt.Errorf("%d connections to be closed and %d to be drained were forgotten", len(p.doomed), len(p.retiring))
	}
	need, waiting, draining, mutes := 0, 0, 0, map[*origin]int{}
	open, idle := map[*origin]int{}, map[*origin]int{}
	for n := p.conns.head; n != nil; n = n.next {
		m := n.v
		open[m.o]++
		if m.mute {
			mutes[m.o]++
		}
		if m.drains {
			draining++
		}
		if p.idle.has(&m.idle) {
			idle[m.o]++
		}
		if m.doomed {
			return fmt.Errorf("a connection that was closed still counts")
		}
		if m.drains && (p.idle.has(&m.idle) || m.o.avail.has(&m.avail)) {
			return fmt.Errorf("a draining connection is on offer")
		}
	}
	dials, canceled := map[*origin]int{}, 0
	cover := map[*origin]int{}
	for n := p.dials.head; n != nil; n = n.next {
		d := n.v
		dials[d.o]++
		if d.canceled {
			canceled++
			continue
		}
		cover[d.o] += d.serves
		if (d.owner == nil) != d.o.loose.has(&d.loose) {
			return fmt.Errorf("a dial without an owner is not loose, or one with an owner is")
		}
		if d.owner != nil && (d.owner.own != d || !d.owner.queued()) {
			return fmt.Errorf("a dial and its owner disagree")
		}
	}
	for k, o := range p.origins {
		if o.key != k || o.open != open[o] || o.idle != idle[o] || o.dials != dials[o] || o.cover != cover[o] || o.mute != mutes[o] {
			return fmt.Errorf("%v: open %d/%d idle %d/%d dials %d/%d cover %d/%d mute %d/%d", k, o.open, open[o], o.idle, idle[o],
				o.dials, dials[o], o.cover, cover[o], o.mute, mutes[o])
		}
		if o.waiters.n > 0 && o.avail.n > 0 {
			return fmt.Errorf("%v: %d wait and %d connections are on offer", k, o.waiters.n, o.avail.n)
		}
		need += o.need
		waiting += o.waiters.n
		if o.covered != min(o.waiters.n, o.cover) {
			return fmt.Errorf("%v: %d of %d waiters covered by dials for %d", k, o.covered, o.waiters.n, o.cover)
		}
		i, last := 0, uint64(0)
		for n := o.waiters.head; n != nil; n = n.next {
			if w := n.v; w.covered != (i < o.covered) || i == o.covered && o.edge != w || w.seq <= last || w.m != nil {
				return fmt.Errorf("%v: waiter %d of %d: covered %v (%d are), seq %d after %d", k, i, o.waiters.n, w.covered, o.covered, w.seq, last)
			}
			i, last = i+1, n.v.seq
		}
		if o.covered == o.waiters.n && o.edge != nil {
			return fmt.Errorf("%v: an edge where all are covered", k)
		}
		if (o.need > 0) != (o.rank > 0) {
			return fmt.Errorf("%v: need %d, rank %d", k, o.need, o.rank)
		}
		if empty := o.open+o.dials+o.waiters.n == 0; empty != p.dormant.has(&o.dormantNode) {
			return fmt.Errorf("%v: empty %v, dormant %v", k, empty, !empty)
		}
	}
	for i, o := range p.want {
		if o.rank != i+1 || i > 0 && o.before(p.want[(i-1)/2]) {
			return fmt.Errorf("the heap of hungry origins is out of order")
		}
	}
	if p.need != need || p.waiting != waiting || p.leaving != canceled || p.draining != draining {
		return fmt.Errorf("need %d/%d waiting %d/%d leaving %d/%d draining %d/%d", p.need, need, p.waiting, waiting,
			p.leaving, canceled, p.draining, draining)
	}
	if p.idle.n > 0 && p.idleTimeout > 0 && !p.armed {
		return fmt.Errorf("idle connections and no timer")
	}
	if need > p.leaving && p.conns.n+p.dials.n < p.maxConns {
		return fmt.Errorf("%d dials needed, room for %d, none started", need, p.maxConns-p.conns.n-p.dials.n)
	}
	if need > p.leaving && p.idle.n+p.surplus.n > 0 {
		return fmt.Errorf("%d dials needed, %d idle connections and %d origins with abandoned dials kept", need, p.idle.n, p.surplus.n)
	}
	return nil
}

// Armed reports whether the timer may fire.
func (p *Pool) Armed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.armed
}

// Known reports how many origins are remembered.
func (p *Pool) Known() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.origins)
}
