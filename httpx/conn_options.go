package httpx

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"strings"

	"gohttpx.dev/tls"
)

// connOptions are what makes connections differ. A client has one set; a request
// with options of its own gets connections of its own kind from the same pool.
type connOptions struct {
	tls            tls.Options
	noHTTP1, http2 bool
	connectTo      map[string]string // never changed in place
	unixSocket     string
	localAddr      netip.Addr
	proxies        proxyChoice
	noEnv          bool // the environment has no say
}

// connOption changes them, of a client or of one request.
type connOption func(*connOptions) error

func (o connOption) applyClient(c *config) error {
	if c.derived != nil {
		return c.settings.edit(o.keep)
	}
	return o(&c.conn)
}

func (o connOption) applyRequest(r *Request) error {
	if err := o(new(connOptions)); err != nil {
		return err // now, not when it is sent
	}
	return r.settings.edit(o.keep)
}

func (o connOption) keep(m *more) error { m.conn = append(m.conn, o); return nil }

// WithTLS sets roots, client certificates, versions and the rest of TLS. On a
// request it takes the place of all the client's TLS options; requests share
// connections if their options are equal (functions and writers: the same).
func WithTLS(o tls.Options) Option {
	return connOption(func(c *connOptions) error { c.tls = o; return nil })
}

// WithHTTP1 says whether HTTP/1.1 may be spoken. It is on by default. Without it
// HTTP/2 is spoken by prior knowledge, also in cleartext (RFC 9113 §3.3).
func WithHTTP1(on bool) Option {
	return connOption(func(c *connOptions) error { c.noHTTP1 = !on; return nil })
}

// WithHTTP2 says whether HTTP/2 may be spoken: over TLS where the server chooses
// it (ALPN, RFC 9113 §3.2), and with WithHTTP1(false) everywhere. It is on by
// default.
func WithHTTP2(on bool) Option {
	return connOption(func(c *connOptions) error { c.http2 = on; return nil })
}

// WithSNI makes TLS ask for name and verify the certificate for it, in place of
// the URL's host. The connection still goes to the URL's host, which Host still
// names. A redirect to another origin does not inherit it.
func WithSNI(name string) Option {
	return moreOption(func(m *more) error { m.sni = name; return nil })
}

// WithConnectTo makes connections for one host:port go to another addr:port; TLS
// and Host still name the first. The host "*" stands for all hosts, and "*" alone
// for all hosts and ports. It may be given several times; the most exact wins.
// What is no host:port is an error.
//
// Beside a proxy an entry that names the origin is for the tunnel, which the proxy
// is asked to make to the other address, and one with "*", or one that names the
// proxy, for the connection to the proxy. Where the proxy forwards the request
// there is no tunnel, and an entry that names its origin is an error: see
// ProxyTunnelOnly. So is one beside WithUnixSocket whose connection goes to the
// socket.
func WithConnectTo(hostport, addrport string) Option {
	return connOption(func(c *connOptions) error {
		if _, _, err := net.SplitHostPort(hostport); err != nil && hostport != "*" {
			return fmt.Errorf("WithConnectTo: %w", err)
		}
		if _, _, err := net.SplitHostPort(addrport); err != nil {
			return fmt.Errorf("WithConnectTo: %w", err)
		}
		m := maps.Clone(c.connectTo)
		if m == nil {
			m = map[string]string{}
		}
		m[strings.ToLower(hostport)] = addrport
		c.connectTo = m
		return nil
	})
}

// WithUnixSocket makes all connections go to a Unix domain socket, those to a
// proxy too. "", the default, is TCP.
func WithUnixSocket(path string) Option {
	return connOption(func(c *connOptions) error { c.unixSocket = path; return nil })
}

// WithLocalAddr binds outgoing connections to a local address. 0.0.0.0 and ::
// choose the family. The zero Addr, the default, leaves both to the system.
func WithLocalAddr(a netip.Addr) Option {
	return connOption(func(c *connOptions) error { c.localAddr = a; return nil })
}
