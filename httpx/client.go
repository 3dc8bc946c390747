package httpx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"

	"gohttpx.dev/pool"
)

// Version is this library's version.
const Version = "0.1.0-dev"

// Client sends requests over one bounded pool of connections. Make it with New,
// use it from any number of goroutines, and Close it when done.
type Client struct {
	settings  // defaults; immutable after New
	base      *URL
	transport Transport      // what carries requests, middleware included
	network   *HTTPTransport // the same where it is the network and nothing else
	jar       http.CookieJar // nil: none
	shared    *shared
}

// shared is what a client and those derived from it have in common.
type shared struct {
	network *HTTPTransport // nil if another transport was given
	closers []io.Closer    // what Close closes
	slots   *inFlight      // nil: calls are not counted
	closed  atomic.Bool
}

// New makes a client. Without options it behaves as the package-level
// functions do, but for a cookie jar of its own.
func New(opts ...ClientOption) (*Client, error) {
	cfg := newConfig()
	if err := cfg.apply(opts); err != nil {
		return nil, wrapOp("request", nil, err)
	}
	if !cfg.jarSet {
		cfg.jar = new(Cookies)
	}
	if err := cfg.seedCookies(); err != nil {
		return nil, wrapOp("request", nil, err)
	}
	t := cfg.transport
	if t == nil {
		network, err := newTransport(cfg)
		if err != nil {
			return nil, err
		}
		cfg.warn(network)
		t = network
	}
	sh := new(shared)
	sh.network, _ = t.(*HTTPTransport)
	sh.closers = cfg.closers(t)
	if cfg.maxInFlight > 0 {
		sh.slots = &inFlight{max: cfg.maxInFlight}
		sh.closers = append([]io.Closer{sh.slots}, sh.closers...) // first: what waits must not begin
	}
	c, err := newClient(cfg, cfg.route(t), sh)
	if err != nil {
		return nil, err
	}
	if !cfg.noDefaults {
		c.settings.header = defaultHeader(cfg.header, cfg.more)
	}
	return c, nil
}

// newClient puts a client together on top of t.
func newClient(cfg *config, t Transport, sh *shared) (*Client, error) {
	for i := len(cfg.middleware) - 1; i >= 0; i-- {
		if t = cfg.middleware[i](t); t == nil {
			return nil, &Error{Op: "request", Err: errors.New("WithMiddleware: the function returned nil")}
		}
	}
	c := &Client{settings: cfg.settings, base: cfg.base, transport: t, jar: cfg.jar, shared: sh}
	c.settings.owned = false
	c.network, _ = t.(*HTTPTransport)
	return c, nil
}

// defaultHeader puts what a client was given over what every request has.
func defaultHeader(given Header, m *more) Header {
	var h Header
	h.Add("Accept", "*/*")
	if codings := acceptEncoding(m); codings != "" {
		h.Add("Accept-Encoding", codings)
	}
	h.Add("User-Agent", "gohttpx/"+Version)
	h.Merge(given)
	return h
}

// dropDefaults removes the fields that are as every client has them.
func (h *Header) dropDefaults(def Header) {
	for name, value := range def.All() {
		if h.Get(name) == value {
			h.Del(name)
		}
	}
}

// With returns a client derived from c: with c's defaults, opts over them, and
// the same connections, cookies and Close. Options of the connection (WithTLS,
// WithProxy and the like) give its requests connections of their own kind in
// that pool; one that would need another pool is an error.
func (c *Client) With(opts ...ClientOption) (*Client, error) {
	cfg := config{settings: c.settings, derived: c, base: c.base, jar: c.jar}
	cfg.settings.owned = false
	cfg.settings.header = c.settings.header.Clone()
	cfg.settings.query = nil
	if err := cfg.apply(opts); err != nil {
		return nil, wrapOp("request", nil, err)
	}
	cfg.settings.query = mergeQuery(c.settings.query, cfg.settings.query)
	if cfg.noDefaults {
		cfg.settings.header.dropDefaults(defaultHeader(nil, cfg.more))
	}
	if err := cfg.seedCookies(); err != nil {
		return nil, wrapOp("request", nil, err)
	}
	return newClient(&cfg, c.transport, c.shared)
}

// NewRequest builds a request with the client's defaults merged in. The method
// is read as Do reads it.
func (c *Client) NewRequest(method, url string, opts ...RequestOption) (*Request, error) {
	return buildRequest(c, method, url, opts)
}

// Do sends a request and buffers the response. An empty method is GET, and the
// standard ones may be given in lower case.
func (c *Client) Do(ctx context.Context, method, url string, opts ...RequestOption) (*Response, error) {
	r, err := buildRequest(c, method, url, opts)
	if err != nil {
		return nil, err
	}
	return c.send(ctx, r, false)
}

// Stream sends a request and leaves the response body on the connection, to be
// read piece by piece. The response must be closed.
func (c *Client) Stream(ctx context.Context, method, url string, opts ...RequestOption) (*Response, error) {
	r, err := buildRequest(c, method, url, opts)
	if err != nil {
		return nil, err
	}
	return c.send(ctx, r, true)
}

// StreamFunc is Stream for a response that need not outlive f: it is closed when
// f returns, or panics. The error is that of the request, else that of f. It is an
// error if f is nil, and nothing is sent.
func (c *Client) StreamFunc(ctx context.Context, method, url string, f func(*Response) error, opts ...RequestOption) error {
	if f == nil {
		dropBodies(opts)
		return wrapOp("request", nil, errors.New("StreamFunc: nil function"))
	}
	resp, err := c.Stream(ctx, method, url, opts...)
	if err != nil {
		return err
	}
	defer resp.Close()
	return f(resp)
}

// Get sends a GET request.
func (c *Client) Get(ctx context.Context, url string, opts ...RequestOption) (*Response, error) {
	return c.Do(ctx, "GET", url, opts...)
}

// Head sends a HEAD request.
func (c *Client) Head(ctx context.Context, url string, opts ...RequestOption) (*Response, error) {
	return c.Do(ctx, "HEAD", url, opts...)
}

// Options sends an OPTIONS request.
func (c *Client) Options(ctx context.Context, url string, opts ...RequestOption) (*Response, error) {
	return c.Do(ctx, "OPTIONS", url, opts...)
}

// Delete sends a DELETE request.
func (c *Client) Delete(ctx context.Context, url string, opts ...RequestOption) (*Response, error) {
	return c.Do(ctx, "DELETE", url, opts...)
}

// Post sends a POST request.
func (c *Client) Post(ctx context.Context, url string, opts ...RequestOption) (*Response, error) {
	return c.Do(ctx, "POST", url, opts...)
}

// Put sends a PUT request.
func (c *Client) Put(ctx context.Context, url string, opts ...RequestOption) (*Response, error) {
	return c.Do(ctx, "PUT", url, opts...)
}

// Patch sends a PATCH request.
func (c *Client) Patch(ctx context.Context, url string, opts ...RequestOption) (*Response, error) {
	return c.Do(ctx, "PATCH", url, opts...)
}

// Stats is a snapshot of the pool: connections, waiters, dials and reuses, in
// all and per origin.
type Stats = pool.Stats

// Stats returns a snapshot of the pool. Its JSON is good for expvar:
//
//	expvar.Publish("http", expvar.Func(func() any { return client.Stats() }))
//
// A client over another transport has none.
func (c *Client) Stats() Stats {
	if c.shared.network == nil {
		return Stats{}
	}
	return c.shared.network.Stats()
}

// ConnStats describes one connection of the pool.
type ConnStats = pool.ConnStats

// Conns returns a snapshot of the pool's connections.
func (c *Client) Conns() []ConnStats {
	if c.shared.network == nil {
		return nil
	}
	return c.shared.network.Conns()
}

// Preconnect sees to it that n requests to the origin of url can start at once:
// it dials what is missing and leaves it idle, where MaxKeepaliveConnections and
// KeepaliveExpiry apply. Over HTTP/2 one connection carries many. Where the
// limits have no room for n the wait ends with ErrPoolTimeout. opts may hold
// options of the connection.
func (c *Client) Preconnect(ctx context.Context, url string, n int, opts ...RequestOption) error {
	r, err := buildRequest(c, "GET", url, opts)
	if err != nil {
		return err
	}
	r.content.drop()
	if c.shared.network == nil {
		return &Error{Op: "request", Request: r, Err: errors.New("Preconnect: the client's transport is not the network")}
	}
	return c.shared.network.preconnect(ctx, r, n, &c.settings)
}

// String says that c is a client and how many connections it has, and none of
// its defaults, which may be secret.
func (c *Client) String() string {
	return fmt.Sprintf("httpx.Client(%d connections)", c.Stats().Open)
}

// GoString is String, so that %#v shows no secret either.
func (c *Client) GoString() string { return c.String() }

// CloseIdle closes the connections that serve no request.
func (c *Client) CloseIdle() {
	for _, t := range c.shared.closers {
		if t, ok := t.(interface{ CloseIdle() }); ok {
			t.CloseIdle()
		}
	}
}

// Close closes the client at once, and those derived from it: requests that run
// fail with ErrClientClosed, and so do later ones. Its transports are closed
// too, if they are io.Closers. A second call does nothing.
func (c *Client) Close() error {
	if c.shared.closed.Swap(true) {
		return nil
	}
	var errs []error
	for _, t := range c.shared.closers {
		errs = append(errs, t.Close())
	}
	return errors.Join(errs...)
}

// Shutdown refuses new requests and returns when those that run have ended,
// their bodies included. When ctx ends first it closes the client and returns
// the context's error. Of transports it waits for those with a Shutdown, and
// closes the others.
func (c *Client) Shutdown(ctx context.Context) error {
	c.shared.closed.Store(true)
	var errs []error
	for _, t := range c.shared.closers {
		if s, ok := t.(interface{ Shutdown(context.Context) error }); ok {
			errs = append(errs, s.Shutdown(ctx))
		} else {
			errs = append(errs, t.Close())
		}
	}
	return errors.Join(errs...)
}
