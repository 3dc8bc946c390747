package httpx

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync/atomic"

	"gohttpx.dev/wire"
)

// FromRoundTripper makes rt carry requests; nil is http.DefaultTransport. What
// net/http has no place for is lost: the order and the case of the fields, our
// timeouts (the context is in force) and the options of the connection. The body
// is made anew where rt asks for that, trailers and 1xx responses pass both ways,
// and 101 (Switching Protocols) can be taken over. Errors of the network, of
// DNS, of TLS and timeouts match our sentinels as far as they can be told.
//
// The transport has CloseIdle and Close, which close rt's idle connections; Close
// closes rt too, if that is an io.Closer.
func FromRoundTripper(rt http.RoundTripper) Transport {
	if rt == nil {
		rt = http.DefaultTransport
	}
	return &stdTransport{rt}
}

type stdTransport struct{ rt http.RoundTripper }

// RoundTrip implements Transport.
func (t *stdTransport) RoundTrip(ctx context.Context, r *Request) (*Response, error) {
	if r == nil {
		return nil, &Error{Op: "request", Err: errors.New("a nil request")}
	}
	if ctx == nil {
		ctx = context.Background()
	}
	if trace := joinTraces(r.more.hooks()); trace != nil && trace.Interim != nil {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
			Got1xxResponse: func(status int, h textproto.MIMEHeader) error {
				return trace.Interim(status, wire.Fields(headerFromStd(http.Header(h))))
			},
		})
	}
	req, err := r.Std(ctx)
	if err != nil {
		return nil, err
	}
	var body *watchedBody
	if req.Body != nil && req.Body != http.NoBody {
		body = &watchedBody{ReadCloser: req.Body}
		req.Body = body
	}
	res, err := t.rt.RoundTrip(req)
	if err == nil && res == nil {
		err = errors.New("the http.RoundTripper returned neither a response nor an error")
	}
	if err != nil {
		if failed := body.failure(); failed != nil && ctx.Err() == nil {
			err = &wire.Error{Phase: wire.PhaseWrite, Kind: wire.KindRequestBody, Sent: true, Err: failed}
		}
		return nil, wrapOp("transport", r, stdError(ctx, wire.PhaseHead, err))
	}
	return fromStd(ctx, res, r), nil
}

// CloseIdle closes the idle connections.
func (t *stdTransport) CloseIdle() {
	if c, ok := t.rt.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// Close implements io.Closer.
func (t *stdTransport) Close() error {
	t.CloseIdle()
	if c, ok := t.rt.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// watchedBody remembers with what the caller's body failed, and closes it once.
type watchedBody struct {
	io.ReadCloser
	err    atomic.Pointer[error]
	closed atomic.Bool
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF && !b.closed.Load() {
		b.err.CompareAndSwap(nil, &err)
	}
	return n, err
}

func (b *watchedBody) Close() error {
	if b.closed.Swap(true) {
		return nil
	}
	return b.ReadCloser.Close()
}

// failure returns what Read failed with; that of nil has not.
func (b *watchedBody) failure() error {
	if b == nil {
		return nil
	}
	if err := b.err.Load(); err != nil {
		return *err
	}
	return nil
}
