package h2

import (
	"runtime"
	"time"

	"gohttpx.dev/internal/bufpool"
	"gohttpx.dev/internal/reset"
	"gohttpx.dev/wire"
)

// The writer is a goroutine: no caller ever stands in a socket write, so that
// a cancel or timeout neither waits for the bytes of others nor cuts them off (a
// TLS connection cannot go on after a write that timed out). The only other one who
// writes is an uploader, which no caller waits for (self.go): c.writing is whether
// one of them does, and the next has to wait for it.
//
// Everything is appended to c.wbuf under the lock; the writer swaps it for an
// empty one and writes it. Before the swap it lets the callers that are ready to
// run add their frames, if there is more than one stream: that makes one write
// of many.
//
// To let the first caller write for all instead is not measurably cheaper:
// bench/README.md, "How HTTP/2 writes are gathered".

// offset is where the next byte will stand in all that we write.
func (c *Conn) offset() int64 { return c.taken + int64(len(c.wbuf)) }

// flushLocked wakes the writer if it sleeps. If an uploader is in a write, it does so
// when it has done.
func (c *Conn) flushLocked() {
	if c.parked && !c.writing {
		c.parked = false
		c.wcond.Signal()
	}
}

// ending1 is a stream whose last byte is on its way.
type ending1 struct {
	s  *stream
	id uint32
}

// writeLoop writes what is in the buffer, and closes the socket. Started by
// NewConn; ends when the connection does.
func (c *Conn) writeLoop() {
	c.mu.Lock()
	for {
		for (len(c.wbuf) == 0 || c.writing || c.writeErr != nil) && c.end == nil {
			c.shrinkLocked()
			c.parked = true
			c.wcond.Wait()
		}
		c.parked = false
		if c.end != nil {
			break
		}
		if c.streams.len() > 1 {
			c.mu.Unlock()
			runtime.Gosched()
			c.mu.Lock()
			if c.end != nil {
				break
			}
			if c.writing || len(c.wbuf) == 0 {
				continue
			}
		}
		c.flushNowLocked(nil)
	}
	for c.writing {
		c.wcond.Wait() // which is bounded: see endLocked
	}
	// The end: what is left goes out within closeTime.
	out := c.wbuf
	ok := !c.end.lost && c.writeErr == nil
	c.wbuf = nil
	defer c.closer.Stop()
	c.mu.Unlock()
	if ok && len(out) > 0 {
		ok = c.write(out) == nil
	}
	if ok {
		// RFC 9113 §9.1.1 leaves it to TLS to send its closure alert.
		c.nc.Close()
		return
	}
	c.raw.Close()
	c.nc.Close()
}

// flushNowLocked writes what is in the buffer, if nobody writes. It gives the lock up
// meanwhile.
func (c *Conn) flushNowLocked(s *stream) {
	// Before the swap, which goes on to fill the other buffer.
	c.beginWriteLocked()
	out := c.swapLocked()
	c.unlock()
	err := c.write(out)
	c.mu.Lock()
	c.spare = keepBuffer(out, 2*maxWrite)
	c.endWriteLocked(err, s)
}

// beginWriteLocked begins a write of all that is in the buffer, or of what is to be
// before it.
func (c *Conn) beginWriteLocked() {
	c.writing = true
	c.sent, c.ending = c.ending, c.sent[:0]
}

// endWriteLocked ends it. s is the stream whose uploader wrote, nil for the writer.
func (c *Conn) endWriteLocked(err error, s *stream) {
	c.writing = false
	if c.writeEnd != nil {
		close(c.writeEnd)
		c.writeEnd = nil
	}
	if err == nil {
		now := c.now()
		c.flushed = c.taken
		for _, e := range c.sent {
			if e.s.id == e.id && e.s.sentAt == 0 {
				e.s.sentAt = now
			}
		}
	}
	clear(c.sent)
	if c.self != nil && c.self != s {
		wakeUp(c.self.sendWake)
	}
	if err != nil {
		c.writeFailedLocked(err)
	}
	switch {
	case s == nil:
	case c.end != nil:
		c.wcond.Signal()
	case len(c.wbuf) > 0:
		c.flushLocked()
	default:
		c.shrinkLocked()
	}
}

// shrinkLocked gives back what an idle connection does not need.
func (c *Conn) shrinkLocked() {
	c.spare = keepBuffer(c.spare, idleBuffer)
	if len(c.wbuf) == 0 {
		c.wbuf = keepBuffer(c.wbuf, idleBuffer)
	}
}

// swapLocked takes what is to be written, and makes room.
func (c *Conn) swapLocked() []byte {
	out := c.wbuf
	c.wbuf, c.spare = c.spare[:0], nil
	c.taken += int64(len(out))
	c.guard.queued = 0
	c.wakeRoomsLocked()
	c.pumpLocked()
	return out
}

// answerLocked counts an answer in the write buffer. For a peer that asks and does
// not read, however well it pays with content for the frames that it has answered,
// they would pile up: so the reader waits when they are many, until the writer has
// taken them. What ends this is what ends a write that stands still: the socket's
// limit, a PING without an answer, or Close. Called by the reader.
func (c *Conn) answerLocked() {
	c.guard.queued++
	for c.guard.queued > maxQueued && c.end == nil && c.writeErr == nil {
		c.in.wakeAll()
		c.unlock()
		<-c.in.taken
		c.mu.Lock()
	}
	if c.writeErr != nil {
		c.wbuf = nil // nobody will take it
	}
}

// idleBuffer is the most that each of the two buffers keeps of an idle
// connection's memory, in bytes.
const idleBuffer = 32 << 10

// keepBuffer empties b, or gives it back if it is larger than may be kept.
func keepBuffer(b []byte, most int) []byte {
	if cap(b) > most {
		bufpool.Put(b)
		return nil
	}
	return b[:0]
}

// wantLocked sees to it that the write buffer has room for n bytes of content.
// Where there is content more is to be expected: the buffer is at once larger than
// needed, and a pooled one, since it is given back whenever the writer has nothing
// to do, which in an upload may be after each piece.
func (c *Conn) wantLocked(n int) {
	n += len(c.wbuf)
	if n <= cap(c.wbuf) {
		return
	}
	if n > maxWrite/16 {
		n = max(n, maxWrite+FrameHeaderLen+quantum)
	}
	old := c.wbuf
	c.wbuf = append(bufpool.Get(n)[:0], old...)
	bufpool.Put(old)
}

// piece is how much is written at once: so that a slow peer is told from a dead
// one, and a slow upload from one that stands still. A TLS connection cannot go
// on after a write that has timed out, whatever part of it was written.
const piece = 64 << 10

// write writes p, and fails if the socket takes nothing for too long.
func (c *Conn) write(p []byte) error {
	c.showFrames(p)
	for len(p) > 0 {
		c.armWrite()
		n, err := c.nc.Write(p[:min(len(p), piece)])
		p = p[n:]
		if n > 0 {
			c.wrote.Store(c.now())
		}
		switch {
		case err == nil:
		case c.plain && n > 0 && reset.Deadline(err) && !c.isClosing():
		default:
			return err
		}
	}
	return nil
}

// armWrite bounds the next socket write, lazily: a limit of T is a deadline
// between T and 1.1 T away, and is only set anew when it is nearer.
func (c *Conn) armWrite() {
	if c.socketWrite == 0 {
		return
	}
	now := c.now()
	c.dmu.Lock()
	if !c.closing && c.writeBy < now+c.socketWrite {
		c.writeBy = now + c.socketWrite + c.socketWrite/10
		c.nc.SetWriteDeadline(c.epoch.Add(time.Duration(c.writeBy - 1)))
	}
	c.dmu.Unlock()
}

func (c *Conn) isClosing() bool {
	c.dmu.Lock()
	defer c.dmu.Unlock()
	return c.closing
}

// writeFailedLocked notes that the socket takes no more. A timeout ends the
// connection. Otherwise the peer has closed it, and may have said why before:
// the reader finds out, but not for ever.
func (c *Conn) writeFailedLocked(err error) {
	c.writeErr = err
	c.wbuf = nil
	c.wakeRoomsLocked()
	if c.end != nil {
		return
	}
	if reset.Deadline(err) {
		c.lostLocked(err)
		return
	}
	c.slots.set(slotDraining)
	c.tell = true
	c.unlock()
	c.nc.SetReadDeadline(time.Now().Add(closeTime))
	c.mu.Lock()
}

// awaitWriteLocked waits a moment for a write under way. Called by the reader at
// the end of its input, whose meaning the write may know: see lostLocked.
func (c *Conn) awaitWriteLocked() {
	if c.flushed == c.taken || c.writeErr != nil || c.end != nil {
		return
	}
	over := make(chan struct{})
	c.writeEnd = over
	// No answer would come to what is begun now.
	c.slots.set(slotDraining)
	c.tell = true
	c.unlock()
	t := time.NewTimer(toldTime)
	select {
	case <-over:
	case <-t.C:
	}
	t.Stop()
	c.mu.Lock()
}

// toldTime is for how long a write may take to fail when the input has ended. One
// that was told of a reset is on its way back; any other stands still for the peer.
const toldTime = 50 * time.Millisecond

// showFrames hands what is about to be written to Config.OnFrame.
func (c *Conn) showFrames(p []byte) {
	if c.cfg.OnFrame == nil {
		return
	}
	for len(p) > 0 {
		f, n, err := ParseFrame(p, MaxMaxFrameSize)
		if n == 0 || err != nil {
			return // injected bytes that are no frame
		}
		c.cfg.OnFrame(true, f)
		p = p[n:]
	}
}

// scratch returns a buffer of at least n bytes; put gives it back.
func scratch(n int) []byte { return bufpool.Get(n) }

var _ wire.BodySource = (*stream)(nil)
