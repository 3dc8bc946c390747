package httpxtest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/httpx"
	"gohttpx.dev/httpx/httpxtest"
	"gohttpx.dev/internal/leak"
)

func TestMain(m *testing.M) { os.Exit(leak.Main(m)) }

func newClient(t *testing.T, transport httpx.Transport, opts ...httpx.ClientOption) *httpx.Client {
	t.Helper()
	c, err := httpx.New(append(opts, httpx.WithTransport(transport))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

var ctx = context.Background()

func TestResponse(t *testing.T) {
	for _, tt := range []struct {
		name   string
		resp   *httpx.Response
		status string
		header string
		body   string
		length int64
	}{
		{"A6.16 empty", httpxtest.Response(404), "404 Not Found", "Content-Length: 0\n", "", 0},
		{"A6.16 JSON", httpxtest.Response(200, httpxtest.JSON(map[string]int{"a": 1})), "200 OK", "Content-Type: application/json\nContent-Length: 7\n", `{"a":1}`, 7},
		{"A6.16 text", httpxtest.Response(200, httpxtest.Text("é")), "200 OK", "Content-Type: text/plain; charset=utf-8\nContent-Length: 2\n", "é", 2},
		{"A6.16 HTML, type given", httpxtest.Response(200, httpxtest.Header("content-type", "text/x"), httpxtest.HTML("<p>")), "200 OK", "content-type: text/x\nContent-Length: 3\n", "<p>", 3},
		{"A6.16 bytes and reason", httpxtest.Response(299, httpxtest.Bytes([]byte("abc")), httpxtest.Reason("So So")), "299 So So", "Content-Length: 3\n", "abc", 3},
		{"A6.16 stream", httpxtest.Response(200, httpxtest.Stream(strings.NewReader("abc"))), "200 OK", "", "abc", -1},
		{"A6.16 fields in order", httpxtest.Response(204, httpxtest.Header("b", "1"), httpxtest.Header("A", "2"), httpxtest.Header("B", "3")), "204 No Content", "b: 1\nA: 2\nB: 3\n", "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if n := tt.resp.ContentLength(); n != tt.length {
				t.Errorf("length %d", n)
			}
			if err := tt.resp.Buffer(); err != nil || tt.resp.Text() != tt.body || tt.resp.Status() != tt.status || tt.resp.Header.String() != tt.header {
				t.Errorf("%v %q %q %q", err, tt.resp.Text(), tt.resp.Status(), tt.resp.Header)
			}
		})
	}
	t.Run("A6.16 trailer", func(t *testing.T) {
		r := httpxtest.Response(200, httpxtest.Text("x"), httpxtest.Trailer("X-Sum", "1"))
		if err := r.Buffer(); err != nil || r.Trailer().Get("x-sum") != "1" {
			t.Error(err, r.Trailer())
		}
	})
	t.Run("A6.16 mistakes panic", func(t *testing.T) {
		for _, f := range []func(){func() { httpxtest.Response(99) }, func() { httpxtest.JSON(func() {}) }} {
			func() {
				defer func() {
					if recover() == nil {
						t.Error("no panic")
					}
				}()
				f()
			}()
		}
	})
}

func TestFunc(t *testing.T) {
	var kept *httpx.Request
	c := newClient(t, httpxtest.Func(func(r *httpx.Request) (*httpx.Response, error) {
		kept = r
		if r.URL.Path() == "/fail" {
			return nil, httpx.ErrConnect
		}
		return httpxtest.Response(200, httpxtest.Bytes(httpxtest.Body(r))), nil
	}))
	t.Run("A23.3 the request with its body", func(t *testing.T) {
		resp, err := c.Post(ctx, "http://a.test/x", httpx.Reader(io.MultiReader(strings.NewReader("once"))), httpx.WithHeader("X-A", "1"))
		if err != nil || resp.Text() != "once" || string(httpxtest.Body(kept)) != "once" || kept.Header.Get("x-a") != "1" || resp.Request == nil || resp.URL.String() != "http://a.test/x" {
			t.Errorf("%v, %v", resp, err)
		}
	})
	t.Run("A23.3 an error is the call's", func(t *testing.T) {
		var e *httpx.Error
		if _, err := c.Get(ctx, "http://a.test/fail"); !errors.Is(err, httpx.ErrConnect) || !errors.As(err, &e) {
			t.Error(err)
		}
	})
	t.Run("A23.3 a body that fails", func(t *testing.T) {
		disk := errors.New("disk on fire")
		if _, err := c.Post(ctx, "http://a.test/", httpx.Reader(failing{disk})); !errors.Is(err, disk) || !errors.Is(err, httpx.ErrRequestBody) {
			t.Error(err)
		}
	})
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// complaints collects what assertions say.
type complaints struct {
	testing.TB
	said []string
}

func (c *complaints) Helper()                   {}
func (c *complaints) Errorf(f string, a ...any) { c.said = append(c.said, fmt.Sprintf(f, a...)) }

func TestRouter(t *testing.T) {
	t.Run("A23.3 routes, scripts and the log", func(t *testing.T) {
		r := httpxtest.NewRouter()
		r.On("GET /items/{id}").Respond(503).Respond(200, httpxtest.Text("item"))
		r.On("api.test/items/special").Respond(200, httpxtest.Text("special"))
		r.On("POST /items").Func(func(r *httpx.Request) (*httpx.Response, error) {
			return httpxtest.Response(201, httpxtest.Bytes(httpxtest.Body(r))), nil
		})
		r.On("/plain")
		c := newClient(t, r)
		var got []string
		for _, u := range []string{"/items/7?q=1", "/items/7", "/items/8", "/items/special", "/plain"} {
			resp, err := c.Get(ctx, "https://api.test:8443"+u)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprint(resp.StatusCode, resp.Text()))
		}
		if s := strings.Join(got, " "); s != "503 200item 200item 200special 200" {
			t.Error(s)
		}
		resp, err := c.Post(ctx, "http://api.test/items", httpx.JSON(map[string]any{"a": 1, "b": "x"}), httpx.WithHeader("X-A", "1"))
		if err != nil || resp.StatusCode != 201 || resp.Text() != `{"a":1,"b":"x"}` {
			t.Fatal(resp, err)
		}
		calls := r.Calls()
		if len(calls) != 6 || calls[0].PathValue("id") != "7" || calls[0].Query("q") != "1" || calls[0].Route != "GET /items/{id}" || calls[5].String() != "POST http://api.test/items" {
			t.Errorf("%v", calls)
		}
		for _, tb := range []testing.TB{t} {
			calls[5].AssertHeader(tb, "x-a", "1")
			calls[5].AssertJSON(tb, map[string]any{"b": "x", "a": 1})
			calls[5].AssertBody(tb, `{"a":1,"b":"x"}`)
			r.AssertCalled(tb, "GET /items/{id}", 3)
			r.AssertCalls(tb, "GET /items/7", "GET /items/7", "GET /items/8", "GET /items/special", "GET /plain", "POST /items")
			r.AssertDone(tb)
		}
		tb := &complaints{}
		calls[5].AssertHeader(tb, "x-a", "2")
		calls[5].AssertJSON(tb, 1)
		calls[0].AssertJSON(tb, 1)
		calls[5].AssertBody(tb, "")
		r.AssertCalled(tb, "GET /items/{id}", 2)
		r.AssertCalled(tb, "GET /none", 0)
		r.AssertCalls(tb)
		if r.Reset(); len(r.Calls()) != 0 {
			t.Error("the log is not empty")
		}
		if r.AssertDone(tb); len(tb.said) != 7+4 {
			t.Errorf("%d complaints: %q", len(tb.said), tb.said)
		}
	})
	t.Run("A23.3 no route", func(t *testing.T) {
		r := httpxtest.NewRouter()
		r.On("GET /a")
		r.On("POST b.test/b/{x...}")
		c := newClient(t, r)
		_, err := c.Post(ctx, "http://a.test/a?token=secret")
		if !errors.Is(err, httpxtest.ErrNoRoute) || !strings.Contains(err.Error(), "\n\tGET /a\n\tPOST b.test/b/{x...}") || strings.Contains(err.Error(), "secret") {
			t.Error(err)
		}
		if len(r.Calls()) != 1 || r.Calls()[0].Route != "" {
			t.Error("it is not in the log")
		}
		if _, err := newClient(t, httpxtest.NewRouter()).Get(ctx, "http://a.test/"); err == nil || !strings.Contains(err.Error(), "see Router.On") {
			t.Error(err)
		}
	})
	t.Run("A23.3 errors and delays", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := httpxtest.NewRouter()
			r.On("/").Fail(httpx.ErrConnect).Respond(200, httpxtest.Delay(time.Minute))
			c, err := httpx.New(httpx.WithTransport(r))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := c.Get(ctx, "http://a.test/"); !errors.Is(err, httpx.ErrConnect) {
				t.Error(err)
			}
			start := time.Now()
			if _, err := c.Get(ctx, "http://a.test/"); err != nil || time.Since(start) != time.Minute {
				t.Error(err, time.Since(start))
			}
			short, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			start = time.Now()
			if _, err := c.Get(short, "http://a.test/"); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
				t.Error(err, time.Since(start))
			}
		})
	})
	t.Run("A23.3 many at once", func(t *testing.T) {
		r := httpxtest.NewRouter()
		r.On("/")
		c := newClient(t, r)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if _, err := c.Get(ctx, "http://a.test/"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		r.AssertCalled(t, "/", 50)
	})
}

func TestRecordAndReplay(t *testing.T) {
	n := 0
	real := httpx.HandlerTransport(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("Trailer", "X-Sum")
		fmt.Fprintf(w, "%d %s", n, b)
		w.Header().Set("X-Sum", "42")
	}))
	ask := func(t *testing.T, c *httpx.Client) string {
		t.Helper()
		var got []string
		for _, body := range []string{"a", "b", "a"} {
			resp, err := c.Post(ctx, "http://a.test/x", httpx.String(body))
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, resp.Text()+resp.Trailer().Get("X-Sum"))
		}
		return strings.Join(got, ", ")
	}
	t.Run("B55 record and replay", func(t *testing.T) {
		rec := httpxtest.Record(real)
		first := ask(t, newClient(t, rec))
		if first != "1 a42, 2 b42, 3 a42" {
			t.Fatal(first)
		}
		var file bytes.Buffer
		if _, err := rec.WriteTo(&file); err != nil {
			t.Fatal(err)
		}
		exchanges, err := httpxtest.ReadExchanges(&file)
		if err != nil {
			t.Fatal(err)
		}
		c := newClient(t, httpxtest.Replay(exchanges))
		if again := ask(t, c); again != first {
			t.Error(again)
		}
		if _, err := c.Post(ctx, "http://a.test/x", httpx.String("a")); !errors.Is(err, httpxtest.ErrNotRecorded) {
			t.Error(err)
		}
		if _, err := httpxtest.ReadExchanges(strings.NewReader("{")); err == nil {
			t.Error("no error")
		}
	})
	t.Run("B55 a scripted server", func(t *testing.T) {
		url := httpxtest.ByteServer(t, "HTTP/1.1 200 Fine\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort")
		c, err := httpx.New()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if resp, err := c.Post(ctx, url, httpx.String("abc")); err != nil || resp.Status() != "200 Fine" || resp.Text() != "ok" {
			t.Error(resp, err)
		}
		if _, err := c.Get(ctx, url); !errors.Is(err, httpx.ErrRemoteProtocol) {
			t.Error(err)
		}
	})
}
