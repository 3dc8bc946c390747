package httpx

import (
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

// contradiction finds options of which one would go unheeded.
func (o *connOptions) contradiction(via *proxyServer) error {
	switch {
	case o.unixSocket != "" && o.localAddr.IsValid():
		return errors.New("WithUnixSocket and WithLocalAddr: a Unix domain socket has no local IP address")
	case o.unixSocket != "" && via == nil && len(o.connectTo) > 0:
		return errors.New("WithUnixSocket and WithConnectTo: every connection goes to the socket, so nothing is left to redirect")
	}
	return nil
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
	o := &rs.base.connOptions
	plain := m == nil || len(m.conn) == 0 && m.sni == ""
	if !plain {
		own := *o
		o = &own
		for _, f := range m.conn {
			if err := f(o); err != nil {
				return nil, err
			}
		}
		if m.sni != "" {
			o.tls.ServerName = m.sni
		}
	}
	via, err := o.proxies.choose(r, &rs.env)
	if err != nil {
		return nil, &wire.Error{Phase: wire.PhaseProxy, Kind: wire.KindRefused, Err: err}
	}
	if plain && via == nil {
		return nil, nil
	}
	return rs.intern(o, via)
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
func (r *route) named(addr string) (string, bool) {
	if to, ok := r.connectTo[addr]; ok {
		return to, true
	}
	to, ok := r.connectTo[addr[:strings.LastIndexByte(addr, ':')]+":*"]
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
