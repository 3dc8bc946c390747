package h1_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/h1"
	"gohttpx.dev/internal/memconn"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/wire"
)

// Uploads beside their answers.

// An early final response while the upload still runs.
func TestEarlyResponse(t *testing.T) {
	big := strings.Repeat("x", 1_000_000)
	for _, tt := range []struct {
		name, response string
		readsOn        bool // the peer takes the whole upload before it answers
		stuck          bool // the source blocks
		open           bool
	}{
		{name: "413 and close, the peer reads no more", response: "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig"},
		{name: "413 without close, the peer reads no more", response: "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig"},
		{name: "204 at once", response: "HTTP/1.1 204 No Content\r\n\r\n"},
		{name: "until close", response: "HTTP/1.1 200 OK\r\n\r\nbig"},
		{name: "the source blocks", response: "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig", stuck: true},
		{name: "204, the source blocks", response: "HTTP/1.1 204 No Content\r\n\r\n", stuck: true},
	} {
		for _, n := range []int64{-1, 1_000_000} {
			t.Run(tt.name, func(t *testing.T) {
				r := newRig(t, h1.Config{})
				var rc io.ReadCloser
				b, s := bodyOf(big), newStuck("some", true)
				closes := &b.closes
				rc = b
				if tt.stuck {
					rc, closes = s, &s.closes
				}
				r.script(func() {
					r.p.WantHead("POST /up HTTP/1.1", "the head")
					if tt.stuck {
						<-s.reading
					}
					r.p.Send(tt.response)
					if strings.Contains(tt.name, "until close") {
						r.p.CloseWrite()
					}
					eventually(t, "the client closes", func() bool { return r.p.Conn.(*memconn.Conn).Ended() })
				})
				var res wire.Response
				if err := r.do(context.Background(), post(rc, n), &res); err != nil {
					t.Fatal(err)
				}
				if !res.Body.Ended() {
					readAll(t, res.Body, "big")
				}
				r.wantFree(1, wire.ConnClosed)
				eventually(t, "the body is closed", func() bool { return closes.Load() == 1 })
				if tt.stuck {
					close(s.release)
				}
			})
		}
	}
}

// The peer sends megabytes before it reads any: both directions at once.
func TestBothDirectionsAtOnce(t *testing.T) {
	big := strings.Repeat("0123456789", 100_000)
	r := newRig(t, h1.Config{})
	r.script(func() {
		h := r.p.WantHead("POST /up HTTP/1.1", "the head")
		r.p.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "f4240\r\n", big, "\r\n")
		r.p.WantBody(h, big, "the upload goes on")
		r.p.Send("0\r\n\r\n")
	})
	var res wire.Response
	if err := r.do(context.Background(), post(bodyOf(big), -1), &res); err != nil {
		t.Fatal(err)
	}
	readAll(t, res.Body, big)
	r.wantFree(1, wire.ConnOpen)
}

// A write error is not the last word: the peer may have answered.
func TestAnswerAfterWriteError(t *testing.T) {
	big := strings.Repeat("x", 1_000_000)
	r := newRig(t, h1.Config{})
	r.script(func() {
		r.p.WantHead("POST /up HTTP/1.1", "the head")
		r.p.Send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
		r.p.Close() // the client's writes fail now
	})
	var res wire.Response
	if err := r.do(context.Background(), post(bodyOf(big), -1), &res); err != nil {
		t.Fatal(err)
	}
	readAll(t, res.Body, "big")
	r.wantFree(1, wire.ConnClosed)

	// Without an answer the write error is told.
	r = newRig(t, h1.Config{})
	r.script(func() {
		r.p.WantHead("POST /up HTTP/1.1", "the head")
		r.p.Reset()
	})
	err := r.do(context.Background(), post(bodyOf(big), -1), &res)
	wantErr(t, err, wire.PhaseHead, wire.KindDisconnected, true, true, "without sending a response")
	r.wantFree(1, wire.ConnClosed)
}

func TestBodyFailsOnTheWay(t *testing.T) {
	boom := errors.New("boom")
	r := newRig(t, h1.Config{})
	r.script(func() {
		r.p.WantHead("POST /up HTTP/1.1", "the head")
		io.Copy(io.Discard, r.p.Conn)
	})
	b := &body{Reader: io.MultiReader(strings.NewReader("some"), failing{boom})}
	err := r.do(context.Background(), post(b, -1), new(wire.Response))
	wantErr(t, err, wire.PhaseWrite, wire.KindRequestBody, false, true, "boom")
	if !errors.Is(err, boom) || !errors.Is(err, wire.ErrRequestBody) {
		t.Error("sentinels")
	}
	r.wantFree(1, wire.ConnClosed)
}

// lateConn lets a write that ends in END return only once the response has been
// read: the uploader's news are always late.
type lateConn struct {
	*memconn.Conn
	t testing.TB
}

func (c lateConn) Write(p []byte) (int, error) {
	before := c.Counts().BytesRead
	n, err := c.Conn.Write(p)
	if strings.HasSuffix(string(p), "END") || strings.HasSuffix(string(p), "END\r\n0\r\n\r\n") {
		eventually(c.t, "the response is read", func() bool { return c.Counts().BytesRead > before })
	}
	return n, err
}

func TestResponseBeforeTheLastWriteReturns(t *testing.T) {
	for _, tt := range []struct {
		body string
		n    int64
	}{{"END", 3}, {"END", -1}, {strings.Repeat("x", 20_000) + "END", 20_003}} {
		nc, p := peer.H1(t)
		r := rigOver(t, h1.Config{}, lateConn{nc, t}, p)
		r.script(func() {
			for range 2 {
				p.WantRequest("POST /up HTTP/1.1", "the upload")
				p.Respond("204 No Content", "")
			}
		})
		for i := range int32(2) {
			b := bodyOf(tt.body)
			if err := r.do(context.Background(), post(b, tt.n), new(wire.Response)); err != nil {
				t.Fatal(err)
			}
			if b.closes.Load() != 1 {
				t.Error("body not closed")
			}
			r.wantFree(i+1, wire.ConnOpen)
		}
	}
}

// A peer that ends the connection after its response may still want the
// request: only a status that is no success says otherwise (RFC 9112 §9.5).
func TestUploadGoesOnBesideClosingResponse(t *testing.T) {
	big := strings.Repeat("0123456789", 50_000)
	for _, tt := range []struct {
		name, send string
		close      bool // the request asks for it
	}{
		{"close", "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n", false},
		{"close was asked for", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true},
		{"until close", "HTTP/1.0 200 OK\r\n\r\n", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, h1.Config{})
			chunked := strings.Contains(tt.send, "chunked")
			r.script(func() {
				h := r.p.WantHead("POST /up HTTP/1.1", "the head")
				r.p.Send(tt.send)
				r.p.WantBody(h, big, "the upload goes on")
				if chunked {
					r.p.Send("3\r\nabc\r\n0\r\n\r\n")
				} else {
					r.p.Send("abc")
				}
				r.p.CloseWrite()
			})
			req := post(&body{Reader: onlyReader{strings.NewReader(big)}}, -1)
			if tt.close {
				req.Fields = wire.Fields{{Name: "Connection", Value: "close"}}
			}
			var res wire.Response
			if err := r.do(context.Background(), req, &res); err != nil {
				t.Fatal(err)
			}
			readAll(t, res.Body, "abc")
			r.wantFree(1, wire.ConnClosed)
		})
	}
}

// afterAnswer is a body that has more than it announced, which it shows only
// once the answer has been read.
type afterAnswer struct {
	announced io.Reader
	nc        *memconn.Conn
	t         testing.TB
}

func (a *afterAnswer) Read(p []byte) (int, error) {
	n, _ := a.announced.Read(p)
	if n > 0 {
		return n, nil
	}
	eventually(a.t, "the answer is read", func() bool { return a.nc.Counts().BytesRead > 0 })
	return 1, nil
}

// A body that is too long is an error, also where the peer was content with what
// was announced and has answered.
func TestTooLongBodyIsFoundAfterTheAnswer(t *testing.T) {
	for _, content := range []string{"", "abc"} {
		nc, p := peer.H1(t)
		r := rigOver(t, h1.Config{}, nc, p)
		r.script(func() {
			r.p.WantRequest("POST /up HTTP/1.1", "the upload")
			r.p.Respond("200 OK", content)
		})
		b := &body{Reader: &afterAnswer{strings.NewReader(strings.Repeat("x", 20_000)), nc, t}}
		var res wire.Response
		err := r.do(context.Background(), post(b, 20_000), &res)
		if err == nil {
			_, err = io.ReadAll(res.Body)
		}
		if !errors.Is(err, wire.ErrLocalProtocol) {
			t.Errorf("got %v", err)
		}
		r.wantFree(1, wire.ConnClosed)
		if n := b.closes.Load(); n != 1 {
			t.Errorf("body closed %d times", n)
		}
	}
}

// An upload that the peer does not want is stopped while its answer still comes:
// in a write that stands still, and in a source that does.
func TestUploadStopsBeforeTheAnswerEnds(t *testing.T) {
	for _, where := range []string{"write", "source"} {
		t.Run(where, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, h1.Config{})
				r.script(func() {
					r.p.WantHead("POST /up HTTP/1.1", "the head")
					synctest.Wait() // the upload stands still
					r.p.Send("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\n")
				})
				b, s := &body{Reader: endless{}}, newStuck("some", false)
				req, closes := post(b, -1), &b.closes
				if where == "source" {
					req, closes = post(s, -1), &s.closes
				}
				var res wire.Response
				if err := r.do(context.Background(), timed(req, wire.Timeouts{Write: wire.Never}), &res); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if n := closes.Load(); n != 1 {
					t.Errorf("body closed %d times", n)
				}
				res.Body.Close()
				r.wantFree(1, wire.ConnClosed)
			})
		})
	}
}

// brokenPipe fails writes from the n-th on, and says nothing to reads.
type brokenPipe struct {
	*memconn.Conn
	writes atomic.Int32
	good   int32
}

func (b *brokenPipe) Write(p []byte) (int, error) {
	if b.writes.Add(1) > b.good {
		return 0, syscall.EPIPE
	}
	return b.Conn.Write(p)
}

// After a write that has failed the answer is awaited for the read timeout; not
// if nothing was sent that could be answered.
func TestSilenceAfterWriteError(t *testing.T) {
	for good, want := range []time.Duration{0, 5 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			nc, p := peer.H1(t)
			r := rigOver(t, h1.Config{}, &brokenPipe{Conn: nc, good: int32(good)}, p)
			start := time.Now()
			err := r.do(context.Background(), post(&body{Reader: endless{}}, -1), new(wire.Response))
			if took := time.Since(start); took < want || took > want+want/10 {
				t.Errorf("took %v, want %v", took, want)
			}
			if good == 0 {
				wantErr(t, err, wire.PhaseWrite, wire.KindDisconnected, true, false, "broken pipe")
			} else {
				wantErr(t, err, wire.PhaseHead, wire.KindTimeout, true, true, "nothing received")
			}
			r.wantFree(1, wire.ConnClosed)
		})
	}
}

// halfWrite takes half of the first write and fails.
type halfWrite struct {
	*memconn.Conn
	failed bool
}

func (h *halfWrite) Write(p []byte) (int, error) {
	if h.failed {
		return h.Conn.Write(p)
	}
	h.failed = true
	n, _ := h.Conn.Write(p[:len(p)/2])
	return n, syscall.EPIPE
}

// The peer may still expect the half that was not sent, and would take it from the
// next request.
func TestWriteErrorEndsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nc, p := peer.H1(t)
		r := rigOver(t, h1.Config{}, &halfWrite{Conn: nc}, p)
		r.script(func() { r.p.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") })
		var res wire.Response
		if err := r.do(context.Background(), get("/a/path"), &res); err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(res.Body); string(b) != "ok" || err != nil {
			t.Errorf("got %q, %v", b, err)
		}
		r.wantFree(1, wire.ConnClosed)
	})
}
