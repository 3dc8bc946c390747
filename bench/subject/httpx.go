package subject

import (
	"gohttpx.dev/httpx"
	"gohttpx.dev/tls"
)

// public is what most users write: Client.Get with a URL, all four timeouts on
// by default, the body in memory and theirs to keep.
var public = Subject{
	Name: "httpx",
	Ours: true,
	What: "Client.Get, default timeouts, body in memory",
	Open: func(o Options) (Client, error) { return openHTTPX(o, false) },
}

// prepared sends requests that were built once.
var prepared = Subject{
	Name: "httpx-prepared",
	Ours: true,
	What: "Client.Send of requests built once",
	Open: func(o Options) (Client, error) { return openHTTPX(o, true) },
}

type httpxClient struct {
	o        Options
	client   *httpx.Client
	prepared bool
}

func openHTTPX(o Options, prepared bool) (Client, error) {
	opts := []httpx.ClientOption{
		httpx.WithTimeout(Timeout),
		httpx.WithTrustEnv(false),
		httpx.WithLimits(httpx.Limits{
			MaxConnections:           o.Conns,
			MaxConnectionsPerHost:    o.Conns,
			MaxKeepaliveConnections:  o.Conns,
			KeepaliveExpiry:          IdleTimeout,
			MaxRequestsPerConnection: httpx.Unlimited,
		}),
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
	if !h.prepared {
		return func() error {
			resp, err := h.client.Get(ctx, c.urls[c.next()])
			if err != nil {
				return err
			}
			return c.check(resp.StatusCode, resp.Bytes())
		}, nil
	}
	var requests [around]*httpx.Request
	for i := range requests {
		var err error
		if requests[i], err = h.client.NewRequest("GET", c.urls[i]); err != nil {
			return nil, err
		}
	}
	return func() error {
		resp, err := h.client.Send(ctx, requests[c.next()])
		if err != nil {
			return err
		}
		return c.check(resp.StatusCode, resp.Bytes())
	}, nil
}

func (h *httpxClient) Close() { h.client.Close() }
