package h2

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gohttpx.dev/wire"
)

// Content of ours. Who sends puts it into s.pend and waits; it is cut into DATA
// frames and appended to the write buffer as the windows of the stream and the
// connection and the buffer's size allow, one frame of each stream in turn. That
// is done by whoever makes it possible: the sender, the reader when a window
// opens, or the writer when it has emptied the buffer. An upload that is alone has a way
// of its own: self.go.

// The most that a stream sends in its turn, in bytes: the frame that every peer takes,
// and of which the usual windows hold a whole number but for a byte. One that sends
// alone, to a peer that takes large frames, sends four in one that with its header
// fills records of TLS: each record is a write, and many a peer answers each frame with
// a WINDOW_UPDATE, which costs a read.
const (
	quantum     = 16 << 10
	quantumLone = 4*quantum - FrameHeaderLen
)

// turnLocked is the most that the next in the queue may send, which was taken from it.
func (c *Conn) turnLocked() int {
	if c.peer.MaxFrameSize < quantumLone || !c.sendq.empty() {
		return quantum
	}
	// No more than the buffer grows to: see maxWrite.
	return min(quantumLone, maxWrite+quantum-FrameHeaderLen-len(c.wbuf))
}

// sendQueue holds the streams that could send, but for the connection's window
// or the size of the buffer.
type sendQueue struct {
	list []*stream
	head int
}

func (q *sendQueue) empty() bool { return q.head == len(q.list) }

func (q *sendQueue) push(s *stream) {
	if q.head > 32 && 2*q.head > len(q.list) {
		n := copy(q.list, q.list[q.head:])
		clear(q.list[n:])
		q.list, q.head = q.list[:n], 0
	}
	q.list = append(q.list, s)
}

func (q *sendQueue) pop() *stream {
	s := q.list[q.head]
	q.list[q.head] = nil
	if q.head++; q.head == len(q.list) {
		q.list, q.head = q.list[:0], 0
	}
	return s
}

// unqueueLocked takes a stream out of the queue. The next in line may be able to
// send where that one was held back.
func (c *Conn) unqueueLocked(s *stream) {
	if !s.queued {
		return
	}
	s.queued = false
	q := &c.sendq
	for i := q.head; i < len(q.list); i++ {
		if q.list[i] == s {
			copy(q.list[i:], q.list[i+1:])
			q.list[len(q.list)-1] = nil
			q.list = q.list[:len(q.list)-1]
			break
		}
	}
	if q.empty() {
		q.list, q.head = q.list[:0], 0
	}
	c.pumpLocked()
}

// unpop puts back what pop has just taken.
func (q *sendQueue) unpop(s *stream) {
	if q.head == 0 {
		q.list = append([]*stream{s}, q.list...)
		return
	}
	q.head--
	q.list[q.head] = s
}

// offerLocked queues a stream that has something to send, if its window allows.
func (c *Conn) offerLocked(s *stream) {
	switch {
	case s.queued || !s.pending() || c.end != nil:
	case c.self == s:
		if min(s.send.Available(), c.sendWin.Available()) > 0 {
			wakeUp(s.sendWake)
		}
		return
	case len(s.pend) == 0:
		// END_STREAM alone needs no window, and hardly room.
		c.dataLocked(s, 0)
		c.flushLocked()
		return
	case s.send.Available() > 0:
		s.queued = true
		c.sendq.push(s)
	}
	c.pumpLocked()
}

// pumpLocked appends what may be sent. All that are queued have content and a
// window for it.
func (c *Conn) pumpLocked() {
	if c.end != nil {
		return
	}
	was := len(c.wbuf)
	for !c.sendq.empty() && len(c.wbuf) < maxWrite && c.sendWin.Available() > 0 {
		s := c.sendq.pop()
		n := min(len(s.pend), c.turnLocked(), s.send.Available(), c.sendWin.Available())
		if n == 0 {
			s.queued = false // the window has shrunk
			continue
		}
		if s.holdLocked(n) {
			if s.send.Available() > n {
				// For want of the connection's window: so would the others.
				c.sendq.unpop(s)
				break
			}
			s.queued = false
			continue
		}
		c.dataLocked(s, n)
		switch {
		case !s.pending():
			s.queued = false
		case s.send.Available() > 0:
			c.sendq.push(s)
		default:
			s.queued = false // until its window opens
		}
	}
	if len(c.wbuf) > was {
		c.flushLocked()
	}
}

// dataLocked appends one DATA frame with n bytes of what s has to send.
func (c *Conn) dataLocked(s *stream, n int) {
	end := s.pendEnd && n == len(s.pend)
	c.wantLocked(FrameHeaderLen + n)
	c.wbuf = AppendData(c.wbuf, s.id, s.pend[:n], end, 0)
	s.framedLocked(n, end)
	if !s.pending() && c.self != s {
		wakeUp(s.sendWake)
	}
}

// framedLocked notes that n bytes of what s has to send are in a frame, which is the
// last of all that we send.
func (s *stream) framedLocked(n int, end bool) {
	c := s.c
	s.send.Take(n)
	c.sendWin.Take(n)
	c.guard.sent(n)
	if n >= smallData || end {
		c.guard.earn(perSent)
	}
	s.pend = s.pend[n:]
	s.endOff = c.offset()
	s.progress = c.now()
	if end {
		s.pendEnd = false
		s.endSentLocked()
	}
}

// A peer that gives back just what it has received, piece by piece, would have
// us send ever smaller pieces (RFC 9293 §3.8.6.2.1 knows it as silly window
// syndrome). So what the windows cut down to little waits for more, for a moment.
const (
	smallPiece = 1 << 10
	holdTime   = 10 * time.Millisecond
)

// holdLocked reports whether a piece of n bytes is to wait: not the little that large
// frames have left of a window, unless others would lose their turns by it.
func (s *stream) holdLocked(n int) bool {
	rest := s.c.sendq.empty() && min(s.granted, s.c.granted) >= smallPiece
	if n >= smallPiece || n == len(s.pend) || s.held < 0 || rest {
		s.held = 0
		return false
	}
	now := s.c.now()
	if s.held == 0 {
		s.held = now
	}
	by := s.held + int64(holdTime)
	if now >= by {
		s.held = 0
		return false
	}
	if s.sendBy == 0 || by < s.sendBy {
		s.sendBy = by
	}
	s.c.dueLocked(s, by)
	return true
}

// endSentLocked notes that END_STREAM is in the buffer.
func (s *stream) endSentLocked() {
	s.localEnd = true
	s.c.ending = append(s.c.ending, ending1{s, s.id})
}

// stopSendingLocked takes the peer's word that it wants no more of the request.
func (s *stream) stopSendingLocked() {
	s.localEnd = true
	s.cutLocked()
	if s.up != nil {
		s.up.stopLocked()
	}
	wakeUp(s.sendWake)
	wakeUp(s.wake)
}

// abandonLocked gives up what is left of the request, because of err. That ends
// the stream, unless the response is complete already, and is to be read.
func (s *stream) abandonLocked(err *wire.Error, drop bool) {
	c := s.c
	if s.localEnd || !s.remoteEnd || c.end != nil {
		s.resetLocked(Cancel, err, drop)
		return
	}
	c.wbuf = AppendRSTStream(c.wbuf, s.id, Cancel)
	c.flushLocked()
	s.stopSendingLocked()
}

// movedLocked is when what the stream sends last made progress: into the write
// buffer, or, if that is full, out of it.
func (s *stream) movedLocked() int64 {
	if len(s.c.wbuf) >= maxWrite || s.writes || s.c.self == s && s.c.writing {
		return max(s.progress, s.c.wrote.Load())
	}
	return s.progress
}

// errStopped ends a sender whose content nobody wants any more.
var errStopped = &wire.Error{
	Phase: wire.PhaseWrite, Kind: wire.KindClosed, Sent: true,
	Err: fmt.Errorf("h2: upload stopped: the response was complete or gave the body up"),
}

// write sends p, and END_STREAM if end is set, on the stream id. It returns when
// all of it is in the write buffer. limit bounds the time without progress, 0
// is none; past it the stream is reset. p is not used after the return.
func (s *stream) write(ctx context.Context, id uint32, p []byte, end bool, limit int64) error {
	c := s.c
	c.mu.Lock()
	defer c.unlock()
	return s.writeLocked(ctx, id, p, end, limit)
}

func (s *stream) writeLocked(ctx context.Context, id uint32, p []byte, end bool, limit int64) error {
	c := s.c
	if err := s.sendable(id); err != nil {
		return err
	}
	if s.sending {
		return s.overlapLocked()
	}
	if len(p) == 0 && !end {
		return nil
	}
	done := ctx.Done()
	s.sending = true
	s.refs++
	defer func() {
		s.sending, s.sendBy = false, 0
		if c.self == s {
			c.self = nil
		}
		s.unrefLocked()
	}()
	s.pend, s.pendEnd, s.cut = p, end, false
	s.progress = c.now()
	s.held = 0
	stalled := false
	if !s.selfLocked(limit) {
		c.offerLocked(s)
	}
	for s.pending() {
		if c.self == s && s.writeSelfLocked() {
			continue
		}
		now := c.now()
		if s.held > 0 && now >= s.held+int64(holdTime) {
			s.held = -1 // goes out as soon as it can
			c.offerLocked(s)
			if !s.pending() {
				break
			}
		}
		switch {
		case done != nil && ctx.Err() != nil:
			s.resetLocked(Cancel, wire.Canceled(ctx, wire.PhaseWrite, s.sentNow()), true)
			return s.err
		case s.tunnel && s.sendDeadline != 0 && now >= s.sendDeadline:
			s.cutLocked()
			return errDeadline
		case limit > 0 && !s.tunnel && now-s.movedLocked() >= limit:
			err := &wire.Error{
				Phase: wire.PhaseWrite, Kind: wire.KindTimeout, Remote: true, Sent: s.sentNow(),
				Err: fmt.Errorf("h2: no window for content for %v", time.Duration(limit)),
			}
			s.abandonLocked(err, !s.headDone)
			return err
		}
		s.sendBy = 0
		switch {
		case s.tunnel:
			s.sendBy = s.sendDeadline
		case limit > 0:
			s.sendBy = s.movedLocked() + limit
		}
		if by := s.held + int64(holdTime); s.held > 0 && (s.sendBy == 0 || by < s.sendBy) {
			s.sendBy = by
		}
		if t := s.trace; t != nil && t.FlowStall != nil && !stalled && len(s.pend) > 0 && min(s.send.Available(), c.sendWin.Available()) == 0 {
			stalled = true
			id := id
			if s.send.Available() > 0 {
				id = 0
			}
			c.unlock()
			t.FlowStall(id)
			c.mu.Lock()
			continue
		}
		c.dueLocked(s, s.sendBy)
		s.wait(s.sendWake, done)
	}
	if s.cut {
		return s.sendable(id)
	}
	return nil
}

// overlapLocked is the error of who sends while another does: content behind
// END_STREAM would end the connection.
func (s *stream) overlapLocked() error {
	return &wire.Error{
		Phase: wire.PhaseWrite, Kind: wire.KindProtocol, Sent: s.sentNow(),
		Err: errors.New("h2: two writes to one stream at the same time"),
	}
}

// cutLocked takes back what waits to be sent.
func (s *stream) cutLocked() {
	if s.pending() {
		s.cut, s.left = true, len(s.pend)
	}
	s.pend, s.pendEnd = nil, false
	s.c.unqueueLocked(s)
}

// sendable returns an error if nothing can be sent any more.
func (s *stream) sendable(id uint32) error {
	switch {
	case s.id != id:
		return wire.ErrBodyClosed
	case s.over:
		if e, ok := s.err.(*wire.Error); ok {
			return e
		}
		return errStopped
	case s.localEnd:
		return errStopped
	}
	return nil
}

// windowUpdate opens a window of ours.
func (c *Conn) windowUpdate(f Frame) error {
	c.readerLock()
	now := c.heard.Load()
	if f.StreamID == 0 {
		if err := c.guard.update(now); err != nil {
			return err
		}
		if err := c.sendWin.Add(0, f.Increment()); err != nil {
			return err
		}
		c.granted = f.Increment()
		c.pumpLocked()
		if c.self != nil {
			c.offerLocked(c.self)
		}
		return nil
	}
	if err := c.idleLocked(f); err != nil {
		return err
	}
	if err := c.guard.update(now); err != nil {
		return err
	}
	s := c.streams.get(f.StreamID)
	if s == nil || s.localEnd {
		// RFC 9113 §5.1: it may come after we have ended the stream.
		return nil
	}
	if err := s.send.Add(s.id, f.Increment()); err != nil {
		return err
	}
	s.granted = f.Increment()
	c.offerLocked(s)
	return nil
}
