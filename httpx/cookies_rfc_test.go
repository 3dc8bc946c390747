package httpx

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/publicsuffix"
)

// set plays a response to url with these Set-Cookie lines.
func set(t *testing.T, j *Cookies, url string, lines ...string) {
	t.Helper()
	u, err := ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	j.receive(u.scheme == "https", u.Host(), u.Path(), lines, time.Now())
}

// sent returns what a request to url would carry.
func sent(t *testing.T, j *Cookies, url string) string {
	t.Helper()
	u, err := ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	return string(j.appendHeader(nil, u.scheme == "https", u.Host(), u.Path(), time.Now(), nil))
}

// RFC 6265bis §5.1.1.
func TestCookieDate(t *testing.T) {
	want := time.Date(1994, 11, 6, 8, 49, 37, 0, time.UTC)
	for _, tt := range []struct {
		name, in string
		want     time.Time // zero: no date
	}{
		{"IMF-fixdate", "Sun, 06 Nov 1994 08:49:37 GMT", want},
		{"RFC 850", "Sunday, 06-Nov-94 08:49:37 GMT", want},
		{"asctime", "Sun Nov  6 08:49:37 1994", want},
		{"any order", "08:49:37 1994 Nov 6", want},
		{"two numbers of two digits: the day comes first", "06 94 Nov 08:49:37", want},
		{"year behind the day", "6 1994 nov 08:49:37", want},
		{"whole name of the month", "6 November 1994 08:49:37", want},
		{"one-digit time", "6 Nov 1994 8:49:37", want},
		{"words around", "the 6th of NOVEMBER, in 1994 at 08:49:37pm", want},
		{"zone is not looked at", "Sun, 06 Nov 1994 08:49:37 -0800", want},
		{"year 69 is of this century", "06-Nov-69 08:49:37", time.Date(2069, 11, 6, 8, 49, 37, 0, time.UTC)},
		{"year 70 is of the last", "01-Jan-70 00:00:00", time.Unix(0, 0)},
		{"year of three digits", "01-Jan-970 00:00:00", time.Time{}},
		{"year 1600", "01-Jan-1600 00:00:00", time.Time{}},
		{"year of five digits", "01-Jan-19999 00:00:00", time.Time{}},
		{"31 February", "31 Feb 2024 00:00:00", time.Time{}},
		{"29 February", "29 Feb 2024 00:00:00", time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)},
		{"day 0", "00 Feb 2024 00:00:00", time.Time{}},
		{"hour 24", "1 Feb 2024 24:00:00", time.Time{}},
		{"second 60", "1 Feb 2024 23:59:60", time.Time{}},
		{"no seconds", "1 Feb 2024 23:59", time.Time{}},
		{"three digits in the minute", "1 Feb 2024 23:599:00", time.Time{}},
		{"no month", "1 2024 23:59:59", time.Time{}},
		{"letters across two months", "1 anf 2024 23:59:59", time.Time{}},
		{"empty", "", time.Time{}},
	} {
		got, ok := parseCookieDate(tt.in)
		if ok != !tt.want.IsZero() || !got.Equal(tt.want) {
			t.Errorf("%s: %q → %v, %v", tt.name, tt.in, got, ok)
		}
	}
	for in, want := range map[string]int{"0": -1, "00": -1, "010": 10, "-5": -1, "99999999999999999999": 1, "1x": 0, "": 0, "-": 0, "1.5": 0} {
		if got := maxAge(in); got != want && (want != 1 || got < int(maxCookieAge/time.Second)) {
			t.Errorf("Max-Age=%s → %d", in, got)
		}
	}
}

// RFC 6265bis §5.1.2.
func TestCookieHost(t *testing.T) {
	for in, want := range map[string]string{
		"Example.ORG": "example.org", "example.org.": "example.org.", "bücher.example": "xn--bcher-kva.example",
		"xn--bcher-kva.example": "xn--bcher-kva.example", "127.0.0.1": "127.0.0.1", "::1": "::1", "0:0:0:0:0:0:0:1": "::1",
		"2001:DB8::A": "2001:db8::a", "::1%eth0": "", "::1%.example.org": "", "1.2.3": "", "0x7f000001": "", "127.1": "",
		"": "", ".": "", "a..b": "", ".a": "", "a b": "", "a/b": "", "a@b": "", "[::1]": "",
	} {
		if got, ok := cookieHost(in); got != want && ok || ok != (want != "") {
			t.Errorf("%q → %q, %v; want %q", in, got, ok, want)
		}
	}
}

// RFC 6265bis §5.1.3.
func TestCookieDomainMatch(t *testing.T) {
	for _, tt := range []struct {
		name, host, domain string
		want               bool
	}{
		{"identical", "example.org", "example.org", true},
		{"below", "www.example.org", "example.org", true},
		{"far below", "a.b.c.example.org", "example.org", true},
		{"above", "example.org", "www.example.org", false},
		{"suffix without a dot", "badexample.org", "example.org", false},
		{"sibling", "a.example.org", "b.example.org", false},
		{"longer on the right", "example.org.evil.test", "example.org", false},
		{"IPv4 identical", "127.0.0.1", "127.0.0.1", true},
		{"IPv4 is no name", "127.0.0.1", "0.0.1", false},
		{"IPv4 and one label", "127.0.0.1", "1", false},
		{"IPv6 identical", "::1", "::1", true},
		{"trailing dot", "example.org.", "example.org", false},
		{"only the domain has a trailing dot", "example.org", "example.org.", false},
	} {
		if got := domainMatch(tt.host, tt.domain); got != tt.want {
			t.Errorf("%s: domainMatch(%q, %q) = %v", tt.name, tt.host, tt.domain, got)
		}
	}
}

// RFC 6265bis §5.1.4.
func TestCookiePaths(t *testing.T) {
	for in, want := range map[string]string{
		"": "/", "/": "/", "/a": "/", "/a/": "/a", "/a/b": "/a", "/a/b/": "/a/b", "a/b": "/", "//a": "/", "/a//": "/a/", "*": "/",
	} {
		if got := defaultPath(in); got != want {
			t.Errorf("defaultPath(%q) = %q, want %q", in, got, want)
		}
	}
	for _, tt := range []struct {
		request, cookie string
		want            bool
	}{
		{"/", "/", true},
		{"", "/", true},
		{"/a", "/", true},
		{"/a", "/a", true},
		{"/a/", "/a", true},
		{"/a/b", "/a", true},
		{"/a/b", "/a/", true},
		{"/a", "/a/", false},
		{"/ab", "/a", false},
		{"/A", "/a", false},
		{"/", "/a", false},
		{"", "/a", false},
		{"/a%2Fb", "/a", false},
		{"/a;x", "/a", false},
		{"/a?b", "/a", false},
	} {
		if got := pathMatch(tt.request, tt.cookie); got != tt.want {
			t.Errorf("pathMatch(%q, %q) = %v", tt.request, tt.cookie, got)
		}
	}
}

func TestCookieSite(t *testing.T) {
	for host, want := range map[string]string{
		"www.example.org": "example.org", "example.org": "example.org", "org": "org!", "a.b.example.co.uk": "example.co.uk",
		"co.uk": "co.uk!", "uk": "uk!", "localhost": "localhost!", "app.localhost": "app.localhost", "127.0.0.1": "127.0.0.1!",
		"::1": "::1!", "example.org.": "example.org.!", "user.github.io": "user.github.io", "github.io": "github.io!",
		"www.ck": "www.ck", "x.ck": "x.ck!", "a.x.ck": "a.x.ck", "b.a.x.ck": "a.x.ck",
	} {
		site, single := siteOf(host, publicsuffix.List)
		if single {
			site += "!"
		}
		if site != want {
			t.Errorf("siteOf(%q) = %q, want %q", host, site, want)
		}
	}
	for _, suffix := range []string{"org", "g", "xample.org", "other.test", "www.example.org", "very.long.suffix.of.another.test", "."} {
		if site, single := siteOf("www.example.org", fixedSuffix(suffix)); !single && !strings.HasSuffix("www.example.org", site) {
			t.Errorf("with the suffix %q: %q", suffix, site)
		}
	}
	if site, single := siteOf("www.example.org", fixedSuffix("")); site != "example.org" || single {
		t.Errorf("a list that knows nothing: %q, %v", site, single)
	}
}

// fixedSuffix is a list that answers the same to everything.
type fixedSuffix string

func (f fixedSuffix) PublicSuffix(string) string { return string(f) }
func (f fixedSuffix) String() string             { return "fixed" }

// RFC 6265bis §5.6 and §5.7: one Set-Cookie, and what a second request carries.
func TestCookieStorage(t *testing.T) {
	const a, sub, other = "https://www.example.org/dir/page", "https://x.www.example.org/dir/", "https://example.org/dir/"
	for _, tt := range []struct {
		name, from, line, to string
		sent                 bool
	}{
		{"host-only to its host", a, "n=v", a, true},
		{"host-only to a name below", a, "n=v", sub, false},
		{"host-only to the name above", a, "n=v", other, false},
		{"another port is the same host", a, "n=v", "https://www.example.org:8443/dir/", true},
		{"domain to its host", a, "n=v; Domain=www.example.org", a, true},
		{"domain to a name below", a, "n=v; Domain=www.example.org", sub, true},
		{"domain above", a, "n=v; Domain=example.org", other, true},
		{"domain above, to a sibling", a, "n=v; Domain=example.org", "https://z.example.org/dir/", true},
		{"leading dot", a, "n=v; Domain=.example.org", other, true},
		{"two leading dots", a, "n=v; Domain=..example.org", a, false},
		{"upper-case domain", a, "n=v; DOMAIN=EXAMPLE.org", other, true},
		{"empty domain is host-only", a, "n=v; Domain=", sub, false},
		{"empty domain reaches its host", a, "n=v; Domain=", a, true},
		{"domain of a dot alone", a, "n=v; Domain=.", a, true},
		{"the last domain counts", a, "n=v; Domain=evil.test; Domain=example.org", other, true},
		{"the last domain counts, empty", a, "n=v; Domain=example.org; Domain=", other, false},
		{"domain below the host", "https://example.org/", "n=v; Domain=www.example.org", "https://www.example.org/", false},
		{"domain of others", a, "n=v; Domain=evil.test", a, false},
		{"domain not at a dot", "https://badexample.org/", "n=v; Domain=example.org", "https://badexample.org/", false},
		{"domain beyond ASCII", "https://www.bücher.example/", "n=v; Domain=bücher.example", "https://www.bücher.example/", false},
		{"domain as an A-label", "https://www.bücher.example/", "n=v; Domain=xn--bcher-kva.example", "https://bücher.example/", true},
		{"domain of more than 1024 bytes is as none", a, "n=v; Domain=" + strings.Repeat("a", 1025), a, true},
		{"IPv4 as its own domain", "http://127.0.0.1/", "n=v; Domain=127.0.0.1", "http://127.0.0.1/", true},
		{"IPv4 with a leading dot", "http://127.0.0.1/", "n=v; Domain=.127.0.0.1", "http://127.0.0.1/", false},
		{"part of an IPv4 address", "http://127.0.0.1/", "n=v; Domain=0.0.1", "http://127.0.0.1/", false},
		{"IPv6", "http://[::1]:1/", "n=v", "http://[0:0::1]:2/", true},
		{"IPv6 as its own domain", "http://[::1]/", "n=v; Domain=::1", "http://[::1]/", true},
		{"one label", "http://localhost/", "n=v; Domain=localhost", "http://localhost/", true},
		{"one label, to a name below", "http://localhost/", "n=v; Domain=localhost", "http://a.localhost/", false},

		{"default path", a, "n=v", "https://www.example.org/dir/other", true},
		{"default path, above", a, "n=v", "https://www.example.org/", false},
		{"default path, with the query", "https://www.example.org/dir/page?x=/y/", "n=v", "https://www.example.org/dir", true},
		{"path", a, "n=v; Path=/", "https://www.example.org/", true},
		{"path of others", a, "n=v; Path=/elsewhere", "https://www.example.org/elsewhere/x", true},
		{"path without a slash is the default", a, "n=v; Path=x", a, true},
		{"empty path is the default", a, "n=v; Path=", "https://www.example.org/", false},
		{"path in quotes is the default", a, `n=v; Path="/"`, a, true},
		{"path beyond ASCII", a, "n=v; Path=/ü", a, false},
		{"path of more than 1024 bytes is the default", a, "n=v; Path=/" + strings.Repeat("a", 1024), a, true},
		{"the last path counts", a, "n=v; Path=/x; Path=/dir", a, true},
		{"path is not a prefix of bytes", a, "n=v; Path=/di", a, false},

		{"secure from https to https", a, "n=v; Secure", a, true},
		{"secure from https to http", a, "n=v; Secure", "http://www.example.org/dir/", false},
		{"secure from http", "http://www.example.org/", "n=v; Secure", a, false},
		{"secure from http on the loopback", "http://127.0.0.1/", "n=v; Secure", "http://127.0.0.1/", false},
		{"from http to https", "http://www.example.org/dir/", "n=v", a, true},

		{"__Secure- without Secure", a, "__Secure-n=v", a, false},
		{"__Secure-", a, "__Secure-n=v; Secure; Domain=example.org", other, true},
		{"__SECURE- in capitals", a, "__SECURE-n=v", a, false},
		{"__Secure- from http", "http://www.example.org/", "__Secure-n=v; Secure", a, false},
		{"__Host-", a, "__Host-n=v; Secure; Path=/", a, true},
		{"__Host- without a path", "https://www.example.org/", "__Host-n=v; Secure", "https://www.example.org/", false},
		{"__Host- with another path", a, "__Host-n=v; Secure; Path=/dir", a, false},
		{"__Host- with a domain", a, "__Host-n=v; Secure; Path=/; Domain=www.example.org", a, false},
		{"__Host- with a domain that is host-only", "https://github.io/", "__Host-n=v; Secure; Path=/; Domain=github.io", "https://github.io/", false},
		{"__Host- without Secure", a, "__Host-n=v; Path=/", a, false},
		{"__hOsT- without Secure", a, "__hOsT-n=v; Path=/", a, false},
		{"__Hos is no prefix", a, "__Hos=v", a, true},

		{"4096 bytes", a, "n=" + strings.Repeat("v", 4095), a, true},
		{"4097 bytes", a, "n=" + strings.Repeat("v", 4096), a, false},
		{"4096 bytes with quotes", a, `n="` + strings.Repeat("v", 4093) + `"`, a, true},
		{"4097 bytes with quotes", a, `n="` + strings.Repeat("v", 4094) + `"`, a, false},
		{"blanks around every part", a, " n = v ; Path = / ; Domain\t=\texample.org ", "https://example.org/", true},
		{"blanks behind Secure", a, "n=v; Secure =", "http://www.example.org/dir/", false},
		{"empty value", a, "n=", a, true},
		{"no name", a, "=v", a, false},
		{"no equals sign", a, "v", a, false},
		{"unknown attribute", a, "n=v; Priority=High; x", a, true},
		{"SameSite is kept and not asked", a, "n=v; SameSite=Strict; HttpOnly", a, true},
		{"Max-Age=0", a, "n=v; Max-Age=0", a, false},
		{"Max-Age below zero", a, "n=v; Max-Age=-1", a, false},
		{"Max-Age wins over a past date", a, "n=v; Max-Age=9; Expires=Thu, 01 Jan 1970 00:00:00 GMT", a, true},
		{"Max-Age=0 wins over a future date", a, "n=v; Max-Age=0; Expires=Fri, 01 Jan 2999 00:00:00 GMT", a, false},
		{"Max-Age that is no number", a, "n=v; Max-Age=soon", a, true},
		{"past date", a, "n=v; Expires=Thu, 01 Jan 1970 00:00:00 GMT", a, false},
		{"past date with two digits", a, "n=v; Expires=Thu, 01-Jan-70 00:00:00 GMT", a, false},
		{"no date", a, "n=v; Expires=never", a, true},
	} {
		j := new(Cookies)
		set(t, j, tt.from, tt.line)
		if got := sent(t, j, tt.to); (got != "") != tt.sent {
			t.Errorf("%s: %.80q from %s, to %s: %.40q", tt.name, tt.line, tt.from, tt.to, got)
		}
	}
	j := new(Cookies)
	set(t, j, a, "n = v ; Path=/", "m= w", `q="x y"`, "HttpOnly=1")
	if got := sent(t, j, a); got != `m=w; q="x y"; HttpOnly=1; n=v` {
		t.Errorf("blanks and quotes: %q", got)
	}
}

// RFC 6265bis §5.5 and §5.7: lifetimes, on a clock that the test moves.
func TestCookieLifetime(t *testing.T) {
	const day = 24 * time.Hour
	for _, tt := range []struct {
		name, attributes string
		lives            time.Duration // 0: as long as the jar
	}{
		{"session", "", 0},
		{"Max-Age", "; Max-Age=60", time.Minute},
		{"Max-Age with a zero in front", "; Max-Age=060", time.Minute},
		{"Max-Age of 400 days", "; Max-Age=34560000", 400 * day},
		{"Max-Age of ten years", "; Max-Age=315360000", 400 * day},
		{"Max-Age beyond 64 bits", "; Max-Age=99999999999999999999", 400 * day},
		{"date", "; Expires=Sat, 01 Jan 2000 01:00:00 GMT", time.Hour},
		{"date far away", "; Expires=Fri, 31 Dec 9999 23:59:59 GMT", 400 * day},
		{"date in the old form", "; Expires=Saturday, 01-Jan-00 01:00:00 GMT", time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) { // the bubble's clock starts on 1 January 2000
			j := new(Cookies)
			set(t, j, "https://example.org/", "n=v"+tt.attributes)
			if tt.lives == 0 {
				time.Sleep(1000 * day)
				if j.Len() != 1 {
					t.Errorf("%s: it has ended", tt.name)
				}
				return
			}
			time.Sleep(tt.lives - time.Second)
			if sent(t, j, "https://example.org/") == "" || j.Len() != 1 {
				t.Errorf("%s: it has ended early", tt.name)
			}
			time.Sleep(time.Second)
			if j.Len() != 0 {
				t.Errorf("%s: it still lives", tt.name)
			}
			if _, err := j.Get("n"); err == nil {
				t.Errorf("%s: Get returns it", tt.name)
			}
			if got := sent(t, j, "https://example.org/"); got != "" {
				t.Errorf("%s: %q is still sent", tt.name, got)
			}
			if n := j.count.Load(); n != 0 || len(j.sites) != 0 {
				t.Errorf("%s: %d are still held", tt.name, n)
			}
		})
	}
}

// RFC 6265bis §5.7: "Update the creation-time of the newly created cookie to
// match the creation-time of the old-cookie"; §5.8.3: the order.
func TestCookieOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := new(Cookies)
		const from = "https://www.example.org/a/b/c"
		start := time.Now()
		for _, l := range []string{"root1=1; Path=/", "deep1=1", "mid=1; Path=/a", "root2=1; Path=/; Domain=example.org", "deep2=1"} {
			set(t, j, from, l)
			time.Sleep(time.Second)
		}
		if got := sent(t, j, from); got != "deep1=1; deep2=1; mid=1; root1=1; root2=1" {
			t.Errorf("got %q", got)
		}
		set(t, j, from, "root1=2; Path=/", "deep1=2")
		if got := sent(t, j, from); got != "deep1=2; deep2=1; mid=1; root1=2; root2=1" {
			t.Errorf("after replacing: %q", got)
		}
		set(t, j, from, "deep1=2; Max-Age=0")
		time.Sleep(time.Second)
		set(t, j, from, "deep1=3")
		if got := sent(t, j, from); got != "deep2=1; deep1=3; mid=1; root1=2; root2=1" {
			t.Errorf("after removing and making it anew: %q", got)
		}
		set(t, j, from, "mid=2; Path=/a; Max-Age=1", "mid2=1; Path=/a")
		time.Sleep(2 * time.Second)
		set(t, j, from, "mid=3; Path=/a")
		if got := sent(t, j, from); got != "deep2=1; deep1=3; mid2=1; mid=3; root1=2; root2=1" {
			t.Errorf("after it has expired: %q", got)
		}
		for _, c := range j.list(newCookieFilter([]CookieFilter{Path("/")})) {
			if c.name == "root1" && !c.created.Equal(start) {
				t.Errorf("replacing has changed the time of creation to %v", c.created)
			}
		}
		// All of this at one instant: the order in which they came.
		j.Clear()
		var want []string
		for i := range 30 {
			set(t, j, from, fmt.Sprintf("n%d=1", i))
			want = append(want, fmt.Sprintf("n%d=1", i))
		}
		if got := sent(t, j, from); got != strings.Join(want, "; ") {
			t.Errorf("at one instant: %q", got)
		}
		// Name, domain, host-only and path make the identity.
		j.Clear()
		set(t, j, from, "n=1", "n=2; Path=/", "n=3; Domain=www.example.org", "n=4; Domain=example.org", "N=5", "n=6")
		if got := sent(t, j, from); got != "n=6; n=3; n=4; N=5; n=2" {
			t.Errorf("identity: %q", got)
		}
	})
}

// RFC 6265bis §5.7, "leave secure cookies alone".
func TestCookieSecureStays(t *testing.T) {
	const https, http = "https://www.example.org/a/", "http://www.example.org/a/"
	for _, tt := range []struct {
		name, first, from, second string
		stays                     bool
	}{
		{"replaced from http", "s=1; Secure", http, "s=2", true},
		{"removed from http", "s=1; Secure", http, "s=; Max-Age=0", true},
		{"shadowed by a domain from http", "s=1; Secure", http, "s=2; Domain=example.org", true},
		{"shadowed by a host below, from http", "s=1; Secure; Domain=example.org", "http://x.www.example.org/a/", "s=2", true},
		{"shadowed by a longer path, from http", "s=1; Secure; Path=/", http, "s=2; Path=/a/b", true},
		{"another path, from http", "s=1; Secure; Path=/a", http, "s=2; Path=/", false},
		{"another name, from http", "s=1; Secure", http, "t=2", false},
		{"replaced from https", "s=1; Secure", https, "s=2", false},
		{"not secure", "s=1", http, "s=2", false},
	} {
		j := new(Cookies)
		set(t, j, https, tt.first)
		before := slices.Collect(j.All())
		set(t, j, tt.from, tt.second)
		after := slices.Collect(j.All())
		if same := len(after) == 1 && after[0].String() == before[0].String(); same != tt.stays {
			t.Errorf("%s: %d cookies after", tt.name, len(after))
		}
	}
}

// What has expired protects nothing.
func TestCookieSecureExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := new(Cookies)
		set(t, j, "https://e.test/", "s=1; Secure; Max-Age=1")
		time.Sleep(time.Second)
		set(t, j, "http://e.test/", "s=2")
		if got := sent(t, j, "http://e.test/"); got != "s=2" {
			t.Errorf("got %q", got)
		}
	})
}

// RFC 6265bis §5.7, the end: which cookies go when there are too many.
func TestCookieEviction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := NewCookies(CookiesConfig{MaxPerSite: 3, MaxTotal: 5})
		at := func(url string, lines ...string) {
			set(t, j, url, lines...)
			time.Sleep(time.Second)
		}
		names := func() string {
			var ns []string
			for c := range j.All() {
				ns = append(ns, c.Name)
			}
			slices.Sort(ns)
			return strings.Join(ns, "")
		}
		const a, sub = "https://a.test/", "https://x.a.test/"
		at(a, "a=1; Path=/a")
		at(a, "b=1; Path=/b")
		at(sub, "c=1; Domain=a.test")
		sent(t, j, "https://a.test/a") // a and c are used; b was not for the longest time
		time.Sleep(time.Second)
		at(sub, "d=1")
		if got := names(); got != "acd" {
			t.Errorf("the site's least used should go: %s", got)
		}
		at(a, "a=2; Path=/a")
		if got := names(); got != "acd" {
			t.Errorf("replacing needs no room: %s", got)
		}
		at(a, "e=1; Max-Age=2")
		time.Sleep(2 * time.Second)
		sent(t, j, sub)
		at(a, "f=1")
		if got := names(); got != "adf" {
			t.Errorf("the expired one should go, and no other: %s", got)
		}
		j.Clear()
		at(a, "s=1; Secure", "t=1; Secure")
		at(a, "n=1")
		at(a, "m=1")
		if got := names(); got != "mst" {
			t.Errorf("what is not Secure should go first: %s", got)
		}
		at("https://b.test/", "b=1")
		sent(t, j, a)
		time.Sleep(time.Second)
		at("https://c.test/", "c=1")
		at("https://d.test/", "d=1")
		if got := names(); got != "cdmst" {
			t.Errorf("the jar's least used should go: %s", got)
		}
		if n := j.count.Load(); n != 5 || j.Len() != 5 {
			t.Errorf("counted %d, %d", n, j.Len())
		}
		sent(t, j, a)
		time.Sleep(time.Second)
		at("https://b.test/", "o=1; Max-Age=2") // in place of c; d is the least used now
		time.Sleep(2 * time.Second)
		at("https://e.test/", "e=1")
		if got := names(); got != "demst" {
			t.Errorf("with an expired one elsewhere: %s", got)
		}
	})
}

// A cookie's copies are the caller's own.
func TestCookieCopies(t *testing.T) {
	j := new(Cookies)
	set(t, j, "https://www.example.org/a/", "n=v; Domain=example.org; HttpOnly; Secure; SameSite=None; Partitioned; Max-Age=9")
	c, err := j.Get("n")
	if err != nil {
		t.Fatal(err)
	}
	if c.Domain != ".example.org" || c.Path != "/a" || !c.HttpOnly || !c.Secure || !c.Partitioned || c.SameSite != http.SameSiteNoneMode || c.Expires.IsZero() {
		t.Errorf("got %+v", c)
	}
	c.Value = "changed"
	for c := range j.All() {
		c.Value = "changed"
	}
	if got := sent(t, j, "https://example.org/a"); got != "n=v" {
		t.Errorf("the jar's cookie was changed: %q", got)
	}
}
