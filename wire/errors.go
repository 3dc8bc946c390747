package wire

import (
	"context"
	"errors"
	"strings"
)

// The sentinels for errors.Is. An *Error matches every one whose sentence is
// true of it, so that a connect timeout is both ErrConnectTimeout and
// ErrTimeout.
var (
	// ErrTimeout: one of the timeouts, or the context's deadline, has passed.
	ErrTimeout = errors.New("timeout")
	// ErrPoolTimeout: no connection or stream came free in time.
	ErrPoolTimeout = errors.New("pool timeout")
	// ErrConnectTimeout: DNS, TCP, proxy and TLS together took too long.
	ErrConnectTimeout = errors.New("connect timeout")
	// ErrWriteTimeout: the peer took no bytes for too long.
	ErrWriteTimeout = errors.New("write timeout")
	// ErrReadTimeout: the peer sent no bytes for too long.
	ErrReadTimeout = errors.New("read timeout")

	// ErrNetwork: the operating system or the network failed.
	ErrNetwork = errors.New("network error")
	// ErrConnect: no connection could be made (DNS, TCP or TLS).
	ErrConnect = errors.New("connect error")
	// ErrDNS: the name did not resolve. Also ErrConnect.
	ErrDNS = errors.New("DNS error")
	// ErrTLS: the handshake failed or the certificate was refused. Also
	// ErrConnect.
	ErrTLS = errors.New("TLS error")
	// ErrRead: reading failed.
	ErrRead = errors.New("read error")
	// ErrWrite: writing failed.
	ErrWrite = errors.New("write error")

	// ErrProtocol: HTTP was broken, by us or by the peer.
	ErrProtocol = errors.New("protocol error")
	// ErrLocalProtocol: the request would break HTTP; nothing was sent, or the
	// request body did not keep its announced length.
	ErrLocalProtocol = errors.New("local protocol error")
	// ErrRemoteProtocol: the peer broke HTTP or ended the exchange early.
	ErrRemoteProtocol = errors.New("remote protocol error")
	// ErrServerClosedIdle: the peer ended the connection before any byte of a
	// response came. Also ErrRemoteProtocol.
	ErrServerClosedIdle = errors.New("server disconnected without sending a response")
	// ErrUnprocessed: the peer says that it has not looked at the request
	// (HTTP/2 REFUSED_STREAM, or a stream above GOAWAY's last). Also
	// ErrRemoteProtocol.
	ErrUnprocessed = errors.New("request not processed")
	// ErrProxy: the proxy refused, or broke off while a tunnel was made.
	ErrProxy = errors.New("proxy error")
	// ErrRequestBody: the caller's request body failed to deliver.
	ErrRequestBody = errors.New("request body error")

	// ErrClosed: the connection, pool or client was closed by its owner.
	ErrClosed = errors.New("closed")
	// ErrBodyClosed: the response body was closed, or its handle has outlived
	// its exchange.
	ErrBodyClosed = errors.New("read on closed response body")
	// ErrNotSwitched: the response is neither 101 nor a 2xx answer to CONNECT.
	ErrNotSwitched = errors.New("connection was not handed over")
)

// Phase is what was being done.
type Phase uint8

// The phases of a request, in order.
const (
	_          Phase = iota
	PhasePool        // waiting for a connection
	PhaseDNS         // resolving the name
	PhaseDial        // connecting
	PhaseProxy       // negotiating with the proxy
	PhaseTLS         // handshaking
	PhaseWrite       // writing the request
	PhaseHead        // awaiting or reading the response head
	PhaseBody        // reading the response body
)

var phaseNames = [...]string{"", "pool", "dns", "dial", "proxy", "tls", "write", "head", "body"}

// String returns the phase as one lower-case word.
func (p Phase) String() string {
	if int(p) < len(phaseNames) {
		return phaseNames[p]
	}
	return ""
}

// Kind is what went wrong.
type Kind uint8

// The kinds.
const (
	_                Kind = iota
	KindNetwork           // the operating system reported an error
	KindTimeout           // one of Timeouts passed
	KindCanceled          // the context ended; Err unwraps to its error and its cause
	KindProtocol          // HTTP was broken; Remote says by whom
	KindDisconnected      // the peer ended the connection before any response byte
	KindUnprocessed       // the peer did not look at the request
	KindRefused           // the proxy or server said no
	KindRequestBody       // the caller's request body failed
	KindClosed            // the owner closed the connection or the pool
)

// Error is the one error type of the engines, the pool and the client.
type Error struct {
	// Phase is where the exchange stood.
	Phase Phase
	// Kind is what happened.
	Kind Kind
	// Remote reports that the peer is at fault, not the caller.
	Remote bool
	// Sent reports that at least one byte of the request may have reached the
	// peer.
	Sent bool
	// Err is the detail. It is never nil.
	Err error
}

// Error names the phase, then what happened: "head: read timeout: nothing
// received for 5s". A detail that names the phase itself is not given it twice.
func (e *Error) Error() string {
	phase, what := e.Phase.String(), e.what()
	if e.Err == nil {
		return phase + ": " + what
	}
	detail := strings.TrimPrefix(e.Err.Error(), phase+": ")
	switch {
	case what != "":
		return phase + ": " + what + ": " + detail
	case strings.HasPrefix(detail, phase+" "):
		return detail
	}
	return phase + ": " + detail
}

func (e *Error) what() string {
	switch e.Kind {
	case KindTimeout:
		return e.timeout().Error()
	case KindDisconnected:
		return ErrServerClosedIdle.Error()
	case KindUnprocessed:
		return ErrUnprocessed.Error()
	case KindProtocol:
		if e.Remote {
			return ErrRemoteProtocol.Error()
		}
		return ErrLocalProtocol.Error()
	case KindRequestBody:
		return ErrRequestBody.Error()
	}
	return ""
}

// Unwrap returns the detail.
func (e *Error) Unwrap() error { return e.Err }

// Timeout reports whether a timeout or a deadline passed; with Temporary it
// makes *Error a net.Error.
func (e *Error) Timeout() bool {
	return e.Kind == KindTimeout || e.Kind == KindCanceled && errors.Is(e.Err, context.DeadlineExceeded)
}

// Temporary reports the same as Timeout.
//
// Deprecated: ask Timeout, or errors.Is with a sentinel.
func (e *Error) Temporary() bool { return e.Timeout() }

// Is matches the sentinels of this package.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrTimeout:
		return e.Timeout()
	case ErrPoolTimeout, ErrConnectTimeout, ErrWriteTimeout, ErrReadTimeout:
		return e.Kind == KindTimeout && e.timeout() == target
	case ErrNetwork:
		return e.Kind == KindNetwork || e.Kind == KindDisconnected
	case ErrConnect:
		return e.connecting() && e.Kind != KindTimeout && e.Kind != KindCanceled && e.Kind != KindClosed
	case ErrDNS:
		return e.Phase == PhaseDNS && e.Kind == KindNetwork
	case ErrTLS:
		return e.Phase == PhaseTLS && e.Kind != KindTimeout && e.Kind != KindCanceled && e.Kind != KindClosed
	case ErrWrite:
		return e.Kind == KindNetwork && e.Phase == PhaseWrite
	case ErrRead:
		return e.Kind == KindNetwork && (e.Phase == PhaseHead || e.Phase == PhaseBody)
	case ErrProtocol:
		return e.protocol()
	case ErrLocalProtocol:
		return e.protocol() && !e.Remote
	case ErrRemoteProtocol:
		return e.protocol() && e.Remote
	case ErrServerClosedIdle:
		return e.Kind == KindDisconnected
	case ErrUnprocessed:
		return e.Kind == KindUnprocessed
	case ErrProxy:
		return e.Phase == PhaseProxy && e.Kind != KindTimeout && e.Kind != KindCanceled && e.Kind != KindClosed
	case ErrRequestBody:
		return e.Kind == KindRequestBody
	case ErrClosed:
		return e.Kind == KindClosed
	}
	return false
}

func (e *Error) protocol() bool {
	return e.Kind == KindProtocol || e.Kind == KindDisconnected || e.Kind == KindUnprocessed
}

func (e *Error) connecting() bool {
	return e.Phase == PhaseDNS || e.Phase == PhaseDial || e.Phase == PhaseTLS
}

// timeout says which of the four timeouts the phase belongs to.
func (e *Error) timeout() error {
	switch e.Phase {
	case PhasePool:
		return ErrPoolTimeout
	case PhaseWrite:
		return ErrWriteTimeout
	case PhaseHead, PhaseBody:
		return ErrReadTimeout
	}
	return ErrConnectTimeout
}

// Canceled returns the error of a context that has ended. It unwraps to
// ctx.Err() and to context.Cause(ctx).
func Canceled(ctx context.Context, p Phase, sent bool) *Error {
	err := ctx.Err()
	if cause := context.Cause(ctx); cause != nil && cause != err {
		err = &canceled{err, cause}
	}
	return &Error{Phase: p, Kind: KindCanceled, Sent: sent, Err: err}
}

type canceled struct{ err, cause error }

func (c *canceled) Error() string   { return c.err.Error() + ": " + c.cause.Error() }
func (c *canceled) Unwrap() []error { return []error{c.err, c.cause} }
