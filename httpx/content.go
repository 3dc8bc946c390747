package httpx

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"sync/atomic"
)

// content is how a request's body is made, anew for every send where that is
// possible.
type content struct {
	// open returns the body and its length, -1 if unknown. nil: no body.
	open func() (io.ReadCloser, int64, error)
	// contentType is set where the request has no Content-Type.
	contentType string
	// once marks a body that can be read but once.
	once *atomic.Bool
}

// canRepeat reports whether open may be called again.
func (c *content) canRepeat() bool { return c.open == nil || c.once == nil }

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
	if body, _, err := c.open(); err == nil {
		body.Close()
	}
}

// dropBodies closes what opts were to send with a request that was not made.
func dropBodies(opts []RequestOption) {
	for _, o := range opts {
		if b, ok := o.(bodyOption); ok {
			b.content.drop()
		}
	}
}

type bodyOption struct {
	content content
	err     error
}

func (o bodyOption) applyRequest(r *Request) error {
	if o.err != nil {
		return o.err
	}
	if r.content.open != nil {
		return fmt.Errorf("two bodies on one request: give one of JSON, Form, Bytes, String, Reader, File")
	}
	r.content = o.content
	return nil
}

// memory is a body in memory.
type memory struct{ bytes.Reader }

func (*memory) Close() error { return nil }

func bytesContent(b []byte, contentType string) content {
	return content{contentType: contentType, open: func() (io.ReadCloser, int64, error) {
		m := new(memory)
		m.Reset(b)
		return m, int64(len(b)), nil
	}}
}

// Bytes makes b the body. It is not copied, and must not change until the
// request has been sent. No Content-Type is set.
func Bytes(b []byte) RequestOption { return bodyOption{content: bytesContent(b, "")} }

// String makes s the body. No Content-Type is set.
func String(s string) RequestOption { return bodyOption{content: bytesContent([]byte(s), "")} }

// JSON makes the JSON text of v the body, encoded at once by encoding/json but
// with <, > and & as they are. JSON(nil) sends null. Content-Type is
// application/json.
func JSON(v any) RequestOption {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return bodyOption{err: fmt.Errorf("JSON: %w", err)}
	}
	return bodyOption{content: bytesContent(bytes.TrimSuffix(buf.Bytes(), []byte("\n")), "application/json")}
}

// Form makes the encoded values the body, keys sorted. Content-Type is
// application/x-www-form-urlencoded.
func Form(v url.Values) RequestOption {
	return bodyOption{content: bytesContent([]byte(v.Encode()), "application/x-www-form-urlencoded")}
}

// Reader makes what r delivers the body. It can be sent once; a second send
// fails with ErrBodyConsumed before a byte is written. The length is known for
// *bytes.Buffer, *bytes.Reader and *strings.Reader (a Len method) and for what a
// regular *os.File has from where it stands, else the body is sent chunked.
//
// If r is an io.Closer it is closed once, when the request has been sent or has
// failed: perhaps while a Read is in progress, and perhaps a moment after the
// call has returned. A request that could not even be built has failed, too.
func Reader(r io.Reader) RequestOption {
	if r == nil {
		return bodyOption{err: fmt.Errorf("Reader: nil")}
	}
	return bodyOption{content: content{once: new(atomic.Bool), open: func() (io.ReadCloser, int64, error) {
		n := int64(-1)
		switch r := r.(type) {
		case interface{ Len() int }:
			n = int64(r.Len())
		case *os.File:
			n = fileRest(r)
		}
		rc, ok := r.(io.ReadCloser)
		if !ok {
			rc = io.NopCloser(r)
		}
		return rc, n, nil
	}}}
}

// fileRest is how much a regular file has from where it stands, else -1.
func fileRest(f *os.File) int64 {
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() {
		return -1
	}
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return -1
	}
	return max(st.Size()-at, 0)
}

// File makes the file at path the body. It is opened for each send, and its
// size then is the length announced. No Content-Type is set. A named pipe is
// refused: to open one waits for its writer, which nothing would bound.
func File(path string) RequestOption {
	return bodyOption{content: content{open: func() (io.ReadCloser, int64, error) {
		if st, err := os.Stat(path); err == nil && st.Mode()&os.ModeNamedPipe != 0 {
			return nil, 0, &os.PathError{Op: "open", Path: path, Err: fmt.Errorf("is a named pipe: open it and give it to Reader")}
		}
		f, err := os.Open(path)
		if err != nil {
			return nil, 0, err
		}
		st, err := f.Stat()
		if err == nil && st.IsDir() {
			err = &os.PathError{Op: "read", Path: path, Err: fmt.Errorf("is a directory")}
		}
		if err != nil {
			f.Close()
			return nil, 0, err
		}
		if !st.Mode().IsRegular() {
			return f, -1, nil
		}
		return f, st.Size(), nil
	}}}
}
