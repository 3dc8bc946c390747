package httpx_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"gohttpx.dev/httpx"
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
	fmt.Println(errors.Is(err, httpx.ErrTimeout))

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
