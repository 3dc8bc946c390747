package httpx

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptrace"
	"slices"
	"time"

	"gohttpx.dev/h2"
	"gohttpx.dev/wire"
)

// Trace is a set of hooks, each of which may be nil. It has the events of
// net/http/httptrace.ClientTrace (but for PutIdleConn) and those of the pool, of
// proxies, of HTTP/2 and of the way through the client.
//
// Hooks run on the goroutine that does the work and hold it up: a hook must not
// block. Several may run at the same time. Those of a dial (DNS, Connect, Proxy,
// TLS) are called for the request that started it, perhaps after it has gone; a
// request that finds a connection has none of them. Each but Redirect and Retry
// is called for every request that goes out, those of redirects, retries and
// authentication too, and all but these two and Ended by HTTPTransport only.
type Trace struct {
	// Redirect is called before a redirect is followed: resp, whose body is
	// closed, asked for it, and next is what will be sent.
	Redirect func(resp *Response, next *Request)
	// Retry is called before each wait of WithRetry.
	Retry func(Attempt)

	// GetConn is called before a connection to addr (host:port) is looked for.
	GetConn func(scheme, addr string)
	// PoolWait is called when none is free: the request has to wait for one or
	// for a dial. PoolAcquire is called when that wait has ended, with how long
	// it was, dialling included, and why it was in vain, if it was.
	PoolWait    func()
	PoolAcquire func(waited time.Duration, err error)
	// GotConn is called when the request has its connection; waited is the time
	// since GetConn. ConnInfo has no StreamID yet.
	GotConn func(c ConnInfo, waited time.Duration)

	// DNSStart and DNSDone bracket the look-up of a name.
	DNSStart func(host string)
	DNSDone  func(addrs []net.IPAddr, err error)
	// ConnectStart and ConnectDone bracket each attempt to connect to an
	// address. Attempts may overlap (RFC 8305), and those that the winner makes
	// needless end with an error.
	ConnectStart func(network, addr string)
	ConnectDone  func(network, addr string, err error)
	// ProxyStart and ProxyDone bracket CONNECT, or what SOCKS5 says instead.
	// proxy is the URL without credentials, target host:port.
	ProxyStart func(proxy, target string)
	ProxyDone  func(proxy, target string, err error)
	// TLSStart and TLSDone bracket the handshake with the origin.
	TLSStart func()
	TLSDone  func(tls.ConnectionState, error)

	// WroteHead is called when the head has been handed to the connection,
	// WroteRequest when the whole request has, or when that failed: where the
	// body's Read blocks, perhaps after the response has come.
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
	Interim func(status int, h Header) error
	// Ended is called when a response is over: its body has been read, closed or
	// has failed, with err. received are the bytes of content, as they came.
	Ended func(resp *Response, received int64, err error)

	// H2Frame is called for every HTTP/2 frame of every connection, as soon as
	// it was read (out is false) or just before it is written: SETTINGS, PING,
	// GOAWAY, WINDOW_UPDATE and all the others. Its payload is valid during the
	// call only, and may hold secrets; WithDump masks them. A connection is no
	// request's own, so that of the Traces only those given to New are asked.
	H2Frame func(c ConnInfo, out bool, f h2.Frame)
}

// WithTrace has the hooks of t called. A request's are called behind those of
// its client, and both behind those of an httptrace.ClientTrace in the context,
// which every client honours. t must not be changed any more.
func WithTrace(t *Trace) Option {
	return moreOption(func(m *more) error {
		if t == nil {
			return errors.New("WithTrace: nil")
		}
		m.traces = append(slices.Clip(m.traces), t)
		return nil
	})
}

// hooks are the traces of a request, OnInformational's function among them.
func (m *more) hooks() []*Trace {
	if m == nil {
		return nil
	}
	if m.interim == nil {
		return m.traces
	}
	return append([]*Trace{{Interim: m.interim}}, m.traces...)
}

// traceOf returns the engines' hooks for a request; nil if there are none.
func traceOf(ctx context.Context, r *Request, m *more) *wire.Trace {
	list := m.hooks()
	// Most contexts need not be searched, and a search costs tens of
	// nanoseconds.
	if ctx != context.Background() {
		if ct := httptrace.ContextClientTrace(ctx); ct != nil {
			list = append([]*Trace{fromClientTrace(ct, r)}, list...)
		}
	}
	return joinTraces(list)
}

// traceEnd tells the traces of the end of r.
func (r *Response) traceEnd(m *more) {
	if m == nil || m.traces == nil || r.traced {
		return
	}
	r.traced = true
	for _, t := range m.traces {
		if f := t.Ended; f != nil {
			r.onEnd(func(err error) { f(r, r.BytesReceived(), err) })
		}
	}
}

// joinTraces makes one of several, nil of none. A hook that none has is nil, so that what
// leads to it costs nothing.
func joinTraces(list []*Trace) *wire.Trace {
	if len(list) == 0 {
		return nil
	}
	t := &wire.Trace{
		GetConn:      each2(list, func(t *Trace) func(string, string) { return t.GetConn }),
		PoolWait:     each0(list, func(t *Trace) func() { return t.PoolWait }),
		PoolAcquire:  each2(list, func(t *Trace) func(time.Duration, error) { return t.PoolAcquire }),
		DNSStart:     each1(list, func(t *Trace) func(string) { return t.DNSStart }),
		DNSDone:      each2(list, func(t *Trace) func([]net.IPAddr, error) { return t.DNSDone }),
		ConnectStart: each2(list, func(t *Trace) func(string, string) { return t.ConnectStart }),
		ConnectDone:  each3(list, func(t *Trace) func(string, string, error) { return t.ConnectDone }),
		ProxyStart:   each2(list, func(t *Trace) func(string, string) { return t.ProxyStart }),
		ProxyDone:    each3(list, func(t *Trace) func(string, string, error) { return t.ProxyDone }),
		TLSStart:     each0(list, func(t *Trace) func() { return t.TLSStart }),
		TLSDone:      each2(list, func(t *Trace) func(tls.ConnectionState, error) { return t.TLSDone }),
		WroteHead:    each0(list, func(t *Trace) func() { return t.WroteHead }),
		WroteRequest: each1(list, func(t *Trace) func(error) { return t.WroteRequest }),
		Wait100:      each0(list, func(t *Trace) func() { return t.Wait100 }),
		FlowStall:    each1(list, func(t *Trace) func(uint32) { return t.FlowStall }),
		FirstByte:    each0(list, func(t *Trace) func() { return t.FirstByte }),
	}
	if f := each2(list, func(t *Trace) func(ConnInfo, time.Duration) { return t.GotConn }); f != nil {
		t.GotConn = func(g wire.GotConn) {
			c := ConnInfo{Reused: g.Reused}
			if g.Conn != nil {
				c = *connInfo(g.Conn, 0, g.Reused)
			}
			f(c, g.Wait)
		}
	}
	for _, one := range list {
		f, before := one.Interim, t.Interim
		if f == nil {
			continue
		}
		t.Interim = func(status int, h wire.Fields) error {
			if before != nil {
				if err := before(status, h); err != nil {
					return err
				}
			}
			return f(status, Header(h))
		}
	}
	return t
}

// withHook returns those of list that have a hook.
func withHook[F any](list []*Trace, of func(*Trace) F, is func(F) bool) []F {
	var fs []F
	for _, t := range list {
		if f := of(t); is(f) {
			fs = append(fs, f)
		}
	}
	return fs
}

func each0(list []*Trace, of func(*Trace) func()) func() {
	fs := withHook(list, of, func(f func()) bool { return f != nil })
	if len(fs) < 2 {
		return only(fs)
	}
	return func() {
		for _, f := range fs {
			f()
		}
	}
}

func each1[A any](list []*Trace, of func(*Trace) func(A)) func(A) {
	fs := withHook(list, of, func(f func(A)) bool { return f != nil })
	if len(fs) < 2 {
		return only(fs)
	}
	return func(a A) {
		for _, f := range fs {
			f(a)
		}
	}
}

func each2[A, B any](list []*Trace, of func(*Trace) func(A, B)) func(A, B) {
	fs := withHook(list, of, func(f func(A, B)) bool { return f != nil })
	if len(fs) < 2 {
		return only(fs)
	}
	return func(a A, b B) {
		for _, f := range fs {
			f(a, b)
		}
	}
}

func each3[A, B, C any](list []*Trace, of func(*Trace) func(A, B, C)) func(A, B, C) {
	fs := withHook(list, of, func(f func(A, B, C)) bool { return f != nil })
	if len(fs) < 2 {
		return only(fs)
	}
	return func(a A, b B, c C) {
		for _, f := range fs {
			f(a, b, c)
		}
	}
}

// only returns the one element, or the zero value.
func only[F any](fs []F) (f F) {
	if len(fs) > 0 {
		f = fs[0]
	}
	return f
}
