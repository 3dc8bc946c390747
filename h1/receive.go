package h1

import (
	"errors"
	"fmt"
	"io"

	"gohttpx.dev/internal/reset"
	"gohttpx.dev/internal/source"
	"gohttpx.dev/wire"
)

// Reading from the socket, and what it means when that fails.

// receive is one socket read of at least one byte, within the limits that hold
// now. Its error is a *wire.Error or what the socket said.
func (c *Conn) receive(p []byte) (int, error) {
	if err := c.readErr; err != nil {
		c.readErr = nil
		return 0, err
	}
	from := c.lastAt // in the head that is now, give or take a hook
	if !c.inHead {
		from = c.now()
	}
	for empty := 0; ; {
		looking := c.awaited
		if looking {
			c.awaited = false // the deadline of the wait is near enough
		} else {
			c.boundRead(from)
		}
		n, err := c.nc.Read(p)
		switch {
		case n > 0:
			c.quiet = n < len(p) && c.drained()
			c.readErr = err
			c.gotBytes()
			return n, nil
		case err == nil:
			if empty++; empty == source.MaxEmpty {
				return 0, io.ErrNoProgress
			}
		case reset.Deadline(err) && !c.killed():
			if looking {
				continue // the deadline was no limit, and nobody has looked yet
			}
			if from, err = c.expired(from); err != nil {
				return 0, err
			}
		default:
			return 0, err
		}
	}
}

// gotBytes notes the arrival of bytes.
func (c *Conn) gotBytes() {
	if !c.inHead {
		return
	}
	c.lastAt = c.now()
	if c.firstAt == 0 {
		c.firstAt = c.lastAt
		c.judgeSlow()
		if c.trace != nil && c.trace.FirstByte != nil {
			c.trace.FirstByte()
		}
	}
}

// readError says what a failed read means. It is asked once per exchange.
func (c *Conn) readError(err error) error {
	phase := wire.PhaseBody
	if c.inHead {
		phase = wire.PhaseHead
	}
	if killed := c.causeError(phase); killed != nil {
		return killed
	}
	if err == errContinueTimer || err == errDrain {
		return err
	}
	if e, ok := err.(*wire.Error); ok {
		return e
	}
	eof := err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF)
	told := c.writeTold()
	switch {
	case c.inHead && eof && told != nil && told.Kind == wire.KindNetwork && reset.GaveUp(told.Err):
		err = told.Err // the peer has ended nothing: the system has
	case c.inHead && c.firstAt == 0 && (eof || reset.Is(err)):
		// The failed write, if there was one, tells more than the end.
		if told != nil {
			err = told.Err
		}
		return &wire.Error{Phase: phase, Kind: wire.KindDisconnected, Remote: true, Sent: c.sent.Load(), Err: err}
	case c.inHead && c.firstAt != 0 && (eof || reset.Is(err)):
		if eof {
			err = io.ErrUnexpectedEOF
		}
		return c.remoteErrorOf(phase, fmt.Sprintf("peer closed connection in the middle of a response head (received %d bytes of it)", c.w-c.r), err)
	case eof:
		if err = c.resetTold(); err == nil {
			return c.truncated()
		}
	}
	return &wire.Error{Phase: phase, Kind: wire.KindNetwork, Remote: true, Sent: c.sent.Load(), Err: err}
}

// writeTold returns what sending this request has failed with, if it has.
func (c *Conn) writeTold() *wire.Error {
	if c.active && c.up.where.Load() == upDone && c.up.err != nil {
		return c.up.err
	}
	return c.writeErr
}

// truncated is the error of content that has ended too early.
func (c *Conn) truncated() error {
	var what string
	switch {
	case c.framing == Length:
		what = fmt.Sprintf("peer closed connection without sending complete message body (received %d bytes, expected %d)", c.got, c.got+c.remain)
	case c.framing == Chunked && c.lastSeen:
		what = fmt.Sprintf("peer closed connection in the middle of the trailer section (received %d bytes of content)", c.got)
	case c.framing == Chunked:
		what = fmt.Sprintf("peer closed connection without sending complete message body (received %d bytes, no last chunk)", c.got)
	default:
		what = fmt.Sprintf("connection ended without a closure alert, so that the message body may be incomplete (received %d bytes; RFC 9112 §9.8)", c.got)
	}
	return c.remoteErrorOf(wire.PhaseBody, what, io.ErrUnexpectedEOF)
}

// parseError wraps what the codec said.
func (c *Conn) parseError(p wire.Phase, err error) *wire.Error {
	return &wire.Error{Phase: p, Kind: wire.KindProtocol, Remote: true, Sent: c.sent.Load(), Err: err}
}

func (c *Conn) remoteError(p wire.Phase, what string) *wire.Error {
	return c.parseError(p, errors.New(what))
}

func (c *Conn) remoteErrorOf(p wire.Phase, what string, err error) *wire.Error {
	return c.parseError(p, &detail{what, err})
}

// detail is a text of our own with an error beneath.
type detail struct {
	what string
	err  error
}

func (d *detail) Error() string { return d.what }
func (d *detail) Unwrap() error { return d.err }
