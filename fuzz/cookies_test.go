package fuzz_test

import (
	"bytes"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gohttpx.dev/httpx"
	"golang.org/x/net/publicsuffix"
)

// FuzzSetCookie lets a response to one URL set cookies, and asks what requests
// to another would carry. What is sent is clean and bounded; it comes back from
// All and from a file unchanged; and net/http/cookiejar would send it too, as far
// as the host goes. That jar may send more: see the list at TestCookiesDiff in
// package httpx.
func FuzzSetCookie(f *testing.F) {
	f.Add("https://www.example.org/a/b", "n=v; Domain=example.org; Path=/a; Max-Age=60; Secure; HttpOnly; SameSite=Lax", "https://example.org/a/c")
	f.Add("https://evil.co.uk./", "n=v; Domain=co.UK.\nm=w; Domain=co.UK", "https://bank.co.uk/")
	f.Add("http://127.0.0.1:8080/x", "n=\"a b\"; Expires=Thu, 01-Jan-70 00:00:00 GMT\nn=c; Domain=.0.0.1", "http://127.0.0.1/")
	f.Add("https://[::1]/", "__Host-n=v; Secure; Path=/\n__Secure-m=w; secure; path = /x", "https://[0::1]:1/x/y")
	f.Add("https://bücher.example/ü", "n=v; Domain=xn--bcher-kva.example; Path=/%C3%BC\n=; ;=;a", "https://x.bücher.example/ü/")
	f.Fuzz(func(t *testing.T, from, lines, to string) {
		u, err := url.Parse(from)
		if err != nil {
			return
		}
		v, err := url.Parse(to)
		if err != nil {
			return
		}
		resp := http.Response{Header: http.Header{"Set-Cookie": strings.Split(lines, "\n")}}
		jar := httpx.NewCookies(httpx.CookiesConfig{})
		jar.SetCookies(u, resp.Cookies())
		total := 0
		for _, c := range jar.Cookies(v) {
			total += len(c.Name) + len(c.Value) + 3
			if strings.IndexFunc(c.Name+c.Value, func(r rune) bool { return r < ' ' || r >= 0x7f || r == ';' }) >= 0 {
				t.Errorf("sent: %q", c.Name+"="+c.Value)
			}
			if c.Name == "" || !sameNameAnywhere(u, v) {
				t.Errorf("%q, set by %s, goes to %s", c.Name, u.Host, v.Host)
			}
		}
		if total > 8182+2 {
			t.Errorf("%d bytes for one request", total)
		}
		compareWithStd(t, jar, resp.Cookies(), u, v)

		all := slices.Collect(jar.All())
		if len(all) != jar.Len() {
			t.Errorf("All has %d, Len says %d", len(all), jar.Len())
		}
		var file bytes.Buffer
		if err := jar.SaveAll(&file); err != nil {
			t.Fatal(err)
		}
		again := httpx.NewCookies(httpx.CookiesConfig{})
		if err := again.Load(&file); err != nil {
			t.Fatalf("Load: %v\n%s", err, file.Bytes())
		}
		loaded := slices.Collect(again.All())
		if !reflect.DeepEqual(loaded, all) {
			t.Errorf("from the file: %v, want %v", loaded, all)
		}
		for _, c := range all {
			if got, err := jar.Get(c.Name, httpx.Domain(c.Domain), httpx.Path(c.Path)); err == nil && got.String() != c.String() {
				t.Errorf("Get: %v, want %v", got, c)
			}
		}
		for _, c := range all {
			jar.Delete(c.Name, httpx.Domain(c.Domain), httpx.Path(c.Path))
		}
		if jar.Len() != 0 {
			t.Errorf("%d cookies cannot be deleted", jar.Len())
		}
	})
}

// sameNameAnywhere reports whether two hosts are the same or could share a
// cookie: they end in the same registrable domain. It knows only what is written
// in ASCII; of the rest it says yes.
func sameNameAnywhere(u, v *url.URL) bool {
	a, b := strings.ToLower(u.Hostname()), strings.ToLower(v.Hostname())
	for _, h := range []string{a, b} {
		if strings.IndexFunc(h, func(r rune) bool { return r >= 0x80 || r == ':' }) >= 0 {
			return true
		}
	}
	if a == b {
		return true
	}
	x, errX := publicsuffix.EffectiveTLDPlusOne(a)
	y, errY := publicsuffix.EffectiveTLDPlusOne(b)
	return errX == nil && errY == nil && x == y
}

// compareWithStd looks at single cookies: with several, one that we refuse may
// replace another there.
func compareWithStd(t *testing.T, jar *httpx.Cookies, cs []*http.Cookie, u, v *url.URL) {
	if len(cs) != 1 || strings.ContainsAny(u.Path+v.Path+cs[0].Path, "%") || u.RawPath+v.RawPath != "" || strings.ContainsAny(u.Host+v.Host, "[:") {
		return
	}
	for _, p := range []string{u.Path, v.Path} {
		if (&url.URL{Path: p}).EscapedPath() != p {
			return // compared decoded there
		}
	}
	for _, a := range cs[0].Unparsed {
		if name, _, _ := strings.Cut(a, "="); strings.EqualFold(strings.TrimSpace(name), "path") || strings.EqualFold(strings.TrimSpace(name), "expires") {
			return
		}
	}
	std, err := cookiejar.New(&cookiejar.Options{PublicSuffixList: publicsuffix.List})
	if err != nil {
		t.Fatal(err)
	}
	std.SetCookies(u, cs)
	theirs := std.Cookies(v)
	for _, c := range jar.Cookies(v) {
		if !slices.ContainsFunc(theirs, func(o *http.Cookie) bool { return o.Name == c.Name && o.Value == c.Value && o.Quoted == c.Quoted }) {
			t.Errorf("we send %q of %s to %s, net/http does not", cs[0].Raw, u, v)
		}
	}
}
