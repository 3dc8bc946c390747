package httpx_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"gohttpx.dev/h2"
	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/peer"
)

func TestSending(t *testing.T) {
	ctx := context.Background()
	defaults := []httpx.ClientOption{
		httpx.WithBaseURL("http://a.example/v1?base=1"), httpx.WithHeader("X-Client", "c"), httpx.WithQuery("client", 1),
		httpx.WithAuth(httpx.BasicAuth("user", "pw")), httpx.WithTimeout(time.Minute),
	}
	t.Run("A4.1 a built request has the client's defaults", func(t *testing.T) {
		w := newWeb(t, defaults...)
		req, err := w.NewRequest("POST", "items", httpx.WithQuery("own", 2), httpx.WithHeader("X-Own", "o"), httpx.JSON(1))
		if err != nil {
			t.Fatal(err)
		}
		if got := req.URL.String(); got != "http://a.example/v1/items?base=1&client=1&own=2" {
			t.Errorf("URL %s", got)
		}
		if req.Header.Get("X-Client") != "c" || req.Header.Get("X-Own") != "o" || !req.Header.Has("User-Agent") || req.Header.Get("Content-Type") != "application/json" {
			t.Errorf("fields %v", req.Header)
		}
		// What is changed or taken out is so when it is sent, however often.
		req.Header.Del("X-Client")
		req.Header.Set("X-Own", "changed")
		w.log()
		for range 2 {
			if _, err := w.Send(ctx, req); err != nil {
				t.Fatal(err)
			}
		}
		asked := w.log()
		if h := asked[1].Header; h.Get("X-Client") != "" || h.Get("X-Own") != "changed" || h.Get("Authorization") == "" || asked[1].Body != "1" {
			t.Errorf("sent %v", asked[1])
		}
		if req.Header.Has("Authorization") {
			t.Error("sending has changed the request")
		}
	})
	t.Run("A4.2 a request without a client goes out as it is", func(t *testing.T) {
		text := wireText(t, func(url string, c *httpx.Client) error {
			req, err := httpx.NewRequest("GET", url+"/x?q")
			if err != nil {
				return err
			}
			_, err = c.Send(ctx, req)
			return err
		}, httpx.WithHeader("X-Client", "c"), httpx.WithQuery("client", 1))
		if text != "GET /x?q HTTP/1.1\r\nHost: a.example\r\n\r\n" {
			t.Errorf("%q", text)
		}
		if _, err := httpx.NewRequest("GET", "/relative"); !errors.Is(err, httpx.ErrInvalidURL) {
			t.Errorf("relative: %v", err)
		}
	})
	t.Run("A4.2 options of Send", func(t *testing.T) {
		w := newWeb(t, defaults...)
		req, err := w.NewRequest("GET", "x")
		if err != nil {
			t.Fatal(err)
		}
		w.log()
		resp, err := w.SendStream(ctx, req, httpx.NoAuth(), httpx.WithHeader("X-Sent", "s"))
		if err != nil {
			t.Fatal(err)
		}
		resp.Close()
		if h := w.log()[0].Header; h.Get("Authorization") != "" || h.Get("X-Sent") != "s" || req.Header.Has("X-Sent") {
			t.Errorf("sent %v, the request has now %v", h, req.Header)
		}
	})
	t.Run("A4.3 Do is both", func(t *testing.T) {
		w := newWeb(t, defaults...)
		w.log()
		if _, err := w.Do(ctx, "PUT", "x", httpx.String("b")); err != nil {
			t.Fatal(err)
		}
		req, err := w.NewRequest("PUT", "x", httpx.String("b"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Send(ctx, req); err != nil {
			t.Fatal(err)
		}
		if a := w.log(); fmt.Sprint(a[0]) != fmt.Sprint(a[1]) {
			t.Errorf("Do sent %v\nNewRequest and Send %v", a[0], a[1])
		}
	})
	t.Run("A4.4 a stream that is left early", func(t *testing.T) {
		for _, url := range []string{"http://a.example/", "https://a.example/"} {
			w := newWeb(t, httpx.WithLimits(httpx.Limits{MaxConnections: 1}))
			w.page(url, func(rw http.ResponseWriter, r *http.Request) { pour(rw, r) })
			for range 3 {
				err := w.StreamFunc(ctx, "GET", url, func(resp *httpx.Response) error {
					_, err := io.ReadFull(resp.Body, make([]byte, 10))
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			if busy := waitForIdle(w.Client).Busy; busy != 0 {
				t.Errorf("%s: %d busy", url, busy)
			}
		}
	})
	t.Run("A5.4 a clone has nothing in common that can change", func(t *testing.T) {
		req, err := httpx.NewRequest("POST", "http://a.example/?a=1", httpx.WithHeader("X-A", "1"), httpx.String("body"))
		if err != nil {
			t.Fatal(err)
		}
		c := req.Clone()
		c.Method = "PUT"
		c.Header.Set("X-A", "2")
		c.Header.Add("X-B", "3")
		c.URL = c.URL.AddQuery("b", "2")
		if req.Method != "POST" || req.Header.Get("X-A") != "1" || req.Header.Has("X-B") || req.URL.String() != "http://a.example/?a=1" {
			t.Errorf("the original is now %v %v", req, req.Header)
		}
		w := newWeb(t)
		for _, r := range []*httpx.Request{c, req} {
			if _, err := w.Send(ctx, r); err != nil {
				t.Fatal(err)
			}
		}
		if a := w.log(); a[0].Method != "PUT" || a[0].Body != "body" || a[1].Method != "POST" || a[1].Body != "body" || a[1].Header.Get("X-A") != "1" {
			t.Errorf("%v", a)
		}
	})
}

// pour answers with content that does not end before the client goes.
func pour(rw http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		if _, err := rw.Write(bytes.Repeat([]byte("x"), 64<<10)); err != nil {
			return
		}
	}
}

func TestOrderWithinACall(t *testing.T) {
	ctx := context.Background()
	t.Run("A4.6 authentication, cookies, hooks, redirect", func(t *testing.T) {
		w := newWeb(t)
		var order []string
		note := func(format string, args ...any) { order = append(order, fmt.Sprintf(format, args...)) }
		auth := authFunc(func(ctx context.Context, req *httpx.Request, next nextFunc) (*httpx.Response, error) {
			note("auth %s", req.URL.Path())
			req.Header.Set("Authorization", "Token "+req.URL.Path())
			resp, err := next(ctx, req)
			if err == nil {
				note("auth has %d", resp.StatusCode)
			}
			return resp, err
		})
		policy := func(next *httpx.Request, via []*httpx.Response) error { note("policy"); return nil }
		c, err := w.With(httpx.WithAuth(auth), httpx.WithFollowRedirects(true), httpx.WithRedirectPolicy(policy),
			httpx.OnRequest(func(r *httpx.Request) error {
				note("request %q %q", r.Header.Get("Authorization"), r.Header.Get("Cookie"))
				return nil
			}),
			httpx.OnResponse(func(r *httpx.Response) error {
				note("response %d, %d in the jar", r.StatusCode, w.Cookies().Len())
				return nil
			}))
		if err != nil {
			t.Fatal(err)
		}
		w.page("http://a.example/", func(rw http.ResponseWriter, r *http.Request) {
			note("wire")
			http.SetCookie(rw, &http.Cookie{Name: "c", Value: "1"})
			http.Redirect(rw, r, "/2", http.StatusFound)
		})
		if _, err := c.Get(ctx, "http://a.example/"); err != nil {
			t.Fatal(err)
		}
		want := []string{
			"auth /", `request "Token /" ""`, "wire", "response 302, 1 in the jar", "auth has 302", "policy",
			"auth /2", `request "Token /2" "c=1"`, "response 200, 1 in the jar", "auth has 200",
		}
		if !slices.Equal(order, want) {
			t.Errorf("order\n%s\nwant\n%s", strings.Join(order, "\n"), strings.Join(want, "\n"))
		}
	})
	t.Run("A4.6 hooks see each challenge", func(t *testing.T) {
		w := newWeb(t)
		w.page("http://a.example/", func(rw http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "" {
				rw.Header().Set("WWW-Authenticate", `Digest realm="r", nonce="n", qop="auth"`)
				rw.WriteHeader(401)
			}
		})
		var seen []string
		_, err := w.Get(ctx, "http://a.example/", httpx.WithAuth(httpx.DigestAuth("u", "p")),
			httpx.OnRequest(func(r *httpx.Request) error {
				seen = append(seen, fmt.Sprint(r.Header.Has("Authorization")))
				return nil
			}),
			httpx.OnResponse(func(r *httpx.Response) error { seen = append(seen, fmt.Sprint(r.StatusCode)); return nil }))
		if want := []string{"false", "401", "true", "200"}; err != nil || !slices.Equal(seen, want) {
			t.Errorf("%v %v, want %v", err, seen, want)
		}
	})
}

// Whatever goes wrong after a response has come, its connection is free again.
func TestErrorsCloseTheResponse(t *testing.T) {
	oops := errors.New("oops")
	location := func(to string) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Location", to)
			rw.WriteHeader(307)
			pour(rw, r)
		}
	}
	badAuth := func(f func(resp *httpx.Response) (*httpx.Response, error)) httpx.RequestOption {
		return httpx.WithAuth(authFunc(func(ctx context.Context, req *httpx.Request, next nextFunc) (*httpx.Response, error) {
			resp, err := next(ctx, req)
			if err != nil {
				return nil, err
			}
			return f(resp)
		}))
	}
	for _, tt := range []struct {
		name string
		page http.HandlerFunc
		want error
		opts []httpx.RequestOption
	}{
		{"response hook", pour, oops, []httpx.RequestOption{httpx.OnResponse(func(*httpx.Response) error { return oops })}},
		{"second response hook", pour, oops, []httpx.RequestOption{httpx.OnResponse(func(*httpx.Response) error { return nil }), httpx.OnResponse(func(*httpx.Response) error { return oops })}},
		{"redirect policy", location("/2"), oops, []httpx.RequestOption{httpx.WithRedirectPolicy(func(*httpx.Request, []*httpx.Response) error { return oops })}},
		{"too many redirects", location("/"), httpx.ErrTooManyRedirects, []httpx.RequestOption{httpx.WithMaxRedirects(1)}},
		{"Location without sense", location("http://[::1"), httpx.ErrRemoteProtocol, nil},
		{"Location with another scheme", location("ftp://a.example/"), httpx.ErrUnsupportedScheme, nil},
		{"body that is gone", location("/2"), httpx.ErrBodyNotReplayable, nil},
		{"authentication fails", pour, oops, []httpx.RequestOption{badAuth(func(*httpx.Response) (*httpx.Response, error) { return nil, oops })}},
		{"authentication fails and gives the response", pour, oops, []httpx.RequestOption{badAuth(func(r *httpx.Response) (*httpx.Response, error) { return r, oops })}},
		{"authentication gives nothing", pour, nil, []httpx.RequestOption{badAuth(func(*httpx.Response) (*httpx.Response, error) { return nil, nil })}},
		{"content cut short", func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Length", "100")
			io.WriteString(rw, "x")
			rw.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, httpx.ErrRemoteProtocol, nil},
		{"interim hook", func(rw http.ResponseWriter, r *http.Request) {
			rw.WriteHeader(103)
			pour(rw, r)
		}, oops, []httpx.RequestOption{httpx.OnInformational(func(int, httpx.Header) error { return oops })}},
	} {
		for _, scheme := range []string{"http", "https"} {
			t.Run("A4.5 "+tt.name+" over "+scheme, func(t *testing.T) {
				w := newWeb(t, httpx.WithFollowRedirects(true), httpx.WithLimits(httpx.Limits{MaxConnections: 1}))
				url := scheme + "://a.example/"
				w.page(url, tt.page)
				for range 2 {
					// A reader can be sent but once.
					resp, err := w.Post(t.Context(), url, append(tt.opts[:len(tt.opts):len(tt.opts)], readerIf(tt.want == httpx.ErrBodyNotReplayable))...)
					if err == nil || tt.want != nil && !errors.Is(err, tt.want) || resp != nil {
						t.Fatalf("%v %v, want %v", resp, err, tt.want)
					}
					if !errors.Is(err, httpx.ErrHTTP) {
						t.Errorf("not of the tree: %v", err)
					}
					if s := waitForIdle(w.Client); s.Busy != 0 {
						t.Fatalf("%d busy after %v", s.Busy, err)
					}
				}
				if _, err := w.Get(t.Context(), url+"fine"); err != nil {
					t.Errorf("afterwards: %v", err)
				}
			})
		}
	}
	t.Run("A4.5 a context that ends amid the content", func(t *testing.T) {
		w := newWeb(t)
		for _, url := range []string{"http://a.example/", "https://a.example/"} {
			ctx, cancel := context.WithCancelCause(t.Context())
			w.page(url, func(rw http.ResponseWriter, r *http.Request) {
				rw.(http.Flusher).Flush()
				cancel(oops)
				pour(rw, r)
			})
			if _, err := w.Get(ctx, url); !errors.Is(err, context.Canceled) || !errors.Is(err, httpx.ErrHTTP) {
				t.Errorf("%v", err)
			}
			if busy := waitForIdle(w.Client).Busy; busy != 0 {
				t.Errorf("%d busy", busy)
			}
		}
	})
}

// readerIf is a body that can be sent once, or one that can be sent again.
func readerIf(once bool) httpx.RequestOption {
	if once {
		return httpx.Reader(strings.NewReader("x"))
	}
	return httpx.String("x")
}

func TestRedirectsWithSecrets(t *testing.T) {
	ctx := context.Background()
	t.Run("A13.3 cookies go where they belong, credentials nowhere else", func(t *testing.T) {
		w := newWeb(t, httpx.WithFollowRedirects(true))
		set := func(from, to, cookie string) {
			w.page(from, func(rw http.ResponseWriter, r *http.Request) {
				rw.Header().Set("Set-Cookie", cookie)
				http.Redirect(rw, r, to, http.StatusFound)
			})
		}
		set("http://a.example/", "http://b.example/", "a=1")
		set("http://b.example/", "http://a.example/back", "b=2")
		_, err := w.Get(ctx, "http://a.example/", httpx.WithAuth(httpx.BasicAuth("u", "secret")), httpx.WithCookie(&http.Cookie{Name: "once", Value: "3"}))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, a := range w.log() {
			got = append(got, fmt.Sprintf("%s %q %t", a.URL, a.Header.Get("Cookie"), a.Header.Get("Authorization") != ""))
		}
		want := []string{`http://a.example/ "once=3" true`, `http://b.example/ "" false`, `http://a.example/back "a=1" false`}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	t.Run("D8 another host gets no credentials", func(t *testing.T) {
		w := newWeb(t, httpx.WithFollowRedirects(true), httpx.WithBaseURL("http://a.example"), httpx.WithCookie(&http.Cookie{Name: "sess", Value: "secret"}))
		w.redirect("http://a.example/", 302, "http://evil.example/")
		if _, err := w.Get(ctx, "", httpx.WithHeader("Authorization", "secret"), httpx.WithHeader("Proxy-Authorization", "secret")); err != nil {
			t.Fatal(err)
		}
		a := w.log()
		if a[0].Header.Get("Cookie") != "sess=secret" || strings.Contains(fmt.Sprint(a[1].Header), "secret") {
			t.Errorf("%v", a)
		}
	})
	t.Run("B46 a list of hosts as a policy", func(t *testing.T) {
		w := newWeb(t, httpx.WithFollowRedirects(true))
		w.redirect("http://a.example/", 302, "http://b.example/")
		w.redirect("http://b.example/", 302, "http://evil.example/")
		only := httpx.WithRedirectPolicy(func(next *httpx.Request, via []*httpx.Response) error {
			if h := next.URL.Host(); h != "a.example" && h != "b.example" {
				return fmt.Errorf("%s is not on the list", h)
			}
			return nil
		})
		_, err := w.Get(ctx, "http://a.example/", only)
		if err == nil || !strings.Contains(err.Error(), "evil.example is not on the list") || len(w.log()) != 2 {
			t.Error(err)
		}
	})
	t.Run("D12 307 with a body in memory", func(t *testing.T) {
		w := newWeb(t, httpx.WithFollowRedirects(true))
		w.redirect("http://a.example/", 307, "/2")
		for name, body := range map[string]httpx.RequestOption{
			"bytes": httpx.Bytes([]byte("hello")), "a seeker": httpx.ReadSeeker(bytes.NewReader([]byte("hello"))),
		} {
			w.log()
			if _, err := w.Post(ctx, "http://a.example/", body); err != nil {
				t.Fatal(name, err)
			}
			if a := w.log(); a[0].Body != "hello" || a[1].Body != "hello" {
				t.Errorf("%s: %v", name, a)
			}
		}
	})
	t.Run("D13 307 with a multipart of files", func(t *testing.T) {
		w := newWeb(t, httpx.WithFollowRedirects(true))
		w.redirect("http://a.example/", 307, "/2")
		if _, err := w.Post(ctx, "http://a.example/", httpx.Multipart(httpx.FieldPart("k", "v"), httpx.FilePart("f", "doc.go"))); err != nil {
			t.Fatal(err)
		}
		if a := w.log(); a[0].Body == "" || a[0].Body != a[1].Body || !strings.Contains(a[1].Body, "package httpx") {
			t.Errorf("%v", a)
		}
	})
	for name, challenge := range map[string]string{
		"SHA-512-256":             `Digest realm="r", nonce="n", qop="auth", algorithm=SHA-512-256`,
		"auth-int alone":          `Digest realm="r", nonce="n", qop="auth-int"`,
		"beside Basic in a field": `Basic realm="b", Digest realm="r", nonce="n", qop="auth"`,
	} {
		t.Run("D11 Digest "+name, func(t *testing.T) {
			w := newWeb(t)
			w.page("http://a.example/", func(rw http.ResponseWriter, r *http.Request) {
				if !strings.HasPrefix(r.Header.Get("Authorization"), "Digest ") {
					rw.Header().Set("WWW-Authenticate", challenge)
					rw.WriteHeader(401)
				}
			})
			resp, err := w.Post(ctx, "http://a.example/", httpx.String("x"), httpx.WithAuth(httpx.DigestAuth("u", "p")))
			if err != nil || resp.StatusCode != 200 {
				t.Errorf("%v %v", resp, err)
			}
		})
	}
}

func TestRequestShape(t *testing.T) {
	ctx := context.Background()
	t.Run("B20 order and case over HTTP/1.1", func(t *testing.T) {
		text := wireText(t, get("/", httpx.WithHeader("zEBRA", "1"), httpx.WithHeader("Apple", "2"), httpx.WithAddedHeader("zebra", "3")), httpx.WithoutDefaultHeaders())
		if text != "GET / HTTP/1.1\r\nHost: a.example\r\nzEBRA: 1\r\nApple: 2\r\nzebra: 3\r\n\r\n" {
			t.Errorf("%q", text)
		}
	})
	t.Run("B20 order over HTTP/2", func(t *testing.T) {
		names := make(chan string, 1)
		s := peer.Listen(t, func(nc net.Conn) {
			p := peer.H2Over(t, nc)
			p.WantPreface("the client begins")
			p.SendSettings()
			f := p.Next("the request or an acknowledgement")
			for f.Type != h2.FrameHeaders {
				f = p.Next("the request")
			}
			head := p.Decode(f, "the request")
			var all []string
			for _, f := range head.Fields {
				all = append(all, f.Name)
			}
			names <- strings.Join(all, " ")
			p.SendHeaders(f.StreamID, true, ":status", "204")
			p.TryNext() // until the client goes
		})
		c := newClient(t, httpx.WithHTTP1(false), httpx.WithoutDefaultHeaders())
		if _, err := c.Get(ctx, "http://"+s.Addr+"/", httpx.WithHeader("zEBRA", "1"), httpx.WithHeader("Apple", "2")); err != nil {
			t.Fatal(err)
		}
		if got := <-names; !strings.HasSuffix(got, "zebra apple") {
			t.Errorf("%s", got)
		}
	})
	t.Run("C26 a field set twice stays two lines", func(t *testing.T) {
		text := wireText(t, get("/", httpx.WithAddedHeader("X-a", "1"), httpx.WithAddedHeader("x-A", "2")))
		if !strings.Contains(text, "\r\nX-a: 1\r\nx-A: 2\r\n") {
			t.Errorf("%q", text)
		}
	})
	t.Run("C23 parameters beside a query", func(t *testing.T) {
		for _, tt := range []struct {
			url, want string
			opts      []httpx.RequestOption
		}{
			{"/?a=1", "/?a=1&b=2", []httpx.RequestOption{httpx.WithQuery("b", 2)}},
			{"/?a=1", "/?a=1", []httpx.RequestOption{httpx.WithQuery()}},
			{"/?a=1", "/?b=2", []httpx.RequestOption{httpx.SetQuery("b", 2)}},
			{"/?a=1", "/", []httpx.RequestOption{httpx.SetQuery()}},
		} {
			if text := wireText(t, get(tt.url, tt.opts...)); !strings.HasPrefix(text, "GET "+tt.want+" HTTP/1.1\r\n") {
				t.Errorf("%s: %q, want %s", tt.url, text, tt.want)
			}
		}
	})
	t.Run("C20 a lost connection after a POST went out", func(t *testing.T) {
		for name, tt := range map[string]struct {
			method string
			opts   []httpx.RequestOption
			again  bool
		}{
			"GET":                  {"GET", nil, true},
			"PUT":                  {"PUT", []httpx.RequestOption{httpx.String("x")}, true},
			"POST":                 {"POST", []httpx.RequestOption{httpx.String("x")}, false},
			"POST, idempotent":     {"POST", []httpx.RequestOption{httpx.String("x"), httpx.WithHeader("Idempotency-Key", "1")}, true},
			"PUT of a reader":      {"PUT", []httpx.RequestOption{httpx.Reader(strings.NewReader("x"))}, false},
			"PATCH is not allowed": {"PATCH", []httpx.RequestOption{httpx.String("x")}, false},
		} {
			// The first connection answers once, and ends when it has the second request.
			s := peer.Listen(t, func(nc net.Conn) {
				p := peer.Over(t, nc)
				if r := p.WantHead("", "a request"); r.Target == "/first" {
					p.Respond("204 No Content", "")
					p.WantHead("", "the second one")
				}
			})
			c := newClient(t, httpx.WithConnectTo("first:80", s.Addr))
			if _, err := c.Get(ctx, "http://first/first"); err != nil {
				t.Fatal(err)
			}
			_, err := c.Do(ctx, tt.method, "http://first/second", tt.opts...)
			if !errors.Is(err, httpx.ErrRemoteProtocol) && !errors.Is(err, httpx.ErrNetwork) {
				t.Errorf("%s: %v", name, err)
			}
			if n := s.Accepted(); (n > 1) != tt.again {
				t.Errorf("%s: %d connections", name, n)
			}
			if got := httpx.IsRetryable(err); got != tt.again {
				t.Errorf("%s: IsRetryable says %t of %v", name, got, err)
			}
		}
	})
	t.Run("C25 a retry after a bad status and after a lost connection", func(t *testing.T) {
		n := 0
		w := newWeb(t, httpx.WithRetry(httpx.Retry{Attempts: 3, MinWait: time.Nanosecond, MaxWait: time.Nanosecond}))
		w.page("http://a.example/", func(rw http.ResponseWriter, r *http.Request) {
			if n++; n == 1 {
				rw.WriteHeader(503)
			} else if n == 2 {
				panic(http.ErrAbortHandler)
			}
		})
		resp, err := w.Get(ctx, "http://a.example/")
		if err != nil || resp.StatusCode != 200 || n != 3 {
			t.Errorf("%v %v after %d", resp, err, n)
		}
	})
	t.Run("B30 JSON lines sent as they are made", func(t *testing.T) {
		w := newWeb(t)
		pr, pw := io.Pipe()
		go func() {
			enc := json.NewEncoder(pw)
			for i := range 3 {
				enc.Encode(map[string]int{"n": i})
			}
			pw.Close()
		}()
		if _, err := w.Post(ctx, "http://a.example/", httpx.Reader(pr), httpx.ContentType("application/jsonl")); err != nil {
			t.Fatal(err)
		}
		if a := w.log()[0]; a.Body != "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n" || a.Header.Get("Content-Type") != "application/jsonl" {
			t.Errorf("%v", a)
		}
	})
}
