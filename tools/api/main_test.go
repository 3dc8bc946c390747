package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const source = `// Package lib is documented.
package lib

import "io"

// A group.
const (
	One = iota + 1
	Two
	three
)

// Size is a size.
type Size[T any] struct {
	// A and B share a comment.
	A, B int
	C    T

	D       string
	private bool
	io.Reader
}

// Len is a length.
func (s *Size[T]) Len() (n int, err error) { return 0, nil }

func (s Size[T]) Bare() {}

// Doer does.
type Doer interface {
	Do(func(r io.Reader) error) error
	hidden()
}

var Silent, _ = 1, 2

// New makes one.
func New(names ...string) *Size[int] { return nil }

// Old is another name.
type Old = Size[string]
`

func TestList(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.org/m\n\ngo 1.25\n", "lib/lib.go": source, "cmd/main.go": "package main\n\nfunc main() {}\n",
		"internal/x/x.go": "package x\n\nfunc F() {}\n", "bare/bare.go": "package bare\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	lines, silent, err := list(dir, "./...")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"pkg lib, const One untyped int = 1",
		"pkg lib, const Two untyped int = 2",
		"pkg lib, func New(names ...string) *Size[int]",
		"pkg lib, method (*Size) Len() (n int, err error)",
		"pkg lib, method (Size) Bare()",
		"pkg lib, method (Size) Read(p []byte) (n int, err error)",
		"pkg lib, type Doer interface",
		"pkg lib, type Doer interface, Do(func(r io.Reader) error) error",
		"pkg lib, type Doer interface, unexported methods",
		"pkg lib, type Old = Size[string]",
		"pkg lib, type Size struct, A int",
		"pkg lib, type Size struct, B int",
		"pkg lib, type Size struct, C T",
		"pkg lib, type Size struct, D string",
		"pkg lib, type Size struct, Reader io.Reader (embedded)",
		"pkg lib, type Size[T any] struct",
		"pkg lib, var Silent int",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	if want := []string{"lib.Doer.Do", "lib.Silent", "lib.Size.Bare", "lib.Size.D", "package bare"}; !slices.Equal(silent, want) {
		t.Errorf("without a comment %q, want %q", silent, want)
	}
}

func TestCompare(t *testing.T) {
	if got := compare([]string{"a", "b", "d"}, []string{"b", "c", "d", "e"}); !slices.Equal(got, []string{"- a", "+ c", "+ e"}) {
		t.Error(got)
	}
	if got := compare([]string{"a"}, []string{"a"}); got != nil {
		t.Error(got)
	}
}
