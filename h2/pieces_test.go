package h2

import (
	"strings"
	"testing"

	"gohttpx.dev/wire"
)

func TestWhole(t *testing.T) {
	long := "\x7f\x80\x01" + strings.Repeat("x", 255) // 127 + 128
	for _, tt := range []struct {
		name, src string
		want      int
	}{
		{"nothing", "", 0},
		{"indexed", "\x88\x82", 2},
		{"indexed, of a long number", "\xff\x80\x01\x88", 4},
		{"indexed, cut in its number", "\x88\xff\x80", 1},
		{"indexed, a number without end", "\xff\x80\x80\x80\x80\x80\x80", 7},
		{"table size update", "\x3f\xe1\x1f\x88", 4},
		{"table size update, cut", "\x3f\xe1", 0},
		{"literal", "\x00\x01a\x01b\x88", 6},
		{"literal, never indexed, a name of the table", "\x1f\x01\x01b", 4},
		{"literal, into the table, cut before its value", "\x88\x41", 1},
		{"literal, cut before its name", "\x40", 0},
		{"literal, cut in its name", "\x40\x03ab", 0},
		{"literal, cut between its strings", "\x40\x02ab", 0},
		{"literal, cut in its value", "\x40\x02ab\x03cd", 0},
		{"literal, Huffman", "\x40\x81\x1f\x81\x1f\x88", 6},
		{"a long string", "\x00\x01a" + long + "\x88", 3 + len(long) + 1},
		{"a long string, cut", "\x00\x01a" + long[:250], 0},
		{"a string above the limit", "\x88\x00\x01a\x7f\x82\x07", 7}, // 1025
	} {
		if got := whole([]byte(tt.src), 1024); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

// A block comes to the same wherever it is cut in three, whether or not the last
// piece is known to be the last.
func TestFieldDecoderPieces(t *testing.T) {
	src := []byte("\x3f\xe1\x1f\x88\x40\x03abc\x03def\xbe\x00\x81\x1f\x81\x1f\x5f\x03xyz\x0f\x11\x00\xbe")
	decode := func(last bool, pieces ...[]byte) string {
		var res wire.Response
		d := NewFieldDecoder(DecoderConfig{})
		d.Begin(ResponseBlock, 1, true, &res)
		for i, p := range pieces {
			if err := d.write(p, last && i == len(pieces)-1); err != nil {
				return err.Error()
			}
		}
		if err := d.End(); err != nil {
			return err.Error()
		}
		if d.tail.b != nil {
			t.Error("a buffer was not given back")
		}
		return lines(res.Fields)
	}
	want := decode(true, src)
	if strings.Contains(want, "h2:") {
		t.Fatal(want)
	}
	for i := range src {
		for j := i; j < len(src); j++ {
			for _, last := range []bool{false, true} {
				if got := decode(last, src[:i], src[i:j], src[j:]); got != want {
					t.Fatalf("cut at %d and %d, last %v: %q, want %q", i, j, last, got, want)
				}
			}
		}
		for _, last := range []bool{false, true} {
			for j := range i {
				got := decode(last, src[:j], src[j:i])
				if cut := whole(src[:i], 1024) < i; cut != strings.Contains(got, "truncated") {
					t.Errorf("in two pieces of %d bytes, and no more, last %v: %q", i, last, got)
				}
			}
		}
	}
}
