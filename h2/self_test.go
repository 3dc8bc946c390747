package h2_test

import (
	"context"
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/h2"
	"gohttpx.dev/internal/memconn"
	"gohttpx.dev/wire"
)

// noise is a body of n bytes that come in pieces of their own.
type noise struct {
	rnd    *rand.ChaCha8
	left   int
	read   int
	piece  int             // 0: as many as fit
	limit  time.Duration   // for openSelf: the request's
	gates  []chan struct{} // of the Reads after the first MiB, one each
	closes atomic.Int32
}

func (b *noise) Close() error { b.closes.Add(1); return nil }

func newNoise(n, piece int) *noise {
	return &noise{rnd: rand.NewChaCha8([32]byte{1}), left: n, piece: piece}
}

func (b *noise) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	if b.read >= 1<<20 && len(b.gates) > 0 {
		<-b.gates[0]
		b.gates = b.gates[1:]
	}
	n := min(len(p), b.left)
	if b.piece > 0 {
		n = min(n, b.piece)
	}
	b.left -= n
	b.read += n
	b.rnd.Read(p[:n])
	return n, nil
}

// startSelf starts an upload that then stands in a socket write of its own: the peer
// gives every window that there is and has stopped to read.
func startSelf(t *testing.T, ctx context.Context, f *fixture, body *noise, set func(*wire.Request)) *call {
	t.Helper()
	f.SendRaw(h2.AppendWindowUpdate(nil, 0, h2.MaxWindow-1<<16))
	synctest.Wait()
	f.nc.SetCapacity(200 << 10)
	req := post("/", body, int64(body.left))
	if set != nil {
		set(req)
	}
	k := f.do(ctx, req)
	synctest.Wait()
	if !f.c.Self() {
		t.Fatal("the upload does not write by itself")
	}
	return k
}

// large are settings of a peer that takes large frames.
var large = []h2.Setting{{ID: h2.SettingInitialWindowSize, Value: h2.MaxWindow}, {ID: h2.SettingMaxFrameSize, Value: 1 << 20}}

// Who gives up does not wait for a write under way, and cuts off no frame: the
// connection goes on.
func TestSelfCancel(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for name, settings := range map[string][]h2.Setting{"large frames": large, "frames of the usual size": large[:1]} {
			f := start(t, h2.Config{}, settings...)
			ctx, cancel := context.WithCancel(t.Context())
			body := newNoise(10<<20, 0)
			k := startSelf(t, ctx, f, body, nil)
			began := time.Now()
			cancel()
			k.fails(context.Canceled)
			synctest.Wait()
			if d := time.Since(began); d != 0 || !f.c.Self() {
				t.Errorf("%s: cancelled after %v, while it was in a write: %v", name, d, f.c.Self())
			}
			if n := body.closes.Load(); n != 1 {
				t.Errorf("%s: the body was closed %d times while the socket stood still", name, n)
			}
			f.inFlight(0)
			again := f.do(t.Context(), get("/2"))
			f.nc.SetCapacity(1 << 20)
			f.WantHeaders(1, "POST /", "the upload")
			fr := f.Next("content")
			for ; fr.Type == h2.FrameData; fr = f.Next("content, and then the reset") {
			}
			if fr.Type != h2.FrameRSTStream || fr.StreamID != 1 {
				t.Fatalf("%s: got %v behind the content", name, fr.FrameHeader)
			}
			f.WantHeaders(3, "GET /2", "the next request")
			f.Respond(3, "200", "ok")
			again.ok(200, "ok")
			synctest.Wait()
			if n := body.closes.Load(); n != 1 {
				t.Errorf("%s: the body was closed %d times", name, n)
			}
			f.c.Close()
		}
	})
}

// What is to be sent meanwhile goes out behind the frame that is under way, before any
// more of the upload; and an upload that is not alone any more takes turns.
func TestSelfBetween(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{}, large...)
		k := startSelf(t, t.Context(), f, newNoise(10<<20, 0), nil)
		f.SendRaw(h2.AppendPing(nil, [8]byte{7}, false))
		synctest.Wait()
		g := f.do(t.Context(), get("/2"))
		synctest.Wait()
		f.nc.SetCapacity(1 << 20)
		f.WantHeaders(1, "POST /", "the upload")
		total := 0
		fr := f.Next("content")
		for ; fr.Type == h2.FrameData; fr = f.Next("content, and then the answer") {
			total += len(fr.Payload)
		}
		if limit := 200<<10 + 64<<10; fr.Type != h2.FramePing || total > limit {
			t.Errorf("got %v behind %d bytes of content, want an answer behind %d at most", fr.FrameHeader, total, limit)
		}
		f.WantHeaders(3, "GET /2", "the other request")
		f.Respond(3, "200", "ok")
		g.ok(200, "ok")
		for end := false; !end; {
			fr := f.Want(h2.FrameData, 1, "the rest")
			total += len(fr.Payload)
			end = fr.EndStream()
		}
		if total != 10<<20 {
			t.Errorf("got %d bytes", total)
		}
		f.Respond(1, "200", "done")
		k.ok(200, "done")
		f.alive()
	})
}

// A peer that takes nothing any more is found out as ever, by the limit that is on.
func TestSelfTimeout(t *testing.T) {
	for _, tt := range []struct {
		name  string
		cfg   h2.Config
		limit wire.Timeouts
		want  error
		in    time.Duration
		whole bool // the connection ends
	}{
		{"the socket's limit", h2.Config{Write: time.Second}, wire.Timeouts{Write: time.Second}, wire.ErrWriteTimeout, time.Second, true},
		{"the request's is off", h2.Config{Write: time.Second}, wire.Timeouts{Write: wire.Never}, wire.ErrWriteTimeout, time.Second, true},
		{"both are off", h2.Config{Write: wire.Never, PingInterval: -1}, wire.Timeouts{Write: wire.Never, Read: time.Second}, wire.ErrReadTimeout, time.Second, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := start(t, tt.cfg, large...)
				body := newNoise(10<<20, 0)
				began := time.Now()
				k := startSelf(t, t.Context(), f, body, func(r *wire.Request) { r.Timeouts = tt.limit })
				k.fails(tt.want)
				within(t, "timeout", time.Since(began), tt.in)
				synctest.Wait()
				if n := body.closes.Load(); n != 1 {
					t.Errorf("the body was closed %d times", n)
				}
				if tt.whole {
					f.phase(wire.ConnClosed)
				} else {
					f.phase(wire.ConnOpen)
				}
			})
		})
	}
	for name, write := range map[string]time.Duration{"the request's is the shorter one": time.Minute, "the request's alone": wire.Never} {
		t.Run(name, func(t *testing.T) {
			// Its uploader must be able to look at the clock.
			bubble(t, func(t *testing.T) {
				f := start(t, h2.Config{Write: write, PingInterval: -1}, large...)
				f.SendRaw(h2.AppendWindowUpdate(nil, 0, h2.MaxWindow-1<<16))
				synctest.Wait()
				f.nc.SetCapacity(200 << 10)
				req := post("/", newNoise(10<<20, 0), 10<<20)
				req.Timeouts.Write = time.Second
				began := time.Now()
				k := f.do(t.Context(), req)
				k.fails(wire.ErrWriteTimeout)
				within(t, "timeout", time.Since(began), time.Second)
				f.phase(wire.ConnOpen)
			})
		})
	}
}

// A write that fails, and Close, reach everybody who waits, and the socket is closed.
func TestSelfEnd(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(f *fixture)
		want error
		in   time.Duration
	}{
		{"reset", func(f *fixture) { f.H2Script.Conn.(*memconn.Conn).Reset() }, wire.ErrNetwork, 0},
		{"Close", func(f *fixture) { f.c.Close() }, wire.ErrClosed, time.Second},
		{"RST_STREAM", func(f *fixture) {
			f.SendRaw(h2.AppendRSTStream(nil, 1, h2.Cancel))
			synctest.Wait()
			f.SendRaw(h2.AppendRSTStream(nil, 3, h2.Cancel))
			f.c.Drain()
		}, wire.ErrRemoteProtocol, time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := start(t, h2.Config{}, large...)
				body := newNoise(10<<20, 0)
				k := startSelf(t, t.Context(), f, body, nil)
				g := f.do(t.Context(), never(get("/2")))
				synctest.Wait()
				began := time.Now()
				tt.end(f)
				k.fails(tt.want)
				g.fails(tt.want)
				if d := time.Since(began); d != 0 {
					t.Errorf("told after %v", d)
				}
				time.Sleep(tt.in)
				synctest.Wait()
				if n := body.closes.Load(); n != 1 || !f.nc.Closed() {
					t.Errorf("the body was closed %d times; the socket is closed: %v", n, f.nc.Closed())
				}
			})
		})
	}
}

// The content arrives as it was, whatever the windows cut it into.
func TestSelfContent(t *testing.T) {
	const size = 3 << 20
	want := sha256.New()
	io.Copy(want, newNoise(size, 0))
	for _, tt := range []struct {
		name  string
		frame uint32
		piece int
		give  func(i int) uint32
	}{
		{"large frames", 1 << 20, 0, func(int) uint32 { return size }},
		{"frames that hold not quite a piece", 65526, 0, func(int) uint32 { return size }},
		{"frames of the usual size", 16384, 0, func(int) uint32 { return size }},
		{"odd windows", 1 << 20, 0, func(i int) uint32 { return 1100 + uint32(i*i%60000) }},
		{"odd windows, frames of the usual size", 16384, 0, func(i int) uint32 { return 1100 + uint32(i*i%60000) }},
		{"windows of a few bytes", 1 << 20, 0, func(i int) uint32 { return 100 + uint32(i%5)*20000 }},
		{"odd pieces", 1 << 20, 12345, func(int) uint32 { return size }},
		{"odd pieces and windows", 16384, 54321, func(i int) uint32 { return 1100 + uint32(i*i%60000) }},
	} {
		for _, n := range []int64{size, -1} {
			t.Run(tt.name, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					f := start(t, h2.Config{}, h2.Setting{ID: h2.SettingMaxFrameSize, Value: tt.frame})
					body := newNoise(size, tt.piece)
					k := f.do(t.Context(), post("/", body, n))
					f.WantHeaders(1, "POST /", "the upload")
					got, total, conn, open := sha256.New(), 0, int64(65535), int64(65535)
					for i, end := 0, false; !end; i++ {
						for !f.Pending() && min(conn, open) < 40000 {
							inc := tt.give(i)
							i++
							// By turns: either may be the one that is waited for.
							if conn < open {
								f.SendRaw(h2.AppendWindowUpdate(nil, 0, inc))
								conn += int64(inc)
							} else {
								f.SendRaw(h2.AppendWindowUpdate(nil, 1, inc))
								open += int64(inc)
							}
							synctest.Wait()
						}
						fr := f.Want(h2.FrameData, 1, "content")
						got.Write(fr.Payload)
						total += len(fr.Payload)
						conn -= int64(len(fr.Payload))
						open -= int64(len(fr.Payload))
						if min(conn, open) < 0 || len(fr.Payload) > int(tt.frame) {
							t.Fatalf("a frame of %d bytes, the windows are now %d and %d", len(fr.Payload), conn, open)
						}
						end = fr.EndStream()
					}
					if total != size || [32]byte(got.Sum(nil)) != [32]byte(want.Sum(nil)) {
						t.Errorf("got %d bytes of %d, or not the same ones", total, size)
					}
					f.Respond(1, "200", "ok")
					k.ok(200, "ok")
					f.WantIdle("nothing else is sent")
				})
			})
		}
	}
}
