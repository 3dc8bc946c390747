package h2

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/net/http2/hpack"

	"gohttpx.dev/wire"
)

// lastKnown decodes a block and reports whether its last field was known by its
// octets: its value is then the very string that was found good before.
func lastKnown(d *FieldDecoder, src []byte, last bool) (is bool, err error) {
	before := append(slices.Clone(d.good[:]), goodField{})
	var res wire.Response
	d.Begin(ResponseBlock, 1, true, &res)
	if err := cmp.Or(d.write(src, last), d.End()); err != nil {
		return false, err
	}
	n := len(res.Fields) // behind :status
	old := before[n].value
	return old != "" && unsafe.StringData(res.Fields[n-1].Value) == unsafe.StringData(old), nil
}

// kept is all octets that the decoder keeps of literals.
func kept(d *FieldDecoder) (n int) {
	if d.literals != nil {
		for _, l := range d.literals {
			n += cap(l)
		}
	}
	return n
}

// forget makes the decoder one that has seen nothing, but for the table.
func forget(d *FieldDecoder) {
	d.good, d.literals = [goodFields]goodField{}, nil
}

// What is known by its octets, and what is not.
func TestKnownLiterals(t *testing.T) {
	const long = "x-long"
	huffman := func(first byte, name, value string) string {
		b := []byte{first}
		for _, s := range []string{name, value} {
			b = hpack.AppendHuffmanString(appendLength(b, 0x80, hpack.HuffmanEncodeLength(s)), s)
		}
		return string(b)
	}
	literal := func(first string, value string) string {
		return first + string(appendLength(nil, 0, uint64(len(value)))) + value
	}
	for _, tt := range []struct {
		name   string
		before string // a block that says how large the table is, and fills it
		src    string // the block that is sent again and again
		want   bool
	}{
		{"without indexing", "\x88", "\x88\x00\x03x-a\x03abc", true},
		{"without indexing, Huffman", "\x88", "\x88" + huffman(0, "x-a", "abc"), true},
		{"without indexing, a name of the static table", "\x88", "\x88" + literal("\x0f\x27", "abc"), true}, // 54: server
		{"without indexing, the last name of the static table", "\x88", "\x88" + literal("\x0f\x2e", "abc"), true},
		{"without indexing, a name of the dynamic table", "\x88\x40\x03x-a\x01a", "\x88" + literal("\x0f\x2f", "abc"), false},
		{"never indexed", "\x88", "\x88\x10\x03x-a\x03abc", false},
		{"never indexed, and good when it was not", "\x88\x00\x03x-a\x03abc", "\x88\x10\x03x-a\x03abc", false},
		{"with indexing", "\x88", "\x88\x40\x03x-a\x03abc", false},
		{"with indexing, table of size 0", "\x20\x88", "\x88\x40\x03x-a\x03abc", true},
		{"with indexing, Huffman, table of size 0", "\x20\x88", "\x88" + huffman(0x40, "x-a", "abc"), true},
		{"with indexing, table of size 0, said in each block", "\x88", "\x20\x88\x40\x03x-a\x03abc", true},
		{"with indexing, table of size 0, said in many bytes", "\x88", "\x3f\x80\x80\x00\x20\x88\x40\x03x-a\x03abc", true},
		{"with indexing, table of size 1, too small for anything", "\x21\x88", "\x88\x40\x03x-a\x03abc", false},
		{"with indexing, table of size 0 and again of 4096", "\x20\x3f\xe1\x1f\x88", "\x88\x40\x03x-a\x03abc", false},
		{"with indexing, table of size 0, then of 4096 in a block", "\x20\x88\x3f\xe1\x1f\x88", "\x88\x40\x03x-a\x03abc", false},
		{"with indexing, table of 4096, then of size 0 in a block", "\x88\x20\x88", "\x88\x40\x03x-a\x03abc", true},
		{"with indexing, table of 4096, in more bytes than make sense", "\x20\x88\x3f\xe1\x9f\x80\x80\x80\x80\x00\x88", "\x88\x40\x03x-a\x03abc", false},
		{"with indexing, a table that grows where nobody looks", "\x20" + strings.Repeat("\x88", goodFields+5) + "\x3f\xe1\x1f", "\x88\x40\x03x-a\x03abc", false},
		{"as long as is kept", "\x88", "\x88" + literal("\x00\x06"+long, strings.Repeat("v", maxGoodField-len(long)-3)), true},
		{"longer than is kept", "\x88", "\x88" + literal("\x00\x06"+long, strings.Repeat("v", maxGoodField-len(long)-2)), false},
		{"longer in Huffman code than is kept", "\x88", "\x88" + huffman(0, "x-a", strings.Repeat("\\", 60)), false},
		{"content-length", "\x88", "\x88" + literal("\x0f\x0d", "123"), false},
		{"behind the last place", "\x88", "\x88" + strings.Repeat("\x90", goodFields-1) + "\x00\x03x-a\x03abc", false},
		{"at the last place", "\x88", "\x88" + strings.Repeat("\x90", goodFields-2) + "\x00\x03x-a\x03abc", true},
	} {
		for _, last := range []bool{true, false} {
			d := NewFieldDecoder(DecoderConfig{})
			in(d, ResponseBlock, true, []byte(tt.before))
			for i := range 5 {
				if got, err := lastKnown(d, []byte(tt.src), last); got != (tt.want && i >= 2) || err != nil {
					t.Errorf("%s: block %d, last %v: known is %v, %v", tt.name, i, last, got, err)
				}
			}
			if n := kept(d); n > maxGoodField || (n > 0) != tt.want {
				t.Errorf("%s: %d bytes are kept of literals", tt.name, n)
			}
		}
	}
}

// Whatever is known, a block comes to what it comes to for a decoder that knows
// nothing, and so does the block after it.
func TestKnownLiteralsChangeNothing(t *testing.T) {
	const (
		a = "\x00\x03x-a\x03abc"
		b = "\x40\x03x-b\x03def"
	)
	const inTwo = 9 // pieces: the first has so many bytes
	warm := "\x88" + a + b
	full := strings.Repeat(a, goodFields)
	// Of a literal named "a"; and, behind 0xff, the end of an index and an :authority.
	within := "\x00\x01a\x60" + strings.Repeat("v", 96)
	for _, tt := range []struct {
		name, before string
		blocks       []string
		kinds        []BlockKind
		cfg          DecoderConfig
		want         string // the error of the last block
	}{
		{name: "into the table, size 0", before: "\x20", blocks: []string{warm, warm + "\xbe"}, want: "conn COMPRESSION_ERROR §4.3"},
		{name: "into the table, size 0, then 4096", before: "\x20", blocks: []string{"\x3f\xe1\x1f" + warm + "\xbe", "\x88\xbe"}},
		{name: "into the table, size 0, then 4096 behind what is known", before: "\x20", blocks: []string{"\x88" + a + "\x3f\xe1\x1f" + b + "\xbe", "\x88\xbe"}},
		{name: "into the table, size 0, then 4096 in too many bytes", before: "\x20", blocks: []string{"\x88" + a + "\x3f\xe1\x9f\x80\x80\x80\x80\x00" + b + "\xbe", "\x88\xbe"}},
		{name: "update behind what is known, first of its block", blocks: []string{"\x88\x40\x01c\x01d", a, a, a, a + "\x20"}, want: "conn COMPRESSION_ERROR §4.3"},
		{name: "update behind what is known, first of its block, the table empty", before: "\x20", blocks: []string{a, a, a, a + "\x20\x88"}, want: "stream PROTOCOL_ERROR §8.3"},
		{name: "update in many bytes behind what is known, first of its block", blocks: []string{"\x88\x40\x01c\x01d", a, a, a, a + "\x3f\x80\x80\x80\x80\x80\x00"}, want: "conn COMPRESSION_ERROR §4.3"},
		{name: "update behind the last place, all known", cfg: DecoderConfig{BlockFrames: 200}, blocks: []string{"\x88\x40\x01c\x01d", full, full, full, full + "\x20"}, want: "conn COMPRESSION_ERROR §4.3"},
		{name: "update behind the last place and more, all known", cfg: DecoderConfig{BlockFrames: 200}, blocks: []string{"\x88\x40\x01c\x01d", full, full, full, full + a + "\x20"}, want: "conn COMPRESSION_ERROR §4.3"},
		{name: "update behind what is known, of a stream that is gone", kinds: []BlockKind{ResponseBlock, DiscardBlock}, blocks: []string{a, a, a, a, "\x88\x40\x01c\x01d", a + "\x20"}, want: "conn COMPRESSION_ERROR §4.3"},
		{name: "update behind what is known, cut", blocks: []string{"\x88\x40\x01c\x01d", a, a, a, a + "\x3f\xe1"}, want: "conn COMPRESSION_ERROR §4.3"},
		{name: "update behind what is known, the table empty, of a stream that is gone", before: "\x20", kinds: []BlockKind{ResponseBlock, DiscardBlock}, blocks: []string{a, a, a, a, a, a + "\x20" + b}},
		{name: "two updates in the block after one that ends with what is known", blocks: []string{"\x88\x40\x01c\x01d", "\x88" + a, "\x88" + a, "\x88" + a, "\x3f\xe1\x1f\x3f\xe1\x1f\x88\xbe"}},
		{name: "more literals than places, table of size 0", cfg: DecoderConfig{BlockFrames: 300}, before: "\x20", blocks: []string{"\x88" + full + b + a, "\x88" + full + b + a, "\x88" + full + b + a}},
		{name: "what is known, in an index and a literal", cfg: DecoderConfig{BlockFrames: 300}, blocks: []string{
			"\x88" + strings.Repeat("\x40\x01c\x00", 66), "\x90" + within, "\x90" + within, "\x90" + within, "\xff" + within,
		}, want: "stream PROTOCOL_ERROR §8.3"},
		{name: "two updates behind what is known", before: "\x20", blocks: []string{a, a, a, a + "\x3f\xe1\x1f\x20\x88"}, want: "stream PROTOCOL_ERROR §8.3"},
		{name: "status behind what is known", blocks: []string{"\x88", a + "\x88"}, want: "stream PROTOCOL_ERROR §8.3"},
		{name: "no status", blocks: []string{"\x88", a}, want: "stream PROTOCOL_ERROR §8.3.2"},
		{name: "too many fields", cfg: DecoderConfig{Fields: 3}, before: "\x20", blocks: []string{warm, warm + a}, want: "stream ENHANCE_YOUR_CALM limit"},
		{name: "as many fields as are taken", cfg: DecoderConfig{Fields: 3}, before: "\x20", blocks: []string{warm, warm}},
		{name: "too large a list", cfg: DecoderConfig{ListBytes: 42 + 38 + 38}, before: "\x20", blocks: []string{warm, "\x88\x00\x03x-a\x04abcd" + b}, want: "stream ENHANCE_YOUR_CALM limit"},
		{name: "as large a list as is taken", cfg: DecoderConfig{ListBytes: 42 + 38 + 38}, before: "\x20", blocks: []string{warm, warm}},
		{name: "known, then cut", blocks: []string{"\x88", "\x88" + a + a[:6]}, want: "conn COMPRESSION_ERROR §4.3"},
		{name: "cut in what is known", blocks: []string{"\x88", "\x88" + a[:7]}, want: "conn COMPRESSION_ERROR §4.3"},
		{name: "known, and then not", blocks: []string{"\x88" + a[:8] + "d", "\x88" + a}},
		{name: "another name of the same entry", blocks: []string{"\x88\x40\x03x-c\x00", "\x88\x0f\x2f\x03abc", "\x88\x0f\x2f\x03abc", "\x88\x0f\x2f\x03abc", "\x88\x40\x03x-d\x00", "\x88\x0f\x2f\x03abc"}},
		{name: "a size in too many bytes, and literals at places not known", before: "\x20", blocks: []string{
			"\x88\x90" + a + b, "\x88\x90\x3f\x80\x80\x80\x80\x80\x00" + a + "\x00" + b[1:] + "\x00\x01c\x01d", "\x88\x90\x00\x01c\x01d",
		}},
		{name: "never indexed", blocks: []string{"\x88", "\x88\x10" + a[1:], "\x88" + a}},
		{name: "of a stream that is gone", before: "\x20", kinds: []BlockKind{DiscardBlock, ResponseBlock}, blocks: []string{warm, warm, warm}},
		{name: "as trailers", before: "\x20", kinds: []BlockKind{ResponseBlock, TrailerBlock}, blocks: []string{warm, warm[1:]}},
		{name: "in another order", before: "\x20", blocks: []string{"\x88" + b + a, "\x88" + b + a, "\x88" + b + a, warm}},
		{name: "the same in another way", before: "\x20", blocks: []string{"\x88\x40" + a[1:] + "\x00" + b[1:], "\x88\x40" + a[1:] + "\x00" + b[1:], warm, warm}},
		{name: "behind an error", before: "\x20", blocks: []string{"\x88" + a + "\x00\x01A\x01x" + b, "\x88" + a + "\x00\x01A\x01x" + b, warm}},
	} {
		for _, step := range []int{1, 2, 3, 5, inTwo, 1 << 10} {
			d, plain := NewFieldDecoder(tt.cfg), NewFieldDecoder(tt.cfg)
			all := append([]string{tt.before + warm, warm, warm}, tt.blocks...)
			for i, src := range all {
				kind := ResponseBlock
				if i >= 3 && tt.kinds != nil {
					kind = tt.kinds[(i-3)%len(tt.kinds)]
				}
				forget(plain)
				var pieces [][]byte
				if step == inTwo {
					n := min(len(src), inTwo)
					pieces = [][]byte{[]byte(src[:n]), []byte(src[n:])}
				} else {
					pieces = slices.Collect(slices.Chunk([]byte(src), step))
				}
				got, want := in(d, kind, true, pieces...), in(plain, kind, true, pieces...)
				if got != want || d.Size() != plain.Size() || d.count != plain.count {
					t.Errorf("%s, in pieces of %d, block %d:\ngot  %+v\nwant %+v", tt.name, step, i, got, want)
				}
				if i == len(all)-1 && got.Err != tt.want {
					t.Errorf("%s, in pieces of %d: %q, want %q", tt.name, step, got.Err, tt.want)
				}
			}
		}
	}
}
