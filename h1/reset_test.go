package h1_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
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

// givesUp is a connection that the system gives up while a write of it is under way,
// after which a read meets an ordinary end.
type givesUp struct {
	*memconn.Conn
	peer   *peer.Script
	writes int    // that go well before
	took   int    // bytes of the one that fails
	last   string // what has come from the peer until then
}

func (c *givesUp) Write(p []byte) (int, error) {
	if c.writes--; c.writes >= 0 {
		return c.Conn.Write(p)
	}
	if c.writes == -1 {
		c.peer.Send(c.last)
		c.peer.Close()
	}
	return c.took, &net.OpError{Op: "write", Net: "tcp", Err: os.NewSyscallError("write", syscall.ETIMEDOUT)}
}

// The peer has ended nothing, and may have received what was sent: the error is
// the system's, whatever the end looks like to a read, and says whether anything
// was sent. h2.TestSystemsTimeout is the same over HTTP/2.
func TestSystemGivesUpInAWrite(t *testing.T) {
	for _, tt := range []struct {
		name   string
		writes int
		took   int
		last   string
		length int64 // of the upload; 0: none
		phase  wire.Phase
		sent   bool
	}{
		{"nothing sent", 0, 0, "", 0, wire.PhaseWrite, false},
		{"a part sent", 0, 5, "", 0, wire.PhaseHead, true},
		{"within the response head", 0, 5, "HTTP/1.1 20", 0, wire.PhaseHead, true},
		{"within the content, until close", 0, 5, "HTTP/1.1 200 OK\r\n\r\nhalf", 0, wire.PhaseBody, true},
		{"within an upload", 1, 0, "", -1, wire.PhaseHead, true},
		{"within an upload, and the response head", 1, 0, "HTTP/1.1 20", -1, wire.PhaseHead, true},
		{"within an upload, and the content, until close", 1, 0, "HTTP/1.1 200 OK\r\n\r\nhalf", -1, wire.PhaseBody, true},
		{"within an upload, and the content, of a length", 1, 0, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", -1, wire.PhaseBody, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			mem, p := peer.H1(t)
			r := rigOver(t, h1.Config{}, &givesUp{mem, p, tt.writes, tt.took, tt.last}, p)
			req := get("/")
			if tt.length != 0 {
				req = post(&body{Reader: byPieces{strings.NewReader(strings.Repeat("x", 5000)), 1000}}, tt.length)
			}
			var res wire.Response
			err := r.do(context.Background(), req, &res)
			if err == nil {
				_, err = io.ReadAll(res.Body)
			}
			if err == nil {
				t.Fatal("the content passed for whole")
			}
			wantErr(t, err, tt.phase, wire.KindNetwork, true, tt.sent, syscall.ETIMEDOUT.Error())
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
