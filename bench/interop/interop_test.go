package interop

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// target is one server behind one scheme, and the client that talks to it.
type target struct {
	server
	base string // scheme://host:port
	c    *client
}

// file is the path of a file that the server serves, itself if it can.
func (s server) file(own, backend string) string {
	if s.own {
		return own
	}
	return backend
}

// checks are the columns of the table.
var checks = []struct {
	name string
	run  func(ctx context.Context, t *target) error
}{
	{"GET", func(ctx context.Context, t *target) error {
		r, err := t.c.do(ctx, request{method: "GET", url: t.base + t.file("/static/hello.txt", "/hello")})
		return errors.Join(err, r.want(200, digestOf(helloText)), r.wantLength(int64(len(helloText))))
	}},
	{"HEAD", func(ctx context.Context, t *target) error {
		url := t.base + t.file("/static/hello.txt", "/hello")
		r, err := t.c.do(ctx, request{method: "HEAD", url: url})
		if err := errors.Join(err, r.want(200, digestOf("")), r.wantField("Content-Length", fmt.Sprint(len(helloText)))); err != nil {
			return err
		}
		r, err = t.c.do(ctx, request{method: "GET", url: url}) // the connection is in step
		return errors.Join(err, r.want(200, digestOf(helloText)), r.wantReused())
	}},
	{"304", func(ctx context.Context, t *target) error {
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
	{"204", func(ctx context.Context, t *target) error {
		r, err := t.c.do(ctx, request{method: "GET", url: t.base + "/status/204"})
		if err := errors.Join(err, r.want(204, digestOf(""))); err != nil {
			return err
		}
		r, err = t.c.do(ctx, request{method: "GET", url: t.base + "/status/404"})
		return errors.Join(err, r.want(404, ""), r.wantReused())
	}},
	{"POST", func(ctx context.Context, t *target) error {
		for _, n := range []int64{0, 1, 100_000} {
			r, err := t.c.do(ctx, request{method: "POST", url: t.base + "/echo", body: patternBytes(n)})
			if err := errors.Join(err, r.want(200, digestOf(patternDigest(n))), r.wantField("X-Method", "POST")); err != nil {
				return fmt.Errorf("%d bytes: %w", n, err)
			}
		}
		return nil
	}},
	{"chunked up", func(ctx context.Context, t *target) error {
		for _, n := range []int64{0, 1, 1 << 20} {
			r, err := t.c.do(ctx, request{method: "PUT", url: t.base + "/echo", stream: io.LimitReader(&pattern{}, n)})
			if err := errors.Join(err, r.want(200, digestOf(patternDigest(n))), r.wantField("X-Method", "PUT")); err != nil {
				return fmt.Errorf("%d bytes: %w", n, err)
			}
		}
		return nil
	}},
	{"chunked down", func(ctx context.Context, t *target) error {
		for range 2 {
			r, err := t.c.do(ctx, request{method: "GET", url: t.base + "/chunked"})
			if err := errors.Join(err, r.want(200, patternDigest(chunkedSize)), r.wantLength(-1), r.wantField("Transfer-Encoding", "chunked")); err != nil {
				return err
			}
		}
		return nil
	}},
	{"until close", func(ctx context.Context, t *target) error {
		for range 2 {
			r, err := t.c.do(ctx, request{method: "GET", url: t.base + "/until-close"})
			if err := errors.Join(err, r.want(200, patternDigest(chunkedSize)), r.wantLength(-1), r.wantField("Transfer-Encoding", "")); err != nil {
				return err
			}
		}
		return nil
	}},
	{"100-continue", func(ctx context.Context, t *target) error {
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
	{"early 413", func(ctx context.Context, t *target) error {
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
	{"keep-alive", func(ctx context.Context, t *target) error {
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
	{"64 MiB down", func(ctx context.Context, t *target) error {
		r, err := t.c.do(ctx, request{method: "GET", url: t.base + t.file("/static/large.bin", "/large")})
		return errors.Join(err, r.want(200, largeDigest), r.wantLength(largeSize))
	}},
	{"16 MiB up", func(ctx context.Context, t *target) error {
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

var (
	largeDigest = patternDigest(largeSize)
	upDigest    = patternDigest(upSize)
)

func patternBytes(n int64) []byte {
	b := make([]byte, n)
	(&pattern{}).Read(b)
	return b
}

func digestOf(s string) string {
	d, _ := digest(bytes.NewReader([]byte(s)))
	return d
}

func TestInterop(t *testing.T) {
	certFile, roots := certificate(t)
	back := strings.TrimPrefix(backend(t).URL, "http://")
	var table, missing []string
	for _, s := range servers {
		path, err := exec.LookPath(s.bin)
		if err != nil {
			missing = append(missing, s.name)
			continue
		}
		s.bin = path
		t.Run(s.name, func(t *testing.T) {
			r := s.start(t, certFile, back)
			for _, base := range []string{"http://" + r.plain, "https://" + strings.Replace(r.secure, "127.0.0.1", "localhost", 1)} {
				scheme, _, _ := strings.Cut(base, ":")
				t.Run(scheme, func(t *testing.T) {
					table = append(table, s.name+"\t"+scheme+"\t"+strings.Join(runChecks(t, s, base, roots), "\t"))
				})
			}
		})
	}
	print(t, table)
	if len(missing) > 0 {
		msg := "not installed, so not tested: " + strings.Join(missing, ", ") + " (make interop-deps installs them)"
		if os.Getenv("INTEROP_REQUIRED") != "" {
			t.Error(msg)
		} else {
			t.Log(msg)
		}
	}
}

// runChecks returns a cell per check.
func runChecks(t *testing.T, s server, base string, roots *x509.CertPool) (cells []string) {
	c := newClient(t, roots)
	for _, check := range checks {
		if check.name == "until close" && !s.untilClose {
			cells = append(cells, "-")
			continue
		}
		ok := t.Run(check.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := check.run(ctx, &target{server: s, base: base, c: c}); err != nil {
				t.Error(err)
			}
		})
		cells = append(cells, map[bool]string{true: "ok", false: "FAIL"}[ok])
	}
	c.wantNoneInUse(t)
	return cells
}

func print(t *testing.T, rows []string) {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	head := []string{"server", ""}
	for _, c := range checks {
		head = append(head, c.name)
	}
	fmt.Fprintln(w, strings.Join(head, "\t"))
	for _, r := range rows {
		fmt.Fprintln(w, r)
	}
	w.Flush()
	t.Logf("\n%s", b.String())
}
