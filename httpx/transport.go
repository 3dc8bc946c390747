package httpx

import (
	"context"
	"errors"
	"strings"
	"sync"

	"gohttpx.dev/pool"
	"gohttpx.dev/proxy"
	"gohttpx.dev/wire"
)

// Transport sends one request and returns its response, the body of which may
// still be on its way. It is the seam between a client and whatever carries its
// requests: the network (HTTPTransport), an http.Handler, a test, or another
// Transport that it wraps.
//
// RoundTrip must not follow redirects, must not look at the status, and must
// return either a response or an error. It must be safe for concurrent use. It
// must not change req, and closes its body, as HTTPTransport does. The response
// needs a StatusCode; where Body is nil it is empty. Body is the content as
// received: the codings that Content-Encoding names are removed by whoever reads
// the Response that the client makes of it. That of another Transport's Response has
// lost them already, and of a copy of one nothing is removed again. Whoever called
// closes it.
type Transport interface {
	// RoundTrip returns when the head of the response is there.
	RoundTrip(ctx context.Context, req *Request) (*Response, error)
}

// HTTPTransport is the network: a bounded pool of connections and the engines
// of HTTP/1.1 and HTTP/2. It is safe for concurrent use. Close it when done;
// a client that was given it does.
type HTTPTransport struct {
	settings // its timeouts, for requests that have none
	pool     *pool.Pool
	dialer   *dialer
}

// NewTransport makes a network transport by itself, to be wrapped, mounted or
// shared. It takes the options of New that concern connections and timeouts; any
// other is an error, because a client would have to act on it.
func NewTransport(opts ...ClientOption) (*HTTPTransport, error) {
	cfg := newConfig()
	if err := cfg.apply(opts); err != nil {
		return nil, wrapOp("request", nil, err)
	}
	if cfg.base != nil || cfg.transport != nil || cfg.jarSet || len(cfg.cookies) > 0 || cfg.more != nil || cfg.noDefaults ||
		len(cfg.header)+len(cfg.query)+len(cfg.middleware)+len(cfg.mounts) > 0 {
		return nil, &Error{Op: "request", Err: errors.New("NewTransport: an option concerns clients and not connections: give it to New")}
	}
	return newTransport(cfg)
}

func newTransport(cfg *config) (*HTTPTransport, error) {
	d, err := newDialer(cfg)
	if err != nil {
		return nil, &Error{Op: "request", Err: err}
	}
	l := cfg.limits
	return &HTTPTransport{
		settings: settings{timeouts: cfg.timeouts},
		dialer:   d,
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

// RoundTrip sends r once and returns when the response head is there. The body
// is still on the connection: the response must be read to its end or closed.
// The error is an *Error.
func (t *HTTPTransport) RoundTrip(ctx context.Context, r *Request) (*Response, error) {
	if r == nil {
		return nil, &Error{Op: "request", Err: errors.New("a nil request")}
	}
	if ctx == nil {
		ctx = context.Background()
	}
	return t.roundTrip(ctx, r, r.more, &t.settings)
}

// roundTrip is RoundTrip with the settings of the call, and with def for what
// timeouts r leaves open.
func (t *HTTPTransport) roundTrip(ctx context.Context, r *Request, m *more, def *settings) (*Response, error) {
	if err := r.checkURL(); err != nil {
		return nil, err
	}
	resp := &Response{Request: r, URL: r.URL, start: now(), more: m}
	resp.complete()
	key, err := t.key(r, m)
	if err != nil {
		r.content.drop()
		return nil, err
	}
	w := outgoing.Get().(*wire.Request)
	err = t.exchange(ctx, r, m, def, key, w, resp)
	*w = wire.Request{}
	outgoing.Put(w)
	if err != nil {
		resp.lease.end()
		return nil, wrap(r, resp.conn(), err)
	}
	resp.StatusCode = resp.wire.Status
	resp.Reason = resp.wire.Reason
	if resp.wire.Proto == wire.HTTP2 {
		resp.Reason = StatusText(resp.StatusCode) // the protocol has none
	}
	resp.Proto = resp.wire.Proto.String()
	resp.Header = Header(resp.wire.Fields)
	resp.traceEnd(m)
	return resp, nil
}

// outgoing has the *wire.Request of requests to come. Engines are done with one
// when they return, though their uploads may not be; where an engine panics, in a
// function of the caller's, it is not put back.
var outgoing = sync.Pool{New: func() any { return new(wire.Request) }}

// exchange fills r into w and gets resp.wire for it.
func (t *HTTPTransport) exchange(ctx context.Context, r *Request, m *more, def *settings, key pool.Key, w *wire.Request, resp *Response) error {
	if err := r.fill(ctx, w, m, &resp.lease); err != nil {
		return err
	}
	if r.timeouts != def.timeouts {
		w.Timeouts = r.timeLimitsOver(def)
	}
	if route, ok := key.Profile.(*route); ok && route.via != nil {
		return t.viaProxy(ctx, route, key, r, m, w, resp)
	}
	if m == nil || !strings.Contains(m.target, "://") { // else the caller speaks to a proxy himself
		w.Fields = proxy.OriginFields(w.Fields)
	}
	return t.pool.RoundTrip(ctx, key, w, &resp.wire)
}

// key says which connections can carry a request.
func (t *HTTPTransport) key(r *Request, m *more) (pool.Key, error) {
	k := pool.Key{Scheme: r.URL.scheme, Addr: r.URL.addr}
	route, err := t.dialer.routes.of(r, m)
	if err != nil {
		return k, &Error{Op: "request", Request: r, Err: err}
	}
	if route != nil { // a nil *route in the interface would be another key
		k.Profile = route
		if via := route.via; via != nil && via.share && via.forwards(k.Scheme) {
			k.Addr = via.url.Addr()
		}
	}
	return k, nil
}

func (t *HTTPTransport) preconnect(ctx context.Context, r *Request, n int, def *settings) error {
	if ctx == nil {
		ctx = context.Background()
	}
	key, err := t.key(r, r.more)
	if err != nil {
		return err
	}
	if err := t.pool.Preconnect(ctx, key, n, r.timeLimitsOver(def)); err != nil {
		return wrap(r, nil, err)
	}
	return nil
}

// Stats returns a snapshot of the pool.
func (t *HTTPTransport) Stats() Stats { return t.pool.Stats() }

// Conns returns a snapshot of the pool's connections.
func (t *HTTPTransport) Conns() []ConnStats { return t.pool.Conns() }

// CloseIdle closes the connections that serve no request.
func (t *HTTPTransport) CloseIdle() { t.pool.CloseIdle() }

// Close closes the transport at once: requests that run fail with
// ErrClientClosed, and so do later ones. A second call does nothing.
func (t *HTTPTransport) Close() error { return t.pool.Close() }

// Shutdown refuses new requests and returns when those that run have ended,
// their bodies included. When ctx ends first it closes the transport and returns
// the context's error.
func (t *HTTPTransport) Shutdown(ctx context.Context) error { return t.pool.Shutdown(ctx) }
