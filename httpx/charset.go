package httpx

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode/utf32"
)

// ErrUnknownCharset: a charset that nobody here can decode.
var ErrUnknownCharset = errors.New("unknown charset")

// WithDefaultCharset names the charset of content whose Content-Type names none
// that is known: one of the labels of the Encoding standard, such as
// "windows-1252" or "shift_jis", or "utf-32". Another one is refused with
// ErrUnknownCharset. "" takes the default away.
func WithDefaultCharset(name string) Option {
	return moreOption(func(m *more) error {
		if name != "" && lookupCharset(name).name == "" {
			return fmt.Errorf("WithDefaultCharset: %w: %q", ErrUnknownCharset, name)
		}
		m.charset = name
		return nil
	})
}

// WithCharsetDetector sets a function that guesses the charset of content from
// its bytes, where neither Content-Type nor WithDefaultCharset says one. It is
// asked once for each response, and only when the content is in memory; "" or a
// name that is not known means UTF-8. It must not keep or change the bytes. nil
// takes it away.
func WithCharsetDetector(f func(content []byte) string) Option {
	return moreOption(func(m *more) error { m.detector = f; return nil })
}

// foundCharset is the charset of a response where Content-Type does not say it.
type foundCharset struct {
	charset
	set bool // by SetCharset, else by WithCharsetDetector's function
}

// ContentCharset returns the charset that Content-Type names, in lower case and
// known or not; "" if it names none.
func (r *Response) ContentCharset() string {
	_, params, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	ps, _ := parseParams(";"+params, false)
	for _, p := range ps {
		if p.Name == "charset" {
			return lowerASCII(p.Value)
		}
	}
	return ""
}

// Charset returns the canonical name of the charset that Text, TextChunks and
// Lines decode: the one of SetCharset; else that of Content-Type, if it is
// known; else WithDefaultCharset's; else, of content in memory, what
// WithCharsetDetector's function finds; else "utf-8".
//
// Where it is one of the UTF charsets, a byte order mark decides between UTF-8
// and UTF-16, and is no part of the text. Without one "utf-16" is little-endian.
// "iso-8859-1" and "us-ascii" are read as windows-1252, of which they are a
// part, as all browsers do.
func (r *Response) Charset() string { return r.charset().name }

// SetCharset says what the charset is, whatever Content-Type says. It must come
// before any text has been read, so that all of it is decoded in the same way.
// A name that is not known is refused with ErrUnknownCharset.
func (r *Response) SetCharset(name string) error {
	c := lookupCharset(name)
	var err error
	switch {
	case c.name == "":
		err = fmt.Errorf("SetCharset: %w: %q", ErrUnknownCharset, name)
	case r.textRead.Load():
		err = errors.New("SetCharset: text has been read with another charset already: call it before Text, TextChunks and Lines")
	default:
		r.found.Store(&foundCharset{c, true})
		return nil
	}
	return r.failed("decode", err)
}

func (r *Response) charset() charset {
	found := r.found.Load()
	if found != nil && found.set {
		return found.charset
	}
	if c := lookupCharset(r.ContentCharset()); c.name != "" {
		return c
	}
	m := r.more
	if m == nil {
		return charsetUTF8
	}
	if c := lookupCharset(m.charset); c.name != "" {
		return c
	}
	if m.detector == nil || !r.buffered {
		return charsetUTF8
	}
	if found != nil {
		return found.charset
	}
	c := lookupCharset(m.detector(r.body))
	if c.name == "" {
		c = charsetUTF8
	}
	r.found.CompareAndSwap(nil, &foundCharset{charset: c})
	return c
}

// Text returns the content as text, decoded as Charset says, with U+FFFD for
// what is not valid in that charset. For a stream it returns "" until Buffer has
// been called.
func (r *Response) Text() string {
	if !r.buffered {
		return ""
	}
	r.textRead.Store(true)
	return r.charset().decode(r.body)
}

// failed puts the response's facts around an error.
func (r *Response) failed(op string, err error) *Error {
	return &Error{Op: op, Request: r.Request, Conn: r.conn(), Sent: true, Err: err}
}

// charset is an encoding and its canonical name. enc is nil for UTF-8.
type charset struct {
	name string
	enc  encoding.Encoding
}

var charsetUTF8 = charset{name: "utf-8"}

// lookupCharset returns the zero charset for a name that is not known.
func lookupCharset(name string) charset {
	switch name = lowerASCII(strings.Trim(name, " \t\r\n\f")); name {
	case "":
		return charset{}
	case "utf-8", "utf8":
		return charsetUTF8
	case "utf-32", "utf-32le":
		return charset{name, utf32.UTF32(utf32.LittleEndian, utf32.UseBOM)}
	case "utf-32be":
		return charset{name, utf32.UTF32(utf32.BigEndian, utf32.UseBOM)}
	}
	enc, err := htmlindex.Get(name)
	if err != nil || enc == encoding.Replacement {
		// The standard's "replacement" turns all content into one U+FFFD, to
		// keep browsers from running it. Nothing runs here.
		return charset{}
	}
	canonical, err := htmlindex.Name(enc)
	switch {
	case err != nil:
		return charset{name, enc}
	case canonical == "utf-8":
		return charsetUTF8
	}
	return charset{canonical, enc}
}

// isUTF reports a charset that may begin with a byte order mark.
func (c charset) isUTF() bool { return c.enc == nil || strings.HasPrefix(c.name, "utf-16") }

// decode returns the text of a whole content.
func (c charset) decode(b []byte) string {
	if c.enc == nil && utf8.Valid(b) && !(len(b) > 2 && string(b[:3]) == "\ufeff") {
		return string(b)
	}
	d := c.decoder()
	return string(d.decode(b, true))
}
