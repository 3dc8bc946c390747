package h2

import "gohttpx.dev/internal/bufpool"

// A field block comes in pieces that end anywhere. hpack would keep the beginning
// of what a piece has cut in two, in a buffer that grows with the longest string
// and lasts as long as the connection. So it is given whole representations, and
// the rest waits here, in a buffer that is only borrowed.

// whole is how many bytes at the start of src are whole field representations
// (RFC 7541 §6). What makes no sense counts as whole: hpack says what is wrong
// with it. So does a string above most bytes, which hpack refuses unseen.
func whole(src []byte, most int) int {
	for n := 0; n < len(src); {
		k := representation(src[n:], most)
		switch {
		case k < 0:
			return len(src)
		case k == 0:
			return n
		}
		n += k
	}
	return len(src)
}

// representation is the length of the first representation in src, 0 if more of
// it is to come, -1 if it is one that hpack will refuse.
func representation(src []byte, most int) int {
	if n := short(src); n > 0 && most >= 0x7e {
		return n
	}
	bits, texts := 4, 1
	switch b := src[0]; {
	case b&0x80 != 0:
		bits, texts = 7, 0
	case b&0x40 != 0:
		bits = 6
	case b&0x20 != 0:
		bits, texts = 5, 0
	}
	index, n := integer(src, bits)
	if n <= 0 {
		return n
	}
	if texts == 1 && index == 0 {
		texts = 2 // a name that is not in the table
	}
	for range texts {
		if n == len(src) {
			return 0
		}
		length, k := integer(src[n:], 7)
		switch {
		case k <= 0:
			return k
		case length > int64(most):
			return -1
		case length > int64(len(src)-n-k):
			return 0
		}
		n += k + int(length)
	}
	return n
}

// short is the length of the literal in src if it is whole and has no length above
// 126: nearly all have not.
func short(src []byte) int {
	var index byte
	switch c := src[0]; {
	case c&0xc0 == 0x40:
		index = c & 0x3f
		if index == 0x3f {
			return 0
		}
	case c&0xe0 == 0:
		index = c & 0x0f
		if index == 0x0f {
			return 0
		}
	default:
		return 0
	}
	n := 1
	if index == 0 {
		if n >= len(src) || src[n]&0x7f == 0x7f {
			return 0
		}
		n += 1 + int(src[n]&0x7f)
	}
	if n >= len(src) || src[n]&0x7f == 0x7f {
		return 0
	}
	n += 1 + int(src[n]&0x7f)
	if n > len(src) {
		return 0
	}
	return n
}

// integer reads an integer with a prefix of so many bits (RFC 7541 §5.1), and how
// many bytes it has: 0 if more are to come, -1 if they are more than make sense.
func integer(src []byte, bits int) (value int64, n int) {
	most := byte(1<<bits - 1)
	value = int64(src[0] & most)
	if src[0]&most < most {
		return value, 1
	}
	for n = 1; n < len(src); n++ {
		if n > 5 {
			return 0, -1
		}
		value += int64(src[n]&0x7f) << (7 * (n - 1))
		if src[n]&0x80 == 0 {
			return value, n + 1
		}
	}
	return 0, 0
}

// nothing is a field of the static table, which changes nothing if it is not
// emitted.
var nothing = []byte{0x82}

// tail is a representation that is not whole yet.
type tail struct{ b []byte }

// join returns what waited with src behind it.
func (t *tail) join(src []byte) []byte {
	if len(t.b) == 0 {
		return src
	}
	if n := len(t.b) + len(src); n > cap(t.b) {
		old := t.b
		t.b = append(bufpool.Get(n)[:0], old...)
		bufpool.Put(old)
	}
	t.b = append(t.b, src...)
	return t.b
}

// keep has the rest wait, which may be the end of what join returned.
func (t *tail) keep(rest []byte) {
	if len(rest) > cap(t.b) {
		t.drop()
		t.b = bufpool.Get(len(rest))
	}
	t.b = t.b[:copy(t.b[:cap(t.b)], rest)]
}

// drop gives the buffer back.
func (t *tail) drop() {
	bufpool.Put(t.b)
	t.b = nil
}
