package h2_test

import (
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/h2"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/wire"
)

// openSelf starts an upload to a peer that gives every window and reads a MiB of it, and
// whose body then stands still.
func openSelf(t *testing.T, f *fixture, body *noise) *call {
	t.Helper()
	f.SendRaw(h2.AppendWindowUpdate(nil, 0, h2.MaxWindow-1<<16))
	req := post("/", body, -1)
	req.Timeouts.Write = body.limit
	k := f.do(t.Context(), req)
	f.WantHeaders(1, "POST /", "the upload")
	synctest.Wait()
	for n := 0; n < body.read; synctest.Wait() {
		for f.Pending() {
			n += len(f.Want(h2.FrameData, 1, "content").Payload)
		}
	}
	return k
}

// The writer writes what has come up during a write of the upload's own, though the body
// has nothing more; and an upload waits until the writer has ended.
func TestSelfHandOver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{}, large...)
		body := newNoise(2<<20, 60000)
		a, b := make(chan struct{}), make(chan struct{})
		body.gates = []chan struct{}{a, b}
		k := openSelf(t, f, body)
		f.nc.SetCapacity(1000)
		close(a)
		synctest.Wait()
		if !f.c.Self() {
			t.Fatal("the upload does not write by itself")
		}
		f.SendRaw(h2.AppendPing(nil, [8]byte{1}, false))
		synctest.Wait()
		f.nc.SetCapacity(1 << 20)
		f.Want(h2.FrameData, 1, "what was under way")
		f.Want(h2.FramePing, 0, "the writer was woken")

		f.nc.SetCapacity(5)
		f.SendRaw(h2.AppendPing(nil, [8]byte{2}, false))
		synctest.Wait()
		close(b)
		synctest.Wait()
		if f.c.Self() {
			t.Fatal("two are in a write")
		}
		f.nc.SetCapacity(1 << 20)
		began := time.Now()
		f.Want(h2.FramePing, 0, "the writer's frame")
		f.Want(h2.FrameData, 1, "the upload was woken")
		if d := time.Since(began); d != 0 {
			t.Errorf("the upload went on after %v", d)
		}
		f.WantBody(1, "the rest")
		f.Respond(1, "200", "ok")
		k.ok(200, "ok")
	})
}

// Only who is alone writes by himself; and who was, and waits for a window, takes his
// turn in the queue.
func TestSelfAlone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{}, large...)
		body := newNoise(3<<20, 60000)
		a := make(chan struct{})
		body.gates = []chan struct{}{a}
		k := openSelf(t, f, body)
		g := f.do(t.Context(), get("/2"))
		f.WantHeaders(3, "GET /2", "another request")
		f.nc.SetCapacity(1000)
		close(a)
		synctest.Wait()
		if f.c.Self() || f.c.Unsent() < 60000 {
			t.Errorf("the upload writes by itself: %v; %d bytes wait for the writer", f.c.Self(), f.c.Unsent())
		}
		f.nc.SetCapacity(1 << 20)
		f.Respond(3, "200", "ok")
		g.ok(200, "ok")
		f.WantBody(1, "the rest")
		f.Respond(1, "200", "ok")
		k.ok(200, "ok")
	})
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{}, large...)
		const first = 500_000
		f.SendRaw(h2.AppendWindowUpdate(nil, 0, first-65535))
		k := f.do(t.Context(), post("/", newNoise(1<<20, 0), 1<<20))
		f.WantHeaders(1, "POST /", "the upload")
		took := time.Duration(0)
		take := func(n int) {
			t.Helper()
			began := time.Now()
			for n > 0 {
				n -= len(f.Want(h2.FrameData, 1, "content").Payload)
			}
			took += time.Since(began)
			if synctest.Wait(); n < 0 || f.Pending() {
				t.Fatal("more than the window")
			}
		}
		take(first)
		f.SendRaw(h2.AppendWindowUpdate(nil, 0, 10000))
		take(10000)
		g := f.do(t.Context(), get("/2"))
		f.WantHeaders(3, "GET /2", "another request")
		f.SendRaw(h2.AppendWindowUpdate(nil, 0, 10000))
		take(10000)
		f.Respond(3, "200", "ok")
		g.ok(200, "ok")
		f.SendRaw(h2.AppendWindowUpdate(nil, 0, 10000))
		take(10000)
		if took != 0 {
			t.Errorf("an open window was seen after %v", took)
		}
		// Little waits for more, for a moment.
		began := time.Now()
		f.SendRaw(h2.AppendWindowUpdate(nil, 0, 100))
		take(100)
		if d := time.Since(began); d != 10*time.Millisecond {
			t.Errorf("100 bytes were sent after %v", d)
		}
		f.SendRaw(h2.AppendWindowUpdate(nil, 0, 1<<20))
		f.WantBody(1, "the rest")
		f.Respond(1, "200", "ok")
		k.ok(200, "ok")
	})
}

// GOAWAY stands behind the frame that is under way.
func TestSelfGoAway(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{}, large...)
		k := startSelf(t, t.Context(), f, newNoise(10<<20, 0), nil)
		f.c.Close()
		k.fails(wire.ErrClosed)
		synctest.Wait()
		f.nc.SetCapacity(1 << 20)
		f.WantHeaders(1, "POST /", "the upload")
		for {
			fr := f.Next("content and GOAWAY")
			if fr.Type == h2.FrameGoAway {
				break
			}
			if fr.Type != h2.FrameData || fr.StreamID != 1 {
				t.Fatalf("got %v", fr.FrameHeader)
			}
		}
		f.WantClosed("nothing else")
	})
}

// Whose caller waits for nothing looks at the clock itself, if the socket's limit is
// longer than its own.
func TestSelfShortLimit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{Write: time.Minute, PingInterval: -1}, large...)
		body := newNoise(10<<20, 60000)
		a := make(chan struct{})
		body.gates = []chan struct{}{a}
		f.SendRaw(h2.AppendWindowUpdate(nil, 0, h2.MaxWindow-1<<16))
		f.nc.SetCapacity(2 << 20)
		req := post("/", body, -1)
		req.Timeouts.Write = time.Second
		k := f.head(t.Context(), req)
		synctest.Wait()
		f.SendHeaders(1, false, ":status", "200")
		k.wait()
		f.nc.SetCapacity(1000)
		began := time.Now()
		close(a)
		for body.closes.Load() == 0 && time.Since(began) < 10*time.Second {
			time.Sleep(50 * time.Millisecond)
			synctest.Wait()
		}
		within(t, "the upload ended", time.Since(began), time.Second)
		k.res.Body.Close()
	})
}

// A peer that is slow, and not dead, is not given up while the writer writes and the
// upload waits for it.
func TestSelfSlowPeer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{Write: time.Second, PingInterval: -1}, large...)
		body := newNoise(2<<20, 60000)
		a := make(chan struct{})
		body.gates = []chan struct{}{a}
		body.limit = time.Second
		k := openSelf(t, f, body)
		f.nc.SetCapacity(1)
		if err := f.c.WriteFrame(t.Context(), h2.Frame{FrameHeader: h2.FrameHeader{Type: 0xf0}, Payload: make([]byte, 5*64<<10)}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		close(a)
		piece := make([]byte, 64<<10) // as much as is written at once
		for range 5 {
			time.Sleep(900 * time.Millisecond)
			io.ReadFull(f.H2Script.Conn, piece)
			synctest.Wait()
			select {
			case <-k.done:
				t.Fatalf("the upload was given up: %v", k.err)
			default:
			}
		}
		f.c.Close()
		k.fails(wire.ErrClosed)
	})
}

// An upload that waits for the connection's window, to write by itself, takes its turn
// with one that came later: by whatever pieces the window opens, neither gets all.
func TestSelfSharesWindow(t *testing.T) {
	for _, grant := range []int{4 << 10, 16 << 10, 64 << 10, 200 << 10} {
		bubble(t, func(t *testing.T) {
			f := start(t, h2.Config{}, large...)
			f.do(t.Context(), post("/1", newNoise(20<<20, 0), -1))
			synctest.Wait()
			f.WantHeaders(1, "POST /1", "the upload")
			got, open := map[uint32]int{}, 65535
			give := func(n int) {
				f.SendRaw(h2.AppendWindowUpdate(nil, 0, uint32(n)))
				open += n
				synctest.Wait()
				for open > 0 && f.Pending() {
					fr := f.Next("content")
					if fr.Type == h2.FrameData {
						got[fr.StreamID] += len(fr.Payload)
						open -= len(fr.Payload)
					}
					synctest.Wait()
				}
			}
			give(1 << 20)
			f.do(t.Context(), post("/2", newNoise(20<<20, 0), -1))
			synctest.Wait()
			clear(got)
			for range 2 << 20 / grant {
				give(grant)
			}
			if got[1] < 1<<19 || got[3] < 1<<19 {
				t.Errorf("grants of %d bytes: got %d bytes of the first upload and %d of the second", grant, got[1], got[3])
			}
			f.c.Close()
		})
	}
}

// The small pieces of a body gather while the socket is not ready for them.
func TestSelfSmallPieces(t *testing.T) {
	for piece, self := range map[int]bool{1: false, 1000: false, 8<<10 - 1: false, 8 << 10: true, 64 << 10: true} {
		bubble(t, func(t *testing.T) {
			f := start(t, h2.Config{}, large...)
			f.SendRaw(h2.AppendWindowUpdate(nil, 0, h2.MaxWindow-1<<16))
			synctest.Wait()
			f.nc.SetCapacity(200 << 10)
			body := newNoise(10<<20, piece)
			k := f.do(t.Context(), post("/", body, -1))
			synctest.Wait()
			if f.c.Self() != self || !self && f.c.Unsent() < 64<<10 {
				t.Errorf("pieces of %d bytes: the upload is in a write of its own: %v; %d bytes wait", piece, f.c.Self(), f.c.Unsent())
			}
			f.c.Close()
			k.fails(wire.ErrClosed)
		})
	}
}

// broken is a socket that takes no more from some time on.
type broken struct {
	net.Conn
	is    atomic.Bool
	tries atomic.Int32
}

func (b *broken) Write(p []byte) (int, error) {
	if b.is.Load() {
		b.tries.Add(1)
		return 0, syscall.EPIPE
	}
	return b.Conn.Write(p)
}

// A socket that has refused a write of the upload's own is not written to again, while
// the reader looks for what the peer has said.
func TestSelfBroken(t *testing.T) {
	bubble(t, func(t *testing.T) {
		nc, p := peer.H2(t)
		b := &broken{Conn: nc}
		c, err := h2.NewConn(t.Context(), b, h2.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		p.WantPreface("a connection starts with the preface")
		f := &fixture{p, t, c, nc}
		f.SendSettings(large...)
		f.SendRaw(h2.AppendSettingsAck(nil))
		f.WantSettingsAck("SETTINGS are acknowledged")
		body := newNoise(20<<20, 0)
		gate := make(chan struct{})
		body.gates = []chan struct{}{gate}
		k := openSelf(t, f, body)
		b.is.Store(true)
		close(gate)
		synctest.Wait()
		if n := b.tries.Load(); n != 1 || f.c.Unsent() > h2.MaxUnsent || body.read > 2<<20 {
			t.Errorf("%d writes to a broken socket, %d bytes wait, %d were read from the body", n, f.c.Unsent(), body.read)
		}
		k.fails(syscall.EPIPE)
		synctest.Wait()
		if n := body.closes.Load(); n != 1 {
			t.Errorf("the body was closed %d times", n)
		}
	})
}
