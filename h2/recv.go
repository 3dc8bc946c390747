package h2

import (
	"slices"

	"gohttpx.dev/wire"
)

// What the peer sends on a stream: heads, content, trailers, and the windows for
// it. All of it is called by the reader.

const (
	ruleContent   = "RFC 9113 §8.1.1: content-length equals the length of the content"
	ruleNone      = "RFC 9110 §6.4.1: no content in a response to HEAD, and none with 204 or 304"
	ruleDataFirst = "RFC 9113 §8.1: content follows a final response head"
	ruleTunnelEnd = "RFC 9113 §8.5: nothing but DATA in a tunnel"
)

// malformed is a StreamError about the stream.
func (s *stream) malformed(rule, what string) error {
	return StreamError{ID: s.id, Code: ProtocolError, Rule: rule, What: what}
}

// headLocked takes a response head.
func (s *stream) headLocked(r *wire.Response, end bool) error {
	c := s.c
	s.heard = c.heard.Load()
	if s.headAt == 0 {
		s.headAt = s.heard
	}
	if r.Status < 200 {
		if err := c.guard.spend(s.heard, FrameHeaders); err != nil {
			return err
		}
		if s.interim++; s.interim > c.cfg.Interim {
			return StreamError{ID: s.id, Code: EnhanceYourCalm, Rule: ruleInterim, What: "one interim response too many"}
		}
		// They wait for a hook or for Receive, which may be slow: what waits must
		// not grow with their number. The limit counts them all, told or not, so
		// that it does not depend on who is faster.
		if s.interimSize += FieldListSize(r.Fields); s.interimSize > uint64(c.cfg.Fields.ListBytes) {
			return StreamError{ID: s.id, Code: EnhanceYourCalm, Rule: ruleInterimSize, What: "interim responses too large"}
		}
		s.got100 = s.got100 || r.Status == 100
		switch {
		case s.keepEvents:
			s.events = append(s.events, Event{Status: r.Status, Fields: slices.Clone(r.Fields)})
		case s.trace != nil && s.trace.Interim != nil:
			s.interims = append(s.interims, interim{r.Status, slices.Clone(r.Fields)})
		}
		c.in.wakeLater(s)
		return nil
	}
	c.guard.earn(perReceived)
	c.pinger.content(c, s.heard)
	s.want = r.ContentLength
	none := s.bodiless || r.Status == 204 || r.Status == 304
	switch {
	case s.connect && r.Status < 300:
		s.tunnel, s.want = true, -1
	case none:
		s.want = 0
	case end:
		if s.want > 0 {
			return s.malformed(ruleContent, lengthText(0, s.want))
		}
		s.want = 0
	}
	// Not before all of it was found good: await looks at headDone.
	s.headDone, s.remoteEnd = true, end
	if s.keepEvents {
		s.events = append(s.events, Event{Status: r.Status, Fields: slices.Clone(r.Fields)})
	}
	if res := s.res; res != nil {
		res.Status, res.Proto, res.StreamID = r.Status, wire.HTTP2, s.id
		res.Fields = append(res.Fields[:0], r.Fields...)
		res.ContentLength, res.Anomalies = s.want, r.Anomalies
	}
	c.in.wakeLater(s)
	return nil
}

// trailersLocked takes a trailer section, which ends the stream.
func (s *stream) trailersLocked(r *wire.Response) error {
	if s.tunnel {
		return s.malformed(ruleTunnelEnd, "trailers")
	}
	s.heard = s.c.heard.Load()
	s.trailers = slices.Clone(r.Trailers)
	s.anomalies = r.Anomalies
	if s.keepEvents {
		s.events = append(s.events, Event{Fields: s.trailers, Trailers: true})
	}
	return s.endedLocked()
}

// endedLocked takes the peer's END_STREAM.
func (s *stream) endedLocked() error {
	if s.want > 0 {
		return s.malformed(ruleContent, lengthText(s.got, s.got+s.want))
	}
	s.remoteEnd = true
	s.c.in.wakeLater(s)
	return nil
}

// data takes a DATA frame. Its bytes count for both windows, padding and all,
// whatever becomes of them (RFC 9113 §6.9.1).
func (c *Conn) data(f Frame) error {
	n := len(f.Payload)
	c.readerLock()
	if err := c.idleLocked(f); err != nil {
		return err
	}
	if err := c.recvWin.Receive(0, n); err != nil {
		return err
	}
	s := c.streams.get(f.StreamID)
	if s == nil {
		// RFC 9113 §5.1: an endpoint "MUST ignore frames that it receives on
		// closed streams after it has sent a RST_STREAM frame".
		c.recvWin.Credit(n)
		c.creditConnLocked()
		if !c.guard.lateData(n) {
			return closed(f)
		}
		if n == 0 || len(f.Data()) == 0 {
			return c.guard.spend(c.heard.Load(), f.Type)
		}
		return nil
	}
	data := f.Data()
	err := s.dataLocked(f, data, n)
	if err != nil {
		c.recvWin.Credit(n)
		c.creditConnLocked()
		return err
	}
	c.in.content = min(c.in.content+len(data), bulkRead)
	if pad := n - len(data); pad > 0 {
		c.recvWin.Credit(pad)
		s.recv.Credit(pad)
		c.creditConnLocked()
		s.creditLocked()
	}
	if f.EndStream() {
		return s.endedLocked()
	}
	return nil
}

func (s *stream) dataLocked(f Frame, data []byte, n int) error {
	c := s.c
	if s.remoteEnd {
		if s.localEnd {
			return closed(f)
		}
		return StreamError{ID: s.id, Code: StreamClosed, Rule: ruleClosed, What: "DATA"}
	}
	if !s.headDone {
		return s.malformed(ruleDataFirst, "DATA before a final response")
	}
	if err := s.recv.Receive(s.id, n); err != nil {
		return err
	}
	if len(data) == 0 {
		if !f.EndStream() {
			// It says nothing, and so does not feed the read clock.
			return c.guard.spend(c.heard.Load(), f.Type)
		}
		return nil
	}
	if s.want >= 0 {
		if int64(len(data)) > s.want {
			rule := ruleContent
			if s.want == 0 && s.got == 0 {
				rule = ruleNone
			}
			return s.malformed(rule, lengthText(s.got+int64(len(data)), s.got+s.want))
		}
		s.want -= int64(len(data))
	}
	s.got += int64(len(data))
	s.heard = c.heard.Load()
	c.guard.earn(perReceived)
	c.pinger.content(c, s.heard)
	s.chunks.write(data)
	c.receivedLocked(len(data))
	c.in.wakeLater(s)
	return nil
}

// The rule of credit. A stream's window bounds what is buffered for it: it gets
// credit for what was consumed. The connection's window must not couple streams:
// it gets credit on receipt, so that a reader who stands still holds up nobody
// else, but only as long as what is buffered, and what may still come, is under
// the cap; beyond it, on consumption. What a stream has left unread when it ends,
// reset by the peer or with the connection, counts until it is read or dropped.

// receivedLocked counts n bytes that were put into a stream's buffer.
func (c *Conn) receivedLocked(n int) {
	c.buffered.add(n)
	if c.buffered.n.Load()+c.recvWin.Left()+int64(n) <= int64(c.cfg.ConnBuffer) && !c.cfg.Budget.full() {
		c.recvWin.Credit(n)
		c.creditConnLocked()
	} else {
		c.withheld += int64(n)
	}
}

// consumedLocked says that n of them are gone from the buffer.
func (c *Conn) consumedLocked(n int) {
	if n == 0 {
		return
	}
	c.buffered.add(-n)
	if give := min(int64(n), c.withheld); give > 0 {
		c.withheld -= give
		c.recvWin.Credit(int(give))
		c.creditConnLocked()
	}
}

// dropLocked gives up what is unread.
func (s *stream) dropLocked() {
	s.c.consumedLocked(s.chunks.size)
	s.chunks.drop()
}

// windowPart is the part of a window that is announced at once.
const windowPart = 4

// creditConnLocked announces the connection's credit if it is worth a frame.
func (c *Conn) creditConnLocked() {
	if n := c.recvWin.Update(windowPart); n > 0 && c.end == nil {
		c.wbuf = AppendWindowUpdate(c.wbuf, 0, n)
		c.flushLocked()
	}
}

// consumeLocked says that the application has taken n bytes.
func (s *stream) consumeLocked(n int) {
	s.c.consumedLocked(n)
	if s.over {
		return
	}
	s.recv.Credit(n)
	s.creditLocked()
}

// creditLocked announces the stream's credit if it is worth a frame, and makes
// the window larger if the application keeps up: a quarter of it was consumed
// in less than two round trips, so that it may be the window that is waited for.
func (s *stream) creditLocked() {
	c := s.c
	if s.remoteEnd || s.recv.Due(windowPart) == 0 {
		return
	}
	now := c.now()
	size := s.recv.Size()
	if most := int64(c.cfg.MaxStreamWindow); c.rtt > 0 && now-s.updated < 2*c.rtt && size < most {
		if n := min(size, most-size); c.cfg.Budget.grant(n) {
			s.grown += n
			s.recv.Grow(n)
			c.growLocked(2 * s.recv.Size())
		}
	}
	s.updated = now
	if n := s.recv.Update(windowPart); n > 0 {
		c.wbuf = AppendWindowUpdate(c.wbuf, s.id, n)
		c.flushLocked()
	}
}

// growLocked makes the connection's window at least n bytes, within a quarter of
// what may be buffered.
func (c *Conn) growLocked(n int64) {
	n = min(n, int64(c.cfg.ConnBuffer)/4)
	if more := n - c.recvWin.Size(); more > 0 {
		c.recvWin.Grow(more)
		c.creditConnLocked()
	}
}
