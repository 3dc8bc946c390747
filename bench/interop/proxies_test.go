package interop

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"gohttpx.dev/httpx"
	ourtls "gohttpx.dev/tls"
)

// forwarding is a proxy, and how it is spoken to.
type forwarding struct {
	server
	// urls are the schemes of the proxy's URL; https goes to the TLS port.
	urls []string
	auth bool // it wants the user "joe" with the password "secret"
	// families are the loopback addresses that it listens at.
	families []string
	// behind reports that it passes everything to squid, as its backend.
	behind bool
}

var (
	bothFamilies = []string{"127.0.0.1", "[::1]"}
	squidConfig  = `
http_port 127.0.0.1:{{.Port}}
http_port [::1]:{{.Port}}
https_port 127.0.0.1:{{.TLSPort}} tls-cert={{.Cert}}
https_port [::1]:{{.TLSPort}} tls-cert={{.Cert}}
pid_filename none
access_log none
cache_log /dev/null
cache_store_log none
cache deny all
coredump_dir {{.Dir}}
pinger_enable off
max_filedescriptors 1024
shutdown_lifetime 0 seconds
visible_hostname interop
`
	squidArgs = []string{"-N", "-f", "{{.Config}}"}
)

// forwardings are the proxies. Those of HTTP forward http and tunnel https.
var forwardings = []forwarding{
	{
		server: server{name: "squid", bin: "squid", args: squidArgs, config: squidConfig + "http_access allow all\n"},
		urls:   []string{"http", "https"}, families: bothFamilies,
	},
	{
		server: server{
			name: "squid, Basic", bin: "squid", args: squidArgs,
			files: map[string]string{"passwords": "joe:" + shadow + "\n"},
			config: squidConfig + `
auth_param basic program /usr/lib/squid/basic_ncsa_auth {{.Dir}}/passwords
auth_param basic realm interop
auth_param basic children 1
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
`,
		},
		urls: []string{"http", "https"}, families: bothFamilies, auth: true,
	},
	{
		server: server{
			name: "squid, Digest", bin: "squid", args: squidArgs,
			files: map[string]string{"passwords": "joe:interop:" + ha1 + "\n"},
			config: squidConfig + `
auth_param digest program /usr/lib/squid/digest_file_auth -c {{.Dir}}/passwords
auth_param digest realm interop
auth_param digest children 1
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
`,
		},
		urls: []string{"http", "https"}, families: bothFamilies, auth: true,
	},
	{
		server: server{name: "tinyproxy", bin: "tinyproxy", args: []string{"-d", "-c", "{{.Config}}"}, schemes: []string{"http"}, config: tinyConfig},
		urls:   []string{"http"}, families: bothFamilies,
	},
	{
		server: server{name: "tinyproxy, Basic", bin: "tinyproxy", args: []string{"-d", "-c", "{{.Config}}"}, schemes: []string{"http"}, config: tinyConfig + "BasicAuth joe secret\n"},
		urls:   []string{"http"}, families: bothFamilies, auth: true,
	},
	{
		// In HTTP mode, so that it reads CONNECT and makes the tunnel itself.
		server: server{
			name: "haproxy", bin: "haproxy", args: []string{"-db", "-q", "-f", "{{.Config}}"},
			config: `
global
  maxconn 100
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout tunnel 30s
frontend proxy
  bind 127.0.0.1:{{.Port}}
  bind [::1]:{{.Port}}
  bind 127.0.0.1:{{.TLSPort}} ssl crt {{.Cert}}
  bind [::1]:{{.TLSPort}} ssl crt {{.Cert}}
  default_backend squid
backend squid
  server squid {{.Backend}}
`,
		},
		urls: []string{"http", "https"}, families: bothFamilies, behind: true,
	},
	{
		server: server{
			name: "dante", bin: "danted", args: []string{"-N", "1", "-f", "{{.Config}}"}, schemes: []string{"http"},
			config: `
logoutput: stderr
internal: 127.0.0.1 port = {{.Port}}
internal: ::1 port = {{.Port}}
external: lo
socksmethod: none
clientmethod: none
{{if .IsRoot}}user.privileged: root
user.unprivileged: nobody{{end}}
client pass {
  from: 0/0 to: 0/0
}
socks pass {
  from: 0/0 to: 0/0
  protocol: tcp
  command: connect
}
`,
		},
		urls: []string{"socks5", "socks5h"}, families: bothFamilies,
	},
	microsocks("microsocks", "127.0.0.1", nil),
	microsocks("microsocks, IPv6", "::1", nil),
	microsocks("microsocks, password", "127.0.0.1", []string{"-u", "joe", "-P", "secret"}),
	microsocks("microsocks, password, IPv6", "::1", []string{"-u", "joe", "-P", "secret"}),
}

// microsocks listens at one address only.
func microsocks(name, host string, args []string) forwarding {
	args = append([]string{"-i", host, "-p", "{{.Port}}"}, args...)
	f := forwarding{
		server: server{name: name, bin: "microsocks", args: args, schemes: []string{"http"}},
		urls:   []string{"socks5", "socks5h"}, families: bothFamilies[:1], auth: len(args) > 4,
	}
	if host == "::1" {
		f.families, f.host = bothFamilies[1:], "[::1]"
	}
	return f
}

const (
	// shadow and ha1 are what "secret" has become in the files of passwords.
	shadow = "$6$interop$x6IMPaNg.wYf47ZC6VrhGKHL2a7TAYYUj.97SBKfqC2CuGYspHC/llsBbgXVGt.GlNNMaiFQr/tfrVCsfunv70"
	ha1    = "03162bb297fe3fbf1f4048177864f69c"

	tinyConfig = `
Port {{.Port}}
Listen 127.0.0.1
Listen ::1
Timeout 60
MaxClients 100
LogLevel Error
DisableViaHeader Yes
{{if .IsRoot}}User nobody
Group nogroup{{end}}
`
)

// origins are servers at both loopback addresses: "http", "https h1" and "https
// h2". They refuse what only a proxy should have seen.
func origins(t *testing.T, certFile string) map[string][]string {
	t.Helper()
	cert, err := tls.LoadX509KeyPair(certFile, certFile)
	if err != nil {
		t.Fatal(err)
	}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") != "" || strings.Contains(r.RequestURI, "://") {
			http.Error(w, "this was for a proxy", http.StatusBadRequest)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err == nil {
			w.Write(body)
		}
	})
	all := map[string][]string{}
	for _, host := range bothFamilies {
		for _, kind := range originKinds {
			ln, err := net.Listen("tcp", host+":0")
			if err != nil {
				t.Fatal(err)
			}
			s := httptest.NewUnstartedServer(h)
			s.Listener.Close()
			s.Listener = ln
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			if kind == "http" {
				s.Start()
			} else {
				s.EnableHTTP2 = kind == "https h2"
				s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
				s.StartTLS()
			}
			t.Cleanup(s.Close)
			all[kind] = append(all[kind], s.URL)
		}
	}
	return all
}

var originKinds = []string{"http", "https h1", "https h2"}

// TestProxies sends requests through real proxies, from and to both loopback
// addresses.
func TestProxies(t *testing.T) {
	certFile, roots := certificate(t)
	to := origins(t, certFile)
	var rows, missing []string
	squid := "" // the address of one, for the proxy that stands before it
	if first := forwardings[0]; installed(&first.server) {
		squid = first.start(t, certFile, "").plain
	}
	for _, p := range forwardings {
		if !installed(&p.server) || p.behind && squid == "" {
			missing = append(missing, p.name)
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			r := p.start(t, certFile, squid)
			for _, scheme := range p.urls {
				addr := r.plain
				if scheme == "https" {
					addr = r.secure
				}
				cells := []string{p.name, scheme}
				for _, kind := range originKinds {
					ok := t.Run(scheme+" proxy, "+kind, func(t *testing.T) {
						for _, family := range p.families {
							at := strings.Replace(addr, "127.0.0.1", family, 1)
							for _, origin := range to[kind] {
								p.try(t, roots, scheme, at, origin, kind)
							}
						}
					})
					cells = append(cells, map[bool]string{true: "ok", false: "FAIL"}[ok])
				}
				rows = append(rows, strings.Join(cells, "\t"))
			}
		})
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "proxy\tspoken to by\t"+strings.Join(originKinds, "\t"))
	for _, r := range rows {
		fmt.Fprintln(w, r)
	}
	w.Flush()
	t.Logf("\n%s", b.String())
	if len(missing) > 0 {
		msg := "not installed, so not tested: " + strings.Join(slices.Compact(missing), ", ") + " (make interop-deps installs them)"
		if os.Getenv("INTEROP_REQUIRED") != "" {
			t.Error(msg)
		} else {
			t.Log(msg)
		}
	}
}

// installed finds the program.
func installed(s *server) bool {
	path, err := exec.LookPath(s.bin)
	s.bin = path
	return err == nil
}

// try sends requests through the proxy at addr, with the right password, a wrong
// one, and through a tunnel that is not needed.
func (p forwarding) try(t *testing.T, roots *x509.CertPool, scheme, addr, origin, kind string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	proxy := httpx.Proxy{URL: scheme + "://" + addr}
	if scheme == "https" {
		proxy.TLS = &ourtls.Options{RootCAs: roots}
	}
	client := func(user string, mode httpx.ProxyMode) *httpx.Client {
		own := proxy
		own.Mode = mode
		if user != "" {
			own.URL = strings.Replace(own.URL, "://", "://"+user+"@", 1)
		}
		c, err := httpx.New(httpx.WithProxyConfig(own), httpx.WithTLS(ourtls.Options{RootCAs: roots}), httpx.WithTimeout(20*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	proto := map[bool]string{true: "HTTP/2", false: "HTTP/1.1"}[kind == "https h2"]
	send := func(c *httpx.Client, url string) {
		t.Helper()
		for i := range 3 {
			body := strings.Repeat("0123456789", 1+i*30_000)
			resp, err := c.Put(ctx, url, httpx.String(body)) // tinyproxy closes connections without a word, so what is sent must be repeatable
			switch {
			case err != nil:
				t.Errorf("%s through %s: %v", url, addr, err)
				return
			case resp.StatusCode != 200 || resp.Text() != body || resp.Proto != proto:
				t.Errorf("%s through %s: %s, %d of %d bytes over %s: %.100s", url, addr, resp.Status(), len(resp.Bytes()), len(body), resp.Proto, resp.Text())
			case resp.Conn().Proxy != proxy.URL || kind != "http" && resp.Conn().Reused != (i > 0):
				t.Errorf("%s through %s: request %d by %q, reused %t", url, addr, i, resp.Conn().Proxy, resp.Conn().Reused)
			}
		}
	}
	user := ""
	if p.auth {
		user = "joe:secret"
	}
	c := client(user, httpx.ProxyDefault)
	defer c.Close()
	send(c, origin)
	if scheme == "socks5h" && strings.Contains(origin, "127.0.0.1") {
		send(c, strings.Replace(origin, "127.0.0.1", "localhost", 1))
	}
	if kind == "http" && !strings.HasPrefix(scheme, "socks") {
		tunnelled := client(user, httpx.ProxyTunnelOnly)
		defer tunnelled.Close()
		send(tunnelled, origin)
	}
	if !p.auth {
		return
	}
	for _, user := range []string{"", "joe:wr0ng"} {
		c := client(user, httpx.ProxyDefault)
		defer c.Close()
		resp, err := c.Get(ctx, origin)
		switch {
		case kind == "http" && strings.HasPrefix(scheme, "http"):
			if err != nil || resp.StatusCode != 407 && resp.StatusCode != 401 { // tinyproxy's word for a wrong password
				t.Errorf("%q: %v %v", user, resp, err)
			}
		case !errors.Is(err, httpx.ErrProxy) || strings.Contains(err.Error(), "wr0ng"):
			t.Errorf("%q: %v %v", user, resp, err)
		}
	}
}
