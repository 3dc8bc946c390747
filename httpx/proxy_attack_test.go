package httpx_test

import (
	"bufio"
	stdtls "crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/tls"
)

// What a proxy, or who is behind it, may do to a client that trusts it too much.
func TestProxyAttacks(t *testing.T) {
	t.Run("C36 an answer that nobody asked for, through a tunnel in TLS", func(t *testing.T) {
		unasked := make(chan struct{})
		s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			nc, in, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer nc.Close()
			io.WriteString(nc, "HTTP/1.1 200 OK\r\n\r\n")
			http.ReadRequest(in.Reader)
			io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood")
			<-unasked
			io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL")
			unasked <- struct{}{}
			io.Copy(io.Discard, in.Reader)
		}))
		defer s.Close()
		c := newClient(t, httpx.WithProxyConfig(httpx.Proxy{
			URL: s.URL, Mode: httpx.ProxyTunnelOnly,
			TLS: &tls.Options{Base: &stdtls.Config{InsecureSkipVerify: true}},
		}))
		for range 3 {
			resp, err := c.Get(t.Context(), "http://a.test/")
			if err != nil || resp.Text() != "good" {
				t.Fatalf("%v %v %q", resp, err, resp.Text())
			}
			unasked <- struct{}{}
			<-unasked
			for parked := time.Now(); time.Since(parked) < 5*time.Millisecond; { // a connection just parked is not looked at
				runtime.Gosched()
			}
		}
	})

	t.Run("A19.1 a nonce for each request, and no word of stale", func(t *testing.T) {
		nonce := 0
		p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			auth := r.Header.Get("Proxy-Authorization")
			if nonce == 0 || !strings.Contains(auth, `nonce="`+strings.Repeat("n", nonce)+`"`) {
				nonce++
				w.Header().Set("Proxy-Authenticate", `Digest realm="p", qop="auth", nonce="`+strings.Repeat("n", nonce)+`"`)
				w.WriteHeader(http.StatusProxyAuthRequired)
				return
			}
			nonce++ // one use; the next is not known yet
			io.WriteString(w, "ok")
		}))
		defer p.Close()
		c := newClient(t, httpx.WithProxy(strings.Replace(p.URL, "://", "://joe:pw@", 1)))
		for i := range 4 {
			if resp, err := c.Get(t.Context(), "http://a.test/"); err != nil || resp.Text() != "ok" {
				t.Errorf("request %d: %v %v", i, resp, err)
			}
		}
	})

	t.Run("B47 a shared proxy connection is no way around the filter", func(t *testing.T) {
		p := newForwarder(t, "")
		itself := netip.MustParseAddrPort(strings.TrimPrefix(p.URL, "http://"))
		filter := httpx.WithDialFilter(func(a netip.AddrPort) error {
			if a == itself {
				return nil
			}
			return httpx.DenyPrivate(a)
		})
		for _, share := range []bool{false, true} {
			c := newClient(t, filter, httpx.WithProxyConfig(httpx.Proxy{URL: p.URL, Share: share}))
			_, err := c.Get(t.Context(), "http://169.254.169.254/latest")
			if asked := p.log(); !errors.Is(err, httpx.ErrAddressRefused) || len(asked) != 0 {
				t.Errorf("share %t: %v, the proxy was asked %q", share, err, asked)
			}
		}
	})

	t.Run("A19.3 a proxy that closes behind its 407 without saying so", func(t *testing.T) {
		s := peer.Listen(t, func(nc net.Conn) {
			r, err := http.ReadRequest(bufio.NewReader(nc))
			if err != nil {
				return
			}
			if r.Header.Get("Proxy-Authorization") == "" {
				io.WriteString(nc, "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n")
				return
			}
			io.WriteString(nc, "HTTP/1.1 403 It Came\r\nContent-Length: 0\r\n\r\n")
		})
		_, err := newClient(t, httpx.WithProxy("http://u:p@"+s.Addr)).Get(t.Context(), "https://a.test/")
		if !errors.Is(err, httpx.ErrProxy) || !strings.Contains(err.Error(), "403") {
			t.Errorf("%v", err)
		}
	})
}

// What is said to a proxy is what its options say, or nothing.
func TestProxyOptionsHold(t *testing.T) {
	t.Run("A19.1 a proxy with other header fields is another proxy", func(t *testing.T) {
		p := newForwarder(t, "")
		c := newClient(t)
		for _, want := range []string{"one", "two", "one"} {
			own := httpx.Proxy{URL: p.URL, Header: httpx.Header{{Name: "X-To-Proxy", Value: want}}}
			if resp, err := c.Get(t.Context(), "http://a.test/", httpx.WithProxyConfig(own)); err != nil || resp.Text() != "forwarded "+want {
				t.Errorf("%s: %v %v", want, resp, err)
			}
		}
	})
	t.Run("A19.2 a proxy forwards HTTP/1.1 only", func(t *testing.T) {
		p := newForwarder(t, "")
		c := newClient(t, httpx.WithProxy(p.URL), httpx.WithHTTP1(false), httpx.WithHTTP2(true))
		if _, err := c.Get(t.Context(), "http://a.test/"); !errors.Is(err, httpx.ErrProtocol) || !strings.Contains(err.Error(), "ProxyTunnelOnly") {
			t.Error(err)
		}
		if asked := p.log(); len(asked) > 0 {
			t.Errorf("the proxy was asked %q", asked)
		}
	})
	t.Run("A19.4 an https proxy that chooses HTTP/2", func(t *testing.T) {
		s := httptest.NewUnstartedServer(http.NotFoundHandler())
		s.EnableHTTP2 = true
		s.StartTLS()
		defer s.Close()
		c := newClient(t, httpx.WithProxyConfig(httpx.Proxy{URL: s.URL, TLS: &tls.Options{InsecureSkipVerify: true, ALPN: []string{"h2"}}}))
		for _, url := range []string{"http://a.test/", "https://a.test/"} {
			if _, err := c.Get(t.Context(), url); !errors.Is(err, httpx.ErrProxy) || !strings.Contains(err.Error(), `chose the protocol "h2"`) {
				t.Errorf("%s: %v", url, err)
			}
		}
	})
}
