package httpx_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"gohttpx.dev/httpx"
)

func TestRedirects(t *testing.T) {
	ctx := context.Background()
	w := newWeb(t, httpx.WithFollowRedirects(true))

	t.Run("A13.1 which statuses", func(t *testing.T) {
		for status := 300; status <= 308; status++ {
			w.redirect("http://a.example/", status, "/next")
			resp, err := w.Get(ctx, "http://a.example/")
			if err != nil {
				t.Fatal(err)
			}
			want := "http://a.example/"
			switch status {
			case 301, 302, 303, 307, 308:
				want = "http://a.example/next"
			}
			if got := resp.URL.String(); got != want {
				t.Errorf("%d: ended at %s, want %s", status, got, want)
			}
		}
		w.page("http://a.example/", func(rw http.ResponseWriter, r *http.Request) { rw.WriteHeader(302) })
		resp, err := w.Get(ctx, "http://a.example/")
		if err != nil || resp.StatusCode != 302 || resp.NextRequest != nil || resp.HasRedirectLocation() {
			t.Errorf("302 without Location: %v %v", resp, err)
		}
	})

	t.Run("A13.2 method table", func(t *testing.T) {
		for _, tt := range []struct {
			status       int
			method, want string
		}{
			{301, "GET", "GET"},
			{301, "HEAD", "HEAD"},
			{301, "POST", "GET"},
			{301, "PUT", "PUT"},
			{301, "DELETE", "DELETE"},
			{301, "FOO", "FOO"},
			{302, "GET", "GET"},
			{302, "HEAD", "HEAD"},
			{302, "POST", "GET"},
			{302, "PUT", "GET"},
			{302, "DELETE", "GET"},
			{302, "FOO", "GET"},
			{303, "GET", "GET"},
			{303, "HEAD", "HEAD"},
			{303, "POST", "GET"},
			{303, "PUT", "GET"},
			{303, "DELETE", "GET"},
			{303, "FOO", "GET"},
			{307, "GET", "GET"},
			{307, "HEAD", "HEAD"},
			{307, "POST", "POST"},
			{307, "PUT", "PUT"},
			{307, "DELETE", "DELETE"},
			{307, "FOO", "FOO"},
			{308, "GET", "GET"},
			{308, "HEAD", "HEAD"},
			{308, "POST", "POST"},
			{308, "PUT", "PUT"},
			{308, "DELETE", "DELETE"},
			{308, "FOO", "FOO"},
		} {
			w.log()
			w.redirect("http://a.example/", tt.status, "/next")
			var opts []httpx.RequestOption
			body := ""
			if tt.method != "GET" && tt.method != "HEAD" {
				opts = append(opts, httpx.JSON("x"))
				if tt.want != "GET" {
					body = `"x"`
				}
			}
			if _, err := w.Do(ctx, tt.method, "http://a.example/", opts...); err != nil {
				t.Fatal(err)
			}
			got := w.log()[1]
			if got.Method != tt.want || got.Body != body {
				t.Errorf("%d after %s: %s with %q, want %s with %q", tt.status, tt.method, got.Method, got.Body, tt.want, body)
			}
			if body == "" && (got.Header.Get("Content-Type") != "" || got.Header.Get("Content-Length") != "" && tt.want == "GET") {
				t.Errorf("%d after %s: fields of a body that is gone: %v", tt.status, tt.method, got.Header)
			}
		}
	})

	t.Run("A13.3 what stays behind", func(t *testing.T) {
		secrets := []httpx.RequestOption{
			httpx.WithAuth(httpx.BasicAuth("user", "secret")),
			httpx.WithHeader("Proxy-Authorization", "Basic secret"),
			httpx.WithHeader("Cookie", "session=secret"),
			httpx.WithHeader("X-Api-Key", "secret"),
			httpx.WithSensitiveHeaders("x-api-KEY"),
			httpx.WithHeader("X-Plain", "kept"),
		}
		for _, tt := range []struct {
			from, to string
			kept     bool
		}{
			{"http://a.example/", "http://a.example/next", true},
			{"http://a.example/", "http://a.example:80/next", true},
			{"http://a.example/", "http://a.example:8080/next", false},
			{"http://a.example/", "https://a.example/next", false}, // the same host, and yet another origin
			{"http://a.example/", "http://b.a.example/next", false},
			{"http://a.example/", "http://example/next", false},
			{"http://a.example/", "http://a.example./next", false},
			{"https://a.example/", "https://b.example/next", false},
		} {
			w.log()
			w.redirect(tt.from, 302, tt.to)
			if _, err := w.Get(ctx, tt.from, secrets...); err != nil {
				t.Fatal(err)
			}
			asked := w.log()
			// Proxy-Authorization goes to proxies alone, not even to the first origin.
			if n := strings.Count(fmt.Sprint(asked[0].Header), "secret"); n != 2 || asked[0].Header.Get("Authorization") != "Basic dXNlcjpzZWNyZXQ=" {
				t.Errorf("the first request lacks some: %v", asked[0].Header)
			}
			h := asked[1].Header
			if has := h.Get("Authorization") != "" || strings.Contains(fmt.Sprint(h), "secret"); has != tt.kept {
				t.Errorf("%s to %s: %v", tt.from, tt.to, h)
			}
			if h.Get("X-Plain") != "kept" {
				t.Errorf("%s to %s: X-Plain is gone: %v", tt.from, tt.to, h)
			}
		}

		// What was left behind does not come back (CVE-2024-45336).
		w.log()
		w.redirect("http://a.example/", 302, "http://b.example/")
		w.redirect("http://b.example/", 302, "http://b.example/2")
		w.redirect("http://b.example/2", 302, "http://a.example/back")
		if _, err := w.Get(ctx, "http://a.example/", secrets...); err != nil {
			t.Fatal(err)
		}
		asked := w.log()
		if len(asked) != 4 {
			t.Fatalf("%d requests", len(asked))
		}
		for _, a := range asked[1:] {
			if a.Header.Get("Authorization") != "" || strings.Contains(fmt.Sprint(a.Header), "secret") {
				t.Errorf("%s: %v", a.URL, a.Header)
			}
		}
	})

	t.Run("A13.3 user information stays behind", func(t *testing.T) {
		w.log()
		w.redirect("http://a.example/", 302, "http://b.example/")
		w.page("http://b.example/", nil)
		if _, err := w.Get(ctx, "http://user:secret@a.example/"); err != nil {
			t.Fatal(err)
		}
		asked := w.log()
		if asked[0].Header.Get("Authorization") == "" || asked[1].Header.Get("Authorization") != "" {
			t.Errorf("%v", asked)
		}
	})

	t.Run("A13.3 no downgrade", func(t *testing.T) {
		w.redirect("https://a.example/", 302, "http://a.example/next")
		_, err := w.Get(ctx, "https://a.example/")
		if !errors.Is(err, httpx.ErrRedirectRefused) || !errors.Is(err, httpx.ErrHTTP) {
			t.Errorf("%v", err)
		}
		resp, err := w.Get(ctx, "https://a.example/", httpx.WithRedirectDowngrade(true))
		if err != nil || resp.URL.String() != "http://a.example/next" {
			t.Errorf("allowed: %v %v", resp, err)
		}
	})

	t.Run("A13.4 Location", func(t *testing.T) {
		for _, tt := range []struct{ from, location, want string }{
			{"http://a.example/d/e?q=1#frag", "f", "http://a.example/d/f#frag"},
			{"http://a.example/d/e?q=1#frag", "../f?x#own", "http://a.example/f?x#own"},
			{"http://a.example/d/e?q=1", "?x", "http://a.example/d/e?x"},
			{"http://a.example/d/e", "//b.example/f", "http://b.example/f"},
			{"http://a.example/d/e", "/sp ace", "http://a.example/sp%20ace"},
			{"http://a.example/d/e", "/\xc3\xa9", "http://a.example/%C3%A9"},
			{"http://a.example/d/e", "/100%25", "http://a.example/100%25"},
		} {
			path, _, _ := strings.Cut(tt.from, "?")
			path, _, _ = strings.Cut(path, "#")
			served := false
			w.page(path, func(rw http.ResponseWriter, r *http.Request) {
				if !served { // "?x" leads to the same page
					served = true
					rw.Header().Set("Location", tt.location)
					rw.WriteHeader(302)
				}
			})
			resp, err := w.Get(ctx, tt.from)
			if err != nil || resp.URL.String() != tt.want {
				t.Errorf("%s and %q: %v %v, want %s", tt.from, tt.location, resp, err, tt.want)
			}
		}
		for _, bad := range []string{"http://[::1", "http://a.example:99999/", "http://exa mple/"} {
			w.redirect("http://a.example/", 302, bad)
			if _, err := w.Get(ctx, "http://a.example/"); !errors.Is(err, httpx.ErrRemoteProtocol) {
				t.Errorf("Location %q: %v", bad, err)
			}
		}
		for _, bad := range []string{"ftp://a.example/", "file:///etc/passwd", "unix:/run/docker.sock", "javascript:alert(1)"} {
			w.redirect("http://a.example/", 302, bad)
			if _, err := w.Get(ctx, "http://a.example/"); !errors.Is(err, httpx.ErrUnsupportedScheme) {
				t.Errorf("Location %q: %v", bad, err)
			}
		}
	})

	t.Run("A13.5 the body again", func(t *testing.T) {
		w.redirect("http://a.example/", 307, "/next")
		for name, body := range map[string]httpx.RequestOption{
			"String": httpx.String("hello"), "Bytes": httpx.Bytes([]byte("hello")),
		} {
			w.log()
			if _, err := w.Post(ctx, "http://a.example/", body); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got := w.log(); got[0].Body != "hello" || got[1].Body != "hello" {
				t.Errorf("%s: %v", name, got)
			}
		}
		w.log()
		_, err := w.Post(ctx, "http://a.example/", httpx.Reader(strings.NewReader("hello")))
		if !errors.Is(err, httpx.ErrBodyNotReplayable) || len(w.log()) != 1 {
			t.Errorf("Reader: %v", err)
		}
	})

	t.Run("A13.5 a body that an Auth has buffered", func(t *testing.T) {
		w.redirect("http://a.example/", 307, "/next")
		w.log()
		read := authFunc(func(ctx context.Context, req *httpx.Request, next nextFunc) (*httpx.Response, error) {
			if _, err := req.ReadBody(ctx); err != nil {
				return nil, err
			}
			return next(ctx, req)
		})
		if _, err := w.Post(ctx, "http://a.example/", httpx.Reader(strings.NewReader("hello")), httpx.WithAuth(read)); err != nil {
			t.Fatal(err)
		}
		if got := w.log(); len(got) != 2 || got[1].Body != "hello" {
			t.Errorf("%v", got)
		}
	})

	t.Run("A13.6 limit", func(t *testing.T) {
		w.redirect("http://a.example/loop", 302, "/loop")
		for _, tt := range []struct {
			opt  httpx.RequestOption
			want int
		}{{httpx.WithFollowRedirects(true), 21}, {httpx.WithMaxRedirects(5), 6}, {httpx.WithMaxRedirects(0), 1}} {
			w.log()
			_, err := w.Get(ctx, "http://a.example/loop", tt.opt)
			if n := len(w.log()); !errors.Is(err, httpx.ErrTooManyRedirects) || n != tt.want {
				t.Errorf("%d requests, want %d: %v", n, tt.want, err)
			}
		}
		// A challenge on the way is not counted.
		w.log()
		w.redirect("http://a.example/1", 302, "/2")
		w.page("http://a.example/2", nil)
		twice := authFunc(func(ctx context.Context, req *httpx.Request, next nextFunc) (*httpx.Response, error) {
			resp, err := next(ctx, req)
			if err != nil {
				return nil, err
			}
			resp.Close()
			return next(ctx, req)
		})
		resp, err := w.Get(ctx, "http://a.example/1", httpx.WithMaxRedirects(1), httpx.WithAuth(twice))
		if err != nil || len(w.log()) != 4 {
			t.Fatal(err)
		}
		var chain []string
		for _, h := range resp.History {
			chain = append(chain, fmt.Sprint(h.StatusCode, h.URL.Path()))
		}
		if want := []string{"302/1", "302/1", "200/2"}; !slices.Equal(chain, want) { // fmt.Sprint sets no blank between a number and a string
			t.Errorf("history %v, want %v", chain, want)
		}
	})

	t.Run("A13.7 not following", func(t *testing.T) {
		w.redirect("http://a.example/", 303, "/next")
		resp, err := w.Post(ctx, "http://a.example/", httpx.String("x"), httpx.WithFollowRedirects(false))
		if err != nil || resp.StatusCode != 303 || resp.Text() != "moved" {
			t.Fatal(resp, err)
		}
		next := resp.NextRequest
		if next == nil || next.Method != "GET" || next.URL.String() != "http://a.example/next" || next.HasBody() {
			t.Fatalf("next %v", next)
		}
		resp, err = w.Send(ctx, next)
		if err != nil || resp.URL.String() != "http://a.example/next" {
			t.Error(resp, err)
		}
		plain := newWeb(t)
		plain.redirect("http://a.example/", 302, "/next")
		if resp, err := plain.Get(ctx, "http://a.example/"); err != nil || resp.StatusCode != 302 || resp.NextRequest == nil {
			t.Errorf("by default: %v %v", resp, err)
		}
	})

	t.Run("A13.8 intermediate bodies", func(t *testing.T) {
		w.page("http://a.example/small", func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Location", "/next")
			rw.WriteHeader(302)
			rw.Write(bytes.Repeat([]byte("x"), 10_000))
		})
		before := w.Stats().Dials
		for range 5 {
			if _, err := w.Get(ctx, "http://a.example/small"); err != nil {
				t.Fatal(err)
			}
		}
		if d := w.Stats().Dials - before; d > 1 {
			t.Errorf("%d dials for five redirects: a short body should keep the connection", d)
		}
		done := make(chan struct{})
		w.page("http://a.example/endless", func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Location", "/next")
			rw.WriteHeader(302)
			for {
				if _, err := rw.Write(bytes.Repeat([]byte("x"), 100_000)); err != nil {
					close(done)
					return
				}
			}
		})
		if _, err := w.Get(ctx, "http://a.example/endless"); err != nil {
			t.Error(err)
		}
		<-done
	})

	t.Run("A13.9 policy", func(t *testing.T) {
		w.redirect("http://a.example/", 302, "/2")
		w.redirect("http://a.example/2", 302, "http://evil.example/")
		stop := errors.New("not there")
		var seen []string
		sameHost := httpx.WithRedirectPolicy(func(next *httpx.Request, via []*httpx.Response) error {
			seen = append(seen, fmt.Sprint(next.URL, len(via), via[len(via)-1].StatusCode))
			next.Header.Set("X-Policy", "was here")
			if next.URL.Host() != "a.example" {
				return stop
			}
			return nil
		})
		w.log()
		_, err := w.Get(ctx, "http://a.example/", sameHost)
		if !errors.Is(err, stop) {
			t.Error(err)
		}
		if asked := w.log(); len(asked) != 2 || asked[1].Header.Get("X-Policy") == "" {
			t.Errorf("%v", asked)
		}
		if want := []string{"http://a.example/2 1 302", "http://evil.example/ 2 302"}; !slices.Equal(seen, want) {
			t.Errorf("asked about %v, want %v", seen, want)
		}
		last := httpx.WithRedirectPolicy(func(*httpx.Request, []*httpx.Response) error { return httpx.ErrUseLastResponse })
		resp, err := w.Get(ctx, "http://a.example/", last)
		if err != nil || resp.StatusCode != 302 || resp.Text() != "moved" || resp.NextRequest == nil {
			t.Error(resp, err)
		}
	})
}

type nextFunc = func(context.Context, *httpx.Request) (*httpx.Response, error)

type authFunc func(ctx context.Context, req *httpx.Request, next nextFunc) (*httpx.Response, error)

func (f authFunc) Authenticate(ctx context.Context, req *httpx.Request, next func(context.Context, *httpx.Request) (*httpx.Response, error)) (*httpx.Response, error) {
	return f(ctx, req, next)
}
