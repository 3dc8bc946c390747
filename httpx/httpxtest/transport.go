package httpxtest

import (
	"context"
	"errors"
	"io"

	"gohttpx.dev/httpx"
)

// Func is a transport that answers each request with f. The request is a copy,
// whose body has been read and can be read by Body; f may keep it. The error is
// the call's, wrapped.
func Func(f func(*httpx.Request) (*httpx.Response, error)) httpx.Transport { return funcTransport(f) }

type funcTransport func(*httpx.Request) (*httpx.Response, error)

// RoundTrip implements httpx.Transport.
func (f funcTransport) RoundTrip(ctx context.Context, r *httpx.Request) (*httpx.Response, error) {
	call, err := read(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return f(call.Request)
}

// Body returns the body of a request that a Func or a Router was given, or of
// any other that can be sent more than once; nil if there is none or it cannot
// be read.
func Body(r *httpx.Request) []byte {
	if !r.HasBody() {
		return nil
	}
	call, err := read(context.Background(), r)
	if err != nil {
		return nil
	}
	return call.Body
}

// read takes the body of r and returns a copy that has it in memory.
func read(ctx context.Context, r *httpx.Request) (*Call, error) {
	if r == nil {
		return nil, errors.New("httpxtest: a nil request")
	}
	std, err := r.Std(ctx)
	if err != nil {
		return nil, err
	}
	c := &Call{}
	if std.Body != nil {
		c.Body, err = io.ReadAll(std.Body)
		std.Body.Close()
		if err != nil {
			return nil, errors.Join(httpx.ErrRequestBody, err)
		}
	}
	for _, name := range sortedKeys(std.Trailer) {
		for _, v := range std.Trailer[name] {
			c.Trailer.Add(name, v)
		}
	}
	var opts []httpx.RequestOption
	if r.HasBody() {
		opts = append(opts, httpx.Bytes(c.Body))
	}
	if c.Request, err = httpx.NewRequest(r.Method, r.URL.String(), opts...); err != nil {
		return nil, err
	}
	c.Request.Method, c.Request.URL, c.Request.Header = r.Method, r.URL, r.Header.Clone()
	c.std = std
	return c, nil
}
