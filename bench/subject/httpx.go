package subject

import (
	"context"
	"errors"
	"io"

	"gohttpx.dev/bench/server"
	"gohttpx.dev/httpx"
	"gohttpx.dev/tls"
)

// public is what most users write: Client.Get with a URL, all four timeouts on
// by default, the body in memory and theirs to keep.
var public = Subject{
	Name: "httpx",
	Ours: true,
	What: "Client.Get, default timeouts, body in memory",
	Can:  func(Options) bool { return true },
	Open: func(o Options) (Client, error) { return openHTTPX(o, false) },
}

// prepared sends requests that were built once.
var prepared = Subject{
	Name: "httpx-prepared",
	Ours: true,
	What: "Client.Send of requests built once",
	Can:  func(o Options) bool { return (o.Job == Get || o.Job == Post) && !o.SlowReader },
	Open: func(o Options) (Client, error) { return openHTTPX(o, true) },
}

type httpxClient struct {
	o        Options
	client   *httpx.Client
	prepared bool
}

func openHTTPX(o Options, prepared bool) (Client, error) {
	opts := []httpx.ClientOption{
		httpx.WithTimeout(o.timeout()),
		httpx.WithTrustEnv(false),
		httpx.WithLimits(httpx.Limits{
			MaxConnections:           o.Conns,
			MaxConnectionsPerHost:    o.Conns,
			MaxKeepaliveConnections:  o.Conns,
			KeepaliveExpiry:          IdleTimeout,
			MaxRequestsPerConnection: httpx.Unlimited,
		}),
	}
	if o.Fresh {
		opts = append(opts, httpx.WithHeader("Connection", "close"))
	}
	if o.Roots != nil {
		opts = append(opts, httpx.WithTLS(tls.Options{RootCAs: o.Roots}))
	}
	if o.isHTTP2() {
		// Without HTTP/1.1 there is nothing else to be spoken, unnoticed.
		opts = append(opts, httpx.WithHTTP1(false))
	} else {
		opts = append(opts, httpx.WithHTTP2(false))
	}
	client, err := httpx.New(opts...)
	if err != nil {
		return nil, err
	}
	return &httpxClient{o: o, client: client, prepared: prepared}, nil
}

func (h *httpxClient) Worker(i int) (Exchange, error) {
	c := newCalls(h.o, i)
	ctx := h.o.context()
	switch {
	case h.o.SlowReader && i == 0:
		return slowly(func() (io.ReadCloser, error) {
			resp, err := h.client.Stream(ctx, "GET", slowURL(h.o))
			if err != nil {
				return nil, err
			}
			return resp.Body, nil
		})
	case h.o.Job == Down || h.o.Job == Up:
		buf := make([]byte, pieceSize)
		return func() error { return h.transfer(ctx, c.transfer(), buf) }, nil
	}
	send, err := h.sender(ctx, c)
	if err != nil {
		return nil, err
	}
	return func() error {
		resp, err := send(c.next())
		if err != nil {
			return err
		}
		if c.hasFields() {
			if err := c.checkField(resp.Header.Get(server.LastField)); err != nil {
				return err
			}
		}
		return c.check(resp.StatusCode, resp.Bytes())
	}, nil
}

// sender returns what sends one of c's requests, a Get or Post.
func (h *httpxClient) sender(ctx context.Context, c *calls) (func(i int) (*httpx.Response, error), error) {
	asJSON := httpx.WithHeader("Content-Type", "application/json")
	if !h.prepared {
		if h.o.Job == Post {
			return func(i int) (*httpx.Response, error) {
				return h.client.Post(ctx, c.urls[i], httpx.Bytes(c.bodies[i]), asJSON)
			}, nil
		}
		return func(i int) (*httpx.Response, error) { return h.client.Get(ctx, c.urls[i]) }, nil
	}
	method, opts := "GET", []httpx.RequestOption(nil)
	var requests [around]*httpx.Request
	for i := range requests {
		if h.o.Job == Post {
			method, opts = "POST", []httpx.RequestOption{httpx.Bytes(c.bodies[i]), asJSON}
		}
		var err error
		if requests[i], err = h.client.NewRequest(method, c.urls[i], opts...); err != nil {
			return nil, err
		}
	}
	return func(i int) (*httpx.Response, error) { return h.client.Send(ctx, requests[i]) }, nil
}

// transfer carries out a Down or Up.
func (h *httpxClient) transfer(ctx context.Context, x call, buf []byte) error {
	method, opts := "GET", []httpx.RequestOption(nil)
	if x.upload > 0 {
		body := httpx.SizedBodyFunc(int64(x.upload), func() (io.ReadCloser, error) { return x.source(), nil })
		method, opts = "POST", []httpx.RequestOption{body}
	}
	resp, err := h.client.Stream(ctx, method, x.url, opts...)
	if err != nil {
		return err
	}
	return errors.Join(x.drain(resp.StatusCode, resp.Body, buf), resp.Close())
}

func (h *httpxClient) Close() { h.client.Close() }
