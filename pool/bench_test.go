package pool_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"gohttpx.dev/pool"
	"gohttpx.dev/wire"
)

// benchConn is the cheapest engine there can be: one atomic for its slot.
type benchConn struct {
	busy atomic.Bool
	hook func()
}

func (c *benchConn) Reserve() bool                        { return c.busy.CompareAndSwap(false, true) }
func (c *benchConn) Release()                             { c.busy.Store(false); c.hook() }
func (c *benchConn) Healthy() bool                        { return true }
func (c *benchConn) OnChange(f func())                    { c.hook = f }
func (c *benchConn) Drain()                               {}
func (c *benchConn) Close() error                         { return nil }
func (c *benchConn) ReadBody(uint64, []byte) (int, error) { return 0, nil }
func (c *benchConn) CloseBody(uint64) error               { c.Release(); return nil }
func (c *benchConn) RoundTrip(_ context.Context, _ *wire.Request, res *wire.Response) error {
	runtime.Gosched() // other requests run while this one is on its way
	res.Body = wire.NewBody(c, 1)
	return nil
}

func (c *benchConn) State() wire.ConnState {
	s := wire.ConnState{Limit: 1}
	if c.busy.Load() {
		s.InFlight = 1
	}
	return s
}

// BenchmarkAcquireRelease is one request through the pool, its connections
// being free of cost; one Gosched each is included.
func BenchmarkAcquireRelease(b *testing.B) {
	for _, n := range []struct{ goroutines, conns int }{{1, 1}, {64, 64}, {256, 256}, {4096, 64}} {
		b.Run(fmt.Sprintf("%d,%d", n.goroutines, n.conns), func(b *testing.B) {
			p := pool.New(pool.Config{
				MaxConnections: n.conns, MaxKeepaliveConnections: -1,
				Dial: func(context.Context, pool.Key) (pool.Conn, error) { return &benchConn{}, nil },
			})
			defer p.Close()
			k := key("a")
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			for range n.goroutines {
				wg.Go(func() {
					req := wire.Request{Timeouts: wire.Timeouts{Pool: wire.Never, Connect: wire.Never}}
					var res wire.Response
					for left.Add(-1) >= 0 {
						if err := p.RoundTrip(context.Background(), k, &req, &res); err != nil {
							b.Error(err)
							return
						}
						res.Body.Close()
					}
				})
			}
			wg.Wait()
		})
	}
}
