package httpx_test

import (
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"gohttpx.dev/httpx"
	"gohttpx.dev/tls"
)

// web is all of the web: every host and port, http and https, is served by it.
type web struct {
	*httpx.Client
	mu    sync.Mutex
	pages map[string]http.HandlerFunc // by "http://host/path"; guarded by mu
	asked []ask                       // guarded by mu
}

// ask is a request that came.
type ask struct {
	Method, URL, Body string
	Header            http.Header
}

func newWeb(t *testing.T, opts ...httpx.ClientOption) *web {
	w := &web{pages: map[string]http.HandlerFunc{}}
	plain := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.serve(rw, r, "http://") }))
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.serve(rw, r, "https://") }))
	secure.EnableHTTP2 = true
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are part of the tests
	secure.StartTLS()
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	opts = append([]httpx.ClientOption{
		httpx.WithConnectTo("*", plain.Listener.Addr().String()),
		httpx.WithConnectTo("*:443", secure.Listener.Addr().String()),
		httpx.WithTLS(tls.Options{RootCAs: roots, ServerName: "example.com"}),
	}, opts...)
	w.Client = newClient(t, opts...)
	return w
}

func (w *web) serve(rw http.ResponseWriter, r *http.Request, scheme string) {
	b, _ := io.ReadAll(r.Body)
	url := scheme + r.Host + r.URL.RequestURI()
	w.mu.Lock()
	w.asked = append(w.asked, ask{r.Method, url, string(b), r.Header.Clone()})
	page := w.pages[scheme+r.Host+r.URL.Path]
	w.mu.Unlock()
	if page != nil {
		page(rw, r)
	}
}

// redirect makes a page one that redirects.
func (w *web) redirect(from string, status int, to string) {
	w.page(from, func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Location", to)
		rw.WriteHeader(status)
		io.WriteString(rw, "moved")
	})
}

func (w *web) page(url string, h http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pages[url] = h
}

// log returns what was asked since the last call.
func (w *web) log() []ask {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := w.asked
	w.asked = nil
	return a
}
