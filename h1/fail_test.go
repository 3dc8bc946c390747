package h1_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"gohttpx.dev/h1"
	"gohttpx.dev/internal/memconn"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/wire"
)

// A response that is cut at any byte is an error of the right kind, and never a
// short body taken for a whole one.
func TestCutAtEveryByte(t *testing.T) {
	for _, tt := range []struct {
		name, wire, body string
	}{
		{name: "length", wire: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789", body: "0123456789"},
		{name: "chunked with trailers", wire: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n6;a=\"b\"\r\n456789\r\n0\r\nT: v\r\n\r\n", body: "0123456789"},
		{name: "1xx and final", wire: "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", body: "abc"},
		{name: "no content", wire: "HTTP/1.1 204 No Content\r\n\r\n"},
		{name: "until close", wire: "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n0123456789", body: "0123456789"},
	} {
		untilClose := tt.name == "until close"
		headEnd := strings.LastIndex(tt.wire[:strings.Index(tt.wire+"\r\n\r\n0123", "\r\n\r\n")+4], "\r\n\r\n") + 4
		if tt.name == "1xx and final" {
			headEnd = strings.Index(tt.wire, "abc")
		}
		for _, how := range []string{"close", "reset"} {
			for cut := 0; cut <= len(tt.wire); cut++ {
				t.Run(fmt.Sprintf("%s/%s/%d", tt.name, how, cut), func(t *testing.T) {
					nc, p := peer.H1(t)
					nc.MaxRead(cut%3 + 1)
					r := rigOver(t, h1.Config{}, nc, p)
					arrived := make(chan struct{})
					p.Go(func() {
						p.WantRequest("GET / HTTP/1.1", "the request")
						p.Send(tt.wire[:cut])
						if how == "reset" {
							// Bytes on their way would be lost.
							<-arrived
							p.Reset()
							return
						}
						p.Close()
					})
					if how == "reset" {
						go func() {
							defer close(arrived)
							eventually(t, "the engine has read what was sent", func() bool { return arrivedBytes(nc) >= cut })
						}()
					}
					var res wire.Response
					err := r.do(context.Background(), get("/"), &res)
					var got []byte
					if err == nil {
						got, err = io.ReadAll(res.Body)
					}
					var e *wire.Error
					switch {
					case cut == len(tt.wire) && (!untilClose || how == "close"), untilClose && how == "close" && cut >= headEnd:
						want := tt.body
						if untilClose {
							want = tt.wire[headEnd:cut]
						}
						if err != nil || string(got) != want {
							t.Fatalf("whole: %q, %v", got, err)
						}
					case err == nil:
						t.Fatalf("cut content %q passed for whole", got)
					case !errors.As(err, &e):
						t.Fatalf("%T %v", err, err)
					case cut == 0:
						wantErr(t, err, wire.PhaseHead, wire.KindDisconnected, true, true, "without sending a response")
						if !errors.Is(err, wire.ErrServerClosedIdle) || !errors.Is(err, wire.ErrRemoteProtocol) {
							t.Error("sentinels")
						}
					case cut < headEnd:
						wantErr(t, err, wire.PhaseHead, wire.KindProtocol, true, true, "in the middle of a response head")
					case how == "reset":
						wantErr(t, err, wire.PhaseBody, wire.KindNetwork, true, true, "reset")
					default:
						wantErr(t, err, wire.PhaseBody, wire.KindProtocol, true, true, "peer closed connection")
						if !errors.Is(err, io.ErrUnexpectedEOF) {
							t.Error("does not unwrap to io.ErrUnexpectedEOF")
						}
					}
					if err != nil {
						r.wantFree(1, wire.ConnClosed)
						if _, again := res.Body.Read(make([]byte, 1)); !res.Body.Ended() && again == nil {
							t.Error("a read after the error succeeds")
						}
					} else if res.Body.Close(); r.freed.Load() != 1 {
						t.Errorf("freed %d times", r.freed.Load())
					}
				})
			}
		}
	}
}

func TestShortBodyText(t *testing.T) {
	r := newRig(t, h1.Config{})
	r.script(func() {
		r.p.WantRequest("GET / HTTP/1.1", "the request")
		r.p.Send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
		r.p.Close()
	})
	var res wire.Response
	if err := r.do(context.Background(), get("/"), &res); err != nil {
		t.Fatal(err)
	}
	_, err := io.ReadAll(res.Body)
	wantErr(t, err, wire.PhaseBody, wire.KindProtocol, true, true,
		"peer closed connection without sending complete message body (received 3 bytes, expected 10)")
	r.wantFree(1, wire.ConnClosed)
}

// Hostile or broken peers: what they send, and what the error says.
func TestHostileResponses(t *testing.T) {
	limits := h1.Limits{HeadBytes: 2000, Fields: 20, Interim: 3, ChunkExtBytes: 50, TrailerBytes: 1000}
	long := strings.Repeat("x", 3000)
	chunked := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, tt := range []struct {
		name, send, text string
		body             bool // found while reading the content
	}{
		{"not HTTP", "SSH-2.0-OpenSSH_9.9\r\n", "not HTTP/1", false},
		{"HTTP/2 frames", "\x00\x00\x12\x04\x00\x00\x00\x00\x00", "not HTTP/1", false},
		{"endless head line", "HTTP/1.1 200 OK\r\nX: " + long, "Limits.HeadBytes", false},
		{"head too long but whole", "HTTP/1.1 200 OK\r\nX: " + long + "\r\n\r\n", "Limits.HeadBytes", false},
		{"too many fields", "HTTP/1.1 200 OK\r\n" + strings.Repeat("a: b\r\n", 21) + "\r\n", "Limits.Fields", false},
		{"endless interim responses", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 4), "interim responses", false},
		{"few interim responses, but long", strings.Repeat("HTTP/1.1 103 E\r\nX: "+long[:900]+"\r\n\r\n", 3), "interim responses of", false},
		{"space before colon", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "RFC 9112 §5.1", false},
		{"differing lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "Content-Length", false},
		{"odd transfer coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: \x0bchunked\r\n\r\n", "RFC 9110 §5.5", false},
		{"101 not asked for", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "not asked for", false},
		{"chunk size overflow", chunked + "ffffffffffffffff1\r\n", "RFC 9112", true},
		{"LF in chunk size", chunked + "1\na\r\n", "RFC 9112", true},
		{"big chunk extension", chunked + "1;" + long + "\r\na\r\n", "chunk extensions", true},
		{"endless trailers", chunked + "0\r\nT: " + long, "Limits.TrailerBytes", true},
		{"trailers too long but whole", chunked + "0\r\nT: " + long + "\r\n\r\n", "Limits.TrailerBytes", true},
		{"bad trailer", chunked + "0\r\nT : v\r\n\r\n", "RFC 9112 §5.1", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, h1.Config{Limits: limits})
			r.script(func() {
				r.p.WantRequest("GET / HTTP/1.1", "the request")
				r.p.TrySend(tt.send)
				r.p.WantClosed("the connection cannot be used any more")
			})
			var res wire.Response
			err := r.do(context.Background(), get("/"), &res)
			phase := wire.PhaseHead
			if tt.body {
				if err != nil {
					t.Fatal(err)
				}
				phase = wire.PhaseBody
				_, err = io.ReadAll(res.Body)
			}
			wantErr(t, err, phase, wire.KindProtocol, true, true, tt.text)
			r.wantFree(1, wire.ConnClosed)
		})
	}
}

// Requests that must not be sent: nothing is written, the body is closed, and
// the connection is as good as before.
func TestRequestsThatAreNotSent(t *testing.T) {
	short := func(s string, n int64) *wire.Request { return post(bodyOf(s), n) }
	mem := func(s string, n int64) *wire.Request {
		sr := strings.NewReader(s)
		return post(lenBody{&body{Reader: sr}, sr}, n)
	}
	big := strings.Repeat("x", 40_000)
	boom := errors.New("boom")
	for _, tt := range []struct {
		name  string
		req   *wire.Request
		kind  wire.Kind
		text  string
		alive bool
	}{
		{"bad target", get("/a b"), wire.KindProtocol, "target", true},
		{"CRLF in a value", &wire.Request{Target: "/", Authority: "h", Fields: wire.Fields{{Name: "A", Value: "b\r\nC: d"}}}, wire.KindProtocol, "A", true},
		{"in memory, too short", mem("abc", 5), wire.KindProtocol, "ended after 3 of its announced 5 bytes", true},
		{"in memory, too long", mem("abcdef", 5), wire.KindProtocol, "longer than its announced 5 bytes", true},
		{"in memory and large, too long", mem(big, 30_000), wire.KindProtocol, "longer than its announced 30000 bytes", false},
		{"may block, too short", short("abc", 5), wire.KindProtocol, "ended after 3 of its announced 5 bytes", false},
		{"may block, too long", short("abcdef", 5), wire.KindProtocol, "longer than its announced 5 bytes", false},
		{"may block, not empty", short("a", 0), wire.KindProtocol, "longer than its announced 0 bytes", false},
		{"body fails", post(&body{Reader: io.MultiReader(strings.NewReader("ab"), failing{boom})}, 5), wire.KindRequestBody, "boom", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, h1.Config{})
			if tt.alive {
				r.script(func() {
					r.p.WantRequest("GET /next HTTP/1.1", "the first bytes are those of the next request")
					r.p.Respond("204 No Content", "")
				})
			} else {
				r.script(func() { r.p.WantClosed("nothing was sent") })
			}
			var res wire.Response
			err := r.do(context.Background(), tt.req, &res)
			wantErr(t, err, wire.PhaseWrite, tt.kind, false, false, tt.text)
			if tt.kind == wire.KindRequestBody && !errors.Is(err, boom) {
				t.Error("does not unwrap to the body's error")
			}
			var b *body
			switch x := tt.req.Body.(type) {
			case *body:
				b = x
			case lenBody:
				b = x.body
			}
			if b != nil {
				eventually(t, "the body is closed", func() bool { return b.closes.Load() == 1 })
			}
			if !tt.alive {
				r.wantFree(1, wire.ConnClosed)
				return
			}
			r.wantFree(1, wire.ConnOpen)
			if err := r.do(context.Background(), get("/next"), &res); err != nil {
				t.Fatal(err)
			}
			if res.Reused {
				t.Error("nothing was sent before, but the connection counts as used")
			}
		})
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// A body whose length turns out wrong on the way: the connection is closed
// before the peer can take the request for whole.
func TestLongBodyOfWrongLength(t *testing.T) {
	for _, tt := range []struct {
		name string
		have int
		text string
	}{
		{"too short", 39_999, "ended after 39999 of its announced 40000 bytes"},
		{"too long", 40_001, "longer than its announced 40000 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, h1.Config{})
			r.script(func() {
				h := r.p.WantHead("POST /up HTTP/1.1", "the head goes out at once")
				if h.Get("Content-Length") != "40000" {
					t.Errorf("head %q", h.Head)
				}
				io.Copy(io.Discard, r.p.Conn)
			})
			b := bodyOf(strings.Repeat("x", tt.have))
			var res wire.Response
			err := r.do(context.Background(), post(b, 40_000), &res)
			wantErr(t, err, wire.PhaseWrite, wire.KindProtocol, false, true, tt.text)
			if !errors.Is(err, wire.ErrLocalProtocol) || errors.Is(err, wire.ErrRemoteProtocol) {
				t.Error("sentinels")
			}
			eventually(t, "the body is closed", func() bool { return b.closes.Load() == 1 })
			r.wantFree(1, wire.ConnClosed)
		})
	}
}

// The wrong length is found although the peer answers at once.
func TestWrongLengthWithEagerPeer(t *testing.T) {
	r := newRig(t, h1.Config{})
	r.script(func() {
		r.p.WantRequest("POST /up HTTP/1.1", "the announced bytes")
		r.p.TrySend("HTTP/1.1 204 No Content\r\n\r\n")
		r.p.WantClosed("the body had one byte more")
	})
	b := bodyOf(strings.Repeat("x", 40_001))
	b.Reader = byPieces{b.Reader, 20_000}
	var res wire.Response
	err := r.do(context.Background(), post(b, 40_000), &res)
	wantErr(t, err, wire.PhaseWrite, wire.KindProtocol, false, true, "longer than its announced 40000 bytes")
	r.wantFree(1, wire.ConnClosed)
}

type byPieces struct {
	r io.Reader
	n int
}

func (b byPieces) Read(p []byte) (int, error) { return b.r.Read(p[:min(len(p), b.n)]) }

func TestBadRequestTrailers(t *testing.T) {
	r := newRig(t, h1.Config{})
	r.script(func() { io.Copy(io.Discard, r.p.Conn) })
	req := post(bodyOf("abc"), -1)
	req.Trailers = func() wire.Fields { return wire.Fields{{Name: "Content-Length", Value: "3"}} }
	var res wire.Response
	err := r.do(context.Background(), req, &res)
	wantErr(t, err, wire.PhaseWrite, wire.KindProtocol, false, true, "trailer")
	r.wantFree(1, wire.ConnClosed)
}

// The peer closed the idle connection: nothing can be an answer.
func TestPeerHasClosed(t *testing.T) {
	r := newRig(t, h1.Config{})
	r.p.Reset()
	var res wire.Response
	err := r.do(context.Background(), get("/"), &res)
	wantErr(t, err, wire.PhaseWrite, wire.KindDisconnected, true, false, "without sending a response")
	r.wantFree(1, wire.ConnClosed)

	// With an answer in the buffer and no byte sent it is no answer either.
	r = newRig(t, h1.Config{})
	r.p.Send("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n")
	r.p.Close()
	err = r.do(context.Background(), get("/"), &res)
	wantErr(t, err, wire.PhaseWrite, wire.KindDisconnected, true, false, "without sending a response")
	r.wantFree(1, wire.ConnClosed)
}

// lostConn fails one read as the kernel does when the peer's acknowledgements
// stop; the reads after it find the end of the stream.
type lostConn struct {
	*memconn.Conn
	after int // reads
}

func (c *lostConn) Read(p []byte) (int, error) {
	if c.after--; c.after == -1 {
		c.Conn.Close()
		return 0, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ETIMEDOUT}
	}
	if c.after < -1 {
		return 0, io.EOF
	}
	return c.Conn.Read(p)
}

// ETIMEDOUT says Timeout too, but it is the end of the connection and no
// deadline of ours: content that ends in it is not whole.
func TestConnectionLost(t *testing.T) {
	for _, tt := range []struct {
		name, send string
		phase      wire.Phase
	}{
		{"before the head", "", wire.PhaseHead},
		{"until close", "HTTP/1.1 200 OK\r\n\r\nabc", wire.PhaseBody},
		{"length", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", wire.PhaseBody},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nc, p := peer.H1(t)
			lost := &lostConn{Conn: nc}
			if tt.send != "" {
				lost.after = 1
			}
			r := rigOver(t, h1.Config{}, lost, p)
			r.script(func() {
				r.p.WantRequest("GET / HTTP/1.1", "the request")
				r.p.TrySend(tt.send)
			})
			var res wire.Response
			err := r.do(context.Background(), get("/"), &res)
			if err == nil {
				_, err = io.ReadAll(res.Body)
			}
			if err == nil {
				t.Fatal("the content passed for whole")
			}
			wantErr(t, err, tt.phase, wire.KindNetwork, true, true, syscall.ETIMEDOUT.Error())
			r.wantFree(1, wire.ConnClosed)
		})
	}
}

// lazyConn takes nothing and does not say why.
type lazyConn struct{ *memconn.Conn }

func (lazyConn) Write([]byte) (int, error) { return 0, nil }

func TestConnectionThatTakesNothing(t *testing.T) {
	nc, p := peer.H1(t)
	r := rigOver(t, h1.Config{}, lazyConn{nc}, p)
	err := r.do(context.Background(), get("/"), new(wire.Response))
	wantErr(t, err, wire.PhaseWrite, wire.KindNetwork, true, false, io.ErrShortWrite.Error())
	r.wantFree(1, wire.ConnClosed)
}
