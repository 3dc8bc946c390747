package httpx

import (
	"context"
	"errors"
	"fmt"

	"gohttpx.dev/pool"
)

// Version is this library's version.
const Version = "0.1.0-dev"

// Client sends requests over one bounded pool of connections. Make it with New,
// use it from any number of goroutines, and Close it when done.
type Client struct {
	settings  // defaults; immutable after New
	base      *URL
	transport *transport
}

// New makes a client. Without options it behaves as the package-level
// functions do.
func New(opts ...ClientOption) (*Client, error) {
	var cfg config
	for _, o := range opts {
		if o == nil {
			return nil, &Error{Op: "request", Err: errors.New("a nil option")}
		}
		if err := o.applyClient(&cfg); err != nil {
			return nil, wrap(nil, nil, err)
		}
	}
	t, err := newTransport(&cfg)
	if err != nil {
		return nil, &Error{Op: "request", Err: err}
	}
	c := &Client{settings: cfg.settings, base: cfg.base, transport: t}
	if !cfg.noDefaults {
		var h Header
		h.Add("Accept", "*/*")
		h.Add("User-Agent", "gohttpx/"+Version)
		h.merge(cfg.settings.header)
		c.settings.header = h
	}
	return c, nil
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

// send is the pipeline that every request of a client goes through.
func (c *Client) send(ctx context.Context, r *Request, stream bool) (*Response, error) {
	if ctx == nil {
		ctx = context.Background()
	}
	resp, err := c.transport.roundTrip(ctx, r, &c.settings)
	if err != nil {
		return nil, err
	}
	if stream || resp.StatusCode == 101 || r.Method == "CONNECT" && resp.IsSuccess() {
		return resp, nil
	}
	if err := resp.Buffer(); err != nil {
		return nil, err
	}
	return resp, nil
}

// Stats is a snapshot of the pool: connections, waiters, dials and reuses, in
// all and per origin.
type Stats = pool.Stats

// Stats returns a snapshot of the pool.
func (c *Client) Stats() Stats { return c.transport.pool.Stats() }

// ConnStats describes one connection of the pool.
type ConnStats = pool.ConnStats

// Conns returns a snapshot of the pool's connections.
func (c *Client) Conns() []ConnStats { return c.transport.pool.Conns() }

// String says that c is a client and how many connections it has, and none of
// its defaults, which may be secret.
func (c *Client) String() string {
	return fmt.Sprintf("httpx.Client(%d connections)", c.Stats().Open)
}

// CloseIdle closes the connections that serve no request.
func (c *Client) CloseIdle() { c.transport.pool.CloseIdle() }

// Close closes the client at once: requests that run fail with
// ErrClientClosed, and so do later ones. A second call does nothing.
func (c *Client) Close() error { return c.transport.pool.Close() }

// Shutdown refuses new requests and returns when those that run have ended,
// their bodies included. When ctx ends first it closes the client and returns
// the context's error.
func (c *Client) Shutdown(ctx context.Context) error { return c.transport.pool.Shutdown(ctx) }
