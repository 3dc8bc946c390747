package httpx_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gohttpx.dev/httpx"
	"gohttpx.dev/tls"
)

// ctx is that of the examples. A program has one with a deadline.
var ctx = context.Background()

// shop starts the server that the examples talk to.
func shop() *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/items", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprintf(w, "page %s of %s", r.FormValue("page"), strings.Join(r.Form["tag"], " and "))
	})
	mux.HandleFunc("POST /v1/items", func(w http.ResponseWriter, r *http.Request) {
		var it Item
		if err := json.NewDecoder(r.Body).Decode(&it); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		it.ID = 7
		w.WriteHeader(http.StatusCreated)
		json.NewEncoder(w).Encode(it)
	})
	mux.HandleFunc("/v1/echo", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s app=%s trace=%s type=%s body=%s", r.Method, r.Header.Get("X-App"), r.Header.Get("X-Trace"), r.Header.Get("Content-Type"), body)
	})
	mux.HandleFunc("GET /v1/numbers", func(w http.ResponseWriter, r *http.Request) {
		for i := range 3 {
			fmt.Fprintf(w, "line %d\r\n", i+1)
			w.(http.Flusher).Flush()
		}
	})
	mux.HandleFunc("GET /v1/large", func(w http.ResponseWriter, r *http.Request) {
		w.Write(make([]byte, 1<<20))
	})
	mux.HandleFunc("GET /v1/slow", func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done() // the client gives up
	})
	mux.HandleFunc("GET /v1/trailer", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Checksum")
		io.WriteString(w, "content")
		w.Header().Set("X-Checksum", "c0ffee")
	})
	return httptest.NewServer(mux)
}

// Item is what the shop sells.
type Item struct {
	ID   int    `json:"id,omitempty"`
	Name string `json:"name"`
}

// A one-off call uses the shared default client. The response is in memory:
// there is nothing to close.
func Example() {
	server := shop()
	defer server.Close()

	resp, err := httpx.Get(ctx, server.URL+"/v1/items", httpx.WithQuery("page", 2, "tag", []string{"new", "red"}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.StatusCode, resp.Reason, resp.Proto)
	fmt.Println(resp.Header.Get("content-type"), "|", resp.Text())
	// Output:
	// 200 OK HTTP/1.1
	// text/plain | page 2 of new and red
}

// A client holds the defaults of all its requests and one bounded pool of
// connections. What a request says itself goes first.
func ExampleNew() {
	server := shop()
	defer server.Close()

	client, err := httpx.New(
		httpx.WithBaseURL(server.URL+"/v1"),
		httpx.WithHeader("X-App", "demo"),
		httpx.WithTimeout(10*time.Second),                            // all four
		httpx.WithTimeouts(httpx.Timeouts{Connect: 3 * time.Second}), // and one of them
		httpx.WithLimits(httpx.Limits{MaxConnections: 50, MaxKeepaliveConnections: 10, KeepaliveExpiry: 30 * time.Second, MaxConnectionsPerHost: 8}),
	)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	resp, err := client.Put(ctx, "/echo", httpx.String("hello"), httpx.WithHeader("X-Trace", "42"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Text())
	// Output: PUT app=demo trace=42 type= body=hello
}

// A request overrides its client's headers, and can do without them.
func ExampleWithHeader() {
	server := shop()
	defer server.Close()
	client, err := httpx.New(httpx.WithBaseURL(server.URL+"/v1"), httpx.WithHeader("X-App", "demo"))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	for _, opt := range []httpx.RequestOption{
		httpx.WithHeader("X-App", "other"),
		httpx.WithoutHeader("X-App"),
		httpx.WithHeader("X-Trace", "1"),
	} {
		resp, err := client.Get(ctx, "/echo", opt)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(resp.Text())
	}
	// Output:
	// GET app=other trace= type= body=
	// GET app= trace= type= body=
	// GET app=demo trace=1 type= body=
}

func ExampleJSON() {
	server := shop()
	defer server.Close()

	resp, err := httpx.Post(ctx, server.URL+"/v1/items", httpx.JSON(Item{Name: "lamp"}))
	if err != nil {
		log.Fatal(err)
	}
	var out Item
	if err := resp.JSON(&out); err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.StatusCode, out.ID, out.Name)
	// Output: 201 7 lamp
}

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

func ExampleForm() {
	server := shop()
	defer server.Close()

	resp, err := httpx.Post(ctx, server.URL+"/v1/echo", httpx.Form(url.Values{"name": {"desk lamp"}, "n": {"1", "2"}}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Text())
	// Output: POST app= trace= type=application/x-www-form-urlencoded body=n=1&n=2&name=desk+lamp
}

// Bodies come from memory, from a file or from any reader. A reader can be sent
// but once.
func ExampleReader() {
	server := shop()
	defer server.Close()
	dir, err := os.MkdirTemp("", "httpx")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "letter")
	if err := os.WriteFile(name, []byte("from a file"), 0o600); err != nil {
		log.Fatal(err)
	}

	for _, body := range []httpx.RequestOption{
		httpx.Bytes([]byte("from memory")),
		httpx.File(name),
		httpx.Reader(io.MultiReader(strings.NewReader("from "), strings.NewReader("a reader"))),
	} {
		resp, err := httpx.Post(ctx, server.URL+"/v1/echo", body, httpx.WithHeader("Content-Type", "text/plain"))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(resp.Text())
	}

	_, err = httpx.Post(ctx, server.URL+"/v1/echo", httpx.String("one"), httpx.String("two"))
	fmt.Println(err != nil)
	// Output:
	// POST app= trace= type=text/plain body=from memory
	// POST app= trace= type=text/plain body=from a file
	// POST app= trace= type=text/plain body=from a reader
	// true
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

// The context carries the total deadline, and ends a request at any moment.
func ExampleClient_Do_cancel() {
	ctx, cancel := context.WithCancel(context.Background())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cancel() // while the server thinks, the user has had enough
		<-r.Context().Done()
	}))
	defer server.Close()

	_, err := httpx.Do(ctx, "GET", server.URL)
	fmt.Println(errors.Is(err, context.Canceled), errors.Is(err, httpx.ErrTimeout))
	// Output: true false
}

// Never switches a timeout off, here for one request of a client that is
// impatient.
func ExampleWithTimeout_never() {
	answer := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/patient" {
			<-answer
			io.WriteString(w, "worth the wait")
			return
		}
		<-r.Context().Done()
	}))
	defer server.Close()
	client, err := httpx.New(httpx.WithBaseURL(server.URL), httpx.WithTimeout(50*time.Millisecond))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	_, err = client.Get(ctx, "/impatient")
	fmt.Println(errors.Is(err, httpx.ErrReadTimeout))

	time.AfterFunc(150*time.Millisecond, func() { close(answer) })
	resp, err := client.Get(ctx, "/patient", httpx.WithTimeout(httpx.Never))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Text())
	// Output:
	// true
	// worth the wait
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

// A prepared request is built once, may be looked at and changed, and is sent
// any number of times, from any number of goroutines.
func ExampleClient_Send() {
	server := shop()
	defer server.Close()
	client, err := httpx.New(httpx.WithBaseURL(server.URL+"/v1"), httpx.WithHeader("X-App", "demo"))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	req, err := client.NewRequest("PATCH", "/echo", httpx.WithQuery("v", 2), httpx.String("again"))
	if err != nil {
		log.Fatal(err)
	}
	req.Header.Del("X-App")
	fmt.Println(req.Method, req.URL.Target())

	var wg sync.WaitGroup
	got := make([]string, 3)
	for i := range got {
		wg.Go(func() {
			resp, err := client.Send(ctx, req, httpx.WithHeader("X-Trace", fmt.Sprint(i)))
			if err != nil {
				got[i] = err.Error()
				return
			}
			got[i] = resp.Text()
		})
	}
	wg.Wait()
	for _, s := range got {
		fmt.Println(s)
	}
	// Output:
	// PATCH /v1/echo?v=2
	// PATCH app= trace=0 type= body=again
	// PATCH app= trace=1 type= body=again
	// PATCH app= trace=2 type= body=again
}

// NewRequest builds a request that is sent as it is, without the defaults of
// any client.
func ExampleNewRequest() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, len(r.Header), " ", r.Header.Get("X-Only"))
	}))
	defer server.Close()

	req, err := httpx.NewRequest("GET", server.URL, httpx.WithHeader("X-Only", "this"))
	if err != nil {
		log.Fatal(err)
	}
	resp, err := httpx.Default().Send(ctx, req)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Text())
	// Output: 1 this
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

// A request can have trailers too; they are asked for once the body has been
// sent.
func ExampleWithTrailer() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s", body, r.Trailer.Get("X-Checksum"))
	}))
	defer server.Close()

	resp, err := httpx.Post(ctx, server.URL, httpx.String("content"),
		httpx.WithHeader("Trailer", "X-Checksum"), // net/http's server wants to know beforehand
		httpx.WithTrailer(func() httpx.Header {
			var h httpx.Header
			h.Set("X-Checksum", "c0ffee")
			return h
		}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Text())
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

// With WithExpectContinue a large body is sent only if the server wants it.
func ExampleWithExpectContinue() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge) // without having read
	}))
	defer server.Close()

	body := &countingReader{r: strings.NewReader(strings.Repeat("x", 1<<20))}
	resp, err := httpx.Put(ctx, server.URL, httpx.Reader(body), httpx.WithExpectContinue(5*time.Second))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.StatusCode, body.n)
	// Output: 413 0
}

type countingReader struct {
	r io.Reader
	n int
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
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

// SetDefault chooses the client behind the package-level functions.
func ExampleSetDefault() {
	server := shop()
	defer server.Close()
	client, err := httpx.New(httpx.WithHeader("X-App", "mine"))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	before := httpx.SetDefault(client)
	defer httpx.SetDefault(before)
	resp, err := httpx.Delete(ctx, server.URL+"/v1/echo")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Text())
	// Output: DELETE app=mine trace= type= body=
}

// A Header keeps order, case and duplicates.
func ExampleHeader() {
	var h httpx.Header
	h.Add("X-One", "1")
	h.Add("x-two", "2")
	h.Add("X-TWO", "zwei")
	h.Set("Accept", "text/plain")
	h.Del("x-one")
	for name, value := range h.All() {
		fmt.Println(name, value)
	}
	fmt.Println(h.Get("X-Two"), h.Values("x-two"), h.Has("X-One"), slices.Equal(h.Values("none"), nil))
	// Output:
	// x-two 2
	// X-TWO zwei
	// Accept text/plain
	// 2 [2 zwei] false true
}

// Credentials and the values of a query never show up in errors and logs.
func ExampleURL_Redacted() {
	u, err := httpx.ParseURL("HTTPS://user:secret@Example.ORG:443/a/../b?token=123#top")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(u.Redacted())
	fmt.Println(u.Target())
	_, err = httpx.ParseURL("ftp://example.org")
	fmt.Println(errors.Is(err, httpx.ErrUnsupportedScheme))
	// Output:
	// https://example.org/b?token=…
	// /b?token=123
	// true
}
