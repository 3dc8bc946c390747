package httpx_test

import (
	"errors"
	"testing"

	"gohttpx.dev/httpx"
)

func parseURL(t *testing.T, s string) *httpx.URL {
	t.Helper()
	u, err := httpx.ParseURL(s)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return u
}

// RFC 3986 §5.4: "Within a representation with a well defined base URI of
// http://a/b/c/d;p?q a relative reference is transformed to its target URI as
// follows." The whole of both tables.
func TestResolveRFC3986(t *testing.T) {
	normal := []struct{ ref, want string }{
		{"g:h", ""}, // "g:h", which is no http URL
		{"g", "http://a/b/c/g"},
		{"./g", "http://a/b/c/g"},
		{"g/", "http://a/b/c/g/"},
		{"/g", "http://a/g"},
		{"//g", "http://g"},
		{"?y", "http://a/b/c/d;p?y"},
		{"g?y", "http://a/b/c/g?y"},
		{"#s", "http://a/b/c/d;p?q#s"},
		{"g#s", "http://a/b/c/g#s"},
		{"g?y#s", "http://a/b/c/g?y#s"},
		{";x", "http://a/b/c/;x"},
		{"g;x", "http://a/b/c/g;x"},
		{"g;x?y#s", "http://a/b/c/g;x?y#s"},
		{"", "http://a/b/c/d;p?q"},
		{".", "http://a/b/c/"},
		{"./", "http://a/b/c/"},
		{"..", "http://a/b/"},
		{"../", "http://a/b/"},
		{"../g", "http://a/b/g"},
		{"../..", "http://a/"},
		{"../../", "http://a/"},
		{"../../g", "http://a/g"},
	}
	abnormal := []struct{ ref, want string }{
		{"../../../g", "http://a/g"},
		{"../../../../g", "http://a/g"},
		{"/./g", "http://a/g"},
		{"/../g", "http://a/g"},
		{"g.", "http://a/b/c/g."},
		{".g", "http://a/b/c/.g"},
		{"g..", "http://a/b/c/g.."},
		{"..g", "http://a/b/c/..g"},
		{"./../g", "http://a/b/g"},
		{"./g/.", "http://a/b/c/g/"},
		{"g/./h", "http://a/b/c/g/h"},
		{"g/../h", "http://a/b/c/h"},
		{"g;x=1/./y", "http://a/b/c/g;x=1/y"},
		{"g;x=1/../y", "http://a/b/c/y"},
		{"g?y/./x", "http://a/b/c/g?y/./x"},
		{"g?y/../x", "http://a/b/c/g?y/../x"},
		{"g#s/./x", "http://a/b/c/g#s/./x"},
		{"g#s/../x", "http://a/b/c/g#s/../x"},
		{"http:g", ""}, // "http:g" for strict parsers, which again is no http URL
	}
	base := parseURL(t, "http://a/b/c/d;p?q")
	check := func(t *testing.T, ref, want string) {
		got, err := base.Resolve(ref)
		if want == "" {
			if !errors.Is(err, httpx.ErrInvalidURL) && !errors.Is(err, httpx.ErrUnsupportedScheme) {
				t.Errorf("%q: %v, %v; want a refusal", ref, got, err)
			}
			return
		}
		if err != nil || got.String() != want {
			t.Errorf("%q: %v, %v; want %s", ref, got, err, want)
			return
		}
		if again := parseURL(t, got.String()); !again.Equal(got) || again.Target() != got.Target() {
			t.Errorf("%q: %s read again is %s", ref, got, again)
		}
		parsed, err := base.ResolveURL(parseURL(t, ref))
		if err != nil || !parsed.Equal(got) {
			t.Errorf("%q parsed first: %v, %v; want %s", ref, parsed, err, want)
		}
	}
	t.Run("A9.12 RFC 3986 §5.4.1 normal examples", func(t *testing.T) {
		for _, tt := range normal {
			check(t, tt.ref, tt.want)
		}
	})
	t.Run("A9.12 RFC 3986 §5.4.2 abnormal examples", func(t *testing.T) {
		for _, tt := range abnormal {
			check(t, tt.ref, tt.want)
		}
	})
}

func TestResolve(t *testing.T) {
	for _, tt := range []struct{ name, base, ref, want string }{
		{"A9.12 absolute reference", "http://a/b", "https://C/d", "https://c/d"},
		{"A9.12 empty base path", "http://a", "g", "http://a/g"},
		{"A9.12 empty base path, query alone", "http://a", "?x", "http://a?x"},
		{"A9.12 network path with an internationalised host", "https://a/b", "//bücher.example/x", "https://xn--bcher-kva.example/x"},
		{"A9.12 network path with user information", "https://a/b", "//u:p@c", "https://u:p@c"},
		{"A9.12 the base's user information stays", "https://u:p@a/b", "/c", "https://u:p@a/c"},
		{"A9.12 the base's fragment goes", "https://a/b#f", "c", "https://a/c"},
		{"A9.12 empty query is a query", "https://a/b?x", "?", "https://a/b?"},
		{"A9.12 colon behind a slash", "https://a/b", "./c:d", "https://a/c:d"},
		{"A9.12 escaped dots are no dot segments", "https://a/b/c", "%2e%2e/d", "https://a/b/%2e%2e/d"},
		{"A9.12 spaces and other bytes", "https://a/b/c", "d e/ü?q r", "https://a/b/d%20e/%C3%BC?q%20r"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseURL(t, tt.base).Resolve(tt.ref)
			if err != nil || got.String() != tt.want {
				t.Errorf("%s + %s = %v, %v; want %s", tt.base, tt.ref, got, err, tt.want)
			}
		})
	}
	t.Run("A9.12 relative base", func(t *testing.T) {
		for _, ref := range []string{"g", "//g", ""} {
			if got, err := parseURL(t, "/b/c").Resolve(ref); !errors.Is(err, httpx.ErrInvalidURL) {
				t.Errorf("%q: %v, %v", ref, got, err)
			}
		}
	})
	t.Run("A9.12 control byte in a reference", func(t *testing.T) {
		for _, ref := range []string{"/a\r\nb", "//a\r\nb", "//a b/"} {
			if got, err := parseURL(t, "http://a/").Resolve(ref); !errors.Is(err, httpx.ErrInvalidURL) {
				t.Errorf("%q: %v, %v", ref, got, err)
			}
		}
	})
	t.Run("A9.9 a path that stands as is, and references to it", func(t *testing.T) {
		base, err := httpx.ParseURLWith("http://a/x/../y", httpx.URLRules{PathAsIs: true})
		if err != nil || base.Target() != "/x/../y" {
			t.Fatal(base, err)
		}
		for ref, want := range map[string]string{"/p/../q": "http://a/p/../q", "../q": "http://a/q", "": "http://a/x/../y", "http://b/./c": "http://b/./c"} {
			if got, err := base.Resolve(ref); err != nil || got.String() != want {
				t.Errorf("%q: %v, %v; want %s", ref, got, err, want)
			}
		}
	})
}
