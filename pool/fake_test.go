package pool_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"gohttpx.dev/pool"
	"gohttpx.dev/wire"
)

// fakeConn is a pool.Conn without a socket. Limit 1 makes it an HTTP/1.1
// connection, more an HTTP/2 one: its hook is silent on the way from some free
// slots to more, as the contract says.
type fakeConn struct {
	key  pool.Key
	id   int
	info wire.ConnInfo

	mu       sync.Mutex
	hook     func()
	phase    wire.ConnPhase
	inFlight int
	limit    int
	h1       bool // a failed exchange is its end
	served   int
	linger   time.Duration                                    // how long Close takes
	sick     bool                                             // Healthy says no
	serve    func(ctx context.Context, r *wire.Request) error // nil: answer at once
	onClose  func(*fakeConn)                                  // once, before the hook, under mu
	closes   int                                              // calls of Close
	reserves int                                              // all that succeeded
}

func (c *fakeConn) Reserve() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != wire.ConnOpen || c.inFlight >= c.limit {
		return false
	}
	c.inFlight++
	c.reserves++
	return true
}

// free ends an exchange.
func (c *fakeConn) free() { c.giveBack(true) }

// Release gives a reservation back and says nothing: the pool knows.
func (c *fakeConn) Release() { c.giveBack(false) }

func (c *fakeConn) giveBack(tell bool) {
	c.mu.Lock()
	full := c.inFlight >= c.limit
	c.inFlight--
	if c.inFlight < 0 {
		panic("a slot was freed twice")
	}
	tell = tell && (full || c.inFlight == 0)
	if c.phase == wire.ConnDraining && c.inFlight == 0 {
		c.mu.Unlock()
		c.end()
		return
	}
	c.mu.Unlock()
	if tell {
		c.hook()
	}
}

// fakeBody ends the exchange when it is closed.
type fakeBody struct {
	c    *fakeConn
	once sync.Once
}

func (b *fakeBody) ReadBody(uint64, []byte) (int, error) { return 0, nil }
func (b *fakeBody) CloseBody(uint64) error {
	b.once.Do(b.c.free)
	return nil
}

func (c *fakeConn) RoundTrip(ctx context.Context, req *wire.Request, res *wire.Response) error {
	defer req.CloseBody()
	if c.serve != nil {
		if err := c.serve(ctx, req); err != nil {
			if c.h1 {
				c.end() // a half-done exchange is the end of an h1 connection
			}
			c.free()
			return err
		}
	}
	if ctx.Err() != nil {
		if c.h1 {
			c.end()
		}
		c.free()
		return wire.Canceled(ctx, wire.PhaseHead, true)
	}
	c.mu.Lock()
	c.served++
	c.mu.Unlock()
	res.Status = 200
	res.Conn = &c.info
	res.Body = wire.NewBody(&fakeBody{c: c}, 1)
	return nil
}

func (c *fakeConn) State() wire.ConnState {
	c.mu.Lock()
	defer c.mu.Unlock()
	return wire.ConnState{Proto: wire.HTTP11, Phase: c.phase, InFlight: c.inFlight, Limit: c.limit}
}

func (c *fakeConn) Healthy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.sick && c.phase == wire.ConnOpen
}

func (c *fakeConn) OnChange(f func())    { c.hook = f }
func (c *fakeConn) Info() *wire.ConnInfo { return &c.info }

func (c *fakeConn) Drain() {
	c.mu.Lock()
	if c.phase == wire.ConnOpen {
		c.phase = wire.ConnDraining
	}
	idle := c.inFlight == 0
	c.mu.Unlock()
	if idle {
		c.end()
	} else {
		c.hook()
	}
}

func (c *fakeConn) Close() error {
	time.Sleep(c.linger) // in a bubble only
	c.mu.Lock()
	c.closes++
	c.mu.Unlock()
	c.end()
	return nil
}

// end closes, whoever wanted it. Nobody sees that it is closed, or returns from
// closing it, before the books have it: the pool may have another one then.
func (c *fakeConn) end() {
	c.mu.Lock()
	if c.phase == wire.ConnClosed {
		c.mu.Unlock()
		return
	}
	if c.onClose != nil {
		c.onClose(c)
	}
	c.phase = wire.ConnClosed
	c.mu.Unlock()
	c.hook()
}

// setLimit is a SETTINGS frame.
func (c *fakeConn) setLimit(n int) {
	c.mu.Lock()
	full := c.inFlight >= c.limit
	c.limit = n
	now := c.inFlight >= c.limit
	c.mu.Unlock()
	if full && !now {
		c.hook()
	}
}

// fakeNet is the world behind a pool: it makes fakeConns and knows which are open.
type fakeNet struct {
	mu     sync.Mutex
	conns  []*fakeConn
	byInfo map[*wire.ConnInfo]*fakeConn
	open   map[pool.Key]int
	total  int
	most   int                                                // of total plus dials in flight
	dials  int                                                // in flight
	began  int                                                // ever
	limit  func(k pool.Key) int                               // nil: 1
	before func(ctx context.Context, k pool.Key, n int) error // the dial itself; n counts from 1
	made   func(c *fakeConn)                                  // nil: nothing
}

func (f *fakeNet) dial(ctx context.Context, k pool.Key) (pool.Conn, error) {
	f.mu.Lock()
	f.dials++
	f.began++
	n := f.began
	f.most = max(f.most, f.total+f.dials)
	if f.open == nil {
		f.open = map[pool.Key]int{}
	}
	f.mu.Unlock()
	var err error
	if f.before != nil {
		err = f.before(ctx, k, n)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dials--
	if err != nil {
		return nil, err
	}
	c := &fakeConn{key: k, id: len(f.conns) + 1, limit: 1}
	if f.limit != nil {
		c.limit = f.limit(k)
	}
	c.h1 = c.limit == 1
	c.onClose = func(c *fakeConn) {
		f.mu.Lock()
		f.total--
		f.open[k]--
		f.mu.Unlock()
	}
	f.total++
	f.open[k]++
	f.conns = append(f.conns, c)
	if f.byInfo == nil {
		f.byInfo = map[*wire.ConnInfo]*fakeConn{}
	}
	f.byInfo[&c.info] = c
	if f.made != nil {
		f.made(c)
	}
	return c, nil
}

func (f *fakeNet) now() (open, dials, began int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.total, f.dials, f.began
}

func (f *fakeNet) conn(i int) *fakeConn {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.conns[i]
}

func key(host string) pool.Key { return pool.Key{Scheme: "https", Addr: host + ":443"} }

// call is one request that runs on a goroutine of its own.
type call struct {
	res  wire.Response
	req  wire.Request
	err  error
	done chan struct{}
	stop context.CancelFunc
}

func start(p *pool.Pool, k pool.Key, t wire.Timeouts) *call {
	return startReq(p, k, wire.Request{Timeouts: t})
}

func startReq(p *pool.Pool, k pool.Key, req wire.Request) *call {
	ctx, stop := context.WithCancel(context.Background())
	c := &call{req: req, done: make(chan struct{}), stop: stop}
	go func() {
		defer close(c.done)
		c.err = p.RoundTrip(ctx, k, &c.req, &c.res)
	}()
	return c
}

func (c *call) over() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// end reads the response body to its end.
func (c *call) end() { c.res.Body.Close() }

// get is one whole exchange; it returns the number of its connection.
func get(t *testing.T, p *pool.Pool, f *fakeNet, k pool.Key) *fakeConn {
	t.Helper()
	var res wire.Response
	if err := p.RoundTrip(context.Background(), k, &wire.Request{}, &res); err != nil {
		t.Fatalf("RoundTrip: %v", err)
	}
	defer res.Body.Close()
	return connOf(f, &res)
}

func connOf(f *fakeNet, res *wire.Response) *fakeConn {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.byInfo[res.Conn]
}
