package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gohttpx.dev/httpx"
)

// What is promised to requests that meet a server which goes:
//
// Without WithRetry, a request that the server cannot have processed (nothing of it
// was sent on a connection that had been open before; it has a number above GOAWAY's
// last; its new connection was over before it was used) goes out on another
// connection, whatever its method. So does an idempotent one, or one with an
// Idempotency-Key, whose reused connection ends without a byte of the answer. All else
// fails: a connection that is refused, a new one that ends unanswered, an answer that
// is cut short. IsRetryable says of an idempotent one that it may be repeated. None is
// carried out twice that must not be.
//
// With WithRetry none of the idempotent is lost, as long as the attempts outlast the
// restart.

// patient is a WithRetry that outlasts any restart of these tests.
func patient(on func(httpx.Attempt)) httpx.ClientOption {
	return httpx.WithRetry(httpx.Retry{Attempts: 1000, MinWait: time.Millisecond, MaxWait: 20 * time.Millisecond, Budget: -1, IdempotencyKey: true, OnRetry: on})
}

// generation is one server of several that follow one another at an address.
type generation struct {
	*http.Server
	served chan error
}

// restarts is that address, and what its servers did.
type restarts struct {
	protocol string // "h1" or "h2c"
	addr     string

	mu    sync.Mutex
	done  map[string]int // guarded by mu; POSTs without a key, by id
	twice int            // guarded by mu
}

func (r *restarts) options() []httpx.ClientOption {
	opts := []httpx.ClientOption{httpx.WithTimeout(time.Minute), httpx.WithTrustEnv(false)}
	if r.protocol == "h2c" {
		opts = append(opts, httpx.WithHTTP1(false))
	}
	return opts
}

// serve starts the next generation.
func (r *restarts) serve(ln net.Listener) *generation {
	g := &generation{Server: &http.Server{Handler: r, ErrorLog: log.New(io.Discard, "", 0), Protocols: new(http.Protocols)}, served: make(chan error, 1)}
	g.Protocols.SetHTTP1(r.protocol == "h1")
	g.Protocols.SetUnencryptedHTTP2(r.protocol == "h2c")
	go func() { g.served <- g.Serve(ln) }() // ends with Shutdown or Close, which wait for it
	return g
}

// listenAgain listens where there was a listener before. For a moment the system may
// have given the port to a connection of another program: tests of other packages
// run at the same time.
func listenAgain(addr string) (ln net.Listener, err error) {
	for end := time.Now().Add(time.Minute); ; runtime.Gosched() {
		if ln, err = net.Listen("tcp", addr); err == nil || time.Now().After(end) {
			return ln, err
		}
	}
}

// ServeHTTP answers in pieces, so that answers are under way at any time.
func (r *restarts) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	id := req.URL.Query().Get("id")
	body, err := io.ReadAll(req.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if req.Method == "POST" && req.Header.Get("Idempotency-Key") == "" {
		r.mu.Lock()
		if r.done[id]++; r.done[id] == 2 {
			r.twice++
		}
		r.mu.Unlock()
	}
	for range 20 {
		fmt.Fprintf(w, "%s %d,", id, len(body))
		w.(http.Flusher).Flush()
		runtime.Gosched()
	}
}

// load keeps sending until stop is closed, and gives what failed to lost. It
// returns how many were answered.
func (r *restarts) load(t *testing.T, c *httpx.Client, stop <-chan struct{}, lost func(method string, err error)) int64 {
	var answered atomic.Int64
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				method := []string{"GET", "PUT", "POST"}[n%3]
				id := fmt.Sprintf("%d-%d", w, n)
				opts := []httpx.RequestOption{httpx.WithQuery("id", id)}
				size := 0
				if method != "GET" {
					size = 1000
					opts = append(opts, httpx.Bytes(make([]byte, size)))
				}
				resp, err := c.Do(context.Background(), method, "http://"+r.addr, opts...)
				if err != nil {
					lost(method, err)
					continue
				}
				if want := strings.Repeat(fmt.Sprintf("%s %d,", id, size), 20); resp.StatusCode != 200 || resp.Text() != want {
					t.Errorf("%s: %d %q, want %q", method, resp.StatusCode, resp.Text(), want)
				}
				answered.Add(1)
			}
		})
	}
	wg.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.twice > 0 {
		t.Errorf("%d requests that must not be repeated were carried out twice", r.twice)
	}
	return answered.Load()
}

// eachProtocol runs f for both, without and with WithRetry.
func eachProtocol(t *testing.T, f func(t *testing.T, r *restarts, retries bool)) {
	for _, protocol := range []string{"h1", "h2c"} {
		for _, retries := range []bool{false, true} {
			name := fmt.Sprintf("B5 %s without WithRetry", protocol)
			if retries {
				name = fmt.Sprintf("B4 %s with WithRetry", protocol)
			}
			t.Run(name, func(t *testing.T) { f(t, &restarts{protocol: protocol, done: map[string]int{}}, retries) })
		}
	}
}

// handover is a listening socket that outlives its servers, as a graceful reload
// keeps it.
type handover struct {
	net.Listener
	conns chan net.Conn
	over  chan struct{}
}

func newHandover(t *testing.T) *handover {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &handover{ln, make(chan net.Conn), make(chan struct{})}
	done := make(chan struct{})
	// Ends when the listener is closed; the end of the test waits for it.
	go func() {
		defer close(done)
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			select {
			case h.conns <- nc:
			case <-h.over:
				nc.Close()
			}
		}
	}()
	t.Cleanup(func() { close(h.over); ln.Close(); <-done })
	return h
}

// front is one server's share of the socket.
func (h *handover) front() net.Listener { return &front{h: h, closed: make(chan struct{})} }

type front struct {
	h      *handover
	once   sync.Once
	closed chan struct{}
}

func (f *front) Accept() (net.Conn, error) {
	select {
	case nc := <-f.h.conns:
		return nc, nil
	case <-f.closed:
		return nil, net.ErrClosed
	}
}

func (f *front) Close() error   { f.once.Do(func() { close(f.closed) }); return nil }
func (f *front) Addr() net.Addr { return f.h.Addr() }

// A graceful reload: a new server takes the socket over, the old one lets what runs
// finish, and closes what idles as the next request may be on its way.
func TestGracefulReload(t *testing.T) {
	eachProtocol(t, func(t *testing.T, r *restarts, retries bool) {
		h := newHandover(t)
		r.addr = h.Addr().String()
		g := r.serve(h.front())
		opts := r.options()
		if retries {
			opts = append(opts, patient(nil))
		}
		c := newClient(t, opts...)
		stop := make(chan struct{})
		var reloaded sync.WaitGroup
		reloaded.Go(func() {
			defer close(stop)
			for range 10 {
				old := g
				g = r.serve(h.front())
				if err := old.Shutdown(context.Background()); err != nil {
					t.Error(err)
				}
				<-old.served
				served(t, c, r) // the new one has answered
			}
		})
		var dropped atomic.Int64
		n := r.load(t, c, stop, func(method string, err error) {
			var e *httpx.Error
			// HTTP/1.1 has no way to say that a request was not looked at, and this
			// server drops the first one of a new connection too, if it is
			// told to end in the midst of its head.
			if r.protocol == "h1" && !retries && errors.Is(err, httpx.ErrServerClosedIdle) && errors.As(err, &e) && e.Sent &&
				(method == "POST" || !e.Conn.Reused && httpx.IsRetryable(err)) {
				dropped.Add(1)
				return
			}
			t.Errorf("%s was lost: %v", method, err)
		})
		reloaded.Wait()
		t.Logf("%d answered, %d dropped by the server, %d replays", n, dropped.Load(), c.Stats().Replays)
		g.Shutdown(context.Background())
		<-g.served
	})
}

// served sends a request whose answer shows that the server is up.
func served(t *testing.T, c *httpx.Client, r *restarts) {
	if _, err := c.Get(context.Background(), "http://"+r.addr, httpx.WithQuery("id", "up")); err != nil {
		t.Errorf("after a reload: %v", err)
	}
}

// A restart: the socket is closed, for a while nobody listens, and then another
// server does. With a drain what runs is finished, without it is cut.
func TestRestart(t *testing.T) {
	for _, drain := range []bool{true, false} {
		t.Run(fmt.Sprintf("drain %v", drain), func(t *testing.T) {
			eachProtocol(t, func(t *testing.T, r *restarts, retries bool) { restart(t, r, drain, retries) })
		})
	}
}

func restart(t *testing.T, r *restarts, drain, retries bool) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.addr = ln.Addr().String()
	g := r.serve(ln)
	refused := make(chan struct{}, 1) // a connection was refused: the gap is seen
	note := func(err error) {
		if errors.Is(err, httpx.ErrConnect) {
			select {
			case refused <- struct{}{}:
			default:
			}
		}
	}
	opts := r.options()
	if retries {
		opts = append(opts, patient(func(a httpx.Attempt) { note(a.Err) }))
	}
	c := newClient(t, opts...)
	stop := make(chan struct{})
	var restarted sync.WaitGroup
	restarted.Go(func() {
		defer close(stop)
		for range 4 {
			for up := false; !up; { // a refused one may still be on its way here
				_, err := c.Get(context.Background(), "http://"+r.addr, httpx.WithQuery("id", "up"))
				up = err == nil
			}
			select {
			case <-refused:
			default:
			}
			if drain {
				g.Shutdown(context.Background())
			} else {
				g.Close()
			}
			<-g.served
			<-refused
			ln, err := listenAgain(r.addr)
			if err != nil {
				t.Error(err)
				return
			}
			g = r.serve(ln)
		}
	})
	var lost atomic.Int64
	n := r.load(t, c, stop, func(method string, err error) {
		note(err)
		lost.Add(1)
		var e *httpx.Error
		switch {
		case retries:
			t.Errorf("%s was lost: %v", method, err)
		case !errors.As(err, &e):
			t.Errorf("%s: not an *httpx.Error: %v", method, err)
		case httpx.IsRetryable(err) != (method != "POST" || !e.Sent || errors.Is(err, httpx.ErrUnprocessed)):
			t.Errorf("%s: IsRetryable says %v of %v", method, httpx.IsRetryable(err), err)
		case drain && e.Op == "body":
			t.Errorf("%s was cut, though the server let it finish: %v", method, err)
		}
	})
	restarted.Wait()
	t.Logf("%d answered, %d lost, %d replays", n, lost.Load(), c.Stats().Replays)
	g.Close()
	<-g.served
}
