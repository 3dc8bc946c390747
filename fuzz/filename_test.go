package fuzz_test

import (
	"context"
	"io"
	"mime"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"gohttpx.dev/httpx"
)

// canned is a transport that answers with what it is.
type canned struct {
	header httpx.Header
	body   func() io.Reader
}

func (c canned) RoundTrip(context.Context, *httpx.Request) (*httpx.Response, error) {
	resp := &httpx.Response{StatusCode: 200, Header: c.header}
	if c.body != nil {
		resp.Body = io.NopCloser(c.body())
	}
	return resp, nil
}

// ask sends a GET to url over tr.
func ask(t *testing.T, tr httpx.Transport, url string, opts ...httpx.ClientOption) *httpx.Response {
	t.Helper()
	c, err := httpx.New(append(opts, httpx.WithTransport(tr))...)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	resp, err := c.Get(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// FuzzFilename: whatever a server sends, the name stays in its directory and says
// nothing else to a system; and the name of a file that is fine arrives as it is.
// mime.ParseMediaType reads the same name, if it reads one. Allowed disagreements:
//
//   - names that it gives and that would not be safe come out changed;
//   - filename* in another charset than UTF-8 and US-ASCII, or malformed;
//   - a field with a parameter twice is an error there;
//   - continuations (filename*0) are no parameters of HTTP (RFC 8187 §1).
func FuzzFilename(f *testing.F) {
	f.Fuzz(func(t *testing.T, disposition, path string) {
		u, err := httpx.ParseURL("http://e.test/" + strings.NewReplacer("?", "%3F", "#", "%23").Replace(path))
		if err != nil {
			return
		}
		name := func(disposition string) string {
			var h httpx.Header
			h.Set("Content-Disposition", disposition)
			return (&httpx.Response{Header: h, URL: u}).Filename()
		}
		got := name(disposition)
		if !safe(got) && got != "" {
			t.Fatalf("%q, %q: %q", disposition, path, got)
		}
		for _, again := range []string{
			`attachment; filename="` + got + `"`,
			`attachment ; Filename="` + escaped(got) + `";`,
			"attachment; filename*=UTF-8''" + percent(got),
			`x;filename=other;FileName* = "utf-8'de'` + percent(got) + `"`,
		} {
			if back := name(again); got != "" && back != got {
				t.Fatalf("%q said again as %q is %q", got, again, back)
			}
		}

		_, params, err := mime.ParseMediaType(disposition)
		theirs, ok := params["filename"]
		lower := strings.ToLower(disposition)
		if err != nil || !ok || !safe(theirs) || strings.Contains(lower, "filename*") {
			return
		}
		if theirs != got {
			t.Fatalf("%q: %q, mime reads %q", disposition, got, theirs)
		}
	})
}

// safe reports whether a name does no harm in any directory of any system.
func safe(name string) bool {
	if name == "" || len(name) > 200 || !utf8.ValidString(name) || !filepath.IsLocal(name) || filepath.Base(name) != name ||
		strings.ContainsAny(name, `/\:*?"<>|`) || strings.Trim(name, ". \t") != name {
		return false
	}
	for _, r := range name {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError {
			return false
		}
	}
	stem, _, _ := strings.Cut(strings.ToUpper(name), ".")
	switch stem = strings.TrimRight(stem, " "); stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return false
	}
	if r := []rune(stem); len(r) == 4 && (string(r[:3]) == "COM" || string(r[:3]) == "LPT") && strings.ContainsRune("0123456789¹²³", r[3]) {
		return false
	}
	return true
}

// escaped puts a backslash in front of every byte (RFC 9110 §5.6.4).
func escaped(s string) string {
	var b []byte
	for i := range len(s) {
		b = append(b, '\\', s[i])
	}
	return string(b)
}

// percent escapes every byte.
func percent(s string) string {
	var b strings.Builder
	for i := range len(s) {
		const hex = "0123456789ABCDEF"
		b.Write([]byte{'%', hex[s[i]>>4], hex[s[i]&15]})
	}
	return b.String()
}
