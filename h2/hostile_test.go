package h2_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/h2"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/wire"
)

// stream returns a body that is sent piece by piece.
func stream(n int) io.ReadCloser {
	return io.NopCloser(io.LimitReader(strings.NewReader(strings.Repeat("x", n)), int64(n)))
}

// A small window makes a stream wait a moment for a larger one. If the
// connection's window is used up meanwhile, it waits for that, without a turn of
// the processor: under synctest the clock would stand still.
func TestSmallWindowThenNone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{PingInterval: -1}, h2.Setting{ID: h2.SettingInitialWindowSize, Value: 100})
		req := post("/small", stream(1000), 1000)
		req.Timeouts.Write = 3 * time.Second
		a := f.do(t.Context(), req)
		f.WantHeaders(1, "", "a request")
		b := f.do(t.Context(), post("/large", stream(100000), 100000))
		f.WantHeaders(3, "", "another")
		began := time.Now()
		f.SendRaw(h2.AppendWindowUpdate(nil, 3, 200000))
		for n := 0; n < 65535; {
			fr := f.Want(h2.FrameData, 3, "all of the connection's window")
			n += len(fr.Payload)
		}
		e := a.fails(wire.ErrWriteTimeout)
		within(t, "write timeout", time.Since(began), 3*time.Second)
		if e.Phase != wire.PhaseWrite || !e.Sent {
			t.Errorf("got %+v", e)
		}
		f.c.Close()
		b.wait()
	})
}

// A Write that fails at once has written nothing, whatever became of the one
// before it.
func TestConnectWriteAfterShortWrite(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{PingInterval: -1}, h2.Setting{ID: h2.SettingInitialWindowSize, Value: 10})
		nc, _ := connect(f, &wire.Request{Method: "CONNECT", Target: "example.test:443"})
		nc.SetWriteDeadline(time.Now().Add(time.Second))
		if n, err := nc.Write([]byte("0123456789abc")); n != 10 || err == nil {
			t.Fatalf("got %d, %v", n, err)
		}
		f.SendRaw(h2.AppendRSTStream(nil, 1, h2.InternalError))
		synctest.Wait()
		if n, err := nc.Write([]byte("x")); n != 0 || err == nil {
			t.Errorf("got %d, %v", n, err)
		}
		nc.Close()
	})
}

// An upload goes on as long as the socket takes something, however long the
// buffer in front of it takes to empty.
func TestSlowUplink(t *testing.T) {
	for _, kib := range []int{64, 256, 272, 288, 304, 320, 512, 1024} {
		bubble(t, func(t *testing.T) {
			nc, pc := peerPair(t, 16<<10)
			c, err := h2.NewConn(t.Context(), nc, h2.Config{PingInterval: -1})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			f := &fixture{peer.H2Over(t, pc), t, c, nc}
			f.Start(h2.Setting{ID: h2.SettingInitialWindowSize, Value: 2 << 20})
			f.SendRaw(h2.AppendWindowUpdate(nil, 0, 2<<20))
			synctest.Wait()
			req := post("/", stream(kib<<10), int64(kib<<10))
			req.Timeouts.Read, req.Timeouts.Write = 5*time.Second, 2*time.Second
			k := f.do(t.Context(), req)
			f.WantHeaders(1, "", "a request")
			for n := 0; ; {
				fr := f.Want(h2.FrameData, 1, "content")
				n += len(fr.Payload)
				if fr.EndStream() {
					break
				}
				time.Sleep(400 * time.Millisecond) // 40 KiB a second
			}
			f.Respond(1, "200", "ok")
			k.ok(200, "ok")
			f.inFlight(0)
		})
	}
}

// A response that is complete stays so if the rest of the request, which nobody
// wants any more, fails.
func TestCompleteResponseOutlivesUpload(t *testing.T) {
	for _, tt := range []struct {
		name string
		body func(gate chan struct{}) io.ReadCloser
	}{
		{"no window", func(chan struct{}) io.ReadCloser { return stream(100000) }},
		{"body fails", func(gate chan struct{}) io.ReadCloser { return &gated{gate: gate, err: errors.New("broken")} }},
		{"body too short", func(gate chan struct{}) io.ReadCloser { return &gated{gate: gate, err: io.EOF} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := start(t, h2.Config{PingInterval: -1}, h2.Setting{ID: h2.SettingInitialWindowSize, Value: 10})
				gate := make(chan struct{})
				req := post("/", tt.body(gate), 100000)
				req.Timeouts.Write = time.Second
				k := f.head(t.Context(), req)
				f.WantHeaders(1, "", "a request")
				f.Respond(1, "413", "too large")
				k.wait()
				close(gate)
				time.Sleep(10 * time.Second)
				k.read()
				k.ok(413, "too large")
				f.inFlight(0)
			})
		})
	}
}

// gated is a body that fails when its gate opens.
type gated struct {
	gate chan struct{}
	err  error
}

func (g *gated) Read([]byte) (int, error) { <-g.gate; return 0, g.err }
func (g *gated) Close() error             { return nil }

// A request that stands in the buffer behind a socket that takes nothing has its
// own write limit, and its end does not end the others.
func TestWriteTimeoutBehindSocket(t *testing.T) {
	for _, body := range []int{0, 100, 20000} {
		bubble(t, func(t *testing.T) {
			nc, pc := peerPair(t, 4<<10)
			c, err := h2.NewConn(t.Context(), nc, h2.Config{PingInterval: -1, Write: 10 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			f := &fixture{peer.H2Over(t, pc), t, c, nc}
			f.Start()
			synctest.Wait()
			large := f.head(t.Context(), post("/large", stream(60000), 60000))
			synctest.Wait()
			req := get("/")
			if body > 0 {
				req = post("/", stream(body), int64(body))
			}
			req.Timeouts.Write = time.Second
			began := time.Now()
			e := f.do(t.Context(), req).fails(wire.ErrWriteTimeout)
			within(t, "write timeout", time.Since(began), time.Second)
			if e.Phase != wire.PhaseWrite || !e.Remote {
				t.Errorf("got %+v", e)
			}
			f.WantHeaders(1, "", "the first request")
			f.WantBody(1, "goes on")
			f.Respond(1, "200", "")
			large.ok(200, "")
		})
	}
}
