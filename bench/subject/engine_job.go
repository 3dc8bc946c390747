package subject

import (
	"bytes"
	"errors"
	"io"

	"gohttpx.dev/bench/server"
	"gohttpx.dev/wire"
)

// exchange is what the subjects below httpx do: one wire.Request and one
// wire.Response, filled again and again.
func (e *engineClient) exchange(c *calls, send sendFunc) Exchange {
	ctx := e.o.context()
	var res wire.Response
	req := wire.Request{
		Method:    "GET",
		Scheme:    e.o.scheme(),
		Authority: e.o.Addr,
		Fields:    wire.Fields{{Name: "Accept", Value: "*/*"}, {Name: "User-Agent", Value: "engine"}},
		Timeouts:  wire.Timeouts{Pool: e.o.timeout(), Connect: e.o.timeout(), Write: e.o.timeout(), Read: e.o.timeout()},
	}
	switch e.o.Job {
	case Down, Up:
		buf := make([]byte, pieceSize)
		return func() error {
			x := c.transfer()
			req.Target = x.target
			if x.upload > 0 {
				req.Method, req.Body, req.BodyLen = "POST", x.source(), int64(x.upload)
			}
			res.Reset()
			if err := send(ctx, &req, &res); err != nil {
				return err
			}
			return errors.Join(x.drain(res.Status, res.Body, buf), res.Body.Close())
		}
	case Post:
		req.Method = "POST"
		req.Fields = append(req.Fields, wire.Field{Name: "Content-Type", Value: "application/json"})
	}
	buf := make([]byte, e.o.Size+1)
	var body memory
	return func() error {
		i := c.next()
		req.Target = c.targets[i]
		if e.o.Job == Post {
			body.Reset(c.bodies[i])
			req.Body, req.BodyLen = &body, int64(len(c.bodies[i]))
		}
		res.Reset()
		if err := send(ctx, &req, &res); err != nil {
			return err
		}
		n, err := readBody(res.Body, buf)
		if err != nil {
			res.Body.Close()
			return err
		}
		if c.hasFields() {
			if err := c.checkField(res.Fields.Get(server.LastField)); err != nil {
				return err
			}
		}
		return c.check(res.Status, buf[:n])
	}
}

// memory is content in memory.
type memory struct{ bytes.Reader }

func (*memory) Close() error { return nil }

// readBody reads to the end of b, of which buf holds one byte more than is
// expected.
func readBody(b wire.Body, buf []byte) (int, error) {
	n := 0
	for n < len(buf) {
		m, err := b.Read(buf[n:])
		n += m
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
	return n, errLong
}
