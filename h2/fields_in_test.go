package h2

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"

	"gohttpx.dev/wire"
)

// block encodes as a server does that indexes all it can.
func block(nv ...string) []byte {
	var b strings.Builder
	enc := hpack.NewEncoder(&b)
	for i := 0; i < len(nv); i += 2 {
		enc.WriteField(hpack.HeaderField{Name: nv[i], Value: nv[i+1]})
	}
	return []byte(b.String())
}

// decoded is all that matters of a decoded block.
type decoded struct {
	Status    int
	Fields    string
	Length    int64
	Anomalies wire.Anomalies
	Err       string
}

// in decodes one block that comes in pieces.
func in(d *FieldDecoder, kind BlockKind, end bool, pieces ...[]byte) decoded {
	res := wire.Response{Fields: field("an", "old", "one", "too"), Trailers: field("old", "x"), Status: 5, ContentLength: 7}
	d.Begin(kind, 5, end, &res)
	for _, p := range pieces {
		if err := d.Write(p); err != nil {
			return decoded{Err: verdict(err)}
		}
	}
	if err := d.End(); err != nil {
		return decoded{Err: verdict(err)}
	}
	f := res.Fields
	if kind == TrailerBlock {
		f = res.Trailers
	}
	return decoded{res.Status, lines(f), res.ContentLength, res.Anomalies, ""}
}

// inEveryWay decodes a block whole, byte by byte, and with another block behind
// it on the connection, which must be none the worse.
func inEveryWay(t *testing.T, src []byte, kind BlockKind, end bool, rules Rules) decoded {
	t.Helper()
	var single [][]byte
	for i := range src {
		single = append(single, src[i:i+1], nil)
	}
	cfg := DecoderConfig{Rules: rules, BlockFrames: 1 << 20}
	whole := NewFieldDecoder(cfg)
	want := in(whole, kind, end, src)
	bytewise := NewFieldDecoder(cfg)
	if got := in(bytewise, kind, end, single...); got != want {
		t.Errorf("% x\nbyte by byte %+v\nwhole        %+v", src, got, want)
	}
	if strings.HasPrefix(want.Err, "conn ") {
		if whole.Write([]byte{0x88}) == nil || whole.End() == nil {
			t.Error("goes on after a connection error")
		}
		return want
	}
	good := in(whole, ResponseBlock, true, block(":status", "204", "x", "y"))
	if good.Status != 204 || good.Fields != "x: y\n" || good.Err != "" {
		t.Errorf("the next block: %+v", good)
	}
	return want
}

func TestFieldDecoder(t *testing.T) {
	const malformed = "stream PROTOCOL_ERROR "
	ok := func(nv ...string) []string { return append([]string{":status", "200"}, nv...) }
	long := strings.Repeat("v", 100)
	for _, tt := range []struct {
		name  string
		nv    []string
		kind  BlockKind
		end   bool
		rules Rules
		want  decoded
	}{
		{name: "status alone", nv: ok(), want: decoded{200, "", -1, 0, ""}},
		{name: "fields", nv: ok("b", "1", "a", "2", "b", "1", "empty", "", "long", long), want: decoded{200, "b: 1\na: 2\nb: 1\nempty: \nlong: " + long + "\n", -1, 0, ""}},
		{name: "bytes above 0x7f and tabs", nv: ok("a", "\xff\t\x80x"), want: decoded{200, "a: \xff\t\x80x\n", -1, 0, ""}},
		{name: "nothing", want: decoded{Err: malformed + "§8.3.2"}},
		{name: "no status", nv: []string{"a", "b"}, want: decoded{Err: malformed + "§8.3.2"}},
		{name: "empty status", nv: []string{":status", ""}, want: decoded{Err: malformed + "RFC 9110 §15"}},
		{name: "status of two digits", nv: []string{":status", "20"}, want: decoded{Err: malformed + "RFC 9110 §15"}},
		{name: "status of four digits", nv: []string{":status", "2000"}, want: decoded{Err: malformed + "RFC 9110 §15"}},
		{name: "status with reason", nv: []string{":status", "200 OK"}, want: decoded{Err: malformed + "RFC 9110 §15"}},
		{name: "status below 100", nv: []string{":status", "099"}, want: decoded{Err: malformed + "RFC 9110 §15"}},
		{name: "status with a sign", nv: []string{":status", "+20"}, want: decoded{Err: malformed + "RFC 9110 §15"}},
		{name: "status 999", nv: []string{":status", "999"}, want: decoded{999, "", -1, 0, ""}},
		{name: "status twice", nv: ok(":status", "200"), want: decoded{Err: malformed + "§8.3"}},
		{name: "status late", nv: []string{"a", "b", ":status", "200"}, want: decoded{Err: malformed + "§8.3"}},
		{name: "interim", nv: []string{":status", "103", "link", "x"}, want: decoded{103, "link: x\n", -1, 0, ""}},
		{name: "interim at the end", nv: []string{":status", "103"}, end: true, want: decoded{Err: malformed + "§8.1"}},
		{name: "101", nv: []string{":status", "101"}, want: decoded{Err: malformed + "§8.6"}},
		{name: "request's pseudo-field", nv: ok(":path", "/"), want: decoded{Err: malformed + "§8.3"}},
		{name: "unknown pseudo-field", nv: ok(":x", "/"), want: decoded{Err: malformed + "§8.3"}},
		{name: "colon alone", nv: ok(":", "/"), want: decoded{Err: malformed + "§8.3"}},
		{name: "empty name", nv: ok("", "x"), want: decoded{Err: malformed + "RFC 9110 §5.1"}},
		{name: "upper case", nv: ok("aB", "x"), want: decoded{Err: malformed + "§8.2.1"}},
		{name: "upper case allowed", nv: ok("aB", "x"), rules: AllowUpperCase, want: decoded{200, "aB: x\n", -1, wire.BadNameByte, ""}},
		{name: "colon in name", nv: ok("a:b", "x"), rules: AllowBadName, want: decoded{Err: malformed + "§8.2.1"}},
		{name: "space in name", nv: ok("a b", "x"), rules: AllowBadName, want: decoded{Err: malformed + "§8.2.1"}},
		{name: "NUL in name", nv: ok("a\x00", "x"), rules: AllowBadName, want: decoded{Err: malformed + "§8.2.1"}},
		{name: "DEL in name", nv: ok("a\x7f", "x"), rules: AllowBadName, want: decoded{Err: malformed + "§8.2.1"}},
		{name: "byte above 0x7f in name", nv: ok("a\x80", "x"), rules: AllowBadName, want: decoded{Err: malformed + "§8.2.1"}},
		{name: "no token", nv: ok("a(b)", "x"), want: decoded{Err: malformed + "RFC 9110 §5.1"}},
		{name: "no token allowed", nv: ok("a(b)", "x"), rules: AllowBadName, want: decoded{200, "a(b): x\n", -1, wire.BadNameByte, ""}},
		{name: "NUL", nv: ok("a", "x\x00y"), rules: AllowCTL, want: decoded{Err: malformed + "§8.2.1"}},
		{name: "CR", nv: ok("a", long+"\r"), rules: AllowCTL, want: decoded{Err: malformed + "§8.2.1"}},
		{name: "LF", nv: ok("a", "x\ny: z"), rules: AllowCTL, want: decoded{Err: malformed + "§8.2.1"}},
		{name: "LF after a tolerated byte", nv: ok("a", "x\x01\ny: z"), rules: AllowCTL, want: decoded{Err: malformed + "§8.2.1"}},
		{name: "BEL", nv: ok("a", "x\x07y"), want: decoded{Err: malformed + "RFC 9110 §5.5"}},
		{name: "BEL allowed", nv: ok("a", "x\x07y"), rules: AllowCTL, want: decoded{200, "a: x\x07y\n", -1, wire.ControlByte, ""}},
		{name: "space before", nv: ok("a", " x"), want: decoded{Err: malformed + "§8.2.1"}},
		{name: "tab behind", nv: ok("a", "x\t"), want: decoded{Err: malformed + "§8.2.1"}},
		{name: "space alone", nv: ok("a", " "), want: decoded{Err: malformed + "§8.2.1"}},
		{name: "space allowed", nv: ok("a", " \tx y "), rules: AllowSpaceAround, want: decoded{200, "a: x y\n", -1, 0, ""}},
		{name: "connection", nv: ok("connection", "close"), want: decoded{Err: malformed + "§8.2.2"}},
		{name: "keep-alive", nv: ok("keep-alive", "x"), want: decoded{Err: malformed + "§8.2.2"}},
		{name: "proxy-connection", nv: ok("proxy-connection", "x"), want: decoded{Err: malformed + "§8.2.2"}},
		{name: "transfer-encoding", nv: ok("transfer-encoding", "chunked"), want: decoded{Err: malformed + "§8.2.2"}},
		{name: "upgrade", nv: ok("upgrade", "h2c"), want: decoded{Err: malformed + "§8.2.2"}},
		{name: "te", nv: ok("te", "trailers"), want: decoded{Err: malformed + "§8.2.2"}},
		{name: "connection-specific allowed", nv: ok("te", "trailers", "a", "b", "connection", "close"), rules: AllowConnectionFields, want: decoded{200, "a: b\n", -1, 0, ""}},
		{name: "length", nv: ok("content-length", "42"), want: decoded{200, "content-length: 42\n", 42, 0, ""}},
		{name: "largest length", nv: ok("content-length", "9223372036854775807"), want: decoded{200, "content-length: 9223372036854775807\n", 1<<63 - 1, 0, ""}},
		{name: "length too large", nv: ok("content-length", "9223372036854775808"), want: decoded{Err: malformed + "RFC 9110 §8.6"}},
		{name: "length with a sign", nv: ok("content-length", "-1"), want: decoded{Err: malformed + "RFC 9110 §8.6"}},
		{name: "empty length", nv: ok("content-length", ""), want: decoded{Err: malformed + "RFC 9110 §8.6"}},
		{name: "equal lengths", nv: ok("content-length", "42", "content-length", "42"), want: decoded{200, "content-length: 42\ncontent-length: 42\n", 42, wire.RepeatedLength, ""}},
		{name: "differing lengths", nv: ok("content-length", "42", "content-length", "43"), want: decoded{Err: malformed + "RFC 9110 §8.6"}},
		{name: "trailers", kind: TrailerBlock, end: true, nv: []string{"a", "b", "content-length", "x"}, want: decoded{5, "a: b\ncontent-length: x\n", 7, 0, ""}},
		{name: "no trailers", kind: TrailerBlock, end: true, want: decoded{5, "", 7, 0, ""}},
		{name: "trailers without end", kind: TrailerBlock, nv: []string{"a", "b"}, want: decoded{Err: malformed + "§8.1"}},
		{name: "status in trailers", kind: TrailerBlock, end: true, nv: []string{":status", "200"}, want: decoded{Err: malformed + "§8.1"}},
		{name: "CR in trailers", kind: TrailerBlock, end: true, nv: []string{"a", "\r"}, want: decoded{Err: malformed + "§8.2.1"}},
		{name: "discarded", kind: DiscardBlock, nv: []string{":status", "x", "A", "\r", "connection", "x"}, want: decoded{5, "an: old\none: too\n", 7, 0, ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := inEveryWay(t, block(tt.nv...), tt.kind, tt.end, tt.rules); got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
			if tt.rules == 0 && tt.want.Err != "" && tt.kind == ResponseBlock {
				d := NewFieldDecoder(DecoderConfig{})
				if got := in(d, DiscardBlock, tt.end, block(tt.nv...)); got.Err != "" {
					t.Errorf("discarded: %+v", got)
				}
			}
		})
	}
}

func TestFieldDecoderHPACK(t *testing.T) {
	const broken = "conn COMPRESSION_ERROR §4.3"
	for _, tt := range []struct{ name, src, want string }{
		{"index 0", "\x80", broken},
		{"index behind the table", "\xbe", broken},
		{"endless integer", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", broken},
		{"name index behind the table", "\x7f\x01\x01x", broken},
		{"string cut", "\x88\x40\x05abc", broken},
		{"Huffman with EOS", "\x88\x40\x84\xff\xff\xff\xff\x00", broken},
		{"Huffman padding of a byte", "\x88\x40\x82\x1f\xff\x00", broken},
		{"table size in the middle", "\x88\x40\x01a\x01b\x20", broken},
		{"table size too large", "\x3f\xe2\x1f\x88", broken},
		{"table size cut", "\x3f\xe1", broken},
		{"table size three times", "\x20\x3f\xe1\x1f\x3e\x88", ""},
		{"never-ending table size", "\x3f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", broken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := inEveryWay(t, []byte(tt.src), ResponseBlock, true, 0); got.Err != tt.want {
				t.Errorf("%+v", got)
			}
		})
	}
}

// A malformed or oversized section, and one that is thrown away, leave the table
// as the encoder has it.
func TestFieldDecoderKeepsTable(t *testing.T) {
	for _, tt := range []struct {
		name string
		kind BlockKind
		cfg  DecoderConfig
		nv   []string
		err  bool
	}{
		{"malformed at the start", ResponseBlock, DecoderConfig{}, []string{"A", "b", "c", "d"}, true},
		{"discarded", DiscardBlock, DecoderConfig{}, []string{":status", "200", "c", "d"}, false},
		{"over the list size", ResponseBlock, DecoderConfig{ListBytes: 50}, []string{":status", "200", "a", "b", "c", "d"}, true},
		{"over the field count", ResponseBlock, DecoderConfig{Fields: 1}, []string{":status", "200", "a", "b", "c", "d"}, true},
		{"trailers with a pseudo-field", TrailerBlock, DecoderConfig{}, []string{":status", "200", "c", "d"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b strings.Builder
			enc := hpack.NewEncoder(&b)
			for i := 0; i < len(tt.nv); i += 2 {
				enc.WriteField(hpack.HeaderField{Name: tt.nv[i], Value: tt.nv[i+1]})
			}
			d := NewFieldDecoder(tt.cfg)
			if got := in(d, tt.kind, true, []byte(b.String())); (got.Err != "") != tt.err {
				t.Fatalf("%+v", got)
			}
			d.cfg = NewFieldDecoder(DecoderConfig{}).cfg
			b.Reset()
			enc.WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
			enc.WriteField(hpack.HeaderField{Name: "c", Value: "d"})
			if b.Len() != 2 {
				t.Fatalf("not from the table: % x", b.String())
			}
			if got := in(d, ResponseBlock, true, []byte(b.String())); got.Fields != "c: d\n" || got.Err != "" {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestFieldDecoderLimits(t *testing.T) {
	const calm, calmStream = "conn ENHANCE_YOUR_CALM limit", "stream ENHANCE_YOUR_CALM limit"
	bomb := append(block(":status", "200", "x", strings.Repeat("b", 3900)), []byte(strings.Repeat("\xbe", DefaultBlockBytes-8<<10))...)
	for _, tt := range []struct {
		name   string
		cfg    DecoderConfig
		pieces [][]byte
		want   string
	}{
		{"empty frames for ever", DecoderConfig{}, make([][]byte, DefaultBlockFrames+1), calm},
		{"as many empty frames as are taken", DecoderConfig{}, append(make([][]byte, DefaultBlockFrames-1), block(":status", "200")), ""},
		{"block too long", DecoderConfig{BlockBytes: 10}, [][]byte{block(":status", "200"), []byte("\x00\x09123456789")}, calm},
		{"bomb", DecoderConfig{}, [][]byte{bomb}, calmStream},
		{"fields of nothing", DecoderConfig{Fields: 1 << 20}, [][]byte{[]byte("\x88" + strings.Repeat("\x90", 20_000))}, calmStream},
		{"too many fields", DecoderConfig{}, [][]byte{[]byte("\x88" + strings.Repeat("\x90", DefaultFields))}, calmStream},
		{"as many fields as are taken", DecoderConfig{}, [][]byte{[]byte("\x88" + strings.Repeat("\x90", DefaultFields-1))}, ""},
		{"a byte more than the list takes", DecoderConfig{ListBytes: 42 + 33}, [][]byte{block(":status", "200", "a", "b")}, calmStream},
		{"as much as the list takes", DecoderConfig{ListBytes: 42 + 34}, [][]byte{block(":status", "200", "a", "b")}, ""},
		{"string too long", DecoderConfig{ListBytes: 1000}, [][]byte{[]byte("\x88\x00\x7f\xea\x06")}, calm},
		{"string too long, in pieces and in too many bytes", DecoderConfig{ListBytes: 198}, [][]byte{[]byte("\x41\xff\xc7\xc8\xc8\xc8\xc8\xc8"), []byte("\x41")}, calm},
		{"string announced only", DecoderConfig{}, [][]byte{[]byte("\x88\x00\x7f\xff\xff\xff\x7f")}, calm},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := in(NewFieldDecoder(tt.cfg), ResponseBlock, true, tt.pieces...); got.Err != tt.want {
				t.Errorf("%+v, want %q", got, tt.want)
			}
		})
	}
	// What a bomb leaves behind is bounded by the list size, not by the block.
	d := NewFieldDecoder(DecoderConfig{})
	var res wire.Response
	d.Begin(ResponseBlock, 1, true, &res)
	d.Write(bomb)
	if d.dec.EmitEnabled() {
		t.Error("goes on making strings")
	}
	var s StreamError
	if err := d.End(); !errors.As(err, &s) || FieldListSize(res.Fields) > DefaultListBytes || d.Size() > DefaultListBytes+4096 {
		t.Errorf("%v, %d bytes of fields", err, FieldListSize(res.Fields))
	}
}

// RFC 9113 §4.3.1: after a reduction of HEADER_TABLE_SIZE was acknowledged, a
// block that does not start with a Dynamic Table Size Update is an error.
func TestFieldDecoderTableSize(t *testing.T) {
	good := "\x88"
	for _, tt := range []struct {
		name  string
		sizes []uint32
		src   string
		want  string
	}{
		{"reduced and told", []uint32{0}, "\x20" + good, ""},
		{"reduced and not told", []uint32{0}, good, "conn COMPRESSION_ERROR §4.3.1"},
		{"reduced and told too much", []uint32{100}, "\x3f\xe1\x1f" + good, "conn COMPRESSION_ERROR §4.3"},
		{"reduced and enlarged", []uint32{0, 4096}, good, "conn COMPRESSION_ERROR §4.3.1"},
		{"reduced and enlarged and told both", []uint32{0, 4096}, "\x20\x3f\xe1\x1f" + good, ""},
		{"enlarged", []uint32{8192}, good, ""},
		{"enlarged and used", []uint32{8192}, "\x3f\xe1\x3f" + good, ""},
		{"same", []uint32{4096}, good, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := NewFieldDecoder(DecoderConfig{})
			if got := in(d, ResponseBlock, true, []byte(good)); got.Err != "" {
				t.Fatal(got)
			}
			for _, n := range tt.sizes {
				d.SetTableSize(n)
			}
			if got := in(d, ResponseBlock, true, nil, []byte(tt.src)); got.Err != tt.want {
				t.Errorf("%+v", got)
			}
			if got := in(d, ResponseBlock, true, []byte(good)); got.Err != tt.want {
				t.Errorf("the next block: %+v", got)
			}
		})
	}
	// A peer that has told a size of its own need not tell it again.
	d := NewFieldDecoder(DecoderConfig{})
	in(d, ResponseBlock, true, []byte("\x20"+good))
	d.SetTableSize(100)
	if got := in(d, ResponseBlock, true, []byte(good)); got.Err != "" {
		t.Error(got)
	}
}

// The two table size updates of RFC 7541 §4.2, with a table that has entries.
func TestFieldDecoderTwoUpdates(t *testing.T) {
	d := NewFieldDecoder(DecoderConfig{})
	first := in(d, ResponseBlock, true, block(":status", "200", "a", "b", "c", "d"))
	got := in(d, ResponseBlock, true, []byte("\x3f\x09\x3f\xe1"), []byte("\x1f\x88\xbe"))
	if first.Err != "" || got.Err != "" || got.Fields != "c: d\n" {
		t.Errorf("%+v, %+v", first, got)
	}
}

// Arrays are used again, and a response that had fields loses them.
func TestFieldDecoderReuses(t *testing.T) {
	d := NewFieldDecoder(DecoderConfig{})
	res := wire.Response{Fields: field("old", "1", "older", "2"), Reason: "old", Anomalies: wire.ObsFold, Proto: wire.HTTP10}
	first := &res.Fields[0]
	d.Begin(ResponseBlock, 9, false, &res)
	d.Write(block(":status", "404", "a", "b"))
	if err := d.End(); err != nil {
		t.Fatal(err)
	}
	want := wire.Response{Status: 404, Fields: field("a", "b"), Proto: wire.HTTP2, ContentLength: -1, StreamID: 9}
	if !reflect.DeepEqual(res, want) || &res.Fields[0] != first || res.Fields[:2][1] != (wire.Field{}) {
		t.Errorf("%+v", res)
	}
}
