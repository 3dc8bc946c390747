package httpx_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/leak"
	"gohttpx.dev/tls"
)

// serveClientStress is the other process of TestStressClient: a server that
// redirects, challenges, fails now and then and streams. It says its URLs over
// HTTP/1.1 and HTTP/2.
func serveClientStress() {
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) { answerToken(w, r) })
	mux.HandleFunc("/redirect/{n}", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		n, _ := strconv.Atoi(r.PathValue("n"))
		to := "/echo"
		if n > 1 {
			to = "/redirect/" + strconv.Itoa(n-1)
		}
		if r.URL.Query().Has("away") && n == 1 {
			to = "http://away.example" + to
		}
		w.Header().Set("Location", to+"?"+r.URL.RawQuery)
		http.SetCookie(w, &http.Cookie{Name: "hop" + strconv.Itoa(n), Value: "1"})
		w.WriteHeader([]int{307, 308}[n%2])
		io.WriteString(w, strings.Repeat("moved ", rand.IntN(2000)))
	})
	mux.HandleFunc("/basic", func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "user" || password != "secret" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		answerToken(w, r)
	})
	var nonces atomic.Int64
	mux.HandleFunc("/digest", func(w http.ResponseWriter, r *http.Request) {
		auth := r.Header.Get("Authorization")
		if !strings.HasPrefix(auth, "Digest ") || rand.IntN(500) == 0 {
			io.Copy(io.Discard, r.Body)
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Digest realm="r", qop="auth", algorithm=SHA-256, nonce="%d", stale=%t`, nonces.Add(1), auth != ""))
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		answerToken(w, r)
	})
	mux.HandleFunc("/flaky", func(w http.ResponseWriter, r *http.Request) {
		switch rand.IntN(10) {
		case 0:
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
		case 1:
			panic(http.ErrAbortHandler)
		default:
			answerToken(w, r)
		}
	})
	mux.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
		token := r.Header.Get("X-Token")
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 100 {
			if _, err := fmt.Fprintf(w, "id: %d\ndata: %s\n\n", i, token); err != nil {
				return
			}
			w.(http.Flusher).Flush()
		}
	})
	for _, h2 := range []bool{false, true} {
		s := httptest.NewUnstartedServer(mux)
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		if s.EnableHTTP2 = h2; h2 {
			s.StartTLS()
		} else {
			s.Start()
		}
		fmt.Print(s.URL, " ")
	}
	fmt.Println()
	io.Copy(io.Discard, os.Stdin)
}

// answerToken answers with the request's token and the length of its content.
func answerToken(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		return
	}
	fmt.Fprintf(w, "%s %d", r.Header.Get("X-Token"), n)
}

// TestStressClient drives what lies above the engines, with random cancels:
// redirects with bodies and cookies, authentication, uploads, retries, streams,
// fan-out. Every call ends in its own answer or in an error that may happen, and
// nothing is left behind.
func TestStressClient(t *testing.T) {
	var h1, h2 string
	runSelf(t, "client", &h1, &h2)
	for name, url := range map[string]string{"HTTP/1.1": h1, "HTTP/2": h2} {
		t.Run(name, func(t *testing.T) { stressClient(t, url, *stressRequests/2) })
	}
}

func stressClient(t *testing.T, url string, operations int) {
	const workers = 64
	seed := *stressSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	before, heapBefore := runtime.NumGoroutine(), heapInUse()
	var opened atomic.Int64 // request bodies that are not closed
	client, err := httpx.New(
		httpx.WithTLS(tls.Options{InsecureSkipVerify: true}),
		httpx.WithConnectTo("away.example:80", strings.TrimPrefix(strings.TrimPrefix(url, "http://"), "https://")),
		httpx.WithLimits(httpx.Limits{MaxConnections: 32, MaxKeepaliveConnections: 16}),
		httpx.WithTimeout(60*time.Second), httpx.WithFollowRedirects(true), httpx.WithRedirectDowngrade(true),
		httpx.OnRequest(func(r *httpx.Request) error { r.Header.Set("X-Hook", "1"); return nil }),
		httpx.OnResponse(func(r *httpx.Response) error { return nil }),
	)
	if err != nil {
		t.Fatal(err)
	}
	s := clientStress{
		client: client, url: url, opened: &opened,
		digest: httpx.DigestAuth("user", "secret"),
		retry:  httpx.WithRetry(httpx.Retry{Attempts: 5, MinWait: time.Nanosecond, Budget: -1}),
	}
	var next, ok, canceled, failed atomic.Int64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(seed, uint64(w)))
			for !t.Failed() {
				i := next.Add(1)
				if i > int64(operations) {
					return
				}
				ctx, cancel := context.WithCancel(context.Background())
				may := rnd.IntN(5) == 0
				stop := func() bool { return true }
				if may {
					stop = time.AfterFunc(time.Duration(rnd.Int64N(int64(5*time.Millisecond))), cancel).Stop
				}
				kind, err := s.one(ctx, rnd, fmt.Sprintf("%d-%d-%d", w, i, rnd.Uint32()))
				stop()
				cancel()
				var e *httpx.Error
				switch {
				case err == nil:
					ok.Add(1)
				case may && errors.Is(err, context.Canceled):
					canceled.Add(1)
				case kind == "flaky" && (errors.As(err, &e) || errors.Is(err, errFlaky)):
					failed.Add(1) // five times in a row, or a stream that was reset
				default:
					t.Errorf("%s, operation %d of worker %d (seed %d): %v", kind, i, w, seed, err)
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d answered, %d cancelled, %d failed", ok.Load(), canceled.Load(), failed.Load())
	if n := int64(operations); ok.Load() < n*7/10 || canceled.Load() < n/100 || failed.Load() > n/40 {
		t.Error("the mixture is not what this test is about")
	}
	if st := waitForIdle(client); st.Busy != 0 || st.Waiting != 0 || st.Dialing != 0 || st.Open != st.Idle {
		t.Errorf("something is left in the pool: %+v", st)
	}
	client.Close()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline) && (opened.Load() > 0 || runtime.NumGoroutine() > before); {
		runtime.Gosched()
	}
	if n := opened.Load(); n != 0 {
		t.Errorf("%d request bodies were not closed", n)
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines, %d before\n%s", n, before, leak.Left())
	}
	s.digest, s.retry, client = nil, nil, nil
	grown := heapInUse() - heapBefore
	for deadline := time.Now().Add(30 * time.Second); grown > 1<<20 && time.Now().Before(deadline); {
		grown = heapInUse() - heapBefore
	}
	t.Logf("the heap has grown by %d bytes", grown)
	if grown > 1<<20 && !raceEnabled {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
}

type clientStress struct {
	client *httpx.Client
	url    string
	opened *atomic.Int64
	digest httpx.Auth
	retry  httpx.Option
}

var errFlaky = errors.New("still 503")

// one is one operation, of the kind that it says.
func (s *clientStress) one(ctx context.Context, rnd *rand.Rand, token string) (kind string, err error) {
	opts := []httpx.RequestOption{httpx.WithHeader("X-Token", token)}
	size := []int{0, 100, 5_000, 70_000}[rnd.IntN(4)]
	body := s.body(size)
	path := "/echo"
	switch kind = []string{"redirect", "away", "basic", "digest", "upload", "multipart", "flaky", "stream", "fan-out"}[rnd.IntN(9)]; kind {
	case "redirect":
		path = "/redirect/" + strconv.Itoa(1+rnd.IntN(4))
	case "away":
		path = "/redirect/2?away"
		if strings.HasPrefix(s.url, "https") {
			path = "/redirect/2" // there is no cleartext server
		}
		opts = append(opts, httpx.WithAuth(httpx.BasicAuth("user", "secret")))
	case "basic":
		path = "/basic"
		opts = append(opts, httpx.WithAuth(httpx.BasicAuth("user", "secret")))
	case "digest":
		path = "/digest"
		opts = append(opts, httpx.WithAuth(s.digest))
	case "multipart":
		var length bytes.Buffer
		form := multipart.NewWriter(&length)
		form.SetBoundary(strings.Repeat("b", 32))
		part, _ := form.CreateFormFile("file", "f.bin")
		part.Write(make([]byte, size))
		form.Close()
		body = httpx.Multipart(httpx.Part{Name: "file", Filename: "f.bin", ContentType: "application/octet-stream", Body: body})
		size = length.Len()
	case "flaky":
		path = "/flaky"
		opts = append(opts, s.retry, httpx.WithHeader("Idempotency-Key", token))
	case "stream":
		return kind, s.stream(ctx, rnd, token)
	case "fan-out":
		return kind, s.fanOut(ctx, rnd, token)
	}
	resp, err := s.client.Post(ctx, s.url+path, append(opts, body)...)
	if err != nil {
		return kind, err
	}
	if kind == "flaky" && resp.StatusCode == http.StatusServiceUnavailable {
		return kind, errFlaky
	}
	if want := fmt.Sprint(token, " ", size); resp.StatusCode != 200 || resp.Text() != want {
		return kind, fmt.Errorf("wrong answer: %d %q, want %q", resp.StatusCode, resp.Text(), want)
	}
	return kind, nil
}

// body is one that notes whether it is open.
func (s *clientStress) body(size int) httpx.Body {
	return httpx.SizedBodyFunc(int64(size), func() (io.ReadCloser, error) {
		s.opened.Add(1)
		return &stressBody{Reader: bytes.NewReader(make([]byte, size)), opened: s.opened}, nil
	})
}

type stressBody struct {
	io.Reader
	opened *atomic.Int64
	closed atomic.Bool
}

func (b *stressBody) Close() error {
	if !b.closed.Swap(true) {
		b.opened.Add(-1)
	}
	return nil
}

// stream reads some of a stream of events and leaves.
func (s *clientStress) stream(ctx context.Context, rnd *rand.Rand, token string) error {
	resp, err := s.client.Stream(ctx, "GET", s.url+"/stream", httpx.WithHeader("X-Token", token))
	if err != nil {
		return err
	}
	defer resp.Close()
	most, n := rnd.IntN(150), 0
	for event, err := range resp.Events() {
		if err != nil {
			return err
		}
		if event.Data != token || event.ID != strconv.Itoa(n) {
			return fmt.Errorf("the stream of another request: %v", event)
		}
		if n++; n > most {
			break
		}
	}
	return nil
}

// fanOut sends a few at once and leaves early, or does not.
func (s *clientStress) fanOut(ctx context.Context, rnd *rand.Rand, token string) error {
	var reqs []*httpx.Request
	for i := range 5 {
		r, err := s.client.NewRequest("PUT", s.url+"/echo", httpx.WithHeader("X-Token", token+"."+strconv.Itoa(i)), s.body(10*i))
		if err != nil {
			return err
		}
		reqs = append(reqs, r)
	}
	check := func(res httpx.Result) error {
		if res.Err != nil {
			return res.Err
		}
		if want := fmt.Sprintf("%s.%d %d", token, res.Index, 10*res.Index); res.Response.Text() != want {
			return fmt.Errorf("wrong answer %q, want %q", res.Response.Text(), want)
		}
		return nil
	}
	if rnd.IntN(2) == 0 {
		for _, res := range s.client.All(ctx, reqs, httpx.Concurrency(3), httpx.FailFast()) {
			if err := check(res); err != nil {
				return err
			}
		}
		return nil
	}
	most, n := rnd.IntN(8), 0
	for res := range s.client.Each(ctx, seqOf(reqs), httpx.Concurrency(3)) {
		if err := check(res); err != nil {
			return err
		}
		if n++; n > most {
			break
		}
	}
	return nil
}
