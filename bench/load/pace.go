package main

import (
	"math"
	"sync"
	"time"
)

// pacer hands out the requests of an open loop: the k-th is due k intervals after
// the start. A worker that is free takes the next one; if it is not due yet, the
// worker waits in line, and one goroutine wakes them in turn. In a line that is
// always empty because all workers are busy, that goroutine has nothing to do.
type pacer struct {
	now      func() time.Duration
	interval float64       // ns
	until    time.Duration // none is due from here on
	total    int64         // nor after so many
	timer    *sleeper
	kick     chan struct{} // there is somebody in line, or the end
	done     chan struct{} // closed when run has returned

	mu      sync.Mutex
	next    int64     // guarded by mu; the next to be taken
	line    []*waiter // guarded by mu; in the order in which they are due
	stopped bool      // guarded by mu
}

// newPacer returns a pacer for rate requests per second, of which there are at
// most count after those due before from; 0 is no such limit.
func newPacer(now func() time.Duration, rate float64, from, until time.Duration, count int64) (*pacer, error) {
	t, err := newSleeper()
	if err != nil {
		return nil, err
	}
	p := &pacer{now: now, interval: 1e9 / rate, until: until, total: math.MaxInt64, timer: t, kick: make(chan struct{}, 1), done: make(chan struct{})}
	if count > 0 {
		p.total = p.dueBefore(from) + count
	}
	return p, nil
}

func (p *pacer) due(k int64) time.Duration { return time.Duration(float64(k) * p.interval) }

// dueBefore is how many requests are due before t.
func (p *pacer) dueBefore(t time.Duration) int64 {
	k := int64(math.Ceil(float64(t) / p.interval))
	for k > 0 && p.due(k-1) >= t {
		k--
	}
	for p.due(k) < t {
		k++
	}
	return min(k, p.total)
}

// length is how long the run takes at least: until the request behind the last one
// would be due. A run of n requests at n a second takes a second, not one interval
// less.
func (p *pacer) length() time.Duration {
	if end := float64(p.total) * p.interval; end < float64(p.until) {
		return time.Duration(end)
	}
	return p.until
}

// take returns when the next request is due, at that time or later; false after
// the last one.
func (p *pacer) take(w *waiter) (time.Duration, bool) {
	p.mu.Lock()
	due := p.due(p.next)
	if p.stopped || p.next >= p.total || due >= p.until {
		p.mu.Unlock()
		return 0, false
	}
	p.next++
	if due <= p.now() {
		p.mu.Unlock()
		return due, true
	}
	w.due = due
	p.line = append(p.line, w)
	first := len(p.line) == 1
	p.mu.Unlock()
	if first {
		p.wake()
	}
	return due, <-w.ready
}

func (p *pacer) wake() {
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// run wakes the workers in line until stop is called.
func (p *pacer) run() {
	defer close(p.done)
	defer p.timer.close()
	for {
		p.mu.Lock()
		now := p.now()
		n := 0
		for n < len(p.line) && (p.stopped || p.line[n].due <= now) {
			p.line[n].ready <- p.line[n].due <= now
			n++
		}
		p.line = append(p.line[:0], p.line[n:]...)
		stopped, wait := p.stopped, time.Duration(-1)
		if len(p.line) > 0 {
			wait = p.line[0].due - now
		}
		p.mu.Unlock()
		switch {
		case stopped:
			return
		case wait < 0:
			<-p.kick
		default:
			p.timer.sleep(wait)
		}
	}
}

// stop ends the run; it returns how many requests were due by then and had been
// taken by nobody. Whoever is in line and not due leaves.
func (p *pacer) stop(at time.Duration) (unsent int64) {
	p.mu.Lock()
	p.stopped = true
	unsent = max(p.dueBefore(min(at, p.until))-p.next, 0)
	p.mu.Unlock()
	p.wake()
	p.timer.interrupt()
	<-p.done
	return unsent
}
