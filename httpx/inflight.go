package httpx

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"gohttpx.dev/wire"
)

// WithMaxInFlight bounds the requests that a client, and those derived from it,
// has under way at once. A call counts from its start until its response is over,
// redirects, retries and answers to challenges included: when Do returns, or when
// the body of a stream has been read to its end, has failed or was closed. Further
// calls wait their turn, the oldest first, for as long as the Pool timeout and the
// context permit: the error is ErrPoolTimeout. An Auth or a hook that makes a call
// with the same client needs a turn for it, too.
//
// n must be positive. The default is no bound but that of the pool, whose
// Limits count connections: over HTTP/2 one of them carries many requests.
func WithMaxInFlight(n int) ClientOption {
	return poolOption("WithMaxInFlight", func(c *config) error {
		if n <= 0 {
			return fmt.Errorf("WithMaxInFlight: %d: the bound must be positive", n)
		}
		c.maxInFlight = n
		return nil
	})
}

// inFlight is a semaphore that is fair, can be closed and knows its numbers.
type inFlight struct {
	max int // immutable

	mu      sync.Mutex
	used    int             // guarded by mu; granted and not yet given back
	closed  bool            // guarded by mu
	waiting []*inFlightTurn // guarded by mu; the oldest first
}

// inFlightTurn is one that waits.
type inFlightTurn struct {
	ready   chan struct{} // closed when it has an outcome
	granted bool          // guarded by inFlight.mu; else the client was closed
}

// acquire takes a slot, which release gives back.
func (s *inFlight) acquire(ctx context.Context, limit time.Duration) error {
	if ctx.Err() != nil {
		return wire.Canceled(ctx, wire.PhasePool, false)
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrClientClosed
	}
	if s.used < s.max {
		s.used++
		s.mu.Unlock()
		return nil
	}
	t := &inFlightTurn{ready: make(chan struct{})}
	s.waiting = append(s.waiting, t)
	s.mu.Unlock()

	var expire <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		expire = timer.C
	}
	select {
	case <-t.ready:
		if !t.granted {
			return ErrClientClosed
		}
		return nil
	case <-ctx.Done():
		s.leave(t)
		return wire.Canceled(ctx, wire.PhasePool, false)
	case <-expire:
		used, waiting := s.leave(t)
		return &wire.Error{Phase: wire.PhasePool, Kind: wire.KindTimeout, Err: fmt.Errorf(
			"no turn within %v: WithMaxInFlight is %d; %d in flight, %d waiting; read response bodies to their end or close them, or raise it",
			limit, s.max, used, waiting)}
	}
}

// leave ends a wait that is given up; a slot that has just been granted goes to
// the next. It returns the numbers as they were.
func (s *inFlight) leave(t *inFlightTurn) (used, waiting int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	used, waiting = s.used, len(s.waiting)
	for i, w := range s.waiting {
		if w == t {
			s.waiting = append(s.waiting[:i], s.waiting[i+1:]...)
			return used, waiting
		}
	}
	if t.granted {
		s.releaseLocked()
	}
	return used, waiting
}

func (s *inFlight) release() {
	s.mu.Lock()
	s.releaseLocked()
	s.mu.Unlock()
}

func (s *inFlight) releaseLocked() {
	if len(s.waiting) == 0 {
		s.used--
		return
	}
	t := s.waiting[0]
	s.waiting[0] = nil
	s.waiting = s.waiting[1:]
	t.granted = true
	close(t.ready)
}

// Close ends all waits. Slots that are out may still be given back.
func (s *inFlight) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, t := range s.waiting {
		close(t.ready)
	}
	s.waiting = nil
	return nil
}

// enter waits for a turn of the request's.
func (s *inFlight) enter(ctx context.Context, r *Request, limit time.Duration) error {
	err := s.acquire(ctx, limit)
	if err == nil {
		return nil
	}
	r.content.drop()
	if errors.Is(err, ErrClientClosed) {
		return &Error{Op: "pool", Request: r, Err: ErrClientClosed}
	}
	return wrap(r, nil, err)
}
