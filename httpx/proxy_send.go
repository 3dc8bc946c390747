package httpx

import (
	"context"
	"errors"
	"io"

	"gohttpx.dev/internal/digest"
	"gohttpx.dev/pool"
	"gohttpx.dev/proxy"
	"gohttpx.dev/wire"
)

// viaProxy sends r, filled into w, through a proxy or has the proxy send it.
func (t *HTTPTransport) viaProxy(ctx context.Context, rt *route, key pool.Key, r *Request, m *more, w *wire.Request, resp *Response) error {
	via := rt.via
	if !via.forwards(key.Scheme) {
		w.Fields = proxy.OriginFields(w.Fields) // credentials for a proxy are none of the origin's business
		return t.pool.RoundTrip(ctx, key, w, &resp.wire)
	}
	if via.share {
		if err := t.dialer.filter.checkText(r.URL.addr); err != nil {
			w.CloseBody()
			return proxyFailed(via, refusal(err))
		}
	}
	timeouts := w.Timeouts
	method := w.Method
	target, err := proxy.ForwardTarget(w.Scheme, w.Authority, w.Target)
	if err != nil {
		w.CloseBody()
		return &wire.Error{Phase: wire.PhaseProxy, Kind: wire.KindProtocol, Err: err}
	}
	auth := rt.viaAuth
	if r.Header.Has("Proxy-Authorization") {
		auth = nil // the request's own field is what goes, whatever the proxy asks for
	}
	used, err := auth.first(method, target, r.digestBody())
	if err != nil {
		w.CloseBody()
		return &wire.Error{Phase: wire.PhaseProxy, Kind: wire.KindRefused, Err: err}
	}
	for n := 0; ; n++ {
		w.Target = target
		w.Fields = proxy.ForwardFields(nil, via.header, used.value, wire.Fields(r.Header))
		if err := t.pool.RoundTrip(ctx, key, w, &resp.wire); err != nil {
			return err
		}
		if resp.wire.Status != 407 || auth == nil || n == digest.MaxProxyAnswers {
			return nil
		}
		answer, ok, err := auth.answer(resp.wire.Fields.Values("Proxy-Authenticate"), method, target, used, n, r.digestBody())
		if !ok && err == nil {
			return nil // the 407 is the answer
		}
		if err == nil && !r.canResend() {
			err = errors.New("the proxy wants credentials, and the request body cannot be sent a second time; send a request without a body first")
			err = errors.Join(err, ErrBodyNotReplayable)
		}
		resp.wire.Body.Close()
		if err != nil {
			return &wire.Error{Phase: wire.PhaseProxy, Kind: wire.KindRefused, Sent: true, Err: &viaError{proxy: via.url.Redacted(), err: err}}
		}
		used = answer
		resp.wire = wire.Response{}
		if err := r.fill(ctx, w, m, &resp.lease); err != nil {
			return err
		}
		w.Timeouts = timeouts
	}
}

// digestBody writes the body for a digest of it; nil if that cannot be done.
func (r *Request) digestBody() func(io.Writer) error {
	if !r.canResend() {
		return nil
	}
	return func(dst io.Writer) error {
		if r.content.open == nil {
			return nil
		}
		body, _, err := r.content.open()
		if err != nil {
			return err
		}
		defer body.Close()
		_, err = io.Copy(dst, body)
		return err
	}
}
