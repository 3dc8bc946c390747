package httpx_test

import (
	"context"
	"net"
	"testing"

	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/peer"
)

// The budgets of a buffered GET of 1 KiB on a warm connection, the engine's
// share included. The race detector allocates on its own account, so that there
// the requests are made but not counted.
func TestAllocationBudget(t *testing.T) {
	answer := append([]byte("HTTP/1.1 200 OK\r\nServer: test\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\n\r\n"), make([]byte, 1024)...)
	s := peer.Listen(t, func(nc net.Conn) {
		buf := make([]byte, 4096)
		for {
			if _, err := nc.Read(buf); err != nil {
				return
			}
			if _, err := nc.Write(answer); err != nil {
				return
			}
		}
	})
	c := newClient(t)
	url := "http://" + s.Addr + "/"
	prepared, err := c.NewRequest("GET", url)
	if err != nil {
		t.Fatal(err)
	}
	cancellable, cancel := context.WithCancel(context.Background())
	defer cancel()
	check := func(resp *httpx.Response, err error) {
		if err != nil || len(resp.Bytes()) != 1024 {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name string
		most float64
		run  func()
	}{
		{"Get", 5, func() { check(c.Get(context.Background(), url)) }},
		{"Get with a cancellable context", 7, func() { check(c.Get(cancellable, url)) }},
		{"Send of a prepared request", 4, func() { check(c.Send(context.Background(), prepared)) }},
		{"Get with two options", 12, func() {
			check(c.Get(context.Background(), url, httpx.WithHeader("X-A", "b"), httpx.WithQuery("k", 1)))
		}},
	} {
		tt.run()
		n := testing.AllocsPerRun(200, tt.run)
		t.Logf("%s: %v allocations", tt.name, n)
		if n > tt.most && !raceEnabled {
			t.Errorf("%s: %v allocations, at most %v are allowed", tt.name, n, tt.most)
		}
	}
}
