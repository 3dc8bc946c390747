package httpx_test

import (
	"compress/gzip"
	"context"
	stdtls "crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"

	"gohttpx.dev/httpx"
	"gohttpx.dev/tls"
)

// One tree of errors for errors.Is, and one struct for errors.As.
func ExampleError_tree() {
	what := func(err error) string {
		switch {
		case err == nil:
			return "fine"
		case errors.Is(err, httpx.ErrConnectTimeout), errors.Is(err, httpx.ErrPoolTimeout):
			return "try again when there is less to do"
		case errors.Is(err, httpx.ErrTimeout): // ErrReadTimeout, ErrWriteTimeout, a deadline
			return "too slow"
		case errors.Is(err, httpx.ErrProxy):
			return "the proxy"
		case errors.Is(err, httpx.ErrDNS):
			return "no such name"
		case errors.Is(err, httpx.ErrTLS):
			return "not to be trusted"
		case errors.Is(err, httpx.ErrConnect):
			return "nobody there"
		case errors.Is(err, httpx.ErrDecoding):
			return "garbled content"
		case errors.Is(err, httpx.ErrRead), errors.Is(err, httpx.ErrWrite):
			return "the connection broke"
		case errors.Is(err, httpx.ErrRemoteProtocol):
			return "the server broke HTTP"
		case errors.Is(err, httpx.ErrLocalProtocol):
			return "we would have"
		case errors.Is(err, httpx.ErrTooManyRedirects):
			return "in circles"
		case errors.Is(err, context.Canceled):
			return "cancelled"
		}
		return "something else"
	}
	ln, _ := net.Listen("tcp", "127.0.0.1:0")
	ln.Close() // nobody listens there now
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		io.WriteString(w, "this is no gzip")
	}))
	defer broken.Close()
	ctx := context.Background()

	_, err := httpx.Get(ctx, "http://"+ln.Addr().String())
	fmt.Println(what(err))
	var e *httpx.Error
	if errors.As(err, &e) {
		fmt.Println(e.Op, e.Sent, e.Request.Method)
	}
	_, err = httpx.Get(ctx, broken.URL)
	fmt.Println(what(err))
	_, err = httpx.Get(ctx, broken.URL, httpx.WithHeader("X-Bad", "two\r\nlines"))
	fmt.Println(what(err))
	_, err = httpx.Get(ctx, broken.URL, httpx.WithProxy("http://"+ln.Addr().String()))
	fmt.Println(what(err))
	// Output:
	// nobody there
	// dial false GET
	// garbled content
	// we would have
	// the proxy
}

// RawChunks gives the content as it was received, Chunks as it is meant.
func ExampleResponse_RawChunks() {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		zw := gzip.NewWriter(w)
		io.WriteString(zw, strings.Repeat("hello ", 10_000))
		zw.Close()
	}))
	defer s.Close()
	ctx := context.Background()

	resp, err := httpx.Stream(ctx, "GET", s.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Close()
	n := 0
	for chunk, err := range resp.RawChunks(64 << 10) {
		if err != nil {
			fmt.Println(err)
			return
		}
		n += len(chunk)
	}
	fmt.Println("fewer than 1000 bytes received:", n < 1000)

	whole, err := httpx.Get(ctx, s.URL)
	fmt.Println(len(whole.Bytes()), "bytes meant", err)
	// Output:
	// fewer than 1000 bytes received: true
	// 60000 bytes meant <nil>
}

// A request may do without the client's proxy.
func ExampleNoProxy() {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }))
	defer s.Close()
	client, err := httpx.New(httpx.WithProxy("http://127.0.0.1:1")) // nobody there
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	resp, err := client.Get(context.Background(), s.URL, httpx.NoProxy())
	fmt.Println(resp.Text(), err)
	// Output: hello <nil>
}

// Options of TLS start from a crypto/tls.Config of one's own, and make one.
func ExampleWithTLS_base() {
	options := tls.Options{Base: &stdtls.Config{CurvePreferences: []stdtls.CurveID{stdtls.X25519MLKEM768}}, MinVersion: stdtls.VersionTLS13}
	config, err := options.Config()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(config.CurvePreferences[0], config.MinVersion == stdtls.VersionTLS13)
	client, err := httpx.New(httpx.WithTLS(options))
	if err == nil {
		client.Close()
	}
	// Output: X25519MLKEM768 true
}
