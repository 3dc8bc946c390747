package httpx

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"gohttpx.dev/wire"
)

// Limiter decides when a request may go out. *rate.Limiter of golang.org/x/time
// is one.
type Limiter interface {
	// Wait returns nil when it may, and an error if it may not, or not before
	// ctx ends. It must be safe for concurrent use.
	Wait(ctx context.Context) error
}

// WithLimiter has every request wait for l before it goes out, those of redirects,
// retries and authentication too; repetitions on another connection because the
// first was dead are not asked about. Several limiters are asked one after the
// other. An error of Wait ends the call. The time counts for no timeout but the
// context's deadline.
func WithLimiter(l Limiter) ClientOption {
	return limiterOption(func() (Limiter, error) {
		if l == nil {
			return nil, errors.New("WithLimiter: nil")
		}
		return l, nil
	})
}

// WithRateLimit lets out perSecond requests a second, and after a pause up to
// burst at once, counted as WithLimiter counts them: a token bucket for the client
// and those derived from it. Where the context's deadline is sooner than the turn,
// the error comes at once: ErrRateLimit and ErrTimeout. There is no limit by
// default; a rate or a burst that is not positive is an error of New.
func WithRateLimit(perSecond float64, burst int) ClientOption {
	return limiterOption(func() (Limiter, error) {
		if err := checkRate(perSecond, burst); err != nil {
			return nil, fmt.Errorf("WithRateLimit: %w", err)
		}
		return bucket{rate.NewLimiter(rate.Limit(perSecond), burst)}, nil
	})
}

// WithHostRateLimit is WithRateLimit with a bucket for each host and port.
func WithHostRateLimit(perSecond float64, burst int) ClientOption {
	return limiterOption(func() (Limiter, error) {
		if err := checkRate(perSecond, burst); err != nil {
			return nil, fmt.Errorf("WithHostRateLimit: %w", err)
		}
		return &hostLimiter{rate: rate.Limit(perSecond), burst: burst}, nil
	})
}

// ErrRateLimit: a limiter did not let the request out.
var ErrRateLimit = errors.New("rate limit")

func checkRate(perSecond float64, burst int) error {
	if !(perSecond > 0) || math.IsInf(perSecond, 1) || burst < 1 {
		return fmt.Errorf("%v requests a second with a burst of %d: both must be positive", perSecond, burst)
	}
	return nil
}

// limiterOption adds what make makes: one for each client that is given the
// option.
func limiterOption(make func() (Limiter, error)) ClientOption {
	return clientOption(func(c *config) error {
		l, err := make()
		if err != nil {
			return err
		}
		return c.settings.edit(func(m *more) error { m.limiters = append(m.limiters, l); return nil })
	})
}

// waitForLimiters asks all limiters about a request.
func waitForLimiters(ctx context.Context, r *Request) error {
	for _, l := range r.more.limiters {
		var err error
		if h, ok := l.(*hostLimiter); ok {
			err = h.waitFor(ctx, r.URL.addr)
		} else {
			err = l.Wait(ctx)
		}
		if err == nil {
			continue
		}
		r.content.drop()
		if ctx.Err() != nil {
			err = wire.Canceled(ctx, wire.PhasePool, false)
		}
		return &Error{Op: "limit", Request: r, Err: &limited{err}}
	}
	return nil
}

// limited is an error of a limiter's.
type limited struct{ err error }

func (e *limited) Error() string        { return "rate limit: " + e.err.Error() }
func (e *limited) Unwrap() error        { return e.err }
func (e *limited) Is(target error) bool { return target == ErrRateLimit }

// bucket is a rate.Limiter with a clear word where the deadline is too soon.
type bucket struct{ l *rate.Limiter }

func (b bucket) Wait(ctx context.Context) error {
	turn, wait, err := b.reserve(ctx)
	if err != nil {
		return err
	}
	return await(ctx, turn, wait)
}

// reserve takes a turn that comes before the context's deadline.
func (b bucket) reserve(ctx context.Context) (turn *rate.Reservation, wait time.Duration, err error) {
	if ctx.Err() != nil {
		return nil, 0, ctx.Err()
	}
	now := time.Now()
	turn = b.l.ReserveN(now, 1)
	wait = turn.DelayFrom(now)
	if deadline, ok := ctx.Deadline(); ok && wait > deadline.Sub(now) {
		turn.CancelAt(now)
		return nil, 0, &tooSoon{wait: wait, left: deadline.Sub(now)}
	}
	return turn, wait, nil
}

// await waits for a turn, or gives it back.
func await(ctx context.Context, turn *rate.Reservation, wait time.Duration) error {
	if !sleep(ctx, wait) {
		turn.Cancel()
		return ctx.Err()
	}
	return nil
}

// tooSoon is a deadline before the turn.
type tooSoon struct{ wait, left time.Duration }

func (e *tooSoon) Error() string {
	return fmt.Sprintf("the turn comes in %v, and the context's deadline in %v", e.wait.Round(time.Millisecond), e.left.Round(time.Millisecond))
}

func (e *tooSoon) Is(target error) bool {
	return target == ErrTimeout || target == context.DeadlineExceeded
}

// maxIdleBuckets is how many buckets are kept before those that are full, and so
// as good as new ones, are dropped.
const maxIdleBuckets = 1024

// hostLimiter has a bucket for each host.
type hostLimiter struct {
	rate  rate.Limit
	burst int

	mu    sync.Mutex
	hosts map[string]bucket // guarded by mu
	sweep int               // guarded by mu; look for full buckets at this many
}

// Wait is for a request without a host.
func (h *hostLimiter) Wait(ctx context.Context) error { return h.waitFor(ctx, "") }

func (h *hostLimiter) waitFor(ctx context.Context, addr string) error {
	h.mu.Lock()
	turn, wait, err := h.bucketLocked(addr).reserve(ctx) // before somebody finds the bucket full and drops it
	h.mu.Unlock()
	if err != nil {
		return err
	}
	return await(ctx, turn, wait)
}

func (h *hostLimiter) bucketLocked(addr string) bucket {
	b, ok := h.hosts[addr]
	if ok {
		return b
	}
	if h.hosts == nil {
		h.hosts, h.sweep = map[string]bucket{}, maxIdleBuckets
	}
	if len(h.hosts) >= h.sweep {
		now := time.Now()
		for addr, b := range h.hosts {
			if b.l.TokensAt(now) >= float64(h.burst) {
				delete(h.hosts, addr)
			}
		}
		h.sweep = max(maxIdleBuckets, 2*len(h.hosts))
	}
	b = bucket{rate.NewLimiter(h.rate, h.burst)}
	h.hosts[addr] = b
	return b
}
