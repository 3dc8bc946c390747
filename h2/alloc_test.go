//go:build !race

package h2

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"

	"gohttpx.dev/wire"
)

// allocs fails if f allocates more than most times.
func allocs(t *testing.T, what string, most float64, f func()) {
	t.Helper()
	if n := testing.AllocsPerRun(200, f); n > most {
		t.Errorf("%s: %v allocations, want at most %v", what, n, most)
	}
}

func typicalRequest() *wire.Request {
	return &wire.Request{
		Scheme: "https", Authority: "www.example.test", Target: "/api/v1/items?page=2",
		Fields: field("User-Agent", "gohttpx/1.0", "Accept", "*/*", "Accept-Encoding", "gzip, deflate, br, zstd", "Accept-Language", "en",
			"Authorization", "Bearer 0123456789abcdef0123456789abcdef", "X-Team", "blue"),
	}
}

// typicalResponse encodes 10 fields, the last n of them with values that are
// new each time.
func typicalResponse(enc *hpack.Encoder, n, i int) {
	f := field(":status", "200", "server", "nginx/1.29", "content-type", "application/json", "vary", "Accept-Encoding",
		"cache-control", "private, max-age=0", "x-frame-options", "DENY", "strict-transport-security", "max-age=63072000",
		"date", "Sat, 21 Nov 2026 10:22:10 GMT", "content-length", "1024", "etag", "\"5f3c-62a1b0c9d8e7f\"")
	for k := range f {
		if k >= len(f)-n {
			f[k].Value = fmt.Sprint(i*1000 + k)
		}
		enc.WriteField(hpack.HeaderField(f[k]))
	}
}

func TestAllocations(t *testing.T) {
	src := AppendData(nil, 1, make([]byte, 1000), true, 0)
	src = AppendSettings(src, Setting{SettingMaxFrameSize, 1 << 14})
	src = AppendWindowUpdate(src, 0, 5)
	peer := NewPeerSettings()
	allocs(t, "parse and check", 0, func() {
		for p := src; len(p) > 0; {
			f, n, err := ParseFrame(p, 0)
			if n == 0 || err != nil || f.Check() != nil {
				t.Fatal(n, err)
			}
			f.Data()
			f.Increment()
			if f.Type == FrameSettings {
				peer.Apply(f)
			}
			p = p[n:]
		}
	})

	out := make([]byte, 0, 4096)
	block := make([]byte, 0, 4096)
	list := make(wire.Fields, 0, 32)
	r := typicalRequest()
	for _, cfg := range []EncoderConfig{{}, {NoMemo: true}} {
		e := NewFieldEncoder(cfg)
		allocs(t, "request, all indexed", 0, func() {
			var info RequestInfo
			var err error
			list, info, err = AppendRequestFields(list[:0], r, RequestOptions{})
			if err != nil || CheckListSize(info.ListSize, 1<<16) != nil {
				t.Fatal(err)
			}
			block = e.Append(block[:0], list)
			out = AppendHeaders(out[:0], 1, block, HeadersOptions{EndStream: info.EndStream})
		})
	}
	allocs(t, "append", 0, func() {
		out = AppendData(out[:0], 1, src[:100], false, 7)
		out = AppendRSTStream(out, 1, Cancel)
		out = AppendPing(out, [8]byte{}, true)
		out = AppendWindowUpdate(out, 1, 1)
		out = AppendSettings(out, Setting{SettingEnablePush, 0}, Setting{SettingInitialWindowSize, 1 << 20})
		out = AppendGoAway(out, 1, NoError, "")
	})

	// What nginx sends costs what is not remembered: the length.
	d := NewFieldDecoder(DecoderConfig{})
	nginx := []byte("\x20\x88\x76\x05nginx\x61\x1dSat, 21 Nov 2026 10:22:10 GMT\x5f\x0atext/plain\x5c\x041024" +
		"\x6c\x1dSat, 21 Nov 2026 10:22:09 GMT\x00\x04etag\x0e\"6920a1b0-400\"\x00\x0daccept-ranges\x05bytes")
	var res wire.Response
	know := func() {
		d.Begin(ResponseBlock, 1, true, &res)
		if d.Write(nginx) != nil || d.End() != nil || len(res.Fields) != 7 {
			t.Fatal(res)
		}
	}
	for range 3 {
		know()
	}
	allocs(t, "literals that are known", 1, know)

	// hpack makes a string of each literal, and of each new name.
	for _, n := range []int{0, 1, 3} {
		d := NewFieldDecoder(DecoderConfig{})
		var b strings.Builder
		enc := hpack.NewEncoder(&b)
		blocks := make([][]byte, 300)
		for i := range blocks {
			b.Reset()
			typicalResponse(enc, n, i)
			blocks[i] = []byte(b.String())
		}
		var res wire.Response
		next := func() {
			d.Begin(ResponseBlock, 1, true, &res)
			if d.Write(blocks[0]) != nil || d.End() != nil || len(res.Fields) != 9 {
				t.Fatal(res)
			}
			blocks = blocks[1:]
		}
		for range 50 {
			next()
		}
		// A new entry may make the table's maps grow now and then.
		allocs(t, fmt.Sprintf("10 fields with %d literals", n), float64(n)+0.5, next)
	}
}
