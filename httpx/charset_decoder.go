package httpx

import (
	"slices"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// textDecoder turns the bytes of a charset into UTF-8, piece by piece. What it
// gives out ends with a whole rune; what is not valid becomes U+FFFD.
type textDecoder struct {
	t       transform.Transformer // nil: UTF-8
	mark    bool                  // a byte order mark may come
	only8   bool                  // that of UTF-8 alone
	pending []byte                // the start of a rune or of a mark
	joined  []byte
	out     []byte
}

func (c charset) decoder() *textDecoder {
	d := &textDecoder{mark: c.isUTF()}
	if c.enc != nil {
		d.t = c.enc.NewDecoder().Transformer
	}
	return d
}

// decode returns the text of what has come, valid until the next call and
// perhaps a part of src.
func (d *textDecoder) decode(src []byte, atEOF bool) []byte {
	if len(d.pending) > 0 {
		d.joined = append(append(d.joined[:0], d.pending...), src...)
		src, d.pending = d.joined, d.pending[:0]
	}
	if d.mark {
		n, ok := d.readMark(src)
		if !ok && !atEOF {
			d.pending = append(d.pending, src...)
			return nil
		}
		d.mark = false
		src = src[n:]
	}
	if d.t == nil {
		if utf8.Valid(src) {
			return src
		}
		d.t = unicode.UTF8.NewDecoder().Transformer // from here on; it has no state
	}
	return d.transform(src, atEOF)
}

// readMark looks for a byte order mark and takes the decoder that it asks for.
// It returns its length, and false where more bytes are needed to tell.
func (d *textDecoder) readMark(src []byte) (n int, ok bool) {
	for _, m := range [...]struct {
		mark string
		enc  transform.Transformer
	}{
		{"\xef\xbb\xbf", nil},
		{"\xfe\xff", utf16be.NewDecoder().Transformer},
		{"\xff\xfe", utf16le.NewDecoder().Transformer},
	} {
		if d.only8 && m.enc != nil {
			continue
		}
		k := min(len(src), len(m.mark))
		if string(src[:k]) != m.mark[:k] {
			continue
		}
		if k < len(m.mark) {
			return 0, false
		}
		d.t = m.enc
		return k, true
	}
	return 0, true
}

var (
	utf16le = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	utf16be = unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
)

func (d *textDecoder) transform(src []byte, atEOF bool) []byte {
	out := slices.Grow(d.out[:0], len(src)+utf8.UTFMax)
	for len(src) > 0 {
		n, used, err := d.t.Transform(out[len(out):cap(out)], src, atEOF)
		out, src = out[:len(out)+n], src[used:]
		switch {
		case err == transform.ErrShortDst:
			out = slices.Grow(out, len(src)+64)
		case err == transform.ErrShortSrc && !atEOF:
			d.pending = append(d.pending, src...)
			src = nil
		case err == transform.ErrShortSrc:
			out = append(out, "\ufffd"...)
			src = nil
		case err != nil || used == 0:
			// No decoder of x/text is known to come here: they replace.
			out = append(out, "\ufffd"...)
			src = src[min(1, len(src)):]
		}
	}
	d.out = out
	return out
}
