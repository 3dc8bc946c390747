package fuzz_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"

	"gohttpx.dev/httpx"
)

// lineEnd is what ends a line of text.
var lineEnd = regexp.MustCompile(`\r\n|\r|\n`)

// linesOf divides text as Response.Lines does.
func linesOf(text string) []string {
	lines := lineEnd.Split(text, -1)
	if last := len(lines) - 1; lines[last] == "" {
		lines = lines[:last] // the text is empty, or its last line has its end
	}
	return lines
}

// reference decodes by x/text alone, as the Encoding standard has it: a byte order
// mark wins over the label of a UTF charset.
func reference(t *testing.T, charset string, content []byte) string {
	var enc encoding.Encoding
	switch charset {
	case "utf-32", "utf-32le":
		enc = utf32.UTF32(utf32.LittleEndian, utf32.UseBOM)
	case "utf-32be":
		enc = utf32.UTF32(utf32.BigEndian, utf32.UseBOM)
	default:
		var err error
		if enc, err = htmlindex.Get(charset); err != nil {
			t.Fatalf("the charset is %q, which x/text does not know", charset)
		}
	}
	d := enc.NewDecoder().Transformer
	if charset == "utf-8" || strings.HasPrefix(charset, "utf-16") {
		if rest, ok := bytes.CutPrefix(content, []byte("\ufeff")); ok {
			// BOMOverride would leave what follows as it is, valid or not.
			d, content = unicode.UTF8.NewDecoder().Transformer, rest
		} else {
			d = unicode.BOMOverride(d)
		}
	}
	b, err := (&encoding.Decoder{Transformer: d}).Bytes(content)
	if err != nil {
		t.Fatalf("x/text: %v", err)
	}
	return string(b)
}

// FuzzText decodes content of any charset. In memory and as a stream that comes
// byte by byte the text is the same, and its lines are those of the text; it is
// UTF-8 and bounded; and golang.org/x/text, given all at once, decodes the same.
func FuzzText(f *testing.F) {
	f.Fuzz(func(t *testing.T, content []byte, label string) {
		var h httpx.Header
		h.Set("Content-Type", "text/plain; charset="+label)
		whole := ask(t, canned{h, func() io.Reader { return bytes.NewReader(content) }}, "http://e.test/")
		text, charset := whole.Text(), whole.Charset()
		if !utf8.ValidString(text) || len(text) > 4*len(content)+4 {
			t.Fatalf("%s: %d bytes of text from %d", charset, len(text), len(content))
		}
		if want := reference(t, charset, content); text != want {
			t.Fatalf("%s: %q is %q, to x/text %q", charset, content, text, want)
		}
		lines, err := collectLines(whole)
		if err != nil || !slices.Equal(lines, linesOf(text)) {
			t.Fatalf("%s: lines %q of %q, %v", charset, lines, text, err)
		}

		c, err := httpx.New(httpx.WithTransport(canned{h, func() io.Reader { return iotest.OneByteReader(bytes.NewReader(content)) }}))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		stream := func() *httpx.Response {
			resp, err := c.Stream(context.Background(), "GET", "http://e.test/")
			if err != nil {
				t.Fatal(err)
			}
			return resp
		}
		resp := stream()
		var b strings.Builder
		for piece, err := range resp.TextChunks() {
			if err != nil || piece == "" || !utf8.ValidString(piece) {
				t.Fatalf("%s: a piece %q, %v", charset, piece, err)
			}
			b.WriteString(piece)
		}
		resp.Close()
		if b.String() != text {
			t.Fatalf("%s: whole %q, byte by byte %q", charset, text, b.String())
		}
		resp = stream()
		slow, err := collectLines(resp)
		resp.Close()
		if err != nil || !slices.Equal(slow, lines) {
			t.Fatalf("%s: lines %q, byte by byte %q, %v", charset, lines, slow, err)
		}
	})
}

func collectLines(r *httpx.Response) (lines []string, err error) {
	for line, e := range r.Lines() {
		if err = e; err == nil {
			lines = append(lines, line)
		}
	}
	return lines, err
}

// mostLine bounds a line of FuzzJSONLines.
const mostLine = 100

// FuzzJSONLines reads values a line each, whole and byte by byte, and asks
// encoding/json about each line: the same values come, and the first line that it
// refuses, or that is too long, ends them. What came is written by JSONLinesBody
// and read again.
func FuzzJSONLines(f *testing.F) {
	f.Fuzz(func(t *testing.T, content []byte) {
		var want []any
		var bad, long bool
		for i, line := range bytes.Split(content, []byte("\n")) {
			if long = len(line) > mostLine; long {
				break
			}
			if i == 0 {
				line = bytes.TrimPrefix(line, []byte("\ufeff"))
			}
			line = bytes.Trim(line, " \t\r")
			if len(line) == 0 {
				continue
			}
			var v any
			if bad = json.Unmarshal(line, &v) != nil; bad {
				break
			}
			want = append(want, v)
		}
		for _, step := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.OneByteReader} {
			resp := ask(t, canned{body: func() io.Reader { return step(bytes.NewReader(content)) }}, "http://e.test/", httpx.WithMaxLineBytes(mostLine))
			got, err := values(resp)
			var e *httpx.Error
			switch {
			case !reflect.DeepEqual(got, want):
				t.Fatalf("%q: %v, want %v", content, got, want)
			case (err != nil) != (bad || long), errors.Is(err, httpx.ErrLineTooLong) != long, err != nil && !errors.As(err, &e):
				t.Fatalf("%q: %v; not JSON %v, too long %v", content, err, bad, long)
			}
		}
		req, err := httpx.NewRequest("POST", "http://e.test/", httpx.JSONLinesBody(slices.Values(want)))
		if err != nil {
			t.Fatal(err)
		}
		written, err := req.ReadBody(context.Background())
		if err != nil || bytes.Count(written, []byte("\n")) != len(want) {
			t.Fatalf("%v written as %q, %v", want, written, err)
		}
		resp := ask(t, canned{body: func() io.Reader { return bytes.NewReader(written) }}, "http://e.test/")
		if back, err := values(resp); err != nil || !reflect.DeepEqual(back, want) {
			t.Fatalf("%v written as %q: %v, %v", want, written, back, err)
		}
	})
}

func values(r *httpx.Response) (list []any, err error) {
	for v, e := range httpx.JSONLines[any](r) {
		if err = e; err == nil {
			list = append(list, v)
		}
	}
	return list, err
}
