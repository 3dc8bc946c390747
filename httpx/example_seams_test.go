package httpx_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"time"

	"gohttpx.dev/httpx"
)

// The client under net/http, for whatever wants an *http.Client.
func ExampleClient_RoundTripper() {
	server := shop()
	defer server.Close()
	client, err := httpx.New(httpx.WithTimeout(2 * time.Second))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	std := &http.Client{Transport: client.RoundTripper()}
	res, err := std.Get(server.URL + "/v1/items?page=2&tag=a")
	if err != nil {
		log.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	fmt.Println(res.Status, string(body), err)
	// Output: 200 OK page 2 of a <nil>
}

// An http.RoundTripper under the client.
func ExampleFromRoundTripper() {
	server := shop()
	defer server.Close()
	client, err := httpx.New(httpx.WithTransport(httpx.FromRoundTripper(&http.Transport{})))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	resp, err := client.Get(ctx, server.URL+"/v1/items", httpx.WithQuery("page", 3, "tag", "b"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Text())
	// Output: page 3 of b
}

// A handler answers in this process, as it would behind a server.
func ExampleHandlerTransport() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ticks", func(w http.ResponseWriter, r *http.Request) {
		for i := range 3 {
			fmt.Fprintf(w, "tick %d for %s\n", i, r.Host)
			w.(http.Flusher).Flush()
		}
	})
	client, err := httpx.New(httpx.WithTransport(httpx.HandlerTransport(mux)), httpx.WithBaseURL("https://app.test"))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	resp, err := client.Stream(ctx, "GET", "/ticks")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		fmt.Println(lines.Text())
	}
	// Output:
	// tick 0 for app.test
	// tick 1 for app.test
	// tick 2 for app.test
}

// Some hosts are answered by another transport than the rest.
func ExampleWithMount() {
	inside := httpx.HandlerTransport(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s from inside", r.Host)
	}))
	server := shop()
	defer server.Close()
	client, err := httpx.New(httpx.WithMount("https://*.internal.example", inside))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	for _, url := range []string{"https://wiki.internal.example/", server.URL + "/v1/items?page=1&tag=c"} {
		resp, err := client.Get(ctx, url)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(resp.Text())
	}
	// Output:
	// wiki.internal.example from inside
	// page 1 of c
}

// counting is a transport that counts what passes through it.
type counting struct {
	next httpx.Transport
	n    int
}

func (c *counting) RoundTrip(ctx context.Context, r *httpx.Request) (*httpx.Response, error) {
	c.n++
	return c.next.RoundTrip(ctx, r)
}

// Middleware is a function from one transport to another.
func ExampleWithMiddleware() {
	server := shop()
	defer server.Close()
	var c *counting
	client, err := httpx.New(httpx.WithMiddleware(func(next httpx.Transport) httpx.Transport {
		c = &counting{next: next}
		return c
	}))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	for range 3 {
		if _, err := client.Get(ctx, server.URL+"/v1/items"); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(c.n, "requests")
	// Output: 3 requests
}

// A network transport by itself, here with a limit of its own for some hosts.
func ExampleNewTransport() {
	server := shop()
	defer server.Close()
	narrow, err := httpx.NewTransport(httpx.WithLimits(httpx.Limits{MaxConnections: 1}))
	if err != nil {
		log.Fatal(err)
	}
	client, err := httpx.New(httpx.WithMount("http://127.0.0.1", narrow))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close() // closes both
	if _, err := client.Get(ctx, server.URL+"/v1/items"); err != nil {
		log.Fatal(err)
	}
	fmt.Println(narrow.Stats().Open, client.Stats().Open)
	// Output: 1 0
}
