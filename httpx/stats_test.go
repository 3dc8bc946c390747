package httpx_test

import (
	"context"
	"encoding/json"
	"errors"
	"expvar"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/httpx"
	"gohttpx.dev/tls"
)

func TestStats(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	t.Run("B21 a snapshot as JSON for expvar: streams of each origin, dials and dial errors", func(t *testing.T) {
		c := newClient(t, httpx.WithTLS(tls.Options{InsecureSkipVerify: true}))
		for range 3 {
			resp, err := c.Stream(ctx, "GET", s.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Close()
		}
		c.Get(ctx, "http://127.0.0.1:1/")
		var v struct {
			Open, Busy, Streams int
			Dials               int
			DialErrors          int   `json:"dial_errors"`
			WaitNS              int64 `json:"wait_ns"`
			Origins             []struct {
				Scheme, Addr string
				Key          struct{ Scheme, Addr string }
				Streams      int
			}
		}
		text := expvar.Func(func() any { return c.Stats() }).String()
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		if v.Open != 1 || v.Busy != 1 || v.Streams != 3 || v.Dials != 2 || v.DialErrors != 1 || v.WaitNS <= 0 {
			t.Errorf("the snapshot is %s", text)
		}
		found := false
		for _, o := range v.Origins {
			found = found || o.Key.Addr == s.Listener.Addr().String() && o.Key.Scheme == "https" && o.Streams == 3
		}
		if !found {
			t.Errorf("no origin with three streams in %s", text)
		}
	})
	t.Run("B48 Preconnect over HTTP/1.1 and HTTP/2, and CloseIdle", func(t *testing.T) {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") }))
		s.EnableHTTP2 = true
		s.StartTLS()
		defer s.Close()
		for _, h2 := range []bool{false, true} {
			c := newClient(t, httpx.WithTLS(tls.Options{InsecureSkipVerify: true}), httpx.WithHTTP2(h2))
			if err := c.Preconnect(ctx, s.URL, 3); err != nil {
				t.Fatal(err)
			}
			open := map[bool]int{false: 3, true: 1}[h2]
			if st := c.Stats(); st.Open != open || st.Idle != open || st.Streams != 0 {
				t.Errorf("HTTP/2 %t: %+v", h2, st)
			}
			dials := c.Stats().Dials
			if _, err := c.Get(ctx, s.URL); err != nil || c.Stats().Dials != dials {
				t.Errorf("HTTP/2 %t: dialled again, %v", h2, err)
			}
			c.CloseIdle()
			if st := c.Stats(); st.Idle != 0 {
				t.Errorf("HTTP/2 %t: %+v after CloseIdle", h2, st)
			}
		}
	})
}

// What a client does, for a program's /debug/vars.
func ExampleClient_Stats_expvar() {
	client, _ := httpx.New()
	defer client.Close()
	stats := expvar.Func(func() any { return client.Stats() }) // expvar.Publish("http", stats)
	fmt.Println(strings.Contains(stats.String(), `"dial_errors":0`))
	// Output: true
}

func TestDeadlines(t *testing.T) {
	bubble := func(name string, f func(t *testing.T, c *httpx.Client)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f(t, newClient(t, httpx.WithDialContext(memDial(t)), httpx.WithTimeouts(httpx.Timeouts{Read: 10 * time.Second})))
			})
		})
	}
	after := func(t *testing.T, began time.Time, d time.Duration, err, is error) {
		t.Helper()
		if took := time.Since(began); !errors.Is(err, is) || !errors.Is(err, httpx.ErrTimeout) || took < d || took > d+d/10 {
			t.Errorf("after %v, and not %v: %v", took, d, err)
		}
	}
	bubble("B13 the header timeout", func(t *testing.T, c *httpx.Client) {
		began := time.Now()
		_, err := c.Get(ctx, "http://server/late", httpx.WithHeaderTimeout(2*time.Second))
		after(t, began, 2*time.Second, err, httpx.ErrReadTimeout)
	})
	bubble("B13 the total deadline is the context's: a body that drips is cut", func(t *testing.T, c *httpx.Client) {
		in, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		began := time.Now()
		_, err := c.Get(in, "http://server/drip") // a byte a second for twenty: no inactivity timeout
		after(t, began, 7*time.Second, err, context.DeadlineExceeded)
	})
	bubble("B13 the idle timeout of a body", func(t *testing.T, c *httpx.Client) {
		began := time.Now()
		_, err := c.Get(ctx, "http://server/half")
		after(t, began, 10*time.Second, err, httpx.ErrReadTimeout)
	})
}
