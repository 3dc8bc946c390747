package pool_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"

	"gohttpx.dev/h1"
	"gohttpx.dev/pool"
	"gohttpx.dev/wire"
)

// The heart of a load generator: workers that share a bounded number of connections,
// and use request and response again, so that next to nothing is allocated.
func ExamplePool_RoundTrip() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }))
	defer server.Close()

	p := pool.New(pool.Config{
		MaxConnections: 2,
		Dial: func(ctx context.Context, k pool.Key) (pool.Conn, error) {
			nc, err := new(net.Dialer).DialContext(ctx, "tcp", k.Addr)
			if err != nil {
				return nil, err
			}
			return h1.NewConn(nc, h1.Config{}), nil
		},
	})
	defer p.Close()

	key := pool.Key{Scheme: "http", Addr: server.Listener.Addr().String()}
	var received atomic.Int64
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			req := wire.Request{Method: "GET", Scheme: key.Scheme, Authority: key.Addr, Target: "/"}
			var res wire.Response
			for range 25 {
				res.Reset()
				if err := p.RoundTrip(context.Background(), key, &req, &res); err != nil {
					log.Fatal(err)
				}
				n, err := io.Copy(io.Discard, res.Body)
				if err != nil {
					log.Fatal(err)
				}
				received.Add(n)
			}
		})
	}
	workers.Wait()
	s := p.Stats()
	fmt.Println(received.Load(), "bytes,", s.Dials <= 2, s.Dials+s.Reuses)
	// Output: 500 bytes, true 100
}
