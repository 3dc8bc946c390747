package httpx_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/peer"
)

// zeros encodes n zero bytes, which each coding shrinks most.
func (c coding) zeros(n int64) []byte {
	var b bytes.Buffer
	w := c.writer(&b)
	io.CopyN(w, zeroReader{}, n)
	w.Close()
	return b.Bytes()
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// bombMemory bounds what a bomb may make the process take from its heap beyond
// what it had: 8 MiB of content before the ratio is looked at, in a buffer that
// grows by doubling, and a window of 16 MiB at most.
const bombMemory = 96 << 20

func TestBombs(t *testing.T) {
	ctx := context.Background()
	size := int64(32 << 20)
	if raceEnabled { // under which encoding takes most of the time
		size = 12 << 20
	}
	br := byName("br").zeros(size)
	bombs := []sent{
		{coding: "gzip", body: byName("gzip").zeros(size)},
		{coding: "deflate", body: byName("deflate").zeros(size)},
		{coding: "br", body: br},
		{coding: "zstd", body: byName("zstd").zeros(size)},
		{coding: "br, gzip", body: byName("gzip").encode(string(br))},
		{coding: "gzip, gzip", body: byName("gzip").encode(string(byName("gzip").zeros(size)))},
		// What comes out of a chain may be small while its middle is huge.
		{coding: "zstd, br", body: byName("br").encode(strings.Repeat("\x5a\x2a\x4d\x18\x04\x00\x00\x00skip", 1<<20))},
	}
	encodedOverBoth(t, func(t *testing.T, c *httpx.Client, url string, send *sent) {
		for _, bomb := range bombs {
			t.Run("A14.4 C35 "+bomb.coding, func(t *testing.T) {
				*send = bomb
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				_, err := c.Get(ctx, url)
				runtime.ReadMemStats(&after)
				if !errors.Is(err, httpx.ErrDecodedTooLarge) || !errors.Is(err, httpx.ErrDecoding) {
					t.Errorf("buffered: %v", err)
				}
				resp, err := c.Stream(ctx, "GET", url)
				if err != nil {
					t.Fatal(err)
				}
				if n, err := io.Copy(io.Discard, resp.Body); !errors.Is(err, httpx.ErrDecodedTooLarge) || n > 32<<20 {
					t.Errorf("streamed: %d bytes, %v", n, err)
				}
				resp.Close()
				if used := int64(after.TotalAlloc - before.TotalAlloc); used > bombMemory && !raceEnabled { // which allocates on its own account
					t.Errorf("%d bytes of memory for a bomb of %d", used, len(bomb.body))
				}
				resp, err = c.Stream(ctx, "GET", url)
				if err != nil {
					t.Fatal(err)
				}
				resp.Close() // decodes nothing
				if n := resp.BytesReceived(); n != 0 {
					t.Errorf("Close has read %d bytes", n)
				}
			})
		}
		t.Run("A14.4 WithMaxDecodeRatio", func(t *testing.T) {
			*send = sent{coding: "gzip", body: byName("gzip").zeros(10 << 20)}
			if _, err := c.Get(ctx, url); !errors.Is(err, httpx.ErrDecodedTooLarge) {
				t.Error(err)
			}
			for _, n := range []int{httpx.Unlimited, 1100} {
				if resp, err := c.Get(ctx, url, httpx.WithMaxDecodeRatio(n)); err != nil || len(resp.Bytes()) != 10<<20 {
					t.Error(n, err)
				}
			}
			*send = sent{coding: "gzip", body: byName("gzip").zeros(8 << 20)}
			if _, err := c.Get(ctx, url, httpx.WithMaxDecodeRatio(1)); err != nil {
				t.Error("the first 8 MiB do not count", err)
			}
		})
		t.Run("A14.4 a bomb of one block is met piece by piece", func(t *testing.T) {
			for _, bomb := range bombs[:4] {
				*send = bomb
				resp, err := c.Stream(ctx, "GET", url)
				if err != nil {
					t.Fatal(err)
				}
				for _, n := range []int{1, 7, 4096} {
					b := bytes.Repeat([]byte{1}, n+1)
					if got, err := resp.Body.Read(b[:n]); err != nil || got < 1 || got > n || b[n] != 1 {
						t.Errorf("%s: %d of %d, %v", bomb.coding, got, n, err)
					}
				}
				resp.Close()
			}
		})
	})
}

func TestMaxResponseBytes(t *testing.T) {
	ctx := context.Background()
	long := strings.Repeat("x", 10_000)
	const limit = 1000
	bounded := httpx.WithMaxResponseBytes(limit)
	encodedOverBoth(t, func(t *testing.T, c *httpx.Client, url string, send *sent) {
		for _, tt := range []struct {
			name  string
			sent  sent
			large bool
			got   int // of a stream
		}{
			{"as much as is allowed", sent{body: []byte(long[:limit])}, false, limit},
			{"as much, of unknown length", sent{body: []byte(long[:limit]), single: true}, false, limit},
			{"one byte more", sent{body: []byte(long[:limit+1])}, true, 0},
			{"one byte more, of unknown length", sent{body: []byte(long[:limit+1]), single: true}, true, limit},
			{"as much when decoded", sent{coding: "gzip", body: byName("gzip").encode(long[:limit])}, false, limit},
			{"one byte more when decoded", sent{coding: "gzip", body: byName("gzip").encode(long[:limit+1])}, true, limit},
			{"much more when decoded", sent{coding: "br", body: byName("br").encode(long)}, true, limit},
			{"more as received than decoded", sent{coding: "gzip", body: bytes.Repeat(byName("gzip").encode(""), 100)}, true, 0},
			{"that, of unknown length", sent{coding: "gzip", body: bytes.Repeat(byName("gzip").encode(""), 60), single: true}, true, 0},
			{"nothing", sent{}, false, 0},
		} {
			t.Run("B14 "+tt.name, func(t *testing.T) {
				*send = tt.sent
				resp, err := c.Get(ctx, url, bounded)
				var e *httpx.Error
				if tt.large && (!errors.Is(err, httpx.ErrResponseTooLarge) || !errors.As(err, &e) || e.Op != "body" || errors.Is(err, httpx.ErrDecoding)) || !tt.large && (err != nil || len(resp.Bytes()) != tt.got) {
					t.Errorf("buffered: %v", err)
				}
				resp, err = c.Stream(ctx, "GET", url, bounded)
				if err != nil {
					t.Fatal(err)
				}
				b, err := io.ReadAll(resp.Body)
				if errors.Is(err, httpx.ErrResponseTooLarge) != tt.large || len(b) != tt.got {
					t.Errorf("streamed: %d bytes, %v", len(b), err)
				}
				if tt.large {
					if n, err := resp.Body.Read(make([]byte, 10)); n != 0 || !errors.Is(err, httpx.ErrResponseTooLarge) {
						t.Errorf("the error stays: %d, %v", n, err)
					}
				}
				resp.Close()
				if _, err := c.Get(ctx, url); err != nil {
					t.Errorf("without a limit: %v", err)
				}
			})
		}
		t.Run("B14 the client's limit, and a request's own", func(t *testing.T) {
			*send = sent{body: []byte(long)}
			c, err := c.With(bounded)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Get(ctx, url); !errors.Is(err, httpx.ErrResponseTooLarge) {
				t.Error(err)
			}
			for _, n := range []int64{httpx.Unlimited, 0, 10_000} {
				if _, err := c.Get(ctx, url, httpx.WithMaxResponseBytes(n)); err != nil {
					t.Error(n, err)
				}
			}
		})
		t.Run("B14 RawBody has the limit as well", func(t *testing.T) {
			*send = sent{coding: "gzip", body: bytes.Repeat(byName("gzip").encode(""), 100), single: true}
			resp, err := c.Stream(ctx, "GET", url, bounded)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Close()
			if b, err := io.ReadAll(resp.RawBody()); len(b) != limit || !errors.Is(err, httpx.ErrResponseTooLarge) {
				t.Errorf("%d bytes, %v", len(b), err)
			}
		})
	})
	t.Run("B14 1 GiB by default, for what is buffered", func(t *testing.T) {
		s := peer.Listen(t, func(nc net.Conn) {
			p := peer.Over(t, nc)
			p.WantRequest("GET / HTTP/1.1", "")
			p.Send("HTTP/1.1 200 OK\r\nContent-Length: 1073741825\r\n\r\nbegin")
			io.Copy(io.Discard, nc) // until the client has had enough
		})
		c, url := newClient(t), "http://"+s.Addr+"/"
		if _, err := c.Get(ctx, url); !errors.Is(err, httpx.ErrResponseTooLarge) {
			t.Error(err)
		}
		resp, err := c.Stream(ctx, "GET", url)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Close()
		if n, err := resp.Body.Read(make([]byte, 5)); n == 0 || err != nil {
			t.Errorf("a stream has no limit: %v", err)
		}
		if err := resp.Buffer(); !errors.Is(err, httpx.ErrResponseTooLarge) {
			t.Errorf("but Buffer has: %v", err)
		}
	})
}

// Close may come at any moment of a Read, and what decodes goes back once.
func TestCloseBesideDecode(t *testing.T) {
	large := strings.Repeat("0123456789 some text, and then some more; ", 5_000)
	encodedOverBoth(t, func(t *testing.T, c *httpx.Client, url string, send *sent) {
		for _, enc := range codings {
			*send = sent{coding: enc.name, body: enc.encode(large)}
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					for range 10 {
						resp, err := c.Stream(context.Background(), "GET", url)
						if err != nil {
							t.Error(err)
							return
						}
						var both sync.WaitGroup
						both.Go(func() { resp.Close() })
						both.Go(func() {
							b, err := io.ReadAll(resp.Body)
							if !strings.HasPrefix(large, string(b)) || err == nil && len(b) != len(large) && len(b) != 0 || err != nil && !errors.Is(err, httpx.ErrBodyClosed) {
								t.Errorf("%s: %d bytes, %v", enc.name, len(b), err)
							}
						})
						both.Wait()
						if resp, err = c.Get(context.Background(), url); err != nil || resp.Text() != large {
							t.Errorf("%s: the next one: %v", enc.name, err)
						}
					}
				})
			}
			wg.Wait()
		}
	})
}

// given is a transport that answers with a body of its own.
type given struct {
	header httpx.Header
	body   io.ReadCloser
}

func (g given) RoundTrip(ctx context.Context, r *httpx.Request) (*httpx.Response, error) {
	return &httpx.Response{StatusCode: 200, Header: g.header.Clone(), Body: g.body}, nil
}

type closedOnce struct {
	io.Reader
	closed int
}

func (c *closedOnce) Close() error { c.closed++; return nil }

func TestDecodeAnotherTransportsBody(t *testing.T) {
	ctx := context.Background()
	for _, enc := range codings {
		t.Run("A14.1 "+enc.name+enc.oddity, func(t *testing.T) {
			var h httpx.Header
			h.Set("Content-Encoding", enc.name)
			whole := enc.encode(small)
			body := &closedOnce{Reader: bytes.NewReader(whole)}
			resp, err := newClient(t, httpx.WithTransport(given{h, body})).Get(ctx, "http://e.test/")
			if err != nil || resp.Text() != small || !resp.Uncompressed() || resp.BytesReceived() != int64(len(whole)) {
				t.Errorf("%v", err)
			}
			body = &closedOnce{Reader: bytes.NewReader(whole[:len(whole)-1])}
			_, err = newClient(t, httpx.WithTransport(given{h, body})).Get(ctx, "http://e.test/")
			if !errors.Is(err, io.ErrUnexpectedEOF) || !errors.Is(err, httpx.ErrDecoding) || body.closed == 0 {
				t.Errorf("cut: %v", err)
			}
			// An error of the transport's is not one of decoding.
			lost := errors.New("the line is dead")
			body = &closedOnce{Reader: io.MultiReader(bytes.NewReader(whole[:len(whole)-1]), errorReader{lost})}
			_, err = newClient(t, httpx.WithTransport(given{h, body})).Get(ctx, "http://e.test/")
			if !errors.Is(err, lost) || errors.Is(err, httpx.ErrDecoding) {
				t.Errorf("lost: %v", err)
			}
			body = &closedOnce{Reader: bytes.NewReader(whole)}
			resp, err = newClient(t, httpx.WithTransport(given{h, body})).Stream(ctx, "GET", "http://e.test/")
			if err != nil {
				t.Fatal(err)
			}
			resp.Close()
			if _, err := resp.Body.Read(make([]byte, 1)); !errors.Is(err, httpx.ErrBodyClosed) || body.closed == 0 {
				t.Errorf("Read after Close: %v", err)
			}
		})
	}
}

type errorReader struct{ err error }

func (e errorReader) Read([]byte) (int, error) { return 0, e.err }

// A connection that breaks within an encoded body is lost, not badly encoded.
func TestDecodeLostConnection(t *testing.T) {
	for _, enc := range codings {
		t.Run("A14.3 "+enc.name+enc.oddity, func(t *testing.T) {
			body := enc.encode(small)
			s := peer.Listen(t, func(nc net.Conn) {
				p := peer.Over(t, nc)
				p.WantRequest("GET / HTTP/1.1", "")
				p.Send("HTTP/1.1 200 OK\r\nContent-Encoding: "+enc.name+"\r\nContent-Length: 1000\r\n\r\n", string(body[:len(body)/2]))
				p.Close()
			})
			_, err := newClient(t).Get(context.Background(), "http://"+s.Addr+"/")
			if err == nil || errors.Is(err, httpx.ErrDecoding) || !errors.Is(err, httpx.ErrTransport) {
				t.Error(err)
			}
		})
	}
}

// The budget of a buffered GET whose content is encoded: that of a plain one, one
// object for the decoding, and the content's own growth.
func TestDecodeAllocations(t *testing.T) {
	text := strings.Repeat(small, 30)
	for enc, most := range map[string]float64{"gzip": 11, "deflate": 11, "br": 14, "zstd": 11} {
		body := byName(enc).encode(text)
		answer := slices.Concat([]byte("HTTP/1.1 200 OK\r\nContent-Encoding: "+enc+"\r\nTransfer-Encoding: chunked\r\n\r\n"), chunked(body))
		s := peer.Listen(t, func(nc net.Conn) {
			buf := make([]byte, 4096)
			for {
				if _, err := nc.Read(buf); err != nil {
					return
				}
				if _, err := nc.Write(answer); err != nil {
					return
				}
			}
		})
		c, url := newClient(t), "http://"+s.Addr+"/"
		run := func() {
			if resp, err := c.Get(context.Background(), url); err != nil || len(resp.Bytes()) != len(text) {
				t.Fatal(err)
			}
		}
		run()
		n := testing.AllocsPerRun(200, run)
		t.Logf("%s: %v allocations", enc, n)
		if n > most && !raceEnabled {
			t.Errorf("%s: %v allocations, at most %v are allowed", enc, n, most)
		}
	}
}

func chunked(b []byte) []byte {
	const hex = "0123456789abcdef"
	n := len(b)
	return slices.Concat([]byte{hex[n>>12&15], hex[n>>8&15], hex[n>>4&15], hex[n&15]}, []byte("\r\n"), b, []byte("\r\n0\r\n\r\n"))
}
