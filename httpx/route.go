package httpx

import (
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"weak"

	ourtls "gohttpx.dev/tls"
	"gohttpx.dev/wire"
)

// route is one way to connect: the profile of a pool.Key. Equal options give the
// same route, so that their connections are shared. Immutable.
type route struct {
	connOptions
	network string // "tcp", or "tcp4" or "tcp6" if the local address says so
	tls     *ourtls.Client

	via     *proxyServer   // nil: directly
	viaTLS  *ourtls.Client // for an https proxy
	viaAuth *proxyAuth     // nil: no credentials
}

func newRoute(o connOptions, via *proxyServer, env *environment) (*route, error) {
	if o.noHTTP1 && !o.http2 {
		return nil, errors.New("neither HTTP/1.1 nor HTTP/2 may be spoken: see WithHTTP1 and WithHTTP2")
	}
	if err := o.contradiction(via); err != nil {
		return nil, err
	}
	t := o.tls
	if t.Environment == nil {
		t.Environment = env.trusted(o.noEnv)
	}
	if t.ALPN == nil {
		if o.http2 {
			t.ALPN = append(t.ALPN, "h2")
		}
		if !o.noHTTP1 {
			t.ALPN = append(t.ALPN, "http/1.1")
		}
	}
	tc, err := ourtls.NewClient(t)
	if err != nil {
		return nil, err
	}
	r := &route{connOptions: o, network: network(o.localAddr), tls: tc, via: via}
	if via == nil {
		return r, nil
	}
	if via.url.HasUser() && !via.url.IsSOCKS() {
		r.viaAuth = &proxyAuth{user: via.url.Username, password: via.url.Password}
	}
	if via.url.Scheme == "https" {
		t := via.tls
		if t.ALPN == nil {
			t.ALPN = []string{"http/1.1"}
		}
		if t.Environment == nil {
			t.Environment = env.trusted(o.noEnv)
		}
		if r.viaTLS, err = ourtls.NewClient(t); err != nil {
			return nil, fmt.Errorf("proxy %s: %w", via.url.Redacted(), err)
		}
	}
	return r, nil
}

// contradiction finds options of which one would go unheeded by every connection.
func (o *connOptions) contradiction(via *proxyServer) error {
	if o.unixSocket == "" {
		return nil
	}
	if o.localAddr.IsValid() {
		return errors.New("WithUnixSocket and WithLocalAddr: a Unix domain socket has no local IP address")
	}
	for _, from := range slices.Sorted(maps.Keys(o.connectTo)) {
		if strings.HasPrefix(from, "*") {
			return fmt.Errorf("WithUnixSocket and WithConnectTo(%q): every connection goes to the socket, so nothing is left to redirect", from)
		}
	}
	if via != nil {
		if _, ok := o.named(via.url.Addr()); ok {
			return errors.New("WithUnixSocket and WithConnectTo for the proxy: the connection to it goes to the socket, so nothing is left to redirect; an entry for tunnels to the same host has to name their port")
		}
	}
	return nil
}

// unheeded finds options that a request for u through via, nil for none, would
// leave unheeded.
func (o *connOptions) unheeded(via *proxyServer, u *URL) error {
	if via == nil {
		return o.unheededDirectly()
	}
	if !via.forwards(u.scheme) {
		return nil
	}
	if _, ok := o.named(u.addr); ok && u.addr != via.url.Addr() {
		return fmt.Errorf("WithConnectTo for %s and a proxy that forwards the request: it connects to the host of the URL; have it make a tunnel, by ProxyTunnelOnly", u.addr)
	}
	if u.scheme != "https" {
		return nil
	}
	if promise := tlsPromise(&o.tls); promise != "" {
		return fmt.Errorf("%s and ProxyForwardOnly for https: the proxy speaks TLS with the origin, where this cannot be heeded; have it make a tunnel, by ProxyDefault or ProxyTunnelOnly", promise)
	}
	return nil
}

func (o *connOptions) unheededDirectly() error {
	if o.unixSocket != "" && len(o.connectTo) > 0 {
		return errors.New("WithUnixSocket and WithConnectTo: every connection goes to the socket, so nothing is left to redirect")
	}
	return nil
}

// tlsPromise names an option that says who the origin or the client is, "" if there
// is none.
func tlsPromise(o *ourtls.Options) string {
	base := o.Base
	if base == nil {
		base = new(tls.Config)
	}
	switch {
	case len(o.Pins) > 0:
		return "tls.Options.Pins"
	case o.CertFile != "":
		return "tls.Options.CertFile"
	case len(o.Certificates) > 0:
		return "tls.Options.Certificates"
	case o.Handshaker != nil:
		return "tls.Options.Handshaker"
	case o.ServerName != "":
		return "WithSNI or tls.Options.ServerName"
	case len(base.Certificates) > 0 || base.GetClientCertificate != nil:
		return "a client certificate in tls.Options.Base"
	case base.ServerName != "":
		return "a ServerName in tls.Options.Base"
	case base.VerifyConnection != nil || base.VerifyPeerCertificate != nil:
		return "a function in tls.Options.Base that verifies"
	}
	return ""
}

// network is the one to dial in. A local address without a host chooses the
// family only, which net.Dialer by itself does not let it do.
func network(local netip.Addr) string {
	switch {
	case !local.IsValid() || !local.IsUnspecified():
		return "tcp"
	case local.Is4():
		return "tcp4"
	}
	return "tcp6"
}

// routes are the routes of requests with connection options of their own. A
// route lives as long as a request or a connection uses it, and as long as the
// pool remembers the origin: with it live the sessions of TLS to be resumed and
// what a proxy wants by way of credentials.
type routes struct {
	base *route // the client's own, without a proxy; immutable, like env
	env  environment

	mu sync.Mutex
	m  map[string]weak.Pointer[route] // guarded by mu; by fingerprint
}

// of returns the route for a request, nil for the client's own.
func (rs *routes) of(r *Request, m *more) (*route, error) {
	o, err := rs.options(m)
	if err != nil {
		return nil, err
	}
	via, err := o.proxies.choose(r, &rs.env)
	if err != nil {
		return nil, &wire.Error{Phase: wire.PhaseProxy, Kind: wire.KindRefused, Err: err}
	}
	if err := o.unheeded(via, r.URL); err != nil {
		return nil, err
	}
	if via == nil && o == &rs.base.connOptions {
		return nil, nil
	}
	return rs.intern(o, via)
}

// options are those of a request: the client's own themselves if it has no other.
func (rs *routes) options(m *more) (*connOptions, error) {
	if m == nil || len(m.conn) == 0 && m.sni == "" {
		return &rs.base.connOptions, nil
	}
	own := rs.base.connOptions
	for _, f := range m.conn {
		if err := f(&own); err != nil {
			return nil, err
		}
	}
	if m.sni != "" {
		own.tls.ServerName = m.sni
	}
	return &own, nil
}

// intern returns the route with these options.
func (rs *routes) intern(o *connOptions, via *proxyServer) (*route, error) {
	print := o.fingerprint(via)
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if r := rs.m[print].Value(); r != nil {
		return r, nil
	}
	r, err := newRoute(*o, via, &rs.env)
	if err != nil {
		return nil, err
	}
	if rs.m == nil {
		rs.m = map[string]weak.Pointer[route]{}
	}
	rs.m[print] = weak.Make(r)
	runtime.AddCleanup(r, rs.forget, print)
	return r, nil
}

// forget drops the entry of a route that nobody has any more.
func (rs *routes) forget(print string) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.m[print].Value() == nil {
		delete(rs.m, print)
	}
}

// fingerprint is equal for options that make the same connections. What they
// point at is told apart by its address, which cannot be used again while the
// route holds it.
func (o *connOptions) fingerprint(via *proxyServer) string {
	var b strings.Builder
	b.WriteString(o.tls.Fingerprint())
	fmt.Fprintf(&b, "|%t %t %q %v %t", o.noHTTP1, o.http2, o.unixSocket, o.localAddr, o.noEnv)
	if via != nil {
		via.fingerprint(&b)
	}
	for _, from := range slices.Sorted(maps.Keys(o.connectTo)) {
		fmt.Fprintf(&b, "|%q>%q", from, o.connectTo[from])
	}
	return b.String()
}

// target applies WithConnectTo to an address to be dialled, the most exact entry
// first.
func (r *route) target(addr string) string {
	if r.connectTo == nil {
		return addr
	}
	if to, ok := r.named(addr); ok {
		return to
	}
	i := strings.LastIndexByte(addr, ':') // a key's address always has a port
	port := addr[i+1:]
	for _, from := range [...]string{"*:" + port, "*:*", "*"} {
		if to, ok := r.connectTo[from]; ok {
			return to
		}
	}
	return addr
}

// named applies the entries that name the host.
func (o *connOptions) named(addr string) (string, bool) {
	if to, ok := o.connectTo[addr]; ok {
		return to, true
	}
	to, ok := o.connectTo[addr[:strings.LastIndexByte(addr, ':')]+":*"]
	return to, ok
}

// tunnelled is the address that a proxy is asked to connect to: that of the
// origin, unless WithConnectTo has another for this very host. An entry for all
// hosts is for the connection that is made from here, the one to the proxy.
func (r *route) tunnelled(addr string) string {
	if to, ok := r.named(addr); ok {
		return to
	}
	return addr
}

// bind sets the local address on a dialler.
func (r *route) bind(d *net.Dialer) {
	if r.localAddr.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(r.localAddr, 0))
	}
}
