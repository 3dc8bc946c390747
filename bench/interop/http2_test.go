package interop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"gohttpx.dev/httpx"
)

// http2Checks are the columns for HTTP/2.
var http2Checks = []check{
	{name: "GET", run: func(ctx context.Context, t *target) error {
		r, err := t.c.do(ctx, request{method: "GET", url: t.hello()})
		return errors.Join(err, r.want(200, digestOf(helloText)))
	}},
	{name: "HEAD", run: func(ctx context.Context, t *target) error {
		r, err := t.c.do(ctx, request{method: "HEAD", url: t.hello()})
		if err := errors.Join(err, r.want(200, digestOf("")), r.wantField("Content-Length", fmt.Sprint(len(helloText)))); err != nil {
			return err
		}
		r, err = t.c.do(ctx, request{method: "GET", url: t.hello()})
		return errors.Join(err, r.want(200, digestOf(helloText)), r.wantReused())
	}},
	{name: "204", run: func(ctx context.Context, t *target) error {
		r, err := t.c.do(ctx, request{method: "GET", url: t.base + "/status/204"})
		return errors.Join(err, r.want(204, digestOf("")), r.wantReused())
	}, needs: notFileOnly},
	{name: "POST", run: func(ctx context.Context, t *target) error {
		// Some above and below a frame, and what is sent with the head.
		for _, n := range []int64{0, 1, 16383, 16384, 16385, 100_000} {
			r, err := t.c.do(ctx, request{method: "POST", url: t.base + "/echo", body: patternBytes(n)})
			if err := errors.Join(err, r.want(200, t.echoed(n))); err != nil {
				return fmt.Errorf("%d bytes: %w", n, err)
			}
		}
		return nil
	}},
	{name: "unknown length", run: func(ctx context.Context, t *target) error {
		for _, n := range []int64{0, 1, 1 << 20} {
			r, err := t.c.do(ctx, request{method: "PUT", url: t.base + "/echo", stream: io.LimitReader(&pattern{}, n)})
			if err := errors.Join(err, r.want(200, t.echoed(n))); err != nil {
				return fmt.Errorf("%d bytes: %w", n, err)
			}
		}
		return nil
	}},
	{name: "413", run: func(ctx context.Context, t *target) error {
		// RFC 9113 §8.1: a server may answer before it has the whole request,
		// and stop the rest by RST_STREAM(NO_ERROR).
		r, err := t.c.do(ctx, request{method: "POST", url: t.base + "/small", body: patternBytes(upSize)})
		if err := errors.Join(err, r.want(413, "")); err != nil {
			return err
		}
		r, err = t.c.do(ctx, request{method: "GET", url: t.hello()})
		return errors.Join(err, r.want(200, digestOf(helloText)))
	}, needs: notFileOnly},
	{name: "trailers", run: func(ctx context.Context, t *target) error {
		r, err := t.c.do(ctx, request{method: "GET", url: t.base + t.trailers})
		if err := errors.Join(err, r.want(200, digestOf(helloText))); err != nil {
			return err
		}
		if got := r.trailer.Get("X-Trailer"); got != trailerText {
			return fmt.Errorf("X-Trailer is %q, want %q", got, trailerText)
		}
		return nil
	}, needs: func(s server) bool { return s.trailers != "" }},
	{name: "one connection", run: func(ctx context.Context, t *target) error {
		c := t.fresh()
		for range 200 {
			r, err := c.do(ctx, request{method: "GET", url: t.hello()})
			if err := errors.Join(err, r.want(200, digestOf(helloText))); err != nil {
				return err
			}
		}
		return c.wantDials(1)
	}},
	{name: "unread", run: func(ctx context.Context, t *target) error {
		// More is left unread than all windows hold: without credit for it the
		// connection would stall.
		c := t.fresh()
		for range 100 {
			resp, err := c.c.Stream(ctx, "GET", t.large())
			if err != nil {
				return err
			}
			_, err = io.ReadFull(resp.Body, make([]byte, 100_000))
			if err := errors.Join(err, resp.Close()); err != nil {
				return err
			}
		}
		r, err := c.do(ctx, request{method: "GET", url: t.hello()})
		return errors.Join(err, r.want(200, digestOf(helloText)), c.wantDials(1))
	}},
	{name: "100 MiB down", run: func(ctx context.Context, t *target) error {
		r, err := t.c.do(ctx, request{method: "GET", url: t.large()})
		return errors.Join(err, r.want(200, largeDigest))
	}},
	{name: "100 MiB up", run: func(ctx context.Context, t *target) error {
		r, err := t.c.do(ctx, request{method: "POST", url: t.base + "/echo", stream: io.LimitReader(&pattern{}, largeSize)})
		return errors.Join(err, r.want(200, t.echoed(largeSize)))
	}},
	{name: "1,000 at once", run: func(ctx context.Context, t *target) error {
		return atOnce(ctx, t, t.fresh())
	}},
	{name: "on one connection", run: func(ctx context.Context, t *target) error {
		// More than the server takes: they wait for one another.
		return atOnce(ctx, t, t.fresh(httpx.WithLimits(httpx.Limits{MaxConnectionsPerHost: 1})))
	}},
	{name: "reload", run: reloads, needs: func(s server) bool { return s.reload != nil }},
}

func notFileOnly(s server) bool { return !s.fileOnly }

func (t *target) hello() string { return t.base + t.file("/static/hello.txt", "/hello") }

func (t *target) large() string { return t.base + t.file("/static/large.bin", "/large") }

// echoed is the content of the answer to an upload of n bytes.
func (t *target) echoed(n int64) string {
	if t.fileOnly {
		return patternDigest(n)
	}
	return digestOf(patternDigest(n))
}

// atOnce makes 1,000 requests at the same time.
func atOnce(ctx context.Context, t *target, c *client) error {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		errs  []error
		start = make(chan struct{})
	)
	for i := range 1000 {
		wg.Go(func() {
			<-start
			r, err := c.do(ctx, request{method: "GET", url: t.hello()})
			if err := errors.Join(err, r.want(200, digestOf(helloText))); err != nil {
				mu.Lock()
				errs = append(errs, fmt.Errorf("request %d: %w", i, err))
				mu.Unlock()
			}
		})
	}
	close(start)
	wg.Wait()
	return firstOf(errs)
}

// reloads makes 10,000 requests and more, 64 at a time, while the server rereads
// its configuration eight times, each time after the last was seen: another
// process answers. None may fail.
//
// The requests come in waves, because nginx lets go of a connection only when
// nothing runs on it (or after keepalive_requests; but if it reloads while it
// lingers over such a connection it resets it, and cuts answers off that no client
// can ask for again unnoticed).
func reloads(ctx context.Context, t *target) error {
	const requests, wave, times = 10_000, 64, 8
	c := t.fresh()
	var (
		mu      sync.Mutex
		errs    []error             // guarded by mu
		workers = map[string]bool{} // guarded by mu: processes that have answered
	)
	one := func() {
		r, err := c.do(ctx, request{method: "GET", url: t.hello()})
		err = errors.Join(err, r.want(200, digestOf(helloText)))
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			errs = append(errs, err)
			return
		}
		workers[r.field("X-Worker")] = true
	}
	// In the midst of a wave. A signal may be slow to arrive, but is not lost.
	reloading, reloaded := make(chan struct{}), make(chan error)
	go func() {
		for range reloading {
			reloaded <- t.reread()
		}
		close(reloaded)
	}()
	defer close(reloading)
	asked, made := 0, 0
	for ; len(errs) == 0 && (made < requests || len(workers) <= times); made += wave {
		var wg sync.WaitGroup
		due := asked < times && len(workers) == asked+1
		for range wave {
			wg.Go(one)
		}
		if due {
			asked++
			reloading <- struct{}{}
		}
		wg.Wait()
		if due {
			if err := <-reloaded; err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%d reloads, %d seen: %w", asked, len(workers)-1, ctx.Err())
		}
	}
	return firstOf(errs)
}

// firstOf says how many errors there are, and which the first was.
func firstOf(errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("%d failed, the first with: %w", len(errs), errs[0])
}

// wantDials checks how many connections were made.
func (c *client) wantDials(n uint64) error {
	if s := c.c.Stats(); s.Dials != n {
		return fmt.Errorf("%d connections were made, want %d", s.Dials, n)
	}
	return nil
}
