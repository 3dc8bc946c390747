package httpx_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"gohttpx.dev/httpx"
)

// refusedURL reports whether err is ErrInvalidURL and says so much.
func refusedURL(err error, says string) bool {
	return errors.Is(err, httpx.ErrInvalidURL) && strings.Contains(err.Error(), says)
}

func TestURLParsing(t *testing.T) {
	t.Run("A9.1 length, control bytes and net/url", func(t *testing.T) {
		const most = 65536
		if _, err := httpx.ParseURL("http://e.org/" + strings.Repeat("a", most-len("http://e.org/"))); err != nil {
			t.Error(err)
		}
		if _, err := httpx.ParseURL("http://e.org/" + strings.Repeat("a", most+1-len("http://e.org/"))); !refusedURL(err, "65537 bytes") {
			t.Error(err)
		}
		for c := range 0x80 {
			if c >= 0x20 && c != 0x7f {
				continue
			}
			if _, err := httpx.ParseURL("http://e.org/ab" + string(rune(c)) + "c"); !refusedURL(err, fmt.Sprintf("0x%02x at offset 15", c)) {
				t.Errorf("%#x: %v", c, err)
			}
		}
		u, err := httpx.FromStdURL(&url.URL{Scheme: "HTTP", Host: "E.org:80", Path: "/a b", RawQuery: "x=1", User: url.UserPassword("u", "p:w")})
		if err != nil || u.String() != "http://u:p%3Aw@e.org/a%20b?x=1" {
			t.Error(u, err)
		}
		for _, s := range []*url.URL{nil, {Scheme: "ftp", Host: "e.org"}, {Scheme: "http", Host: "a b"}} {
			if u, err := httpx.FromStdURL(s); err == nil {
				t.Errorf("%v gave %v", s, u)
			}
		}
	})
	t.Run("A9.2 parts", func(t *testing.T) {
		u := parseURL(t, "https://us%65r:p%40ss:w@Bücher.example:8443/a%2Fb c/?x=1&y=a+b&y=%C3%BC#fr ag")
		for name, pair := range map[string][2]string{
			"Scheme": {u.Scheme(), "https"}, "Userinfo": {u.Userinfo(), "us%65r:p%40ss%3Aw"},
			"Username": {u.Username(), "user"}, "Password": {u.Password(), "p@ss:w"},
			"Host": {u.Host(), "xn--bcher-kva.example"}, "UnicodeHost": {u.UnicodeHost(), "bücher.example"},
			"Port": {u.Port(), "8443"}, "Authority": {u.Authority(), "xn--bcher-kva.example:8443"},
			"Origin": {u.Origin(), "https://xn--bcher-kva.example:8443"}, "Path": {u.Path(), "/a%2Fb%20c/"},
			"DecodedPath": {u.DecodedPath(), "/a/b c/"}, "RawPath": {u.RawPath(), "/a%2Fb%20c/?x=1&y=a+b&y=%C3%BC"},
			"Target": {u.Target(), u.RawPath()}, "RawQuery": {u.RawQuery(), "x=1&y=a+b&y=%C3%BC"},
			"Query": {strings.Join(u.Query().Values("y"), "|"), "a b|ü"}, "Fragment": {u.Fragment(), "fr%20ag"}, "Zone": {u.Zone(), ""},
		} {
			if pair[0] != pair[1] {
				t.Errorf("%s = %q, want %q", name, pair[0], pair[1])
			}
		}
		if !u.IsAbs() || !u.HasQuery() {
			t.Error("absolute, with a query")
		}
		rel := parseURL(t, "a/b")
		if rel.IsAbs() || rel.HasQuery() || rel.Scheme()+rel.Host()+rel.Port()+rel.Origin()+rel.Authority()+rel.Zone() != "" || rel.DecodedPath() != "a/b" {
			t.Errorf("a relative reference: %#v", rel)
		}
	})
	t.Run("A9.3 lower case, and the default port goes after that", func(t *testing.T) {
		for in, want := range map[string]string{
			"HTTP://E.com:80/": "http://e.com/", "HTTPS://E.com:443/": "https://e.com/", "hTTp://E.COM:443/A": "http://e.com:443/A",
			"HTTP://[2001:DB8::1]:80/": "http://[2001:db8::1]/", "HTTP://e.com:0080": "http://e.com",
		} {
			if u := parseURL(t, in); u.String() != want {
				t.Errorf("%s → %s, want %s", in, u, want)
			}
		}
	})
	t.Run("A9.4 ports", func(t *testing.T) {
		for _, port := range []string{"65536", "99999", "-1", "+1", "a", " 80", "8 0", "0x50", "８０", "99999999999999999999"} {
			if u, err := httpx.ParseURL("http://e.org:" + port + "/"); !refusedURL(err, "65535") {
				t.Errorf("%q: %v, %v", port, u, err)
			}
		}
		for port, want := range map[string]string{"0": "0", "65535": "65535", "": "", "00081": "81"} {
			if u := parseURL(t, "http://e.org:"+port+"/"); u.Port() != want {
				t.Errorf("%q → %q, want %q", port, u.Port(), want)
			}
		}
	})
	t.Run("A9.5 addresses", func(t *testing.T) {
		for in, want := range map[string]string{
			"http://127.0.0.1/": "127.0.0.1", "http://[::1]:1/": "::1", "http://[::FFFF:1.2.3.4]/": "::ffff:1.2.3.4",
			"http://[0:0:0:0:0:0:0:1]/": "::1", "http://[fe80::1%25eth0]/": "fe80::1", "http://1.2.3.4.example/": "1.2.3.4.example",
		} {
			if u := parseURL(t, in); u.Host() != want {
				t.Errorf("%s: host %q, want %q", in, u.Host(), want)
			}
		}
		for _, in := range []string{
			"256.1.1.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "0x7f.1", "1", "4294967295", "1.2.3.4.", // IPv4, or nothing
			"[1.2.3.4]", "[::1", "::1", "[::g]", "[::1]a", "[1::2::3]", "[::1%eth0]", "[::1%25eth0]", "[fe80::1%eth0]",
			"[fe80::1%25a.example.com]", "[fe80::1%25a%5D.example.com]", "[fe80::1%25a/b]", "[fe80::1%]", "[:]", "[[::1]", "a[::1]",
		} {
			if u, err := httpx.ParseURL("http://" + in + "/"); !errors.Is(err, httpx.ErrInvalidURL) {
				t.Errorf("%s: %v, %v", in, u, err)
			}
		}
		u := parseURL(t, "http://[fe80::1%25en-0_1]:81/x")
		if u.Zone() != "en-0_1" || u.Authority() != "[fe80::1]:81" || u.Origin() != "http://[fe80::1%25en-0_1]:81" || u.String() != "http://[fe80::1%25en-0_1]:81/x" {
			t.Errorf("zone %q, authority %q, origin %q, %s", u.Zone(), u.Authority(), u.Origin(), u)
		}
	})
	t.Run("A9.6 internationalised hosts", func(t *testing.T) {
		for _, tt := range []struct{ in, host, unicode string }{
			{"faß.de", "xn--fa-hia.de", "faß.de"},
			{"BÜCHER.example", "xn--bcher-kva.example", "bücher.example"},
			{"www.bücher.example", "www.xn--bcher-kva.example", "www.bücher.example"}, // not the first label alone
			{"例え.テスト", "xn--r8jz45g.xn--zckzah", "例え.テスト"},
			{"a。b", "a.b", "a.b"},
			{"ｅ.org", "e.org", "e.org"},
			{"xn--bcher-kva.xn--99999", "xn--bcher-kva.xn--99999", "bücher.xn--99999"},
		} {
			u := parseURL(t, "http://"+tt.in+"/")
			if u.Host() != tt.host || u.UnicodeHost() != tt.unicode {
				t.Errorf("%s: %q, shown as %q", tt.in, u.Host(), u.UnicodeHost())
			}
		}
		for _, in := range []string{"\u202eabc.net", "a\u200db.org", "\xff.org", "e.org\uff0fx", "é-.org", "１２７.１"} {
			if u, err := httpx.ParseURL("http://" + in + "/"); !errors.Is(err, httpx.ErrInvalidURL) {
				t.Errorf("%q: %v, %v", in, u, err)
			}
		}
	})
	t.Run("A9.7 percent-encoding", func(t *testing.T) {
		var printable strings.Builder
		for c := rune(0x20); c < 0x7f; c++ {
			if !strings.ContainsRune("%/?#", c) {
				printable.WriteRune(c)
			}
		}
		all := printable.String()
		const path = "%20!%22$&'()*+,-.0123456789:;%3C=%3E@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_%60abcdefghijklmnopqrstuvwxyz%7B|%7D~"
		const query = "%20!%22$&'()*+,-.0123456789:;%3C=%3E@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"
		const fragment = "%20!%22$&'()*+,-.0123456789:;%3C=%3E@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_%60abcdefghijklmnopqrstuvwxyz{|}~"
		const user = "%20!%22$&'()*+,-.0123456789:%3B%3C%3D%3E%40ABCDEFGHIJKLMNOPQRSTUVWXYZ%5B%5D%5E_%60abcdefghijklmnopqrstuvwxyz%7B%7C%7D~"
		u := parseURL(t, "http://"+strings.ReplaceAll(all, "\\", "")+"@e.org/"+all+"?"+all+"/?"+"#"+all+"/?#")
		if u.Userinfo() != user || u.Path() != "/"+path || u.RawQuery() != query+"/?" || u.Fragment() != fragment+"/?#" {
			t.Errorf("user %s\npath %s\nquery %s\nfragment %s", u.Userinfo(), u.Path(), u.RawQuery(), u.Fragment())
		}
		if again := parseURL(t, u.String()); !again.Equal(u) {
			t.Errorf("%s\n%s", u, again)
		}
		for in, want := range map[string]string{
			"http://e.org/%2f%2F%7e?%20#%20": "http://e.org/%2f%2F%7e?%20#%20", "http://e.org/%zz%?%#%1": "http://e.org/%zz%?%#%1",
			"http://e.org/ü\xff": "http://e.org/%C3%BC%FF", "http://%41%:%zz@e.org/": "http://%41%:%zz@e.org/",
		} {
			if u := parseURL(t, in); u.String() != want {
				t.Errorf("%s → %s", in, u)
			}
		}
		strict := httpx.URLRules{StrictPercent: true}
		for in, offset := range map[string]string{"http://e.org/%zz": "13", "http://e.org/%20%2": "16", "http://e.org/?%": "14", "http://u%@e.org/": "8", "/#%x1": "2"} {
			if u, err := httpx.ParseURLWith(in, strict); !refusedURL(err, "offset "+offset+" ") {
				t.Errorf("strict %s: %v, %v", in, u, err)
			}
		}
		if u, err := httpx.ParseURLWith("http://u%41@e.org/%20?%2f#%00", strict); err != nil {
			t.Error(u, err)
		}
	})
	t.Run("A9.8 @ in user information", func(t *testing.T) {
		u := parseURL(t, "http://a@b:c@d@e.org/")
		if u.Host() != "e.org" || u.Username() != "a@b" || u.Password() != "c@d" || u.String() != "http://a%40b:c%40d@e.org/" {
			t.Errorf("%s: %q, %q", u, u.Username(), u.Password())
		}
		if u := parseURL(t, "http://u%3Ax:p%zz:+@e.org/"); u.Username() != "u:x" || u.Password() != "p%zz:+" {
			t.Errorf("%q, %q", u.Username(), u.Password())
		}
	})
	t.Run("A9.9 dot segments", func(t *testing.T) {
		for in, want := range map[string]string{
			"/a/b/..": "/a/", "/a/b/.": "/a/b/", "/a/./b/../c": "/a/c", "/../../x": "/x", "/..": "/", "/a//../b": "/a/b", "/...": "/...", "/.a/..b/c.": "/.a/..b/c.",
			"/a/%2e%2e/b": "/a/%2e%2e/b", "/a/%2E": "/a/%2E", // never decoded, so never a dot
		} {
			if u := parseURL(t, "http://e.org"+in); u.Path() != want {
				t.Errorf("%s → %s, want %s", in, u.Path(), want)
			}
		}
	})
	t.Run("A9.10 empty query, empty path", func(t *testing.T) {
		for in, target := range map[string]string{"http://e.org": "/", "http://e.org?": "/?", "http://e.org/?": "/?", "http://e.org?x": "/?x", "http://e.org/a?": "/a?"} {
			if u := parseURL(t, in); u.String() != in || u.RawPath() != target {
				t.Errorf("%s → %s, target %s", in, u, u.RawPath())
			}
		}
	})
	t.Run("A9.15 equality and text", func(t *testing.T) {
		a, b := parseURL(t, "HTTP://U:P@E.org:80/a/../b?x#f"), parseURL(t, "http://U:P@e.org/b?x#f")
		if !a.Equal(b) || a.Equal(parseURL(t, "http://U:P@e.org/b?x")) || a.Equal(nil) || !(*httpx.URL)(nil).Equal(nil) {
			t.Error("equality is that of normalised strings")
		}
		if a.String() != "http://U:P@e.org/b?x#f" {
			t.Error(a)
		}
		secret := parseURL(t, "https://user:hunter2@e.org/p?token=hunter2#hunter2")
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "url", secret)
		for _, s := range []string{secret.Redacted(), fmt.Sprintf("%#v", secret), log.String()} {
			if strings.Contains(s, "hunter2") || strings.Contains(s, "user") || !strings.Contains(s, "e.org/p?token=…") {
				t.Errorf("%s", s)
			}
		}
		type doc struct{ U *httpx.URL }
		text, err := json.Marshal(doc{secret})
		var back doc
		if err != nil || json.Unmarshal(text, &back) != nil || !back.U.Equal(secret) {
			t.Errorf("%s, %v, %v", text, err, back.U)
		}
		if err := json.Unmarshal([]byte(`{"U":"http://a b/"}`), &back); !errors.Is(err, httpx.ErrInvalidURL) || !back.U.Equal(secret) {
			t.Error(err, back.U)
		}
	})
}

func TestURLStd(t *testing.T) {
	t.Run("A9.1 to net/url and back", func(t *testing.T) {
		for _, in := range []string{
			"http://e.org", "https://u:p%40w@e.org:8443/a%2Fb/c?x=1&y#f%20g", "http://u@[2001:db8::1]:1/?", "http://[fe80::1%25eth0]/",
			"/a/b?x", "a", "?x", "#f", "http://e.org/%C3%BC", "http://xn--bcher-kva.example/",
		} {
			u := parseURL(t, in)
			std := u.Std()
			if std.String() != in {
				t.Errorf("%s → net/url %s", in, std)
			}
			if back, err := httpx.FromStdURL(std); err != nil || !back.Equal(u) {
				t.Errorf("%s → %v, %v", in, back, err)
			}
			if theirs, err := url.Parse(in); err != nil || theirs.Path != std.Path || theirs.Host != std.Host || theirs.User.String() != std.User.String() {
				t.Errorf("%s: %#v, net/url parses %#v, %v", in, std, theirs, err)
			}
		}
		std, err := url.Parse("http://Faß.de:8080/ü?q")
		if err != nil {
			t.Fatal(err)
		}
		if u, err := httpx.FromStdURL(std); err != nil || u.String() != "http://xn--fa-hia.de:8080/%C3%BC?q" {
			t.Error(u, err)
		}
		std.Host = "a\u200db.org"
		if u, err := httpx.FromStdURL(std); !errors.Is(err, httpx.ErrInvalidURL) {
			t.Error(u, err)
		}
		// A byte that net/url would escape takes no escape from another.
		for in, want := range map[string]string{
			"http://e.org/a|b%zz":           "http://e.org/a%7Cb%25zz",
			"http://e.org/a|b%2Fc":          "http://e.org/a%7Cb%2Fc",
			"http://e.org/%zz%2F%":          "http://e.org/%25zz%2F%25",
			"http://e.org/^#%2F?^%":         "http://e.org/%5E#%2F?%5E%25",
			"http://e.org/a%2F[b]!$&'()*;=": "http://e.org/a%2F[b]!$&'()*;=",
		} {
			if s := parseURL(t, in).Std().String(); s != want {
				t.Errorf("%s → net/url %s, want %s", in, s, want)
			}
		}
	})
}
