package proxy_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"gohttpx.dev/proxy"
)

// environ is a function like os.LookupEnv over NAME=value pairs.
func environ(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for _, p := range pairs {
			if k, v, _ := strings.Cut(p, "="); k == name {
				return v, true
			}
		}
		return "", false
	}
}

// via is the host of the proxy for an origin, "-" for none, "!" for an error.
func via(e *proxy.Env, origin string) string {
	u, err := e.ProxyFor(splitOrigin(origin))
	switch {
	case err != nil:
		return "!"
	case u == nil:
		return "-"
	}
	return u.Host
}

func TestEnvironment(t *testing.T) {
	for _, tt := range []struct {
		name string
		env  []string
		http string // the proxy of http://a
		tls  string // of https://a
		ws   string // of ws://a
	}{
		{"A19.7 nothing", nil, "-", "-", "-"},
		{"A19.7 http_proxy", []string{"http_proxy=http://p"}, "p", "-", "-"},
		{"A19.7 HTTP_PROXY", []string{"HTTP_PROXY=http://p"}, "p", "-", "-"},
		{"A19.7 HTTPS_PROXY", []string{"HTTPS_PROXY=http://p"}, "-", "p", "-"},
		{"A19.7 ALL_PROXY", []string{"ALL_PROXY=socks5h://p"}, "p", "p", "p"},
		{"A19.7 ALL_PROXY is for the rest", []string{"ALL_PROXY=p", "https_proxy=q"}, "p", "q", "p"},
		{"A19.7 lower case wins over upper case", []string{"HTTP_PROXY=P", "http_proxy=q", "https_proxy=r", "HTTPS_PROXY=S", "all_proxy=t", "ALL_PROXY=u"}, "q", "r", "t"},
		{"A19.7 an empty value in lower case wins too", []string{"HTTP_PROXY=p", "http_proxy="}, "-", "-", "-"},
		{"A19.7 no other variables", []string{"FTP_PROXY=p", "Http_Proxy=p", "proxy=p", "WS_PROXY=p"}, "-", "-", "-"},
		{"A19.7 HTTP_PROXY is ignored in a CGI script", []string{"HTTP_PROXY=p", "REQUEST_METHOD=GET"}, "-", "-", "-"},
		{"A19.7 also when REQUEST_METHOD is empty", []string{"HTTP_PROXY=p", "REQUEST_METHOD="}, "-", "-", "-"},
		{"A19.7 http_proxy is not ignored in a CGI script", []string{"HTTP_PROXY=p", "http_proxy=q", "REQUEST_METHOD=GET"}, "q", "-", "-"},
		{"A19.7 the others are not ignored either", []string{"HTTPS_PROXY=p", "ALL_PROXY=q", "REQUEST_METHOD=GET"}, "q", "p", "q"},
		{"A19.7 a value without a scheme", []string{"http_proxy=p:3128", "https_proxy=joe:" + secret + "@q"}, "p", "q", "-"},
		{"A19.7 blanks around a value", []string{"http_proxy= http://p \t"}, "p", "-", "-"},
		{"A19.7 an empty value", []string{"HTTP_PROXY=", "ALL_PROXY= "}, "-", "-", "-"},
		{"A19.8 a star", []string{"ALL_PROXY=p", "NO_PROXY=*"}, "-", "-", "-"},
		{"A19.8 no_proxy wins over NO_PROXY", []string{"ALL_PROXY=p", "NO_PROXY=*", "no_proxy=b"}, "p", "p", "p"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := proxy.FromEnvironment(environ(tt.env...))
			if err != nil {
				t.Fatal(err)
			}
			if h, s, w := via(e, "http://a"), via(e, "https://a"), via(e, "ws://a"); h != tt.http || s != tt.tls || w != tt.ws {
				t.Errorf("http %s, https %s, ws %s", h, s, w)
			}
		})
	}

	t.Run("A19.7 what a value without a scheme becomes", func(t *testing.T) {
		e, _ := proxy.FromEnvironment(environ("http_proxy=joe:" + secret + "@p:3128"))
		u, _ := e.ProxyFor("http", "a", "")
		if want := (proxy.URL{Scheme: "http", Host: "p", Port: "3128", Username: "joe", Password: secret}); u == nil || *u != want {
			t.Errorf("%#v", u)
		}
	})
	t.Run("A19.9 without trust in the environment nothing is read", func(t *testing.T) {
		t.Setenv("ALL_PROXY", "http://p")
		e, err := proxy.FromEnvironment(nil)
		if err != nil || via(e, "http://a") != "-" || len(e.Routes()) != 0 {
			t.Errorf("%v, %v", e, err)
		}
	})
	t.Run("A19.10 the variables that are read", func(t *testing.T) {
		var read []string
		proxy.FromEnvironment(func(name string) (string, bool) {
			read = append(read, name)
			return "", false
		})
		slices.Sort(read)
		if want := strings.Fields("ALL_PROXY HTTPS_PROXY HTTP_PROXY NO_PROXY REQUEST_METHOD all_proxy http_proxy https_proxy no_proxy"); !slices.Equal(read, want) {
			t.Errorf("%q", read)
		}
	})
	t.Run("values that cannot be used", func(t *testing.T) {
		e, err := proxy.FromEnvironment(environ("HTTP_PROXY=socks4://joe:"+secret+"@p", "https_proxy=http://joe:"+secret+"@p:x", "ALL_PROXY=http://q", "NO_PROXY=direct.test"))
		if err == nil {
			t.Fatal("no error")
		}
		harmless(t, err)
		for _, text := range []string{"proxy: environment: HTTP_PROXY: SOCKS4", "proxy: environment: https_proxy: the port"} {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%v\nhas no %q", err, text)
			}
		}
		for origin, want := range map[string]string{"http://a": "!", "https://a": "!", "ws://a": "q", "http://direct.test": "-"} {
			if got := via(e, origin); got != want {
				t.Errorf("%s: %s", origin, got)
			}
		}
		_, err = e.ProxyFor("http", "a", "")
		var pe *proxy.Error
		if !errors.As(err, &pe) || pe.Step != proxy.StepEnvironment {
			t.Error(err)
		}
		harmless(t, err)
	})
}

func TestNoProxy(t *testing.T) {
	for _, tt := range []struct {
		name, no        string
		direct, proxied string // origins, separated by blanks
	}{
		{"A19.8 empty", "", "", "http://a http://localhost"},
		{"A19.8 a list, trimmed", " a.test,\tb.test ,,c.test d.test\n", "http://a.test http://b.test http://c.test http://d.test", "http://e.test"},
		{"A19.8 a star among others", "a.test,*", "http://a.test https://b http://10.0.0.1 ws://c", ""},
		{"A19.8 a pattern with a scheme", "https://a.test,http://*.b.test,all://*c.test:8080", "https://a.test http://x.b.test http://x.c.test:8080 http://c.test:8080", "http://a.test https://www.a.test http://b.test https://x.b.test http://c.test"},
		{"A19.8 a pattern of everything", "all://", "http://a https://b", ""},
		{"A19.8 a pattern of every http", "http://", "http://a http://b:1", "https://a"},
		{"A19.8 an IPv4 address", "10.0.0.1", "http://10.0.0.1 https://10.0.0.1:8443", "http://10.0.0.2 http://a.10.0.0.1"},
		{"A19.8 an IPv6 address", "2001:db8::1,[2001:db8::2]", "http://[2001:db8::1] https://[2001:db8:0::2]:8443", "http://[2001:db8::3]"},
		{"A19.8 an address and a port", "10.0.0.1:8080,[2001:db8::1]:8080", "http://10.0.0.1:8080 http://[2001:db8::1]:8080", "http://10.0.0.1 http://[2001:db8::1]"},
		{"A19.8 localhost is exact", "LocalHost", "http://localhost https://LOCALHOST:8443 http://localhost.", "http://a.localhost http://localhost.test http://127.0.0.1"},
		{"A19.8 localhost and a port", "localhost:8080", "http://localhost:8080", "http://localhost http://a.localhost:8080"},
		{"A19.8 a leading dot", ".example.com", "http://www.example.com http://a.b.example.com", "http://example.com http://wwwexample.com"},
		{"A19.8 a leading star and dot", "*.example.com", "http://www.example.com", "http://example.com"},
		{"A19.8 a name", "example.com", "http://example.com https://www.EXAMPLE.com http://a.b.example.com.", "http://wwwexample.com http://example.com.test http://example.co"},
		{"a name with a final dot", "Example.com.", "http://example.com http://www.example.com.", "http://com"},
		{"A19.8 a name and a port", "example.com:8080", "http://example.com:8080 https://www.example.com:8080", "http://example.com http://example.com:80"},
		{"A19.8 the default port", "example.com:443", "https://example.com https://example.com:443", "http://example.com"},
		{"A19.8 C36 a network really works", "10.0.0.0/8, 192.168.1.77/16", "http://10.0.0.1 https://10.255.1.2 http://192.168.200.1", "http://11.0.0.1 http://192.169.0.1 http://10.test"},
		{"D NO_PROXY=10.0.0.0/8", "10.0.0.0/8", "http://10.0.0.1", "http://1.0.0.1"},
		{"A19.8 an IPv6 network", "fd00::/8,[fe80::]/10", "http://[fd12::1] http://[fe80::1%25eth0]", "http://[::1]"},
		{"loopback is not exempt", "example.com", "", "http://localhost http://127.0.0.1:8080 https://[::1]"},
		{"loopback is exempt when it is named", "localhost,127.0.0.0/8,::1", "http://localhost http://127.0.0.1:8080 https://[::1] http://[::ffff:127.0.0.1]", "http://128.0.0.1"},
		// CVE-2025-22870.
		{"a name in a zone", ".example.com,example.org", "http://a.example.com", "http://[::1%25.example.com]:80 http://[::1%25a.example.org] http://[::1%25example.org]"},
		{"an address in another notation", "127.0.0.1", "http://127.0.0.1", "http://0x7f.1 http://2130706433 http://127.1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := proxy.FromEnvironment(environ("ALL_PROXY=http://p", "NO_PROXY="+tt.no))
			if err != nil || len(e.Ignored()) > 0 {
				t.Fatal(err, e.Ignored())
			}
			for _, o := range strings.Fields(tt.direct) {
				if got := via(e, o); got != "-" {
					t.Errorf("%s goes to %s", o, got)
				}
			}
			for _, o := range strings.Fields(tt.proxied) {
				if got := via(e, o); got != "p" {
					t.Errorf("%s goes to %s", o, got)
				}
			}
		})
	}
	t.Run("entries that mean nothing", func(t *testing.T) {
		e, err := proxy.FromEnvironment(environ("http_proxy=p", "no_proxy=10.*,a/b,example.com/,:80,[x],bücher.test,ok.test,10.0.0.0/99,://,a:b"))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(e.Ignored(), " "); got != "10.* a/b example.com/ :80 [x] bücher.test 10.0.0.0/99 :// a:b" {
			t.Errorf("%s", got)
		}
		if via(e, "http://ok.test") != "-" || via(e, "http://example.com") != "p" {
			t.Error("the valid entry is lost, or an invalid one counts")
		}
	})
	t.Run("A19.8 no password is told of entries that mean nothing", func(t *testing.T) {
		for list, want := range map[string]string{
			"10.*,http://joe:S3CRET@h/,a/b": "*** ***@h/ a/b",
			"joe:S3CRET@h, a.test, 10.*":    "***@h 10.*",
			"http://joe:S3,CR/ET@h,a/b":     "*** ***@h a/b",
			"http://joe:S3@CR,ET/@h":        "*** ***@h",
			"S3CRET/@h1 S3CRET/@h2":         "*** ***@h2",
			"all://S3CRET@h":                "***@h",
		} {
			e, err := proxy.FromEnvironment(environ("no_proxy=" + list))
			if got := strings.Join(e.Ignored(), " "); err != nil || got != want {
				t.Errorf("%s: %q, %v", list, got, err)
			}
		}
	})
	t.Run("A20.3 the routes are a table for others to join", func(t *testing.T) {
		e, _ := proxy.FromEnvironment(environ("ALL_PROXY=p", "HTTPS_PROXY=q", "NO_PROXY=a.test,.b.test,10.0.0.1,https://"))
		var got []string
		routes := e.Routes()
		for _, r := range routes {
			to := "direct"
			if r.Proxy != nil {
				to = r.Proxy.Host
			}
			got = append(got, r.Pattern.String()+" "+to)
		}
		want := []string{"all://10.0.0.1 direct", "all://*.b.test direct", "all://*a.test direct", "https://* direct", "https://* q", "all://* p"}
		if !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
		if !slices.IsSortedFunc(routes, func(a, b proxy.Route) int { return proxy.Compare(a.Pattern, b.Pattern) }) {
			t.Error("not sorted")
		}
		routes[0] = proxy.Route{}
		if e.Routes()[0] == (proxy.Route{}) {
			t.Error("the table is shared")
		}
	})
}
