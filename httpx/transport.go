package httpx

import (
	"context"
	"io"
	"time"

	"gohttpx.dev/pool"
	"gohttpx.dev/wire"
)

// transport is the network: a pool and the dialler that fills it.
type transport struct {
	pool   *pool.Pool
	dialer *dialer
}

func newTransport(cfg *config) (*transport, error) {
	d, err := newDialer(cfg)
	if err != nil {
		return nil, err
	}
	l := cfg.limits
	return &transport{
		dialer: d,
		pool: pool.New(pool.Config{
			Dial:                    d.dial,
			Probes:                  d.mayShare,
			MaxConnections:          l.MaxConnections,
			MaxConnectionsPerHost:   l.MaxConnectionsPerHost,
			MaxKeepaliveConnections: l.MaxKeepaliveConnections,
			MaxKeepalivePerHost:     l.MaxKeepalivePerHost,
			KeepaliveExpiry:         l.KeepaliveExpiry,
			MaxConnectionAge:        l.MaxConnectionAge,
		}),
	}, nil
}

// roundTrip sends r once and returns when the response head is there. def holds
// the client's defaults for what r leaves open.
func (t *transport) roundTrip(ctx context.Context, r *Request, def *settings) (*Response, error) {
	resp := &Response{Request: r, URL: r.URL, start: time.Now()}
	resp.Body = &resp.stream
	resp.stream.resp = resp
	w := &resp.request
	if err := r.fill(w); err != nil {
		return nil, wrap(r, nil, err)
	}
	w.Timeouts = inherit(w.Timeouts, def.timeouts)
	key := pool.Key{Scheme: r.URL.scheme, Addr: r.URL.addr}
	if err := t.pool.RoundTrip(ctx, key, w, &resp.wire); err != nil {
		return nil, wrap(r, resp.conn(), err)
	}
	resp.StatusCode = resp.wire.Status
	resp.Reason = resp.wire.Reason
	resp.Proto = resp.wire.Proto.String()
	resp.Header = Header(resp.wire.Fields)
	return resp, nil
}

func inherit(t, def wire.Timeouts) wire.Timeouts {
	or := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	or(&t.Connect, def.Connect)
	or(&t.Read, def.Read)
	or(&t.Write, def.Write)
	or(&t.Pool, def.Pool)
	or(&t.Header, def.Header)
	or(&t.Continue, def.Continue)
	return t
}

// streamBody is Response.Body: the connection's bytes, or the buffer once they
// have been read into one.
type streamBody struct {
	resp *Response
	off  int // in the buffer
}

func (s *streamBody) Read(p []byte) (int, error) {
	r := s.resp
	if r.buffered {
		if s.off >= len(r.body) {
			return 0, io.EOF
		}
		n := copy(p, r.body[s.off:])
		s.off += n
		return n, nil
	}
	n, err := r.wire.Body.Read(p)
	r.received += int64(n)
	return n, r.ended(err)
}

func (s *streamBody) Close() error {
	// Whether Buffer has ended is not asked: it may be running. The engine
	// knows that an exchange is over.
	r := s.resp
	err := r.wire.Body.Close()
	r.stop()
	if err != nil {
		return wrap(r.Request, r.conn(), err)
	}
	return nil
}

// ended wraps a read error and stops the clock at the end.
func (r *Response) ended(err error) error {
	switch {
	case err == nil:
		return nil
	case err == io.EOF:
		r.stop()
		return io.EOF
	case err == wire.ErrBodyClosed:
		return &Error{Op: "body", Request: r.Request, Conn: r.conn(), Sent: true, Err: err}
	}
	r.stop()
	return wrap(r.Request, r.conn(), err)
}

func (r *Response) stop() {
	r.total.CompareAndSwap(0, int64(max(time.Since(r.start), 1)))
}
