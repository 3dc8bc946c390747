package source

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/iotest"
)

// sizedCloser is a body of somebody's own that is in memory.
type sizedCloser struct{ *strings.Reader }

func (sizedCloser) Close() error { return nil }

// hidden has a Len that is none of its methods.
type hidden struct{ Reader *strings.Reader }

func (h hidden) Read(p []byte) (int, error) { return h.Reader.Read(p) }
func (h hidden) Close() error               { return nil }

func TestInMemory(t *testing.T) {
	bare := struct{ io.Reader }{strings.NewReader("abc")}
	var noFile *os.File
	var noConn net.Conn
	for _, tt := range []struct {
		name string
		body io.ReadCloser
		want bool
	}{
		{"none", nil, false},
		{"a reader with WriteTo within NopCloser", io.NopCloser(strings.NewReader("abc")), true},
		{"bytes within NopCloser", io.NopCloser(bytes.NewReader([]byte("abc"))), true},
		{"a buffer within NopCloser", io.NopCloser(bytes.NewBufferString("abc")), true},
		{"Len but no WriteTo within NopCloser", io.NopCloser(struct {
			io.Reader
			Sized
		}{strings.NewReader("abc"), strings.NewReader("abc")}), true},
		{"one of its own type", sizedCloser{strings.NewReader("abc")}, true},
		{"one of its own type within NopCloser", io.NopCloser(sizedCloser{strings.NewReader("abc")}), true},
		{"no Len", io.NopCloser(bare), false},
		{"no Len, with WriteTo", io.NopCloser(struct {
			io.Reader
			io.WriterTo
		}{bare, strings.NewReader("abc")}), false},
		{"a field with Len", hidden{strings.NewReader("abc")}, false},
		{"nothing within NopCloser", io.NopCloser(nil), false},
		{"a nil file", noFile, false},
		{"a nil connection", noConn, false},
		{"NopCloser twice", io.NopCloser(io.NopCloser(strings.NewReader("abc"))), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, ok := InMemory(tt.body)
			if ok != tt.want {
				t.Fatalf("got %v", ok)
			}
			if !ok {
				return
			}
			if _, ok := r.(Sized); !ok {
				t.Errorf("%T has no Len", r)
			}
			if b, err := io.ReadAll(r); string(b) != "abc" || err != nil {
				t.Errorf("read %q, %v", b, err)
			}
		})
	}
}

// emptyReads returns nothing so many times, and a byte after that.
type emptyReads struct{ n, left int }

func (e *emptyReads) Read(p []byte) (int, error) {
	if e.left > 0 {
		e.left--
		return 0, nil
	}
	e.left = e.n
	return copy(p, "x"), nil
}

func TestReadAtMost(t *testing.T) {
	bad := errors.New("bad")
	for _, tt := range []struct {
		name string
		r    io.Reader
		room int
		want string
		err  error
	}{
		{"shorter", strings.NewReader("abc"), 4, "abc", nil},
		{"as long", strings.NewReader("abc"), 3, "abc", nil},
		{"longer", strings.NewReader("abc"), 2, "ab", nil},
		{"empty", strings.NewReader(""), 2, "", nil},
		{"byte by byte", iotest.OneByteReader(strings.NewReader("abc")), 4, "abc", nil},
		{"the end with the last bytes", iotest.DataErrReader(strings.NewReader("abc")), 4, "abc", nil},
		{"an error with the last bytes", iotest.DataErrReader(io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(bad))), 9, "abc", bad},
		{"room for nothing", iotest.ErrReader(bad), 0, "", nil},
		{"empty reads within the bound", &emptyReads{n: MaxEmpty - 1, left: MaxEmpty - 1}, 3, "xxx", nil},
		{"one empty read too many", &emptyReads{n: MaxEmpty}, 3, "x", io.ErrNoProgress},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := make([]byte, tt.room)
			n, err := ReadAtMost(tt.r, p)
			if string(p[:n]) != tt.want || err != tt.err {
				t.Errorf("got %q, %v", p[:n], err)
			}
		})
	}
}
