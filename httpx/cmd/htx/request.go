package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"gohttpx.dev/httpx"
	"gohttpx.dev/tls"
)

// runRequest sends the request that f describes and shows the response.
func runRequest(ctx context.Context, f *flags, con *console) int {
	if f.version {
		con.printf("htx %s\n", httpx.Version)
		return exitOK
	}
	client, err := httpx.New(
		httpx.WithUserAgent("htx/"+httpx.Version),
		httpx.WithTimeout(f.timeout),
		httpx.WithTLS(tls.Options{InsecureSkipVerify: f.noVerify}),
	)
	if err != nil {
		return con.fail(err)
	}
	defer client.Close()
	req, err := client.NewRequest(f.method, f.url, f.options()...)
	if err != nil {
		return con.usage("%s", plain(err))
	}
	if f.verbose {
		con.showRequest(req)
	}
	resp, err := client.SendStream(ctx, req)
	if err != nil {
		return con.fail(err)
	}
	defer resp.Close()
	if f.verbose {
		con.showConnection(resp)
	}
	if f.download != "" {
		err = con.download(resp, f.download)
	} else {
		err = con.show(resp, f.include)
	}
	if f.verbose {
		con.showTimes(resp)
	}
	switch {
	case err != nil:
		return con.fail(err)
	case !resp.IsSuccess():
		return exitFailed
	}
	return exitOK
}

// options are f's in the client's words.
func (f *flags) options() []httpx.RequestOption {
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
	switch {
	case f.hasContent:
		opts = append(opts, httpx.String(f.content))
	case f.json != nil:
		opts = append(opts, httpx.JSON(f.json))
	case f.form != nil:
		v := url.Values{}
		for _, p := range f.form {
			v.Add(p.name, p.value)
		}
		opts = append(opts, httpx.Form(v))
	}
	return opts
}

// fail says what went wrong with the request.
func (c *console) fail(err error) int {
	c.complain("%s", c.red(plain(err)))
	return exitFailed
}

// plain is the text of err without the library's name in front.
func plain(err error) string { return strings.TrimPrefix(err.Error(), "httpx: ") }

func (c *console) tell(format string, args ...any) {
	fmt.Fprintf(c.err, "%s\n", c.faint(fmt.Sprintf(format, args...)))
}

// showRequest prints the request as it is about to be sent; the framing fields
// are added on the way. Credentials are masked.
func (c *console) showRequest(r *httpx.Request) {
	c.tell("> %s %s HTTP/1.1", r.Method, r.URL.Target())
	if !r.Header.Has("Host") {
		c.tell("> Host: %s", r.URL.Authority())
	}
	for _, line := range strings.Split(strings.TrimSuffix(r.Header.String(), "\n"), "\n") {
		if line != "" {
			c.tell("> %s", line)
		}
	}
}

func (c *console) showConnection(r *httpx.Response) {
	info := r.Conn()
	c.tell("* connected to %v from %v", info.RemoteAddr, info.LocalAddr)
	if t := info.TLS; t != nil {
		c.tell("* %s", tlsFacts(t))
		if len(t.PeerCertificates) > 0 {
			cert := t.PeerCertificates[0]
			c.tell("* certificate of %s, by %s, valid until %s", certName(cert), cert.Issuer, cert.NotAfter.Format(time.DateOnly))
		}
	}
}

func (c *console) showTimes(r *httpx.Response) {
	t := r.Timings()
	var parts []string
	for _, p := range []struct {
		name string
		d    time.Duration
	}{{"DNS", t.DNS}, {"connect", t.Connect}, {"TLS", t.TLS}, {"write", t.Write}, {"first byte", t.FirstByte}, {"total", t.Total}} {
		if p.d > 0 {
			parts = append(parts, p.name+" "+short(p.d))
		}
	}
	c.tell("* %s; %d bytes of content", strings.Join(parts, ", "), r.BytesReceived())
}
