package h1_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"

	"gohttpx.dev/h1"
	"gohttpx.dev/internal/memconn"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/wire"
)

// toldOnce is a socket as Linux has it: the reset of which a write was told is an
// ordinary end to the reads that follow.
type toldOnce struct {
	*memconn.Conn
	told chan struct{} // closed when a write was told
}

func (c *toldOnce) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if errors.Is(err, syscall.ECONNRESET) {
		close(c.told)
	}
	return n, err
}

func (c *toldOnce) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if errors.Is(err, syscall.ECONNRESET) {
		select {
		case <-c.told:
			err = io.EOF
		default:
		}
	}
	return n, err
}

// waits is a body whose second piece waits.
type waits struct {
	first io.Reader
	until chan struct{}
}

func (w waits) Read(p []byte) (int, error) {
	if n, _ := w.first.Read(p); n > 0 {
		return n, nil
	}
	<-w.until
	return copy(p, "more"), nil
}

// A response breaks off by a reset, and the upload that still runs is told of it
// first: what has come must not pass for whole, however its end is marked.
func TestResetThatTheUploadIsToldOf(t *testing.T) {
	for _, tt := range []struct{ name, head string }{
		{"until close", "HTTP/1.1 200 OK\r\n\r\n"},
		{"length", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"},
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			mem, p := peer.H1(t)
			nc := &toldOnce{mem, make(chan struct{})}
			r := rigOver(t, h1.Config{}, nc, p)
			gone := make(chan struct{})
			r.script(func() {
				defer close(gone)
				p.WantHead("POST /up HTTP/1.1", "the head")
				p.Send(tt.head + "half")
				p.Conn.(*memconn.Conn).ResetAfter()
			})
			var res wire.Response
			if err := r.do(context.Background(), post(&body{Reader: waits{strings.NewReader("some"), gone}}, -1), &res); err != nil {
				t.Fatal(err)
			}
			<-nc.told
			got, err := io.ReadAll(res.Body)
			if string(got) != "half" {
				t.Errorf("content %q", got)
			}
			wantErr(t, err, wire.PhaseBody, wire.KindNetwork, true, true, "reset")
			r.wantFree(1, wire.ConnClosed)
		})
	}
}

// endsWithData is a connection whose Read returns the end together with the last
// bytes, as io.Reader allows.
type endsWithData struct{ *memconn.Conn }

func (c endsWithData) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == nil {
		err = io.EOF
	}
	return n, err
}

// A connection that has ended with the response is not kept for a request that
// could not be repeated.
func TestEndTogetherWithTheResponse(t *testing.T) {
	mem, p := peer.H1(t)
	r := rigOver(t, h1.Config{}, endsWithData{mem}, p)
	r.script(func() {
		p.WantRequest("GET / HTTP/1.1", "a request")
		p.Respond("200 OK", "ok")
		p.WantClosed("the connection is not kept")
	})
	var res wire.Response
	if err := r.do(context.Background(), get("/"), &res); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(res.Body); string(b) != "ok" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	if st := r.State(); st.Phase != wire.ConnClosed {
		t.Errorf("%+v", st)
	}
}
