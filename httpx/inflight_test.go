package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/httpx"
)

func TestMaxInFlight(t *testing.T) {
	// gate answers when it is let, and knows how many requests it has.
	gate := func(t *testing.T) (s *httptest.Server, arrived chan string, leave chan bool) {
		arrived, leave = make(chan string, 100), make(chan bool)
		s = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			arrived <- r.URL.Path
			select {
			case <-leave:
			case <-r.Context().Done():
			}
		}))
		t.Cleanup(s.Close)
		return s, arrived, leave
	}

	t.Run("A23.7 B11 no more calls than that at once, and the oldest first", func(t *testing.T) {
		s, arrived, leave := gate(t)
		n := new(notes)
		c := newClient(t, httpx.WithMaxInFlight(1))
		var wg sync.WaitGroup
		get := func(path string) {
			wg.Go(func() {
				if _, err := c.Get(ctx, s.URL+path); err != nil {
					t.Error(err)
				}
				n.note(path)
			})
		}
		get("/0")
		<-arrived
		for i := 1; i <= 3; i++ {
			// A turn is taken in order of asking: each is waiting before the next asks.
			get(fmt.Sprint("/", i))
			httpx.AwaitWaiting(c, i)
		}
		for i := range 4 {
			leave <- true
			if i < 3 {
				if got := <-arrived; got != fmt.Sprint("/", i+1) {
					t.Errorf("%s came as number %d", got, i+1)
				}
			}
		}
		wg.Wait()
	})

	t.Run("A23.7 a stream holds its turn until its end, failure or Close", func(t *testing.T) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "half")
			w.(http.Flusher).Flush()
			switch r.URL.Path {
			case "/whole":
				io.WriteString(w, " whole")
			case "/breaks":
				panic(http.ErrAbortHandler)
			default:
				<-r.Context().Done()
			}
		}))
		defer s.Close()
		c := newClient(t, httpx.WithMaxInFlight(1), httpx.WithTimeouts(httpx.Timeouts{Pool: 30 * time.Millisecond}))
		for path, end := range map[string]func(*httpx.Response){
			"/whole":  func(r *httpx.Response) { io.Copy(io.Discard, r.Body) },
			"/breaks": func(r *httpx.Response) { io.Copy(io.Discard, r.Body) },
			"/closed": func(r *httpx.Response) { r.Close(); r.Close() },
		} {
			resp, err := c.Stream(ctx, "GET", s.URL+path)
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Get(ctx, s.URL+"/whole")
			if !errors.Is(err, httpx.ErrPoolTimeout) || !errors.Is(err, httpx.ErrTimeout) || !strings.Contains(err.Error(), "WithMaxInFlight is 1; 1 in flight, 1 waiting") {
				t.Errorf("%s: the error is %v", path, err)
			}
			end(resp)
			if _, err := c.Get(ctx, s.URL+"/whole"); err != nil {
				t.Errorf("after %s: %v", path, err)
			}
			resp.Close()
		}
	})

	t.Run("A23.7 redirects, retries and failures have one turn and give it back", func(t *testing.T) {
		tries := 0
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/old" {
				http.Redirect(w, r, "/new", http.StatusFound)
			} else if tries++; tries == 1 {
				w.WriteHeader(503)
			}
		}))
		defer s.Close()
		c := newClient(t, httpx.WithMaxInFlight(1), httpx.WithFollowRedirects(true), httpx.WithRetry(httpx.Retry{MinWait: 1}))
		derived, err := c.With()
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := derived.Get(ctx, s.URL+"/old"); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Get(ctx, "http://127.0.0.1:1", httpx.NoRetry()); !errors.Is(err, httpx.ErrConnect) {
				t.Fatal(err)
			}
			func() {
				defer func() { recover() }()
				c.Get(ctx, s.URL, httpx.OnRequest(func(*httpx.Request) error { panic("a hook") }))
			}()
		}
		if used, waiting := httpx.InFlight(c); used != 0 || waiting != 0 {
			t.Errorf("%d turns are out, %d wait", used, waiting)
		}
	})

	t.Run("A23.7 a wait ends with the context, and with Close", func(t *testing.T) {
		s, arrived, _ := gate(t)
		c, err := httpx.New(httpx.WithMaxInFlight(1), httpx.WithTimeout(httpx.Never))
		if err != nil {
			t.Fatal(err)
		}
		results := make(chan error)
		go func() { _, err := c.Get(ctx, s.URL); results <- err }()
		<-arrived
		in, cancel := context.WithCancel(ctx)
		go func() { _, err := c.Get(in, s.URL); results <- err }()
		httpx.AwaitWaiting(c, 1)
		cancel()
		if err := <-results; !errors.Is(err, context.Canceled) || errors.Is(err, httpx.ErrTimeout) {
			t.Errorf("after the cancel: %v", err)
		}
		closed := new(closeCount)
		go func() { _, err := c.Post(ctx, s.URL, httpx.Reader(closed)); results <- err }()
		httpx.AwaitWaiting(c, 1)
		c.Close()
		for range 2 {
			if err := <-results; !errors.Is(err, httpx.ErrClientClosed) {
				t.Errorf("after Close: %v", err)
			}
		}
		if _, err := c.Get(ctx, s.URL); !errors.Is(err, httpx.ErrClientClosed) {
			t.Errorf("after Close: %v", err)
		}
		if closed.n.Load() != 1 {
			t.Errorf("the body of the request that waited was closed %d times", closed.n.Load())
		}
	})

	t.Run("A23.7 the wait is the Pool timeout's, to the millisecond", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := newClient(t, httpx.WithMaxInFlight(1), httpx.WithTimeouts(httpx.Timeouts{Pool: 3 * time.Second, Read: httpx.Never}), httpx.WithDialContext(memDial(t)))
			held, err := c.Stream(ctx, "GET", "http://server/half")
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			if _, err := c.Get(ctx, "http://server/"); !errors.Is(err, httpx.ErrPoolTimeout) || time.Since(began) != 3*time.Second {
				t.Errorf("after %v: %v", time.Since(began), err)
			}
			held.Close()
		})
	})

	t.Run("B11 a bound that is none", func(t *testing.T) {
		for _, n := range []int{0, -1} {
			if _, err := httpx.New(httpx.WithMaxInFlight(n)); err == nil {
				t.Errorf("%d is no error", n)
			}
		}
		c := newClient(t)
		if _, err := c.With(httpx.WithMaxInFlight(1)); err == nil {
			t.Error("a derived client can have a bound of its own")
		}
	})
}

// closeCount is a body that counts its Close.
type closeCount struct{ n atomic.Int32 }

func (*closeCount) Read([]byte) (int, error) { return 0, io.EOF }
func (c *closeCount) Close() error           { c.n.Add(1); return nil }

func TestMaxInFlightStress(t *testing.T) {
	t.Run("A23.7 random cancels leave no turn behind and pass no bound", func(t *testing.T) {
		const most = 4
		var now, peak atomic.Int32
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n := now.Add(1)
			for p := peak.Load(); n > p && !peak.CompareAndSwap(p, n); p = peak.Load() {
			}
			w.Write(make([]byte, 1000))
			if len(r.URL.Path) > 1 {
				w.(http.Flusher).Flush()
				now.Add(-1) // its client does not wait for the end
				<-r.Context().Done()
				return
			}
			now.Add(-1)
		}))
		defer s.Close()
		c := newClient(t, httpx.WithMaxInFlight(most), httpx.WithTimeouts(httpx.Timeouts{Pool: httpx.Never}))
		var wg sync.WaitGroup
		for w := range 16 {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(uint64(w), 1))
				for range 60 {
					in, cancel := context.WithTimeout(ctx, time.Duration(r.IntN(3000))*time.Microsecond)
					switch r.IntN(3) {
					case 0:
						c.Get(in, s.URL)
					case 1:
						if resp, err := c.Stream(in, "GET", s.URL+"/x"); err == nil {
							resp.Close()
						}
					case 2:
						if resp, err := c.Stream(in, "GET", s.URL); err == nil {
							go cancel()
							io.Copy(io.Discard, resp.Body)
							resp.Close()
						}
					}
					cancel()
				}
			})
		}
		wg.Wait()
		if used, waiting := httpx.InFlight(c); used != 0 || waiting != 0 {
			t.Errorf("%d turns are out, %d wait", used, waiting)
		}
		for range 2 * most {
			if _, err := c.Get(ctx, s.URL); err != nil {
				t.Fatal(err)
			}
		}
	})
}
