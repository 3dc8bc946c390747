package h2

// SETTINGS, the peer's and ours (RFC 9113 §6.5).

// settings takes a SETTINGS frame.
func (c *Conn) settings(f Frame) error {
	c.readerLock()
	if f.Ack() {
		return c.ackedLocked(f)
	}
	first := !c.peer.Received
	if !first {
		if err := c.guard.spend(c.heard.Load(), f.Type); err != nil {
			return err
		}
	}
	delta, err := c.peer.Apply(f)
	if err != nil {
		return err
	}
	if least, last, ok := HeaderTableSizes(f); ok {
		c.enc.SetPeerTableSize(least, last)
	}
	if delta != 0 {
		for s := range c.streams.all {
			if s.localEnd {
				continue
			}
			if err := s.send.Shift(delta); err != nil {
				return err
			}
		}
		for s := range c.streams.all {
			if s.pending() {
				c.offerLocked(s)
			}
		}
	}
	// A lowered limit touches admission only: what runs, runs on.
	if c.slots.setLimit(c.streamLimit(c.peer.MaxConcurrentStreams)) {
		c.tell = true
	}
	c.wbuf = AppendSettingsAck(c.wbuf)
	c.flushLocked()
	if first && c.end == nil {
		close(c.settled)
	}
	c.answerLocked()
	return nil
}

// ackedLocked makes ours count.
func (c *Conn) ackedLocked(f Frame) error {
	if c.acked && c.pinger.sent != 0 && c.pinger.settings {
		c.answeredLocked()
		return nil
	}
	if c.acked {
		return c.guard.spend(c.heard.Load(), f.Type)
	}
	c.acked = true
	c.measureLocked(c.pinger.sentSettings)
	if c.ours.table != initialTable {
		c.in.dec.SetTableSize(c.ours.table) // we are the reader
	}
	if delta := int64(c.ours.window) - int64(c.streamWindow); delta != 0 {
		c.streamWindow = c.ours.window
		for s := range c.streams.all {
			s.recv.Shift(delta)
		}
	}
	return nil
}

const ruleUnacked = "RFC 9113 §6.5.3: SETTINGS are acknowledged within a reasonable time"

// settingsTimerLocked ends the connection if our SETTINGS were not acknowledged
// in time, and else sets the timer. A peer that says nothing at all is found out
// by PING.
func (c *Conn) settingsTimerLocked(now int64) {
	if c.acked || c.cfg.SettingsTimeout < 0 || c.end != nil {
		return
	}
	due := c.pinger.sentSettings + int64(c.cfg.SettingsTimeout)
	if now < due {
		c.armLocked(due)
		return
	}
	c.brokeLocked(ConnError{Code: SettingsTimeout, Rule: ruleUnacked, What: "no acknowledgement for " + c.cfg.SettingsTimeout.String()})
}

// measureLocked notes a round trip that began at the time.
func (c *Conn) measureLocked(began int64) {
	if rtt := max(c.heard.Load()-began, 1); c.rtt == 0 || rtt < c.rtt {
		c.rtt = rtt
	}
}
