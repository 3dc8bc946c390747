package pool

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"gohttpx.dev/wire"
)

const (
	// maxDisconnected is how often a request that met a dead connection is
	// repeated: a bound for a server that ends connections as fast as they
	// are made. To it come the connections that the origin has at the first
	// failure: a server that shuts down ends them all, those too that answer
	// others at that moment and come free for us, and each fails us but once. Each
	// repetition needs a connection that had been open before, so that a server
	// which answers nothing at all is asked but once. RFC 9110 §9.2.2 would have
	// a client not repeat a failed repetition; we do, because a connection that
	// was dead says nothing of the request. From the suspect'th on, the idle
	// connections of the origin are closed first: if two were dead, the others
	// likely are too.
	maxDisconnected = 5
	suspect         = 2
	// maxUnprocessed is how often a request is repeated that the peer says it
	// has not looked at. The first two repetitions are at once, for the peer
	// may be one that retires its connections; then it is given time, 10 ms and
	// twice as much each time, give or take a quarter.
	maxUnprocessed = 8
)

// RoundTrip sends req on a connection for k and fills res. It waits for one as
// req.Timeouts and ctx permit, and closes req.Body where it fails before an
// engine has taken the request over. res.Timing.Pool is set.
//
// A request is sent once more, on another connection, if the peer says that it
// was not processed (wire.KindUnprocessed), or if the peer ended a connection
// that had been open before without a byte of response (wire.KindDisconnected)
// and either nothing was sent or the request may be repeated (RFC 9110 §9.2.2;
// RFC 9112 §9.3.1). A body must be such as can be made anew. A new connection that
// is over before it was used (GOAWAY as the first thing said) is replaced, up to four
// times. ctx has the last word.
func (p *Pool) RoundTrip(ctx context.Context, k Key, req *wire.Request, res *wire.Response) error {
	var t turn
	m, err := p.traced(ctx, k, req, &t)
	if err != nil {
		req.CloseBody()
		return err
	}
	if err = m.c.RoundTrip(ctx, req, res); err != nil {
		return p.replay(ctx, k, req, res, &t, m, err)
	}
	res.Timing.Pool = t.poolUsed
	return nil
}

// traced is acquire with its hooks.
func (p *Pool) traced(ctx context.Context, k Key, req *wire.Request, t *turn) (*member, error) {
	tr := req.Trace
	if tr == nil || tr.GetConn == nil && tr.GotConn == nil {
		return p.acquire(ctx, k, req, t)
	}
	var m *member
	returned := false
	defer func() {
		if returned {
			return
		}
		if m != nil { // a hook has panicked
			p.release(m)
		}
		if t.avoid == nil { // else the engine that failed has closed it
			req.CloseBody()
		}
	}()
	if tr.GetConn != nil {
		tr.GetConn(k.Scheme, k.Addr)
	}
	began := time.Now()
	m, err := p.acquire(ctx, k, req, t)
	if err == nil && tr.GotConn != nil {
		tr.GotConn(wire.GotConn{Conn: m.info, Reused: t.reused, Wait: time.Since(began)})
	}
	returned = true
	return m, err
}

// replay repeats the request as long as the rule permits and err calls for it.
// An engine that has failed has closed the request's body.
func (p *Pool) replay(ctx context.Context, k Key, req *wire.Request, res *wire.Response, t *turn, m *member, err error) error {
	sent := false
	disconnected, unprocessed := 0, 0
	others := 0 // connections at the first failure
	for {
		var e *wire.Error
		if !errors.As(err, &e) {
			return err
		}
		sent = sent || e.Sent
		switch {
		case !req.CanRewind():
			return withSent(err, e, sent)
		case e.Kind == wire.KindUnprocessed && unprocessed < maxUnprocessed:
			unprocessed++
		case e.Kind == wire.KindDisconnected && t.old && disconnected < maxDisconnected+others && (!e.Sent || req.CanRepeat()):
			disconnected++
		default:
			return withSent(err, e, sent)
		}
		if ctx.Err() != nil || !pause(ctx, unprocessed-2) {
			return wire.Canceled(ctx, e.Phase, sent) // but for that it would be repeated
		}
		if open := p.noteReplay(m, disconnected >= suspect); disconnected == 1 && others == 0 {
			others = open
		}

		t.avoid = m
		next, aerr := p.traced(ctx, k, req, t)
		if aerr != nil {
			return p.unsent(aerr, sent)
		}
		m = next
		again := *req // the caller's is not ours to change
		if req.Body != nil {
			if again.Body, aerr = req.Rewind(); aerr != nil {
				p.release(m)
				return p.unsent(&wire.Error{Phase: wire.PhaseWrite, Kind: wire.KindRequestBody, Err: aerr}, sent)
			}
		}
		if err = m.c.RoundTrip(ctx, &again, res); err == nil {
			res.Timing.Pool = t.poolUsed
			return nil
		}
	}
}

// pause waits before the n-th repetition that is not at once, for 10 ms at first.
// It reports false if the context ended.
func pause(ctx context.Context, n int) bool {
	if n <= 0 {
		return true
	}
	d := 10 * time.Millisecond << (n - 1)
	t := time.NewTimer(d*3/4 + rand.N(d/2))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// noteReplay counts a replay, and returns how many connections the origin has. If
// closeIdle, those of them that idle are closed.
func (p *Pool) noteReplay(m *member, closeIdle bool) (open int) {
	p.mu.Lock()
	open = m.o.open
	o := m.o
	o.count.Replays++
	if closeIdle {
		for n := o.avail.head; n != nil; {
			m := n.v
			n = n.next
			if p.idle.has(&m.idle) {
				o.count.Stale++
				p.doomLocked(m)
			}
		}
	}
	p.unlock()
	return open
}

// unsent is err, which speaks of the last attempt, with the truth about all of
// them.
func (p *Pool) unsent(err error, sent bool) error {
	var e *wire.Error
	if !errors.As(err, &e) {
		return err
	}
	return withSent(err, e, sent)
}

func withSent(err error, e *wire.Error, sent bool) error {
	if !sent || e.Sent {
		return err
	}
	c := *e
	c.Sent = true
	return &c
}

// Preconnect sees to it that n requests for k can start at once: it dials what
// is missing and parks it, where MaxKeepaliveConnections and KeepaliveExpiry apply. n exchange
// slots must fit into the limits at once, or the wait ends with a pool timeout.
// Only t.Pool and t.Connect matter.
func (p *Pool) Preconnect(ctx context.Context, k Key, n int, t wire.Timeouts) error {
	n = max(n, 0)
	var (
		wg   sync.WaitGroup
		got  = make([]*member, n)
		errs = make([]error, n)
		req  = wire.Request{Timeouts: t}
	)
	for i := range n {
		// Ends with its wait, which ctx, t and Close bound; waited for below.
		wg.Go(func() {
			var t turn
			got[i], errs[i] = p.acquire(ctx, k, &req, &t)
		})
	}
	wg.Wait()
	for _, m := range got {
		if m != nil {
			p.release(m)
		}
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
