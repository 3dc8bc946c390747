package h2

import (
	"errors"
	"fmt"
	"io"
	"time"

	"gohttpx.dev/internal/reset"
	"gohttpx.dev/wire"
)

// How a connection ends. endLocked fails what runs and leaves the rest to the
// writer: it sends GOAWAY, so that the peer learns the reason, within a short
// time, and closes the socket, which ends the reader.

// ending is why a connection is over.
type ending struct {
	kind  wire.Kind
	phase wire.Phase // if it is not to be that of the stream
	code  ErrCode    // for GOAWAY
	debug string
	err   error
	lost  bool // the peer ended the connection, or the network did: no GOAWAY
	reset bool // if lost: not in order
	owner bool // Close: responses that are complete fail too
}

// closeTime bounds what is done for a connection that is over: a write under way,
// GOAWAY and TLS's closure alert together.
const closeTime = time.Second

// endLocked ends the connection. The first reason counts.
func (c *Conn) endLocked(e ending) {
	if c.end != nil {
		return
	}
	c.end = &e
	c.slots.set(slotClosed | slotDraining)
	c.tell = true
	c.stopClockLocked()
	for s := range c.streams.all {
		switch {
		case s.remoteEnd && !e.owner:
			// The response is complete and can be read; only what is left of
			// the request is lost.
			s.stopSendingLocked()
		default:
			s.finishLocked(e.of(s), e.owner)
		}
	}
	c.wakeRoomsLocked()
	select {
	case <-c.settled:
	default:
		close(c.settled)
	}
	if !e.lost && c.writeErr == nil {
		c.wbuf = AppendGoAway(c.wbuf, c.promised, e.code, e.debug)
	}
	// A write that stands still must not hold the end up.
	c.dmu.Lock()
	c.closing = true
	c.nc.SetWriteDeadline(time.Now().Add(closeTime))
	c.dmu.Unlock()
	// A net.Conn need not support deadlines; and TLS would give its alert five
	// seconds of its own, and more if it stood behind a write.
	c.closer = time.AfterFunc(closeTime, func() { c.raw.Close() })
	c.wcond.Signal()
}

// of is the error of a stream that the end has caught.
func (e *ending) of(s *stream) *wire.Error {
	w := s.errorLocked(e.kind, e.kind != wire.KindClosed, e.err)
	if e.phase != 0 {
		w.Phase = e.phase
	}
	if !e.lost {
		return w
	}
	if g := s.c.goaway; g != nil {
		w.Err = &detail{g.Error() + "; then the connection ended", *g}
	}
	switch {
	case e.kind != wire.KindDisconnected:
	case s.headDone && e.reset:
		// What was read is all right as far as it goes: reading has failed.
		w.Kind = wire.KindNetwork
	case s.headDone:
		// The content has an end of its own (RFC 9113 §8.1).
		w.Kind = wire.KindProtocol
		what := fmt.Sprintf("h2: connection ended without sending complete message body (received %d bytes)", s.got)
		if s.want >= 0 {
			what = fmt.Sprintf("h2: connection ended without sending complete message body (received %d bytes, expected %d)", s.got, s.got+s.want)
		}
		w.Err = &detail{what, errors.Join(io.ErrUnexpectedEOF, w.Err)}
	case s.headAt != 0:
		w.Kind = wire.KindProtocol
		w.Err = &detail{"h2: connection ended after an interim response", errors.Join(io.ErrUnexpectedEOF, w.Err)}
	case s.headBegun:
		w.Kind = wire.KindProtocol
		w.Err = &detail{"h2: connection ended in the middle of a response head", errors.Join(io.ErrUnexpectedEOF, w.Err)}
	}
	return w
}

// detail is a text of our own with an error beneath.
type detail struct {
	what string
	err  error
}

func (d *detail) Error() string { return d.what }
func (d *detail) Unwrap() error { return d.err }

// lostLocked ends a connection whose socket has failed.
func (c *Conn) lostLocked(err error) {
	// A socket tells of a reset but once: where a write was told, the read meets an
	// ordinary end. (That a write meets the end of the peer's half is EPIPE.)
	told := reset.Broken(c.writeErr)
	e := ending{kind: wire.KindNetwork, lost: true, reset: told || reset.Is(err), err: err}
	switch {
	case c.writeErr != nil && reset.Deadline(c.writeErr):
		e.kind, e.phase = wire.KindTimeout, wire.PhaseWrite
		e.err = fmt.Errorf("h2: nothing sent for %v", time.Duration(c.socketWrite))
	case c.writeErr != nil && (isEnd(err) || reset.Deadline(err)):
		// It tells more than the end that followed. (An alert of TLS tells why:
		// a server refuses a client certificate after the handshake, RFC 8446
		// §4.4.2.4, and does not read on.)
		if e.err = c.writeErr; !reset.GaveUp(e.err) { // or the peer has ended nothing
			e.kind = wire.KindDisconnected
		}
	case isEnd(err):
		e.kind = wire.KindDisconnected
	}
	c.endLocked(e)
}

// Err returns why the connection has ended, or nil while it has not.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end == nil {
		return nil
	}
	return c.end.err
}

// isEnd reports whether err is that of a peer which has gone without a word.
func isEnd(err error) bool {
	return err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) || reset.Is(err)
}

// brokeLocked ends a connection whose peer has broken the protocol.
func (c *Conn) brokeLocked(err ConnError) {
	c.endLocked(ending{kind: wire.KindProtocol, code: err.Code, debug: err.Rule, err: err})
}
