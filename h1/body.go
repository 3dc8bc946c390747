package h1

import (
	"errors"
	"fmt"
	"io"

	"gohttpx.dev/internal/bufpool"
	"gohttpx.dev/wire"
)

// The content of a response, read by whoever has its handle. A read needs the
// exchange for itself (exReading); the end of the content ends the exchange in
// the same call that delivers the last byte, if that is known by then.

// errDrain ends a drain that has taken too long.
var errDrain = errors.New("h1: drain took too long")

// largeChunks is the size of the buffer for chunked content that is read in
// large pieces: a system call should bring more than the head's buffer holds.
const largeChunks = 32 << 10

// ReadBody reads content of the exchange id, for wire.Body.
func (c *Conn) ReadBody(id uint64, p []byte) (int, error) {
	for {
		s, ok := c.ex.load(id)
		if !ok {
			return 0, wire.ErrBodyClosed
		}
		switch s {
		case exEOF:
			return 0, io.EOF
		case exFailed:
			c.mu.Lock()
			defer c.mu.Unlock()
			return 0, c.failure
		case exClosed, exDropped, exDetached:
			return 0, wire.ErrBodyClosed
		case exBusy:
			// A drain or an abort is ending the exchange.
			if err := c.causeError(wire.PhaseBody); err != nil {
				return 0, err
			}
			return 0, wire.ErrBodyClosed
		case exReading:
			return 0, localError("h1: two reads of one response body at the same time")
		}
		if c.ex.move(id, exOpen, exReading) {
			break
		}
	}
	if len(p) == 0 {
		return 0, c.leave(id)
	}
	n, err := c.readContent(p)
	c.got += int64(n)
	if err == nil {
		return n, c.leave(id)
	}
	if err != io.EOF {
		err = c.readError(err)
	}
	if !c.ex.move(id, exReading, exBusy) {
		return 0, c.dropped()
	}
	if err != io.EOF {
		return n, c.fail(err)
	}
	if err := c.finish(exEOF, true, false); err != nil {
		return n, err
	}
	return n, io.EOF
}

// leave ends a read with the content still going on.
func (c *Conn) leave(id uint64) error {
	if !c.ex.move(id, exReading, exOpen) {
		return c.dropped()
	}
	// An abort that came meanwhile has left the exchange to us.
	if c.killed() && c.ex.move(id, exOpen, exBusy) {
		c.abandon()
	}
	return nil
}

// dropped ends an exchange that was closed while it was being read.
func (c *Conn) dropped() error {
	c.finish(exClosed, false, true)
	return wire.ErrBodyClosed
}

// CloseBody ends the exchange id, for wire.Body. Content that is left over is
// read and dropped if it is little and comes soon (Config.DrainBytes and
// DrainTime), so that the connection can be used again; otherwise, and if a
// read is in progress, the connection is closed.
func (c *Conn) CloseBody(id uint64) error {
	for {
		s, ok := c.ex.load(id)
		switch {
		case ok && s == exOpen:
			if c.ex.move(id, exOpen, exBusy) {
				c.finish(exClosed, c.drain(), false)
				return nil
			}
		case ok && s == exReading:
			if c.ex.move(id, exReading, exDropped) {
				// The buffer and the exchange stay the reader's, who is woken
				// by this and ends it.
				if c.slot.close()&slotClosed == 0 {
					c.closeSocket(true)
					c.notify()
				}
				return nil
			}
		default:
			return nil
		}
	}
}

// drain drops the rest of the content, and reports whether it came to its end
// within the limits.
func (c *Conn) drain() bool {
	raw := c.slot.word.Load()&slotRaw != 0
	if !raw && !c.keep || c.framing != Length && c.framing != Chunked || c.cfg.DrainBytes < 0 || c.cfg.DrainTime < 0 {
		return false
	}
	if c.framing == Length && c.remain > int64(c.cfg.DrainBytes) {
		return false
	}
	if c.active && !(c.settleUpload() && c.keep) {
		return false
	}
	c.res = nil // the caller may be using it for another request
	c.drainBy = c.now() + limitOf(c.cfg.DrainTime)
	defer func() { c.drainBy = 0 }()
	scratch := bufpool.Get(oneWrite)
	defer bufpool.Put(scratch)
	at := c.dec.offset
	for left := int64(c.cfg.DrainBytes); left >= 0; {
		n, err := c.readContent(scratch)
		// What small chunks are wrapped in may be many times their data.
		left -= max(int64(n), c.dec.offset-at)
		at = c.dec.offset
		if err != nil {
			return err == io.EOF
		}
	}
	return false
}

// readContent reads content into p, which is not empty. It returns io.EOF with
// the last byte where the end is known then.
func (c *Conn) readContent(p []byte) (int, error) {
	switch c.framing {
	case Length:
		return c.readLength(p)
	case Chunked:
		return c.readChunked(p)
	}
	n, err := c.readRaw(p)
	switch {
	case err != io.EOF:
	case c.causeError(wire.PhaseBody) != nil:
		err = io.ErrUnexpectedEOF // our own end, not the peer's
	default:
		if told := c.resetTold(); told != nil {
			err = told
		}
	}
	return n, err
}

func (c *Conn) readLength(p []byte) (int, error) {
	raw := c.slot.word.Load()&slotRaw != 0
	if int64(len(p)) > c.remain && (raw || c.r < c.w) {
		p = p[:c.remain]
	}
	n, err := c.readRaw(p)
	if int64(n) > c.remain {
		// Read past the end on purpose: bytes that follow the response make
		// the connection unfit for another (RFC 9112 §6.3).
		c.excess = true
		n = int(c.remain)
	}
	c.remain -= int64(n)
	if c.remain == 0 {
		return n, io.EOF
	}
	return n, cutShort(err)
}

// cutShort turns the end of the connection into the error that it is for
// content which has an end of its own.
func cutShort(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readRaw reads what is buffered, or from the socket: into p if that is no
// smaller than the buffer.
func (c *Conn) readRaw(p []byte) (int, error) {
	if c.r == c.w {
		if len(p) >= len(c.buf) {
			return c.receive(p)
		}
		c.room(0)
		n, err := c.receive(c.buf)
		if err != nil {
			return 0, err
		}
		c.w = n
	}
	n := copy(p, c.buf[c.r:c.w])
	c.r += n
	return n, nil
}

func (c *Conn) readChunked(p []byte) (n int, err error) {
	for {
		if len(c.data) > 0 {
			k := copy(p[n:], c.data)
			c.data = c.data[k:]
			n += k
			if len(c.data) > 0 {
				return n, nil
			}
		}
		// With p full the decoder goes on all the same: the end may be here.
		if !c.lastSeen && c.r < c.w {
			data, k, done, err := c.dec.Next(c.buf[c.r:c.w])
			if err != nil {
				return n, c.parseError(wire.PhaseBody, err)
			}
			c.r += k
			c.data, c.lastSeen = data, done
			if k > 0 || done {
				continue
			}
		}
		if c.lastSeen {
			if ended, err := c.trailers(); ended || err != nil {
				if err == nil {
					err = io.EOF
				}
				return n, err
			}
		}
		if n > 0 {
			return n, nil
		}
		if c.r == c.w && len(c.buf) < largeChunks && len(p) > len(c.buf) {
			bufpool.Put(c.buf)
			c.buf = bufpool.Get(largeChunks)
		}
		c.room(c.cfg.Limits.TrailerBytes)
		k, err := c.receive(c.buf[c.w:])
		c.w += k
		if err != nil {
			return 0, cutShort(err)
		}
	}
}

// trailers looks for the whole trailer section at the start of what is
// buffered.
func (c *Conn) trailers() (ended bool, err error) {
	src := c.buf[c.r:c.w]
	end, next := ScanTrailers(src, c.scanned)
	c.scanned = next
	limit := c.cfg.Limits.TrailerBytes
	if end > limit || end == 0 && len(src) >= limit {
		return false, c.parseError(wire.PhaseBody, broken(ruleTrailerBytes,
			fmt.Sprintf("trailer section is longer than %d bytes", limit), -1))
	}
	if end == 0 {
		return false, nil
	}
	var fields wire.Fields
	if c.res != nil {
		fields = c.res.Trailers[:0]
	}
	fields, n, err := c.parser.Trailers(src[:end], fields)
	if err == nil && n == 0 {
		err = broken(ruleLine, "the trailer section ends in the middle of a line", end)
	}
	if err != nil {
		return false, c.parseError(wire.PhaseBody, err)
	}
	c.r += n
	if c.res != nil {
		c.res.Trailers = fields
		c.res.Anomalies |= c.dec.Anomalies() | c.parser.Anomalies
	}
	return true, nil
}
