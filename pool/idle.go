package pool

import "time"

// parkLocked lists m among the idle ones, from where pumpLocked takes it if
// another origin wants its slot. It reports false if m must go at once: the pool
// keeps none, or is shutting down.
func (p *Pool) parkLocked(m *member) bool {
	if p.idle.has(&m.idle) {
		return true // a late hook: it keeps its place
	}
	if p.keepNone || p.stopping {
		p.doomLocked(m)
		return false
	}
	m.rested = true
	p.idle.pushBack(&m.idle)
	m.o.idle++
	if p.idleTimeout > 0 {
		m.idleSince = p.now()
		if !p.armed {
			p.armLocked(m.idleSince + p.idleTimeout)
		}
	}
	return true
}

// trimLocked closes what is idle beyond MaxKeepalivePerHost and MaxKeepaliveConnections.
func (p *Pool) trimLocked(o *origin) {
	if o.idle > p.maxIdlePerHost {
		// The last one used is in front; busy ones are here only if shared.
		for n := o.avail.tail; n != nil; n = n.prev {
			if m := n.v; p.idle.has(&m.idle) {
				o.count.Trimmed++
				p.doomLocked(m)
				break
			}
		}
	}
	if p.idle.n > p.maxIdle {
		m := p.idle.front()
		m.o.count.Trimmed++
		p.doomLocked(m)
	}
}

// armLocked sees to it that expire runs at t or before. The timer is left alone
// when a connection is taken: that would cost every request two changes of it.
// If it then fires for nothing, it is armed for the next deadline, or not at
// all if there is none.
func (p *Pool) armLocked(t time.Duration) {
	if p.closed || p.armed && t >= p.alarm {
		return
	}
	p.armed, p.alarm = true, t
	if p.timer == nil {
		p.timer = time.AfterFunc(t-p.now(), p.expire)
	} else {
		p.timer.Reset(t - p.now())
	}
}

// disarmLocked stops the timer if it waits for nothing.
func (p *Pool) disarmLocked() {
	if p.armed && (p.closed || p.idle.n == 0 && len(p.ages) == 0) {
		p.timer.Stop()
		p.armed = false
	}
}

// expire runs on the timer's goroutine, which the runtime starts and which ends
// when the connections whose time has come are closed.
func (p *Pool) expire() {
	p.mu.Lock()
	now := p.now()
	if p.armed && now >= p.alarm {
		p.armed = false
	}
	for m := p.idle.front(); m != nil && p.idleTimeout > 0; m = p.idle.front() {
		if end := m.idleSince + p.idleTimeout; now < end {
			p.armLocked(end)
			break
		}
		m.o.count.Expired++
		p.doomLocked(m)
	}
	for len(p.ages) > 0 {
		m := p.ages[0]
		if now < m.end {
			p.armLocked(m.end)
			break
		}
		p.ages.remove(m)
		if m.doomed {
			continue
		}
		m.o.count.Expired++
		if p.idle.has(&m.idle) {
			p.doomLocked(m)
		} else {
			p.retireLocked(m)
		}
	}
	p.unlock()
}
