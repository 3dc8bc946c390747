package h2_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2/hpack"

	"gohttpx.dev/h2"
	"gohttpx.dev/internal/leak"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/wire"
)

// flooded is one kind of flood over HTTP/2.
type flooded struct {
	name         string
	once, repeat []byte // after SETTINGS and its acknowledgement
	piece        int
	takes        int64
	req          func() *wire.Request // nil: GET
	// refused is what the connection ends with; 0 means that the flood is no
	// breach, and is held after its first most bytes.
	refused h2.ErrCode
	most    int64
	bound   int64 // bytes for each connection; 0 is floodBound
	idle    bool  // the exchange ends well
	heavy   bool  // of processor time: fewer connections
}

// floodBound is what a hostile connection may take.
const floodBound = 128 << 10

// fieldBlock encodes fields as a connection's first block.
func fieldBlock(fields ...string) []byte {
	var b strings.Builder
	e := hpack.NewEncoder(&b)
	for i := 0; i+1 < len(fields); i += 2 {
		e.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return []byte(b.String())
}

func join(parts ...[]byte) (all []byte) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func floods() []flooded {
	head := h2.AppendHeaders(nil, 1, fieldBlock(":status", "200"), h2.HeadersOptions{})
	open := func(block string) []byte { return rawFrame(h2.FrameHeaders, 0, 1, block) }
	more := func(block string) []byte { return rawFrame(h2.FrameContinuation, 0, 1, block) }
	ok := string(fieldBlock(":status", "200"))
	// Literals that go into no table: a name and a value without Huffman.
	literal := func(name, value string) string {
		return "\x00" + string(hpackInt(nil, 7, len(name))) + name + string(hpackInt(nil, 7, len(value))) + value
	}
	small := strings.Repeat(literal("a", ""), 100)
	large := literal("x", strings.Repeat("y", 16000))
	bomb := fieldBlock(":status", "200", "bomb", strings.Repeat("~", 4000))
	upload := func() *wire.Request { return post("/", io.NopCloser(new(pattern)), -1) }
	window := h2.AppendWindowUpdate(h2.AppendWindowUpdate(nil, 0, 1<<30), 1, 1<<30)
	return []flooded{
		{name: "SETTINGS flood", repeat: h2.AppendSettings(nil, h2.Setting{ID: h2.SettingMaxFrameSize, Value: 1 << 20}), refused: h2.EnhanceYourCalm},
		{name: "SETTINGS flood, a hundred settings each", repeat: h2.AppendSettings(nil, make([]h2.Setting, 100)...), refused: h2.EnhanceYourCalm},
		{name: "SETTINGS acknowledgement flood", repeat: h2.AppendSettingsAck(nil), refused: h2.EnhanceYourCalm},
		{name: "PING flood", repeat: h2.AppendPing(nil, [8]byte{}, false), refused: h2.EnhanceYourCalm},
		{name: "PING flood, answers not read", repeat: h2.AppendPing(nil, [8]byte{}, false), takes: 200, refused: h2.EnhanceYourCalm},
		{name: "PINGs that content pays for, answers not read", once: head, repeat: append(h2.AppendData(nil, 1, []byte("x"), false, 0),
			bytes.Repeat(h2.AppendPing(nil, [8]byte{}, false), 4)...), takes: 200, most: 1 << 20},
		{name: "PING acknowledgement flood", repeat: h2.AppendPing(nil, [8]byte{}, true), refused: h2.EnhanceYourCalm},
		{name: "PRIORITY flood", repeat: h2.AppendPriority(nil, 1, h2.Priority{}), refused: h2.EnhanceYourCalm},
		{name: "RST_STREAM flood", repeat: h2.AppendRSTStream(nil, 1, h2.Cancel), refused: h2.EnhanceYourCalm},
		{name: "GOAWAY flood", repeat: h2.AppendGoAway(nil, 1, h2.NoError, strings.Repeat("x", 200)), refused: h2.EnhanceYourCalm},
		{name: "WINDOW_UPDATE flood, connection", repeat: h2.AppendWindowUpdate(nil, 0, 1), refused: h2.EnhanceYourCalm},
		{name: "WINDOW_UPDATE flood, stream", repeat: h2.AppendWindowUpdate(nil, 1, 1), refused: h2.EnhanceYourCalm},
		{name: "flood of unknown frames", repeat: rawFrame(0x77, 0, 1, strings.Repeat("x", 1000)), refused: h2.EnhanceYourCalm},
		{name: "empty DATA flood", once: head, repeat: h2.AppendData(nil, 1, nil, false, 0), refused: h2.EnhanceYourCalm},
		{name: "DATA of nothing but padding", once: head, repeat: h2.AppendData(nil, 1, nil, false, 250), refused: h2.EnhanceYourCalm},
		{name: "PUSH_PROMISE of many fields", repeat: h2.AppendPushPromise(nil, 1, 2, []byte(strings.Repeat(small, 30))), refused: h2.ProtocolError},
		{name: "endless interim responses", repeat: h2.AppendHeaders(nil, 1, []byte("\x08\x03103"+large), h2.HeadersOptions{}), refused: h2.StreamClosed},
		{name: "endless CONTINUATION without content", once: open(ok), repeat: more(""), refused: h2.EnhanceYourCalm},
		{name: "endless CONTINUATION, a byte each", once: open(ok), repeat: more("\x88"), refused: h2.EnhanceYourCalm},
		{name: "endless CONTINUATION, small fields", once: open(ok), repeat: more(small), refused: h2.EnhanceYourCalm},
		{name: "endless CONTINUATION, large fields", once: open(ok), repeat: more(large), refused: h2.EnhanceYourCalm},
		{
			name: "endless CONTINUATION, one string", once: open(ok + "\x00\x01x" + string(hpackInt(nil, 7, 63<<10))),
			repeat: more(strings.Repeat("y", 16000)), refused: h2.EnhanceYourCalm,
		},
		{
			name: "endless CONTINUATION, one Huffman string", once: open(ok + "\x00\x01x" + string(huffman(hpackInt(nil, 7, 63<<10)))),
			repeat: more(strings.Repeat("\x00", 16000)), refused: h2.EnhanceYourCalm,
		},
		{name: "endless trailers", once: join(head, rawFrame(h2.FrameHeaders, h2.FlagEndStream, 1, small)), repeat: more(large), refused: h2.EnhanceYourCalm},
		{name: "HPACK bomb", once: open(string(bomb)), repeat: more(strings.Repeat("\xbe", 16000)), heavy: true, refused: h2.EnhanceYourCalm},
		{name: "HPACK bomb of empty fields", once: open(ok + "\x40\x01a\x00"), repeat: more(strings.Repeat("\xbe", 16000)), heavy: true, refused: h2.EnhanceYourCalm},
		{
			name: "a frame that never ends, byte by byte", once: join(head, h2.AppendFrameHeader(nil, h2.FrameHeader{Type: h2.FrameData, StreamID: 1, Length: 16384})),
			repeat: []byte("x"), piece: 1, most: 2000,
		},
		{
			name: "a huge content-length", once: h2.AppendHeaders(nil, 1, fieldBlock(":status", "200", "content-length", "9223372036854775807"), h2.HeadersOptions{}),
			repeat: h2.AppendData(nil, 1, []byte("x"), false, 0), most: 500,
		},
		{name: "a peer that never reads an upload", once: window, takes: 500, req: upload, most: int64(len(window)), bound: uploadBound},
		{
			name: "an upload with a window of a byte at a time", once: h2.AppendSettings(nil, h2.Setting{ID: h2.SettingInitialWindowSize}),
			repeat: h2.AppendWindowUpdate(nil, 1, 1), req: upload, refused: h2.EnhanceYourCalm,
		},
		// What comes once and is dealt with must not stay behind.
		{name: "idle after a large head", once: join(open(ok+"\x00\x01x"+string(hpackInt(nil, 7, 60_000))), bytes.Repeat(more(strings.Repeat("y", 10_000)), 6),
			rawFrame(h2.FrameContinuation, h2.FlagEndHeaders, 1, ""), h2.AppendData(nil, 1, nil, true, 0)), idle: true},
		{name: "idle after large trailers", once: join(head, rawFrame(h2.FrameHeaders, h2.FlagEndStream, 1, "\x00\x01x"+string(hpackInt(nil, 7, 60_000))),
			bytes.Repeat(more(strings.Repeat("y", 10_000)), 6), rawFrame(h2.FrameContinuation, h2.FlagEndHeaders, 1, "")), idle: true},
	}
}

// uploadBound is for the buffers of an upload that has begun to flow.
const uploadBound = floodBound + 3*(128<<10)

// hpackInt appends an integer of n bits prefix (RFC 7541 §5.1).
func hpackInt(dst []byte, n, i int) []byte {
	most := 1<<n - 1
	if i < most {
		return append(dst, byte(i))
	}
	dst = append(dst, byte(most))
	for i -= most; i >= 128; i >>= 7 {
		dst = append(dst, byte(i)|0x80)
	}
	return append(dst, byte(i))
}

// huffman sets the bit that says so in the length of a string.
func huffman(length []byte) []byte { length[0] |= 0x80; return length }

// run has n connections meet the flood and measures them: until they are refused
// or, if most is not 0, until so many bytes of it have come.
func (k flooded) run(t *testing.T, cfg h2.Config, n int, most int64, piece int) (open, peak, back, said int64, errs []error) {
	t.Helper()
	m := leak.NewMeter()
	defer m.Stop()
	repeat := k.repeat
	if len(repeat) > 0 {
		repeat = bytes.Repeat(repeat, 1+4096/len(repeat))
	}
	once := h2.AppendSettingsAck(h2.AppendSettings(nil))
	once = append(once, k.once...)
	if most > 0 {
		most += int64(len(once) - len(k.once))
	}
	fs, cs := make([]*peer.Flood, n), make([]*h2.Conn, n)
	errs = make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		f := &peer.Flood{Once: once, Repeat: repeat, After: 2, Most: most, Takes: k.takes, Piece: piece}
		c, err := h2.NewConn(t.Context(), f, cfg)
		if err != nil {
			t.Fatal(err)
		}
		fs[i], cs[i] = f, c
		c.Reserve()
		req := never(get("/"))
		if k.req != nil {
			req = never(k.req())
		}
		req.Timeouts.Write = wire.Never
		// Ends with the flood, or with Close; waited for below.
		wg.Go(func() {
			var res wire.Response
			if c.RoundTrip(context.Background(), req, &res) == nil {
				io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
		})
	}
	limit := time.After(2 * time.Minute)
	for _, f := range fs {
		select {
		case <-f.Still():
		case <-limit:
			t.Fatal("a flood goes on and on")
		}
	}
	if most == 0 || k.idle {
		wg.Wait() // which none of them has us close
	}
	open = m.Grown() / int64(n)
	lost := 0
	for i, f := range fs {
		if most > 0 && f.Closed() {
			if lost++; lost == 1 {
				t.Errorf("connection %d did not last: %v", i, cs[i].Err())
			}
		}
		said = max(said, f.Said())
		errs[i] = cs[i].Err()
		cs[i].Close()
	}
	wg.Wait()
	for _, f := range fs {
		<-f.Gone()
	}
	peak = m.Peak() / int64(n)
	clear(fs)
	clear(cs)
	back = m.Back(2<<20) / int64(n)
	return
}

// A thousand hostile connections at once, of each kind. The first figure is with
// all of them open, each one step before it is refused; the second is the most
// that was seen while all of them run into what refuses them. Goroutines and
// their stacks count.
func TestThreatsMemory(t *testing.T) {
	n := 1000
	if raceEnabled || testing.Short() {
		n = 50
	}
	// What the runtime keeps of goroutines that have ended is not ours.
	var warm sync.WaitGroup
	gate := make(chan struct{})
	for range 5 * n {
		warm.Go(func() { <-gate })
	}
	close(gate)
	warm.Wait()
	cfg := h2.Config{PingInterval: -1, SettingsTimeout: -1, Write: wire.Never}
	for _, k := range floods() {
		t.Run(k.name, func(t *testing.T) { k.measure(t, cfg, n) })
	}
}

func (k flooded) measure(t *testing.T, cfg h2.Config, n int) {
	if k.heavy {
		n /= 4
	}
	bound := k.bound
	if bound == 0 {
		bound = floodBound
	}
	held := k.most
	switch {
	case k.refused != 0:
		// How far does one get?
		const step = 64
		var seen atomic.Int64 // in frames that were looked at
		probe := cfg
		probe.OnFrame = func(out bool, f h2.Frame) {
			if !out {
				seen.Add(int64(h2.FrameHeaderLen + len(f.Payload)))
			}
		}
		_, _, _, said, errs := k.run(t, probe, 1, 0, step)
		var ce h2.ConnError
		if !errors.As(errs[0], &ce) || ce.Code != k.refused {
			t.Fatalf("after %d bytes: got %v, want %v", said, errs[0], k.refused)
		}
		held = seen.Load() - int64(len(h2.AppendSettingsAck(h2.AppendSettings(nil)))) - step
		// Time earns a peer more frames for nothing.
		held = max(1, min(held, int64(len(k.once)+900*len(k.repeat))))
	case held == 0:
		held = int64(len(k.once))
	}
	leak.Try(t, func() (fault string) {
		open, peak, back, _, _ := k.run(t, cfg, n, held, k.piece)
		if k.refused != 0 {
			_, p, b, _, _ := k.run(t, cfg, n, 0, 0)
			peak, back = max(peak, p), max(back, b)
		}
		t.Logf("%d connections, bytes of each: %d open after %d bytes, %d at the peak, %d after Close", n, open, held, peak, back)
		if raceEnabled {
			return "" // the detector's memory is not ours
		}
		if k.idle {
			peak -= 2 * h2.DefaultListBytes // on the way
		}
		if n < 500 {
			peak /= 2 // the collector does not hurry for so little
		}
		switch {
		case open > bound || peak > bound:
			return fmt.Sprintf("more than %d bytes for each connection", bound)
		case back*int64(n) > 2<<20:
			return fmt.Sprintf("%d bytes of each connection are left", back)
		}
		return ""
	})
}
