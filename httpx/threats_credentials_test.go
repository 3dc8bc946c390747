package httpx_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/peer"
)

// What servers have tried to get credentials that are not theirs, and where.
func TestThreatsRedirects(t *testing.T) {
	const password = "hunter2"
	secrets := []httpx.RequestOption{
		httpx.WithAuth(httpx.BearerAuth(password)),
		httpx.WithHeader("Cookie", "session="+password),
		httpx.WithHeader("Proxy-Authorization", "Basic "+password),
		httpx.WithHeader("X-Api-Key", password), httpx.WithSensitiveHeaders("X-Api-Key"),
	}
	const (
		own     = "the origin's own"
		other   = "another origin's"
		refused = "refused"
	)
	for _, tt := range []struct{ name, location, want string }{
		{"the same host in capitals, its port with a zero", "http://A.EXAMPLE:080/next", own},
		{"the same host with an ideographic full stop", "http://a\u3002example/next", own},
		{"a name below it", "http://b.a.example/", other},
		{"the name above it", "http://example/", other},
		{"a name that ends in it", "http://evila.example/", other},
		{"a name that begins with it", "http://a.example.evil.test/", other},
		{"a final dot", "http://a.example./", other},
		{"another port", "http://a.example:8080/", other},
		{"another scheme", "https://a.example/", other},
		{"the host as user information", "http://a.example@evil.test/", other},
		{"host and port as user information", "http://a.example:80@evil.test/", other},
		{"the host in the query", "http://evil.test?@a.example/", other},
		{"the host in the fragment", "http://evil.test#@a.example/", other},
		{"no scheme", "//evil.test/", other},
		{"a backslash", `http://evil.test\@a.example/`, refused},
		{"an escaped dot", "http://a.example%2eevil.test/", refused},
		{"a zone that looks like it", "http://[::1%25.a.example]/", refused},
		{"a zone that looks like it, on a link-local address", "http://[fe80::1%25a.example]/", refused},
		{"text behind brackets", "http://[::1].a.example/", refused},
		{"brackets behind it", "http://a.example[::1]/", refused},
		{"a scheme and one slash", "http:/evil.test/", refused},
		{"a scheme and no slash", "http:evil.test", refused},
		{"a port that is too large", "http://a.example:65616/", refused},
	} {
		t.Run("credentials follow to "+tt.name, func(t *testing.T) {
			w := newWeb(t, httpx.WithFollowRedirects(true))
			w.redirect("http://a.example/", 302, tt.location)
			_, err := w.Get(t.Context(), "http://a.example/", secrets...)
			asked := w.log()
			if n := strings.Count(fmt.Sprint(asked[0].Header), password); n != 3 { // Proxy-Authorization is for proxies
				t.Fatalf("the first request: %v", asked[0].Header)
			}
			if tt.want == refused {
				if !errors.Is(err, httpx.ErrRemoteProtocol) || len(asked) != 1 {
					t.Errorf("%v, and %d requests", err, len(asked))
				}
				return
			}
			if err != nil || len(asked) != 2 {
				t.Fatalf("%v, and %d requests", err, len(asked))
			}
			got := other
			switch strings.Count(fmt.Sprint(asked[1]), password) {
			case 3:
				got = own
			case 0:
			default:
				t.Errorf("a part of them: %v", asked[1])
			}
			if got != tt.want {
				t.Errorf("%s was taken for %s", asked[1].URL, got)
			}
		})
	}

	t.Run("a cookie for another site", func(t *testing.T) {
		w := newWeb(t, httpx.WithFollowRedirects(true))
		w.page("http://a.example/", func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Add("Set-Cookie", "n=1; Domain=b.example")
			rw.Header().Add("Set-Cookie", "n=2; Domain=example")
			http.Redirect(rw, r, "http://b.example/", http.StatusFound)
		})
		if _, err := w.Get(t.Context(), "http://a.example/"); err != nil {
			t.Fatal(err)
		}
		if asked := w.log(); asked[1].Header.Get("Cookie") != "" || w.Cookies().Len() != 0 {
			t.Errorf("%v, %d in the jar", asked[1].Header, w.Cookies().Len())
		}
	})

	t.Run("no Referer", func(t *testing.T) {
		w := newWeb(t, httpx.WithFollowRedirects(true))
		w.redirect("http://a.example/", 302, "http://a.example/2")
		w.redirect("http://a.example/2", 307, "http://b.example/")
		if _, err := w.Post(t.Context(), "http://u:"+password+"@a.example/?key="+password+"#"+password, httpx.String("x")); err != nil {
			t.Fatal(err)
		}
		for _, a := range w.log() {
			if a.Header.Get("Referer") != "" {
				t.Errorf("%s: %v", a.URL, a.Header)
			}
		}
	})

	t.Run("a scheme that is neither http nor https", func(t *testing.T) {
		for _, location := range []string{
			"file:///etc/passwd", "unix:/run/docker.sock", "http+unix://%2Frun%2Fdocker.sock/", "ftp://a.example/",
			"gopher://a.example:25/_HELO", "data:text/plain,x", "javascript:alert(1)", "ws://a.example/", "jar:http://a.example!/",
		} {
			w := newWeb(t, httpx.WithFollowRedirects(true))
			w.redirect("http://a.example/", 302, location)
			_, err := w.Get(t.Context(), "http://a.example/")
			if !errors.Is(err, httpx.ErrUnsupportedScheme) || w.Stats().Dials != 1 || len(w.log()) != 1 {
				t.Errorf("%s: %v, %d dials", location, err, w.Stats().Dials)
			}
		}
	})

	t.Run("407 of an origin", func(t *testing.T) {
		var asked []http.Header
		s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			asked = append(asked, r.Header)
			rw.Header().Set("Proxy-Authenticate", `Basic realm="x"`)
			rw.WriteHeader(http.StatusProxyAuthRequired)
		}))
		defer s.Close()
		p := newForwarder(t, "")
		tunnel := httpx.Proxy{URL: strings.Replace(p.URL, "://", "://u:"+password+"@", 1), Mode: httpx.ProxyTunnelOnly}
		for name, opt := range map[string]httpx.ClientOption{"through a tunnel": httpx.WithProxyConfig(tunnel), "directly": httpx.WithAuth(httpx.BasicAuth("u", password))} {
			asked = nil
			resp, err := newClient(t, opt).Get(t.Context(), s.URL)
			if err != nil || resp.StatusCode != 407 || len(asked) != 1 || asked[0].Get("Proxy-Authorization") != "" {
				t.Errorf("%s: %v %v, asked with %v", name, resp, err, asked)
			}
		}
	})
}

// Line ends in what a caller passes on from elsewhere reach no server, in either
// protocol: the request is refused before a connection is made for it.
func TestThreatsInjection(t *testing.T) {
	const evil = "x\r\nX-Evil: y\r\n\r\nGET /evil HTTP/1.1\r\nHost: evil\r\n\r\n"
	type opts = []httpx.RequestOption
	for _, tt := range []struct {
		name, method, path string
		opts               opts
	}{
		{"the method", "GET / HTTP/1.1\r\nX: y\r\n\r\nGET", "/", nil},
		{"the method, a space", "GET /evil HTTP/1.1", "/", nil},
		{"the path", "GET", "/" + evil, nil},
		{"the path, LF alone", "GET", "/\nX: y", nil},
		{"the query", "GET", "/?" + evil, nil},
		{"the host", "GET", "@a\r\nX: y/", nil},
		{"the request target", "GET", "/", opts{httpx.WithRequestTarget("/ HTTP/1.1\r\nX: y")}},
		{"Host", "GET", "/", opts{httpx.WithHeader("Host", "a\r\nX: y")}},
		{"the name of a field", "GET", "/", opts{httpx.WithHeader("X\r\nY", "z")}},
		{"the value of a field", "GET", "/", opts{httpx.WithHeader("X", evil)}},
		{"the value of a field, LF alone", "GET", "/", opts{httpx.WithHeader("X", "y\nZ: z")}},
		{"the value of a field, CR alone", "GET", "/", opts{httpx.WithHeader("X", "y\rZ: z")}},
		{"the value of a field, NUL", "GET", "/", opts{httpx.WithHeader("X", "y\x00")}},
		{"the user agent", "GET", "/", opts{httpx.WithUserAgent(evil)}},
		{"a bearer token", "GET", "/", opts{httpx.WithAuth(httpx.BearerAuth(evil))}},
		{"a user name", "GET", "/", opts{httpx.WithAuth(httpx.BasicAuth(evil, "x"))}},
		{"a field of an Auth", "GET", "/", opts{httpx.WithAuth(httpx.AuthFunc(func(r *httpx.Request) error { r.Header.Set("X", evil); return nil }))}},
		{"a field of a hook", "GET", "/", opts{httpx.OnRequest(func(r *httpx.Request) error { r.Header.Set("X", evil); return nil })}},
		{"the value of a cookie", "GET", "/", opts{httpx.WithCookie(&http.Cookie{Name: "a", Value: evil})}},
		{"the value of a cookie, another cookie", "GET", "/", opts{httpx.WithCookie(&http.Cookie{Name: "a", Value: "b; admin=1"})}},
		{"the name of a cookie", "GET", "/", opts{httpx.WithCookie(&http.Cookie{Name: "a=1; b", Value: "x"})}},
		{"a content type", "POST", "/", opts{httpx.String("x"), httpx.ContentType(evil)}},
		{"a content type of a part", "POST", "/", opts{httpx.Multipart(httpx.Part{Name: "a", ContentType: evil, Body: httpx.String("x")})}},
		{"Transfer-Encoding beside a length", "POST", "/", opts{httpx.String("x"), httpx.WithHeader("Transfer-Encoding", "identity")}},
		{"a length that is not the body's", "POST", "/", opts{httpx.String("x"), httpx.WithHeader("Content-Length", "5")}},
	} {
		t.Run("line ends in "+tt.name, func(t *testing.T) {
			var bytes, requests atomic.Int64
			s := peer.Listen(t, func(nc net.Conn) {
				n, _ := io.Copy(io.Discard, nc)
				bytes.Add(n)
			})
			s2, prior := http2Server(t, false, func(http.ResponseWriter, *http.Request) { requests.Add(1) })
			for _, to := range []struct {
				base string
				c    *httpx.Client
			}{{"http://" + s.Addr, newClient(t)}, {s2.URL, newClient(t, prior)}} {
				_, err := to.c.Do(t.Context(), tt.method, to.base+tt.path, tt.opts...)
				var e *httpx.Error
				if !errors.As(err, &e) || e.Sent {
					t.Errorf("%s: %v", to.base, err)
				} else if strings.ContainsAny(err.Error(), "\r\n\x00") {
					t.Errorf("the error has line ends: %q", err)
				}
				to.c.Close()
			}
			s.Close()
			if bytes.Load() != 0 || requests.Load() != 0 {
				t.Errorf("%d bytes over HTTP/1.1 and %d requests over HTTP/2 were sent", bytes.Load(), requests.Load())
			}
		})
	}

	t.Run("line ends that are encoded", func(t *testing.T) {
		to, got := rawServer(t)
		if _, err := newClient(t).Post(t.Context(), to+"a/{id}", httpx.WithPathParam("id", "../"+evil), httpx.WithQuery("q", evil), httpx.Form(url.Values{"f": {evil}})); err != nil {
			t.Fatal(err)
		}
		r := <-got
		if n := strings.Count(r.Line(), " "); n != 2 || strings.Contains(r.Head, "X-Evil: y") || strings.ContainsAny(r.Body, "\r\n") || strings.Contains(r.Line(), "/../") {
			t.Errorf("%q, body %q", r.Head, r.Body)
		}
	})
	t.Run("line ends in names of a form", func(t *testing.T) {
		to, got := rawServer(t)
		body := httpx.Multipart(httpx.Part{Name: "a\"\r\nX-Evil: y", Filename: "b\"; name=\"c\r\n\r\nd", Body: httpx.String("x")})
		if _, err := newClient(t).Post(t.Context(), to, body); err != nil {
			t.Fatal(err)
		}
		if r := <-got; strings.Contains(r.Body, "\r\nX-Evil") || strings.Count(r.Body, "\r\n\r\n") != 1 || strings.Contains(r.Body, `b"; name`) {
			t.Errorf("%q", r.Body)
		}
	})
	t.Run("line ends in what is for a proxy", func(t *testing.T) {
		var bytes atomic.Int64
		s := peer.Listen(t, func(nc net.Conn) {
			n, _ := io.Copy(io.Discard, nc)
			bytes.Add(n)
		})
		for name, p := range map[string]httpx.Proxy{
			"a field":         {URL: "http://" + s.Addr, Header: header("X", evil)},
			"the name of one": {URL: "http://" + s.Addr, Header: header("X\r\nY", "z")},
			"user, SOCKS":     {URL: "socks5h://" + s.Addr, User: url.UserPassword(strings.Repeat("u", 256), "x")},
			"a field, tunnel": {URL: "http://" + s.Addr, Header: header("X", evil), Mode: httpx.ProxyTunnelOnly},
			"the URL's own":   {URL: "http://" + s.Addr + "/\r\nX: y"},
		} {
			c, err := httpx.New(httpx.WithProxyConfig(p))
			if err == nil {
				_, err = c.Get(t.Context(), "http://a.example/")
				c.Close()
			}
			if err == nil || strings.ContainsAny(err.Error(), "\r\n") {
				t.Errorf("%s: %v", name, err)
			}
		}
		s.Close()
		if n := bytes.Load(); n != 0 && n != 4 { // SOCKS begins with a greeting of four
			t.Errorf("%d bytes were sent", n)
		}
	})
}

// Names that other readers of URLs take for something else: net/url's own among
// them, which parsed the URL of a net/http request.
func TestThreatsHosts(t *testing.T) {
	t.Run("hosts of net/http requests", func(t *testing.T) {
		setEnv(t, "ALL_PROXY=http://p:1", "NO_PROXY=.example.com")
		c, err := httpx.New()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for _, host := range []string{
			"[::1%25.example.com]:80", "[::1%.example.com]", "[fe80::1%25.example.com]", "[::1]evil.test", "[::1].example.com",
			"evil.test[::1]", "[evil.test]", "[", "]", "[]", "\u00fc:80/b", "a b", "a\r\nX: y", "a/b", "a?b", "a#b", "u@a", "a:80:80", "a:x", "127.1", "0x7f.1", "",
		} {
			for _, u := range []*url.URL{{Scheme: "http", Host: host, Path: "/"}, {Scheme: "http://evil.test/?", Host: host}} {
				resp, err := c.RoundTripper().RoundTrip(&http.Request{Method: "GET", URL: u, Header: http.Header{}})
				if err == nil {
					resp.Body.Close()
				}
				if !errors.Is(err, httpx.ErrInvalidURL) {
					t.Errorf("%+v: %v", u, err)
				}
				if u, err := httpx.FromStdURL(u); !errors.Is(err, httpx.ErrInvalidURL) && (host != "" || err != nil) {
					t.Errorf("%+v: %v", u, err)
				}
			}
		}
		if n := c.Stats().Dials; n != 0 {
			t.Errorf("%d dials", n)
		}
	})
	t.Run("a name of 256 bytes for a SOCKS proxy", func(t *testing.T) {
		var bytes atomic.Int64
		s := peer.Listen(t, func(nc net.Conn) {
			n, _ := io.Copy(io.Discard, nc)
			bytes.Add(n)
		})
		c := newClient(t, httpx.WithProxy("socks5h://"+s.Addr))
		for _, n := range []int{254, 256, 300, 70_000} {
			if _, err := c.Get(t.Context(), "http://"+strings.Repeat("a", n)+"/"); !errors.Is(err, httpx.ErrInvalidURL) {
				t.Errorf("%d bytes: %v", n, err)
			}
		}
		if s.Close(); bytes.Load() != 0 || s.Accepted() != 0 {
			t.Errorf("%d bytes were sent", bytes.Load())
		}
	})
	t.Run("HTTP_PROXY of a request to a CGI script", func(t *testing.T) {
		setEnv(t, "HTTP_PROXY=http://evil:1", "REQUEST_METHOD=GET")
		if got := where(t, "http://a"); got != "-" {
			t.Errorf("it goes to %s", got)
		}
	})
}
