package pool_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/pool"
	"gohttpx.dev/wire"
)

// A16.11: Close fails those who wait, cancels the dials, closes what is open.
func TestClose(t *testing.T) {
	world(t, pool.Config{MaxConnections: 3}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		n.before = hole("hole")
		busy := hold(t, p, key("a"), 2)
		dialing := start(p, key("hole"), wire.Timeouts{})
		waits(t, dialing)
		queued := start(p, key("b"), wire.Timeouts{})
		waits(t, queued)
		if err := p.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		for _, c := range []*call{dialing, queued, start(p, key("a"), wire.Timeouts{})} {
			if e := failed(t, c, wire.ErrClosed); e.Kind != wire.KindClosed || e.Phase != wire.PhasePool || e.Sent {
				t.Errorf("%+v", e)
			}
		}
		for i := range 2 {
			if n.conn(i).State().Phase != wire.ConnClosed || n.conn(i).closes != 1 {
				t.Errorf("connection %d: %v, Close called %d times", i+1, n.conn(i).State().Phase, n.conn(i).closes)
			}
		}
		if _, dials, _ := n.now(); dials != 0 {
			t.Errorf("%d dials go on", dials)
		}
		if err := p.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
		p.CloseIdle()
		endAll(busy) // late ends do no harm
	})
}

// A dial that does not look at its context may succeed after Close: nobody
// waits for it, and its connection is closed.
func TestCloseDoesNotWaitForDials(t *testing.T) {
	world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		let := make(chan struct{})
		n.before = func(context.Context, pool.Key, int) error { <-let; return nil }
		c := start(p, key("a"), wire.Timeouts{})
		waits(t, c)
		p.Close()
		failed(t, c, wire.ErrClosed)
		close(let)
		synctest.Wait()
		if open, _, _ := n.now(); open != 0 {
			t.Error("the late connection is open")
		}
	})
}

// B48: Shutdown lets what runs and what waits finish.
func TestShutdown(t *testing.T) {
	world(t, pool.Config{MaxConnections: 2}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		n.limit = func(k pool.Key) int { return map[pool.Key]int{key("a"): 1, key("b"): 9}[k] }
		busy := append(hold(t, p, key("a"), 1), hold(t, p, key("b"), 1)...)
		queued := start(p, key("a"), wire.Timeouts{Pool: wire.Never})
		waits(t, queued)
		done := make(chan error, 1)
		go func() { done <- p.Shutdown(context.Background()) }()
		synctest.Wait()
		failed(t, start(p, key("a"), wire.Timeouts{}), wire.ErrClosed)
		time.Sleep(time.Hour)
		endAll(busy)
		granted(t, queued)
		if len(done) > 0 {
			t.Fatal("Shutdown has returned before the last exchange")
		}
		if open, _, _ := n.now(); open != 1 {
			t.Errorf("%d open, want the one in use", open)
		}
		queued.end()
		synctest.Wait()
		if err := <-done; err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if err := p.Shutdown(context.Background()); err != nil {
			t.Errorf("second Shutdown: %v", err)
		}
	})
}

// A dial that is abandoned after Shutdown has begun is nothing to wait for.
func TestShutdownCancelsDialsAbandonedLater(t *testing.T) {
	world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		n.before = slowly(time.Hour, nil)
		c := start(p, key("a"), wire.Timeouts{Connect: wire.Never})
		waits(t, c)
		done, began := make(chan error, 1), time.Now()
		go func() { done <- p.Shutdown(context.Background()) }()
		synctest.Wait()
		c.stop()
		if err := <-done; err != nil || time.Since(began) != 0 {
			t.Errorf("Shutdown: %v after %v", err, time.Since(began))
		}
	})
}

// A request that met a dead connection is in flight: its second attempt is no
// new request.
func TestShutdownLetsAReplayFinish(t *testing.T) {
	world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		busy := hold(t, p, key("b"), 1)
		get(t, p, n, key("a"))
		done := make(chan error, 1)
		n.conn(1).serve = func(context.Context, *wire.Request) error {
			go func() { done <- p.Shutdown(context.Background()) }()
			time.Sleep(time.Second) // Shutdown has begun
			return disconnected(true)
		}
		again := start(p, key("a"), wire.Timeouts{})
		time.Sleep(2 * time.Second)
		granted(t, again)
		again.end()
		endAll(busy)
		if err := <-done; err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
}

func TestShutdownEndsWithItsContext(t *testing.T) {
	world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		busy := hold(t, p, key("a"), 1)
		ctx, stop := context.WithTimeout(context.Background(), time.Second)
		defer stop()
		if err := p.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Shutdown: %v", err)
		}
		if n.conn(0).State().Phase != wire.ConnClosed {
			t.Error("the busy connection is open")
		}
		endAll(busy)
	})
}

// Where nothing runs there is nothing to cut off, and no error to tell.
func TestShutdownOfAnIdlePoolWithAnEndedContext(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	for range 50 {
		world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
			get(t, p, n, key("a"))
			if err := p.Shutdown(ctx); err != nil {
				t.Errorf("Shutdown: %v", err)
			}
		})
	}
}

func TestShutdownOfAnIdlePool(t *testing.T) {
	world(t, pool.Config{}, func(t *testing.T, p *pool.Pool, n *fakeNet) {
		n.before = slowly(time.Hour, nil)
		c := start(p, key("a"), wire.Timeouts{Connect: wire.Never})
		waits(t, c)
		c.stop()
		synctest.Wait()
		if err := p.Shutdown(context.Background()); err != nil { // cancels the abandoned dial
			t.Errorf("Shutdown: %v", err)
		}
	})
}
