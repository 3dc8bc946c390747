package httpx

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Reader makes what r delivers the body. It can be sent once; a second send
// fails with ErrBodyConsumed before a byte is written. The length is known for
// *bytes.Buffer, *bytes.Reader and *strings.Reader (a Len method) and for what a
// regular *os.File has from where it stands, else the body is sent chunked.
//
// If r is an io.Closer it is closed once, when the request has been sent or has
// failed: perhaps while a Read is in progress, and perhaps a moment after the
// call has returned. A request that could not even be built has failed, too.
func Reader(r io.Reader) Body {
	if r == nil {
		return Body{err: errors.New("Reader: nil")}
	}
	length := func() int64 {
		switch r := r.(type) {
		case interface{ Len() int }:
			return int64(r.Len())
		case *os.File:
			return fileRest(r)
		}
		return -1
	}
	once := new(atomic.Bool)
	return Body{content: content{
		once:  once,
		early: true,
		size: func() (int64, error) {
			if once.Load() {
				return -1, nil // somebody may be reading it
			}
			return length(), nil
		},
		open: func() (io.ReadCloser, int64, error) {
			n := length()
			rc, ok := r.(io.ReadCloser)
			if !ok {
				rc = io.NopCloser(r)
			}
			return rc, n, nil
		},
	}}
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

// ReadSeeker makes what rs has from where it stands now until its end the body.
// It is rewound to that place for each send, so that the request can be sent
// again; its length then is the one announced.
//
// Only one send at a time can read it: another one fails before anything is
// sent, after a second in which the first may end. It is never closed. A send
// that has failed may read it for a moment after the call has returned: close
// it when no send is to come.
func ReadSeeker(rs io.ReadSeeker) Body {
	if rs == nil {
		return Body{err: errors.New("ReadSeeker: nil")}
	}
	start, err := rs.Seek(0, io.SeekCurrent)
	if err != nil {
		return Body{err: fmt.Errorf("ReadSeeker: it cannot seek: give it to Reader: %w", err)}
	}
	s := &seekSource{rs: rs, start: start, free: make(chan struct{}, 1)}
	s.free <- struct{}{}
	return Body{content: content{open: s.open, size: s.size, early: true}}
}

// seekSource is a ReadSeeker and who may read it.
type seekSource struct {
	rs    io.ReadSeeker
	start int64
	free  chan struct{} // holds one token while nobody uses rs
}

// seekWait bounds the wait for a send that is about to let go: an engine may
// close a body a moment after its request has failed.
const seekWait = time.Second

var errSeekBusy = errors.New("the ReadSeeker is being sent by another call: send one at a time, or give each request its own")

func (s *seekSource) acquire() error {
	select {
	case <-s.free:
		return nil
	default:
	}
	t := time.NewTimer(seekWait)
	defer t.Stop()
	select {
	case <-s.free:
		return nil
	case <-t.C:
		return errSeekBusy
	}
}

func (s *seekSource) release() { s.free <- struct{}{} }

// rewind returns how much there is from start, and goes there.
func (s *seekSource) rewind() (int64, error) {
	end, err := s.rs.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = s.rs.Seek(s.start, io.SeekStart)
	}
	if err != nil {
		return 0, fmt.Errorf("ReadSeeker: %w", err)
	}
	return max(end-s.start, 0), nil
}

func (s *seekSource) size() (int64, error) {
	if err := s.acquire(); err != nil {
		return 0, err
	}
	defer s.release()
	return s.rewind()
}

func (s *seekSource) open() (io.ReadCloser, int64, error) {
	if err := s.acquire(); err != nil {
		return nil, 0, err
	}
	n, err := s.rewind()
	if err != nil {
		s.release()
		return nil, 0, err
	}
	return &seekBody{s: s}, n, nil
}

// seekBody is one send of a ReadSeeker, which it holds until it is closed and no
// Read is in progress.
type seekBody struct {
	s *seekSource

	mu      sync.Mutex
	reading bool
	closed  bool
}

func (b *seekBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return 0, os.ErrClosed
	}
	b.reading = true
	b.mu.Unlock()

	n, err := b.s.rs.Read(p)

	b.mu.Lock()
	b.reading = false
	if b.closed {
		b.s.release()
	}
	b.mu.Unlock()
	return n, err
}

func (b *seekBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	if !b.reading {
		b.s.release()
	}
	return nil
}

// BodyFunc makes what f returns the body. It is called for each send, once the
// request is under way, and must give the same bytes each time. The length is not
// known, so that HTTP/1.1 sends the body chunked: see SizedBodyFunc.
//
// What f returns is closed once, perhaps while a Read is in progress, and perhaps
// a moment after the call has returned.
func BodyFunc(f func() (io.ReadCloser, error)) Body { return SizedBodyFunc(-1, f) }

// SizedBodyFunc is BodyFunc for n bytes: just as many must come, else the
// request fails. A negative n is not known.
func SizedBodyFunc(n int64, f func() (io.ReadCloser, error)) Body {
	if f == nil {
		return Body{err: errors.New("BodyFunc: nil")}
	}
	n = max(n, -1)
	return Body{content: content{
		size: func() (int64, error) { return n, nil },
		open: func() (io.ReadCloser, int64, error) {
			rc, err := f()
			if err == nil && rc == nil {
				err = errors.New("BodyFunc: the function returned neither a body nor an error")
			}
			return rc, n, err
		},
	}}
}

// File makes the file at path the body. It is opened for each send, and its
// size then is the length announced. No Content-Type is set. A named pipe is
// refused: to open one waits for its writer, which nothing would bound.
func File(path string) Body {
	open := func() (io.ReadCloser, int64, error) {
		if st, err := os.Stat(path); err == nil && st.Mode()&os.ModeNamedPipe != 0 {
			return nil, 0, &os.PathError{Op: "open", Path: path, Err: errors.New("is a named pipe: open it and give it to Reader")}
		}
		f, err := os.Open(path)
		if err != nil {
			return nil, 0, err
		}
		st, err := f.Stat()
		if err == nil && st.IsDir() {
			err = &os.PathError{Op: "read", Path: path, Err: errors.New("is a directory")}
		}
		if err != nil {
			f.Close()
			return nil, 0, err
		}
		if !st.Mode().IsRegular() {
			return f, -1, nil
		}
		return f, st.Size(), nil
	}
	return Body{content: content{
		open:   open,
		prompt: true,
		// Opened and not just looked at: a part that may not be read is known
		// before anything has been sent.
		size: func() (int64, error) {
			f, n, err := open()
			if err == nil {
				f.Close()
			}
			return n, err
		},
	}}
}
