package h2

import "gohttpx.dev/wire"

// goAway takes a GOAWAY frame. No stream is begun any more. Those above the
// last that the peer names were not looked at, and can be asked for elsewhere;
// the others go on, and when none is left the connection is closed. A second
// GOAWAY can only name fewer (RFC 9113 §6.8).
func (c *Conn) goAway(f Frame) error {
	c.readerLock()
	if c.end != nil {
		return nil
	}
	g := f.GoAway()
	if c.goaway != nil {
		if err := c.guard.spend(c.heard.Load(), f.Type); err != nil {
			return err
		}
		g.LastID = min(g.LastID, c.goaway.LastID)
	}
	c.goaway = &g
	was := c.slots.set(slotDraining)
	c.tell = true
	c.wakeRoomsLocked()
	for s := range c.streams.all {
		if s.id > g.LastID && !s.remoteEnd {
			s.finishLocked(c.refusedLocked(s), !s.headDone)
		}
	}
	if slotUsed(was) == 0 {
		c.endLocked(ending{kind: wire.KindClosed, code: NoError, err: errDrained})
	}
	return nil
}

// refusedLocked is the error of a request that the peer says it has not looked
// at. If it has answered, it has.
func (c *Conn) refusedLocked(s *stream) *wire.Error {
	if s.headAt != 0 {
		return s.errorLocked(wire.KindProtocol, true, *c.goaway)
	}
	return s.errorLocked(wire.KindUnprocessed, true, *c.goaway)
}
