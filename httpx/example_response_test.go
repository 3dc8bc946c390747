package httpx_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"gohttpx.dev/httpx"
)

// Decode is Response.JSON with the type as a parameter.
func ExampleDecode() {
	server := shop()
	defer server.Close()

	resp, err := httpx.Post(ctx, server.URL+"/v1/items", httpx.JSON(map[string]any{"name": "chair"}))
	if err != nil {
		log.Fatal(err)
	}
	item, err := httpx.Decode[Item](resp)
	fmt.Println(item.Name, err)
	// Output: chair <nil>
}

// A status that is not 2xx is no error until Err makes it one.
func ExampleResponse_Err() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "no such lamp", http.StatusNotFound)
	}))
	defer server.Close()

	resp, err := httpx.Get(ctx, server.URL+"/items/9")
	if err != nil {
		log.Fatal(err)
	}
	err = resp.Err()
	var se *httpx.StatusError
	if errors.As(err, &se) {
		fmt.Println(se.Response.StatusCode, resp.IsClientError(), strings.Contains(err.Error(), "no such lamp"))
	}
	// Output: 404 true true
}

// Errors form one tree for errors.Is and one struct for errors.As.
func ExampleError() {
	server := shop()
	defer server.Close()

	_, err := httpx.Get(ctx, server.URL+"/v1/slow", httpx.WithTimeouts(httpx.Timeouts{Read: 50 * time.Millisecond}))
	switch {
	case errors.Is(err, httpx.ErrConnectTimeout), errors.Is(err, httpx.ErrPoolTimeout):
		fmt.Println("no connection in time")
	case errors.Is(err, httpx.ErrReadTimeout):
		fmt.Println("read timeout, and a timeout:", errors.Is(err, httpx.ErrTimeout))
	case errors.Is(err, context.Canceled):
		fmt.Println("canceled")
	}
	var e *httpx.Error
	if errors.As(err, &e) {
		fmt.Println(e.Op, e.Request.Method, e.Sent, e.Timeout())
	}
	// Output:
	// read timeout, and a timeout: true
	// head GET true true
}

// Where nobody listens, the error says that no connection could be made and
// that nothing was sent.
func ExampleError_connect() {
	server := shop()
	gone := server.URL
	server.Close()

	_, err := httpx.Get(ctx, gone)
	var e *httpx.Error
	fmt.Println(errors.Is(err, httpx.ErrConnect), errors.Is(err, httpx.ErrTimeout), errors.As(err, &e) && e.Op == "dial" && !e.Sent)
	// Output: true false true
}

// Streaming is explicit: the head is here, the body is still on the connection,
// and Close is the caller's duty.
func ExampleResponse_Chunks() {
	server := shop()
	defer server.Close()

	resp, err := httpx.Stream(ctx, "GET", server.URL+"/v1/large")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Close()
	n := 0
	for chunk, err := range resp.Chunks(64 << 10) {
		if err != nil {
			log.Fatal(err)
		}
		n += len(chunk) // a chunk is valid until the next
	}
	fmt.Println(n, resp.BytesReceived())
	// Output: 1048576 1048576
}

func ExampleResponse_Lines() {
	server := shop()
	defer server.Close()

	resp, err := httpx.Stream(ctx, "GET", server.URL+"/v1/numbers")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Close()
	for line, err := range resp.Lines() {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%q\n", line)
	}
	// Output:
	// "line 1"
	// "line 2"
	// "line 3"
}

// Body is an io.ReadCloser like any other.
func ExampleClient_Stream() {
	server := shop()
	defer server.Close()
	client, err := httpx.New(httpx.WithBaseURL(server.URL + "/v1"))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	resp, err := client.Stream(ctx, "GET", "/numbers")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Close()
	first, err := bufio.NewReader(resp.Body).ReadString('\n')
	fmt.Printf("%q %v\n", first, err)
	// Output: "line 1\r\n" <nil>
}

// The facts of the connection, and where the time went.
func ExampleResponse_Conn() {
	server := shop()
	defer server.Close()
	client, err := httpx.New(httpx.WithBaseURL(server.URL + "/v1"))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	for range 2 {
		resp, err := client.Get(ctx, "/numbers")
		if err != nil {
			log.Fatal(err)
		}
		conn, times := resp.Conn(), resp.Timings()
		fmt.Println(conn.Proto, conn.RemoteAddr.String() == server.Listener.Addr().String(), conn.Reused,
			times.Connect > 0, times.Total > 0, times.Total == resp.Elapsed())
	}
	// Output:
	// HTTP/1.1 true false true true true
	// HTTP/1.1 true true false true true
}

// Trailers come behind the body and are there once it has been read.
func ExampleResponse_Trailer() {
	server := shop()
	defer server.Close()

	resp, err := httpx.Get(ctx, server.URL+"/v1/trailer")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Text(), resp.Trailer().Get("X-Checksum"))
	// Output: content c0ffee
}

// Interim responses go to a function; here 103 (Early Hints).
func ExampleOnInformational() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "page")
	}))
	defer server.Close()

	resp, err := httpx.Get(ctx, server.URL, httpx.OnInformational(func(status int, h httpx.Header) error {
		fmt.Println(status, h.Get("Link"))
		return nil
	}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.StatusCode, resp.Text())
	// Output:
	// 103 </style.css>; rel=preload
	// 200 page
}

// After 101 (Switching Protocols) the connection is the caller's.
func ExampleResponse_Upgrade() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		nc, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer nc.Close()
		rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\nWELCOME\n")
		rw.Flush()
		if line, err := rw.ReadString('\n'); err == nil {
			rw.WriteString(strings.ToUpper(line))
			rw.Flush()
		}
	}))
	defer server.Close()

	resp, err := httpx.Get(ctx, server.URL, httpx.WithHeader("Connection", "Upgrade"), httpx.WithHeader("Upgrade", "shout"))
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Close()
	nc, err := resp.Upgrade()
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	fmt.Fprintf(nc, "hello\n")
	lines := bufio.NewScanner(nc)
	for lines.Scan() {
		fmt.Println(resp.StatusCode, lines.Text())
	}
	// Output:
	// 101 WELCOME
	// 101 HELLO
}
