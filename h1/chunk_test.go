package h1

import (
	"errors"
	"strings"
	"testing"

	"gohttpx.dev/wire"
)

func TestChunkDecoder(t *testing.T) {
	good := func(data, src string, nv ...string) chunked {
		c := chunked{Data: data, N: len(src)}
		for i := 0; i < len(nv); i += 2 {
			c.Trailers.Add(nv[i], nv[i+1])
		}
		return c
	}
	odd := func(a wire.Anomalies, data, src string, nv ...string) chunked {
		c := good(data, src, nv...)
		c.Anomalies = a
		return c
	}
	const end = "0\r\n\r\n"
	const lf, sp = wire.ChunkLF, wire.ChunkSpace
	tests := []struct {
		name  string
		src   string
		rules Rules
		want  chunked
	}{
		{"nothing", end, Strict, good("", end)},
		{"one chunk", "5\r\nhello\r\n" + end, Strict, good("hello", "5\r\nhello\r\n"+end)},
		{"three chunks", "1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n" + end, 0, good("abcdef", "1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n"+end)},
		{"digits of either case", "a\r\n0123456789\r\nB\r\n0123456789x\r\n" + end, 0, good("01234567890123456789x", "a\r\n0123456789\r\nB\r\n0123456789x\r\n"+end)},
		{"CRLF as data", "2\r\n\r\n\r\n" + end, 0, good("\r\n", "2\r\n\r\n\r\n"+end)},
		{"data looks like an end", "5\r\n" + end + "\r\n" + end, 0, good(end, "5\r\n"+end+"\r\n"+end)},
		{"zeros in front", "0000000000000001\r\na\r\n000\r\n\r\n", 0, good("a", "0000000000000001\r\na\r\n000\r\n\r\n")},
		{"seventeen digits", "00000000000000001\r\na\r\n" + end, 0, chunked{Err: ruleChunkRange}},
		{"2^63", "8000000000000000\r\n", 0, chunked{Err: ruleChunkRange}},
		{"2^64", "10000000000000000\r\n", 0, chunked{Err: ruleChunkRange}},
		{"2^64 + 1", "10000000000000001\r\na\r\n" + end, 0, chunked{Err: ruleChunkRange}},
		{"ffffffffffffffff", "ffffffffffffffff\r\n", 0, chunked{Err: ruleChunkRange}},
		{"trailers", "1\r\na\r\n0\r\nx: y\r\nX:\tz \r\n\r\n", Strict, good("a", "1\r\na\r\n0\r\nx: y\r\nX:\tz \r\n\r\n", "x", "y", "X", "z")},
		{"framing in trailers stays there", "0\r\nContent-Length: 5\r\n\r\n", 0, good("", "0\r\nContent-Length: 5\r\n\r\n", "Content-Length", "5")},
		{"malformed trailer", "0\r\nx y\r\n\r\n", 0, chunked{Err: ruleColon}},
		{"trailer begins with a space", "0\r\n x: y\r\n\r\n", 0, chunked{Err: ruleFirst}},
		{"bare LF in trailers", "0\r\nx: y\n\r\n", 0, chunked{Err: ruleLine}},
		{"bare LF for the empty line", "0\r\n\n", 0, chunked{Err: ruleLine}},
		{"bare LF in trailers, allowed", "0\r\nx: y\n\n", AllowChunkLF, odd(lf, "", "0\r\nx: y\n\n", "x", "y")},

		{"name", "1;a\r\nx\r\n" + end, Strict, good("x", "1;a\r\nx\r\n"+end)},
		{"name and value", "1;a=b;c=d\r\nx\r\n0;e=f\r\n\r\n", Strict, good("x", "1;a=b;c=d\r\nx\r\n0;e=f\r\n\r\n")},
		{"bad whitespace", "1 \t; a = b ; c\t= \"d\" ;e\r\nx\r\n" + end, Strict, good("x", "1 \t; a = b ; c\t= \"d\" ;e\r\nx\r\n"+end)},
		{"quoted value", "1;a=\"b;\\\"c\\\\\"\r\nx\r\n" + end, Strict, good("x", "1;a=\"b;\\\"c\\\\\"\r\nx\r\n"+end)},
		{"quoted value then name", "1;a=\"\";b\r\nx\r\n" + end, Strict, good("x", "1;a=\"\";b\r\nx\r\n"+end)},
		{"CRLF in a quoted value", "1;a=\"\r\nx\r\n0\r\n\r\n\"\r\nx\r\n" + end, AllowChunkLF, chunked{Err: ruleChunkExt}},
		{"LF in a quoted value", "1;a=\"\nx\"\r\nx\r\n" + end, AllowChunkLF, chunked{Err: ruleChunkExt}},
		{"escaped CR in a quoted value", "1;a=\"\\\rx\"\r\nx\r\n" + end, AllowChunkLF, chunked{Err: ruleChunkExt}},
		{"NUL in a quoted value", "1;a=\"\x00\"\r\nx\r\n" + end, 0, chunked{Err: ruleChunkExt}},
		{"no name", "1;\r\nx\r\n" + end, 0, chunked{Err: ruleChunkExt}},
		{"no value", "1;a=\r\nx\r\n" + end, 0, chunked{Err: ruleChunkExt}},
		{"no semicolon", "1 a\r\nx\r\n" + end, AllowChunkSpace, chunked{Err: ruleChunkLine}},
		{"text after a quoted value", "1;a=\"b\"c\r\nx\r\n" + end, 0, chunked{Err: ruleChunkExt}},
		{"bad byte in a name", "1;a(\r\nx\r\n" + end, 0, chunked{Err: ruleChunkExt}},
		{"CR inside", "1;a\rb\r\nx\r\n" + end, AllowChunkLF, chunked{Err: ruleChunkLine}},
		{"LF inside", "1;a\nb\r\nx\r\n" + end, 0, chunked{Err: ruleChunkExt}},
		{"two CR", "1\r\r\nx\r\n" + end, AllowChunkLF, chunked{Err: ruleChunkLine}},

		{"space before CRLF", "1 \r\nx\r\n" + end, 0, chunked{Err: ruleChunkLine}},
		{"space before CRLF, allowed", "1 \t \r\nx\r\n0 \r\n\r\n", AllowChunkSpace, odd(sp, "x", "1 \t \r\nx\r\n0 \r\n\r\n")},
		{"space after an extension, allowed", "1;a \r\nx\r\n0;a=\"b\" \r\n\r\n", AllowChunkSpace, odd(sp, "x", "1;a \r\nx\r\n0;a=\"b\" \r\n\r\n")},
		{"space after an extension", "1;a \r\nx\r\n" + end, 0, chunked{Err: ruleChunkLine}},
		{"space before the size", " 1\r\nx\r\n" + end, AllowChunkSpace, chunked{Err: ruleChunkSize}},
		{"bare LF after the size", "1\nx\r\n" + end, 0, chunked{Err: ruleChunkLine}},
		{"bare LF after the data", "1\r\nx\n" + end, 0, chunked{Data: "x", Err: ruleChunkData}},
		{"bare LF everywhere, allowed", "1\nx\n2;a=b\nyz\n0\n\n", AllowChunkLF, odd(lf, "xyz", "1\nx\n2;a=b\nyz\n0\n\n")},
		{"CR and another byte after the data", "1\r\nx\r0\r\n\r\n", AllowChunkLF, chunked{Data: "x", Err: ruleChunkData}},
		{"two other bytes after the data", "1\r\nxyz0\r\n\r\n", AllowChunkLF, chunked{Data: "x", Err: ruleChunkData}},
		{"data longer than its size", "1\r\nxy\r\n" + end, 0, chunked{Data: "x", Err: ruleChunkData}},
		{"no size", "\r\nx\r\n" + end, AllowChunkLF, chunked{Err: ruleChunkSize}},
		{"negative size", "-1\r\nx\r\n" + end, 0, chunked{Err: ruleChunkSize}},
		{"0x in front", "0x1\r\nx\r\n" + end, 0, chunked{Err: ruleChunkLine}},
		{"a letter that is no digit", "g\r\nx\r\n" + end, 0, chunked{Err: ruleChunkSize}},
		{"underscore", "1_0\r\nx\r\n" + end, 0, chunked{Err: ruleChunkLine}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			everyWay(t, tt.src, tt.want, decode(tt.rules, Limits{}))
		})
	}
}

// A body that is cut anywhere is neither an error nor done.
func TestChunkedCut(t *testing.T) {
	const src = "5;a=\"b\\\"\";c = d\r\nhello\r\n1\r\n!\r\n0\r\nx: y\r\n\r\n"
	for i := range len(src) {
		got := decode(0, Limits{})([]byte(src[:i]))
		if got.Err != "" || got.N != 0 || !strings.HasPrefix("hello!", got.Data) {
			t.Errorf("%q: %+v", src[:i], got)
		}
	}
}

func TestChunkExtensionLimits(t *testing.T) {
	limits := Limits{ChunkExtBytes: 100}
	ext := ";" + strings.Repeat("a", 99)
	run := func(src string) string { return decode(0, limits)([]byte(src)).Err }
	if err := run("1" + ext + "\r\nx\r\n0\r\n\r\n"); err != "" {
		t.Errorf("100 bytes in a line: %s", err)
	}
	if err := run("1" + ext + "a\r\nx\r\n0\r\n\r\n"); err != ruleExtLine {
		t.Errorf("101 bytes in a line: %s", err)
	}
	if err := run("1;a=\"" + strings.Repeat("b", 96) + "\"\r\n"); err != ruleExtLine {
		t.Errorf("101 bytes in a line, quoted: %s", err)
	}
	// Four lines of 100 bytes around one byte of data each leave four spare.
	line := "1" + ext + "\r\nx\r\n"
	if err := run(strings.Repeat(line, 4) + "1;aaa\r\nx\r\n0\r\n\r\n"); err != "" {
		t.Errorf("404 bytes: %s", err)
	}
	if err := run(strings.Repeat(line, 4) + "1;aaaa\r\nx\r\n0\r\n\r\n"); err != ruleExtTotal {
		t.Errorf("405 bytes: %s", err)
	}
	// Extensions that data outweighs may go on for ever.
	if err := run(strings.Repeat("64"+ext+"\r\n"+strings.Repeat("x", 100)+"\r\n", 100) + "0\r\n\r\n"); err != "" {
		t.Errorf("extensions beside as much data: %s", err)
	}
}

func TestChunkDecoderErrorLasts(t *testing.T) {
	var d ChunkDecoder
	if data, n, _, err := d.Next([]byte("3\r\nabc")); string(data) != "abc" || n != 6 || err != nil {
		t.Fatalf("%q %d %v", data, n, err)
	}
	_, _, _, err := d.Next([]byte("\r\nx"))
	var p *ParseError
	if !errors.As(err, &p) || p.Offset != 8 || p.Rule != ruleChunkSize {
		t.Fatalf("error: %v", err)
	}
	if _, n, done, again := d.Next([]byte("0\r\n")); again != err || n != 0 || done {
		t.Errorf("after an error: %d %v %v", n, done, again)
	}
	d.Reset(Limits{}, 0)
	if _, n, done, err := d.Next([]byte("0\r\n\r\n")); n != 3 || !done || err != nil {
		t.Errorf("after Reset: %d %v %v", n, done, err)
	}
	if _, n, done, err := d.Next([]byte("5\r\n")); n != 0 || !done || err != nil {
		t.Errorf("after the end: %d %v %v", n, done, err)
	}
}

func TestAppendChunk(t *testing.T) {
	got := AppendChunk(nil, nil)
	got = AppendChunk(got, []byte("hello"))
	got = AppendChunk(got, []byte(strings.Repeat("x", 31)))
	got, err := AppendLastChunk(got, wire.Fields{{Name: "Digest", Value: "a"}, {Name: "empty"}})
	want := "5\r\nhello\r\n1f\r\n" + strings.Repeat("x", 31) + "\r\n0\r\nDigest: a\r\nempty: \r\n\r\n"
	if string(got) != want || err != nil {
		t.Errorf("got  %q, %v\nwant %q", got, err, want)
	}
	if back := decode(Strict, Limits{})(got); back.Data != "hello"+strings.Repeat("x", 31) || len(back.Trailers) != 2 {
		t.Errorf("read back: %+v", back)
	}
}

func TestAppendLastChunkRefuses(t *testing.T) {
	for _, f := range []wire.Field{
		{Name: "content-length", Value: "1"},
		{Name: "Transfer-Encoding", Value: "chunked"},
		{Name: "HOST", Value: "x"},
		{Name: "Authorization", Value: "x"},
		{Name: "Set-Cookie", Value: "x"},
		{Name: "Content-Type", Value: "x"},
		{Name: "Trailer", Value: "x"},
		{Name: "a", Value: "b\r\nc: d"},
		{Name: "a b", Value: "c"},
		{Name: "", Value: "c"},
	} {
		got, err := AppendLastChunk([]byte("before"), wire.Fields{{Name: "good"}, f})
		var e *wire.Error
		if string(got) != "before" || !errors.As(err, &e) || !errors.Is(err, wire.ErrLocalProtocol) || !e.Sent {
			t.Errorf("%q: %q, %v", f.Name, got, err)
		}
	}
}
