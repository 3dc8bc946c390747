package subject

import (
	"context"
	"crypto/tls"
	"net"
)

// connect makes a connection for the subjects that hold bare ones: it dials,
// and shakes hands if TLS is asked for.
func (o Options) connect(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	nc, err := d.DialContext(ctx, "tcp", o.Addr)
	if err != nil || o.Roots == nil {
		return nc, err
	}
	proto := "http/1.1"
	if o.isHTTP2() {
		proto = "h2"
	}
	tc := tls.Client(nc, &tls.Config{RootCAs: o.Roots, ServerName: "localhost", NextProtos: []string{proto}})
	if err := tc.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, err
	}
	return tc, nil
}

// tlsOf is the configuration for the rivals: they resume sessions, as this library
// does by default.
func tlsOf(o Options) *tls.Config {
	return &tls.Config{RootCAs: o.Roots, ClientSessionCache: tls.NewLRUClientSessionCache(0)}
}

// rawConn returns the socket beneath nc.
func rawConn(nc net.Conn) net.Conn {
	if tc, ok := nc.(*tls.Conn); ok {
		return tc.NetConn()
	}
	return nc
}
