package httpx

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	mathrand "math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"gohttpx.dev/wire"
)

// Retry says which requests are sent again after a failure, when and how often.
// The zero value of each field is its default. A request is repeated only if its
// body can be made anew.
//
// This is apart from the repetition on another connection that every client does
// for a request which the server cannot have processed; see the package comment.
type Retry struct {
	// Attempts is the most times a request is sent, the first included. The
	// default is 3; 1 repeats nothing.
	Attempts int
	// Methods are those that may be repeated although the server may have
	// processed them. nil is the idempotent ones (RFC 9110 §9.2.2), and every
	// method if the request has an Idempotency-Key. A request of another method
	// is repeated only when nothing of it was sent or the server said that it
	// did not look at it.
	Methods []string
	// Statuses are those to be repeated. nil is 429, 502, 503 and 504; empty
	// but not nil is none.
	Statuses []int
	// If, where set, is asked about an outcome that would otherwise be given to
	// the caller or repeated: again is what the fields above say, resp or err
	// the outcome. Its answer holds, but for the limits and the body.
	If func(req *Request, resp *Response, err error, again bool) bool
	// MinWait and MaxWait bound the waits: the n-th is random between 0 and
	// MinWait × 2^(n-1), but no more than MaxWait (full jitter). The defaults
	// are 500 ms and 30 s. A Retry-After of the server's (RFC 9110 §10.2.3), in
	// seconds or as a date, takes the wait's place.
	MinWait, MaxWait time.Duration
	// MaxRetryAfter is the longest Retry-After that is waited for; after a
	// longer one the response is the caller's. The default is a minute.
	MaxRetryAfter time.Duration
	// MaxTime bounds all attempts and waits together: none is begun that would
	// start later. The default is none but the context's deadline.
	MaxTime time.Duration
	// Budget is how many repetitions there may be for each request, on
	// average over all that share the option, so that a server which is down is
	// not asked several times as often as one that is up. Ten are free. The
	// default is 0.2; negative is no budget.
	Budget float64
	// IdempotencyKey gives requests of methods that are not idempotent an
	// Idempotency-Key of 128 random bits, the same for all attempts, unless
	// they have one.
	IdempotencyKey bool
	// OnRetry, where set, is told before each wait.
	OnRetry func(Attempt)
}

// Attempt is what Retry.OnRetry is told.
type Attempt struct {
	// Request is the request as it was sent.
	Request *Request
	// Number is that of the attempt that failed, from 1.
	Number int
	// Response is what came, its body unread; nil if Err is set.
	Response *Response
	Err      error
	// Wait is how long it will be until the next.
	Wait time.Duration
}

// WithRetry repeats requests that fail. A request's takes the place of the
// client's. The budget belongs to the option: make it once.
func WithRetry(r Retry) Option {
	rt := &retrier{Retry: r, tokens: freeRetries}
	err := rt.setDefaults()
	return moreOption(func(m *more) error {
		m.retry = rt
		return err
	})
}

// NoRetry sends a request once, whatever the client says.
func NoRetry() Option {
	return moreOption(func(m *more) error { m.retry = nil; return nil })
}

// freeRetries is what a budget begins with, and the most that it saves.
const freeRetries = 10

// retrier is a Retry with its budget.
type retrier struct {
	Retry

	mu     sync.Mutex
	tokens float64 // guarded by mu; a repetition costs one
}

func (r *retrier) setDefaults() error {
	if r.Attempts < 0 || r.MinWait < 0 || r.MaxWait < 0 || r.MaxRetryAfter < 0 || r.MaxTime < 0 || math.IsNaN(r.Budget) {
		return errors.New("WithRetry: a negative number")
	}
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&r.MinWait, 500*time.Millisecond)
	def(&r.MaxWait, 30*time.Second)
	def(&r.MaxRetryAfter, time.Minute)
	if r.Attempts == 0 {
		r.Attempts = 3
	}
	if r.Statuses == nil {
		r.Statuses = []int{429, 502, 503, 504}
	}
	if r.Budget == 0 {
		r.Budget = 0.2
	}
	return nil
}

// attempts sends req until the outcome is one to be kept.
func (x *exchange) attempts(ctx context.Context, req *Request) (*Response, error) {
	r := req.more.retryOf(x.more)
	if r == nil {
		return x.attempt(ctx, req)
	}
	if r.IdempotencyKey && !req.canRepeat() {
		req = req.Clone()
		req.Header.Set("Idempotency-Key", newKey())
	}
	r.earn()
	watched := r.If != nil || r.OnRetry != nil || slices.ContainsFunc(x.more.traces, func(t *Trace) bool { return t.Retry != nil })
	began := time.Now()
	for n := 1; ; n++ {
		resp, err := x.attempt(ctx, req)
		buffer := func() {
			if err == nil && !x.stream && !resp.handedOver() && !x.willFollow(resp) {
				// A body that breaks off is a failed attempt too. What FailOnStatus
				// says is of the last response, and not asked here.
				if err = resp.Buffer(); err != nil {
					resp = nil
				}
			}
		}
		// The body of a response that the status alone makes one to be repeated is
		// nobody's: it is neither kept nor decoded, unless somebody may look at it.
		if err == nil && (watched || !slices.Contains(r.Statuses, resp.StatusCode)) {
			buffer()
		}
		wait, again := r.again(ctx, req, resp, err, n, time.Since(began))
		if !again {
			buffer()
			return resp, countAttempts(err, n)
		}
		a := Attempt{Request: req, Number: n, Response: resp, Err: err, Wait: wait}
		if resp != nil {
			a.Request = resp.Request
		}
		if r.OnRetry != nil {
			r.OnRetry(a)
		}
		for _, t := range x.more.traces {
			if t.Retry != nil {
				t.Retry(a)
			}
		}
		if resp != nil {
			resp.Close()
		}
		if !sleep(ctx, wait) {
			return nil, countAttempts(&Error{Op: "retry", Request: req, Sent: true, Err: wire.Canceled(ctx, wire.PhasePool, true)}, n)
		}
	}
}

func (m *more) retryOf(call *more) *retrier {
	if m != nil {
		return m.retry
	}
	return call.retry
}

// willFollow reports a redirect whose body nobody will want.
func (x *exchange) willFollow(resp *Response) bool { return x.more.follow && resp.isRedirect() }

// again decides on the outcome of the n-th attempt.
func (r *retrier) again(ctx context.Context, req *Request, resp *Response, err error, n int, spent time.Duration) (wait time.Duration, again bool) {
	if ctx.Err() != nil || !req.canResend() {
		return 0, false
	}
	if err != nil {
		again = r.failed(req, err)
	} else {
		again = slices.Contains(r.Statuses, resp.StatusCode) && r.mayRepeat(req)
	}
	if r.If != nil {
		again = r.If(req, resp, err, again)
	}
	if !again || n >= r.Attempts {
		return 0, false
	}
	wait = r.jitter(n)
	if resp != nil {
		if after, ok := retryAfter(resp, time.Now()); ok {
			if after > r.MaxRetryAfter {
				return 0, false
			}
			wait = after
		}
	}
	if r.MaxTime > 0 && spent+wait > r.MaxTime {
		return 0, false
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
		return 0, false // what is known now says more than that the time is over
	}
	return wait, r.spend()
}

func (r *retrier) mayRepeat(req *Request) bool {
	if r.Methods == nil {
		return req.canRepeat()
	}
	return slices.Contains(r.Methods, req.Method)
}

// failed reports whether an error is one to be repeated.
func (r *retrier) failed(req *Request, err error) bool {
	if IsRetryable(err) {
		var e *Error
		return errors.As(err, &e) && (!e.Sent || errors.Is(err, ErrUnprocessed) || r.mayRepeat(req))
	}
	// One that only the method speaks against.
	return r.mayRepeat(req) && !req.canRepeat() && passing(err)
}

// earn puts a request's share into the budget.
func (r *retrier) earn() {
	if r.Budget < 0 {
		return
	}
	r.mu.Lock()
	r.tokens = min(r.tokens+r.Budget, freeRetries)
	r.mu.Unlock()
}

func (r *retrier) spend() bool {
	if r.Budget < 0 {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tokens < 1 {
		return false
	}
	r.tokens--
	return true
}

// jitter is the wait after the n-th attempt.
func (r *retrier) jitter(n int) time.Duration {
	most := min(r.MinWait, r.MaxWait)
	for i := 1; i < n && most < r.MaxWait; i++ {
		most += min(most, r.MaxWait-most)
	}
	return mathrand.N(min(most, math.MaxInt64-1) + 1)
}

// retryAfter reads Retry-After (RFC 9110 §10.2.3): seconds, or a date.
func retryAfter(resp *Response, now time.Time) (time.Duration, bool) {
	v := strings.TrimSpace(resp.Header.Get("Retry-After"))
	if v == "" {
		return 0, false
	}
	if strings.Trim(v, "0123456789") == "" {
		s, err := strconv.ParseInt(v, 10, 32)
		if err != nil {
			s = math.MaxInt32 // longer than anybody waits
		}
		return time.Duration(s) * time.Second, true
	}
	t, err := http.ParseTime(v)
	if err != nil {
		return 0, false
	}
	// The server's clock, if it says what that is, may be off from ours.
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		return max(t.Sub(date), 0), true
	}
	return max(t.Sub(now), 0), true
}

// sleep waits and reports whether ctx let it.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// countAttempts notes on an error how often the request was sent.
func countAttempts(err error, n int) error {
	e, ok := err.(*Error)
	if !ok || n == 1 {
		return err
	}
	c := *e
	c.Attempts = n
	return &c
}

func newKey() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return fmt.Sprintf("%x", b)
}
