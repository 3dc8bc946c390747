package httpx

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"gohttpx.dev/wire"
)

// TokenAuth sends the bearer token that fetch returns, until it expires (RFC
// 6750). A zero expiry is never; otherwise a new token is fetched ten seconds
// before, or when a tenth of a shorter life is left.
//
// One fetch serves all requests that wait for a token. It has the values of the
// first request's context, ends when no request waits any longer, and fails with
// one of them only if fetch itself fails. A 401 to a token makes one fetch of a
// newer one, however many requests were refused, and each is then sent a second
// time; a request whose body can be sent but once gets its 401, and the next
// request a new token.
//
// If fetch sends its requests by the same client it must give them NoAuth(), or
// it waits for itself.
func TokenAuth(fetch func(ctx context.Context) (token string, expiry time.Time, err error)) Auth {
	return &tokenAuth{mask: "httpx.TokenAuth", fetch: fetch}
}

type tokenAuth struct {
	mask
	fetch func(context.Context) (string, time.Time, error)

	mu      sync.Mutex
	current *token     // guarded by mu; nil: none, or refused
	flight  *tokenCall // guarded by mu; nil: none
}

// token is immutable.
type token struct {
	value string
	renew time.Time // zero: never
}

// tokenCall is one call of fetch.
type tokenCall struct {
	done    chan struct{} // closed when token and err are set
	token   *token
	err     error
	waiting int // guarded by tokenAuth.mu
	cancel  context.CancelFunc
}

func (a *tokenAuth) Authenticate(ctx context.Context, req *Request, next func(context.Context, *Request) (*Response, error)) (*Response, error) {
	if a.fetch == nil {
		return nil, authError(req, errors.New("TokenAuth without a function"))
	}
	for second := false; ; second = true {
		t, err := a.get(ctx)
		if err != nil {
			return nil, authError(req, err)
		}
		setAuthorization(req, t.value)
		resp, err := next(ctx, req)
		if err != nil || resp.StatusCode != 401 || !answeredBy(resp, req.URL) {
			return resp, err
		}
		a.refused(t)
		if second || !req.canResend() {
			return resp, nil
		}
		resp.Close() // before the fetch: it may need the connection
	}
}

// answeredBy reports whether the origin of u sent resp, and not one to which it
// redirected.
func answeredBy(resp *Response, u *URL) bool {
	return resp.Request == nil || resp.Request.URL == nil || u.sameOrigin(resp.Request.URL)
}

// refused forgets t, if nobody has fetched another meanwhile.
func (a *tokenAuth) refused(t *token) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current == t {
		a.current = nil
	}
}

// get returns the token, or waits for the fetch that is under way or was
// started here.
func (a *tokenAuth) get(ctx context.Context) (*token, error) {
	if ctx.Err() != nil {
		return nil, wire.Canceled(ctx, wire.PhasePool, false)
	}
	a.mu.Lock()
	if t := a.current; t != nil && (t.renew.IsZero() || time.Now().Before(t.renew)) {
		a.mu.Unlock()
		return t, nil
	}
	c := a.flight
	if c == nil {
		c = &tokenCall{done: make(chan struct{})}
		var fetchCtx context.Context
		fetchCtx, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
		a.flight = c
		// Ends when fetch does, which is cancelled when nobody waits; the
		// waiters wait for done.
		go a.run(fetchCtx, c)
	}
	c.waiting++
	a.mu.Unlock()

	select {
	case <-c.done:
		return c.token, c.err
	case <-ctx.Done():
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if c.waiting--; c.waiting == 0 {
		c.cancel()
		if a.flight == c { // whoever comes now shall not share its end
			a.flight = nil
		}
	}
	return nil, wire.Canceled(ctx, wire.PhasePool, false)
}

func (a *tokenAuth) run(ctx context.Context, c *tokenCall) {
	c.err = errors.New("fetching a token: the function has ended without returning")
	defer func() {
		c.cancel()
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.flight == c {
			a.flight, a.current = nil, c.token
		}
		close(c.done)
	}()
	c.token, c.err = newToken(a.fetch(ctx))
}

func newToken(value string, expiry time.Time, err error) (*token, error) {
	if err != nil {
		return nil, fmt.Errorf("fetching a token: %w", err)
	}
	t := new(token)
	if t.value, err = bearerValue(value); err != nil {
		return nil, fmt.Errorf("the token fetched: %w", err)
	}
	if !expiry.IsZero() {
		left := max(time.Until(expiry), 0)
		t.renew = expiry.Add(-min(10*time.Second, left/10))
	}
	return t, nil
}
