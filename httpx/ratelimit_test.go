package httpx_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"gohttpx.dev/httpx"
)

func TestRateLimit(t *testing.T) {
	bubble := func(name string, f func(t *testing.T)) {
		t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
	}
	get := func(t *testing.T, c *httpx.Client, url string) {
		t.Helper()
		if _, err := c.Get(t.Context(), url); err != nil {
			t.Fatal(err)
		}
	}

	bubble("B36 a burst at once, then so many a second", func(t *testing.T) {
		c := newClient(t, httpx.WithRateLimit(2, 3), httpx.WithDialContext(memDial(t)))
		began := time.Now()
		for range 3 {
			get(t, c, "http://server/")
		}
		if d := time.Since(began); d != 0 {
			t.Errorf("the burst took %v", d)
		}
		derived, err := c.With(httpx.WithHeader("X", "y"))
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			get(t, derived, "http://server/") // the same bucket
		}
		if d := time.Since(began); d != 2*time.Second {
			t.Errorf("four more took %v", d)
		}
	})

	bubble("B36 a bucket for each host", func(t *testing.T) {
		c := newClient(t, httpx.WithHostRateLimit(1, 1), httpx.WithDialContext(memDial(t)))
		began := time.Now()
		for _, host := range []string{"a", "b", "c", "a:81"} {
			get(t, c, "http://"+host+"/")
		}
		if d := time.Since(began); d != 0 {
			t.Errorf("four hosts took %v", d)
		}
		get(t, c, "http://b/")
		if d := time.Since(began); d != time.Second {
			t.Errorf("the second request to one took %v", d)
		}
	})

	bubble("B36 a deadline before the turn fails at once and costs no turn", func(t *testing.T) {
		c := newClient(t, httpx.WithRateLimit(0.1, 1), httpx.WithDialContext(memDial(t)))
		get(t, c, "http://server/")
		began := time.Now()
		in, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		body := new(closeCount)
		_, err := c.Post(in, "http://server/", httpx.Reader(body))
		if !errors.Is(err, httpx.ErrRateLimit) || !errors.Is(err, httpx.ErrTimeout) || !strings.Contains(err.Error(), "the turn comes in 10s, and the context's deadline in 3s") {
			t.Errorf("the error is %v", err)
		}
		var e *httpx.Error
		if !errors.As(err, &e) || e.Op != "limit" || e.Sent || httpx.IsRetryable(err) {
			t.Errorf("the error is %+v", e)
		}
		if body.n.Load() != 1 {
			t.Errorf("the body was closed %d times", body.n.Load())
		}
		if time.Since(began) != 0 {
			t.Errorf("it took %v", time.Since(began))
		}
		get(t, c, "http://server/")
		if d := time.Since(began); d != 10*time.Second {
			t.Errorf("the next turn came after %v", d)
		}
	})

	bubble("B36 a cancel while waiting gives the turn back", func(t *testing.T) {
		c := newClient(t, httpx.WithRateLimit(1, 1), httpx.WithDialContext(memDial(t)))
		get(t, c, "http://server/")
		began := time.Now()
		in, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		if _, err := c.Get(in, "http://server/"); !errors.Is(err, context.Canceled) || !errors.Is(err, httpx.ErrRateLimit) {
			t.Errorf("the error is %v", err)
		}
		get(t, c, "http://server/")
		if d := time.Since(began); d != time.Second {
			t.Errorf("the next turn came after %v", d)
		}
	})

	t.Run("B36 redirects and retries are counted, each once", func(t *testing.T) {
		tries := 0
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/old" {
				http.Redirect(w, r, "/new", http.StatusFound)
			} else if tries++; tries == 1 {
				w.WriteHeader(503)
			}
		}))
		defer s.Close()
		asked := 0
		c := newClient(t, httpx.WithLimiter(limiterFunc(func(context.Context) error { asked++; return nil })),
			httpx.WithFollowRedirects(true), httpx.WithRetry(httpx.Retry{MinWait: 1}))
		if _, err := c.Get(ctx, s.URL+"/old"); err != nil || asked != 3 {
			t.Errorf("asked %d times, %v", asked, err)
		}
		// A request without a client goes through the limiter of the one that sends it.
		r, err := httpx.NewRequest("GET", s.URL)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Send(ctx, r); err != nil || asked != 4 {
			t.Errorf("asked %d times, %v", asked, err)
		}
	})

	t.Run("B36 a limiter of one's own, and of golang.org/x/time/rate", func(t *testing.T) {
		no := errors.New("not today")
		c := newClient(t, httpx.WithLimiter(rate.NewLimiter(rate.Inf, 1)), httpx.WithLimiter(limiterFunc(func(context.Context) error { return no })))
		if _, err := c.Get(ctx, "http://127.0.0.1:1/"); !errors.Is(err, no) || !errors.Is(err, httpx.ErrRateLimit) || errors.Is(err, httpx.ErrTimeout) {
			t.Errorf("the error is %v", err)
		}
	})

	t.Run("B36 rates that are none", func(t *testing.T) {
		for _, o := range []httpx.ClientOption{
			httpx.WithRateLimit(0, 1), httpx.WithRateLimit(-1, 1), httpx.WithRateLimit(1, 0), httpx.WithHostRateLimit(1, 0), httpx.WithLimiter(nil),
		} {
			if _, err := httpx.New(o); err == nil {
				t.Error("no error")
			}
		}
	})
}

// limiterFunc is a Limiter.
type limiterFunc func(context.Context) error

func (f limiterFunc) Wait(ctx context.Context) error { return f(ctx) }
