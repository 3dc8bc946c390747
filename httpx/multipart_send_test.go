package httpx_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/peer"
)

func TestMultipartFraming(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.bin")
	if err := os.WriteFile(path, make([]byte, 100<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	known := []httpx.Part{
		httpx.FieldPart("a", "b"), httpx.FilePart("f", path),
		{Name: "j", Body: httpx.JSON([]int{1})},
		{Name: "s", Filename: "s.bin", Body: httpx.ReadSeeker(strings.NewReader("seek"))},
		{Name: "n", Body: httpx.SizedBodyFunc(3, open("abc"))},
	}
	once := httpx.Part{Name: "r", Body: httpx.Reader(strings.NewReader("of known length"))}
	unknown := httpx.Part{Name: "u", Body: httpx.BodyFunc(open("abc"))}
	for _, tt := range []struct {
		name   string
		parts  []httpx.Part
		known  bool
		replay bool
	}{
		{"A11.9 all lengths known", known, true, true},
		{"A11.9 a Reader of known length", append(known[:len(known):len(known)], once), true, false},
		{"A11.9 an unknown length", append(known[:len(known):len(known)], unknown), false, true},
		{"A11.9 a multipart within", []httpx.Part{{Name: "m", Body: httpx.Multipart(known...)}}, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := httpx.Multipart(tt.parts...)
			if body.Replayable() != tt.replay || (body.Len() >= 0) != tt.known {
				t.Fatalf("Replayable %v, Len %d", body.Replayable(), body.Len())
			}
			length := fmt.Sprint(body.Len())
			r := exchange(t, "POST", body)
			switch {
			case tt.known && (r.Get("Content-Length") != length || fmt.Sprint(len(r.Body)) != length || r.Fields.Has("Transfer-Encoding")):
				t.Errorf("%s and %d bytes, want %s", r.Get("Content-Length"), len(r.Body), length)
			case !tt.known && (r.Fields.Has("Content-Length") || r.Get("Transfer-Encoding") != "chunked"):
				t.Errorf("%v", r.Fields)
			}
		})
	}
	t.Run("A11.9 small parts leave together", func(t *testing.T) {
		var many []httpx.Part
		for i := range 100 {
			many = append(many, httpx.FieldPart(fmt.Sprint("field", i), "value"))
		}
		r := exchange(t, "POST", httpx.Multipart(append(many, unknown)...))
		if len(r.Chunks) > 5 {
			t.Errorf("%d chunks for %d bytes", len(r.Chunks), len(r.Body))
		}
	})
	t.Run("A11.9 a slow part holds nothing back", func(t *testing.T) {
		from, to := io.Pipe()
		s := peer.Listen(t, func(nc net.Conn) {
			p := peer.Over(t, nc)
			p.WantHead("", "the head")
			p.WantBytes("65\r\n--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--B\r\nContent-Disposition: form-data; name=\"s\"\r\n\r\n\r\n", "what comes before the slow part")
			io.WriteString(to, "slow")
			p.WantBytes("4\r\nslow\r\n", "what the slow part has")
			to.Close()
			p.WantBytes("9\r\n\r\n--B--\r\n\r\n0\r\n\r\n", "the end")
			p.Respond("200 OK", "")
		})
		_, err := newClient(t).Post(context.Background(), "http://"+s.Addr, fixed("B"),
			httpx.Multipart(httpx.FieldPart("a", "b"), httpx.Part{Name: "s", Body: httpx.Reader(from)}))
		if err != nil {
			t.Error(err)
		}
	})
}

func TestMultipartAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.bin")
	if err := os.WriteFile(path, []byte("file"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Run("A11.9 the same bytes each time, from many goroutines", func(t *testing.T) {
		url, got := rawServer(t)
		c := newClient(t)
		r, err := c.NewRequest("POST", url, httpx.Multipart(httpx.FilePart("f", path), httpx.Part{Name: "b", Body: httpx.BodyFunc(open("abc"))}))
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if _, err := c.Send(context.Background(), r); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		first := (<-got).Body
		for range 7 {
			if b := (<-got).Body; b != first || !strings.Contains(b, "file") || !strings.Contains(b, "abc") {
				t.Errorf("%q, then %q", first, b)
			}
		}
	})
	t.Run("A11.9 a Reader in it is sent once", func(t *testing.T) {
		url, got := rawServer(t)
		c := newClient(t)
		part := httpx.Part{Name: "r", Body: httpx.Reader(oneByte("abc"))}
		r, err := c.NewRequest("POST", url, httpx.Multipart(part))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Send(context.Background(), r); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Send(context.Background(), r); !errors.Is(err, httpx.ErrBodyConsumed) {
			t.Errorf("%v", err)
		}
		// Another body with the same part fails too, before anything is sent.
		other := &closable{Reader: oneByte("x")}
		if _, err := c.Post(context.Background(), url, httpx.Multipart(httpx.Part{Name: "o", Body: httpx.Reader(other)}, part)); !errors.Is(err, httpx.ErrBodyConsumed) || other.times() != 1 {
			t.Errorf("%v, closed %d times", err, other.closed.Load())
		}
		if len(got) != 1 {
			t.Errorf("%d requests", len(got))
		}
	})
}

// A file that is not what it was when the request began.
func TestMultipartPartChanges(t *testing.T) {
	for _, tt := range []struct {
		name string
		part func(path string) httpx.Part
		now  string
		text string
	}{
		{"A11.9 shrinks", func(path string) httpx.Part { return httpx.FilePart("f", path) }, "12", "it had 5 bytes when the request began, and now has 2"},
		{"A11.9 grows", func(path string) httpx.Part { return httpx.FilePart("f", path) }, "1234567", "it had 5 bytes when the request began, and now has 7"},
		{"A11.9 is gone", func(path string) httpx.Part { return httpx.FilePart("f", path) }, "", "): open "},
		{"A11.9 delivers too few", func(string) httpx.Part {
			return httpx.Part{Name: "f", Body: httpx.SizedBodyFunc(5, open("123"))}
		}, "12345", "it has 3 bytes of the 5 announced"},
		{"A11.9 delivers too many", func(string) httpx.Part {
			return httpx.Part{Name: "f", Body: httpx.SizedBodyFunc(5, open("123456"))}
		}, "12345", "it is longer than the 5 bytes announced"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			overBoth(t, func(w http.ResponseWriter, r *http.Request) {
				if b, err := io.ReadAll(r.Body); err == nil {
					t.Errorf("the server took %q for the whole", b)
				}
			}, func(t *testing.T, c *httpx.Client, url string) {
				path := filepath.Join(t.TempDir(), "x")
				if err := os.WriteFile(path, []byte("12345"), 0o600); err != nil {
					t.Fatal(err)
				}
				last := &closable{Reader: oneByte("x")}
				_, err := c.Post(context.Background(), url, httpx.Multipart(
					httpx.Part{Name: "first", Body: httpx.BodyFunc(func() (io.ReadCloser, error) {
						if tt.now == "" {
							os.Remove(path)
						} else if err := os.WriteFile(path, []byte(tt.now), 0o600); err != nil {
							t.Error(err)
						}
						return io.NopCloser(strings.NewReader("first")), nil
					})},
					tt.part(path), httpx.Part{Name: "last", Body: httpx.Reader(last)}))
				if !errors.Is(err, httpx.ErrRequestBody) || !strings.Contains(err.Error(), `Multipart: part 2 ("f")`) || !strings.Contains(err.Error(), tt.text) {
					t.Errorf("%v", err)
				}
				if last.times() != 1 {
					t.Errorf("the part after it was closed %d times", last.closed.Load())
				}
			})
		})
	}
}

// counted is a part that counts how often it is opened and closed.
type counted struct {
	opens, closes atomic.Int32
	read          func(p []byte) (int, error)
	ended         chan struct{}
}

func (c *counted) body() httpx.Body {
	c.ended = make(chan struct{}, 100)
	return httpx.BodyFunc(func() (io.ReadCloser, error) {
		c.opens.Add(1)
		return &countedBody{c, make(chan struct{})}, nil
	})
}

type countedBody struct {
	*counted
	gone chan struct{}
}

func (b *countedBody) Read(p []byte) (int, error) {
	if b.read == nil {
		<-b.gone
		return 0, os.ErrClosed
	}
	return b.read(p)
}

func (b *countedBody) Close() error {
	b.closes.Add(1)
	close(b.gone)
	b.ended <- struct{}{}
	return nil
}

func TestMultipartCancel(t *testing.T) {
	// Over HTTP/1.1 the server does not see that the client has gone.
	var over atomic.Pointer[chan struct{}]
	overBoth(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-*over.Load():
		}
	}, func(t *testing.T, c *httpx.Client, url string) {
		done := make(chan struct{})
		over.Store(&done)
		defer close(done)
		for name, read := range map[string]func(p []byte) (int, error){
			"the server takes nothing": zeros{}.Read,
			"a part delivers nothing":  nil,
		} {
			t.Run("A11.10 cancelled while "+name, func(t *testing.T) {
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				var wait sync.Once
				reached := make(chan struct{})
				first, second, third := &counted{read: strings.NewReader("short").Read}, &counted{read: read}, &counted{}
				if read != nil {
					var n atomic.Int64
					second.read = func(p []byte) (int, error) {
						if n.Add(int64(len(p))) > 256<<10 {
							wait.Do(func() { close(reached) })
						}
						return read(p)
					}
				}
				held := &closable{Reader: oneByte("held")}
				body := []httpx.Part{
					{Name: "first", Body: first.body()},
					{Name: "second", Body: second.body()},
					{Name: "third", Body: third.body()},
					{Name: "held", Body: httpx.Reader(held)},
				}
				go func() {
					if read != nil {
						<-reached
					} else {
						<-first.ended
					}
					cancel()
				}()
				if _, err := c.Post(ctx, url, httpx.Multipart(body...)); !errors.Is(err, context.Canceled) {
					t.Errorf("%v", err)
				}
				if second.opens.Load() > 0 {
					<-second.ended
				}
				if held.times() != 1 {
					t.Errorf("what was not reached was closed %d times", held.closed.Load())
				}
				for i, c := range []*counted{first, second, third} {
					if c.opens.Load() != c.closes.Load() || c.opens.Load() > 1 || i == 2 && c.opens.Load() != 0 {
						t.Errorf("part %d: opened %d times, closed %d times", i+1, c.opens.Load(), c.closes.Load())
					}
				}
			})
		}
	})
}

// Close comes from another goroutine, and the part opens just then.
func TestMultipartCloseWhileAPartOpens(t *testing.T) {
	t.Run("A11.9 closed while a part opens", func(t *testing.T) {
		opening, goOn := make(chan bool), make(chan bool)
		part := &closable{Reader: oneByte("x")}
		rc, _, err := httpx.Multipart(httpx.Part{Name: "a", Body: httpx.BodyFunc(func() (io.ReadCloser, error) {
			opening <- true
			<-goOn
			return part, nil
		})}).Open()
		if err != nil {
			t.Fatal(err)
		}
		read := make(chan error)
		go func() {
			_, err := io.Copy(io.Discard, rc)
			read <- err
		}()
		<-opening
		rc.Close()
		close(goOn)
		if err := <-read; !errors.Is(err, os.ErrClosed) || part.times() != 1 {
			t.Errorf("%v, closed %d times", err, part.closed.Load())
		}
		if _, err := rc.Read(make([]byte, 1)); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%v", err)
		}
	})
}

func TestMultipartMemory(t *testing.T) {
	const size = 256 << 20
	buf := make([]byte, 64<<10)
	overBoth(t, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r.Body}, buf)
		fmt.Fprintf(w, "%d of %d, %v", n, r.ContentLength, err)
	}, func(t *testing.T, c *httpx.Client, url string) {
		t.Run("A11.9 256 MiB in constant memory", func(t *testing.T) {
			live := func() uint64 {
				var m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&m)
				return m.HeapAlloc
			}
			var most uint64
			send := func(n int64) {
				part := httpx.Part{Name: "f", Filename: "zero", Body: httpx.SizedBodyFunc(n, func() (io.ReadCloser, error) {
					var sent, look int64
					return io.NopCloser(io.LimitReader(readFunc(func(p []byte) (int, error) {
						if sent += int64(len(p)); sent > look {
							look += 32 << 20
							most = max(most, live())
						}
						return zeros{}.Read(p)
					}), n)), nil
				})}
				body := httpx.Multipart(httpx.FieldPart("a", "b"), part)
				resp, err := c.Post(context.Background(), url, body)
				if want := fmt.Sprintf("%d of %[1]d, <nil>", body.Len()); err != nil || resp.Text() != want {
					t.Fatalf("%v: %s, want %s", err, resp.Text(), want)
				}
			}
			send(1 << 20) // makes the buffers
			before := live()
			most = before
			send(size)
			// The server's share is in it.
			grown := most - before
			t.Logf("the heap grew by %d KiB", grown>>10)
			if grown > 2<<20 {
				t.Error("that is too much")
			}
		})
	})
}

type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func TestMultipartOfOneSeeker(t *testing.T) {
	t.Run("A11.9 files of the caller are rewound", func(t *testing.T) {
		rs := bytes.NewReader([]byte("0123456789"))
		rs.Seek(4, io.SeekStart)
		body := httpx.Multipart(httpx.Part{Name: "f", Body: httpx.ReadSeeker(rs)})
		for range 3 {
			rc, n, err := body.Open()
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(rc)
			rc.Close()
			if err != nil || int64(len(b)) != n || !bytes.Contains(b, []byte("\r\n\r\n456789\r\n")) {
				t.Errorf("%d: %q %v", n, b, err)
			}
		}
	})
}
