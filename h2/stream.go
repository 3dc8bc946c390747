package h2

import (
	"context"
	"errors"
	"io"

	"gohttpx.dev/wire"
)

// stream is one exchange. Objects are used again by later streams of the same
// connection: never across connections, since their channels must not leave a
// testing/synctest bubble. A handle names the stream's identifier, which is
// unique on a connection; so a late handle, and a late wake-up, find another
// number.
//
//	             begin                        both sides have ended,
//	free ──────────────────► running ──────────────────────────────────► over
//	  ▲                                 reset, error, end of connection    │
//	  └────────────────────────────────────────────────────────────────────┘
//	    nobody is in it, and its handle has been told how it ended
//
// Which half is open on the wire is said by localEnd (we have sent END_STREAM or
// RST_STREAM) and remoteEnd (the peer has): RFC 9113 §5.1. A stream whose halves
// have both ended runs on until its content was read.
type stream struct {
	// immutable
	c        *Conn
	wake     chan struct{} // capacity 1; a token for who waits for the response
	sendWake chan struct{} // the same for who waits to send

	toWake bool // in c.in.wakes; reader goroutine only

	// guarded by c.mu; of the object, whatever its exchange
	due   int64 // when the timer looks at it, 0: not in c.due
	place int   // its index there

	streamState
}

// streamState is what a stream knows of its exchange. It is guarded by c.mu.
type streamState struct {
	id   uint32 // 0: free
	refs int    // goroutines that are in one of our functions with it
	over bool   // nothing will happen any more; err says how it ended
	told bool   // the handle has been told, or there is none
	free bool   // given back
	err  error

	localEnd, remoteEnd bool
	startOff            int64 // where its HEADERS begin in all that we write
	endOff              int64 // where the last of its frames so far ends
	progress            int64 // when our last bytes were put into the write buffer
	sentAt              int64 // when the request was fully sent, 0: not yet
	began               int64 // when it began
	heard               int64 // when the peer last sent something of it
	headAt              int64 // when the first head came
	lim                 limits
	readBy, sendBy      int64 // until when the two waits may last; see clock.go
	slot                bool  // holds a slot

	// the response
	res          *wire.Response // of RoundTrip; nil for Open
	trace        *wire.Trace
	interims     []interim // to be told
	interim      int       // how many came
	interimSize  uint64    // and their fields, as FieldListSize counts
	got100       bool
	headBegun    bool // a part of a head has come
	headDone     bool // the final head has come
	bodiless     bool // HEAD: no content, whatever Content-Length says
	connect      bool // a 2xx answer makes a tunnel
	tunnel       bool // and has
	keepEvents   bool // of Open: heads are kept as events
	events       []Event
	endTold      bool // the event with End was received
	detached     bool // a tunnel that is the caller's
	reading      bool
	chunks       chunks
	recv         RecvWindow
	grown        int64 // of recv, drawn from the budget
	updated      int64 // when the window was last updated
	want         int64 // content still to come, -1 unknown
	got          int64 // content received
	trailers     wire.Fields
	anomalies    wire.Anomalies
	stop         func() bool // ends the watch over the context
	readDeadline int64       // of a tunnel
	sendDeadline int64

	// the request's content
	send    SendWindow
	pend    []byte // to be sent; the sender's, who waits
	pendEnd bool   // END_STREAM follows
	queued  bool   // in c.sendq
	cut     bool   // pend was taken back
	left    int    // and had so many bytes left
	sending bool
	granted uint32 // by how much the peer has last opened send
	writes  bool   // its uploader is in a socket write
	held    int64  // since when a small piece waits for more window, 0: none does, -1: it has waited
	up      *upload
}

// interim is one 1xx response.
type interim struct {
	status int
	fields wire.Fields
}

// pending reports whether somebody waits to send content.
func (s *stream) pending() bool { return len(s.pend) > 0 || s.pendEnd }

// getLocked returns a stream object that is nobody's.
func (c *Conn) getLocked() *stream {
	if n := len(c.free); n > 0 {
		s := c.free[n-1]
		c.free[n-1] = nil
		c.free = c.free[:n-1]
		s.resetForUse()
		return s
	}
	return &stream{c: c, wake: make(chan struct{}, 1), sendWake: make(chan struct{}, 1)}
}

// maxFree bounds the objects that are kept.
const maxFree = 256

// unrefLocked says that a goroutine has left the stream.
func (s *stream) unrefLocked() {
	s.refs--
	s.recycleLocked()
}

// recycleLocked gives the object back if nobody can need it. What it ended with
// stays to be read until it is used again.
func (s *stream) recycleLocked() {
	if s.refs > 0 || !s.over || !s.told || s.free {
		return
	}
	s.free = true
	s.res, s.trace, s.up = nil, nil, nil
	clear(s.interims)
	s.interims = s.interims[:0]
	s.events, s.trailers = nil, nil
	s.dropLocked()
	if len(s.c.free) < maxFree {
		s.c.free = append(s.c.free, s)
		return
	}
	s.c.due.remove(s)
}

// resetForUse makes an object ready for a new stream.
func (s *stream) resetForUse() {
	select {
	case <-s.wake:
	default:
	}
	select {
	case <-s.sendWake:
	default:
	}
	s.streamState = streamState{interims: s.interims[:0], chunks: s.chunks}
}

// startLocked gives a stream its number and puts it into the table.
func (c *Conn) startLocked(s *stream, now int64) {
	s.id = c.nextID
	c.nextID += 2
	c.begun++
	s.began, s.heard, s.progress = now, 0, now
	s.startOff = c.offset()
	s.send, s.granted = NewSendWindow(c.peer.InitialWindowSize), c.peer.InitialWindowSize
	s.recv = NewRecvWindow(c.streamWindow)
	s.updated = now
	s.want = -1
	c.streams.put(s)
	c.pinger.ask(c, now)
	if c.nextID > MaxStreamID || c.cfg.MaxRequests > 0 && c.begun >= c.cfg.MaxRequests {
		// RFC 9113 §5.1.1: "A client that is unable to establish a new stream
		// identifier can establish a new connection for new streams."
		c.slots.set(slotDraining)
		c.tell = true
	}
}

// sentNow reports whether a byte of the request has left us, or will: what is in
// the write buffer is not taken back, but for a socket that has failed.
func (s *stream) sentNow() bool {
	c := s.c
	if s.id == 0 {
		return false
	}
	return c.writeErr == nil && (c.end == nil || !c.end.lost) || c.taken > s.startOff
}

// sentLocked reports whether all of the request was written to the socket.
func (s *stream) sentLocked() bool { return s.sentAt != 0 }

// phase is what is being done, for errors.
func (s *stream) phase() wire.Phase {
	if s.headDone {
		return wire.PhaseBody
	}
	return wire.PhaseHead
}

func (s *stream) errorLocked(k wire.Kind, remote bool, err error) *wire.Error {
	return &wire.Error{Phase: s.phase(), Kind: k, Remote: remote, Sent: s.sentNow(), Err: err}
}

// finishLocked ends a stream: the one place that gives everything back. err is
// what its handle will be told, after what was received before unless drop is
// set.
func (s *stream) finishLocked(err error, drop bool) {
	if s.over {
		return
	}
	c := s.c
	s.over, s.err = true, err
	s.localEnd, s.remoteEnd = true, true
	c.streams.remove(s)
	s.cutLocked()
	if drop {
		s.dropLocked()
	}
	if s.grown > 0 {
		c.cfg.Budget.add(int(-s.grown))
		s.grown = 0
	}
	if s.up != nil {
		s.up.stopLocked()
	}
	if s.stop != nil {
		s.stop()
		s.stop = nil
	}
	s.readBy, s.sendBy = 0, 0
	if s.slot {
		s.slot = false
		c.freeLocked()
	}
	if s.refs > 0 { // or nobody waits
		wakeUp(s.wake)
		wakeUp(s.sendWake)
	}
	s.recycleLocked()
}

// freeLocked gives a slot back.
func (c *Conn) freeLocked() {
	tell, last := c.slots.free()
	c.tell = c.tell || tell
	if last {
		c.endLocked(ending{kind: wire.KindClosed, code: NoError, err: errDrained})
	}
}

// resetLocked ends a stream by RST_STREAM, unless both sides have ended it.
func (s *stream) resetLocked(code ErrCode, err error, drop bool) {
	c := s.c
	if s.over {
		return
	}
	if s.id != 0 && (!s.localEnd || !s.remoteEnd) && c.end == nil {
		if !s.remoteEnd {
			c.guard.reset(s.recv.Left())
		}
		c.wbuf = AppendRSTStream(c.wbuf, s.id, code)
		c.flushLocked()
	}
	s.finishLocked(err, drop)
}

// canceled is what a context that has ended does to a stream.
func (s *stream) cancelLocked(ctx context.Context) {
	s.resetLocked(Cancel, wire.Canceled(ctx, s.phase(), s.sentNow()), true)
}

// watchLocked has the stream reset when ctx ends, although nobody waits.
func (s *stream) watchLocked(ctx context.Context) {
	if ctx.Done() == nil || s.over || s.remoteEnd && s.localEnd {
		return
	}
	id := s.id
	s.stop = context.AfterFunc(ctx, func() {
		c := s.c
		c.mu.Lock()
		if s.id == id && !s.over {
			s.cancelLocked(ctx)
		}
		c.unlock()
	})
}

// wait waits for a token, or for the context. The caller holds the lock, which
// is given up meanwhile.
func (s *stream) wait(ch chan struct{}, done <-chan struct{}) {
	c := s.c
	c.unlock()
	if done == nil {
		<-ch
	} else {
		select {
		case <-ch:
		case <-done:
		}
	}
	c.mu.Lock()
}

var (
	errDrained = errors.New("h2: connection was drained")
	errOwner   = errors.New("h2: connection closed by its owner")
)

// ReadBody reads content of the stream id, for wire.Body.
func (s *stream) ReadBody(id uint64, p []byte) (n int, err error) {
	c := s.c
	c.mu.Lock()
	if s.detached {
		c.mu.Unlock()
		return 0, wire.ErrBodyClosed
	}
	n, err = s.readLocked(uint32(id), p)
	c.unlock()
	return n, err
}

// readPiece bounds what is copied under the lock in one go.
const readPiece = 64 << 10

func (s *stream) readLocked(id uint32, p []byte) (int, error) {
	c := s.c
	if s.id != id {
		return 0, wire.ErrBodyClosed
	}
	if s.reading {
		return 0, s.errorLocked(wire.KindProtocol, false, errors.New("h2: two reads of one response body at the same time"))
	}
	from := int64(0)
	for {
		switch {
		case s.detached && s.id != id:
			return 0, wire.ErrBodyClosed
		case s.detached && s.readDeadline != 0 && c.now() >= s.readDeadline:
			return 0, errDeadline
		case s.chunks.size > 0:
			if len(p) == 0 {
				return 0, nil
			}
			n := s.chunks.read(p[:min(len(p), readPiece)])
			s.consumeLocked(n)
			if s.over {
				return n, nil
			}
			if s.chunks.size == 0 && s.remoteEnd && !s.detached {
				return n, s.eofLocked()
			}
			return n, nil
		case s.over:
			err := s.err
			s.told = true
			s.recycleLocked()
			return 0, err
		case s.remoteEnd && s.detached:
			return 0, io.EOF
		case s.remoteEnd:
			return 0, s.eofLocked()
		case len(p) == 0:
			return 0, nil
		}
		now := c.now()
		if from == 0 {
			from = now
		}
		by, err := s.readByLocked(now, from)
		if err != nil {
			s.resetLocked(Cancel, err, true)
			continue
		}
		s.readBy = by
		c.dueLocked(s, by)
		s.reading = true
		s.refs++
		s.wait(s.wake, nil)
		s.reading, s.readBy = false, 0
		s.refs-- // not unrefLocked: what it ended with is still to be read
	}
}

// eofLocked ends a stream whose content was read to its end.
func (s *stream) eofLocked() error {
	if s.res != nil {
		s.res.Trailers = append(s.res.Trailers[:0], s.trailers...)
		s.res.Anomalies |= s.anomalies
	}
	s.told = true
	if s.localEnd {
		s.finishLocked(io.EOF, true)
	} else {
		// The response is complete, and the request is not: what is left of
		// it is not wanted (RFC 9113 §8.1).
		s.resetLocked(Cancel, io.EOF, true)
	}
	return io.EOF
}

// CloseBody ends the stream id, for wire.Body: with RST_STREAM (CANCEL) if it
// has not ended.
func (s *stream) CloseBody(id uint64) error {
	c := s.c
	c.mu.Lock()
	if s.id == uint32(id) && !s.detached {
		s.told = true
		if s.over {
			// An error that nobody has read is as good as told.
			s.err = wire.ErrBodyClosed
			s.dropLocked()
			s.recycleLocked()
		} else {
			s.resetLocked(Cancel, wire.ErrBodyClosed, true)
		}
	}
	c.unlock()
	return nil
}
