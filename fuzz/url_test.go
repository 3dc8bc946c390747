package fuzz_test

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"gohttpx.dev/httpx"
	"gohttpx.dev/wire"
)

// FuzzURL parses, resolves a reference against what was parsed, and compares with
// net/url. Where both accept, they name the same host, port, user, path, query
// and fragment. Allowed disagreements:
//
//   - We refuse what net/url takes: see urlRefusals.
//   - We take what net/url refuses: see urlLeniency.
//   - "//x" is a relative path to us, as it is below a base URL; a host to net/url
//     and to Resolve.
//   - Resolve leaves the path of the base alone where the reference has none;
//     net/url cleans it. Both may differ about empty segments.
//   - net/url forgets every escape of a path for one byte that it would escape itself
//     (a space), and then "%2e" and "%2F" are what they stand for.
func FuzzURL(f *testing.F) {
	for _, s := range []string{
		"http://e.org", "HTTPS://u:p@E.org:0443/a/../b?c=d&e#f", "http://[2001:DB8:0::1]:80/", "http://[fe80::1%25eth0]:8080/x", "http://faß.de/ü?ü#ü",
		"http://e.org/%zz%2F%?%#%", "http://a@b:c@d@e.org/", "http://127.0.0.1:65535/", "http://e.org?", "//e.org/x", "/a:b", "a:b", "?x", "#y", "",
		"http://e.org\\@f.org/", "http://[::1%25.example.com]/", "http://e。org/", "http://xn--bcher-kva.example./", "http://e.org:/%2e%2e/..//./x",
	} {
		f.Add(s, "../g;x=1/./y?q#s")
		f.Add("http://a/b/c/d;p?q", s)
	}
	f.Fuzz(func(t *testing.T, s, ref string) {
		u := checkURL(t, s)
		if u == nil || !u.IsAbs() {
			return
		}
		r, err := u.Resolve(ref)
		checkURL(t, ref)
		if err != nil {
			typedURL(t, ref, err)
			return
		}
		if !r.IsAbs() {
			t.Fatalf("%q + %q is relative: %q", s, ref, r)
		}
		sound(t, r)
		std, err := url.Parse(ref)
		if err != nil || std.Path == "" || strings.Contains(u.Path()+r.Path()+std.EscapedPath(), "//") {
			return
		}
		if forgotten(std) {
			return
		}
		theirs := u.Std().ResolveReference(std)
		if got, err := httpx.FromStdURL(theirs); err != nil || got.Host() != r.Host() || got.DecodedPath() != r.DecodedPath() || !got.Query().Equal(r.Query()) {
			t.Fatalf("%q + %q = %q, net/url %q, %v", s, ref, r, theirs, err)
		}
	})
}

// checkURL parses s and returns what came of it, nil if it was refused.
func checkURL(t *testing.T, s string) *httpx.URL {
	u, err := httpx.ParseURL(s)
	std, stdErr := url.Parse(s)
	if err != nil {
		typedURL(t, s, err)
		if stdErr == nil && !has(err.Error(), urlRefusals) {
			t.Fatalf("net/url takes %q, which we refuse: %v", s, err)
		}
		return nil
	}
	sound(t, u)
	if !u.IsAbs() && strings.HasPrefix(s, "//") {
		return u
	}
	if stdErr != nil {
		if !has(stdErr.Error(), urlLeniency) {
			t.Fatalf("net/url refuses %q, which we take: %v", s, stdErr)
		}
		return u
	}
	if std.Scheme != u.Scheme() {
		t.Fatalf("%q: scheme %q, net/url %q", s, u.Scheme(), std.Scheme)
	}
	if u.IsAbs() {
		sameAuthority(t, s, u, std)
	}
	if forgotten(std) {
		return u
	}
	if u.IsAbs() && strings.Contains(std.EscapedPath(), "/.") {
		if strings.Contains(std.EscapedPath(), "//") {
			return u // JoinPath collapses empty segments
		}
		std = std.JoinPath() // which cleans it
	}
	if got, err := url.PathUnescape(u.Path()); err != nil || got != std.Path && got+std.Path != "/" && strings.TrimSuffix(got, "/") != strings.TrimSuffix(std.Path, "/") {
		t.Fatalf("%q: path %q, net/url %q", s, got, std.Path)
	}
	if !httpx.ParseQuery(std.RawQuery).Equal(u.Query()) || u.HasQuery() != (std.RawQuery != "" || std.ForceQuery) {
		t.Fatalf("%q: query %q, net/url %q", s, u.RawQuery(), std.RawQuery)
	}
	if got, err := url.PathUnescape(u.Fragment()); err != nil || got != std.Fragment {
		t.Fatalf("%q: fragment %q, net/url %q", s, got, std.Fragment)
	}
	return u
}

// forgotten reports whether net/url has lost which "." and "/" of the path had
// been escaped.
func forgotten(std *url.URL) bool {
	raw := strings.ToLower(std.RawPath)
	return std.EscapedPath() != std.RawPath && (strings.Contains(raw, "%2e") || strings.Contains(raw, "%2f"))
}

func sameAuthority(t *testing.T, s string, u *httpx.URL, std *url.URL) {
	host, zone, _ := strings.Cut(std.Hostname(), "%")
	same := u.Zone() == zone
	if a, err := netip.ParseAddr(host); err == nil {
		same = same && a.String() == u.Host()
	} else if ascii(host) {
		same = same && strings.ToLower(host) == u.Host()
	}
	if !same {
		t.Fatalf("%q: host %q, zone %q, net/url %q", s, u.Host(), u.Zone(), std.Hostname())
	}
	port := strings.TrimLeft(std.Port(), "0")
	if port == "" && std.Port() != "" {
		port = "0"
	}
	if def := map[string]string{"http": "80", "https": "443"}[std.Scheme]; port == def {
		port = ""
	}
	if port != u.Port() {
		t.Fatalf("%q: port %q, net/url %q", s, u.Port(), std.Port())
	}
	password, _ := std.User.Password()
	if u.Username() != std.User.Username() || u.Password() != password {
		t.Fatalf("%q: user %q %q, net/url %q", s, u.Username(), u.Password(), std.User)
	}
}

// sound checks what holds for every URL that was accepted.
func sound(t *testing.T, u *httpx.URL) {
	for _, s := range []string{u.String(), u.Redacted(), u.Target(), u.Authority()} {
		for i := range len(s) {
			if (s[i] <= ' ' || s[i] >= 0x7f) && s != u.Redacted() {
				t.Fatalf("byte %#x in %q", s[i], s)
			}
		}
	}
	again, err := httpx.ParseURL(u.String())
	if err != nil || !again.Equal(u) || again.Target() != u.Target() || again.Host() != u.Host() || again.Userinfo() != u.Userinfo() {
		t.Fatalf("%q read again: %q, %v", u, again, err)
	}
	if !u.IsAbs() {
		return
	}
	if i := wire.BadAuthority(u.Authority()); i >= 0 || strings.Contains(u.Authority(), "%") {
		t.Fatalf("authority %q", u.Authority())
	}
	if target := u.Target(); target[0] != '/' || strings.Contains(target, "#") || strings.Contains(u.Path()+"/", "/../") || strings.Contains(u.Path()+"/", "/./") {
		t.Fatalf("target %q", target)
	}
	if back, err := httpx.FromStdURL(u.Std()); err != nil || back.Origin() != u.Origin() || back.DecodedPath() != u.DecodedPath() || !back.Query().Equal(u.Query()) {
		t.Fatalf("%q by way of net/url: %q, %v", u, back, err)
	}
	// What was changed to what it is has not changed.
	for name, f := range map[string]func() (*httpx.URL, error){
		"WithHost":      func() (*httpx.URL, error) { return u.WithHost(strings.Trim(bracketed(u), "[]")) },
		"WithPort":      func() (*httpx.URL, error) { return u.WithPort(u.Port()) },
		"WithScheme":    func() (*httpx.URL, error) { return u.WithScheme(u.Scheme()) },
		"WithPath":      func() (*httpx.URL, error) { return u.WithPath(u.Path()), nil },
		"AddQuery":      func() (*httpx.URL, error) { return u.AddQuery("\x00", "\x00").DelQuery("\x00"), nil },
		"Resolve of ''": func() (*httpx.URL, error) { r, err := u.Resolve(""); return r.WithFragment(u.Fragment()), err },
	} {
		v, err := f()
		if err != nil || v.String() != u.String() && name != "AddQuery" || v.Path() != u.Path() || v.Authority() != u.Authority() {
			t.Fatalf("%s: %q is %q, %v", name, u, v, err)
		}
	}
}

// bracketed is the host with its zone, as it stands in the URL.
func bracketed(u *httpx.URL) string {
	if u.Zone() != "" {
		return u.Host() + "%25" + u.Zone()
	}
	return u.Host()
}

// typedURL fails unless err is one of ours that shows no control byte.
func typedURL(t *testing.T, s string, err error) {
	var e *httpx.Error
	if !errors.As(err, &e) || e.Op != "url" || !errors.Is(err, httpx.ErrInvalidURL) && !errors.Is(err, httpx.ErrUnsupportedScheme) {
		t.Fatalf("%q: %#v", s, err)
	}
	if strings.ContainsAny(err.Error(), "\r\n\x00\x1b") {
		t.Fatalf("%q: %q", s, err)
	}
}

func ascii(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 }) < 0
}

func has(s string, parts []string) bool {
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}

// urlRefusals are texts of our errors for what net/url takes.
var urlRefusals = []string{
	"unsupported scheme",           // it is for http and https that we are
	"control byte",                 // net/url takes them in a fragment
	"must be followed by //",       // http:path, which net/url calls opaque
	"no host",                      // RFC 9110 §4.2.1: an http URL has one
	"not a number from 0 to 65535", // digits are enough for net/url
	"may not stand in a host",      // sub-delims and escapes of RFC 3986's reg-name, which no host has
	"no IPv4 address",              // 127.1, 0x7f000001: an address to some
	"no IPv6 address", "IPv6 zone", // net/url looks at the brackets alone
	"internationalised name", // net/url keeps what it does not know
	"is not UTF-8", "part of the host is empty",
	"at most 253", "bytes are more than",
}

// urlLeniency are texts of net/url's errors for what we take.
var urlLeniency = []string{
	"invalid URL escape",                       // a stray "%" stays
	"invalid userinfo",                         // other bytes are escaped
	"first path segment in URL cannot contain", // "1:b" has no scheme to us either, and is a path
	"missing protocol scheme",                  // ":b" as well
}
