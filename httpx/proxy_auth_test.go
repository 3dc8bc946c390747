package httpx_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"gohttpx.dev/httpx"
)

// What a proxy's challenges lead to, and what they do not.
func TestProxyChallenges(t *testing.T) {
	t.Run("A19.1 a nonce that another request has found stays", func(t *testing.T) {
		asked, answered := make(chan struct{}), make(chan struct{})
		var last string
		p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			challenge := func(nonce string) {
				w.Header().Set("Proxy-Authenticate", `Digest realm="p", qop="auth", nonce="`+nonce+`"`)
				w.WriteHeader(http.StatusProxyAuthRequired)
			}
			switch auth := r.Header.Get("Proxy-Authorization"); {
			case auth == "":
				challenge("one")
			case r.URL.Path == "/a":
				close(asked)
				<-answered
				challenge("three")
			case strings.Contains(auth, `"one"`):
				challenge("two")
			default:
				last = auth
			}
		}))
		defer p.Close()
		c := newClient(t, httpx.WithProxy(strings.Replace(p.URL, "://", "://joe:pw@", 1)))
		get := func(path string, want int) {
			if resp, err := c.Get(t.Context(), "http://a.test"+path); err != nil || resp.StatusCode != want {
				t.Errorf("%s: %v %v", path, resp, err)
			}
		}
		var wg sync.WaitGroup
		wg.Go(func() { get("/a", 407) })
		<-asked
		get("/b", 200)
		close(answered)
		wg.Wait()
		last = ""
		get("/c", 200)
		if !strings.Contains(last, `"two"`) || !strings.Contains(last, "nc=00000002") {
			t.Errorf("the third request is challenged again: %q", last)
		}
	})

	t.Run("A19.1 a nonce that is offered again goes on counting", func(t *testing.T) {
		var counts []string
		p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, nc, _ := strings.Cut(r.Header.Get("Proxy-Authorization"), "nc=")
			nc, _, _ = strings.Cut(nc, ",")
			counts = append(counts, nc)
			if nc == "" || nc == "00000002" {
				w.Header().Set("Proxy-Authenticate", `Digest realm="p", qop="auth", nonce="one", stale=true`)
				w.WriteHeader(http.StatusProxyAuthRequired)
			}
		}))
		defer p.Close()
		c := newClient(t, httpx.WithProxy(strings.Replace(p.URL, "://", "://joe:pw@", 1)))
		for range 2 {
			if resp, err := c.Get(t.Context(), "http://a.test/"); err != nil || resp.StatusCode != 200 {
				t.Errorf("%v %v", resp, err)
			}
		}
		if got := strings.Join(counts, " "); got != " 00000001 00000002 00000003" {
			t.Errorf("%q: a count came twice, or a nonce was not used", got)
		}
	})

	t.Run("the request after a 407 has the transport's timeouts", func(t *testing.T) {
		p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Proxy-Authorization") != "" {
				<-r.Context().Done()
			}
			w.Header().Set("Proxy-Authenticate", "Basic realm=x")
			w.WriteHeader(http.StatusProxyAuthRequired)
		}))
		defer p.Close()
		tr, err := httpx.NewTransport(httpx.WithProxy(strings.Replace(p.URL, "://", "://joe:pw@", 1)), httpx.WithTimeouts(httpx.Timeouts{Read: 123 * time.Millisecond}))
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		req, err := httpx.NewRequest("GET", "http://a.test/")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tr.RoundTrip(t.Context(), req); !errors.Is(err, httpx.ErrReadTimeout) || !strings.Contains(err.Error(), "123ms") {
			t.Error(err)
		}
	})

	t.Run("A19.1 a Digest that cannot be answered", func(t *testing.T) {
		for challenge, want := range map[string]string{
			`Digest realm="p", nonce="n", algorithm=ROT13`:    `algorithm "ROT13" is not known`,
			`Digest realm="p", nonce="n", qop="auth-of-mine"`: `qop "auth-of-mine" is not known`,
			`Digest realm="p"`: "without nonce",
			`Negotiate, Digest realm="p", nonce="n", qop=none`: `qop "none" is not known`,
		} {
			p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Proxy-Authenticate", challenge)
				w.WriteHeader(http.StatusProxyAuthRequired)
			}))
			defer p.Close()
			c := newClient(t, httpx.WithProxy(strings.Replace(p.URL, "://", "://joe:S3CRET@", 1)))
			for _, url := range []string{"http://a.test/", "https://a.test/"} {
				_, err := c.Get(t.Context(), url)
				if !errors.Is(err, httpx.ErrProxy) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "S3CRET") {
					t.Errorf("%s, %s: %v", url, challenge, err)
				}
			}
		}
	})

	t.Run("A19.1 a scheme that is not ours leaves the 407", func(t *testing.T) {
		p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Proxy-Authenticate", "Negotiate")
			w.WriteHeader(http.StatusProxyAuthRequired)
		}))
		defer p.Close()
		c := newClient(t, httpx.WithProxy(strings.Replace(p.URL, "://", "://joe:pw@", 1)))
		if resp, err := c.Get(t.Context(), "http://a.test/"); err != nil || resp.StatusCode != 407 {
			t.Error(resp, err)
		}
	})

	t.Run("A19.1 a request with a Proxy-Authorization of its own is sent once", func(t *testing.T) {
		for _, challenge := range []string{"Basic realm=x", `Digest realm="p", nonce="n"`} {
			var got []string
			p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got = append(got, r.Header.Get("Proxy-Authorization"))
				w.Header().Set("Proxy-Authenticate", challenge)
				w.WriteHeader(http.StatusProxyAuthRequired)
				io.WriteString(w, "no")
			}))
			defer p.Close()
			c := newClient(t, httpx.WithProxy(strings.Replace(p.URL, "://", "://joe:pw@", 1)))
			for range 2 {
				resp, err := c.Get(t.Context(), "http://a.test/", httpx.WithHeader("proxy-authorization", "Custom x"))
				if err != nil || resp.StatusCode != 407 || resp.Text() != "no" {
					t.Error(resp, err)
				}
			}
			if strings.Join(got, ", ") != "Custom x, Custom x" {
				t.Errorf("%q", got)
			}
		}
	})
}
