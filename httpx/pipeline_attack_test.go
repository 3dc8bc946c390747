package httpx_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"gohttpx.dev/httpx"
)

func TestUnfollowedRedirect(t *testing.T) {
	ctx := context.Background()
	rc := filepath.Join(t.TempDir(), "netrc")
	if err := os.WriteFile(rc, []byte("machine a.example login u password secret\nmachine b.example login v password other\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	basic := httpx.WithAuth(httpx.BasicAuth("u", "secret"))
	const sent = "Basic dTpzZWNyZXQ="
	for _, tt := range []struct {
		name, url, location string
		opt                 httpx.RequestOption
		want                string // Authorization of NextRequest, when it is sent
	}{
		{"Auth, same origin", "http://a.example/", "/next", basic, sent},
		{"Auth, another host", "http://a.example/", "http://b.example/", basic, ""},
		{"Auth, another port", "http://a.example/", "http://a.example:8080/", basic, ""},
		{"Auth, from https to http", "https://a.example/", "http://a.example/next", basic, ""},
		{"user of the URL, relative Location", "http://u:secret@a.example/", "/next", httpx.WithHeaders(nil), sent},
		{"user of the URL, absolute Location", "http://u:secret@a.example/", "http://a.example/next", httpx.WithHeaders(nil), sent},
		{"user of the URL, another host", "http://u:secret@a.example/", "//b.example/", httpx.WithHeaders(nil), ""},
		{"user of the Location, same origin", "http://a.example/", "http://evil:x@a.example/next", httpx.WithHeaders(nil), ""},
		{"user of both", "http://u:secret@a.example/", "http://evil:x@a.example/next", httpx.WithHeaders(nil), sent},
		{"user of the Location, another host", "http://a.example/", "http://evil:x@b.example/", httpx.WithHeaders(nil), ""},
		{"netrc, another host", "http://a.example/", "http://b.example/", httpx.WithAuth(httpx.NetRC(rc)), "Basic djpvdGhlcg=="},
		{"netrc, a host that is not in it", "http://a.example/", "http://c.example/", httpx.WithAuth(httpx.NetRC(rc)), ""},
	} {
		t.Run("A13.7 A12.11 "+tt.name, func(t *testing.T) {
			w := newWeb(t)
			page := strings.Replace(strings.Replace(tt.url, "u:secret@", "", 1), "evil:x@", "", 1)
			w.redirect(page, 307, tt.location)
			resp, err := w.Get(ctx, tt.url, tt.opt, httpx.WithCookie(&http.Cookie{Name: "k", Value: "secret"}))
			if err != nil || resp.NextRequest == nil {
				t.Fatal(resp, err)
			}
			w.log()
			if _, err := w.Send(ctx, resp.NextRequest); err != nil {
				t.Fatal(err)
			}
			asked := w.log()[0]
			if got := asked.Header.Get("Authorization"); got != tt.want {
				t.Errorf("%s was sent %q, want %q", asked.URL, got, tt.want)
			}
			if c := asked.Header.Get("Cookie"); c != "" && !strings.HasPrefix(asked.URL, page) {
				t.Errorf("%s was sent the cookie %s", asked.URL, c)
			}
		})
	}
	t.Run("A13.7 A12.11 the chain has left and comes back", func(t *testing.T) {
		w := newWeb(t, basic)
		w.redirect("http://a.example/", 302, "http://b.example/")
		w.redirect("http://b.example/", 302, "http://a.example/back")
		resp, err := w.Get(ctx, "http://a.example/", httpx.WithFollowRedirects(true), httpx.WithRedirectPolicy(func(next *httpx.Request, via []*httpx.Response) error {
			if len(via) == 2 {
				return httpx.ErrUseLastResponse
			}
			return nil
		}))
		if err != nil || resp.NextRequest == nil {
			t.Fatal(resp, err)
		}
		w.log()
		if _, err := w.Send(ctx, resp.NextRequest); err != nil {
			t.Fatal(err)
		}
		if got := w.log()[0].Header.Get("Authorization"); got != "" {
			t.Errorf("sent %q", got)
		}
	})
}

func TestRedirect303Body(t *testing.T) {
	w := newWeb(t, httpx.WithFollowRedirects(true))
	w.redirect("http://a.example/", 303, "/next")
	for _, method := range []string{"GET", "HEAD"} {
		t.Run("A13.2 a body of "+method+" is not sent again after 303", func(t *testing.T) {
			w.log()
			_, err := w.Do(context.Background(), method, "http://a.example/", httpx.Reader(strings.NewReader("x")), httpx.ContentType("text/plain"))
			if err != nil {
				t.Fatal(err)
			}
			if a := w.log()[1]; a.Method != method || a.Body != "" || a.Header.Get("Content-Type") != "" {
				t.Errorf("%+v", a)
			}
		})
	}
}

func TestRequestsThatAreNone(t *testing.T) {
	ctx := context.Background()
	w := newWeb(t)
	w.redirect("http://a.example/r", 302, "/next")
	network, err := httpx.NewTransport()
	if err != nil {
		t.Fatal(err)
	}
	defer network.Close()
	relative, err := httpx.ParseURL("/x")
	if err != nil {
		t.Fatal(err)
	}
	get := func(opts ...httpx.RequestOption) error {
		_, err := w.Get(ctx, "http://a.example/r", opts...)
		return err
	}
	for name, u := range map[string]*httpx.URL{"nil": nil, "relative": relative} {
		for _, tt := range []struct {
			by   string
			send func() error
		}{
			{"Send", func() error { _, err := w.Send(ctx, &httpx.Request{Method: "GET", URL: u}); return err }},
			{"HTTPTransport", func() error { _, err := network.RoundTrip(ctx, &httpx.Request{Method: "GET", URL: u}); return err }},
			{"HandlerTransport", func() error {
				_, err := httpx.HandlerTransport(http.NotFoundHandler()).RoundTrip(ctx, &httpx.Request{URL: u})
				return err
			}},
			{"a hook", func() error { return get(httpx.OnRequest(func(r *httpx.Request) error { r.URL = u; return nil })) }},
			{"a redirect policy", func() error {
				return get(httpx.WithFollowRedirects(true), httpx.WithRedirectPolicy(func(r *httpx.Request, _ []*httpx.Response) error { r.URL = u; return nil }))
			}},
			{"an Auth", func() error {
				return get(httpx.WithAuth(authFunc(func(ctx context.Context, r *httpx.Request, next nextFunc) (*httpx.Response, error) {
					return next(ctx, &httpx.Request{URL: u})
				})))
			}},
		} {
			if err := tt.send(); !errors.Is(err, httpx.ErrInvalidURL) {
				t.Errorf("%s URL from %s: %v", name, tt.by, err)
			}
		}
	}

	t.Run("an Auth without a context", func(t *testing.T) {
		if err := get(httpx.WithAuth(authFunc(func(_ context.Context, r *httpx.Request, next nextFunc) (*httpx.Response, error) {
			return next(nil, r)
		}))); err != nil {
			t.Error(err)
		}
	})
	t.Run("a response that an Auth has made", func(t *testing.T) {
		for _, status := range []int{200, 307} {
			resp, err := w.Post(ctx, "http://a.example/", httpx.Reader(strings.NewReader("x")),
				httpx.WithAuth(authFunc(func(context.Context, *httpx.Request, nextFunc) (*httpx.Response, error) {
					r := &httpx.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader("own"))}
					r.Header.Set("Location", "/next")
					return r, nil
				})))
			if err != nil || resp.StatusCode != status || resp.Text() != "own" || resp.URL == nil || resp.Request == nil {
				t.Errorf("%d: %v %v", status, resp, err)
			}
		}
	})
	t.Run("a response that a middleware has made", func(t *testing.T) {
		for name, body := range map[string]io.ReadCloser{"": nil, "own": io.NopCloser(strings.NewReader("own"))} {
			inner := httpx.WithMiddleware(func(httpx.Transport) httpx.Transport {
				return transportFunc(func(context.Context, *httpx.Request) (*httpx.Response, error) {
					return &httpx.Response{StatusCode: 503, Body: body}, nil
				})
			})
			outer := httpx.WithMiddleware(func(next httpx.Transport) httpx.Transport {
				return transportFunc(func(ctx context.Context, r *httpx.Request) (*httpx.Response, error) {
					resp, err := next.RoundTrip(ctx, r)
					if err == nil {
						err = resp.Buffer()
					}
					return resp, errors.Join(err, resp.Close())
				})
			})
			c, err := w.With(outer, inner)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := c.Get(ctx, "http://a.example/")
			if err != nil || resp.StatusCode != 503 || resp.Text() != name || resp.Proto == "" {
				t.Fatalf("%q: %v %v", name, resp, err)
			}
			if b, err := io.ReadAll(resp.Body); err != nil || string(b) != name {
				t.Errorf("%q: the body reads %q, %v", name, b, err)
			}
		}
	})
	t.Run("a middleware that returns nil", func(t *testing.T) {
		none := httpx.WithMiddleware(func(httpx.Transport) httpx.Transport { return nil })
		if _, err := httpx.New(none); err == nil || !strings.Contains(err.Error(), "WithMiddleware") {
			t.Errorf("New: %v", err)
		}
		if _, err := w.With(none); err == nil || !strings.Contains(err.Error(), "WithMiddleware") {
			t.Errorf("With: %v", err)
		}
	})
}

// A function of the caller's that panics, or ends its goroutine, must not keep a
// connection: whoever recovers would run out of them.
func TestPanicsLeaveNothing(t *testing.T) {
	ctx := context.Background()
	w := newWeb(t, httpx.WithLimits(httpx.Limits{MaxConnections: 1}))
	w.redirect("http://a.example/", 303, "/next")
	w.page("http://a.example/coded", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Encoding", "odd")
		rw.Write(make([]byte, 1<<20))
	})
	follow := httpx.WithFollowRedirects(true)
	t.Run("OnResponse of a RoundTripper", func(t *testing.T) {
		c, err := w.With(httpx.OnResponse(func(*httpx.Response) error { panic("oops") }))
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequest("GET", "http://a.example/", nil)
		if err != nil {
			t.Fatal(err)
		}
		func() {
			defer func() { recover() }()
			if resp, err := c.RoundTripper().RoundTrip(req); err == nil {
				resp.Body.Close()
			}
			t.Error("no panic")
		}()
		if s := w.Stats(); s.Busy != 0 {
			t.Errorf("%d connections are busy", s.Busy)
		}
	})
	for _, tt := range []struct {
		name, url string
		opts      []httpx.RequestOption
	}{
		{"OnRequest", "/", []httpx.RequestOption{httpx.OnRequest(func(*httpx.Request) error { panic("oops") })}},
		{"OnResponse", "/", []httpx.RequestOption{httpx.OnResponse(func(*httpx.Response) error { panic("oops") })}},
		{"redirect policy", "/", []httpx.RequestOption{follow, httpx.WithRedirectPolicy(func(*httpx.Request, []*httpx.Response) error { panic("oops") })}},
		{"Retry.If", "/", []httpx.RequestOption{httpx.WithRetry(httpx.Retry{If: func(*httpx.Request, *httpx.Response, error, bool) bool { panic("oops") }})}},
		{"Auth", "/", []httpx.RequestOption{httpx.WithAuth(authFunc(func(ctx context.Context, r *httpx.Request, next nextFunc) (*httpx.Response, error) {
			next(ctx, r)
			panic("oops")
		}))}},
		{"decoder", "/coded", []httpx.RequestOption{httpx.WithDecoder("odd", func(io.Reader) (io.ReadCloser, error) { panic("oops") })}},
	} {
		for _, ends := range []string{"client", "stream"} {
			if tt.name == "decoder" && ends == "stream" {
				continue // it is the caller's Read that panics
			}
			var closed atomic.Int32
			body := httpx.Reader(&sentBody{Reader: strings.NewReader("x"), n: &closed})
			if tt.name == "Retry.If" { // it is asked only where the body can be sent again
				body = httpx.String("x")
				closed.Store(1)
			}
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s: no panic", tt.name)
					}
				}()
				if ends == "client" {
					w.Post(ctx, "http://a.example"+tt.url, append(tt.opts, body)...)
				} else {
					w.Stream(ctx, "POST", "http://a.example"+tt.url, append(tt.opts, body)...)
				}
			}()
			if s := w.Stats(); s.Busy != 0 {
				t.Errorf("%s: %d connections are busy", tt.name, s.Busy)
			}
			if n := closed.Load(); n != 1 {
				t.Errorf("%s: the body was closed %d times", tt.name, n)
			}
		}
	}
}

// sentBody counts how often it is closed.
type sentBody struct {
	io.Reader
	n *atomic.Int32
}

func (c *sentBody) Close() error { c.n.Add(1); return nil }

func TestBodiesThatAreNotSentAreClosed(t *testing.T) {
	ctx := context.Background()
	c := newClient(t)
	for name, send := range map[string]func(httpx.Body) error{
		"a nil request": func(b httpx.Body) error { _, err := c.Send(ctx, nil, b); return err },
		"Preconnect":    func(b httpx.Body) error { return c.Preconnect(ctx, "http://127.0.0.1:1/", 1, b) },
	} {
		var closed atomic.Int32
		if err := send(httpx.Reader(&sentBody{Reader: strings.NewReader("x"), n: &closed})); err == nil {
			t.Errorf("%s: no error", name)
		}
		if n := closed.Load(); n != 1 {
			t.Errorf("%s: the body was closed %d times", name, n)
		}
	}
}

func TestDerivedClientOptions(t *testing.T) {
	ctx := context.Background()
	w := newWeb(t, httpx.WithQuery("a", 1, "b", 2), httpx.WithHeader("X-App", "1"))
	ask := func(c *httpx.Client) ask {
		w.log()
		if _, err := c.Get(ctx, "http://a.example/?own=1"); err != nil {
			t.Fatal(err)
		}
		return w.log()[0]
	}
	t.Run("A2.18 A3.2 a derived client's parameters replace by key", func(t *testing.T) {
		d, err := w.With(httpx.WithQuery("a", 9), httpx.WithQuery("c", 3))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := ask(d).URL, "http://a.example/?own=1&b=2&a=9&c=3"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if got, want := ask(w.Client).URL, "http://a.example/?own=1&a=1&b=2"; got != want {
			t.Errorf("the client it comes from: %s, want %s", got, want)
		}
	})
	t.Run("A2.18 A2.3 a derived client without default fields", func(t *testing.T) {
		with, err := w.With(httpx.WithUserAgent("own/1"))
		if err != nil {
			t.Fatal(err)
		}
		d, err := with.With(httpx.WithoutDefaultHeaders())
		if err != nil {
			t.Fatal(err)
		}
		h := ask(d).Header
		if h.Get("Accept") != "" || h.Get("Accept-Encoding") != "" || h.Get("User-Agent") != "own/1" || h.Get("X-App") != "1" {
			t.Errorf("%v", h)
		}
		if h := ask(w.Client).Header; h.Get("Accept") == "" {
			t.Errorf("the client it comes from: %v", h)
		}
	})
}

func TestProxyAuthorizationAndTarget(t *testing.T) {
	w := newWeb(t)
	for target, want := range map[string]string{"": "", "/x": "", "*": "", "http://a.example/": "Basic secret"} {
		w.log()
		opts := []httpx.RequestOption{httpx.WithHeader("Proxy-Authorization", "Basic secret")}
		if target != "" {
			opts = append(opts, httpx.WithRequestTarget(target))
		}
		if _, err := w.Options(context.Background(), "http://a.example/", opts...); err != nil {
			t.Fatal(err)
		}
		for _, a := range w.log() { // net/http answers OPTIONS * by itself
			if got := a.Header.Get("Proxy-Authorization"); got != want {
				t.Errorf("target %q: sent %q, want %q", target, got, want)
			}
		}
	}
}

func TestStandAloneRequestAuth(t *testing.T) {
	w := newWeb(t, httpx.WithAuth(httpx.BearerAuth("client")))
	for _, tt := range []struct {
		name string
		opts []httpx.RequestOption
		want string
	}{
		{"user of its URL", nil, "Basic dTpw"},
		{"NoAuth", []httpx.RequestOption{httpx.NoAuth()}, ""},
		{"its own Auth", []httpx.RequestOption{httpx.WithAuth(httpx.BearerAuth("own"))}, "Bearer own"},
		{"its own field", []httpx.RequestOption{httpx.WithHeader("Authorization", "own")}, "own"},
	} {
		t.Run("A12.2 A4.2 a request without a client: "+tt.name, func(t *testing.T) {
			r, err := httpx.NewRequest("GET", "http://u:p@a.example/", tt.opts...)
			if err != nil {
				t.Fatal(err)
			}
			w.log()
			if _, err := w.Send(context.Background(), r); err != nil {
				t.Fatal(err)
			}
			if got := w.log()[0].Header.Get("Authorization"); got != tt.want {
				t.Errorf("sent %q, want %q", got, tt.want)
			}
		})
	}
}
