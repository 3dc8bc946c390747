package interop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// http1Checks are the columns for HTTP/1.1.
var http1Checks = []check{
	{name: "GET", run: func(ctx context.Context, t *target) error {
		r, err := t.c.do(ctx, request{method: "GET", url: t.base + t.file("/static/hello.txt", "/hello")})
		return errors.Join(err, r.want(200, digestOf(helloText)), r.wantLength(int64(len(helloText))))
	}},
	{name: "HEAD", run: func(ctx context.Context, t *target) error {
		url := t.base + t.file("/static/hello.txt", "/hello")
		r, err := t.c.do(ctx, request{method: "HEAD", url: url})
		if err := errors.Join(err, r.want(200, digestOf("")), r.wantField("Content-Length", fmt.Sprint(len(helloText)))); err != nil {
			return err
		}
		r, err = t.c.do(ctx, request{method: "GET", url: url}) // the connection is in step
		return errors.Join(err, r.want(200, digestOf(helloText)), r.wantReused())
	}},
	{name: "304", run: func(ctx context.Context, t *target) error {
		url := t.base + t.file("/static/hello.txt", "/hello")
		r, err := t.c.do(ctx, request{method: "GET", url: url})
		if err := errors.Join(err, r.want(200, digestOf(helloText))); err != nil {
			return err
		}
		r, err = t.c.do(ctx, request{method: "GET", url: url, field: [2]string{"If-None-Match", r.field("ETag")}})
		if err := errors.Join(err, r.want(304, digestOf(""))); err != nil {
			return err
		}
		r, err = t.c.do(ctx, request{method: "GET", url: url, field: [2]string{"Range", "bytes=6-9"}})
		return errors.Join(err, r.want(206, digestOf("from")), r.wantReused())
	}},
	{name: "204", run: func(ctx context.Context, t *target) error {
		r, err := t.c.do(ctx, request{method: "GET", url: t.base + "/status/204"})
		if err := errors.Join(err, r.want(204, digestOf(""))); err != nil {
			return err
		}
		r, err = t.c.do(ctx, request{method: "GET", url: t.base + "/status/404"})
		return errors.Join(err, r.want(404, ""), r.wantReused())
	}},
	{name: "POST", run: func(ctx context.Context, t *target) error {
		for _, n := range []int64{0, 1, 100_000} {
			r, err := t.c.do(ctx, request{method: "POST", url: t.base + "/echo", body: patternBytes(n)})
			if err := errors.Join(err, r.want(200, digestOf(patternDigest(n))), r.wantField("X-Method", "POST")); err != nil {
				return fmt.Errorf("%d bytes: %w", n, err)
			}
		}
		return nil
	}},
	{name: "chunked up", run: func(ctx context.Context, t *target) error {
		for _, n := range []int64{0, 1, 1 << 20} {
			r, err := t.c.do(ctx, request{method: "PUT", url: t.base + "/echo", stream: io.LimitReader(&pattern{}, n)})
			if err := errors.Join(err, r.want(200, digestOf(patternDigest(n))), r.wantField("X-Method", "PUT")); err != nil {
				return fmt.Errorf("%d bytes: %w", n, err)
			}
		}
		return nil
	}},
	{name: "chunked down", run: func(ctx context.Context, t *target) error {
		for range 2 {
			r, err := t.c.do(ctx, request{method: "GET", url: t.base + "/chunked"})
			if err := errors.Join(err, r.want(200, patternDigest(chunkedSize)), r.wantLength(-1), r.wantField("Transfer-Encoding", "chunked")); err != nil {
				return err
			}
		}
		return nil
	}},
	{name: "until close", run: func(ctx context.Context, t *target) error {
		for range 2 {
			r, err := t.c.do(ctx, request{method: "GET", url: t.base + "/until-close"})
			if err := errors.Join(err, r.want(200, patternDigest(chunkedSize)), r.wantLength(-1), r.wantField("Transfer-Encoding", "")); err != nil {
				return err
			}
		}
		return nil
	}, needs: func(s server) bool { return s.untilClose }},
	{name: "100-continue", run: func(ctx context.Context, t *target) error {
		start := time.Now()
		r, err := t.c.do(ctx, request{method: "POST", url: t.base + "/echo", body: patternBytes(50_000), expect: time.Minute})
		if err := errors.Join(err, r.want(200, digestOf(patternDigest(50_000)))); err != nil {
			return err
		}
		if d := time.Since(start); d > 30*time.Second {
			return fmt.Errorf("the body waited for %v: no 100 (Continue) was seen", d)
		}
		return nil
	}},
	{name: "early 413", run: func(ctx context.Context, t *target) error {
		// RFC 9110 §10.1.1: the answer may be final, and the body is not sent.
		r, err := t.c.do(ctx, request{method: "POST", url: t.base + "/small", body: patternBytes(1 << 20), expect: time.Minute})
		if err := errors.Join(err, r.want(413, "")); err != nil {
			return err
		}
		// And without asking first, while the upload runs.
		r, err = t.c.do(ctx, request{method: "POST", url: t.base + "/small", body: patternBytes(upSize)})
		if err := errors.Join(err, r.want(413, "")); err != nil {
			return err
		}
		r, err = t.c.do(ctx, request{method: "GET", url: t.base + "/hello"})
		return errors.Join(err, r.want(200, digestOf(helloText)))
	}},
	{name: "keep-alive", run: func(ctx context.Context, t *target) error {
		for i := range 50 {
			r, err := t.c.do(ctx, request{method: "GET", url: t.base + t.file("/static/hello.txt", "/hello")})
			if err := errors.Join(err, r.want(200, digestOf(helloText))); err != nil {
				return err
			}
			if i > 0 {
				if err := r.wantReused(); err != nil {
					return fmt.Errorf("request %d: %w", i, err)
				}
			}
		}
		return nil
	}},
	{name: "100 MiB down", run: func(ctx context.Context, t *target) error {
		r, err := t.c.do(ctx, request{method: "GET", url: t.base + t.file("/static/large.bin", "/large")})
		return errors.Join(err, r.want(200, largeDigest), r.wantLength(largeSize))
	}},
	{name: "16 MiB up", run: func(ctx context.Context, t *target) error {
		for _, req := range []request{
			{method: "POST", url: t.base + "/echo", body: patternBytes(upSize)},
			{method: "POST", url: t.base + "/echo", stream: io.LimitReader(&pattern{}, upSize)},
		} {
			r, err := t.c.do(ctx, req)
			if err := errors.Join(err, r.want(200, digestOf(upDigest))); err != nil {
				return err
			}
		}
		return nil
	}},
}
