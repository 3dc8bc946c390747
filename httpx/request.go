package httpx

import (
	"context"
	"errors"
	"fmt"
	"io"

	"gohttpx.dev/wire"
)

// Request is a request that has been built but not sent. Client.NewRequest
// makes one with the client's defaults merged in, NewRequest one that is sent
// as it is. It may be changed until it is sent and sent any number of times,
// unless its body is a Reader.
type Request struct {
	// Method is sent as it is; methods are case-sensitive (RFC 9110 §9.1).
	Method string
	// URL is absolute.
	URL *URL
	// Header is sent in this order and case, behind Host.
	Header Header

	settings
	content content

	url URL // storage that saves an allocation
}

// newRequest returns a request and an empty header that has room for n fields, in
// one allocation if they are not many.
func newRequest(n int) (*Request, Header) {
	switch {
	case n <= 4:
		r := new(struct {
			Request
			fields [4]wire.Field
		})
		return &r.Request, r.fields[:0]
	case n <= 8:
		r := new(struct {
			Request
			fields [8]wire.Field
		})
		return &r.Request, r.fields[:0]
	}
	return new(Request), make(Header, 0, n)
}

// NewRequest builds a request without any client's defaults: what it says is
// what is sent, but for Host and the framing fields, and for the user information
// of its URL, which is sent as Basic unless it has an Authorization, or NoAuth. Its timeouts are those of
// the client that sends it where it sets none.
func NewRequest(method, url string, opts ...RequestOption) (*Request, error) {
	return buildRequest(nil, method, url, opts)
}

// buildRequest merges client (which may be nil) and options.
func buildRequest(c *Client, method, url string, opts []RequestOption) (*Request, error) {
	n := len(opts)
	if c != nil {
		n += len(c.settings.header)
	}
	r, header := newRequest(n)
	if err := r.build(c, header, method, url, opts); err != nil {
		dropBodies(opts)
		return nil, err
	}
	return r, nil
}

// build fills r, whose fields are to stand in header's array.
func (r *Request) build(c *Client, header Header, method, url string, opts []RequestOption) error {
	r.Method = canonicalMethod(method)
	r.URL = &r.url
	r.url.rules.PathAsIs = c != nil && c.pathAsIs || wantPathAsIs(opts)
	url, expanded, err := expandPath(url, opts)
	if err != nil {
		return &Error{Op: "url", Err: err}
	}
	if err := r.url.parse(url); err != nil {
		return withMethod(err, r)
	}
	r.alone = c == nil
	if c != nil {
		r.settings = c.settings
		r.settings.owned, r.settings.query = false, nil
		header = append(header, c.settings.header...)
		if !r.url.IsAbs() && c.base != nil {
			r.URL = c.base.join(r.URL)
		}
	}
	if !r.URL.IsAbs() {
		return invalidURL("%q has no scheme: write it as https://example.org/path, or give the client a base URL", r.URL.Redacted())
	}
	r.settings.header, r.settings.expanded = header, expanded
	var clientQuery []pair
	if c != nil {
		clientQuery = c.settings.query
	}
	if err := r.apply(opts, clientQuery); err != nil {
		return err
	}
	r.Header, r.settings.header = r.settings.header, nil
	return nil
}

func withMethod(err error, r *Request) error {
	if e, ok := err.(*Error); ok && r.URL.IsAbs() && r.URL.authority != "" {
		e.Request = r
	}
	return err
}

// apply runs the options on r, whose fields it finds and leaves in
// r.settings.header.
func (r *Request) apply(opts []RequestOption, clientQuery []pair) error {
	for _, o := range opts {
		if o == nil {
			return &Error{Op: "request", Request: r, Err: errNilOption}
		}
		if err := o.applyRequest(r); err != nil {
			return &Error{Op: "request", Request: r, Err: err}
		}
	}
	if len(opts) > 0 {
		r.settings.identityForRange()
	}
	if r.settings.ownQuery && r.URL != nil {
		r.URL = r.URL.WithRawQuery(encodeQuery(r.settings.query, r.percent20))
	} else if query := mergeQuery(clientQuery, r.settings.query); len(query) > 0 && r.URL != nil {
		r.URL = r.URL.withQuery(encodeQuery(query, r.percent20))
	}
	r.settings.query, r.settings.ownQuery = nil, false
	if err := r.content.settle(&r.settings.header); err != nil {
		return &Error{Op: "request", Request: r, Err: err}
	}
	return nil
}

// Clone returns a copy that may be changed without a change to r. The body is
// shared; where it can be sent but once, by one of them.
func (r *Request) Clone() *Request {
	c, header := newRequest(len(r.Header))
	c.Method, c.URL, c.settings, c.content = r.Method, r.URL, r.settings, r.content
	c.settings.owned, c.settings.expanded = false, false
	c.Header = append(header, r.Header...)
	return c
}

// with returns a copy of r to which options were applied.
func (r *Request) with(opts []RequestOption) (*Request, error) {
	if len(opts) == 0 {
		return r, nil
	}
	r2 := r.Clone()
	r2.settings.header = r2.Header
	if err := r2.apply(opts, nil); err != nil {
		dropBodies(opts)
		return nil, err
	}
	r2.Header, r2.settings.header = r2.settings.header, nil
	return r2, nil
}

// canonicalMethod upper-cases the methods of RFC 9110 and PATCH, and leaves
// others as they are.
func canonicalMethod(m string) string {
	switch m {
	case "":
		return "GET"
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT":
		return m
	}
	for _, known := range [...]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"} {
		if wire.EqualFold(m, known) { // no other letters: "po\u017ft" is not POST
			return known
		}
	}
	return m
}

// String returns the method and the redacted URL.
func (r *Request) String() string {
	if r == nil || r.URL == nil {
		return "no request"
	}
	return printable([]byte(r.Method)) + " " + r.URL.Redacted()
}

// GoString is String, so that %#v shows no secret either.
func (r *Request) GoString() string { return "httpx.Request(" + r.String() + ")" }

// HasBody reports whether the request has content.
func (r *Request) HasBody() bool { return r.content.open != nil }

// canResend reports whether the body, if any, can be made anew.
func (r *Request) canResend() bool { return r.content.canRepeat() }

// canRepeat reports whether the request may be processed twice.
func (r *Request) canRepeat() bool {
	w := wire.Request{Method: r.Method, Idempotent: r.Header.Has("Idempotency-Key")}
	return w.CanRepeat()
}

// checkURL refuses a request that nothing can be done with.
func (r *Request) checkURL() error {
	if r.URL != nil && r.URL.IsAbs() {
		return nil
	}
	r.content.drop()
	return invalidURL("the request has no absolute URL")
}

// fill writes the request into an engine's, opening the body.
func (r *Request) fill(ctx context.Context, w *wire.Request, m *more, l *lease) error {
	if err := r.checkURL(); err != nil {
		return err
	}
	if err := r.Header.check(); err != nil {
		r.content.drop()
		return err
	}
	*w = wire.Request{
		Method:     r.Method,
		Scheme:     r.URL.scheme,
		Authority:  r.URL.authority,
		Target:     r.URL.target,
		Fields:     wire.Fields(r.Header),
		Timeouts:   r.timeLimits(),
		Idempotent: r.Header.Has("Idempotency-Key"),
	}
	w.Trace = traceOf(ctx, r, m)
	if r.Method == "CONNECT" {
		w.Authority = r.URL.connectTarget()
		w.Target = w.Authority
	}
	if m != nil {
		m.fill(w)
	}
	if r.content.open == nil {
		return nil
	}
	content, err := r.content.bound(r.Header)
	if err != nil {
		r.content.drop()
		return &Error{Op: "request", Request: r, Err: err}
	}
	body, n, err := content.take()
	if err != nil {
		return &wire.Error{Phase: wire.PhaseWrite, Kind: wire.KindRequestBody, Err: err}
	}
	if _, ok := body.(*memory); ok && n == 0 && !r.Header.Has("Transfer-Encoding") {
		return nil // no body: the methods that expect one say so, the others need not
	}
	w.Body, w.BodyLen = m.counted(l.lend(body), n), n
	if content.canRepeat() {
		open := content.open
		w.Rewind = func() (io.ReadCloser, error) {
			again, size, err := open()
			if err != nil {
				return nil, err
			}
			if size != n {
				again.Close()
				return nil, fmt.Errorf("the body had %d bytes and now has %d", n, size)
			}
			return m.counted(l.lend(again), n), nil
		}
	}
	return nil
}

// fill writes what m says of the message.
func (m *more) fill(w *wire.Request) {
	if m.target != "" {
		w.Target = m.target
	}
	if f := m.trailer; f != nil {
		w.Trailers = func() wire.Fields { return wire.Fields(f()) }
	}
}

// Send sends a prepared request and buffers the response. Options apply to a
// copy of the request, for this send alone.
func (c *Client) Send(ctx context.Context, r *Request, opts ...RequestOption) (*Response, error) {
	return c.sendPrepared(ctx, r, false, opts)
}

// SendStream sends a prepared request and leaves the response body on the
// connection. The response must be closed.
func (c *Client) SendStream(ctx context.Context, r *Request, opts ...RequestOption) (*Response, error) {
	return c.sendPrepared(ctx, r, true, opts)
}

func (c *Client) sendPrepared(ctx context.Context, r *Request, stream bool, opts []RequestOption) (*Response, error) {
	if r == nil {
		dropBodies(opts)
		return nil, &Error{Op: "request", Err: errors.New("a nil request")}
	}
	own := &r.content
	r, err := r.with(opts)
	if err != nil {
		own.drop()
		return nil, err
	}
	return c.send(ctx, r, stream)
}
