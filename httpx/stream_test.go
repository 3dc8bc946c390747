package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gohttpx.dev/httpx"
)

// collect is what an iteration yields, and its error.
func collect[T any](seq iter.Seq2[T, error]) (got []T, err error) {
	for v, e := range seq {
		if err != nil {
			return got, fmt.Errorf("something came behind the error %w", err)
		}
		if err = e; e == nil {
			got = append(got, v)
		}
	}
	return got, err
}

func chunksOf(r *httpx.Response, n int) ([]string, error) {
	return collect(func(yield func(string, error) bool) {
		for b, err := range r.Chunks(n) {
			if !yield(string(b), err) {
				return
			}
		}
	})
}

func TestIterators(t *testing.T) {
	t.Run("A6.9 pieces of a fixed size, none empty", func(t *testing.T) {
		for _, slow := range []bool{false, true} {
			for _, stream := range []bool{false, true} {
				got, err := chunksOf(received(t, slow, stream, "", "abcdefgh"), 3)
				if err != nil || !slices.Equal(got, []string{"abc", "def", "gh"}) {
					t.Errorf("%q, %v", got, err)
				}
				if got, err := chunksOf(received(t, slow, stream, "", ""), 3); err != nil || len(got) != 0 {
					t.Errorf("of nothing: %q, %v", got, err)
				}
			}
		}
		got, err := chunksOf(received(t, true, true, "", "abc"), 0)
		if err != nil || !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Errorf("as received: %q, %v", got, err)
		}
	})
	t.Run("A6.9 replay from memory", func(t *testing.T) {
		resp := received(t, false, true, "text/event-stream", "data: a\n\ndata: b\n\n")
		if err := resp.Buffer(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			chunks, err1 := chunksOf(resp, 100)
			text, err2 := collect(resp.TextChunks())
			lines, err3 := collect(resp.Lines())
			events, err4 := collect(resp.Events())
			if len(chunks) != 1 || len(text) != 1 || len(lines) != 4 || len(events) != 2 || errors.Join(err1, err2, err3, err4) != nil {
				t.Errorf("%q %q %q %v %v", chunks, text, lines, events, errors.Join(err1, err2, err3, err4))
			}
		}
		for chunk := range resp.Chunks(100) {
			clear(chunk) // is the caller's
		}
		if !strings.HasPrefix(resp.Text(), "data: a") {
			t.Error("a piece is no part of the content in memory")
		}
	})
	all := map[string]func(r *httpx.Response) (int, error){
		"Chunks":     func(r *httpx.Response) (int, error) { got, err := collect(r.Chunks(10)); return len(got), err },
		"TextChunks": func(r *httpx.Response) (int, error) { got, err := collect(r.TextChunks()); return len(got), err },
		"Lines":      func(r *httpx.Response) (int, error) { got, err := collect(r.Lines()); return len(got), err },
		"Events":     func(r *httpx.Response) (int, error) { got, err := collect(r.Events()); return len(got), err },
		"JSONLines": func(r *httpx.Response) (int, error) {
			got, err := collect(httpx.JSONLines[any](r))
			return len(got), err
		},
		"SaveToFile": func(r *httpx.Response) (int, error) {
			n, err := r.SaveToFile(t.TempDir() + "/x")
			return int(n), err
		},
	}
	overBoth(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, ": 1\n")
	}, func(t *testing.T, c *httpx.Client, url string) {
		for name, f := range all {
			t.Run("A24 ErrBodyConsumed and ErrBodyClosed/"+name, func(t *testing.T) {
				for _, how := range []string{"iterated", "read", "closed", "both"} {
					resp, err := c.Stream(context.Background(), "GET", url)
					if err != nil {
						t.Fatal(err)
					}
					defer resp.Close()
					want := httpx.ErrBodyConsumed
					switch how {
					case "iterated":
						collect(resp.Chunks(0))
					case "read":
						io.Copy(io.Discard, resp.Body)
					case "both":
						io.Copy(io.Discard, resp.Body)
						resp.Close()
						if _, err := f(resp); err == nil {
							t.Error("closed after the end: no error")
						}
						continue
					case "closed":
						resp.Close()
						want = httpx.ErrBodyClosed
					}
					n, err := f(resp)
					var e *httpx.Error
					if n != 0 || !errors.Is(err, want) || !errors.As(err, &e) || e.Op != "body" {
						t.Errorf("%s: %d, %v", how, n, err)
					}
				}
			})
		}
	})
	t.Run("A24 a stream without content is read once, too", func(t *testing.T) {
		resp := received(t, false, true, "", "")
		_, err1 := collect(resp.Lines())
		_, err2 := collect(resp.Lines())
		if err1 != nil || !errors.Is(err2, httpx.ErrBodyConsumed) {
			t.Errorf("%v, %v", err1, err2)
		}
	})
	t.Run("A6.9 a break leaves the rest", func(t *testing.T) {
		resp := received(t, true, true, "", "abcdef")
		for range resp.Chunks(2) {
			break
		}
		if rest, err := io.ReadAll(resp.Body); string(rest) != "cdef" || err != nil {
			t.Errorf("%q, %v", rest, err)
		}
	})
}

func TestLines(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     []string
	}{
		{"nothing", "", nil},
		{"no end", "a", []string{"a"}},
		{"all ends", "a\nb\r\nc\rd", []string{"a", "b", "c", "d"}},
		{"blank lines", "\n\r\n\r\r\n", []string{"", "", "", ""}},
		{"LF CR", "a\n\rb", []string{"a", "", "b"}},
		{"a CR at the end", "a\r", []string{"a"}},
		{"no other ends", "a\vb\fc\x1cd\x1de\x1ef\u0085g\u2028h\u2029i\n", []string{"a\vb\fc\x1cd\x1de\x1ef\u0085g\u2028h\u2029i"}},
		{"what is not UTF-8", "a\xe2\x82\nb", []string{"a\ufffd", "b"}},
		{"long", strings.Repeat("x", 100_000) + "\ny\n", []string{strings.Repeat("x", 100_000), "y"}},
		{"a mark", "\ufeffa\n\ufeffb", []string{"a", "\ufeffb"}},
	} {
		t.Run("A6.10 "+tt.name, func(t *testing.T) {
			for _, slow := range []bool{false, true} {
				for _, stream := range []bool{false, true} {
					if got, err := collect(received(t, slow, stream, "", tt.in).Lines()); err != nil || !slices.Equal(got, tt.want) {
						t.Errorf("%.60q, %v", got, err)
					}
				}
			}
		})
	}
	t.Run("A6.10 the limit", func(t *testing.T) {
		for _, slow := range []bool{false, true} {
			got, err := collect(received(t, slow, true, "", "12345\r\n123456\n", httpx.WithMaxLineBytes(5)).Lines())
			if !slices.Equal(got, []string{"12345"}) || !errors.Is(err, httpx.ErrLineTooLong) || !strings.Contains(err.Error(), "5 bytes") {
				t.Errorf("%q, %v", got, err)
			}
		}
		long := strings.Repeat("x", 1<<20)
		if got, err := collect(received(t, false, true, "", long+"\n").Lines()); err != nil || len(got) != 1 {
			t.Errorf("the default has room for a mebibyte: %v", err)
		}
		if _, err := collect(received(t, false, true, "", long+"x\n").Lines()); !errors.Is(err, httpx.ErrLineTooLong) {
			t.Errorf("and for no byte more: %v", err)
		}
		if got, err := collect(received(t, false, true, "", long+"x\n", httpx.WithMaxLineBytes(httpx.Unlimited)).Lines()); err != nil || len(got) != 1 {
			t.Errorf("unlimited: %v", err)
		}
	})
	// What looks for the end of a line in all that follows is quadratic.
	t.Run("A6.10 every line end costs the same", func(t *testing.T) {
		took := func(end string) time.Duration {
			began := time.Now()
			n := 0
			for range received(t, false, true, "", strings.Repeat(end, 1<<19)).Lines() {
				n++
			}
			if n != 1<<19 {
				t.Fatalf("%d lines", n)
			}
			return time.Since(began)
		}
		// The best of five each, and of more if the machine had other things to do.
		lf, cr := time.Duration(1<<62), time.Duration(1<<62)
		for n := 1; n <= 5 || cr > 8*lf && n <= 40; n++ {
			lf, cr = min(lf, took("\n")), min(cr, took("\r"))
		}
		if cr > 8*lf {
			t.Errorf("half a million lines take %v with LF, %v with CR", lf, cr)
		}
	})
	t.Run("A6.10 a line is there before what follows it", func(t *testing.T) {
		for _, end := range []string{"\n", "\r", "\r\n"} {
			from, to := io.Pipe()
			go io.WriteString(to, "a"+end)
			c := newClient(t, httpx.WithTransport(&script{answers: []answer{{status: 200, body: from}}}))
			resp, err := c.Stream(context.Background(), "GET", "http://a.example/")
			if err != nil {
				t.Fatal(err)
			}
			for line, err := range resp.Lines() {
				if line != "a" || err != nil {
					t.Errorf("%q, %v", line, err)
				}
				break
			}
			to.Close()
			resp.Close()
		}
	})
}

func TestJSONLines(t *testing.T) {
	t.Run("B30 values, blank lines, a mark", func(t *testing.T) {
		for _, slow := range []bool{false, true} {
			for _, stream := range []bool{false, true} {
				got, err := collect(httpx.JSONLines[Item](received(t, slow, stream, "", "\ufeff{\"id\":1}\r\n\n  \t\r\n {\"id\": 2,\r\"name\":\"\u2028\"} \n{\"id\":3}")))
				if err != nil || !slices.Equal(got, []Item{{ID: 1}, {ID: 2, Name: "\u2028"}, {ID: 3}}) {
					t.Errorf("%v, %v", got, err)
				}
			}
		}
	})
	t.Run("B30 the error names the line", func(t *testing.T) {
		got, err := collect(httpx.JSONLines[int](received(t, true, true, "", "1\n\n2\nsecret\n4\n")))
		var e *httpx.Error
		if len(got) != 2 || !errors.As(err, &e) || e.Op != "decode" || !strings.Contains(err.Error(), "line 4") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v, %v", got, err)
		}
	})
	t.Run("B30 the limit of a line", func(t *testing.T) {
		got, err := collect(httpx.JSONLines[int](received(t, false, true, "", "1\n222\n", httpx.WithMaxLineBytes(2))))
		if len(got) != 1 || !errors.Is(err, httpx.ErrLineTooLong) {
			t.Errorf("%v, %v", got, err)
		}
	})
	overBoth(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		http.NewResponseController(w).EnableFullDuplex()
		w.(http.Flusher).Flush()
		buf := make([]byte, 100)
		for { // back as soon as it has come
			n, err := r.Body.Read(buf)
			w.Write(buf[:n])
			w.(http.Flusher).Flush()
			if err != nil {
				return
			}
		}
	}, func(t *testing.T, c *httpx.Client, url string) {
		t.Run("B30 a body of JSON lines", func(t *testing.T) {
			body := httpx.JSONLinesBody(slices.Values([]Item{{1, "<a>"}, {2, "b\nc"}}))
			if body.Replayable() || body.Len() != -1 {
				t.Error("it is made as it is sent")
			}
			resp, err := c.Post(context.Background(), url, body)
			if err != nil || resp.Text() != "{\"id\":1,\"name\":\"<a>\"}\n{\"id\":2,\"name\":\"b\\nc\"}\n" || resp.Header.Get("Content-Type") != "application/x-ndjson" {
				t.Errorf("%v, %v", resp, err)
			}
			if _, err := c.Post(context.Background(), url, body); !errors.Is(err, httpx.ErrBodyConsumed) {
				t.Errorf("a second time: %v", err)
			}
		})
		t.Run("B30 a value that cannot be encoded", func(t *testing.T) {
			stopped := false
			_, err := c.Post(context.Background(), url, httpx.JSONLinesBody(func(yield func(any) bool) {
				stopped = yield(1) && !yield(func() {})
			}))
			if !errors.Is(err, httpx.ErrRequestBody) || !strings.Contains(err.Error(), "value 2") || !stopped {
				t.Errorf("%v, stopped %v", err, stopped)
			}
		})
		t.Run("B30 a conversation, and a break stops the sequence", func(t *testing.T) {
			var stopped atomic.Bool
			gone := make(chan struct{})
			turn := make(chan int, 1)
			turn <- 0
			resp, err := c.Stream(context.Background(), "POST", url, httpx.JSONLinesBody(func(yield func(int) bool) {
				defer close(gone)
				for n := range turn {
					if !yield(n) {
						stopped.Store(true)
						return
					}
				}
			}))
			if err != nil {
				t.Fatal(err)
			}
			for n, err := range httpx.JSONLines[int](resp) {
				if err != nil {
					t.Fatal(err)
				}
				if n == 5 {
					break
				}
				turn <- n + 1
			}
			resp.Close()
			turn <- 0 // it is waiting here, and stopped when it yields
			<-gone
			if !stopped.Load() {
				t.Error("the sequence was not stopped")
			}
		})
	})
	t.Run("B30 a body that is not sent is not begun", func(t *testing.T) {
		c := newClient(t)
		_, err := c.Post(context.Background(), "http://[", httpx.JSONLinesBody(func(func(int) bool) { t.Error("begun") }))
		if err == nil {
			t.Error("no error")
		}
		if _, err := c.Post(context.Background(), "http://a.example", httpx.JSONLinesBody[int](nil)); err == nil {
			t.Error("nil")
		}
	})
}
