package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
)

// filler is the content of the answer to one request: lines that say whose they
// are and where they stand, so that a piece that is missing, doubled, moved or
// another's is seen.
type filler struct {
	id   string
	size int // bytes in all

	at   int // bytes so far
	line []byte
}

// next returns the following bytes, at most n and at least one, or nil at the end.
// They are valid until the next call.
func (f *filler) next(n int) []byte {
	if f.at >= f.size || n <= 0 {
		return nil
	}
	const width = 64
	off := f.at % width
	if off == 0 || f.line == nil {
		f.line = fmt.Appendf(f.line[:0], "%-*s\n", width-1, f.id+" "+strconv.Itoa(f.at-off))[:width]
	}
	p := f.line[off:]
	p = p[:min(len(p), n, f.size-f.at)]
	f.at += len(p)
	return p
}

// bytes is the whole content.
func (f filler) bytes() []byte {
	b := make([]byte, 0, f.size)
	for p := f.next(f.size); p != nil; p = f.next(f.size) {
		b = append(b, p...)
	}
	return b
}

// matches consumes len(p) bytes and reports whether p are those.
func (f *filler) matches(p []byte) bool {
	for len(p) > 0 {
		want := f.next(len(p))
		if want == nil || !bytes.Equal(want, p[:len(want)]) {
			return false
		}
		p = p[len(want):]
	}
	return true
}

// digestOf names a request body.
func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return strconv.Itoa(len(b)) + "-" + hex.EncodeToString(sum[:8])
}
