package subject

import (
	"github.com/go-resty/resty/v2"

	"gohttpx.dev/bench/server"
)

// restyClient is resty over a net/http Transport with the same caps, a request
// object per exchange as its documentation shows it, the body in memory.
var restyClient = Subject{
	Name:      "resty",
	What:      "resty v2, R().Get, client timeout, body in memory",
	HTTP1Only: true,
	Can: func(o Options) bool {
		return canNetHTTP(o) && (o.Job == Get || o.Job == Post) && !o.SlowReader
	},
	Open: func(o Options) (Client, error) {
		t := transportOf(o)
		return &restyUser{o: o, client: resty.New().SetTransport(t).SetTimeout(o.timeout()), close: t.CloseIdleConnections}, nil
	},
}

type restyUser struct {
	o      Options
	client *resty.Client
	close  func()
}

func (r *restyUser) Worker(i int) (Exchange, error) {
	c := newCalls(r.o, i)
	ctx := r.o.context()
	return func() error {
		i := c.next()
		req := r.client.R().SetContext(ctx)
		method := "GET"
		if r.o.Job == Post {
			method = "POST"
			req.SetHeader("Content-Type", "application/json").SetBody(c.bodies[i])
		}
		resp, err := req.Execute(method, c.urls[i])
		if err != nil {
			return err
		}
		if c.hasFields() {
			if err := c.checkField(resp.Header().Get(server.LastField)); err != nil {
				return err
			}
		}
		return c.check(resp.StatusCode(), resp.Body())
	}, nil
}

func (r *restyUser) Close() { r.close() }
