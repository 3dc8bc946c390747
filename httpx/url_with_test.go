package httpx_test

import (
	"errors"
	"strings"
	"testing"

	"gohttpx.dev/httpx"
)

func TestURLWith(t *testing.T) {
	const start = "https://u:p@e.org:8443/a?x=1#f"
	must := func(u *httpx.URL, err error) string {
		if err != nil {
			return err.Error()
		}
		return u.String()
	}
	for _, tt := range []struct {
		name, want string
		change     func(u *httpx.URL) string
	}{
		{"scheme", "http://u:p@e.org:8443/a?x=1#f", func(u *httpx.URL) string { return must(u.WithScheme("HTTP")) }},
		{"host", "https://u:p@xn--bcher-kva.example:8443/a?x=1#f", func(u *httpx.URL) string { return must(u.WithHost("Bücher.example")) }},
		{"IPv6 host", "https://u:p@[::1]:8443/a?x=1#f", func(u *httpx.URL) string { return must(u.WithHost("::1")) }},
		{"IPv6 host in brackets", "https://u:p@[::1]:8443/a?x=1#f", func(u *httpx.URL) string { return must(u.WithHost("[::1]")) }},
		{"port", "https://u:p@e.org:81/a?x=1#f", func(u *httpx.URL) string { return must(u.WithPort("81")) }},
		{"default port", "https://u:p@e.org/a?x=1#f", func(u *httpx.URL) string { return must(u.WithPort("443")) }},
		{"no port", "https://u:p@e.org/a?x=1#f", func(u *httpx.URL) string { return must(u.WithPort("")) }},
		{"authority", "https://u:p@f.org:1/a?x=1#f", func(u *httpx.URL) string { return must(u.WithAuthority("F.org:1")) }},
		{"user", "https://%25%3A%40@e.org:8443/a?x=1#f", func(u *httpx.URL) string { return u.WithUser("%:@").String() }},
		{"user and password", "https://a%2Fb:%3Ac%2541@e.org:8443/a?x=1#f", func(u *httpx.URL) string { return u.WithUserPassword("a/b", ":c%41").String() }},
		{"no user", "https://e.org:8443/a?x=1#f", func(u *httpx.URL) string { return u.WithUser("").String() }},
		{"path", "https://u:p@e.org:8443/b%20c%3Fd%23e%2F?x=1#f", func(u *httpx.URL) string { return u.WithPath("b c?d#e%2F").String() }},
		{"path with dots", "https://u:p@e.org:8443/c?x=1#f", func(u *httpx.URL) string { return u.WithPath("/b/../c").String() }},
		{"path of control bytes", "https://u:p@e.org:8443/%0D%0A?x=1#f", func(u *httpx.URL) string { return u.WithPath("/\r\n").String() }},
		{"no path", "https://u:p@e.org:8443?x=1#f", func(u *httpx.URL) string { return u.WithPath("").String() }},
		{"raw query", "https://u:p@e.org:8443/a?b=%20c?d%23#f", func(u *httpx.URL) string { return u.WithRawQuery("b= c?d#").String() }},
		{"no query", "https://u:p@e.org:8443/a#f", func(u *httpx.URL) string { return u.WithRawQuery("").String() }},
		{"query", "https://u:p@e.org:8443/a?k=v+w&k=2#f", func(u *httpx.URL) string { return u.WithQuery(httpx.Q("k", "v w", "k", 2)).String() }},
		{"fragment", "https://u:p@e.org:8443/a?x=1#g%20h", func(u *httpx.URL) string { return u.WithFragment("g h").String() }},
		{"no fragment", "https://u:p@e.org:8443/a?x=1", func(u *httpx.URL) string { return u.WithFragment("").String() }},
		{"added parameter", "https://u:p@e.org:8443/a?x=1&x=a%26b#f", func(u *httpx.URL) string { return u.AddQuery("x", "a&b").String() }},
		{"set parameter", "https://u:p@e.org:8443/a?x=2#f", func(u *httpx.URL) string { return u.SetQuery("x", "2").String() }},
		{"set parameter that is new", "https://u:p@e.org:8443/a?x=1&y=2#f", func(u *httpx.URL) string { return u.SetQuery("y", "2").String() }},
		{"removed parameter", "https://u:p@e.org:8443/a#f", func(u *httpx.URL) string { return u.DelQuery("x").String() }},
		{"removed parameter that is not there", start, func(u *httpx.URL) string { return u.DelQuery("y").String() }},
		{"merged parameters", "https://u:p@e.org:8443/a?x=2&x=3&y=4#f", func(u *httpx.URL) string { return u.MergeQuery(httpx.Q("x", []int{2, 3}, "y", 4)).String() }},
		{"scheme whose default is the port", "http://e.org/", func(*httpx.URL) string { return must(parseURL(t, "https://e.org:80/").WithScheme("http")) }},
		{"zone stays with another port", "http://[fe80::1%25a]:1/", func(*httpx.URL) string { return must(parseURL(t, "http://[fe80::1%25a]/").WithPort("1")) }},
		{"zone goes with another host", "http://e.org/", func(*httpx.URL) string { return must(parseURL(t, "http://[fe80::1%25a]/").WithHost("e.org")) }},
		{"other parameters keep their bytes", "http://e.org/?a=%7e&&b=2&c=/+%zz", func(*httpx.URL) string {
			return parseURL(t, "http://e.org/?a=%7e&&b=1&c=/+%zz&%62=3").SetQuery("b", "2").String()
		}},
		{"relative path with a colon", "./a:b", func(*httpx.URL) string { return parseURL(t, "x").WithPath("a:b").String() }},
	} {
		t.Run("A9.11 "+tt.name, func(t *testing.T) {
			u := parseURL(t, start)
			got := tt.change(u)
			if got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if u.String() != start {
				t.Errorf("the original has become %s", u)
			}
			if again := parseURL(t, got); again.String() != got {
				t.Errorf("%s read again is %s", got, again)
			}
		})
	}
	t.Run("A9.11 what is refused", func(t *testing.T) {
		u, rel := parseURL(t, start), parseURL(t, "/a")
		for name, f := range map[string]func() (*httpx.URL, error){
			"host with a path":    func() (*httpx.URL, error) { return u.WithHost("e.org/x") },
			"host with a user":    func() (*httpx.URL, error) { return u.WithHost("x@e.org") },
			"host with a port":    func() (*httpx.URL, error) { return u.WithHost("e.org:80") },
			"IPv6 with a port":    func() (*httpx.URL, error) { return u.WithHost("[::1]:80") },
			"empty host":          func() (*httpx.URL, error) { return u.WithHost("") },
			"host with a CR":      func() (*httpx.URL, error) { return u.WithHost("e.org\r") },
			"port with a path":    func() (*httpx.URL, error) { return u.WithPort("80/") },
			"port with a host":    func() (*httpx.URL, error) { return u.WithPort("80@e") },
			"port too large":      func() (*httpx.URL, error) { return u.WithPort("65536") },
			"empty scheme":        func() (*httpx.URL, error) { return u.WithScheme("") },
			"no scheme":           func() (*httpx.URL, error) { return u.WithScheme("ht tp") },
			"relative and scheme": func() (*httpx.URL, error) { return rel.WithScheme("http") },
			"relative and host":   func() (*httpx.URL, error) { return rel.WithHost("e.org") },
			"relative and port":   func() (*httpx.URL, error) { return rel.WithPort("1") },
			"huge host":           func() (*httpx.URL, error) { return u.WithHost(strings.Repeat("a", 1<<17)) },
		} {
			if got, err := f(); !errors.Is(err, httpx.ErrInvalidURL) || got != nil {
				t.Errorf("%s: %v, %v", name, got, err)
			}
		}
		if _, err := u.WithScheme("ftp"); !errors.Is(err, httpx.ErrUnsupportedScheme) {
			t.Error(err)
		}
	})
}
