//go:build !race

package h2_test

import (
	"context"
	"io"
	"testing"

	"gohttpx.dev/h2"
	"gohttpx.dev/internal/memconn"
	"gohttpx.dev/wire"
)

// echoPeer answers each request with the same bytes, and allocates nothing when
// warm.
func echoPeer(nc *memconn.Conn, body string) {
	out := h2.AppendSettings(nil)
	out = h2.AppendSettingsAck(out)
	nc.Write(out)
	// :status 200 from the table, the rest literals that stay out of it.
	block := []byte{0x88}
	for _, f := range [][2]string{{"content-type", "text/plain"}, {"server", "bench"}, {"x-a", "b"}} {
		block = append(block, 0x00, byte(len(f[0])))
		block = append(block, f[0]...)
		block = append(block, byte(len(f[1])))
		block = append(block, f[1]...)
	}
	buf := make([]byte, 0, 1<<20)
	skip := len(h2.Preface)
	for {
		if len(buf) == cap(buf) {
			buf = buf[:0]
		}
		n, err := nc.Read(buf[len(buf):cap(buf)])
		if err != nil {
			return
		}
		buf = buf[:len(buf)+n]
		p := buf
		if skip > 0 {
			if len(p) < skip {
				continue
			}
			p, skip = p[skip:], 0
		}
		out = out[:0]
		for {
			f, n, _ := h2.ParseFrame(p, 0)
			if n == 0 {
				break
			}
			p = p[n:]
			if f.Type == h2.FrameHeaders {
				out = h2.AppendHeaders(out, f.StreamID, block, h2.HeadersOptions{})
				out = h2.AppendData(out, f.StreamID, []byte(body), true, 0)
			}
		}
		buf = buf[:copy(buf[:cap(buf)], p)]
		if len(out) > 0 {
			nc.Write(out)
		}
	}
}

func warm(t testing.TB) (c *h2.Conn, round func()) {
	a, b := memconn.PipeSize(1 << 20)
	go echoPeer(b, "hello, world")
	c, err := h2.NewConn(context.Background(), a, h2.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); b.Close() })
	req := get("/")
	req.Fields = wire.Fields{{Name: "user-agent", Value: "test"}, {Name: "accept", Value: "*/*"}}
	var res wire.Response
	buf := make([]byte, 100)
	return c, func() {
		res.Reset()
		if err := c.RoundTrip(context.Background(), req, &res); err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := res.Body.Read(buf); err == io.EOF {
				return
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A warm GET: what hpack makes of the response's literals, two strings each, and
// nothing of ours.
func TestEngineAllocations(t *testing.T) {
	_, round := warm(t)
	for range 100 {
		round()
	}
	if n := testing.AllocsPerRun(1000, round); n > 6 {
		t.Errorf("%v allocations, want at most 6", n)
	}
}

func BenchmarkGet(b *testing.B) {
	_, round := warm(b)
	round()
	b.ReportAllocs()
	for b.Loop() {
		round()
	}
}

func BenchmarkGetParallel(b *testing.B) {
	a, p := memconn.PipeSize(1 << 20)
	go echoPeer(p, "hello, world")
	c, err := h2.NewConn(context.Background(), a, h2.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	defer c.Close()
	req := get("/")
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		var res wire.Response
		buf := make([]byte, 100)
		for pb.Next() {
			res.Reset()
			if err := c.RoundTrip(context.Background(), req, &res); err != nil {
				b.Fatal(err)
			}
			for {
				if _, err := res.Body.Read(buf); err != nil {
					break
				}
			}
		}
	})
}
