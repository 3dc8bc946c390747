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
	fields := field(":status", "200", "server", "nginx/1.29", "content-type", "application/json", "vary", "Accept-Encoding",
		"cache-control", "private, max-age=0", "x-frame-options", "DENY", "strict-transport-security", "max-age=63072000",
		"date", "Sat, 21 Nov 2026 10:22:10 GMT", "content-length", "1024", "etag", "\"5f3c-62a1b0c9d8e7f\"")
	var s strings.Builder
	enc := hpack.NewEncoder(&s)
	// Literals in Huffman code whose values are the i-th: no two are alike.
	literals := func(first byte, i, n int) []byte {
		src := []byte{0x88}
		for k := range n {
			f := fields[1+k%(len(fields)-1)]
			if i > 0 {
				f.Value = fmt.Sprintf("%07d%.*s", i, max(len(f.Value)-7, 0), f.Value)
			}
			src = append(src, first)
			for _, text := range []string{f.Name, f.Value} {
				src = hpack.AppendHuffmanString(appendLength(src, 0x80, hpack.HuffmanEncodeLength(text)), text)
			}
		}
		return src
	}
	for _, bm := range []struct {
		name   string
		blocks int
		block  func(i int) []byte
	}{
		{"indexed", 3, func(int) []byte {
			s.Reset()
			for _, f := range fields {
				enc.WriteField(hpack.HeaderField(f))
			}
			return []byte(s.String())
		}},
		{"literals", 3, func(i int) []byte { return literals(0, 0, 9) }},
		{"literals, table of size 0", 3, func(i int) []byte { return append([]byte{0x20}, literals(0x40, 0, 9)...) }},
		{"literals, new", 4000, func(i int) []byte { return literals(0, i+1, 9) }},
		{"literals, new, table of size 0", 4000, func(i int) []byte { return append([]byte{0x20}, literals(0x40, i+1, 9)...) }},
		{"literals, new, into the table", 4000, func(i int) []byte { return literals(0x40, i+1, 9) }},
		{"literals, each twice", 4000, func(i int) []byte { return literals(0, i/2+1, 9) }},
		{"literals, 100 new", 1000, func(i int) []byte { return literals(0, i+1, 100) }},
		{"literals, 100 new, table of size 0", 1000, func(i int) []byte { return append([]byte{0x20}, literals(0x40, i+1, 100)...) }},
	} {
		b.Run(bm.name, func(b *testing.B) {
			d := NewFieldDecoder(DecoderConfig{})
			var res wire.Response
			decode := func(src []byte) {
				d.Begin(ResponseBlock, 1, true, &res)
				if d.write(src, true) != nil || d.End() != nil {
					b.Fatal("not decoded")
				}
			}
			var blocks [][]byte
			for i := range bm.blocks {
				blocks = append(blocks, bm.block(i))
			}
			if bm.blocks == 3 { // what fills the tables, and what is then sent
				decode(blocks[0])
				decode(blocks[1])
				blocks = blocks[2:]
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				decode(blocks[i%len(blocks)])
			}
		})
	}
}
