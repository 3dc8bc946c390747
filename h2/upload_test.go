package h2_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/h2"
	"gohttpx.dev/wire"
)

// stuckBody blocks in Read, and in Close too if it is stubborn, until it is let
// go.
type stuckBody struct {
	letGo    chan struct{}
	stubborn bool
	mu       sync.Mutex
	closes   int
}

func (b *stuckBody) Read(p []byte) (int, error) {
	<-b.letGo
	return 0, io.EOF
}

func (b *stuckBody) Close() error {
	b.mu.Lock()
	b.closes++
	b.mu.Unlock()
	if b.stubborn {
		<-b.letGo
	}
	return nil
}

// Nobody waits for a body that blocks, and it is closed exactly once.
func TestStuckBody(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(f *fixture, cancel func())
		want error
	}{
		{"cancel", func(f *fixture, cancel func()) { cancel() }, context.Canceled},
		{"Close", func(f *fixture, cancel func()) { f.c.Close() }, wire.ErrClosed},
		{"RST_STREAM", func(f *fixture, cancel func()) { f.SendRaw(h2.AppendRSTStream(nil, 1, h2.Cancel)) }, wire.ErrRemoteProtocol},
		{"GOAWAY", func(f *fixture, cancel func()) { f.SendRaw(h2.AppendGoAway(nil, 0, h2.NoError, "")) }, wire.ErrUnprocessed},
		{"the connection ends", func(f *fixture, cancel func()) { f.H2Script.Close() }, wire.ErrServerClosedIdle},
		{"a response", func(f *fixture, cancel func()) { f.Respond(1, "200", "early") }, nil},
	} {
		for _, stubborn := range []bool{false, true} {
			t.Run(tt.name, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					f := start(t, h2.Config{})
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					b := &stuckBody{letGo: make(chan struct{}), stubborn: stubborn}
					k := f.do(ctx, post("/", b, -1))
					f.WantHeaders(1, "", "a request")
					synctest.Wait()
					began := time.Now()
					tt.end(f, cancel)
					if tt.want != nil {
						k.fails(tt.want)
					} else {
						k.ok(200, "early")
					}
					if d := time.Since(began); d != 0 {
						t.Errorf("waited %v", d)
					}
					f.inFlight(0)
					close(b.letGo)
					synctest.Wait()
					if b.closes != 1 {
						t.Errorf("closed %d times", b.closes)
					}
				})
			})
		}
	}
}

var errBody = errors.New("the disk is gone")

func TestBodyFaults(t *testing.T) {
	broken := func(n int) io.Reader {
		return io.MultiReader(strings.NewReader(strings.Repeat("x", n)), &failing{})
	}
	for _, tt := range []struct {
		name string
		body io.Reader
		n    int64
		want error
		sent bool
	}{
		{"fails at once", broken(0), -1, wire.ErrRequestBody, true},
		{"fails later", broken(40000), 100000, wire.ErrRequestBody, true},
		{"too short", io.LimitReader(strings.NewReader("abc"), 10), 5, wire.ErrLocalProtocol, true},
		{"too long", io.LimitReader(strings.NewReader(strings.Repeat("x", 50000)), 50000), 40000, wire.ErrLocalProtocol, true},
		{"in memory, too short", strings.NewReader("abc"), 5, wire.ErrLocalProtocol, false},
		{"in memory, too long", strings.NewReader("abcdefgh"), 5, wire.ErrLocalProtocol, false},
		{"no progress", &idleReader{}, -1, wire.ErrRequestBody, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := start(t, h2.Config{})
				var closes closeCounter
				var body io.ReadCloser = &struct {
					io.Reader
					io.Closer
				}{tt.body, &closes}
				if !tt.sent {
					body = &lenBody{tt.body.(*strings.Reader), &closes}
				}
				k := f.do(t.Context(), post("/", body, tt.n))
				e := k.fails(tt.want)
				if e.Sent != tt.sent || e.Remote || e.Phase != wire.PhaseWrite {
					t.Errorf("got %+v", e)
				}
				synctest.Wait()
				if closes.n != 1 {
					t.Errorf("closed %d times", closes.n)
				}
				if tt.sent {
					f.WantHeaders(1, "", "a request")
					for fr := f.Next("content, then a reset"); fr.Type != h2.FrameRSTStream; fr = f.Next("content, then a reset") {
						if fr.EndStream() {
							t.Error("the peer was told that the content is complete")
						}
					}
				} else {
					f.WantIdle("nothing is sent")
				}
				f.alive()
			})
		})
	}
}

type failing struct{}

func (*failing) Read([]byte) (int, error) { return 0, errBody }

type idleReader struct{}

func (*idleReader) Read([]byte) (int, error) { return 0, nil }

type lenBody struct {
	*strings.Reader
	c *closeCounter
}

func (b *lenBody) Close() error { return b.c.Close() }

func TestTraceHooks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{})
		var mu sync.Mutex
		var got []string
		say := func(s string) {
			mu.Lock()
			got = append(got, s)
			mu.Unlock()
			f.c.State()
			f.c.PeerSettings() // no lock is held
		}
		trace := &wire.Trace{
			WroteHead:    func() { say("head") },
			WroteRequest: func(err error) { say("request") },
			Wait100:      func() { say("wait") },
			FirstByte:    func() { say("first") },
			Interim:      func(int, wire.Fields) error { say("interim"); return nil },
		}
		req := get("/")
		req.Trace = trace
		k := f.do(t.Context(), req)
		f.WantHeaders(1, "", "a request")
		f.SendHeaders(1, false, ":status", "103")
		f.Respond(1, "200", "x")
		k.ok(200, "x")
		req = post("/", text("abc"), 3)
		req.Trace = trace
		req.Timeouts.Continue = time.Second
		k = f.do(t.Context(), req)
		f.WantHeaders(3, "", "a request")
		f.SendHeaders(3, false, ":status", "100")
		f.WantData(3, "abc", true, "content")
		synctest.Wait()
		f.Respond(3, "200", "x")
		k.ok(200, "x")
		want := "head request first interim head wait first interim request"
		if s := strings.Join(got, " "); s != want {
			t.Errorf("got %q, want %q", s, want)
		}

		req = get("/")
		bad := errors.New("not that one")
		req.Trace = &wire.Trace{Interim: func(int, wire.Fields) error { return bad }}
		k = f.do(t.Context(), req)
		f.WantHeaders(5, "", "a request")
		f.SendHeaders(5, false, ":status", "103")
		if e := k.fails(bad); e.Kind != wire.KindCanceled {
			t.Errorf("got %+v", e)
		}
		f.WantRST(5, h2.Cancel, "the hook has aborted the request")
		f.alive()
	})
}

// The peer's MAX_HEADER_LIST_SIZE bounds trailers too. They are made when the
// content has been sent: the stream has to be given up then, and not left open.
func TestTrailersTooLarge(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{PingInterval: -1}, h2.Setting{ID: h2.SettingMaxHeaderListSize, Value: 400})
		req := post("/", text("abc"), 3)
		req.Trailers = func() wire.Fields { return wire.Fields{{Name: "sum", Value: strings.Repeat("x", 500)}} }
		k := f.do(t.Context(), req)
		f.WantHeaders(1, "", "a request")
		f.WantData(1, "abc", false, "its content")
		e := k.fails(wire.ErrProtocol)
		var r *h2.RequestError
		if !errors.As(e, &r) || e.Remote || !e.Sent || e.Phase != wire.PhaseWrite {
			t.Errorf("got %+v", e)
		}
		f.WantRST(1, h2.Cancel, "the stream is given up")
		f.alive()
	})
}

// An upload whose source is stuck outlives its exchange. It must not look at the
// request any more, which is the caller's again. The race detector looks on.
func TestRequestIsNotKept(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{})
		b := &stuckBody{letGo: make(chan struct{})}
		req := post("/", b, -1)
		k := f.do(t.Context(), req)
		f.WantHeaders(1, "", "a request")
		synctest.Wait()
		f.Respond(1, "200", "early")
		k.ok(200, "early")
		close(b.letGo)
		*req = wire.Request{}
	})
}
