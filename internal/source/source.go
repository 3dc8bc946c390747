// Package source reads what a request body comes from.
//
// # Overview
//
// InMemory tells of a body whose Read cannot block, so that it may be read by
// whoever sends the head, and sent with it. ReadAtMost reads one to its end or to
// the end of a buffer. MaxEmpty is how patient any reading is with a Read that
// returns nothing.
//
// # Concurrency
//
// The functions have no state.
//
// # Limitations
//
// Whether a body has the length that was announced is for its protocol to say.
package source

import (
	"io"
	"reflect"
)

// MaxEmpty is how often in a row a Read may return nothing at all; the error is
// io.ErrNoProgress.
const MaxEmpty = 100

// Sized is what readers of memory have beside Read: the number of bytes left.
type Sized interface{ Len() int }

// nopCloserTypes are what io.NopCloser returns, for a reader that is an
// io.WriterTo and for one that is not.
var nopCloserTypes = [...]reflect.Type{
	reflect.TypeOf(io.NopCloser(nil)),
	reflect.TypeOf(io.NopCloser(struct {
		io.Reader
		io.WriterTo
	}{})),
}

// InMemory returns the reader of a body whose Read cannot block: one that is Sized,
// as bytes.Reader, bytes.Buffer and strings.Reader are, by itself or within
// io.NopCloser. A body of nil is none.
func InMemory(body io.ReadCloser) (io.Reader, bool) {
	if _, ok := body.(Sized); ok {
		return body, true
	}
	if t := reflect.TypeOf(body); t == nopCloserTypes[0] || t == nopCloserTypes[1] {
		if r, ok := reflect.ValueOf(body).Field(0).Interface().(io.Reader); ok {
			_, ok = r.(Sized)
			return r, ok
		}
	}
	return nil, false
}

// ReadAtMost reads until p is full or r ends, which is no error.
func ReadAtMost(r io.Reader, p []byte) (n int, err error) {
	for empty := 0; n < len(p); {
		k, err := r.Read(p[n:])
		n += k
		switch {
		case err == io.EOF:
			return n, nil
		case err != nil:
			return n, err
		case k > 0:
			empty = 0
		default:
			if empty++; empty == MaxEmpty {
				return n, io.ErrNoProgress
			}
		}
	}
	return n, nil
}
