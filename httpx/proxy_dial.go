package httpx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http/httptrace"
	"net/netip"
	"time"

	"gohttpx.dev/pool"
	"gohttpx.dev/proxy"
	ourtls "gohttpx.dev/tls"
	"gohttpx.dev/wire"
)

const (
	// maxRedials bounds the connections that a proxy may want for its
	// challenges to one CONNECT.
	maxRedials = 4
	// maxLocalAddrs bounds the addresses of a name that a SOCKS5 proxy is asked
	// for, one after the other.
	maxLocalAddrs = 4
)

// link is a way to the origin or to the proxy that forwards to it.
type link struct {
	raw net.Conn     // the socket; closing it ends all that is on top
	nc  net.Conn     // what to speak on
	tls *ourtls.Conn // nc, where TLS with a proxy that forwards is the topmost
}

// reach connects to the origin of k, perhaps through a proxy, up to where TLS
// with the origin or HTTP begins.
func (d *dialer) reach(ctx context.Context, r *route, k pool.Key, info *wire.ConnInfo) (link, error) {
	via := r.via
	if via == nil {
		raw, err := d.connect(ctx, r, k.Addr, info)
		return link{raw: raw, nc: raw}, err
	}
	info.Proxy = via.url.Redacted()
	target := r.tunnelled(k.Addr)
	if via.forwards(k.Scheme) {
		target = k.Addr
	}
	if err := d.filter.checkText(target); err != nil {
		return link{}, proxyFailed(via, refusal(err))
	}
	if via.forwards(k.Scheme) {
		if r.noHTTP1 {
			return link{}, &wire.Error{
				Phase: wire.PhaseProxy, Kind: wire.KindProtocol,
				Err: errors.New("a proxy forwards HTTP/1.1 only, and WithHTTP1 is off: use ProxyTunnelOnly"),
			}
		}
		return d.toProxy(ctx, r, info)
	}
	if via.url.IsSOCKS() {
		return d.socks(ctx, r, k, info)
	}
	t, err := d.tunnel(ctx, r, r.tunnelled(k.Addr))
	if err != nil {
		return link{}, err
	}
	for n := 0; ; n++ {
		l, err := d.toProxy(ctx, r, info)
		if err != nil {
			return link{}, err
		}
		began := time.Now()
		done := proxyTrace(ctx, via, t.Addr)
		nc, err := t.Connect(ctx, l.nc)
		done(err)
		info.Connect += time.Since(began)
		if err == nil {
			return link{raw: l.raw, nc: nc, tls: l.tls}, nil
		}
		l.raw.Close() // beneath TLS it is open still
		if !errors.Is(err, proxy.ErrRedial) || n == maxRedials {
			return link{}, proxyFailed(via, err)
		}
	}
}

// toProxy connects to the proxy itself, with TLS if it wants that.
func (d *dialer) toProxy(ctx context.Context, r *route, info *wire.ConnInfo) (link, error) {
	via := r.via
	raw, err := d.connect(ctx, r, via.url.Addr(), info)
	if err != nil {
		return link{}, proxyFailed(via, err)
	}
	if r.viaTLS == nil {
		return link{raw: raw, nc: raw}, nil
	}
	began := time.Now()
	tc, err := r.viaTLS.Handshake(ctx, raw, via.url.Host)
	info.Connect += time.Since(began) // TLSHandshake is the origin's
	if err != nil {
		raw.Close()
		return link{}, proxyFailed(via, dialError(ctx, wire.PhaseTLS, err))
	}
	if p := tc.ConnectionState().NegotiatedProtocol; p != "" && p != "http/1.1" {
		raw.Close()
		tc.Close()
		return link{}, proxyFailed(via, &wire.Error{
			Phase: wire.PhaseTLS, Kind: wire.KindProtocol, Remote: true,
			Err: fmt.Errorf("the proxy chose the protocol %q, and HTTP/1.1 is all that is spoken with a proxy", p),
		})
	}
	return link{raw: raw, nc: tc, tls: tc}, nil
}

// tunnel prepares CONNECT.
func (d *dialer) tunnel(ctx context.Context, r *route, target string) (*proxy.Tunnel, error) {
	via, auth := r.via, r.viaAuth
	used, err := auth.first("CONNECT", target, nil)
	answers := 0
	t := &proxy.Tunnel{Addr: target, Fields: via.header, Authorization: used.value, Limits: d.h1.Limits, Rules: d.h1.Rules}
	t.Authorize = func(challenges []string, method, uri string) (string, bool, error) {
		answer, ok, err := auth.answer(challenges, method, uri, used, answers, nil)
		answers++
		used = answer
		return answer.value, ok, err
	}
	if f := d.onProxyConnect; f != nil && err == nil {
		var more Header
		if more, err = f(ctx, via.url.Redacted(), target); err == nil {
			t.Fields = append(via.header.Clone(), more...)
		}
	}
	if err != nil {
		return nil, proxyFailed(via, &wire.Error{Phase: wire.PhaseProxy, Kind: wire.KindRefused, Err: err})
	}
	if f := d.onProxyResponse; f != nil {
		t.Response = func(status int, fields wire.Fields) error {
			return f(ctx, via.url.Redacted(), target, status, Header(fields.Clone()))
		}
	}
	return t, nil
}

// socks connects through a SOCKS5 proxy. Where names are resolved here, the
// addresses are tried in turn.
func (d *dialer) socks(ctx context.Context, r *route, k pool.Key, info *wire.ConnInfo) (link, error) {
	targets := []string{r.tunnelled(k.Addr)}
	if !r.via.url.RemoteNames() {
		var err error
		if targets, err = d.resolve(ctx, r, targets[0], info); err != nil {
			return link{}, err
		}
	}
	var first error
	for _, target := range targets {
		if err := d.filter.checkText(target); err != nil {
			if err = proxyFailed(r.via, refusal(err)); first == nil {
				first = err
			}
			continue
		}
		l, err := d.toProxy(ctx, r, info)
		if err != nil {
			return link{}, err
		}
		s := proxy.SOCKS{Addr: target, Username: r.via.url.Username, Password: r.via.url.Password}
		began := time.Now()
		done := proxyTrace(ctx, r.via, target)
		err = s.Connect(ctx, l.nc)
		done(err)
		info.Connect += time.Since(began)
		if err == nil {
			return l, nil
		}
		l.raw.Close()
		if err = proxyFailed(r.via, err); first == nil {
			first = err
		}
		var e *proxy.Error
		if ctx.Err() != nil || !errors.As(err, &e) || e.Step != proxy.StepRequest || e.ReplyCode == 0 {
			break // another address would fare no better, and a wrong password must not be said again
		}
	}
	return link{}, first
}

// proxyTrace tells of what is about to be said to a proxy; the function it
// returns, how that ended.
func proxyTrace(ctx context.Context, via *proxyServer, target string) func(error) {
	t := wire.TraceFrom(ctx)
	if t == nil {
		return func(error) {}
	}
	if t.ProxyStart != nil {
		t.ProxyStart(via.url.Redacted(), target)
	}
	return func(err error) {
		if t.ProxyDone != nil {
			t.ProxyDone(via.url.Redacted(), target, err)
		}
	}
}

// resolve looks a host:port up.
func (d *dialer) resolve(ctx context.Context, r *route, addr string, info *wire.ConnInfo) ([]string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, dialError(ctx, wire.PhaseDNS, err)
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return []string{addr}, nil
	}
	n := d.names
	if !n.knows(host) {
		n = &names{resolver: net.DefaultResolver}
		if d.net.Resolver != nil {
			n.resolver = d.net.Resolver
		}
	}
	w := &dialWatch{trace: wire.TraceFrom(ctx)}
	began := time.Now()
	ips, err := n.lookup(httptrace.WithClientTrace(ctx, w.hooks()), r.network, host)
	info.DNS += time.Since(began)
	if err != nil {
		return nil, dialError(ctx, wire.PhaseDNS, err)
	}
	var targets []string
	for _, ip := range ips {
		if ip.Zone() != "" {
			continue
		}
		if targets = append(targets, net.JoinHostPort(ip.String(), port)); len(targets) == maxLocalAddrs {
			break
		}
	}
	if len(targets) == 0 {
		return nil, dialError(ctx, wire.PhaseDNS, fmt.Errorf("%s has no address that could be used", host))
	}
	return targets, nil
}

// proxyFailed says in an error which proxy it was. A connection or a handshake
// with it that fails is a failure of the proxy (ErrProxy), whatever else it is.
func proxyFailed(via *proxyServer, err error) error {
	var e *wire.Error
	if !errors.As(err, &e) {
		return err
	}
	c := *e
	c.Err = &viaError{proxy: via.url.Redacted(), phase: e.Phase, ended: e.Kind == wire.KindCanceled, err: e.Err}
	return &c
}

// viaError is an error on the way to or in a proxy.
type viaError struct {
	proxy string
	phase wire.Phase
	ended bool // the context has: nobody's failure
	err   error
}

func (e *viaError) Error() string        { return "proxy " + e.proxy + ": " + e.err.Error() }
func (e *viaError) Unwrap() error        { return e.err }
func (e *viaError) Is(target error) bool { return target == ErrProxy && !e.ended }

// Doing says what the proxy was wanted for when the time was over.
func (e *viaError) Doing() string {
	var detail interface{ Doing() string }
	doing := ""
	switch {
	case errors.As(e.err, &detail):
		doing = detail.Doing()
	case e.phase == wire.PhaseTLS:
		doing = "TLS handshake"
	case e.phase == wire.PhaseDNS:
		doing = "resolving its name"
	default:
		doing = "connecting"
	}
	return "proxy " + e.proxy + ": " + doing
}
