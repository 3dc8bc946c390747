package httpx

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/publicsuffix"
)

// TestCookiesDiff plays random responses and requests to our jar and to
// net/http/cookiejar, which must send the same. Where the two disagree on
// purpose the generator does not go:
//
//   - A cookie that is Secure has a name of its own and is set over https alone:
//     cookiejar takes it from http and lets http replace it, and sends it to a
//     loopback address in cleartext. It does not know __Secure- and __Host-.
//   - A cookie with Domain and one without never share a name: to cookiejar they
//     are the same cookie, to RFC 6265bis they are two.
//   - No host ends in a dot: cookiejar takes it for the same host.
//   - No Domain lies above a public suffix of several labels (amazonaws.com for
//     a bucket's host): cookiejar takes it, for that host alone.
//   - Dates are in the form that http.ParseSetCookie knows: we know the others.
//   - Max-Age has no zero in front and fits an int, and no name has a blank
//     before "=": http.ParseSetCookie ignores such attributes.
//   - Paths have no escapes: cookiejar compares decoded ones.
//   - IPv6 addresses are written in one way and have a port: cookiejar compares
//     their text, and leaves the brackets on where there is no port.
//   - At most 50 lines a response, and sites, sizes and lifetimes within our
//     limits: cookiejar has none.
//   - The order is not compared: cookiejar sorts paths by their bytes, not by
//     their length. The value's quotes are.
func TestCookiesDiff(t *testing.T) {
	hosts := []string{
		"example.org", "www.example.org", "a.www.example.org", "badexample.org", "org", "example.co.uk", "www.example.co.uk", "co.uk",
		"user.github.io", "www.user.github.io", "github.io", "localhost", "a.localhost", "127.0.0.1", "[::1]", "xn--bcher-kva.example", "www.xn--bcher-kva.example", "WWW.Example.ORG", "bücher.example",
	}
	paths := []string{"", "/", "/a", "/a/", "/a/b", "/a/b/c", "/ab", "/a/bc", "//a", "/A"}
	attributePaths := append([]string{"a", "x/y"}, paths...)
	ages := []string{
		"", "", "", "; Max-Age=5", "; Max-Age=0", "; Max-Age=-1", "; Max-Age=5000", "; Max-Age=x", "; Expires=Sat, 01 Jan 2000 00:01:00 GMT",
		"; Expires=Fri, 31 Dec 1999 00:00:00 GMT", "; Expires=Tue, 01-Feb-2000 00:00:00 GMT", "; Max-Age=9; Expires=Fri, 31 Dec 1999 00:00:00 GMT",
	}
	rest := []string{"", "", "; HttpOnly", "; SameSite=Lax", "; SameSite=None", "; Partitioned", "; ;", "; unknown=x"}
	for seed := range uint64(150) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 7))
			pick := func(from []string) string { return from[r.IntN(len(from))] }
			theirs, _ := cookiejar.New(&cookiejar.Options{PublicSuffixList: publicsuffix.List})
			ours := new(Cookies)
			var script []string
			for range 60 {
				u := &url.URL{Scheme: pick([]string{"http", "https"}), Host: pick(hosts) + pick([]string{"", "", ":8080"}), Path: pick(paths)}
				if strings.HasSuffix(u.Host, "]") {
					u.Host += ":8080"
				}
				switch r.IntN(3) {
				case 0: // a response
					var lines []string
					for range 1 + r.IntN(3) {
						kind := pick([]string{"h", "d", "s"})
						line := fmt.Sprintf("%s%d=%s", kind, r.IntN(3), pick([]string{"1", "2", "", `"q"`, "a b", "x,y", "ü", `"`}))
						if kind == "s" && u.Scheme == "http" {
							continue
						}
						if kind == "s" {
							line += pick([]string{"; Secure", "; SECURE"})
						}
						if kind == "d" {
							line += "; Domain=" + pick([]string{"", ".", ".."}) + pick(hosts[:18]) // no U-label: it cannot be parsed
						}
						if r.IntN(2) == 0 {
							line += "; Path=" + pick(attributePaths)
						}
						lines = append(lines, line+pick(ages)+pick(rest))
					}
					script = append(script, fmt.Sprintf("%s sets %q", u, lines))
					resp := http.Response{Header: http.Header{"Set-Cookie": lines}}
					theirs.SetCookies(u, resp.Cookies())
					if r.IntN(2) == 0 {
						ours.SetCookies(u, resp.Cookies())
					} else if pu, err := ParseURL(u.Scheme + "://" + u.Host + u.Path); err != nil {
						t.Fatal(err)
					} else {
						ours.receive(pu.scheme == "https", pu.Host(), pu.Path(), lines, time.Now())
					}
				case 1:
					time.Sleep(time.Duration(r.IntN(3000)) * time.Millisecond)
				case 2: // a request
					want, got := pairsOf(theirs.Cookies(u)), pairsOf(ours.Cookies(u))
					if want != got && !loopbackSecure(u) {
						t.Fatalf("seed %d, %s: net/http sends %s, we %s\n%s", seed, u, want, got, strings.Join(script, "\n"))
					}
					pu, err := ParseURL(u.Scheme + "://" + u.Host + u.Path)
					if err != nil {
						t.Fatal(err)
					}
					parts := strings.Split(string(ours.appendHeader(nil, pu.scheme == "https", pu.Host(), pu.Path(), time.Now(), nil)), "; ")
					slices.Sort(parts)
					if s := strings.Join(parts, "; "); s != got {
						t.Fatalf("seed %d, %s: Cookies %q, appendHeader %q", seed, u, got, s)
					}
				}
			}
		})
	}
}

// loopbackSecure: there cookiejar sends Secure cookies in cleartext.
func loopbackSecure(u *url.URL) bool {
	h := u.Hostname()
	return u.Scheme == "http" && (h == "127.0.0.1" || h == "::1" || strings.HasSuffix(h, "localhost"))
}

func pairsOf(cs []*http.Cookie) string {
	parts := make([]string, len(cs))
	for i, c := range cs {
		parts[i] = string(appendPair(nil, false, c.Name, c.Value, c.Quoted))
	}
	slices.Sort(parts)
	return strings.Join(parts, "; ")
}
