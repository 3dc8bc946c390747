package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"

	"gohttpx.dev/httpx"
)

// setEnv makes these the only variables of proxies and TLS, until the test ends.
func setEnv(t *testing.T, vars ...string) {
	t.Helper()
	for _, name := range []string{"http_proxy", "https_proxy", "all_proxy", "no_proxy", "request_method", "ssl_cert_file", "ssl_cert_dir", "sslkeylogfile"} {
		for _, name := range []string{name, strings.ToUpper(name)} {
			t.Setenv(name, "") // has the old value put back
			os.Unsetenv(name)
		}
	}
	for _, v := range vars {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
}

var errWhere = errors.New("far enough")

// where returns what a request for url would connect to: "-" for the origin
// itself, else the proxy's host:port, or "!" where it is refused before.
func where(t *testing.T, url string, opts ...httpx.ClientOption) string {
	t.Helper()
	var dialed []string
	c := newClient(t, append(opts, httpx.WithDialContext(func(_ context.Context, _, addr string) (net.Conn, error) {
		dialed = append(dialed, addr)
		return nil, errWhere
	}))...)
	return whereOf(t, c, &dialed, url)
}

func whereOf(t *testing.T, c *httpx.Client, dialed *[]string, url string, opts ...httpx.RequestOption) string {
	t.Helper()
	*dialed = nil
	_, err := c.Get(t.Context(), url, opts...)
	u, perr := httpx.ParseURL(url)
	switch {
	case perr != nil:
		t.Fatal(perr)
	case len(*dialed) == 0:
		if !errors.Is(err, httpx.ErrProxy) {
			t.Errorf("%s: %v", url, err)
		}
		return "!"
	case !errors.Is(err, errWhere) || len(*dialed) != 1:
		t.Fatalf("%s: %q, %v", url, *dialed, err)
	}
	host, port, _ := net.SplitHostPort((*dialed)[0])
	if host, _, _ = strings.Cut(host, "%"); strings.EqualFold(host, zoneless(u.Host())) {
		return "-"
	}
	return host + ":" + port
}

// Names in capitals and small letters are the same variable on Windows.
const twoCases = runtime.GOOS != "windows"

func TestProxyEnvironment(t *testing.T) {
	for _, tt := range []struct {
		name string
		env  []string
		want string // url=where, separated by blanks
		two  bool   // needs names in two cases
	}{
		{"A19.7 nothing", nil, "http://a=- https://a=-", false},
		{"A19.7 http_proxy is for http", []string{"http_proxy=http://p:1"}, "http://a=p:1 https://a=-", false},
		{"A19.7 HTTPS_PROXY is for https", []string{"HTTPS_PROXY=http://p:1"}, "http://a=- https://a=p:1", false},
		{"A19.7 ALL_PROXY is for the rest", []string{"ALL_PROXY=socks5h://p", "https_proxy=https://q"}, "http://a=p:1080 https://a=q:443", false},
		{"A19.7 lower case wins", []string{"HTTP_PROXY=P:1", "http_proxy=q:2"}, "http://a=q:2", true},
		{"A19.7 also when it is empty", []string{"HTTP_PROXY=P:1", "http_proxy="}, "http://a=-", true},
		{"A19.7 HTTP_PROXY is not for CGI scripts", []string{"HTTP_PROXY=p:1", "REQUEST_METHOD=GET"}, "http://a=-", false},
		{"A19.7 the other ones are", []string{"HTTPS_PROXY=p:1", "ALL_PROXY=q:2", "REQUEST_METHOD=GET"}, "https://a=p:1 http://a=q:2", false},
		{"A19.7 no scheme is http", []string{"http_proxy=p", "https_proxy=joe:pw@q:2"}, "http://a=p:80 https://a=q:2", false},
		{"A19.7 only http, https and all", []string{"FTP_PROXY=p:1", "SOCKS_PROXY=p:1"}, "http://a=- https://a=-", false},
		{"A19.7 a bad value fails what needs it", []string{"HTTP_PROXY=socks4://p", "ALL_PROXY=q:2"}, "http://a=! https://a=q:2", false},
		{"A19.8 a star", []string{"ALL_PROXY=p:1", "NO_PROXY=a.test, *"}, "http://a=- https://10.0.0.1=-", false},
		{"A19.8 a list, trimmed", []string{"ALL_PROXY=p:1", "NO_PROXY= a.test ,b.test, "}, "http://a.test=- http://b.test=- http://c.test=p:1", false},
		{"A19.8 a pattern as it is", []string{"ALL_PROXY=p:1", "NO_PROXY=https://a.test,all://*b.test:81"}, "https://a.test=- http://a.test=p:1 https://x.a.test=p:1 http://x.b.test:81=- http://x.b.test=p:1", false},
		{"A19.8 an IPv4 address", []string{"ALL_PROXY=p:1", "NO_PROXY=10.0.0.1"}, "http://10.0.0.1=- https://10.0.0.1:8443=- http://10.0.0.2=p:1", false},
		{"A19.8 an IPv6 address", []string{"ALL_PROXY=p:1", "NO_PROXY=2001:db8::1"}, "http://[2001:db8::1]=- http://[2001:db8::2]=p:1", false},
		{"A19.8 localhost", []string{"ALL_PROXY=p:1", "NO_PROXY=localhost"}, "http://localhost:81=- http://a.localhost=p:1 http://127.0.0.1=p:1", false},
		{"A19.8 loopback is not exempt by itself", []string{"ALL_PROXY=p:1"}, "http://localhost=p:1 http://127.0.0.1=p:1 http://[::1]=p:1", false},
		{"A19.8 a leading dot", []string{"ALL_PROXY=p:1", "NO_PROXY=.example.com"}, "http://www.example.com=- http://example.com=p:1 http://wwwexample.com=p:1", false},
		{"A19.8 a name", []string{"ALL_PROXY=p:1", "NO_PROXY=example.com"}, "http://example.com=- http://www.example.com=- http://wwwexample.com=p:1", false},
		{"A19.8 a port", []string{"ALL_PROXY=p:1", "NO_PROXY=example.com:8080"}, "http://example.com:8080=- http://example.com=p:1", false},
		{"A19.8 a network", []string{"ALL_PROXY=p:1", "NO_PROXY=10.0.0.0/8,fd00::/8"}, "http://10.1.2.3=- http://11.0.0.1=p:1 http://[fd12::1]=- http://[::1]=p:1", false},
		{"D NO_PROXY=10.0.0.0/8", []string{"HTTP_PROXY=p:1", "NO_PROXY=10.0.0.0/8"}, "http://10.0.0.1=-", false},
		{"A19.8 no_proxy wins", []string{"ALL_PROXY=p:1", "NO_PROXY=*", "no_proxy=b"}, "http://a=p:1 http://b=-", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.two && !twoCases {
				return
			}
			setEnv(t, tt.env...)
			for w := range strings.FieldsSeq(tt.want) {
				url, want, _ := strings.Cut(w, "=")
				if got := where(t, url); got != want {
					t.Errorf("%s goes to %q, want %q", url, got, want)
				}
				if got := where(t, url, httpx.WithTrustEnv(false)); got != "-" {
					t.Errorf("A2.7 without the environment %s goes to %q", url, got)
				}
			}
		})
	}
}

// What has a say besides the environment, in whatever order it is said.
func TestProxyEnvironmentGivesWay(t *testing.T) {
	setEnv(t, "ALL_PROXY=env:1", "NO_PROXY=no.test")
	own := httpx.WithProxy("http://own:2")
	mount := httpx.WithMountProxy("all://*.m.test", "http://mount:3")
	ask := httpx.WithProxyFunc(func(r *httpx.Request) (*httpx.Proxy, error) {
		if r.URL.Host() == "a" {
			return &httpx.Proxy{URL: "http://asked:4"}, nil
		}
		return nil, nil
	})
	type opts []httpx.ClientOption
	for _, tt := range []struct {
		name string
		opts opts
		want string
	}{
		{"A2.7 trusted by default", nil, "http://a=env:1 http://no.test=-"},
		{"A2.7 A19.9 not trusted", opts{httpx.WithTrustEnv(false)}, "http://a=- http://no.test=-"},
		{"A2.9 A19.9 a proxy leaves NO_PROXY out too", opts{own}, "http://a=own:2 http://no.test=own:2"},
		{"A2.9 A19.9 with trust after it", opts{own, httpx.WithTrustEnv(true)}, "http://a=own:2 http://no.test=own:2"},
		{"A2.9 A19.9 with trust before it", opts{httpx.WithTrustEnv(true), own}, "http://a=own:2 http://no.test=own:2"},
		{"A2.9 no proxy", opts{httpx.NoProxy()}, "http://a=- http://no.test=-"},
		{"A2.9 no proxy takes back what came before", opts{own, mount, httpx.NoProxy()}, "http://a=- http://x.m.test=-"},
		{"A19.9 mounts stand beside the environment", opts{mount}, "http://a=env:1 http://x.m.test=mount:3 http://no.test=-"},
		{"A20.3 an equal pattern of a mount wins", opts{httpx.WithMountProxy("all://*", "http://mount:3")}, "http://a=mount:3 http://no.test=-"},
		{"A20.3 the later of two equal mounts wins", opts{httpx.WithMountProxy("all://a", "http://x:9"), httpx.WithMountProxy("all://a", "http://y:8")}, "http://a=y:8"},
		{"A20.2 a more specific pattern of the environment wins", opts{httpx.WithMountProxy("all://*test", "http://mount:3")}, "http://no.test=- http://x.no.test=- http://other.test=mount:3"},
		{"B45 a function", opts{ask}, "http://a=asked:4 http://b=- http://no.test=-"},
		{"B45 mounts before the function", opts{ask, mount}, "http://a=asked:4 http://x.m.test=mount:3"},
		{"A20.1 an empty mount is direct", opts{own, httpx.WithMountProxy("https://*", "")}, "http://a=own:2 https://a=-"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for w := range strings.FieldsSeq(tt.want) {
				url, want, _ := strings.Cut(w, "=")
				if got := where(t, url, tt.opts...); got != want {
					t.Errorf("%s goes to %q, want %q", url, got, want)
				}
			}
		})
	}
	t.Run("A19.9 a transport is given", func(t *testing.T) {
		c := newClient(t, httpx.WithTransport(&named{name: "given"}))
		for _, url := range []string{"http://a", "https://a", "http://no.test"} {
			if resp, err := c.Get(t.Context(), url); err != nil || resp.Text() != "given" {
				t.Errorf("%s: %v %v", url, resp, err)
			}
		}
	})
	t.Run("A2.9 a request's option wins over mounts", func(t *testing.T) {
		var dialed []string
		c := newClient(t, mount, httpx.WithDialContext(func(_ context.Context, _, addr string) (net.Conn, error) {
			dialed = append(dialed, addr)
			return nil, errWhere
		}))
		for _, tt := range []struct {
			opt  httpx.RequestOption
			want string
		}{
			{own, "own:2"},
			{httpx.NoProxy(), "-"},
			{httpx.WithTrustEnv(false), "mount:3"},
			{httpx.WithProxyConfig(httpx.Proxy{URL: "socks5h://own"}), "own:1080"},
		} {
			if got := whereOf(t, c, &dialed, "http://x.m.test", tt.opt); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		}
		if got := whereOf(t, c, &dialed, "http://a", httpx.WithTrustEnv(false)); got != "-" {
			t.Errorf("%q", got)
		}
	})
	t.Run("A19.7 read when the client is made", func(t *testing.T) {
		var dialed []string
		c := newClient(t, httpx.WithDialContext(func(_ context.Context, _, addr string) (net.Conn, error) {
			dialed = append(dialed, addr)
			return nil, errWhere
		}))
		t.Setenv("ALL_PROXY", "later:9")
		if got := whereOf(t, c, &dialed, "http://a"); got != "env:1" {
			t.Errorf("%q", got)
		}
	})
}

// A20.1, A20.2: what patterns match, and which of those that match counts.
func TestMountedProxies(t *testing.T) {
	for _, tt := range []struct {
		name     string
		patterns string // from the least specific to the most, each the proxy of its number
		want     string
	}{
		{"A20.1 the scheme", "http://", "http://a=p0:80 https://a=-"},
		{"A20.1 all schemes", "all://", "http://a=p0:80 https://a=p0:80"},
		{"A20.1 a domain and what is below", "all://*x.test", "http://x.test=p0:80 http://y.x.test=p0:80 http://yx.test=-"},
		{"A20.1 what is below", "all://*.x.test", "http://x.test=- http://y.x.test=p0:80 http://z.y.x.test=p0:80"},
		{"A20.1 an exact host", "all://x.test", "http://x.test=p0:80 http://y.x.test=- http://x.test:81=p0:80"},
		{"A20.1 a port", "all://x.test:81", "http://x.test=- http://x.test:81=p0:80"},
		{"A20.1 a port of every host", "all://*:81", "http://x.test=- http://y:81=p0:80"},
		{"A20.1 an IPv6 address", "all://[2001:db8::1]:81", "http://[2001:db8:0::1]:81=p0:80 http://[2001:db8::1]=-"},
		{"A20.2 exact before wildcard before any", "all://*x.test all://y.x.test", "http://y.x.test=p1:80 http://z.x.test=p0:80"},
		{"A20.2 the star counts for nothing", "all://*example.com https://example.com", "https://example.com=p1:80 http://example.com=p0:80"},
		{"A20.2 the host before the port", "all://*:81 all://*.test", "http://a.test:81=p1:80"},
		{"A20.2 the port before the scheme", "http://x.test all://x.test:81", "http://x.test:81=p1:80"},
		{"A20.2 then the scheme", "all://x.test http://x.test", "http://x.test=p1:80 https://x.test=p0:80"},
		{"A20.2 the longer domain", "all://*.test all://*.b.test", "http://a.b.test=p1:80 http://a.test=p0:80"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			patterns := strings.Fields(tt.patterns)
			for _, reverse := range []bool{false, true} { // the order of options is no matter
				opts := []httpx.ClientOption{httpx.WithTrustEnv(false)}
				for i := range patterns {
					if reverse {
						i = len(patterns) - 1 - i
					}
					opts = append(opts, httpx.WithMountProxy(patterns[i], fmt.Sprintf("http://p%d", i)))
				}
				for w := range strings.FieldsSeq(tt.want) {
					url, want, _ := strings.Cut(w, "=")
					if got := where(t, url, opts...); got != want {
						t.Errorf("%s goes to %q, want %q", url, got, want)
					}
				}
			}
		})
	}
	t.Run("A20.1 no pattern", func(t *testing.T) {
		for _, bad := range []string{"x.test", "all:x", "all://a*b", "all://x/path", "all://user@x", "all://x:0", "é://x"} {
			if _, err := httpx.New(httpx.WithMountProxy(bad, "")); err == nil {
				t.Errorf("%q is taken", bad)
			}
		}
	})
}

func zoneless(host string) string {
	host, _, _ = strings.Cut(strings.Trim(host, "[]"), "%")
	return host
}
