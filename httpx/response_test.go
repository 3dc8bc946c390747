package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"gohttpx.dev/httpx"
)

func TestStream(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for i := range 100 {
			fmt.Fprintf(w, "line %d\r\n", i)
			w.(http.Flusher).Flush()
		}
		io.WriteString(w, "last")
	}))
	defer s.Close()
	c, ctx := newClient(t), context.Background()
	resp, err := c.Stream(ctx, "GET", s.URL)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line, err := range resp.Lines() {
		want := fmt.Sprintf("line %d", n)
		if n == 100 {
			want = "last"
		}
		if err != nil || line != want {
			t.Fatalf("line %d: %q, %v", n, line, err)
		}
		n++
	}
	if n != 101 || resp.BytesReceived() != 894 {
		t.Errorf("%d lines, %d bytes", n, resp.BytesReceived())
	}
	resp.Close()

	resp, err = c.Stream(ctx, "GET", s.URL)
	if err != nil {
		t.Fatal(err)
	}
	var got []byte
	for chunk, err := range resp.Chunks(100) {
		if err != nil || len(chunk) != 100 && len(got)+len(chunk) != 894 {
			t.Fatalf("a chunk of %d at %d: %v", len(chunk), len(got), err)
		}
		got = append(got, chunk...)
	}
	if len(got) != 894 || !resp.Conn().Reused {
		t.Errorf("%d bytes, reused %v", len(got), resp.Conn().Reused)
	}
	resp.Close()
	resp.Close()

	resp, err = c.Stream(ctx, "GET", s.URL)
	if err != nil {
		t.Fatal(err)
	}
	if resp.Text() != "" || resp.Bytes() != nil {
		t.Error("a stream is not buffered unasked")
	}
	if err := resp.Buffer(); err != nil || len(resp.Bytes()) != 894 {
		t.Errorf("Buffer: %v", err)
	}
	if b, err := io.ReadAll(resp.Body); err != nil || len(b) != 894 {
		t.Errorf("Body reads the buffer: %d bytes, %v", len(b), err)
	}

	resp, err = c.Stream(ctx, "GET", s.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Close()
	if _, err := resp.Body.Read(make([]byte, 1)); !errors.Is(err, httpx.ErrBodyClosed) {
		t.Errorf("Read after Close: %v", err)
	}
}

func TestLineEnds(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want []string
	}{
		{"", nil},
		{"a", []string{"a"}},
		{"a\nb\r\nc\rd", []string{"a", "b", "c", "d"}},
		{"\n\r\n\r", []string{"", "", ""}},
		{"a\rb\nc", []string{"a", "b", "c"}},
		{"a\r\r\nb", []string{"a", "", "b"}},
		{"a\vb\u2028c\n", []string{"a\vb\u2028c"}},
		{strings.Repeat("x", 10_000) + "\ny\n", []string{strings.Repeat("x", 10_000), "y"}},
	} {
		for _, flush := range []bool{false, true} {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				for i := range len(tt.in) {
					io.WriteString(w, tt.in[i:i+1])
					if flush && len(tt.in) < 100 {
						w.(http.Flusher).Flush()
					}
				}
			}))
			resp, err := newClient(t).Stream(context.Background(), "GET", s.URL)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for line, err := range resp.Lines() {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, line)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%.20q: got %.60q", tt.in, got)
			}
			resp.Close()
			s.Close()
		}
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "short\n"+strings.Repeat("x", 200))
	}))
	defer s.Close()
	resp, err := newClient(t).Get(context.Background(), s.URL, httpx.WithMaxLineBytes(100))
	if err != nil {
		t.Fatal(err)
	}
	var errs []error
	for _, err := range resp.Lines() {
		errs = append(errs, err)
	}
	if len(errs) != 2 || errs[0] != nil || !errors.Is(errs[1], httpx.ErrLineTooLong) {
		t.Errorf("a line above the limit: %v", errs)
	}
}

// Close may come from another goroutine at any time, also while Buffer runs.
func TestCloseBesideBuffer(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range 20 {
			io.WriteString(w, strings.Repeat("x", 1000))
			w.(http.Flusher).Flush()
		}
	}))
	defer s.Close()
	c := newClient(t)
	for range 50 {
		resp, err := c.Stream(context.Background(), "GET", s.URL)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() { resp.Close() })
		wg.Go(func() {
			if err := resp.Buffer(); err == nil && len(resp.Bytes()) != 20_000 || err != nil && !errors.Is(err, httpx.ErrBodyClosed) {
				t.Errorf("%d bytes, %v", len(resp.Bytes()), err)
			}
		})
		wg.Wait()
	}
}

// Every failure is an *Error, that of a misuse as well.
func TestReadAfterCloseIsAnError(t *testing.T) {
	s, c := echoServer(t), newClient(t)
	resp, err := c.Stream(context.Background(), "GET", s.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Close()
	for name, err := range map[string]error{"Buffer": resp.Buffer(), "JSON": resp.JSON(nil)} {
		var e *httpx.Error
		if !errors.Is(err, httpx.ErrBodyClosed) || !errors.As(err, &e) || e.Op != "body" || !e.Sent || e.Request != resp.Request {
			t.Errorf("%s: %#v", name, err)
		}
	}
}
