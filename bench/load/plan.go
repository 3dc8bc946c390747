package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"gohttpx.dev/h1"
	"gohttpx.dev/httpx"
	"gohttpx.dev/proxy"
	"gohttpx.dev/wire"
)

// userAgent is sent unless -H says otherwise.
const userAgent = "gohttpx-load/" + httpx.Version

// plan is what is to be sent: one origin and one or more requests for it.
type plan struct {
	scheme, host, port string // of the origin; an IPv6 host without brackets
	requests           []request
	name               string // for the report, without secrets
}

// request is one request of the plan. The fields of head are shared by all
// goroutines, none of which changes them.
type request struct {
	head wire.Request
	body []byte // nil: none
}

// spec is a request as the user gives it.
type spec struct {
	method, url string
	fields      wire.Fields
	body        []byte // nil: none
}

// newPlan makes the plan from the flags, and from a file of requests if there is
// one.
func newPlan(o *options, stdin io.Reader) (*plan, error) {
	var base *httpx.URL
	if o.url != "" {
		u, err := parseURL(o.url)
		if err != nil {
			return nil, err
		}
		base = u
	}
	specs, err := o.specs(stdin)
	if err != nil {
		return nil, err
	}
	p := &plan{}
	for i, s := range specs {
		u, err := resolveURL(base, s.url)
		if err == nil {
			err = p.add(o, s, u)
		}
		if err != nil {
			if o.requests != "" {
				return nil, fmt.Errorf("%s, request %d: %w", o.requests, i+1, err)
			}
			return nil, err
		}
		if base == nil {
			base = u
		}
		if i == 0 {
			p.name = p.requests[0].head.Method + " " + u.Redacted()
		}
	}
	if o.requests != "" {
		p.name = fmt.Sprintf("%s of a file to %s", plural(len(specs), "request"), base.Origin())
	}
	return p, p.checkProtocol(o)
}

// specs are the requests of the flags, or of the file.
func (o *options) specs(stdin io.Reader) ([]spec, error) {
	if o.requests != "" {
		return readRequests(o.requests, stdin)
	}
	s := spec{method: o.method, url: o.url}
	if o.body != "" {
		s.body = []byte(o.body)
	}
	if o.bodyFile != "" {
		var err error
		if s.body, err = os.ReadFile(o.bodyFile); err != nil {
			return nil, err
		}
	}
	return []spec{s}, nil
}

func parseURL(s string) (*httpx.URL, error) {
	u, err := httpx.ParseURL(s)
	if err != nil {
		return nil, err
	}
	if !u.IsAbs() {
		return nil, errors.New("the URL must begin with http:// or https://")
	}
	return u, nil
}

func resolveURL(base *httpx.URL, s string) (*httpx.URL, error) {
	if base == nil {
		return parseURL(s)
	}
	return base.Resolve(s)
}

// add fills one request of the plan, or of the second one on checks that it is
// for the same origin.
func (p *plan) add(o *options, s spec, u *httpx.URL) error {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme()]
	}
	switch {
	case len(p.requests) == 0:
		p.scheme, p.host, p.port = u.Scheme(), u.Host(), port
	case p.scheme != u.Scheme() || p.host != u.Host() || p.port != port:
		return errors.New("it is for another origin than the first: one run loads one origin (scheme, host and port); start one for each, and merge their -hist files")
	}
	r := request{body: s.body}
	r.head = wire.Request{
		Method: s.method, Scheme: u.Scheme(), Authority: u.Authority(), Target: u.Target(),
		Fields:   o.fieldsFor(s, u),
		Timeouts: o.timeouts,
	}
	if host := r.head.Fields.Get("Host"); host != "" {
		if wire.BadAuthority(host) >= 0 {
			return errors.New("the Host field is no host[:port] (RFC 9110 §7.2)")
		}
		r.head.Authority = host
	}
	r.head.Fields.Del("Host")
	if r.head.Method == "" {
		r.head.Method = "GET"
		if r.body != nil {
			r.head.Method = "POST"
		}
	}
	if r.body != nil {
		r.head.BodyLen = int64(len(r.body))
	}
	// What cannot be sent is better said now than by every request.
	check := r.head
	if r.body != nil {
		check.Body = &content{}
	}
	if _, err := h1.AppendRequest(nil, &check, h1.Default); err != nil {
		return err
	}
	p.requests = append(p.requests, r)
	return nil
}

// fieldsFor are the defaults, then those of -H, then those of the request itself;
// the later ones take the place of the earlier ones of their name, and one with an
// empty value leaves the name out.
func (o *options) fieldsFor(s spec, u *httpx.URL) wire.Fields {
	fields := wire.Fields{{Name: "User-Agent", Value: userAgent}, {Name: "Accept", Value: "*/*"}}
	if u.Userinfo() != "" {
		pair := base64.StdEncoding.EncodeToString([]byte(u.Username() + ":" + u.Password()))
		fields = append(fields, wire.Field{Name: "Authorization", Value: "Basic " + pair, Sensitive: true})
	}
	return override(override(fields, o.fields), s.fields)
}

func override(fields, by wire.Fields) wire.Fields {
	for _, f := range by {
		fields.Del(f.Name)
	}
	for _, f := range by {
		if f.Value != "" {
			fields = append(fields, f)
		}
	}
	return fields
}

// checkProtocol refuses what the scheme cannot carry.
func (p *plan) checkProtocol(o *options) error {
	switch {
	case p.scheme == "https" && o.h2c:
		return errors.New("-h2c is without TLS, and the URL is https")
	case p.scheme == "http" && o.http2:
		return errors.New("-http2 is over TLS, and the URL is http: -h2c speaks it in cleartext")
	case p.scheme == "http" && !o.h2c && o.streams > 1:
		return errors.New("-streams is for HTTP/2: -h2c speaks it in cleartext")
	}
	return nil
}

// addr is the origin's host:port.
func (p *plan) addr() string { return net.JoinHostPort(p.host, p.port) }

// forward rewrites the requests for a proxy that forwards them (RFC 9112 §3.2.2).
func (p *plan) forward(auth string) error {
	for i := range p.requests {
		h := &p.requests[i].head
		target, err := proxy.ForwardTarget(h.Scheme, h.Authority, h.Target)
		if err != nil {
			return err
		}
		h.Target, h.Fields = target, proxy.ForwardFields(nil, nil, auth, h.Fields)
	}
	return nil
}

// content is the body of one request. It has Len, so that the engines see that it is
// in memory.
type content struct {
	bytes.Reader
}

func (c *content) Close() error { return nil }
