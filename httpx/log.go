package httpx

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"sync/atomic"
	"time"
)

// WithLogger has calls logged to l; nil, the default, logs nothing. A request's
// takes the place of the client's.
//
// Each call makes one record when it is over, its body included: at level Info
// "http request", or, where it fails, "http request failed" at Error, and at Warn
// where only its context has ended. An attempt that WithRetry will repeat is a
// record at Warn. At Debug there are, besides, the requests and responses with
// their header sections, and the phases: names, connections, handshakes, waits.
// The attribute "call" is the same number in all records of a call.
//
// A client whose TLS options skip verification says so at Warn when it is made, and
// its records, like those of a request with such options, have "verified" false.
// Entries of NO_PROXY that are no patterns are a record at Warn too.
//
// URLs are logged as by URL.Redacted, header sections as by Header.String, and no
// bodies: no record holds a password, a cookie, a token in a known field or the
// value of a query.
func WithLogger(l *slog.Logger) Option {
	return moreOption(func(m *more) error { m.logger = l; return nil })
}

// LogValue is the method and the redacted URL for log/slog.
func (r *Request) LogValue() slog.Value {
	if r == nil || r.URL == nil {
		return slog.StringValue("no request")
	}
	return slog.GroupValue(slog.String("method", printable([]byte(r.Method))), slog.String("url", r.URL.Redacted()))
}

// LogValue is the request, the status, the protocol and the sizes and times known
// so far, for log/slog.
func (r *Response) LogValue() slog.Value {
	if r == nil || r.Request == nil {
		return slog.StringValue("no response")
	}
	return slog.GroupValue(append([]slog.Attr{slog.Any("request", r.Request)}, r.logAttrs()...)...)
}

// MarshalJSON returns what LogValue does, since log/slog's JSON handler looks for that
// in values by themselves, but encodes lists and structs: a secret of a request is in
// no log. It cannot be read back.
func (r *Request) MarshalJSON() ([]byte, error) { return marshalLog(r.LogValue()) }

// MarshalJSON returns what LogValue does. See Request.MarshalJSON.
func (r *Response) MarshalJSON() ([]byte, error) { return marshalLog(r.LogValue()) }

// marshalLog is the JSON of v: an object if it is a group, else its text.
func marshalLog(v slog.Value) ([]byte, error) {
	if v = v.Resolve(); v.Kind() != slog.KindGroup {
		return json.Marshal(v.Any())
	}
	m := make(map[string]json.RawMessage, len(v.Group()))
	for _, a := range v.Group() {
		b, err := marshalLog(a.Value)
		if err != nil {
			return nil, err
		}
		m[a.Key] = b
	}
	return json.Marshal(m)
}

// LogValue is the response or the error for log/slog.
func (r Result) LogValue() slog.Value {
	if r.Err != nil {
		return slog.GroupValue(slog.Any("request", r.Request), errAttr(r.Err))
	}
	return slog.GroupValue(slog.Any("response", r.Response))
}

func (r *Response) logAttrs() []slog.Attr {
	as := []slog.Attr{
		slog.Int("status", r.StatusCode),
		slog.String("proto", r.Proto),
		slog.Int64("bytes", r.BytesReceived()),
	}
	if c := r.wire.Conn; c != nil {
		as = append(as, slog.Bool("reused", r.wire.Reused), slog.String("remote", addrOf(c.RemoteAddr).String()))
		if c.Proxy != "" {
			as = append(as, slog.String("proxy", c.Proxy))
		}
		if c.TLS != nil && len(c.TLS.VerifiedChains) == 0 {
			as = append(as, slog.Bool("verified", false))
		}
	}
	return as
}

// LogValue is where the error arose, the redacted request and the cause, for
// log/slog.
func (e *Error) LogValue() slog.Value {
	as := []slog.Attr{slog.String("op", e.Op), slog.String("error", e.Error()), slog.Bool("timeout", e.Timeout()), slog.Bool("sent", e.Sent)}
	if c := e.Conn; c != nil {
		as = append(as, slog.Bool("reused", c.Reused), slog.String("remote", addrOf(c.RemoteAddr).String()))
	}
	return slog.GroupValue(as...)
}

// calls numbers the calls that are logged.
var calls atomic.Uint64

// callLog logs one call. The nil one logs nothing.
type callLog struct {
	l     *slog.Logger
	ctx   context.Context // for handlers that look for values in it
	req   *Request        // the caller's
	began time.Time
	sends atomic.Int64 // requests that went out
}

func newCallLog(ctx context.Context, r *Request, l *slog.Logger) *callLog {
	if l == nil {
		return nil
	}
	return &callLog{
		l:     l.With(slog.Uint64("call", calls.Add(1))),
		ctx:   context.WithoutCancel(ctx),
		req:   r,
		began: time.Now(),
	}
}

func (l *callLog) debug(msg string, as ...slog.Attr) {
	l.l.LogAttrs(l.ctx, slog.LevelDebug, msg, as...)
}

// sending is called before each request that goes out.
func (l *callLog) sending(r *Request) {
	if l == nil {
		return
	}
	n := l.sends.Add(1)
	if l.l.Enabled(l.ctx, slog.LevelDebug) {
		l.debug("http send", slog.Int64("send", n), slog.Any("request", r), slog.Any("header", r.Header), slog.Bool("body", r.HasBody()))
	}
}

// received is called with each response head, or with why there is none.
func (l *callLog) received(resp *Response, err error) {
	if l == nil || !l.l.Enabled(l.ctx, slog.LevelDebug) {
		return
	}
	n := slog.Int64("send", l.sends.Load())
	if err != nil {
		l.debug("http no response", n, errAttr(err))
		return
	}
	l.debug("http head", n, slog.Any("response", resp), slog.Any("header", resp.Header))
}

// retry is told of an attempt that will be repeated.
func (l *callLog) retry(a Attempt) {
	as := []slog.Attr{slog.Any("request", a.Request), slog.Int("attempt", a.Number), slog.Duration("wait", a.Wait)}
	if a.Err != nil {
		as = append(as, errAttr(a.Err))
	} else {
		as = append(as, slog.Int("status", a.Response.StatusCode))
	}
	l.l.LogAttrs(l.ctx, slog.LevelWarn, "http retry", as...)
}

// over is the record of a call: resp is nil if it never had a response.
func (l *callLog) over(resp *Response, err error) {
	if l == nil {
		return
	}
	level, msg := slog.LevelInfo, "http request"
	if err != nil {
		level, msg = slog.LevelError, "http request failed"
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			level = slog.LevelWarn
		}
	}
	if !l.l.Enabled(l.ctx, level) {
		return
	}
	r := l.req
	if resp != nil && resp.Request != nil && resp.Request.URL != nil {
		r = resp.Request // where it has led
	}
	as := []slog.Attr{slog.String("method", printable([]byte(r.Method))), slog.String("url", r.URL.Redacted())}
	if resp != nil {
		as = append(as, resp.logAttrs()...)
	}
	as = append(as, slog.Duration("duration", time.Since(l.began)), slog.Int64("attempts", l.sends.Load()))
	if err != nil {
		as = append(as, errAttr(err))
	}
	l.l.LogAttrs(l.ctx, level, msg, as...)
}

func errAttr(err error) slog.Attr {
	var e *Error
	if errors.As(err, &e) {
		return slog.Any("err", e)
	}
	return slog.String("err", err.Error())
}

// trace is what the phases are logged by: nil if they are not.
func (l *callLog) trace() *Trace {
	if l == nil {
		return nil
	}
	t := &Trace{Retry: l.retry}
	if !l.l.Enabled(l.ctx, slog.LevelDebug) {
		return t
	}
	ended := func(msg string, err error, as ...slog.Attr) {
		if err != nil {
			as = append(as, errAttr(err))
		}
		l.debug(msg, as...)
	}
	t.Redirect = func(resp *Response, next *Request) {
		l.debug("http redirect", slog.Int("status", resp.StatusCode), slog.Any("next", next))
	}
	t.PoolWait = func() { l.debug("pool wait") }
	t.PoolAcquire = func(waited time.Duration, err error) { ended("pool acquire", err, slog.Duration("waited", waited)) }
	t.GotConn = func(c ConnInfo, _ time.Duration) {
		l.debug("conn", slog.String("proto", c.Proto), slog.Bool("reused", c.Reused), slog.String("remote", addrOf(c.RemoteAddr).String()))
	}
	t.DNSStart = func(host string) { l.debug("dns start", slog.String("host", host)) }
	t.DNSDone = func(addrs []net.IPAddr, err error) { ended("dns done", err, slog.Any("addrs", addrs)) }
	t.ConnectStart = func(_, addr string) { l.debug("connect start", slog.String("addr", addr)) }
	t.ConnectDone = func(_, addr string, err error) { ended("connect done", err, slog.String("addr", addr)) }
	t.ProxyStart = func(proxy, target string) {
		l.debug("proxy start", slog.String("proxy", proxy), slog.String("target", target))
	}
	t.ProxyDone = func(proxy, _ string, err error) { ended("proxy done", err, slog.String("proxy", proxy)) }
	t.TLSStart = func() { l.debug("tls start") }
	t.TLSDone = func(s tls.ConnectionState, err error) {
		if err != nil {
			l.debug("tls done", errAttr(err))
			return
		}
		l.debug("tls done", slog.String("version", tls.VersionName(s.Version)), slog.String("cipher", tls.CipherSuiteName(s.CipherSuite)),
			slog.String("alpn", s.NegotiatedProtocol), slog.Bool("resumed", s.DidResume))
	}
	t.WroteHead = func() { l.debug("wrote head") }
	t.WroteRequest = func(err error) { ended("wrote request", err) }
	t.Wait100 = func() { l.debug("wait for 100 Continue") }
	t.FlowStall = func(stream uint32) { l.debug("flow control stall", slog.Uint64("stream", uint64(stream))) }
	t.FirstByte = func() { l.debug("first byte") }
	t.Interim = func(status int, h Header) error {
		l.debug("http interim", slog.Int("status", status), slog.Any("header", h))
		return nil
	}
	return t
}
