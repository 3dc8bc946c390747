package h1_test

import (
	"bufio"
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/h1"
	"gohttpx.dev/internal/memconn"
	"gohttpx.dev/wire"
)

// What an exchange may leave behind for the next one, or for its caller: nothing.

// A request that was cut off half-way would take the next one for the rest of
// its body.
func TestDrainAfterFailedUpload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, h1.Config{})
		r.script(func() {
			r.p.WantHead("POST /up HTTP/1.1", "the head")
			r.p.Send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01")
			time.Sleep(2 * time.Second) // the rest of the request is not read in time
			r.p.Send("23456789")
			io.Copy(io.Discard, r.p.Conn)
		})
		b := &body{Reader: onlyReader{strings.NewReader(strings.Repeat("x", 200_000))}}
		var res wire.Response
		if err := r.do(context.Background(), timed(post(b, 200_000), wire.Timeouts{Write: time.Second}), &res); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		if n := b.closes.Load(); n != 1 {
			t.Fatalf("body closed %d times: the upload has not ended", n)
		}
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
		r.wantFree(1, wire.ConnClosed)
	})
}

// The deadline of a drain must not be that of the next raw read, nor of the
// stream that is taken over.
func TestRawAfterDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, h1.Config{})
		ctx := context.Background()
		response := "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
		r.script(func() {
			r.p.WantBytes("GET /", "the request")
			r.p.Send(response)
			time.Sleep(time.Second)
			r.p.Send(response)
			time.Sleep(time.Second)
			r.p.Send("stream")
		})
		if err := r.SendRaw(ctx, []byte("GET /")); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			var res wire.Response
			if err := r.ReadHead(ctx, &res); err != nil {
				t.Fatal(err)
			}
			if err := res.Body.Close(); err != nil {
				t.Error(err)
			}
		}
		nc, lead, err := r.Detach()
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 6)
		if _, err := io.ReadFull(nc, buf); err != nil || string(lead)+string(buf) != "stream" {
			t.Errorf("%q, %q, %v", lead, buf, err)
		}
		nc.Close()
	})
}

// lateEnd is a source that blocks until it is let go, whatever Close says, and
// has ended then.
type lateEnd struct{ reading, release, closed chan struct{} }

func (l lateEnd) Read([]byte) (int, error) {
	close(l.reading)
	<-l.release
	return 0, io.EOF
}

func (l lateEnd) Close() error { close(l.closed); return nil }

// An upload whose source is stuck outlives its exchange. It must not look at
// the request any more, which is the caller's again. The race detector looks on.
func TestRequestIsNotKept(t *testing.T) {
	r := newRig(t, h1.Config{})
	b := lateEnd{make(chan struct{}), make(chan struct{}), make(chan struct{})}
	r.script(func() {
		r.p.WantHead("POST /up HTTP/1.1", "the head")
		<-b.reading
		r.p.Respond("413 Too Large", "")
	})
	req := post(b, -1)
	before := goroutines()
	var res wire.Response
	if err := r.do(context.Background(), req, &res); err != nil {
		t.Fatal(err)
	}
	<-b.closed
	close(b.release)
	*req = wire.Request{}
	eventually(t, "the uploader ends", func() bool { return goroutines() <= before })
}

// Close beside a Detach that is refused is not lost.
func TestCloseBesideDetach(t *testing.T) {
	const rounds = 3000
	for range rounds {
		nc, other := memconn.Pipe()
		r := rigOver(t, h1.Config{DrainTime: -1}, nc, nil)
		io.WriteString(other, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na")
		var res wire.Response
		if err := r.do(context.Background(), get("/"), &res); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			for range 3 {
				if _, err := res.Body.Detach(); err == nil {
					t.Error("detached")
				}
			}
		})
		wg.Go(func() { res.Body.Close() })
		wg.Wait()
		r.wantFree(1, wire.ConnClosed)
		other.Close()
		if t.Failed() {
			return
		}
	}
}

// countingContext counts who watches it.
type countingContext struct {
	context.Context
	done    chan struct{}
	watched int
}

func (c *countingContext) Done() <-chan struct{} { return c.done }

// AfterFunc is what context.AfterFunc asks for.
func (c *countingContext) AfterFunc(func()) (stop func() bool) {
	c.watched++
	return func() bool {
		c.watched--
		return true
	}
}

// No exchange goes on watching its context, which may live for long.
func TestContextIsLetGo(t *testing.T) {
	for _, tt := range []struct {
		name, send string
		phase      wire.ConnPhase
	}{
		{"used again", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", wire.ConnOpen},
		{"close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc", wire.ConnClosed},
		{"broken content", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx", wire.ConnClosed},
		{"broken head", "HTTP/2 200\r\n\r\n", wire.ConnClosed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, h1.Config{})
			r.script(func() {
				r.p.WantRequest("GET / HTTP/1.1", "the request")
				r.p.Send(tt.send)
			})
			ctx := &countingContext{Context: context.Background(), done: make(chan struct{})}
			var res wire.Response
			if err := r.do(ctx, get("/"), &res); err == nil {
				io.ReadAll(res.Body)
			}
			if ctx.watched != 0 {
				t.Errorf("the context is watched %d times", ctx.watched)
			}
			r.wantFree(1, tt.phase)
		})
	}
}

// Bytes behind the content are no start of the next response, also where a large
// Read has taken them with the last of the content (RFC 9112 §6.3).
func TestExcessEndsTheConnection(t *testing.T) {
	for _, tt := range []struct {
		excess    string
		size      int // of a Read
		phase     wire.ConnPhase
		anomalies wire.Anomalies
	}{
		{"", 2 * h1.DefaultReadBuffer, wire.ConnOpen, 0},
		{"HTTP/1.1 200 OK\r\n\r\n", 2 * h1.DefaultReadBuffer, wire.ConnClosed, wire.ExcessAfterResponse},
		{"HTTP/1.1 200 OK\r\n\r\n", 16, wire.ConnClosed, wire.ExcessAfterResponse},
	} {
		r := newRig(t, h1.Config{})
		headRead := make(chan struct{})
		r.script(func() {
			r.p.WantHead("GET / HTTP/1.1", "the request")
			r.p.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
			<-headRead
			r.p.Send("ok" + tt.excess)
		})
		var res wire.Response
		if err := r.do(context.Background(), get("/"), &res); err != nil {
			t.Fatal(err)
		}
		close(headRead)
		if b, err := io.ReadAll(bufio.NewReaderSize(res.Body, tt.size)); string(b) != "ok" || err != nil {
			t.Errorf("%q, %v", b, err)
		}
		if res.Anomalies != tt.anomalies {
			t.Errorf("anomalies: %v", res.Anomalies)
		}
		r.wantFree(1, tt.phase)
	}
}
