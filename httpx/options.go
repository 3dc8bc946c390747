package httpx

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"gohttpx.dev/h1"
	"gohttpx.dev/tls"
	"gohttpx.dev/wire"
)

// ClientOption configures a client.
type ClientOption interface{ applyClient(*config) error }

// RequestOption configures one request.
type RequestOption interface{ applyRequest(*Request) error }

// Option is both: a client's default, or one request's own.
type Option interface {
	ClientOption
	RequestOption
}

// settings are what both levels may say. A request starts with a copy of its
// client's.
type settings struct {
	header   Header
	query    []pair
	timeouts wire.Timeouts
	interim  func(status int, h Header) error
	trailer  func() Header
	maxLine  int
}

type option func(*settings) error

func (o option) applyClient(c *config) error   { return o(&c.settings) }
func (o option) applyRequest(r *Request) error { return o(&r.settings) }

// DefaultTimeout is each of the four timeouts where nothing else is said.
const DefaultTimeout = wire.DefaultTimeout

// Never switches a timeout off.
const Never = wire.Never

// Timeouts are limits on inactivity. Zero inherits: a request takes the
// client's, the client five seconds. Never (any negative value) is off.
type Timeouts struct {
	// Connect bounds DNS, TCP and TLS together.
	Connect time.Duration
	// Read bounds the time without a byte from the server. It starts when the
	// request is fully sent. A server that sends a byte now and then never
	// trips it: WithHeaderTimeout and the context's deadline bound the whole.
	Read time.Duration
	// Write bounds the time in which the server takes no byte.
	Write time.Duration
	// Pool bounds the wait for a free connection.
	Pool time.Duration
}

// WithTimeout sets all four timeouts to d. Zero changes nothing.
func WithTimeout(d time.Duration) Option {
	return WithTimeouts(Timeouts{Connect: d, Read: d, Write: d, Pool: d})
}

// WithTimeouts sets those of the four timeouts that are not zero.
func WithTimeouts(t Timeouts) Option {
	return option(func(s *settings) error {
		set := func(dst *time.Duration, d time.Duration) {
			if d != 0 {
				*dst = d
			}
		}
		set(&s.timeouts.Connect, t.Connect)
		set(&s.timeouts.Read, t.Read)
		set(&s.timeouts.Write, t.Write)
		set(&s.timeouts.Pool, t.Pool)
		return nil
	})
}

// WithHeaderTimeout bounds the time from the end of the request to the end of
// the response head. Zero, the default, is off, and so is Never.
func WithHeaderTimeout(d time.Duration) Option {
	return option(func(s *settings) error { s.timeouts.Header = orNever(d); return nil })
}

// WithExpectContinue makes a request with a body ask the server's leave first
// (Expect: 100-continue, RFC 9110 §10.1.1). The body is sent when the leave
// comes or d has passed. Zero or Never is off, the default.
func WithExpectContinue(d time.Duration) Option {
	return option(func(s *settings) error { s.timeouts.Continue = orNever(d); return nil })
}

// orNever keeps "off" apart from "not said", which inherits.
func orNever(d time.Duration) time.Duration {
	if d <= 0 {
		return Never
	}
	return d
}

// WithHeader sets a header field, in place of any of that name.
func WithHeader(name, value string) Option {
	return option(func(s *settings) error { s.header.Set(name, value); return nil })
}

// WithHeaders sets all fields of h, in place of those with their names.
func WithHeaders(h Header) Option {
	return option(func(s *settings) error { s.header.merge(h); return nil })
}

// WithAddedHeader adds a header field beside those of that name.
func WithAddedHeader(name, value string) Option {
	return option(func(s *settings) error { s.header.Add(name, value); return nil })
}

// WithoutHeader removes a header field, for example a default one.
func WithoutHeader(name string) Option {
	return option(func(s *settings) error { s.header.Del(name); return nil })
}

// WithUserAgent sets User-Agent.
func WithUserAgent(ua string) Option { return WithHeader("User-Agent", ua) }

// WithQuery adds query parameters, keys and values in turn. They are appended
// to the URL's own; a request's replace the client's of the same key. A slice
// repeats its key, a []byte is text, nil is the empty string, and what is no
// string is written as fmt.Sprint does.
func WithQuery(keysAndValues ...any) Option {
	ps, err := queryPairs(keysAndValues)
	return option(func(s *settings) error {
		s.query = append(s.query[:len(s.query):len(s.query)], ps...)
		return err
	})
}

// WithTrailer sets the function that gives the request's trailer section. It is
// called once the body has been sent.
func WithTrailer(f func() Header) Option {
	return option(func(s *settings) error { s.trailer = f; return nil })
}

// OnInformational sets the function that sees 1xx responses other than 101. An
// error from it aborts the request.
func OnInformational(f func(status int, h Header) error) Option {
	return option(func(s *settings) error { s.interim = f; return nil })
}

// WithMaxLineBytes bounds a line that Response.Lines yields. Zero is 1 MiB.
func WithMaxLineBytes(n int) Option {
	return option(func(s *settings) error { s.maxLine = n; return nil })
}

// config is what a client is made from.
type config struct {
	settings
	base        *URL
	noDefaults  bool
	limits      Limits
	tls         tls.Options
	rules       h1.Rules
	dialer      net.Dialer
	dialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	connectTo   map[string]string
	unixSocket  string

	connectRetries int
	http2, noHTTP1 bool
}

type clientOption func(*config) error

func (o clientOption) applyClient(c *config) error { return o(c) }

// WithBaseURL makes relative URLs possible. The path of a request is appended
// to the base's, with one slash between them. An absolute URL is sent where it
// says, and with the client's headers: mind credentials among them.
func WithBaseURL(s string) ClientOption {
	return clientOption(func(c *config) error {
		u, err := ParseURL(s)
		if err != nil {
			return err
		}
		if !u.IsAbs() {
			return invalidURL("the base URL %q has no scheme: write it as https://example.org/v1", u.Redacted())
		}
		c.base = u
		return nil
	})
}

// WithoutDefaultHeaders leaves out Accept and User-Agent.
func WithoutDefaultHeaders() ClientOption {
	return clientOption(func(c *config) error { c.noDefaults = true; return nil })
}

// Unlimited switches a limit off.
const Unlimited = -1

// Limits bound what a client holds. Zero is the default, Unlimited (any
// negative value) is no limit, except where a field says otherwise.
type Limits struct {
	// MaxConnections bounds the connections of all hosts, dials included.
	// Default 100.
	MaxConnections int
	// MaxConnectionsPerHost bounds those to one scheme, host and port. Default
	// none.
	MaxConnectionsPerHost int
	// MaxKeepaliveConnections bounds the idle ones; busy ones do not count.
	// Default 20.
	MaxKeepaliveConnections int
	// MaxKeepalivePerHost bounds the idle ones to one scheme, host and port.
	// Default none.
	MaxKeepalivePerHost int
	// KeepaliveExpiry closes a connection that has been idle for so long.
	// Default 5 s.
	KeepaliveExpiry time.Duration
	// MaxConnectionAge retires a connection so long after it was made, give or
	// take a tenth, so that new addresses of a name are found. Default none.
	MaxConnectionAge time.Duration
	// MaxRequestsPerConnection retires a connection after so many requests.
	// Default none.
	MaxRequestsPerConnection int
	// MaxHeaderBytes bounds a response head. Default 256 KiB; it cannot be
	// switched off.
	MaxHeaderBytes int
	// MaxHeaderFields bounds the field lines of a response head. Default: see
	// h1.Limits; it cannot be switched off.
	MaxHeaderFields int
}

// WithLimits sets the limits that are not zero.
func WithLimits(l Limits) ClientOption {
	return clientOption(func(c *config) error {
		set := func(dst *int, n int) {
			if n != 0 {
				*dst = n
			}
		}
		set(&c.limits.MaxConnections, l.MaxConnections)
		set(&c.limits.MaxConnectionsPerHost, l.MaxConnectionsPerHost)
		set(&c.limits.MaxKeepaliveConnections, l.MaxKeepaliveConnections)
		set(&c.limits.MaxKeepalivePerHost, l.MaxKeepalivePerHost)
		set(&c.limits.MaxRequestsPerConnection, l.MaxRequestsPerConnection)
		set(&c.limits.MaxHeaderBytes, l.MaxHeaderBytes)
		set(&c.limits.MaxHeaderFields, l.MaxHeaderFields)
		if l.KeepaliveExpiry != 0 {
			c.limits.KeepaliveExpiry = l.KeepaliveExpiry
		}
		if l.MaxConnectionAge != 0 {
			c.limits.MaxConnectionAge = l.MaxConnectionAge
		}
		return nil
	})
}

// WithTLS sets roots, client certificates, versions and the rest of TLS.
func WithTLS(o tls.Options) ClientOption {
	return clientOption(func(c *config) error { c.tls = o; return nil })
}

// WithHTTP1Rules says which departures from RFC 9112 are accepted in
// responses; see h1.Rules. The default accepts what the RFC lets a client
// accept safely.
func WithHTTP1Rules(r h1.Rules) ClientOption {
	return clientOption(func(c *config) error { c.rules = r; return nil })
}

// WithHTTP1 says whether HTTP/1.1 may be spoken. It is on by default.
func WithHTTP1(on bool) ClientOption {
	return clientOption(func(c *config) error { c.noHTTP1 = !on; return nil })
}

// WithHTTP2 says whether HTTP/2 may be spoken: over TLS where the server chooses
// it (ALPN, RFC 9113 §3.2), and with WithHTTP1(false) everywhere, by prior
// knowledge also in cleartext (§3.3). It is off by default.
func WithHTTP2(on bool) ClientOption {
	return clientOption(func(c *config) error { c.http2 = on; return nil })
}

// WithDialContext makes f connect instead of a net.Dialer. network is "tcp",
// addr is host:port.
func WithDialContext(f func(ctx context.Context, network, addr string) (net.Conn, error)) ClientOption {
	return clientOption(func(c *config) error { c.dialContext = f; return nil })
}

// WithConnectTo makes connections for one host:port go to another addr:port;
// TLS and Host still name the first. The host "*" stands for all hosts, and
// "*" alone for all hosts and ports. It may be given several times; the most
// exact wins.
func WithConnectTo(hostport, addrport string) ClientOption {
	return clientOption(func(c *config) error {
		if _, _, err := net.SplitHostPort(hostport); err != nil && hostport != "*" {
			return fmt.Errorf("WithConnectTo: %w", err)
		}
		if _, _, err := net.SplitHostPort(addrport); err != nil {
			return fmt.Errorf("WithConnectTo: %w", err)
		}
		if c.connectTo == nil {
			c.connectTo = map[string]string{}
		}
		c.connectTo[strings.ToLower(hostport)] = addrport
		return nil
	})
}

// WithConnectRetries makes up to n further attempts to connect when one fails in
// the network: a name that does not resolve, a refused or lost connection, also
// one lost in the TLS handshake. A certificate or a protocol that is refused is
// final. The attempts wait 0, 0.5, 1, 2, … seconds, and all of them together
// have the Connect timeout. Default none.
func WithConnectRetries(n int) ClientOption {
	return clientOption(func(c *config) error { c.connectRetries = max(n, 0); return nil })
}

// WithUnixSocket makes all connections go to a Unix domain socket.
func WithUnixSocket(path string) ClientOption {
	return clientOption(func(c *config) error { c.unixSocket = path; return nil })
}

// WithResolver sets the resolver of names.
func WithResolver(r *net.Resolver) ClientOption {
	return clientOption(func(c *config) error { c.dialer.Resolver = r; return nil })
}

// WithLocalAddr binds outgoing connections to a local address. 0.0.0.0 and ::
// choose the family.
func WithLocalAddr(a netip.Addr) ClientOption {
	return clientOption(func(c *config) error {
		c.dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(a, 0))
		return nil
	})
}

// WithKeepAlive sets the probes of TCP keep-alive. The default is Go's.
func WithKeepAlive(k net.KeepAliveConfig) ClientOption {
	return clientOption(func(c *config) error { c.dialer.KeepAliveConfig = k; return nil })
}

// WithSocketControl sets a function that sees every socket before it connects,
// to set options on it or to refuse its address by an error.
func WithSocketControl(f func(ctx context.Context, network, addr string, c syscall.RawConn) error) ClientOption {
	return clientOption(func(c *config) error { c.dialer.ControlContext = f; return nil })
}
