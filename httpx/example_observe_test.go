package httpx_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"gohttpx.dev/httpx"
)

func hello() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") }))
}

func ExampleWithTrace() {
	server := hello()
	defer server.Close()
	client, _ := httpx.New(httpx.WithTrace(&httpx.Trace{
		GotConn:      func(c httpx.ConnInfo, _ time.Duration) { fmt.Println("connection:", c.Proto, "reused:", c.Reused) },
		WroteRequest: func(err error) { fmt.Println("sent:", err == nil) },
		Ended:        func(r *httpx.Response, n int64, _ error) { fmt.Println(r.Status(), n, "bytes") },
	}))
	defer client.Close()
	client.Get(ctx, server.URL)
	// Output:
	// connection: HTTP/1.1 reused: false
	// sent: true
	// 200 OK 5 bytes
}

func ExampleWithLogger() {
	server := hello()
	defer server.Close()
	var out bytes.Buffer
	client, _ := httpx.New(httpx.WithLogger(slog.New(slog.NewTextHandler(&out, nil))))
	defer client.Close()
	client.Get(ctx, server.URL+"/items?token=secret")
	fmt.Println(strings.Contains(out.String(), `msg="http request"`), strings.Contains(out.String(), "secret"))
	// Output: true false
}

func ExampleWithDump() {
	server := hello()
	defer server.Close()
	var out bytes.Buffer
	client, _ := httpx.New(httpx.WithDump(&out, httpx.DumpOptions{BodyBytes: 100}))
	defer client.Close()
	client.Get(ctx, server.URL+"/items?token=secret", httpx.WithHeader("Authorization", "Bearer secret"))
	for line := range strings.Lines(out.String()) {
		if strings.Contains(line, "GET") || strings.Contains(line, "Authorization") || strings.Contains(line, "hello") {
			fmt.Print(line)
		}
	}
	// Output:
	// #1 > GET /items?token=… HTTP/1.1
	// #1 > Authorization: [secure]
	// #1 < 5 bytes: "hello"
}

func ExampleWithRateLimit() {
	server := hello()
	defer server.Close()
	client, _ := httpx.New(httpx.WithRateLimit(1, 1)) // one a second
	defer client.Close()
	client.Get(ctx, server.URL)
	soon, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	_, err := client.Get(soon, server.URL)
	fmt.Println(errors.Is(err, httpx.ErrRateLimit), errors.Is(err, httpx.ErrTimeout))
	// Output: true true
}

func ExampleWithMaxInFlight() {
	server := hello()
	defer server.Close()
	client, _ := httpx.New(httpx.WithMaxInFlight(1), httpx.WithTimeouts(httpx.Timeouts{Pool: time.Millisecond}))
	defer client.Close()
	stream, _ := client.Stream(ctx, "GET", server.URL)
	_, err := client.Get(ctx, server.URL)
	fmt.Println(errors.Is(err, httpx.ErrPoolTimeout))
	stream.Close() // its turn is over
	_, err = client.Get(ctx, server.URL)
	fmt.Println(err)
	// Output:
	// true
	// <nil>
}

func ExampleWithDialFilter() {
	client, _ := httpx.New(httpx.WithDialFilter(httpx.DenyPrivate))
	defer client.Close()
	_, err := client.Get(ctx, "http://169.254.169.254/latest/meta-data/")
	fmt.Println(errors.Is(err, httpx.ErrAddressRefused))
	// Output: true
}

// Over HTTP/2 a dump has the frames. Connections write to it as long as they live, so
// that the buffer has a lock.
func ExampleWithDump_frames() {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	defer server.Close()
	out := new(page)
	client, _ := httpx.New(httpx.WithHTTP1(false), httpx.WithDump(out, httpx.DumpOptions{BodyBytes: 100}))
	defer client.Close()
	client.Get(ctx, server.URL+"/items?token=secret")
	for line := range strings.Lines(out.String()) {
		if frame, _, ok := strings.Cut(line, " stream=1 "); ok {
			fmt.Println(frame)
		}
	}
	// Output:
	// #1 > HEADERS
	// #1 < HEADERS
	// #1 < DATA
}
