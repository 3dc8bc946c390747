package h2

import (
	"fmt"
	"time"

	"gohttpx.dev/wire"
)

// All clocks of a connection hang on one timer: each wait notes until when it
// may last (deadlines.go), and the timer is set to the earliest of these times.
// It is set when a wait begins that ends sooner, and never when one ends: it then
// fires once for nothing. So a request whose limits are the usual ones sets no
// timer at all.
//
// Times are nanoseconds since Conn.epoch: one monotonic clock, cheap to read.

// now is the time; it is never 0.
func (c *Conn) now() int64 { return int64(time.Since(c.epoch)) + 1 }

// limitOf resolves a timeout to nanoseconds; 0 is off. Beyond 30 years it is cut
// off, so that sums cannot overflow.
func limitOf(d time.Duration) int64 { return int64(min(d, 30*365*24*time.Hour)) }

// limits of one exchange, in nanoseconds; 0 is off.
type limits struct {
	read, write, header, wait100 int64
}

func limitsOf(t *wire.Timeouts) limits {
	return limits{
		read:    limitOf(wire.Limit(t.Read)),
		write:   limitOf(wire.Limit(t.Write)),
		header:  limitOf(max(t.Header, 0)),
		wait100: limitOf(max(t.Continue, 0)),
	}
}

// armLocked sees to it that the timer fires at the time, or before.
func (c *Conn) armLocked(at int64) {
	if at == 0 || c.alarm != 0 && c.alarm <= at || c.timersOff {
		return
	}
	c.alarm = at
	d := time.Duration(at - c.now())
	if c.timer == nil {
		c.timer = time.AfterFunc(d, c.tick)
	} else {
		c.timer.Reset(d)
	}
}

// stopClockLocked ends the clock for good.
func (c *Conn) stopClockLocked() {
	c.timersOff = true
	for _, s := range c.due {
		s.due = 0
	}
	c.due = nil
	if c.timer != nil {
		c.timer.Stop()
	}
}

// tick runs on the timer's goroutine, which the runtime starts. It wakes the
// waits whose time has come, which then see for themselves, and sets the timer
// for the next one.
func (c *Conn) tick() {
	c.mu.Lock()
	if c.timersOff {
		c.mu.Unlock()
		return
	}
	now := c.now()
	if now < c.alarm {
		// A firing that was under way when the timer was set anew.
		c.timer.Reset(time.Duration(c.alarm - now))
		c.mu.Unlock()
		return
	}
	c.alarm = 0
	c.expireLocked(now)
	c.pingLocked(now)
	c.settingsTimerLocked(now)
	c.unlock()
}

// wakeUp leaves a token in a channel of capacity 1.
func wakeUp(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// readByLocked is until when the caller may wait for the response, who has
// waited since from; 0 for ever. If that time has come it is an error.
func (s *stream) readByLocked(now, from int64) (by int64, err *wire.Error) {
	if s.tunnel {
		return s.readDeadline, nil
	}
	lim := &s.lim
	if !s.sentLocked() {
		if by, err = s.unsentByLocked(now, from); err != nil {
			return 0, err
		}
		// The clocks below may start at any moment, and nobody is woken then: look
		// again when the first of them might have run out.
		next := lim.read
		if lim.header != 0 && !s.headDone && (next == 0 || lim.header < next) {
			next = lim.header
		}
		if next != 0 && (by == 0 || now+next < by) {
			by = now + next
		}
		return by, nil
	}
	if lim.read != 0 {
		since := max(from, s.sentAt, s.heard)
		if now-since >= lim.read {
			return 0, s.readTimeout()
		}
		by = since + lim.read
	}
	if lim.header != 0 && !s.headDone {
		at := s.sentAt + lim.header
		if now >= at {
			return 0, s.errorLocked(wire.KindTimeout, true,
				fmt.Errorf("h2: no complete response head within %v of the request", time.Duration(lim.header)))
		}
		if by == 0 || at < by {
			by = at
		}
	}
	return by, nil
}

// unsentByLocked is readByLocked while the request is on its way.
func (s *stream) unsentByLocked(now, from int64) (by int64, err *wire.Error) {
	c, lim := s.c, &s.lim
	if lim.write != 0 && (c.socketWrite == 0 || lim.write < c.socketWrite) && s.endOff > c.flushed && !s.pending() {
		// It waits for the socket, whose own limit is longer.
		since := max(s.progress, c.wrote.Load())
		if now-since >= lim.write {
			err := s.errorLocked(wire.KindTimeout, true, fmt.Errorf("h2: nothing sent for %v", time.Duration(lim.write)))
			err.Phase = wire.PhaseWrite
			return 0, err
		}
		return since + lim.write, nil
	}
	// The read clock starts when the request is fully sent. The time that
	// the body's source takes is not the peer's fault, and a write that
	// stands still has a limit of its own, unless that is off or longer.
	if lim.read == 0 {
		return 0, nil
	}
	since := now
	if (s.pending() || s.writes) && (lim.write == 0 || lim.write > lim.read) {
		since = max(s.movedLocked(), from)
	}
	if now-since >= lim.read {
		return 0, s.readTimeout()
	}
	return since + lim.read, nil
}

func (s *stream) readTimeout() *wire.Error {
	return s.errorLocked(wire.KindTimeout, true, fmt.Errorf("nothing received for %v", time.Duration(s.lim.read)))
}
