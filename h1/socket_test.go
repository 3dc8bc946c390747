package h1_test

import (
	"bufio"
	"context"
	stdtls "crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/h1"
	"gohttpx.dev/internal/memconn"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/wire"
)

// What needs a real socket: vectors, files, the look at an idle connection, TLS.

// dialed returns an engine over TCP to a server that runs handler.
func dialed(t *testing.T, cfg h1.Config, handler func(nc net.Conn)) *rig {
	t.Helper()
	s := peer.Listen(t, handler)
	nc, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	return rigOver(t, cfg, nc, nil)
}

// echo answers each request with the length of its body, read by net/http.
func echo(t *testing.T, pause time.Duration) func(nc net.Conn) {
	return func(nc net.Conn) {
		br := bufio.NewReader(nc)
		for {
			req, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			<-time.After(pause) // the socket is full by then
			got, err := io.ReadAll(req.Body)
			if err != nil {
				t.Errorf("server: %v", err)
				return
			}
			h := "HTTP/1.1 200 OK\r\nX-First: " + string(got[:min(len(got), 3)]) + "\r\nContent-Length: "
			io.WriteString(nc, h+itoa(len(itoa(len(got))))+"\r\n\r\n"+itoa(len(got)))
		}
	}
}

func TestUploadsOverTCP(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 250_000) // 4 MB
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("skip"+big), 0o600); err != nil {
		t.Fatal(err)
	}
	file := func() io.ReadCloser {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		f.Seek(4, io.SeekStart)
		return f
	}
	r := dialed(t, h1.Config{}, echo(t, 0))
	n := int64(len(big))
	for i, req := range []*wire.Request{
		post(io.NopCloser(strings.NewReader(big)), n),
		post(io.NopCloser(strings.NewReader(big)), -1),
		post(bodyOf(big), n),
		post(bodyOf(big), -1),
		post(file(), n),
		post(file(), -1),
	} {
		var trace []string
		req.Trace = &wire.Trace{
			WroteHead:    func() { trace = append(trace, "head") },
			WroteRequest: func(err error) { trace = append(trace, "request") },
		}
		var res wire.Response
		if err := r.do(context.Background(), req, &res); err != nil {
			t.Fatal(i, err)
		}
		if res.Fields.Get("X-First") != "012" {
			t.Errorf("%d: starts with %q", i, res.Fields.Get("X-First"))
		}
		readAll(t, res.Body, itoa(len(big)))
		r.wantFree(int32(i+1), wire.ConnOpen)
		if strings.Join(trace, " ") != "head request" {
			t.Errorf("%d: hooks %v", i, trace)
		}
		if res.Timing.Write <= 0 {
			t.Errorf("%d: timing %+v", i, res.Timing)
		}
	}
}

// Plain sockets: writes go on after a deadline as long as there is progress. The
// whole takes longer than the limit by far, and the more so the longer the limit is:
// on a machine where the server is not run for that long, the next one does.
func TestSlowReaderOverTCP(t *testing.T) {
	for _, name := range []string{"memory", "file", "copied"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const size = 4 << 20
			path := filepath.Join(t.TempDir(), "f")
			if err := os.WriteFile(path, []byte(strings.Repeat("x", size)), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, factor := range []time.Duration{1, 2, 4, 8} {
				limit := factor * 300 * time.Millisecond
				r := dialed(t, h1.Config{}, func(nc net.Conn) {
					nc.(*net.TCPConn).SetReadBuffer(64 << 10)
					tick := time.NewTicker(factor * 5 * time.Millisecond)
					defer tick.Stop()
					br := bufio.NewReaderSize(slowly{nc, tick.C}, 32<<10)
					req, err := http.ReadRequest(br)
					if err != nil {
						return
					}
					if n, err := io.Copy(io.Discard, req.Body); n != size || err != nil {
						t.Logf("server got %d, %v", n, err)
						return
					}
					io.WriteString(nc, "HTTP/1.1 204 No Content\r\n\r\n")
				})
				r.nc.(*net.TCPConn).SetWriteBuffer(64 << 10)
				var rc io.ReadCloser
				switch name {
				case "memory":
					rc = io.NopCloser(strings.NewReader(strings.Repeat("x", size)))
				case "copied":
					rc = bodyOf(strings.Repeat("x", size))
				case "file":
					f, err := os.Open(path)
					if err != nil {
						t.Fatal(err)
					}
					rc = f
				}
				start := time.Now()
				err := r.do(context.Background(), timed(post(rc, size), wire.Timeouts{Write: limit, Read: time.Minute}), new(wire.Response))
				if errors.Is(err, wire.ErrWriteTimeout) && factor < 8 {
					t.Logf("limit %v: after %v: %v", limit, time.Since(start), err)
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if d := time.Since(start); d < limit*4/3 {
					t.Logf("took only %v: the system's buffers are large", d)
				}
				r.wantFree(1, wire.ConnOpen)
				return
			}
		})
	}
}

type slowly struct {
	r    io.Reader
	tick <-chan time.Time
}

func (s slowly) Read(p []byte) (int, error) {
	<-s.tick
	return s.r.Read(p)
}

// A peer that takes nothing any more ends a write over a real socket in time.
func TestWriteTimeoutOverTCP(t *testing.T) {
	const limit = 300 * time.Millisecond
	for _, memory := range []bool{false, true} {
		// Late because the machine is busy is not late every time.
		for n := 1; ; n++ {
			done := make(chan struct{})
			r := dialed(t, h1.Config{}, func(nc net.Conn) { <-done })
			var rc io.ReadCloser = bodyOf(strings.Repeat("x", 32<<20))
			if memory {
				rc = io.NopCloser(strings.NewReader(strings.Repeat("x", 32<<20)))
			}
			start := time.Now()
			err := r.do(context.Background(), timed(post(rc, 32<<20), wire.Timeouts{Write: limit}), new(wire.Response))
			d := time.Since(start)
			wantErr(t, err, wire.PhaseWrite, wire.KindTimeout, true, true, "nothing sent for 300ms")
			r.wantFree(1, wire.ConnClosed)
			close(done)
			late := d > limit+time.Second
			if d < limit || late && n == 10 {
				t.Errorf("fired after %v, the %dth time", d, n)
			}
			if !late {
				break
			}
		}
	}
}

func TestHealthy(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(nc *net.TCPConn)
		want bool
	}{
		{"quiet", func(*net.TCPConn) {}, true},
		{"closed", func(nc *net.TCPConn) { nc.Close() }, false},
		{"half-closed", func(nc *net.TCPConn) { nc.CloseWrite() }, false},
		{"reset", func(nc *net.TCPConn) { nc.SetLinger(0); nc.Close() }, false},
		{"spoke out of turn", func(nc *net.TCPConn) { io.WriteString(nc, "HTTP/1.1 408 Request Timeout\r\n\r\n") }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			act, acted, over := make(chan struct{}), make(chan struct{}), make(chan struct{})
			r := dialed(t, h1.Config{}, func(nc net.Conn) {
				http.ReadRequest(bufio.NewReader(nc))
				// Exactly what a large read asks for: nothing shows that
				// the socket is empty, so Healthy looks at once.
				io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"+strings.Repeat("x", 5000))
				<-act
				tt.do(nc.(*net.TCPConn))
				close(acted)
				<-over
			})
			defer close(over)
			if !r.Healthy() {
				t.Error("not healthy before the first exchange")
			}
			// A deadline that passes while the connection is idle must not
			// count against it: the limit is one that the answer can keep.
			const limit = time.Second
			var res wire.Response
			if err := r.do(context.Background(), timed(get("/"), wire.Timeouts{Read: limit}), &res); err != nil {
				t.Fatal(err)
			}
			readAll(t, res.Body, strings.Repeat("x", 5000))
			deadline := time.NewTimer(limit + limit/5) // deadlines may be a tenth late
			<-deadline.C
			close(act)
			<-acted
			if tt.want {
				for range 100 {
					if !r.Healthy() {
						t.Fatal("not healthy")
					}
				}
				return
			}
			eventually(t, "the look finds it", func() bool { return !r.Healthy() })
			if r.Healthy() {
				t.Error("healthy again")
			}
		})
	}
}

func TestHealthyAllocatesNothing(t *testing.T) {
	r := dialed(t, h1.Config{}, func(nc net.Conn) {
		http.ReadRequest(bufio.NewReader(nc))
		io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"+strings.Repeat("x", 5000))
		http.ReadRequest(bufio.NewReader(nc)) // until the client closes
	})
	var res wire.Response
	if err := r.do(context.Background(), get("/"), &res); err != nil {
		t.Fatal(err)
	}
	readAll(t, res.Body, strings.Repeat("x", 5000))
	if n := testing.AllocsPerRun(100, func() { r.Healthy() }); n != 0 && !raceOn {
		t.Errorf("%v allocations", n)
	}
}

// Bytes or an end that come right after the response are seen by the look, also
// if the connection is used again soon. One round of many in which this process
// was not held up is enough.
func TestHealthySoonAfterTheResponse(t *testing.T) {
	for range 50 {
		r := dialed(t, h1.Config{}, func(nc net.Conn) {
			http.ReadRequest(bufio.NewReader(nc))
			io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")
			http.ReadRequest(bufio.NewReader(nc)) // until the client closes
		})
		head := get("/")
		head.Method = "HEAD"
		start := time.Now()
		if err := r.do(context.Background(), head, new(wire.Response)); err != nil {
			t.Fatal(err)
		}
		r.nc.(*net.TCPConn).CloseWrite() // the peer closes
		eventually(t, "the look finds it", func() bool { return !r.Healthy() })
		r.Close()
		if time.Since(start) < 25*time.Millisecond {
			return
		}
	}
	t.Error("the end was seen late every time")
}

func TestProbe(t *testing.T) {
	alive := true
	r := newRig(t, h1.Config{Probe: func() bool { return alive }})
	r.script(func() {
		r.p.WantRequest("GET / HTTP/1.1", "the request")
		r.p.Respond("200 OK", "")
	})
	alive = false
	if !r.Healthy() {
		t.Error("the probe was asked before the first exchange: session tickets may have come")
	}
	if err := r.do(context.Background(), get("/"), new(wire.Response)); err != nil {
		t.Fatal(err)
	}
	if r.Healthy() {
		t.Error("the probe was not asked")
	}
	alive = true
	if !r.Healthy() {
		t.Error("the probe's answer does not count")
	}
	r.Drain()
	if r.Healthy() {
		t.Error("healthy after Drain")
	}
}

// tellEnd makes crypto/tls report an end without an alert, which it would take
// for a good one between two records.
type tellEnd struct{ net.Conn }

type noAlert struct{}

func (noAlert) Error() string { return "end of the connection without an alert" }
func (noAlert) Unwrap() error { return io.ErrUnexpectedEOF }

func (c tellEnd) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == io.EOF {
		err = noAlert{}
	}
	return n, err
}

// RFC 9112 §9.8: content that ends with the connection is complete "only if a
// valid closure alert has been received".
func TestTLSEndOfContent(t *testing.T) {
	cert, pool := peer.Cert(t, "localhost")
	for _, version := range []uint16{stdtls.VersionTLS12, stdtls.VersionTLS13} {
		for _, alert := range []bool{true, false} {
			s := peer.Listen(t, func(nc net.Conn) {
				c := stdtls.Server(nc, &stdtls.Config{Certificates: []stdtls.Certificate{cert}})
				http.ReadRequest(bufio.NewReader(c))
				io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\nabc")
				if alert {
					c.Close()
				}
			})
			nc, err := net.Dial("tcp", s.Addr)
			if err != nil {
				t.Fatal(err)
			}
			c := stdtls.Client(tellEnd{nc}, &stdtls.Config{RootCAs: pool, ServerName: "localhost", MaxVersion: version})
			r := rigOver(t, h1.Config{RawConn: nc}, c, nil)
			var res wire.Response
			if err := r.do(context.Background(), get("/"), &res); err != nil {
				t.Fatal(err)
			}
			if alert {
				readAll(t, res.Body, "abc")
			} else {
				_, err := io.ReadAll(res.Body)
				wantErr(t, err, wire.PhaseBody, wire.KindProtocol, true, true, "closure alert")
			}
			r.wantFree(1, wire.ConnClosed)
		}
	}
}

// RFC 9112 §9.8: "Clients MUST send a closure alert before closing the
// connection."
func TestTLSClosureAlertIsSent(t *testing.T) {
	cert, pool := peer.Cert(t, "localhost")
	end := make(chan error, 1)
	s := peer.Listen(t, func(nc net.Conn) {
		c := stdtls.Server(nc, &stdtls.Config{Certificates: []stdtls.Certificate{cert}})
		br := bufio.NewReader(c)
		http.ReadRequest(br)
		io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
		_, err := br.ReadByte()
		end <- err
	})
	nc, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	c := stdtls.Client(nc, &stdtls.Config{RootCAs: pool, ServerName: "localhost"})
	r := rigOver(t, h1.Config{RawConn: nc}, c, nil)
	if err := r.do(context.Background(), get("/"), new(wire.Response)); err != nil {
		t.Fatal(err)
	}
	r.Close()
	if err := <-end; err != io.EOF {
		t.Errorf("the server's read ended with %v, want the EOF of an alert", err)
	}
}

// An upload over TLS that the peer does not read is cancelled at once: closing
// must not wait for the write.
func TestCancelTLSUpload(t *testing.T) {
	cert, pool := peer.Cert(t, "localhost")
	done := make(chan struct{})
	defer close(done)
	ctx, cancel := context.WithCancelCause(context.Background())
	var start time.Time
	s := peer.Listen(t, func(nc net.Conn) {
		c := stdtls.Server(nc, &stdtls.Config{Certificates: []stdtls.Certificate{cert}})
		http.ReadRequest(bufio.NewReader(c))
		start = time.Now()
		cancel(errWhy)
		<-done
	})
	nc, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	c := stdtls.Client(nc, &stdtls.Config{RootCAs: pool, ServerName: "localhost"})
	r := rigOver(t, h1.Config{RawConn: nc}, c, nil)
	req := timed(post(bodyOf(strings.Repeat("x", 32<<20)), -1), wire.Timeouts{Write: wire.Never, Read: wire.Never})
	wantCanceled(t, r.do(ctx, req, new(wire.Response)), wire.PhaseHead, true)
	// crypto/tls gives its alert five seconds.
	if d := time.Since(start); d > 4*time.Second {
		t.Errorf("took %v", d)
	}
	r.wantFree(1, wire.ConnClosed)
}

// slowAlert is a TLS connection whose peer reads nothing: Close waits until the
// alert is taken or the socket is closed.
type slowAlert struct {
	*memconn.Conn
	rawClosed chan struct{}
	once      *sync.Once
}

func (c slowAlert) Close() error {
	<-c.rawClosed
	return nil
}

// socket is the connection beneath slowAlert.
type socket struct{ slowAlert }

func (s socket) Close() error {
	s.once.Do(func() { close(s.rawClosed) })
	return s.Conn.Close()
}

func TestClosureAlertIsNotWaitedForLong(t *testing.T) {
	for _, how := range []string{"body", "idle"} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				nc, p := peer.H1(t)
				c := slowAlert{nc, make(chan struct{}), new(sync.Once)}
				r := rigOver(t, h1.Config{RawConn: socket{c}, DrainBytes: -1}, c, p)
				r.script(func() {
					r.p.WantRequest("GET / HTTP/1.1", "the request")
					r.p.Respond("200 OK", "abc")
				})
				var res wire.Response
				if err := r.do(context.Background(), get("/"), &res); err != nil {
					t.Fatal(err)
				}
				if how == "idle" {
					readAll(t, res.Body, "abc")
				}
				start := time.Now()
				if how == "idle" {
					r.Close()
				} else {
					res.Body.Close()
				}
				if d := time.Since(start); d > 50*time.Millisecond {
					t.Errorf("took %v", d)
				}
				r.wantFree(1, wire.ConnClosed)
			})
		})
	}
}

// above is a connection over a socket that holds more than it, as one may that a
// caller's own TLS has made, and lets go of that by Close only.
type above struct {
	net.Conn
	socket *memconn.Conn
	closed chan bool // whether the socket was closed before; once
}

func (c above) Close() error {
	select {
	case c.closed <- c.socket.Closed():
	default:
	}
	return c.Conn.Close()
}

// What is above the socket is closed as well, after it, where an exchange is broken
// off.
func TestHardCloseReachesTheTop(t *testing.T) {
	for how, end := range map[string]func(r *rig, cancel context.CancelCauseFunc, body io.Closer){
		"cancelled":                         func(_ *rig, cancel context.CancelCauseFunc, _ io.Closer) { cancel(errWhy) },
		"closed by the owner":               func(r *rig, _ context.CancelCauseFunc, _ io.Closer) { r.Close() },
		"content closed while it is read":   func(_ *rig, _ context.CancelCauseFunc, body io.Closer) { body.Close() },
		"cancelled with an upload underway": func(_ *rig, cancel context.CancelCauseFunc, _ io.Closer) { cancel(errWhy) },
	} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				nc, p := peer.H1(t)
				c := above{nc, nc, make(chan bool, 1)}
				r := rigOver(t, h1.Config{RawConn: nc}, c, p)
				ctx, cancel := context.WithCancelCause(context.Background())
				defer cancel(nil)
				req := get("/")
				if strings.Contains(how, "upload") {
					never, _ := io.Pipe()
					req = post(struct {
						io.Reader
						io.Closer
					}{io.MultiReader(strings.NewReader("x"), never), never}, 1<<20)
				}
				r.script(func() {
					r.p.WantHead(req.Method+" "+req.Target+" HTTP/1.1", "the request")
					r.p.Send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
				})
				var res wire.Response
				if err := r.do(ctx, timed(req, wire.Timeouts{Read: wire.Never}), &res); err != nil {
					t.Fatal(err)
				}
				read := make(chan error)
				go func() {
					_, err := io.ReadAll(res.Body)
					read <- err
				}()
				synctest.Wait()
				end(r, cancel, res.Body)
				if err := <-read; err == nil {
					t.Error("the content is whole")
				}
				synctest.Wait()
				select {
				case after := <-c.closed:
					if !after {
						t.Error("closed before the socket: it may have to wait for it")
					}
				default:
					t.Error("never closed")
				}
			})
		})
	}
}
