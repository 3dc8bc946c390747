package httpx_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/peer"
)

// rawServer answers one request a connection, and hands over what it read.
func rawServer(t *testing.T) (url string, got <-chan *peer.Request) {
	requests := make(chan *peer.Request, 100)
	s := peer.Listen(t, func(nc net.Conn) {
		p := peer.Over(t, nc)
		requests <- p.WantRequest("", "a whole request")
		p.Respond("200 OK", "", "Connection: close")
	})
	return "http://" + s.Addr + "/", requests
}

// exchange sends with the method and options and returns what arrived.
func exchange(t *testing.T, method string, opts ...httpx.RequestOption) *peer.Request {
	t.Helper()
	url, got := rawServer(t)
	if _, err := newClient(t).Do(context.Background(), method, url, opts...); err != nil {
		t.Fatal(err)
	}
	return <-got
}

// overBoth runs f against a server of each protocol.
func overBoth(t *testing.T, h http.HandlerFunc, f func(t *testing.T, c *httpx.Client, url string)) {
	t.Run("HTTP1", func(t *testing.T) {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		f(t, newClient(t), s.URL)
	})
	t.Run("HTTP2", func(t *testing.T) {
		s, opt := http2Server(t, false, h)
		f(t, newClient(t, httpx.WithHTTP2(true), opt), s.URL)
	})
}

// oneByte makes a reader whose length nobody knows.
func oneByte(s string) io.Reader { return io.MultiReader(strings.NewReader(s)) }

func TestBodyFraming(t *testing.T) {
	framing := func(r *peer.Request) string {
		return strings.Join(r.Fields.Values("Content-Length"), ",") + "|" + strings.Join(r.Fields.Values("Transfer-Encoding"), ",")
	}
	for _, tt := range []struct {
		name, method string
		opts         []httpx.RequestOption
		framing      string
		body, kind   string
	}{
		{"A5.2 POST without a body", "POST", nil, "0|", "", ""},
		{"A5.2 PUT without a body", "PUT", nil, "0|", "", ""},
		{"A5.2 PATCH without a body", "PATCH", nil, "0|", "", ""},
		{"A5.2 GET without a body", "GET", nil, "|", "", ""},
		{"A5.2 DELETE without a body", "DELETE", nil, "|", "", ""},
		{"A5.2 known length", "POST", []httpx.RequestOption{httpx.String("abc")}, "3|", "abc", ""},
		{"A5.2 unknown length", "POST", []httpx.RequestOption{httpx.Reader(oneByte("abc"))}, "|chunked", "abc", ""},
		{"A5.2 Content-Length given", "POST", []httpx.RequestOption{httpx.Reader(oneByte("abc")), httpx.WithHeader("Content-Length", "3")}, "3|", "abc", ""},
		{"A11.2 Bytes", "POST", []httpx.RequestOption{httpx.Bytes([]byte("a\x00\xff"))}, "3|", "a\x00\xff", ""},
		{"A11.2 String in UTF-8", "POST", []httpx.RequestOption{httpx.String("é")}, "2|", "é", ""},
		{"A11.2 empty with GET", "GET", []httpx.RequestOption{httpx.Bytes(nil)}, "|", "", ""},
		{"A11.2 empty with POST", "POST", []httpx.RequestOption{httpx.String("")}, "0|", "", ""},
		{"A11.2 empty but chunked by hand", "POST", []httpx.RequestOption{httpx.String(""), httpx.WithHeader("Transfer-Encoding", "chunked")}, "|chunked", "", ""},
		{"A11.3 *bytes.Buffer", "POST", []httpx.RequestOption{httpx.Reader(bytes.NewBufferString("abc"))}, "3|", "abc", ""},
		{"A11.3 BodyFunc", "POST", []httpx.RequestOption{httpx.BodyFunc(open("abc"))}, "|chunked", "abc", ""},
		{"A11.3 SizedBodyFunc", "POST", []httpx.RequestOption{httpx.SizedBodyFunc(3, open("abc"))}, "3|", "abc", ""},
		{"A11.3 SizedBodyFunc of no known size", "POST", []httpx.RequestOption{httpx.SizedBodyFunc(-7, open("abc"))}, "|chunked", "abc", ""},
		{"A11.3 ReadSeeker", "POST", []httpx.RequestOption{httpx.ReadSeeker(strings.NewReader("abc"))}, "3|", "abc", ""},
		{"A11.4 ContentType", "POST", []httpx.RequestOption{httpx.String("<a/>"), httpx.ContentType("text/xml")}, "4|", "<a/>", "text/xml"},
		{"A11.4 ContentType before the body", "POST", []httpx.RequestOption{httpx.ContentType("application/problem+json"), httpx.JSON(1)}, "1|", "1", "application/problem+json"},
		{"A11.5 Form", "POST", []httpx.RequestOption{httpx.Form(url.Values{"b": {"2", "1"}, "a": {"x y&é"}})}, "22|", "a=x+y%26%C3%A9&b=2&b=1", "application/x-www-form-urlencoded"},
		{"A11.5 empty Form is no body", "GET", []httpx.RequestOption{httpx.Form(url.Values{})}, "|", "", ""},
		{"A11.6 JSON is compact and not escaped", "POST", []httpx.RequestOption{httpx.JSON(map[string]any{"b": "<é>&", "a": []int{1, 2}})}, "23|", `{"a":[1,2],"b":"<é>&"}`, "application/json"},
		{"A11.6 JSON null", "POST", []httpx.RequestOption{httpx.JSON(nil)}, "4|", "null", "application/json"},
		{"A11.6 JSON with DELETE", "DELETE", []httpx.RequestOption{httpx.JSON("x")}, `3|`, `"x"`, "application/json"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := exchange(t, tt.method, tt.opts...)
			if want := tt.framing; framing(r) != want {
				t.Errorf("Content-Length|Transfer-Encoding %s, want %s", framing(r), want)
			}
			if r.Body != tt.body || r.Get("Content-Type") != tt.kind || r.Fields.Has("Content-Type") != (tt.kind != "") {
				t.Errorf("%q as %q", r.Body, r.Get("Content-Type"))
			}
			if r.Fields[0].Name != "Host" {
				t.Errorf("the first field is %s", r.Fields[0].Name)
			}
		})
	}
}

// open makes a body anew for each send.
func open(s string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(s)), nil }
}

func TestBodiesRefused(t *testing.T) {
	var reached atomic.Bool
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	defer s.Close()
	c, cause := newClient(t), errors.New("no luck")
	for _, tt := range []struct {
		name string
		opts []httpx.RequestOption
		text string
	}{
		{"A11.1 two bodies", []httpx.RequestOption{httpx.Form(url.Values{"a": {"b"}}), httpx.JSON(1)}, "two bodies on one request"},
		{"A11.1 an empty body and another", []httpx.RequestOption{httpx.String(""), httpx.Multipart(httpx.FieldPart("a", "b"))}, "two bodies on one request"},
		{"A11.6 NaN", []httpx.RequestOption{httpx.JSON(map[string]float64{"a": math.NaN()})}, "NaN is no JSON number (RFC 8259 §6)"},
		{"A11.6 infinity", []httpx.RequestOption{httpx.JSON(math.Inf(-1))}, "-Inf is no JSON number"},
		{"A11.6 a channel", []httpx.RequestOption{httpx.JSON(make(chan int))}, "unsupported type"},
		{"A11.3 nil ReadSeeker", []httpx.RequestOption{httpx.ReadSeeker(nil)}, "ReadSeeker: nil"},
		{"A11.3 nil BodyFunc", []httpx.RequestOption{httpx.BodyFunc(nil)}, "BodyFunc: nil"},
		{"A11.3 cannot seek", []httpx.RequestOption{httpx.ReadSeeker(&noSeek{err: cause})}, "give it to Reader: no luck"},
		{"A11.3 cannot rewind", []httpx.RequestOption{httpx.ReadSeeker(&noSeek{after: 1, err: cause})}, "ReadSeeker: no luck"},
		{"A11.3 BodyFunc fails", []httpx.RequestOption{httpx.BodyFunc(func() (io.ReadCloser, error) { return nil, cause })}, "no luck"},
		{"A11.3 BodyFunc returns nothing", []httpx.RequestOption{httpx.BodyFunc(func() (io.ReadCloser, error) { return nil, nil })}, "neither a body nor an error"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := c.Post(context.Background(), s.URL, tt.opts...)
			var e *httpx.Error
			if !errors.As(err, &e) || e.Sent || !strings.Contains(fmt.Sprint(err), tt.text) {
				t.Errorf("%v", err)
			}
			if reached.Load() {
				t.Error("something was sent")
			}
		})
	}
}

// noSeek fails to seek after that many times.
type noSeek struct {
	io.Reader
	after int
	err   error
}

func (n *noSeek) Seek(int64, int) (int64, error) {
	if n.after--; n.after >= 0 {
		return 0, nil
	}
	return 0, n.err
}

func TestBodiesAreSentAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, []byte("from the middle"), 0o600); err != nil {
		t.Fatal(err)
	}
	middle := func(rs io.ReadSeeker) io.ReadSeeker {
		if _, err := rs.Seek(5, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		return rs
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, tt := range []struct {
		name string
		body httpx.Body
		want string
	}{
		{"A11.3 D 307 with BytesIO body", httpx.ReadSeeker(middle(bytes.NewReader([]byte("from the middle")))), "the middle"},
		{"A11.3 an open file", httpx.ReadSeeker(middle(f)), "the middle"},
		{"A11.3 File", httpx.File(path), "from the middle"},
		{"A11.3 BodyFunc", httpx.BodyFunc(open("again")), "again"},
		{"A11.2 String", httpx.String("again"), "again"},
		{"A11.9 D file-based multipart 307", httpx.Multipart(httpx.FilePart("f", path), httpx.FieldPart("a", "b")), "from the middle\r\n--"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// The server redirects the first request, drops the connection on
			// the second when it has read all of it, and so gets that again.
			var mu sync.Mutex
			var seen []string
			s := peer.Listen(t, func(nc net.Conn) {
				p := peer.Over(t, nc)
				for {
					r := p.WantRequest("", "a whole request")
					mu.Lock()
					seen = append(seen, r.Body)
					n := len(seen)
					mu.Unlock()
					if n == 2 {
						return
					}
					if n == 4 {
						p.Respond("200 OK", "", "Connection: close")
						return
					}
					p.Respond("307 Temporary Redirect", "", "Location: /there")
				}
			})
			c := newClient(t)
			r, err := c.NewRequest("PUT", "http://"+s.Addr+"/", tt.body)
			if err != nil || !tt.body.Replayable() {
				t.Fatal(err)
			}
			for range 3 {
				if _, err := c.Send(context.Background(), r); err != nil {
					t.Fatal(err)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if len(seen) != 4 || seen[0] == "" || !strings.Contains(seen[0], tt.want) ||
				slices.ContainsFunc(seen, func(s string) bool { return s != seen[0] }) {
				t.Errorf("sent %q", seen)
			}
		})
	}
}

func TestReadSeekerIsSentByOneAtATime(t *testing.T) {
	t.Run("A11.3 a second send at the same time", func(t *testing.T) {
		started, goOn := make(chan bool), make(chan bool)
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.ReadFull(r.Body, make([]byte, 1))
			started <- true
			<-goOn
			io.Copy(io.Discard, r.Body)
		}))
		defer s.Close()
		c := newClient(t)
		// More than the sockets hold, so that the first send cannot be done.
		r, err := c.NewRequest("POST", s.URL, httpx.ReadSeeker(bytes.NewReader(make([]byte, 16<<20))))
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := c.Send(context.Background(), r); err != nil {
				t.Errorf("the first: %v", err)
			}
		})
		<-started
		_, err = c.Send(context.Background(), r)
		var e *httpx.Error
		if !errors.As(err, &e) || e.Sent || !strings.Contains(err.Error(), "is being sent by another call") {
			t.Errorf("the second: %v", err)
		}
		close(goOn)
		wg.Wait()
		go func() { <-started }()
		if _, err := c.Send(context.Background(), r); err != nil {
			t.Errorf("the third: %v", err)
		}
	})
	t.Run("A11.3 a Read that outlives its send", func(t *testing.T) {
		in := &slowSeeker{reading: make(chan bool), goOn: make(chan bool)}
		body := httpx.ReadSeeker(in)
		first, n, err := body.Open()
		if err != nil || n != 4 {
			t.Fatal(n, err)
		}
		var wg sync.WaitGroup
		wg.Go(func() { first.Read(make([]byte, 2)) })
		<-in.reading
		first.Close()
		if _, _, err := body.Open(); err == nil || body.Len() != -1 {
			t.Fatal("rewound under a Read")
		}
		close(in.goOn)
		wg.Wait()
		if _, err := first.Read(make([]byte, 2)); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%v", err)
		}
		second, _, err := body.Open()
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(second); string(b) != "abcd" || err != nil {
			t.Errorf("%q %v", b, err)
		}
		second.Close()
		second.Close()
		if body.Len() != 4 {
			t.Errorf("%d bytes", body.Len())
		}
	})
}

// slowSeeker waits in its first Read.
type slowSeeker struct {
	at            int64
	reading, goOn chan bool
	waited        bool
}

func (s *slowSeeker) Read(p []byte) (int, error) {
	if !s.waited {
		s.waited = true
		s.reading <- true
		<-s.goOn
	}
	n := copy(p, "abcd"[s.at:])
	s.at += int64(n)
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (s *slowSeeker) Seek(offset int64, whence int) (int64, error) {
	s.at = offset + map[int]int64{io.SeekCurrent: s.at, io.SeekEnd: 4}[whence]
	return s.at, nil
}

func TestAnnouncedLengthIsKept(t *testing.T) {
	for _, size := range []int64{10, 300 << 10} {
		overBoth(t, func(w http.ResponseWriter, r *http.Request) {
			if b, err := io.ReadAll(r.Body); err == nil {
				t.Errorf("the server took %d bytes for the whole", len(b))
			}
		}, func(t *testing.T, c *httpx.Client, url string) {
			for name, off := range map[string]int64{"too few": -5, "none at all": -size, "too many": 5} {
				t.Run(fmt.Sprintf("A15.6 %s of %d", name, size), func(t *testing.T) {
					body := &closable{Reader: io.LimitReader(zeros{}, size+off)}
					_, err := c.Post(context.Background(), url, httpx.SizedBodyFunc(size, func() (io.ReadCloser, error) { return body, nil }))
					if !errors.Is(err, httpx.ErrLocalProtocol) || httpx.IsRetryable(err) {
						t.Errorf("%v", err)
					}
					if body.times() != 1 {
						t.Errorf("closed %d times", body.closed.Load())
					}
				})
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestEarlyResponse(t *testing.T) {
	overBoth(t, func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "too large for us", http.StatusRequestEntityTooLarge)
	}, func(t *testing.T, c *httpx.Client, url string) {
		t.Run("A11.10 refused before the end", func(t *testing.T) {
			body := &closable{Reader: zeros{}} // has no end
			resp, err := c.Post(context.Background(), url, httpx.Reader(body))
			if err != nil || resp.StatusCode != 413 || resp.Text() != "too large for us\n" {
				t.Errorf("%v %v", resp, err)
			}
			if body.times() != 1 {
				t.Errorf("closed %d times", body.closed.Load())
			}
		})
	})
	overBoth(t, func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		rc.EnableFullDuplex()
		rc.Flush()
		buf := make([]byte, 16)
		for {
			n, err := r.Body.Read(buf)
			if n > 0 {
				w.Write(bytes.ToUpper(buf[:n]))
				rc.Flush()
			}
			if err != nil {
				return
			}
		}
	}, func(t *testing.T, c *httpx.Client, url string) {
		t.Run("A11.10 both directions at once", func(t *testing.T) {
			from, to := io.Pipe()
			resp, err := c.Stream(context.Background(), "POST", url, httpx.Reader(from))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Close()
			for _, s := range []string{"one", "two", "three"} {
				io.WriteString(to, s)
				buf := make([]byte, len(s))
				if _, err := io.ReadFull(resp.Body, buf); err != nil || string(buf) != strings.ToUpper(s) {
					t.Fatalf("%q %v", buf, err)
				}
			}
			to.Close()
			if b, err := io.ReadAll(resp.Body); len(b) != 0 || err != nil {
				t.Errorf("%q %v", b, err)
			}
		})
	})
}

func TestBodyValue(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "x.txt")
	os.WriteFile(file, []byte("12345"), 0o600)
	for _, tt := range []struct {
		name   string
		body   httpx.Body
		length int64
		again  bool
		want   string
	}{
		{"zero", httpx.Body{}, 0, true, ""},
		{"String", httpx.String("ab"), 2, true, "ab"},
		{"File", httpx.File(file), 5, true, "12345"},
		{"ReadSeeker", httpx.ReadSeeker(strings.NewReader("abc")), 3, true, "abc"},
		{"BodyFunc", httpx.BodyFunc(open("abc")), -1, true, "abc"},
		{"SizedBodyFunc", httpx.SizedBodyFunc(3, open("abc")), 3, true, "abc"},
		{"Reader of a buffer", httpx.Reader(strings.NewReader("abc")), 3, false, "abc"},
		{"Reader", httpx.Reader(oneByte("abc")), -1, false, "abc"},
	} {
		t.Run("A5.3 "+tt.name, func(t *testing.T) {
			if tt.body.Len() != tt.length || tt.body.Replayable() != tt.again {
				t.Errorf("Len %d, Replayable %v", tt.body.Len(), tt.body.Replayable())
			}
			// The request's is the same, and carries no field that nobody set.
			r, err := httpx.NewRequest("POST", "http://e.test/", tt.body)
			if err != nil || r.Header.Len() != 0 || r.Body().Len() != tt.length {
				t.Fatal(r, err)
			}
			rc, n, err := r.Body().Open()
			if err != nil || n != tt.length {
				t.Fatal(n, err)
			}
			b, err := io.ReadAll(rc)
			rc.Close()
			if string(b) != tt.want || err != nil {
				t.Errorf("%q %v", b, err)
			}
			if _, _, err := r.Body().Open(); errors.Is(err, httpx.ErrBodyConsumed) == tt.again {
				t.Errorf("opened again: %v", err)
			}
		})
	}
	t.Run("A5.3 faulty", func(t *testing.T) {
		for _, b := range []httpx.Body{httpx.JSON(math.NaN()), httpx.File(dir), httpx.File(filepath.Join(dir, "none"))} {
			if _, _, err := b.Open(); err == nil || b.Len() != -1 {
				t.Errorf("Len %d, %v", b.Len(), err)
			}
		}
		if httpx.JSON(math.NaN()).Replayable() {
			t.Error("what cannot be sent cannot be sent again")
		}
	})
}

func TestReadBody(t *testing.T) {
	url, got := rawServer(t)
	c, ctx := newClient(t), context.Background()
	for name, body := range map[string]httpx.Body{
		"a Reader":    httpx.Reader(oneByte("abc")),
		"a String":    httpx.String("abc"),
		"a BodyFunc":  httpx.BodyFunc(open("abc")),
		"a Multipart": httpx.Multipart(httpx.Part{Name: "a", Body: httpx.Reader(oneByte("abc"))}),
	} {
		t.Run("A5.1 "+name+" can be sent again", func(t *testing.T) {
			r, err := c.NewRequest("POST", url, body, httpx.WithHeader("X", "y"))
			if err != nil {
				t.Fatal(err)
			}
			header := r.Header.Clone()
			b, err := r.ReadBody(ctx)
			if err != nil || !strings.Contains(string(b), "abc") {
				t.Fatalf("%q %v", b, err)
			}
			if again, err := r.ReadBody(ctx); string(again) != string(b) || err != nil || !reflect.DeepEqual(r.Header, header) {
				t.Errorf("%q %v", again, err)
			}
			if !r.Body().Replayable() || r.Body().Len() != int64(len(b)) {
				t.Errorf("Len %d, want %d", r.Body().Len(), len(b))
			}
			for range 2 {
				if _, err := c.Send(ctx, r); err != nil {
					t.Fatal(err)
				}
				if sent := <-got; sent.Body != string(b) || sent.Get("Content-Length") != fmt.Sprint(len(b)) {
					t.Errorf("%q", sent.Body)
				}
			}
		})
	}
	t.Run("A5.1 nothing to read", func(t *testing.T) {
		r, _ := httpx.NewRequest("GET", url)
		if b, err := r.ReadBody(ctx); b != nil || err != nil || r.Body().Len() != 0 {
			t.Errorf("%q %v", b, err)
		}
	})
	t.Run("A5.1 context ends", func(t *testing.T) {
		from, to := io.Pipe()
		defer to.Close()
		body := &closable{Reader: from}
		r, _ := httpx.NewRequest("POST", url, httpx.Reader(body))
		ctx, cancel := context.WithCancel(ctx)
		go func() {
			io.WriteString(to, "a")
			cancel()
		}()
		_, err := r.ReadBody(ctx)
		var e *httpx.Error
		if !errors.Is(err, context.Canceled) || !errors.As(err, &e) || e.Sent || body.times() != 1 {
			t.Errorf("%v, closed %d times", err, body.closed.Load())
		}
		if _, err := r.ReadBody(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("ended before: %v", err)
		}
		if _, err := r.ReadBody(context.Background()); !errors.Is(err, httpx.ErrBodyConsumed) {
			t.Errorf("afterwards: %v", err)
		}
	})
	t.Run("A5.1 wrong length", func(t *testing.T) {
		r, _ := httpx.NewRequest("POST", url, httpx.SizedBodyFunc(4, open("abc")))
		if _, err := r.ReadBody(ctx); !errors.Is(err, httpx.ErrRequestBody) || !strings.Contains(err.Error(), "3 bytes, where 4") {
			t.Errorf("%v", err)
		}
	})
}
