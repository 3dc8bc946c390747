package fuzz_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"strings"
	"testing"

	"gohttpx.dev/httpx"
	"gohttpx.dev/wire"
)

// FuzzMultipart builds a body of two parts and reads it back with
// mime/multipart. What is built has the length announced, the same bytes each
// time, and says what was put in; what is refused has a reason.
func FuzzMultipart(f *testing.F) {
	f.Add("a", "", "", "", "", []byte("value"), "", uint8(0))
	f.Add("a\"\\\r\n", "é\x00.txt", "text/plain", "X-A", "b", []byte("\r\n--"), `multipart/form-data; boundary="a b"`, uint8(0xff))
	f.Add("n", "f.html", "a\r\nb", "Content-Type", "x/y", []byte("--x--\r\n"), "multipart/form-data; boundary=x", uint8(1))
	f.Add("n", "\xff", "", "Content-Transfer-Encoding", "base64", []byte("=\n"), "multipart/form-data;boundary", uint8(2))
	f.Fuzz(func(t *testing.T, name, filename, kind, field, value string, content []byte, given string, how uint8) {
		part := httpx.Part{Name: name, Filename: filename, ContentType: kind, FilenameStar: how&1 != 0}
		if field != "" || value != "" {
			part.Header.Add(field, value)
		}
		source := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
		switch how >> 1 & 3 {
		case 0:
			part.Body = httpx.Bytes(content)
		case 1:
			part.Body = httpx.BodyFunc(source)
		case 2:
			part.Body = httpx.SizedBodyFunc(int64(len(content)), source)
		case 3:
			part.Body = httpx.ReadSeeker(bytes.NewReader(content))
		}
		opts := []httpx.RequestOption{httpx.Multipart(part, httpx.FieldPart("last", "one"))}
		if given != "" {
			opts = append(opts, httpx.ContentType(given))
		}
		r, err := httpx.NewRequest("POST", "http://e.test/", opts...)
		if err != nil {
			var e *httpx.Error
			if !errors.As(err, &e) {
				t.Fatalf("error %#v", err)
			}
			fine := name != "" && filename == "" && wire.IsFieldValue(kind) && field == "" && value == "" && given == ""
			if fine {
				t.Fatalf("refused: %v", err)
			}
			return
		}

		// Read in pieces, then in one.
		rc, n, err := r.Body().Open()
		if err != nil || (n < 0) != (how>>1&3 == 1) {
			t.Fatal(n, err)
		}
		var pieces bytes.Buffer
		_, err = io.CopyBuffer(struct{ io.Writer }{&pieces}, struct{ io.Reader }{rc}, make([]byte, int(how)+1))
		if err != nil || rc.Close() != nil {
			t.Fatal(err)
		}
		b, err := r.ReadBody(context.Background())
		if err != nil || !bytes.Equal(b, pieces.Bytes()) || n >= 0 && n != int64(len(b)) {
			t.Fatalf("%d announced: %q, in pieces %q: %v", n, b, pieces.Bytes(), err)
		}

		_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		boundary := params["boundary"]
		if err != nil || boundary == "" || len(boundary) > 70 {
			t.Fatalf("Content-Type %q: %v", r.Header.Get("Content-Type"), err)
		}
		if strings.Contains(string(content)+"one", "--"+boundary) {
			return // the caller's affair
		}
		mr := multipart.NewReader(bytes.NewReader(b), boundary)
		checkPart(t, mr, name, filename, string(content), field, value)
		checkPart(t, mr, "last", "", "one", "", "")
		if _, err := mr.NextRawPart(); err != io.EOF {
			t.Fatalf("%q: %v", b, err)
		}
	})
}

func checkPart(t *testing.T, mr *multipart.Reader, name, filename, content, field, value string) {
	t.Helper()
	p, err := mr.NextRawPart()
	if err != nil {
		t.Fatal(err)
	}
	_, d, err := mime.ParseMediaType(p.Header.Get("Content-Disposition"))
	if err != nil {
		t.Fatalf("%q: %v", p.Header, err)
	}
	if d["name"] != asSent(name) || d["filename"] != asSent(filename) && d["filename"] != filename {
		t.Fatalf("%q and %q: %q", name, filename, d)
	}
	if got, err := io.ReadAll(p); string(got) != content || err != nil {
		t.Fatalf("%q, want %q: %v", got, content, err)
	}
	if field != "" && p.Header.Get(field) != strings.Trim(value, " \t") {
		t.Fatalf("%q: %q in %q", field, value, p.Header)
	}
}

// asSent is a name as it arrives.
func asSent(s string) string {
	var b strings.Builder
	for i := range len(s) {
		const hex = "0123456789ABCDEF"
		if c := s[i]; c < 0x20 || c == 0x7f || c == '"' {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
