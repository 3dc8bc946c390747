package h2

// An upload that is alone on its connection writes by itself: its goroutine hands what it
// has read to the socket, and need not wake the writer for each piece and be woken by it.
// If one frame holds the piece it is written from where it was read to. An uploader may
// stand in a socket write for as long as the writer may, since nobody waits for either: a
// caller who gives up leaves whole frames behind, as ever, and what comes up meanwhile
// waits in the buffer. It goes out before any more of the upload.
//
// Alone, so that it takes nobody's turn, and frames of others that would have gone out in
// one write do not go out in two. And only when it has come to larger pieces: the first
// ones may go out with the head, and small ones gather in the buffer while the writer
// writes, where each would be a write, and a packet, of its own.

// selfPiece is the least that is worth a write, in bytes.
const selfPiece = quantum / 2

// selfLocked reports whether the uploader of s, which asks, is to write by itself, and
// notes it. limit is that of the stream, 0 for none: who stands in a write does not look
// at it, so that the socket's own must not be longer.
func (s *stream) selfLocked(limit int64) bool {
	c, u := s.c, s.up
	if u == nil || len(u.buf) <= firstUpload+FrameHeaderLen || len(s.pend) < selfPiece || !s.aloneLocked() ||
		limit > 0 && (c.socketWrite == 0 || c.socketWrite > limit) {
		return false
	}
	c.self = s
	return true
}

// aloneLocked reports whether no other stream could want to send.
func (s *stream) aloneLocked() bool {
	c := s.c
	return c.streams.len() == 1 && c.sendq.empty() && c.writeErr == nil && c.end == nil && !s.over
}

// writeSelfLocked writes what the windows allow. It reports false if there is something
// to wait for: a window, or the end of another's write, both of which wake s. It gives
// the lock up meanwhile.
func (s *stream) writeSelfLocked() bool {
	c, u := s.c, s.up
	if !s.aloneLocked() {
		c.self = nil
		c.offerLocked(s)
		return true
	}
	if c.writing {
		return false
	}
	n := min(len(s.pend), s.send.Available(), c.sendWin.Available())
	if n == 0 || s.holdLocked(n) {
		return false
	}
	s.writes = true
	u.inUser.Store(true) // for stopLocked it is the same: another closes the body
	if at := cap(u.buf) - cap(s.pend); len(c.wbuf) == 0 && n <= c.turnLocked() && at >= FrameHeaderLen {
		end := s.pendEnd && n == len(s.pend)
		h := FrameHeader{Length: uint32(n), Type: FrameData, StreamID: s.id}
		if end {
			h.Flags = FlagEndStream
		}
		AppendFrameHeader(u.buf[:at-FrameHeaderLen], h)
		c.taken += int64(FrameHeaderLen + n)
		s.framedLocked(n, end)
		c.beginWriteLocked() // with the end of the stream, if it is that
		c.unlock()
		err := c.write(u.buf[at-FrameHeaderLen : at+n])
		c.mu.Lock()
		c.endWriteLocked(err, s)
	} else {
		for n > 0 && len(c.wbuf) < maxWrite {
			c.dataLocked(s, min(n, c.turnLocked()))
			if n = min(len(s.pend), s.send.Available(), c.sendWin.Available()); n > 0 && s.holdLocked(n) {
				break
			}
		}
		c.flushNowLocked(s)
	}
	u.inUser.Store(false)
	s.writes = false
	return true
}
