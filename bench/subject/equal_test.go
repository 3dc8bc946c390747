package subject

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gohttpx.dev/bench/server"
)

// counting is a listener that counts the connections it hands out.
type counting struct {
	net.Listener
	n atomic.Int32
}

func (c *counting) Accept() (net.Conn, error) {
	nc, err := c.Listener.Accept()
	if err == nil {
		c.n.Add(1)
	}
	return nc, err
}

// All have the same caps: nobody makes more connections than there are to be, and
// nobody gives one up that another goroutine will want.
func TestCaps(t *testing.T) {
	for _, o := range []Options{
		// All wait for each other, at the server and after it, and are idle together.
		{Conns: 5, Size: 64, Kind: server.KindAll},
		{Conns: 3, Goroutines: 12, Size: 64},
	} {
		for _, s := range Speaking(HTTP1) {
			if !s.Takes(o) {
				continue
			}
			t.Run(fmt.Sprintf("%s/%d goroutines", s.Name, max(o.Conns, o.Goroutines)), func(t *testing.T) {
				l := &counting{Listener: listen(t)}
				go server.Serve(l)
				o.Addr = l.Addr().String()
				c, err := s.Open(o)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				exchanges := make([]Exchange, max(o.Conns, o.Goroutines))
				for i := range exchanges {
					if exchanges[i], err = c.Worker(i); err != nil {
						t.Fatal(err)
					}
				}
				for range 10 {
					var all sync.WaitGroup
					for _, one := range exchanges {
						all.Go(func() {
							if err := one(); err != nil {
								t.Error(err)
							}
						})
					}
					all.Wait()
				}
				if n := l.n.Load(); n > int32(o.Conns) {
					t.Errorf("%d connections, expected %d at most", n, o.Conns)
				}
			})
		}
	}
}

// A server that falls silent is noticed by all but those of whom the table says
// that they have no timeout.
func TestTimeouts(t *testing.T) {
	never := map[string]bool{"nethttp": true, "nethttp-kept": true, "xnet": true}
	for _, proto := range []Proto{HTTP1, HTTP2Cleartext} {
		for _, s := range Speaking(proto) {
			if never[s.Name] || proto != HTTP1 && s.Name == "floor" {
				continue
			}
			t.Run(string(proto)+"/"+s.Name, func(t *testing.T) {
				var asked atomic.Int32
				silent := make(chan struct{})
				h := func(w http.ResponseWriter, r *http.Request) {
					if asked.Add(1) > 1 { // some subjects try a connection
						<-silent
					}
					w.Write([]byte(rightBody(r, 64)))
				}
				addr := addrOf(t, proto, h)
				t.Cleanup(func() { close(silent) }) // before the server is closed
				c, err := s.Open(Options{Proto: proto, Addr: addr, Conns: 1, Size: 64, Timeout: 100 * time.Millisecond})
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				ended := make(chan error, 1)
				go func() { // ends with the timeout, or with the server
					exchange, err := c.Worker(0)
					for err == nil {
						err = exchange()
					}
					ended <- err
				}()
				select {
				case <-ended:
				case <-time.After(Timeout - time.Second):
					t.Error("waits on")
				}
			})
		}
	}
}

// addrOf starts a server of that version.
func addrOf(t *testing.T, proto Proto, h http.HandlerFunc) string {
	t.Helper()
	if proto != HTTP1 {
		return http2Server(t, h)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// Nobody is asked for a coding that it need not decode: net/http at its best.
func TestNoTransparentGzip(t *testing.T) {
	for _, proto := range []Proto{HTTP1, HTTP2Cleartext} {
		for _, s := range Speaking(proto) {
			if s.Ours {
				continue // the default of this library, to its disadvantage
			}
			t.Run(string(proto)+"/"+s.Name, func(t *testing.T) {
				addr := addrOf(t, proto, func(w http.ResponseWriter, r *http.Request) {
					if got := r.Header.Get("Accept-Encoding"); got != "" {
						t.Errorf("Accept-Encoding: %s", got)
					}
					w.Write([]byte(rightBody(r, 64)))
				})
				exchange(t, s, Options{Proto: proto, Addr: addr, Conns: 1, Size: 64})
			})
		}
	}
}

// The other program is called with what was asked for, and what it takes is counted.
func TestH2loadProgram(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // no scripts
	}
	dir := t.TempDir()
	script := `#!/bin/sh
printf '%s' "$*" > ` + dir + `/args
i=0; while [ $i -lt ${FAKE_TURNS:-20000} ]; do i=$((i+1)); done
echo "status codes: ${FAKE_STATUS:-7} 2xx, 0 3xx, 0 4xx, 0 5xx"
echo "traffic: 1KB (1000) total, 70B (70) headers (space savings 90%), 1KB (448) data"
`
	if err := os.WriteFile(filepath.Join(dir, "h2load"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	c, err := h2load.Open(Options{Proto: HTTP2Cleartext, Addr: "127.0.0.1:1", Conns: 5, Size: 64})
	if err != nil {
		t.Fatal(err)
	}
	u, err := c.(Program).Run(7)
	// A system that counts CPU time by the tick may miss a short run.
	for turns := 40_000; err == nil && u.User+u.System <= 0 && turns < 1<<24; turns *= 2 {
		t.Setenv("FAKE_TURNS", strconv.Itoa(turns))
		u, err = c.(Program).Run(7)
	}
	t.Setenv("FAKE_TURNS", "1")
	if err != nil || u.Wall <= 0 || u.User+u.System <= 0 || u.User+u.System > u.Wall+20*time.Millisecond {
		t.Errorf("%v: %+v", err, u)
	}
	args, err := os.ReadFile(filepath.Join(dir, "args"))
	want := "-n 7 -c 1 -t 1 -m 5 http://127.0.0.1:1/64/0000000000000000"
	if err != nil || string(args) != want {
		t.Errorf("%v; called with %q, expected %q", err, args, want)
	}
	t.Setenv("FAKE_STATUS", "6")
	if _, err := c.(Program).Run(7); err == nil {
		t.Error("an answer is missing, unseen")
	}
}
