package proxy_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"gohttpx.dev/proxy"
)

func TestParseURL(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     proxy.URL
		addr     string
		redacted string
	}{
		{"A19.1 http", "http://proxy.test", proxy.URL{Scheme: "http", Host: "proxy.test", Port: "80"}, "proxy.test:80", "http://proxy.test:80"},
		{"A19.1 https", "https://proxy.test/", proxy.URL{Scheme: "https", Host: "proxy.test", Port: "443"}, "proxy.test:443", "https://proxy.test:443"},
		{"A19.1 socks5", "socks5://proxy.test", proxy.URL{Scheme: "socks5", Host: "proxy.test", Port: "1080"}, "proxy.test:1080", "socks5://proxy.test:1080"},
		{"A19.1 socks5h", "SOCKS5H://proxy.test:09", proxy.URL{Scheme: "socks5h", Host: "proxy.test", Port: "9"}, "proxy.test:9", "socks5h://proxy.test:9"},
		{"A19.1 user and password", "http://joe:" + secret + "@Proxy.TEST:3128", proxy.URL{Scheme: "http", Host: "proxy.test", Port: "3128", Username: "joe", Password: secret}, "proxy.test:3128", "http://proxy.test:3128"},
		{"A19.1 user and password, percent-encoded", "http://j%6fe%40x:%2F%3a+%25:@h", proxy.URL{Scheme: "http", Host: "h", Port: "80", Username: "joe@x", Password: "/:+%:"}, "h:80", "http://h:80"},
		{"a raw @ in the password", "http://joe:a@b@h", proxy.URL{Scheme: "http", Host: "h", Port: "80", Username: "joe", Password: "a@b"}, "h:80", "http://h:80"},
		{"a user alone", "http://joe@h", proxy.URL{Scheme: "http", Host: "h", Port: "80", Username: "joe"}, "h:80", "http://h:80"},
		{"an empty port", "http://h:", proxy.URL{Scheme: "http", Host: "h", Port: "80"}, "h:80", "http://h:80"},
		{"IPv4", "http://192.0.2.1:8080", proxy.URL{Scheme: "http", Host: "192.0.2.1", Port: "8080"}, "192.0.2.1:8080", "http://192.0.2.1:8080"},
		{"IPv6", "http://[2001:DB8::0:1]:8080", proxy.URL{Scheme: "http", Host: "2001:db8::1", Port: "8080"}, "[2001:db8::1]:8080", "http://[2001:db8::1]:8080"},
		{"IPv6 without a port", "socks5://[::1]", proxy.URL{Scheme: "socks5", Host: "::1", Port: "1080"}, "[::1]:1080", "socks5://[::1]:1080"},
		{"a zone", "http://[fe80::1%25eth0]:8080", proxy.URL{Scheme: "http", Host: "fe80::1%eth0", Port: "8080"}, "[fe80::1%eth0]:8080", "http://[fe80::1%25eth0]:8080"},
		{"a zone, not escaped", "http://[fe80::1%2]", proxy.URL{Scheme: "http", Host: "fe80::1%2", Port: "80"}, "[fe80::1%2]:80", "http://[fe80::1%252]:80"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := proxy.ParseURL(tt.in)
			if err != nil || got != tt.want {
				t.Fatalf("%v, %v; want %v", got, err, tt.want)
			}
			if got.Addr() != tt.addr {
				t.Errorf("Addr %s", got.Addr())
			}
			if got.HasUser() != strings.Contains(tt.in, "@") || got.IsSOCKS() != strings.HasPrefix(got.Scheme, "s") || got.RemoteNames() != (got.Scheme != "socks5") {
				t.Error("a question is answered wrongly")
			}
			for _, s := range []string{got.Redacted(), got.String(), fmt.Sprint(got), fmt.Sprintf("%+v", &got)} {
				if s != tt.redacted {
					t.Errorf("printed as %q", s)
				}
			}
			if s := fmt.Sprintf("%#v", got); strings.Contains(s, secret) {
				t.Errorf("printed as %q", s)
			}
		})
	}
	t.Run("equal proxies are equal values", func(t *testing.T) {
		a, _ := proxy.ParseURL("http://joe:x@Proxy.test:80/")
		b, _ := proxy.ParseURL("HTTP://j%6Fe:x@proxy.test")
		if a != b {
			t.Errorf("%#v, %#v", a, b)
		}
	})
	if s := (proxy.URL{}).String(); s != "" {
		t.Errorf("the zero URL is %q", s)
	}
}

func TestParseURLErrors(t *testing.T) {
	for _, tt := range []struct{ name, in, text string }{
		{"empty", "", "no scheme"},
		{"no scheme", "joe:" + secret + "@h:80", "no scheme"},
		{"A19.1 socks4", "socks4://joe:" + secret + "@h", "SOCKS4 is not supported: use socks5"},
		{"socks4a", "socks4a://h", "SOCKS4 is not supported"},
		{"another scheme", "ftp://joe:" + secret + "@h", "use http, https, socks5 or socks5h"},
		{"a password for a scheme", secret + "://h", "scheme"},
		{"no host", "http://", "no host"},
		{"no host but a user", "http://joe:" + secret + "@", "no host"},
		{"a path", "http://h/proxy.pac", "path"},
		{"a query", "http://h?x", "path, query"},
		{"a slash in the password", "http://joe:1/" + secret + "@h", "write / as %2F"},
		{"a number sign in the password", "http://joe:1#" + secret + "@h", "# as %23"},
		{"a backslash", `http://good.test\@h`, "path"},
		{"a bad escape", "http://joe:%zz" + secret + "@h", "write % as %25"},
		{"a space", "http://joe:x " + secret + "@h", "space"},
		{"a line end", "http://h\r\n", "control byte"},
		{"port 0", "http://h:0", "1 to 65535"},
		{"port 65536", "http://h:65536", "1 to 65535"},
		{"a port with a sign", "http://h:+80", "1 to 65535"},
		{"IPv6 without brackets", "http://::1:80", "brackets"},
		{"no closing bracket", "http://[::1", "no ]"},
		{"a name in brackets", "http://[h]:80", "no IPv6 address"},
		{"IPv4 in brackets", "http://[127.0.0.1]", "no IPv6 address"},
		{"something behind the brackets", "http://[::1]80", "other than a port"},
		{"a bad zone", "http://[fe80::1%25a%b]", "zone"},
		{"a name beyond ASCII", "http://bücher.test", "A-label"},
		{"an empty label", "http://a..b", "empty label"},
		{"an odd byte", "http://a*b", "cannot have"},
		{"a long name", "http://" + strings.Repeat("a", 254), "253"},
		{"all too long", "http://h" + strings.Repeat("/", 9000), "8 KiB"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u, err := proxy.ParseURL(tt.in)
			var e *proxy.Error
			if !errors.As(err, &e) || e.Step != proxy.StepURL || !strings.Contains(err.Error(), tt.text) || u != (proxy.URL{}) {
				t.Fatalf("%v, %v", u, err)
			}
			harmless(t, err)
			if !strings.HasPrefix(err.Error(), "proxy: URL: ") {
				t.Error(err)
			}
		})
	}
}
