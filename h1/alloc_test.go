//go:build !race

package h1

import (
	"strconv"
	"strings"
	"testing"

	"gohttpx.dev/wire"
)

// headOf returns a head with n fields as servers send them.
func headOf(n int) []byte {
	lines := []string{
		"Content-Type: text/html; charset=utf-8", "Content-Length: 1024", "Date: Sat, 21 Nov 2026 10:22:10 GMT",
		"Server: nginx/1.29.1", "Connection: keep-alive", "Cache-Control: private, max-age=0, must-revalidate",
		"ETag: \"5f3c-62a1b0c9d8e7f\"", "Last-Modified: Fri, 20 Nov 2026 08:00:00 GMT", "Vary: Accept-Encoding, Origin",
		"Strict-Transport-Security: max-age=63072000; includeSubDomains; preload", "X-Content-Type-Options: nosniff",
		"X-Frame-Options: SAMEORIGIN", "X-Request-Id: 8d7b2d0e-6a3f-4a87-9a1b-0f3c2e1d4b5a",
		"Set-Cookie: session=0123456789abcdef0123456789abcdef; Path=/; Secure; HttpOnly; SameSite=Lax",
		"Content-Security-Policy: default-src 'self'; script-src 'self' https://cdn.example.test; img-src * data:",
		"Referrer-Policy: strict-origin-when-cross-origin", "Accept-Ranges: bytes", "Age: 17", "Via: 1.1 edge-17.example.test",
		"X-Cache: HIT", "Alt-Svc: h3=\":443\"; ma=86400", "Access-Control-Allow-Origin: *", "Server-Timing: cdn-cache; desc=HIT, edge; dur=1",
	}
	var b strings.Builder
	b.WriteString("HTTP/1.1 200 OK\r\n")
	for i := range n {
		if i < len(lines) {
			b.WriteString(lines[i] + "\r\n")
		} else {
			b.WriteString("X-Field-" + strconv.Itoa(i) + ": value\r\n")
		}
	}
	return []byte(b.String() + "\r\n")
}

// allocs fails if f allocates more than most times.
func allocs(t *testing.T, what string, most float64, f func()) {
	t.Helper()
	if n := testing.AllocsPerRun(200, f); n > most {
		t.Errorf("%s: %v allocations, want at most %v", what, n, most)
	}
}

// The budgets of the codec: one string for a head, one array for its fields, and
// nothing at all for the rest.
func TestAllocations(t *testing.T) {
	for _, n := range []int{0, 3, 10, 23, 32} {
		src := headOf(n)
		var p Parser
		var reused wire.Response
		allocs(t, "head into a reused response", 1, func() {
			reused.Reset()
			if _, err := p.Response(src, &reused); err != nil {
				t.Error(err)
			}
		})
		allocs(t, "head into a new response", 2, func() {
			var r wire.Response
			if _, err := ParseResponse(src, &r, 0); err != nil {
				t.Error(err)
			}
		})
		allocs(t, "scan, framing and keep-alive", 0, func() {
			end, _, _ := ScanHead(src, 0)
			if end != len(src) {
				t.Error(end)
			}
			BodyFraming("GET", &reused, 0)
			KeepAlive(&reused, false)
		})
	}
	big := headOf(100)
	var p Parser
	var reused wire.Response
	allocs(t, "head of 100 fields", 2, func() {
		reused.Reset()
		if _, err := p.Response(big, &reused); err != nil {
			t.Error(err)
		}
	})

	req := wire.Request{
		Method: "POST", Authority: "example.test", Target: "/a/b?c=d", BodyLen: 1024, Body: noBody,
		Fields: field("User-Agent", "x", "Accept", "*/*", "Content-Type", "text/plain", "TE", "trailers"),
	}
	buf := make([]byte, 0, 4096)
	allocs(t, "request", 0, func() {
		var err error
		if buf, err = AppendRequest(buf[:0], &req, 0); err != nil {
			t.Error(err)
		}
		RequestFraming(&req)
		ExpectsContinue(&req)
	})

	body := []byte("400;a=\"b\"\r\n" + strings.Repeat("x", 1024) + "\r\n0\r\n\r\n")
	var d ChunkDecoder
	allocs(t, "chunked body", 0, func() {
		d.Reset(Limits{}, 0)
		for rest, done := body, false; !done; {
			_, n, end, err := d.Next(rest)
			if err != nil {
				t.Fatal(err)
			}
			rest, done = rest[n:], end
		}
	})
	allocs(t, "empty trailer section", 0, func() {
		if _, n, err := p.Trailers([]byte("\r\n"), nil); n != 2 || err != nil {
			t.Error(n, err)
		}
	})
	allocs(t, "chunks out", 0, func() {
		buf = AppendChunk(buf[:0], body[:1024])
		buf, _ = AppendLastChunk(buf, nil)
	})
}
