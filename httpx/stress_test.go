package httpx_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gohttpx.dev/httpx"
)

var (
	stressRequests = flag.Int("stress.n", 50_000, "requests of TestStress")
	stressSeed     = flag.Uint64("stress.seed", 0, "seed of TestStress; 0 draws one")
)

// serveStress is the other process: a net/http server that answers every
// request with its own token, so that an answer to another request is seen. The
// query asks for misbehaviour. It ends when its standard input does.
func serveStress() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(ln.Addr())
	go http.Serve(ln, http.HandlerFunc(answerStress))
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
	case "polite":
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

// startStressServer runs this test binary as the server.
func startStressServer(t *testing.T) (url string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "HTTPX_TEST_SERVER=1")
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
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the server did not say its address: %v", err)
	}
	return "http://" + strings.TrimSpace(addr)
}

// TestStress sends many requests from 256 goroutines, a tenth of which are
// cancelled at a random moment and a twentieth of which the server ends by
// closing. Every request ends in its own answer or in a typed error, and at the
// end the pool and the goroutines are back to the start.
func TestStress(t *testing.T) {
	const workers = 256
	seed := *stressSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	url := startStressServer(t)
	before := runtime.NumGoroutine()
	client, err := httpx.New(httpx.WithLimits(httpx.Limits{MaxConnections: 64, MaxKeepaliveConnections: 32}),
		httpx.WithTimeout(60*time.Second))
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
				if i > int64(*stressRequests) || t.Failed() {
					return
				}
				one := stressRequest{
					client: client, url: url, rnd: rnd,
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
	if n := int64(*stressRequests); ok.Load() < n/2 || canceled.Load() < n/50 || closed.Load() < n/100 {
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
	deadline := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > before && time.Now().Before(deadline) {
		runtime.Gosched()
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines, %d before\n%s", n, before, leaked())
	}
}

// waitForIdle gives dials that outlived their requests time to be parked.
func waitForIdle(c *httpx.Client) httpx.Stats {
	for deadline := time.Now().Add(5 * time.Second); ; runtime.Gosched() {
		s := c.Stats()
		if s.Busy == 0 && s.Dialing == 0 && s.Waiting == 0 || time.Now().After(deadline) {
			return s
		}
	}
}

type stressRequest struct {
	client     *httpx.Client
	url, token string
	rnd        *rand.Rand
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
		closing = []string{"silent", "body", "after", "polite"}[rnd.IntN(4)]
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
			opts = append(opts, httpx.Reader(io.MultiReader(bytes.NewReader(sent)))) // unknown length: chunked
		}
	}
	if rnd.IntN(4) == 0 { // read a little, then close
		resp, err := s.client.Stream(ctx, method, s.url+"/", opts...)
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
	resp, err := s.client.Do(ctx, method, s.url+"/", opts...)
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
	if closing == "body" || closing == "silent" {
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
	case closing == "body" && errors.Is(err, httpx.ErrRemoteProtocol):
		return "closed", nil
	case (closing == "silent" || closing == "body") && errors.Is(err, httpx.ErrNetwork): // a reset, where bytes were unread
		return "closed", nil
	case method == "POST" && errors.Is(err, httpx.ErrServerClosedIdle):
		// The server closed an idle connection under a request that may not
		// be repeated.
		return "closed", nil
	}
	return "", fmt.Errorf("close=%q %s: %w", closing, method, err)
}
