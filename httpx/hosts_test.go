package httpx_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/httpx"
)

// hostsFile is a resolver that knows these names.
type hostsFile map[string]string

func (h hostsFile) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if a, ok := h[host]; ok {
		return []netip.Addr{netip.MustParseAddr(a)}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// resolverFunc is a Resolver.
type resolverFunc func(ctx context.Context, network, host string) ([]netip.Addr, error)

func (f resolverFunc) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	return f(ctx, network, host)
}

func controlNote(n *notes) func(context.Context, string, string, syscall.RawConn) error {
	return func(context.Context, string, string, syscall.RawConn) error { n.note("control"); return nil }
}

func TestHosts(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-Host", r.Host) }))
	defer s.Close()
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	four := netip.MustParseAddr("127.0.0.1")
	hosts := func(names ...string) httpx.ClientOption {
		m := map[string][]netip.Addr{}
		for _, n := range names {
			m[n] = []netip.Addr{four}
		}
		return httpx.WithHosts(m)
	}

	t.Run("B34 static hosts, whatever case and final dot, and Host still names the name", func(t *testing.T) {
		c := newClient(t, hosts("Static.Example"), hosts("dotted.example."))
		for _, name := range []string{"static.example", "STATIC.example.", "dotted.example"} {
			resp, err := c.Get(ctx, "http://"+name+":"+port)
			if err != nil {
				t.Fatal(err)
			}
			if got := resp.Header.Get("X-Host"); !strings.EqualFold(got, name+":"+port) {
				t.Errorf("Host is %q", got)
			}
		}
	})

	t.Run("B34 a name without addresses, and one that is not known", func(t *testing.T) {
		c := newClient(t, httpx.WithHosts(map[string][]netip.Addr{"blocked.example": nil}), httpx.WithResolver(hostsFile{}))
		for _, name := range []string{"blocked.example", "unknown.example"} {
			_, err := c.Get(ctx, "http://"+name+"/")
			var dns *net.DNSError
			if !errors.Is(err, httpx.ErrDNS) || !errors.Is(err, httpx.ErrConnect) || !errors.As(err, &dns) || dns.Name != name {
				t.Errorf("%s: %v", name, err)
			}
		}
	})

	t.Run("B34 a resolver of one's own: its errors, and a context that ends", func(t *testing.T) {
		broken := errors.New("the resolver is on fire")
		c := newClient(t, httpx.WithResolver(resolverFunc(func(ctx context.Context, network, host string) ([]netip.Addr, error) {
			switch host {
			case "broken.example":
				return nil, broken
			case "slow.example":
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return []netip.Addr{four}, nil
		})))
		if _, err := c.Get(ctx, "http://broken.example"); !errors.Is(err, broken) || !errors.Is(err, httpx.ErrDNS) {
			t.Errorf("the error is %v", err)
		}
		if _, err := c.Get(ctx, "http://slow.example", httpx.WithTimeouts(httpx.Timeouts{Connect: 20 * time.Millisecond})); !errors.Is(err, httpx.ErrConnectTimeout) {
			t.Errorf("the error is %v", err)
		}
		resp, err := c.Get(ctx, "http://any.example:"+port)
		if err != nil {
			t.Fatal(err)
		}
		if resp.Timings().Connect <= 0 {
			t.Errorf("the timings are %+v", resp.Timings())
		}
	})

	t.Run("B34 the local address's family is asked for", func(t *testing.T) {
		var networks []string
		c := newClient(t, httpx.WithLocalAddr(netip.IPv4Unspecified()), httpx.WithResolver(resolverFunc(func(_ context.Context, network, _ string) ([]netip.Addr, error) {
			networks = append(networks, network)
			return []netip.Addr{netip.IPv6Loopback(), four}, nil
		})))
		if _, err := c.Get(ctx, "http://both.example:"+port); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(networks, []string{"ip4"}) {
			t.Errorf("the networks are %q", networks)
		}
	})

	t.Run("B34 options that are wrong", func(t *testing.T) {
		if _, err := httpx.New(httpx.WithHosts(map[string][]netip.Addr{"a": {{}}})); err == nil {
			t.Error("an invalid address is no error")
		}
		if _, err := newClient(t, httpx.WithResolver(nil)).Get(ctx, "http://localhost:"+port); err != nil {
			t.Errorf("no resolver: %v", err)
		}
	})
}

func TestHappyEyeballs(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	live, dead := netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback() // nobody listens there on that port

	t.Run("B34 one family is dead: the other is used, by hosts and by a resolver", func(t *testing.T) {
		for _, o := range []httpx.ClientOption{
			httpx.WithHosts(map[string][]netip.Addr{"dual.example": {dead, live}}),
			httpx.WithResolver(resolverFunc(func(context.Context, string, string) ([]netip.Addr, error) {
				return []netip.Addr{dead, live}, nil
			})),
		} {
			n := new(notes)
			c := newClient(t, o, httpx.WithTrace(tracing(n)))
			resp, err := c.Get(ctx, "http://dual.example:"+port)
			if err != nil {
				t.Fatal(err)
			}
			if got := resp.Conn().RemoteAddr.String(); got != s.Listener.Addr().String() {
				t.Errorf("connected to %s", got)
			}
			if got := n.take(); !slices.Contains(got, "ConnectDone failed") || !slices.Contains(got, "ConnectDone") {
				t.Errorf("the events are %q", got)
			}
		}
	})

	t.Run("B34 all are dead: the first one's error", func(t *testing.T) {
		c := newClient(t, httpx.WithHosts(map[string][]netip.Addr{"dead.example": {dead, netip.MustParseAddr("127.0.0.1")}}))
		if _, err := c.Get(ctx, "http://dead.example:1"); !errors.Is(err, httpx.ErrConnect) || !strings.Contains(err.Error(), "::1") {
			t.Errorf("the error is %v", err)
		}
	})

	t.Run("B34 an address that does not answer delays for the fallback delay only", func(t *testing.T) {
		silent := netip.MustParseAddr("127.0.0.2")
		// A blackhole is a socket whose connecting is held up until the test is over.
		var held atomic.Int32
		hold := httpx.WithSocketControl(func(ctx context.Context, _, addr string, _ syscall.RawConn) error {
			if strings.HasPrefix(addr, "127.0.0.2:") {
				held.Add(1)
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		})
		c := newClient(t, hold, httpx.WithFallbackDelay(5*time.Millisecond), httpx.WithHosts(map[string][]netip.Addr{"dual.example": {silent, live}}),
			httpx.WithTimeouts(httpx.Timeouts{Connect: time.Minute}))
		resp, err := c.Get(ctx, "http://dual.example:"+port)
		if err != nil {
			t.Fatal(err)
		}
		if d := resp.Timings().Connect; d < 5*time.Millisecond || held.Load() != 1 {
			t.Errorf("connected after %v, %d attempts held", d, held.Load())
		}
		// Without racing each has its share of the time.
		c = newClient(t, hold, httpx.WithFallbackDelay(-1), httpx.WithHosts(map[string][]netip.Addr{"dual.example": {silent, live}}),
			httpx.WithTimeouts(httpx.Timeouts{Connect: time.Second}))
		if _, err := c.Get(ctx, "http://dual.example:"+port); !errors.Is(err, httpx.ErrConnectTimeout) {
			t.Errorf("the error is %v", err) // the least share is more than that
		}
	})
}

func TestDNSCache(t *testing.T) {
	bubble := func(name string, d httpx.DNSCache, f func(t *testing.T, dns *fakeDNS, c httpx.Resolver)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dns := &fakeDNS{addrs: []string{"192.0.2.1"}}
				f(t, dns, httpx.NewDNSCache(d, dns))
			})
		})
	}
	look := func(c httpx.Resolver, host string) string {
		addrs, err := c.LookupNetIP(ctx, "ip", host)
		if err != nil {
			return err.Error()
		}
		var all []string
		for _, a := range addrs {
			all = append(all, a.String())
		}
		return strings.Join(all, " ")
	}
	want := func(t *testing.T, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	calls := func(t *testing.T, dns *fakeDNS, n int) {
		t.Helper()
		if got := int(dns.calls.Load()); got != n {
			t.Errorf("the resolver was asked %d times, not %d", got, n)
		}
	}

	bubble("B34 cache: asked once within TTL, whatever the case", httpx.DNSCache{TTL: 10 * time.Second}, func(t *testing.T, dns *fakeDNS, c httpx.Resolver) {
		want(t, look(c, "a.example"), "192.0.2.1")
		dns.addrs = []string{"192.0.2.2"}
		pause(t, 10*time.Second-1)
		want(t, look(c, "A.example."), "192.0.2.1")
		calls(t, dns, 1)
		pause(t, 1)
		want(t, look(c, "a.example"), "192.0.2.2")
		calls(t, dns, 2)
	})

	bubble("B34 cache: a name that does not exist is remembered for less", httpx.DNSCache{}, func(t *testing.T, dns *fakeDNS, c httpx.Resolver) {
		dns.err = &net.DNSError{Err: "no such host", Name: "a", IsNotFound: true}
		look(c, "a")
		want(t, look(c, "a"), dns.err.Error())
		calls(t, dns, 1)
		dns.err = nil
		pause(t, 2*time.Second)
		want(t, look(c, "a"), "192.0.2.1")
		calls(t, dns, 2)
	})

	bubble("B34 cache: stale addresses while the resolver fails, but not for ever", httpx.DNSCache{TTL: time.Second, StaleIfError: time.Minute}, func(t *testing.T, dns *fakeDNS, c httpx.Resolver) {
		look(c, "a")
		dns.err = errors.New("server failure")
		pause(t, time.Minute)
		want(t, look(c, "a"), "192.0.2.1")
		want(t, look(c, "a"), "192.0.2.1")
		calls(t, dns, 3) // a failure is not remembered
		pause(t, time.Second)
		want(t, look(c, "a"), "server failure")
	})

	bubble("B34 cache: look-ups at the same time are one, and a cancel does not spoil it", httpx.DNSCache{}, func(t *testing.T, dns *fakeDNS, c httpx.Resolver) {
		dns.delay = time.Second
		in, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := c.LookupNetIP(in, "ip", "a"); !errors.Is(err, context.Canceled) {
				t.Errorf("the error is %v", err)
			}
		})
		synctest.Wait()
		for range 5 {
			wg.Go(func() { want(t, look(c, "a"), "192.0.2.1") })
		}
		synctest.Wait()
		cancel()
		wg.Wait()
		calls(t, dns, 1)
	})

	bubble("B34 cache: rotated", httpx.DNSCache{Rotate: true}, func(t *testing.T, dns *fakeDNS, c httpx.Resolver) {
		dns.addrs = []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"}
		for _, first := range []string{"192.0.2.1 192.0.2.2 192.0.2.3", "192.0.2.2 192.0.2.3 192.0.2.1", "192.0.2.3 192.0.2.1 192.0.2.2", "192.0.2.1 192.0.2.2 192.0.2.3"} {
			want(t, look(c, "a"), first)
		}
	})

	bubble("B34 cache: bounded", httpx.DNSCache{MaxNames: 3}, func(t *testing.T, dns *fakeDNS, c httpx.Resolver) {
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			look(c, name)
		}
		if n := httpx.CachedNames(c); n != 3 {
			t.Errorf("%d names are remembered", n)
		}
	})

	t.Run("B34 cache: of a client", func(t *testing.T) {
		s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		defer s.Close()
		_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
		dns := &fakeDNS{addrs: []string{"127.0.0.1"}}
		c := newClient(t, httpx.WithDNSCache(httpx.DNSCache{}), httpx.WithResolver(dns))
		for range 3 {
			if _, err := c.Get(ctx, "http://a.example:"+port); err != nil {
				t.Fatal(err)
			}
			c.CloseIdle()
		}
		calls(t, dns, 1)
		c = newClient(t, httpx.WithDNSCache(httpx.DNSCache{}))
		if _, err := c.Get(ctx, "http://localhost:"+port); err != nil {
			t.Errorf("with the resolver of the system: %v", err)
		}
	})
}

// fakeDNS answers with what it is told.
type fakeDNS struct {
	addrs []string
	err   error
	delay time.Duration
	calls atomic.Int32
}

func (f *fakeDNS) LookupNetIP(ctx context.Context, _, _ string) (addrs []netip.Addr, err error) {
	f.calls.Add(1)
	if f.delay > 0 {
		select {
		case <-time.After(f.delay):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	for _, a := range f.addrs {
		addrs = append(addrs, netip.MustParseAddr(a))
	}
	if f.err != nil {
		return nil, f.err
	}
	return addrs, nil
}

// A name may have thousands of addresses, and none of them need answer.
func TestVeryManyAddresses(t *testing.T) {
	addrs := make([]netip.Addr, 0, 4000)
	for i := range cap(addrs) {
		addrs = append(addrs, netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)}))
	}
	var tried atomic.Int64
	c := newClient(t, httpx.WithHosts(map[string][]netip.Addr{"many.test": addrs}), httpx.WithDialFilter(func(netip.AddrPort) error {
		tried.Add(1)
		return errors.New("no")
	}))
	if _, err := c.Get(context.Background(), "http://many.test/"); !errors.Is(err, httpx.ErrAddressRefused) {
		t.Error(err)
	}
	if n := tried.Load(); n != 16 {
		t.Errorf("%d addresses were tried, want 16", n)
	}
}
