package httpx

import (
	"errors"
	"fmt"
	"math"
	"mime"
	"path/filepath"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"gohttpx.dev/wire"
)

// Part is one part of a multipart body (RFC 7578 §4). FieldPart and FilePart
// make the usual ones.
type Part struct {
	// Name is the field's name; it must not be empty (RFC 7578 §4.2).
	Name string
	// Filename makes the part a file. It is sent as it is: no folder is cut
	// off.
	Filename string
	// ContentType is the part's media type. Empty is that of Body (JSON,
	// Form), else what the extension of Filename suggests, else
	// application/octet-stream for a file and none for a field.
	ContentType string
	// Header are further fields of the part, sent in their order. A
	// Content-Type among them wins. Content-Disposition is made of Name and
	// Filename and must not be here.
	Header Header
	// Body is the content: any of the bodies that a request can have. The zero
	// Body is empty content.
	Body Body
	// FilenameStar adds filename*, which spells Filename in percent-encoded
	// UTF-8 (RFC 8187), for a server that cannot read it otherwise. RFC 7578
	// §4.2 forbids it in forms.
	FilenameStar bool
}

// FieldPart is a field of a form: its name and its value.
func FieldPart(name, value string) Part { return Part{Name: name, Body: String(value)} }

// FilePart is a file of a form, named by the last element of path. The media
// type is the one of its extension, see mime.TypeByExtension, else
// application/octet-stream.
func FilePart(name, path string) Part {
	return Part{Name: name, Filename: filepath.Base(path), Body: File(path)}
}

// Multipart makes the parts, in the order given, one multipart/form-data body
// (RFC 7578). Content-Type says so, with a random boundary of 32 hexadecimal
// digits. A Content-Type that the request has already must be multipart and name
// a boundary (RFC 2046 §5.1.1), which is then used; that it occurs in no part is
// the caller's affair.
//
// Names and file names are sent as browsers send them: UTF-8 as it is, a quote as
// %22, a control character as %0A and so on, and a backslash doubled.
//
// The parts are read one after the other while the body is sent, and files are
// open only then: it needs no more memory than one part does. If the lengths of
// all parts are known, so is that of the whole; else HTTP/1.1 sends it chunked.
// A file that is missing or may not be read is an error before anything is sent.
// One that has another length than it had then is an error while it is sent. The
// body can be sent again if all its parts can.
//
// Without a part, which RFC 2046 §5.1.1 has no form for, the request is not sent.
func Multipart(parts ...Part) Body {
	f := &multipartForm{parts: make([]formPart, len(parts)), boundary: newBoundary()}
	b := Body{content: content{
		contentType: "multipart/form-data; boundary=" + f.boundary,
		form:        f,
		prompt:      len(parts) > 0,
	}}
	if len(parts) == 0 {
		b.err = errors.New("Multipart: no parts: a multipart body has one at least (RFC 2046 §5.1.1)")
	}
	for i := range parts {
		p, fp := &parts[i], &f.parts[i]
		fp.name, fp.content = p.Name, p.Body.content
		if fp.content.once != nil && b.content.once == nil {
			b.content.once = new(atomic.Bool)
		}
		b.content.early = b.content.early || fp.content.early
		b.content.prompt = b.content.prompt && fp.content.prompt
		err := p.Body.err
		if err == nil {
			fp.head, err = p.head()
		}
		if err != nil && b.err == nil {
			b.err = fmt.Errorf("Multipart: %w", partError(i, p.Name, err))
		}
	}
	b.content.use(f.boundary)
	return b
}

// multipartForm is a multipart body. It is immutable.
type multipartForm struct {
	parts    []formPart
	boundary string // unless the request has another
}

type formPart struct {
	name    string
	head    string // what stands between delimiter line and content
	content content
}

// use makes the content one with that boundary.
func (c *content) use(boundary string) {
	f := c.form
	c.open = f.opener(boundary)
	c.size = func() (int64, error) { return f.length(boundary) }
}

// drop closes the parts that nobody will send.
func (f *multipartForm) drop() {
	for i := range f.parts {
		f.parts[i].content.drop()
	}
}

func (f *multipartForm) length(boundary string) (int64, error) {
	sum := newFormLength(boundary)
	for i := range f.parts {
		p := &f.parts[i]
		n, err := p.content.length()
		if err != nil {
			return 0, partError(i, p.name, err)
		}
		sum.add(len(p.head), n)
	}
	return sum.total()
}

// formLength adds a body's length up.
type formLength struct {
	boundary string
	n        int64
	unknown  bool
	overflow bool
}

func newFormLength(boundary string) formLength {
	return formLength{boundary: boundary, n: int64(len("--" + boundary + "--\r\n"))}
}

func (l *formLength) add(head int, content int64) {
	frame := int64(len("--"+l.boundary+"\r\n") + head + len("\r\n"))
	switch {
	case content < 0:
		l.unknown = true
	case l.n > math.MaxInt64-frame-content || content > math.MaxInt64-frame:
		l.overflow = true
	default:
		l.n += frame + content
	}
}

func (l *formLength) total() (int64, error) {
	switch {
	case l.overflow:
		return 0, errors.New("the parts are longer than Content-Length can say")
	case l.unknown:
		return -1, nil
	}
	return l.n, nil
}

func partError(i int, name string, err error) error {
	return fmt.Errorf("part %d (%q): %w", i+1, name, err)
}

// head writes the part's header section (RFC 7578 §4.2 to §4.8).
func (p *Part) head() (string, error) {
	if p.Name == "" {
		return "", errors.New("it has no Name (RFC 7578 §4.2)")
	}
	var b strings.Builder
	b.WriteString(`Content-Disposition: form-data; name="`)
	writeParam(&b, p.Name)
	b.WriteByte('"')
	if p.Filename != "" {
		b.WriteString(`; filename="`)
		writeParam(&b, p.Filename)
		b.WriteByte('"')
	}
	if p.FilenameStar && p.Filename != "" {
		if !utf8.ValidString(p.Filename) {
			return "", errors.New("its Filename is not UTF-8, as filename* has to be (RFC 8187 §3.2)")
		}
		b.WriteString("; filename*=UTF-8''")
		writeExtended(&b, p.Filename)
	}
	b.WriteString("\r\n")
	for name, value := range p.Header.All() {
		switch {
		case !wire.IsToken(name):
			return "", fmt.Errorf("its header has a field name that is no token: %q (RFC 9110 §5.1)", name)
		case wire.EqualFold(name, "Content-Disposition"):
			return "", errors.New("its header has a Content-Disposition: that is made of Name and Filename")
		}
		if err := writeField(&b, name, value); err != nil {
			return "", err
		}
	}
	if ct := p.mediaType(); ct != "" && !p.Header.Has("Content-Type") {
		if err := writeField(&b, "Content-Type", ct); err != nil {
			return "", err
		}
	}
	b.WriteString("\r\n")
	return b.String(), nil
}

func (p *Part) mediaType() string {
	switch {
	case p.ContentType != "":
		return p.ContentType
	case p.Body.content.contentType != "":
		return p.Body.content.contentType
	case p.Filename == "":
		return ""
	}
	if ct := mime.TypeByExtension(filepath.Ext(p.Filename)); ct != "" {
		return ct
	}
	return "application/octet-stream"
}

// writeField refuses CR, LF and what else a value cannot have, of which it quotes
// none: it may be secret.
func writeField(b *strings.Builder, name, value string) error {
	if !wire.IsFieldValue(value) {
		return fmt.Errorf("the value of its field %s has a character that no field may have (RFC 9110 §5.5)", name)
	}
	b.WriteString(name)
	b.WriteString(": ")
	b.WriteString(value)
	b.WriteString("\r\n")
	return nil
}

// writeParam writes a name between quotes as browsers do, which is not the
// quoted-string of RFC 9110: RFC 7578 §4.2 leaves room for both, and servers
// expect the browsers'. They double no backslash, but those that read a
// quoted-string need it.
func writeParam(b *strings.Builder, s string) {
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c < 0x20 || c == 0x7f:
			writePercent(b, c)
		case c == '\\':
			b.WriteString(`\\`)
		default:
			b.WriteByte(c)
		}
	}
}

// writeExtended writes the value of an extended parameter (RFC 8187 §3.2.1).
func writeExtended(b *strings.Builder, s string) {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("!#$&+-.^_`|~", c) >= 0:
			b.WriteByte(c)
		default:
			writePercent(b, c)
		}
	}
}

func writePercent(b *strings.Builder, c byte) {
	const hex = "0123456789ABCDEF"
	b.Write([]byte{'%', hex[c>>4], hex[c&15]})
}
