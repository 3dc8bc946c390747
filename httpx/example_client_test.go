package httpx_test

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"gohttpx.dev/httpx"
	"gohttpx.dev/tls"
)

// Redirects are followed if asked for. What came on the way is in History;
// where they are not followed, NextRequest is there to be sent.
func ExampleWithFollowRedirects() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/old":
			http.Redirect(w, r, "/new", http.StatusMovedPermanently)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		}
	}))
	defer server.Close()
	client, err := httpx.New(httpx.WithBaseURL(server.URL), httpx.WithFollowRedirects(true), httpx.WithMaxRedirects(5))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	resp, err := client.Get(ctx, "/old")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.URL.Path(), resp.Request.URL.Path(), resp.History[0].StatusCode)

	_, err = client.Get(ctx, "/loop")
	fmt.Println(errors.Is(err, httpx.ErrTooManyRedirects))

	resp, err = client.Get(ctx, "/old", httpx.WithFollowRedirects(false))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.StatusCode, resp.NextRequest.URL.Path())
	// Output:
	// /new /new 301
	// true
	// 301 /new
}

// A policy decides about each redirect: here none may leave the host.
func ExampleWithRedirectPolicy() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://elsewhere.example/", http.StatusFound)
	}))
	defer server.Close()

	stay := errors.New("not to another host")
	_, err := httpx.Get(ctx, server.URL, httpx.WithFollowRedirects(true),
		httpx.WithRedirectPolicy(func(next *httpx.Request, via []*httpx.Response) error {
			if next.URL.Host() != via[0].URL.Host() {
				return stay
			}
			return nil
		}))
	fmt.Println(errors.Is(err, stay))
	// Output: true
}

// Hooks see every request and every response, redirects and challenges too.
func ExampleOnRequest() {
	server := shop()
	defer server.Close()
	client, err := httpx.New(
		httpx.WithBaseURL(server.URL+"/v1"),
		httpx.OnRequest(func(r *httpx.Request) error {
			fmt.Println("→", r.Method, r.URL.Path())
			r.Header.Set("X-Trace", "from the hook")
			return nil
		}),
		httpx.OnResponse(func(r *httpx.Response) error {
			fmt.Println("←", r.StatusCode)
			return nil
		}),
	)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	resp, err := client.Patch(ctx, "/echo")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Text())
	// Output:
	// → PATCH /v1/echo
	// ← 200
	// PATCH app= trace=from the hook type= body=
}

// A request that failed in passing is sent again, three times in all.
func ExampleWithRetry() {
	var calls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()

	resp, err := httpx.Get(ctx, server.URL, httpx.WithRetry(httpx.Retry{Attempts: 3, MinWait: time.Millisecond}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.StatusCode, calls.Load())
	// Output: 200 3
}

// A derived client has other defaults, and shares pool and cookies.
func ExampleClient_With() {
	server := shop()
	defer server.Close()
	client, err := httpx.New(httpx.WithBaseURL(server.URL + "/v1"))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	tenant, err := client.With(httpx.WithHeader("X-App", "tenant 7"))
	if err != nil {
		log.Fatal(err)
	}
	resp, err := tenant.Get(ctx, "/echo")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Text())
	_, err = client.With(httpx.WithLimits(httpx.Limits{MaxConnections: httpx.Unlimited})) // would need another pool
	fmt.Println(err != nil)
	// Output:
	// GET app=tenant 7 trace= type= body=
	// true
}

// All sends many requests with a bound on how many run; the results are in
// order. Each yields them as they come.
func ExampleClient_All() {
	server := shop()
	defer server.Close()
	client, err := httpx.New(httpx.WithBaseURL(server.URL + "/v1"))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	var reqs []*httpx.Request
	for page := range 3 {
		req, err := client.NewRequest("GET", "/items", httpx.WithQuery("page", page, "tag", "new"))
		if err != nil {
			log.Fatal(err)
		}
		reqs = append(reqs, req)
	}
	for _, res := range client.All(ctx, reqs, httpx.Concurrency(10), httpx.FailFast()) {
		if res.Err != nil {
			log.Fatal(res.Err)
		}
		fmt.Println(res.Response.Text())
	}
	n := 0
	for res := range client.Each(ctx, slices.Values(reqs), httpx.Concurrency(10)) {
		if res.Err == nil {
			n++
		}
	}
	fmt.Println(n)
	// Output:
	// page 0 of new
	// page 1 of new
	// page 2 of new
	// 3
}

// TLS offers HTTP/2 and HTTP/1.1. HTTP/2 alone is spoken without asking, in
// cleartext too. Authorities may come from a file.
func ExampleWithHTTP2() {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	dir, err := os.MkdirTemp("", "httpx")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ca := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		log.Fatal(err)
	}

	client, err := httpx.New(httpx.WithTLS(tls.Options{CAFile: ca}), httpx.WithHTTP2(true), httpx.WithHTTP1(true))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	for _, opt := range []httpx.RequestOption{httpx.WithHTTP1(true), httpx.WithHTTP2(false), httpx.WithSNI("example.com")} {
		resp, err := client.Get(ctx, server.URL, opt)
		if err != nil {
			log.Fatal(err)
		}
		info := resp.Conn()
		fmt.Printf("%s %s %t %q\n", resp.Text(), info.Proto, info.StreamID > 0, info.TLS.ServerName)
	}
	// Output:
	// HTTP/2.0 HTTP/2 true ""
	// HTTP/1.1 HTTP/1.1 false ""
	// HTTP/2.0 HTTP/2 true "example.com"
}

// Without HTTP/1.1 there is HTTP/2 in cleartext too (h2c), by prior knowledge.
func ExampleWithHTTP1() {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	defer server.Close()

	client, err := httpx.New(httpx.WithHTTP1(false))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	resp, err := client.Get(ctx, server.URL)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Text(), resp.Conn().StreamID)
	// Output: HTTP/2.0 1
}

// Connections can be made ahead, and idle ones closed.
func ExampleClient_Preconnect() {
	server := shop()
	defer server.Close()
	client, err := httpx.New(httpx.WithTrustEnv(false), httpx.WithResolver(net.DefaultResolver))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	if err := client.Preconnect(ctx, server.URL, 2); err != nil {
		log.Fatal(err)
	}
	fmt.Println(client.Stats().Idle)
	client.CloseIdle()
	fmt.Println(client.Stats().Idle)
	// Output:
	// 2
	// 0
}

// What a request says on the wire is in the caller's hands.
func ExampleWithoutDefaultHeaders() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.RequestURI, " ", r.Header)
	}))
	defer server.Close()
	client, err := httpx.New(httpx.WithoutDefaultHeaders(), httpx.WithCookieJar(nil), httpx.WithBaseURL(server.URL))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	for _, opts := range [][]httpx.RequestOption{
		{httpx.WithAddedHeader("X-A", "1"), httpx.WithAddedHeader("X-A", "2")},
		{httpx.WithUserAgent("mine/1"), httpx.WithCookie(&http.Cookie{Name: "once", Value: "1"})},
		{httpx.WithRequestTarget("/raw/../target")},
		{httpx.WithHeaderTimeout(time.Minute), httpx.SetQuery("only", "this")},
	} {
		resp, err := client.Get(ctx, "/?q=1", opts...)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(resp.Text())
	}
	// Output:
	// /?q=1 map[X-A:[1 2]]
	// /?q=1 map[Cookie:[once=1] User-Agent:[mine/1]]
	// /raw/../target map[]
	// /?only=this map[]
}

// The other verbs, and a stream that is closed whatever happens.
func ExampleStreamFunc() {
	server := shop()
	defer server.Close()

	head, err := httpx.Head(ctx, server.URL+"/v1/items")
	if err != nil {
		log.Fatal(err)
	}
	options, err := httpx.Options(ctx, server.URL+"/v1/echo")
	if err != nil {
		log.Fatal(err)
	}
	patch, err := httpx.Patch(ctx, server.URL+"/v1/echo", httpx.String("x"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(head.StatusCode, options.Text(), patch.IsSuccess())

	err = httpx.StreamFunc(ctx, "GET", server.URL+"/v1/large", func(resp *httpx.Response) error {
		n, err := io.Copy(io.Discard, resp.Body)
		fmt.Println(n)
		return err
	})
	fmt.Println(err)
	// Output:
	// 200 OPTIONS app= trace= type= body= true
	// 1048576
	// <nil>
}

// A prepared request can be streamed as well, and cookies that a response sets
// be looked at.
func ExampleClient_SendStream() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "yes"})
		io.WriteString(w, "content")
	}))
	defer server.Close()
	client, err := httpx.New()
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	req, err := client.NewRequest("GET", server.URL)
	if err != nil {
		log.Fatal(err)
	}
	resp, err := client.SendStream(ctx, req)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Close()
	b, err := io.ReadAll(resp.Body)
	fmt.Println(string(b), err, resp.Cookies()[0].Name, client.Cookies().Len())
	// Output: content <nil> seen 1
}

// Credentials of a netrc file, for its hosts only.
func ExampleNetRC() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _, _ := r.BasicAuth()
		io.WriteString(w, user)
	}))
	defer server.Close()
	dir, err := os.MkdirTemp("", "httpx")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "netrc") // NetRC("") looks where other programs do
	if err := os.WriteFile(file, []byte("machine 127.0.0.1 login ann password secret\n"), 0o600); err != nil {
		log.Fatal(err)
	}

	resp, err := httpx.Get(ctx, server.URL, httpx.WithAuth(httpx.NetRC(file)))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Text())
	// Output: ann
}
