package h1

import (
	"errors"
	"fmt"
	"time"

	"gohttpx.dev/wire"
)

// Deadlines are set lazily. A limit of T is a deadline between T and 1.1 T
// away, so that one that was set for an earlier call of the same limit serves
// until it is nearer than T: a steady exchange sets one in ten or fewer. They
// are checked before every socket call, since time passes between the calls
// too.
//
// Times are nanoseconds since Conn.epoch: one monotonic clock, cheap to read.

// now is the time; it is never 0.
func (c *Conn) now() int64 { return int64(time.Since(c.epoch)) + 1 }

func (c *Conn) at(ns int64) time.Time { return c.epoch.Add(time.Duration(ns - 1)) }

// limitOf resolves a timeout to nanoseconds; 0 is off. Beyond 30 years it is
// cut off, so that sums cannot overflow.
func limitOf(d time.Duration) int64 {
	return int64(min(d, 30*365*24*time.Hour))
}

// limits of the running exchange, in nanoseconds; 0: off. Written before the
// uploader starts, read-only after.
type limits struct {
	read, write, header, wait100 int64
}

// armRead bounds the next socket read to between limit and 1.1 limit after
// from. Owner of the exchange only.
func (c *Conn) armRead(from, limit int64) {
	if limit == 0 {
		c.setRead(0)
		return
	}
	slack := limit + limit/10
	if left := c.readBy - from; left < limit || left > slack {
		c.setRead(from + slack)
	}
}

// setRead sets the read deadline to a time, 0 for none.
func (c *Conn) setRead(by int64) {
	if c.readBy == by {
		return
	}
	c.readBy = by
	var t time.Time
	if by != 0 {
		t = c.at(by)
	}
	// It fails on a closed socket only, and so will the read.
	c.nc.SetReadDeadline(t)
}

// armWrite bounds the next socket write. Whoever writes only.
//
// A plain socket says how much it took before the deadline, so that a short
// deadline sees progress within one write: it is a tenth of the limit, which
// wrote counts from the last progress. Any other connection cannot go on after
// a deadline (crypto/tls refuses to) and gets the limit as armRead does.
func (c *Conn) armWrite(now, limit int64) {
	var lo, hi int64
	switch {
	case limit == 0:
		c.setWrite(0)
		return
	case c.plain:
		lo, hi = now+limit/20, now+limit/10
	default:
		lo, hi = now+limit, now+limit+limit/10
	}
	if c.writeBy < lo || c.writeBy > hi {
		c.setWrite(hi)
	}
}

func (c *Conn) setWrite(by int64) {
	if c.writeBy == by {
		return
	}
	c.writeBy = by
	var t time.Time
	if by != 0 {
		t = c.at(by)
	}
	c.nc.SetWriteDeadline(t)
}

// clearDeadlines takes both deadlines off, for a stream that is handed over.
func (c *Conn) clearDeadlines() {
	c.setRead(0)
	c.setWrite(0)
}

// errContinueTimer ends a read that waited for 100 (Continue) long enough.
var errContinueTimer = errors.New("h1: no 100 (Continue) in time")

// boundRead sets the read deadline for a read that waits since from.
func (c *Conn) boundRead(from int64) {
	switch {
	case c.drainBy != 0:
		c.setRead(c.drainBy)
		return
	case c.framing == Switched:
		c.setRead(0)
		return
	case c.continueBy != 0:
		// The request is not sent: the read clock does not run.
		c.setRead(c.continueBy)
		return
	}
	if c.lim.header != 0 {
		by := from + c.lim.header
		if sent := c.sentTime(); sent != 0 {
			by = sent + c.lim.header
		}
		if c.lim.read == 0 || by < from+c.lim.read {
			c.setRead(by)
			return
		}
	}
	c.armRead(from, c.lim.read)
}

// expired decides what a passed read deadline means for a read that waits since
// from: an error, or another try from a later time on.
func (c *Conn) expired(from int64) (later int64, err error) {
	now := c.now()
	switch {
	case c.drainBy != 0:
		if now >= c.drainBy {
			return 0, errDrain
		}
		return from, nil
	case c.continueBy != 0:
		if now >= c.continueBy {
			return 0, errContinueTimer
		}
		return from, nil
	}
	sent := c.sentTime()
	if sent == 0 {
		// The upload goes on. The time that its source takes is not the
		// peer's fault, and a write that stands still has a limit of its own,
		// unless that is off or longer.
		u := c.up
		if c.lim.read != 0 && (c.lim.write == 0 || c.lim.write > c.lim.read) &&
			u.where.Load() != upUser && now-u.progress.Load() >= c.lim.read {
			return 0, c.readTimeout(c.lim.read)
		}
		return now, nil
	}
	if c.lim.header != 0 && now >= sent+c.lim.header {
		return 0, &wire.Error{
			Phase: wire.PhaseHead, Kind: wire.KindTimeout, Remote: true, Sent: true,
			Err: fmt.Errorf("h1: no complete response head within %v of the request", time.Duration(c.lim.header)),
		}
	}
	from = max(from, sent)
	if c.lim.read != 0 && now-from >= c.lim.read {
		return 0, c.readTimeout(c.lim.read)
	}
	return from, nil
}

func (c *Conn) readTimeout(limit int64) *wire.Error {
	p := wire.PhaseBody
	if c.inHead {
		p = wire.PhaseHead
	}
	return &wire.Error{
		Phase: p, Kind: wire.KindTimeout, Remote: true, Sent: c.sent.Load(),
		Err: fmt.Errorf("nothing received for %v", time.Duration(limit)),
	}
}

func (c *Conn) writeTimeout(limit int64) *wire.Error {
	return &wire.Error{
		Phase: wire.PhaseWrite, Kind: wire.KindTimeout, Remote: true, Sent: c.sent.Load(),
		Err: fmt.Errorf("nothing sent for %v", time.Duration(limit)),
	}
}
