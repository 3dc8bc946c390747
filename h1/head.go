package h1

import (
	"fmt"
	"time"

	"gohttpx.dev/wire"
)

// The heads of a response: interim ones, then the final one, which decides what
// follows and whether the connection may be used again.

// sentTime is when the request was fully sent, or 0 if it is not.
func (c *Conn) sentTime() int64 {
	if c.active {
		return c.up.sentAt.Load()
	}
	return c.sentAt
}

// receiveResponse reads heads up to the final one and decides what follows.
func (c *Conn) receiveResponse(req *wire.Request, res *wire.Response) error {
	c.r, c.w = 0, 0
	interim, bytes := 0, 0
	for {
		n, err := c.readHead(res)
		if err == errContinueTimer {
			// RFC 9110 §10.1.1: do not wait for an indefinite time.
			c.continueBy = 0
			c.lastAt = c.now()
			c.startUpload(req, nil)
			continue
		}
		if err != nil {
			return c.failHead(req, err)
		}
		if !c.sent.Load() {
			// RFC 9112 §9.2: what comes before the request answers nothing.
			return c.failHead(req, c.remoteError(wire.PhaseHead, "h1: a response came before the request was sent (RFC 9112 §9.2)"))
		}
		if res.Status >= 200 || res.Status == 101 {
			break
		}
		interim++
		bytes += n
		if interim > c.cfg.Limits.Interim || bytes > c.cfg.Limits.HeadBytes {
			return c.failHead(req, c.parseError(wire.PhaseHead, broken(ruleInterim,
				fmt.Sprintf("%d interim responses of %d bytes are above the limit of %d and %d bytes",
					interim, bytes, c.cfg.Limits.Interim, c.cfg.Limits.HeadBytes), -1)))
		}
		if t := req.Trace; t != nil && t.Interim != nil {
			if err := t.Interim(res.Status, res.Fields); err != nil {
				return c.failHead(req, &wire.Error{Phase: wire.PhaseHead, Kind: wire.KindCanceled, Sent: true, Err: err})
			}
			res.Fields = nil // the hook may have kept them
		}
		if res.Status == 100 && c.continueBy != 0 {
			c.continueBy = 0
			c.startUpload(req, nil)
		}
	}
	return c.finalHead(req, res)
}

// failHead ends an exchange that has no final head.
func (c *Conn) failHead(req *wire.Request, err error) error {
	if c.continueBy != 0 {
		req.CloseBody() // no uploader has it
	}
	return c.fail(err)
}

// readHead reads one head into res and returns its length.
func (c *Conn) readHead(res *wire.Response) (int, error) {
	for resume := 0; ; {
		if c.r < c.w {
			src := c.buf[c.r:c.w]
			if resume == 0 {
				// Most heads come in one piece. The parser finds the end of one
				// that is good where ScanHead does; what is not, or not yet, is
				// left to the judgement below.
				within := src[:min(len(src), c.cfg.Limits.HeadBytes)]
				if n, err := c.parser.Response(within, res); err == nil && n > 0 {
					return c.tookHead(res, src[:n]), nil
				}
			}
			end, next, err := ScanHead(src, resume)
			if err != nil {
				return 0, c.parseError(wire.PhaseHead, err)
			}
			resume = next
			if end > c.cfg.Limits.HeadBytes || end == 0 && len(src) >= c.cfg.Limits.HeadBytes {
				return 0, c.parseError(wire.PhaseHead, broken(ruleHeadBytes,
					fmt.Sprintf("response head is longer than %d bytes", c.cfg.Limits.HeadBytes), -1))
			}
			if end > 0 {
				n, err := c.parser.Response(src[:end], res)
				if err == nil && n == 0 {
					err = broken(ruleLine, "the head ends in the middle of a line", end)
				}
				if err != nil {
					return 0, c.parseError(wire.PhaseHead, err)
				}
				return c.tookHead(res, src[:n]), nil
			}
		}
		c.room(c.cfg.Limits.HeadBytes)
		n, err := c.receive(c.buf[c.w:])
		c.w += n
		if err != nil {
			return 0, c.readError(err)
		}
	}
}

// tookHead takes note that the head which stands first in the buffer is in res.
func (c *Conn) tookHead(res *wire.Response, head []byte) int {
	if c.cfg.KeepRawHead {
		res.RawHead = append(res.RawHead[:0], head...)
	}
	c.r += len(head)
	return len(head)
}

// finalHead decides what follows the final head.
func (c *Conn) finalHead(req *wire.Request, res *wire.Response) error {
	method := req.Method
	if method == "" {
		method = "GET"
	}
	framing, length, err := BodyFraming(method, res, c.cfg.Rules)
	if err != nil {
		return c.failHead(req, c.parseError(wire.PhaseHead, err))
	}
	c.inHead = false
	c.old = res.Proto == wire.HTTP10
	if c.active {
		c.up.final.Store(true)
	}
	c.lim.header = 0
	c.timing(res)
	if framing == Switched {
		return c.switched(req, res)
	}
	c.framing, c.remain = framing, length
	c.keep = framing != UntilClose && KeepAlive(res, hasOption(req.Fields, "close"))
	if c.continueBy != 0 {
		// A final status before the body: it is not wanted, so it is not
		// sent, and the connection cannot be used again, since the peer may
		// take what comes next for the body (RFC 9110 §10.1.1).
		c.continueBy, c.keep = 0, false
		c.sentAt = c.lastAt
		req.CloseBody()
	}
	if c.active && !c.keep && res.Status >= 300 {
		// RFC 9112 §9.5: a peer that closes after this response and was not
		// content with the request does not want the rest of the body. One
		// that was may be working on it while it answers.
		c.haltUpload()
	}
	if framing == NoBody || framing == Length && length == 0 {
		if framing == Length {
			c.framing = NoBody
		}
		return c.finish(exEOF, true, false)
	}
	if framing == Chunked {
		c.dec.Reset(c.cfg.Limits, c.cfg.Rules)
	}
	return c.open(res)
}

// open hands the content out.
func (c *Conn) open(res *wire.Response) error {
	id := c.ex.id()
	res.Body = wire.NewBody(c, id)
	c.ex.move(id, exBusy, exOpen)
	// An abort that came meanwhile has left the exchange to us.
	if c.killed() && c.ex.move(id, exOpen, exBusy) {
		res.Body = wire.Body{}
		return c.abandon()
	}
	return nil
}

// timing fills in what is known of the exchange at its head.
func (c *Conn) timing(res *wire.Response) {
	sent := c.sentTime()
	if sent == 0 || sent > c.lastAt {
		sent = c.lastAt
	}
	res.Timing.Write = time.Duration(sent - c.started)
	if c.firstAt > sent {
		res.Timing.FirstByte = time.Duration(c.firstAt - sent)
	}
}
