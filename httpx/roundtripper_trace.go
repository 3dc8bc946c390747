package httpx

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"time"

	"gohttpx.dev/wire"
)

// traceOf returns the engines' hooks for those of an httptrace.ClientTrace in
// the request's context, with base called as well. The look-up of names and the
// attempts to connect are not among them: net.Dialer finds the ClientTrace in the
// context by itself.
func traceOf(req *http.Request, r *Request, base *wire.Trace) *wire.Trace {
	ct := httptrace.ContextClientTrace(req.Context())
	if ct == nil {
		return base
	}
	t := new(wire.Trace)
	if base != nil {
		*t = *base
	}
	if f, next := ct.GetConn, t.GetConn; f != nil {
		t.GetConn = func(scheme, addr string) {
			if next != nil {
				next(scheme, addr)
			}
			f(addr)
		}
	}
	if f, next := ct.GotConn, t.GotConn; f != nil {
		t.GotConn = func(g wire.GotConn) {
			if next != nil {
				next(g)
			}
			f(httptrace.GotConnInfo{Conn: connFacts{g.Conn}, Reused: g.Reused, WasIdle: g.Reused})
		}
	}
	t.TLSStart = then(t.TLSStart, ct.TLSHandshakeStart)
	if f, next := ct.TLSHandshakeDone, t.TLSDone; f != nil {
		t.TLSDone = func(s tls.ConnectionState, err error) {
			if next != nil {
				next(s, err)
			}
			f(s, err)
		}
	}
	if ct.WroteHeaders != nil || ct.WroteHeaderField != nil {
		t.WroteHead = then(t.WroteHead, func() { wroteHeaders(ct, r) })
	}
	if f, next := ct.WroteRequest, t.WroteRequest; f != nil {
		t.WroteRequest = func(err error) {
			if next != nil {
				next(err)
			}
			f(httptrace.WroteRequestInfo{Err: err})
		}
	}
	t.Wait100 = then(t.Wait100, ct.Wait100Continue)
	t.FirstByte = then(t.FirstByte, ct.GotFirstResponseByte)
	if ct.Got1xxResponse != nil || ct.Got100Continue != nil {
		next := t.Interim
		t.Interim = func(status int, h wire.Fields) error {
			if next != nil {
				if err := next(status, h); err != nil {
					return err
				}
			}
			if status == 100 && ct.Got100Continue != nil {
				ct.Got100Continue()
			}
			if ct.Got1xxResponse != nil {
				return ct.Got1xxResponse(status, textproto.MIMEHeader(stdHeader(Header(h))))
			}
			return nil
		}
	}
	return t
}

func then(first, second func()) func() {
	switch {
	case second == nil:
		return first
	case first == nil:
		return second
	}
	return func() { first(); second() }
}

// wroteHeaders tells of each field that was given. The engine's own, such as
// Content-Length, are not among them.
func wroteHeaders(ct *httptrace.ClientTrace, r *Request) {
	if f := ct.WroteHeaderField; f != nil {
		if !r.Header.Has("Host") {
			f("Host", []string{r.URL.authority})
		}
		for i := range r.Header {
			if name := r.Header[i].Name; !r.Header[:i].Has(name) {
				f(name, r.Header.Values(name))
			}
		}
	}
	if ct.WroteHeaders != nil {
		ct.WroteHeaders()
	}
}

// connFacts is what GotConn is given for a connection: it knows the addresses
// and does nothing else. Others use the connection at the same time, and it is
// not the hook's.
type connFacts struct{ info *wire.ConnInfo }

var errFactsOnly = errors.New("httpx: a connection in httptrace.GotConnInfo is for its addresses only")

func (connFacts) Read([]byte) (int, error)         { return 0, errFactsOnly }
func (connFacts) Write([]byte) (int, error)        { return 0, errFactsOnly }
func (connFacts) Close() error                     { return errFactsOnly }
func (connFacts) SetDeadline(time.Time) error      { return errFactsOnly }
func (connFacts) SetReadDeadline(time.Time) error  { return errFactsOnly }
func (connFacts) SetWriteDeadline(time.Time) error { return errFactsOnly }
func (c connFacts) LocalAddr() net.Addr            { return orNoAddr(c.info.LocalAddr) }
func (c connFacts) RemoteAddr() net.Addr           { return orNoAddr(c.info.RemoteAddr) }

func orNoAddr(a net.Addr) net.Addr {
	if a == nil {
		return noAddr{}
	}
	return a
}
