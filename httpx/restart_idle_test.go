package httpx_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gohttpx.dev/h2"
	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/peer"
)

// A server that closes its connection after every few answers, without a word, at the
// moment when the next request is written: without WithRetry nothing is lost that may
// be repeated, and what may not is not carried out twice.
func TestServerClosesAsRequestsAreWritten(t *testing.T) {
	var mu sync.Mutex
	carriedOut := map[string]int{} // guarded by mu; POSTs by path
	s := peer.Listen(t, func(nc net.Conn) {
		br := bufio.NewReader(nc)
		for range 3 {
			r, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return
			}
			if r.Method == "POST" {
				mu.Lock()
				carriedOut[r.URL.Path]++
				mu.Unlock()
			}
			fmt.Fprintf(nc, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(r.URL.Path), r.URL.Path)
		}
	})
	c := newClient(t)
	var lost atomic.Int64
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for n := range 150 {
				method := []string{"GET", "PUT", "DELETE", "POST"}[n%4]
				path := fmt.Sprintf("/%d/%d", w, n)
				resp, err := c.Do(context.Background(), method, "http://"+s.Addr+path, httpx.String("x"))
				var e *httpx.Error
				switch {
				case err == nil && resp.Text() != path:
					t.Errorf("%s %s: %q", method, path, resp.Text())
				case err == nil:
				case method == "POST" && errors.As(err, &e) && e.Sent && (errors.Is(err, httpx.ErrServerClosedIdle) || errors.Is(err, httpx.ErrNetwork)):
					lost.Add(1)
				default:
					t.Errorf("B5 %s was lost: %v", method, err)
				}
			}
		})
	}
	wg.Wait()
	mu.Lock()
	defer mu.Unlock()
	for path, n := range carriedOut {
		if n > 1 {
			t.Errorf("POST %s was carried out %d times", path, n)
		}
	}
	t.Logf("%d POSTs lost, %d replays", lost.Load(), c.Stats().Replays)
}

// http2Drain is a server whose first connection is told what to do, and whose later
// ones answer everything.
func http2Drain(t *testing.T, first func(p *peer.H2Script)) (*peer.Server, *atomic.Int64) {
	var conns atomic.Int64
	return peer.Listen(t, func(nc net.Conn) {
		p := peer.H2Over(t, nc)
		if conns.Add(1) == 1 {
			first(p)
			return
		}
		answerRest(p)
	}), &conns
}

// begin starts a connection; requests may come before the acknowledgement.
func begin(p *peer.H2Script) {
	p.WantPreface("a connection starts with the preface")
	p.SendSettings()
	p.SendRaw(h2.AppendSettingsAck(nil))
}

// answerRest answers every request with "second" until the client goes.
func answerRest(p *peer.H2Script) {
	begin(p)
	for {
		f, err := p.TryNext()
		if err != nil {
			return
		}
		if f.Type == h2.FrameHeaders {
			p.Decode(f, "a request")
			p.SendHeaders(f.StreamID, false, ":status", "200")
			p.SendData(f.StreamID, "second", true)
		}
	}
}

// GOAWAY while three streams run: that which the server has taken is finished, slowly,
// on the old connection; the others, and a new one, go to another, POST too. Only what
// cannot be sent again fails, and says that it was not processed.
func TestDrainWithStreamsInFlight(t *testing.T) {
	ctx := context.Background()
	drained := make(chan struct{}) // the others are answered: the first may end
	s, conns := http2Drain(t, func(p *peer.H2Script) {
		begin(p)
		taken := uint32(0)
		for heads := 0; heads < 4; {
			f := p.Next("the requests")
			if f.Type != h2.FrameHeaders {
				continue
			}
			heads++
			if h := p.Decode(f, "a request"); taken == 0 {
				taken = f.StreamID
				if h.Get(":path") != "/taken" {
					t.Errorf("the first request is for %s", h.Get(":path"))
				}
				p.SendHeaders(taken, false, ":status", "200")
				p.SendData(taken, "first ", false)
			}
		}
		p.SendRaw(h2.AppendGoAway(nil, taken, h2.NoError, "restarting"))
		<-drained
		p.SendData(taken, "connection", true)
		for { // until the client closes
			if _, err := p.TryNext(); err != nil {
				return
			}
		}
	})
	c := http2Client(t)
	taken, err := c.Stream(ctx, "GET", "http://"+s.Addr+"/taken")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	var wg sync.WaitGroup
	for name, send := range map[string]func() (*httpx.Response, error){
		"GET":  func() (*httpx.Response, error) { return c.Get(ctx, "http://"+s.Addr) },
		"POST": func() (*httpx.Response, error) { return c.Post(ctx, "http://"+s.Addr, httpx.String("x")) },
		"POST that can be read but once": func() (*httpx.Response, error) {
			return c.Post(ctx, "http://"+s.Addr, httpx.Reader(io.MultiReader(strings.NewReader("x"))))
		},
	} {
		wg.Go(func() {
			resp, err := send()
			if name == "POST that can be read but once" {
				if !errors.Is(err, httpx.ErrUnprocessed) {
					t.Errorf("A18.5 %s: %v", name, err)
				}
			} else if err != nil || resp.Text() != "second" {
				t.Errorf("A18.5 %s: %v %v", name, resp, err)
			}
		})
	}
	wg.Wait()
	if resp, err := c.Get(ctx, "http://"+s.Addr); err != nil || resp.Text() != "second" {
		t.Errorf("a new request while the old connection drains: %v %v", resp, err)
	}
	close(drained)
	if b, err := io.ReadAll(taken.Body); err != nil || string(b) != "first connection" {
		t.Errorf("A18.5 the stream that was taken: %q, %v", b, err)
	}
	if n := conns.Load(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
}

// A server that says GOAWAY as the first thing on a new connection has processed
// nothing, whatever the method: there is another connection.
func TestGoAwayFirst(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		s, conns := http2Drain(t, func(p *peer.H2Script) {
			begin(p)
			p.SendRaw(h2.AppendGoAway(nil, 0, h2.NoError, "restarting"))
			for {
				if _, err := p.TryNext(); err != nil {
					return
				}
			}
		})
		resp, err := http2Client(t).Do(context.Background(), method, "http://"+s.Addr, httpx.String("x"))
		if err != nil || resp.Text() != "second" || conns.Load() != 2 {
			t.Errorf("B5 %s: %v %v, %d connections", method, resp, err, conns.Load())
		}
	}
}

// Where nobody listens, a request fails at once without WithRetry: nothing was sent, and
// it may be repeated. WithRetry waits for whoever comes, and so does a stream of
// events.
func TestListenerComesBack(t *testing.T) {
	ctx := context.Background()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	var servers []*peer.Server
	comeBack := func() {
		ln, err := listenAgain(addr)
		if err != nil {
			t.Error(err)
			return
		}
		servers = append(servers, peer.Serve(t, ln, func(nc net.Conn) {
			p := peer.Over(t, nc)
			r := p.WantHead("", "a request")
			p.Respond("200 OK", "id: 7\ndata: hello\n\n", "Content-Type: text/event-stream", "X-Last: "+r.Get("Last-Event-ID"))
		}))
	}
	_, err = newClient(t).Post(ctx, "http://"+addr)
	var e *httpx.Error
	if !errors.Is(err, httpx.ErrConnect) || !errors.As(err, &e) || e.Sent || !httpx.IsRetryable(err) {
		t.Errorf("B5 without WithRetry: %v", err)
	}
	c := newClient(t, patient(func(a httpx.Attempt) {
		if a.Number == 3 {
			comeBack()
		}
	}))
	for _, method := range []string{"GET", "POST"} {
		resp, err := c.Do(ctx, method, "http://"+addr)
		if err != nil || resp.StatusCode != 200 {
			t.Errorf("B4 %s with WithRetry: %v %v", method, resp, err)
		}
		for _, s := range servers {
			s.Close()
		}
		servers = nil
		c.CloseIdle()
	}
	n, waits := 0, 0
	events := newClient(t, httpx.WithReconnect(httpx.Reconnect{Delay: 1, OnWait: func(error, time.Duration) {
		if waits++; waits == 2 {
			comeBack()
		}
	}}))
	for event, err := range events.Events(ctx, "GET", "http://"+addr) {
		if err != nil || event.Data != "hello" {
			t.Fatalf("B4 a stream of events: %v %v", event, err)
		}
		if n++; n == 3 { // two of which after the server has closed in good order
			break
		}
	}
}
