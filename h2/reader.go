package h2

import (
	"fmt"
	"io"
	"strconv"

	"gohttpx.dev/internal/bufpool"
	"gohttpx.dev/wire"
)

// reader is the state of the reading goroutine. Nobody else touches it.
type reader struct {
	buf     []byte // buf[r:w] is received and not used
	r, w    int
	first   bool // the peer's SETTINGS have not come
	dec     *FieldDecoder
	scratch wire.Response // what a block is decoded into
	content int           // bytes that streams have taken
	wakes   []*stream     // whose callers are to be woken
	holds   bool          // the connection's lock: see readerLock
	run     int           // uses of it since it was taken
	taken   chan struct{} // capacity 1; a token when the write buffer was, or never will be

	// Of the frame that has begun to come.
	life int // its bytes that were counted as signs of life
	fed  int // its bytes that have fed its stream's read clock

	// The field block that is being received.
	inBlock bool
	blockID uint32
	kind    BlockKind
	end     bool
	push    uint32 // the promised stream, if it is a PUSH_PROMISE
}

// The sizes of the read buffer in bytes, if no frame is larger. It begins with room
// for one frame of the usual size, and grows once that much content has come and
// fills it: a system call should then bring many frames. A connection on which there
// is nothing but heads and frames about the connection stays small.
const (
	firstRead = 16<<10 + FrameHeaderLen
	bulkRead  = 64 << 10
)

func (r *reader) init(c *Conn) {
	r.first = true
	r.dec = NewFieldDecoder(c.cfg.Fields)
	r.taken = make(chan struct{}, 1)
}

const (
	ruleFirst0     = "RFC 9113 §3.4: the first frame is SETTINGS"
	ruleBlock      = "RFC 9113 §4.3: nothing comes between the frames of a field block"
	ruleNoBlock    = "RFC 9113 §6.10: a CONTINUATION frame follows one without END_HEADERS"
	ruleIdle       = "RFC 9113 §5.1: no frame but HEADERS and PRIORITY on an idle stream"
	ruleIdleHead   = "RFC 9113 §5.1.1: a server answers on streams that the client has opened"
	ruleClosed     = "RFC 9113 §5.1: nothing follows END_STREAM or RST_STREAM"
	rulePushOff    = "RFC 9113 §8.4: no PUSH_PROMISE after ENABLE_PUSH=0"
	rulePushID     = "RFC 9113 §5.1.1: stream identifiers increase"
	ruleUpdateFrom = "RFC 9218 §7.1: a server sends no PRIORITY_UPDATE"
	rulePushState  = "RFC 9113 §6.6: PUSH_PROMISE is sent on an open stream"
)

// readLoop reads frames. Started by NewConn; ends when the socket fails, which
// is how the end of the connection is seen.
func (c *Conn) readLoop() {
	r := &c.in
	r.buf = bufpool.Get(max(firstRead, int(c.ours.frame)+FrameHeaderLen))
	over := false
	for empty := 0; ; {
		n, err := c.nc.Read(r.buf[r.w:])
		if n > 0 {
			empty = 0
			r.w += n
			c.heard.Store(c.now())
			full := r.w == len(r.buf)
			if over || !c.frames() {
				// Read on: a socket that is closed with bytes unread is reset,
				// and GOAWAY may be lost with it.
				over, r.r, r.w = true, 0, 0
			} else if full && r.content >= bulkRead && len(r.buf) < bulkRead {
				r.grow()
			}
		} else if err == nil {
			if empty++; empty == 100 {
				err = io.ErrNoProgress
			}
		}
		if err != nil {
			c.mu.Lock()
			if err == io.EOF {
				c.awaitWriteLocked()
			}
			c.lostLocked(c.cutShort(err))
			c.unlock()
			break
		}
	}
	bufpool.Put(r.buf)
	r.buf = nil
}

// grow makes the buffer as large as it gets. What it holds is at its beginning.
func (r *reader) grow() {
	old := r.buf
	r.buf = bufpool.Get(bulkRead)
	copy(r.buf, old[:r.w])
	bufpool.Put(old)
}

// cutShort makes the end of the input an unexpected one if it comes within a
// frame, and says so if the peer is no HTTP/2 server.
func (c *Conn) cutShort(err error) error {
	if err != io.EOF || c.in.r == c.in.w {
		return err
	}
	return &detail{"h2: connection ended within a frame, after " + strconv.Itoa(c.in.w-c.in.r) + " bytes of it", io.ErrUnexpectedEOF}
}

// wakeLater notes that who waits for s is to be woken when all that was read at
// once has been dealt with. Most answers come whole: their callers then need to be
// woken but once, and find the lock free.
func (r *reader) wakeLater(s *stream) {
	if !s.toWake {
		s.toWake = true
		r.wakes = append(r.wakes, s)
	}
}

// wakeAll wakes them. Some of the objects may serve other streams by now, whose
// callers see that there is nothing for them.
func (r *reader) wakeAll() {
	for i, s := range r.wakes {
		s.toWake = false
		wakeUp(s.wake)
		r.wakes[i] = nil
	}
	r.wakes = r.wakes[:0]
}

// The reader takes the lock once for all that it does between two decodings of field
// blocks, which need it not: for the head and the content of one response and the look
// for the stream of the next. Each of its functions that needs the lock calls
// readerLock, and none gives it up but those that decode, wait, or call what is not
// ours. So what one function has found may be gone for the next, which looks again:
// a caller may have reset the stream in between.

// longRun bounds the uses for which it is held, so that a buffer full of small frames
// does not keep callers waiting.
const longRun = 32

// readerLock takes the lock unless the reader has it.
func (c *Conn) readerLock() {
	r := &c.in
	if r.run >= longRun {
		c.readerUnlock()
	}
	if !r.holds {
		c.mu.Lock()
		r.holds = true
	}
	r.run++
}

// readerUnlock gives it up, and calls the hook if it is due.
func (c *Conn) readerUnlock() {
	r := &c.in
	r.run = 0
	if !r.holds {
		return
	}
	r.holds = false
	if c.tell {
		r.wakeAll() // the hook may take its time
	}
	c.unlock()
}

// frames handles what is buffered, and makes room. It reports false if the
// connection is over.
func (c *Conn) frames() bool {
	ok := c.framesHeld()
	c.readerUnlock()
	// Not before: whom it wakes wants the lock.
	c.in.wakeAll()
	return ok
}

// framesHeld is frames, after which the reader may hold the lock.
func (c *Conn) framesHeld() bool {
	r := &c.in
	for {
		f, n, err := ParseFrame(r.buf[r.r:r.w], c.ours.frame)
		if r.first && (err != nil || n > 0 && (f.Type != FrameSettings || f.Ack())) {
			err = c.notSettings(f, err)
		}
		if err == nil && n == 0 {
			break
		}
		if err == nil {
			r.r += n
			r.first = false
			r.life, r.fed = 0, 0
			c.alive.Store(c.heard.Load())
			if c.cfg.OnFrame != nil {
				c.readerUnlock()
				r.wakeAll() // it may take its time
				c.cfg.OnFrame(false, f)
			}
			err = c.frame(f)
		}
		if err != nil && !c.fault(err) {
			return false
		}
	}
	if c.slots.word.Load()&slotClosed != 0 {
		return false
	}
	c.begunFrame()
	if r.r > 0 {
		r.w = copy(r.buf, r.buf[r.r:r.w])
		r.r = 0
	}
	return true
}

// begunFrame looks at what has come of a frame that is not whole yet.
func (c *Conn) begunFrame() {
	r := &c.in
	n := r.w - r.r
	if n-r.life >= lifePiece {
		r.life = n
		c.alive.Store(c.heard.Load())
	}
	h, ok := ParseFrameHeader(r.buf[r.r:r.w])
	if !ok {
		return
	}
	content := n - FrameHeaderLen
	switch h.Type {
	case FrameData:
		if h.Flags.Has(FlagPadded) && content > 0 {
			// Neither the padding nor its length is content.
			pad := int(r.buf[r.r+FrameHeaderLen])
			content = min(content, int(h.Length)-pad) - 1
		}
	case FrameHeaders, FrameContinuation:
	default:
		return
	}
	if content > r.fed {
		r.fed = content
		c.feed(h.StreamID)
	}
}

// feed says that content of a stream is coming. It feeds the read clock, which
// is about the time without a byte, and does so only for as many bytes as the
// frame has: an empty frame does not.
func (c *Conn) feed(id uint32) {
	c.readerLock()
	if s := c.streams.get(id); s != nil && !s.remoteEnd {
		s.heard = c.heard.Load()
		s.headBegun = true
	}
}

// notSettings says what it means that a connection does not start with SETTINGS.
func (c *Conn) notSettings(f Frame, err error) error {
	if p := c.in.buf[:c.in.w]; len(p) >= 5 && string(p[:5]) == "HTTP/" {
		return ConnError{Code: ProtocolError, Rule: ruleFirst0, What: "the peer speaks HTTP/1"}
	}
	if err != nil {
		return err
	}
	return ConnError{Code: ProtocolError, Rule: ruleFirst0, What: f.FrameHeader.String()}
}

// fault acts on an error of frame. It reports false if the connection is over.
func (c *Conn) fault(err error) bool {
	c.readerLock()
	switch e := err.(type) {
	case StreamError:
		s := c.streams.get(e.ID)
		if s == nil {
			// Nothing is said about a stream that is gone: an answer to each
			// frame is what the peer may be after.
			if g := c.guard.spend(c.now(), FrameRSTStream); g != nil {
				c.brokeLocked(g.(ConnError))
				return false
			}
			return c.end == nil
		}
		s.resetLocked(e.Code, s.errorLocked(wire.KindProtocol, true, e), false)
		return c.end == nil
	case ConnError:
		c.brokeLocked(e)
	default:
		c.endLocked(ending{kind: wire.KindProtocol, code: InternalError, err: err})
	}
	return false
}

// frame handles one frame. The error is a StreamError or a ConnError.
func (c *Conn) frame(f Frame) error {
	r := &c.in
	if r.inBlock && (f.Type != FrameContinuation || f.StreamID != r.blockID) {
		return ConnError{Code: ProtocolError, Rule: ruleBlock, What: f.FrameHeader.String()}
	}
	if err := f.Check(); err != nil {
		// An error of a stream that was never opened is one of the connection.
		if e, ok := err.(StreamError); ok && f.Type != FramePriority {
			if idle := c.idle(f); idle != nil {
				return idle
			}
			return e
		}
		return err
	}
	switch f.Type {
	case FrameData:
		return c.data(f)
	case FrameHeaders:
		return c.headers(f)
	case FrameContinuation:
		if !r.inBlock {
			return ConnError{Code: ProtocolError, Rule: ruleNoBlock, What: f.FrameHeader.String()}
		}
		return c.fragment(f)
	case FramePushPromise:
		return c.pushPromise(f)
	case FrameRSTStream:
		return c.rstStream(f)
	case FrameSettings:
		return c.settings(f)
	case FramePing:
		return c.ping(f)
	case FrameGoAway:
		return c.goAway(f)
	case FrameWindowUpdate:
		return c.windowUpdate(f)
	case FramePriorityUpdate:
		return ConnError{Code: ProtocolError, Rule: ruleUpdateFrom, What: f.FrameHeader.String()}
	}
	// PRIORITY, which means nothing to a client, and what we do not know (RFC
	// 9113 §5.5: "Implementations MUST ignore unknown or unsupported values").
	c.readerLock()
	return c.guard.spend(c.now(), f.Type)
}

// idle returns an error if the frame is on a stream that nobody has opened.
func (c *Conn) idle(f Frame) error {
	c.readerLock()
	return c.idleLocked(f)
}

func (c *Conn) idleLocked(f Frame) error {
	if id := f.StreamID; id&1 == 1 && id < c.nextID || id&1 == 0 && id <= c.promised {
		return nil
	}
	rule := ruleIdle
	if f.Type == FrameHeaders {
		rule = ruleIdleHead
	}
	return ConnError{Code: ProtocolError, Rule: rule, What: f.FrameHeader.String()}
}

// closed is the error of a frame that came after the end of its stream.
func closed(f Frame) error {
	return ConnError{Code: StreamClosed, Rule: ruleClosed, What: f.FrameHeader.String()}
}

// headers begins a field block.
func (c *Conn) headers(f Frame) error {
	r := &c.in
	c.readerLock()
	kind := DiscardBlock
	s := c.streams.get(f.StreamID)
	var err error
	switch {
	case s == nil:
		if err = c.idleLocked(f); err == nil && !c.guard.lateHead() && f.StreamID&1 == 1 {
			err = closed(f)
		}
		if err == nil {
			err = c.guard.spend(c.now(), f.Type)
		}
	case s.remoteEnd:
		err = closed(f)
	case s.headDone:
		kind = TrailerBlock
	default:
		kind = ResponseBlock
	}
	if err != nil {
		return err
	}
	r.kind, r.blockID, r.end, r.push = kind, f.StreamID, f.Flags.Has(FlagEndStream), 0
	r.dec.Begin(kind, f.StreamID, r.end, &r.scratch)
	return c.fragment(f)
}

// fragment takes a piece of a field block, and acts on the block when it is
// whole.
func (c *Conn) fragment(f Frame) error {
	r := &c.in
	r.inBlock = true
	fragment := f.Fragment()
	if f.Type == FramePushPromise {
		_, fragment = f.PushPromise()
	}
	c.readerUnlock()
	if err := r.dec.write(fragment, f.EndHeaders()); err != nil {
		return err
	}
	if !f.EndHeaders() {
		if len(fragment) > 0 && r.kind != DiscardBlock {
			c.feed(r.blockID)
		}
		return nil
	}
	r.inBlock = false
	defer r.forget()
	err := r.dec.End()
	if ce, ok := err.(ConnError); ok {
		return ce
	}
	if r.push != 0 {
		c.readerLock()
		// Decoded for the table's sake only. RFC 9113 §8.4.2 has a client
		// refuse a push with RST_STREAM.
		c.wbuf = AppendRSTStream(c.wbuf, r.push, RefusedStream)
		c.flushLocked()
		c.answerLocked()
		return nil
	}
	if r.kind == DiscardBlock {
		return err
	}
	c.readerLock()
	s := c.streams.get(r.blockID)
	switch {
	case s == nil:
		return nil // reset while its block was coming
	case err != nil:
		return err
	case r.kind == TrailerBlock:
		return s.trailersLocked(&r.scratch)
	}
	return s.headLocked(&r.scratch, r.end)
}

// maxScratch is how many fields the reader has room for between blocks.
const maxScratch = 64

// forget lets go of a block that was dealt with: an idle connection is not to hold
// the fields of its last response.
func (r *reader) forget() {
	for _, fs := range []*wire.Fields{&r.scratch.Fields, &r.scratch.Trailers} {
		if cap(*fs) > maxScratch {
			*fs = nil
		}
		clear(*fs)
	}
}

// pushPromise refuses a push, or ends the connection if we have said that we
// take none.
func (c *Conn) pushPromise(f Frame) error {
	r := &c.in
	promised, _ := f.PushPromise()
	c.readerLock()
	var err error
	switch s := c.streams.get(f.StreamID); {
	case !c.ours.push && (c.acked || f.StreamID&1 == 0):
		err = ConnError{Code: ProtocolError, Rule: rulePushOff, What: f.FrameHeader.String()}
	case c.idleLocked(f) != nil || s != nil && s.remoteEnd:
		err = ConnError{Code: ProtocolError, Rule: rulePushState, What: f.FrameHeader.String()}
	case promised <= c.promised:
		err = ConnError{Code: ProtocolError, Rule: rulePushID, What: "PUSH_PROMISE of stream " + strconv.FormatUint(uint64(promised), 10)}
	default:
		c.promised = promised
		c.guard.reset(int64(c.streamWindow))
		err = c.guard.spend(c.now(), f.Type)
	}
	if err != nil {
		return err
	}
	r.kind, r.blockID, r.end, r.push = DiscardBlock, f.StreamID, false, promised
	r.dec.Begin(DiscardBlock, f.StreamID, false, nil)
	return c.fragment(f)
}

// rstStream ends a stream for the peer.
func (c *Conn) rstStream(f Frame) error {
	c.readerLock()
	if err := c.idleLocked(f); err != nil {
		return err
	}
	if err := c.guard.spend(c.now(), f.Type); err != nil {
		return err
	}
	s := c.streams.get(f.StreamID)
	if s == nil {
		return nil
	}
	if s.remoteEnd {
		// RFC 9113 §8.1: a server that has answered may ask, by NO_ERROR, that
		// the rest of the request is not sent. "Clients MUST NOT discard
		// responses as a consequence of receiving such a RST_STREAM".
		s.stopSendingLocked()
		s.doneLocked(s.id)
		return nil
	}
	e := s.errorLocked(wire.KindProtocol, true, f.Reset())
	if f.Code() == RefusedStream && !s.headDone && s.headAt == 0 {
		// RFC 9113 §8.7: it "is included in a RST_STREAM frame to indicate that
		// the stream is being closed prior to any processing having occurred".
		e.Kind = wire.KindUnprocessed
	}
	s.finishLocked(e, false)
	return nil
}

func lengthText(got, want int64) string {
	return fmt.Sprintf("%d bytes of content, announced were %d", got, want)
}
