package h1_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gohttpx.dev/h1"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/wire"
)

// TestMain fails the package if a test leaves a goroutine behind.
func TestMain(m *testing.M) {
	before := runtime.NumGoroutine()
	code := m.Run()
	if code == 0 {
		if left := goroutinesAbove(before); left != "" {
			fmt.Fprintln(os.Stderr, "goroutines left behind:\n"+left)
			code = 1
		}
	}
	os.Exit(code)
}

// goroutinesAbove waits until no more than n goroutines are left, and returns
// their stacks if that does not happen.
func goroutinesAbove(n int) string {
	for start := time.Now(); time.Since(start) < 30*time.Second; {
		if runtime.NumGoroutine() <= n {
			return ""
		}
		runtime.Gosched()
	}
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

// rig is an engine under test with a scripted peer, and a count of what the
// hook saw.
type rig struct {
	*h1.Conn
	t     testing.TB
	p     *peer.Script
	nc    net.Conn
	freed atomic.Int32 // how often the hook saw the slot come free
	busy  atomic.Bool
}

func newRig(t testing.TB, cfg h1.Config) *rig {
	t.Helper()
	nc, p := peer.H1(t)
	return rigOver(t, cfg, nc, p)
}

func rigOver(t testing.TB, cfg h1.Config, nc net.Conn, p *peer.Script) *rig {
	t.Helper()
	r := &rig{t: t, p: p, nc: nc, Conn: h1.NewConn(nc, cfg)}
	r.OnChange(func() {
		if r.State().InFlight == 0 && r.busy.Swap(false) {
			r.freed.Add(1)
		}
	})
	t.Cleanup(func() { r.Close() })
	return r
}

// script runs the peer's side, to its end before the test ends.
func (r *rig) script(f func()) {
	done := make(chan struct{})
	r.p.Go(func() {
		defer close(done)
		f()
	})
	r.t.Cleanup(func() { <-done })
}

// do reserves the slot and makes the exchange.
func (r *rig) do(ctx context.Context, req *wire.Request, res *wire.Response) error {
	r.t.Helper()
	if !r.Reserve() {
		r.t.Fatalf("the slot is not free: %+v", r.State())
	}
	r.busy.Store(true)
	return r.RoundTrip(ctx, req, res)
}

// wantFree checks that the slot came free n times in all, and that the
// connection is in the phase.
func (r *rig) wantFree(n int32, phase wire.ConnPhase) {
	r.t.Helper()
	if got := r.freed.Load(); got != n {
		r.t.Errorf("the slot came free %d times, want %d", got, n)
	}
	if s := r.State(); s.Phase != phase || s.InFlight != 0 || s.Limit != 1 || s.Proto != wire.HTTP11 {
		r.t.Errorf("state %+v, want phase %v and nothing in flight", s, phase)
	}
}

func get(target string) *wire.Request {
	return &wire.Request{Method: "GET", Scheme: "http", Authority: "example.org", Target: target}
}

// body counts its Close calls.
type body struct {
	io.Reader
	closes atomic.Int32
}

func (b *body) Close() error { b.closes.Add(1); return nil }

func bodyOf(s string) *body { return &body{Reader: strings.NewReader(s)} }

func post(b io.ReadCloser, n int64) *wire.Request {
	r := get("/up")
	r.Method, r.Body, r.BodyLen = "POST", b, n
	return r
}

// wantErr checks that err is a *wire.Error of that kind and phase.
func wantErr(t testing.TB, err error, phase wire.Phase, kind wire.Kind, remote, sent bool, text string) {
	t.Helper()
	var e *wire.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v (%T), want a *wire.Error", err, err)
	}
	if e.Phase != phase || e.Kind != kind || e.Remote != remote || e.Sent != sent {
		t.Errorf("error %q: phase %v kind %v remote %v sent %v, want %v %v %v %v",
			e, e.Phase, e.Kind, e.Remote, e.Sent, phase, kind, remote, sent)
	}
	if !strings.Contains(e.Error(), text) {
		t.Errorf("error %q does not say %q", e, text)
	}
}

func readAll(t testing.TB, b wire.Body, want string) {
	t.Helper()
	got, err := io.ReadAll(b)
	if err != nil || string(got) != want {
		t.Errorf("content %.80q, %v; want %.80q", got, err, want)
	}
}

func TestExchangesOnOneConnection(t *testing.T) {
	r := newRig(t, h1.Config{KeepRawHead: true})
	r.script(func() {
		r.p.WantRequest("GET /a HTTP/1.1", "the first request")
		r.p.Respond("200 OK", "hello", "X-Y: z")
		r.p.WantRequest("HEAD /b HTTP/1.1", "the second on the same connection")
		r.p.Send("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")
		r.p.WantRequest("GET /c HTTP/1.1", "the third")
		r.p.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: 1\r\n\r\n")
		r.p.WantRequest("GET /d HTTP/1.1", "the fourth")
		r.p.Send("HTTP/1.1 204 No Content\r\n\r\n")
		r.p.WantRequest("GET /e HTTP/1.1", "the fifth")
		r.p.Send("HTTP/1.1 200 OK\r\n\r\nuntil the end")
		r.p.Close()
	})
	var res wire.Response
	ctx := context.Background()

	if err := r.do(ctx, get("/a"), &res); err != nil {
		t.Fatal(err)
	}
	if res.Status != 200 || res.Reason != "OK" || res.Fields.Get("x-y") != "z" || res.ContentLength != 5 || res.Reused ||
		res.Proto != wire.HTTP11 || res.Conn == nil || string(res.RawHead) != "HTTP/1.1 200 OK\r\nX-Y: z\r\nContent-Length: 5\r\n\r\n" {
		t.Errorf("got %+v", res)
	}
	buf := make([]byte, 64)
	if n, err := res.Body.Read(buf); n != 5 || err != io.EOF {
		t.Errorf("read %d, %v; want all and the end in one call", n, err)
	}
	r.wantFree(1, wire.ConnOpen)
	if n, err := res.Body.Read(buf); n != 0 || err != io.EOF {
		t.Errorf("read %d, %v after the end", n, err)
	}

	head := get("/b")
	head.Method = "HEAD"
	if err := r.do(ctx, head, &res); err != nil {
		t.Fatal(err)
	}
	if !res.Body.Ended() || res.ContentLength != 0 || !res.Reused {
		t.Errorf("HEAD: got %+v", res)
	}
	r.wantFree(2, wire.ConnOpen)

	if err := r.do(ctx, get("/c"), &res); err != nil {
		t.Fatal(err)
	}
	if res.ContentLength != -1 {
		t.Errorf("chunked: length %d", res.ContentLength)
	}
	if n, err := res.Body.Read(buf); string(buf[:n]) != "abcde" || err != io.EOF {
		t.Errorf("read %q, %v; want all and the end in one call", buf[:n], err)
	}
	if res.Trailers.Get("t") != "1" {
		t.Errorf("trailers %v", res.Trailers)
	}
	r.wantFree(3, wire.ConnOpen)

	if err := r.do(ctx, get("/d"), &res); err != nil || !res.Body.Ended() {
		t.Fatal(err, res.Body)
	}
	r.wantFree(4, wire.ConnOpen)

	if err := r.do(ctx, get("/e"), &res); err != nil {
		t.Fatal(err)
	}
	readAll(t, res.Body, "until the end")
	r.wantFree(5, wire.ConnClosed)
}

func TestUploads(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 20_000) // 320 KB
	for _, tt := range []struct {
		name    string
		body    io.Reader
		n       int64
		want    string
		chunked bool
	}{
		{"empty", strings.NewReader(""), 0, "", false},
		{"short, in memory", strings.NewReader("hello"), 5, "hello", false},
		{"short, might block", onlyReader{strings.NewReader("hello")}, 5, "hello", false},
		{"16 KiB", strings.NewReader(big[:16<<10]), 16 << 10, big[:16<<10], false},
		{"16 KiB and one, in memory", strings.NewReader(big[:16<<10+1]), 16<<10 + 1, big[:16<<10+1], false},
		{"large, in memory", strings.NewReader(big), int64(len(big)), big, false},
		{"large, might block", onlyReader{strings.NewReader(big)}, int64(len(big)), big, false},
		{"unknown length, in memory", strings.NewReader(big), -1, big, true},
		{"unknown length, might block", onlyReader{strings.NewReader(big)}, -1, big, true},
		{"unknown length, empty", onlyReader{strings.NewReader("")}, -1, "", true},
		{"unknown length, in memory and empty", strings.NewReader(""), -1, "", true},
		{"unknown length, byte by byte", byByte{strings.NewReader("hello")}, -1, "hello", true},
	} {
		for _, wrap := range []string{"body", "NopCloser"} {
			t.Run(tt.name+"/"+wrap, func(t *testing.T) {
				if s, ok := tt.body.(io.Seeker); ok {
					s.Seek(0, io.SeekStart)
				} else if wrap == "NopCloser" {
					return // used up by the first
				}
				r := newRig(t, h1.Config{})
				r.script(func() {
					req := r.p.WantRequest("POST /up HTTP/1.1", "the upload")
					if req.Body != tt.want {
						t.Errorf("peer got %d bytes, want %d", len(req.Body), len(tt.want))
					}
					if chunked := req.Get("Transfer-Encoding") == "chunked"; chunked != tt.chunked {
						t.Errorf("chunked %v", chunked)
					}
					r.p.Respond("200 OK", "done")
					if tt.want == "" {
						return
					}
					r.p.WantRequest("GET /next HTTP/1.1", "the connection is used again")
					r.p.Respond("204 No Content", "")
				})
				b := &body{Reader: tt.body}
				var rc io.ReadCloser = b
				if _, ok := tt.body.(*strings.Reader); ok {
					rc = lenBody{b, tt.body.(*strings.Reader)}
					if wrap == "NopCloser" {
						rc = io.NopCloser(tt.body)
						b.closes.Store(1)
					}
				}
				var res wire.Response
				if err := r.do(context.Background(), post(rc, tt.n), &res); err != nil {
					t.Fatal(err)
				}
				readAll(t, res.Body, "done")
				r.wantFree(1, wire.ConnOpen)
				if n := b.closes.Load(); n != 1 {
					t.Errorf("body closed %d times", n)
				}
				if tt.want != "" {
					if err := r.do(context.Background(), get("/next"), &res); err != nil {
						t.Fatal(err)
					}
					r.wantFree(2, wire.ConnOpen)
				}
			})
		}
	}
}

type onlyReader struct{ r io.Reader }

func (o onlyReader) Read(p []byte) (int, error) { return o.r.Read(p) }

type byByte struct{ r io.Reader }

func (b byByte) Read(p []byte) (int, error) { return b.r.Read(p[:1]) }

// lenBody is a body in memory.
type lenBody struct {
	*body
	r *strings.Reader
}

func (l lenBody) Len() int                                 { return l.r.Len() }
func (l lenBody) WriteTo(w io.Writer) (n int64, err error) { return l.r.WriteTo(w) }
