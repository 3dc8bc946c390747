package httpx

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"gohttpx.dev/internal/grammar"
	"gohttpx.dev/wire"
)

// RoundTripper returns the client as an http.RoundTripper, for http.Client and
// whatever else builds on net/http:
//
//	std := &http.Client{Transport: client.RoundTripper()}
//
// It keeps that interface's contract: one request is sent, it is not changed, and
// its body is closed, perhaps by another goroutine and after the call. Of the
// client there is what lies below the call: pool, timeouts, TLS, proxies, mounts,
// middleware, and the functions of OnRequest and OnResponse. There is not what an
// http.Client does by itself or the request says: redirects, cookies,
// authentication, the base URL, default fields and queries; but for User-Agent,
// which a request without one gets from the client.
//
// As with http.Transport, a request that says nothing of Accept-Encoding asks for
// gzip and has the response decoded (Uncompressed); the hooks of an
// httptrace.ClientTrace in the context are called, PutIdleConn excepted, and
// GotConn's Conn is good for its addresses only; after 101 (Switching Protocols)
// the response's Body is an io.ReadWriteCloser; and a header "Expect:
// 100-continue" holds the body back for a second or WithExpectContinue. Unlike
// there, trailers are sent also with a body of known length, a body of unknown
// length is sent chunked even if it turns out to be empty, and Request.Cancel,
// long deprecated, is not looked at. Errors are *Error.
//
// The value has a CloseIdleConnections method, and may be used while the client
// is open.
func (c *Client) RoundTripper() http.RoundTripper { return &roundTripper{c} }

type roundTripper struct{ c *Client }

// CloseIdleConnections is what http.Client.CloseIdleConnections calls.
func (t *roundTripper) CloseIdleConnections() { t.c.CloseIdle() }

// RoundTrip implements http.RoundTripper.
func (t *roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	up := &stdUpload{body: req.Body, again: req.GetBody}
	defer up.drop()
	r, err := t.request(req, up)
	if err != nil {
		return nil, err
	}
	unzip := asksForGzip(req)
	if unzip {
		r.Header.Add("Accept-Encoding", "gzip")
	}
	resp, err := t.c.pass(req.Context(), r)
	if err != nil {
		return nil, err
	}
	if unzip && !strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") {
		resp.more = resp.more.clone()
		resp.more.noDecoding = true // not what was asked for, and left as it is
	}
	res := resp.Std()
	res.Request = req
	return res, nil
}

// pass sends req by the hooks and the transport alone.
func (c *Client) pass(ctx context.Context, req *Request) (*Response, error) {
	if !c.counts(req.more) {
		return c.passOn(ctx, req, nil)
	}
	return c.counted(ctx, req, req.more, func(l *callLog) (*Response, error) {
		if t := l.trace(); t != nil {
			req.more.traces = append(req.more.traces, t) // it is this call's own
		}
		return c.passOn(ctx, req, l)
	})
}

func (c *Client) passOn(ctx context.Context, req *Request, l *callLog) (*Response, error) {
	for _, f := range req.more.onRequest {
		if err := f(req); err != nil {
			req.content.drop()
			return nil, wrapOp("hook", req, err)
		}
	}
	resp, err := c.sendOut(ctx, req, l)
	if err != nil {
		return nil, err
	}
	passed := false
	defer func() {
		if !passed { // a hook has failed, or panicked
			resp.Close()
		}
	}()
	for _, f := range req.more.onResponse {
		if err := f(resp); err != nil {
			return nil, wrapOp("hook", req, err)
		}
	}
	passed = true
	return resp, nil
}

// request makes ours of one of net/http.
func (t *roundTripper) request(req *http.Request, up *stdUpload) (*Request, error) {
	if req.URL == nil {
		return nil, invalidURL("the request has no URL")
	}
	r := &Request{Method: cmp.Or(req.Method, "GET")}
	m := new(more).over(t.c.more)
	m.follow = false
	m.noDecoding = !asksForGzip(req)
	r.more, r.owned = m, true
	if err := r.stdURL(req, m); err != nil {
		return nil, err
	}
	r.stdFields(req)
	if !hasKey(req.Header, "User-Agent") {
		if ua := t.c.settings.header.Get("User-Agent"); ua != "" {
			r.Header.Add("User-Agent", ua)
		}
	}
	if req.Body != nil && req.Body != http.NoBody {
		if err := r.stdBody(req, up, m); err != nil {
			return nil, &Error{Op: "request", Request: r, Err: err}
		}
		if strings.EqualFold(req.Header.Get("Expect"), "100-continue") && t.c.timeLimits().Continue <= 0 {
			r.limitTime(func(t *wire.Timeouts) { t.Continue = time.Second }) // the default of net/http
		}
	}
	if upgrades(req.Header) && t.c.mayHTTP2() {
		// RFC 9113 §8.6: HTTP/2 has no Upgrade.
		m.conn = append(m.conn, func(o *connOptions) error { o.http2, o.noHTTP1 = false, false; return nil })
	}
	return r, nil
}

// mayHTTP2 reports whether connections may turn out to be of HTTP/2.
func (c *Client) mayHTTP2() bool {
	n := c.shared.network
	return n != nil && (n.dialer.routes.base.http2 || c.more != nil && len(c.more.conn) > 0)
}

// stdURL takes over where the request goes and what its target is: exactly what
// net/http would send.
func (r *Request) stdURL(req *http.Request, m *more) error {
	target := req.URL.RequestURI()
	origin := req.URL.Scheme + "://" + req.URL.Host
	if req.URL.Host == "" {
		return invalidURL("the request's URL has no host")
	}
	if err := checkStdOrigin(req.URL); err != nil {
		return err
	}
	if r.Method == "CONNECT" || target[0] != '/' {
		u, err := ParseURL(origin)
		if err != nil {
			return err
		}
		r.URL = u
		switch {
		case r.Method != "CONNECT":
			m.target = target
		case req.Host != "" && req.Host != req.URL.Host:
			m.target = req.Host
		}
		return nil
	}
	u, err := ParseURL(origin + target)
	if err != nil {
		return err
	}
	if r.URL = u; u.target != target {
		m.target = target // "/a/../b" is the caller's choice here
	}
	return nil
}

// stdFields takes over the fields, sorted by name behind Host.
func (r *Request) stdFields(req *http.Request) {
	if req.Host != "" && req.Host != req.URL.Host && r.Method != "CONNECT" {
		r.Header.Add("Host", req.Host)
	}
	names := make([]string, 0, len(req.Header))
	for name := range req.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	closes := req.Close
	for _, name := range names {
		switch textproto.CanonicalMIMEHeaderKey(name) {
		case "Host", "Content-Length", "Transfer-Encoding", "Trailer":
			continue // net/http has members of Request for them
		case "User-Agent":
			if vs := req.Header[name]; len(vs) > 0 && vs[0] != "" {
				r.Header.Add(name, textproto.TrimString(vs[0])) // an empty one says: none
			}
			continue
		case "Connection":
			closes = closes && !strings.Contains(strings.ToLower(strings.Join(req.Header[name], ",")), "close")
		}
		for _, v := range req.Header[name] {
			r.Header.Add(name, textproto.TrimString(v))
		}
	}
	if closes {
		r.Header.Add("Connection", "close")
	}
}

// stdBody takes over body, length and trailers.
func (r *Request) stdBody(req *http.Request, up *stdUpload, m *more) error {
	up.length = req.ContentLength
	if up.length == 0 || slices.Contains(req.TransferEncoding, "chunked") {
		up.length = -1 // there is a body, and so 0 says that its length is not known
	}
	r.content.open = up.open
	if req.GetBody == nil {
		r.content.once = &up.taken
	}
	if len(req.Trailer) == 0 {
		return nil
	}
	names := make([]string, 0, len(req.Trailer))
	for name := range req.Trailer {
		switch name = textproto.CanonicalMIMEHeaderKey(name); name {
		case "Transfer-Encoding", "Trailer", "Content-Length":
			return fmt.Errorf("%s may not be a trailer (RFC 9110 §6.5.1)", name)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	r.Header.Add("Trailer", strings.Join(names, ", "))
	m.trailer = func() Header { return headerFromStd(req.Trailer) }
	return nil
}

// stdUpload is the body of a request of net/http: closed once, whoever sends it,
// and made anew by GetBody.
type stdUpload struct {
	body   io.ReadCloser // nil: none
	again  func() (io.ReadCloser, error)
	length int64
	taken  atomic.Bool
}

// open is that of content. Where there is no GetBody, content sees to it that it
// is called once, and sets taken.
func (u *stdUpload) open() (io.ReadCloser, int64, error) {
	if u.again == nil || !u.taken.Swap(true) {
		return u.body, u.length, nil
	}
	body, err := u.again()
	return body, u.length, err
}

// drop closes a body that nobody has taken.
func (u *stdUpload) drop() {
	if u.body != nil && !u.taken.Swap(true) {
		u.body.Close()
	}
}

func hasKey(h http.Header, name string) bool { _, ok := h[name]; return ok }

// asksForGzip reports whether net/http would ask for gzip by itself: not where
// the caller has a say, and not for a part of something.
func asksForGzip(req *http.Request) bool {
	return req.Header.Get("Accept-Encoding") == "" && req.Header.Get("Range") == "" && req.Method != "HEAD" && req.Method != "CONNECT"
}

// upgrades reports a request for another protocol (RFC 9110 §7.8).
func upgrades(h http.Header) bool {
	if h.Get("Upgrade") == "" {
		return false
	}
	for _, list := range h["Connection"] {
		if grammar.HasToken(list, "upgrade") {
			return true
		}
	}
	return false
}
