package h2

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
)

// frames parses all of src and checks each frame.
func frames(t *testing.T, src []byte, max uint32) (all []Frame) {
	t.Helper()
	for len(src) > 0 {
		f, n, err := ParseFrame(src, max)
		if n == 0 || err != nil {
			t.Fatalf("%d, %v: % x", n, err, src)
		}
		if err := f.Check(); err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
		src = src[n:]
	}
	return all
}

// What is appended is legal, reads back as it was meant, and starts after what
// was there.
func TestAppend(t *testing.T) {
	prio := Priority{Depends: 7, Exclusive: true, Weight: 200}
	for _, tt := range []struct {
		name string
		b    []byte
		is   func(f Frame) bool
	}{
		{"data", AppendData([]byte("."), 3, []byte("abc"), false, 0), func(f Frame) bool {
			return string(f.Data()) == "abc" && f.Padding() == 0 && !f.EndStream() && f.StreamID == 3
		}},
		{"data padded", AppendData([]byte("."), 3, []byte("abc"), true, 5), func(f Frame) bool {
			return string(f.Data()) == "abc" && f.Padding() == 5 && f.EndStream() && bytes.HasSuffix(f.Payload, make([]byte, 4))
		}},
		{"data padded by the length alone", AppendData([]byte("."), 3, []byte("abc"), true, 1), func(f Frame) bool {
			return string(f.Data()) == "abc" && f.Padding() == 1
		}},
		{"data with the most padding", AppendData([]byte("."), 3, nil, true, MaxPadding+7), func(f Frame) bool {
			return len(f.Data()) == 0 && f.Padding() == 256
		}},
		{"headers", AppendHeaders([]byte("."), 3, []byte("block"), HeadersOptions{EndStream: true}), func(f Frame) bool {
			_, ok := f.Priority()
			return string(f.Fragment()) == "block" && f.EndStream() && f.EndHeaders() && !ok
		}},
		{"headers with everything", AppendHeaders([]byte("."), 3, []byte("block"), HeadersOptions{Pad: 4, Priority: &prio}), func(f Frame) bool {
			p, ok := f.Priority()
			return string(f.Fragment()) == "block" && !f.EndStream() && f.EndHeaders() && ok && p == prio
		}},
		{"headers empty", AppendHeaders([]byte("."), 3, nil, HeadersOptions{}), func(f Frame) bool {
			return len(f.Fragment()) == 0 && f.EndHeaders()
		}},
		{"priority", AppendPriority([]byte("."), 3, prio), func(f Frame) bool {
			p, ok := f.Priority()
			return ok && p == prio
		}},
		{"reset", AppendRSTStream([]byte("."), 3, Cancel), func(f Frame) bool { return f.Code() == Cancel && f.Reset().ID == 3 }},
		{"settings", AppendSettings([]byte("."), Setting{0x99, 1}, Setting{SettingEnablePush, 0}, Setting{0x99, 2}), func(f Frame) bool {
			return slices.Equal(slices.Collect(f.Settings()), []Setting{{0x99, 1}, {SettingEnablePush, 0}, {0x99, 2}}) && !f.Ack()
		}},
		{"settings ack", AppendSettingsAck([]byte(".")), func(f Frame) bool { return f.Type == FrameSettings && f.Ack() }},
		{"promise", AppendPushPromise([]byte("."), 3, 4, []byte("block")), func(f Frame) bool {
			id, b := f.PushPromise()
			return id == 4 && string(b) == "block" && string(f.Fragment()) == "block" && f.EndHeaders()
		}},
		{"ping", AppendPing([]byte("."), [8]byte{1, 7: 8}, false), func(f Frame) bool { return f.Ping() == [8]byte{1, 7: 8} && !f.Ack() }},
		{"pong", AppendPing([]byte("."), [8]byte{1, 7: 8}, true), func(f Frame) bool { return f.Ping() == [8]byte{1, 7: 8} && f.Ack() }},
		{"goaway", AppendGoAway([]byte("."), 1<<31|9, EnhanceYourCalm, "bye"), func(f Frame) bool {
			return f.GoAway() == GoAwayError{9, EnhanceYourCalm, "bye"}
		}},
		{"update", AppendWindowUpdate([]byte("."), 3, MaxWindow), func(f Frame) bool { return f.Increment() == MaxWindow && f.StreamID == 3 }},
		{"priority update", AppendPriorityUpdate([]byte("."), 3, "u=1, i"), func(f Frame) bool {
			id, v := f.PriorityUpdate()
			return id == 3 && string(v) == "u=1, i" && f.StreamID == 0
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.b[0] != '.' {
				t.Fatal("what was there is gone")
			}
			all := frames(t, tt.b[1:], 0)
			if len(all) != 1 || !tt.is(all[0]) {
				t.Errorf("%+v", all)
			}
			if got := parseEveryWay(t, tt.b[1:], 0); got.N != len(tt.b)-1 {
				t.Errorf("%+v", got)
			}
		})
	}
	if b := AppendWindowUpdate([]byte("."), 0, 0); string(b) != "." {
		t.Errorf("an update by 0 was written: % x", b)
	}
	lie := AppendRaw(nil, FrameHeader{Length: 1<<24 | 77, Type: 0xaa, Flags: 0xbb, R: true, StreamID: 1<<31 | 5}, []byte("x"))
	if h, ok := ParseFrameHeader(lie); !ok || h != (FrameHeader{77, 0xaa, 0xbb, true, 5}) || len(lie) != 10 {
		t.Errorf("%v", h)
	}
}

// A field block of any length comes out as frames of the right sizes, whatever
// MAX_FRAME_SIZE the peer had announced: 0 once made a client write
// CONTINUATION for ever.
func TestAppendHeadersSplits(t *testing.T) {
	block := make([]byte, 3*MinMaxFrameSize+10)
	for i := range block {
		block[i] = byte(i * 7)
	}
	prio := Priority{Weight: 1}
	for _, n := range []int{0, 1, 5, 10, MinMaxFrameSize - 6, MinMaxFrameSize - 5, MinMaxFrameSize - 1, MinMaxFrameSize, MinMaxFrameSize + 1, 2 * MinMaxFrameSize, len(block)} {
		for _, o := range []HeadersOptions{
			{},
			{MaxFrame: 1},
			{MaxFrame: MinMaxFrameSize + 1},
			{MaxFrame: MaxMaxFrameSize},
			{MaxFrame: 1<<32 - 1},
			{Fragment: 1},
			{Fragment: 7, EndStream: true},
			{Fragment: -1},
			{Fragment: 1 << 30},
			{Pad: 256, Priority: &prio},
			{Pad: 3, Fragment: 1000},
		} {
			name := fmt.Sprintf("%d bytes %+v", n, o)
			out := AppendHeaders(nil, 1, block[:n], o)
			if got := HeadersLen(n, o); got != len(out) {
				t.Errorf("%s: HeadersLen = %d, written %d", name, got, len(out))
			}
			limit := min(max(o.MaxFrame, MinMaxFrameSize), MaxMaxFrameSize)
			var back []byte
			all := frames(t, out, limit)
			for i, f := range all {
				want := FrameContinuation
				if i == 0 {
					want = FrameHeaders
				}
				if f.Type != want || f.EndHeaders() != (i == len(all)-1) || f.EndStream() != (o.EndStream && i == 0) {
					t.Fatalf("%s: frame %d is %v", name, i, f.FrameHeader)
				}
				if i > 0 && len(f.Payload) == 0 {
					t.Fatalf("%s: empty CONTINUATION", name)
				}
				if o.Fragment > 0 && len(f.Fragment()) > o.Fragment {
					t.Fatalf("%s: fragment of %d bytes", name, len(f.Fragment()))
				}
				back = append(back, f.Fragment()...)
			}
			if !bytes.Equal(back, block[:n]) {
				t.Fatalf("%s: the block is not what it was", name)
			}
			if o.Fragment <= 0 && len(all) > n/int(limit-300)+1 {
				t.Errorf("%s: %d frames", name, len(all))
			}
		}
	}
	if all := frames(t, AppendContinuation(nil, 1, block, 0), 0); len(all) != 4 {
		t.Errorf("step 0: %d frames", len(all))
	}
}
