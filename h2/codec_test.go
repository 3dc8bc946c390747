package h2

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"

	"gohttpx.dev/wire"
)

func field(nv ...string) (f wire.Fields) {
	for i := 0; i < len(nv); i += 2 {
		f.Add(nv[i], nv[i+1])
	}
	return f
}

// parsed is all that matters of a parsed frame.
type parsed struct {
	Frame Frame
	N     int
	Err   string
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// parseEveryWay parses src whole, byte by byte and with bytes that follow, and
// returns the one result.
func parseEveryWay(t *testing.T, src []byte, max uint32) parsed {
	t.Helper()
	one := func(p []byte) parsed {
		f, n, err := ParseFrame(p, max)
		f.Payload = bytes.Clone(f.Payload)
		return parsed{f, n, errText(err)}
	}
	want := one(src)
	for i := range src {
		got := one(src[:i])
		if got.N != 0 || got.Err != "" && i < FrameHeaderLen {
			t.Errorf("% x: %d of %d bytes give %+v", src, i, len(src), got)
		}
		if got.Err != "" && !reflect.DeepEqual(got, want) {
			t.Errorf("% x: %d bytes give %+v\nall give %+v", src, i, got, want)
		}
	}
	if want.N == 0 && want.Err == "" {
		return want
	}
	for _, rest := range []string{"\x00", "PRI", strings.Repeat("\xff", 20)} {
		if got := one(append(bytes.Clone(src), rest...)); !reflect.DeepEqual(got, want) {
			t.Errorf("% x with trailing %q: %+v\nalone: %+v", src, rest, got, want)
		}
	}
	return want
}

func TestParseFrame(t *testing.T) {
	for _, tt := range []struct {
		name string
		src  string // hex
		max  uint32
		want FrameHeader
		n    int
		err  string
	}{
		{name: "nothing"},
		{name: "header cut", src: "000000 04 00 000000"},
		{name: "empty", src: "000000 04 00 00000000", want: FrameHeader{Type: FrameSettings}, n: 9},
		{name: "reserved bit", src: "000000 00 01 80000001", want: FrameHeader{R: true, StreamID: 1, Flags: FlagEndStream}, n: 9},
		{name: "highest stream", src: "000000 00 00 7fffffff", want: FrameHeader{StreamID: MaxStreamID}, n: 9},
		{name: "unknown type and flags", src: "000003 fe ff 00000005 616263", want: FrameHeader{Length: 3, Type: 0xfe, Flags: 0xff, StreamID: 5}, n: 12},
		{name: "payload cut", src: "000003 00 00 00000005 6162"},
		{
			name: "longer than the default", src: "004001 00 00 00000001",
			want: FrameHeader{Length: 16385, StreamID: 1},
			err:  "h2: connection error FRAME_SIZE_ERROR: DATA stream=1 length=16385 (" + ruleMaxFrame + ")",
		},
		{name: "as long as is taken", src: "000005 06 00 00000000 0102030405", max: 5, want: FrameHeader{Length: 5, Type: FramePing}, n: 14},
		{
			name: "longer than is taken", src: "000006 06 00 00000000 0102030405", max: 5,
			want: FrameHeader{Length: 6, Type: FramePing},
			err:  "h2: connection error FRAME_SIZE_ERROR: PING stream=0 length=6 (" + ruleMaxFrame + ")",
		},
		{
			name: "as long as can be said", src: "ffffff 00 00 00000001", want: FrameHeader{Length: MaxMaxFrameSize, StreamID: 1},
			err: "h2: connection error FRAME_SIZE_ERROR: DATA stream=1 length=16777215 (" + ruleMaxFrame + ")",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src, err := hex.DecodeString(strings.ReplaceAll(tt.src, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			got := parseEveryWay(t, src, tt.max)
			if got.Frame.FrameHeader != tt.want || got.N != tt.n || got.Err != tt.err {
				t.Errorf("%+v", got)
			}
			if tt.n > 0 {
				if f, _, _ := ParseFrame(append(src, "next"...), tt.max); cap(f.Payload) != len(f.Payload) {
					t.Error("whoever appends to the payload writes into the next frame")
				}
				if again := AppendFrame(nil, got.Frame); !bytes.Equal(again, src[:tt.n]) {
					t.Errorf("again: % x", again)
				}
			}
		})
	}
}

// verdict gives an error as "conn PROTOCOL_ERROR §6.1" or "" for none.
func verdict(err error) string {
	var c ConnError
	var s StreamError
	cut := func(rule string) string {
		rule, _, _ = strings.Cut(rule, ":")
		return strings.TrimPrefix(rule, "RFC 9113 ")
	}
	switch {
	case err == nil:
		return ""
	case errors.As(err, &c):
		return "conn " + c.Code.String() + " " + cut(c.Rule)
	case errors.As(err, &s):
		return "stream " + s.Code.String() + " " + cut(s.Rule)
	}
	return "untyped: " + err.Error()
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		name    string
		h       FrameHeader
		payload string
		want    string
	}{
		{"data", FrameHeader{Type: FrameData, StreamID: 1}, "x", ""},
		{"data on 0", FrameHeader{Type: FrameData}, "x", "conn PROTOCOL_ERROR §6.1"},
		{"data all padding", FrameHeader{Type: FrameData, Flags: FlagPadded, StreamID: 1}, "\x02ab", ""},
		{"data with padding of 0", FrameHeader{Type: FrameData, Flags: FlagPadded, StreamID: 1}, "\x00ab", ""},
		{"data with too much padding", FrameHeader{Type: FrameData, Flags: FlagPadded, StreamID: 1}, "\x03ab", "conn PROTOCOL_ERROR §6.1"},
		{"data without its pad length", FrameHeader{Type: FrameData, Flags: FlagPadded, StreamID: 1}, "", "conn FRAME_SIZE_ERROR §4.2"},
		{"headers", FrameHeader{Type: FrameHeaders, StreamID: 1}, "", ""},
		{"headers on 0", FrameHeader{Type: FrameHeaders}, "x", "conn PROTOCOL_ERROR §6.2"},
		{"headers with priority", FrameHeader{Type: FrameHeaders, Flags: FlagPriority, StreamID: 1}, "abcde", ""},
		{"headers depending on itself", FrameHeader{Type: FrameHeaders, Flags: FlagPriority, StreamID: 1}, "\x00\x00\x00\x01a", ""},
		{"headers without its priority", FrameHeader{Type: FrameHeaders, Flags: FlagPriority, StreamID: 1}, "abcd", "conn FRAME_SIZE_ERROR §4.2"},
		{"headers with padding over its priority", FrameHeader{Type: FrameHeaders, Flags: FlagPriority | FlagPadded, StreamID: 1}, "\x01abcde", "conn PROTOCOL_ERROR §6.2"},
		{"headers with padding and priority", FrameHeader{Type: FrameHeaders, Flags: FlagPriority | FlagPadded, StreamID: 1}, "\x01abcdex", ""},
		{"headers with too much padding", FrameHeader{Type: FrameHeaders, Flags: FlagPadded, StreamID: 1}, "\xffab", "conn PROTOCOL_ERROR §6.2"},
		{"priority", FrameHeader{Type: FramePriority, StreamID: 1}, "abcde", ""},
		{"priority on 0", FrameHeader{Type: FramePriority}, "abcde", "conn PROTOCOL_ERROR §6.3"},
		{"priority short", FrameHeader{Type: FramePriority, StreamID: 1}, "abcd", "stream FRAME_SIZE_ERROR §6.3"},
		{"priority long", FrameHeader{Type: FramePriority, StreamID: 1}, "abcdef", "stream FRAME_SIZE_ERROR §6.3"},
		{"reset", FrameHeader{Type: FrameRSTStream, StreamID: 1}, "abcd", ""},
		{"reset on 0", FrameHeader{Type: FrameRSTStream}, "abcd", "conn PROTOCOL_ERROR §6.4"},
		{"reset short", FrameHeader{Type: FrameRSTStream, StreamID: 1}, "abc", "conn FRAME_SIZE_ERROR §6.4"},
		{"settings", FrameHeader{Type: FrameSettings}, "abcdef", ""},
		{"settings on 1", FrameHeader{Type: FrameSettings, StreamID: 1}, "", "conn PROTOCOL_ERROR §6.5"},
		{"settings of 7 bytes", FrameHeader{Type: FrameSettings}, "abcdefg", "conn FRAME_SIZE_ERROR §6.5"},
		{"settings ack", FrameHeader{Type: FrameSettings, Flags: FlagAck}, "", ""},
		{"settings ack with a setting", FrameHeader{Type: FrameSettings, Flags: FlagAck}, "abcdef", "conn FRAME_SIZE_ERROR §6.5"},
		{"promise", FrameHeader{Type: FramePushPromise, StreamID: 1}, "\x80\x00\x00\x02x", ""},
		{"promise on 0", FrameHeader{Type: FramePushPromise}, "\x00\x00\x00\x02", "conn PROTOCOL_ERROR §6.6"},
		{"promise short", FrameHeader{Type: FramePushPromise, StreamID: 1}, "abc", "conn FRAME_SIZE_ERROR §4.2"},
		{"promise with padding over the stream", FrameHeader{Type: FramePushPromise, Flags: FlagPadded, StreamID: 1}, "\x01\x00\x00\x00\x02", "conn PROTOCOL_ERROR §6.6"},
		{"promise of 0", FrameHeader{Type: FramePushPromise, StreamID: 1}, "\x80\x00\x00\x00", "conn PROTOCOL_ERROR §5.1.1"},
		{"promise of an odd stream", FrameHeader{Type: FramePushPromise, StreamID: 1}, "\x00\x00\x00\x03", "conn PROTOCOL_ERROR §5.1.1"},
		{"ping", FrameHeader{Type: FramePing}, "abcdefgh", ""},
		{"ping on 1", FrameHeader{Type: FramePing, StreamID: 1}, "abcdefgh", "conn PROTOCOL_ERROR §6.7"},
		{"ping short", FrameHeader{Type: FramePing}, "abcdefg", "conn FRAME_SIZE_ERROR §6.7"},
		{"ping ack long", FrameHeader{Type: FramePing, Flags: FlagAck}, "abcdefghi", "conn FRAME_SIZE_ERROR §6.7"},
		{"goaway", FrameHeader{Type: FrameGoAway}, "abcdefgh", ""},
		{"goaway with debug", FrameHeader{Type: FrameGoAway}, "abcdefghxyz", ""},
		{"goaway on 1", FrameHeader{Type: FrameGoAway, StreamID: 1}, "abcdefgh", "conn PROTOCOL_ERROR §6.8"},
		{"goaway short", FrameHeader{Type: FrameGoAway}, "abcdefg", "conn FRAME_SIZE_ERROR §4.2"},
		{"update", FrameHeader{Type: FrameWindowUpdate}, "\x00\x00\x00\x01", ""},
		{"update by 0", FrameHeader{Type: FrameWindowUpdate}, "\x00\x00\x00\x00", "conn PROTOCOL_ERROR §6.9"},
		{"update of a stream by 0", FrameHeader{Type: FrameWindowUpdate, StreamID: 3}, "\x80\x00\x00\x00", "stream PROTOCOL_ERROR §6.9"},
		{"update short", FrameHeader{Type: FrameWindowUpdate, StreamID: 3}, "abc", "conn FRAME_SIZE_ERROR §6.9"},
		{"continuation", FrameHeader{Type: FrameContinuation, StreamID: 1}, "", ""},
		{"continuation on 0", FrameHeader{Type: FrameContinuation}, "x", "conn PROTOCOL_ERROR §6.10"},
		{"priority update", FrameHeader{Type: FramePriorityUpdate}, "\x00\x00\x00\x01u=1", ""},
		{"priority update on 1", FrameHeader{Type: FramePriorityUpdate, StreamID: 1}, "\x00\x00\x00\x01u=1", "conn PROTOCOL_ERROR RFC 9218 §7.1"},
		{"priority update short", FrameHeader{Type: FramePriorityUpdate}, "abc", "conn FRAME_SIZE_ERROR §4.2"},
		{"priority update of 0", FrameHeader{Type: FramePriorityUpdate}, "\x80\x00\x00\x00", "conn PROTOCOL_ERROR RFC 9218 §7.1"},
		{"unknown type", FrameHeader{Type: 0xbe, Flags: 0xff}, "", ""},
		{"unknown flags", FrameHeader{Type: FramePing, Flags: 0xfe}, "abcdefgh", ""},
		{"reserved bit", FrameHeader{Type: FramePing, R: true}, "abcdefgh", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, n, err := ParseFrame(AppendFrame(nil, Frame{tt.h, []byte(tt.payload)}), 0)
			if n == 0 || err != nil {
				t.Fatal(n, err)
			}
			err = f.Check()
			if got := verdict(err); got != tt.want {
				t.Errorf("%q, want %q (%v)", got, tt.want, err)
			}
			// The accessors do not panic, whatever the frame.
			for ty := range 256 {
				f.Type = FrameType(ty)
				readAll(f)
			}
		})
	}
}

// readAll calls every accessor.
func readAll(f Frame) {
	f.Data()
	f.Padding()
	f.Fragment()
	f.Priority()
	f.Code()
	f.Reset()
	for range f.Settings() {
	}
	f.PushPromise()
	f.Ping()
	f.GoAway()
	f.Increment()
	f.PriorityUpdate()
}

func TestErrorTexts(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{Frame{FrameHeader{Type: FrameRSTStream, StreamID: 5}, []byte{0, 0, 0, 8}}.Reset(), "h2: stream 5 reset by peer: CANCEL"},
		{Frame{FrameHeader{Type: FrameRSTStream, StreamID: 5}, []byte{0, 0, 1, 8}}.Reset(), "h2: stream 5 reset by peer: code 0x108"},
		{
			Frame{FrameHeader{Type: FrameGoAway}, []byte("\x80\x00\x00\x07\x00\x00\x00\x0bslow\n")}.GoAway(),
			`h2: peer is going away after stream 7: ENHANCE_YOUR_CALM "slow\n"`,
		},
		{
			Frame{FrameHeader{Type: FrameWindowUpdate, StreamID: 9}, make([]byte, 4)}.Check(),
			"h2: stream 9 error PROTOCOL_ERROR: WINDOW_UPDATE stream=9 length=4 (RFC 9113 §6.9: a window increment is not 0)",
		},
		{
			Setting{SettingMaxFrameSize, 0}.Check(),
			"h2: connection error PROTOCOL_ERROR: MAX_FRAME_SIZE=0 (RFC 9113 §6.5.2: MAX_FRAME_SIZE is from 2^14 to 2^24-1)",
		},
		{ConnError{Code: NoError}, "h2: connection error NO_ERROR"},
		{checkField(nil, &wire.Field{Name: "a", Value: "secret\n"}), "write: local protocol error: h2: a: LF at byte 6 (RFC 9110 §5.5: no control byte in a field value)"},
		{checkField(nil, &wire.Field{Name: "good secret", Value: ""}), "write: local protocol error: h2: field name \"good\": SP at byte 4 (RFC 9110 §5.1: a field name is a token)"},
		{CheckListSize(70, 69), "write: local protocol error: h2: fields: 70 bytes, but the peer takes 69 (RFC 9113 §10.5.1: the peer's MAX_HEADER_LIST_SIZE)"},
	} {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("%s\nwant %s", got, tt.want)
		}
	}
	for _, tt := range []struct{ got, want string }{
		{FrameHeader{Length: 3, Type: 0xb, Flags: 0x9, R: true, StreamID: 4}.String(), "frame type 0xb stream=4 flags=0x9 R length=3"},
		{FramePriorityUpdate.String(), "PRIORITY_UPDATE"},
		{SettingID(7).String(), "setting 0x7"},
		{SettingNoRFC7540Priorities.String(), "NO_RFC7540_PRIORITIES"},
		{HTTP11Required.String(), "HTTP_1_1_REQUIRED"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s, want %s", tt.got, tt.want)
		}
	}
	long := Frame{FrameHeader{Type: FrameGoAway}, make([]byte, 8+10_000)}.GoAway()
	if len(long.Debug) != maxDebug {
		t.Errorf("%d bytes of debug data kept", len(long.Debug))
	}
}
