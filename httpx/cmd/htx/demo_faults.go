package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"gohttpx.dev/httpx"
)

// patience is the timeout that the steps below run into.
const patience = 300 * time.Millisecond

// late is how long after its time a timeout may fire on a busy machine.
const late = 2 * time.Second

// faultSteps provoke what may go wrong.
func faultSteps() []step {
	return []step{
		{
			title: "Pool timeout: no connection comes free",
			code: `client, err := httpx.New(httpx.WithLimits(httpx.Limits{MaxConnections: 1}), httpx.WithTimeouts(httpx.Timeouts{Pool: 300 * time.Millisecond}))
held, err := client.Stream(ctx, "GET", "/large") // holds the only one
_, err = client.Get(ctx, "/get")                 // errors.Is(err, httpx.ErrPoolTimeout)`,
			run: poolTimeoutStep,
		},
		{
			title: "Connect timeout: the server never answers the TLS handshake",
			code:  `_, err := client.Get(ctx, "https://"+silent, httpx.WithTimeouts(httpx.Timeouts{Connect: 300 * time.Millisecond}))`,
			run: func(ctx context.Context, t *tour) (string, error) {
				took, err := timed(func() error {
					_, err := t.client.Get(ctx, "https://"+t.silent, httpx.WithTimeouts(httpx.Timeouts{Connect: patience}))
					return err
				})
				return timeoutResult(err, took, "httpx.ErrConnectTimeout", httpx.ErrConnectTimeout, false)
			},
		},
		{
			title: "Read timeout: the server thinks for ten seconds",
			code:  `_, err := client.Get(ctx, "/delay/10", httpx.WithTimeouts(httpx.Timeouts{Read: 300 * time.Millisecond}))`,
			run: func(ctx context.Context, t *tour) (string, error) {
				took, err := timed(func() error {
					_, err := t.client.Get(ctx, "/delay/10", httpx.WithTimeouts(httpx.Timeouts{Read: patience}))
					return err
				})
				return timeoutResult(err, took, "httpx.ErrReadTimeout", httpx.ErrReadTimeout, true)
			},
		},
		{
			title: "Write timeout: the server takes no more bytes",
			code:  `_, err := client.Post(ctx, "http://"+silent, httpx.Reader(endless), httpx.WithTimeouts(httpx.Timeouts{Write: 300 * time.Millisecond}))`,
			run: func(ctx context.Context, t *tour) (string, error) {
				took, err := timed(func() error {
					_, err := t.client.Post(ctx, "http://"+t.silent, httpx.Reader(zeros{}), httpx.WithTimeouts(httpx.Timeouts{Write: patience}))
					return err
				})
				return timeoutResult(err, took, "httpx.ErrWriteTimeout", httpx.ErrWriteTimeout, true)
			},
		},
		{
			title: "The context's deadline is the total one",
			code:  "ctx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)\n_, err := client.Get(ctx, \"/drip?numbytes=100&duration=10\") // never silent for long, and yet too slow",
			run: func(ctx context.Context, t *tour) (string, error) {
				ctx, cancel := context.WithTimeout(ctx, patience)
				defer cancel()
				took, err := timed(func() error {
					_, err := t.client.Get(ctx, "/drip", httpx.WithQuery("numbytes", 100, "duration", 10))
					return err
				})
				return took + shown(err), errors.Join(is(err, "context.DeadlineExceeded", context.DeadlineExceeded), is(err, "httpx.ErrTimeout", httpx.ErrTimeout))
			},
		},
		{title: "A request that is cancelled", code: codeCancel, run: cancelStep},
		{title: "A response that is cut short is an error, not a short body", code: codeShort, run: shortStep},
	}
}

func poolTimeoutStep(ctx context.Context, t *tour) (string, error) {
	c, err := t.newClient(httpx.WithBaseURL(t.http), httpx.WithLimits(httpx.Limits{MaxConnections: 1}), httpx.WithTimeouts(httpx.Timeouts{Pool: patience}))
	if err != nil {
		return "", err
	}
	held, err := c.Stream(ctx, "GET", "/large")
	if err != nil {
		return "", err
	}
	defer held.Close()
	took, waitErr := timed(func() error {
		_, err := c.Get(ctx, "/get")
		return err
	})
	result, err := timeoutResult(waitErr, took, "httpx.ErrPoolTimeout", httpx.ErrPoolTimeout, false)
	if err != nil {
		return result, err
	}
	if err := held.Close(); err != nil {
		return result, fmt.Errorf("closing the stream: %w", err)
	}
	// With the stream closed, the same request goes through.
	resp, err := c.Get(ctx, "/get")
	if err != nil {
		return result, fmt.Errorf("after the stream was closed: %w", err)
	}
	return result + "\nwith the stream closed: " + resp.Status(), resp.Err()
}

const codeCancel = `ctx, cancel := context.WithCancelCause(ctx)
resp, err := client.Stream(ctx, "GET", "/large")
cancel(errNoLongerNeeded)
_, err = io.Copy(dst, resp.Body) // errors.Is(err, context.Canceled), errors.Is(err, errNoLongerNeeded)`

func cancelStep(ctx context.Context, t *tour) (string, error) {
	noLongerNeeded := errors.New("the user has closed the window")
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	resp, err := t.client.Stream(ctx, "GET", "/large")
	if err != nil {
		return "", err
	}
	defer resp.Close()
	cancel(noLongerNeeded)
	_, err = io.Copy(io.Discard, resp.Body)
	return shown(err), errors.Join(is(err, "context.Canceled", context.Canceled), is(err, "its cause", noLongerNeeded),
		wanted("a timeout", errors.Is(err, httpx.ErrTimeout), false))
}

const codeShort = `_, err := client.Get(ctx, short) // announces 1000 bytes, sends 100, closes
errors.Is(err, httpx.ErrRemoteProtocol)`

func shortStep(ctx context.Context, t *tour) (string, error) {
	resp, err := t.client.Get(ctx, t.short)
	if err == nil {
		return "", fmt.Errorf("wanted an error, got %s with %d bytes of content", resp.Status(), len(resp.Bytes()))
	}
	return shown(err), is(err, "httpx.ErrRemoteProtocol", httpx.ErrRemoteProtocol)
}

// timed runs f and says how long it took.
func timed(f func() error) (took string, err error) {
	start := time.Now()
	err = f()
	d := time.Since(start)
	if d > patience+late || d < patience-10*time.Millisecond {
		err = &offTime{d, err}
	}
	return fmt.Sprintf("after %d ms: ", d.Milliseconds()), err
}

// offTime is a timeout that fired at the wrong time. It does not unwrap, so
// that no check accepts it.
type offTime struct {
	d   time.Duration
	err error
}

func (e *offTime) Error() string {
	return fmt.Sprintf("after %s, where %s was wanted: %v", short(e.d), patience, e.err)
}

// timeoutResult checks one of the four timeouts.
func timeoutResult(err error, took, name string, want error, mayBeSent bool) (string, error) {
	var ne net.Error
	return took + shown(err), errors.Join(is(err, name, want), is(err, "httpx.ErrTimeout", httpx.ErrTimeout),
		wanted("net.Error.Timeout()", errors.As(err, &ne) && ne.Timeout(), true), wanted("anything sent", sent(err), mayBeSent))
}

// is checks an error by errors.Is.
func is(err error, name string, want error) error {
	if errors.Is(err, want) {
		return nil
	}
	return fmt.Errorf("errors.Is(err, %s) is false; err is %v", name, err)
}

// sent is what the error says of the request's bytes.
func sent(err error) bool {
	var e *httpx.Error
	return errors.As(err, &e) && e.Sent
}

// shown is the text of an error that was expected.
func shown(err error) string {
	if err == nil {
		return "no error"
	}
	return strings.ReplaceAll(err.Error(), "\n", " ")
}
