package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"testing"

	"gohttpx.dev/httpx"
)

func TestClientCookies(t *testing.T) {
	ctx := context.Background()
	sets := func(lines ...string) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) {
			for _, l := range lines {
				rw.Header().Add("Set-Cookie", l)
			}
		}
	}
	sent := func(t *testing.T, w *web, url string, opts ...httpx.RequestOption) string {
		t.Helper()
		w.log()
		if _, err := w.Get(ctx, url, opts...); err != nil {
			t.Fatal(err)
		}
		return w.log()[0].Header.Get("Cookie")
	}

	t.Run("A2.4 a client's cookie is for one host", func(t *testing.T) {
		w := newWeb(t, httpx.WithBaseURL("http://a.example/v1"), httpx.WithCookie(&http.Cookie{Name: "sess", Value: "1"}))
		if got := sent(t, w, "/x"); got != "sess=1" {
			t.Errorf("to its host: %q", got)
		}
		for _, other := range []string{"http://b.example/", "http://sub.a.example/"} {
			if got := sent(t, w, other); got != "" {
				t.Errorf("to %s: %q", other, got)
			}
		}
		if _, err := httpx.New(httpx.WithCookie(&http.Cookie{Name: "sess", Value: "1"})); !errors.Is(err, httpx.ErrInvalidCookie) {
			t.Errorf("for no host: %v", err)
		}
		w = newWeb(t, httpx.WithCookie(&http.Cookie{Name: "n", Value: "1", Domain: ".a.example"}))
		if got := sent(t, w, "http://sub.a.example/"); got != "n=1" {
			t.Errorf("by its Domain: %q", got)
		}
		// Behind a redirect to another host.
		w.redirect("http://a.example/", 302, "http://evil.example/")
		w.log()
		w.Get(ctx, "http://a.example/", httpx.WithFollowRedirects(true))
		if asked := w.log(); asked[0].Header.Get("Cookie") != "n=1" || asked[1].Header.Get("Cookie") != "" {
			t.Errorf("%v", asked)
		}
	})
	t.Run("A2.4 jars", func(t *testing.T) {
		theirs, _ := cookiejar.New(nil)
		ours := new(httpx.Cookies)
		for name, jar := range map[string]http.CookieJar{"ours": ours, "net/http's": theirs} {
			w := newWeb(t, httpx.WithCookieJar(jar))
			w.page("http://a.example/set", sets("a=1", "b=2; Path=/x"))
			sent(t, w, "http://a.example/set")
			if got := sent(t, w, "http://a.example/x", httpx.WithCookie(&http.Cookie{Name: "c", Value: "3"})); got != "b=2; a=1; c=3" {
				t.Errorf("%s: %q", name, got)
			}
			if (w.Cookies() == ours) != (name == "ours") {
				t.Errorf("%s: Client.Cookies", name)
			}
		}
		w := newWeb(t, httpx.WithCookieJar(nil))
		w.page("http://a.example/", sets("a=1"))
		sent(t, w, "http://a.example/")
		if got := sent(t, w, "http://a.example/"); got != "" || w.Cookies() != nil {
			t.Errorf("without a jar: %q", got)
		}
	})
	t.Run("A3.3 a request's cookies are for it alone", func(t *testing.T) {
		w := newWeb(t)
		w.page("http://a.example/set", sets("a=1", "b=2"))
		sent(t, w, "http://a.example/set")
		own := httpx.WithCookie(&http.Cookie{Name: "a", Value: "own"})
		if got := sent(t, w, "http://a.example/", own); got != "b=2; a=own" {
			t.Errorf("%q", got)
		}
		if got := sent(t, w, "http://a.example/"); got != "a=1; b=2" {
			t.Errorf("it was kept: %q", got)
		}
		if got := sent(t, w, "http://a.example/", own, httpx.WithHeader("Cookie", "zz=1")); got != "zz=1" {
			t.Errorf("an explicit field wins: %q", got)
		}
		w.redirect("http://a.example/away", 307, "http://b.example/")
		w.redirect("http://a.example/here", 307, "/next")
		for url, want := range map[string]string{"http://a.example/away": "", "http://a.example/here": "b=2; a=own"} {
			w.log()
			if _, err := w.Get(ctx, url, own, httpx.WithFollowRedirects(true)); err != nil {
				t.Fatal(err)
			}
			if got := w.log()[1].Header.Get("Cookie"); got != want {
				t.Errorf("%s: %q, want %q", url, got, want)
			}
		}
		if _, err := w.Get(ctx, "http://a.example/", httpx.WithCookie(&http.Cookie{Name: "a", Value: "x\r\ny"})); !errors.Is(err, httpx.ErrInvalidCookie) {
			t.Errorf("a control byte: %v", err)
		}
	})
	t.Run("A10.3 every response is read, before the hooks", func(t *testing.T) {
		var w *web
		var seen []int
		w = newWeb(t, httpx.WithFollowRedirects(true), httpx.OnResponse(func(r *httpx.Response) error {
			seen = append(seen, w.Cookies().Len())
			return nil
		}))
		w.page("http://a.example/", func(rw http.ResponseWriter, r *http.Request) {
			http.SetCookie(rw, &http.Cookie{Name: "hop", Value: "1"})
			http.Redirect(rw, r, "/2", http.StatusFound)
		})
		n := 0
		w.page("http://a.example/2", func(rw http.ResponseWriter, r *http.Request) {
			n++
			http.SetCookie(rw, &http.Cookie{Name: fmt.Sprint("leg", n), Value: "1"})
			if _, _, ok := r.BasicAuth(); !ok {
				rw.WriteHeader(http.StatusUnauthorized)
			}
		})
		challenged := authFunc(func(ctx context.Context, req *httpx.Request, next nextFunc) (*httpx.Response, error) {
			resp, err := next(ctx, req)
			if err != nil || resp.StatusCode != http.StatusUnauthorized {
				return resp, err
			}
			resp.Close()
			req.Header.Set("Authorization", "Basic dTpw")
			return next(ctx, req)
		})
		w.log()
		resp, err := w.Get(ctx, "http://a.example/", httpx.WithAuth(challenged))
		if err != nil || resp.StatusCode != 200 {
			t.Fatal(resp, err)
		}
		asked := w.log()
		if got := asked[len(asked)-1].Header.Get("Cookie"); got != "hop=1; leg1=1" {
			t.Errorf("the last leg carries %q", got)
		}
		if !slices.Equal(seen, []int{1, 2, 3}) {
			t.Errorf("the hooks saw %v cookies", seen)
		}
	})
	t.Run("A10.5 Response.Cookies", func(t *testing.T) {
		w := newWeb(t)
		w.page("http://a.example/", sets("a=1; HttpOnly", "bad", "b=2; Domain=other.example"))
		resp, err := w.Get(ctx, "http://a.example/")
		if err != nil {
			t.Fatal(err)
		}
		if cs := resp.Cookies(); len(cs) != 2 || cs[0].Name != "a" || !cs[0].HttpOnly || cs[1].Name != "b" {
			t.Errorf("%v", cs)
		}
		if n := w.Cookies().Len(); n != 1 {
			t.Errorf("%d cookies kept: one for another host may not be", n)
		}
	})
	t.Run("A4.2 a request without a client gets no cookies", func(t *testing.T) {
		w := newWeb(t)
		w.page("http://a.example/", sets("a=1"))
		sent(t, w, "http://a.example/")
		r, err := httpx.NewRequest("GET", "http://a.example/")
		if err != nil {
			t.Fatal(err)
		}
		w.log()
		if _, err := w.Send(ctx, r); err != nil {
			t.Fatal(err)
		}
		if h := w.log()[0].Header; h.Get("Cookie") != "" || h.Get("User-Agent") != "" {
			t.Errorf("%v", h)
		}
	})
}
