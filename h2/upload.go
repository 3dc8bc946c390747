package h2

import (
	"context"
	"io"
	"sync/atomic"
	"time"

	"gohttpx.dev/internal/bufpool"
	"gohttpx.dev/internal/source"
	"gohttpx.dev/wire"
)

// A request body that is not short and in memory is sent by a goroutine of its
// own, the uploader, while the caller waits for the response: so the two
// directions cannot wait for each other, and an early answer is seen.
//
// The uploader is started by RoundTrip. It ends when the body has been sent,
// when its stream has ended, or, if it is in the body's Read then, when that
// returns, which may be never: nobody waits for it. It closes the body, unless
// it is stopped while in the caller's code, or in a socket write (self.go): then a
// goroutine is started to close it, since Close may have to wait for Read.
type upload struct {
	c     *Conn
	s     *stream
	id    uint32
	body  io.ReadCloser // may be nil: trailers only
	trace *wire.Trace
	limit int64
	// Not the request itself, which the caller may change when the exchange has
	// ended, although the uploader may still be stuck in the body.
	trailers func() wire.Fields

	inUser  atomic.Bool // in the caller's code, or in a socket write
	stopped atomic.Bool // set under c.mu
	closed  atomic.Bool // whoever sets it closes the body

	length int64 // announced, -1: unknown
	total  int64
	buf    []byte // room for the header of a frame, and content
	local  bool   // the body is at fault
}

// The content that the buffer between a body and its frames holds: at first, and once
// as much as the larger holds has been sent. A peer that takes little is not worth more.
// Whether it goes out in one large frame or in four of the usual size, all of the larger
// one fills four records of TLS with the headers.
const (
	firstUpload = quantum
	bulkUpload  = 4 * (quantum - FrameHeaderLen)
)

// bulk is the larger one.
func (u *upload) bulk() int {
	if u.c.PeerSettings().MaxFrameSize >= quantumLone {
		return quantumLone
	}
	return bulkUpload
}

// room gets a buffer for n bytes of content.
func (u *upload) room(n int) {
	n += FrameHeaderLen
	u.buf = bufpool.Get(n)[:n]
}

func durationOf(ns int64) time.Duration { return time.Duration(max(ns, 0)) }

// upload starts the uploader. short, if not nil, is the whole body, which has
// been closed already. Called with the lock held.
func (x *exchange) upload(short []byte) {
	s := x.s
	if s.over || s.localEnd {
		return // the peer wants nothing of it; the caller closes the body
	}
	u := &upload{c: x.c, s: s, id: s.id, trace: x.req.Trace, limit: s.lim.write, trailers: x.req.Trailers, length: x.info.Length}
	if short != nil {
		u.body, u.length = nil, int64(len(short))
	} else {
		u.body = x.req.Body
	}
	x.ownBody = false
	s.up = u
	go u.run(short)
}

// stopLocked stops the uploader. What it waits for is woken by the caller.
func (u *upload) stopLocked() {
	// In this order, as enter has it the other way round.
	if !u.stopped.Swap(true) && u.inUser.Load() && u.body != nil {
		go u.closeBody()
	}
}

func (u *upload) closeBody() {
	if u.body != nil && u.closed.CompareAndSwap(false, true) {
		u.body.Close()
	}
}

// enter goes into the caller's code; not if the upload was stopped.
func (u *upload) enter() bool {
	u.inUser.Store(true)
	if u.stopped.Load() {
		u.inUser.Store(false)
		return false
	}
	return true
}

func (u *upload) leave() { u.inUser.Store(false) }

// run is the uploader.
func (u *upload) run(short []byte) {
	var err error
	if short != nil {
		err = u.write(short, true)
	} else {
		err = u.send()
	}
	u.closeBody()
	bufpool.Put(u.buf)
	if u.trace != nil && u.trace.WroteRequest != nil {
		u.trace.WroteRequest(err)
	}
	if err == nil || !u.local {
		return
	}
	c, s := u.c, u.s
	c.mu.Lock()
	if !u.stopped.Load() && s.id == u.id && !s.over {
		e := err.(*wire.Error)
		e.Sent = s.sentNow()
		s.abandonLocked(e, true)
	}
	c.unlock()
}

// fault is an error of the body itself.
func (u *upload) fault(k wire.Kind, err error) error {
	u.local = true
	if e, ok := err.(*wire.Error); ok && k == wire.KindProtocol {
		return e
	}
	return &wire.Error{Phase: wire.PhaseWrite, Kind: k, Sent: true, Err: err}
}

func (u *upload) write(p []byte, end bool) error {
	return u.s.write(context.Background(), u.id, p, end, u.limit)
}

// send sends the body. What one Read returns goes out at once: the peer may be
// waiting for it.
func (u *upload) send() error {
	if u.body == nil {
		return u.finish(nil)
	}
	u.room(firstUpload)
	for empty := 0; ; {
		if u.total >= bulkUpload && len(u.buf) == firstUpload+FrameHeaderLen {
			bufpool.Put(u.buf)
			u.room(u.bulk())
		}
		if !u.enter() {
			return errStopped
		}
		n, err := u.body.Read(u.buf[FrameHeaderLen:])
		u.leave()
		u.total += int64(n)
		p := u.buf[FrameHeaderLen:][:n]
		switch {
		case err != nil && err != io.EOF:
			return u.fault(wire.KindRequestBody, err)
		case u.length >= 0 && (u.total > u.length || err == io.EOF && u.total < u.length):
			return u.fault(wire.KindProtocol, lengthError(u.total, u.length))
		case err == io.EOF:
			return u.finish(p)
		case n == 0:
			if empty++; empty == source.MaxEmpty {
				return u.fault(wire.KindRequestBody, io.ErrNoProgress)
			}
			continue
		}
		empty = 0
		if u.total == u.length && u.trailers == nil {
			// All that was announced: the stream ends with it, and the peer
			// need not wait until the source says so.
			if err := u.write(p, true); err != nil {
				return err
			}
			return u.checkEnd()
		}
		if err := u.write(p, false); err != nil {
			return err
		}
	}
}

// checkEnd makes sure that a body whose announced bytes have been sent has no
// more of them.
func (u *upload) checkEnd() error {
	if !u.enter() {
		return nil
	}
	var b [1]byte
	n, err := source.ReadAtMost(u.body, b[:])
	u.leave()
	if err != nil {
		return u.fault(wire.KindRequestBody, err)
	}
	if err := lengthError(u.total+int64(n), u.length); err != nil {
		return u.fault(wire.KindProtocol, err)
	}
	return nil
}

// finish sends the last of the content and the trailers.
func (u *upload) finish(p []byte) error {
	if u.trailers == nil {
		return u.write(p, true)
	}
	if err := u.write(p, false); err != nil {
		return err
	}
	if !u.enter() {
		return errStopped
	}
	trailers := u.trailers()
	u.leave()
	fields, err := AppendTrailerFields(nil, trailers)
	if err != nil {
		return u.fault(wire.KindProtocol, err)
	}
	if len(fields) == 0 {
		return u.write(nil, true)
	}
	if err := CheckListSize(FieldListSize(fields), u.c.PeerSettings().MaxHeaderListSize); err != nil {
		return u.fault(wire.KindProtocol, err)
	}
	return u.s.writeTrailers(u.id, fields)
}

// writeTrailers ends the stream id with a trailer section.
func (s *stream) writeTrailers(id uint32, fields wire.Fields) error {
	c := s.c
	c.mu.Lock()
	defer c.unlock()
	return s.trailerLocked(id, fields)
}

func (s *stream) trailerLocked(id uint32, fields wire.Fields) error {
	c := s.c
	if err := s.sendable(id); err != nil {
		return err
	}
	if s.sending {
		return s.overlapLocked()
	}
	c.block = c.enc.Append(c.block[:0], fields)
	c.wbuf = AppendHeaders(c.wbuf, s.id, c.block, HeadersOptions{EndStream: true, MaxFrame: c.peer.MaxFrameSize})
	s.endOff = c.offset()
	c.guard.earn(perSent)
	s.endSentLocked()
	c.flushLocked()
	return nil
}
