package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"

	"gohttpx.dev/httpx"
	"gohttpx.dev/tls"
)

// The pool counts what it does, in all and per origin.
func ExampleClient_Stats() {
	server := shop()
	defer server.Close()
	client, err := httpx.New(httpx.WithBaseURL(server.URL + "/v1"))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	for range 10 {
		if _, err := client.Get(ctx, "/numbers"); err != nil {
			log.Fatal(err)
		}
	}
	s := client.Stats()
	fmt.Println("dials", s.Dials, "reuses", s.Reuses, "idle", s.Idle, "busy", s.Busy, "waiting", s.Waiting, "origins", len(s.Origins))
	client.CloseIdle()
	// Output: dials 1 reuses 9 idle 1 busy 0 waiting 0 origins 1
}

// Shutdown lets the requests that run end, and refuses new ones.
func ExampleClient_Shutdown() {
	server := shop()
	defer server.Close()
	client, err := httpx.New(httpx.WithBaseURL(server.URL + "/v1"))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := client.Get(ctx, "/numbers"); err != nil {
		log.Fatal(err)
	}

	fmt.Println(client.Shutdown(ctx), client.Stats().Open)
	_, err = client.Get(ctx, "/numbers")
	fmt.Println(errors.Is(err, httpx.ErrClientClosed))
	// Output:
	// <nil> 0
	// true
}

// Authorities, client certificates, versions and the rest of TLS.
func ExampleWithTLS() {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.TLS != nil)
	}))
	defer server.Close()
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	roots := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs

	client, err := httpx.New(httpx.WithTLS(tls.Options{RootCAs: roots}))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	resp, err := client.Get(ctx, server.URL)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Text(), resp.Conn().TLS.NegotiatedProtocol, resp.Timings().TLS > 0)

	_, err = httpx.Get(ctx, server.URL) // the default client trusts the system's authorities alone
	fmt.Println(errors.Is(err, httpx.ErrTLS), errors.Is(err, httpx.ErrConnect))
	// Output:
	// true http/1.1 true
	// true true
}

// Connections can be made to somewhere else than the URL says; the server sees
// the URL's host.
func ExampleWithConnectTo() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Host)
	}))
	defer server.Close()

	client, err := httpx.New(httpx.WithConnectTo("shop.example:80", server.Listener.Addr().String()))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	resp, err := client.Get(ctx, "http://shop.example/")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Text())
	// Output: shop.example
}

// All connections can go to a Unix domain socket.
func ExampleWithUnixSocket() {
	dir, err := os.MkdirTemp("", "httpx")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "s")
	ln, err := net.Listen("unix", path)
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Host, r.URL.Path)
	}))
	server.Listener.Close()
	server.Listener = ln
	server.Start()
	defer server.Close()

	client, err := httpx.New(httpx.WithUnixSocket(path))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	resp, err := client.Get(ctx, "http://daemon/containers")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Text(), resp.Conn().RemoteAddr.Network())
	// Output: daemon/containers unix
}

// A dial function of one's own makes the connections, here to count them.
func ExampleWithDialContext() {
	server := shop()
	defer server.Close()
	var dials atomic.Int32
	client, err := httpx.New(httpx.WithBaseURL(server.URL+"/v1"),
		httpx.WithDialContext(func(ctx context.Context, network, addr string) (net.Conn, error) {
			dials.Add(1)
			var d net.Dialer
			return d.DialContext(ctx, network, addr)
		}))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	for range 3 {
		if _, err := client.Get(ctx, "/numbers"); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(dials.Load())
	// Output: 1
}
