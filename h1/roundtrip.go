package h1

import (
	"context"
	"errors"
	"fmt"
	"io"

	"gohttpx.dev/internal/bufpool"
	"gohttpx.dev/internal/source"
	"gohttpx.dev/wire"
)

// One exchange, written straight down: the head and a short body in one write,
// or an uploader beside; then the heads of the response until the final one.
// The calling goroutine does all of it, and after it whoever reads the body.

// oneWrite is the longest body that is sent in one write with its head, in
// bytes: copying that much costs less than a second write.
const oneWrite = 16 << 10

// RoundTrip sends req and fills res up to its head; the content is read through
// res.Body, which must be read to its end or closed. A slot must have been
// reserved; RoundTrip reserves it itself if it is free.
//
// req.Body is closed exactly once, on every path. A body of up to 16 KiB and of
// known length is read before anything is sent, and one that has the wrong
// length is never sent. Any other is sent by a goroutine of its own while the
// response is awaited, so that an early answer is seen; the same holds for a
// short body that might block. A body with a method Len() int counts as one in
// memory, which never blocks, and so do those of io.NopCloser around one.
//
// The context bounds the whole exchange: if it ends before the content was read,
// the connection is closed and its slot is free. Errors are *wire.Error.
func (c *Conn) RoundTrip(ctx context.Context, req *wire.Request, res *wire.Response) error {
	if err := c.begin(0); err != nil {
		req.CloseBody()
		return err
	}
	c.reset(req, res)
	if req.Trace == nil {
		return c.exchange(ctx, req, res)
	}
	returned := false
	defer func() {
		if !returned {
			c.failHead(req, &wire.Error{Phase: wire.PhaseHead, Kind: wire.KindCanceled, Sent: c.sent.Load(), Err: errHookPanicked})
		}
	}()
	err := c.exchange(ctx, req, res)
	returned = true
	return err
}

var errHookPanicked = errors.New("h1: a function of the request's Trace has panicked")

// exchange is RoundTrip with the slot in hand.
func (c *Conn) exchange(ctx context.Context, req *wire.Request, res *wire.Response) error {
	if ctx.Done() != nil {
		if ctx.Err() != nil {
			return c.unsent(req, wire.Canceled(ctx, wire.PhaseWrite, false))
		}
		c.watch(ctx)
	}
	c.getBuf()
	head, err := AppendRequest(c.buf[:0], req, c.cfg.Rules)
	if err == nil && c.old {
		if chunked, _ := RequestFraming(req); chunked {
			err = unsendable(ruleChunked10, "Transfer-Encoding", "the peer speaks HTTP/1.0", -1)
		}
	}
	if err != nil {
		return c.unsent(req, err)
	}
	if err := c.send(req, head); err != nil {
		return err
	}
	return c.receiveResponse(req, res)
}

// begin takes the slot for an exchange.
func (c *Conn) begin(with uint32) error {
	switch found, ok := c.slot.begin(with); {
	case ok:
		if c.probed() {
			// A probe that runs must not overlap our reads; later ones see
			// that an exchange runs.
			c.probing.Lock()
			//lint:ignore SA2001 the wait is all that is wanted
			c.probing.Unlock()
		}
		return nil
	case found&slotClosed != 0:
		// The reservation, if it was ours, ends here.
		if changed, _ := c.slot.release(); changed {
			c.notify()
		}
		if err := c.causeError(wire.PhaseWrite); err != nil && err.Kind == wire.KindClosed {
			return err
		}
		return &wire.Error{Phase: wire.PhaseWrite, Kind: wire.KindClosed, Err: errors.New("h1: connection is closed")}
	}
	return localError("h1: an exchange is running on this connection already")
}

func localError(what string) *wire.Error {
	return &wire.Error{Phase: wire.PhaseWrite, Kind: wire.KindProtocol, Err: errors.New(what)}
}

// reset starts the exchange.
func (c *Conn) reset(req *wire.Request, res *wire.Response) {
	c.ex.start()
	c.getWork()
	c.sent.Store(false)
	c.res, c.trace, c.writeErr = res, req.Trace, nil
	c.inHead, c.keep, c.quiet, c.excess = true, false, false, false
	c.framing, c.remain, c.got, c.lastSeen, c.scanned, c.awaited = NoBody, 0, 0, false, 0, false
	c.firstAt, c.sentAt, c.continueBy, c.drainBy, c.readErr = 0, 0, 0, 0, nil
	t := &req.Timeouts
	c.lim = limits{
		read:    limitOf(wire.Limit(t.Read)),
		write:   limitOf(wire.Limit(t.Write)),
		header:  limitOf(max(t.Header, 0)),
		wait100: limitOf(max(t.Continue, 0)),
	}
	c.served++
	res.Reset()
	res.Conn, res.Reused = c.info, c.served > 1
}

// unsent ends an exchange of which nothing was sent: the connection is as good
// as before.
func (c *Conn) unsent(req *wire.Request, err error) error {
	req.CloseBody()
	c.served--
	c.keep = true
	c.mu.Lock()
	c.failure = err
	c.mu.Unlock()
	c.finish(exFailed, true, false)
	return err
}

// fail ends the exchange, and with it the connection.
func (c *Conn) fail(err error) error {
	hard := true
	if e, ok := err.(*wire.Error); ok && e.Kind == wire.KindProtocol {
		hard = false
	}
	c.mu.Lock()
	c.failure = err
	c.mu.Unlock()
	c.finish(exFailed, false, hard)
	return err
}

// finish ends the exchange that the caller owns: the one place that gives
// everything back. The connection is used again if reuse is set and nothing
// speaks against it; hard says how it is closed otherwise.
//
// It returns what the uploader failed with, if that is the caller's fault and
// the exchange was to end well.
func (c *Conn) finish(last exState, reuse, hard bool) error {
	if c.slot.word.Load()&slotRaw != 0 && reuse {
		// The caller drives: the connection stays his until he closes it.
		c.ex.end(last)
		return nil
	}
	var local error
	if c.active {
		// There is no point in waiting for it where the exchange has failed.
		if reuse && c.settleUpload() {
			if c.up.local && last == exEOF {
				local, last = c.up.err, exFailed
				c.mu.Lock()
				c.failure = local
				c.mu.Unlock()
			}
		} else {
			// Never pooled with an upload under way: the bytes that the
			// peer still expects would be taken from the next request.
			reuse, hard = false, true
			c.stopUpload()
		}
	}
	if last == exEOF && (c.excess || c.r < c.w) {
		c.res.Anomalies |= wire.ExcessAfterResponse
	}
	reuse = c.unwatch() && reuse && c.keep && c.r == c.w && !c.excess && c.readErr == nil && c.writeErr == nil &&
		(c.cfg.MaxRequests <= 0 || c.served < c.cfg.MaxRequests)
	if reuse && last != exFailed {
		c.park()
	}
	c.putWork(reuse)
	// Before the slot is free: the next exchange writes the same word.
	c.ex.end(last)
	if c.slot.free(!reuse) {
		c.closeSocket(hard)
	}
	c.notify()
	return local
}

// send gets the request on its way: it returns when it was sent, or when an
// uploader has taken it over.
func (c *Conn) send(req *wire.Request, head []byte) error {
	c.started = c.now()
	c.lastAt = c.started
	switch {
	case req.Body == nil && req.Trailers == nil:
		return c.sendHead(req, head, true)
	case ExpectsContinue(req) && c.lim.wait100 != 0:
		if err := c.sendHead(req, head, false); err != nil {
			req.CloseBody()
			return err
		}
		c.continueBy = c.lastAt + c.lim.wait100
		if t := req.Trace; t != nil && t.Wait100 != nil {
			t.Wait100()
		}
		return nil
	}
	if body, ok := source.InMemory(req.Body); ok {
		if chunked, length := RequestFraming(req); !chunked && length <= oneWrite {
			return c.sendShort(req, body, head, int(length))
		}
	}
	c.startUpload(req, head)
	return nil
}

// sendHead writes the head, or whatever the whole request is.
func (c *Conn) sendHead(req *wire.Request, p []byte, whole bool) error {
	err := c.write(nil, p, c.lastAt, whole && c.mayAwait(req))
	if !whole {
		c.continueBy = c.started + c.lim.wait100 // the body is ours still, if a hook panics
	}
	t := req.Trace
	if t != nil && t.WroteHead != nil && err == nil {
		t.WroteHead()
	}
	if t != nil && t.WroteRequest != nil && (whole || err != nil) {
		t.WroteRequest(err)
	}
	if !c.awaited { // else it is the time of the write
		c.lastAt = c.now()
	}
	if whole {
		c.sentAt = c.lastAt
	}
	if err == nil || c.writeFailed(err) {
		return nil
	}
	if killed := c.causeError(wire.PhaseWrite); killed != nil {
		return c.fail(killed)
	}
	return c.fail(err)
}

// writeFailed reports whether a failed write leaves a chance to read why: the
// peer may have answered before it closed. Nothing can be an answer to a
// request of which no byte was sent.
func (c *Conn) writeFailed(err error) (goOn bool) {
	e, ok := err.(*wire.Error)
	if !ok || e.Kind == wire.KindTimeout || !c.sent.Load() || c.killed() {
		return false
	}
	c.sentAt = c.now()
	c.writeErr = e
	return true
}

// sendShort reads a short body behind its head and writes both at once.
func (c *Conn) sendShort(req *wire.Request, body io.Reader, head []byte, length int) error {
	all := head
	// One byte more than announced shows a body that is too long.
	if need := len(head) + length + 1; need > cap(head) {
		all = bufpool.Get(need)[:len(head)]
		copy(all, head)
		defer bufpool.Put(all)
	}
	n, err := source.ReadAtMost(body, all[len(head):len(head)+length+1])
	req.CloseBody()
	if err == nil {
		err = lengthError(int64(n), int64(length), n <= length)
	} else {
		err = &wire.Error{Phase: wire.PhaseWrite, Kind: wire.KindRequestBody, Err: err}
	}
	if err != nil {
		return c.bodyUnsent(err)
	}
	c.lastAt = c.now() // the body's Read is the caller's code, and not on our clocks
	return c.sendHead(req, all[:len(head)+length], true)
}

// bodyUnsent is unsent for a request whose body is closed already.
func (c *Conn) bodyUnsent(err error) error {
	return c.unsent(&wire.Request{}, err)
}

// lengthError is nil if a body that has ended (or has not) has the announced
// length.
func lengthError(n, want int64, ended bool) error {
	switch {
	case n > want || n == want && !ended:
		return localError(fmt.Sprintf("h1: request body is longer than its announced %d bytes (RFC 9112 §6.2)", want))
	case n < want:
		return localError(fmt.Sprintf("h1: request body ended after %d of its announced %d bytes (RFC 9112 §6.2)", n, want))
	}
	return nil
}
