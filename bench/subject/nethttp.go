package subject

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"gohttpx.dev/bench/server"
)

// netHTTP is net/http at its best: no timeout at all (so no context, no timer
// per request), no transparent gzip, the body read into a buffer that the
// goroutine keeps.
var netHTTP = Subject{
	Name: "nethttp",
	What: "http.Client.Do, no timeout, body into a reused buffer",
	Can:  canNetHTTP,
	Open: func(o Options) (Client, error) { return openNetHTTP(o, 0), nil },
}

// netHTTPKept is the first with content that is the caller's to keep, as programs
// have it, and as ours gives it.
var netHTTPKept = Subject{
	Name:      "nethttp-kept",
	What:      "the first with the body read by io.ReadAll",
	HTTP1Only: true,
	Open: func(o Options) (Client, error) {
		n := openNetHTTP(o, 0)
		n.keep = true
		return n, nil
	},
}

// netHTTPTimeout is the same with the timeout that a careful user sets, and
// that all the others here have.
var netHTTPTimeout = Subject{
	Name: "nethttp-timeout",
	What: "the same with http.Client.Timeout set",
	Can:  canNetHTTP,
	Open: func(o Options) (Client, error) { return openNetHTTP(o, o.timeout()), nil },
}

// canNetHTTP leaves out the codings that net/http knows nothing of.
func canNetHTTP(o Options) bool { return o.Kind != server.KindBrotli && o.Kind != server.KindZstd }

type netHTTPClient struct {
	o      Options
	client http.Client
	close  func()
	keep   bool // the content is new each time
}

func openNetHTTP(o Options, timeout time.Duration) *netHTTPClient {
	t := transportOf(o)
	return &netHTTPClient{o: o, close: t.CloseIdleConnections, client: http.Client{Transport: t, Timeout: timeout}}
}

// transportOf is a net/http Transport with the caps that all have.
func transportOf(o Options) *http.Transport {
	t := &http.Transport{
		MaxConnsPerHost:     o.Conns,
		MaxIdleConns:        o.Conns,
		MaxIdleConnsPerHost: o.Conns,
		IdleConnTimeout:     IdleTimeout,
		DisableCompression:  o.Kind != server.KindGzip,
		DisableKeepAlives:   o.Fresh,
	}
	if o.Roots != nil {
		t.TLSClientConfig = tlsOf(o)
	}
	// One version only, so that no other is spoken unnoticed.
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(!o.isHTTP2())
	t.Protocols.SetHTTP2(o.Proto == HTTP2)
	t.Protocols.SetUnencryptedHTTP2(o.Proto == HTTP2Cleartext)
	return t
}

func (n *netHTTPClient) Worker(i int) (Exchange, error) {
	c := newCalls(n.o, i)
	ctx := n.o.context()
	switch {
	case n.o.SlowReader && i == 0:
		return slowly(func() (io.ReadCloser, error) { return n.open(ctx, slowURL(n.o)) })
	case n.o.Job == Down || n.o.Job == Up:
		buf := make([]byte, pieceSize)
		return func() error { return n.transfer(ctx, c.transfer(), buf) }, nil
	}
	buf := make([]byte, n.o.Size+1)
	return func() error {
		req, err := n.request(ctx, c)
		if err != nil {
			return err
		}
		resp, err := n.client.Do(req)
		if err != nil {
			return err
		}
		var body []byte
		if n.keep {
			body, err = io.ReadAll(resp.Body)
		} else {
			body, err = readAll(resp.Body, buf)
		}
		resp.Body.Close()
		if err != nil {
			return err
		}
		if c.hasFields() {
			if err := c.checkField(resp.Header.Get(server.LastField)); err != nil {
				return err
			}
		}
		return c.check(resp.StatusCode, body)
	}, nil
}

// request makes the next of c.
func (n *netHTTPClient) request(ctx context.Context, c *calls) (*http.Request, error) {
	i := c.next()
	if n.o.Job != Post {
		return http.NewRequestWithContext(ctx, "GET", c.urls[i], nil)
	}
	req, err := http.NewRequestWithContext(ctx, "POST", c.urls[i], bytes.NewReader(c.bodies[i]))
	if err == nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, err
}

// transfer carries out a Down or Up.
func (n *netHTTPClient) transfer(ctx context.Context, x call, buf []byte) error {
	method, body := "GET", io.Reader(nil)
	if x.upload > 0 {
		method, body = "POST", x.source()
	}
	req, err := http.NewRequestWithContext(ctx, method, x.url, body)
	if err != nil {
		return err
	}
	req.ContentLength = int64(x.upload)
	resp, err := n.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return x.drain(resp.StatusCode, resp.Body, buf)
}

// open asks for content that is read later.
func (n *netHTTPClient) open(ctx context.Context, url string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := n.client.Do(req)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

func (n *netHTTPClient) Close() { n.close() }

// readAll reads to the end of r, of which buf holds one byte more than is
// expected.
func readAll(r io.Reader, buf []byte) ([]byte, error) {
	n := 0
	for n < len(buf) {
		m, err := r.Read(buf[n:])
		n += m
		if errors.Is(err, io.EOF) {
			return buf[:n], nil
		}
		if err != nil {
			return buf[:n], err
		}
	}
	return buf, errLong
}
