package httpx

import (
	"context"
	"errors"

	"gohttpx.dev/wire"
)

// send is the way of every request through a client:
//
//	redirects → authentication → retries → cookies → hooks → middleware → transport
//
// and its response the same way back. A request that needs none of it goes
// straight to the network.
func (c *Client) send(ctx context.Context, r *Request, stream bool) (*Response, error) {
	if ctx == nil {
		ctx = context.Background()
	}
	if err := r.checkURL(); err != nil {
		return nil, err
	}
	m := r.more
	if r.alone {
		m = m.over(c.more)
	}
	if c.counts(m) {
		return c.counted(ctx, r, m, func(l *callLog) (*Response, error) { return c.call(ctx, r, m, stream, l) })
	}
	return c.call(ctx, r, m, stream, nil)
}

// counts reports whether there is something to do when a call ends.
func (c *Client) counts(m *more) bool { return c.shared.slots != nil || m != nil && m.logger != nil }

// counted is call, with a turn that is given back and a record when its response
// is over.
func (c *Client) counted(ctx context.Context, r *Request, m *more, call func(*callLog) (*Response, error)) (*Response, error) {
	var l *callLog
	if m != nil {
		l = newCallLog(ctx, r, m.logger)
	}
	slots := c.shared.slots
	if slots != nil {
		if err := slots.enter(ctx, r, wire.Limit(r.timeLimitsOver(&c.settings).Pool)); err != nil {
			l.over(nil, err)
			return nil, err
		}
	}
	returned := false
	defer func() {
		if !returned && slots != nil { // a panic of the caller's code, or an error
			slots.release()
		}
	}()
	resp, err := call(l)
	if err != nil {
		l.over(nil, err)
		return nil, err
	}
	returned = true
	resp.onEnd(func(err error) {
		if slots != nil {
			slots.release()
		}
		l.over(resp, err)
	})
	return resp, nil
}

// call is send without that.
func (c *Client) call(ctx context.Context, r *Request, m *more, stream bool, l *callLog) (*Response, error) {
	if c.direct(r, m) {
		resp, err := c.network.roundTrip(ctx, r, m, &c.settings)
		if err != nil {
			return nil, err
		}
		c.keepCookies(resp)
		if resp.isRedirect() {
			resp.NextRequest, _ = redirect(r, resp, m) // for the caller to send or not
		}
		return finish(resp, stream)
	}
	x := exchange{client: c, more: m, stream: stream, origin: r.URL, log: l}
	if m == nil {
		x.more = new(more)
	}
	if t := l.trace(); t != nil {
		x.more = x.more.clone()
		x.more.traces = append(x.more.traces, t)
	}
	returned := false
	defer func() {
		if !returned { // a function of the caller's has panicked
			r.content.drop()
			x.abandon()
		}
	}()
	resp, err := x.run(ctx, r)
	returned = true
	if err != nil {
		return nil, err
	}
	return finish(resp, stream)
}

// direct reports whether a request has nothing to do with what lies between the
// call and the network.
func (c *Client) direct(r *Request, m *more) bool {
	if c.network == nil || r.URL.user != "" || c.hasCookies() {
		return false
	}
	return m == nil || m.auth == nil && !m.follow && m.retry == nil && len(m.cookies) == 0 && len(m.onRequest) == 0 && len(m.onResponse) == 0 && len(m.limiters) == 0 && m.logger == nil
}

// finish buffers a response, unless it is streamed or its connection has been
// handed over.
func finish(resp *Response, stream bool) (*Response, error) {
	if resp.handedOver() {
		return resp, nil
	}
	returned := false
	defer func() {
		if !returned { // a decoder of the caller's has panicked
			resp.Close()
		}
	}()
	var err error
	if !stream {
		err = resp.Buffer()
	}
	if err == nil && resp.more != nil && resp.more.mustAccept {
		_, err = StatusOK(resp, nil)
	}
	returned = true
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// handedOver reports that no content follows but the caller's own protocol.
func (r *Response) handedOver() bool {
	return r.StatusCode == 101 || r.Request.Method == "CONNECT" && r.IsSuccess()
}

// exchange is one call: a request, and what it takes to answer it.
type exchange struct {
	client  *Client
	more    *more
	stream  bool
	origin  *URL // of the request that the caller made
	left    bool // a redirect has left that origin; credentials stay behind for good
	history []*Response
	got     []*Response // whatever came, in case of a panic
	log     *callLog    // nil: none
}

// abandon ends what holds a connection.
func (x *exchange) abandon() {
	for _, r := range x.got {
		r.Close()
	}
}

// run follows redirects.
func (x *exchange) run(ctx context.Context, r *Request) (*Response, error) {
	req := r.Clone()
	req.more, req.alone = x.more, false
	for redirects := 0; ; redirects++ {
		resp, err := x.authenticate(ctx, req)
		if err != nil {
			return nil, err
		}
		resp.History = x.history
		if !resp.isRedirect() {
			return resp, nil
		}
		if !req.canResend() && resp.Request.canResend() {
			req.content = resp.Request.content // an Auth has read it into memory
		}
		next, err := redirect(req, resp, x.more)
		if !x.more.follow {
			resp.NextRequest = x.unfollowed(next)
			return resp, nil
		}
		if err == nil {
			err = x.mayFollow(next, resp, redirects)
		}
		if err == ErrUseLastResponse {
			resp.NextRequest = x.unfollowed(next)
			return resp, nil
		}
		if cerr := resp.Close(); err == nil && cerr != nil && ctx.Err() != nil {
			err = cerr
		}
		if err != nil {
			return nil, wrapRedirect(resp, err)
		}
		x.history = append(x.history[:len(x.history):len(x.history)], resp)
		for _, t := range x.more.traces {
			if t.Redirect != nil {
				t.Redirect(resp, next)
			}
		}
		x.left = x.left || !next.URL.sameOrigin(x.origin)
		req = next
	}
}

// unfollowed makes next, which may be nil, one that the caller may send: with the
// credentials that it would have been followed with, and no others.
func (x *exchange) unfollowed(next *Request) *Request {
	if next == nil || next.URL == nil {
		return next
	}
	auth := x.authOf(next, x.left || !next.URL.sameOrigin(x.origin))
	_ = next.settings.edit(func(m *more) error { m.auth, m.noAuth = auth, auth == nil; return nil })
	return next
}

// authOf is what authenticates req, nil for nothing. left says that a redirect
// has led to it from another origin, or once did.
func (x *exchange) authOf(req *Request, left bool) Auth {
	auth := x.more.auth
	if auth == nil && !x.more.noAuth && x.origin.user != "" && !req.Header.Has("Authorization") {
		auth = BasicAuth(x.origin.userPassword())
	}
	if auth == nil || !left {
		return auth
	}
	if o, ok := auth.(OriginAuth); ok {
		return o.ForOrigin(x.origin, req.URL)
	}
	return nil
}

// authenticate lets the request's authentication send it, at the origin that the
// credentials are for.
func (x *exchange) authenticate(ctx context.Context, req *Request) (*Response, error) {
	auth := x.authOf(req, x.left)
	if auth == nil {
		return x.attempts(ctx, req)
	}
	var got []*Response
	call := ctx
	resp, err := authenticate(ctx, auth, req.Clone(), func(ctx context.Context, req *Request) (*Response, error) {
		if req == nil {
			return nil, &Error{Op: "auth", Err: errors.New("an Auth called next without a request")}
		}
		if ctx == nil {
			ctx = call
		}
		resp, err := x.attempts(ctx, req)
		if err == nil {
			resp.History = x.history
			got = append(got, resp)
		}
		return resp, err
	})
	for _, r := range got { // all but the last are history, and over
		if err != nil || r != resp {
			r.Close()
			x.history = append(x.history[:len(x.history):len(x.history)], r)
		}
	}
	if err != nil {
		return nil, wrapOp("auth", req, err)
	}
	if resp.self != resp {
		resp.adopt(req) // the Auth has made it
	}
	return resp, nil
}

// attempt sends req once, with cookies and hooks.
func (x *exchange) attempt(ctx context.Context, req *Request) (*Response, error) {
	c := x.client
	if err := req.checkURL(); err != nil {
		return nil, err
	}
	req = req.Clone() // the hooks' own, and what the response will name
	if req.alone {    // of an Auth's making
		req.more, req.alone = req.more.over(x.more), false
	}
	if err := c.addCookies(req); err != nil {
		return nil, &Error{Op: "request", Request: req, Err: err}
	}
	for _, f := range req.more.onRequest {
		if err := f(req); err != nil {
			req.content.drop()
			return nil, wrapOp("hook", req, err)
		}
	}
	if err := req.checkURL(); err != nil { // a hook may have changed it
		return nil, err
	}
	resp, err := c.sendOut(ctx, req, x.log)
	if err != nil {
		return nil, err
	}
	x.got = append(x.got, resp)
	c.keepCookies(resp)
	for _, f := range req.more.onResponse {
		if err := f(resp); err != nil {
			resp.Close()
			return nil, wrapOp("hook", req, err)
		}
	}
	return resp, nil
}

// sendOut is carry when the limiters permit, and logged.
func (c *Client) sendOut(ctx context.Context, req *Request, l *callLog) (*Response, error) {
	if err := waitForLimiters(ctx, req); err != nil {
		return nil, err
	}
	l.sending(req)
	resp, err := c.carry(ctx, req)
	l.received(resp, err)
	return resp, err
}

// carry gives a request to the transport and makes sure of what comes back.
func (c *Client) carry(ctx context.Context, req *Request) (*Response, error) {
	if c.network != nil {
		return c.network.roundTrip(ctx, req, req.more, &c.settings)
	}
	if c.shared.closed.Load() {
		req.content.drop()
		return nil, &Error{Op: "pool", Request: req, Err: ErrClientClosed}
	}
	if c.timeouts != req.timeouts {
		limits := req.timeLimitsOver(&c.settings)
		req.timeouts = &limits
	}
	resp, err := c.transport.RoundTrip(ctx, req)
	switch {
	case err == nil && resp == nil:
		err = errors.New("the transport returned neither a response nor an error")
	case err != nil && resp != nil:
		resp.Close()
	}
	if err != nil {
		return nil, wrapOp("transport", req, err)
	}
	resp.adopt(req)
	resp.traceEnd(req.more)
	return resp, nil
}
