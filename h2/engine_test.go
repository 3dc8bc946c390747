package h2_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"gohttpx.dev/h2"
	"gohttpx.dev/internal/leak"
	"gohttpx.dev/internal/memconn"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/wire"
)

// TestMain checks that the tests leave no goroutine of ours behind.
func TestMain(m *testing.M) { os.Exit(leak.Main(m)) }

// bubble runs a script inside a testing/synctest bubble: clocks are fake, and a
// goroutine that never ends fails the test.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// fixture is an engine and the script that plays its peer.
type fixture struct {
	*peer.H2Script
	t  *testing.T
	c  *h2.Conn
	nc *memconn.Conn
}

// raw makes a fixture of which nothing but the preface has been exchanged.
func raw(t *testing.T, cfg h2.Config) *fixture {
	t.Helper()
	nc, p := peer.H2(t)
	c, err := h2.NewConn(t.Context(), nc, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	p.WantPreface("a connection starts with the preface")
	return &fixture{p, t, c, nc}
}

// start makes a fixture whose settings are settled.
func start(t *testing.T, cfg h2.Config, settings ...h2.Setting) *fixture {
	t.Helper()
	f := raw(t, cfg)
	f.SendSettings(settings...)
	f.SendRaw(h2.AppendSettingsAck(nil))
	f.WantSettingsAck("SETTINGS are acknowledged")
	synctest.Wait()
	return f
}

func get(path string) *wire.Request {
	return &wire.Request{Method: "GET", Scheme: "https", Authority: "example.test", Target: path}
}

func post(path string, body io.ReadCloser, n int64) *wire.Request {
	return &wire.Request{Method: "POST", Scheme: "https", Authority: "example.test", Target: path, Body: body, BodyLen: n}
}

func text(s string) io.ReadCloser { return io.NopCloser(strings.NewReader(s)) }

// call is one exchange that runs beside the script.
type call struct {
	t    *testing.T
	done chan struct{}
	res  wire.Response
	err  error
	body string
	berr error
}

// do starts an exchange and reads its body; what it comes to is there after
// wait.
func (f *fixture) do(ctx context.Context, req *wire.Request) *call { return f.exchange(ctx, req, true) }

// head is do without reading the body.
func (f *fixture) head(ctx context.Context, req *wire.Request) *call {
	return f.exchange(ctx, req, false)
}

func (f *fixture) exchange(ctx context.Context, req *wire.Request, read bool) *call {
	f.t.Helper()
	if !f.c.Reserve() {
		f.t.Fatal("no free slot")
	}
	k := &call{t: f.t, done: make(chan struct{})}
	go func() {
		defer close(k.done)
		if k.err = f.c.RoundTrip(ctx, req, &k.res); k.err == nil && read {
			k.read()
		}
	}()
	return k
}

func (k *call) read() {
	b, err := io.ReadAll(k.res.Body)
	k.body, k.berr = string(b), err
	k.res.Body.Close()
}

func (k *call) wait() *call {
	<-k.done
	return k
}

// ok waits and checks the outcome.
func (k *call) ok(status int, body string) *call {
	k.t.Helper()
	<-k.done
	if k.err != nil || k.berr != nil || k.res.Status != status || k.body != body {
		k.t.Errorf("got %d, %d bytes %.60q, errors %v and %v; want %d, %d bytes %.60q", k.res.Status, len(k.body), k.body, k.err, k.berr, status, len(body), body)
	}
	return k
}

// fails waits and checks the error of RoundTrip, or else of the body.
func (k *call) fails(target error) *wire.Error {
	k.t.Helper()
	<-k.done
	err := k.err
	if err == nil {
		err = k.berr
	}
	if !errors.Is(err, target) {
		k.t.Fatalf("got error %v, want one that is %v", err, target)
	}
	var e *wire.Error
	if !errors.As(err, &e) {
		k.t.Fatalf("%T is no *wire.Error", err)
	}
	return e
}

// state checks how many exchanges the connection counts.
func (f *fixture) inFlight(want int) {
	f.t.Helper()
	synctest.Wait()
	if got := f.c.State().InFlight; got != want {
		f.t.Errorf("%d exchanges in flight, want %d", got, want)
	}
}

func (f *fixture) phase(want wire.ConnPhase) {
	f.t.Helper()
	synctest.Wait()
	if got := f.c.State().Phase; got != want {
		f.t.Errorf("connection is %v, want %v", got, want)
	}
}

func TestGet(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{})
		k := f.do(t.Context(), get("/a?b"))
		h := f.WantHeaders(1, "GET /a?b", "a request is one HEADERS frame")
		if !h.End || h.Get(":authority") != "example.test" || h.Get(":scheme") != "https" {
			t.Errorf("got %+v", h)
		}
		f.Respond(1, "200", "hello", "content-type", "text/plain")
		k.ok(200, "hello")
		if k.res.Fields.Get("content-type") != "text/plain" || k.res.StreamID != 1 || k.res.Proto != wire.HTTP2 || k.res.ContentLength != -1 {
			t.Errorf("got %+v", k.res)
		}
		f.inFlight(0)

		k = f.do(t.Context(), get("/2"))
		f.WantHeaders(3, "GET /2", "the next stream has the next odd number")
		f.SendHeaders(3, true, ":status", "204")
		k.ok(204, "")
		if !k.res.Body.Ended() || !k.res.Reused {
			t.Errorf("ended %v, reused %v", k.res.Body.Ended(), k.res.Reused)
		}
		f.inFlight(0)
		f.WantIdle("nothing is sent for a finished exchange")
		f.c.Close()
		f.WantGoAway(h2.NoError, "Close says goodbye")
	})
}

func TestPost(t *testing.T) {
	for _, tt := range []struct {
		name string
		body io.ReadCloser
		n    int64
		want string
	}{
		{"short, in memory", text("hello"), 5, "hello"},
		{"short, from a stream", io.NopCloser(io.LimitReader(strings.NewReader("hello"), 5)), 5, "hello"},
		{"of unknown length", text("hello"), -1, "hello"},
		{"long", text(strings.Repeat("x", 40000)), 40000, strings.Repeat("x", 40000)},
		{"empty, of unknown length", text(""), -1, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := start(t, h2.Config{})
				k := f.do(t.Context(), post("/p", tt.body, tt.n))
				h := f.WantHeaders(1, "POST /p", "the head comes first")
				if want := ""; tt.n >= 0 {
					want = fmt.Sprint(tt.n)
					if h.Get("content-length") != want {
						t.Errorf("content-length %q, want %q", h.Get("content-length"), want)
					}
				}
				if got := f.WantBody(1, "the content follows"); got != tt.want {
					t.Errorf("got %d bytes", len(got))
				}
				f.Respond(1, "200", "ok")
				k.ok(200, "ok")
				f.inFlight(0)
				f.WantIdle("nothing else is sent")
			})
		})
	}
}

// peerPair returns a connection in memory that takes n bytes each way.
func peerPair(t *testing.T, n int) (a, b *memconn.Conn) {
	a, b = memconn.PipeSize(n)
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

func newPeer(t *testing.T) (*memconn.Conn, *peer.H2Script) { return peer.H2(t) }
