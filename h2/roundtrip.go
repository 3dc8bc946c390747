package h2

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"gohttpx.dev/internal/bufpool"
	"gohttpx.dev/internal/source"
	"gohttpx.dev/wire"
)

// oneFlight is the longest body that is put into the write buffer with its head,
// in bytes, by the caller.
const oneFlight = 16 << 10

// RoundTrip sends req and fills res up to its final head; the content is read
// through res.Body, which must be read to its end or closed. It uses a slot that
// Reserve has claimed; without one it claims it itself, and fails if there is
// none.
//
// req.Body is closed exactly once, on every path. A body in memory (one with a
// method Len() int, or io.NopCloser around one) of known length up to 16 KiB is
// read before anything is sent. Any other is sent by a goroutine of its own
// while the response is awaited.
//
// The context bounds the whole exchange: if it ends before the response has been
// received, the stream is reset and its slot is free. Errors are *wire.Error;
// KindUnprocessed says that the peer has not looked at the request.
func (c *Conn) RoundTrip(ctx context.Context, req *wire.Request, res *wire.Response) error {
	if !c.slots.begin() {
		req.CloseBody()
		return c.noSlot()
	}
	x := exchange{c: c, req: req, res: res, done: ctx.Done(), lim: limitsOf(&req.Timeouts)}
	return x.run(ctx)
}

// noSlot says why there is no slot.
func (c *Conn) noSlot() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := &wire.Error{Phase: wire.PhaseWrite, Kind: wire.KindClosed, Err: errors.New("h2: connection is draining")}
	switch {
	case c.end != nil && c.end.owner:
		e.Err = c.end.err
	case c.goaway != nil:
		e.Kind, e.Remote, e.Err = wire.KindUnprocessed, true, *c.goaway
	case c.end != nil && c.end.kind != wire.KindClosed:
		e.Kind, e.Remote, e.Err = wire.KindUnprocessed, true, c.end.err
	case c.end != nil:
		e.Err = c.end.err
	case c.slots.word.Load()&slotDraining == 0:
		e.Kind, e.Err = wire.KindProtocol, fmt.Errorf("h2: no free slot: %d exchanges run, which is the limit", slotUsed(c.slots.word.Load()))
	}
	return e
}

// exchange is one RoundTrip.
type exchange struct {
	c    *Conn
	s    *stream // nil until the request is known to be good
	req  *wire.Request
	res  *wire.Response
	done <-chan struct{}
	lim  limits
	info RequestInfo
	// ownBody says that nobody else closes the body.
	ownBody bool
}

// requestFields are the fields of requests on their way into the encoder.
var requestFields = sync.Pool{New: func() any { return new(wire.Fields) }}

// putFields gives them back. They may be secret, even those that an error has cut
// off, and they may be many.
func putFields(list *wire.Fields) {
	clear((*list)[:cap(*list)])
	if cap(*list) <= maxScratch {
		requestFields.Put(list)
	}
}

// run is RoundTrip with a slot in hand. All that can be done without the lock is
// done before it is taken.
func (x *exchange) run(ctx context.Context) error {
	c, req, res := x.c, x.req, x.res
	x.ownBody = req.Body != nil
	res.Reset()
	res.Conn = c.info

	if x.done != nil && ctx.Err() != nil {
		return x.unsent(wire.Canceled(ctx, wire.PhaseWrite, false))
	}
	list := requestFields.Get().(*wire.Fields)
	defer putFields(list)
	var err error
	if *list, x.info, err = AppendRequestFields((*list)[:0], req, c.cfg.Request); err != nil {
		return x.unsent(err)
	}
	var short []byte
	if r, ok := source.InMemory(req.Body); ok && req.Trailers == nil && !x.info.Continue && 0 <= x.info.Length && x.info.Length <= oneFlight {
		buf := scratch(int(x.info.Length) + 1)
		defer bufpool.Put(buf)
		n, err := source.ReadAtMost(r, buf[:x.info.Length+1])
		x.closeBody()
		if err == nil {
			err = lengthError(int64(n), x.info.Length)
		} else {
			err = &wire.Error{Phase: wire.PhaseWrite, Kind: wire.KindRequestBody, Err: err}
		}
		if err != nil {
			return x.unsent(err)
		}
		short = buf[:n]
	}
	if x.info.Extended {
		if err := x.awaitSettings(ctx); err != nil {
			return x.unsent(err)
		}
	}

	c.mu.Lock()
	s := c.getLocked()
	x.s = s
	s.slot, s.told, s.refs = true, true, 1
	s.res, s.trace, s.lim = res, req.Trace, x.lim
	s.bodiless, s.connect = req.Method == "HEAD", x.info.Connect
	if err := x.begin(ctx, *list); err != nil {
		s.refs = 0
		s.finishLocked(err, true)
		c.unlock()
		x.closeBody()
		return err
	}
	res.Reused = s.id > 1
	x.send(short)
	err = x.await(ctx)
	if err == nil {
		x.deliver(ctx)
	}
	s.unrefLocked()
	c.unlock()
	if err != nil {
		x.closeBody()
	}
	return err
}

// closeBody closes the body unless somebody else does.
func (x *exchange) closeBody() {
	if x.ownBody {
		x.ownBody = false
		x.req.Body.Close()
	}
}

// unsent ends an exchange that has no stream.
func (x *exchange) unsent(err error) error {
	x.closeBody()
	x.c.mu.Lock()
	x.c.freeLocked()
	x.c.unlock()
	return err
}

// awaitSettings waits for the peer's SETTINGS, without which it is not known
// whether extended CONNECT may be used (RFC 8441 §3).
func (x *exchange) awaitSettings(ctx context.Context) error {
	c := x.c
	if err := waitFor(c.settled, x.done, x.lim.read); err != nil {
		if ctx.Err() != nil {
			return wire.Canceled(ctx, wire.PhaseHead, false)
		}
		return &wire.Error{Phase: wire.PhaseHead, Kind: wire.KindTimeout, Remote: true, Err: err}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end == nil && !c.peer.EnableConnect {
		return unsendable(ruleExtended, "protocol", "the peer does not support extended CONNECT", -1)
	}
	return nil
}

const ruleExtended = "RFC 8441 §4: :protocol is sent only after ENABLE_CONNECT_PROTOCOL=1"

// begin opens the stream with its HEADERS frame.
func (x *exchange) begin(ctx context.Context, fields wire.Fields) error {
	c, s := x.c, x.s
	if err := c.roomLocked(ctx, s, s.lim.write); err != nil {
		return err
	}
	if err := CheckListSize(x.info.ListSize, c.peer.MaxHeaderListSize); err != nil {
		return err
	}
	c.openLocked(s, fields, x.info.EndStream)
	return nil
}

// roomLocked returns when there is room for a head in the write buffer, and the
// connection takes one. limit bounds the wait in nanoseconds, 0 is none.
func (c *Conn) roomLocked(ctx context.Context, s *stream, limit int64) error {
	done := ctx.Done()
	until := int64(0)
	for {
		switch {
		case c.end != nil && (c.end.owner || c.end.kind == wire.KindClosed && c.goaway == nil):
			return unopened(wire.KindClosed, false, c.end.err)
		case c.goaway != nil:
			return unopened(wire.KindUnprocessed, true, *c.goaway)
		case c.end != nil:
			return unopened(wire.KindUnprocessed, true, c.end.err)
		case c.writeErr != nil:
			return unopened(wire.KindUnprocessed, true, c.writeErr)
		case c.nextID > MaxStreamID:
			return unopened(wire.KindUnprocessed, false, errors.New("h2: stream identifiers are used up"))
		case uint64(c.streams.len()) >= uint64(c.peer.MaxConcurrentStreams):
			// The slot was reserved before the peer lowered its limit, or said
			// it for the first time.
			return unopened(wire.KindUnprocessed, true, fmt.Errorf("h2: the peer permits %d streams (RFC 9113 §5.1.2)", c.peer.MaxConcurrentStreams))
		case done != nil && ctx.Err() != nil:
			return wire.Canceled(ctx, wire.PhaseWrite, false)
		case len(c.wbuf) < maxWriteHard:
			return nil
		}
		// The peer does not read.
		if limit > 0 {
			switch now := c.now(); {
			case until == 0:
				until = now + limit
			case now >= until:
				return &wire.Error{
					Phase: wire.PhaseWrite, Kind: wire.KindTimeout, Remote: true,
					Err: fmt.Errorf("h2: no room to send the request for %v", time.Duration(limit)),
				}
			}
			s.sendBy = until
			c.dueLocked(s, until)
		}
		c.rooms = append(c.rooms, s)
		s.wait(s.sendWake, done)
		s.sendBy = 0
		if i := slices.Index(c.rooms, s); i >= 0 {
			c.rooms = slices.Delete(c.rooms, i, i+1)
		}
	}
}

// wakeRoomsLocked wakes those who wait for room, the reader among them.
func (c *Conn) wakeRoomsLocked() {
	wakeUp(c.in.taken)
	for i, s := range c.rooms {
		wakeUp(s.sendWake)
		c.rooms[i] = nil
	}
	c.rooms = c.rooms[:0]
}

// unopened is the error of a request for which no stream was opened.
func unopened(k wire.Kind, remote bool, err error) *wire.Error {
	return &wire.Error{Phase: wire.PhaseWrite, Kind: k, Remote: remote, Err: err}
}

// openLocked numbers a stream and appends its head.
func (c *Conn) openLocked(s *stream, fields wire.Fields, end bool) {
	now := c.now()
	c.startLocked(s, now)
	c.block = c.enc.Append(c.block[:0], fields)
	c.wbuf = AppendHeaders(c.wbuf, s.id, c.block, HeadersOptions{EndStream: end, MaxFrame: c.peer.MaxFrameSize})
	s.endOff = c.offset()
	c.guard.earn(perSent)
	if end {
		s.endSentLocked()
	}
	c.flushLocked()
}

// send has the body sent: here, by an uploader, or after 100 (Continue).
func (x *exchange) send(short []byte) {
	c, s := x.c, x.s
	t := x.req.Trace
	if t != nil && t.WroteHead != nil {
		x.hook(t.WroteHead)
	}
	switch {
	case s.over || s.localEnd:
	case len(short) > 0 && s.send.Available() >= len(short) && c.sendWin.Available() >= len(short) &&
		len(c.wbuf) < maxWrite && c.sendq.empty() && len(short) <= int(c.peer.MaxFrameSize):
		s.send.Take(len(short))
		c.sendWin.Take(len(short))
		c.wbuf = AppendData(c.wbuf, s.id, short, true, 0)
		c.guard.sent(len(short))
		s.endOff = c.offset()
		c.guard.earn(perSent)
		s.endSentLocked()
		c.flushLocked()
	case len(short) > 0:
		x.upload(append([]byte(nil), short...))
		return
	case x.info.Connect:
		return
	case x.holds():
		if t != nil && t.Wait100 != nil {
			x.hook(t.Wait100)
		}
		return
	default:
		x.upload(nil)
		return
	}
	if t != nil && t.WroteRequest != nil {
		x.hook(func() { t.WroteRequest(nil) })
	}
}

// holds reports whether the body waits for 100 (Continue).
func (x *exchange) holds() bool { return x.info.Continue && x.s.lim.wait100 > 0 }

// hook calls the caller's code without the lock. If that panics, the exchange
// ends and gives back what it holds.
func (x *exchange) hook(f func()) {
	c, s := x.c, x.s
	c.unlock()
	returned := false
	defer func() {
		c.mu.Lock()
		if returned {
			return
		}
		s.resetLocked(Cancel, &wire.Error{Phase: wire.PhaseHead, Kind: wire.KindCanceled, Sent: true, Err: errHookPanicked}, true)
		s.unrefLocked()
		c.unlock()
		x.closeBody()
	}()
	f()
	returned = true
}

var errHookPanicked = errors.New("h2: a function of the request's Trace has panicked")

// await waits for the final head. It is called, and returns, with the lock held.
func (x *exchange) await(ctx context.Context) error {
	c, s, t := x.c, x.s, x.req.Trace
	from := s.began
	if t != nil {
		from = c.now() // its hooks have taken their time
	}
	now := from // 0: to be read
	hold := x.holds() && s.up == nil
	holdFrom := from
	first := t != nil && t.FirstByte != nil
	for {
		if first && s.headAt != 0 {
			first = false
			x.hook(t.FirstByte)
			now = 0
			continue
		}
		if len(s.interims) > 0 {
			in := s.interims[0]
			s.interims[0] = interim{}
			s.interims = s.interims[1:]
			var err error
			x.hook(func() { err = t.Interim(in.status, in.fields) })
			if err != nil {
				s.resetLocked(Cancel, &wire.Error{Phase: wire.PhaseHead, Kind: wire.KindCanceled, Sent: true, Err: err}, true)
				return s.err
			}
			now = 0
			continue
		}
		switch {
		case s.headDone:
			return nil
		case s.over:
			return s.err
		case x.done != nil && ctx.Err() != nil:
			s.cancelLocked(ctx)
			return s.err
		}
		if now == 0 {
			now = c.now()
		}
		switch {
		case hold && (s.got100 || now >= holdFrom+s.lim.wait100):
			// RFC 9110 §10.1.1: do not wait for an indefinite time.
			hold = false
			x.upload(nil)
			continue
		}
		by, err := s.readByLocked(now, from)
		if err != nil {
			s.resetLocked(Cancel, err, true)
			return s.err
		}
		if hold {
			by = holdFrom + s.lim.wait100
		}
		s.readBy = by
		c.dueLocked(s, by)
		s.wait(s.wake, x.done)
		s.readBy = 0
		now = 0
	}
}

// deliver hands the response over.
func (x *exchange) deliver(ctx context.Context) {
	s, res := x.s, x.res
	if x.ownBody {
		// It was held back for 100 (Continue), and is not wanted.
		x.ownBody = false
		x.hook(func() { x.req.Body.Close() })
	}
	at := s.headAt
	if s.sentAt != 0 {
		res.Timing.Write = durationOf(min(s.sentAt, at) - s.began)
		res.Timing.FirstByte = durationOf(at - s.sentAt)
	} else {
		res.Timing.Write = durationOf(at - s.began)
	}
	if s.remoteEnd && s.chunks.size == 0 && !s.tunnel && !s.over {
		s.eofLocked()
		return
	}
	s.told = false
	res.Body = wire.NewBody(s, uint64(s.id))
	s.watchLocked(ctx)
}

// lengthError is nil if a body has the announced length. One byte more is enough
// to tell.
func lengthError(n, want int64) error {
	what := ""
	switch {
	case n > want:
		what = fmt.Sprintf("h2: request body is longer than its announced %d bytes (RFC 9113 §8.1.1)", want)
	case n < want:
		what = fmt.Sprintf("h2: request body ended after %d of its announced %d bytes (RFC 9113 §8.1.1)", n, want)
	default:
		return nil
	}
	return &wire.Error{Phase: wire.PhaseWrite, Kind: wire.KindProtocol, Err: errors.New(what)}
}
