package httpx_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"

	"gohttpx.dev/httpx"
	"gohttpx.dev/tls"
)

// onStage runs a play in a bubble.
func onStage(t *testing.T, path, origin string, auth bool, f func(t *testing.T, s *stage)) {
	t.Helper()
	certs := newCerts(t)
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, path: path, origin: origin, auth: auth, certs: certs, gone: make(chan struct{})}
		f(t, s)
		close(s.gone)
	})
}

func TestProxyRows(t *testing.T) {
	t.Run("A19.1 schemes and user information", func(t *testing.T) {
		for _, good := range []string{"http://p", "https://p:1", "socks5://u:p@p", "socks5h://u:p@[::1]:1", "HTTP://P/"} {
			if _, err := httpx.New(httpx.WithProxy(good)); err != nil {
				t.Errorf("%s: %v", good, err)
			}
		}
		for _, bad := range []string{
			"", "p:3128", "socks4://p", "socks4a://p", "ftp://p", "http://p/path", "http://u:S3CRET@p:x", "http://u:S3CRET%zz@p", "http://S3CRET@",
			"socks5://S3CRET@p", "socks5h://:S3CRET@p", "socks5://u:S3CRET" + strings.Repeat("p", 250) + "@p",
		} {
			if _, err := httpx.New(httpx.WithProxy(bad)); err == nil || strings.Contains(err.Error(), "S3CRET") {
				t.Errorf("%s: %v", bad, err)
			}
		}
		for _, bad := range []httpx.Proxy{
			{URL: "http://p", TLS: &tls.Options{}},
			{URL: "socks5://p", Header: header("A", "b")},
			{URL: "socks5h://p", Mode: httpx.ProxyForwardOnly},
			{URL: "http://p", Mode: 9},
		} {
			if _, err := httpx.New(httpx.WithProxyConfig(bad)); err == nil {
				t.Errorf("%v: an option that goes unheeded is taken", bad)
			}
		}
	})
	t.Run("A19.1 a user alone is no user for SOCKS", func(t *testing.T) {
		setEnv(t, "ALL_PROXY=socks5://S3CRET@127.0.0.1:1")
		if got := where(t, "http://a"); got != "!" {
			t.Errorf("goes to %q", got)
		}
		if _, err := httpx.New(httpx.WithProxyConfig(httpx.Proxy{URL: "socks5://u@p", User: url.UserPassword("u", "p")})); err != nil {
			t.Error(err)
		}
	})
	t.Run("A19.1 User takes the place of the URL's", func(t *testing.T) {
		onStage(t, "http", "h1", true, func(t *testing.T, s *stage) {
			c := s.client("wrong", httpx.WithProxyConfig(httpx.Proxy{URL: "http://" + proxyUser + ":wrong@proxy.test:3128", User: url.UserPassword(proxyUser, proxySecret)}))
			defer c.Close()
			if resp, err := c.Get(t.Context(), s.url()); err != nil || resp.Text() != "body" {
				t.Error(resp, err)
			}
		})
	})
	t.Run("A19.2 forwarded in absolute-form", func(t *testing.T) {
		onStage(t, "http", "http", false, func(t *testing.T, s *stage) {
			c := s.client("", httpx.WithHTTP2(true))
			defer c.Close()
			for _, u := range []string{"http://origin.test:8080/a?b=c", "http://user:pw@[2001:db8::1]/", "http://other.test"} {
				if resp, err := c.Get(t.Context(), u); err != nil || resp.Proto != "HTTP/1.1" {
					t.Fatal(resp, err)
				}
			}
			if got := s.noted(&s.proxy); got != "GET http://origin.test:8080/a?b=c\nGET http://[2001:db8::1]/\nGET http://other.test/" {
				t.Error(got)
			}
			if got := s.noted(&s.dialed); strings.Count(got, "proxy.test:3128") != 3 {
				t.Errorf("each origin has connections of its own: %q", got)
			}
		})
	})
	t.Run("A19.2 connections shared by origins", func(t *testing.T) {
		onStage(t, "http", "http", false, func(t *testing.T, s *stage) {
			c := s.client("", httpx.WithProxyConfig(httpx.Proxy{URL: "http://proxy.test:3128", Share: true}))
			defer c.Close()
			for _, u := range []string{"http://a.test/", "http://b.test/", "http://a.test:81/"} {
				if resp, err := c.Get(t.Context(), u); err != nil || resp.StatusCode != 200 {
					t.Fatal(resp, err)
				}
			}
			if got, asked := s.noted(&s.dialed), s.noted(&s.proxy); got != "proxy.test:3128" || asked != "GET http://a.test/\nGET http://b.test/\nGET http://a.test:81/" {
				t.Errorf("%q, %q", got, asked)
			}
		})
	})
	t.Run("A19.2 the proxy's fields come first and the request's win", func(t *testing.T) {
		var got http.Header
		p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got = r.Header }))
		defer p.Close()
		c := newClient(t, httpx.WithProxyConfig(httpx.Proxy{URL: p.URL, Header: header("X-Proxy", "1", "X-Both", "proxy")}))
		if _, err := c.Get(t.Context(), "http://a.test/", httpx.WithHeader("X-Both", "request")); err != nil {
			t.Fatal(err)
		}
		if got.Get("X-Proxy") != "1" || strings.Join(got["X-Both"], ",") != "request" {
			t.Error(got)
		}
	})
	t.Run("A19.3 CONNECT, IPv6 in brackets, SNI, connect-to", func(t *testing.T) {
		for _, tt := range []struct {
			url  string
			opts []httpx.RequestOption
			want string
		}{
			{"https://[2001:db8::1]/x", nil, "CONNECT [2001:db8::1]:443"},
			{"https://[2001:db8::1]:8443/x", []httpx.RequestOption{httpx.WithSNI(originName)}, "CONNECT [2001:db8::1]:8443"},
			{"https://192.0.2.9/x", []httpx.RequestOption{httpx.WithSNI(originName)}, "CONNECT 192.0.2.9:443"},
			{"https://origin.test/x", []httpx.RequestOption{httpx.WithConnectTo("origin.test:443", "192.0.2.1:9")}, "CONNECT 192.0.2.1:9"},
			{"https://origin.test/x", []httpx.RequestOption{httpx.WithConnectTo("*", "192.0.2.1:9")}, "CONNECT origin.test:443"},
		} {
			for _, path := range []string{"http", "https", "socks5h"} {
				onStage(t, path, "h2", false, func(t *testing.T, s *stage) {
					c := s.client("")
					defer c.Close()
					resp, err := c.Get(t.Context(), tt.url, tt.opts...)
					if got := s.noted(&s.proxy); got != tt.want {
						t.Errorf("%s: the proxy was asked %q", path, got)
					}
					if sni := len(tt.opts) > 0; sni != (err == nil) || sni && (resp.Text() != "body" || resp.Conn().TLS.ServerName != originName) {
						t.Errorf("%s: %v %v", path, resp, err) // without, the certificate has another name
					}
					dialed := "proxy.test:3128"
					if strings.HasPrefix(tt.want, "CONNECT origin.test") {
						dialed = "192.0.2.1:9" // what is for all hosts is for the proxy, which is the one connected to
					}
					if got := s.noted(&s.dialed); got != dialed {
						t.Errorf("%s: dialled %q", path, got)
					}
				})
			}
		}
	})
	t.Run("A19.3 the fields of CONNECT", func(t *testing.T) {
		var got *http.Request
		p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got = r; w.WriteHeader(502) }))
		defer p.Close()
		c := newClient(t, httpx.WithProxyConfig(httpx.Proxy{URL: p.URL, Header: header("X-Proxy", "1")}))
		_, err := c.Get(t.Context(), "https://a.test/", httpx.WithHeader("X-Secret", "s"))
		if !errors.Is(err, httpx.ErrProxy) || !strings.Contains(err.Error(), "502") {
			t.Error(err)
		}
		if got.Host != "a.test:443" || got.Header.Get("Accept") != "*/*" || got.Header.Get("X-Proxy") != "1" || got.Header.Get("X-Secret") != "" {
			t.Error(got.Host, got.Header)
		}
	})
	t.Run("A19.4 TLS within TLS, each with options of its own", func(t *testing.T) {
		onStage(t, "https", "h2", false, func(t *testing.T, s *stage) {
			c := s.client("", httpx.WithProxyConfig(httpx.Proxy{URL: "https://proxy.test:3128"})) // the client's roots are the origin's alone
			_, err := c.Get(t.Context(), s.url())
			c.Close()
			if !errors.Is(err, httpx.ErrProxy) || !errors.Is(err, httpx.ErrTLS) || !strings.Contains(err.Error(), "proxy https://proxy.test:3128") {
				t.Error(err)
			}
			c = s.client("", httpx.WithTLS(tls.Options{}))
			_, err = c.Get(t.Context(), s.url())
			c.Close()
			if errors.Is(err, httpx.ErrProxy) || !errors.Is(err, httpx.ErrTLS) {
				t.Error(err)
			}
		})
	})
	t.Run("A19.5 socks5 resolves here and socks5h there", func(t *testing.T) {
		for path, want := range map[string]string{"socks5": "CONNECT " + originAddr + ":80", "socks5h": "CONNECT origin.test:80"} {
			onStage(t, path, "http", true, func(t *testing.T, s *stage) {
				c := s.client(proxySecret)
				defer c.Close()
				resp, err := c.Get(t.Context(), s.url())
				if got := s.noted(&s.proxy); err != nil || got != "auth joe:"+proxySecret+"\n"+want {
					t.Errorf("%q, %v %v", got, resp, err)
				}
				if _, err = c.Get(t.Context(), "http://unknown.test/"); path == "socks5" && !errors.Is(err, httpx.ErrDNS) {
					t.Error(err)
				}
			})
		}
	})
	t.Run("B45 hooks of CONNECT", func(t *testing.T) {
		p := newForwarder(t, "")
		origin := httptest.NewTLSServer(http.HandlerFunc(answerEcho))
		defer origin.Close()
		target := strings.TrimPrefix(origin.URL, "https://")
		no := errors.New("not this one")
		var status int
		var refuseRequest, refuseAnswer error
		c := newClient(t, httpx.WithProxy(strings.Replace(p.URL, "://", "://u:S3CRET@", 1)), insecure(),
			httpx.OnProxyConnect(func(_ context.Context, proxyURL, to string) (httpx.Header, error) {
				if proxyURL != p.URL || to != target {
					t.Errorf("%q, %q", proxyURL, to)
				}
				return header("Proxy-Authorization", "Custom token"), refuseRequest
			}),
			httpx.OnProxyConnectResponse(func(_ context.Context, proxyURL, to string, code int, h httpx.Header) error {
				if proxyURL != p.URL || to != target {
					t.Errorf("%q, %q", proxyURL, to)
				}
				status = code
				return refuseAnswer
			}))
		if _, err := c.Get(t.Context(), origin.URL); err != nil || status != 200 {
			t.Error(status, err)
		}
		if got := p.log(); len(got) != 1 || got[0] != "CONNECT "+target+" Custom token" {
			t.Errorf("%q", got)
		}
		c.CloseIdle()
		for _, which := range []*error{&refuseRequest, &refuseAnswer} {
			*which = no
			if _, err := c.Get(t.Context(), origin.URL); !errors.Is(err, no) || !errors.Is(err, httpx.ErrProxy) {
				t.Error(err)
			}
			*which = nil
		}
	})
	t.Run("B45 A19.1 Digest where the proxy offers it", func(t *testing.T) {
		origin := httptest.NewTLSServer(http.HandlerFunc(answerEcho))
		defer origin.Close()
		p := new(digestProxy)
		s := httptest.NewServer(p)
		defer s.Close()
		c := newClient(t, httpx.WithProxy(strings.Replace(s.URL, "://", "://joe:S3CRET@", 1)), insecure())
		wrong := newClient(t, httpx.WithProxy(strings.Replace(s.URL, "://", "://joe:wrong@", 1)), insecure())
		for i, want := range []int{2, 1} { // requests: one is challenged, and none after it
			resp, err := c.Post(t.Context(), "http://a.test/x?y", httpx.String("body"))
			if got := p.log(); err != nil || resp.StatusCode != 200 || len(got) != want {
				t.Errorf("forwarded, %d: %v %v, %q", i, resp, err, got)
			}
		}
		if resp, err := c.Get(t.Context(), origin.URL); err != nil || resp.StatusCode != 200 {
			t.Error(resp, err)
		}
		if resp, err := wrong.Get(t.Context(), "http://a.test/"); err != nil || resp.StatusCode != 407 {
			t.Error(resp, err)
		}
		if _, err := wrong.Get(t.Context(), origin.URL); !errors.Is(err, httpx.ErrProxy) || strings.Contains(err.Error(), "wrong") {
			t.Error(err)
		}
		if got := strings.Join(p.log(), " "); strings.Contains(got, "Basic ") {
			t.Errorf("the password went out in the clear: %s", got)
		}
	})
	t.Run("B45 a proxy for each request", func(t *testing.T) {
		asked := 0
		no := errors.New("no proxy today")
		var dialed []string
		c := newClient(t, httpx.WithProxyFunc(func(r *httpx.Request) (*httpx.Proxy, error) {
			asked++
			switch r.URL.Host() {
			case "bad":
				return nil, no
			case "worse":
				return &httpx.Proxy{URL: "http://u:S3CRET@p:x"}, nil
			}
			return &httpx.Proxy{URL: "http://proxy" + fmt.Sprint(asked)}, nil
		}), httpx.WithDialContext(func(_ context.Context, _, addr string) (net.Conn, error) {
			dialed = append(dialed, addr)
			return nil, errWhere
		}))
		if a, b := whereOf(t, c, &dialed, "http://a"), whereOf(t, c, &dialed, "http://a"); a != "proxy1:80" || b != "proxy2:80" {
			t.Error(a, b)
		}
		if _, err := c.Get(t.Context(), "http://bad"); !errors.Is(err, no) || !errors.Is(err, httpx.ErrProxy) {
			t.Error(err)
		}
		if _, err := c.Get(t.Context(), "http://worse"); !errors.Is(err, httpx.ErrProxy) || strings.Contains(err.Error(), "S3CRET") {
			t.Error(err)
		}
	})
}

// digestProxy is a forwarder that wants Digest with the password "S3CRET" (RFC
// 7616), and offers Basic as well.
type digestProxy struct{ forwarder }

func (p *digestProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	auth := r.Header.Get("Proxy-Authorization")
	if !digestGiven(r, "S3CRET") {
		p.mu.Lock()
		p.asked = append(p.asked, auth)
		p.mu.Unlock()
		w.Header().Add("Proxy-Authenticate", `Basic realm="p"`)
		w.Header().Add("Proxy-Authenticate", digestChallenge)
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	p.forwarder.ServeHTTP(w, r)
}

const digestChallenge = `Digest realm="p", nonce="n0nce", qop="auth", algorithm=SHA-256`

// digestGiven reports whether the challenge was answered for this very request by
// proxyUser with that password.
func digestGiven(r *http.Request, password string) bool {
	param := map[string]string{}
	for part := range strings.SplitSeq(strings.TrimPrefix(r.Header.Get("Proxy-Authorization"), "Digest "), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		param[name] = strings.Trim(value, `"`)
	}
	sum := func(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }
	want := sum(sum(proxyUser+":p:"+password) + ":n0nce:" + param["nc"] + ":" + param["cnonce"] + ":auth:" + sum(r.Method+":"+r.RequestURI))
	return param["response"] == want && param["uri"] == r.RequestURI
}

// TestSocketOptionsOnEveryPath: A19.6, A20.6, over real sockets.
func TestSocketOptionsOnEveryPath(t *testing.T) {
	plain := echoServer(t)
	secure := httptest.NewTLSServer(http.HandlerFunc(answerEcho))
	defer secure.Close()
	hp := newForwarder(t, "")
	hps := httptest.NewTLSServer(hp)
	defer hps.Close()
	socks := socksServer(t, "tcp", "127.0.0.1:0")
	proxies := map[string]httpx.Option{
		"direct": httpx.NoProxy(), "http": httpx.WithProxy(hp.URL),
		"https":   httpx.WithProxyConfig(httpx.Proxy{URL: hps.URL, TLS: &tls.Options{InsecureSkipVerify: true}}),
		"socks5":  httpx.WithProxy("socks5://" + socks),
		"socks5h": httpx.WithProxy("socks5h://" + socks),
	}
	for path, proxy := range proxies {
		for _, url := range []string{plain.URL, secure.URL} {
			t.Run("A19.6 A20.6 "+path+" "+url[:5], func(t *testing.T) {
				var mu sync.Mutex
				seen := map[string]bool{}
				c := newClient(t, insecure(), proxy, httpx.WithLocalAddr(netip.MustParseAddr("127.0.0.9")),
					httpx.WithSocketControl(func(_ context.Context, network, addr string, _ syscall.RawConn) error {
						mu.Lock()
						defer mu.Unlock()
						seen[network+" "+addr] = true
						return nil
					}))
				resp, err := c.Get(t.Context(), url)
				if err != nil || resp.StatusCode != 200 {
					t.Fatal(resp, err)
				}
				local := netip.MustParseAddrPort(resp.Conn().LocalAddr.String()).Addr().String()
				remote := resp.Conn().RemoteAddr.String()
				if local != "127.0.0.9" || len(seen) != 1 || !seen["tcp4 "+remote] {
					t.Errorf("from %s to %s, controlled %v", local, remote, seen)
				}

				// A family that the peer does not have is an error, not ignored.
				c = newClient(t, insecure(), proxy, httpx.WithLocalAddr(netip.IPv6Unspecified()))
				if _, err := c.Get(t.Context(), url); !errors.Is(err, httpx.ErrConnect) {
					t.Errorf("with ::, to an IPv4 address: %v", err)
				}
				no := errors.New("not this address")
				c = newClient(t, insecure(), proxy, httpx.WithSocketControl(func(context.Context, string, string, syscall.RawConn) error { return no }))
				if _, err := c.Get(t.Context(), url); !errors.Is(err, no) || errors.Is(err, httpx.ErrProxy) != (path != "direct") {
					t.Errorf("refused by the control function: %v", err)
				}
			})
		}
	}
	t.Run("A19.6 A20.6 a Unix socket is the way to the proxy", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "s")
		socksServer(t, "unix", path)
		c := newClient(t, insecure(), httpx.WithProxy("socks5h://nowhere.test"), httpx.WithUnixSocket(path))
		for _, url := range []string{plain.URL, secure.URL} {
			if resp, err := c.Get(t.Context(), url); err != nil || resp.StatusCode != 200 {
				t.Error(resp, err)
			}
		}
	})
	t.Run("A19.6 C36 contradictions are errors", func(t *testing.T) {
		dial := httpx.WithDialContext(func(context.Context, string, string) (net.Conn, error) { return nil, errWhere })
		control := httpx.WithSocketControl(func(context.Context, string, string, syscall.RawConn) error { return nil })
		local := httpx.WithLocalAddr(netip.MustParseAddr("127.0.0.9"))
		for name, opts := range map[string][]httpx.ClientOption{
			"WithSocketControl": {dial, control},
			"WithKeepAlive":     {dial, httpx.WithKeepAlive(net.KeepAliveConfig{Enable: true})},
			"WithFallbackDelay": {dial, httpx.WithFallbackDelay(-1)},
			"WithLocalAddr":     {httpx.WithUnixSocket("/s"), local},
			"WithConnectTo":     {httpx.WithUnixSocket("/s"), httpx.WithConnectTo("*", "a:1")},
		} {
			if _, err := httpx.New(opts...); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := newClient(t, dial).Get(t.Context(), "http://a", local); err == nil || !strings.Contains(err.Error(), "WithLocalAddr") {
			t.Error(err)
		}
	})
}

// socksServer is a SOCKS5 proxy without authentication, which connects for real.
func socksServer(t *testing.T, network, addr string) string {
	t.Helper()
	ln, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	serve := func(nc net.Conn) {
		defer nc.Close()
		b := make([]byte, 300)
		read := func(n int) []byte { io.ReadFull(nc, b[:n]); return b[:n] }
		read(int(read(2)[1]))
		nc.Write([]byte{5, 0})
		host := ""
		switch read(4)[3] {
		case 1:
			host = net.IP(read(4)).String()
		case 3:
			host = string(read(int(read(1)[0])))
		default:
			host = net.IP(read(16)).String()
		}
		port := read(2)
		up, err := net.Dial("tcp", net.JoinHostPort(host, fmt.Sprint(int(port[0])<<8|int(port[1]))))
		if err != nil {
			nc.Write([]byte{5, 5, 0, 1, 0, 0, 0, 0, 0, 0})
			return
		}
		defer up.Close()
		nc.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
		wg.Go(func() { io.Copy(nc, up); nc.Close() })
		io.Copy(up, nc)
	}
	wg.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { serve(nc) })
		}
	})
	t.Cleanup(func() { ln.Close(); wg.Wait() })
	return ln.Addr().String()
}

// TestProxySecrets looks for the password wherever a program may print something,
// and at the origin.
func TestProxySecrets(t *testing.T) {
	const secret = "S3CRET-word"
	p := newForwarder(t, "Basic something else")
	var logged strings.Builder
	for _, handler := range []slog.Handler{slog.NewTextHandler(&logged, nil), slog.NewJSONHandler(&logged, nil)} {
		l := slog.New(handler)
		for _, proxy := range []httpx.Proxy{
			{URL: strings.Replace(p.URL, "://", "://joe:"+secret+"@", 1), Header: header("Proxy-Authorization", "Custom "+secret)},
			{URL: p.URL, User: url.UserPassword("joe", secret)},
			{URL: "http://joe:" + secret + "@bad:port"},
		} {
			l.Info("proxy", "value", proxy, "pointer", &proxy, "list", fmt.Sprint([]httpx.Proxy{proxy}))
			fmt.Fprintf(&logged, "%v %+v %#v %s %q %v %#v\n", proxy, proxy, proxy, proxy, proxy, &proxy, &proxy)
			opt := httpx.WithProxyConfig(proxy)
			fmt.Fprintf(&logged, "%v %+v %#v\n", opt, opt, opt)
			c, err := httpx.New(opt, httpx.WithMountProxy("all://*.m", strings.Replace(p.URL, "://", "://joe:"+secret+"@", 1)))
			if err != nil {
				fmt.Fprintf(&logged, "%v %+v %#v\n", err, err, err)
				continue
			}
			req, _ := c.NewRequest("GET", "https://a.test/", opt)
			for _, url := range []string{"http://a.test/", "https://a.test/", "http://a.m/"} {
				resp, err := c.Get(t.Context(), url)
				fmt.Fprintf(&logged, "%v %+v %#v\n", resp, resp, resp)
				fmt.Fprintf(&logged, "%v %+v %#v\n", err, err, err)
				l.Info("result", "resp", fmt.Sprint(resp), "err", err)
			}
			var e *httpx.Error
			_, err = c.Send(t.Context(), req)
			for err := err; err != nil; err = errors.Unwrap(err) {
				fmt.Fprintf(&logged, "%v %+v\n", err, err)
			}
			if !errors.As(err, &e) || !errors.Is(err, httpx.ErrProxy) {
				t.Error(err)
			}
			fmt.Fprintf(&logged, "%v %+v %#v %v %+v %#v\n", c, c, c, req, req, req)
			fmt.Fprintf(&logged, "%v %+v %#v %v %+v %#v\n", c.Stats(), c.Stats(), c.Stats(), c.Conns(), c.Conns(), c.Conns())
			c.Close()
		}
	}
	// As the password, as it goes over the wire, and by escapes.
	for _, s := range []string{secret, "am9lOlMzQ1JFVC13b3Jk", "S3CRET"} {
		if i := strings.Index(logged.String(), s); i >= 0 {
			t.Errorf("%q is told: …%.300s", s, logged.String()[max(0, i-200):])
		}
	}
	t.Run("C36 nothing for the proxy reaches an origin", func(t *testing.T) {
		var mu sync.Mutex
		var got []http.Header
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, r.Header)
		})
		plain, secure := httptest.NewServer(h), httptest.NewTLSServer(h)
		defer plain.Close()
		defer secure.Close()
		p.basic = "Basic am9lOlMzQ1JFVC13b3Jk"
		cfg := httpx.Proxy{URL: strings.Replace(p.URL, "://", "://joe:"+secret+"@", 1), Header: header("X-Secret", secret)}
		tunnel := cfg
		tunnel.Mode = httpx.ProxyTunnelOnly
		c := newClient(t, insecure(), httpx.WithHeader("Proxy-Authorization", "Basic "+secret), httpx.WithHeader("Proxy-Connection", secret))
		for _, opt := range []httpx.RequestOption{httpx.WithProxyConfig(tunnel), httpx.NoProxy()} {
			for _, url := range []string{plain.URL, secure.URL} {
				if resp, err := c.Get(t.Context(), url, opt); err != nil || resp.StatusCode != 200 {
					t.Fatal(resp, err)
				}
			}
		}
		if len(got) != 4 || strings.Contains(fmt.Sprint(got), "S3CRET") {
			t.Errorf("%d requests: %v", len(got), got)
		}
	})
}
