package subject

import (
	"crypto/tls"

	"github.com/valyala/fasthttp"
)

// fastHTTP is fasthttp as its documentation shows it: the general client, a
// request and a response acquired and released around each exchange, both
// timeouts set, the body looked at in place and never copied.
var fastHTTP = Subject{
	Name:      "fasthttp",
	What:      "fasthttp.Client.Do, acquire/release, read and write timeout",
	HTTP1Only: true,
	Open: func(o Options) (Client, error) {
		f := &fastHTTPClient{o: o, client: fasthttp.Client{
			MaxConnsPerHost:     o.Conns,
			MaxIdleConnDuration: IdleTimeout,
			ReadTimeout:         Timeout,
			WriteTimeout:        Timeout,
		}}
		if o.Roots != nil {
			f.client.TLSConfig = &tls.Config{RootCAs: o.Roots}
		}
		return f, nil
	},
}

type fastHTTPClient struct {
	o      Options
	client fasthttp.Client
}

func (f *fastHTTPClient) Worker(i int) (Exchange, error) {
	c := newCalls(f.o, i)
	return func() error {
		req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		req.SetRequestURI(c.urls[c.next()])
		err := f.client.Do(req, resp)
		if err == nil {
			err = c.check(resp.StatusCode(), resp.Body())
		}
		fasthttp.ReleaseRequest(req)
		fasthttp.ReleaseResponse(resp)
		return err
	}, nil
}

func (f *fastHTTPClient) Close() { f.client.CloseIdleConnections() }
