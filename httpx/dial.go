package httpx

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptrace"
	"strings"
	"sync"
	"time"

	"gohttpx.dev/h1"
	"gohttpx.dev/h2"
	"gohttpx.dev/pool"
	ourtls "gohttpx.dev/tls"
	"gohttpx.dev/wire"
)

// dialer is the composition root: it makes what the pool hands out, from a
// socket, a TLS handshake and an engine. Immutable after newDialer.
type dialer struct {
	net         net.Dialer
	dialContext func(ctx context.Context, network, addr string) (net.Conn, error) // nil: net
	retries     int
	h1          h1.Config
	h2          h2.Config
	routes      routes
	names       *names     // nil: net looks names up
	filter      dialFilter // net.ControlContext asks it, too
	dump        *dumper    // nil: none
	traces      []*Trace   // the client's, for HTTP/2 frames

	onProxyConnect  func(ctx context.Context, proxyURL, target string) (Header, error)
	onProxyResponse func(ctx context.Context, proxyURL, target string, status int, h Header) error
}

func newDialer(cfg *config) (*dialer, error) {
	env := readEnvironment()
	base, err := newRoute(cfg.conn, nil, &env)
	if err != nil {
		return nil, err
	}
	if !base.proxies.any(&env, func(*proxyServer) bool { return true }) {
		if err := base.unheededDirectly(); err != nil {
			return nil, err
		}
	}
	if cfg.dialContext != nil {
		if unheeded := ownDialer(&cfg.dialer); unheeded != "" {
			return nil, fmt.Errorf("%s and WithDialContext: the function connects by itself, and would have to do that too", unheeded)
		}
		if unheeded := ownNames(cfg); unheeded != "" && !base.proxies.any(&env, (*proxyServer).localNames) {
			return nil, fmt.Errorf("%s and WithDialContext: the function is given names and connects by itself, and would have to resolve them too; only a socks5:// proxy that New is given has its targets resolved here", unheeded)
		}
	}
	nd := cfg.dialer
	nd.ControlContext = cfg.filters.control(nd.ControlContext)
	var traces []*Trace
	if cfg.more != nil {
		for _, t := range cfg.more.traces {
			if t.H2Frame != nil {
				traces = append(traces, t)
			}
		}
	}
	return &dialer{
		net:         nd,
		names:       newNames(cfg),
		filter:      cfg.filters,
		dump:        cfg.dump,
		traces:      traces,
		dialContext: cfg.dialContext,
		retries:     cfg.connectRetries,
		routes:      routes{base: base, env: env},

		onProxyConnect:  cfg.onProxyConnect,
		onProxyResponse: cfg.onProxyResponse,
		h1: h1.Config{
			Rules:       cfg.rules,
			Limits:      h1.Limits{HeadBytes: max(cfg.limits.MaxHeaderBytes, 0), Fields: max(cfg.limits.MaxHeaderFields, 0)},
			MaxRequests: max(cfg.limits.MaxRequestsPerConnection, 0),
		},
		h2: h2.Config{
			Fields: h2.DecoderConfig{
				BlockBytes: max(cfg.limits.MaxHeaderBytes, h2.DefaultBlockBytes), // no section within ListBytes is longer
				ListBytes:  max(cfg.limits.MaxHeaderBytes, 0),
				Fields:     max(cfg.limits.MaxHeaderFields, 0),
			},
			MaxRequests: max(cfg.limits.MaxRequestsPerConnection, 0),
			Write:       cfg.timeLimits().Write,
		},
	}, nil
}

// ownDialer names an option that only a net.Dialer of ours can heed, "" if none
// was given.
func ownDialer(d *net.Dialer) string {
	switch {
	case d.ControlContext != nil:
		return "WithSocketControl"
	case d.KeepAliveConfig != net.KeepAliveConfig{}:
		return "WithKeepAlive"
	case d.FallbackDelay != 0:
		return "WithFallbackDelay"
	}
	return ""
}

// ownNames names an option about the resolution of names, "" if none was given.
func ownNames(cfg *config) string {
	switch {
	case cfg.hosts != nil:
		return "WithHosts"
	case cfg.cache != nil:
		return "WithDNSCache"
	case cfg.resolver != nil || cfg.dialer.Resolver != nil:
		return "WithResolver"
	}
	return ""
}

// route is that of a key.
func (d *dialer) route(k pool.Key) *route {
	if r, ok := k.Profile.(*route); ok {
		return r
	}
	return d.routes.base
}

// mayShare reports whether a connection for k may turn out to be one of HTTP/2,
// so that requests had better wait for the first.
func (d *dialer) mayShare(k pool.Key) bool {
	r := d.route(k)
	return r.http2 && !r.via.forwards(k.Scheme) && (k.Scheme == "https" || r.noHTTP1)
}

// dial makes one connection: it is the pool's Dial. The context carries the
// deadline of it all, attempts that failed included.
func (d *dialer) dial(ctx context.Context, k pool.Key) (pool.Conn, error) {
	wait := time.Duration(0)
	for attempt := 0; ; attempt++ {
		c, err := d.attempt(ctx, k)
		if err == nil || attempt == d.retries || !mayConnectLater(err) {
			return c, err
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil, err // says more than that the time is over
		}
		wait = max(2*wait, 500*time.Millisecond)
	}
}

// mayConnectLater reports whether err is one of the network, and not of what
// the peer is or wants.
func mayConnectLater(err error) bool {
	var e *wire.Error
	if !errors.As(err, &e) || e.Kind != wire.KindNetwork {
		return false
	}
	var op *net.OpError // an alert is one too, with an Op of its own
	return e.Phase != wire.PhaseTLS || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &op) && op.Op != "remote error" && op.Op != "local error"
}

// attempt is one attempt to connect.
func (d *dialer) attempt(ctx context.Context, k pool.Key) (pool.Conn, error) {
	r := d.route(k)
	info := &wire.ConnInfo{Proto: wire.HTTP11}
	l, err := d.reach(ctx, r, k, info)
	if err != nil {
		return nil, err
	}
	raw, nc, tc := l.raw, l.nc, l.tls
	forwarded := r.via.forwards(k.Scheme)
	if r.noHTTP1 && !forwarded {
		info.Proto = wire.HTTP2 // by prior knowledge, or no connection at all
	}
	if k.Scheme == "https" && !forwarded {
		if tc, err = d.handshake(ctx, r, nc, k, info); err != nil {
			raw.Close()
			if tc != nil {
				tc.Close() // a Handshaker's may hold more than the socket
			}
			return nil, err
		}
		nc = tc
	}
	info.LocalAddr, info.RemoteAddr, info.Created = nc.LocalAddr(), nc.RemoteAddr(), time.Now()
	if info.Proto == wire.HTTP2 {
		cfg := d.h2
		cfg.Info, cfg.RawConn = info, raw
		cfg.OnFrame = d.frames(info, d.dump.h2(info))
		c, err := h2.NewConn(ctx, nc, cfg)
		if err != nil {
			return nil, prefaceError(ctx, err)
		}
		return c, nil
	}
	cfg := d.h1
	cfg.Info = info
	if d.dump != nil {
		cfg.RawConn, nc = raw, d.dump.h1(nc, info)
	}
	if tc != nil {
		cfg.RawConn, cfg.Probe, cfg.Quiet = raw, tc.Probe, tc.Quiet
	}
	return h1.NewConn(nc, cfg), nil
}

// connect makes the socket.
func (d *dialer) connect(ctx context.Context, r *route, addr string, info *wire.ConnInfo) (net.Conn, error) {
	network := r.network
	addr = r.target(addr)
	if r.unixSocket != "" {
		network, addr = "unix", r.unixSocket
	}
	w := &dialWatch{trace: wire.TraceFrom(ctx)}
	start := time.Now()
	dial := d.dialContext
	if dial == nil {
		nd := d.net
		if network != "unix" {
			r.bind(&nd)
		}
		dial = nd.DialContext
		if d.names != nil && network != "unix" {
			dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
				return d.names.dial(ctx, &nd, network, addr)
			}
		}
	} else if r.localAddr.IsValid() && !r.localAddr.IsUnspecified() {
		return nil, &wire.Error{
			Phase: wire.PhaseDial, Kind: wire.KindRefused,
			Err: errors.New("WithLocalAddr and WithDialContext: the function connects by itself, and would have to bind the address too"),
		}
	}
	nc, err := dial(httptrace.WithClientTrace(ctx, w.hooks()), network, addr)
	dns, resolving := w.dns()
	info.DNS += dns
	info.Connect += time.Since(start) - dns
	if err == nil && nc == nil {
		err = errors.New("the dial function returned neither a connection nor an error")
	}
	if err == nil && d.dialContext != nil && network != "unix" {
		if err = d.filter.checkConn(nc); err != nil {
			nc.Close()
		}
	}
	if errors.Is(err, ErrAddressRefused) && ctx.Err() == nil {
		return nil, refusal(err)
	}
	if err != nil {
		phase := wire.PhaseDial
		var dnsErr *net.DNSError
		if resolving || errors.As(err, &dnsErr) {
			phase = wire.PhaseDNS
		}
		return nil, dialError(ctx, phase, err)
	}
	return nc, nil
}

func (d *dialer) handshake(ctx context.Context, r *route, nc net.Conn, k pool.Key, info *wire.ConnInfo) (*ourtls.Conn, error) {
	host, _, err := net.SplitHostPort(k.Addr)
	if err != nil {
		return nil, dialError(ctx, wire.PhaseTLS, err)
	}
	host, _, _ = strings.Cut(host, "%") // a zone is no part of the name in a certificate
	trace := wire.TraceFrom(ctx)
	if trace != nil && trace.TLSStart != nil {
		trace.TLSStart()
	}
	start := time.Now()
	tc, err := r.tls.Handshake(ctx, nc, host)
	info.TLSHandshake = time.Since(start)
	var state tls.ConnectionState
	if err == nil {
		state = tc.ConnectionState()
		info.TLS = &state
	}
	if trace != nil && trace.TLSDone != nil {
		trace.TLSDone(state, err)
	}
	if err != nil {
		return nil, dialError(ctx, wire.PhaseTLS, err)
	}
	// RFC 9113 §3.2: HTTP/2 over TLS is the protocol "h2".
	switch p := state.NegotiatedProtocol; {
	case p == "h2" && r.http2:
		info.Proto = wire.HTTP2
	case (p == "" || p == "http/1.1") && !r.noHTTP1:
		info.Proto = wire.HTTP11
	case p == "":
		err = errors.New("the server does not speak HTTP/2 (no protocol was agreed on by ALPN), and WithHTTP1 is off")
	default:
		err = fmt.Errorf("the server chose the protocol %q, which this client was not told to speak", p)
	}
	if err != nil {
		err = &wire.Error{Phase: wire.PhaseTLS, Kind: wire.KindProtocol, Remote: true, Err: err}
		return tc, err // the caller closes the socket, then tc
	}
	return tc, nil
}

// frames returns the hook for the frames of a connection; nil if nobody wants
// them.
func (d *dialer) frames(info *wire.ConnInfo, dump func(bool, h2.Frame)) func(bool, h2.Frame) {
	if len(d.traces) == 0 {
		return dump
	}
	c := connInfo(info, 0, false)
	return func(out bool, f h2.Frame) {
		for _, t := range d.traces {
			t.H2Frame(*c, out, f)
		}
		if dump != nil {
			dump(out, f)
		}
	}
}

// dialError gives an error of the dial its phase. That the context has ended is
// said as it is: the pool knows whether that was the Connect timeout.
func dialError(ctx context.Context, phase wire.Phase, err error) error {
	if ctx.Err() != nil {
		return wire.Canceled(ctx, phase, false)
	}
	return &wire.Error{Phase: phase, Kind: wire.KindNetwork, Remote: true, Err: err}
}

// prefaceError is that of a connection of which the peer did not take so much as
// HTTP/2's preface: it was never made, and nothing of a request was written.
func prefaceError(ctx context.Context, err error) error {
	var e *wire.Error
	if ctx.Err() != nil || !errors.As(err, &e) {
		return dialError(ctx, wire.PhaseDial, err)
	}
	return &wire.Error{Phase: wire.PhaseDial, Kind: e.Kind, Remote: true, Err: e.Err}
}

// dialWatch times the look-up of the name within net.Dialer and passes its
// events on. Attempts to connect run side by side, hence the lock.
type dialWatch struct {
	trace *wire.Trace

	mu       sync.Mutex
	started  time.Time     // guarded by mu; zero: no look-up under way
	duration time.Duration // guarded by mu
}

func (w *dialWatch) dns() (d time.Duration, resolving bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.duration, !w.started.IsZero()
}

func (w *dialWatch) hooks() *httptrace.ClientTrace {
	t := w.trace
	if t == nil {
		t = &wire.Trace{}
	}
	return &httptrace.ClientTrace{
		DNSStart: func(i httptrace.DNSStartInfo) {
			w.mu.Lock()
			w.started = time.Now()
			w.mu.Unlock()
			if t.DNSStart != nil {
				t.DNSStart(i.Host)
			}
		},
		DNSDone: func(i httptrace.DNSDoneInfo) {
			w.mu.Lock()
			w.duration += time.Since(w.started)
			w.started = time.Time{}
			w.mu.Unlock()
			if t.DNSDone != nil {
				t.DNSDone(i.Addrs, i.Err)
			}
		},
		ConnectStart: t.ConnectStart,
		ConnectDone:  t.ConnectDone,
	}
}
