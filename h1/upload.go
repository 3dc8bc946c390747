package h1

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"

	"gohttpx.dev/internal/bufpool"
	"gohttpx.dev/internal/source"
	"gohttpx.dev/wire"
)

// A request body that is not short, not of known length or not in memory is
// sent by a goroutine of its own, the uploader, while the calling one reads: so
// the two directions cannot wait for each other, and an early answer is seen.
//
// The uploader is started by the owner of the exchange and ends when the body
// has been sent, when a write fails, or when it is stopped and comes out of the
// body's Read, which may be never. It owns the writing half of the connection
// and its buffer until then. The owner settles it (waits for it, for a moment)
// before the connection can be used again, or stops it and closes the socket.

// Where an uploader is.
const (
	upSocket uint32 = iota // writing, or between two steps
	upUser                 // in the caller's code: Read, Close, a hook
	upTail                 // all bytes are with the socket, or in its last write
	upDone                 // gone
)

// upload is the uploader of a connection and is used again for each upload. It
// is made per connection and not pooled: its channel must not travel.
type upload struct {
	c    *Conn
	done chan struct{} // gets one token when an upload has ended

	where    atomic.Uint32              // written by the uploader only
	stopped  atomic.Bool                // set by the owner: do not begin anything new
	final    atomic.Bool                // set by the owner: the final head has come
	closed   atomic.Bool                // whoever sets it closes the body
	progress atomic.Int64               // when the socket last took bytes
	sentAt   atomic.Int64               // when the request was fully sent or given up; 0 before
	told     atomic.Pointer[wire.Error] // a write's, that the connection is broken

	// immutable while an upload runs
	body io.ReadCloser // may be nil

	// uploader only while it runs, then the owner
	trailers func() wire.Fields
	trace    *wire.Trace
	head     []byte // the request head, if it has not been written yet
	headDue  bool   // nothing was written yet: the hook is to be told
	buf      []byte // holds head, then content
	chunked  bool
	length   int64 // if !chunked
	total    int64 // content handed to the socket so far
	err      *wire.Error
	local    bool // err is the body's fault
	vec      vector
}

// errStopped ends an upload that nobody wants any more.
var errStopped = &wire.Error{
	Phase: wire.PhaseWrite, Kind: wire.KindClosed, Sent: true,
	Err: errors.New("h1: upload stopped: the response was complete or gave the body up"),
}

// uploadBuffer is the size of the buffer between a body and the socket.
const uploadBuffer = 32 << 10

// chunkSpace is left before content for the line that begins its chunk: eight
// digits and CRLF.
const chunkSpace = 10

// startUpload hands req's body to the uploader, and the head if it is still to
// be sent.
func (c *Conn) startUpload(req *wire.Request, head []byte) {
	u := c.up
	if u == nil {
		u = &upload{c: c, done: make(chan struct{}, 1)}
		c.up = u
	}
	u.where.Store(upSocket)
	u.stopped.Store(false)
	u.told.Store(nil)
	u.final.Store(false)
	u.closed.Store(req.Body == nil)
	u.progress.Store(c.lastAt)
	u.sentAt.Store(0)
	// Not the request itself, which the caller may change when the exchange has
	// ended, although the uploader may still be stuck in the body.
	u.body, u.trailers, u.trace = req.Body, req.Trailers, req.Trace
	u.chunked, u.length = RequestFraming(req)
	u.total, u.err, u.local = 0, nil, false
	u.head, u.buf, u.headDue = nil, nil, len(head) > 0
	if len(head) > 0 {
		// The caller's buffer is for the response from now on.
		u.buf = bufpool.Get(max(uploadBuffer, len(head)+oneWrite+1))
		u.head = u.buf[:copy(u.buf, head)]
	}
	c.active = true
	go u.run()
}

// settleUpload reports whether the uploader has ended, after waiting a moment
// if it has nothing left to send: the response may be faster than the return of
// the last write.
func (c *Conn) settleUpload() bool {
	if !c.active {
		return true
	}
	select {
	case <-c.up.done:
		c.settled()
		return true
	default:
	}
	return c.up.where.Load() >= upTail && c.awaitUpload()
}

// settleTime bounds the wait for an uploader that is on its way out.
const settleTime = 50 * time.Millisecond

func (c *Conn) awaitUpload() bool {
	if !c.awaitEnd() {
		return false
	}
	c.settled()
	return true
}

// awaitEnd takes the uploader's token, and reports whether it came in time.
func (c *Conn) awaitEnd() bool {
	t := time.NewTimer(settleTime)
	defer t.Stop()
	select {
	case <-c.up.done:
		return true
	case <-t.C:
		return false
	}
}

// settled takes note that the uploader has ended.
func (c *Conn) settled() {
	c.active, c.up.body = false, nil
	if c.up.err != nil {
		// The peer would take the next request for the rest of this one.
		c.keep = false
	}
}

// stopUpload ends an unfinished upload of a connection that is not used again.
// It closes the socket, and waits for the uploader unless it is in the caller's
// code, where nobody can say how long it stays: closing the body is all that can
// be done there, on a goroutine of its own, since Close may have to wait for
// Read too.
func (c *Conn) stopUpload() {
	u := c.up
	c.bottom().Close()
	u.stopped.Store(true)
	switch u.where.Load() {
	case upUser, upTail:
		go u.closeBody(u.body)
	default:
		c.awaitUpload()
	}
}

// haltUpload stops the upload but leaves the socket open for reading.
func (c *Conn) haltUpload() {
	u := c.up
	u.stopped.Store(true)
	if u.where.Load() == upUser {
		go u.closeBody(u.body)
	}
	// A write that stands still is woken by this. One that has not begun yet
	// sees that it is stopped after it has set its own deadline.
	c.nc.SetWriteDeadline(c.epoch.Add(-time.Second))
}

// closeBody closes the body if nobody has.
func (u *upload) closeBody(body io.Closer) {
	if u.closed.CompareAndSwap(false, true) {
		body.Close()
	}
}

// enter goes into the caller's code; not if the upload was stopped.
func (u *upload) enter() bool {
	// In this order: whoever stops the upload looks at where after it has set
	// stopped, so that either sees the other.
	if u.where.Load() == upSocket {
		u.where.Store(upUser)
	}
	return !u.stopped.Load()
}

// leave comes out of it. In the tail both change nothing.
func (u *upload) leave() {
	if u.where.Load() == upUser {
		u.where.Store(upSocket)
	}
}

// run is the uploader.
func (u *upload) run() {
	c := u.c
	err := u.send()
	if u.sentAt.Load() == 0 {
		u.sentAt.Store(c.now())
	}
	u.enter()
	u.closeBody(u.body)
	if u.trace != nil && u.trace.WroteRequest != nil {
		var werr error
		if err != nil {
			werr = err
		}
		u.trace.WroteRequest(werr)
	}
	bufpool.Put(u.buf)
	u.buf, u.head, u.trailers, u.trace = nil, nil, nil, nil
	u.err = err
	kill := u.verdict(err)
	u.where.Store(upDone)
	u.done <- struct{}{}
	// From here on u may belong to another upload.
	if kill {
		c.kill(cause{err: err})
	}
}

// verdict decides whether a failed upload ends the exchange. A write error does
// not: the peer may have said why before it stopped reading. Once the final
// head is there, the response counts and the upload does not.
func (u *upload) verdict(err *wire.Error) (kill bool) {
	switch {
	case err == nil || err == errStopped:
		return false
	case u.local:
		return !u.stopped.Load()
	case !u.c.sent.Load():
		return true // nothing can answer what was not sent
	}
	return err.Kind == wire.KindTimeout && !u.final.Load()
}

// fault is an error of the body itself.
func (u *upload) fault(kind wire.Kind, err error) *wire.Error {
	u.local = true
	if e, ok := err.(*wire.Error); ok && kind == wire.KindProtocol {
		e.Sent = u.c.sent.Load()
		return e
	}
	return &wire.Error{Phase: wire.PhaseWrite, Kind: kind, Sent: u.c.sent.Load(), Err: err}
}

// send sends the request, and returns nil if all of it was sent.
func (u *upload) send() *wire.Error {
	if u.body == nil {
		return u.finishChunks(u.lead())
	}
	if !u.chunked {
		if u.length <= oneWrite && len(u.head) > 0 {
			return u.sendWhole()
		}
		if tcp, ok := u.c.nc.(*net.TCPConn); ok {
			if f, ok := regularFile(u.body); ok {
				return u.sendFile(f, tcp)
			}
		}
	}
	if r, ok := source.InMemory(u.body); ok {
		if w, ok := r.(io.WriterTo); ok {
			return u.sendMemory(w, r)
		}
	}
	return u.copy(u.body)
}

// sendWhole reads a short body to its end and sends it with the head, in one
// write.
func (u *upload) sendWhole() *wire.Error {
	n := int(u.length)
	if !u.enter() {
		return errStopped
	}
	space := u.buf[len(u.head) : len(u.head)+n+1]
	k, err := source.ReadAtMost(u.body, space)
	u.leave()
	if err != nil {
		return u.fault(wire.KindRequestBody, err)
	}
	if err := lengthError(int64(k), u.length, k <= n); err != nil {
		return u.fault(wire.KindProtocol, err)
	}
	return u.last(u.buf[:len(u.head)+n])
}

// copy sends a body that is read piece by piece. What one Read returns goes out
// in one write, at once: the peer may be waiting for it.
func (u *upload) copy(body io.Reader) *wire.Error {
	if err := u.sendHead(); err != nil {
		return err
	}
	if u.buf == nil {
		u.buf = bufpool.Get(uploadBuffer)
	}
	space := u.buf
	if u.chunked {
		// Room for the chunk's line before, and for its end and the end of
		// all chunks behind.
		space = u.buf[chunkSpace : len(u.buf)-len("\r\n0\r\n\r\n")]
	}
	for empty := 0; ; {
		if !u.enter() {
			return errStopped
		}
		n, err := body.Read(space)
		u.leave()
		if err != nil && err != io.EOF {
			return u.fault(wire.KindRequestBody, err)
		}
		if n == 0 && err == nil {
			if empty++; empty == source.MaxEmpty {
				return u.fault(wire.KindRequestBody, io.ErrNoProgress)
			}
			continue
		}
		empty = 0
		u.total += int64(n)
		switch {
		case u.chunked && err == io.EOF:
			return u.finishChunks(u.chunk(n))
		case u.chunked:
			if err := u.write(u.chunk(n)); err != nil {
				return err
			}
		case u.total > u.length || err == io.EOF && u.total < u.length:
			return u.fault(wire.KindProtocol, lengthError(u.total, u.length, true))
		case u.total == u.length:
			if err := u.last(space[:n]); err != nil {
				return err
			}
			if err == nil {
				return u.checkEnd(body)
			}
			return nil
		default:
			if err := u.write(space[:n]); err != nil {
				return err
			}
		}
	}
}

// checkEnd makes sure that a body whose announced bytes have been sent has no
// more of them.
func (u *upload) checkEnd(body io.Reader) *wire.Error {
	if u.stopped.Load() {
		return nil
	}
	var b [1]byte
	n, err := source.ReadAtMost(body, b[:])
	if err != nil {
		return u.fault(wire.KindRequestBody, err)
	}
	if err := lengthError(u.total, u.length, n == 0); err != nil {
		return u.fault(wire.KindProtocol, err)
	}
	return nil
}

// chunk puts the framing around n bytes of content that stand at chunkSpace in
// buf, and returns the chunk; nothing for no content.
func (u *upload) chunk(n int) []byte {
	if n == 0 {
		return u.buf[:0]
	}
	line := appendChunkSize(make([]byte, 0, chunkSpace), n)
	start := chunkSpace - len(line)
	copy(u.buf[start:], line)
	end := chunkSpace + n
	return append(u.buf[start:end], "\r\n"...)
}

// lead is the head as the start of what is written next.
func (u *upload) lead() []byte {
	h := u.head
	u.head = nil
	return h
}

// finishChunks sends p, the last chunk and the trailer section, in one write.
func (u *upload) finishChunks(p []byte) *wire.Error {
	var trailers wire.Fields
	if u.trailers != nil {
		if !u.enter() {
			return errStopped
		}
		trailers = u.trailers()
		u.leave()
	}
	p, err := AppendLastChunk(p, trailers)
	if err != nil {
		return u.fault(wire.KindProtocol, err)
	}
	return u.last(p)
}

// sendHead writes the head, if that is still to be done.
func (u *upload) sendHead() *wire.Error {
	if h := u.lead(); len(h) > 0 {
		return u.write(h)
	}
	return nil
}

// wroteHead tells the hook, once, after the first write.
func (u *upload) wroteHead() {
	if u.headDue && u.trace != nil && u.trace.WroteHead != nil && u.enter() {
		u.trace.WroteHead()
		u.leave()
	}
	u.headDue = false
}

// write writes p to the socket.
func (u *upload) write(p []byte) *wire.Error {
	if err := u.c.write(u, p, u.c.now(), false); err != nil {
		return err.(*wire.Error)
	}
	u.wroteHead()
	return nil
}

// last writes the last bytes of the request.
func (u *upload) last(p []byte) *wire.Error {
	u.where.Store(upTail)
	err := u.write(p)
	u.sentAt.Store(u.c.now())
	return err
}
