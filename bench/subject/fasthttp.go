package subject

import (
	"errors"
	"net"

	"github.com/valyala/fasthttp"

	"gohttpx.dev/bench/server"
)

// fastHTTP is fasthttp as its documentation shows it: the general client, a
// request and a response acquired and released around each exchange, both
// timeouts set, the body looked at in place and never copied. Large answers are
// streamed.
var fastHTTP = Subject{
	Name:      "fasthttp",
	What:      "fasthttp.Client.Do, acquire/release, read and write timeout",
	HTTP1Only: true,
	Can:       func(o Options) bool { return !o.SlowReader },
	Open:      func(o Options) (Client, error) { return openFastHTTP(o), nil },
}

// fastHTTPKept is the same with a copy of the content, for a caller who keeps it as
// he may that of ours: in place it is gone with the response.
var fastHTTPKept = Subject{
	Name:      "fasthttp-kept",
	What:      "the same with the body copied, to be kept",
	HTTP1Only: true,
	Open: func(o Options) (Client, error) {
		f := openFastHTTP(o)
		f.keep = true
		return f, nil
	},
}

type fastHTTPClient struct {
	o      Options
	client fasthttp.Client
	keep   bool // the content is copied
}

func openFastHTTP(o Options) *fastHTTPClient {
	f := &fastHTTPClient{o: o, client: fasthttp.Client{
		MaxConnsPerHost:     o.Conns,
		MaxIdleConnDuration: IdleTimeout,
		ReadTimeout:         o.timeout(),
		WriteTimeout:        o.timeout(),
		StreamResponseBody:  o.Job == Down,
	}}
	if o.Timeout > 0 { // its own is 3 s
		f.client.Dial = func(addr string) (net.Conn, error) { return fasthttp.DialTimeout(addr, o.Timeout) }
	}
	if o.Goroutines > o.Conns {
		f.client.MaxConnWaitTimeout = o.timeout()
	}
	if o.Kind == server.KindFields {
		f.client.ReadBufferSize = 16 << 10 // of which 4 KiB, its default, is too little
	}
	if o.Roots != nil {
		f.client.TLSConfig = tlsOf(o)
	}
	return f
}

func (f *fastHTTPClient) Worker(i int) (Exchange, error) {
	c := newCalls(f.o, i)
	exchange := f.buffered
	switch f.o.Job {
	case Down, Up:
		buf := make([]byte, pieceSize)
		exchange = func(c *calls, req *fasthttp.Request, resp *fasthttp.Response) error {
			return f.transfer(c.transfer(), req, resp, buf)
		}
	}
	return func() error {
		req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		if f.o.Fresh {
			req.SetConnectionClose()
		}
		err := exchange(c, req, resp)
		fasthttp.ReleaseRequest(req)
		fasthttp.ReleaseResponse(resp)
		return err
	}, nil
}

// buffered carries out a Get or Post.
func (f *fastHTTPClient) buffered(c *calls, req *fasthttp.Request, resp *fasthttp.Response) error {
	i := c.next()
	req.SetRequestURI(c.urls[i])
	if f.o.Job == Post {
		req.Header.SetMethod("POST")
		req.Header.SetContentType("application/json")
		req.SetBodyRaw(c.bodies[i])
	}
	if err := f.client.Do(req, resp); err != nil {
		return err
	}
	body := resp.Body()
	if f.keep {
		body = append([]byte(nil), body...)
	}
	switch f.o.Kind {
	case "", server.KindAll:
	case server.KindFields:
		if err := c.checkField(string(resp.Header.Peek(server.LastField))); err != nil {
			return err
		}
	default:
		var err error
		if body, err = resp.BodyUncompressed(); err != nil {
			return err
		}
	}
	return c.check(resp.StatusCode(), body)
}

// transfer carries out a Down or Up.
func (f *fastHTTPClient) transfer(x call, req *fasthttp.Request, resp *fasthttp.Response, buf []byte) error {
	req.SetRequestURI(x.url)
	if x.upload > 0 {
		req.Header.SetMethod("POST")
		req.SetBodyStream(x.source(), x.upload)
	}
	if err := f.client.Do(req, resp); err != nil {
		return err
	}
	if x.upload > 0 {
		if body := resp.Body(); resp.StatusCode() != 200 || string(body) != x.token {
			return errors.New("a wrong answer")
		}
		return nil
	}
	err := x.drain(resp.StatusCode(), resp.BodyStream(), buf)
	return errors.Join(err, resp.CloseBodyStream())
}

func (f *fastHTTPClient) Close() { f.client.CloseIdleConnections() }
