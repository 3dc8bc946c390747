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
)

// route is one way to connect: the profile of a pool.Key. Equal options give the
// same route, so that their connections are shared. Immutable.
type route struct {
	connOptions
	network string // "tcp", or "tcp4" or "tcp6" if the local address says so
	tls     *ourtls.Client
}

func newRoute(o connOptions) (*route, error) {
	if o.noHTTP1 && !o.http2 {
		return nil, errors.New("neither HTTP/1.1 nor HTTP/2 may be spoken: see WithHTTP1 and WithHTTP2")
	}
	t := o.tls
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
	return &route{connOptions: o, network: network(o.localAddr), tls: tc}, nil
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
// route lives as long as a request or a connection uses it.
type routes struct {
	base *route // the client's own

	mu sync.Mutex
	m  map[string]weak.Pointer[route] // guarded by mu; by fingerprint
}

// of returns the route for a request, nil for the client's own.
func (rs *routes) of(m *more) (*route, error) {
	if m == nil || len(m.conn) == 0 && m.sni == "" {
		return nil, nil
	}
	o := rs.base.connOptions
	for _, f := range m.conn {
		if err := f(&o); err != nil {
			return nil, err
		}
	}
	if m.sni != "" {
		o.tls.ServerName = m.sni
	}
	print := o.fingerprint()
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if r := rs.m[print].Value(); r != nil {
		return r, nil
	}
	r, err := newRoute(o)
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
func (o *connOptions) fingerprint() string {
	var b strings.Builder
	b.WriteString(o.tls.Fingerprint())
	fmt.Fprintf(&b, "|%t %t %q %v", o.noHTTP1, o.http2, o.unixSocket, o.localAddr)
	for _, from := range slices.Sorted(maps.Keys(o.connectTo)) {
		fmt.Fprintf(&b, "|%q>%q", from, o.connectTo[from])
	}
	return b.String()
}

// target applies WithConnectTo, the most exact entry first.
func (r *route) target(addr string) string {
	if r.connectTo == nil {
		return addr
	}
	i := strings.LastIndexByte(addr, ':') // a key's address always has a port
	host, port := addr[:i], addr[i+1:]
	for _, from := range [...]string{addr, host + ":*", "*:" + port, "*:*", "*"} {
		if to, ok := r.connectTo[from]; ok {
			return to
		}
	}
	return addr
}

// bind sets the local address on a dialler.
func (r *route) bind(d *net.Dialer) {
	if r.localAddr.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(r.localAddr, 0))
	}
}
