package httpx

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http/httptrace"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Resolver looks names up. *net.Resolver is one.
type Resolver interface {
	// LookupNetIP returns the addresses of host in the order in which they are
	// to be tried; network is "ip", "ip4" or "ip6". An error should be a
	// *net.DNSError. It must be safe for concurrent use.
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// WithResolver sets the resolver of names; nil is net.DefaultResolver. Beside a
// proxy it is asked for the names that WithHosts tells of. With WithDialContext,
// which has its own way, it is an error, unless New is given a socks5:// proxy.
func WithResolver(r Resolver) ClientOption {
	return poolOption("WithResolver", func(c *config) error {
		c.dialer.Resolver, c.resolver = nil, nil
		if std, ok := r.(*net.Resolver); ok {
			c.dialer.Resolver = std // net.Dialer can do this by itself
		} else {
			c.resolver = r
		}
		return nil
	})
}

// WithHosts gives names their addresses, as a hosts file does; other names are
// resolved as ever. A name is compared without regard to case and a dot at its
// end, and without addresses does not resolve. The addresses are tried as those of
// the DNS are. TLS and Host still name the name. It may be given several times.
//
// It is about names that are resolved here. Beside a proxy those are the proxy's own
// name and, through a socks5:// proxy, the origins'. Through an http, https or
// socks5h proxy the proxy resolves the names of origins, forwarded or tunnelled, and
// does not know of these addresses; WithConnectTo has a tunnel made to another one.
// With WithDialContext, which has its own way, it is an error, unless New is given a
// socks5:// proxy.
func WithHosts(hosts map[string][]netip.Addr) ClientOption {
	return poolOption("WithHosts", func(c *config) error {
		c.hosts = maps.Clone(c.hosts)
		if c.hosts == nil {
			c.hosts = map[string][]netip.Addr{}
		}
		for name, addrs := range hosts {
			for _, a := range addrs {
				if !a.IsValid() {
					return fmt.Errorf("WithHosts: an invalid address for %q", name)
				}
			}
			c.hosts[hostName(name)] = slices.Clone(addrs)
		}
		return nil
	})
}

// WithFallbackDelay sets how long an attempt to connect may take before the next
// address is tried beside it, as RFC 8305 ("Happy Eyeballs") has it: with
// net.Dialer the first address of the other family, and with WithHosts, a cache
// or a Resolver of one's own each next one, families in turn. Zero is the default,
// 300 ms; a negative delay tries one after the other.
func WithFallbackDelay(d time.Duration) ClientOption {
	return poolOption("WithFallbackDelay", func(c *config) error { c.dialer.FallbackDelay = d; return nil })
}

func hostName(s string) string { return strings.ToLower(strings.TrimSuffix(s, ".")) }

// names resolves names in another way than net.Dialer's. Immutable.
type names struct {
	hosts    map[string][]netip.Addr // by lower-case name
	resolver Resolver                // nil: that of net.Dialer
}

// newNames returns nil if there is nothing that net.Dialer cannot do.
func newNames(cfg *config) *names {
	n := &names{hosts: cfg.hosts, resolver: cfg.resolver}
	if cfg.cache != nil {
		up := n.resolver
		if up == nil {
			up = cfg.dialer.Resolver
		}
		n.resolver = newDNSCache(*cfg.cache, up)
	}
	if n.hosts == nil && n.resolver == nil {
		return nil
	}
	return n
}

// knows reports whether host is resolved here.
func (n *names) knows(host string) bool {
	if n == nil {
		return false
	}
	if n.resolver != nil {
		return true
	}
	_, ok := n.hosts[hostName(host)]
	return ok
}

// lookup resolves a host that it knows, for a network to dial in.
func (n *names) lookup(ctx context.Context, network, host string) (addrs []netip.Addr, err error) {
	ip := "ip" + strings.TrimPrefix(network, "tcp")
	ct := httptrace.ContextClientTrace(ctx)
	if ct != nil && ct.DNSStart != nil {
		ct.DNSStart(httptrace.DNSStartInfo{Host: host})
	}
	known, ok := n.hosts[hostName(host)]
	if !ok {
		known, err = n.resolver.LookupNetIP(untraced{ctx}, ip, host)
	}
	for _, a := range known {
		if a = a.Unmap(); ip == "ip4" && !a.Is4() || ip == "ip6" && !a.Is6() || !a.IsValid() {
			continue
		}
		addrs = append(addrs, a)
	}
	if len(addrs) == 0 && err == nil {
		err = &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if ct != nil && ct.DNSDone != nil {
		i := httptrace.DNSDoneInfo{Err: err}
		for _, a := range addrs {
			i.Addrs = append(i.Addrs, net.IPAddr{IP: a.AsSlice(), Zone: a.Zone()})
		}
		ct.DNSDone(i)
	}
	var dns *net.DNSError
	if err != nil && !errors.As(err, &dns) {
		err = &net.DNSError{UnwrapErr: err, Err: err.Error(), Name: host}
	}
	return addrs, err
}

// untraced is a context without the hooks that package net calls for a look-up:
// they have been called for it already.
type untraced struct{ context.Context }

func (c untraced) Value(key any) any {
	if t := reflect.TypeOf(key); t != nil && t.PkgPath() == "internal/nettrace" {
		return nil
	}
	return c.Context.Value(key)
}

// dial connects to host:port as nd would.
func (n *names) dial(ctx context.Context, nd *net.Dialer, network, addr string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if _, err := netip.ParseAddr(host); err == nil || !n.knows(host) {
		return nd.DialContext(ctx, network, addr)
	}
	addrs, err := n.lookup(ctx, network, host)
	if err != nil {
		return nil, err
	}
	return dialAny(ctx, nd, network, port, interleave(addrs))
}

// interleave puts the families in turn, beginning with that of the first address
// (RFC 8305 §4).
func interleave(addrs []netip.Addr) []netip.Addr {
	var first, other []netip.Addr
	for _, a := range addrs {
		if a.Is4() == addrs[0].Is4() {
			first = append(first, a)
		} else {
			other = append(other, a)
		}
	}
	mixed := make([]netip.Addr, 0, len(addrs))
	for i := range max(len(first), len(other)) {
		if i < len(first) {
			mixed = append(mixed, first[i])
		}
		if i < len(other) {
			mixed = append(mixed, other[i])
		}
	}
	return mixed
}

const (
	defaultFallbackDelay = 300 * time.Millisecond
	// minAttempt is the least time for one of several addresses, where that is
	// left: a share of less would find nobody.
	minAttempt = 2 * time.Second
	// maxAddrs bounds the addresses of a name that are tried.
	maxAddrs = 16
)

// dialed is the outcome of one attempt.
type dialed struct {
	nc  net.Conn
	err error
}

// dialAny connects to the first address that answers. Each attempt begins when the
// one before it has failed or had its delay (RFC 8305 §5); the error is that of
// the first that failed.
func dialAny(ctx context.Context, nd *net.Dialer, network, port string, addrs []netip.Addr) (net.Conn, error) {
	addrs = addrs[:min(len(addrs), maxAddrs)]
	if len(addrs) == 1 {
		return nd.DialContext(ctx, network, net.JoinHostPort(addrs[0].String(), port))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// Each attempt has a goroutine, which ends when it has handed its outcome
	// over or nobody wants it: cancel ends the attempts when this returns.
	outcomes := make(chan dialed)
	start := func(a netip.Addr, share time.Duration) {
		go func() {
			own := ctx
			if share > 0 {
				var cancel context.CancelFunc
				own, cancel = context.WithTimeout(ctx, share)
				defer cancel()
			}
			nc, err := nd.DialContext(own, network, net.JoinHostPort(a.String(), port))
			select {
			case outcomes <- dialed{nc, err}:
			case <-ctx.Done():
				if nc != nil {
					nc.Close()
				}
			}
		}()
	}
	delay := nd.FallbackDelay
	if delay == 0 {
		delay = defaultFallbackDelay
	}
	timer := time.NewTimer(max(delay, 0))
	defer timer.Stop()
	next := timer.C
	if delay < 0 {
		next = nil
	}
	var first error
	tried, running := 0, 0
	more := func() {
		share := time.Duration(0)
		if deadline, ok := ctx.Deadline(); ok && delay < 0 && tried < len(addrs)-1 {
			share = max(time.Until(deadline)/time.Duration(len(addrs)-tried), minAttempt)
		}
		start(addrs[tried], share)
		tried++
		running++
	}
	more()
	for running > 0 {
		select {
		case o := <-outcomes:
			if o.err == nil {
				return o.nc, nil
			}
			if running--; first == nil {
				first = o.err
			}
		case <-next:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if tried < len(addrs) {
			more()
			if delay >= 0 {
				timer.Reset(delay)
			}
		}
	}
	return nil, first
}
