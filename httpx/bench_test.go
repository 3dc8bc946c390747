package httpx_test

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"gohttpx.dev/h1"
	"gohttpx.dev/httpx"
	"gohttpx.dev/pool"
	"gohttpx.dev/wire"
)

// cannedConn answers every Write with the same bytes, without a system call or a
// goroutine: what is left is the client's own work.
type cannedConn struct {
	answer, rest []byte
}

func (c *cannedConn) Write(b []byte) (int, error) {
	c.rest = c.answer
	return len(b), nil
}

func (c *cannedConn) Read(b []byte) (int, error) {
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *cannedConn) Close() error                     { return nil }
func (c *cannedConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *cannedConn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *cannedConn) SetDeadline(time.Time) error      { return nil }
func (c *cannedConn) SetReadDeadline(time.Time) error  { return nil }
func (c *cannedConn) SetWriteDeadline(time.Time) error { return nil }

// BenchmarkGet is a buffered GET of 1 KiB over HTTP/1.1, system calls left out.
func BenchmarkGet(b *testing.B) {
	answer := append([]byte("HTTP/1.1 200 OK\r\nServer: test\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\n\r\n"), make([]byte, 1024)...)
	c, err := httpx.New(httpx.WithTrustEnv(false), httpx.WithDialContext(func(context.Context, string, string) (net.Conn, error) {
		return &cannedConn{answer: answer}, nil
	}))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	ctx := context.Background()
	prepared, err := c.NewRequest("GET", "http://127.0.0.1:8080/a/path/of/some/length?with=query&and=more")
	if err != nil {
		b.Fatal(err)
	}
	check := func(b *testing.B, resp *httpx.Response, err error) {
		if err != nil || len(resp.Bytes()) != 1024 {
			b.Fatal(err)
		}
	}
	b.Run("by URL", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			resp, err := c.Get(ctx, "http://127.0.0.1:8080/a/path/of/some/length?with=query&and=more")
			check(b, resp, err)
		}
	})
	b.Run("with two options", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			resp, err := c.Get(ctx, "http://127.0.0.1:8080/a/path/of/some/length?with=query", httpx.WithHeader("X-A", "b"), httpx.WithHeader("Authorization", "Bearer x"))
			check(b, resp, err)
		}
	})
	b.Run("prepared", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			resp, err := c.Send(ctx, prepared)
			check(b, resp, err)
		}
	})
	b.Run("pool", func(b *testing.B) {
		b.ReportAllocs()
		p := pool.New(pool.Config{MaxConnections: 1, MaxKeepaliveConnections: 1, KeepaliveExpiry: time.Minute, Dial: func(context.Context, pool.Key) (pool.Conn, error) {
			return h1.NewConn(&cannedConn{answer: answer}, h1.Config{}), nil
		}})
		defer p.Close()
		var res wire.Response
		req := wire.Request{
			Method: "GET", Scheme: "http", Authority: "127.0.0.1:8080", Target: "/a/path/of/some/length?with=query&and=more",
			Fields:   wire.Fields{{Name: "Accept", Value: "*/*"}, {Name: "Accept-Encoding", Value: "gzip, deflate, br, zstd"}, {Name: "User-Agent", Value: "engine"}},
			Timeouts: wire.Timeouts{Pool: 5 * time.Second, Connect: 5 * time.Second, Write: 5 * time.Second, Read: 5 * time.Second},
		}
		buf := make([]byte, 1025)
		for b.Loop() {
			res.Reset()
			if err := p.RoundTrip(ctx, pool.Key{Scheme: "http", Addr: "127.0.0.1:8080"}, &req, &res); err != nil {
				b.Fatal(err)
			}
			for {
				if _, err := res.Body.Read(buf); err == io.EOF {
					break
				} else if err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
