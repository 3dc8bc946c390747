package interop

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gohttpx.dev/httpx"
)

// TestReloadUnderLoad has nginx read its configuration anew while requests keep coming
// without a pause. Over HTTP/1.1 the old worker closes each connection after an answer
// or while it idles; over HTTP/2 it lets go of a connection only when nothing runs on
// it, so that one under load stays with it. In neither case may a GET be lost, and no
// WithRetry is needed for that.
func TestReloadUnderLoad(t *testing.T) {
	certFile, roots := certificate(t)
	s := http2Servers[0] // has a master process
	path, err := exec.LookPath(s.bin)
	if err != nil {
		if os.Getenv("INTEROP_REQUIRED") != "" {
			t.Error(err)
		}
		t.Logf("not installed, so not tested: %s", s.name)
		return
	}
	s.bin = path
	r := s.start(t, certFile, strings.TrimPrefix(backend(t).URL, "http://"))
	for _, proto := range []string{"HTTP/1.1", "HTTP/2"} {
		t.Run(proto, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			opt := httpx.WithHTTP2(proto == "HTTP/2")
			c := newClient(t, proto, roots, opt)
			url := r.base("https") + "/static/hello.txt"
			stop := make(chan struct{})
			var answered atomic.Int64
			var load sync.WaitGroup
			for range 16 {
				load.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
						}
						reply, err := c.do(ctx, request{method: "GET", url: url})
						if err := errors.Join(err, reply.want(200, digestOf(helloText))); err != nil {
							t.Error(err)
							return
						}
						answered.Add(1)
					}
				})
			}
			// worker asks on a new connection.
			worker := func() string {
				reply, err := newClient(t, proto, roots, opt).do(ctx, request{method: "GET", url: url})
				if err := errors.Join(err, reply.want(200, digestOf(helloText))); err != nil {
					t.Error(err)
					return fmt.Sprint(err)
				}
				return reply.field("X-Worker")
			}
			for range 5 {
				old := worker()
				if err := r.reread(); err != nil {
					t.Error(err)
					break
				}
				for worker() == old && ctx.Err() == nil && !t.Failed() {
				}
			}
			close(stop)
			load.Wait()
			t.Logf("%d answered over %d connections, %d replays", answered.Load(), c.c.Stats().Dials, c.c.Stats().Replays)
			c.wantNoneInUse(t)
		})
	}
}
