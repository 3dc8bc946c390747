package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/tls"
)

// secret is in everything that is a secret in TestSecrets.
const secret = "hunter2hunter2"

// exposed is what a program may print, log or show of its values.
type exposed struct{ strings.Builder }

// show prints values in every way that fmt and log/slog have.
func (e *exposed) show(what string, values ...any) {
	for _, v := range values {
		fmt.Fprintf(e, "\n=== %s %T\n%v\n%+v\n%#v\n%s\n%q\n", what, v, v, v, v, v, v)
		fmt.Fprintf(e, "%v %+v\n", []any{v}, struct{ V any }{v})
		for _, h := range []slog.Handler{slog.NewJSONHandler(e, nil), slog.NewTextHandler(e, nil)} {
			slog.New(h).Info(what, "value", v)
			switch v.(type) {
			case httpx.Header, *httpx.Header, httpx.Proxy, *httpx.Proxy: // as JSON they are data, and say so
			default:
				slog.New(h).Info(what, "list", []any{v}, "struct", struct{ V any }{v})
			}
		}
		if err, ok := v.(error); ok {
			for ; err != nil; err = errors.Unwrap(err) {
				fmt.Fprintln(e, err.Error())
			}
		}
	}
}

// check finds the secret, whatever way it is written.
func (e *exposed) check(t *testing.T) {
	t.Helper()
	text := e.String()
	section := ""
	for l := range strings.Lines(text) {
		if strings.HasPrefix(l, "=== ") {
			section = strings.TrimSpace(l)
		}
		if strings.Contains(l, secret) || strings.Contains(l, "aHVudGVyMmh1bnRlcjI") || strings.Contains(l, "dTpodW50ZXIyaHVudGVyMg") {
			t.Errorf("%s: a secret is in %q", section, l)
		}
	}
	if len(text) < 100 {
		t.Error("nothing was exposed")
	}
}

func TestSecrets(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "session="+secret)
		w.Header().Set("X-Api-Key", secret)
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/there?token="+secret+"#"+secret, http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/round?token="+secret, http.StatusFound)
		case "/elsewhere":
			http.Redirect(w, r, "ftp://u:"+secret+"@example.org/"+"?token="+secret, http.StatusFound)
		case "/nowhere":
			http.Redirect(w, r, "http://u:"+secret+"@127.0.0.1:1/?token="+secret, http.StatusFound)
		case "/unwell":
			http.Redirect(w, r, "http://u:"+secret+"@[::bad/", http.StatusFound)
		case "/digest":
			if !strings.Contains(r.Header.Get("Authorization"), "Digest") {
				w.Header().Set("WWW-Authenticate", `Digest realm="r", nonce="`+secret+`", qop="auth"`)
				w.WriteHeader(401)
			}
		case "/flaky":
			w.WriteHeader(503)
		case "/breaks":
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "half")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		case "/slow":
			w.WriteHeader(103)
			<-r.Context().Done()
		default:
			io.WriteString(w, "hello")
		}
	})
	plain := httptest.NewServer(handler)
	defer plain.Close()
	secure := httptest.NewUnstartedServer(handler)
	secure.EnableHTTP2 = true
	secure.StartTLS()
	defer secure.Close()

	// drive makes all kinds of calls, which mostly fail.
	drive := func(t *testing.T, e *exposed, base string, opts ...httpx.ClientOption) {
		c := newClient(t, append([]httpx.ClientOption{
			httpx.WithTLS(tls.Options{InsecureSkipVerify: true}), httpx.WithFollowRedirects(true), httpx.WithMaxRedirects(3),
			httpx.WithRetry(httpx.Retry{Attempts: 2, MinWait: 1}), httpx.WithQuery("apikey", secret), httpx.WithCookie(&http.Cookie{Name: "c", Value: secret, Domain: "127.0.0.1"}),
			httpx.WithTimeouts(httpx.Timeouts{Read: 50 * time.Millisecond}),
			httpx.OnRequest(func(r *httpx.Request) error { e.show("OnRequest", r, r.Header); return nil }),
			httpx.OnResponse(func(r *httpx.Response) error { e.show("OnResponse", r, r.Header); return nil }),
		}, opts...)...)
		in, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		userinfo := strings.Replace(base, "://", "://u:"+secret+"@", 1)
		for _, path := range []string{"/", "/moved", "/round", "/elsewhere", "/nowhere", "/unwell", "/flaky", "/breaks", "/slow"} {
			resp, err := c.Get(in, userinfo+path+"?key="+secret+"#"+secret, httpx.WithHeader("X-Auth-Token", secret))
			e.show("Get "+path, resp, err)
			if resp != nil {
				for _, before := range resp.History {
					e.show("History", before)
				}
				e.show("History", resp.History)
				e.show("Get "+path, resp.Err(), resp.NextRequest, resp.Timings(), resp.Conn())
			}
		}
		for name, auth := range map[string]httpx.Auth{"Basic": httpx.BasicAuth("u", secret), "Digest": httpx.DigestAuth("u", secret), "Bearer": httpx.BearerAuth(secret)} {
			resp, err := c.Get(in, base+"/digest", httpx.WithAuth(auth))
			e.show(name, auth, resp, err)
		}
		for _, bad := range []string{"http://u:" + secret + "@[::1", "http://u:" + secret + "@h:99999/", "ftp://u:" + secret + "@h/", "http://h/?k=" + secret + "\x00", "http://u:" + secret + "@127.0.0.1:1/?k=" + secret} {
			_, err := c.Get(in, bad)
			e.show("a bad URL", err)
		}
		_, err := c.Get(in, base, httpx.WithHeader("Authorization", secret+"\r\n"))
		e.show("a bad field", err)
		req, err := c.NewRequest("POST", userinfo+"/?k="+secret, httpx.Form(url.Values{"password": {secret}}), httpx.WithAuth(httpx.BasicAuth("u", secret)))
		if err != nil {
			t.Fatal(err)
		}
		get, err := c.NewRequest("GET", userinfo+"/?k="+secret) // Curl shows bodies, and says so
		if err != nil {
			t.Fatal(err)
		}
		e.show("Request", req, get.Curl())
		e.show("Client", c, c.Stats(), c.Conns(), c.Cookies())
	}

	for _, tt := range []struct{ name, url string }{{"HTTP/1.1", plain.URL}, {"HTTP/2", secure.URL}} {
		t.Run("A22.3 B24 no secret in errors, texts, logs, traces and dumps over "+tt.name, func(t *testing.T) {
			e, book, dump, seen := new(exposed), new(logBook), new(page), new(notes)
			drive(t, e, tt.url, httpx.WithLogger(book.logger(slog.LevelDebug)), httpx.WithDump(dump, httpx.DumpOptions{}), httpx.WithTrace(&httpx.Trace{
				Redirect:   func(r *httpx.Response, next *httpx.Request) { seen.note(fmt.Sprintf("%v %v", r, next)) },
				Retry:      func(a httpx.Attempt) { seen.note(fmt.Sprintf("%v %+v", a, a)) },
				GotConn:    func(c httpx.ConnInfo, _ time.Duration) { seen.note(fmt.Sprintf("%+v", c)) },
				ProxyStart: func(proxy, target string) { seen.note(proxy + target) },
				Ended:      func(r *httpx.Response, _ int64, err error) { seen.note(fmt.Sprintf("%v %v", r, err)) },
			}))
			fmt.Fprintf(e, "\n=== log\n%s\n=== dump\n%s\n=== trace\n%s\n", book, dump, strings.Join(seen.take(), "\n"))
			e.check(t)
		})
	}

	t.Run("A24 no secret of a proxy in errors and texts", func(t *testing.T) {
		p := peer.Listen(t, func(nc net.Conn) {
			nc.Read(make([]byte, 4096))
			io.WriteString(nc, "HTTP/1.1 407 No\r\nContent-Length: 0\r\nProxy-Authenticate: Basic realm=\""+secret+"\"\r\nConnection: close\r\n\r\n")
			nc.Close()
		})
		e, book, dump := new(exposed), new(logBook), new(page)
		for _, scheme := range []string{"http", "https", "socks5", "socks5h"} {
			proxy := scheme + "://u:" + secret + "@" + p.Addr
			drive(t, e, secure.URL, httpx.WithProxy(proxy), httpx.WithLogger(book.logger(slog.LevelDebug)), httpx.WithDump(dump, httpx.DumpOptions{}))
			e.show("Proxy", httpx.Proxy{URL: proxy}, &httpx.Proxy{URL: proxy}, httpx.Proxy{URL: "http://h", User: url.UserPassword("u", secret), Header: httpx.FromStdHeader(http.Header{"Proxy-Authorization": {secret}})})
		}
		fmt.Fprintf(e, "\n=== log\n%s\n=== dump\n%s\n", book, dump)
		e.check(t)
	})

	t.Run("B24 no secret in the texts of values", func(t *testing.T) {
		e := new(exposed)
		h := httpx.Header{}
		for _, name := range []string{"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Api-Key", "X-Auth-Token", "X-Csrf-Token", "X-Amz-Security-Token", "WWW-Authenticate"} {
			h.Add(name, secret)
		}
		h.Add("Location", "https://u:"+secret+"@h/?t="+secret+"#"+secret)
		h.Add("Referer", "https://h/?t="+secret)
		h.Add("Link", "<https://h/?t="+secret+"&u=1>; rel=next")
		h.Add("Refresh", "0; url=/?t="+secret)
		q := httpx.QueryParams{}
		q.Add("token", secret)
		u, err := httpx.ParseURL("https://u:" + secret + "@h/?t=" + secret + "#" + secret)
		if err != nil {
			t.Fatal(err)
		}
		jar := new(httpx.Cookies)
		jar.SetCookies(&url.URL{Scheme: "http", Host: "h"}, []*http.Cookie{{Name: "c", Value: secret}})
		resp := &httpx.Response{StatusCode: 200, Header: h, URL: u, Request: &httpx.Request{Method: "GET", URL: u, Header: h}}
		e.show("values", h, &h, q, &q, jar, resp, resp.Request,
			httpx.BasicAuth("u", secret), httpx.DigestAuth("u", secret), httpx.BearerAuth(secret),
			&httpx.Error{Op: "dial", Request: resp.Request, Err: io.EOF}, &httpx.StatusError{Response: resp}, httpx.Result{Response: resp})
		fmt.Fprintf(e, "%#v %s", u, u.Redacted()) // String is the URL as it is
		e.check(t)
	})
}
