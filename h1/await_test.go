package h1_test

import (
	"bufio"
	"context"
	stdtls "crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"gohttpx.dev/h1"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/tls"
	"gohttpx.dev/wire"
)

// What becomes of an exchange whose wait begins with its write: one that is not
// the first on a socket, or on TLS above one.

// warm returns an engine over TCP, or TLS above it, that has made one exchange.
// The server, which may not have the next request yet, then runs second.
func warm(t *testing.T, secure bool, second func(c net.Conn, br *bufio.Reader)) *rig {
	t.Helper()
	cert, roots := peer.Cert(t, "localhost")
	s := peer.Listen(t, func(nc net.Conn) {
		if secure {
			nc = stdtls.Server(nc, &stdtls.Config{Certificates: []stdtls.Certificate{cert}})
		}
		br := bufio.NewReader(nc)
		if _, err := http.ReadRequest(br); err != nil {
			t.Errorf("server: %v", err)
			return
		}
		io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst")
		second(nc, br)
	})
	nc, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	var cfg h1.Config
	if secure {
		client, err := tls.NewClient(tls.Options{RootCAs: roots})
		if err != nil {
			t.Fatal(err)
		}
		tc, err := client.Handshake(context.Background(), nc, "localhost")
		if err != nil {
			t.Fatal(err)
		}
		cfg.RawConn, cfg.Probe, cfg.Quiet = nc, tc.Probe, tc.Quiet
		nc = tc
	}
	r := rigOver(t, cfg, nc, nil)
	var res wire.Response
	if err := r.do(context.Background(), get("/"), &res); err != nil {
		t.Fatal(err)
	}
	readAll(t, res.Body, "first")
	return r
}

// overBoth runs f over a socket and over TLS.
func overBoth(t *testing.T, f func(t *testing.T, secure bool)) {
	t.Run("TCP", func(t *testing.T) { f(t, false) })
	t.Run("TLS", func(t *testing.T) { f(t, true) })
}

// answerNext reads a request and answers it after a pause.
func answerNext(t *testing.T, nc net.Conn, br *bufio.Reader, pause time.Duration) {
	req, err := http.ReadRequest(br)
	if err != nil {
		t.Errorf("server: %v", err)
		return
	}
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		t.Errorf("server: %v", err)
	}
	<-time.After(pause)
	io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond")
}

func TestAwaitedResponse(t *testing.T) {
	overBoth(t, func(t *testing.T, secure bool) {
		for _, tt := range []struct {
			name  string
			pause time.Duration
			req   func() *wire.Request
		}{
			{"at once", 0, func() *wire.Request { return get("/") }},
			// Later than the look.
			{"late", 300 * time.Millisecond, func() *wire.Request { return get("/") }},
			{"short body", 0, func() *wire.Request { return post(bodyOf("body"), 4) }},
			// Over TLS these are several records.
			{"body of 16 KiB", 0, func() *wire.Request { return post(bodyOf(strings.Repeat("x", 16<<10)), 16<<10) }},
			{"head of 200 KB", 0, func() *wire.Request {
				r := get("/")
				for range 200 {
					r.Fields = append(r.Fields, wire.Field{Name: "X-Long", Value: strings.Repeat("x", 1000)})
				}
				return r
			}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				r := warm(t, secure, func(c net.Conn, br *bufio.Reader) {
					for range 3 {
						answerNext(t, c, br, tt.pause)
					}
				})
				for range 3 {
					var res wire.Response
					if err := r.do(context.Background(), tt.req(), &res); err != nil {
						t.Fatal(err)
					}
					readAll(t, res.Body, "second")
				}
				r.wantFree(4, wire.ConnOpen)
			})
		}
	})
}

// A peer that has ended its half without a word, and takes what is sent to it
// still: the wait may not have been told of the end, which is found nevertheless,
// long before the read timeout.
func TestAwaitedEndThatCameBefore(t *testing.T) {
	r := warm(t, false, func(c net.Conn, br *bufio.Reader) {
		c.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, br)
	})
	// Looked at as an idle connection, and thereby known to have come.
	eventually(t, "the end", func() bool { return !r.Healthy() })
	err := r.do(context.Background(), timed(get("/"), wire.Timeouts{Read: wire.Never}), new(wire.Response))
	wantErr(t, err, wire.PhaseHead, wire.KindDisconnected, true, true, "")
	if !errors.Is(err, io.EOF) {
		t.Errorf("%v is no end", err)
	}
	r.wantFree(2, wire.ConnClosed)
}

// The read timeout counts from the write, whether or not it leaves room for a
// look, and so does that of the head.
func TestAwaitedTimeouts(t *testing.T) {
	overBoth(t, func(t *testing.T, secure bool) {
		for _, tt := range []struct {
			name  string
			limit time.Duration
			tm    wire.Timeouts
			text  string
		}{
			{"read, short", 50 * time.Millisecond, wire.Timeouts{Read: 50 * time.Millisecond}, "nothing received for 50ms"},
			{"read", 300 * time.Millisecond, wire.Timeouts{Read: 300 * time.Millisecond}, "nothing received for 300ms"},
			{"header, short", 50 * time.Millisecond, wire.Timeouts{Header: 50 * time.Millisecond}, "no complete response head within 50ms"},
			{"header", 300 * time.Millisecond, wire.Timeouts{Read: wire.Never, Header: 300 * time.Millisecond}, "no complete response head within 300ms"},
		} {
			t.Run(tt.name, func(t *testing.T) {
				r := warm(t, secure, func(c net.Conn, br *bufio.Reader) { io.Copy(io.Discard, br) })
				start := time.Now()
				err := r.do(context.Background(), timed(get("/"), tt.tm), new(wire.Response))
				if d := time.Since(start); d < tt.limit {
					t.Errorf("fired after %v, want no less than %v", d, tt.limit)
				}
				wantErr(t, err, wire.PhaseHead, wire.KindTimeout, true, true, tt.text)
				r.wantFree(2, wire.ConnClosed)
			})
		}
	})
}

// What ends the exchange ends the wait.
func TestAwaitedEnds(t *testing.T) {
	overBoth(t, func(t *testing.T, secure bool) {
		for _, tt := range []struct {
			name string
			do   func(r *rig, c net.Conn, cancel func())
			kind wire.Kind
		}{
			{"context", func(r *rig, c net.Conn, cancel func()) { cancel() }, wire.KindCanceled},
			{"Close", func(r *rig, c net.Conn, cancel func()) { r.Close() }, wire.KindClosed},
			{"reset", func(r *rig, c net.Conn, cancel func()) {
				if over, ok := c.(*stdtls.Conn); ok {
					c = over.NetConn()
				}
				c.(*net.TCPConn).SetLinger(0)
				c.Close()
			}, wire.KindDisconnected},
		} {
			t.Run(tt.name, func(t *testing.T) {
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				ready := make(chan *rig, 1)
				r := warm(t, secure, func(c net.Conn, br *bufio.Reader) {
					http.ReadRequest(br)
					tt.do(<-ready, c, cancel)
					io.Copy(io.Discard, br)
				})
				ready <- r
				err := r.do(ctx, timed(get("/"), wire.Timeouts{Read: wire.Never}), new(wire.Response))
				wantErr(t, err, wire.PhaseHead, tt.kind, tt.kind == wire.KindDisconnected, true, "")
				r.wantFree(2, wire.ConnClosed)
			})
		}
	})
}

// A hook is told of the write before the answer comes.
func TestAwaitedHooks(t *testing.T) {
	wrote := make(chan struct{})
	r := warm(t, false, func(c net.Conn, br *bufio.Reader) {
		<-wrote
		answerNext(t, c, br, 0)
	})
	req := get("/")
	req.Trace = &wire.Trace{WroteRequest: func(error) { close(wrote) }}
	var res wire.Response
	if err := r.do(context.Background(), req, &res); err != nil {
		t.Fatal(err)
	}
	readAll(t, res.Body, "second")
}

// Whoever ends a connection, at whatever time, ends a wait too: the exchange is
// over, and the slot free once.
func TestAwaitedEndsAtAnyTime(t *testing.T) {
	overBoth(t, func(t *testing.T, secure bool) {
		for i := range 60 {
			ctx, cancel := context.WithCancel(context.Background())
			r := warm(t, secure, func(c net.Conn, br *bufio.Reader) {
				// Some are answered before their end comes.
				if i%4 == 0 {
					http.ReadRequest(br)
					io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond")
				}
				io.Copy(io.Discard, br)
			})
			if !r.Reserve() {
				t.Fatal("the slot is not free")
			}
			r.busy.Store(true)
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				for range i * 20 {
					yield()
				}
				switch i / 4 % 3 {
				case 0:
					cancel()
				case 1:
					r.Close()
				case 2:
					r.Drain()
					r.Close()
				}
			}()
			var res wire.Response
			if err := r.RoundTrip(ctx, timed(get("/"), wire.Timeouts{Read: wire.Never}), &res); err == nil {
				io.ReadAll(res.Body)
			}
			<-ended
			r.Close()
			eventually(t, "the slot comes free", func() bool { return r.freed.Load() == 2 })
			r.wantFree(2, wire.ConnClosed)
			cancel()
		}
	})
}

// The deadline of a wait is none of a stream's that the connection has become.
func TestAwaitedSwitch(t *testing.T) {
	overBoth(t, func(t *testing.T, secure bool) {
		for _, detach := range []bool{false, true} {
			r := warm(t, secure, func(c net.Conn, br *bufio.Reader) {
				http.ReadRequest(br)
				io.WriteString(c, switching)
				<-time.After(300 * time.Millisecond)
				io.WriteString(c, "later")
				br.ReadByte()
			})
			req := get("/")
			req.Fields = wire.Fields{{Name: "Connection", Value: "Upgrade"}, {Name: "Upgrade", Value: "websocket"}}
			var res wire.Response
			if err := r.do(context.Background(), req, &res); err != nil {
				t.Fatal(err)
			}
			from := io.Reader(res.Body)
			if detach {
				nc, lead, err := r.Detach()
				if err != nil || len(lead) > 0 {
					t.Fatal(lead, err)
				}
				defer nc.Close()
				from = nc
			}
			got := make([]byte, 5)
			if _, err := io.ReadFull(from, got); err != nil || string(got) != "later" {
				t.Errorf("detached %v: %q, %v", detach, got, err)
			}
			r.Close()
		}
	})
}
