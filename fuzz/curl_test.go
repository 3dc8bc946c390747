package fuzz_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"gohttpx.dev/httpx"
)

// shellWords divides a command into words as a POSIX shell does. It knows what
// every shell agrees on and fails for all else: plain words, single quotes, and a
// quote behind a backslash.
func shellWords(t *testing.T, s string) (words []string) {
	const plain = "-_./:=@,+%"
	var word []byte
	begun := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == ' ' && begun:
			words, word, begun = append(words, string(word)), nil, false
			continue
		case c == '\'':
			end := strings.IndexByte(s[i+1:], '\'')
			if end < 0 {
				t.Fatalf("a quote is not closed: %q", s)
			}
			word = append(word, s[i+1:i+1+end]...)
			i += 1 + end
		case c == '\\' && i+1 < len(s) && s[i+1] == '\'':
			word = append(word, '\'')
			i++
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(plain, c) >= 0:
			word = append(word, c)
		default:
			t.Fatalf("byte %q at %d means something to a shell: %q", c, i, s)
		}
		begun = true
	}
	return append(words, string(word))
}

// FuzzCurl reads the command back as a shell and curl would: it sends the same
// method, URL, target, fields and body. Without secrets in it, nothing of them is
// left.
func FuzzCurl(f *testing.F) {
	f.Fuzz(func(t *testing.T, method, url, name, value, target string, body []byte, how uint8) {
		opts := []httpx.RequestOption{
			httpx.WithAddedHeader("Authorization", "Bearer S3CRET"), httpx.WithAddedHeader("Cookie", "a=S3CRET"), httpx.PathAsIs(),
		}
		if how&1 != 0 {
			opts = append(opts, httpx.Bytes(body))
		}
		if how&2 != 0 {
			opts = append(opts, httpx.WithQuery("q", "S3CRET"))
		}
		if name != "" {
			opts = append(opts, httpx.WithAddedHeader(name, value))
		}
		if how&4 != 0 {
			opts = append(opts, httpx.WithRequestTarget(target))
		}
		r, err := httpx.NewRequest(method, url, opts...)
		if err != nil {
			var e *httpx.Error
			if !errors.As(err, &e) || strings.Contains(err.Error(), "S3CRET") && !strings.Contains(method+url+name+value+target, "S3CRET") {
				t.Fatal(err)
			}
			return
		}
		words := shellWords(t, r.CurlWithSecrets())
		c := readCurl(t, words)
		text := utf8.Valid(body) && !strings.ContainsRune(string(body), 0) && len(body) <= 64<<10
		switch {
		case c.method != r.Method:
			t.Fatalf("%q: the method is %q, want %q", words, c.method, r.Method)
		case c.url != r.URL.String():
			t.Fatalf("%q: the URL is %q, want %q", words, c.url, r.URL)
		case !c.globoff && strings.ContainsAny(c.url, "[]{}"):
			t.Fatalf("%q: curl takes the URL for several", words)
		case how&4 != 0 && target != "" && c.target != target:
			t.Fatalf("%q: the target is %q, want %q", words, c.target, target)
		case c.hasBody != r.HasBody(), c.hasBody && !c.isFile && c.body != string(body), c.isFile == text && r.HasBody():
			t.Fatalf("%q: the body is %q, want %q", words, c.body, body)
		case !slices.Equal(c.fields, fieldLines(r.Header)):
			t.Fatalf("%q: the fields are %q, want %q", words, c.fields, fieldLines(r.Header))
		}
		shown := strings.Join(shellWords(t, r.Curl()), " ")
		if strings.Contains(shown, "S3CRET") && !strings.Contains(method+r.URL.Path()+name+value+target+string(body), "S3CRET") && !strings.Contains(url, "S3CRET") {
			t.Fatalf("a secret is shown: %q", shown)
		}
	})
}

// fieldLines are the fields as they are sent.
func fieldLines(h httpx.Header) (lines []string) {
	for _, f := range h {
		value := f.Value
		if strings.Trim(value, " \t") == "" {
			value = "" // blanks around a value are no part of it
		}
		lines = append(lines, f.Name+": "+value)
	}
	return lines
}

// command is what curl would send.
type command struct {
	method, url, target, body string
	fields                    []string
	hasBody, isFile, globoff  bool
}

func readCurl(t *testing.T, words []string) (c command) {
	if words[0] != "curl" {
		t.Fatalf("%q", words)
	}
	next := func() string {
		if len(words) < 2 {
			t.Fatalf("an option without its value at the end: %q", words)
		}
		words = words[1:]
		return words[0]
	}
	head := false
	removed := map[string]bool{}
	for words = words[1:]; len(words) > 0; words = words[1:] {
		switch w := words[0]; w {
		case "--head":
			c.method, head = "HEAD", true
		case "-X":
			c.method = next()
		case "--request-target":
			c.target = next()
		case "--data-raw":
			c.body, c.hasBody = next(), true
		case "--data-binary":
			c.body, c.hasBody, c.isFile = next(), true, true
		case "--globoff":
			c.globoff = true
		case "--path-as-is", "--location":
		case "-H":
			// curl: "name:" takes a field of its own away, "name;" is an empty one.
			h := next()
			if strings.HasPrefix(h, "@") {
				t.Fatalf("curl takes the field %q from a file", h)
			}
			name, value, ok := strings.Cut(h, ": ")
			switch {
			case ok && strings.Trim(value, " \t") != "":
				c.fields = append(c.fields, h)
			case strings.HasSuffix(h, ";") && !strings.Contains(h, ":"):
				c.fields = append(c.fields, h[:len(h)-1]+": ")
			case strings.HasSuffix(h, ":") && strings.Count(h, ":") == 1:
				removed[strings.ToLower(h[:len(h)-1])] = true
			default:
				t.Fatalf("curl drops %q (%q)", h, name)
			}
		default:
			if strings.HasPrefix(w, "-") || c.url != "" {
				t.Fatalf("%q is no URL", w)
			}
			c.url = w
		}
	}
	if head && c.hasBody {
		t.Fatalf("curl refuses --head with a body")
	}
	if c.method == "" {
		if c.method = "GET"; c.hasBody {
			c.method = "POST"
		}
	}
	for _, name := range []string{"User-Agent", "Accept", "Content-Type"} {
		has := slices.ContainsFunc(c.fields, func(f string) bool { return strings.HasPrefix(strings.ToLower(f), strings.ToLower(name)+":") })
		if own := name != "Content-Type" || c.hasBody; own && !has && !removed[strings.ToLower(name)] {
			t.Fatalf("curl would add its own %s", name)
		}
	}
	return c
}
