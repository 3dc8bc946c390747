package main

import (
	"context"
	stdtls "crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"

	"gohttpx.dev/h1"
	"gohttpx.dev/h2"
	"gohttpx.dev/pool"
	"gohttpx.dev/proxy"
	"gohttpx.dev/tls"
	"gohttpx.dev/wire"
)

// dialer makes the connections of a run: a socket, a proxy's tunnel, TLS, an
// engine. Immutable after newDialer.
type dialer struct {
	target  string // host:port of the origin, or what -connect-to says
	host    string // for the handshake
	connect time.Duration
	write   time.Duration
	streams int

	tls      *tls.Client // nil: cleartext
	h2c      bool
	onlyH2   bool
	proxy    *proxy.URL  // nil: none
	proxyTLS *tls.Client // nil: in cleartext with the proxy
	auth     string      // Proxy-Authorization
	forwards bool        // the proxy is sent the requests, instead of making a tunnel
}

// traffic counts the bytes on the sockets of one link, what TLS and framing take
// included.
type traffic struct{ in, out atomic.Int64 }

func newDialer(o *options, p *plan) (*dialer, error) {
	d := &dialer{
		target: p.addr(), host: p.host, connect: o.timeouts.Connect, write: o.timeouts.Write,
		streams: o.streams, h2c: o.h2c, onlyH2: o.http2,
	}
	if o.connectTo != "" {
		d.target = o.connectTo
	}
	if p.scheme == "https" {
		// RFC 9113 §3.2: "h2" is HTTP/2 over TLS.
		alpn := []string{"h2", "http/1.1"}
		switch {
		case o.http1 || o.fresh:
			alpn = alpn[1:]
		case o.http2:
			alpn = alpn[:1]
		}
		var err error
		if d.tls, err = tls.NewClient(tls.Options{
			ALPN: alpn, CAFile: o.caCert, CertFile: o.cert, KeyFile: o.key, ServerName: o.sni,
			InsecureSkipVerify: o.insecure, Environment: tls.FromEnvironment(os.LookupEnv),
		}); err != nil {
			return nil, err
		}
	}
	if o.proxy == "" {
		return d, nil
	}
	return d, d.via(o, p)
}

// via prepares the way through the proxy.
func (d *dialer) via(o *options, p *plan) error {
	u, err := proxy.ParseURL(o.proxy)
	if err != nil {
		return err
	}
	d.proxy = &u
	if u.HasUser() && !u.IsSOCKS() {
		if d.auth, err = proxy.Basic(u.Username, u.Password); err != nil {
			return err
		}
	}
	if u.Scheme == "https" {
		if d.proxyTLS, err = tls.NewClient(tls.Options{
			ALPN: []string{"http/1.1"}, CAFile: o.caCert, InsecureSkipVerify: o.insecure,
			Environment: tls.FromEnvironment(os.LookupEnv),
		}); err != nil {
			return err
		}
	}
	// RFC 9112 §3.2.2: http goes to an HTTP proxy as it is; HTTP/2 by prior
	// knowledge is beyond it and takes a tunnel.
	if d.forwards = p.scheme == "http" && !o.h2c && !u.IsSOCKS(); d.forwards {
		if o.connectTo != "" {
			return errors.New("-connect-to has no effect on a proxy that is sent whole requests: leave out one of the two")
		}
		return p.forward(d.auth)
	}
	return nil
}

// dial makes one connection within the connect timeout.
func (d *dialer) dial(ctx context.Context, t *traffic) (pool.Conn, error) {
	limited, cancel := context.WithTimeout(ctx, d.connect)
	defer cancel()
	c, err := d.attempt(limited, t)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		phase := wire.PhaseDial
		if e := (*wire.Error)(nil); errors.As(err, &e) {
			phase = e.Phase
		}
		return nil, &wire.Error{Phase: phase, Kind: wire.KindTimeout, Err: fmt.Errorf("no connection within %v", d.connect)}
	}
	return c, err
}

// attempt is dial without the timeout.
func (d *dialer) attempt(ctx context.Context, t *traffic) (pool.Conn, error) {
	nc, err := d.reach(ctx, t)
	if err != nil {
		return nil, err
	}
	raw := nc
	http2 := d.h2c
	if d.tls != nil {
		tc, err := d.tls.Handshake(ctx, nc, d.host)
		if err != nil {
			return nil, dialError(ctx, wire.PhaseTLS, err)
		}
		nc, raw = tc, tc.Raw()
		switch p := tc.ConnectionState().NegotiatedProtocol; {
		case p == "h2":
			http2 = true
		case d.onlyH2:
			raw.Close()
			return nil, &wire.Error{
				Phase: wire.PhaseTLS, Kind: wire.KindProtocol, Remote: true,
				Err: errors.New("the server does not agree to HTTP/2 (ALPN), and -http2 is set"),
			}
		}
	}
	if !http2 {
		return h1.NewConn(nc, h1.Config{RawConn: raw}), nil
	}
	c, err := h2.NewConn(ctx, nc, h2.Config{RawConn: raw, MaxConcurrent: d.streams, Write: d.write})
	if err != nil {
		return nil, dialError(ctx, wire.PhaseDial, err)
	}
	if err := settled(ctx, c); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// settingsPoll is how often it is looked whether the server's SETTINGS are there.
// The engine could tell, for a look at every frame of the run.
const settingsPoll = 200 * time.Microsecond

// settled waits until the server has said how many streams it takes: what is begun
// before that is sent on trust, and refused if it was too much.
func settled(ctx context.Context, c *h2.Conn) error {
	tick := time.NewTicker(settingsPoll)
	defer tick.Stop()
	for !c.PeerSettings().Received {
		if err := c.Err(); err != nil {
			return &wire.Error{Phase: wire.PhaseDial, Kind: wire.KindNetwork, Remote: true, Err: err}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return wire.Canceled(ctx, wire.PhaseDial, false)
		}
	}
	return nil
}

// reach connects to the origin, perhaps through a proxy.
func (d *dialer) reach(ctx context.Context, count *traffic) (net.Conn, error) {
	if d.proxy == nil {
		return d.socket(ctx, d.target, count)
	}
	nc, err := d.socket(ctx, d.proxy.Addr(), count)
	if err != nil {
		return nil, viaProxy(err)
	}
	if d.proxyTLS != nil {
		tc, err := d.proxyTLS.Handshake(ctx, nc, d.proxy.Host)
		if err != nil {
			return nil, viaProxy(dialError(ctx, wire.PhaseTLS, err))
		}
		nc = tc
	}
	switch {
	case d.forwards:
		return nc, nil
	case d.proxy.IsSOCKS():
		target, err := d.resolved(ctx)
		if err != nil {
			nc.Close()
			return nil, err
		}
		s := proxy.SOCKS{Addr: target, Username: d.proxy.Username, Password: d.proxy.Password}
		return nc, s.Connect(ctx, nc)
	}
	t := proxy.Tunnel{Addr: d.target, Authorization: d.auth}
	return t.Connect(ctx, nc)
}

// resolved is the target as the SOCKS proxy wants it: an address for socks5, which
// leaves names to the client.
func (d *dialer) resolved(ctx context.Context) (string, error) {
	if d.proxy.RemoteNames() {
		return d.target, nil
	}
	host, port, err := net.SplitHostPort(d.target)
	if err != nil {
		return "", dialError(ctx, wire.PhaseDNS, err)
	}
	addrs, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil {
		return "", dialError(ctx, wire.PhaseDNS, err)
	}
	return net.JoinHostPort(addrs[0], port), nil
}

// socket makes a socket whose bytes are counted.
func (d *dialer) socket(ctx context.Context, addr string, count *traffic) (net.Conn, error) {
	var nd net.Dialer
	nc, err := nd.DialContext(ctx, "tcp", addr)
	if err != nil {
		phase := wire.PhaseDial
		if e := (*net.DNSError)(nil); errors.As(err, &e) {
			phase = wire.PhaseDNS
		}
		return nil, dialError(ctx, phase, err)
	}
	return &counted{Conn: nc, t: count}, nil
}

// dialError gives an error its phase. The end of the context says more than what
// it has made of the dial.
func dialError(ctx context.Context, phase wire.Phase, err error) error {
	if ctx.Err() != nil {
		return wire.Canceled(ctx, phase, false)
	}
	if e := stdtls.AlertError(0); phase != wire.PhaseTLS && errors.As(err, &e) {
		phase = wire.PhaseTLS
	}
	return &wire.Error{Phase: phase, Kind: wire.KindNetwork, Remote: true, Err: err}
}

// viaProxy says that it was the proxy that could not be reached.
func viaProxy(err error) error {
	if e := (*wire.Error)(nil); errors.As(err, &e) {
		return &wire.Error{Phase: wire.PhaseProxy, Kind: e.Kind, Remote: e.Remote, Err: err}
	}
	return err
}

// counted is a socket whose bytes are counted.
type counted struct {
	net.Conn
	t *traffic
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.t.in.Add(int64(n))
	return n, err
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.t.out.Add(int64(n))
	return n, err
}
