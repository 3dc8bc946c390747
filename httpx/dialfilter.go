package httpx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"

	"gohttpx.dev/wire"
)

// ErrAddressRefused: the filter of WithDialFilter refused an address.
var ErrAddressRefused = errors.New("address refused")

// WithDialFilter has f asked about every address before a socket is connected to
// it; an error from f refuses it, and is ErrAddressRefused. The question comes
// after the name was resolved, for the very address that is dialled, so that a
// name which resolves differently the second time changes nothing. Of several
// addresses of a name, others may still be tried. DenyPrivate is such a filter;
// several filters are all asked.
//
// With WithDialContext the connection's RemoteAddr is asked about, when it is
// there; one that is no IP address is refused. With a proxy the filter is asked
// about the address of the proxy, and about that of the origin where it is known
// here: where SOCKS5 resolves names locally, and where the URL has an IP address
// for a host. What a name means to a proxy that resolves it is not known here: the
// proxy must have a filter of its own. Unix sockets (WithUnixSocket) are not
// asked about.
func WithDialFilter(f func(netip.AddrPort) error) ClientOption {
	return poolOption("WithDialFilter", func(c *config) error {
		if f == nil {
			return errors.New("WithDialFilter: nil")
		}
		c.filters = append(c.filters, f)
		return nil
	})
}

// dialFilter are the filters of a client; empty refuses nothing.
type dialFilter []func(netip.AddrPort) error

func (fs dialFilter) check(a netip.AddrPort) error {
	for _, f := range fs {
		if err := f(a); err != nil {
			return &addressRefused{a.String(), err}
		}
	}
	return nil
}

// checkText is check for host:port. A name is not refused; a URL has none that
// inet_aton would take for an address.
func (fs dialFilter) checkText(hostport string) error {
	if a, err := netip.ParseAddrPort(hostport); err == nil {
		return fs.check(a)
	}
	return nil
}

// checkConn is check for the peer of a connection.
func (fs dialFilter) checkConn(nc net.Conn) error {
	if len(fs) == 0 {
		return nil
	}
	remote := addrOf(nc.RemoteAddr())
	if t, ok := remote.(*net.TCPAddr); ok {
		return fs.check(t.AddrPort())
	}
	a, err := netip.ParseAddrPort(remote.String())
	if err != nil {
		return &addressRefused{fmt.Sprintf("%q", remote.String()), errors.New("the connection of WithDialContext does not tell an IP address")}
	}
	return fs.check(a)
}

// control puts the filters before a function of net.Dialer's.
func (fs dialFilter) control(then func(context.Context, string, string, syscall.RawConn) error) func(context.Context, string, string, syscall.RawConn) error {
	if len(fs) == 0 {
		return then
	}
	return func(ctx context.Context, network, addr string, c syscall.RawConn) error {
		if !strings.HasPrefix(network, "unix") {
			a, err := netip.ParseAddrPort(addr)
			if err == nil {
				err = fs.check(a)
			} else {
				err = &addressRefused{addr, err}
			}
			if err != nil {
				return err
			}
		}
		if then == nil {
			return nil
		}
		return then(ctx, network, addr, c)
	}
}

// addressRefused is the refusal of an address.
type addressRefused struct {
	addr string
	why  error
}

func (e *addressRefused) Error() string {
	return "the dial filter refuses " + e.addr + ": " + e.why.Error()
}
func (e *addressRefused) Unwrap() error        { return e.why }
func (e *addressRefused) Is(target error) bool { return target == ErrAddressRefused }

// refusal is a refusal as an error of the dial. It is final: no other attempt
// would fare better.
func refusal(err error) error {
	return &wire.Error{Phase: wire.PhaseDial, Kind: wire.KindRefused, Err: err}
}

// DenyPrivate is a filter for WithDialFilter that lets only addresses of the
// public Internet through, so that a URL from a stranger does not reach what is
// inside. It refuses loopback, private, shared (CGNAT), link-local, multicast,
// unspecified, documentation, benchmarking and reserved addresses (the registries
// of RFC 6890), and IPv6 addresses that stand for such an IPv4 address: mapped,
// NAT64 and 6to4 ones. A proxy at a private address is refused as well.
func DenyPrivate(a netip.AddrPort) error {
	ip := a.Addr().Unmap().WithZone("") // no prefix contains an address with a zone
	if ip.Is4() {
		return denyPrivate4(ip)
	}
	for _, p := range embedding {
		if p.prefix.Contains(ip) {
			b := ip.As16()
			if err := denyPrivate4(netip.AddrFrom4([4]byte(b[p.at:]))); err != nil {
				return fmt.Errorf("%w, as %s", err, p.what)
			}
			return nil
		}
	}
	if ip.IsLoopback() {
		return errors.New("loopback (RFC 4291 §2.5.3)")
	}
	for _, p := range private6 {
		if p.prefix.Contains(ip) {
			return errors.New(p.what)
		}
	}
	if !global6.Contains(ip) {
		return errors.New("no global address (RFC 4291 §2.4)")
	}
	return nil
}

func denyPrivate4(ip netip.Addr) error {
	for _, p := range private4 {
		if p.prefix.Contains(ip) {
			return errors.New(p.what)
		}
	}
	return nil
}

// addressBlock is a block of addresses and what it is for.
type addressBlock struct {
	prefix netip.Prefix
	what   string
	at     int // of the IPv4 address in it
}

func block(prefix, what string, at int) addressBlock {
	return addressBlock{netip.MustParsePrefix(prefix), what, at}
}

var (
	private4 = []addressBlock{
		block("0.0.0.0/8", "unspecified (RFC 1122 §3.2.1.3)", 0),
		block("10.0.0.0/8", "private (RFC 1918)", 0),
		block("100.64.0.0/10", "shared by a carrier (RFC 6598)", 0),
		block("127.0.0.0/8", "loopback (RFC 1122 §3.2.1.3)", 0),
		block("169.254.0.0/16", "link-local (RFC 3927)", 0),
		block("172.16.0.0/12", "private (RFC 1918)", 0),
		block("192.0.0.0/24", "protocol assignments (RFC 6890)", 0),
		block("192.0.2.0/24", "documentation (RFC 5737)", 0),
		block("192.88.99.0/24", "6to4 relay (RFC 7526)", 0),
		block("192.168.0.0/16", "private (RFC 1918)", 0),
		block("198.18.0.0/15", "benchmarking (RFC 2544)", 0),
		block("198.51.100.0/24", "documentation (RFC 5737)", 0),
		block("203.0.113.0/24", "documentation (RFC 5737)", 0),
		block("224.0.0.0/4", "multicast (RFC 5771)", 0),
		block("240.0.0.0/4", "reserved (RFC 1112 §4)", 0),
	}
	// embedding are those that hold an IPv4 address.
	embedding = []addressBlock{
		block("64:ff9b::/96", "NAT64 (RFC 6052)", 12),
		block("2002::/16", "6to4 (RFC 3056)", 2),
	}
	global6  = netip.MustParsePrefix("2000::/3")
	private6 = []addressBlock{ // within global6, or with a name of its own
		block("fc00::/7", "private (RFC 4193)", 0),
		block("fe80::/10", "link-local (RFC 4291 §2.5.6)", 0),
		block("ff00::/8", "multicast (RFC 4291 §2.7)", 0),
		block("2001::/23", "protocol assignments (RFC 2928)", 0),
		block("2001:db8::/32", "documentation (RFC 3849)", 0),
		block("3fff::/20", "documentation (RFC 9637)", 0),
	}
)
