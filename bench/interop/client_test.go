package interop

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"gohttpx.dev/httpx"
	"gohttpx.dev/tls"
)

// client is the client under test.
type client struct {
	c     *httpx.Client
	proto string // what every response must say
}

func newClient(t *testing.T, proto string, roots *x509.CertPool, opts ...httpx.ClientOption) *client {
	t.Helper()
	c, err := httpx.New(append([]httpx.ClientOption{
		httpx.WithTLS(tls.Options{RootCAs: roots}),
		httpx.WithTimeout(20 * time.Second),
		httpx.WithTrustEnv(false),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &client{c, proto}
}

// request is what a check sends: body has a length, stream has none.
type request struct {
	method, url string
	field       [2]string
	body        []byte
	stream      io.Reader
	expect      time.Duration
}

// reply is what came, its content reduced to a digest.
type reply struct {
	status  int
	header  httpx.Header
	trailer httpx.Header
	length  int64
	content string
	reused  bool
}

// do sends req and reads the whole response. The reply of an error matches
// nothing and complains about nothing.
func (c *client) do(ctx context.Context, req request) (*reply, error) {
	opts := []httpx.RequestOption{}
	if req.field[0] != "" {
		opts = append(opts, httpx.WithHeader(req.field[0], req.field[1]))
	}
	if req.body != nil {
		opts = append(opts, httpx.Bytes(req.body))
	}
	if req.stream != nil {
		opts = append(opts, httpx.Reader(req.stream))
	}
	if req.expect != 0 {
		opts = append(opts, httpx.WithExpectContinue(req.expect))
	}
	resp, err := c.c.Stream(ctx, req.method, req.url, opts...)
	if err != nil {
		return nil, err
	}
	defer resp.Close()
	if resp.Proto != c.proto {
		return nil, fmt.Errorf("the server speaks %s, want %s", resp.Proto, c.proto)
	}
	content, err := digest(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("after the head of a %d: %w", resp.StatusCode, err)
	}
	return &reply{resp.StatusCode, resp.Header, resp.Trailer(), resp.ContentLength(), content, resp.Conn().Reused}, nil
}

// wantNoneInUse checks that every exchange has given its connection back.
func (c *client) wantNoneInUse(t *testing.T) {
	t.Helper()
	if s := c.c.Stats(); s.Busy != 0 || s.Waiting != 0 {
		t.Errorf("at the end %d connections are in use and %d requests wait", s.Busy, s.Waiting)
	}
}

func (r *reply) field(name string) string { return r.header.Get(name) }

// want checks status and content; "" is any content.
func (r *reply) want(status int, content string) error {
	switch {
	case r == nil:
		return nil
	case r.status != status:
		return fmt.Errorf("status %d, want %d", r.status, status)
	case content != "" && r.content != content:
		return fmt.Errorf("content is %s (bytes, hash), want %s", r.content, content)
	}
	return nil
}

func (r *reply) wantField(name, value string) error {
	if r == nil || r.field(name) == value {
		return nil
	}
	return fmt.Errorf("%s is %q, want %q", name, r.field(name), value)
}

func (r *reply) wantLength(n int64) error {
	if r == nil || r.length == n {
		return nil
	}
	return fmt.Errorf("announced length %d, want %d", r.length, n)
}

func (r *reply) wantReused() error {
	if r == nil || r.reused {
		return nil
	}
	return errors.New("the connection was not reused")
}
