package httpx

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unsafe"
)

// What hostile servers have tried on other clients.
func TestCookieAttacks(t *testing.T) {
	t.Run("A10.4 CVE-2023-46218: a public suffix in mixed case", func(t *testing.T) {
		for _, d := range []string{"co.UK", "CO.uk", ".co.UK", "uK", "github.IO", "S3.amazonaws.com", "xn--FIQS8S"} {
			j := new(Cookies)
			for _, from := range []string{"https://evil.CO.UK/", "https://evil.github.io/", "https://x.s3.amazonaws.com/", "https://evil.xn--fiqs8s/"} {
				set(t, j, from, "n=1; Domain="+d)
			}
			if j.Len() != 0 {
				t.Errorf("Domain=%s was taken", d)
			}
		}
	})
	t.Run("A10.4 CVE-2022-27779: a trailing dot hides a public suffix", func(t *testing.T) {
		for _, from := range []string{"https://evil.co.uk/", "https://evil.co.uk./", "https://co.uk./"} {
			j := new(Cookies)
			for _, d := range []string{"co.uk.", ".co.uk.", "uk.", "evil.co.uk.", "co.uk", "."} {
				set(t, j, from, "n"+fmt.Sprint(len(d))+"=1; Domain="+d)
			}
			for _, to := range []string{"https://bank.co.uk/", "https://bank.co.uk./", "https://co.uk/", "https://sub.evil.co.uk./"} {
				if got := sent(t, j, to); got != "" {
					t.Errorf("from %s to %s: %q", from, to, got)
				}
			}
		}
	})
	t.Run("A10.4 a domain above the host's own public suffix", func(t *testing.T) {
		j := new(Cookies)
		set(t, j, "https://bucket.s3.amazonaws.com/", "n=1; Domain=amazonaws.com")
		set(t, j, "https://user.github.io/", "n=1; Domain=io", "n=2; Domain=github.io")
		if j.Len() != 0 {
			t.Errorf("%s", j)
		}
	})
	t.Run("A10.4 CVE-2022-35252: control bytes in a cookie", func(t *testing.T) {
		u := &url.URL{Scheme: "https", Host: "e.test", Path: "/"}
		for b := range 256 {
			if b >= 0x20 && b < 0x7f {
				continue
			}
			c := string([]byte{byte(b)})
			j := new(Cookies)
			set(t, j, "https://e.test/", "v=a"+c+"b", "n"+c+"m=1")
			j.SetCookies(u, []*http.Cookie{{Name: "v", Value: "a" + c + "b"}, {Name: "n" + c + "m", Value: "1"}, {Name: "p", Path: "/" + c}})
			if b != '\t' && b < 0x80 {
				set(t, j, "https://e.test/", "x=1; Unknown="+c, "y=1; Path=/"+c)
				j.SetCookies(u, []*http.Cookie{{Name: "r", Value: "1", Raw: "r=1; x=" + c}})
			}
			if j.Len() != 0 {
				t.Errorf("byte 0x%02x: %q", b, sent(t, j, "https://e.test/"))
			}
		}
	})
	t.Run("A10.4 CVE-2022-32205: cookies by the thousand do not fill a request", func(t *testing.T) {
		j := new(Cookies)
		for i := range 10 {
			var lines []string
			for k := range 100 {
				lines = append(lines, fmt.Sprintf("n%d=%s; Domain=e.test", i*100+k, strings.Repeat("v", 4000)))
			}
			set(t, j, fmt.Sprintf("https://h%d.e.test/", i), lines...)
		}
		if n := j.Len(); n != 180 {
			t.Errorf("%d cookies of one site", n)
		}
		got := sent(t, j, "https://e.test/")
		if len(got) > 8182 || len(got) < 8000 {
			t.Errorf("a Cookie value of %d bytes", len(got))
		}
		// A small one still goes with them.
		set(t, j, "https://www.e.test/", "sid=1")
		if got := sent(t, j, "https://www.e.test/"); len(got) > 8182 || !strings.HasSuffix(got, "; sid=1") {
			t.Errorf("the small one is lost: %d bytes", len(got))
		}
	})
	t.Run("A10.4 many sites do not fill the jar", func(t *testing.T) {
		j := new(Cookies)
		for i := range 3050 {
			set(t, j, fmt.Sprintf("https://s%d.test/", i), "n=1")
		}
		if n := j.Len(); n != 3000 {
			t.Errorf("%d cookies", n)
		}
		if sent(t, j, "https://s3049.test/") == "" || sent(t, j, "https://s0.test/") != "" {
			t.Error("not the oldest were evicted")
		}
	})
	t.Run("A10.4 CVE-2025-58186: a line of countless parts", func(t *testing.T) {
		j := new(Cookies)
		set(t, j, "https://e.test/", "n=1"+strings.Repeat(";", 100_000), "m=1"+strings.Repeat(";a=b", 100_000))
		if j.Len() != 0 {
			t.Error("a line of 100 kB was taken")
		}
		line := "n=1" + strings.Repeat(";", maxSetCookieBytes-3)
		if n := testing.AllocsPerRun(10, func() { parseSetCookies([]string{line}, 1) }); n > 10 {
			t.Errorf("%v allocations", n)
		}
		set(t, j, "https://e.test/", line)
		if j.Len() != 1 {
			t.Error("a line of the greatest length was refused")
		}
	})
	t.Run("A10.4 a request's long path is not kept", func(t *testing.T) {
		j := new(Cookies)
		set(t, j, "https://e.test/"+strings.Repeat("a", 2000)+"/x", "n=1", "m=1; Path=/")
		if got := sent(t, j, "https://e.test/"); got != "m=1" || j.Len() != 1 {
			t.Errorf("got %q", got)
		}
	})
	t.Run("A10.4 an IPv6 zone that looks like a host", func(t *testing.T) {
		j := new(Cookies)
		set(t, j, "https://www.example.org/", "n=1; Domain=example.org")
		u := &url.URL{Scheme: "https", Host: "[::1%.www.example.org]:443", Path: "/"}
		if got := j.Cookies(u); got != nil {
			t.Errorf("sent: %v", got)
		}
		j.SetCookies(u, []*http.Cookie{{Name: "m", Value: "1", Domain: "example.org"}})
		if j.Len() != 1 {
			t.Error("set")
		}
	})
	t.Run("A10.4 a stored cookie does not keep the response head in memory", func(t *testing.T) {
		head := strings.Repeat("x", 1000) + "n=v; Path=/p; Domain=e.test"
		j := new(Cookies)
		j.receive(true, head[len(head)-6:], "/", []string{head[1000:]}, time.Now())
		for site := range j.sites {
			if inside(head, site) {
				t.Errorf("the key %q is part of the head", site)
			}
		}
		for _, c := range j.list(new(cookieFilter)) {
			for _, s := range []string{c.name, c.value, c.path, c.domain} {
				if inside(head, s) {
					t.Errorf("%q is part of the head", s)
				}
			}
		}
	})
}

// inside reports whether s lies in the memory of whole.
func inside(whole, s string) bool {
	from, at := uintptr(unsafe.Pointer(unsafe.StringData(whole))), uintptr(unsafe.Pointer(unsafe.StringData(s)))
	return at >= from && at < from+uintptr(len(whole))
}
