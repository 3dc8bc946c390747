package interop

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

const (
	helloText   = "hello from a file\n"
	trailerText = "at the end"
	largeSize   = 100 << 20
	upSize      = 16 << 20
	// chunkedSize is the length of what /chunked sends without saying so.
	chunkedSize = 3 << 20
)

// pattern is an endless stream without a period that a buffer size could hide.
type pattern struct{ at int64 }

func (p *pattern) Read(b []byte) (int, error) {
	for i := range b {
		n := p.at + int64(i)
		b[i] = byte(n ^ n>>8*31 ^ n>>16*17)
	}
	p.at += int64(len(b))
	return len(b), nil
}

// digest is how both sides name a body: its length and its hash.
func digest(r io.Reader) (string, error) {
	h := sha256.New()
	n, err := io.Copy(h, r)
	return fmt.Sprintf("%d %x", n, h.Sum(nil)[:8]), err
}

func patternDigest(n int64) string {
	s, _ := digest(io.LimitReader(&pattern{}, n))
	return s
}

// backend is what the servers pass requests to. It notes nothing and knows
// nothing of them.
func backend(t *testing.T) *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"hello"`)
		http.ServeFile(w, r, filepath.Join(docRoot(t), "static", "hello.txt"))
	})
	// /echo answers with what came: digest, framing and trailer.
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		s, err := digest(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("X-Method", r.Method)
		io.WriteString(w, s)
	})
	// /chunked has no length, so the server in front must frame it. It is long
	// enough that none holds it back whole and counts it.
	mux.HandleFunc("/chunked", func(w http.ResponseWriter, r *http.Request) {
		f := w.(http.Flusher)
		src := &pattern{}
		for _, n := range []int64{1, 10, 1000, chunkedSize - 1018, 7} {
			io.CopyN(w, src, n)
			f.Flush()
		}
	})
	mux.HandleFunc("/large", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(largeSize))
		io.CopyN(w, &pattern{}, largeSize)
	})
	// /trailers announces nothing and sends a trailer section.
	mux.HandleFunc("/trailers", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, helloText)
		w.(http.Flusher).Flush()
		w.Header().Set(http.TrailerPrefix+"X-Trailer", trailerText)
	})
	mux.HandleFunc("/status/{code}", func(w http.ResponseWriter, r *http.Request) {
		code, _ := strconv.Atoi(r.PathValue("code"))
		w.WriteHeader(code)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// root is the folder with the files that servers serve.
var root string

// docRoot makes the folder at the first call. Not t.TempDir, which servers that
// give up root's rights could not read.
func docRoot(t *testing.T) string {
	t.Helper()
	if root != "" {
		return root
	}
	dir := openDir(t)
	static := filepath.Join(dir, "static")
	if err := os.Mkdir(static, 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(static, "hello.txt"), helloText)
	f, err := os.Create(filepath.Join(static, "large.bin"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(f, &pattern{}, largeSize); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	root = dir
	t.Cleanup(func() { root = "" })
	return root
}

// openDir makes a folder that every user may read.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "interop")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
