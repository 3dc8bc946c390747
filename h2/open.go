package h2

import (
	"context"
	"errors"
	"io"
	"time"

	"gohttpx.dev/wire"
)

// Event is one part of what the peer sends on a stream: a head, a piece of
// content, trailers or just the end.
type Event struct {
	// Status is the status code of a head, else 0.
	Status int
	// Fields are those of a head or of trailers, without pseudo-fields.
	Fields wire.Fields
	// Trailers reports that Fields are trailers.
	Trailers bool
	// Data is content; it belongs to the receiver.
	Data []byte
	// End reports that nothing follows.
	End bool
}

// Stream is a stream that its opener drives by hand. SendData and SendTrailers
// must not overlap each other, nor Recv itself; otherwise all methods may be
// called concurrently. A Stream must be ended, by both sides or by Reset: it
// holds a slot.
type Stream struct {
	s  *stream
	id uint32
}

// Open begins a stream with these fields, pseudo-fields included, as they are:
// in their order and case, nothing checked, nothing added. end ends our side. It
// claims a slot by itself. ctx bounds the wait for room in the write buffer only.
func (c *Conn) Open(ctx context.Context, fields wire.Fields, end bool) (*Stream, error) {
	if !c.slots.claim() {
		return nil, c.noSlot()
	}
	c.mu.Lock()
	defer c.unlock()
	s := c.getLocked()
	s.slot, s.told, s.keepEvents, s.refs = true, true, true, 1
	err := c.roomLocked(ctx, s, 0)
	if err != nil {
		s.refs = 0
		s.finishLocked(err, true)
		return nil, err
	}
	switch fields.Get(PseudoMethod) {
	case "HEAD":
		s.bodiless = true
	case "CONNECT":
		s.connect = true
	}
	c.openLocked(s, fields, end)
	s.refs, s.told = 0, false
	return &Stream{s, s.id}, nil
}

// ID is the stream's identifier.
func (st *Stream) ID() uint32 { return st.id }

// SendData sends content, and END_STREAM if end is set. It returns when all of
// it is in the write buffer, for which it waits as the windows demand. If ctx
// ends first the stream is reset.
func (st *Stream) SendData(ctx context.Context, p []byte, end bool) error {
	s := st.s
	s.c.mu.Lock()
	defer s.c.unlock()
	err := s.writeLocked(ctx, st.id, p, end, 0)
	s.doneLocked(st.id)
	return err
}

// SendTrailers ends our side with a trailer section, of which nothing is
// checked. ctx is there for symmetry: nothing is waited for.
func (st *Stream) SendTrailers(_ context.Context, fields wire.Fields) error {
	s := st.s
	s.c.mu.Lock()
	defer s.c.unlock()
	err := s.trailerLocked(st.id, fields)
	s.doneLocked(st.id)
	return err
}

// Reset ends the stream by RST_STREAM with the code. It does nothing to a stream
// that has ended.
func (st *Stream) Reset(code ErrCode) {
	s := st.s
	s.c.mu.Lock()
	if s.id == st.id {
		s.told = true
		if s.over {
			s.err = wire.ErrBodyClosed
			s.dropLocked()
			s.recycleLocked()
		}
		s.resetLocked(code, wire.ErrBodyClosed, true)
	}
	s.c.unlock()
}

// Recv returns what comes next on the stream: interim heads, the final head,
// content, trailers. After the event with End it returns io.EOF. If ctx ends
// first nothing is lost, and Recv may be called again.
func (st *Stream) Recv(ctx context.Context) (Event, error) {
	s := st.s
	c := s.c
	c.mu.Lock()
	defer c.unlock()
	for {
		if s.id != st.id {
			return Event{}, wire.ErrBodyClosed
		}
		if s.reading {
			return Event{}, s.errorLocked(wire.KindProtocol, false, errors.New("h2: two calls of Recv at the same time"))
		}
		if ev, ok := s.eventLocked(); ok {
			s.doneLocked(st.id)
			return ev, nil
		}
		switch {
		case s.remoteEnd && !s.over || s.over && s.err == io.EOF:
			return Event{}, io.EOF
		case s.over:
			err := s.err
			s.told = true
			s.recycleLocked()
			return Event{}, err
		case ctx.Err() != nil:
			return Event{}, wire.Canceled(ctx, s.phase(), s.sentNow())
		}
		s.reading = true
		s.refs++
		s.wait(s.wake, ctx.Done())
		s.reading = false
		s.refs--
	}
}

// eventLocked takes the next event, if there is one.
func (s *stream) eventLocked() (ev Event, ok bool) {
	n := len(s.events)
	switch {
	case n > 0 && !s.events[0].Trailers:
		ev = s.events[0]
		s.events = s.events[1:]
	case s.chunks.size > 0:
		ev.Data = make([]byte, min(s.chunks.size, readPiece))
		s.chunks.read(ev.Data)
		s.consumeLocked(len(ev.Data))
	case n > 0:
		ev = s.events[0]
		s.events = s.events[1:]
	case s.remoteEnd && !s.endTold && (!s.over || s.err == io.EOF):
	default:
		return ev, false
	}
	ev.End = len(s.events) == 0 && s.chunks.size == 0 && s.remoteEnd && (!s.over || s.err == io.EOF)
	s.endTold = ev.End
	return ev, true
}

// doneLocked ends a stream of Open that both sides have ended, and whose end was
// received.
func (s *stream) doneLocked(id uint32) {
	if s.id == id && s.keepEvents && s.endTold && s.localEnd && !s.over {
		s.told = true
		s.finishLocked(io.EOF, true)
	}
}

// WriteFrame sends a frame of the caller's, legal or not, in order with the
// engine's, which takes no notice of it: what the peer makes of it, and answers,
// is met as if nothing had been sent. Streams are opened with Open, not with
// WriteFrame.
func (c *Conn) WriteFrame(ctx context.Context, f Frame) error {
	if len(f.Payload) > MaxMaxFrameSize {
		return &wire.Error{Phase: wire.PhaseWrite, Kind: wire.KindProtocol, Err: errors.New("h2: a payload has at most 16777215 bytes")}
	}
	c.mu.Lock()
	defer c.unlock()
	s := c.getLocked()
	s.told, s.refs = true, 1
	defer func() {
		s.refs = 0
		s.finishLocked(errStopped, true)
	}()
	if err := c.roomLocked(ctx, s, 0); err != nil {
		return err
	}
	c.wbuf = AppendFrame(c.wbuf, f)
	c.flushLocked()
	return nil
}

// waitFor waits for ch, for at most limit nanoseconds if that is not 0.
func waitFor(ch, done <-chan struct{}, limit int64) error {
	select {
	case <-ch:
		return nil
	default:
	}
	var expire <-chan time.Time
	if limit > 0 {
		t := time.NewTimer(time.Duration(limit))
		defer t.Stop()
		expire = t.C
	}
	select {
	case <-ch:
		return nil
	case <-done:
		return context.Canceled
	case <-expire:
		return errors.New("h2: no SETTINGS from the peer, without which extended CONNECT cannot be used (RFC 8441 §3)")
	}
}
