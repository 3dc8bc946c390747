package httpx_test

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"gohttpx.dev/httpx"
	"gohttpx.dev/tls"
)

// gateway starts a proxy that forwards nothing, but tells what it was asked.
func gateway(name string) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") == "" && name == "guarded" {
			w.Header().Set("Proxy-Authenticate", `Basic realm="gateway"`)
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		fmt.Fprintf(w, "%s was asked for %s", name, r.RequestURI)
	}))
}

// The environment is not asked when a proxy is given. User and password answer
// the proxy's challenge and go nowhere else.
func ExampleWithProxy() {
	p := gateway("guarded")
	defer p.Close()
	client, err := httpx.New(httpx.WithProxyConfig(httpx.Proxy{URL: p.URL, User: url.UserPassword("joe", "secret")}))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	resp, err := client.Get(ctx, "http://example.org/page")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Text())
	fmt.Println(resp.Conn().Proxy == p.URL)

	_, err = httpx.New(httpx.WithProxy("socks4://joe:secret@127.0.0.1"))
	fmt.Println(err)
	// Output:
	// guarded was asked for http://example.org/page
	// true
	// httpx: proxy: URL: SOCKS4 is not supported: use socks5, or socks5h for names that the proxy resolves
}

// A function chooses for each request that goes out, redirects included.
func ExampleWithProxyFunc() {
	near, far := gateway("near"), gateway("far")
	defer near.Close()
	defer far.Close()
	client, err := httpx.New(httpx.WithProxyFunc(func(r *httpx.Request) (*httpx.Proxy, error) {
		if strings.HasSuffix(r.URL.Host(), ".internal") {
			return &httpx.Proxy{URL: near.URL}, nil
		}
		return &httpx.Proxy{URL: far.URL}, nil
	}))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	for _, url := range []string{"http://db.internal/", "http://example.org/"} {
		resp, err := client.Get(ctx, url)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(resp.Text())
	}
	// Output:
	// near was asked for http://db.internal/
	// far was asked for http://example.org/
}

// The most specific pattern wins, in whatever order they are given; an empty
// address is no proxy.
func ExampleWithMountProxy() {
	all, some := gateway("all"), gateway("some")
	defer all.Close()
	defer some.Close()
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "no proxy") }))
	defer origin.Close()
	client, err := httpx.New(
		httpx.WithMountProxy("all://", all.URL),
		httpx.WithMountProxy("http://*.example.org", some.URL),
		httpx.WithMountProxy("all://127.0.0.1", ""),
	)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	for _, url := range []string{"http://example.com/", "http://www.example.org/", origin.URL} {
		resp, err := client.Get(ctx, url)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(resp.Text())
	}
	// Output:
	// all was asked for http://example.com/
	// some was asked for http://www.example.org/
	// no proxy
}

// Pins bind a server to a key, on top of the verification.
func ExampleWithTLS_pins() {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "the same key") }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	for _, pin := range []string{tls.Pin(server.Certificate()), "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="} {
		client, err := httpx.New(httpx.WithTLS(tls.Options{RootCAs: roots, Pins: []string{pin}}))
		if err != nil {
			log.Fatal(err)
		}
		defer client.Close()
		resp, err := client.Get(ctx, server.URL)
		var wrong *tls.PinError
		if errors.As(err, &wrong) {
			fmt.Println("another key:", len(wrong.Pins) > 0, errors.Is(err, httpx.ErrTLS))
			continue
		}
		fmt.Println(resp.Text())
	}
	// Output:
	// the same key
	// another key: true true
}
