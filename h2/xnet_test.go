package h2_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"gohttpx.dev/h2"
	"gohttpx.dev/wire"
)

// xnet starts the HTTP/2 server of golang.org/x/net on loopback, in cleartext,
// and returns a connection to it.
func xnet(t testing.TB, cfg h2.Config, handler http.HandlerFunc) *h2.Conn {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	// Ends with the connection, which the end of the test closes.
	wg.Go(func() {
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		(&http2.Server{MaxConcurrentStreams: 1000}).ServeConn(nc, &http2.ServeConnOpts{Handler: handler})
	})
	nc, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c, err := h2.NewConn(context.Background(), nc, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		ln.Close()
		wg.Wait()
	})
	return c
}

// exchange makes one and returns the content.
func exchange(c *h2.Conn, req *wire.Request, res *wire.Response) (string, error) {
	if req.Timeouts == (wire.Timeouts{}) {
		// What hangs, hangs for longer; a busy machine does not take as long.
		req.Timeouts = wire.Timeouts{Read: time.Minute, Write: time.Minute}
	}
	if err := c.RoundTrip(context.Background(), req, res); err != nil {
		return "", err
	}
	b, err := io.ReadAll(res.Body)
	res.Body.Close()
	return string(b), err
}

// pattern is endless content that shows misplaced bytes.
type pattern struct{ n int64 }

func (p *pattern) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(p.n>>16 ^ p.n>>8 ^ p.n)
		p.n++
	}
	return len(b), nil
}

const hundredMiB = 100 << 20

func TestXNetLarge(t *testing.T) {
	size := int64(hundredMiB)
	if raceEnabled {
		size = 8 << 20
	}
	h := sha256.New()
	io.CopyN(h, new(pattern), size)
	want := h.Sum(nil)

	c := xnet(t, h2.Config{}, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			h := sha256.New()
			n, err := io.Copy(h, r.Body)
			fmt.Fprintf(w, "%d %x %v", n, h.Sum(nil), err)
			return
		}
		w.Header().Set("Trailer", "X-Sum")
		io.CopyN(w, new(pattern), size)
		w.Header().Set("X-Sum", "sum")
	})

	var res wire.Response
	if err := c.RoundTrip(context.Background(), get("/down"), &res); err != nil {
		t.Fatal(err)
	}
	h = sha256.New()
	n, err := io.Copy(h, res.Body)
	if err != nil || n != size || string(h.Sum(nil)) != string(want) {
		t.Errorf("down: %d bytes, error %v", n, err)
	}
	if res.Trailers.Get("x-sum") != "sum" {
		t.Errorf("trailers %v", res.Trailers)
	}

	for _, length := range []int64{size, -1} {
		res = wire.Response{}
		body, err := exchange(c, post("/up", io.NopCloser(io.LimitReader(new(pattern), size)), length), &res)
		if w := fmt.Sprintf("%d %x <nil>", size, want); err != nil || body != w {
			t.Errorf("up, length %d: got %q, error %v; want %q", length, body, err, w)
		}
	}
	if st := c.State(); st.InFlight != 0 {
		t.Errorf("%d exchanges in flight", st.InFlight)
	}
}

func TestXNetConcurrent(t *testing.T) {
	c := xnet(t, h2.Config{}, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Path", r.URL.Path)
		fmt.Fprintf(w, "%s %s", r.URL.Path, b)
	})
	var res wire.Response
	if _, err := exchange(c, get("/first"), &res); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 1000 {
		wg.Go(func() {
			for j := range 3 {
				path := "/" + strconv.Itoa(i) + "/" + strconv.Itoa(j)
				req, want := get(path), path+" "
				if i%3 == 1 {
					req, want = post(path, text("body "+path), int64(len("body "+path))), path+" body "+path
				} else if i%3 == 2 {
					long := strings.Repeat(path, 5000)
					req, want = post(path, io.NopCloser(strings.NewReader(long)), -1), path+" "+long
				}
				var res wire.Response
				body, err := exchange(c, req, &res)
				if err != nil || body != want || res.Fields.Get("x-path") != path {
					t.Errorf("%s: %d bytes, error %v", path, len(body), err)
				}
			}
		})
	}
	wg.Wait()
	if st := c.State(); st.InFlight != 0 || st.Phase != wire.ConnOpen {
		t.Errorf("got %+v", st)
	}
}

// Over TLS, against the server of net/http.
func TestTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %d", r.Proto, r.URL.Path, len(b))
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	cfg := s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	cfg.NextProtos, cfg.ServerName = []string{"h2"}, "example.com"
	nc, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	tc := tls.Client(nc, cfg)
	c, err := h2.NewConn(t.Context(), tc, h2.Config{RawConn: nc})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			for range 10 {
				var res wire.Response
				n := i * 10000
				body, err := exchange(c, post("/tls", io.NopCloser(io.LimitReader(new(pattern), int64(n))), int64(n)), &res)
				if want := fmt.Sprintf("HTTP/2.0 /tls %d", n); err != nil || body != want {
					t.Errorf("got %q, %v; want %q", body, err, want)
				}
			}
		})
	}
	wg.Wait()
}
