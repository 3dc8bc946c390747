package httpx_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"gohttpx.dev/httpx"
)

// compressed answers with a hundred lines, as gzip.
func compressed(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(w)
	defer z.Close()
	for range 100 {
		io.WriteString(z, "the same line\n")
	}
}

func ExampleResponse_Uncompressed() {
	s := httptest.NewServer(http.HandlerFunc(compressed))
	defer s.Close()
	resp, err := httpx.Get(context.Background(), s.URL)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(resp.Bytes()), resp.Uncompressed(), resp.Header.Get("Content-Encoding"))
	fmt.Println(resp.WireBytes() < 100)
	// Output:
	// 1400 true gzip
	// true
}

func ExampleResponse_RawBody() {
	s := httptest.NewServer(http.HandlerFunc(compressed))
	defer s.Close()
	resp, err := httpx.Stream(context.Background(), "GET", s.URL)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Close()
	z, err := gzip.NewReader(resp.RawBody()) // to keep it as it is, copy it to a file
	if err != nil {
		log.Fatal(err)
	}
	n, err := io.Copy(io.Discard, z)
	fmt.Println(n, err)
	// Output: 1400 <nil>
}

func ExampleWithMaxResponseBytes() {
	s := httptest.NewServer(http.HandlerFunc(compressed))
	defer s.Close()
	_, err := httpx.Get(context.Background(), s.URL, httpx.WithMaxResponseBytes(1000))
	fmt.Println(errors.Is(err, httpx.ErrResponseTooLarge))
	// Output: true
}

func ExampleWithDecoder() {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "rot13")
		fmt.Fprintf(w, "Uryyb; lbh npprcg %s", "tmvc")
	}))
	defer s.Close()
	rot13 := httpx.WithDecoder("rot13", func(r io.Reader) (io.ReadCloser, error) {
		return io.NopCloser(rot13Reader{r}), nil
	})
	resp, err := httpx.Get(context.Background(), s.URL, rot13)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Text())
	// Output: Hello; you accept gzip
}

type rot13Reader struct{ r io.Reader }

func (r rot13Reader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	for i, b := range p[:n] {
		if c := b | 0x20; c >= 'a' && c <= 'z' {
			p[i] = b - c + 'a' + (c-'a'+13)%26
		}
	}
	return n, err
}
