package h2_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/h2"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/wire"
)

// ledger counts the windows as the peer sees them.
type ledger struct {
	f      *fixture
	conn   int64
	stream map[uint32]int64
	resets int
}

func newLedger(f *fixture) *ledger {
	return &ledger{f: f, conn: h2.DefaultConnWindow, stream: map[uint32]int64{}}
}

// take takes in what the client has sent, without waiting for more.
func (l *ledger) take() {
	synctest.Wait()
	for l.f.Pending() {
		switch f := l.f.Next("a frame"); f.Type {
		case h2.FrameWindowUpdate:
			if f.StreamID == 0 {
				l.conn += int64(f.Increment())
			} else {
				l.stream[f.StreamID] += int64(f.Increment())
			}
		case h2.FrameRSTStream:
			l.resets++
		}
	}
}

// A body that is closed unread gives back its stream, its slot and its window.
func TestUnreadBodiesClosed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{})
		l := newLedger(f)
		n := 1000
		if raceEnabled {
			n = 200
		}
		for i := range n {
			k := f.head(t.Context(), get("/"))
			h := f.WantHeaders(0, "GET /", "a request")
			f.SendHeaders(h.ID, false, ":status", "200")
			f.SendData(h.ID, strings.Repeat("x", 100000), i%4 == 1)
			l.conn -= 100000
			k.wait()
			if i%2 == 0 {
				io.ReadFull(k.res.Body, make([]byte, 1000))
			}
			if i%4 == 2 {
				synctest.Wait() // all of it is buffered
			}
			k.res.Body.Close()
			l.take()
			if i%4 == 3 {
				f.SendData(h.ID, strings.Repeat("x", 100000), true) // late
				l.conn -= 100000
				l.take()
			}
		}
		f.inFlight(0)
		if l.conn < h2.DefaultConnWindow*3/4 || l.conn > h2.DefaultConnWindow {
			t.Errorf("the connection's window is %d, was %d", l.conn, h2.DefaultConnWindow)
		}
		if want := n * 3 / 4; l.resets < want {
			t.Errorf("%d streams were reset, want %d at least", l.resets, want)
		}
		f.alive()
	})
}

// A reader that stands still must not hold up another stream.
func TestStalledReaders(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{MaxStreamWindow: -1})
		l := newLedger(f)
		for range 8 {
			k := f.head(t.Context(), get("/stalled"))
			h := f.WantHeaders(0, "", "a request")
			f.SendHeaders(h.ID, false, ":status", "200")
			f.SendData(h.ID, strings.Repeat("x", 1<<19), false)
			f.SendData(h.ID, strings.Repeat("x", 1<<19), false)
			l.conn -= 1 << 20
			l.take()
			k.wait()
		}
		if l.conn < h2.DefaultConnWindow*3/4 {
			t.Errorf("8 MiB unread leave a window of %d", l.conn)
		}
		k := f.do(t.Context(), get("/fast"))
		h := f.WantHeaders(0, "", "a request")
		f.SendHeaders(h.ID, false, ":status", "200")
		l.stream[h.ID] = 1 << 20
		for range 100 {
			f.SendData(h.ID, strings.Repeat("y", 100000), false)
			l.conn -= 100000
			l.stream[h.ID] -= 100000
			l.take()
			if l.conn < 100000 || l.stream[h.ID] < 100000 {
				t.Fatalf("windows %d and %d", l.conn, l.stream[h.ID])
			}
		}
		f.SendData(h.ID, "", true)
		if k.wait(); len(k.body) != 100*100000 {
			t.Errorf("got %d bytes", len(k.body))
		}
	})
}

// Above the cap the connection gets credit for what was read only.
func TestMemoryCap(t *testing.T) {
	bubble(t, func(t *testing.T) {
		budget := h2.NewBudget(1 << 30)
		f := start(t, h2.Config{ConnBuffer: 1 << 22, ConnWindow: 1 << 20, Budget: budget, MaxStreamWindow: -1})
		l := newLedger(f)
		l.conn = 1 << 20
		sent := int64(0)
		var calls []*call
		for range 10 {
			k := f.head(t.Context(), get("/stalled"))
			h := f.WantHeaders(0, "", "a request")
			f.SendHeaders(h.ID, false, ":status", "200")
			for left := int64(1 << 20); left > 0 && l.conn > 0; {
				n := min(left, l.conn, 1<<18)
				f.SendData(h.ID, strings.Repeat("x", int(n)), false)
				l.conn -= n
				left -= n
				sent += n
				l.take()
			}
			k.wait()
			calls = append(calls, k)
		}
		if sent != 1<<22 || budget.Used() != sent || l.conn != 0 {
			t.Errorf("the peer could send %d bytes, %d are buffered, window %d", sent, budget.Used(), l.conn)
		}
		calls[0].res.Body.Close()
		l.take()
		if l.conn < 1<<19 {
			t.Errorf("the window is %d after a megabyte was dropped", l.conn)
		}
		for _, k := range calls {
			k.res.Body.Close()
		}
		l.take()
		f.inFlight(0)
		if budget.Used() != 0 || l.conn < 1<<19 {
			t.Errorf("at the end %d are buffered, window %d", budget.Used(), l.conn)
		}
	})
}

// What ended streams have left unread counts like the rest, however they ended.
func TestMemoryCapOfEndedStreams(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(f *fixture, id uint32)
		open bool // the streams end by the peer's END_STREAM only
	}{
		{"reset by the peer", func(f *fixture, id uint32) { f.SendRaw(h2.AppendRSTStream(nil, id, h2.InternalError)) }, false},
		{"malformed at the end", func(f *fixture, id uint32) { f.SendHeaders(id, true, "Bad", "x") }, false},
		{"complete", func(f *fixture, id uint32) { f.SendData(id, "", true) }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				budget := h2.NewBudget(1 << 30)
				f := start(t, h2.Config{ConnBuffer: 1 << 22, ConnWindow: 1 << 20, Budget: budget, MaxStreamWindow: -1})
				l := newLedger(f)
				l.conn = 1 << 20
				var calls []*call
				sent := int64(0)
				for range 80 {
					k := f.head(t.Context(), get("/unread"))
					h := f.WantHeadersPastUpdates("a request")
					f.SendHeaders(h.ID, false, ":status", "200")
					if n := min(l.conn, 1<<18); n > 0 {
						f.SendData(h.ID, strings.Repeat("x", int(n)), false)
						l.conn -= n
						sent += n
					}
					l.take()
					k.wait()
					tt.end(f, h.ID)
					l.take()
					calls = append(calls, k)
				}
				if sent != 1<<22 || budget.Used() != sent || l.conn != 0 {
					t.Errorf("the peer could send %d bytes, %d are counted, window %d", sent, budget.Used(), l.conn)
				}
				if want := 0; !tt.open {
					f.inFlight(want) // their slots are free
				}
				// They can be read, up to how they ended.
				calls[0].read()
				if len(calls[0].body) != 1<<18 || (calls[0].berr == nil) != tt.open {
					t.Errorf("got %d bytes and %v", len(calls[0].body), calls[0].berr)
				}
				if want := int64(1<<22 - 1<<18); budget.Used() != want {
					t.Errorf("%d are counted, want %d", budget.Used(), want)
				}
				for _, k := range calls[1:40] {
					k.res.Body.Close()
				}
				f.c.Close() // the rest ends with the connection
				synctest.Wait()
				for _, k := range calls[40:] {
					k.res.Body.Close()
				}
				if budget.Used() != 0 {
					t.Errorf("%d are counted at the end", budget.Used())
				}
			})
		})
	}
}

// Bytes that outlive the connection count until they are read, or until nobody
// can read them any more.
func TestForgottenBodies(t *testing.T) {
	budget := h2.NewBudget(1 << 30)
	forget := func(read bool) {
		nc, p := peer.H2(t)
		c, err := h2.NewConn(t.Context(), nc, h2.Config{Budget: budget})
		if err != nil {
			t.Fatal(err)
		}
		p.Start()
		got := make(chan *wire.Response)
		go func() {
			res := new(wire.Response)
			if err := c.RoundTrip(context.Background(), get("/"), res); err != nil {
				t.Error(err)
			}
			got <- res
		}()
		p.WantHeadersPastUpdates("a request")
		p.SendHeaders(1, false, ":status", "200")
		p.SendData(1, strings.Repeat("x", 100_000), false)
		p.SendRaw(h2.AppendRSTStream(nil, 1, h2.InternalError))
		p.SendRaw(h2.AppendPing(nil, [8]byte{}, false))
		res := <-got
		for { // behind which all of it was taken in
			if f := p.Next("an answer"); f.Type == h2.FramePing {
				break
			}
		}
		c.Close()
		if n := budget.Used(); n != 100_000 {
			t.Errorf("%d bytes are counted, want 100,000", n)
		}
		if read {
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
		}
	}
	forget(true)
	if n := budget.Used(); n != 0 {
		t.Errorf("%d bytes are counted after all were read", n)
	}
	forget(false)
	for deadline := time.Now().Add(10 * time.Second); budget.Used() != 0; runtime.Gosched() {
		if runtime.GC(); time.Now().After(deadline) {
			t.Fatalf("%d bytes are counted that nobody can read", budget.Used())
		}
	}
}

// A full budget stops growth and credit on receipt.
func TestBudget(t *testing.T) {
	bubble(t, func(t *testing.T) {
		budget := h2.NewBudget(1)
		f := start(t, h2.Config{Budget: budget})
		l := newLedger(f)
		k := f.head(t.Context(), get("/"))
		f.WantHeaders(1, "", "a request")
		f.SendHeaders(1, false, ":status", "200")
		f.SendData(1, strings.Repeat("x", 1<<20), false)
		l.take()
		if l.conn != h2.DefaultConnWindow {
			t.Errorf("credit of %d above the budget", l.conn-h2.DefaultConnWindow)
		}
		k.wait().res.Body.Close()
		f.inFlight(0)
		if budget.Used() != 0 {
			t.Errorf("%d in use at the end", budget.Used())
		}
	})
}

// Windows grow while the application keeps up with a distant peer.
func TestWindowGrows(t *testing.T) {
	for _, tt := range []struct {
		name  string
		pause time.Duration // between two windows
		grows bool
	}{
		{"at the pace of the round trip", 0, true},
		{"slower than the round trip", time.Second, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				budget := h2.NewBudget(1 << 30)
				f := raw(t, h2.Config{Budget: budget})
				time.Sleep(100 * time.Millisecond) // the round trip
				f.SendSettings()
				f.SendRaw(h2.AppendSettingsAck(nil))
				f.WantSettingsAck("acknowledged")
				k := f.do(t.Context(), get("/"))
				f.WantHeaders(1, "", "a request")
				f.SendHeaders(1, false, ":status", "200")
				l := newLedger(f)
				l.stream[1] = 1 << 20
				for range 200 {
					f.SendData(1, strings.Repeat("x", 1<<17), false)
					l.stream[1] -= 1 << 17
					time.Sleep(tt.pause)
					l.take()
				}
				switch win := l.stream[1]; {
				case tt.grows && (win < 12<<20 || win > 16<<20):
					t.Errorf("window %d", win)
				case !tt.grows && win > 1<<20:
					t.Errorf("window %d", win)
				}
				f.SendData(1, "", true)
				k.wait()
				if f.inFlight(0); budget.Used() != 0 {
					t.Errorf("%d of the budget in use at the end", budget.Used())
				}
			})
		})
	}
}

// Uploads share the connection in turns.
func TestUploadsTakeTurns(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{}, h2.Setting{ID: h2.SettingInitialWindowSize, Value: 1 << 20})
		ctx, cancel := context.WithCancel(t.Context())
		for range 4 {
			f.head(ctx, post("/", io.NopCloser(io.LimitReader(new(pattern), 1<<20)), 1<<20))
		}
		got := map[uint32]int{}
		take := func() {
			synctest.Wait()
			for f.Pending() {
				if fr := f.Next("content"); fr.Type == h2.FrameData {
					got[fr.StreamID] += len(fr.Payload)
				}
			}
		}
		take() // whoever came first had the window for himself
		clear(got)
		for range 64 {
			f.SendRaw(h2.AppendWindowUpdate(nil, 0, 16<<10))
			take()
		}
		for id := uint32(1); id <= 7; id += 2 {
			if n := got[id]; n < 160<<10 || n > 352<<10 {
				t.Errorf("stream %d has sent %d bytes of 1 MiB", id, n)
			}
		}
		cancel()
		f.inFlight(0)
	})
}

// A peer that opens its window when it is used up gets all of it at once: no little
// rest is held back.
func TestWindowUsedUp(t *testing.T) {
	for _, tt := range []struct {
		window int
		frame  uint32
	}{{65535, 16384}, {16384, 16384}, {32768, 16384}, {40000, 16384}, {17000, 16384}, {65535, 65536}, {1 << 20, 1 << 20}, {131500, 1 << 20}} {
		bubble(t, func(t *testing.T) {
			f := start(t, h2.Config{}, h2.Setting{ID: h2.SettingInitialWindowSize, Value: uint32(tt.window)}, h2.Setting{ID: h2.SettingMaxFrameSize, Value: tt.frame})
			if more := tt.window - 65535; more > 0 {
				f.SendRaw(h2.AppendWindowUpdate(nil, 0, uint32(more)))
			}
			const size = 3 << 20
			began := time.Now()
			k := f.do(t.Context(), post("/", stream(size), size))
			f.WantHeaders(1, "", "a request")
			for got, used := 0, 0; got < size; {
				n := len(f.Want(h2.FrameData, 1, "content").Payload)
				got, used = got+n, used+n
				if used == tt.window || used == 65535 && got == used || got == size {
					f.SendRaw(h2.AppendWindowUpdate(nil, 0, uint32(used)))
					f.SendRaw(h2.AppendWindowUpdate(nil, 1, uint32(used)))
					used = 0
				}
			}
			f.Respond(1, "200", "")
			k.ok(200, "")
			if took := time.Since(began); took > 0 {
				t.Errorf("window %d, frames up to %d: content was held back for %v", tt.window, tt.frame, took)
			}
		})
	}
}

// A stream that waits for more than a little window stands before the others.
// When it ends they go on: the peer may not open the window until it is used.
func TestHeldUploadEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{PingInterval: -1}, h2.Setting{ID: h2.SettingInitialWindowSize, Value: 1 << 20})
		big := func() *wire.Request { return never(post("/", stream(100<<10), 100<<10)) }
		a := f.do(t.Context(), big())
		f.WantHeaders(1, "", "a request")
		for range 4 {
			f.Want(h2.FrameData, 1, "what the connection's window allows")
		}
		f.SendRaw(h2.AppendWindowUpdate(nil, 0, 1))
		f.Want(h2.FrameData, 1, "the last byte of 64 KiB")
		synctest.Wait() // it is first in line
		b := f.do(t.Context(), big())
		f.WantHeaders(3, "", "another")
		f.SendRaw(h2.AppendWindowUpdate(nil, 0, 500))
		synctest.Wait()
		f.WantIdle("500 bytes are too few for a frame, for a moment")
		f.SendRaw(h2.AppendRSTStream(nil, 1, h2.Cancel))
		a.fails(wire.ErrProtocol)
		if n := len(f.Want(h2.FrameData, 3, "the other's turn").Payload); n != 500 {
			t.Errorf("got %d bytes", n)
		}
		f.c.Close()
		b.fails(wire.ErrClosed)
	})
}

// Memory that was lent is given back: many streams, then nothing.
func TestHeapAfterManyStreams(t *testing.T) {
	if raceEnabled {
		return // the detector keeps memory of its own
	}
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{})
		round := func(n int) {
			for range n {
				k := f.do(t.Context(), get("/"))
				h := f.WantHeadersPastUpdates("a request")
				f.Respond(h.ID, "200", strings.Repeat("x", 1000))
				k.ok(200, strings.Repeat("x", 1000))
			}
		}
		heap := func() uint64 {
			runtime.GC()
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		round(100)
		before := heap()
		round(5000)
		if after := heap(); after > before+1<<20 {
			t.Errorf("heap grew from %d to %d", before, after)
		}
	})
}

// RFC 9113 §5.1.2: "Endpoints MUST NOT exceed the limit set by their peer." That
// holds for slots that were reserved under a higher one, too: such a request goes
// elsewhere.
func TestLimitLoweredUnderReservations(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := start(t, h2.Config{})
		first := f.do(t.Context(), get("/1"))
		f.WantHeaders(1, "GET /1", "the first request")
		if !f.c.Reserve() {
			t.Fatal("no slot for the second")
		}
		f.SendSettings(h2.Setting{ID: h2.SettingMaxConcurrentStreams, Value: 1})
		f.WantSettingsAck("the new limit is acknowledged")
		var res wire.Response
		err := f.c.RoundTrip(t.Context(), get("/2"), &res)
		var e *wire.Error
		if !errors.As(err, &e) || e.Kind != wire.KindUnprocessed || e.Sent {
			t.Errorf("a second stream over a limit of one: %v", err)
		}
		f.inFlight(1)
		f.Respond(1, "200", "ok")
		first.ok(200, "ok")
		third := f.do(t.Context(), get("/3"))
		f.Respond(f.WantHeaders(0, "GET /3", "within the limit").ID, "200", "ok")
		third.ok(200, "ok")
	})
}
