package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/tls"
)

// wireText is what a request looks like on the wire.
func wireText(t *testing.T, send func(url string, c *httpx.Client) error, opts ...httpx.ClientOption) string {
	t.Helper()
	got := make(chan string, 1)
	s := peer.Listen(t, func(nc net.Conn) {
		var text []byte
		buf := make([]byte, 4096)
		for !strings.Contains(string(text), "\r\n\r\n") {
			n, err := nc.Read(buf)
			if err != nil {
				return
			}
			text = append(text, buf[:n]...)
		}
		got <- string(text)
		io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	})
	c := newClient(t, append([]httpx.ClientOption{httpx.WithConnectTo("*", s.Addr)}, opts...)...)
	if err := send("http://a.example", c); err != nil {
		t.Fatal(err)
	}
	return <-got
}

func get(path string, opts ...httpx.RequestOption) func(string, *httpx.Client) error {
	return func(url string, c *httpx.Client) error {
		_, err := c.Get(context.Background(), url+path, opts...)
		return err
	}
}

func TestTopLevel(t *testing.T) {
	ctx := context.Background()
	w := newWeb(t, httpx.WithCookieJar(nil))
	w.page("http://a.example/", func(rw http.ResponseWriter, r *http.Request) { io.WriteString(rw, "hello") })
	defer httpx.SetDefault(httpx.SetDefault(w.Client))

	t.Run("A1.1 Do uses one shared client", func(t *testing.T) {
		before := w.Stats().Dials
		for range 3 {
			if resp, err := httpx.Do(ctx, "GET", "http://a.example/"); err != nil || resp.Text() != "hello" {
				t.Fatal(resp, err)
			}
		}
		if d := w.Stats().Dials - before; d != 1 || httpx.Default() != w.Client {
			t.Errorf("%d dials for three calls", d)
		}
	})
	t.Run("A1.2 methods that usually have no body", func(t *testing.T) {
		for method, call := range map[string]func(context.Context, string, ...httpx.RequestOption) (*httpx.Response, error){
			"GET": httpx.Get, "HEAD": httpx.Head, "OPTIONS": httpx.Options, "DELETE": httpx.Delete,
			"POST": httpx.Post, "PUT": httpx.Put, "PATCH": httpx.Patch,
		} {
			w.log()
			if _, err := call(ctx, "http://a.example/", httpx.String("x")); err != nil {
				t.Fatal(err)
			}
			if got := w.log()[0]; got.Method != method || got.Body != "x" {
				t.Errorf("%s: %v", method, got)
			}
		}
	})
	t.Run("A1.3 bodies are options", func(t *testing.T) {
		w.log()
		httpx.Post(ctx, "http://a.example/", httpx.JSON(map[string]int{"a": 1}), httpx.WithHeader("X-A", "b"))
		if got := w.log()[0]; got.Body != `{"a":1}` || got.Header.Get("Content-Type") != "application/json" || got.Header.Get("X-A") != "b" {
			t.Errorf("%v", got)
		}
	})
	t.Run("A1.4 Stream and StreamFunc", func(t *testing.T) {
		resp, err := httpx.Stream(ctx, "GET", "http://a.example/")
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(resp.Body); string(b) != "hello" || err != nil || len(resp.Bytes()) != 0 {
			t.Errorf("%q %v", b, err)
		}
		resp.Close()
		oops := errors.New("oops")
		if err := httpx.StreamFunc(ctx, "GET", "http://a.example/", func(r *httpx.Response) error { resp = r; return oops }); err != oops {
			t.Error(err)
		}
		func() {
			defer func() { _ = recover() }()
			httpx.StreamFunc(ctx, "GET", "http://a.example/", func(r *httpx.Response) error { panic("oops") })
		}()
		if busy := waitForIdle(w.Client).Busy; busy != 0 {
			t.Errorf("%d busy after StreamFunc", busy)
		}
	})
	t.Run("A1.5 status codes", func(t *testing.T) {
		if httpx.StatusText(404) != "Not Found" || httpx.StatusText(700) != "" || httpx.StatusCode(404).String() != "Not Found" {
			t.Error("phrases")
		}
		for code, want := range map[int]string{100: "i", 204: "s", 304: "r", 404: "ce", 503: "ve", 700: "", 99: ""} {
			s, got := httpx.StatusCode(code), ""
			for _, p := range []struct {
				is   bool
				name string
			}{{s.IsInformational(), "i"}, {s.IsSuccess(), "s"}, {s.IsRedirect(), "r"}, {s.IsClientError(), "c"}, {s.IsServerError(), "v"}, {s.IsError(), "e"}} {
				if p.is {
					got += p.name
				}
			}
			if got != want {
				t.Errorf("%d: %q, want %q", code, got, want)
			}
		}
	})
}

func TestClientOptions(t *testing.T) {
	ctx := context.Background()
	t.Run("A2.1 auth", func(t *testing.T) {
		text := wireText(t, get("/"), httpx.WithAuth(httpx.BasicAuth("Aladdin", "open sesame")))
		if !strings.Contains(text, "\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n") {
			t.Error(text)
		}
	})
	t.Run("A2.2 client parameters keep the URL's own", func(t *testing.T) {
		text := wireText(t, get("/?own=1&k=0", httpx.WithQuery("k", 3, "r", 4)), httpx.WithQuery("k", 2, "c", "x y"))
		if !strings.HasPrefix(text, "GET /?own=1&k=0&c=x+y&k=3&r=4 HTTP/1.1\r\n") {
			t.Error(text)
		}
	})
	t.Run("A2.3 default fields, order and case", func(t *testing.T) {
		text := wireText(t, get("/", httpx.WithHeader("X-request", "2"), httpx.WithHeader("accept", "text/html")), httpx.WithHeader("X-CLIENT", "1"))
		var names []string
		for _, line := range strings.Split(text, "\r\n")[1:] {
			if name, _, ok := strings.Cut(line, ":"); ok && name != "Accept-Encoding" {
				names = append(names, name)
			}
		}
		if want := []string{"Host", "User-Agent", "X-CLIENT", "X-request", "accept"}; !slices.Equal(sorted(names), sorted(want)) || names[0] != "Host" {
			t.Errorf("%q, want %q", names, want)
		}
		if !strings.Contains(text, "\r\nUser-Agent: gohttpx/") || !strings.Contains(text, "\r\naccept: text/html\r\n") {
			t.Error(text)
		}
		text = wireText(t, get("/"), httpx.WithoutDefaultHeaders())
		if text != "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n" {
			t.Errorf("without: %q", text)
		}
		text = wireText(t, get("/"), httpx.WithUserAgent("own"))
		if !strings.Contains(text, "\r\nUser-Agent: own\r\n") || strings.Count(text, "User-Agent") != 1 {
			t.Errorf("own: %q", text)
		}
	})
	t.Run("A2.5 verification", func(t *testing.T) {
		w := newWeb(t)
		if _, err := w.Get(ctx, "https://a.example/", httpx.WithTLS(tls.Options{})); !errors.Is(err, httpx.ErrTLS) {
			t.Errorf("an unknown issuer: %v", err)
		}
		if _, err := w.Get(ctx, "https://a.example/", httpx.WithTLS(tls.Options{InsecureSkipVerify: true})); err != nil {
			t.Errorf("not verified: %v", err)
		}
		if _, err := w.Get(ctx, "https://a.example/"); err != nil {
			t.Errorf("known: %v", err)
		}
	})
	t.Run("A2.6 client certificates that are not there", func(t *testing.T) {
		if _, err := httpx.New(httpx.WithTLS(tls.Options{CertFile: "/no/such.pem"})); err == nil || !strings.Contains(err.Error(), "/no/such.pem") {
			t.Errorf("%v", err)
		}
	})
	t.Run("A2.8 protocols", func(t *testing.T) {
		for _, tt := range []struct {
			h1, h2 bool
			want   string
		}{{true, false, "HTTP/1.1"}, {true, true, "HTTP/2"}, {false, true, "HTTP/2"}} {
			w := newWeb(t, httpx.WithHTTP1(tt.h1), httpx.WithHTTP2(tt.h2))
			resp, err := w.Get(ctx, "https://a.example/")
			if err != nil || resp.Proto != tt.want {
				t.Errorf("%v: %v %v", tt, resp, err)
			}
		}
		if _, err := httpx.New(httpx.WithHTTP1(false), httpx.WithHTTP2(false)); err == nil {
			t.Error("neither")
		}
	})
	t.Run("A2.11 timeouts merge", func(t *testing.T) {
		// Those of the request over the client's, the client's over five seconds:
		// what is in force is in the error.
		s := peer.Listen(t, func(nc net.Conn) { io.Copy(io.Discard, nc) })
		c := newClient(t, httpx.WithTimeout(time.Hour), httpx.WithTimeouts(httpx.Timeouts{Read: 20 * time.Millisecond}))
		_, err := c.Get(ctx, "http://"+s.Addr+"/")
		if !errors.Is(err, httpx.ErrReadTimeout) || !strings.Contains(err.Error(), "20ms") {
			t.Error(err)
		}
		// Another of the four may be the first to fire where the machine is busy.
		for _, limit := range []time.Duration{10 * time.Millisecond, time.Second, 10 * time.Second} {
			_, err = c.Get(ctx, "http://"+s.Addr+"/", httpx.WithTimeout(limit))
			if errors.Is(err, httpx.ErrReadTimeout) && strings.Contains(err.Error(), limit.String()) {
				return
			}
			t.Log(err)
		}
		t.Error("the request's timeout is not in force")
	})
	t.Run("A2.12 redirects are not followed unless asked for", func(t *testing.T) {
		w := newWeb(t)
		w.redirect("http://a.example/", 302, "/2")
		if resp, err := w.Get(ctx, "http://a.example/"); err != nil || resp.StatusCode != 302 {
			t.Error(resp, err)
		}
		if resp, err := w.Get(ctx, "http://a.example/", httpx.WithFollowRedirects(true)); err != nil || resp.StatusCode != 200 || len(resp.History) != 1 {
			t.Error(resp, err)
		}
	})
	t.Run("A2.13 limits", func(t *testing.T) {
		w := newWeb(t, httpx.WithLimits(httpx.Limits{MaxConnections: 1}), httpx.WithTimeouts(httpx.Timeouts{Pool: 10 * time.Millisecond}))
		resp, err := w.Stream(ctx, "GET", "http://a.example/")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Close()
		w.page("http://a.example/hang", func(rw http.ResponseWriter, r *http.Request) {
			rw.(http.Flusher).Flush()
			<-r.Context().Done()
		})
		resp, err = w.Stream(ctx, "GET", "http://a.example/hang")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Close()
		if _, err := w.Get(ctx, "http://a.example/"); !errors.Is(err, httpx.ErrPoolTimeout) {
			t.Error(err)
		}
	})
	t.Run("A2.14 hooks", func(t *testing.T) {
		var order []string
		note := func(s string) { order = append(order, s) }
		w := newWeb(t, httpx.OnRequest(func(r *httpx.Request) error { note("client " + r.URL.Path()); return nil }),
			httpx.OnResponse(func(r *httpx.Response) error { note(fmt.Sprint("got ", r.StatusCode)); return nil }))
		w.redirect("http://a.example/", 302, "/2")
		_, err := w.Get(ctx, "http://a.example/", httpx.WithFollowRedirects(true),
			httpx.OnRequest(func(r *httpx.Request) error { note("request " + r.URL.Path()); return nil }))
		if want := "client / request / got 302 client /2 request /2 got 200"; err != nil || strings.Join(order, " ") != want {
			t.Errorf("%v %q", err, order)
		}
	})
	t.Run("A2.15 base URL", func(t *testing.T) {
		w := newWeb(t, httpx.WithBaseURL("http://a.example/v1"))
		for ref, want := range map[string]string{
			"": "http://a.example/v1", "x": "http://a.example/v1/x", "/x": "http://a.example/v1/x", "http://b.example/y": "http://b.example/y",
		} {
			if resp, err := w.Get(ctx, ref); err != nil || resp.URL.String() != want {
				t.Errorf("%q: %v %v", ref, resp, err)
			}
		}
	})
	t.Run("A2.16 transport", func(t *testing.T) {
		s := &script{answers: []answer{{status: 204}}}
		c := newClient(t, httpx.WithTransport(s))
		resp, err := c.Get(ctx, "https://a.example/")
		if err != nil || resp.StatusCode != 204 || len(s.sent) != 1 || resp.Request != s.sent[0] || resp.URL.String() != "https://a.example/" {
			t.Errorf("%v %v", resp, err)
		}
		nothing := transportFunc(func(context.Context, *httpx.Request) (*httpx.Response, error) { return nil, nil })
		if _, err := newClient(t, httpx.WithTransport(nothing)).Get(ctx, "http://a.example/"); err == nil {
			t.Error("neither response nor error")
		}
	})
	t.Run("A2.18 derived clients", func(t *testing.T) {
		w := newWeb(t, httpx.WithHeader("X-App", "1"), httpx.WithHeader("X-Tenant", "none"), httpx.WithBaseURL("http://a.example/v1"))
		tenant, err := w.With(httpx.WithHeader("X-Tenant", "7"), httpx.WithTimeout(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		w.log()
		tenant.Get(ctx, "/x")
		w.Get(ctx, "/x")
		asked := w.log()
		if h := asked[0].Header; h.Get("X-Tenant") != "7" || h.Get("X-App") != "1" || asked[0].URL != "http://a.example/v1/x" {
			t.Errorf("derived: %v", asked[0])
		}
		if h := asked[1].Header; h.Get("X-Tenant") != "none" {
			t.Errorf("the original has changed: %v", h)
		}
		if d := w.Stats().Dials; d != 1 || tenant.Stats().Dials != 1 {
			t.Errorf("%d dials: the pool should be shared", d)
		}
		for name, opt := range map[string]httpx.ClientOption{
			"limits":    httpx.WithLimits(httpx.Limits{MaxConnections: 1}),
			"dialler":   httpx.WithDialContext(nil),
			"resolver":  httpx.WithResolver(nil),
			"transport": httpx.WithTransport(&script{}),
		} {
			if _, err := w.With(opt); err == nil || !strings.Contains(err.Error(), "New") {
				t.Errorf("%s: %v", name, err)
			}
		}
		secure, err := w.With(httpx.WithTLS(tls.Options{InsecureSkipVerify: true}))
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := secure.Get(ctx, "https://a.example/"); err != nil || resp.StatusCode != 200 {
			t.Errorf("connection options of a derived client: %v %v", resp, err)
		}
		w.Close()
		if _, err := tenant.Get(ctx, "/x"); !errors.Is(err, httpx.ErrClientClosed) {
			t.Errorf("after Close of the original: %v", err)
		}
	})
	t.Run("A2.19 lifecycle", func(t *testing.T) {
		for _, opts := range [][]httpx.ClientOption{nil, {httpx.WithTransport(&script{answers: []answer{{status: 200}}})}} {
			c := newClient(t, opts...)
			for range 2 {
				if err := c.Close(); err != nil {
					t.Errorf("Close is not idempotent: %v", err)
				}
			}
			if _, err := c.Get(ctx, "http://a.example/"); !errors.Is(err, httpx.ErrClientClosed) {
				t.Errorf("%v", err)
			}
		}
		w := newWeb(t)
		resp, err := w.Stream(ctx, "GET", "http://a.example/")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		go func() { done <- w.Shutdown(ctx) }()
		resp.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Run("A2.20 many goroutines", func(t *testing.T) {
		w := newWeb(t, httpx.OnRequest(func(r *httpx.Request) error { r.Header.Set("X-Hook", r.Header.Get("X-N")); return nil }))
		w.page("http://a.example/", func(rw http.ResponseWriter, r *http.Request) { io.WriteString(rw, r.Header.Get("X-Hook")) })
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				for i := range 50 {
					n := fmt.Sprint(g, "-", i)
					if resp, err := w.Get(ctx, "http://a.example/", httpx.WithHeader("X-N", n)); err != nil || resp.Text() != n {
						t.Error(resp, err)
						return
					}
				}
			})
		}
		wg.Wait()
	})
}

type transportFunc func(context.Context, *httpx.Request) (*httpx.Response, error)

func (f transportFunc) RoundTrip(ctx context.Context, r *httpx.Request) (*httpx.Response, error) {
	return f(ctx, r)
}

func sorted(s []string) []string { return slices.Sorted(slices.Values(s)) }

func TestRequestOptions(t *testing.T) {
	ctx := context.Background()
	t.Run("A3.1 fields", func(t *testing.T) {
		text := wireText(t, get("/", httpx.WithHeader("x-a", "request"), httpx.WithAddedHeader("X-B", "2"), httpx.WithoutHeader("X-C")),
			httpx.WithHeader("X-A", "client"), httpx.WithAddedHeader("X-A", "twice"), httpx.WithHeader("X-B", "1"), httpx.WithHeader("X-C", "gone"))
		for _, want := range []string{"\r\nx-a: request\r\n", "\r\nX-B: 1\r\nX-B: 2\r\n"} {
			if !strings.Contains(text+"\r\n", want) && !strings.Contains(text, want) {
				t.Errorf("%q lacks %q", text, want)
			}
		}
		for _, gone := range []string{"client", "twice", "X-C"} {
			if strings.Contains(text, gone) {
				t.Errorf("%q has %q", text, gone)
			}
		}
	})
	t.Run("A3.2 parameters replace per key", func(t *testing.T) {
		text := wireText(t, get("/", httpx.WithQuery("a", []int{3, 4})), httpx.WithQuery("a", 1, "b", 2, "a", 5))
		if !strings.HasPrefix(text, "GET /?b=2&a=3&a=4 ") {
			t.Error(text)
		}
	})
	t.Run("A3.4 auth precedence", func(t *testing.T) {
		w := newWeb(t, httpx.WithAuth(httpx.BasicAuth("client", "x")))
		for name, tt := range map[string]struct {
			url  string
			opts []httpx.RequestOption
			want string
		}{
			"request":          {"http://user:x@a.example/", []httpx.RequestOption{httpx.WithAuth(httpx.BasicAuth("request", "x"))}, "request"},
			"client":           {"http://user:x@a.example/", nil, "client"},
			"none":             {"http://user:x@a.example/", []httpx.RequestOption{httpx.NoAuth()}, ""},
			"none, no user":    {"http://a.example/", []httpx.RequestOption{httpx.NoAuth()}, ""},
			"user information": {"http://user:x@a.example/", nil, "user"},
		} {
			w := w
			if tt.want == "user" {
				w = newWeb(t)
			}
			w.log()
			if _, err := w.Get(ctx, tt.url, tt.opts...); err != nil {
				t.Fatal(name, err)
			}
			r := http.Request{Header: w.log()[0].Header}
			if user, _, _ := r.BasicAuth(); user != tt.want {
				t.Errorf("%s: sent as %q", name, user)
			}
		}
	})
	t.Run("A3.5 Never", func(t *testing.T) {
		w := newWeb(t, httpx.WithTimeout(time.Millisecond))
		w.page("http://a.example/", func(rw http.ResponseWriter, r *http.Request) {
			select { // longer than the client's timeout
			case <-time.After(50 * time.Millisecond):
			case <-r.Context().Done():
			}
		})
		if _, err := w.Get(ctx, "http://a.example/", httpx.WithTimeout(httpx.Never)); err != nil {
			t.Error(err)
		}
	})
	t.Run("A3.6 redirects per request", func(t *testing.T) {
		w := newWeb(t, httpx.WithFollowRedirects(true))
		w.redirect("http://a.example/", 302, "/2")
		if resp, err := w.Get(ctx, "http://a.example/", httpx.WithFollowRedirects(false)); err != nil || resp.StatusCode != 302 {
			t.Error(resp, err)
		}
	})
	t.Run("A3.7 request target and SNI", func(t *testing.T) {
		text := wireText(t, func(url string, c *httpx.Client) error {
			_, err := c.Options(ctx, url+"/ignored", httpx.WithRequestTarget("*"))
			return err
		})
		if !strings.HasPrefix(text, "OPTIONS * HTTP/1.1\r\nHost: a.example\r\n") {
			t.Error(text)
		}
		if text := wireText(t, get("/x", httpx.WithRequestTarget("/a/../%zz?{raw}"))); !strings.HasPrefix(text, "GET /a/../%zz?{raw} HTTP/1.1\r\n") {
			t.Error(text)
		}
		w := newWeb(t)
		for _, bad := range []string{"/a b", "/a\r\nX: y", "/a\x00"} {
			if _, err := w.Get(ctx, "http://a.example/", httpx.WithRequestTarget(bad)); !errors.Is(err, httpx.ErrLocalProtocol) || len(w.log()) != 0 {
				t.Errorf("%q: %v", bad, err)
			}
		}
		resp, err := w.Get(ctx, "https://other.example/", httpx.WithSNI("example.com"))
		if err != nil || resp.Conn().TLS.ServerName != "example.com" {
			t.Errorf("%v %v", resp, err)
		}
		if _, err := w.Get(ctx, "https://other.example/", httpx.WithSNI("wrong.example.net")); !errors.Is(err, httpx.ErrTLS) {
			t.Errorf("the certificate is for another name: %v", err)
		}
	})
	t.Run("A3.8 connection options per request", func(t *testing.T) {
		w := newWeb(t, httpx.WithHTTP2(true))
		for range 3 {
			for _, tt := range []struct {
				opts []httpx.RequestOption
				want string
			}{{nil, "HTTP/2"}, {[]httpx.RequestOption{httpx.WithHTTP2(false)}, "HTTP/1.1"}} {
				if resp, err := w.Get(ctx, "https://a.example/", tt.opts...); err != nil || resp.Proto != tt.want {
					t.Errorf("%v %v, want %s", resp, err, tt.want)
				}
			}
		}
		if d := w.Stats().Dials; d != 2 {
			t.Errorf("%d dials: one for each kind of connection was wanted", d)
		}
		if _, err := w.Get(ctx, "https://a.example/", httpx.WithConnectTo("bad", "")); err == nil {
			t.Error("a bad option")
		}
	})
	t.Run("B49 protocol per request", func(t *testing.T) {
		w := newWeb(t)
		resp, err := w.Get(ctx, "https://a.example/", httpx.WithHTTP2(true), httpx.WithHTTP1(false))
		if err != nil || resp.Proto != "HTTP/2" {
			t.Errorf("%v %v", resp, err)
		}
		resp, err = w.Get(ctx, "https://a.example/", httpx.WithHTTP2(false), httpx.WithHTTP1(true))
		if err != nil || resp.Proto != "HTTP/1.1" {
			t.Errorf("%v %v", resp, err)
		}
	})
}

func TestReason(t *testing.T) {
	t.Run("A6.1 phrases", func(t *testing.T) {
		w := newWeb(t)
		w.page("https://a.example/", func(rw http.ResponseWriter, r *http.Request) { rw.WriteHeader(http.StatusTeapot) })
		resp, err := w.Get(context.Background(), "https://a.example/")
		if err != nil || resp.Proto != "HTTP/2" || resp.StatusCode != http.StatusTeapot || resp.Reason != "I'm a teapot" {
			t.Errorf("HTTP/2: %v %q %v", resp, resp.Reason, err)
		}
		s := peer.Listen(t, func(nc net.Conn) {
			nc.Read(make([]byte, 4096))
			io.WriteString(nc, "HTTP/1.1 200 As It Was Sent\r\nContent-Length: 0\r\n\r\n")
		})
		resp, err = w.Get(context.Background(), "http://a.example/", httpx.WithConnectTo("a.example:80", s.Addr))
		if err != nil || resp.Reason != "As It Was Sent" {
			t.Errorf("HTTP/1.1: %q %v", resp.Reason, err)
		}
	})
}
