package httpx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"sync"
	"sync/atomic"
)

// Body is what a request sends, or one part of a multipart body: the option
// that JSON, Form, Bytes, String, Reader, ReadSeeker, File, BodyFunc and
// Multipart return. A request has at most one; with two it is not sent. The
// zero Body is no body.
type Body struct {
	content content
	err     error
}

// Len returns the length in bytes, or -1 if it is not known beforehand or the
// body is faulty. It may look at a file to find out.
func (b Body) Len() int64 {
	n, err := b.content.length()
	if b.err != nil || err != nil {
		return -1
	}
	return n
}

// Replayable reports whether the body can be sent again, with the same bytes,
// for a retry or after a redirect. All can but Reader, and a Multipart with a
// Reader in it.
func (b Body) Replayable() bool { return b.err == nil && b.content.canRepeat() }

// Open returns the bytes that would be sent and their number, -1 if unknown. It
// is for transports of one's own; the caller closes what it gets. For a body
// that can be sent but once this is that one time.
func (b Body) Open() (io.ReadCloser, int64, error) {
	if b.err != nil {
		return nil, 0, b.err
	}
	if b.content.open == nil {
		return new(memory), 0, nil
	}
	return b.content.take()
}

func (b Body) applyRequest(r *Request) error {
	if b.err != nil {
		return b.err
	}
	if b.content.open == nil {
		return nil
	}
	if r.content.open != nil {
		return errTwoBodies
	}
	r.content = b.content
	return nil
}

var errTwoBodies = errors.New("two bodies on one request: give one of JSON, Form, Bytes, String, Reader, ReadSeeker, File, BodyFunc, Multipart")

// content is how a request's body is made, anew for every send where that is
// possible.
type content struct {
	// open returns the body and its length, -1 if unknown. nil: no body.
	open func() (io.ReadCloser, int64, error)
	// size is that length without opening. nil: unknown until then.
	size func() (int64, error)
	// contentType is set where the request has no Content-Type.
	contentType string
	// once marks a body that can be read but once.
	once *atomic.Bool
	// prompt: a Read waits for nobody.
	prompt bool
	// early: as a part, it is opened when its multipart body is, so that what
	// keeps it from being sent is known before anything was.
	early bool
	// form is set for a multipart body, whose Content-Type may come from
	// elsewhere.
	form *multipartForm
}

// canRepeat reports whether open may be called again.
func (c *content) canRepeat() bool { return c.open == nil || c.once == nil }

// length is size, where it can be told.
func (c *content) length() (int64, error) {
	switch {
	case c.open == nil:
		return 0, nil
	case c.size == nil:
		return -1, nil
	}
	return c.size()
}

// take opens the body for a send, and refuses the second send of a body that
// has but one.
func (c *content) take() (io.ReadCloser, int64, error) {
	if c.once != nil && c.once.Swap(true) {
		return nil, 0, ErrBodyConsumed
	}
	return c.open()
}

// drop closes a body that will not be sent, if it can be read but once and
// nobody has taken it.
func (c *content) drop() {
	if c.once == nil || c.once.Swap(true) {
		return
	}
	if c.form != nil {
		c.form.drop()
		return
	}
	if body, _, err := c.open(); err == nil {
		body.Close()
	}
}

// dropBodies closes what opts were to send with a request that was not made.
func dropBodies(opts []RequestOption) {
	for _, o := range opts {
		if b, ok := o.(Body); ok {
			b.content.drop()
		}
	}
}

// memory is a body in memory. Its bytes are the caller's, who may change them
// once the call is over: the engine may by then be in the middle of sending them,
// for a request that was cancelled or answered early.
type memory struct {
	rest  []byte
	lease *lease // nil: for ever
}

// lease is how long a call may look at its body. Its end waits for a Read or
// WriteTo under way, which the engine has cut off by then: it has stopped the
// upload, and closed the socket if that was in use.
type lease struct {
	mu   sync.Mutex
	over bool // guarded by mu
}

func (l *lease) end() {
	l.mu.Lock()
	l.over = true
	l.mu.Unlock()
}

// lend puts a body under l, if it is one in memory.
func (l *lease) lend(body io.ReadCloser) io.ReadCloser {
	if m, ok := body.(*memory); ok && l != nil {
		m.lease = l
	}
	return body
}

// hold keeps the lease from ending until the function that it returns is called.
func (m *memory) hold() (release func(), ok bool) {
	if m.lease == nil {
		return func() {}, true
	}
	m.lease.mu.Lock()
	return m.lease.mu.Unlock, !m.lease.over
}

var errCallOver = errors.New("the call is over")

// Len returns how many bytes are left: engines know by it that Read cannot block.
func (m *memory) Len() int { return len(m.rest) }

func (m *memory) Read(p []byte) (int, error) {
	release, ok := m.hold()
	defer release()
	if !ok {
		return 0, errCallOver
	}
	if len(m.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, m.rest)
	m.rest = m.rest[n:]
	return n, nil
}

// WriteTo hands over all there is in one piece.
func (m *memory) WriteTo(w io.Writer) (int64, error) {
	release, ok := m.hold()
	defer release()
	if !ok {
		return 0, errCallOver
	}
	if len(m.rest) == 0 {
		return 0, nil
	}
	n, err := w.Write(m.rest)
	m.rest = m.rest[n:]
	return int64(n), err
}

func (*memory) Close() error { return nil }

func bytesContent(b []byte, contentType string) content {
	n := int64(len(b))
	return content{
		contentType: contentType,
		prompt:      true,
		size:        func() (int64, error) { return n, nil },
		open: func() (io.ReadCloser, int64, error) {
			return &memory{rest: b}, n, nil
		},
	}
}

// Bytes makes b the body. It is not copied, and must not change until the call
// is over: for a stream, until the response has been read or closed. No Content-Type is set. Without a byte in it nothing
// is sent, and Content-Length: 0 for POST, PUT and PATCH alone (RFC 9110 §8.6).
func Bytes(b []byte) Body { return Body{content: bytesContent(b, "")} }

// String makes s the body, as Bytes does.
func String(s string) Body { return Body{content: bytesContent([]byte(s), "")} }

// JSON makes the JSON text of v the body, encoded at once by encoding/json but
// with <, > and & as they are. JSON(nil) sends null. NaN and the infinities,
// which JSON has no word for (RFC 8259 §6), are an error before anything is
// sent, as is all else that encoding/json refuses. Content-Type is
// application/json.
func JSON(v any) Body {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		var number *json.UnsupportedValueError
		if errors.As(err, &number) && (number.Str == "NaN" || number.Str == "+Inf" || number.Str == "-Inf") {
			return Body{err: fmt.Errorf("JSON: %s is no JSON number (RFC 8259 §6): send null or a string instead: %w", number.Str, err)}
		}
		return Body{err: fmt.Errorf("JSON: %w", err)}
	}
	return Body{content: bytesContent(bytes.TrimSuffix(buf.Bytes(), []byte("\n")), "application/json")}
}

// Form makes the encoded values the body, keys sorted; the values of one key
// keep their order. Content-Type is application/x-www-form-urlencoded. Without
// values nothing is sent, nor a Content-Type.
func Form(v url.Values) Body {
	text := v.Encode()
	if text == "" {
		return Body{content: bytesContent(nil, "")}
	}
	return Body{content: bytesContent([]byte(text), "application/x-www-form-urlencoded")}
}

// ContentType sets Content-Type, in place of the one that the body would set. A
// Multipart body takes its boundary from it.
func ContentType(ct string) RequestOption { return WithHeader("Content-Type", ct) }
