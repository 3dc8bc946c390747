package h2

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"

	"gohttpx.dev/wire"
)

func BenchmarkEncodeRequest(b *testing.B) {
	for _, bm := range []struct {
		name  string
		cfg   EncoderConfig
		paths int
	}{{"same", EncoderConfig{}, 1}, {"same/no memo", EncoderConfig{NoMemo: true}, 1}, {"paths", EncoderConfig{}, 1000}, {"paths/no memo", EncoderConfig{NoMemo: true}, 1000}} {
		b.Run(bm.name, func(b *testing.B) {
			e := NewFieldEncoder(bm.cfg)
			r := &wire.Request{
				Scheme: "https", Authority: "www.example.test",
				Fields: field("User-Agent", "gohttpx/1.0", "Accept", "*/*", "Accept-Encoding", "gzip, deflate, br, zstd", "Accept-Language", "en", "X-Team", "blue"),
			}
			paths := make([]string, bm.paths)
			for i := range paths {
				paths[i] = fmt.Sprintf("/api/v1/items/%d", i)
			}
			var list wire.Fields
			var block []byte
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				r.Target = paths[i%len(paths)]
				list, _, _ = AppendRequestFields(list[:0], r, RequestOptions{})
				block = e.Append(block[:0], list)
			}
		})
	}
}

func BenchmarkDecodeResponse(b *testing.B) {
	var s strings.Builder
	enc := hpack.NewEncoder(&s)
	f := field(":status", "200", "server", "nginx/1.29", "content-type", "application/json", "vary", "Accept-Encoding",
		"cache-control", "private, max-age=0", "x-frame-options", "DENY", "strict-transport-security", "max-age=63072000",
		"date", "Sat, 21 Nov 2026 10:22:10 GMT", "content-length", "1024", "etag", "\"5f3c-62a1b0c9d8e7f\"")
	d := NewFieldDecoder(DecoderConfig{})
	var res wire.Response
	decode := func() {
		d.Begin(ResponseBlock, 1, true, &res)
		d.Write([]byte(s.String()))
		d.End()
	}
	for range 2 {
		s.Reset()
		for i := range f {
			enc.WriteField(hpack.HeaderField(f[i]))
		}
		decode()
	}
	src := []byte(s.String())
	b.ReportAllocs()
	for b.Loop() {
		d.Begin(ResponseBlock, 1, true, &res)
		if d.Write(src) != nil || d.End() != nil {
			b.Fatal("not decoded")
		}
	}
}
