package main

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"gohttpx.dev/httpx"
	"gohttpx.dev/tls"
)

// clientOptions are those of f that make the client.
func (f *flags) clientOptions(t *teller) []httpx.ClientOption {
	opts := []httpx.ClientOption{
		httpx.WithUserAgent("htx/" + httpx.Version),
		httpx.WithTimeout(f.timeout),
		httpx.WithTLS(tls.Options{InsecureSkipVerify: f.noVerify, CAFile: f.cacert, CertFile: f.cert, KeyFile: f.key}),
		httpx.WithFollowRedirects(f.follow),
		httpx.WithHTTP1(!f.h2c),
		httpx.WithHTTP2(!f.http1),
	}
	for _, p := range f.connectTo {
		opts = append(opts, httpx.WithConnectTo(p.name, p.value))
	}
	if f.proxy != "" {
		opts = append(opts, httpx.WithProxy(f.proxy))
	}
	if f.retry > 0 {
		// A budget is for programs that call all the time: who waits at a
		// keyboard has said how often.
		opts = append(opts, httpx.WithRetry(httpx.Retry{Attempts: f.retry + 1, Budget: -1, OnRetry: t.retry}))
	}
	switch {
	case f.auth != nil:
		opts = append(opts, httpx.WithAuth(httpx.BasicAuth(f.auth.name, f.auth.value)))
	case f.bearer != "":
		opts = append(opts, httpx.WithAuth(httpx.BearerAuth(f.bearer)))
	case f.netrc:
		opts = append(opts, httpx.WithAuth(httpx.NetRC("")))
	}
	return append(opts, t.options()...)
}

// requestOptions are those of f that make the request. With body false it has
// none.
func (f *flags) requestOptions(body bool) []httpx.RequestOption {
	var opts []httpx.RequestOption
	for _, p := range f.params {
		opts = append(opts, httpx.WithQuery(p.name, p.value))
	}
	seen := map[string]bool{}
	for _, h := range f.headers {
		// The first of a name replaces a default, the next ones join it.
		if name := strings.ToLower(h.name); seen[name] {
			opts = append(opts, httpx.WithAddedHeader(h.name, h.value))
		} else {
			seen[name] = true
			opts = append(opts, httpx.WithHeader(h.name, h.value))
		}
	}
	for _, c := range f.cookies {
		opts = append(opts, httpx.WithCookie(&http.Cookie{Name: c.name, Value: c.value}))
	}
	if b, ok := f.body(); ok && body {
		opts = append(opts, b)
	}
	return opts
}

// body is what f sends, ok false for nothing.
func (f *flags) body() (b httpx.Body, ok bool) {
	switch {
	case f.hasContent:
		return httpx.String(f.content), true
	case f.contentFile == "-":
		return httpx.Reader(io.NopCloser(os.Stdin)), true
	case f.contentFile != "":
		return httpx.File(f.contentFile), true
	case f.json != nil:
		return httpx.JSON(f.json), true
	case f.isMultipart():
		var parts []httpx.Part
		for _, v := range f.fields {
			if v.file {
				parts = append(parts, httpx.FilePart(v.name, v.value))
			} else {
				parts = append(parts, httpx.FieldPart(v.name, v.value))
			}
		}
		return httpx.Multipart(parts...), true
	case f.fields != nil:
		form := url.Values{}
		for _, v := range f.fields {
			form.Add(v.name, v.value)
		}
		return httpx.Form(form), true
	}
	return b, false
}

func (f *flags) isMultipart() bool {
	for _, v := range f.fields {
		if v.multipart {
			return true
		}
	}
	return false
}

// curlCommand is curl's command for the request: what httpx knows of it, and
// what is the client's business.
func (f *flags) curlCommand(req *httpx.Request) string {
	var b strings.Builder
	if f.secrets {
		b.WriteString(req.CurlWithSecrets())
	} else {
		b.WriteString(req.Curl())
	}
	add := func(args ...string) {
		for _, a := range args {
			b.WriteByte(' ')
			b.WriteString(shellQuote(a))
		}
	}
	secret := func(s string) string {
		if f.secrets {
			return s
		}
		return "[secure]"
	}
	flag := func(on bool, name string) {
		if on {
			add(name)
		}
	}
	value := func(name, v string) {
		if v != "" {
			add(name, v)
		}
	}
	switch {
	case f.auth != nil && f.auth.value == asks: // so does curl
		add("--user", f.auth.name)
	case f.auth != nil:
		add("--user", f.auth.name+":"+secret(f.auth.value))
	case f.bearer != "":
		add("--oauth2-bearer", secret(f.bearer))
	}
	flag(f.netrc, "--netrc")
	var cookies []string
	for _, c := range f.cookies {
		cookies = append(cookies, c.name+"="+secret(c.value))
	}
	value("--cookie", strings.Join(cookies, "; "))
	if f.isMultipart() {
		for _, v := range f.fields {
			if v.file {
				add("--form", v.name+"=@"+curlQuote(v.value)+";filename="+curlQuote(filepath.Base(v.value)))
			} else {
				add("--form-string", v.name+"="+v.value)
			}
		}
	}
	if f.contentFile != "" {
		add("--data-binary", "@"+f.contentFile)
		if !req.Header.Has("Content-Type") { // curl would say it is a form
			add("-H", "Content-Type:")
		}
	}
	value("--proxy", f.shownProxy())
	for _, p := range f.connectTo {
		add("--connect-to", curlHostPort(p.name)+":"+p.value)
	}
	flag(f.noVerify, "--insecure")
	value("--cacert", f.cacert)
	value("--cert", f.cert)
	value("--key", f.key)
	flag(f.http1, "--http1.1")
	flag(f.http2, "--http2")
	flag(f.h2c, "--http2-prior-knowledge")
	if f.maxTime != never {
		add("--max-time", seconds{&f.maxTime}.String())
	}
	if f.retry > 0 {
		add("--retry", itoa(f.retry))
	}
	value("--output", f.download)
	flag(f.include, "--include")
	return b.String()
}

// curlHostPort is what WithConnectTo calls host:port in curl's words, where an
// empty part is any.
func curlHostPort(s string) string {
	if s == "*" {
		return ":"
	}
	return strings.TrimPrefix(s, "*")
}

// curlQuote quotes a part of what --form is given.
func curlQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// shownProxy is the proxy's URL, without the password unless secrets are shown.
func (f *flags) shownProxy() string {
	if f.secrets {
		return f.proxy
	}
	if scheme, rest, ok := strings.Cut(f.proxy, "://"); ok {
		return scheme + "://" + rest[strings.LastIndexByte(rest, '@')+1:]
	}
	return f.proxy[strings.LastIndexByte(f.proxy, '@')+1:]
}

// shellQuote quotes s for a POSIX shell, if it has to be.
func shellQuote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=@,+%", r)
	}
	if s != "" && strings.TrimFunc(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
