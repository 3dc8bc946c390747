package httpx_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/peer"
)

// What hostile servers do with content codings. TestBombs, TestDecodeChains and
// the tests of what is cut have the most of it; here is the rest.

// A response that nobody reads, since the client itself goes on to another
// request, is not decoded: a bomb there costs its bytes on the wire, and of those
// no more than a drain may have.
func TestThreatsUnreadBombs(t *testing.T) {
	const size = 32 << 20
	noise := make([]byte, 4<<20) // a bomb that is large already, for the drain
	rand.NewChaCha8([32]byte{}).Read(noise)
	for name, bomb := range map[string]sent{
		"gzip":       {coding: "gzip", body: byName("gzip").zeros(size)},
		"br":         {coding: "br", body: byName("br").zeros(size)},
		"zstd":       {coding: "zstd", body: byName("zstd").zeros(size)},
		"large gzip": {coding: "gzip", body: byName("gzip").encode(string(noise))},
	} {
		for _, tt := range []struct {
			name         string
			status       int
			field, value string
			opt          httpx.RequestOption
		}{
			{"a redirect", 302, "Location", "/next", httpx.WithFollowRedirects(true)},
			{"a challenge", 401, "WWW-Authenticate", `Digest realm="r", nonce="n", qop="auth"`, httpx.WithAuth(httpx.DigestAuth("u", "p"))},
			{"a failure that is retried", 503, "X", "y", httpx.WithRetry(httpx.Retry{Attempts: 2, MinWait: 1})},
		} {
			t.Run(name+" as the body of "+tt.name, func(t *testing.T) {
				var asked atomic.Int32
				s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
					if asked.Add(1) > 1 {
						io.WriteString(rw, "good")
						return
					}
					rw.Header().Set("Content-Encoding", bomb.coding)
					rw.Header().Set(tt.field, tt.value)
					rw.WriteHeader(tt.status)
					rw.(http.Flusher).Flush() // chunks
					rw.Write(bomb.body)
				}))
				defer s.Close()
				var read atomic.Int64
				c := newClient(t, countReads(&read))
				heap := allocated(func() {
					if resp, err := c.Get(t.Context(), s.URL, tt.opt); err != nil || resp.Text() != "good" || asked.Load() != 2 {
						t.Errorf("%v %v", resp, err)
					}
				})
				if n := read.Load(); n > 256*kib+readAhead {
					t.Errorf("%d bytes were read", n)
				}
				if heap > 1024*kib && !raceEnabled {
					t.Errorf("%d bytes of memory: the bomb of %d went off", heap, len(bomb.body))
				}
			})
		}
	}
}

// A decoder takes what it needs for what has come, not what a header asks for.
func TestThreatsDecoders(t *testing.T) {
	zstdFrame := func(descriptor byte, rest ...byte) []byte {
		return append([]byte{0x28, 0xb5, 0x2f, 0xfd, descriptor}, rest...)
	}
	gzipHead := func(flags byte, rest string) []byte {
		return append([]byte{0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 255}, rest...)
	}
	empty := byName("gzip").encode("")
	for _, tt := range []struct {
		name, coding string
		body         []byte
		heap         int64
	}{
		{"zstd: a window of 3.75 TiB", "zstd", zstdFrame(0, 0xff, 0x01, 0, 0, 'x'), 2048 * kib},
		{"zstd: a window of 16 MiB", "zstd", zstdFrame(0, 14<<3, 0x01, 0, 0, 'x'), 2048 * kib},
		{"zstd: a single segment of 2^60 bytes", "zstd", zstdFrame(0xe0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0x01, 0, 0, 'x'), 2048 * kib},
		{"zstd: a dictionary", "zstd", zstdFrame(0x23, 1, 2, 3, 4, 1, 0x09, 0, 0, 'x'), 2048 * kib},
		{"zstd: a skippable frame of 4 GiB", "zstd", []byte("\x50\x2a\x4d\x18\xff\xff\xff\xffxxx"), 2048 * kib},
		{"br: a window of 1 GiB", "br", []byte{0x11, 0x1e, 0, 0, 0, 0, 0, 0}, 2048 * kib},
		{"br: metadata of 16 MiB", "br", []byte{0x6c, 0xff, 0xff, 0xff, 'x'}, 2048 * kib},
		{"gzip: a file name without end", "gzip", gzipHead(8, strings.Repeat("x", 100*kib)), 2048 * kib},
		{"gzip: a comment without end", "gzip", gzipHead(16, strings.Repeat("x", 100*kib)), 2048 * kib},
		{"gzip: an extra field that is cut", "gzip", gzipHead(4, "\xff\xffxxx"), 2048 * kib},
		{"gzip: 50,000 empty members and half of one", "gzip", append(bytes.Repeat(empty, 50_000), empty[:12]...), 5 * 1150 * kib},
		{"deflate: a preset dictionary", "deflate", []byte{0x78, 0x20 | 0x1b, 0, 0, 0, 1, 'x'}, 2048 * kib},
		{"gzip: the wrong length in the footer", "gzip", func() []byte {
			b := byName("gzip").encode(small)
			binary.LittleEndian.PutUint32(b[len(b)-4:], 1)
			return b
		}(), 2048 * kib},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := peer.Listen(t, func(nc net.Conn) {
				p := peer.Over(t, nc)
				p.WantRequest("", "a request")
				p.Respond("200 OK", string(tt.body), "Content-Encoding: "+tt.coding)
			})
			c := newClient(t)
			if warm, err := c.Get(t.Context(), "http://"+s.Addr+"/"); !errors.Is(err, httpx.ErrDecoding) { // fills the pools of decoders
				t.Fatalf("%v %v", warm, err)
			}
			var err error
			heap := allocated(func() { _, err = c.Get(t.Context(), "http://"+s.Addr+"/") })
			if !errors.Is(err, httpx.ErrDecoding) {
				t.Errorf("%v", err)
			}
			if heap > tt.heap && !raceEnabled {
				t.Errorf("%d bytes of memory for a body of %d", heap, len(tt.body))
			}
		})
	}

	t.Run("decoders that are left half-way leave nothing", func(t *testing.T) {
		encodedOverBoth(t, func(t *testing.T, c *httpx.Client, url string, send *sent) {
			for _, enc := range codings {
				*send = sent{coding: enc.name, body: enc.encode(strings.Repeat(small, 20_000))}
				leave := func() {
					resp, err := c.Stream(t.Context(), "GET", url, httpx.WithMaxDecodeRatio(httpx.Unlimited))
					if err != nil {
						t.Fatal(err)
					}
					if _, err := io.ReadFull(resp.Body, make([]byte, 1000)); err != nil {
						t.Errorf("%s: %v", enc.name, err)
					}
					resp.Close()
				}
				leave()
				waitForIdle(c)
				before := runtime.NumGoroutine()
				for range 50 {
					leave()
				}
				for since := time.Now(); runtime.NumGoroutine() > before+10 && time.Since(since) < 30*time.Second; { // those of the server
					runtime.Gosched()
				}
				if n := runtime.NumGoroutine(); n > before+10 {
					t.Errorf("%s: %d goroutines, %d before", enc.name, n, before)
				}
			}
		})
	})
}
