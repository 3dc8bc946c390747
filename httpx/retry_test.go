package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/peer"
)

// script is a transport whose answers are given in turn, the last for ever.
type script struct {
	answers []answer
	sent    []*httpx.Request
	at      []time.Time
}

type answer struct {
	status int
	header httpx.Header
	body   io.Reader
	err    error
}

func (s *script) RoundTrip(ctx context.Context, req *httpx.Request) (*httpx.Response, error) {
	s.sent = append(s.sent, req)
	s.at = append(s.at, time.Now())
	a := s.answers[min(len(s.sent), len(s.answers))-1]
	if a.err != nil {
		return nil, a.err
	}
	resp := &httpx.Response{StatusCode: a.status, Header: a.header}
	if a.body != nil {
		resp.Body = io.NopCloser(a.body)
	}
	return resp, nil
}

func header(kv ...string) (h httpx.Header) {
	for i := 0; i < len(kv); i += 2 {
		h.Add(kv[i], kv[i+1])
	}
	return h
}

func TestRetry(t *testing.T) {
	// try sends one request under a fake clock.
	try := func(t *testing.T, r httpx.Retry, method string, opts []httpx.RequestOption, answers ...answer) (s *script, resp *httpx.Response, err error) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			s = &script{answers: answers}
			c := newClient(t, httpx.WithTransport(s), httpx.WithRetry(r))
			resp, err = c.Do(context.Background(), method, "http://a.example/", opts...)
		})
		return s, resp, err
	}
	status := func(codes ...int) (as []answer) {
		for _, c := range codes {
			as = append(as, answer{status: c})
		}
		return as
	}

	t.Run("B4 statuses and methods", func(t *testing.T) {
		for _, tt := range []struct {
			name   string
			retry  httpx.Retry
			method string
			codes  []int
			sent   int
			want   int
		}{
			{"503 is repeated", httpx.Retry{}, "GET", []int{503, 200}, 2, 200},
			{"three attempts by default", httpx.Retry{}, "GET", []int{503}, 3, 503},
			{"as many as are said", httpx.Retry{Attempts: 5}, "PUT", []int{429, 502, 503, 504, 200}, 5, 200},
			{"one is none", httpx.Retry{Attempts: 1}, "GET", []int{503, 200}, 1, 503},
			{"500 is not", httpx.Retry{}, "GET", []int{500, 200}, 1, 500},
			{"unless it is said", httpx.Retry{Statuses: []int{500}}, "GET", []int{500, 503}, 2, 503},
			{"no status", httpx.Retry{Statuses: []int{}}, "GET", []int{503, 200}, 1, 503},
			{"POST is not", httpx.Retry{}, "POST", []int{503, 200}, 1, 503},
			{"unless it is said", httpx.Retry{Methods: []string{"POST"}}, "POST", []int{503, 200}, 2, 200},
			{"then GET is not", httpx.Retry{Methods: []string{"POST"}}, "GET", []int{503, 200}, 1, 503},
			{"POST with a key", httpx.Retry{IdempotencyKey: true}, "POST", []int{503, 200}, 2, 200},
		} {
			s, resp, err := try(t, tt.retry, tt.method, nil, status(tt.codes...)...)
			if err != nil || resp.StatusCode != tt.want || len(s.sent) != tt.sent {
				t.Errorf("%s: %v %v after %d attempts, want %d after %d", tt.name, resp, err, len(s.sent), tt.want, tt.sent)
			}
		}
	})
	t.Run("B4 Idempotency-Key is the same for all attempts", func(t *testing.T) {
		s, _, err := try(t, httpx.Retry{IdempotencyKey: true}, "POST", nil, status(503, 503, 200)...)
		key := s.sent[0].Header.Get("Idempotency-Key")
		if err != nil || len(key) != 32 || len(s.sent) != 3 || s.sent[2].Header.Get("Idempotency-Key") != key {
			t.Errorf("%v %q", err, key)
		}
		s, _, _ = try(t, httpx.Retry{IdempotencyKey: true}, "GET", nil, status(200)...)
		if s.sent[0].Header.Has("Idempotency-Key") {
			t.Error("GET needs none")
		}
		s, _, _ = try(t, httpx.Retry{IdempotencyKey: true}, "POST", []httpx.RequestOption{httpx.WithHeader("Idempotency-Key", "own")}, status(503)...)
		if len(s.sent) != 3 || s.sent[2].Header.Get("Idempotency-Key") != "own" {
			t.Errorf("its own: %d", len(s.sent))
		}
	})
	t.Run("B4 full jitter", func(t *testing.T) {
		var waits [6]time.Duration // the longest of each
		for range 200 {
			s, _, _ := try(t, httpx.Retry{Attempts: 7, MaxWait: 4 * time.Second, Budget: -1}, "GET", nil, status(503)...)
			for i := range waits {
				waits[i] = max(waits[i], s.at[i+1].Sub(s.at[i]))
			}
		}
		for i, most := range []time.Duration{500, 1000, 2000, 4000, 4000, 4000} {
			most *= time.Millisecond
			if waits[i] > most || waits[i] < most*8/10 {
				t.Errorf("wait %d was up to %v, want up to %v", i+1, waits[i], most)
			}
		}
	})
	t.Run("B4 Retry-After", func(t *testing.T) {
		date := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // where the clock of synctest begins
		for _, tt := range []struct {
			name   string
			header httpx.Header
			want   time.Duration
			sent   int
		}{
			{"seconds", header("Retry-After", "7"), 7 * time.Second, 2},
			{"zero", header("Retry-After", "0"), 0, 2},
			{"a date", header("Retry-After", date.Add(9*time.Second).Format(http.TimeFormat)), 9 * time.Second, 2},
			{"a date by the server's clock", header("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT", "Date", "Sun, 06 Nov 1994 08:49:30 GMT"), 7 * time.Second, 2},
			{"a date that has passed", header("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT"), 0, 2},
			{"too long", header("Retry-After", "61"), 0, 1},
			{"absurd", header("Retry-After", strings.Repeat("9", 40)), 0, 1},
		} {
			s, _, err := try(t, httpx.Retry{}, "GET", nil, answer{status: 429, header: tt.header}, answer{status: 200})
			if err != nil || len(s.sent) != tt.sent {
				t.Errorf("%s: %v, %d sent", tt.name, err, len(s.sent))
			} else if tt.sent == 2 && s.at[1].Sub(s.at[0]) != tt.want {
				t.Errorf("%s: waited %v, want %v", tt.name, s.at[1].Sub(s.at[0]), tt.want)
			}
		}
		s, _, _ := try(t, httpx.Retry{}, "GET", nil, answer{status: 429, header: header("Retry-After", "soon")}, answer{status: 200})
		if len(s.sent) != 2 {
			t.Errorf("one that is neither: %d sent", len(s.sent))
		}
	})
	t.Run("B4 total time", func(t *testing.T) {
		s, resp, err := try(t, httpx.Retry{Attempts: 100, MaxTime: 20 * time.Second, Budget: -1}, "GET", nil, answer{status: 503, header: header("Retry-After", "6")})
		if err != nil || resp.StatusCode != 503 || len(s.sent) != 4 {
			t.Errorf("%v %v, %d sent, want 4: at 0, 6, 12 and 18 s", resp, err, len(s.sent))
		}
		synctest.Test(t, func(t *testing.T) { // a wait that ctx would cut short is not begun
			s := &script{answers: []answer{{status: 503, header: header("Retry-After", "6")}}}
			c := newClient(t, httpx.WithTransport(s), httpx.WithRetry(httpx.Retry{Attempts: 100}))
			ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
			defer cancel()
			resp, err := c.Get(ctx, "http://a.example/")
			if err != nil || resp.StatusCode != 503 || len(s.sent) != 3 || time.Since(s.at[0]) != 12*time.Second {
				t.Errorf("%v %v, %d sent", resp, err, len(s.sent))
			}
		})
		synctest.Test(t, func(t *testing.T) {
			s := &script{answers: []answer{{status: 503, header: header("Retry-After", "6")}}}
			c := newClient(t, httpx.WithTransport(s), httpx.WithRetry(httpx.Retry{}))
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(3*time.Second, cancel)
			_, err := c.Get(ctx, "http://a.example/")
			if !errors.Is(err, context.Canceled) || time.Since(s.at[0]) != 3*time.Second {
				t.Errorf("cancelled in a wait: %v after %v", err, time.Since(s.at[0]))
			}
		})
	})
	t.Run("B4 budget", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{answers: status(503)}
			c := newClient(t, httpx.WithTransport(s), httpx.WithRetry(httpx.Retry{}))
			const n = 1000
			for range n {
				c.Get(context.Background(), "http://a.example/")
			}
			if repeated := len(s.sent) - n; repeated < n/5 || repeated > n/5+10 {
				t.Errorf("%d of %d requests were repeated; a fifth and ten may be", repeated, n)
			}
		})
	})
	t.Run("B4 If and OnRetry", func(t *testing.T) {
		var told []string
		r := httpx.Retry{
			If: func(req *httpx.Request, resp *httpx.Response, err error, again bool) bool {
				return again || resp != nil && resp.Header.Has("X-Again")
			},
			OnRetry: func(a httpx.Attempt) {
				told = append(told, fmt.Sprint(a.Number, " ", a.Request, " ", a.Response, " ", a.Err, " ", a.Wait))
			},
		}
		s, resp, err := try(t, r, "POST", nil, answer{status: 200, header: header("X-Again", "1", "Retry-After", "1")}, answer{status: 201})
		if err != nil || resp.StatusCode != 201 || len(s.sent) != 2 {
			t.Errorf("%v %v", resp, err)
		}
		if len(told) != 1 || told[0] != "1 POST http://a.example/ POST http://a.example/: 200 OK <nil> 1s" {
			t.Errorf("%q", told)
		}
	})
	t.Run("B4 NoRetry and a request's own", func(t *testing.T) {
		s, _, _ := try(t, httpx.Retry{}, "GET", []httpx.RequestOption{httpx.NoRetry()}, status(503)...)
		if len(s.sent) != 1 {
			t.Errorf("NoRetry: %d", len(s.sent))
		}
		s, _, _ = try(t, httpx.Retry{}, "GET", []httpx.RequestOption{httpx.WithRetry(httpx.Retry{Attempts: 2})}, status(503)...)
		if len(s.sent) != 2 {
			t.Errorf("its own: %d", len(s.sent))
		}
		if _, err := httpx.New(httpx.WithRetry(httpx.Retry{Attempts: -1})); err == nil {
			t.Error("-1 attempts")
		}
	})
}

// The failures of real connections.
func TestRetryOfFailures(t *testing.T) {
	ctx := context.Background()
	var n atomic.Int64
	w := newWeb(t, httpx.WithRetry(httpx.Retry{MinWait: time.Nanosecond}))
	w.page("http://a.example/", func(rw http.ResponseWriter, r *http.Request) {
		switch n.Add(1) {
		case 1:
			panic(http.ErrAbortHandler) // no head
		case 2:
			rw.Header().Set("Content-Length", "10")
			io.WriteString(rw, "short")
			panic(http.ErrAbortHandler) // half a body
		}
		io.WriteString(rw, "whole")
	})
	t.Run("B4 a connection lost before and in the body", func(t *testing.T) {
		resp, err := w.Get(ctx, "http://a.example/")
		if err != nil || resp.Text() != "whole" || n.Load() != 3 {
			t.Errorf("%v %v, %d requests", resp, err, n.Load())
		}
	})
	t.Run("B4 an answer that the end of the connection cuts short", func(t *testing.T) {
		for name, cut := range map[string]string{
			"the head":    "HTTP/1.1 200 OK\r\nContent-Le",
			"the length":  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwho",
			"a chunk":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwho",
			"the trailer": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\n",
		} {
			var asked atomic.Int64
			s := peer.Listen(t, func(nc net.Conn) {
				p := peer.Over(t, nc)
				p.WantHead("", "a request")
				if asked.Add(1) == 1 {
					p.SendBytes(cut)
					return
				}
				p.Respond("200 OK", "whole")
			})
			c := newClient(t, httpx.WithRetry(httpx.Retry{MinWait: time.Nanosecond}))
			resp, err := c.Get(ctx, "http://"+s.Addr)
			if err != nil || resp.Text() != "whole" || asked.Load() != 2 {
				t.Errorf("%s: %v %v, %d requests", name, resp, err, asked.Load())
			}
			asked.Store(0)
			c.CloseIdle()
			if _, err := c.Post(ctx, "http://"+s.Addr); err == nil || asked.Load() != 1 || httpx.IsRetryable(err) {
				t.Errorf("%s, POST: %v, %d requests", name, err, asked.Load())
			}
		}
	})
	t.Run("B4 not for POST, and the error counts", func(t *testing.T) {
		n.Store(0)
		if _, err := w.Post(ctx, "http://a.example/"); err == nil || n.Load() != 1 {
			t.Errorf("POST: %v, %d requests", err, n.Load())
		}
		w.page("http://a.example/", func(rw http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) })
		_, err := w.Get(ctx, "http://a.example/")
		var e *httpx.Error
		if !errors.As(err, &e) || e.Attempts != 3 || !strings.Contains(err.Error(), "(after 3 attempts)") {
			t.Errorf("%v", err)
		}
	})
	t.Run("B4 the body again", func(t *testing.T) {
		w.page("http://a.example/busy", func(rw http.ResponseWriter, r *http.Request) { rw.WriteHeader(503) })
		w.log()
		resp, err := w.Put(ctx, "http://a.example/busy", httpx.String("hello"))
		if asked := w.log(); err != nil || resp.StatusCode != 503 || len(asked) != 3 || asked[2].Body != "hello" {
			t.Errorf("%v %v %q", resp, err, asked)
		}
		resp, err = w.Put(ctx, "http://a.example/busy", httpx.Reader(strings.NewReader("hello")))
		if asked := w.log(); err != nil || resp.StatusCode != 503 || len(asked) != 1 {
			t.Errorf("one that can be read but once: %v %v %q", resp, err, asked)
		}
	})
	t.Run("B4 a stream's body is the caller's", func(t *testing.T) {
		w.page("http://a.example/", func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Length", "10")
			io.WriteString(rw, "short")
			rw.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		})
		w.log()
		resp, err := w.Stream(ctx, "GET", "http://a.example/")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Close()
		if _, err := io.ReadAll(resp.Body); err == nil || len(w.log()) != 1 {
			t.Errorf("%v", err)
		}
	})
}
