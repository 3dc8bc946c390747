package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"mime"
	"mime/multipart"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gohttpx.dev/httpx"
)

// fixed makes the boundary of a multipart body known.
func fixed(boundary string) httpx.RequestOption {
	return httpx.ContentType("multipart/form-data; boundary=" + boundary)
}

// bytesOf returns what a request with these options sends.
func bytesOf(t *testing.T, opts ...httpx.RequestOption) string {
	t.Helper()
	r, err := httpx.NewRequest("POST", "http://e.test/", opts...)
	if err != nil {
		t.Fatal(err)
	}
	n := r.Body().Len()
	b, err := r.ReadBody(context.Background())
	if err != nil || n >= 0 && n != int64(len(b)) {
		t.Fatalf("%d bytes, %d announced: %v", len(b), n, err)
	}
	return string(b)
}

func TestMultipartLayout(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	page, odd := write("page.html", "<p>"), write("data.no-such-ext", "\x00\xff")
	for _, tt := range []struct {
		name  string
		parts []httpx.Part
		want  string // of head and content, "|" for CRLF
	}{
		{"A11.7 FieldPart", []httpx.Part{httpx.FieldPart("a", "b c")}, `--B|Content-Disposition: form-data; name="a"||b c|--B--|`},
		{"A11.7 empty value", []httpx.Part{httpx.FieldPart("a", "")}, `--B|Content-Disposition: form-data; name="a"|||--B--|`},
		{"A11.7 no body at all", []httpx.Part{{Name: "a"}}, `--B|Content-Disposition: form-data; name="a"|||--B--|`},
		{
			"A11.7 FilePart",
			[]httpx.Part{httpx.FilePart("f", page)},
			`--B|Content-Disposition: form-data; name="f"; filename="page.html"|Content-Type: text/html; charset=utf-8||<p>|--B--|`,
		},
		{
			"A11.7 FilePart of no known type",
			[]httpx.Part{httpx.FilePart("f", odd)},
			`--B|Content-Disposition: form-data; name="f"; filename="data.no-such-ext"|Content-Type: application/octet-stream||` + "\x00\xff|--B--|",
		},
		{
			"A11.7 a file from memory",
			[]httpx.Part{{Name: "f", Filename: "a.html", Body: httpx.String("x")}},
			`--B|Content-Disposition: form-data; name="f"; filename="a.html"|Content-Type: text/html; charset=utf-8||x|--B--|`,
		},
		{"A11.7 no file name, no type", []httpx.Part{{Name: "f", Body: httpx.File(page)}}, `--B|Content-Disposition: form-data; name="f"||<p>|--B--|`},
		{
			"A11.7 ContentType",
			[]httpx.Part{{Name: "f", Filename: "a.html", ContentType: "text/x", Body: httpx.JSON(1)}},
			`--B|Content-Disposition: form-data; name="f"; filename="a.html"|Content-Type: text/x||1|--B--|`,
		},
		{
			"A11.7 the type of the body",
			[]httpx.Part{{Name: "f", Filename: "a.html", Body: httpx.JSON(1)}},
			`--B|Content-Disposition: form-data; name="f"; filename="a.html"|Content-Type: application/json||1|--B--|`,
		},
		{
			"A11.7 Header, whose Content-Type wins",
			[]httpx.Part{{
				Name: "f", ContentType: "text/x", Body: httpx.String("x"),
				Header: httpx.Header{{Name: "X-A", Value: "é"}, {Name: "content-type", Value: "text/y"}, {Name: "X-A", Value: ""}},
			}},
			`--B|Content-Disposition: form-data; name="f"|X-A: é|content-type: text/y|X-A: ||x|--B--|`,
		},
		{
			"A11.7 Header before the type",
			[]httpx.Part{{Name: "f", ContentType: "text/x", Header: httpx.Header{{Name: "X-A", Value: "b"}}}},
			`--B|Content-Disposition: form-data; name="f"|X-A: b|Content-Type: text/x|||--B--|`,
		},
		{
			"A11.8 in the order given",
			[]httpx.Part{httpx.FilePart("f", page), httpx.FieldPart("a", "1"), httpx.FieldPart("a", "2")},
			`--B|Content-Disposition: form-data; name="f"; filename="page.html"|Content-Type: text/html; charset=utf-8||<p>|` +
				`--B|Content-Disposition: form-data; name="a"||1|--B|Content-Disposition: form-data; name="a"||2|--B--|`,
		},
		{
			"A11.8 quote, backslash, CR and LF",
			[]httpx.Part{{Name: "a\"b\\c\r\nd", Filename: "\"\\\r\n", ContentType: "x/y"}},
			`--B|Content-Disposition: form-data; name="a%22b\\c%0D%0Ad"; filename="%22\\%0D%0A"|Content-Type: x/y|||--B--|`,
		},
		{"A11.8 control characters", []httpx.Part{{Name: "\x00\x1b\x1f\x7f%41"}}, `--B|Content-Disposition: form-data; name="%00%1B%1F%7F%41"|||--B--|`},
		{
			"A11.8 UTF-8 as it is",
			[]httpx.Part{{Name: "größe", Filename: "naïve 名.txt", ContentType: "x/y"}},
			`--B|Content-Disposition: form-data; name="größe"; filename="naïve 名.txt"|Content-Type: x/y|||--B--|`,
		},
		{
			"A11.8 filename* on request",
			[]httpx.Part{{Name: "f", Filename: "€ r'at{e}s.txt", ContentType: "x/y", FilenameStar: true}},
			`--B|Content-Disposition: form-data; name="f"; filename="€ r'at{e}s.txt"; filename*=UTF-8''%E2%82%AC%20r%27at%7Be%7Ds.txt|Content-Type: x/y|||--B--|`,
		},
		{"A11.8 filename* without a file name", []httpx.Part{{Name: "f", FilenameStar: true}}, `--B|Content-Disposition: form-data; name="f"|||--B--|`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := strings.ReplaceAll(tt.want, "|", "\r\n")
			if got := bytesOf(t, httpx.Multipart(tt.parts...), fixed("B")); got != want {
				t.Errorf("got\n%q, want\n%q", got, want)
			}
			// Read one byte at a time it is the same.
			r, err := httpx.NewRequest("POST", "http://e.test/", httpx.Multipart(tt.parts...), fixed("B"))
			if err != nil {
				t.Fatal(err)
			}
			rc, _, err := r.Body().Open()
			if err != nil {
				t.Fatal(err)
			}
			defer rc.Close()
			if b, err := io.ReadAll(struct{ io.Reader }{oneAtATime{rc}}); string(b) != want || err != nil {
				t.Errorf("byte by byte: %q %v", b, err)
			}
		})
	}
}

type oneAtATime struct{ io.Reader }

func (o oneAtATime) Read(p []byte) (int, error) { return o.Reader.Read(p[:min(1, len(p))]) }

func TestMultipartBoundary(t *testing.T) {
	a := httpx.FieldPart("a", "b")
	t.Run("A11.8 random, 32 hexadecimal digits", func(t *testing.T) {
		seen := map[string]bool{}
		for range 3 {
			r := exchange(t, "POST", httpx.Multipart(a))
			m := regexp.MustCompile(`^multipart/form-data; boundary=([0-9a-f]{32})$`).FindStringSubmatch(r.Get("Content-Type"))
			if m == nil || seen[m[1]] || !strings.HasPrefix(r.Body, "--"+m[1]+"\r\n") || !strings.HasSuffix(r.Body, "\r\n--"+m[1]+"--\r\n") {
				t.Fatalf("%q: %q", r.Get("Content-Type"), r.Body)
			}
			seen[m[1]] = true
		}
	})
	seventy := strings.Repeat("0123456789", 7)
	for given, boundary := range map[string]string{
		"multipart/form-data; boundary=x":                           "x",
		"multipart/form-data; charset=utf-8; Boundary=\"a b'(),?\"": "a b'(),?",
		"MULTIPART/mixed;boundary=" + seventy:                       seventy,
	} {
		t.Run("A11.8 from "+given[:20], func(t *testing.T) {
			r := exchange(t, "POST", httpx.Multipart(a), httpx.ContentType(given))
			if r.Get("Content-Type") != given || !strings.HasPrefix(r.Body, "--"+boundary+"\r\n") || !strings.HasSuffix(r.Body, "\r\n--"+boundary+"--\r\n") {
				t.Errorf("%q: %q", r.Get("Content-Type"), r.Body)
			}
		})
	}
	for given, text := range map[string]string{
		"multipart/form-data":                            "has no boundary",
		"multipart/form-data; boundary=":                 "",
		`multipart/form-data; boundary=""`:               "0 characters",
		"multipart/form-data; boundary=" + seventy + "x": "71 characters",
		`multipart/form-data; boundary="a;b"`:            `character ';'`,
		`multipart/form-data; boundary="é"`:              "which none may have",
		`multipart/form-data; boundary="a "`:             "ends with a space",
		"application/json":                               `is "application/json": leave it out`,
		"multipart/form-data; boundary=a; boundary=b":    "",
		"multipart/form-data; boundary=\"a\r\nX: y\"":    "",
		"": "",
		"multipart/form-data; boundary=a" + ", text/plain": "",
	} {
		t.Run("A11.8 refused "+given, func(t *testing.T) {
			url, got := rawServer(t)
			body := &closable{Reader: oneByte("x")}
			_, err := newClient(t).Post(context.Background(), url, httpx.Multipart(httpx.Part{Name: "a", Body: httpx.Reader(body)}), httpx.ContentType(given))
			var e *httpx.Error
			if !errors.As(err, &e) || e.Sent || !strings.Contains(err.Error(), text) || len(got) != 0 || body.times() != 1 {
				t.Errorf("%v, closed %d times", err, body.closed.Load())
			}
		})
	}
	t.Run("A11.8 two fields", func(t *testing.T) {
		_, err := httpx.NewRequest("POST", "http://e.test/", httpx.Multipart(a), fixed("x"), httpx.WithAddedHeader("Content-Type", "text/plain"))
		if err == nil || !strings.Contains(err.Error(), "two Content-Type fields") {
			t.Errorf("%v", err)
		}
	})
	t.Run("A11.8 changed after the request was built", func(t *testing.T) {
		url, got := rawServer(t)
		c := newClient(t)
		body := &closable{Reader: oneByte("x")}
		r, err := c.NewRequest("POST", url, httpx.Multipart(a, httpx.Part{Name: "b", Body: httpx.Reader(body)}))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "multipart/form-data; boundary=later")
		if _, err := c.Send(context.Background(), r); err != nil {
			t.Fatal(err)
		}
		if sent := <-got; !strings.HasPrefix(sent.Body, "--later\r\n") {
			t.Errorf("%q", sent.Body)
		}
		again := &closable{Reader: oneByte("x")}
		r, _ = c.NewRequest("POST", url, httpx.Multipart(httpx.Part{Name: "b", Body: httpx.Reader(again)}))
		r.Header.Set("Content-Type", "text/plain")
		if _, err := r.ReadBody(context.Background()); err == nil || r.Body().Len() != -1 {
			t.Errorf("%v", err)
		}
		if _, err := c.Send(context.Background(), r); err == nil || len(got) != 0 || again.times() != 1 {
			t.Errorf("%v, closed %d times", err, again.closed.Load())
		}
	})
}

func TestMultipartRefused(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	for _, tt := range []struct {
		name string
		more []httpx.Part
		text string
	}{
		{"A11.7 no parts", nil, "no parts: a multipart body has one at least (RFC 2046 §5.1.1)"},
		{"A11.7 no name", []httpx.Part{{}}, "it has no Name"},
		{"A11.7 missing file", []httpx.Part{{Name: "a", Body: httpx.File(none)}}, "): open "},
		{"A11.7 FilePart of no path", []httpx.Part{httpx.FilePart("a", "")}, "part 2 (\"a\")"},
		{"A11.7 a folder", []httpx.Part{httpx.FilePart("a", filepath.Dir(none))}, "is a directory"},
		{"A11.7 NaN in a part", []httpx.Part{{Name: "a", Body: httpx.JSON(math.NaN())}}, `part 2 ("a"): JSON: NaN is no JSON number`},
		{"A11.8 CR LF in ContentType", []httpx.Part{{Name: "a", ContentType: "secret\r\nX: y"}}, "its field Content-Type has a character"},
		{"A11.8 LF in a header value", []httpx.Part{{Name: "a", Header: httpx.Header{{Name: "X", Value: "secret\ny"}}}}, "its field X has a character"},
		{"A11.8 CR LF in a header name", []httpx.Part{{Name: "a", Header: httpx.Header{{Name: "X: y\r\nZ", Value: "secret"}}}}, "no token"},
		{"A11.8 Content-Disposition given", []httpx.Part{{Name: "a", Header: httpx.Header{{Name: "content-disposition", Value: "x"}}}}, "made of Name and Filename"},
		{"A11.8 filename* of no UTF-8", []httpx.Part{{Name: "a", Filename: "\xff", FilenameStar: true}}, "RFC 8187"},
		{"A11.9 longer than can be said", []httpx.Part{{Name: "a", Body: httpx.SizedBodyFunc(math.MaxInt64-50, open(""))}}, "longer than Content-Length can say"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			url, got := rawServer(t)
			body := &closable{Reader: oneByte("x")}
			var parts []httpx.Part
			if tt.more != nil {
				parts = append([]httpx.Part{{Name: "first", Body: httpx.Reader(body)}}, tt.more...)
			} else {
				body.Close()
			}
			_, err := newClient(t).Post(context.Background(), url, httpx.Multipart(parts...))
			var e *httpx.Error
			if !errors.As(err, &e) || e.Sent || !strings.Contains(err.Error(), tt.text) || len(got) != 0 {
				t.Errorf("%v", err)
			}
			if body.times() != 1 {
				t.Errorf("the Reader of the first part was closed %d times", body.closed.Load())
			}
			if strings.Contains(fmt.Sprint(err), "secret") || strings.ContainsAny(fmt.Sprint(err), "\r\n") {
				t.Errorf("%v", err)
			}
		})
	}
}

// What random parts say is what mime/multipart reads.
func TestMultipartIsReadBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	dir := t.TempDir()
	text := func(most int) string {
		const from = "abc\"\\%\r\n\t;=- é名*'\x00\x7f"
		var b strings.Builder
		for range rng.IntN(most) {
			b.WriteString(string([]rune(from)[rng.IntN(len([]rune(from)))]))
		}
		return b.String()
	}
	t.Run("A11.8 as mime/multipart reads it", func(t *testing.T) {
		for i := range 300 {
			type part struct{ name, filename, content string }
			var want []part
			var parts []httpx.Part
			for j := range rng.IntN(6) + 1 {
				w := part{name: "n" + text(10), content: text(3000)}
				p := httpx.Part{Name: w.name}
				switch rng.IntN(5) {
				case 0:
					p.Body = httpx.String(w.content)
				case 1:
					p.Body = httpx.Reader(oneByte(w.content))
				case 2:
					p.Body = httpx.ReadSeeker(strings.NewReader(w.content))
				case 3:
					p.Body = httpx.BodyFunc(open(w.content))
				case 4:
					path := filepath.Join(dir, fmt.Sprint(i, j))
					if err := os.WriteFile(path, []byte(w.content), 0o600); err != nil {
						t.Fatal(err)
					}
					p.Body = httpx.File(path)
				}
				if rng.IntN(2) == 0 {
					w.filename = "f" + text(10)
					p.Filename, p.FilenameStar = w.filename, rng.IntN(2) == 0
				}
				want, parts = append(want, w), append(parts, p)
			}
			r, err := httpx.NewRequest("POST", "http://e.test/", httpx.Multipart(parts...))
			if err != nil {
				t.Fatal(err)
			}
			b, err := r.ReadBody(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
			if err != nil {
				t.Fatal(err)
			}
			mr := multipart.NewReader(strings.NewReader(string(b)), params["boundary"])
			for _, w := range want {
				p, err := mr.NextRawPart()
				if err != nil {
					t.Fatalf("%q: %v", b, err)
				}
				_, d, err := mime.ParseMediaType(p.Header.Get("Content-Disposition"))
				content, _ := io.ReadAll(p)
				filename := asBrowsersDo(w.filename)
				if err != nil {
					t.Fatalf("%q: %v", p.Header, err)
				}
				// With filename*, mime gives that one.
				if d["name"] != asBrowsersDo(w.name) || d["filename"] != filename && d["filename"] != w.filename || string(content) != w.content {
					t.Fatalf("%+v: %q %q", w, p.Header, content)
				}
			}
			if _, err := mr.NextRawPart(); err != io.EOF {
				t.Fatalf("%v", err)
			}
		}
	})
}

// asBrowsersDo is a name as it arrives.
func asBrowsersDo(s string) string {
	return strings.NewReplacer(`"`, "%22", "\r", "%0D", "\n", "%0A", "\t", "%09", "\x00", "%00", "\x7f", "%7F").Replace(s)
}
