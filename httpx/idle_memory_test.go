package httpx_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"gohttpx.dev/httpx"
	"gohttpx.dev/tls"
)

// idleConns is how many connections wait in TestIdleConnectionMemory.
const idleConns = 500

// serveIdle answers when idleConns requests wait, all of them: so many connections
// are open then. It prints the URLs of a plain and a TLS server.
func serveIdle() {
	var mu sync.Mutex
	waiting, open := 0, make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		all := open
		if waiting++; waiting == idleConns {
			waiting, open = 0, make(chan struct{})
			close(all)
		}
		mu.Unlock()
		<-all
		io.WriteString(w, "hello")
	})
	plain, secure := httptest.NewServer(h), httptest.NewTLSServer(h)
	fmt.Println(plain.URL, secure.URL)
	io.Copy(io.Discard, os.Stdin)
}

// The budgets of a connection that waits after one small response, everything that
// the client and the runtime keep for it included: the socket, the engine, the
// pool's share, over TLS what crypto/tls keeps. They are what is reached, with a
// tenth to spare: 500 connections share what a pool and the runtime keep once, for
// which 10,000 need a sixth less each. Over TLS 6 KiB are crypto/tls's own (two
// AEADs with their tables, its Conn, and the two buffers that the server's
// certificate went through, which it never gives back); the aim is lower
// (bench/report/aims.go).
func TestIdleConnectionMemory(t *testing.T) {
	// The pools of the runtime have a place for each processor: with a hundred of them
	// that is half as much again for each of so few connections.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(min(runtime.GOMAXPROCS(0), 4)))
	var plain, secure string
	runSelf(t, "idle", &plain, &secure)
	trusted := httptest.NewTLSServer(nil) // shows the same certificate
	trusted.Close()
	roots := x509.NewCertPool()
	roots.AddCert(trusted.Certificate())
	for _, tt := range []struct {
		name, url string
		most      int64 // bytes each
	}{{"plain", plain, 1280}, {"TLS", secure, 8 << 10}} {
		t.Run(tt.name, func(t *testing.T) {
			c := newClient(t,
				httpx.WithHTTP2(false),
				httpx.WithTimeout(time.Minute),
				httpx.WithTLS(tls.Options{RootCAs: roots}),
				httpx.WithLimits(httpx.Limits{MaxConnections: idleConns, MaxKeepaliveConnections: idleConns, KeepaliveExpiry: time.Hour}))
			// The runtime keeps what it has made for goroutines for ever, so that
			// as many as will run at once, and the dials', run before.
			open := make(chan struct{})
			atOnce(3*idleConns, func() { <-open }, func() { close(open) })
			// The certificate's buffers are the larger the more of it came at once,
			// as on a busy machine, which is not so every time.
			each := tt.most + 1
			for tries := 0; each > tt.most && tries < 5; tries++ {
				c.CloseIdle()
				before := liveHeap()
				atOnce(idleConns, func() {
					resp, err := c.Get(context.Background(), tt.url)
					if err != nil || resp.Text() != "hello" {
						t.Error(resp, err)
					}
				}, nil)
				after := liveHeap()
				if n := len(c.Conns()); n != idleConns {
					t.Fatalf("%d connections are open, expected %d", n, idleConns)
				}
				each = (after - before) / idleConns
				t.Logf("%d bytes per idle connection", each)
			}
			if each > tt.most && !raceEnabled {
				t.Errorf("%d bytes per idle connection, at most %d are allowed", each, tt.most)
			}
		})
	}
}

// atOnce runs f in n goroutines and waits for them; then, if set, is called when
// all have been started.
func atOnce(n int, f, then func()) {
	var all sync.WaitGroup
	for range n {
		all.Go(f)
	}
	if then != nil {
		then()
	}
	all.Wait()
}

// liveHeap is the bytes that are live. The second collection empties what
// sync.Pool keeps of the first.
func liveHeap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
