package subject

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"time"
)

// netHTTP is net/http at its best: no timeout at all (so no context, no timer
// per request), no transparent gzip, the body read into a buffer that the
// goroutine keeps.
var netHTTP = Subject{
	Name: "nethttp",
	What: "http.Client.Do, no timeout, body into a reused buffer",
	Open: func(o Options) (Client, error) { return openNetHTTP(o, 0), nil },
}

// netHTTPTimeout is the same with the timeout that a careful user sets, and
// that all the others here have.
var netHTTPTimeout = Subject{
	Name: "nethttp-timeout",
	What: "the same with http.Client.Timeout set",
	Open: func(o Options) (Client, error) { return openNetHTTP(o, Timeout), nil },
}

type netHTTPClient struct {
	o      Options
	client http.Client
	close  func()
}

func openNetHTTP(o Options, timeout time.Duration) *netHTTPClient {
	t := &http.Transport{
		MaxConnsPerHost:     o.Conns,
		MaxIdleConns:        o.Conns,
		MaxIdleConnsPerHost: o.Conns,
		IdleConnTimeout:     IdleTimeout,
		DisableCompression:  true,
	}
	if o.Roots != nil {
		t.TLSClientConfig = &tls.Config{RootCAs: o.Roots}
	}
	// One version only, so that no other is spoken unnoticed.
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(!o.isHTTP2())
	t.Protocols.SetHTTP2(o.Proto == HTTP2)
	t.Protocols.SetUnencryptedHTTP2(o.Proto == HTTP2Cleartext)
	return &netHTTPClient{o: o, close: t.CloseIdleConnections, client: http.Client{Transport: t, Timeout: timeout}}
}

func (n *netHTTPClient) Worker(i int) (Exchange, error) {
	c := newCalls(n.o, i)
	ctx := n.o.context()
	buf := make([]byte, n.o.Size+1)
	return func() error {
		req, err := http.NewRequestWithContext(ctx, "GET", c.urls[c.next()], nil)
		if err != nil {
			return err
		}
		resp, err := n.client.Do(req)
		if err != nil {
			return err
		}
		body, err := readAll(resp.Body, buf)
		resp.Body.Close()
		if err != nil {
			return err
		}
		return c.check(resp.StatusCode, body)
	}, nil
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
