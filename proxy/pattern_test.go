package proxy_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gohttpx.dev/proxy"
)

func pattern(t *testing.T, s string) proxy.Pattern {
	t.Helper()
	p, err := proxy.ParsePattern(s)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return p
}

// splitOrigin takes scheme://host[:port] apart the simple way.
func splitOrigin(s string) (scheme, host, port string) {
	scheme, rest, _ := strings.Cut(s, "://")
	if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexByte(rest, ']') {
		return scheme, rest[:i], rest[i+1:]
	}
	return scheme, rest, ""
}

func TestPattern(t *testing.T) {
	for _, tt := range []struct {
		name, pattern, canonical string
		match, not               string // origins, separated by blanks
	}{
		{"A20.1 everything", "all://", "all://*", "http://a https://b:8443 ws://[::1] http://10.0.0.1", ""},
		{"A20.1 everything, by a star", "all://*", "all://*", "http://a https://b:8443", ""},
		{"A20.1 a scheme", "HTTP://", "http://*", "http://a HTTP://a:8080", "https://a ws://a"},
		{"A20.1 a scheme and a star", "https://*", "https://*", "https://a", "http://a"},
		{"A20.1 a port", "all://*:8080", "all://*:8080", "http://a:8080 https://b:8080 http://a:08080", "http://a https://a:8443"},
		{"A20.1 an exact host", "all://Example.com", "all://example.com", "http://example.com https://EXAMPLE.com:1 http://example.com.", "http://www.example.com http://wwwexample.com http://example.co"},
		{"A20.1 a host and what is below", "all://*example.com", "all://*example.com", "http://example.com http://www.example.com http://a.b.example.com.", "http://wwwexample.com http://example.com.test http://.example.com"},
		{"A20.1 what is below a host", "all://*.example.com", "all://*.example.com", "http://www.example.com http://a.b.EXAMPLE.com", "http://example.com http://wwwexample.com http://.example.com"},
		{"a leading dot", "all://.example.com", "all://*.example.com", "http://www.example.com", "http://example.com"},
		{"A20.1 scheme, host and port", "https://example.com:8443", "https://example.com:8443", "https://example.com:8443", "http://example.com:8443 https://example.com"},
		{"a default port is a port", "all://example.com:443", "all://example.com:443", "https://example.com wss://example.com https://example.com:443 http://example.com:443", "http://example.com https://example.com:8443"},
		{"a final slash and dot", "http://example.com./", "http://example.com", "http://example.com", "https://example.com"},
		{"IPv4", "all://10.0.0.1", "all://10.0.0.1", "http://10.0.0.1 http://[::ffff:10.0.0.1]", "http://10.0.0.2 http://a.10.0.0.1 http://10.0.0.1.test"},
		{"IPv6", "all://[2001:DB8::0:1]:80", "all://[2001:db8::1]:80", "http://[2001:db8:0::1]", "https://[2001:db8::1] http://[2001:db8::2]"},
		{"IPv6 without brackets", "all://2001:db8::1", "all://[2001:db8::1]", "http://[2001:db8::1]:99", "http://a"},
		{"a zone is ignored", "all://[fe80::1%25eth0]", "all://[fe80::1]", "http://[fe80::1] http://[fe80::1%25eth1] http://[fe80::1%eth0]", "http://[fe80::2]"},
		{"an IPv4 network", "all://10.1.2.3/8", "all://10.0.0.0/8", "http://10.0.0.1 https://10.255.255.255:1 http://[::ffff:10.9.9.9]", "http://11.0.0.1 http://10.0.0.1.test http://[::a00:1]"},
		{"a network and a port", "http://10.0.0.0/8:8080", "http://10.0.0.0/8:8080", "http://10.0.0.1:8080", "http://10.0.0.1"},
		{"an IPv6 network", "all://[fd00::]/8", "all://[fd00::]/8", "http://[fdff::1]", "http://[fe00::1] http://10.0.0.1"},
		{"an IPv6 network without brackets", "all://fd00::/8", "all://[fd00::]/8", "http://[fdff::1%25x]", "http://fd.test"},
		{"an IPv6 network all in brackets", "all://[fd00::/8]:80", "all://[fd00::]/8:80", "http://[fdff::1]", "https://[fdff::1]"},
		{"an IPv4 network in IPv6", "all://[::ffff:10.0.0.0]/104", "all://10.0.0.0/8", "http://10.0.0.1", "http://11.0.0.1"},
		{"every IPv4 address", "all://0.0.0.0/0", "all://0.0.0.0/0", "http://10.0.0.1", "http://[::1] http://a"},
		// What looks like a name within a zone is none (CVE-2025-22870).
		{"a name in a zone", "all://*.example.com", "all://*.example.com", "http://a.example.com", "http://[::1%25.example.com] http://[::1%.example.com] http://[x%25.example.com] http://x:y.example.com http://a/b.example.com http://u@.example.com"},
		{"a suffix of an address", "all://*.0.1", "all://*.0.1", "http://a.0.1", "http://10.0.0.1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := pattern(t, tt.pattern)
			if s := p.String(); s != tt.canonical {
				t.Errorf("String %q, want %q", s, tt.canonical)
			}
			if again := pattern(t, p.String()); again != p {
				t.Errorf("%v read back is %v", p, again)
			}
			for _, o := range strings.Fields(tt.match) {
				if scheme, host, port := splitOrigin(o); !p.Match(scheme, host, port) {
					t.Errorf("%v does not match %s", p, o)
				}
			}
			for _, o := range strings.Fields(tt.not) {
				if scheme, host, port := splitOrigin(o); p.Match(scheme, host, port) {
					t.Errorf("%v matches %s", p, o)
				}
			}
		})
	}
	t.Run("IPv6 hosts need no brackets", func(t *testing.T) {
		for _, host := range []string{"2001:db8::1", "[2001:db8::1]", "2001:DB8:0::1%eth0"} {
			if !pattern(t, "all://[2001:db8::1]:80").Match("http", host, "") {
				t.Error(host)
			}
		}
	})
	t.Run("no host at all", func(t *testing.T) {
		if pattern(t, "all://*com").Match("http", "", "80") || !pattern(t, "all://").Match("", "", "") {
			t.Error("matched wrongly")
		}
	})
}

func TestPatternErrors(t *testing.T) {
	for _, tt := range []struct{ name, in, text string }{
		{"A20.1 no scheme", "example.com", `no "://": write all:// before a host`},
		{"empty", "", `no "://"`},
		{"a scheme alone", "http:", `no "://"`},
		{"an empty scheme", "://example.com", "no scheme"},
		{"an odd scheme", "1x://example.com", "no scheme"},
		{"a path", "http://example.com/a", "no path"},
		{"a path behind a port", "http://example.com:80/a", "port"},
		{"a user", "http://joe:" + secret + "@example.com", "no user information"},
		{"a star inside", "http://a.*.com", "only at the start"},
		{"two stars", "http://**.com", "only at the start"},
		{"a star and a dot alone", "http://*.", "no host"},
		{"a port alone", "http://:80", "no host"},
		{"no port after the colon", "http://a:", "no port"},
		{"no port after the brackets", "http://[::1]:", "no port"},
		{"port 0", "http://a:0", "1 to 65535"},
		{"a star for the port", "http://a:*", "1 to 65535"},
		{"no closing bracket", "http://[::1", "no ]"},
		{"a name in brackets", "http://[a]", "brackets"},
		{"something behind the brackets", "http://[::1]x", "brackets"},
		{"a network that is too long", "http://10.0.0.0/33", "CIDR"},
		{"an IPv6 network that is too long", "http://[::]/129", "CIDR"},
		{"an empty network", "http://10.0.0.0//", "CIDR"},
		{"a name with a length", "http://a/8", "CIDR"},
		{"an empty label", "http://a..b", "empty label"},
		{"beyond ASCII", "http://bücher.test", "A-label"},
		{"a space", "http://a b", "cannot have"},
		{"a query", "http://a?b", "cannot have"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := proxy.ParsePattern(tt.in)
			var e *proxy.Error
			if !errors.As(err, &e) || e.Step != proxy.StepPattern || !strings.Contains(err.Error(), tt.text) || p != (proxy.Pattern{}) {
				t.Fatalf("%v, %v", p, err)
			}
			harmless(t, err)
		})
	}
}

func TestPatternOrder(t *testing.T) {
	for _, tt := range []struct {
		name  string
		order string // the more specific one first
	}{
		{"A20.2 an exact host before a set of names, whatever the length", "https://example.com all://*.example.com"},
		{"A20.2 the port comes after the host", "all://example.com all://*.example.com:8443 https://*:8443"},
		{"A20.2 the scheme comes after the port", "all://example.com:443 https://example.com all://example.com"},
		{"A20.2 the longer suffix first", "all://*.a.example.com all://*a.example.com all://*.example.com all://*example.com all://*.com all://*com all://*"},
		{"A20.2 a set of names before every host", "all://*com https://*:443 all://*:443 https:// all://"},
		{"A20.2 the longer network first", "all://10.0.0.1 all://10.0.0.0/24 all://10.0.0.0/8 all://0.0.0.0/0 all://"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var want []proxy.Pattern
			for _, s := range strings.Fields(tt.order) {
				want = append(want, pattern(t, s))
			}
			for range 20 {
				got := slices.Clone(want)
				rand.Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
				slices.SortFunc(got, proxy.Compare)
				if !slices.Equal(got, want) {
					t.Fatalf("%v", got)
				}
			}
		})
	}
	t.Run("A20.2 equals keep their order", func(t *testing.T) {
		a, b := pattern(t, "http://a"), pattern(t, "https://b")
		if proxy.Compare(a, b) != 0 || proxy.Compare(b, a) != 0 {
			t.Error("one of two exact hosts comes first")
		}
	})
}
