package h1_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"gohttpx.dev/h1"
	"gohttpx.dev/wire"
)

// loop is a net.Conn that answers every request with the same bytes: what is
// measured over it is the engine alone.
type loop struct {
	net.Conn // nil
	answer   []byte
	pending  []byte
}

func (l *loop) Write(p []byte) (int, error) {
	if bytes.HasSuffix(p, []byte("\r\n\r\n")) || bytes.HasSuffix(p, []byte("}")) {
		l.pending = l.answer
	}
	return len(p), nil
}

func (l *loop) Read(p []byte) (int, error) {
	n := copy(p, l.pending)
	l.pending = l.pending[n:]
	return n, nil
}

func (l *loop) Close() error                     { return nil }
func (l *loop) LocalAddr() net.Addr              { return nil }
func (l *loop) RemoteAddr() net.Addr             { return nil }
func (l *loop) SetReadDeadline(time.Time) error  { return nil }
func (l *loop) SetWriteDeadline(time.Time) error { return nil }

const (
	answer        = "HTTP/1.1 200 OK\r\nServer: test\r\nDate: Sat, 21 Nov 2026 10:00:00 GMT\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
	chunkedAnswer = "HTTP/1.1 200 OK\r\nServer: test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
)

type memBody struct{ bytes.Reader }

func (*memBody) Close() error { return nil }

func TestAllocationBudget(t *testing.T) {
	if raceOn {
		t.Log("the race detector allocates")
		return
	}
	cancellable, cancel := context.WithCancel(context.Background())
	defer cancel()
	content := []byte(`{"a":1}`)
	rd := new(memBody)
	for _, tt := range []struct {
		name   string
		ctx    context.Context
		answer string
		req    *wire.Request
		most   float64
	}{
		{"GET", context.Background(), answer, get("/"), 1}, // the string of the head
		{"GET, chunked", context.Background(), chunkedAnswer, get("/"), 1},
		{"GET, cancellable", cancellable, answer, get("/"), 3},
		{"POST in memory", context.Background(), answer, post(rd, int64(len(content))), 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := h1.NewConn(&loop{answer: []byte(tt.answer)}, h1.Config{})
			defer c.Close()
			var res wire.Response
			buf := make([]byte, 100)
			run := func() {
				rd.Reset(content)
				if !c.Reserve() {
					t.Fatal("not free")
				}
				if err := c.RoundTrip(tt.ctx, tt.req, &res); err != nil {
					t.Fatal(err)
				}
				if n, err := res.Body.Read(buf); n != 5 || err != io.EOF {
					t.Fatal(n, err)
				}
			}
			run()
			got := testing.AllocsPerRun(500, run)
			t.Logf("%v allocations", got)
			if got > tt.most {
				t.Errorf("%v allocations per exchange, want at most %v", got, tt.most)
			}
		})
	}
}

// Over a socket the budget is the same, with the wait that begins with the write.
func TestAllocationBudgetOverTCP(t *testing.T) {
	if raceOn {
		t.Log("the race detector allocates")
		return
	}
	r := dialed(t, h1.Config{}, func(nc net.Conn) {
		buf := make([]byte, 1<<10)
		for n := 0; ; {
			k, err := nc.Read(buf[n:])
			if err != nil {
				return
			}
			if n += k; bytes.HasSuffix(buf[:n], []byte("\r\n\r\n")) {
				n = 0
				nc.Write(answerBytes)
			}
		}
	})
	var res wire.Response
	buf := make([]byte, 100)
	got := testing.AllocsPerRun(200, func() {
		if err := r.do(context.Background(), idleRequest, &res); err != nil {
			t.Fatal(err)
		}
		if n, err := res.Body.Read(buf); n != 5 || err != io.EOF {
			t.Fatal(n, err)
		}
	})
	t.Logf("%v allocations", got)
	if got > 1 { // the string of the head
		t.Errorf("%v allocations per exchange, want at most 1", got)
	}
}

// An idle connection keeps no buffer.
func TestIdleMemory(t *testing.T) {
	if raceOn {
		t.Log("the race detector allocates")
		return
	}
	const n = 1000
	conns := make([]*h1.Conn, n)
	nets := make([]loop, n)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range conns {
		nets[i].answer = []byte(nil)
		conns[i] = h1.NewConn(&nets[i], h1.Config{})
		nets[i].answer = answerBytes
		res := new(wire.Response)
		if err := conns[i].RoundTrip(context.Background(), idleRequest, res); err != nil {
			t.Fatal(err)
		}
		io.ReadAll(res.Body)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	per := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / n
	t.Logf("%d bytes per idle connection", per)
	if per > 320 {
		t.Errorf("%d bytes per idle connection, want at most 320", per)
	}
	runtime.KeepAlive(conns)
}

var (
	answerBytes = []byte(answer)
	idleRequest = get("/")
)

func BenchmarkExchange(b *testing.B) {
	cancellable, cancel := context.WithCancel(context.Background())
	defer cancel()
	for _, bb := range []struct {
		name   string
		ctx    context.Context
		answer string
	}{{"length", context.Background(), answer}, {"chunked", context.Background(), chunkedAnswer}, {"cancellable", cancellable, answer}} {
		b.Run(bb.name, func(b *testing.B) {
			c := h1.NewConn(&loop{answer: []byte(bb.answer)}, h1.Config{})
			defer c.Close()
			var res wire.Response
			buf := make([]byte, 100)
			req := get("/")
			b.ReportAllocs()
			for b.Loop() {
				c.Reserve()
				if err := c.RoundTrip(bb.ctx, req, &res); err != nil {
					b.Fatal(err)
				}
				res.Body.Read(buf)
			}
		})
	}
}
