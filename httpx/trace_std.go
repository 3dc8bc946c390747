package httpx

import (
	"errors"
	"net"
	"net/http/httptrace"
	"net/textproto"
	"time"
)

// fromClientTrace gives the hooks of a ClientTrace the shape of ours. The look-up
// of names and the attempts to connect are not among them: net.Dialer finds the
// ClientTrace in the context by itself. PutIdleConn is never called: the pool
// keeps connections apart from requests.
func fromClientTrace(ct *httptrace.ClientTrace, r *Request) *Trace {
	t := &Trace{
		TLSStart:  ct.TLSHandshakeStart,
		TLSDone:   ct.TLSHandshakeDone,
		Wait100:   ct.Wait100Continue,
		FirstByte: ct.GotFirstResponseByte,
	}
	if f := ct.GetConn; f != nil {
		t.GetConn = func(_, addr string) { f(addr) }
	}
	if f := ct.GotConn; f != nil {
		t.GotConn = func(c ConnInfo, _ time.Duration) {
			f(httptrace.GotConnInfo{Conn: connAddrs{c}, Reused: c.Reused, WasIdle: c.Reused})
		}
	}
	if ct.WroteHeaders != nil || ct.WroteHeaderField != nil {
		t.WroteHead = func() { wroteHeaders(ct, r) }
	}
	if f := ct.WroteRequest; f != nil {
		t.WroteRequest = func(err error) { f(httptrace.WroteRequestInfo{Err: err}) }
	}
	if ct.Got1xxResponse != nil || ct.Got100Continue != nil {
		t.Interim = func(status int, h Header) error {
			if status == 100 && ct.Got100Continue != nil {
				ct.Got100Continue()
			}
			if ct.Got1xxResponse != nil {
				return ct.Got1xxResponse(status, textproto.MIMEHeader(h.ToStd()))
			}
			return nil
		}
	}
	return t
}

// wroteHeaders tells of each field that was given. The engine's own, such as
// Content-Length, are not among them.
func wroteHeaders(ct *httptrace.ClientTrace, r *Request) {
	if f := ct.WroteHeaderField; f != nil {
		if !r.Header.Has("Host") {
			f("Host", []string{r.URL.authority})
		}
		for _, name := range r.Header.Names() {
			f(name, r.Header.Values(name))
		}
	}
	if ct.WroteHeaders != nil {
		ct.WroteHeaders()
	}
}

// connAddrs is what GotConn is given for a connection: it knows the addresses
// and does nothing else. Others use the connection at the same time, and it is
// not the hook's.
type connAddrs struct{ info ConnInfo }

var errAddrsOnly = errors.New("httpx: a connection in httptrace.GotConnInfo is for its addresses only")

func (connAddrs) Read([]byte) (int, error)         { return 0, errAddrsOnly }
func (connAddrs) Write([]byte) (int, error)        { return 0, errAddrsOnly }
func (connAddrs) Close() error                     { return errAddrsOnly }
func (connAddrs) SetDeadline(time.Time) error      { return errAddrsOnly }
func (connAddrs) SetReadDeadline(time.Time) error  { return errAddrsOnly }
func (connAddrs) SetWriteDeadline(time.Time) error { return errAddrsOnly }
func (c connAddrs) LocalAddr() net.Addr            { return addrOf(c.info.LocalAddr) }
func (c connAddrs) RemoteAddr() net.Addr           { return addrOf(c.info.RemoteAddr) }

// addrOf keeps a hook that asks for the text of an address from a nil one.
func addrOf(a net.Addr) net.Addr {
	if a == nil {
		return noAddr{}
	}
	return a
}
