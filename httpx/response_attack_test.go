package httpx_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gohttpx.dev/httpx"
	"gohttpx.dev/httpx/httpxtest"
)

// rewrapped is a client whose middleware puts a body of its own around each.
func rewrapped(t *testing.T, around func(io.Reader) io.Reader, opts ...httpx.ClientOption) *httpx.Client {
	t.Helper()
	return newClient(t, append(opts, httpx.WithTransport(httpxtest.Func(func(r *httpx.Request) (*httpx.Response, error) {
		return httpxtest.Response(200, httpxtest.Text("abc\ndef")), nil
	})), httpx.OnResponse(func(r *httpx.Response) error {
		r.Body = struct {
			io.Reader
			io.Closer
		}{around(r.Body), r.Body}
		return nil
	}))...)
}

// allZeros is a reader of zeros, or a coding of them.
type allZeros struct{}

func (allZeros) Read(p []byte) (int, error) { return len(p), nil }
func (allZeros) Close() error               { return nil }

func TestBodiesOfMiddleware(t *testing.T) {
	ctx := context.Background()
	t.Run("A6.9 a bare io.ErrUnexpectedEOF is no end", func(t *testing.T) {
		c := rewrapped(t, func(r io.Reader) io.Reader { return io.MultiReader(r, failingReader{io.ErrUnexpectedEOF}) })
		for name, read := range map[string]func(*httpx.Response) iter.Seq2[string, error]{
			"Chunks(5)":  func(r *httpx.Response) iter.Seq2[string, error] { return texts(r.Chunks(5)) },
			"Chunks(0)":  func(r *httpx.Response) iter.Seq2[string, error] { return texts(r.Chunks(0)) },
			"Lines":      (*httpx.Response).Lines,
			"TextChunks": (*httpx.Response).TextChunks,
			"JSONLines":  httpx.JSONLines[string],
		} {
			resp, err := c.Stream(ctx, "GET", "http://a.test/")
			if err != nil {
				t.Fatal(err)
			}
			var last error
			for _, err := range read(resp) {
				last = err
			}
			var e *httpx.Error
			if name == "JSONLines" {
				if last == nil {
					t.Errorf("%s: no error", name)
				}
			} else if !errors.Is(last, io.ErrUnexpectedEOF) || !errors.As(last, &e) {
				t.Errorf("%s: %v", name, last)
			}
			resp.Close()
		}
	})
	t.Run("B14 their output is bounded as well", func(t *testing.T) {
		c := rewrapped(t, func(r io.Reader) io.Reader { return allZeros{} }, httpx.WithMaxResponseBytes(1000))
		if _, err := c.Get(ctx, "http://a.test/"); !errors.Is(err, httpx.ErrResponseTooLarge) {
			t.Error(err)
		}
		c = rewrapped(t, func(r io.Reader) io.Reader { return r }, httpx.WithMaxResponseBytes(7))
		if resp, err := c.Get(ctx, "http://a.test/"); err != nil || resp.Text() != "abc\ndef" {
			t.Error(resp, err)
		}
	})
}

func texts(seq iter.Seq2[[]byte, error]) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for b, err := range seq {
			if !yield(string(b), err) {
				return
			}
		}
	}
}

func TestBufferBehindItsLimit(t *testing.T) {
	t.Run("B14 a stream that is past Buffer's limit", func(t *testing.T) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "zeros")
			w.Write([]byte("x"))
		}))
		t.Cleanup(s.Close)
		c := newClient(t, httpx.WithMaxDecodeRatio(httpx.Unlimited),
			httpx.WithDecoder("zeros", func(io.Reader) (io.ReadCloser, error) { return allZeros{}, nil }))
		resp, err := c.Stream(context.Background(), "GET", s.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Close()
		for buf, read := make([]byte, 1<<20), 0; read < 1<<30+1<<20; {
			n, err := resp.Body.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			read += n
		}
		if err := resp.Buffer(); !errors.Is(err, httpx.ErrResponseTooLarge) {
			t.Error(err)
		}
	})
}

func TestRetryAndFailOnStatus(t *testing.T) {
	ctx := context.Background()
	fails := 2
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/auth" {
			if r.Header.Get("Authorization") == "" {
				w.Header().Set("WWW-Authenticate", `Digest realm="a", nonce="b", qop="auth"`)
				w.WriteHeader(401)
			}
			return
		}
		if fails--; fails >= 0 {
			w.WriteHeader(503)
		}
	}))
	t.Cleanup(s.Close)
	c := newClient(t, httpx.FailOnStatus(), httpx.WithRetry(httpx.Retry{MinWait: 1}))
	t.Run("B4 FailOnStatus looks behind the retries", func(t *testing.T) {
		if resp, err := c.Get(ctx, s.URL); err != nil || resp.StatusCode != 200 || fails != -1 {
			t.Error(resp, err, fails)
		}
		fails = 5
		var se *httpx.StatusError
		if _, err := c.Get(ctx, s.URL); !errors.As(err, &se) || fails != 2 {
			t.Error(err, fails)
		}
	})
	t.Run("A6.5 FailOnStatus looks behind the challenge, with retries", func(t *testing.T) {
		if resp, err := c.Get(ctx, s.URL+"/auth", httpx.WithAuth(httpx.DigestAuth("u", "p"))); err != nil || resp.StatusCode != 200 {
			t.Error(resp, err)
		}
	})
	t.Run("B4 waits without a bound", func(t *testing.T) {
		for _, r := range []httpx.Retry{
			{MinWait: math.MaxInt64, MaxWait: math.MaxInt64, Attempts: 2},
			{MinWait: 1, MaxWait: math.MaxInt64, Attempts: 2},
		} {
			fails = 9
			r.OnRetry = func(a httpx.Attempt) {
				if a.Wait < 0 {
					t.Error(a.Wait)
				}
			}
			short, cancel := context.WithTimeout(ctx, time.Minute)
			if _, err := c.Get(short, s.URL, httpx.WithRetry(r)); err == nil {
				t.Error("no error")
			}
			cancel()
		}
	})
}

func TestPanicsOfHooks(t *testing.T) {
	caught := func(f func()) (p any) {
		defer func() { p = recover() }()
		f()
		return nil
	}
	overBoth(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(103)
		io.WriteString(w, strings.Repeat("a", 1<<20))
	}, func(t *testing.T, c *httpx.Client, url string) {
		// The client's Cleanup asks whether the pool has got everything back.
		with := func(o httpx.Option) *httpx.Client {
			d, err := c.With(o)
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		t.Run("B1 OnResponse panics", func(t *testing.T) {
			d := with(httpx.OnResponse(func(*httpx.Response) error { panic("oops") }))
			if p := caught(func() { (&http.Client{Transport: d.RoundTripper()}).Get(url) }); p != "oops" {
				t.Error(p)
			}
		})
		t.Run("B16 hooks of the exchange panic", func(t *testing.T) {
			oops := func() { panic("oops") }
			for name, o := range map[string]httpx.Option{
				"OnInformational": httpx.OnInformational(func(int, httpx.Header) error { panic("oops") }),
				"GetConn":         httpx.WithTrace(&httpx.Trace{GetConn: func(string, string) { panic("oops") }}),
				"GotConn":         httpx.WithTrace(&httpx.Trace{GotConn: func(httpx.ConnInfo, time.Duration) { panic("oops") }}),
				"WroteHead":       httpx.WithTrace(&httpx.Trace{WroteHead: oops}),
				"WroteRequest":    httpx.WithTrace(&httpx.Trace{WroteRequest: func(error) { panic("oops") }}),
				"FirstByte":       httpx.WithTrace(&httpx.Trace{FirstByte: oops}),
			} {
				d := with(o)
				if p := caught(func() { d.Get(context.Background(), url) }); p != "oops" {
					t.Errorf("%s: %v", name, p)
				}
				if s := c.Stats(); s.Busy != 0 {
					t.Errorf("%s: %+v", name, s.Counts)
				}
			}
			for name, o := range map[string]httpx.Option{
				"OnInformational": httpx.OnInformational(func(int, httpx.Header) error { panic("oops") }),
				"GotConn":         httpx.WithTrace(&httpx.Trace{GotConn: func(httpx.ConnInfo, time.Duration) { panic("oops") }}),
				"WroteHead":       httpx.WithTrace(&httpx.Trace{WroteHead: oops}),
				"Wait100":         httpx.WithTrace(&httpx.Trace{Wait100: oops}),
			} {
				var closed atomic.Int32
				d := with(o)
				if p := caught(func() {
					d.Post(context.Background(), url, httpx.WithExpectContinue(time.Minute), httpx.Reader(&sentBody{Reader: strings.NewReader("x"), n: &closed}))
				}); p != "oops" {
					t.Errorf("%s: %v", name, p)
				}
				if s, n := c.Stats(), closed.Load(); s.Busy != 0 || n != 1 {
					t.Errorf("%s: %+v, the body was closed %d times", name, s.Counts, n)
				}
			}
		})
		t.Run("A23.5 a panic comes out of All", func(t *testing.T) {
			d := with(httpx.OnRequest(func(r *httpx.Request) error {
				if r.URL.Path() == "/oops" {
					panic("oops")
				}
				return nil
			}))
			var reqs []*httpx.Request
			for _, path := range []string{"/a", "/oops", "/b", "/oops"} {
				r, err := d.NewRequest("GET", url+path)
				if err != nil {
					t.Fatal(err)
				}
				reqs = append(reqs, r)
			}
			if p := caught(func() { d.All(context.Background(), reqs) }); p != "oops" {
				t.Error(p)
			}
			each := func(yield func(*httpx.Request) bool) {
				for _, r := range reqs {
					if !yield(r) {
						return
					}
				}
			}
			if p := caught(func() {
				for range d.Each(context.Background(), each, httpx.Concurrency(1)) {
				}
			}); p != "oops" {
				t.Error(p)
			}
		})
	})
	t.Run("A23.1 OnInformational panics before a handler's answer", func(t *testing.T) {
		var handlers sync.WaitGroup
		c := newClient(t, httpx.WithTransport(httpx.HandlerTransport(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer handlers.Done()
			w.WriteHeader(103)
			<-r.Context().Done()
		}))), httpx.OnInformational(func(int, httpx.Header) error { panic("oops") }))
		handlers.Add(1)
		if p := caught(func() { c.Get(context.Background(), "http://a.test/") }); p != "oops" {
			t.Error(p)
		}
		handlers.Wait() // without Close: it would hang if the connection had stayed
	})
}

func TestLinksOfCommas(t *testing.T) {
	t.Run("A6.13 commas cost no square", func(t *testing.T) {
		// Each comma used to cost a look at all that follows, 10^12 bytes here.
		field := strings.Repeat(",", 1<<20) + "<a>,x,<b>"
		if l := httpx.ParseLinks(nil, []string{field}); len(l) != 2 {
			t.Errorf("%d links", len(l))
		}
	})
}

func TestEachDropsWhatItDoesNotSend(t *testing.T) {
	t.Run("A23.6 a body that is not sent is closed", func(t *testing.T) {
		c := newClient(t)
		ctx, cancel := context.WithCancel(context.Background())
		closed := make(chan struct{})
		body := struct {
			io.Reader
			io.Closer
		}{strings.NewReader("x"), closer(func() error { close(closed); return nil })}
		req, err := c.NewRequest("POST", "http://127.0.0.1:1/", httpx.Reader(body))
		if err != nil {
			t.Fatal(err)
		}
		for range c.Each(ctx, func(yield func(*httpx.Request) bool) { cancel(); yield(req) }) {
		}
		<-closed
	})
}

type closer func() error

func (c closer) Close() error { return c() }

func TestTrailersWithoutContent(t *testing.T) {
	t.Run("B15 trailers behind no content, in a response of net/http", func(t *testing.T) {
		res := httpx.FromStd(&http.Response{
			StatusCode: 200, ProtoMajor: 2, Body: http.NoBody,
			Header: http.Header{"Trailer": {"X-Sum"}}, Trailer: http.Header{"X-Sum": {"1"}, "X-More": {"2"}},
		}).Std()
		if res.Trailer.Get("X-Sum") != "1" || res.Trailer.Get("X-More") != "2" {
			t.Error(res.Trailer)
		}
	})
}
