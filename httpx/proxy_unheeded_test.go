package httpx_test

import (
	"context"
	stdtls "crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/tls"
)

// TestProxyUnheeded: what a request was given and its way through a proxy could not
// heed is an error that says what to write instead.
func TestProxyUnheeded(t *testing.T) {
	t.Run("A19.2 C36 connect-to for an origin that the proxy fetches from", func(t *testing.T) {
		p := newForwarder(t, "")
		at := strings.TrimPrefix(p.URL, "http://")
		for _, share := range []bool{false, true} {
			cfg := httpx.Proxy{URL: p.URL, Share: share}
			for entry, url := range map[string]string{
				"a.test:80": "http://a.test/", "A.test:*": "http://a.test/x", "a.test:8080": "http://a.test:8080/", "[::1]:80": "http://[::1]/",
			} {
				to := httpx.WithConnectTo(entry, "192.0.2.1:9")
				c := newClient(t, httpx.WithProxyConfig(cfg), to)
				plain := newClient(t)
				_, err1 := c.Get(t.Context(), url)
				_, err2 := plain.Get(t.Context(), url, to, httpx.WithProxyConfig(cfg))
				err3 := c.Preconnect(t.Context(), url, 1)
				for _, err := range []error{err1, err2, err3} {
					if !errors.Is(err, httpx.ErrRequest) || !strings.Contains(err.Error(), "WithConnectTo") || !strings.Contains(err.Error(), "ProxyTunnelOnly") {
						t.Errorf("share %t, %s: %v", share, entry, err)
					}
				}
				if resp, err := c.Get(t.Context(), "http://b.test/"); err != nil || resp.StatusCode != 200 {
					t.Errorf("share %t, %s, another origin: %v %v", share, entry, resp, err)
				}
			}
			// What is for all hosts, or for the proxy, is for the connection to it.
			for _, entry := range []string{"*", "*:*", "*:80", "proxy.test:80", "proxy.test:*"} {
				c := newClient(t, httpx.WithProxyConfig(httpx.Proxy{URL: "http://proxy.test", Share: share}), httpx.WithConnectTo(entry, at))
				for _, url := range []string{"http://b.test/", "http://proxy.test/"} {
					if resp, err := c.Get(t.Context(), url); err != nil || resp.StatusCode != 200 {
						t.Errorf("share %t, %s, %s: %v %v", share, entry, url, resp, err)
					}
				}
			}
			p.log()
		}
		// As the error says.
		p.log()
		c := newClient(t, httpx.WithProxyConfig(httpx.Proxy{URL: p.URL, Mode: httpx.ProxyTunnelOnly}), httpx.WithConnectTo("a.test:80", echoServer(t).Listener.Addr().String()))
		if resp, err := c.Get(t.Context(), "http://a.test/"); err != nil || resp.StatusCode != 200 {
			t.Error(resp, err)
		}
	})

	t.Run("A19.1 C36 options of TLS that a proxy cannot keep", func(t *testing.T) {
		p := newForwarder(t, "")
		ca := peer.NewCA(t)
		cert := ca.Issue("client.test")
		shake := tls.NewHandshaker(func(context.Context, net.Conn, *stdtls.Config) (net.Conn, stdtls.ConnectionState, error) {
			return nil, stdtls.ConnectionState{}, errWhere
		})
		base := func(c *stdtls.Config) httpx.RequestOption { return httpx.WithTLS(tls.Options{Base: c}) }
		for name, opt := range map[string]httpx.RequestOption{
			"WithSNI":              httpx.WithSNI("b.test"),
			"Options.ServerName":   httpx.WithTLS(tls.Options{ServerName: "b.test"}),
			"Options.Pins":         httpx.WithTLS(tls.Options{Pins: []string{tls.Pin(ca.Cert)}}),
			"Options.Certificates": httpx.WithTLS(tls.Options{Certificates: []stdtls.Certificate{cert}}),
			"Options.CertFile":     httpx.WithTLS(tls.Options{CertFile: filepath.Join(t.TempDir(), "none")}),
			"Options.Handshaker":   httpx.WithTLS(tls.Options{Handshaker: shake}),
			"a client certificate": base(&stdtls.Config{Certificates: []stdtls.Certificate{cert}}),
			"certificate in tls.Options.Base": base(&stdtls.Config{GetClientCertificate: func(*stdtls.CertificateRequestInfo) (*stdtls.Certificate, error) {
				return &cert, nil
			}}),
			"a ServerName":  base(&stdtls.Config{ServerName: "b.test"}),
			"that verifies": base(&stdtls.Config{VerifyConnection: func(stdtls.ConnectionState) error { return nil }}),
			"a function":    base(&stdtls.Config{VerifyPeerCertificate: func([][]byte, [][]*x509.Certificate) error { return nil }}),
		} {
			for _, share := range []bool{false, true} {
				cfg := httpx.Proxy{URL: p.URL, Mode: httpx.ProxyForwardOnly, Share: share}
				_, err := newClient(t, httpx.WithProxyConfig(cfg)).Get(t.Context(), "https://a.test/", opt)
				if !errors.Is(err, httpx.ErrRequest) || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "ProxyTunnelOnly") {
					t.Errorf("%s, share %t: %v", name, share, err)
				}
			}
		}
		if asked := p.log(); len(asked) > 0 {
			t.Errorf("the proxy was asked %q", asked)
		}
		// Roots, versions and protocols are no such promise, and http has no TLS.
		c := newClient(t, httpx.WithProxyConfig(httpx.Proxy{URL: p.URL, Mode: httpx.ProxyForwardOnly}), httpx.WithTLS(tls.Options{RootCAs: ca.Pool(), MinVersion: stdtls.VersionTLS13}))
		if resp, err := c.Get(t.Context(), "https://a.test/"); err != nil || resp.StatusCode != 200 {
			t.Error(resp, err)
		}
		if resp, err := c.Get(t.Context(), "http://a.test/", httpx.WithTLS(tls.Options{Pins: []string{tls.Pin(ca.Cert)}})); err != nil || resp.StatusCode != 200 {
			t.Error(resp, err)
		}
	})

	t.Run("A19.6 C36 connect-to beside a Unix socket", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "s")
		socksServer(t, "unix", path)
		origin := echoServer(t)
		socket := httpx.WithUnixSocket(path)
		proxy := httpx.WithProxy("socks5h://proxy.test")
		to := func(from string) httpx.Option { return httpx.WithConnectTo(from, origin.Listener.Addr().String()) }
		for _, from := range []string{"*", "*:*", "*:1080", "*:80"} {
			for _, opts := range [][]httpx.ClientOption{{socket, to(from)}, {socket, to(from), proxy}, {proxy, to("a.test:80"), to(from), socket}} {
				if _, err := httpx.New(opts...); err == nil || !strings.Contains(err.Error(), "WithConnectTo") || !strings.Contains(err.Error(), "WithUnixSocket") {
					t.Errorf("%s: %v", from, err)
				}
			}
			if _, err := newClient(t, proxy, socket).Get(t.Context(), "http://a.test/", to(from)); err == nil || !strings.Contains(err.Error(), "WithConnectTo") {
				t.Errorf("%s, on a request: %v", from, err)
			}
		}
		for _, from := range []string{"proxy.test:1080", "proxy.test:*"} {
			if _, err := newClient(t, proxy, socket, to(from)).Get(t.Context(), "http://a.test/"); err == nil || !strings.Contains(err.Error(), "WithConnectTo for the proxy") {
				t.Errorf("%s: %v", from, err)
			}
		}
		// One that names the origin is for the tunnel; without a proxy for nobody.
		ask := httpx.WithProxyFunc(func(*httpx.Request) (*httpx.Proxy, error) { return &httpx.Proxy{URL: "socks5h://proxy.test"}, nil })
		for _, by := range []httpx.ClientOption{proxy, ask, httpx.WithMountProxy("all://", "socks5h://proxy.test")} {
			c := newClient(t, by, socket, to("a.test:80"))
			if resp, err := c.Get(t.Context(), "http://a.test/"); err != nil || resp.StatusCode != 200 {
				t.Error(resp, err)
			}
			if _, err := c.Get(t.Context(), "http://a.test/", httpx.NoProxy()); err == nil || !strings.Contains(err.Error(), "WithConnectTo") {
				t.Error(err)
			}
		}
		if _, err := httpx.New(socket, to("a.test:80")); err == nil || !strings.Contains(err.Error(), "WithConnectTo") {
			t.Error(err)
		}
	})

	t.Run("A19.6 C36 names that a dial function resolves", func(t *testing.T) {
		setEnv(t)
		dial := httpx.WithDialContext(func(context.Context, string, string) (net.Conn, error) { return nil, errWhere })
		names := map[string]httpx.ClientOption{
			"WithHosts":    httpx.WithHosts(map[string][]netip.Addr{"a.test": {netip.MustParseAddr("192.0.2.1")}}),
			"WithDNSCache": httpx.WithDNSCache(httpx.DNSCache{}), "WithResolver": httpx.WithResolver(new(net.Resolver)),
		}
		for name, opt := range names {
			for _, by := range []httpx.ClientOption{httpx.NoProxy(), httpx.WithProxy("socks5h://p"), httpx.WithProxy("http://p"), httpx.WithMountProxy("all://x.test", "")} {
				if _, err := httpx.New(dial, opt, by); err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "socks5://") {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		t.Setenv("ALL_PROXY", "socks5://p")
		for name, opt := range names {
			for _, by := range []httpx.ClientOption{
				httpx.WithTrustEnv(true), httpx.WithProxy("socks5://p"), httpx.WithMountProxy("all://x.test", "socks5://p"),
				httpx.WithProxyFunc(func(*httpx.Request) (*httpx.Proxy, error) { return nil, nil }),
			} {
				c, err := httpx.New(httpx.WithTrustEnv(false), dial, opt, by)
				if err != nil {
					t.Errorf("%s: %v", name, err)
					continue
				}
				c.Close()
			}
			if _, err := httpx.New(dial, opt, httpx.WithTrustEnv(false)); err == nil {
				t.Errorf("%s: the environment has no say", name)
			}
		}
	})

	t.Run("A19.5 A19.6 hosts for the targets of a socks5 proxy, beside a dial function", func(t *testing.T) {
		origin := echoServer(t)
		socks := socksServer(t, "tcp", "127.0.0.1:0")
		c := newClient(t, httpx.WithProxy("socks5://proxy.test"), httpx.WithHosts(map[string][]netip.Addr{"a.test": {netip.MustParseAddr("127.0.0.1")}}),
			httpx.WithDialContext(func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, socks)
			}))
		_, port, _ := net.SplitHostPort(origin.Listener.Addr().String())
		if resp, err := c.Get(t.Context(), "http://a.test:"+port); err != nil || resp.StatusCode != 200 {
			t.Error(resp, err)
		}
	})
}

// TestHandshakerWithoutProtocol: A21.3: what a Handshaker has made is closed when the
// protocol that it brings is none of ours.
func TestHandshakerWithoutProtocol(t *testing.T) {
	var made []*closingConn
	shake := tls.NewHandshaker(func(_ context.Context, nc net.Conn, _ *stdtls.Config) (net.Conn, stdtls.ConnectionState, error) {
		c := &closingConn{Conn: nc}
		made = append(made, c)
		return c, stdtls.ConnectionState{NegotiatedProtocol: "spdy/1"}, nil
	})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "never") }))
	defer s.Close()
	at := s.Listener.Addr().String()
	own := tls.Options{Handshaker: shake}
	for name, c := range map[string]*httpx.Client{
		"A21.3 the origin's":      newClient(t, httpx.WithTLS(own)),
		"A21.3 the https proxy's": newClient(t, httpx.WithProxyConfig(httpx.Proxy{URL: "https://" + at, TLS: &own})),
	} {
		t.Run(name, func(t *testing.T) {
			made = nil
			if _, err := c.Get(t.Context(), "https://"+at); !errors.Is(err, httpx.ErrTLS) && !errors.Is(err, httpx.ErrProtocol) || len(made) != 1 || !made[0].closed {
				t.Errorf("%d made: %v", len(made), err)
			}
		})
	}
}

type closingConn struct {
	net.Conn
	closed bool
}

func (c *closingConn) Close() error { c.closed = true; return c.Conn.Close() }
