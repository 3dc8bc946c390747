package httpx_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"gohttpx.dev/httpx"
)

// named answers every request with its name, and counts how often it is closed.
type named struct {
	name   string
	closed atomic.Int32
}

func (n *named) RoundTrip(_ context.Context, r *httpx.Request) (*httpx.Response, error) {
	return &httpx.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(n.name))}, nil
}

func (n *named) Close() error { n.closed.Add(1); return nil }

func TestMounts(t *testing.T) {
	ctx := context.Background()
	asked := func(t *testing.T, c *httpx.Client, url string) string {
		t.Helper()
		resp, err := c.Get(ctx, url)
		if err != nil {
			t.Fatal(err)
		}
		return resp.Text()
	}
	// mounted is a client that answers with the pattern that a request has met.
	mounted := func(t *testing.T, patterns ...string) *httpx.Client {
		opts := []httpx.ClientOption{httpx.WithTransport(&named{name: "own"})}
		for _, p := range patterns {
			opts = append(opts, httpx.WithMount(p, &named{name: p}))
		}
		return newClient(t, opts...)
	}
	t.Run("A20.1 the grammar", func(t *testing.T) {
		for _, tt := range []struct {
			pattern  string
			yes, not string
		}{
			{"all://", "http://a.test https://b.test:8", ""},
			{"all://*", "http://a.test https://b.test", ""},
			{"https://", "https://a.test https://b.test:8", "http://a.test"},
			{"http://a.test", "http://a.test http://A.Test:8", "https://a.test http://x.a.test"},
			{"all://*a.test", "http://a.test https://x.a.test", "http://xa.test"},
			{"all://*.a.test", "http://x.a.test https://y.x.a.test:8", "http://a.test http://xa.test"},
			{"all://a.test:8443", "https://a.test:8443", "https://a.test http://a.test:8"},
			{"https://a.test:443", "https://a.test https://a.test:443", "https://a.test:444"},
			{"all://[::1]:80", "http://[::1]", "http://[::2] https://[::1]"},
		} {
			c := mounted(t, tt.pattern)
			for _, u := range strings.Fields(tt.yes) {
				if got := asked(t, c, u); got != tt.pattern {
					t.Errorf("%s does not take %s", tt.pattern, u)
				}
			}
			for _, u := range strings.Fields(tt.not) {
				if got := asked(t, c, u); got != "own" {
					t.Errorf("%s takes %s", tt.pattern, u)
				}
			}
		}
		for _, bad := range []string{"", "example.org", "https:/x", "https://a b", "https://a:x", "https://a*b.test"} {
			if _, err := httpx.New(httpx.WithMount(bad, nil)); !errors.Is(err, httpx.ErrRequest) {
				t.Errorf("%q: %v", bad, err)
			}
		}
	})
	t.Run("A20.2 the most specific pattern wins", func(t *testing.T) {
		order := []string{
			"https://a.example.com:8443", "all://a.example.com:8443", "https://a.example.com", "all://a.example.com",
			"https://*.example.com:8443", "all://*.example.com", "https://*example.com", "all://*example.com", "https://*:8443", "all://*:8443", "https://", "all://",
		}
		for i := range order {
			rest := slices.Clone(order[i:])
			for range 2 {
				if got := asked(t, mounted(t, rest...), "https://a.example.com:8443"); got != order[i] {
					t.Errorf("%s was taken, not %s, of %q", got, order[i], rest)
				}
				slices.Reverse(rest)
			}
		}
		if got := asked(t, mounted(t, "all://*example.com", "https://example.com"), "https://example.com"); got != "https://example.com" {
			t.Errorf("an exact host loses to %s", got)
		}
	})
	t.Run("A20.2 of equal patterns the last one", func(t *testing.T) {
		c := newClient(t, httpx.WithMount("all://A.test", &named{name: "first"}), httpx.WithMount("all://a.test", &named{name: "last"}))
		if got := asked(t, c, "http://a.test"); got != "last" {
			t.Error(got)
		}
	})
	t.Run("A20.3 a mount comes before a proxy of the same key", func(t *testing.T) {
		c := newClient(t, httpx.WithMountProxy("http://", "http://127.0.0.1:1"), httpx.WithMount("http://", &named{name: "mounted"}))
		if got := asked(t, c, "http://a.test"); got != "mounted" {
			t.Error(got)
		}
	})
	t.Run("A20.3 one table with the proxies and the environment", func(t *testing.T) {
		t.Setenv("NO_PROXY", "direct.example.org")
		t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
		p := newForwarder(t, "")
		w := newWeb(t, httpx.WithTrustEnv(true),
			httpx.WithMount("all://*.example.org", &named{name: "mount"}),
			httpx.WithMountProxy("http://proxied.example.org", p.URL),
			httpx.WithMountProxy("all://*", p.URL))
		w.page("http://direct.example.org/", func(rw http.ResponseWriter, r *http.Request) { io.WriteString(rw, "direct") })
		for host, want := range map[string]string{
			"a.example.org": "mount", "direct.example.org": "direct", "proxied.example.org": "forwarded ", "other.example": "forwarded ",
		} {
			opts := []httpx.RequestOption{}
			if want == "forwarded " { // the entry for all hosts is for the connection to the proxy
				opts = append(opts, httpx.WithConnectTo("*", strings.TrimPrefix(p.URL, "http://")))
			}
			if resp, err := w.Get(context.Background(), "http://"+host+"/", opts...); err != nil || resp.Text() != want {
				t.Errorf("%s: %v %v, want %q", host, resp, err, want)
			}
		}
	})
	t.Run("A20.3 the table of a request that has a say of its own in proxies", func(t *testing.T) {
		setEnv(t, "ALL_PROXY=http://env.test:1", "NO_PROXY=no.test")
		dial := httpx.WithDialContext(func(_ context.Context, _, addr string) (net.Conn, error) { return nil, errors.New("dialled " + addr) })
		mounts := []httpx.ClientOption{httpx.WithMount("all://*.test", &named{name: "wide"}), httpx.WithMount("all://", &named{name: "all"}), dial}
		get := func(c *httpx.Client, url string, opts ...httpx.RequestOption) string {
			resp, err := c.Get(ctx, url, opts...)
			if err != nil {
				_, where, _ := strings.Cut(err.Error(), "dialled ")
				return where
			}
			return resp.Text()
		}
		for _, tt := range []struct {
			name      string
			opts      []httpx.Option
			exempt    string // http://no.test, which the environment names
			specific  string // http://x.m.test, which a mount of a proxy names
			otherwise string // http://a.test
		}{
			{"none", nil, "no.test:80", "m.test:3", "wide"},
			{"no trust", []httpx.Option{httpx.WithTrustEnv(false)}, "wide", "m.test:3", "wide"},
			{"trust", []httpx.Option{httpx.WithTrustEnv(false), httpx.WithTrustEnv(true)}, "no.test:80", "m.test:3", "wide"},
		} {
			all := append(slices.Clone(mounts), httpx.WithMountProxy("all://*.m.test", "http://m.test:3"))
			var client, derived []httpx.ClientOption
			var request []httpx.RequestOption
			for _, o := range tt.opts {
				client, derived, request = append(client, o), append(derived, o), append(request, o)
			}
			plain := newClient(t, all...)
			with, err := plain.With(derived...)
			if err != nil {
				t.Fatal(err)
			}
			for url, want := range map[string]string{"http://no.test": tt.exempt, "http://x.m.test": tt.specific, "http://a.test": tt.otherwise} {
				for how, got := range map[string]string{
					"the request's": get(plain, url, request...), "the client's": get(newClient(t, append(all, client...)...), url), "the derived client's": get(with, url),
				} {
					if got != want {
						t.Errorf("%s, %s: %s goes to %q, want %q", tt.name, how, url, got, want)
					}
				}
			}
		}
		// A proxy of one's own for all leaves no pattern of proxies, and so do none;
		// of a client or a derived one the mounts stay.
		own := httpx.WithProxy("http://own.test:2")
		c := newClient(t, append(slices.Clone(mounts), httpx.WithMountProxy("all://*.m.test", "http://m.test:3"))...)
		for _, opt := range []httpx.RequestOption{own, httpx.NoProxy(), httpx.WithProxyFunc(func(*httpx.Request) (*httpx.Proxy, error) { return nil, nil })} {
			for _, url := range []string{"http://no.test", "http://x.m.test"} {
				if got := get(c, url, opt); got != "wide" {
					t.Errorf("%s goes to %q", url, got)
				}
			}
		}
		d, err := c.With(own)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := get(d, "http://no.test"), get(d, "http://x.m.test"); a != "wide" || b != "m.test:3" {
			t.Errorf("%q, %q", a, b)
		}
		// A request without a client takes the options of the one that sends it.
		r, err := httpx.NewRequest("GET", "http://no.test", httpx.WithTrustEnv(false))
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := c.Send(ctx, r); err != nil || resp.Text() != "wide" {
			t.Error(resp, err)
		}
		if r, err = httpx.NewRequest("GET", "http://no.test"); err != nil {
			t.Fatal(err)
		}
		if resp, err := d.Send(ctx, r); err != nil || resp.Text() != "wide" {
			t.Error(resp, err)
		}
	})
	t.Run("A2.10 nil is the client's own transport", func(t *testing.T) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "network") }))
		defer s.Close()
		c := newClient(t, httpx.WithMount("all://", &named{name: "mounted"}), httpx.WithMount("http://127.0.0.1", nil))
		if got := asked(t, c, s.URL); got != "network" {
			t.Error(got)
		}
		if got := asked(t, c, "https://127.0.0.1"); got != "mounted" {
			t.Error(got)
		}
		if c.Stats().Dials != 1 {
			t.Errorf("%+v", c.Stats())
		}
	})
	t.Run("A2.10 redirects are routed anew, below the middleware", func(t *testing.T) {
		var seen []string
		c := newClient(t, httpx.WithFollowRedirects(true),
			httpx.WithMiddleware(func(next httpx.Transport) httpx.Transport {
				return transportFunc(func(ctx context.Context, r *httpx.Request) (*httpx.Response, error) {
					seen = append(seen, r.URL.Host())
					return next.RoundTrip(ctx, r)
				})
			}),
			httpx.WithMount("all://b.test", &named{name: "b"}),
			httpx.WithMount("all://a.test", httpx.HandlerTransport(http.RedirectHandler("http://b.test/", http.StatusFound))))
		if got := asked(t, c, "http://a.test"); got != "b" || !slices.Equal(seen, []string{"a.test", "b.test"}) {
			t.Error(got, seen)
		}
	})
	t.Run("A20.4 Close closes each transport once", func(t *testing.T) {
		own, twice := &named{}, &named{}
		c, err := httpx.New(httpx.WithTransport(own), httpx.WithMount("http://a.test", twice), httpx.WithMount("http://b.test", twice),
			httpx.WithMount("http://c.test", own), httpx.WithMount("http://d.test", transportFunc(nil)))
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		c.Close()
		if own.closed.Load() != 1 || twice.closed.Load() != 1 {
			t.Errorf("closed %d and %d times", own.closed.Load(), twice.closed.Load())
		}
		if _, err := c.Get(ctx, "http://a.test"); !errors.Is(err, httpx.ErrClientClosed) {
			t.Error(err)
		}
	})
	t.Run("A20.4 the transport of a derived client is its parent's", func(t *testing.T) {
		c := newClient(t)
		for name, o := range map[string]httpx.ClientOption{"WithMount": httpx.WithMount("all://", nil), "WithTransport": httpx.WithTransport(&named{})} {
			if _, err := c.With(o); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := httpx.NewTransport(httpx.WithMount("all://", nil)); err == nil {
			t.Error("a transport has no mounts")
		}
	})
	t.Run("A2.16 WithTransport takes the place of the network", func(t *testing.T) {
		t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
		c := newClient(t, httpx.WithTransport(&named{name: "own"}))
		if got := asked(t, c, "http://a.test"); got != "own" {
			t.Error(got)
		}
		if _, err := httpx.New(httpx.WithTransport(nil)); err == nil {
			t.Error("nil is an error")
		}
	})
	t.Run("B3 middleware wraps from the outside in", func(t *testing.T) {
		var order []string
		layer := func(name string) httpx.ClientOption {
			return httpx.WithMiddleware(func(next httpx.Transport) httpx.Transport {
				return transportFunc(func(ctx context.Context, r *httpx.Request) (*httpx.Response, error) {
					order = append(order, ">"+name)
					resp, err := next.RoundTrip(ctx, r)
					order = append(order, "<"+name)
					return resp, err
				})
			})
		}
		c := newClient(t, layer("a"), layer("b"), httpx.WithTransport(&named{name: "own"}))
		d, err := c.With(layer("c"))
		if err != nil {
			t.Fatal(err)
		}
		asked(t, d, "http://a.test")
		if got := strings.Join(order, " "); got != ">c >a >b <b <a <c" {
			t.Error(got)
		}
	})
	t.Run("B3 middleware may not take the URL away", func(t *testing.T) {
		for _, opts := range [][]httpx.ClientOption{nil, {httpx.WithMount("all://x.test", &named{name: "x"})}} {
			c := newClient(t, append(opts, httpx.WithMiddleware(func(next httpx.Transport) httpx.Transport {
				return transportFunc(func(ctx context.Context, r *httpx.Request) (*httpx.Response, error) {
					r.URL = nil
					return next.RoundTrip(ctx, r)
				})
			}))...)
			if _, err := c.Get(ctx, "http://x.test/"); !errors.Is(err, httpx.ErrInvalidURL) {
				t.Errorf("%d options: %v", len(opts), err)
			}
		}
	})
	t.Run("B3 middleware may replace the body", func(t *testing.T) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "network") }))
		defer s.Close()
		var copied strings.Builder
		c := newClient(t, httpx.WithMiddleware(func(next httpx.Transport) httpx.Transport {
			return transportFunc(func(ctx context.Context, r *httpx.Request) (*httpx.Response, error) {
				resp, err := next.RoundTrip(ctx, r)
				if err == nil {
					resp.Body = struct {
						io.Reader
						io.Closer
					}{io.TeeReader(resp.Body, &copied), resp.Body}
				}
				return resp, err
			})
		}))
		if got := asked(t, c, s.URL); got != "network" || copied.String() != "network" {
			t.Errorf("%q, seen by the middleware: %q", got, copied.String())
		}
	})
}
