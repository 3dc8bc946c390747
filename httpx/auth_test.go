package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/httpx"
)

// sentBy runs an Auth on a request and returns the Authorization values that it
// sent, each answered by status.
func sentBy(t *testing.T, a httpx.Auth, url string, statuses ...int) ([]string, *httpx.Response, error) {
	t.Helper()
	var sent []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent = append(sent, r.Header.Get("Authorization"))
		if len(sent) <= len(statuses) {
			w.WriteHeader(statuses[len(sent)-1])
		}
	}))
	defer s.Close()
	c := newClient(t)
	resp, err := c.Get(context.Background(), strings.Replace(url, "http://host", s.URL, 1), httpx.WithAuth(a))
	return sent, resp, err
}

func TestAuth(t *testing.T) {
	// RFC 7617 §2 and §2.1 have these two.
	t.Run("A12.1 Basic with the first request", func(t *testing.T) {
		for _, test := range [][3]string{
			{"Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
			{"test", "123\u00a3", "Basic dGVzdDoxMjPCow=="},
			{"", "", "Basic Og=="},
			{"u", "a:b", "Basic dTphOmI="},
		} {
			sent, resp, err := sentBy(t, httpx.BasicAuth(test[0], test[1]), "http://host/", 401)
			if err != nil || !slices.Equal(sent, []string{test[2]}) {
				t.Fatalf("%q: %q, %v", test, sent, err)
			}
			for _, f := range resp.Request.Header {
				if f.Name == "Authorization" && !f.Sensitive {
					t.Error("the field is not marked as sensitive")
				}
			}
		}
	})

	t.Run("A12.1 what Basic cannot send is refused before sending", func(t *testing.T) {
		for _, a := range []httpx.Auth{
			httpx.BasicAuth("s3cret:name", "s3cret"), httpx.BasicAuth("u\n", "s3cret"), httpx.BasicAuth("u", "s3cret\x7f"),
			httpx.BearerAuth(""), httpx.BearerAuth("s3cret s3cret"), httpx.BearerAuth("s3cret\r\nX: y"), httpx.DigestAuth("u\x00", "s3cret"), httpx.DigestAuth("u", "s3cret\n"),
			httpx.AuthFunc(nil), httpx.TokenAuth(nil),
		} {
			sent, _, err := sentBy(t, a, "http://host/")
			var e *httpx.Error
			if !errors.As(err, &e) || e.Op != "auth" || e.Request == nil || e.Sent || len(sent) != 0 {
				t.Errorf("%v: %v, sent %q", a, err, sent)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error has the secret: %v", err)
			}
		}
	})

	t.Run("A12.2 user information of the URL", func(t *testing.T) {
		var seen []string
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			user, password, _ := r.BasicAuth()
			seen = append(seen, r.URL.Path+" "+user+" "+password)
			if r.URL.Path == "/from" { // what the target says of itself does not count
				http.Redirect(w, r, "http://evil:other@"+r.Host+"/to", http.StatusFound)
			}
		}))
		defer s.Close()
		c := newClient(t, httpx.WithFollowRedirects(true))
		if _, err := c.Get(context.Background(), strings.Replace(s.URL, "://", "://me:p%40ss@", 1)+"/from"); err != nil {
			t.Fatal(err)
		}
		if want := []string{"/from me p@ss", "/to me p@ss"}; !slices.Equal(seen, want) {
			t.Errorf("%q", seen)
		}
	})

	t.Run("A3.4 request before client before URL before nothing", func(t *testing.T) {
		s := echoServer(t)
		withUser := strings.Replace(s.URL, "://", "://url:p@", 1)
		basic := func(user string) string {
			return "Basic " + map[string]string{"req": "cmVxOnA=", "client": "Y2xpZW50OnA=", "url": "dXJsOnA="}[user]
		}
		request, client := httpx.WithAuth(httpx.BasicAuth("req", "p")), httpx.WithAuth(httpx.BasicAuth("client", "p"))
		for name, test := range map[string]struct {
			client []httpx.ClientOption
			url    string
			opts   []httpx.RequestOption
			want   string
		}{
			"request":                {[]httpx.ClientOption{client}, withUser, []httpx.RequestOption{request}, basic("req")},
			"client":                 {[]httpx.ClientOption{client}, withUser, nil, basic("client")},
			"URL":                    {nil, withUser, nil, basic("url")},
			"nothing":                {nil, s.URL, nil, ""},
			"NoAuth over the client": {[]httpx.ClientOption{client}, s.URL, []httpx.RequestOption{httpx.NoAuth()}, ""},
			"NoAuth over the URL":    {[]httpx.ClientOption{client}, withUser, []httpx.RequestOption{httpx.NoAuth()}, ""},
			"NoAuth of the client":   {[]httpx.ClientOption{httpx.NoAuth()}, withUser, nil, ""},
		} {
			c := newClient(t, test.client...)
			resp, err := c.Get(context.Background(), test.url, test.opts...)
			if err != nil {
				t.Fatal(err)
			}
			if e, err := httpx.Decode[echoed](resp); err != nil || e.Header.Get("Authorization") != test.want {
				t.Errorf("%s: %q, %v", name, e.Header.Get("Authorization"), err)
			}
		}
	})

	t.Run("A12.9 a function", func(t *testing.T) {
		a := httpx.AuthFunc(func(r *httpx.Request) error {
			r.Header.Set("X-Key", r.URL.Path())
			return nil
		})
		s, c := echoServer(t), newClient(t, httpx.WithAuth(a))
		req, err := c.NewRequest("GET", s.URL+"/k")
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			resp, err := c.Send(context.Background(), req)
			if err != nil {
				t.Fatal(err)
			}
			if e, err := httpx.Decode[echoed](resp); err != nil || !slices.Equal(e.Header["X-Key"], []string{"/k"}) {
				t.Errorf("%v, %v", e.Header, err)
			}
		}
		if req.Header.Has("X-Key") {
			t.Error("the caller's request was changed")
		}
		bad := errors.New("no key")
		closed := new(closeCounter)
		_, err = c.Post(context.Background(), s.URL, httpx.Reader(closed), httpx.WithAuth(httpx.AuthFunc(func(*httpx.Request) error { return bad })))
		if !errors.Is(err, bad) || closed.n != 1 {
			t.Errorf("%v, body closed %d times", err, closed.n)
		}
	})

	t.Run("A12.11 never to another origin", func(t *testing.T) {
		var elsewhere []string
		other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			elsewhere = append(elsewhere, r.Header.Get("Authorization"))
			w.Header().Set("WWW-Authenticate", `Digest realm="evil", nonce="n", qop=auth`)
			w.WriteHeader(401)
		}))
		defer other.Close()
		var here []string
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			here = append(here, r.Header.Get("Authorization"))
			http.Redirect(w, r, map[string]string{"/": "/again", "/again": other.URL}[r.URL.Path], http.StatusFound)
		}))
		defer s.Close()
		c := newClient(t, httpx.WithFollowRedirects(true))
		for name, a := range map[string]httpx.Auth{
			"basic": httpx.BasicAuth("u", "p"), "bearer": httpx.BearerAuth("t"), "digest": httpx.DigestAuth("u", "p"),
			"token": httpx.TokenAuth(func(context.Context) (string, time.Time, error) { return "t", time.Time{}, nil }),
		} {
			here, elsewhere = nil, nil
			resp, err := c.Get(context.Background(), s.URL, httpx.WithAuth(a))
			if err != nil || resp.StatusCode != 401 {
				t.Fatalf("%s: %v, %v", name, resp, err)
			}
			if len(here) != 2 || here[0] != here[1] || (here[0] == "") != (name == "digest") {
				t.Errorf("%s: %q", name, here)
			}
			if !slices.Equal(elsewhere, []string{""}) {
				t.Errorf("%s: another origin got %q", name, elsewhere)
			}
		}
	})
}

type closeCounter struct{ n int }

func (c *closeCounter) Read([]byte) (int, error) { return 0, io.EOF }
func (c *closeCounter) Close() error             { c.n++; return nil }

// flow is an Auth made of a function. With marks it wants buffers.
type flow func(context.Context, *httpx.Request, func(context.Context, *httpx.Request) (*httpx.Response, error)) (*httpx.Response, error)

func (f flow) Authenticate(ctx context.Context, r *httpx.Request, next func(context.Context, *httpx.Request) (*httpx.Response, error)) (*httpx.Response, error) {
	return f(ctx, r, next)
}

type bufferedFlow struct{ flow }

func (bufferedFlow) BufferedRequest()  {}
func (bufferedFlow) BufferedResponse() {}

func TestAuthFlow(t *testing.T) {
	type send = func(context.Context, *httpx.Request) (*httpx.Response, error)
	ctx := context.Background()
	s, c := echoServer(t), newClient(t)

	t.Run("A12.10 a flow sends any number of requests", func(t *testing.T) {
		a := flow(func(ctx context.Context, r *httpx.Request, next send) (*httpx.Response, error) {
			login, err := httpx.NewRequest("POST", s.URL+"/login", httpx.String("me"))
			if err != nil {
				return nil, err
			}
			resp, err := next(ctx, login)
			if err != nil {
				return nil, err
			}
			if err := resp.Buffer(); err != nil {
				return nil, err
			}
			e, err := httpx.Decode[echoed](resp)
			if err != nil {
				return nil, err
			}
			r.Header.Set("X-Ticket", e.Method+e.Body)
			return next(ctx, r)
		})
		resp, err := c.Get(ctx, s.URL, httpx.WithAuth(a))
		if err != nil {
			t.Fatal(err)
		}
		if e, _ := httpx.Decode[echoed](resp); e.Header.Get("X-Ticket") != "POSTme" {
			t.Errorf("%+v", e)
		}
		if len(resp.History) != 1 || resp.History[0].Request.URL.Path() != "/login" {
			t.Errorf("history %v", resp.History)
		}
	})

	t.Run("A12.10 marks buffer request and response", func(t *testing.T) {
		var bodies []string
		a := bufferedFlow{func(ctx context.Context, r *httpx.Request, next send) (*httpx.Response, error) {
			resp, err := next(ctx, r)
			if err != nil {
				return nil, err
			}
			bodies = append(bodies, resp.Text())
			return next(ctx, r)
		}}
		body := &onceReader{r: strings.NewReader("once only")}
		resp, err := c.Post(ctx, s.URL, httpx.Reader(body), httpx.WithAuth(a))
		if err != nil {
			t.Fatal(err)
		}
		e, err := httpx.Decode[echoed](resp)
		if err != nil || e.Body != "once only" || e.Length != 9 || body.closed != 1 {
			t.Errorf("%+v, %v, closed %d times", e, err, body.closed)
		}
		if len(bodies) != 1 || !strings.Contains(bodies[0], "once only") {
			t.Errorf("the first response was %q", bodies)
		}
		bad := errors.New("bad disk")
		_, err = c.Post(ctx, s.URL, httpx.Reader(io.MultiReader(strings.NewReader("x"), failing{bad})), httpx.WithAuth(a))
		if !errors.Is(err, bad) || !errors.Is(err, httpx.ErrRequestBody) {
			t.Error(err)
		}
	})

	t.Run("A12.10 a flow that returns nothing", func(t *testing.T) {
		for name, a := range map[string]httpx.Auth{
			"at all":     flow(func(context.Context, *httpx.Request, send) (*httpx.Response, error) { return nil, nil }),
			"but errors": flow(func(context.Context, *httpx.Request, send) (*httpx.Response, error) { return nil, errors.New("a") }),
			"but errors, having a response": flow(func(ctx context.Context, r *httpx.Request, next send) (*httpx.Response, error) {
				resp, _ := next(ctx, r)
				return resp, errors.New("a")
			}),
		} {
			var e *httpx.Error
			if resp, err := c.Get(ctx, s.URL, httpx.WithAuth(a)); resp != nil || !errors.As(err, &e) || e.Op != "auth" {
				t.Errorf("%s: %v, %v", name, resp, err)
			}
		}
	})
}

type onceReader struct {
	r      io.Reader
	closed int
}

func (r *onceReader) Read(p []byte) (int, error) { return r.r.Read(p) }
func (r *onceReader) Close() error               { r.closed++; return nil }

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestAuthIsNotPrinted(t *testing.T) {
	const secret = "s3cret"
	for name, a := range map[string]httpx.Auth{
		"BasicAuth": httpx.BasicAuth("user", secret), "BearerAuth": httpx.BearerAuth(secret),
		"DigestAuth": httpx.DigestAuth("user", secret), "NetRC": httpx.NetRC("/" + secret),
		"TokenAuth": httpx.TokenAuth(func(context.Context) (string, time.Time, error) { return secret, time.Time{}, nil }),
	} {
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "auth", a)
		texts := []string{fmt.Sprint(a), log.String()}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			texts = append(texts, fmt.Sprintf(verb, a), fmt.Sprintf(verb, struct{ A httpx.Auth }{a}), fmt.Sprintf(verb, []httpx.Auth{a}), fmt.Sprintf(verb, struct{ a httpx.Auth }{a}))
		}
		for i, text := range texts {
			if strings.Contains(text, secret) || strings.Contains(text, "7333637265") || strings.Contains(text, "czNjcmV0") {
				t.Errorf("%s: %s", name, text)
			}
			if i < 2 && !strings.Contains(text, "httpx."+name+"(…)") {
				t.Errorf("%s: %s", name, text)
			}
		}
	}
}

func TestTokenAuth(t *testing.T) {
	ctx := context.Background()

	t.Run("A12.10 one fetch for many goroutines", func(t *testing.T) {
		var fetched atomic.Int32
		var good atomic.Value // the token that the server takes
		good.Store("Bearer t1")
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != good.Load() {
				w.WriteHeader(401)
			}
		}))
		defer s.Close()
		c := newClient(t, httpx.WithAuth(httpx.TokenAuth(func(context.Context) (string, time.Time, error) {
			return fmt.Sprintf("t%d", fetched.Add(1)), time.Time{}, nil
		})))
		round := func() {
			var wg sync.WaitGroup
			for range 32 {
				wg.Go(func() {
					if resp, err := c.Post(ctx, s.URL, httpx.String("x")); err != nil || resp.StatusCode != 200 {
						t.Errorf("%v, %v", resp, err)
					}
				})
			}
			wg.Wait()
		}
		round()
		if n := fetched.Load(); n != 1 {
			t.Errorf("%d fetches", n)
		}
		good.Store("Bearer t2")
		round()
		if n := fetched.Load(); n != 2 {
			t.Errorf("%d fetches after the 401", n)
		}
	})

	t.Run("A12.10 a 401 is answered once", func(t *testing.T) {
		n := 0
		a := httpx.TokenAuth(func(context.Context) (string, time.Time, error) { n++; return fmt.Sprint(n), time.Time{}, nil })
		sent, resp, err := sentBy(t, a, "http://host/", 401, 401, 401)
		if err != nil || resp.StatusCode != 401 || !slices.Equal(sent, []string{"Bearer 1", "Bearer 2"}) || len(resp.History) != 1 {
			t.Errorf("%q, %v, %v", sent, resp, err)
		}
	})

	t.Run("a body that can be sent once gets its 401", func(t *testing.T) {
		n := 0
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			w.WriteHeader(401)
		}))
		defer s.Close()
		c := newClient(t, httpx.WithAuth(httpx.TokenAuth(func(context.Context) (string, time.Time, error) { n++; return "t", time.Time{}, nil })))
		for want := 1; want < 3; want++ {
			resp, err := c.Post(ctx, s.URL, httpx.Reader(io.MultiReader(strings.NewReader("x"))))
			if err != nil || resp.StatusCode != 401 || n != want {
				t.Errorf("%v, %v, %d fetches", resp, err, n)
			}
		}
	})

	t.Run("a failed fetch", func(t *testing.T) {
		bad := errors.New("no token today")
		sent, _, err := sentBy(t, httpx.TokenAuth(func(context.Context) (string, time.Time, error) { return "", time.Time{}, bad }), "http://host/")
		if !errors.Is(err, bad) || len(sent) != 0 {
			t.Errorf("%v, sent %q", err, sent)
		}
		sent, _, err = sentBy(t, httpx.TokenAuth(func(context.Context) (string, time.Time, error) { runtime.Goexit(); panic("") }), "http://host/")
		if err == nil || !strings.Contains(err.Error(), "without returning") || len(sent) != 0 {
			t.Errorf("%v, sent %q", err, sent)
		}
		sent, _, err = sentBy(t, httpx.TokenAuth(func(context.Context) (string, time.Time, error) { return "s3cret\n", time.Time{}, nil }), "http://host/")
		if err == nil || strings.Contains(err.Error(), "s3cret") || len(sent) != 0 {
			t.Errorf("%v, sent %q", err, sent)
		}
	})

	// The rest is on a fake clock, with next in place of a network.
	run := func(ctx context.Context, a httpx.Auth) (string, error) {
		r, err := httpx.NewRequest("GET", "http://example.org/")
		if err != nil {
			return "", err
		}
		resp, err := a.Authenticate(ctx, r, func(_ context.Context, r *httpx.Request) (*httpx.Response, error) {
			return &httpx.Response{StatusCode: 200, Request: r}, nil
		})
		if err != nil {
			return "", err
		}
		return resp.Request.Header.Get("Authorization"), nil
	}

	t.Run("A12.10 a token is renewed before it expires", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			life := time.Hour
			a := httpx.TokenAuth(func(context.Context) (string, time.Time, error) {
				n++
				return fmt.Sprint(n), time.Now().Add(life), nil
			})
			for _, step := range []struct {
				sleep time.Duration
				want  string
			}{{0, "1"}, {life - 11*time.Second, "1"}, {2 * time.Second, "2"}, {life - 9*time.Second, "3"}} {
				time.Sleep(step.sleep)
				if got, err := run(ctx, a); err != nil || got != "Bearer "+step.want {
					t.Errorf("after %v: %q, %v, want %s", step.sleep, got, err, step.want)
				}
			}
			life = 10 * time.Second // renewed when a tenth is left
			time.Sleep(time.Hour)
			for _, want := range []string{"4", "4", "5"} {
				if got, err := run(ctx, a); err != nil || got != "Bearer "+want {
					t.Errorf("%q, %v, want %s", got, err, want)
				}
				time.Sleep(4600 * time.Millisecond)
			}
		})
	})

	t.Run("A12.10 who gives up takes nobody along", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			type key struct{}
			answer := make(chan struct{})
			calls := 0
			var ended error
			a := httpx.TokenAuth(func(ctx context.Context) (string, time.Time, error) {
				calls++
				select {
				case <-answer:
					return ctx.Value(key{}).(string), time.Time{}, nil
				case <-ctx.Done():
					ended = ctx.Err()
					return "", time.Time{}, ended
				}
			})
			first, cancel := context.WithCancel(context.WithValue(ctx, key{}, "first"))
			errs := make(chan error, 1)
			got := make(chan string, 1)
			go func() { _, err := run(first, a); errs <- err }()
			synctest.Wait()
			go func() { v, _ := run(ctx, a); got <- v }()
			synctest.Wait()
			cancel()
			if err := <-errs; !errors.Is(err, context.Canceled) || errors.Is(err, httpx.ErrTransport) {
				t.Error(err)
			}
			close(answer)
			if v := <-got; v != "Bearer first" || calls != 1 {
				t.Errorf("%q, %d calls", v, calls)
			}

			// Nobody is left: the fetch ends, and the next has its own.
			calls = 0
			a = httpx.TokenAuth(func(ctx context.Context) (string, time.Time, error) {
				calls++
				if calls > 1 {
					return "second", time.Time{}, nil
				}
				<-ctx.Done()
				ended = ctx.Err()
				return "", time.Time{}, ended
			})
			late, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			if _, err := run(late, a); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, httpx.ErrTimeout) {
				t.Error(err)
			}
			synctest.Wait()
			if ended != context.Canceled {
				t.Errorf("the fetch ended by %v", ended)
			}
			if v, err := run(ctx, a); err != nil || v != "Bearer second" {
				t.Errorf("%q, %v", v, err)
			}
			if _, err := run(late, a); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a context that has ended: %v", err)
			}
		})
	})
}
