package interop

import (
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/mccutchen/go-httpbin/v2/httpbin"
	"gohttpx.dev/httpx"
	"gohttpx.dev/tls"
)

// silence is where servers complain about clients that leave.
var silence = log.New(io.Discard, "", 0)

// bin is go-httpbin behind a client of ours that speaks one protocol.
type bin struct {
	*httpx.Client
	proto string // "HTTP/1.1" or "HTTP/2"
}

// protocols runs f over HTTP/1.1 and HTTP/2, both with TLS.
func protocols(t *testing.T, f func(t *testing.T, b bin)) {
	h := httpbin.New(httpbin.WithMaxDuration(30 * time.Second))
	for _, proto := range []string{"HTTP/1.1", "HTTP/2"} {
		t.Run(proto, func(t *testing.T) {
			url, roots := serve(t, h)
			c := client(t, httpx.WithBaseURL(url), httpx.WithTLS(tls.Options{RootCAs: roots}), httpx.WithHTTP2(proto == "HTTP/2"))
			f(t, bin{c, proto})
		})
	}
}

// serve starts a TLS server that speaks both protocols.
func serve(t *testing.T, h http.Handler) (url string, roots *x509.CertPool) {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.Config.ErrorLog = silence
	s.StartTLS()
	t.Cleanup(s.Close)
	roots = x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s.URL, roots
}

// client makes a client and checks at the end that nothing is left in its pool.
func client(t *testing.T, opts ...httpx.ClientOption) *httpx.Client {
	t.Helper()
	c, err := httpx.New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s := c.Stats(); s.Busy != 0 || s.Waiting != 0 {
			t.Errorf("something is left in the pool: %+v", s)
		}
		c.Close()
	})
	return c
}

// call is a row of a table: a request, what it must be answered with, and a look
// at the response.
type call struct {
	name   string
	method string // "" is GET
	path   string
	opts   []httpx.RequestOption
	status int // 0 is 200
	check  func(t *testing.T, r *httpx.Response)
}

func (b bin) run(t *testing.T, calls []call) {
	for _, c := range calls {
		t.Run(c.name, func(t *testing.T) {
			resp, err := b.Do(t.Context(), c.method, c.path, c.opts...)
			if err != nil {
				t.Fatal(err)
			}
			want := c.status
			if want == 0 {
				want = http.StatusOK
			}
			if resp.StatusCode != want || resp.Proto != b.proto {
				t.Fatalf("%d over %s, want %d over %s: %s", resp.StatusCode, resp.Proto, want, b.proto, resp.Text())
			}
			if c.check != nil {
				c.check(t, resp)
			}
		})
	}
}

// decode reads a response's JSON.
func decode[T any](t *testing.T, r *httpx.Response) T {
	t.Helper()
	v, err := httpx.Decode[T](r)
	if err != nil {
		t.Fatalf("%v: %s", err, r.Text())
	}
	return v
}
