package httpx

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"

	"gohttpx.dev/proxy"
	"gohttpx.dev/tls"
	"gohttpx.dev/wire"
)

// ProxyMode says how an HTTP proxy is used.
type ProxyMode uint8

const (
	// ProxyDefault forwards requests for http and tunnels those for https.
	ProxyDefault ProxyMode = iota
	// ProxyForwardOnly asks the proxy to fetch https URLs too: it then sees
	// everything, and speaks TLS with the origin itself, by roots and versions of
	// its own. A request for https whose options name the origin's key or
	// certificate, a client certificate or another implementation of TLS (WithSNI;
	// ServerName, Pins, Certificates, CertFile, Handshaker of tls.Options) fails.
	ProxyForwardOnly
	// ProxyTunnelOnly tunnels everything by CONNECT, http too.
	ProxyTunnelOnly
)

// Proxy is a proxy server.
type Proxy struct {
	// URL is scheme://[user[:password]@]host[:port]. The schemes are http, https
	// (TLS to the proxy), socks5 (names are resolved here) and socks5h (names
	// are resolved by the proxy). The default ports are 80, 443 and 1080.
	URL string
	// User takes the place of the URL's user information. It answers the
	// challenge of an HTTP proxy, by Digest if it offers that, else by Basic,
	// and nothing is sent before the first challenge; to a SOCKS5 proxy it goes
	// when it asks for a password, and must have one (RFC 1929 §2).
	User *url.Userinfo
	// Header is sent to an HTTP proxy with CONNECT and with forwarded requests,
	// and never to an origin.
	Header Header
	// TLS is how to speak TLS with an https proxy, apart from the origin's; nil
	// is the default.
	TLS *tls.Options
	// Mode says what is forwarded and what tunnelled.
	Mode ProxyMode
	// Share lets forwarded requests for all origins share connections to the
	// proxy, which then is the host for Limits.MaxConnectionsPerHost and Stats.
	// Default: each origin has connections of its own, so that a slow one does
	// not hold up the others.
	Share bool
}

// String returns the URL without user information.
func (p Proxy) String() string {
	s, err := newProxyServer(p)
	if err != nil {
		return "proxy with a bad URL"
	}
	return s.url.Redacted()
}

// GoString is String, so that %#v shows no password either.
func (p Proxy) GoString() string { return "httpx.Proxy(" + p.String() + ")" }

// LogValue is String, so that no log shows a password either. The JSON of a Proxy, and
// so of one in a list or a struct that is logged by slog.JSONHandler, has its URL as it
// is.
func (p Proxy) LogValue() slog.Value { return slog.StringValue(p.String()) }

// WithProxy sends requests through the proxy at a URL; see Proxy. Then the
// environment is not asked. Patterns of WithMountProxy come first, unless this
// is a request's option.
func WithProxy(url string) Option { return WithProxyConfig(Proxy{URL: url}) }

// WithProxyConfig is WithProxy with all there is to say.
func WithProxyConfig(p Proxy) Option {
	s, err := newProxyServer(p)
	return proxyOption(func(c *proxyChoice) error {
		c.server, c.ask, c.given = s, nil, true
		return err
	})
}

// NoProxy sends requests directly, whatever the client or the environment say:
// it drops what WithMountProxy has said before it, too.
func NoProxy() Option {
	return proxyOption(func(c *proxyChoice) error {
		*c = proxyChoice{given: true, noEnv: c.noEnv}
		return nil
	})
}

// WithProxyFunc asks f for the proxy of each request that goes out, those of
// redirects included; nil is none. Then the environment is not asked. f must be
// safe for concurrent use and must not change the request.
func WithProxyFunc(f func(*Request) (*Proxy, error)) Option {
	return proxyOption(func(c *proxyChoice) error {
		c.server, c.ask, c.given = nil, f, true
		return nil
	})
}

// WithTrustEnv says whether the environment has a say: HTTP_PROXY, HTTPS_PROXY,
// ALL_PROXY and NO_PROXY (see proxy.FromEnvironment for what they may hold),
// SSL_CERT_FILE, SSL_CERT_DIR and SSLKEYLOGFILE (see tls.FromEnvironment). It is
// on by default. The variables are read once, when the client is made; what is
// wrong in them is told to requests that need them. Requests to this machine go
// through a proxy too, unless NO_PROXY names it. WithProxy, WithProxyFunc and
// NoProxy leave the proxy variables aside, CAFile and the like those of TLS.
func WithTrustEnv(on bool) Option {
	return connOption(func(c *connOptions) error {
		c.proxies.noEnv, c.noEnv = !on, !on
		return nil
	})
}

// WithMountProxy sends requests that match a pattern through the proxy at url,
// or directly if url is "". A pattern is scheme://host[:port]; the scheme may be
// "all", the host "*" or empty for any, "*.example.org" for the names below a
// domain, "*example.org" for the domain too. The most specific pattern wins: an
// exact host before a domain before any host, then one with a port, then one
// with a scheme. Patterns of the environment stand in the same table, behind
// equal ones of this option.
func WithMountProxy(pattern, url string) ClientOption {
	return connOption(func(c *connOptions) error {
		p, err := proxy.ParsePattern(pattern)
		if err != nil {
			return err
		}
		var s *proxyServer
		if url != "" {
			if s, err = newProxyServer(Proxy{URL: url}); err != nil {
				return err
			}
		}
		c.proxies.mounts = append(slices.Clip(c.proxies.mounts), proxyMount{p, s, nil})
		return nil
	})
}

// OnProxyConnect sets a function that gives further fields for the CONNECT to an
// HTTP proxy. target is host:port. An error from it fails the request.
func OnProxyConnect(f func(ctx context.Context, proxyURL, target string) (Header, error)) ClientOption {
	return poolOption("OnProxyConnect", func(c *config) error { c.onProxyConnect = f; return nil })
}

// OnProxyConnectResponse sets a function that sees the proxy's answer to CONNECT:
// the one that opens the tunnel, which an error from it refuses, or the refusal.
func OnProxyConnectResponse(f func(ctx context.Context, proxyURL, target string, status int, h Header) error) ClientOption {
	return poolOption("OnProxyConnectResponse", func(c *config) error { c.onProxyResponse = f; return nil })
}

// proxyChoice is how the proxy of a request is found.
type proxyChoice struct {
	server *proxyServer // for all that no mount matches
	ask    func(*Request) (*Proxy, error)
	mounts []proxyMount
	given  bool // by an option, which leaves the environment out
	noEnv  bool // the environment has no say
}

func (c *proxyChoice) asksEnv() bool { return !c.given && !c.noEnv }

type proxyMount struct {
	pattern proxy.Pattern
	server  *proxyServer // nil: none
	err     error
}

// proxyOption changes the choice. A request's leaves the client's mounts out.
type proxyOption func(*proxyChoice) error

func (o proxyOption) applyClient(c *config) error {
	return connOption(func(c *connOptions) error { return o(&c.proxies) }).applyClient(c)
}

func (o proxyOption) applyRequest(r *Request) error {
	return connOption(func(c *connOptions) error {
		c.proxies.mounts = nil
		return o(&c.proxies)
	}).applyRequest(r)
}

// environment is what a client has read of the process's. Immutable.
type environment struct {
	mounts  []proxyMount
	ignored []string // entries of NO_PROXY that match nothing
	tls     *tls.Environment
	none    *tls.Environment // of clients and requests that do not trust it
}

func readEnvironment() environment {
	e := environment{tls: tls.FromEnvironment(os.LookupEnv), none: tls.FromEnvironment(nil)}
	env, _ := proxy.FromEnvironment(os.LookupEnv) // what is wrong is told to requests that need it
	e.ignored = env.Ignored()
	for _, r := range env.Routes() {
		m := proxyMount{pattern: r.Pattern, err: r.Err}
		if r.Proxy != nil {
			m.server = &proxyServer{url: *r.Proxy}
			m.err = checkSOCKSUser(*r.Proxy)
		}
		e.mounts = append(e.mounts, m)
	}
	return e
}

// trusted is the part of TLS.
func (e *environment) trusted(no bool) *tls.Environment {
	if no {
		return e.none
	}
	return e.tls
}

// choose returns the proxy for a request, nil for none.
func (c *proxyChoice) choose(r *Request, env *environment) (*proxyServer, error) {
	if len(c.mounts) > 0 || c.asksEnv() {
		if m := c.mount(r.URL, env); m != nil {
			return m.server, m.err
		}
	}
	if c.ask != nil {
		p, err := c.ask(r)
		if err != nil || p == nil {
			return nil, err
		}
		return newProxyServer(*p)
	}
	return c.server, nil
}

// mount finds the most specific pattern; of equal ones a mount's before the
// environment's, and of two mounts the later.
func (c *proxyChoice) mount(u *URL, env *environment) *proxyMount {
	var best *proxyMount
	port := u.addr[strings.LastIndexByte(u.addr, ':')+1:]
	try := func(m *proxyMount, equalWins bool) {
		if !m.pattern.Match(u.scheme, u.Host(), port) {
			return
		}
		if best != nil {
			if c := proxy.Compare(m.pattern, best.pattern); c > 0 || c == 0 && !equalWins {
				return
			}
		}
		best = m
	}
	for i := range c.mounts {
		try(&c.mounts[i], true)
	}
	if c.asksEnv() {
		for i := range env.mounts {
			try(&env.mounts[i], false)
		}
	}
	return best
}

// any reports whether a request may be given a proxy of which is holds.
func (c *proxyChoice) any(env *environment, is func(*proxyServer) bool) bool {
	fits := func(m proxyMount) bool { return m.server != nil && is(m.server) }
	return c.ask != nil || c.server != nil && is(c.server) || slices.ContainsFunc(c.mounts, fits) ||
		c.asksEnv() && slices.ContainsFunc(env.mounts, fits)
}

// proxyServer is a Proxy, parsed. Immutable.
type proxyServer struct {
	url    proxy.URL
	header wire.Fields
	tls    tls.Options
	mode   ProxyMode
	share  bool
}

func newProxyServer(p Proxy) (*proxyServer, error) {
	u, err := proxy.ParseURL(p.URL)
	if err != nil {
		return nil, err
	}
	if p.User != nil {
		u.Username = p.User.Username()
		u.Password, _ = p.User.Password()
	}
	if err := checkSOCKSUser(u); err != nil {
		return nil, err
	}
	if p.Mode > ProxyTunnelOnly {
		return nil, fmt.Errorf("proxy: unknown mode %d", p.Mode)
	}
	if u.IsSOCKS() && (p.Mode == ProxyForwardOnly || len(p.Header) > 0) {
		return nil, errors.New("proxy: a SOCKS proxy neither forwards requests nor takes header fields")
	}
	if p.TLS != nil && u.Scheme != "https" {
		return nil, fmt.Errorf("proxy: TLS options for a proxy that is spoken to without TLS: write https:// in place of %s://", u.Scheme)
	}
	s := &proxyServer{url: u, header: wire.Fields(p.Header.Clone()), mode: p.Mode, share: p.Share}
	if p.TLS != nil {
		s.tls = *p.TLS
	}
	return s, nil
}

// checkSOCKSUser finds what cannot be said to a SOCKS5 proxy: RFC 1929 §2 has both
// user and password be 1 to 255 bytes long, so that there is no user alone.
func checkSOCKSUser(u proxy.URL) error {
	if !u.IsSOCKS() || !u.HasUser() {
		return nil
	}
	for _, one := range [...]struct{ name, value string }{{"user", u.Username}, {"password", u.Password}} {
		if n := len(one.value); n < 1 || n > 255 {
			return fmt.Errorf("proxy %s: the %s has %d bytes, and SOCKS5 takes a user and a password of 1 to 255 bytes each (RFC 1929 §2): give both or neither", u.Redacted(), one.name, n)
		}
	}
	return nil
}

// forwards reports whether requests of a scheme are handed to the proxy, rather
// than sent through it.
func (s *proxyServer) forwards(scheme string) bool {
	if s == nil || s.url.IsSOCKS() || s.mode == ProxyTunnelOnly {
		return false
	}
	return scheme == "http" || s.mode == ProxyForwardOnly
}

// localNames reports whether the names of targets are resolved here.
func (s *proxyServer) localNames() bool { return !s.url.RemoteNames() }

func (s *proxyServer) fingerprint(b *strings.Builder) {
	fmt.Fprintf(b, "|%q %q %q %q %q %d %t %s", s.url.Scheme, s.url.Host, s.url.Port, s.url.Username, s.url.Password, s.mode, s.share, s.tls.Fingerprint())
	for _, f := range s.header {
		fmt.Fprintf(b, " %q:%q", f.Name, f.Value)
	}
}
