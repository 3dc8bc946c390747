package httpx

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// multipartReader is one send of a multipart body. Read belongs to one
// goroutine; Close may come from another while it runs.
type multipartReader struct {
	boundary string

	// Read only
	form *multipartForm
	next int    // the part that comes next, or is being read
	text string // of the frame, still to be delivered
	left int64  // of the current part, -1 if unknown
	open bool   // the current part is open
	err  error  // how it ended

	mu     sync.Mutex
	closed bool
	parts  []partSource
}

type partSource struct {
	length int64
	body   io.ReadCloser // guarded by mu; nil before it is open and once it is closed
}

// opener returns what opens the form for one send.
func (f *multipartForm) opener(boundary string) func() (io.ReadCloser, int64, error) {
	return func() (io.ReadCloser, int64, error) {
		r := &multipartReader{form: f, boundary: boundary, parts: make([]partSource, len(f.parts))}
		n, err := r.prepare()
		if err != nil {
			r.Close()
			f.drop()
			return nil, 0, err
		}
		r.begin()
		return r, n, nil
	}
}

// prepare asks each part for its length, and opens those that may turn out to be
// in use.
func (r *multipartReader) prepare() (int64, error) {
	sum := newFormLength(r.boundary)
	for i := range r.parts {
		p, s := &r.form.parts[i], &r.parts[i]
		var err error
		if p.content.early {
			s.body, s.length, err = p.content.take()
		} else {
			s.length, err = p.content.length()
		}
		if err != nil {
			return 0, partError(i, p.name, err)
		}
		sum.add(len(p.head), s.length)
	}
	return sum.total()
}

// begin puts the text before the next part, or that at the end.
func (r *multipartReader) begin() {
	if r.next == len(r.parts) {
		r.text = "--" + r.boundary + "--\r\n"
		return
	}
	r.text = "--" + r.boundary + "\r\n" + r.form.parts[r.next].head
}

// Read fills p as far as it can without waiting, so that small parts leave
// together and nothing is held back while a part is slow.
func (r *multipartReader) Read(p []byte) (n int, err error) {
	if r.err != nil {
		return 0, r.err
	}
	for n < len(p) {
		if r.text != "" {
			k := copy(p[n:], r.text)
			r.text = r.text[k:]
			n += k
			continue
		}
		if r.next == len(r.parts) {
			r.err = io.EOF
			return n, io.EOF
		}
		c := &r.form.parts[r.next].content
		if n > 0 && !(c.prompt && r.parts[r.next].length >= 0) {
			return n, nil
		}
		k, end, err := r.content(c, p[n:])
		if err != nil {
			r.err = fmt.Errorf("Multipart: %w", partError(r.next, r.form.parts[r.next].name, err))
			return n, r.err
		}
		n += k
		switch {
		case end:
			r.open = false
			r.next++
			r.begin()
			r.text = "\r\n" + r.text
		case k == 0:
			return n, nil
		}
	}
	return n, nil
}

// content reads from the current part and holds it to its length.
func (r *multipartReader) content(c *content, p []byte) (n int, end bool, err error) {
	s := &r.parts[r.next]
	if c.open == nil {
		return 0, true, nil
	}
	if !r.open {
		if err := r.start(c, s); err != nil {
			return 0, false, err
		}
		r.open, r.left = true, s.length
	}
	body := r.current(s)
	if body == nil {
		return 0, false, os.ErrClosed
	}
	n, err = body.Read(p)
	if err != nil && err != io.EOF {
		return 0, false, err
	}
	if s.length >= 0 {
		if r.left -= int64(n); r.left < 0 {
			return 0, false, fmt.Errorf("it is longer than the %d bytes announced", s.length)
		}
		if err == io.EOF && r.left > 0 {
			return 0, false, fmt.Errorf("it has %d bytes of the %d announced", s.length-r.left, s.length)
		}
	}
	if err == io.EOF {
		r.finish(s)
	}
	return n, err == io.EOF, nil
}

// start opens a part if that has not been done.
func (r *multipartReader) start(c *content, s *partSource) error {
	if c.early {
		return nil
	}
	r.mu.Lock()
	closed := r.closed
	r.mu.Unlock()
	if closed {
		return os.ErrClosed
	}
	// Without the lock: it may take its time, and Close must not wait.
	body, n, err := c.take()
	if err != nil {
		return err
	}
	if n != s.length {
		body.Close()
		return fmt.Errorf("it had %d bytes when the request began, and now has %d", s.length, n)
	}
	r.mu.Lock()
	closed = r.closed
	if !closed {
		s.body = body
	}
	r.mu.Unlock()
	if closed {
		body.Close()
		return os.ErrClosed
	}
	return nil
}

func (r *multipartReader) current(s *partSource) io.ReadCloser {
	r.mu.Lock()
	defer r.mu.Unlock()
	return s.body
}

// finish closes a part that has been read. What that says is no matter: all its
// bytes are there.
func (r *multipartReader) finish(s *partSource) {
	r.mu.Lock()
	body := s.body
	s.body = nil
	r.mu.Unlock()
	if body != nil {
		body.Close()
	}
}

// Close closes what is open.
func (r *multipartReader) Close() error {
	r.mu.Lock()
	r.closed = true
	var open []io.Closer
	for i := range r.parts {
		if s := &r.parts[i]; s.body != nil {
			open = append(open, s.body)
			s.body = nil
		}
	}
	r.mu.Unlock()
	var errs []error
	for _, c := range open {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
