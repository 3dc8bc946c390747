package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"

	"gohttpx.dev/wire"
)

// Step is the part of the work with a proxy that failed.
type Step string

// The steps. The first four are negotiations with the proxy, in which nothing
// of the caller's request has been sent; the others are about what the caller
// or the environment has given.
const (
	StepConnect  Step = "connect"  // CONNECT and its answer (RFC 9110 §9.3.6)
	StepGreeting Step = "greeting" // the choice of a SOCKS method (RFC 1928 §3)
	StepAuth     Step = "auth"     // user and password to SOCKS (RFC 1929)
	StepRequest  Step = "request"  // the SOCKS request and its reply (RFC 1928 §4, §6)

	StepURL         Step = "url"         // a proxy's URL
	StepPattern     Step = "pattern"     // a pattern of origins
	StepEnvironment Step = "environment" // a variable of the environment
	StepForward     Step = "forward"     // the target of a forwarded request
	StepCredentials Step = "credentials" // user and password for a proxy
)

var stepNames = map[Step]string{
	StepConnect:     "CONNECT",
	StepGreeting:    "SOCKS5 greeting",
	StepAuth:        "SOCKS5 authentication",
	StepRequest:     "SOCKS5 request",
	StepURL:         "URL",
	StepForward:     "forward request",
	StepPattern:     "pattern",
	StepEnvironment: "environment",
	StepCredentials: "credentials",
}

// Error is the detail of every error of this package. Tunnel and SOCKS wrap it
// in a *wire.Error with PhaseProxy, whose Kind says who is at fault:
//
//   - KindRefused: the proxy, or Tunnel.Response, said no.
//   - KindProtocol: the proxy broke its protocol (Remote), or what the caller
//     gave cannot be sent (not Remote).
//   - KindNetwork: the connection to the proxy failed or ended.
//   - KindCanceled: the context ended. Err unwraps to its error and its cause.
//
// Neither holds a credential, nor any text that the proxy has sent.
type Error struct {
	// Step is where it went wrong.
	Step Step
	// Addr is the target, host:port, where there is one.
	Addr string
	// StatusCode is the status of the answer to CONNECT, 0 for none.
	StatusCode int
	// Reason is the reason phrase of that answer as received. The error's text
	// does not show it.
	Reason string
	// Fields is the header section of that answer.
	Fields wire.Fields
	// Body is the start of that answer's content, at most 4 KiB, as far as it
	// came within a second.
	Body []byte
	// ReplyCode is the REP byte of a SOCKS reply that is a refusal (RFC 1928
	// §6), or the STATUS byte of a refused password (RFC 1929 §2); 0 for none.
	ReplyCode int
	// Err is the detail. It is never nil.
	Err error
}

// Error names the step and the target, then what happened and what to do.
func (e *Error) Error() string {
	s := "proxy: " + stepNames[e.Step]
	if e.Addr != "" {
		addr := e.Addr
		if len(addr) > 100 {
			addr = addr[:100] + "…"
		}
		if e.Step != StepConnect {
			s += " for"
		}
		s += " " + addr
	}
	if e.Err == nil { // the zero Error
		return s
	}
	return s + ": " + e.Err.Error()
}

// Unwrap returns the detail.
func (e *Error) Unwrap() error { return e.Err }

// Doing says in which step, and at what in it, a negotiation was when its context
// or its connection ended; "" for another error. It is for texts that tell of a
// timeout.
func (e *Error) Doing() string {
	if p, ok := e.Err.(*unfinished); ok {
		return (&Error{Step: e.Step, Addr: e.Addr, Err: errors.New(p.doing)}).Error()[len("proxy: "):]
	}
	return ""
}

// unfinished is what was being done, and why it was not finished.
type unfinished struct {
	doing string
	err   error
}

func (e *unfinished) Error() string { return e.doing + ": " + e.err.Error() }
func (e *unfinished) Unwrap() error { return e.err }

// ErrRedial is in the chain of the error of Tunnel.Connect when the proxy's
// challenge can be answered, but not on this connection: call Connect of the
// same Tunnel with a fresh one.
var ErrRedial = errors.New("the proxy asks for credentials, has been given no answer on this connection, and needs a fresh one for it")

// usage is the error of what a caller has given.
func usage(step Step, format string, args ...any) *Error {
	return &Error{Step: step, Err: fmt.Errorf(format, args...)}
}

// talk is one negotiation over one connection.
type talk struct {
	ctx  context.Context
	nc   net.Conn
	addr string

	stop func() bool
	done chan struct{} // closed when the hook of ctx has run
}

// begin has the connection closed when ctx ends.
func begin(ctx context.Context, nc net.Conn, addr string) *talk {
	t := &talk{ctx: ctx, nc: nc, addr: addr, done: make(chan struct{})}
	// The raw socket, because Close of a tls.Conn may wait for a Write. The
	// goroutine of the hook is waited for by end.
	t.stop = context.AfterFunc(ctx, func() {
		defer close(t.done)
		bottom(nc).Close()
	})
	return t
}

// end takes the hook away. With an error, or when the hook was faster, the
// connection is closed.
func (t *talk) end(step Step, err error) error {
	if !t.stop() {
		<-t.done
		if err == nil {
			err = t.failed(step, "the context ended with the negotiation", nil)
		}
	}
	if err != nil {
		bottom(t.nc).Close()
		t.nc.Close()
	}
	return err
}

// bottom is the connection beneath those that say what they are over, as
// crypto/tls does.
func bottom(nc net.Conn) net.Conn {
	for range 8 {
		over, ok := nc.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		below := over.NetConn()
		if below == nil {
			break
		}
		nc = below
	}
	return nc
}

// failed is the error of a read or a write, or of the context where that has
// ended.
func (t *talk) failed(step Step, doing string, err error) error {
	if t.ctx.Err() != nil {
		e := wire.Canceled(t.ctx, wire.PhaseProxy, false)
		e.Err = &Error{Step: step, Addr: t.addr, Err: &unfinished{doing, e.Err}}
		return e
	}
	return &wire.Error{
		Phase: wire.PhaseProxy, Kind: wire.KindNetwork, Remote: true,
		Err: &Error{Step: step, Addr: t.addr, Err: &unfinished{doing, err}},
	}
}

// garbled is the error of a proxy that breaks its protocol.
func (t *talk) garbled(step Step, err error) error {
	return &wire.Error{
		Phase: wire.PhaseProxy, Kind: wire.KindProtocol, Remote: true,
		Err: &Error{Step: step, Addr: t.addr, Err: err},
	}
}

// unsendable is the error of what the caller has given.
func (t *talk) unsendable(step Step, format string, args ...any) error {
	return &wire.Error{
		Phase: wire.PhaseProxy, Kind: wire.KindProtocol,
		Err: &Error{Step: step, Addr: t.addr, Err: fmt.Errorf(format, args...)},
	}
}

// refused is the error of a proxy that says no.
func refused(e *Error) error {
	return &wire.Error{Phase: wire.PhaseProxy, Kind: wire.KindRefused, Remote: true, Err: e}
}
