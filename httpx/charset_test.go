package httpx_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"gohttpx.dev/httpx"
)

// received returns a response with the content, from a transport that gives it byte
// by byte if slow.
func received(t *testing.T, slow, stream bool, contentType, content string, opts ...httpx.RequestOption) *httpx.Response {
	t.Helper()
	var body io.Reader = strings.NewReader(content)
	if slow {
		body = iotest.OneByteReader(body)
	}
	h := header()
	if contentType != "" {
		h = header("Content-Type", contentType)
	}
	c := newClient(t, httpx.WithTransport(&script{answers: []answer{{status: 200, header: h, body: body}}}))
	do := c.Do
	if stream {
		do = c.Stream
	}
	resp, err := do(context.Background(), "GET", "http://a.example/dir/file?q=secret", opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Close() })
	return resp
}

func textOf(t *testing.T, r *httpx.Response) string {
	t.Helper()
	var b strings.Builder
	for s, err := range r.TextChunks() {
		if err != nil {
			t.Fatal(err)
		}
		if s == "" || !utf8.ValidString(s) {
			t.Errorf("the piece %q", s)
		}
		b.WriteString(s)
	}
	return b.String()
}

func TestText(t *testing.T) {
	for _, tt := range []struct{ name, contentType, content, charset, want string }{
		{"A6.7 nothing said", "", "grün", "utf-8", "grün"},
		{"A6.7 by Content-Type", "text/plain; charset=ISO-8859-1", "gr\xfcn", "windows-1252", "grün"},
		{"A6.7 quoted, and with other parameters", `text/plain;a="b;charset=utf-16" ; Charset = "Shift_JIS"`, "\x93\xfa\x96\x7b", "shift_jis", "日本"},
		{"A6.7 unknown is as if not said", "text/plain; charset=klingon", "grün", "utf-8", "grün"},
		{"A6.7 the standard's replacement is unknown", "text/plain; charset=iso-2022-kr", "abc", "utf-8", "abc"},
		{"A6.7 empty", "text/plain; charset=", "grün", "utf-8", "grün"},
		{"A6.7 a mark is no text", "", "\xef\xbb\xbfgrün", "utf-8", "grün"},
		{"A6.7 a mark alone", "", "\xef\xbb\xbf", "utf-8", ""},
		{"A6.7 half a mark", "", "\xef\xbb", "utf-8", "\ufffd"},
		{"A6.7 only the first mark goes", "", "\xef\xbb\xbf\xef\xbb\xbfa", "utf-8", "\ufeffa"},
		{"A6.7 the mark of UTF-16", "", "\xfe\xff\x00g\x00\xfc", "utf-8", "gü"},
		{"A6.7 little-endian", "text/plain; charset=utf-16", "g\x00\xfc\x00", "utf-16le", "gü"},
		{"A6.7 big-endian by the mark", "text/plain; charset=utf-16", "\xfe\xff\x00g\x00\xfc", "utf-16le", "gü"},
		{"A6.7 big-endian by name", "text/plain; charset=utf-16be", "\x00g\x00\xfc", "utf-16be", "gü"},
		{"A6.7 UTF-32", "text/plain; charset=utf-32", "g\x00\x00\x00\xfc\x00\x00\x00", "utf-32", "gü"},
		{"A14.7 what is not valid", "", "a\xffb\xc3(\xe2\x82", "utf-8", "a\ufffdb\ufffd(\ufffd"},
		{"A14.7 surrogates in UTF-8", "", "\xed\xa0\x80", "utf-8", "\ufffd\ufffd\ufffd"},
		{"A14.7 a lone surrogate", "text/plain; charset=utf-16le", "\x00\xd8a\x00", "utf-16le", "\ufffda"},
		{"A14.7 a surrogate pair", "text/plain; charset=utf-16le", "\x3d\xd8\x00\xde", "utf-16le", "😀"},
		{"A14.7 an odd byte at the end", "text/plain; charset=utf-16le", "a\x00b", "utf-16le", "a\ufffd"},
		{"A14.7 a coding with states", "text/plain; charset=iso-2022-jp", "a\x1b$B\x46\x7c\x1b(Bb", "iso-2022-jp", "a日b"},
		{"A14.7 GB18030 in four bytes", "text/plain; charset=gb18030", "\x94\x39\xda\x33", "gb18030", "💩"},
		{"A14.7 cut off", "text/plain; charset=gb18030", "a\x94\x39\xda", "gb18030", "a\ufffd9\ufffd"},
		{"A14.7 KOI8-R", "text/plain; charset=koi8-r", "\xf0\xd2", "koi8-r", "Пр"},
		{"A14.7 nothing", "text/plain; charset=koi8-r", "", "koi8-r", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, slow := range []bool{false, true} {
				resp := received(t, slow, false, tt.contentType, tt.content)
				if got := resp.Text(); got != tt.want || resp.Charset() != tt.charset {
					t.Errorf("%q as %s, want %q as %s", got, resp.Charset(), tt.want, tt.charset)
				}
				if got := textOf(t, resp); got != tt.want {
					t.Errorf("in pieces from memory %q", got)
				}
				if got := textOf(t, received(t, slow, true, tt.contentType, tt.content)); got != tt.want {
					t.Errorf("in pieces %q", got)
				}
			}
		})
	}
	t.Run("A6.9 no piece of text ends within a character", func(t *testing.T) {
		want := strings.Repeat("aü日😀", 10_000)
		if got := textOf(t, received(t, false, true, "", "\xef\xbb\xbf"+want)); got != want {
			t.Errorf("%d bytes, want %d", len(got), len(want))
		}
	})
	t.Run("A6.8 ContentCharset is what is said", func(t *testing.T) {
		for ct, want := range map[string]string{
			"": "", "text/plain": "", "text/plain; charset=Klingon": "klingon", `a/b;charset="x y"`: "x y", "charset=utf-8": "",
			"text/plain; xcharset=a; charset=b; charset=c": "b", ";charset=a": "a", "a/b;charset": "",
		} {
			if got := received(t, false, false, ct, "x").ContentCharset(); got != want {
				t.Errorf("%q: %q, want %q", ct, got, want)
			}
		}
	})
	t.Run("A6.7 SetCharset goes before all, until text was read", func(t *testing.T) {
		resp := received(t, false, false, "text/plain; charset=utf-8", "gr\xfcn", httpx.WithDefaultCharset("koi8-r"))
		var e *httpx.Error
		if err := resp.SetCharset("klingon"); !errors.Is(err, httpx.ErrUnknownCharset) || !errors.As(err, &e) || strings.Contains(err.Error(), "secret") {
			t.Error(err)
		}
		if err := resp.SetCharset("Latin1"); err != nil || resp.Text() != "grün" || resp.Charset() != "windows-1252" || resp.ContentCharset() != "utf-8" {
			t.Errorf("%v %q %s", err, resp.Text(), resp.Charset())
		}
		if err := resp.SetCharset("utf-8"); err == nil || resp.Text() != "grün" {
			t.Errorf("after Text: %v", err)
		}
		resp = received(t, false, true, "", "\xfc\n\xfc")
		if err := resp.SetCharset("windows-1252"); err != nil {
			t.Error(err)
		}
		for line, err := range resp.Lines() {
			if line != "ü" || err != nil {
				t.Errorf("%q %v", line, err)
			}
		}
	})
	t.Run("A2.17 the default charset", func(t *testing.T) {
		latin := httpx.WithDefaultCharset("windows-1252")
		if resp := received(t, false, false, "", "\xfc", latin); resp.Text() != "ü" || resp.Charset() != "windows-1252" {
			t.Errorf("%q", resp.Text())
		}
		if resp := received(t, false, false, "a/b; charset=utf-8", "ü", latin); resp.Text() != "ü" {
			t.Errorf("Content-Type goes first: %q", resp.Text())
		}
		if resp := received(t, false, false, "a/b; charset=klingon", "\xfc", latin); resp.Text() != "ü" {
			t.Errorf("an unknown one does not: %q", resp.Text())
		}
		if resp := received(t, false, false, "", "ü", latin, httpx.WithDefaultCharset("")); resp.Text() != "ü" {
			t.Errorf("taken away: %q", resp.Text())
		}
		if _, err := httpx.New(httpx.WithDefaultCharset("klingon")); !errors.Is(err, httpx.ErrUnknownCharset) {
			t.Error(err)
		}
	})
	t.Run("A2.17 the detector", func(t *testing.T) {
		asked := 0
		detect := httpx.WithCharsetDetector(func(b []byte) string {
			asked++
			if string(b) == "\xfc" {
				return "Windows-1252"
			}
			return "klingon"
		})
		resp := received(t, false, true, "", "\xfc", detect)
		if resp.Charset() != "utf-8" || asked != 0 {
			t.Errorf("of a stream: %s, asked %d times", resp.Charset(), asked)
		}
		if err := resp.Buffer(); err != nil || resp.Charset() != "windows-1252" || resp.Text() != "ü" || resp.Text() != "ü" || asked != 1 {
			t.Errorf("%v %s %q, asked %d times", err, resp.Charset(), resp.Text(), asked)
		}
		if resp := received(t, false, false, "", "ü", detect); resp.Text() != "ü" {
			t.Errorf("an unknown name is UTF-8: %q", resp.Text())
		}
		asked = 0
		if resp := received(t, false, false, "", "\xfc", detect, httpx.WithDefaultCharset("koi8-r")); resp.Text() != "Э" || asked != 0 {
			t.Errorf("the default goes first: %q", resp.Text())
		}
	})
}

func TestJSONEncodings(t *testing.T) {
	for name, content := range map[string]string{
		"UTF-8":              `{"a":"ü"}`,
		"with a mark":        "\xef\xbb\xbf" + `{"a":"ü"}`,
		"UTF-16 little":      "{\x00\"\x00a\x00\"\x00:\x00\"\x00\xfc\x00\"\x00}\x00",
		"UTF-16 big":         "\x00{\x00\"\x00a\x00\"\x00:\x00\"\x00\xfc\x00\"\x00}",
		"UTF-16 little mark": "\xff\xfe{\x00\"\x00a\x00\"\x00:\x00\"\x00\xfc\x00\"\x00}\x00",
		"UTF-16 big mark":    "\xfe\xff\x00{\x00\"\x00a\x00\"\x00:\x00\"\x00\xfc\x00\"\x00}",
		"UTF-32 little":      "{\x00\x00\x00\"\x00\x00\x00a\x00\x00\x00\"\x00\x00\x00:\x00\x00\x00\"\x00\x00\x00\xfc\x00\x00\x00\"\x00\x00\x00}\x00\x00\x00",
		"UTF-32 big mark":    "\x00\x00\xfe\xff\x00\x00\x00{\x00\x00\x00\"\x00\x00\x00a\x00\x00\x00\"\x00\x00\x00:\x00\x00\x00\"\x00\x00\x00\xfc\x00\x00\x00\"\x00\x00\x00}",
	} {
		t.Run("A6.6 "+name, func(t *testing.T) {
			// The charset of Content-Type means nothing for JSON.
			got, err := httpx.Decode[map[string]string](received(t, true, true, "application/json; charset=koi8-r", content))
			if err != nil || got["a"] != "ü" {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	t.Run("A6.6 no JSON", func(t *testing.T) {
		for _, content := range []string{"", "{", "\x00", "a\x00", "\x00\x00\xfe\xff", "\xff\xfe", "1 2"} {
			_, err := httpx.Decode[any](received(t, false, false, "", content))
			var e *httpx.Error
			if !errors.As(err, &e) || e.Op != "decode" || strings.Contains(err.Error(), "secret") {
				t.Errorf("%q: %v", content, err)
			}
		}
		if n, err := httpx.Decode[int](received(t, false, false, "", "1\x00")); n != 1 || err != nil {
			t.Errorf("one digit of UTF-16: %d, %v", n, err)
		}
	})
	t.Run("A6.6 content, text and a codec of one's own", func(t *testing.T) {
		strict := httpx.WithJSONUnmarshal(func(data []byte, v any) error {
			d := json.NewDecoder(strings.NewReader(string(data)))
			d.DisallowUnknownFields()
			return d.Decode(v)
		})
		resp := received(t, false, false, "", `{"name":"x","other":1}`, strict)
		if string(resp.Bytes()) != resp.Text() {
			t.Errorf("%q", resp.Text())
		}
		if _, err := httpx.Decode[Item](resp); err == nil {
			t.Error("a member that is not known")
		}
		for _, err := range httpx.JSONLines[Item](resp) {
			if err == nil {
				t.Error("JSONLines: a member that is not known")
			}
		}
	})
}

// A charset is decoded the same over the network.
func TestTextOverTheNetwork(t *testing.T) {
	overBoth(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=shift_jis")
		for _, b := range []byte("\x93\xfa\x96\x7b\r\n\x93\xfa\r\n") {
			w.Write([]byte{b})
			w.(http.Flusher).Flush()
		}
	}, func(t *testing.T, c *httpx.Client, url string) {
		t.Run("A6.10 lines of text", func(t *testing.T) {
			resp, err := c.Stream(context.Background(), "GET", url)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Close()
			var got []string
			for line, err := range resp.Lines() {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, line)
			}
			if strings.Join(got, "|") != "日本|日" {
				t.Errorf("%q", got)
			}
		})
	})
}
