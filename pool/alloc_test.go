//go:build !race

package pool_test

import (
	"context"
	"testing"

	"gohttpx.dev/pool"
	"gohttpx.dev/wire"
)

// loopConn answers without allocating: what is measured is the pool.
type loopConn struct {
	fakeConn
	body fakeBodyAgain
}

type fakeBodyAgain struct{ c *fakeConn }

func (b *fakeBodyAgain) ReadBody(uint64, []byte) (int, error) { return 0, nil }
func (b *fakeBodyAgain) CloseBody(uint64) error               { b.c.free(); return nil }

func (c *loopConn) RoundTrip(_ context.Context, _ *wire.Request, res *wire.Response) error {
	res.Body = wire.NewBody(&c.body, 1)
	return nil
}

// Part C 3: a request that finds an idle connection costs the pool nothing.
func TestHandOverAllocatesNothing(t *testing.T) {
	for _, slots := range []int{1, 100} {
		p := pool.New(pool.Config{Dial: func(context.Context, pool.Key) (pool.Conn, error) {
			c := &loopConn{fakeConn: fakeConn{limit: slots}}
			c.body.c = &c.fakeConn
			return c, nil
		}})
		var req wire.Request
		var res wire.Response
		ctx, stop := context.WithCancel(context.Background())
		k := key("a")
		once := func() {
			if err := p.RoundTrip(ctx, k, &req, &res); err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
		}
		once()
		if n := testing.AllocsPerRun(1000, once); n != 0 {
			t.Errorf("%d slots: %v allocations, want 0", slots, n)
		}
		stop()
		p.Close()
	}
}
