package httpx_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/peer"
)

// coding is one way to encode a body, by the libraries that are not under test
// where there are others.
type coding struct {
	name   string // in Content-Encoding
	oddity string
	writer func(io.Writer) io.WriteCloser
}

var codings = []coding{
	{"gzip", "", func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }},
	{"x-gzip", "", func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }},
	{"GZip", " in odd case", func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }},
	{"deflate", " in zlib's format", func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }},
	{"deflate", " raw", func(w io.Writer) io.WriteCloser {
		f, _ := flate.NewWriter(w, flate.DefaultCompression)
		return f
	}},
	{"br", "", func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) }},
	{"zstd", "", zstdWriter()},
}

// zstdWriter writes a checksum, and no window above 8 MiB.
func zstdWriter(opts ...zstd.EOption) func(io.Writer) io.WriteCloser {
	return func(w io.Writer) io.WriteCloser {
		e, err := zstd.NewWriter(w, append(opts, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))...)
		if err != nil {
			panic(err)
		}
		return e
	}
}

func (c coding) encode(data string) []byte {
	var b bytes.Buffer
	w := c.writer(&b)
	io.WriteString(w, data)
	w.Close()
	return b.Bytes()
}

func byName(name string) coding {
	return codings[slices.IndexFunc(codings, func(c coding) bool { return c.name == name })]
}

// sent is what a server answers with.
type sent struct {
	coding string
	body   []byte
	single bool // a flush after every byte
	status int  // 0: 200
	rest   <-chan struct{}
}

// encodedServer answers every request with what send returns.
func encodedServer(send func() sent) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s := send()
		if s.coding != "" {
			w.Header().Set("Content-Encoding", s.coding)
		}
		w.Header().Set("Content-Type", "text/plain")
		if s.status != 0 {
			w.WriteHeader(s.status)
		}
		if !s.single {
			w.Write(s.body)
		}
		for i := range s.body {
			if s.single {
				w.Write(s.body[i : i+1])
				w.(http.Flusher).Flush()
			}
		}
		if s.rest != nil {
			w.(http.Flusher).Flush()
			<-s.rest
		}
	}
}

// encodedOverBoth runs f with a client and the address of a server that answers with
// what send points at: over HTTP/1.1 and over HTTP/2 in cleartext.
func encodedOverBoth(t *testing.T, f func(t *testing.T, c *httpx.Client, url string, send *sent)) {
	for _, proto := range []string{"HTTP/1.1", "HTTP/2"} {
		t.Run(proto, func(t *testing.T) {
			var mu sync.Mutex
			var send sent
			h := encodedServer(func() sent { mu.Lock(); defer mu.Unlock(); return send })
			if proto == "HTTP/2" {
				s, opt := http2Server(t, false, h)
				f(t, newClient(t, httpx.WithHTTP2(true), opt), s.URL, &send)
				return
			}
			s := httptest.NewServer(h)
			t.Cleanup(s.Close)
			f(t, newClient(t), s.URL, &send)
		})
	}
}

const small = "what was encoded, and encoded well: what was encoded, and encoded well"

func TestDecode(t *testing.T) {
	ctx := context.Background()
	large := strings.Repeat("0123456789 some text, and then some more; ", 20_000)
	for _, enc := range codings {
		encodedOverBoth(t, func(t *testing.T, c *httpx.Client, url string, send *sent) {
			t.Run("A14.1 "+enc.name+enc.oddity, func(t *testing.T) {
				for name, want := range map[string]string{"small": small, "large": large, "no content": ""} {
					*send = sent{coding: enc.name, body: enc.encode(want)}
					resp, err := c.Get(ctx, url)
					if err != nil || resp.Text() != want {
						t.Fatalf("%s: %d bytes, %v", name, len(resp.Text()), err)
					}
					if b, err := io.ReadAll(resp.Body); string(b) != want || err != nil {
						t.Errorf("%s: Body reads the buffer: %d bytes, %v", name, len(b), err)
					}
					resp, err = c.Stream(ctx, "GET", url)
					if err != nil {
						t.Fatal(err)
					}
					if b, err := io.ReadAll(resp.Body); string(b) != want || err != nil {
						t.Errorf("%s: streamed: %d bytes, %v", name, len(b), err)
					}
					if n, err := resp.Body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
						t.Errorf("%s: the end stays the end: %d, %v", name, n, err)
					}
					if err := resp.Close(); err != nil {
						t.Error(err)
					}
				}
				if st := c.Stats(); st.Dials != 1 {
					t.Errorf("the end of the coding must be the end of the body: %d dials", st.Dials)
				}
			})
			t.Run("A14.1 one byte at a time "+enc.name+enc.oddity, func(t *testing.T) {
				*send = sent{coding: enc.name, body: enc.encode(small), single: true}
				resp, err := c.Stream(ctx, "GET", url)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Close()
				var got []byte
				for one := make([]byte, 1); ; {
					n, err := resp.Body.Read(one)
					if got = append(got, one[:n]...); err == io.EOF {
						break
					}
					if err != nil || n > 1 {
						t.Fatal(n, err)
					}
				}
				if string(got) != small {
					t.Errorf("%q", got)
				}
			})
			t.Run("A14.3 cut at every byte "+enc.name+enc.oddity, func(t *testing.T) {
				whole := enc.encode(small)
				for i := range whole {
					*send = sent{coding: enc.name, body: whole[:i]}
					resp, err := c.Get(ctx, url)
					if i == 0 { // that is no content, and not a cut one
						if err != nil || len(resp.Bytes()) != 0 {
							t.Errorf("no byte at all: %v", err)
						}
						continue
					}
					var e *httpx.Error
					if !errors.Is(err, httpx.ErrDecoding) || !errors.Is(err, io.ErrUnexpectedEOF) || !errors.As(err, &e) || e.Op != "decode" || !e.Sent {
						t.Errorf("%d of %d bytes: %v", i, len(whole), err)
					}
				}
			})
			t.Run("A14.3 bytes behind the end "+enc.name+enc.oddity, func(t *testing.T) {
				for _, behind := range []string{"\x00", "x", "garbage that goes on", "\r\n"} {
					*send = sent{coding: enc.name, body: append(enc.encode(small), behind...)}
					resp, err := c.Stream(ctx, "GET", url)
					if err != nil {
						t.Fatal(err)
					}
					b, err := io.ReadAll(resp.Body)
					if !errors.Is(err, httpx.ErrDecoding) || len(b) > len(small) {
						t.Errorf("%q: %d bytes, %v", behind, len(b), err)
					}
					if _, again := resp.Body.Read(make([]byte, 1)); again != err {
						t.Errorf("%q: the error stays: %v", behind, again)
					}
					resp.Close()
				}
			})
			t.Run("A14.3 each byte broken "+enc.name+enc.oddity, func(t *testing.T) {
				whole := enc.encode(small)
				for i := range whole {
					bad := bytes.Clone(whole)
					bad[i] ^= 0x55
					*send = sent{coding: enc.name, body: bad}
					resp, err := c.Get(ctx, url)
					// Brotli and raw deflate have no checksum; the others have
					// bytes that say nothing of the content.
					if err == nil && len(resp.Bytes()) > 4096 || err != nil && !errors.Is(err, httpx.ErrDecoding) {
						t.Errorf("byte %d: %v", i, err)
					}
				}
			})
			t.Run("A14.1 closed half-way "+enc.name+enc.oddity, func(t *testing.T) {
				*send = sent{coding: enc.name, body: enc.encode(large)}
				for _, read := range []int{0, 1, 1000, 500_000} {
					resp, err := c.Stream(ctx, "GET", url)
					if err != nil {
						t.Fatal(err)
					}
					if b := make([]byte, read); read > 0 {
						if _, err := io.ReadFull(resp.Body, b); err != nil || string(b) != large[:read] {
							t.Errorf("%d bytes: %v", read, err)
						}
					}
					received := resp.BytesReceived()
					if err := resp.Close(); err != nil {
						t.Error(err)
					}
					if n, err := resp.Body.Read(make([]byte, 1)); n != 0 || !errors.Is(err, httpx.ErrBodyClosed) && err != io.EOF {
						t.Errorf("Read after Close: %d, %v", n, err)
					}
					if resp.BytesReceived() != received {
						t.Error("a drain is not a download")
					}
					resp.Close()
				}
			})
		})
	}
}

// A checksum that does not fit, with a content that does.
func TestDecodeChecksums(t *testing.T) {
	ctx := context.Background()
	encodedOverBoth(t, func(t *testing.T, c *httpx.Client, url string, send *sent) {
		for _, tt := range []struct {
			coding string
			behind int // bytes from the end to the one to change
		}{{"gzip", 8}, {"gzip", 4}, {"gzip", 1}, {"deflate", 4}, {"deflate", 1}, {"zstd", 1}, {"zstd", 4}} {
			t.Run(fmt.Sprintf("A14.3 %s, %d from the end", tt.coding, tt.behind), func(t *testing.T) {
				body := byName(tt.coding).encode(small)
				body[len(body)-tt.behind] ^= 1
				*send = sent{coding: tt.coding, body: body}
				_, err := c.Get(ctx, url)
				if !errors.Is(err, httpx.ErrDecoding) || errors.Is(err, io.ErrUnexpectedEOF) || httpx.IsRetryable(err) || errors.Is(err, httpx.ErrTransport) {
					t.Error(err)
				}
				if want := fmt.Sprintf("%s, after %d bytes received and %d decoded", tt.coding, len(body), len(small)); err != nil && tt.coding != "zstd" && !strings.Contains(err.Error(), want) {
					t.Errorf("the text must say where: %v", err)
				}
			})
		}
		t.Run("D truncated gzip body", func(t *testing.T) {
			body := byName("gzip").encode(small)
			*send = sent{coding: "gzip", body: body[:len(body)-8]}
			resp, err := c.Stream(ctx, "GET", url)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Close()
			if b, err := io.ReadAll(resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) || !errors.Is(err, httpx.ErrDecoding) {
				t.Errorf("%q, %v", b, err)
			}
		})
	})
}

func TestDecodeMembersAndFrames(t *testing.T) {
	ctx := context.Background()
	skippable := []byte("\x5a\x2a\x4d\x18\x05\x00\x00\x00skip!")
	named := func(data string) []byte { // a member with all the header has
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		w.Name, w.Comment, w.Extra = "n\u00e4me", "comment", []byte("extra")
		io.WriteString(w, data)
		w.Close()
		return b.Bytes()
	}
	gz, zs := byName("gzip").encode(small), byName("zstd").encode(small)
	encodedOverBoth(t, func(t *testing.T, c *httpx.Client, url string, send *sent) {
		for _, tt := range []struct {
			name, coding string
			body         []byte
			want         string
		}{
			{"two members", "gzip", slices.Concat(gz, gz), small + small},
			{"an empty member between", "gzip", slices.Concat(gz, byName("gzip").encode(""), gz), small + small},
			{"members with names", "gzip", slices.Concat(named("a"), named("b"), named("c")), "abc"},
			{"two frames", "zstd", slices.Concat(zs, zs), small + small},
			{"skippable frames", "zstd", slices.Concat(skippable, zs, skippable, skippable, zs, skippable), small + small},
			{"a skippable frame alone", "zstd", skippable, ""},
		} {
			t.Run("A14.1 "+tt.coding+": "+tt.name, func(t *testing.T) {
				for _, single := range []bool{false, true} {
					*send = sent{coding: tt.coding, body: tt.body, single: single}
					if resp, err := c.Get(ctx, url); err != nil || resp.Text() != tt.want {
						t.Errorf("one byte at a time %v: %v", single, err)
					}
				}
			})
		}
		t.Run("A14.3 the second member is cut", func(t *testing.T) {
			second := named("b")
			for i := 1; i < len(second); i++ { // at 0 nobody can know that there was to be one
				*send = sent{coding: "gzip", body: slices.Concat(gz, second[:i])}
				if _, err := c.Get(ctx, url); !errors.Is(err, io.ErrUnexpectedEOF) || !errors.Is(err, httpx.ErrDecoding) {
					t.Errorf("at %d: %v", i, err)
				}
			}
		})
		t.Run("A14.3 the second frame is cut", func(t *testing.T) {
			for _, second := range [][]byte{zs, skippable} {
				for i := 1; i < len(second); i++ {
					*send = sent{coding: "zstd", body: slices.Concat(zs, second[:i])}
					if _, err := c.Get(ctx, url); !errors.Is(err, io.ErrUnexpectedEOF) || !errors.Is(err, httpx.ErrDecoding) {
						t.Errorf("at %d of %d: %v", i, len(second), err)
					}
				}
			}
		})
		t.Run("A14.1 zstd: a window above 8 MiB", func(t *testing.T) {
			*send = sent{coding: "zstd", body: coding{writer: zstdWriter(zstd.WithWindowSize(16<<20), zstd.WithSingleSegment(false))}.encode(strings.Repeat(small, 20_000))}
			if _, err := c.Get(ctx, url); !errors.Is(err, httpx.ErrDecoding) || !errors.Is(err, zstd.ErrWindowSizeExceeded) {
				t.Error(err)
			}
			*send = sent{coding: "zstd", body: coding{writer: zstdWriter(zstd.WithWindowSize(8 << 20))}.encode(strings.Repeat(small, 200_000))}
			if resp, err := c.Get(ctx, url, httpx.WithMaxDecodeRatio(httpx.Unlimited)); err != nil || len(resp.Bytes()) != 200_000*len(small) {
				t.Error("one of 8 MiB is fine", err)
			}
		})
	})
}

// Content-Encoding in any number of lines, in any spelling.
func TestDecodeChains(t *testing.T) {
	ctx := context.Background()
	apply := func(names ...string) []byte {
		b := []byte(small)
		for _, n := range names {
			b = byName(n).encode(string(b))
		}
		return b
	}
	for _, tt := range []struct {
		name   string
		fields []string
		body   []byte
		want   string // "": ErrDecoding
	}{
		{"two in one line", []string{"gzip, br"}, apply("gzip", "br"), small},
		{"two in two lines", []string{"gzip", "br"}, apply("gzip", "br"), small},
		{"five", []string{"deflate", "gzip,\tzstd , br", "gzip"}, apply("deflate", "gzip", "zstd", "br", "gzip"), small},
		{"the same five times", []string{"br, br, br, br, br"}, apply("br", "br", "br", "br", "br"), small},
		{"six", []string{"gzip, gzip, gzip, gzip, gzip, gzip"}, apply("gzip", "gzip", "gzip", "gzip", "gzip", "gzip"), ""},
		{"hundreds over several lines", slices.Repeat([]string{"gzip, br, zstd"}, 100), []byte("x"), ""},
		{"six of which one is unknown", []string{"foo", "gzip, gzip, gzip, gzip, gzip"}, []byte("x"), ""},
		{"an unknown one outside", []string{"gzip, foo"}, apply("gzip"), string(apply("gzip"))},
		{"an unknown one inside", []string{"foo, gzip"}, apply("gzip"), string(apply("gzip"))},
		{"an unknown one alone", []string{"compress"}, []byte(small), small},
		{"quoted", []string{`"gzip"`}, apply("gzip"), string(apply("gzip"))},
		{"identity", []string{"identity"}, []byte(small), small},
		{"identity and empty elements among others", []string{"", "identity, ,gzip,", "Identity"}, apply("gzip"), small},
		{"in the wrong order", []string{"br, gzip"}, apply("gzip", "br"), ""},
		{"the inner one is cut", []string{"gzip, br"}, byName("br").encode(string(apply("gzip")[:40])), ""},
		{"nothing within", []string{"gzip, br"}, byName("br").encode(""), "nothing"},
	} {
		t.Run("A14.2 "+tt.name, func(t *testing.T) {
			s := peer.Listen(t, func(nc net.Conn) {
				p := peer.Over(t, nc)
				p.WantRequest("GET / HTTP/1.1", "")
				var fields []string
				for _, f := range tt.fields {
					fields = append(fields, "Content-Encoding: "+f)
				}
				p.Respond("200 OK", string(tt.body), fields...)
			})
			resp, err := newClient(t).Get(ctx, "http://"+s.Addr+"/")
			if tt.want == "" {
				if !errors.Is(err, httpx.ErrDecoding) {
					t.Error(err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == "nothing" {
				tt.want = ""
			}
			if string(resp.Bytes()) != tt.want || !slices.Equal(resp.Header.Values("content-encoding"), tt.fields) {
				t.Errorf("%q, %q", resp.Text(), resp.Header.Values("content-encoding"))
			}
			if was := !bytes.Equal(resp.Bytes(), tt.body); resp.Uncompressed() != was {
				t.Errorf("Uncompressed says %v", resp.Uncompressed())
			}
		})
	}
}

// What has come can be read before what follows it has.
func TestDecodeAsItComes(t *testing.T) {
	for _, enc := range codings {
		t.Run("A6.9 "+enc.name+enc.oddity, func(t *testing.T) {
			handledOverBoth(t, func(next chan string) http.HandlerFunc {
				return func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Encoding", enc.name)
					w.(http.Flusher).Flush()
					e := enc.writer(w)
					for s := range orGone(r, next) {
						io.WriteString(e, s)
						e.(interface{ Flush() error }).Flush()
						w.(http.Flusher).Flush()
					}
					e.Close()
				}
			}, func(t *testing.T, c *httpx.Client, url string, next chan string) {
				resp, err := c.Stream(context.Background(), "GET", url)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Close()
				buf := make([]byte, 100)
				for i := range 5 {
					want := fmt.Sprintf("event %d\n", i)
					next <- want
					if n, err := io.ReadFull(resp.Body, buf[:len(want)]); err != nil || string(buf[:n]) != want {
						t.Fatalf("%q, %v", buf[:n], err)
					}
				}
				close(next)
				if n, err := resp.Body.Read(buf); n != 0 || err != io.EOF {
					t.Errorf("%d, %v", n, err)
				}
			})
		})
	}
}

// orGone yields what comes until the channel is closed or the client has gone.
func orGone(r *http.Request, next <-chan string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for {
			select {
			case s, ok := <-next:
				if !ok || !yield(s) {
					return
				}
			case <-r.Context().Done():
				return
			}
		}
	}
}

func handledOverBoth(t *testing.T, h func(chan string) http.HandlerFunc, f func(*testing.T, *httpx.Client, string, chan string)) {
	t.Run("HTTP/1.1", func(t *testing.T) {
		next := make(chan string, 1)
		s := httptest.NewServer(h(next))
		t.Cleanup(s.Close)
		f(t, newClient(t), s.URL, next)
	})
	t.Run("HTTP/2", func(t *testing.T) {
		next := make(chan string, 1)
		s, opt := http2Server(t, false, h(next))
		f(t, newClient(t, httpx.WithHTTP2(true), opt), s.URL, next)
	})
}

func TestDecodeNothing(t *testing.T) {
	ctx := context.Background()
	encodedOverBoth(t, func(t *testing.T, c *httpx.Client, url string, send *sent) {
		for _, tt := range []struct {
			name, method string
			status       int
			body         string
		}{
			{"HEAD", "HEAD", 200, "the length of something"},
			{"204", "GET", 204, ""},
			{"304", "GET", 304, ""},
			{"an empty body", "GET", 200, ""},
		} {
			t.Run("A14.6 "+tt.name, func(t *testing.T) {
				for _, coding := range []string{"gzip", "br", "deflate", "zstd", "gzip, br"} {
					*send = sent{coding: coding, status: tt.status, body: []byte(tt.body)}
					resp, err := c.Do(ctx, tt.method, url)
					if err != nil || len(resp.Bytes()) != 0 || resp.Header.Get("Content-Encoding") != coding {
						t.Errorf("%s: %v", coding, err)
					}
				}
			})
		}
		t.Run("A14.5 what was received stays visible", func(t *testing.T) {
			body := byName("gzip").encode(small)
			*send = sent{coding: "gzip", body: body}
			resp, err := c.Get(ctx, url)
			if err != nil || resp.Header.Get("Content-Encoding") != "gzip" || resp.Header.Get("Content-Length") != fmt.Sprint(len(body)) ||
				resp.ContentLength() != int64(len(body)) || !resp.Uncompressed() {
				t.Errorf("%v, %v", resp.Header, err)
			}
			*send = sent{body: []byte(small)}
			if resp, err = c.Get(ctx, url); err != nil || resp.Uncompressed() || resp.Text() != small {
				t.Error("without Content-Encoding", err)
			}
		})
		t.Run("A14.1 a part of an encoded form", func(t *testing.T) {
			*send = sent{coding: "gzip", status: 206, body: byName("gzip").encode(small)[10:20]}
			resp, err := c.Get(ctx, url)
			if err != nil || !bytes.Equal(resp.Bytes(), send.body) || resp.Uncompressed() {
				t.Error(err)
			}
		})
	})
}

func TestRawBody(t *testing.T) {
	ctx := context.Background()
	large := byName("gzip").encode(strings.Repeat(small, 1000))
	consumed := func(t *testing.T, err error) {
		t.Helper()
		var e *httpx.Error
		if !errors.Is(err, httpx.ErrBodyConsumed) || !errors.As(err, &e) {
			t.Errorf("got %v", err)
		}
	}
	encodedOverBoth(t, func(t *testing.T, c *httpx.Client, url string, send *sent) {
		open := func(t *testing.T) *httpx.Response {
			t.Helper()
			resp, err := c.Stream(ctx, "GET", url)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { resp.Close() })
			return resp
		}
		*send = sent{coding: "gzip", body: large}
		t.Run("A6.9 RawBody is what was received", func(t *testing.T) {
			resp := open(t)
			b, err := io.ReadAll(resp.RawBody())
			if err != nil || !bytes.Equal(b, large) || resp.Uncompressed() {
				t.Errorf("%d of %d bytes, %v", len(b), len(large), err)
			}
			if err := resp.RawBody().Close(); err != nil {
				t.Error(err)
			}
		})
		t.Run("A6.9 RawChunks", func(t *testing.T) {
			var b []byte
			for chunk, err := range open(t).RawChunks(100) {
				if err != nil || len(chunk) != 100 && len(b)+len(chunk) != len(large) {
					t.Fatal(len(chunk), err)
				}
				b = append(b, chunk...)
			}
			if !bytes.Equal(b, large) {
				t.Errorf("%d of %d bytes", len(b), len(large))
			}
		})
		t.Run("A6.9 Chunks are decoded", func(t *testing.T) {
			n := 0
			for chunk, err := range open(t).Chunks(0) {
				if n += len(chunk); err != nil || len(chunk) == 0 {
					t.Fatal(err)
				}
			}
			if n != 1000*len(small) {
				t.Errorf("%d bytes", n)
			}
		})
		t.Run("A6.9 raw once decoding has begun", func(t *testing.T) {
			resp := open(t)
			if _, err := resp.Body.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			_, err := resp.RawBody().Read(make([]byte, 1))
			consumed(t, err)
			for _, err := range resp.RawChunks(0) {
				consumed(t, err)
			}
			if b, err := io.ReadAll(resp.Body); err != nil || len(b) != 1000*len(small)-1 {
				t.Errorf("that must not harm: %d bytes, %v", len(b), err)
			}
		})
		t.Run("A6.9 raw of a buffered response", func(t *testing.T) {
			resp, err := c.Get(ctx, url)
			if err != nil {
				t.Fatal(err)
			}
			_, err = resp.RawBody().Read(make([]byte, 1))
			consumed(t, err)
		})
		t.Run("A6.9 decoding once raw bytes are gone", func(t *testing.T) {
			resp := open(t)
			if _, err := resp.RawBody().Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			_, err := resp.Body.Read(make([]byte, 1))
			consumed(t, err)
			consumed(t, resp.Buffer())
		})
		t.Run("A6.9 raw after Close", func(t *testing.T) {
			resp := open(t)
			resp.Close()
			if _, err := resp.RawBody().Read(make([]byte, 1)); !errors.Is(err, httpx.ErrBodyClosed) {
				t.Error(err)
			}
		})
		t.Run("A6.11 bytes received are those before decoding", func(t *testing.T) {
			resp := open(t)
			before := resp.WireBytes()
			if _, err := resp.Body.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			during := resp.BytesReceived()
			if _, err := io.ReadAll(resp.Body); err != nil || before != 0 || during == 0 || resp.WireBytes() != int64(len(large)) || resp.BytesReceived() != int64(len(large)) {
				t.Errorf("%d, %d, %d of %d, %v", before, during, resp.WireBytes(), len(large), err)
			}
		})
		t.Run("A6.9 without codings raw and Body are one", func(t *testing.T) {
			*send = sent{body: []byte(small)}
			resp := open(t)
			raw, half := resp.RawBody(), make([]byte, 10)
			io.ReadFull(raw, half)
			if b, err := io.ReadAll(resp.Body); err != nil || string(half)+string(b) != small {
				t.Errorf("%q %q %v", half, b, err)
			}
		})
	})
}

func TestAcceptEncoding(t *testing.T) {
	ctx := context.Background()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strings.Join(r.Header["Accept-Encoding"], "|"))
	}))
	defer s.Close()
	nop := func(r io.Reader) (io.ReadCloser, error) { return io.NopCloser(r), nil }
	const def = "gzip, deflate, br, zstd"
	type co = []httpx.ClientOption
	type ro = []httpx.RequestOption
	for _, tt := range []struct {
		name    string
		client  co
		request ro
		want    string
	}{
		{"the default", nil, nil, def},
		{"without default headers", co{httpx.WithoutDefaultHeaders()}, nil, ""},
		{"without that field", co{httpx.WithoutHeader("accept-encoding")}, nil, def}, // there is none yet
		{"a request without that field", nil, ro{httpx.WithoutHeader("accept-encoding")}, ""},
		{"the client's own", co{httpx.WithHeader("Accept-Encoding", "br")}, nil, "br"},
		{"the request's own", nil, ro{httpx.WithHeader("accept-encoding", "zstd;q=0.5")}, "zstd;q=0.5"},
		{"no decoding", co{httpx.WithDecoding(false)}, nil, ""},
		{"no decoding of one response", nil, ro{httpx.WithDecoding(false)}, ""},
		{"decoding again", co{httpx.WithDecoding(false)}, ro{httpx.WithDecoding(true)}, def},
		{"no decoding, and the client's own", co{httpx.WithDecoding(false), httpx.WithHeader("Accept-Encoding", "br")}, nil, "br"},
		{"no decoding, but the request's own before", nil, ro{httpx.WithHeader("Accept-Encoding", "br"), httpx.WithDecoding(false)}, "br"},
		{"one more", co{httpx.WithDecoder("Upper", nop)}, nil, def + ", upper"},
		{"one more for a request, and one less", nil, ro{httpx.WithDecoder("zz", nop), httpx.WithDecoder("aa", nop), httpx.WithDecoder("br", nil)}, "gzip, deflate, zstd, aa, zz"},
		{"one replaced", co{httpx.WithDecoder("gzip", nop)}, nil, def},
		{"a decoder and a field of one's own", co{httpx.WithDecoder("zz", nop), httpx.WithHeader("Accept-Encoding", "zz")}, nil, "zz"},
		{"a range", nil, ro{httpx.WithHeader("Range", "bytes=0-9")}, "identity"},
		{"a range and a field of one's own", nil, ro{httpx.WithHeader("Range", "bytes=0-9"), httpx.WithHeader("Accept-Encoding", "gzip")}, "gzip"},
		{"a range without decoding", co{httpx.WithDecoding(false)}, ro{httpx.WithHeader("Range", "bytes=0-9")}, ""},
	} {
		t.Run("A2.3 "+tt.name, func(t *testing.T) {
			c := newClient(t, tt.client...)
			resp, err := c.Get(ctx, s.URL, tt.request...)
			if err != nil || resp.Text() != tt.want {
				t.Errorf("%q, %v", resp.Text(), err)
			}
			r, err := c.NewRequest("GET", s.URL)
			if err != nil {
				t.Fatal(err)
			}
			if resp, err = c.Send(ctx, r, tt.request...); err != nil || resp.Text() != tt.want {
				t.Errorf("prepared: %q, %v", resp.Text(), err)
			}
		})
	}
	t.Run("A2.3 a derived client", func(t *testing.T) {
		c, err := newClient(t).With(httpx.WithDecoder("br", nil))
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := c.Get(ctx, s.URL); err != nil || resp.Text() != "gzip, deflate, zstd" {
			t.Errorf("%q, %v", resp.Text(), err)
		}
	})
	t.Run("A2.3 a request without a client says what it says", func(t *testing.T) {
		r, err := httpx.NewRequest("GET", s.URL, httpx.WithDecoder("zz", nop))
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := newClient(t).Send(ctx, r); err != nil || resp.Text() != "" {
			t.Errorf("%q, %v", resp.Text(), err)
		}
	})
	for _, name := range []string{"", "identity", "*", "a b", "a,b"} {
		if _, err := httpx.New(httpx.WithDecoder(name, nop)); err == nil || !strings.Contains(err.Error(), "WithDecoder") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// countedDecoder is a decoder of base64 that knows how often it was closed.
type countedDecoder struct {
	io.Reader
	closed *int
}

func (c countedDecoder) Close() error { *c.closed++; return nil }

func TestWithDecoder(t *testing.T) {
	ctx := context.Background()
	encodedOverBoth(t, func(t *testing.T, c *httpx.Client, url string, send *sent) {
		opened, closed := 0, 0
		b64 := httpx.WithDecoder("X-Base64", func(r io.Reader) (io.ReadCloser, error) {
			opened++
			return countedDecoder{base64.NewDecoder(base64.StdEncoding, r), &closed}, nil
		})
		t.Run("A14.1 WithDecoder adds one", func(t *testing.T) {
			*send = sent{coding: "gzip, x-base64", body: []byte(base64.StdEncoding.EncodeToString(byName("gzip").encode(small)))}
			resp, err := c.Get(ctx, url, b64)
			if err != nil || resp.Text() != small || opened != 1 || closed != 1 {
				t.Errorf("%q, %v; opened %d, closed %d", resp.Text(), err, opened, closed)
			}
			resp.Close()
			// The same for a request of no client's, and for an end half-way.
			r, err := httpx.NewRequest("GET", url, b64)
			if err != nil {
				t.Fatal(err)
			}
			resp, err = c.SendStream(ctx, r)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := resp.Body.Read(make([]byte, 1)); err != nil || closed != 1 {
				t.Errorf("%v, closed %d", err, closed)
			}
			resp.Close()
			resp.Close()
			if opened != 2 || closed != 2 || resp.Bytes() != nil {
				t.Errorf("opened %d, closed %d", opened, closed)
			}
		})
		t.Run("A14.1 WithDecoder replaces and removes one", func(t *testing.T) {
			*send = sent{coding: "x-gzip", body: []byte("ab")}
			twice := httpx.WithDecoder("gzip", func(r io.Reader) (io.ReadCloser, error) {
				b, err := io.ReadAll(r)
				return io.NopCloser(strings.NewReader(string(b) + string(b))), err
			})
			if resp, err := c.Get(ctx, url, twice); err != nil || resp.Text() != "abab" {
				t.Error(err)
			}
			if resp, err := c.Get(ctx, url, httpx.WithDecoder("gzip", nil)); err != nil || resp.Text() != "ab" || resp.Uncompressed() {
				t.Error(err)
			}
		})
		for name, f := range map[string]func(io.Reader) (io.ReadCloser, error){
			"fails at once":             func(io.Reader) (io.ReadCloser, error) { return nil, errors.New("no") },
			"returns nothing":           func(io.Reader) (io.ReadCloser, error) { return nil, nil },
			"ends before its input":     func(io.Reader) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("")), nil },
			"finds its input cut":       func(io.Reader) (io.ReadCloser, error) { return nil, io.EOF },
			"makes no progress forever": func(io.Reader) (io.ReadCloser, error) { return io.NopCloser(stuck{}), nil },
		} {
			t.Run("A14.3 a decoder that "+name, func(t *testing.T) {
				*send = sent{coding: "odd", body: []byte("ab")}
				if _, err := c.Get(ctx, url, httpx.WithDecoder("odd", f)); !errors.Is(err, httpx.ErrDecoding) {
					t.Error(err)
				}
			})
		}
		t.Run("A14.1 WithDecoding(false)", func(t *testing.T) {
			*send = sent{coding: "gzip", body: byName("gzip").encode(small)}
			resp, err := c.Get(ctx, url, httpx.WithDecoding(false))
			if err != nil || !bytes.Equal(resp.Bytes(), send.body) || resp.Uncompressed() {
				t.Error(err)
			}
		})
	})
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }
