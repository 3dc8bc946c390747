package httpx_test

import (
	"context"
	"net"
	"runtime"
	"testing"
	"time"

	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/faults"
	"gohttpx.dev/internal/peer"
)

// TestCutSocketsAtEveryByte does over TCP what the others do in memory: a FIN and a
// RST of the kernel's, and a pool that looks at its sockets.
func TestCutSocketsAtEveryByte(t *testing.T) {
	for _, x := range append(cutH1(), cutH2()...) {
		t.Run(x.name, func(t *testing.T) {
			server := peer.Listen(t, func(nc net.Conn) { x.serve(x, nc) })
			for _, f := range []cutFault{cutFIN, cutRST} {
				t.Run(f.String(), func(t *testing.T) {
					for n := range cutOffsets(0, len(x.all)) {
						if x.cutSocketAt(t, server.Addr, n, f); t.Failed() {
							return
						}
					}
				})
			}
		})
	}
}

func (x *cutExchange) cutSocketAt(t *testing.T, addr string, n int, f cutFault) {
	in := faults.New(faults.Only(0, x.plan(n, f, cutStreamed, nil)))
	defer in.Close()
	near, err := in.Proxy(addr)
	if err != nil {
		t.Fatal(err)
	}
	var d net.Dialer
	c := x.client(t, func(ctx context.Context, network, _ string) (net.Conn, error) {
		return d.DialContext(ctx, network, near)
	}, httpx.WithTimeout(time.Minute))
	defer c.Close()
	want := x.expect(n, f)
	got, err := x.fetch(c, cutStreamed)
	e := x.judge(got, err, want, cutStreamed)
	// Other systems may drop what a reset finds unread: then it is as if less had
	// come.
	for m := n - 1; e != nil && m >= 0 && f == cutRST && runtime.GOOS != "linux"; m-- {
		want = x.expect(m, f)
		e = x.judge(got, err, want, cutStreamed)
	}
	if e != nil {
		t.Errorf("%v after %d of %d bytes: %v", f, n, len(x.all), e)
	}
	if s := waitForIdle(c).Counts; s.Busy != 0 || s.Streams != 0 || s.Waiting != 0 || want.is != nil && s.Open != 0 {
		t.Errorf("%v after %d bytes: something is left in the pool: %+v", f, n, s)
	}
	if resp, err := c.Get(context.Background(), x.url); err != nil || resp.Text() != x.want {
		t.Errorf("%v after %d bytes: the next request fails: %v", f, n, err)
	}
	if s := c.Stats(); want.is != nil && (s.Dials != 2 || s.Reuses != 0 || s.Replays != 0) {
		t.Errorf("%v after %d bytes: the connection has served again: %+v", f, n, s.Counts)
	}
}
