package h1

import (
	"context"
	"errors"
	"net"
	"strings"

	"gohttpx.dev/wire"
)

// The raw use of a connection, for protocol research: any bytes out, any heads
// in. A connection that was used so once stays with its caller, who closes it;
// RoundTrip refuses it, and bytes left over after a response are kept.

// errNotRaw is the answer to a raw call on a connection that runs an exchange.
var errNotRaw = errors.New("h1: an exchange is running on this connection")

// beginRaw takes the slot for good.
func (c *Conn) beginRaw() error {
	w := c.slot.word.Load()
	if w&slotRaw != 0 && w&slotClosed == 0 {
		return nil
	}
	if w&(slotRunning|slotRaw) == slotRunning {
		return &wire.Error{Phase: wire.PhaseWrite, Kind: wire.KindProtocol, Err: errNotRaw}
	}
	if err := c.begin(slotRaw); err != nil {
		return err
	}
	c.reset(&wire.Request{Timeouts: wire.Timeouts{Read: wire.Never, Write: wire.Never}}, &wire.Response{})
	c.getBuf()
	c.started = c.now()
	c.rawMethod = "GET"
	c.ex.end(exEOF)
	return nil
}

// during has the connection killed if ctx ends before the returned function is
// called, which reports whether it did not.
func (c *Conn) during(ctx context.Context) (done func() bool) {
	if ctx.Done() == nil {
		return func() bool { return true }
	}
	return context.AfterFunc(ctx, func() { c.kill(cause{ctx: ctx}) })
}

// SendRaw writes exactly the bytes p. Nothing is checked and no timeout applies
// but the context's. A p that begins with a method and SP says what ReadHead
// takes the next response for: one to HEAD has no content, one to CONNECT may
// become a tunnel. An error closes the connection.
func (c *Conn) SendRaw(ctx context.Context, p []byte) error {
	if err := c.beginRaw(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return wire.Canceled(ctx, wire.PhaseWrite, c.sent.Load())
	}
	if method, _, ok := strings.Cut(string(p[:min(len(p), 32)]), " "); ok && wire.IsToken(method) {
		c.rawMethod = method
	}
	if len(p) == 0 {
		return nil
	}
	done := c.during(ctx)
	err := c.write(nil, p, c.now(), false)
	if !done() {
		err = wire.Canceled(ctx, wire.PhaseWrite, c.sent.Load())
	} else if killed := c.causeError(wire.PhaseWrite); err != nil && killed != nil {
		err = killed
	}
	if err != nil {
		c.Close()
	}
	return err
}

// ReadHead reads the next response head, an interim one or a final one, into
// res. The body of the one before must have ended. The body of a final one is
// res.Body; unlike after RoundTrip, the end of it does not give the connection
// back. No timeout applies but the context's, which bounds this call only. An
// error closes the connection.
func (c *Conn) ReadHead(ctx context.Context, res *wire.Response) error {
	if err := c.beginRaw(); err != nil {
		return err
	}
	if s, _ := c.ex.load(c.ex.id()); s == exOpen || s == exReading || s == exBusy {
		return localError("h1: the content of the last response was not read")
	}
	if ctx.Err() != nil {
		return wire.Canceled(ctx, wire.PhaseHead, c.sent.Load())
	}
	id := c.ex.start()
	c.res = res
	c.inHead, c.keep, c.firstAt = true, true, 0
	c.framing, c.remain, c.got, c.lastSeen, c.scanned, c.data = NoBody, 0, 0, false, 0, nil
	res.Reset()
	res.Conn = c.info
	done := c.during(ctx)
	_, err := c.readHead(res)
	if !done() {
		// The connection is being closed; whatever came is lost with it.
		return c.fail(wire.Canceled(ctx, wire.PhaseHead, c.sent.Load()))
	}
	if err != nil {
		return c.fail(err)
	}
	interim := res.Status < 200 && res.Status != 101
	framing, length, err := NoBody, int64(0), error(nil)
	if !interim {
		framing, length, err = BodyFraming(c.rawMethod, res, c.cfg.Rules)
	}
	if err != nil {
		return c.fail(c.parseError(wire.PhaseHead, err))
	}
	c.inHead = false
	c.framing, c.remain = framing, length
	if framing == NoBody || framing == Length && length == 0 {
		c.ex.move(id, exBusy, exEOF)
		return nil
	}
	if framing == Chunked {
		c.dec.Reset(c.cfg.Limits, c.cfg.Rules)
	}
	return c.open(res)
}

// Detach hands the connection over, with the bytes that were received and not
// used: after 101 or a 2xx answer to CONNECT, or at any time between responses
// if it is used raw. The slot is free once the net.Conn is closed. For any other
// connection it returns ErrNotSwitched.
func (c *Conn) Detach() (net.Conn, []byte, error) {
	id := c.ex.id()
	s, _ := c.ex.load(id)
	if ended := s == exEOF || s == exClosed; ended && c.slot.word.Load()&(slotRaw|slotClosed) == slotRaw {
		if !c.ex.move(id, s, exOpen) {
			return nil, nil, wire.ErrNotSwitched
		}
		c.framing = Switched
	}
	lead, err := c.takeSwitched(id)
	if err != nil {
		if err == wire.ErrBodyClosed {
			err = wire.ErrNotSwitched
		}
		return nil, nil, err
	}
	return &stream{Conn: c.nc, c: c}, lead, nil
}
