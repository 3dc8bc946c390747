package httpx_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gohttpx.dev/h1"
	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/tls"
	"gohttpx.dev/wire"
)

// respond is a server that answers every request of a connection with text.
func respond(t *testing.T, text string) *peer.Server {
	return peer.Listen(t, func(nc net.Conn) {
		p := peer.Over(t, nc)
		for {
			if _, err := nc.Read(make([]byte, 4096)); err != nil {
				return
			}
			if p.TrySend(text) != nil {
				return
			}
		}
	})
}

func TestHTTP1Rows(t *testing.T) {
	ctx := context.Background()
	fetch := func(t *testing.T, text string, opts ...httpx.ClientOption) (*httpx.Response, error) {
		return newClient(t, opts...).Get(ctx, "http://"+respond(t, text).Addr+"/")
	}
	t.Run("A17.1 case and order of fields", func(t *testing.T) {
		resp, err := fetch(t, "HTTP/1.1 200 Fine\r\ncontent-LENGTH: 0\r\nzEBRA: 1\r\nApple: 2\r\n\r\n")
		if err != nil || resp.Reason != "Fine" || fmt.Sprint(resp.Header.Names()) != "[content-LENGTH zEBRA Apple]" {
			t.Errorf("%v %v", resp, err)
		}
	})
	const bareLF = "HTTP/1.1 200 OK\nContent-Length: 0\n\n"
	t.Run("A17.1 strict, with a switch", func(t *testing.T) {
		if _, err := fetch(t, bareLF, httpx.WithHTTP1Rules(h1.Strict)); !errors.Is(err, httpx.ErrRemoteProtocol) {
			t.Errorf("strict: %v", err)
		}
		if resp, err := fetch(t, bareLF, httpx.WithHTTP1Rules(h1.Strict|h1.AllowBareLF)); err != nil || resp.StatusCode != 200 {
			t.Errorf("allowed: %v %v", resp, err)
		}
	})
	t.Run("B27 what was odd is listed", func(t *testing.T) {
		resp, err := fetch(t, bareLF, httpx.WithHTTP1Rules(h1.Strict|h1.AllowBareLF))
		if err != nil || resp.Anomalies()&wire.BareLF == 0 {
			t.Errorf("%v %v", resp, err)
		}
		resp, err = fetch(t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		if err != nil || resp.Anomalies() != 0 {
			t.Errorf("%v %v", resp, err)
		}
	})
	t.Run("A17.2 lengths that contradict", func(t *testing.T) {
		if _, err := fetch(t, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"); !errors.Is(err, httpx.ErrRemoteProtocol) {
			t.Error(err)
		}
		// With chunks a length means nothing, and the connection is not to be trusted
		// (RFC 9112 §6.1).
		s := respond(t, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
		c := newClient(t)
		for range 2 {
			resp, err := c.Get(ctx, "http://"+s.Addr+"/")
			if err != nil {
				if !errors.Is(err, httpx.ErrRemoteProtocol) {
					t.Error(err)
				}
				continue
			}
			if resp.Text() != "hello" || resp.Anomalies() == 0 {
				t.Errorf("%q %v", resp.Text(), resp.Anomalies())
			}
		}
		if n := s.Accepted(); n != 2 {
			t.Errorf("%d connections for two such responses", n)
		}
	})
	t.Run("A17.3 a head has bounds", func(t *testing.T) {
		many := "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + strings.Repeat("A: b\r\n", 200) + "\r\n"
		for name, l := range map[string]httpx.Limits{"bytes": {MaxHeaderBytes: 1000}, "fields": {MaxHeaderFields: 100}} {
			if _, err := fetch(t, many, httpx.WithLimits(l)); !errors.Is(err, httpx.ErrRemoteProtocol) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if resp, err := fetch(t, many); err != nil || resp.Header.Len() != 201 {
			t.Errorf("within the bounds: %v", err)
		}
	})
	t.Run("A17.7 when a connection is kept", func(t *testing.T) {
		for text, kept := range map[string]bool{
			"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok":                      true,
			"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok": false,
			"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok":                      false,
			"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok, and more":            false,
		} {
			s := respond(t, text)
			c := newClient(t)
			for range 2 {
				if resp, err := c.Get(ctx, "http://"+s.Addr+"/"); err != nil || resp.Text() != "ok" {
					t.Errorf("%q: %v %v", text, resp, err)
				}
			}
			if n := s.Accepted(); (n == 1) != kept {
				t.Errorf("%q: %d connections", text, n)
			}
		}
	})
	t.Run("A17.8 one request at a time", func(t *testing.T) {
		s := respond(t, "HTTP/1.1 204 No Content\r\n\r\n")
		c := newClient(t, httpx.WithLimits(httpx.Limits{MaxConnections: 1}))
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if _, err := c.Get(ctx, "http://"+s.Addr+"/"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := s.Accepted(); n != 1 {
			t.Errorf("%d connections", n)
		}
	})
	t.Run("A15.3 one stream's silence is not another's", func(t *testing.T) {
		w := newWeb(t)
		release := make(chan struct{})
		w.page("https://a.example/late", func(rw http.ResponseWriter, r *http.Request) { <-release })
		w.page("https://a.example/never", func(rw http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		if _, err := w.Get(ctx, "https://a.example/"); err != nil { // both will share its connection
			t.Fatal(err)
		}
		late := make(chan error, 1)
		go func() {
			_, err := w.Get(ctx, "https://a.example/late", httpx.WithTimeout(httpx.Never))
			late <- err
		}()
		_, err := w.Get(ctx, "https://a.example/never", httpx.WithTimeouts(httpx.Timeouts{Read: 20 * time.Millisecond}))
		if !errors.Is(err, httpx.ErrReadTimeout) {
			t.Error(err)
		}
		close(release)
		if err := <-late; err != nil || w.Stats().Dials != 1 {
			t.Errorf("the neighbour: %v, %d dials", err, w.Stats().Dials)
		}
	})
}

func TestConnectionRows(t *testing.T) {
	ctx := context.Background()
	t.Run("A20.5 the network transport alone", func(t *testing.T) {
		s := echoServer(t)
		tr, err := httpx.NewTransport(httpx.WithLimits(httpx.Limits{MaxConnections: 1}))
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		for range 2 {
			req, err := httpx.NewRequest("GET", s.URL+"/x")
			if err != nil {
				t.Fatal(err)
			}
			resp, err := tr.RoundTrip(ctx, req)
			if err != nil || resp.StatusCode != 200 {
				t.Fatal(resp, err)
			}
			if err := resp.Buffer(); err != nil {
				t.Error(err)
			}
		}
		if st := tr.Stats(); st.Dials != 1 || st.Idle != 1 || len(tr.Conns()) != 1 {
			t.Errorf("%+v", st)
		}
	})
	t.Run("A20.6 socket control", func(t *testing.T) {
		s := echoServer(t)
		calls := 0
		c := newClient(t, httpx.WithSocketControl(func(_ context.Context, network, addr string, _ syscall.RawConn) error {
			calls++
			if !strings.HasPrefix(network, "tcp") || addr != s.Listener.Addr().String() {
				t.Errorf("%s %s", network, addr)
			}
			return nil
		}))
		if _, err := c.Get(ctx, s.URL); err != nil || calls != 1 {
			t.Errorf("%d calls: %v", calls, err)
		}
		no := errors.New("not this one")
		c = newClient(t, httpx.WithSocketControl(func(context.Context, string, string, syscall.RawConn) error { return no }))
		if _, err := c.Get(ctx, s.URL); !errors.Is(err, no) || !errors.Is(err, httpx.ErrConnect) {
			t.Error(err)
		}
	})
	t.Run("B44 keep-alive probes", func(t *testing.T) {
		s := echoServer(t)
		for _, k := range []net.KeepAliveConfig{{Enable: true, Idle: time.Minute, Interval: time.Second, Count: 3}, {Enable: false}} {
			if _, err := newClient(t, httpx.WithKeepAlive(k)).Get(ctx, s.URL); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("A20.7 connections from memory", func(t *testing.T) {
		c := memClient(t)
		if resp, err := c.Get(ctx, "http://server/"); err != nil || resp.Text() != "ok" {
			t.Errorf("%v %v", resp, err)
		}
	})
	t.Run("B33 a dead address beside a good one", func(t *testing.T) {
		// localhost has two addresses on most machines; the server listens on one.
		s := echoServer(t)
		_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
		resp, err := newClient(t).Get(ctx, "http://localhost:"+port+"/")
		if err != nil || !resp.IsSuccess() {
			t.Errorf("%v %v", resp, err)
		}
	})
	t.Run("A22.1 a hook that refuses", func(t *testing.T) {
		w := newWeb(t)
		no := errors.New("no")
		pr, pw := io.Pipe()
		_, err := w.Post(ctx, "http://a.example/", httpx.Reader(pr), httpx.OnRequest(func(r *httpx.Request) error {
			if r.Header.Get("Authorization") == "" {
				t.Error("without credentials")
			}
			return no
		}), httpx.WithAuth(httpx.BasicAuth("u", "p")))
		if !errors.Is(err, no) || len(w.log()) != 0 {
			t.Error(err)
		}
		if _, err := pw.Write([]byte("x")); err == nil {
			t.Error("the body is still open")
		}
	})
	t.Run("A22.2 a hook sees the head, and may read the content", func(t *testing.T) {
		w := newWeb(t)
		w.page("http://a.example/", func(rw http.ResponseWriter, r *http.Request) { io.WriteString(rw, "hello") })
		var seen string
		resp, err := w.Get(ctx, "http://a.example/", httpx.OnResponse(func(r *httpx.Response) error {
			err := r.Buffer()
			seen = r.Text()
			return err
		}))
		if err != nil || seen != "hello" || resp.Text() != "hello" {
			t.Errorf("%q %v %v", seen, resp, err)
		}
	})
	t.Run("B37 bounded", func(t *testing.T) {
		w := newWeb(t)
		var mu sync.Mutex
		running, most := 0, 0 // guarded by mu
		w.page("http://a.example/", func(rw http.ResponseWriter, r *http.Request) {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			rw.(http.Flusher).Flush()
			mu.Lock()
			running--
			mu.Unlock()
		})
		reqs := make([]*httpx.Request, 50)
		for i := range reqs {
			reqs[i], _ = w.NewRequest("GET", "http://a.example/")
		}
		for i, r := range w.All(ctx, reqs, httpx.Concurrency(3)) {
			if r.Err != nil {
				t.Error(i, r.Err)
			}
		}
		if most > 3 {
			t.Errorf("%d at once", most)
		}
	})
	t.Run("B21 numbers, and as JSON", func(t *testing.T) {
		w := newWeb(t)
		for _, url := range []string{"http://a.example/", "https://b.example/", "https://b.example/"} {
			if _, err := w.Get(ctx, url); err != nil {
				t.Fatal(err)
			}
		}
		st := w.Stats()
		if st.Dials != 2 || st.Reuses != 1 || st.Open != 2 || len(st.Origins) != 2 {
			t.Errorf("%+v", st)
		}
		if b, err := json.Marshal(st); err != nil || !bytes.Contains(b, []byte(`"dials":2`)) { // as expvar.Func would
			t.Errorf("%s %v", b, err)
		}
	})
	t.Run("C17 nothing to close", func(t *testing.T) {
		w := newWeb(t)
		w.page("http://a.example/", func(rw http.ResponseWriter, r *http.Request) { io.WriteString(rw, "{\"a\":1}\n") })
		for range 10 {
			resp, err := w.Get(ctx, "http://a.example/")
			if err != nil {
				t.Fatal(err)
			}
			var v struct{ A int }
			if err := resp.JSON(&v); err != nil || v.A != 1 {
				t.Error(err)
			}
		}
		if d := w.Stats().Dials; d != 1 {
			t.Errorf("%d dials", d)
		}
	})
	for _, n := range []int{10, 25} {
		// Twenty may be idle; how many were busy before does not matter.
		t.Run(fmt.Sprintf("C18 idle connections to one host after %d at once", n), func(t *testing.T) {
			w := newWeb(t)
			hold(t, w, n)
			if idle := w.Stats().Idle; idle != min(n, 20) {
				t.Errorf("%d idle", idle)
			}
		})
	}
	t.Run("D6 after many at once, one connection", func(t *testing.T) {
		w := newWeb(t)
		hold(t, w, 25)
		before := w.Stats().Dials
		for range 5 {
			if _, err := w.Get(ctx, "http://a.example/"); err != nil {
				t.Fatal(err)
			}
		}
		if d := w.Stats().Dials - before; d != 0 {
			t.Errorf("%d dials for five requests with idle connections there", d)
		}
	})
	t.Run("C24 no certificates are read before they are needed", func(t *testing.T) {
		t.Setenv("SSL_CERT_FILE", "/no/such/file")
		if n := testing.AllocsPerRun(1, func() { newClient(t).Close() }); n > 2000 {
			t.Errorf("%v allocations to make a client", n)
		}
	})
	t.Run("C27 a body belongs to its caller once the call is over", func(t *testing.T) {
		w := newWeb(t)
		w.page("http://a.example/", func(rw http.ResponseWriter, r *http.Request) {})
		w.page("https://a.example/", func(rw http.ResponseWriter, r *http.Request) {})
		body := bytes.Repeat([]byte("x"), 1<<20)
		for i := range 40 {
			ctx, cancel := context.WithCancel(ctx)
			if i%2 == 0 {
				go cancel()
			}
			w.Post(ctx, []string{"http://a.example/", "https://a.example/"}[i/2%2], httpx.Bytes(body))
			cancel()
			for j := 0; j < len(body); j += 4096 {
				body[j]++ // a race, if anything still reads it
			}
		}
	})
	t.Run("C35 small content that unpacks to much", func(t *testing.T) {
		var bomb bytes.Buffer
		zw := gzip.NewWriter(&bomb)
		zw.Write(make([]byte, 64<<20))
		zw.Close()
		w := newWeb(t)
		w.page("http://a.example/", func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Encoding", "gzip")
			rw.Write(bomb.Bytes())
		})
		if resp, err := w.Get(ctx, "http://a.example/", httpx.WithMaxResponseBytes(1<<20)); err == nil || !errors.Is(err, httpx.ErrHTTP) {
			t.Errorf("%v %v", resp, err)
		}
	})
	t.Run("D9 gzip cut short", func(t *testing.T) {
		var b bytes.Buffer
		zw := gzip.NewWriter(&b)
		io.WriteString(zw, strings.Repeat("hello ", 1000))
		zw.Close()
		w := newWeb(t)
		w.page("http://a.example/", func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Encoding", "gzip")
			rw.Write(b.Bytes()[:b.Len()-9]) // the trailer and a byte of the data
		})
		if _, err := w.Get(ctx, "http://a.example/"); !errors.Is(err, httpx.ErrDecoding) {
			t.Error(err)
		}
	})
	t.Run("C37 TLS apart from DNS and the network", func(t *testing.T) {
		_, err := newClient(t, httpx.WithTLS(tls.Options{})).Get(ctx, secureEcho(t))
		if !errors.Is(err, httpx.ErrTLS) || !errors.Is(err, httpx.ErrConnect) || errors.Is(err, httpx.ErrDNS) {
			t.Error(err)
		}
	})
	t.Run("D10 a network in NO_PROXY", func(t *testing.T) {
		p := newForwarder(t, "")
		direct := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { io.WriteString(rw, "direct") }))
		defer direct.Close()
		t.Setenv("http_proxy", p.URL)
		t.Setenv("no_proxy", "10.0.0.0/8")
		c := newClient(t, httpx.WithTrustEnv(true), httpx.WithConnectTo("10.1.2.3:80", direct.Listener.Addr().String()))
		for url, want := range map[string]string{"http://10.1.2.3/": "direct", "http://11.1.2.3/": "forwarded "} {
			if resp, err := c.Get(ctx, url); err != nil || resp.Text() != want {
				t.Errorf("%s: %v %v", url, resp, err)
			}
		}
	})
}

// hold has n requests at once with a server, and lets them go together.
func hold(t *testing.T, w *web, n int) {
	t.Helper()
	gate := make(chan struct{})
	w.page("http://a.example/gate", func(rw http.ResponseWriter, r *http.Request) {
		rw.(http.Flusher).Flush()
		<-gate
	})
	held := make([]*httpx.Response, n)
	for i := range held {
		resp, err := w.Stream(t.Context(), "GET", "http://a.example/gate")
		if err != nil {
			t.Fatal(err)
		}
		held[i] = resp
	}
	if busy := w.Stats().Busy; busy != n {
		t.Fatalf("%d busy, want %d", busy, n)
	}
	close(gate)
	for _, resp := range slices.Backward(held) {
		if err := resp.Buffer(); err != nil {
			t.Error(err)
		}
	}
}
