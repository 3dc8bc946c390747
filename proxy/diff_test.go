package proxy_test

import (
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"gohttpx.dev/proxy"
	"golang.org/x/net/http/httpproxy"
)

// theirs is the proxy that x/net chooses for an origin: "p", or "-" for none.
func theirs(t *testing.T, no, origin string) string {
	t.Helper()
	cfg := &httpproxy.Config{HTTPProxy: "http://p", HTTPSProxy: "http://p", NoProxy: no}
	scheme, host, _ := strings.Cut(origin, "://")
	u, err := cfg.ProxyFunc()(&url.URL{Scheme: scheme, Host: host})
	if err != nil {
		t.Fatal(err)
	}
	if u == nil {
		return "-"
	}
	return u.Host
}

func ours(t *testing.T, no, origin string) string {
	t.Helper()
	e, err := proxy.FromEnvironment(environ("http_proxy=p", "https_proxy=p", "no_proxy="+no))
	if err != nil {
		t.Fatal(err)
	}
	return via(e, origin)
}

// The lists are drawn from what both sides read in the same way.
func TestNoProxyLikeXNet(t *testing.T) {
	entries := strings.Fields(`example.com .example.com *.example.com www.example.com EXAMPLE.com:8080 .example.com:443 com test
		10.0.0.0/8 10.1.0.0/16 10.1.2.3 10.1.2.3:80 192.168.0.1/32 0.0.0.0/1 fd00::/8 fe80::1 2001:db8::1 [2001:db8::1]:443 ::ffff:10.1.2.3
		::ffff:10.0.0.0/104 :80 10.* a/b 10.0.0.0/99 [x] example.org/ a:b a.b:x 10.1.2 x_y -a`)
	hosts := strings.Fields(`example.com www.example.com a.www.example.com wwwexample.com EXAMPLE.COM example.org com a.com test
		10.0.0.1 10.1.2.3 11.1.2.3 192.168.0.1 200.0.0.1 [2001:db8::1] [fd00::1] [fe80::1] [fe80::1%eth0] [::ffff:10.1.2.3]
		x_y a.x_y -a 10.1.2 a.10.1.2`)
	rnd := rand.New(rand.NewPCG(1, 2))
	direct := 0
	for range 20000 {
		list := make([]string, rnd.IntN(4))
		for i := range list {
			list[i] = entries[rnd.IntN(len(entries))]
		}
		if rnd.IntN(100) == 0 {
			list = append(list, "*")
		}
		origin := []string{"http", "https"}[rnd.IntN(2)] + "://" + hosts[rnd.IntN(len(hosts))] + []string{"", ":80", ":443", ":8080"}[rnd.IntN(4)]
		no := strings.Join(list, []string{",", ", ", " ,"}[rnd.IntN(3)])
		a, b := ours(t, no, origin), theirs(t, no, origin)
		if a != b {
			t.Fatalf("NO_PROXY=%q, %s: ours %s, theirs %s", no, origin, a, b)
		}
		if a == "-" {
			direct++
		}
	}
	if direct < 1000 {
		t.Errorf("only %d of the pairs go directly", direct)
	}
}

// The two disagree in this, and each time for a reason.
func TestNoProxyUnlikeXNet(t *testing.T) {
	for _, tt := range []struct {
		name, no, origin string
		ours, theirs     string
	}{
		// x/net never uses a proxy for loopback. The environment decides here.
		{"localhost", "", "http://localhost", "p", "-"},
		{"127.0.0.1", "", "http://127.0.0.1:8080", "p", "-"},
		{"::1", "", "http://[::1]", "p", "-"},
		{"::1 with a zone", ".example.com", "http://[::1%.example.com]", "p", "-"},
		// localhost has no names below it that would be meant.
		{"names below localhost", "localhost", "http://a.localhost", "p", "-"},
		// Patterns and blanks are read here.
		{"a pattern", "http://a.test", "http://a.test", "-", "p"},
		{"blanks for commas", "a.test b.test", "http://b.test", "-", "p"},
		{"a star without a dot", "*a.test", "http://a.test", "-", "p"},
		// There it is a name with brackets.
		{"brackets without a port", "[2001:db8::1]", "http://[2001:db8::1]", "-", "p"},
		// There it is a name with a slash.
		{"a network with a port", "10.0.0.0/8:80", "http://10.0.0.1", "-", "p"},
		// The final dot of a name makes no other host of it.
		{"a final dot of the host", "a.test", "http://a.test.", "-", "p"},
		{"a final dot of the entry", "a.test.", "http://a.test", "-", "p"},
		// Ports are numbers here.
		{"a port with a leading zero", "a.test:080", "http://a.test", "-", "p"},
		// There is no IDNA in this package: httpx gives it A-labels.
		{"beyond ASCII", "bücher.test", "http://xn--bcher-kva.test", "p", "-"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if a, b := ours(t, tt.no, tt.origin), theirs(t, tt.no, tt.origin); a != tt.ours || b != tt.theirs {
				t.Errorf("ours %s, theirs %s; want %s and %s", a, b, tt.ours, tt.theirs)
			}
		})
	}
}
