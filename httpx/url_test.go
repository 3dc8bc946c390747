package httpx

import (
	"errors"
	"strings"
	"testing"
)

func TestParseURL(t *testing.T) {
	for _, tt := range []struct {
		name, in, str, authority, addr, target string
	}{
		{"plain", "http://example.org/a?b=c", "http://example.org/a?b=c", "example.org", "example.org:80", "/a?b=c"},
		{"no path", "https://example.org", "https://example.org", "example.org", "example.org:443", "/"},
		{"no path but a query", "http://e.org?x", "http://e.org?x", "e.org", "e.org:80", "/?x"},
		{"empty query is kept", "http://e.org/?", "http://e.org/?", "e.org", "e.org:80", "/?"},
		{"explicit port", "http://e.org:8080/", "http://e.org:8080/", "e.org:8080", "e.org:8080", "/"},
		{"default port goes", "http://e.org:80/", "http://e.org/", "e.org", "e.org:80", "/"},
		{"default port goes behind an upper-case scheme", "HTTP://E.org:80/", "http://e.org/", "e.org", "e.org:80", "/"},
		{"other scheme's default stays", "http://e.org:443/", "http://e.org:443/", "e.org:443", "e.org:443", "/"},
		{"default port with zeros goes", "http://e.org:0080/", "http://e.org/", "e.org", "e.org:80", "/"},
		{"port with zeros", "http://e.org:08080/", "http://e.org:8080/", "e.org:8080", "e.org:8080", "/"},
		{"IPv6 and a port with zeros", "http://[::1]:081/", "http://[::1]:81/", "[::1]:81", "[::1]:81", "/"},
		{"port of zeros", "http://e.org:00/", "http://e.org:0/", "e.org:0", "e.org:0", "/"},
		{"empty port", "http://e.org:/", "http://e.org/", "e.org", "e.org:80", "/"},
		{"upper case with port", "http://E.ORG:8080/A", "http://e.org:8080/A", "e.org:8080", "e.org:8080", "/A"},
		{"IPv4", "http://127.0.0.1:1/", "http://127.0.0.1:1/", "127.0.0.1:1", "127.0.0.1:1", "/"},
		{"IPv6", "http://[::1]:8080/", "http://[::1]:8080/", "[::1]:8080", "[::1]:8080", "/"},
		{"IPv6 without port, upper case", "https://[2001:DB8::A]/", "https://[2001:db8::a]/", "[2001:db8::a]", "[2001:db8::a]:443", "/"},
		{"IPv6 with needless zeros", "https://[2001:0DB8:0:0::000a]/", "https://[2001:db8::a]/", "[2001:db8::a]", "[2001:db8::a]:443", "/"},
		{"IPv6 zone is dialled and not sent", "http://[fe80::1%25eth0]/", "http://[fe80::1%25eth0]/", "[fe80::1]", "[fe80::1%eth0]:80", "/"},
		{"IPv6 zone with a port", "http://[FE80::1%253]:8080/", "http://[fe80::1%253]:8080/", "[fe80::1]:8080", "[fe80::1%3]:8080", "/"},
		{"IPv6 upper case with port", "https://[2001:DB8::A]:1/", "https://[2001:db8::a]:1/", "[2001:db8::a]:1", "[2001:db8::a]:1", "/"},
		{"fragment is not sent", "http://e.org/a#frag", "http://e.org/a#frag", "e.org", "e.org:80", "/a"},
		{"question mark in the fragment", "http://e.org/a#f?g", "http://e.org/a#f?g", "e.org", "e.org:80", "/a"},
		{"space and non-ASCII in the path", "http://e.org/a b/ü", "http://e.org/a%20b/%C3%BC", "e.org", "e.org:80", "/a%20b/%C3%BC"},
		{"space in the query", "http://e.org/?q=a b", "http://e.org/?q=a%20b", "e.org", "e.org:80", "/?q=a%20b"},
		{"escapes are not escaped again", "http://e.org/%2F%zz%", "http://e.org/%2F%zz%", "e.org", "e.org:80", "/%2F%zz%"},
		{"dot segments", "http://e.org/a/./b/../c", "http://e.org/a/c", "e.org", "e.org:80", "/a/c"},
		{"trailing dot-dot keeps its slash", "http://e.org/a/b/..", "http://e.org/a/", "e.org", "e.org:80", "/a/"},
		{"trailing dot keeps its slash", "http://e.org/a/.", "http://e.org/a/", "e.org", "e.org:80", "/a/"},
		{"above the root", "http://e.org/../../x", "http://e.org/x", "e.org", "e.org:80", "/x"},
		{"a name that starts with a dot", "http://e.org/.well-known/x", "http://e.org/.well-known/x", "e.org", "e.org:80", "/.well-known/x"},
		{"dots in the query stay", "http://e.org/?a=/../b", "http://e.org/?a=/../b", "e.org", "e.org:80", "/?a=/../b"},
		{"double slash in the path", "http://e.org//x", "http://e.org//x", "e.org", "e.org:80", "//x"},
		{"user information", "http://u:p@e.org/", "http://u:p@e.org/", "e.org", "e.org:80", "/"},
		{"the last @ splits", "http://u@v:p@e.org/", "http://u%40v:p@e.org/", "e.org", "e.org:80", "/"},
		{"IDNA 2008", "http://faß.de/", "http://xn--fa-hia.de/", "xn--fa-hia.de", "xn--fa-hia.de:80", "/"},
		{"IDN with a port", "http://bücher.example:8080/", "http://xn--bcher-kva.example:8080/", "xn--bcher-kva.example:8080", "xn--bcher-kva.example:8080", "/"},
		{"trailing dot in the host", "http://e.org./", "http://e.org./", "e.org.", "e.org.:80", "/"},
		{"relative path", "/items?x=1", "/items?x=1", "", "", "/items?x=1"},
		{"relative name", "items", "items", "", "", "items"},
		{"colon in a relative path", "/a:b", "/a:b", "", "", "/a:b"},
	} {
		u, err := ParseURL(tt.in)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if u.String() != tt.str || u.Authority() != tt.authority || u.addr != tt.addr || u.Target() != tt.target {
			t.Errorf("%s: %q → %q, authority %q, addr %q, target %q", tt.name, tt.in, u.String(), u.Authority(), u.addr, u.Target())
		}
		again, err := ParseURL(u.String())
		if err != nil || again.String() != u.String() {
			t.Errorf("%s: parsing %q again gives %v, %v", tt.name, u, again, err)
		}
	}
}

func TestParseURLRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, in, want string
		is             error
	}{
		{"other scheme", "ftp://e.org/", "ftp", ErrUnsupportedScheme},
		{"file", "file:///etc/passwd", "file", ErrUnsupportedScheme},
		{"javascript", "javascript:alert(1)", "javascript", ErrUnsupportedScheme},
		{"host and port taken for a scheme", "localhost:8080/x", "write http://", ErrUnsupportedScheme},
		{"no slashes", "http:e.org", "//", ErrInvalidURL},
		{"no host", "http:///x", "no host", ErrInvalidURL},
		{"only a port", "http://:80/", "no host", ErrInvalidURL},
		{"port too large", "http://e.org:65536/", "port", ErrInvalidURL},
		{"port far too large", "http://e.org:99999999999999999999/", "port", ErrInvalidURL},
		{"negative port", "http://e.org:-1/", "port", ErrInvalidURL},
		{"port with a sign", "http://e.org:+80/", "port", ErrInvalidURL},
		{"CR LF in the path", "http://e.org/\r\nX: y", "offset 13", ErrInvalidURL},
		{"tab", "http://e.org/\t", "offset 13", ErrInvalidURL},
		{"NUL in the host", "http://e\x00.org/", "0x00", ErrInvalidURL},
		{"space in the host", "http://e org/", "host", ErrInvalidURL},
		{"percent in the host", "http://e%2eorg/", "host", ErrInvalidURL},
		{"backslash in the user information", `http://e.org\@evil.org/x`, "backslash", ErrInvalidURL},
		{"backslash in the host", `http://e.org\evil.org/x`, "host", ErrInvalidURL},
		{"bad IPv4", "http://1.2.3.999/", "IPv4", ErrInvalidURL},
		{"short IPv4", "http://127.1/", "IPv4", ErrInvalidURL},
		{"IPv4 in hexadecimal", "http://0x7f000001/", "IPv4", ErrInvalidURL},
		{"IPv4 with a hexadecimal end", "http://127.0.0.0X1/", "IPv4", ErrInvalidURL},
		{"IPv4 as one number", "http://2130706433/", "IPv4", ErrInvalidURL},
		{"IPv4 in octal", "http://0177.0.0.1/", "IPv4", ErrInvalidURL},
		{"host of a rune that IDNA drops", "http://\u00ad/", "empty", ErrInvalidURL},
		{"label of a rune that IDNA drops", "http://a.\u00ad.b/", "empty", ErrInvalidURL},
		{"host of an ideographic full stop", "http://\u3002/", "empty", ErrInvalidURL},
		{"host of a dot", "http://./", "empty", ErrInvalidURL},
		{"empty label", "http://a..b/", "empty", ErrInvalidURL},
		{"fullwidth slash in the host", "http://e.org\uff0f.f.org/", "internationalised", ErrInvalidURL},
		{"host that is not UTF-8", "http://\xff.org/", "UTF-8", ErrInvalidURL},
		{"bad IPv6", "http://[::zz]/", "IPv6", ErrInvalidURL},
		{"IPv4 in brackets", "http://[1.2.3.4]/", "IPv6", ErrInvalidURL},
		{"unclosed bracket", "http://[::1/", "]", ErrInvalidURL},
		{"text after the bracket", "http://[::1]x/", "IPv6", ErrInvalidURL},
		{"IPv6 zone that is not escaped", "http://[fe80::1%eth0]/", "escaped", ErrInvalidURL},
		{"IPv6 zone of an address that is not local to a link", "http://[::1%25eth0]/", "link-local", ErrInvalidURL},
		{"IPv6 zone that looks like a host", "http://[::1%25.example.com]/", "link-local", ErrInvalidURL},
		{"IPv6 zone that looks like a host, on a link-local address", "http://[fe80::1%25.example.com]/", "zone", ErrInvalidURL},
		{"IPv6 zone with an escape", "http://[fe80::1%25eth0%2eexample%2ecom]/", "zone", ErrInvalidURL},
		{"IPv6 zone that is empty", "http://[fe80::1%25]/", "zone", ErrInvalidURL},
		{"IPv6 zone that is too long", "http://[fe80::1%25" + strings.Repeat("a", 64) + "]/", "63", ErrInvalidURL},
		{"bracket in the middle of a host", "http://e[::1].org/", "host", ErrInvalidURL},
		{"bracket behind a host", "http://e.org[::1]/", "host", ErrInvalidURL},
		{"two brackets", "http://[::1][::2]/", "IPv6", ErrInvalidURL},
		{"bracket in a bracket", "http://[[::1]]/", "IPv6", ErrInvalidURL},
		{"closing bracket alone", "http://::1]/", "no host", ErrInvalidURL},
		{"empty brackets", "http://[]/", "IPv6", ErrInvalidURL},
		{"future address", "http://[v1.x]/", "IPv6", ErrInvalidURL},
		{"not an IDN", "http://\u202eabc.net/", "internationalised", ErrInvalidURL},
		{"host too long", "http://" + strings.Repeat("a", 254) + "/", "253", ErrInvalidURL},
		{"URL too long", "http://e.org/" + strings.Repeat("a", maxURLBytes), "bytes", ErrInvalidURL},
	} {
		_, err := ParseURL(tt.in)
		if !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want a %v that says %q", tt.name, err, tt.is, tt.want)
		}
	}
}

func TestConnectTarget(t *testing.T) {
	for in, want := range map[string]string{
		"http://e.org": "e.org:80", "https://[fe80::1%25eth0]": "[fe80::1]:443", "https://[fe80::1%25eth0]:1": "[fe80::1]:1", "https://[::1]": "[::1]:443",
	} {
		u, err := ParseURL(in)
		if err != nil || u.connectTarget() != want {
			t.Errorf("%s: %v, %v; want %s", in, u.connectTarget(), err, want)
		}
	}
}

func TestURLRedacted(t *testing.T) {
	for in, want := range map[string]string{
		"http://user:secret@e.org/p?token=abc&page=2&flag#frag": "http://e.org/p?token=…&page=…&flag",
		"http://e.org/?abcdefghijklmnopqrstuvwxyz":              "http://e.org/?…",
		"http://e.org/plain":                                    "http://e.org/plain",
	} {
		u, err := ParseURL(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := u.Redacted(); got != want {
			t.Errorf("%s → %s, want %s", in, got, want)
		}
	}
}

func TestBaseURL(t *testing.T) {
	for _, tt := range []struct{ base, ref, want string }{
		{"https://e.org/v1", "/items", "https://e.org/v1/items"},
		{"https://e.org/v1/", "items", "https://e.org/v1/items"},
		{"https://e.org/v1/", "/items", "https://e.org/v1/items"},
		{"https://e.org", "items", "https://e.org/items"},
		{"https://e.org/v1", "", "https://e.org/v1"},
		{"https://e.org/v1", "?x=1", "https://e.org/v1?x=1"},
		{"https://e.org/v1?z=1", "/x", "https://e.org/v1/x?z=1"},
		{"https://e.org/v1?z=1", "/x?y=2", "https://e.org/v1/x?z=1&y=2"},
		{"https://e.org/v1", "//evil.org/x", "https://e.org/v1/evil.org/x"},
		{"https://e.org/v1", "../x", "https://e.org/x"},
		{"https://e.org/v1", "http://other.org/y", "http://other.org/y"},
	} {
		c, err := New(WithBaseURL(tt.base))
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.NewRequest("GET", tt.ref)
		if err != nil || r.URL.String() != tt.want {
			t.Errorf("%s + %s = %v, %v; want %s", tt.base, tt.ref, r, err, tt.want)
		}
		c.Close()
	}
	if _, err := New(WithBaseURL("/v1")); !errors.Is(err, ErrInvalidURL) {
		t.Errorf("a base without a scheme: %v", err)
	}
	if _, err := NewRequest("GET", "example.org/x"); !errors.Is(err, ErrInvalidURL) || !strings.Contains(err.Error(), "https://") {
		t.Errorf("a URL without a scheme must say what to write: %v", err)
	}
}

func TestQuery(t *testing.T) {
	c, err := New(WithQuery("page", 1, "key", "k v"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, tt := range []struct {
		name string
		url  string
		kv   []any
		want string
	}{
		{"the URL's own stay", "http://e.org/?a=1", []any{"b", 2}, "a=1&page=1&key=k+v&b=2"},
		{"the request's replace the client's per key", "http://e.org/", []any{"page", 2, "page", 3}, "key=k+v&page=2&page=3"},
		{"values", "http://e.org/", []any{"page", true, "n", nil, "f", 1.5, "s", []string{"x", "y"}, "e", "a&b=c/é~"}, "key=k+v&page=true&n=&f=1.5&s=x&s=y&e=a%26b%3Dc%2F%C3%A9~"},
	} {
		r, err := c.NewRequest("GET", tt.url, WithQuery(tt.kv...))
		if err != nil || r.URL.RawQuery() != tt.want {
			t.Errorf("%s: %q, %v; want %q", tt.name, r.URL.RawQuery(), err, tt.want)
		}
	}
	for _, kv := range [][]any{{"odd"}, {1, 2}} {
		if _, err := c.NewRequest("GET", "http://e.org/", WithQuery(kv...)); err == nil {
			t.Errorf("WithQuery%v must be refused", kv)
		}
	}
}

func TestHeaderMerge(t *testing.T) {
	c, err := New(WithHeader("X-App", "a"), WithHeader("Accept", "text/html"), WithAddedHeader("X-Many", "1"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r, err := c.NewRequest("GET", "http://e.org/", WithHeader("x-app", "b"), WithAddedHeader("X-Many", "2"), WithoutHeader("user-agent"))
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Header.String(); got != "Accept-Encoding: gzip, deflate, br, zstd\nx-app: b\nAccept: text/html\nX-Many: 1\nX-Many: 2\n" {
		t.Errorf("got %q", got)
	}
	r2, _ := c.NewRequest("GET", "http://e.org/")
	if r2.Header.Get("X-App") != "a" || r2.Header.Get("User-Agent") == "" || len(r2.Header.Values("X-Many")) != 1 {
		t.Errorf("one request's options reached another: %v", r2.Header)
	}
	r2.Header.Set("X-App", "changed")
	if r3, _ := c.NewRequest("GET", "http://e.org/"); r3.Header.Get("X-App") != "a" {
		t.Error("changing a request changed its client")
	}
	bare, _ := NewRequest("GET", "http://e.org/")
	if bare.Header.Len() != 0 {
		t.Errorf("a stand-alone request has no defaults: %v", bare.Header)
	}
	secret := Header{{Name: "Authorization", Value: "Basic x"}, {Name: "cookie", Value: "y"}, {Name: "A", Value: "b"}}
	if got := secret.String(); got != "Authorization: [secure]\ncookie: [secure]\nA: b\n" {
		t.Errorf("secrets in a log: %q", got)
	}
}

// A URL that was pasted wrongly has its password where no parser looks for one.
func TestInvalidURLKeepsThePassword(t *testing.T) {
	for _, in := range []string{
		"//u:hunter2@e.org/", " https://u:hunter2@e.org/", "https//u:hunter2@e.org/", "/u:hunter2@e.org?x=@",
		"//u:hun?hunter2@e.org/", "//u:hun#hunter2@e.org/", "http://u:hunter2/x@e.org/", "http://u:hunter2?x@e.org/",
		"http://u:hunter2#x@e.org/", "http:u:hunter2@e.org/", "u:hunter2@e.org/", "http://u:pass/hunter2@e.org/",
		// Up to the first slash it looks like a host, and a wrong one.
		"http://u:x@hunter2.5/y@e.org/", "http://u:x@[hunter2]/y@e.org/", "http://u:x@\u00e4hunter2-.x?y@e.org/",
		"http://[hunter2]#x@e.org/", "http://u:x@[fe80::1%25hunter2+]/y@e.org/", "http://u:hunter2\x01@e.org/",
	} {
		_, err := NewRequest("GET", in)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", in, err)
		}
		if _, err := New(WithBaseURL(in)); err == nil || strings.Contains(err.Error(), "hunter2") || strings.Count(err.Error(), "httpx:") != 1 {
			t.Errorf("base %s: %v", in, err)
		}
	}
}

func TestMethodCase(t *testing.T) {
	for in, want := range map[string]string{
		"": "GET", "get": "GET", "pAtch": "PATCH", "purge": "purge",
		"po\u017ft": "po\u017ft", "opt\u0131ons": "opt\u0131ons", // upper case of both is ASCII
	} {
		if r, err := NewRequest(in, "http://e.org/"); err != nil || r.Method != want {
			t.Errorf("%q: %v, %v; want %q", in, r, err, want)
		}
	}
}
