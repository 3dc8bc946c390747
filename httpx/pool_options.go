package httpx

import (
	"context"
	"net"
	"syscall"

	"gohttpx.dev/h1"
)

// poolOption concerns the pool that a client shares with those derived from it.
func poolOption(name string, f func(*config) error) ClientOption {
	return clientOption(func(c *config) error {
		if c.derived != nil {
			return errOwnPool(name)
		}
		return f(c)
	})
}

// WithHTTP1Rules says which departures from RFC 9112 are accepted in
// responses; see h1.Rules. The default accepts what the RFC lets a client
// accept safely.
func WithHTTP1Rules(r h1.Rules) ClientOption {
	return poolOption("WithHTTP1Rules", func(c *config) error { c.rules = r; return nil })
}

// WithDialContext makes f connect instead of a net.Dialer, the default and what
// nil means, to origins and to proxies: what is above the connection, TLS and the
// negotiation with a proxy, is the client's still. network is "tcp", addr is
// host:port; WithLocalAddr with 0.0.0.0 or :: makes it "tcp4" or "tcp6", and
// WithUnixSocket "unix" with a path. Options that only a net.Dialer heeds
// (WithSocketControl, WithKeepAlive, WithFallbackDelay, another local address) are
// errors with it, and so are WithHosts, WithDNSCache and WithResolver, unless New
// is given a socks5:// proxy: the names of origins are resolved before it is asked
// for them.
func WithDialContext(f func(ctx context.Context, network, addr string) (net.Conn, error)) ClientOption {
	return poolOption("WithDialContext", func(c *config) error { c.dialContext = f; return nil })
}

// WithConnectRetries makes up to n further attempts to connect when one fails in
// the network: a name that does not resolve, a refused or lost connection, also
// one lost in the TLS handshake. A certificate or a protocol that is refused is
// final. The attempts wait 0, 0.5, 1, 2, … seconds, and all of them together
// have the Connect timeout. Default none.
func WithConnectRetries(n int) ClientOption {
	return poolOption("WithConnectRetries", func(c *config) error { c.connectRetries = max(n, 0); return nil })
}

// WithKeepAlive sets the probes of TCP keep-alive. The default is Go's: on, the
// first after 15 s without data, then one each 15 s, 9 in all.
func WithKeepAlive(k net.KeepAliveConfig) ClientOption {
	return poolOption("WithKeepAlive", func(c *config) error { c.dialer.KeepAliveConfig = k; return nil })
}

// WithSocketControl sets a function that sees every socket before it connects,
// to set options on it or to refuse its address by an error.
func WithSocketControl(f func(ctx context.Context, network, addr string, c syscall.RawConn) error) ClientOption {
	return poolOption("WithSocketControl", func(c *config) error { c.dialer.ControlContext = f; return nil })
}
