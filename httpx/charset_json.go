package httpx

import (
	"encoding/json"
	"fmt"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode/utf32"
)

// WithJSONUnmarshal sets what Response.JSON, Decode, JSONLines and the like
// decode with, in place of json.Unmarshal: another library, or a decoder with
// stricter rules. It gets UTF-8 without a byte order mark, and must not keep data, nor
// parts of it in v without copying them: JSONLines uses the memory again for the next
// line, and Response.JSON gives the bytes of Response.Bytes. nil is the default.
func WithJSONUnmarshal(f func(data []byte, v any) error) Option {
	return moreOption(func(m *more) error { m.unmarshal = f; return nil })
}

// JSON decodes the content into v, which must be a pointer. A stream is
// buffered first. The content is UTF-8 (RFC 8259 §8.1) whatever the charset of
// Content-Type says; UTF-16 and UTF-32, which older senders use, are known by
// their zero bytes, and a byte order mark is skipped.
func (r *Response) JSON(v any) error {
	if err := r.Buffer(); err != nil {
		return err
	}
	if err := r.unmarshal(jsonText(r.body), v); err != nil {
		return r.failed("decode", fmt.Errorf("%s response of %d bytes is not the JSON wanted: %w", excerpt(r.Status()), len(r.body), err))
	}
	return nil
}

func (r *Response) unmarshal(data []byte, v any) error {
	if r.more != nil && r.more.unmarshal != nil {
		return r.more.unmarshal(data, v)
	}
	return json.Unmarshal(data, v)
}

// jsonText returns JSON as UTF-8. That it begins with two ASCII characters, or
// is one, tells the encoding: where their zeros are (RFC 4627 §3).
func jsonText(b []byte) []byte {
	zero := func(i int) bool { return i < len(b) && b[i] == 0 }
	mark := func(s string) bool { return len(b) >= len(s) && string(b[:len(s)]) == s }
	var enc encoding.Encoding
	skip := 0
	switch {
	case mark("\xef\xbb\xbf"):
		return b[3:]
	case mark("\x00\x00\xfe\xff"):
		enc, skip = utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM), 4
	case mark("\xff\xfe\x00\x00"):
		enc, skip = utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM), 4
	case mark("\xfe\xff"):
		enc, skip = utf16be, 2
	case mark("\xff\xfe"):
		enc, skip = utf16le, 2
	case zero(0) && zero(1):
		enc = utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM)
	case zero(0):
		enc = utf16be
	case zero(1) && zero(2) && zero(3):
		enc = utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM)
	case zero(1):
		enc = utf16le
	default:
		return b
	}
	text, err := enc.NewDecoder().Bytes(b[skip:])
	if err != nil {
		return b // which json.Unmarshal will refuse
	}
	return text
}
