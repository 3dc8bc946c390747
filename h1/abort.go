package h1

import (
	"context"
	"errors"

	"gohttpx.dev/wire"
)

// cause is why a connection was ended while an exchange ran or might have. The
// first one counts: it is what the socket errors that follow are reported as.
type cause struct {
	ctx context.Context // ended, if not nil
	err *wire.Error     // otherwise
}

// errOwner is the detail of Close.
var errOwner = errors.New("h1: connection closed by its owner")

// canceled is what context.AfterFunc runs, on a goroutine of its own. The work
// is still that of the running exchange: one whose hook could not be stopped is
// the last on its connection.
func (w *work) canceled() { w.c.kill(cause{ctx: w.ctx}) }

// kill ends the connection at once. An exchange fails with k: by whoever is in
// it when the socket breaks, or here if nobody is. The raw socket is closed before
// a tls.Conn above it, whose Close may wait for a Write.
func (c *Conn) kill(k cause) {
	c.mu.Lock()
	if c.cause == nil {
		c.cause = &k
	}
	c.mu.Unlock()
	if found := c.slot.close(); found&slotClosed == 0 {
		c.closeSocket(found&slotRunning != 0)
		c.notify()
	}
	// The owner of a busy or read exchange sees the closed slot after it has
	// opened the exchange; so either it or this ends it.
	if _, ok := c.ex.claim(); ok {
		c.abandon()
		return
	}
	// Raw and between two responses: nobody is there to give the slot back.
	if s, _ := c.ex.load(c.ex.id()); c.slot.word.Load()&slotRaw != 0 && (s == exEOF || s == exClosed) {
		c.slot.free(true)
		c.notify()
	}
}

// abandon ends the owned exchange of a killed connection.
func (c *Conn) abandon() error {
	if err := c.causeError(wire.PhaseBody); err != nil {
		return c.fail(err)
	}
	return c.fail(wire.ErrBodyClosed) // closed by CloseBody beside a read
}

// killed reports whether the connection was closed under the exchange.
func (c *Conn) killed() bool { return c.slot.word.Load()&slotClosed != 0 }

// causeError is why the connection was killed, or nil if it was not.
func (c *Conn) causeError(p wire.Phase) *wire.Error {
	c.mu.Lock()
	k := c.cause
	c.mu.Unlock()
	switch {
	case k == nil:
		return nil
	case k.ctx != nil:
		return wire.Canceled(k.ctx, p, c.sent.Load())
	case k.err.Kind == wire.KindClosed:
		return &wire.Error{Phase: p, Kind: wire.KindClosed, Sent: c.sent.Load(), Err: k.err.Err}
	}
	return k.err
}

// watch has the exchange killed when ctx ends.
func (c *Conn) watch(ctx context.Context) {
	c.ctx = ctx
	c.stop = context.AfterFunc(ctx, c.cancelFn)
}

// unwatch ends watch. It reports false if the hook has run or may be running:
// the connection must not be used again.
func (c *Conn) unwatch() bool {
	if c.stop == nil {
		return true
	}
	ok := c.stop()
	c.stop = nil
	if ok {
		c.ctx = nil
	}
	return ok
}
