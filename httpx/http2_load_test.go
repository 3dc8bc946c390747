package httpx_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gohttpx.dev/httpx"
)

// limitedHTTP2 is a cleartext HTTP/2 server that takes so many streams on a
// connection.
func limitedHTTP2(t *testing.T, streams int, h http.HandlerFunc) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	s.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: streams}
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func http2Client(t *testing.T, opts ...httpx.ClientOption) *httpx.Client {
	return newClient(t, append([]httpx.ClientOption{httpx.WithHTTP2(true), httpx.WithHTTP1(false)}, opts...)...)
}

// More callers than the server's stream limit, on the one connection that is
// allowed, wait and proceed.
func TestMoreCallersThanStreams(t *testing.T) {
	for _, callers := range []int{101, 130, 256} {
		var running, most atomic.Int64
		s := limitedHTTP2(t, 100, func(w http.ResponseWriter, r *http.Request) {
			for n, m := running.Add(1), most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			runtime.Gosched()
			io.WriteString(w, "ok")
			running.Add(-1)
		})
		c := http2Client(t, httpx.WithLimits(httpx.Limits{MaxConnectionsPerHost: 1}), httpx.WithTimeout(time.Minute))
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				for range 20 {
					if resp, err := c.Get(context.Background(), s.URL); err != nil || resp.Text() != "ok" {
						t.Errorf("%d callers: %v", callers, err)
						return
					}
				}
			})
		}
		wg.Wait()
		if st := c.Stats(); st.Open != 1 || most.Load() > 100 {
			t.Errorf("%d callers: %d connections, %d streams at once", callers, st.Open, most.Load())
		}
	}
}

// B10: when the streams of a connection run out, another is opened.
func TestMoreConnectionsWhenStreamsRunOut(t *testing.T) {
	release := make(chan struct{})
	s := limitedHTTP2(t, 10, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hold" {
			<-release
		}
		io.WriteString(w, "ok")
	})
	c := http2Client(t, httpx.WithLimits(httpx.Limits{MaxConnectionsPerHost: 3}), httpx.WithTimeout(time.Minute))
	if _, err := c.Get(context.Background(), s.URL); err != nil { // the peer's SETTINGS are known from here on
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			if _, err := c.Get(context.Background(), s.URL+"/hold"); err != nil {
				t.Error(err)
			}
		})
	}
	for deadline := time.Now().Add(10 * time.Second); c.Stats().Open < 3 && time.Now().Before(deadline); {
		runtime.Gosched()
	}
	if st := c.Stats(); st.Open != 3 {
		t.Errorf("%d connections for 30 streams of 10 each", st.Open)
	}
	close(release)
	wg.Wait()
}

// serveBulk is a process of its own: a cleartext HTTP/2 server that answers with
// a megabyte, and ends the connection where the query asks for it.
func serveBulk() {
	chunk := make([]byte, 16<<10)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("close") {
		case "drop":
			r.Context().Value(connKey{}).(net.Conn).Close()
			return
		case "goaway":
			w.Header().Set("Connection", "close")
		}
		for range 64 { // 1 MiB
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.ConnContext = func(ctx context.Context, nc net.Conn) context.Context { return context.WithValue(ctx, connKey{}, nc) }
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	fmt.Println(s.URL)
	io.Copy(io.Discard, os.Stdin)
}

// Part D: streams of which a little was read and then nothing give their window,
// their slot and their memory back; and so do connections that are told to go
// away or are lost.
func TestUnreadBodiesGiveEverythingBack(t *testing.T) {
	var url string
	runSelf(t, "bulk", &url)
	c := http2Client(t, httpx.WithTimeout(time.Minute))
	// read opens n streams, of which every nth ends the connection.
	read := func(n int, end string, nth int) {
		var next atomic.Int64
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				buf := make([]byte, 1)
				for i := next.Add(1); i <= int64(n); i = next.Add(1) {
					to := url
					if nth > 0 && i%int64(nth) == 0 {
						to += "?close=" + end
					}
					resp, err := c.Stream(context.Background(), "GET", to)
					if err == nil {
						_, err = io.ReadFull(resp.Body, buf)
						resp.Close()
					}
					// Who shares a connection that is lost is lost with it.
					if err != nil && end != "drop" {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
	heap := func() int64 {
		c.CloseIdle()
		return heapInUse()
	}
	n := 10_000
	if raceEnabled {
		n = 2_000
	}
	read(400, "", 0)
	dials := c.Stats().Dials
	before := heap()
	read(n, "", 0)
	if more := c.Stats().Dials - dials; more != 1 {
		t.Errorf("%d connections for %d unread bodies", more, n)
	}
	read(n/10, "goaway", 50)
	read(n/10, "drop", 100)
	resp, err := c.Get(context.Background(), url)
	if err != nil || len(resp.Bytes()) != 1<<20 {
		t.Fatalf("after %d unread bodies a whole one: %v", n, err)
	}
	resp = nil
	if st := waitForIdle(c); st.Busy != 0 || st.Waiting != 0 || st.Dialing != 0 {
		t.Errorf("%+v", st.Counts)
	}
	// What a connection leaves goes a moment after it.
	grown := heap() - before
	for deadline := time.Now().Add(30 * time.Second); grown > 1<<20 && time.Now().Before(deadline); {
		grown = heap() - before
	}
	t.Logf("the heap has grown by %d bytes", grown)
	if grown > 1<<20 && !raceEnabled {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
}

// Readers that stand still do not hold up those beside them, however much their
// streams have buffered, and can go on later.
func TestStalledReaders(t *testing.T) {
	body := make([]byte, 4<<20)
	s := limitedHTTP2(t, 250, func(w http.ResponseWriter, r *http.Request) { w.Write(body) })
	for _, stalled := range []int{1, 8} {
		c := http2Client(t, httpx.WithLimits(httpx.Limits{MaxConnectionsPerHost: 1}), httpx.WithTimeout(time.Minute))
		var held []*httpx.Response
		for range stalled {
			resp, err := c.Stream(context.Background(), "GET", s.URL)
			if err != nil {
				t.Fatal(err)
			}
			io.ReadFull(resp.Body, make([]byte, 1))
			held = append(held, resp)
		}
		var wg sync.WaitGroup
		for range 63 {
			wg.Go(func() {
				resp, err := c.Stream(context.Background(), "GET", s.URL)
				if err != nil {
					t.Error(err)
					return
				}
				defer resp.Close()
				if n, err := io.Copy(io.Discard, resp.Body); err != nil || n != int64(len(body)) {
					t.Errorf("beside %d stalled readers: %d bytes, %v", stalled, n, err)
				}
			})
		}
		wg.Wait()
		for _, resp := range held {
			if n, err := io.Copy(io.Discard, resp.Body); err != nil || n != int64(len(body))-1 {
				t.Errorf("a reader that goes on: %d bytes, %v", n, err)
			}
			resp.Close()
		}
		if st := c.Stats(); st.Open != 1 {
			t.Errorf("%+v", st.Counts)
		}
	}
}
