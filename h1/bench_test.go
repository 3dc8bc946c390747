//go:build !race

package h1

import (
	"strconv"
	"strings"
	"testing"

	"gohttpx.dev/wire"
)

func BenchmarkResponse(b *testing.B) {
	for _, n := range []int{3, 10, 23} {
		src := headOf(n)
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			var p Parser
			b.ReportAllocs()
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				var r wire.Response
				if _, err := p.Response(src, &r); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(strconv.Itoa(n)+"/reused", func(b *testing.B) {
			var p Parser
			var r wire.Response
			b.ReportAllocs()
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				r.Reset()
				if _, err := p.Response(src, &r); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(strconv.Itoa(n)+"/scan", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if end, _, _ := ScanHead(src, 0); end == 0 {
					b.Fatal("no end")
				}
			}
		})
	}
}

func BenchmarkAppendRequest(b *testing.B) {
	req := wire.Request{
		Method: "GET", Authority: "example.test", Target: "/a/b?c=d",
		Fields: field("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)", "Accept", "*/*", "Accept-Encoding", "gzip, deflate, br, zstd", "Authorization", "Bearer 0123456789abcdef0123456789abcdef"),
	}
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = AppendRequest(buf[:0], &req, 0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkChunkDecoder(b *testing.B) {
	for _, size := range []int{16, 1 << 10, 16 << 10} {
		chunk := AppendChunk(nil, []byte(strings.Repeat("x", size)))
		body, _ := AppendLastChunk([]byte(strings.Repeat(string(chunk), 64<<10/size)), nil)
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			var d ChunkDecoder
			b.ReportAllocs()
			b.SetBytes(64 << 10)
			for b.Loop() {
				d.Reset(Limits{}, 0)
				for rest, done := body, false; !done; {
					_, n, end, err := d.Next(rest)
					if err != nil {
						b.Fatal(err)
					}
					rest, done = rest[n:], end
				}
			}
		})
	}
}
