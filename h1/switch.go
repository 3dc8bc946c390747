package h1

import (
	"net"
	"strings"
	"sync"

	"gohttpx.dev/internal/grammar"
	"gohttpx.dev/wire"
)

// 101 (Switching Protocols) and a 2xx answer to CONNECT turn the connection
// into a stream of bytes. It can be read through the body, or taken over as a
// net.Conn.

// switched ends the HTTP part of a connection.
func (c *Conn) switched(req *wire.Request, res *wire.Response) error {
	// RFC 9110 §7.8: "A client cannot begin using an upgraded protocol on the
	// connection until it has completely sent the request message".
	unsent := c.continueBy != 0 || !c.settleUpload()
	if unsent || c.up != nil && c.up.err != nil {
		return c.failHead(req, c.remoteError(wire.PhaseHead, "h1: the protocol was switched before the request was fully sent (RFC 9110 §7.8)"))
	}
	if res.Status == 101 && !offered(req.Fields, res.Fields) {
		return c.failHead(req, c.remoteError(wire.PhaseHead, "h1: 101 (Switching Protocols) to a protocol that was not asked for (RFC 9110 §7.8)"))
	}
	c.framing, c.keep = Switched, false
	return c.open(res)
}

// offered reports whether every protocol that the response switches to was in
// the request's Upgrade field (RFC 9110 §7.8). One that the response does not
// name is taken for the one that was asked for.
func offered(req, res wire.Fields) bool {
	if !req.Has("Upgrade") {
		return false
	}
	for _, list := range res.Values("Upgrade") {
		for p := range strings.SplitSeq(list, ",") {
			if p = grammar.Trim(p); p != "" && !hasListed(req, p) {
				return false
			}
		}
	}
	return true
}

// hasListed reports whether an Upgrade field lists the protocol. One that was
// asked for without a version may come with one.
func hasListed(fields wire.Fields, protocol string) bool {
	name, _, _ := strings.Cut(protocol, "/")
	for i := range fields {
		if wire.EqualFold(fields[i].Name, "Upgrade") && (grammar.HasToken(fields[i].Value, protocol) || grammar.HasToken(fields[i].Value, name)) {
			return true
		}
	}
	return false
}

// DetachBody hands the stream of the exchange id over, for wire.Body. No
// timeout and no context applies to it any more. The connection keeps its slot
// until the net.Conn is closed; Conn.Close still breaks it.
func (c *Conn) DetachBody(id uint64) (net.Conn, error) {
	s, err := c.takeSwitched(id)
	if err != nil {
		return nil, err
	}
	st := &stream{Conn: c.nc, c: c, lead: s}
	return st, nil
}

// takeSwitched ends the exchange id, if it is a switched one, without giving
// anything but the buffer back, and returns the bytes that have been read.
func (c *Conn) takeSwitched(id uint64) ([]byte, error) {
	for {
		s, ok := c.ex.load(id)
		switch {
		case !ok || s == exClosed || s == exDropped || s == exDetached:
			return nil, wire.ErrBodyClosed
		case s == exEOF:
			return nil, wire.ErrNotSwitched
		case s == exReading:
			return nil, localError("h1: the stream is being read")
		case s == exFailed:
			c.mu.Lock()
			defer c.mu.Unlock()
			return nil, c.failure
		case s == exBusy:
			if err := c.causeError(wire.PhaseBody); err != nil {
				return nil, err
			}
			return nil, wire.ErrBodyClosed
		}
		// Like a reader: CloseBody leaves a busy exchange to its owner, but
		// this one may have to give it back.
		if c.ex.move(id, exOpen, exReading) {
			break
		}
	}
	if c.framing != Switched {
		if err := c.leave(id); err != nil {
			return nil, err
		}
		return nil, wire.ErrNotSwitched
	}
	if !c.ex.move(id, exReading, exBusy) {
		return nil, c.dropped()
	}
	if ctx := c.ctx; !c.unwatch() {
		// The hook closes the socket now or soon.
		return nil, c.fail(wire.Canceled(ctx, wire.PhaseBody, true))
	}
	c.clearDeadlines()
	lead := append([]byte(nil), c.buf[c.r:c.w]...)
	c.putWork(false)
	c.ex.end(exDetached)
	return lead, nil
}

// stream is a connection that was handed over.
type stream struct {
	net.Conn
	c *Conn

	mu   sync.Mutex
	lead []byte // guarded by mu; came with the response head

	once sync.Once
	err  error // of Close; written within once
}

// Read reads what came with the response head, then from the connection.
func (s *stream) Read(p []byte) (int, error) {
	s.mu.Lock()
	if len(s.lead) > 0 {
		n := copy(p, s.lead)
		if s.lead = s.lead[n:]; len(s.lead) == 0 {
			s.lead = nil
		}
		s.mu.Unlock()
		return n, nil
	}
	s.mu.Unlock()
	return s.Conn.Read(p)
}

// CloseWrite ends the writing half, where the connection can do that.
func (s *stream) CloseWrite() error {
	if cw, ok := s.Conn.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return net.ErrClosed
}

// Close closes the connection and gives its slot back.
func (s *stream) Close() error {
	s.once.Do(func() {
		s.err = s.Conn.Close()
		s.c.slot.free(true)
		s.c.notify()
	})
	return s.err
}
