package httpx_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/memconn"
	"gohttpx.dev/internal/peer"
)

func TestDenyPrivate(t *testing.T) {
	for name, addrs := range map[string][]string{
		"loopback":        {"127.0.0.1", "127.255.0.9", "::1"},
		"private":         {"10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.9.9", "fc00::1", "fd12::1"},
		"link-local":      {"169.254.169.254", "fe80::1", "fe80::1%eth0", "febf::1"},
		"CGNAT":           {"100.64.0.1", "100.127.255.255"},
		"unspecified":     {"0.0.0.0", "0.1.2.3", "::"},
		"multicast":       {"224.0.0.1", "239.255.255.255", "ff02::1", "ff02::1%2"},
		"broadcast":       {"255.255.255.255", "240.0.0.1"},
		"IPv4-mapped":     {"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"},
		"IPv4-compatible": {"::127.0.0.1", "::8.8.8.8"},
		"IPv4-translated": {"::ffff:0:127.0.0.1"},
		"NAT64":           {"64:ff9b::7f00:1", "64:ff9b::10.0.0.1", "64:ff9b:1::1"},
		"6to4":            {"2002:7f00:1::", "2002:c0a8:101::1"},
		"Teredo":          {"2001::1", "2001:0:4136:e378::"},
		"documentation":   {"192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"},
		"benchmarking":    {"198.18.0.1", "198.19.255.255"},
		"others":          {"192.0.0.1", "192.88.99.1", "100::1", "fec0::1", "4000::1", "5f00::1"},
	} {
		t.Run("B47 refuses "+name, func(t *testing.T) {
			for _, a := range addrs {
				if err := httpx.DenyPrivate(netip.AddrPortFrom(netip.MustParseAddr(a), 80)); err == nil {
					t.Errorf("%s passes", a)
				}
			}
		})
	}
	t.Run("B47 lets the public Internet through", func(t *testing.T) {
		for _, a := range []string{
			"8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.0", "192.167.255.255", "223.255.255.255",
			"::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1", "2606:4700:4700::1111", "2a00::1", "2001:200::1",
		} {
			if err := httpx.DenyPrivate(netip.AddrPortFrom(netip.MustParseAddr(a), 80)); err != nil {
				t.Errorf("%s: %v", a, err)
			}
		}
	})
}

func TestDialFilter(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	addr := s.Listener.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	refused := func(t *testing.T, err error, text string) {
		t.Helper()
		var e *httpx.Error
		if !errors.Is(err, httpx.ErrAddressRefused) || !errors.As(err, &e) || e.Sent || !strings.Contains(err.Error(), text) {
			t.Errorf("the error is %v and should be of %s", err, text)
		}
		if httpx.IsRetryable(err) {
			t.Errorf("%v is retryable", err)
		}
	}
	deny := httpx.WithDialFilter(httpx.DenyPrivate)

	t.Run("B47 an address, a name, a redirect to one, and a name by WithConnectTo", func(t *testing.T) {
		c := newClient(t, deny, httpx.WithConnectRetries(3))
		_, err := c.Get(ctx, s.URL)
		refused(t, err, "the dial filter refuses "+addr+": loopback")
		if !errors.Is(err, httpx.ErrConnect) || errors.Is(err, httpx.ErrDNS) {
			t.Errorf("%v is not ErrConnect alone", err)
		}
		_, err = c.Get(ctx, "http://localhost:"+port)
		refused(t, err, port+": loopback")
		_, err = c.Get(ctx, "http://public.example/", httpx.WithConnectTo("*", addr))
		refused(t, err, addr)
		_, err = c.Get(ctx, "http://[::ffff:127.0.0.1]:"+port)
		refused(t, err, "loopback")
	})

	t.Run("B47 DNS rebinding: what is dialled is asked about, at each dial", func(t *testing.T) {
		var asked []string
		var calls atomic.Int32
		resolver := resolverFunc(func(context.Context, string, string) ([]netip.Addr, error) {
			calls.Add(1)
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		})
		c := newClient(t, httpx.WithResolver(resolver), httpx.WithDialFilter(func(a netip.AddrPort) error {
			asked = append(asked, a.String())
			if len(asked) > 1 {
				return errors.New("no more")
			}
			return nil
		}))
		if _, err := c.Get(ctx, "http://rebinding.example:"+port); err != nil {
			t.Fatal(err)
		}
		c.CloseIdle()
		_, err := c.Get(ctx, "http://rebinding.example:"+port)
		refused(t, err, "no more")
		if len(asked) != 2 || asked[0] != addr || asked[1] != addr || calls.Load() != 2 {
			t.Errorf("asked about %q after %d look-ups", asked, calls.Load())
		}
	})

	t.Run("B47 another address of the name may pass", func(t *testing.T) {
		c := newClient(t, httpx.WithHosts(map[string][]netip.Addr{"two.example": {netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.1")}}),
			httpx.WithDialFilter(func(a netip.AddrPort) error {
				if a.Addr().String() == "127.0.0.2" {
					return errors.New("not that one")
				}
				return nil
			}))
		resp, err := c.Get(ctx, "http://two.example:"+port)
		if err != nil {
			t.Fatal(err)
		}
		if got := resp.Conn().RemoteAddr.String(); got != addr {
			t.Errorf("connected to %s", got)
		}
	})

	t.Run("B47 a dial function of one's own is asked about by its RemoteAddr", func(t *testing.T) {
		c := newClient(t, deny, httpx.WithDialContext((&net.Dialer{}).DialContext))
		_, err := c.Get(ctx, s.URL)
		refused(t, err, addr)
		var closed atomic.Bool
		c = newClient(t, deny, httpx.WithDialContext(func(context.Context, string, string) (net.Conn, error) {
			a, b := memconn.Pipe()
			go func() { b.Read(make([]byte, 1)); closed.Store(true); b.Close() }()
			return a, nil
		}))
		_, err = c.Get(ctx, "http://memory.example")
		refused(t, err, "does not tell an IP address")
	})

	t.Run("B47 a socket's control function is still called, behind the filter", func(t *testing.T) {
		order := new(notes)
		c := newClient(t, httpx.WithSocketControl(controlNote(order)), httpx.WithDialFilter(func(netip.AddrPort) error { order.note("filter"); return nil }))
		if _, err := c.Get(ctx, s.URL); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(order.take(), " "); got != "filter control" {
			t.Errorf("the order is %s", got)
		}
	})

	t.Run("B47 through a proxy: the proxy's address, and that of a literal target", func(t *testing.T) {
		var asked atomic.Int32
		p := peer.Listen(t, func(nc net.Conn) {
			asked.Add(1)
			br := bufio.NewReader(nc)
			for {
				if _, err := http.ReadRequest(br); err != nil {
					return
				}
				io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}
		})
		ours := httpx.WithDialFilter(func(a netip.AddrPort) error {
			if a.String() == p.Addr {
				return nil
			}
			return httpx.DenyPrivate(a)
		})
		for _, scheme := range []string{"http", "socks5h", "socks5"} {
			c := newClient(t, ours, httpx.WithProxy(scheme+"://"+p.Addr))
			_, err := c.Get(ctx, "http://10.0.0.1/")
			refused(t, err, "10.0.0.1:80")
			if !errors.Is(err, httpx.ErrProxy) {
				t.Errorf("%s: %v is not ErrProxy", scheme, err)
			}
			_, err = c.Get(ctx, "https://[fd00::1]/")
			refused(t, err, "[fd00::1]:443")
		}
		// socks5 resolves here.
		c := newClient(t, ours, httpx.WithProxy("socks5://"+p.Addr), httpx.WithHosts(map[string][]netip.Addr{"inside.example": {netip.MustParseAddr("192.168.1.1")}}))
		_, err := c.Get(ctx, "http://inside.example/")
		refused(t, err, "192.168.1.1:80")
		if asked.Load() != 0 {
			t.Error("the proxy was asked")
		}
		c = newClient(t, ours, httpx.WithProxy("http://"+p.Addr))
		if _, err := c.Get(ctx, "http://public.example/"); err != nil {
			t.Error(err)
		}
		c = newClient(t, deny, httpx.WithProxy("http://"+p.Addr))
		_, err = c.Get(ctx, "http://public.example/")
		refused(t, err, p.Addr)
	})

	t.Run("B47 options that are wrong", func(t *testing.T) {
		if _, err := httpx.New(httpx.WithDialFilter(nil)); err == nil {
			t.Error("nil is no error")
		}
		if _, err := newClient(t).With(deny); err == nil {
			t.Error("a derived client can have a filter of its own")
		}
	})
}
