package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gohttpx.dev/httpx"
	"gohttpx.dev/wire"
)

func TestBadBodiesSendNothing(t *testing.T) {
	reached := false
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer s.Close()
	c, ctx := newClient(t), context.Background()
	for name, opts := range map[string][]httpx.RequestOption{
		"two bodies":     {httpx.String("a"), httpx.JSON(1)},
		"NaN":            {httpx.JSON(math.NaN())},
		"no such file":   {httpx.File("/no/such/file")},
		"a directory":    {httpx.File("/")},
		"nil Reader":     {httpx.Reader(nil)},
		"nil option":     {nil},
		"CR LF in value": {httpx.WithHeader("X", "a\r\nInjected: 1")},
		"bad name":       {httpx.WithHeader("X Y", "a")},
		"length is off":  {httpx.String("abc"), httpx.WithHeader("Content-Length", "4")},
		"two lengths":    {httpx.String("abc"), httpx.WithAddedHeader("Content-Length", "3"), httpx.WithAddedHeader("Content-Length", "3")},
		"other coding":   {httpx.String("abc"), httpx.WithHeader("Transfer-Encoding", "gzip")},
	} {
		_, err := c.Post(ctx, s.URL, opts...)
		var e *httpx.Error
		if !errors.As(err, &e) || e.Sent || !errors.Is(err, httpx.ErrRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, method := range []string{"BAD METHOD", "A\r\nB"} {
		if _, err := c.Do(ctx, method, s.URL); !errors.Is(err, httpx.ErrLocalProtocol) || strings.Contains(err.Error(), "\n") {
			t.Errorf("bad method: %v", err)
		}
	}
	if reached || c.Stats().Busy != 0 {
		t.Error("something was sent")
	}
}

func TestReaderIsSentOnce(t *testing.T) {
	s, c, ctx := echoServer(t), newClient(t), context.Background()
	r, err := c.NewRequest("POST", s.URL, httpx.Reader(io.MultiReader(strings.NewReader("abc"))))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Send(ctx, r); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Send(ctx, r); !errors.Is(err, httpx.ErrBodyConsumed) {
		t.Errorf("second send: %v", err)
	}
}

// closable is a body that counts how often it is closed.
type closable struct {
	io.Reader
	closed atomic.Int32
}

func (c *closable) Close() error { c.closed.Add(1); return nil }

// times waits for the first Close, which the sender of a failed request may come
// to after the call has returned, and says how many there were.
func (c *closable) times() int32 {
	for deadline := time.Now().Add(30 * time.Second); c.closed.Load() == 0 && time.Now().Before(deadline); {
		runtime.Gosched()
	}
	return c.closed.Load()
}

func TestReaderIsClosedOnce(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/reset" {
			hijackAndClose(w, "")
			return
		}
		io.Copy(w, r.Body)
	}))
	defer s.Close()
	plain, closed := newClient(t), newClient(t)
	closed.Close()
	full := newClient(t, httpx.WithLimits(httpx.Limits{MaxConnections: 1}), httpx.WithTimeouts(httpx.Timeouts{Pool: time.Millisecond}))
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	bad := httpx.WithQuery("a key without a value")
	for _, tt := range []struct {
		name   string
		client *httpx.Client
		ctx    context.Context
		url    string
		before []httpx.RequestOption // the body
		after  []httpx.RequestOption
	}{
		{name: "sent"},
		{name: "connection lost", url: s.URL + "/reset"},
		{name: "bad URL", url: "http://e.test:x/"},
		{name: "no scheme", url: "/x"},
		{name: "bad option before", before: []httpx.RequestOption{bad}},
		{name: "bad option after", after: []httpx.RequestOption{bad}},
		{name: "nil option", after: []httpx.RequestOption{nil}},
		{name: "second body", before: []httpx.RequestOption{httpx.String("first")}},
		{name: "followed by a second body", after: []httpx.RequestOption{httpx.String("second")}},
		{name: "bad field", after: []httpx.RequestOption{httpx.WithHeader("X", "\n")}},
		{name: "nobody listens", url: "http://127.0.0.1:1/"},
		{name: "closed client", client: closed},
		{name: "pool timeout", client: full},
		{name: "context ended", ctx: ended},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.client == nil {
				tt.client = plain
			}
			if tt.ctx == nil {
				tt.ctx = context.Background()
			}
			if tt.url == "" {
				tt.url = s.URL
			}
			if tt.client == full {
				busy := &closable{Reader: strings.NewReader("x")}
				hold, err := full.Stream(tt.ctx, "POST", s.URL, httpx.Reader(busy))
				if err != nil {
					t.Fatal(err)
				}
				defer hold.Close()
			}
			body := &closable{Reader: strings.NewReader("x")}
			opts := append(append(tt.before, httpx.Reader(body)), tt.after...)
			_, err := tt.client.Post(tt.ctx, tt.url, opts...)
			if n := body.times(); n != 1 || (err == nil) != (tt.name == "sent") {
				t.Errorf("closed %d times, %v", n, err)
			}
			_, err = tt.client.Post(tt.ctx, tt.url, opts...)
			if n := body.times(); n != 1 || err == nil {
				t.Errorf("sent again: closed %d times, %v", n, err)
			}
		})
	}
}

func TestReaderOfAPreparedRequestIsClosedOnce(t *testing.T) {
	s, c, ctx := echoServer(t), newClient(t), context.Background()
	for _, tt := range []struct {
		name  string
		spoil func(*httpx.Request)
		opts  []httpx.RequestOption
	}{
		{"sent", func(*httpx.Request) {}, nil},
		{"bad option", func(*httpx.Request) {}, []httpx.RequestOption{httpx.WithQuery(1)}},
		{"no URL", func(r *httpx.Request) { r.URL = nil }, nil},
		{"no URL but a query", func(r *httpx.Request) { r.URL = nil }, []httpx.RequestOption{httpx.WithQuery("a", 1)}},
		{"no URL and a bad option", func(r *httpx.Request) { r.URL = nil }, []httpx.RequestOption{httpx.WithQuery(1)}},
	} {
		own, second := &closable{Reader: strings.NewReader("x")}, &closable{Reader: strings.NewReader("x")}
		r, err := c.NewRequest("POST", s.URL, httpx.Reader(own))
		if err != nil {
			t.Fatal(err)
		}
		tt.spoil(r)
		if _, err := c.Send(ctx, r, tt.opts...); (err == nil) != (tt.name == "sent") || own.times() != 1 {
			t.Errorf("%s: closed %d times, %v", tt.name, own.times(), err)
		}
		if _, err := c.Send(ctx, r, append(tt.opts, httpx.Reader(second))...); err == nil || own.times() != 1 || second.times() != 1 {
			t.Errorf("%s, with a second body: closed %d and %d times, %v", tt.name, own.times(), second.times(), err)
		}
	}
}

// A response can be the body of another request. Its failure is the cause, not
// the error.
func TestFailedResponseAsABody(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "GET" {
			hijackAndClose(w, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
			return
		}
		io.Copy(io.Discard, r.Body)
	}))
	defer s.Close()
	c, ctx := newClient(t), context.Background()
	from, err := c.Stream(ctx, "GET", s.URL+"/from")
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Post(ctx, s.URL+"/to", httpx.Reader(from.Body))
	var e *httpx.Error
	var we *wire.Error
	if !errors.As(err, &e) || e.Request == nil || e.Request.Method != "POST" || !errors.As(err, &we) || we.Kind != wire.KindRequestBody {
		t.Errorf("%T %v", err, err)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) || httpx.IsRetryable(err) || !strings.HasPrefix(fmt.Sprint(err), "httpx: POST ") {
		t.Errorf("%v", err)
	}
}
