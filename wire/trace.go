package wire

import (
	"context"
	"crypto/tls"
	"net"
	"time"
)

// Trace is a set of hooks, each of which may be nil. They run on the goroutine
// that does the work and hold it up: a hook must not block. Hooks of a dial may
// run after the request that started it has gone.
type Trace struct {
	// GetConn is called before a connection is looked for.
	GetConn func(scheme, addr string)
	// GotConn is called when the request has its connection.
	GotConn func(GotConn)

	// PoolWait is called when no connection is free, so that the request has to
	// wait for one or for a dial; PoolAcquire when that wait has ended, with how
	// long it was and why it was in vain.
	PoolWait    func()
	PoolAcquire func(waited time.Duration, err error)

	// DNSStart and DNSDone bracket the look-up of a name.
	DNSStart func(host string)
	DNSDone  func(addrs []net.IPAddr, err error)
	// ConnectStart and ConnectDone bracket each attempt to connect; attempts
	// may overlap.
	ConnectStart func(network, addr string)
	ConnectDone  func(network, addr string, err error)
	// TLSStart and TLSDone bracket the handshake.
	TLSStart func()
	TLSDone  func(tls.ConnectionState, error)

	// ProxyStart and ProxyDone bracket what is said to a proxy so that it
	// connects to target (host:port): CONNECT or SOCKS5. proxy is its URL
	// without credentials.
	ProxyStart func(proxy, target string)
	ProxyDone  func(proxy, target string, err error)

	// WroteHead is called when the request head has been handed to the
	// connection, WroteRequest when the whole request has, or when that failed:
	// where the body's Read blocks, that may be after RoundTrip has returned.
	WroteHead    func()
	WroteRequest func(error)
	// Wait100 is called when the body is held back for 100 (Continue).
	Wait100 func()
	// FlowStall is called when the content has to wait because an HTTP/2 window
	// is empty: that of the stream, or with stream 0 that of the connection (RFC
	// 9113 §5.2).
	FlowStall func(stream uint32)
	// FirstByte is called when the first byte of a response head has come.
	FirstByte func()
	// Interim is called for each 1xx response but 101. An error aborts the
	// request.
	Interim func(status int, f Fields) error
}

// GotConn is what Trace.GotConn is told.
type GotConn struct {
	// Conn is shared and immutable.
	Conn *ConnInfo
	// Reused reports that the connection has served a request before.
	Reused bool
	// Wait is the time since GetConn.
	Wait time.Duration
}

type traceKey struct{}

// WithTrace returns a context that carries t to the dialler.
func WithTrace(ctx context.Context, t *Trace) context.Context {
	if t == nil {
		return ctx
	}
	return context.WithValue(ctx, traceKey{}, t)
}

// TraceFrom returns the Trace that ctx carries, or nil.
func TraceFrom(ctx context.Context) *Trace {
	t, _ := ctx.Value(traceKey{}).(*Trace)
	return t
}
