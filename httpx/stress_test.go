package httpx_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/leak"
	"gohttpx.dev/tls"
)

var (
	stressRequests = flag.Int("stress.n", 50_000, "requests of TestStress")
	stressSeed     = flag.Uint64("stress.seed", 0, "seed of TestStress; 0 draws one")
)

// connKey is where the server's requests have their connection.
type connKey struct{}

// serveStress is the other process: net/http servers that answer every request
// with its own token, so that an answer to another request is seen. The query
// asks for misbehaviour. It says the URLs of HTTP/1.1, HTTP/2 over TLS and HTTP/2
// in cleartext, and ends when its standard input does.
func serveStress() {
	for _, protocol := range []string{"h1", "h2", "h2c"} {
		s := httptest.NewUnstartedServer(http.HandlerFunc(answerStress))
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.Config.ConnContext = func(ctx context.Context, nc net.Conn) context.Context { return context.WithValue(ctx, connKey{}, nc) }
		switch protocol {
		case "h1":
			s.Start()
		case "h2":
			s.EnableHTTP2 = true
			s.StartTLS()
		case "h2c":
			s.Config.Protocols = new(http.Protocols)
			s.Config.Protocols.SetUnencryptedHTTP2(true)
			s.Start()
		}
		fmt.Print(s.URL, " ")
	}
	fmt.Println()
	io.Copy(io.Discard, os.Stdin)
}

func answerStress(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	token := r.Header.Get("X-Token")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	size, _ := strconv.Atoi(q.Get("size"))
	w.Header().Set("X-Token", token)
	switch q.Get("close") {
	case "silent": // not a byte of a response
		hijackAndClose(w, "")
		return
	case "body": // in the middle of the body
		hijackAndClose(w, "HTTP/1.1 200 OK\r\nX-Token: "+token+"\r\nContent-Length: 1000\r\n\r\nshort")
		return
	case "after": // a whole response, then the connection without a word
		hijackAndClose(w, "HTTP/1.1 200 OK\r\nX-Token: "+token+"\r\nContent-Length: "+strconv.Itoa(len(token))+"\r\n\r\n"+token)
		return
	case "drop": // the whole connection of HTTP/2
		r.Context().Value(connKey{}).(net.Conn).Close()
		return
	case "abort": // one stream of it, in the middle of the body
		io.WriteString(w, token)
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	case "polite": // with a word of warning: Connection: close, or GOAWAY
		w.Header().Set("Connection", "close")
	}
	if q.Has("chunked") {
		w.(http.Flusher).Flush()
	}
	// The answer is the token, the request body and filler made of the token.
	io.WriteString(w, token)
	w.Write(body)
	for n := 0; n < size; n += len(token) {
		io.WriteString(w, token)
	}
}

func hijackAndClose(w http.ResponseWriter, say string) {
	nc, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	io.WriteString(nc, say)
	nc.Close()
}

// startStressServer runs this test binary as the server and returns its URLs.
func startStressServer(t *testing.T) (h1, h2, h2c string) {
	t.Helper()
	runSelf(t, "stress", &h1, &h2, &h2c)
	return h1, h2, h2c
}

// runSelf runs this test binary as the server that TestMain knows by this name,
// until the test ends, and reads the URLs that it says.
func runSelf(t *testing.T, server string, urls ...any) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "HTTPX_TEST_SERVER="+server)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	if n, err := fmt.Fscan(out, urls...); err != nil {
		t.Fatalf("the server said %d of its URLs: %v", n, err)
	}
}

// stressMode is what a run of the stress test is about.
type stressMode struct {
	url      string
	options  []httpx.ClientOption
	misdeeds []string // of the server, each with the same share of a twentieth
	// rare are those that hit every request which shares the connection: one
	// in 1,000.
	rare []string
}

// TestStress sends many requests from 256 goroutines, a tenth of which are
// cancelled at a random moment and a twentieth of which the server ends by
// closing. Every request ends in its own answer or in a typed error, and at the
// end the pool and the goroutines are back to the start.
func TestStress(t *testing.T) {
	url, _, _ := startStressServer(t)
	stress(t, *stressRequests, stressMode{url: url, misdeeds: []string{"silent", "body", "after", "polite"}})
}

// The same over HTTP/2, where a cancelled request must not harm those beside it
// and a GOAWAY loses none.
func TestStressHTTP2(t *testing.T) {
	_, url, _ := startStressServer(t)
	stress(t, *stressRequests/2, stressMode{url: url, misdeeds: []string{"abort"}, rare: []string{"polite"}, options: []httpx.ClientOption{
		httpx.WithHTTP2(true), httpx.WithTLS(tls.Options{InsecureSkipVerify: true}),
	}})
}

// The same in cleartext, with connections that are lost.
func TestStressHTTP2Cleartext(t *testing.T) {
	_, _, url := startStressServer(t)
	stress(t, *stressRequests/2, stressMode{url: url, misdeeds: []string{"abort"}, rare: []string{"polite", "drop"}, options: []httpx.ClientOption{
		httpx.WithHTTP2(true), httpx.WithHTTP1(false),
	}})
}

func stress(t *testing.T, requests int, mode stressMode) {
	const workers = 256
	seed := *stressSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	before, heapBefore := runtime.NumGoroutine(), heapInUse()
	client, err := httpx.New(append(mode.options, httpx.WithLimits(httpx.Limits{MaxConnections: 64, MaxKeepaliveConnections: 32}),
		httpx.WithTimeout(60*time.Second))...)
	if err != nil {
		t.Fatal(err)
	}
	var next, ok, canceled, closed, drained atomic.Int64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(seed, uint64(w)))
			for {
				i := next.Add(1)
				if i > int64(requests) || t.Failed() {
					return
				}
				one := stressRequest{
					mode: mode, client: client, rnd: rnd,
					token: fmt.Sprintf("%d-%d-%d.", w, i, rnd.Uint32()),
				}
				switch result, err := one.run(); {
				case err != nil:
					t.Errorf("request %d of worker %d (seed %d): %v", i, w, seed, err)
				case result == "ok":
					ok.Add(1)
				case result == "canceled":
					canceled.Add(1)
				case result == "drained":
					drained.Add(1)
				default:
					closed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d whole answers, %d closed early by us, %d cancelled, %d ended by the server", ok.Load(), drained.Load(), canceled.Load(), closed.Load())
	if n := int64(requests); ok.Load()+drained.Load() < n/2 || canceled.Load() < n/50 || closed.Load() < n/100 {
		t.Error("the mixture is not what this test is about")
	}
	s := waitForIdle(client)
	if s.Busy != 0 || s.Waiting != 0 || s.Dialing != 0 || s.Open != s.Idle || s.Open > 64 {
		t.Errorf("something is left in the pool: %+v", s)
	}
	client.Close()
	if s := client.Stats(); s.Open != 0 {
		t.Errorf("open after Close: %+v", s)
	}
	deadline := time.Now().Add(30 * time.Second)
	for runtime.NumGoroutine() > before && time.Now().Before(deadline) {
		runtime.Gosched()
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines, %d before\n%s", n, before, leak.Left())
	}
	grown := heapInUse() - heapBefore
	for deadline := time.Now().Add(30 * time.Second); grown > 1<<20 && time.Now().Before(deadline); {
		grown = heapInUse() - heapBefore
	}
	t.Logf("the heap has grown by %d bytes", grown)
	if grown > 1<<20 && !raceEnabled {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
}

// heapInUse is what is left after two collections, which empty the pools of
// buffers.
func heapInUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// waitForIdle gives dials that outlived their requests time to be parked.
func waitForIdle(c *httpx.Client) httpx.Stats {
	for deadline := time.Now().Add(30 * time.Second); ; runtime.Gosched() {
		s := c.Stats()
		if s.Busy == 0 && s.Dialing == 0 && s.Waiting == 0 || time.Now().After(deadline) {
			return s
		}
	}
}

type stressRequest struct {
	mode   stressMode
	client *httpx.Client
	token  string
	rnd    *rand.Rand
	once   bool // the body cannot be sent a second time
}

// run sends one request and says how it ended: "ok", "drained", "canceled" or
// "closed". The error is a broken promise.
func (s *stressRequest) run() (string, error) {
	rnd := s.rnd
	ctx := context.Background()
	mayCancel := rnd.IntN(10) == 0
	if mayCancel {
		c, cancel := context.WithCancel(ctx)
		ctx = c
		defer cancel()
		defer time.AfterFunc(time.Duration(rnd.Int64N(int64(3*time.Millisecond))), cancel).Stop()
	}
	size := []int{0, 0, 100, 5_000, 70_000}[rnd.IntN(5)]
	opts := []httpx.RequestOption{httpx.WithHeader("X-Token", s.token), httpx.WithQuery("size", size)}
	if rnd.IntN(3) == 0 {
		opts = append(opts, httpx.WithQuery("chunked", 1))
	}
	closing := ""
	if rnd.IntN(20) == 0 {
		closing = s.mode.misdeeds[rnd.IntN(len(s.mode.misdeeds))]
	} else if len(s.mode.rare) > 0 && rnd.IntN(1000) == 0 {
		closing = s.mode.rare[rnd.IntN(len(s.mode.rare))]
	}
	if closing != "" {
		opts = append(opts, httpx.WithQuery("close", closing))
	}
	method := "GET"
	var sent []byte
	if rnd.IntN(3) == 0 {
		method = "POST"
		sent = bytes.Repeat([]byte{byte('a' + rnd.IntN(26))}, []int{1, 1000, 40_000}[rnd.IntN(3)])
		if rnd.IntN(2) == 0 {
			opts = append(opts, httpx.Bytes(sent))
		} else {
			s.once = true
			opts = append(opts, httpx.Reader(io.MultiReader(bytes.NewReader(sent)))) // unknown length: chunked
		}
	}
	if rnd.IntN(4) == 0 { // read a little, then close
		resp, err := s.client.Stream(ctx, method, s.mode.url+"/", opts...)
		if err != nil {
			return s.failed(err, ctx, mayCancel, closing, method)
		}
		p := make([]byte, len(s.token))
		_, err = io.ReadFull(resp.Body, p)
		resp.Close()
		if resp.Header.Get("X-Token") != s.token {
			return "", fmt.Errorf("answered with the head of another request: %q", resp.Header.Get("X-Token"))
		}
		if err != nil {
			return s.failed(err, ctx, mayCancel, closing, method)
		}
		if closing != "body" && string(p) != s.token {
			return "", fmt.Errorf("answered with the body of another request: %q", p)
		}
		return "drained", nil
	}
	resp, err := s.client.Do(ctx, method, s.mode.url+"/", opts...)
	if err != nil {
		return s.failed(err, ctx, mayCancel, closing, method)
	}
	want := []byte(s.token)
	if closing != "after" {
		want = append(want, sent...)
		for n := 0; n < size; n += len(s.token) {
			want = append(want, s.token...)
		}
	}
	if resp.StatusCode != 200 || resp.Header.Get("X-Token") != s.token || !slices.Equal(resp.Bytes(), want) {
		return "", fmt.Errorf("wrong answer: status %d, token %q, %d bytes of %d", resp.StatusCode, resp.Header.Get("X-Token"), len(resp.Bytes()), len(want))
	}
	if closing == "body" || closing == "silent" || closing == "abort" || closing == "drop" {
		return "", fmt.Errorf("the server closed (%s), yet there was an answer", closing)
	}
	if closing != "" {
		return "closed", nil
	}
	return "ok", nil
}

// failed checks that the error is one that may happen to this request.
func (s *stressRequest) failed(err error, ctx context.Context, mayCancel bool, closing, method string) (string, error) {
	var e *httpx.Error
	switch {
	case !errors.As(err, &e):
		return "", fmt.Errorf("not an *httpx.Error: %w", err)
	case mayCancel && errors.Is(err, context.Canceled):
		return "canceled", nil
	case closing == "silent" && errors.Is(err, httpx.ErrServerClosedIdle):
		return "closed", nil
	case (closing == "body" || closing == "abort") && errors.Is(err, httpx.ErrRemoteProtocol):
		return "closed", nil
	case (closing == "silent" || closing == "body") && errors.Is(err, httpx.ErrNetwork): // a reset, where bytes were unread
		return "closed", nil
	case slices.Contains(s.mode.rare, "drop") && (errors.Is(err, httpx.ErrNetwork) || errors.Is(err, httpx.ErrRemoteProtocol)):
		return "closed", nil
	case s.once && errors.Is(err, httpx.ErrUnprocessed): // GOAWAY came first
		return "closed", nil
	case method == "POST" && errors.Is(err, httpx.ErrServerClosedIdle):
		// The server closed an idle connection under a request that may not
		// be repeated.
		return "closed", nil
	}
	return "", fmt.Errorf("close=%q %s: %w", closing, method, err)
}
