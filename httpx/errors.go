package httpx

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"gohttpx.dev/h1"
	"gohttpx.dev/h2"
	"gohttpx.dev/tls"
	"gohttpx.dev/wire"
)

// The tree of errors, for errors.Is. Those with the same name as in package
// wire are the same values.
var (
	// ErrHTTP: any error of this package.
	ErrHTTP = errors.New("http error")
	// ErrRequest: the request could not be made, sent or answered; every
	// *Error. A *StatusError is not one.
	ErrRequest = errors.New("request error")
	// ErrTransport: the connection or the protocol failed, or a timeout or the
	// context's deadline passed. A request that was cancelled is none.
	ErrTransport = errors.New("transport error")

	// ErrTimeout: one of the four timeouts, or the context's deadline, has
	// passed.
	ErrTimeout        = wire.ErrTimeout
	ErrPoolTimeout    = wire.ErrPoolTimeout
	ErrConnectTimeout = wire.ErrConnectTimeout
	ErrWriteTimeout   = wire.ErrWriteTimeout
	ErrReadTimeout    = wire.ErrReadTimeout

	ErrNetwork = wire.ErrNetwork
	ErrConnect = wire.ErrConnect
	ErrDNS     = wire.ErrDNS
	ErrTLS     = wire.ErrTLS
	ErrRead    = wire.ErrRead
	ErrWrite   = wire.ErrWrite

	ErrProtocol         = wire.ErrProtocol
	ErrLocalProtocol    = wire.ErrLocalProtocol
	ErrRemoteProtocol   = wire.ErrRemoteProtocol
	ErrServerClosedIdle = wire.ErrServerClosedIdle
	ErrUnprocessed      = wire.ErrUnprocessed
	ErrProxy            = wire.ErrProxy
	ErrRequestBody      = wire.ErrRequestBody

	// ErrClientClosed: the client was closed.
	ErrClientClosed = wire.ErrClosed
	// ErrBodyClosed: the response body was closed before it was read.
	ErrBodyClosed = wire.ErrBodyClosed
	// ErrBodyConsumed: a body that can be read but once has been read: a Reader
	// that was sent, or a response's that RawBody or Body has read.
	ErrBodyConsumed = errors.New("body can be read only once and has been read")
	// ErrNotSwitched: Upgrade on a response that hands no connection over.
	ErrNotSwitched = wire.ErrNotSwitched

	// ErrInvalidURL: the URL breaks RFC 3986 or our limits.
	ErrInvalidURL = errors.New("invalid URL")
	// ErrUnsupportedScheme: neither http nor https.
	ErrUnsupportedScheme = errors.New("unsupported scheme")
	// ErrInvalidHeader: the name or the value of a field to be sent breaks RFC
	// 9110 §5. Also ErrLocalProtocol.
	ErrInvalidHeader = errors.New("invalid header")
	// ErrDecoding: the content is not what Content-Encoding says, or ends early
	// (which matches io.ErrUnexpectedEOF too).
	ErrDecoding = errors.New("content cannot be decoded")
	// ErrDecodedTooLarge: the content grows beyond WithMaxDecodeRatio. It is an
	// ErrDecoding.
	ErrDecodedTooLarge = fmt.Errorf("%w: it grows too much", ErrDecoding)
	// ErrResponseTooLarge: the content is above WithMaxResponseBytes.
	ErrResponseTooLarge = errors.New("response is too large")
	// ErrLineTooLong: Lines met a line above its limit.
	ErrLineTooLong = errors.New("line too long")
)

// Error is what every call of this package fails with, a response with a bad
// status excepted. Its text never holds a password or the values of a query.
type Error struct {
	// Op is where it failed: "url", "request", "pool", "dns", "dial", "tls",
	// "proxy", "write", "head", "body", "decode", "save", "redirect", "auth", "hook",
	// "retry", "limit", "transport" or "cookie".
	Op string
	// Request is the request that failed; nil if it could not be built.
	Request *Request
	// Conn is the connection, nil if there was none or it is not known.
	Conn *ConnInfo
	// Sent reports that some byte of the request may have reached the server.
	Sent bool
	// Attempts is how often the request was sent, where WithRetry sent it more
	// than once; else 0.
	Attempts int
	// Err is the cause.
	Err error
}

// Error returns the method, the redacted URL, where it failed and why.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("httpx: ")
	if e.Request != nil {
		b.WriteString(printable([]byte(e.Request.Method)))
		b.WriteByte(' ')
		b.WriteString(e.Request.URL.Redacted())
		b.WriteString(": ")
	}
	if e.Err == nil { // the zero Error
		b.WriteString("no cause")
		return b.String()
	}
	b.WriteString(e.Err.Error())
	if o := limitOption(e.Err); o != "" {
		b.WriteString("; see WithLimits, " + o)
	}
	if e.Attempts > 0 {
		fmt.Fprintf(&b, " (after %d attempts)", e.Attempts)
	}
	return b.String()
}

// limitOption names what of Limits was too little for a response head, "" if that
// was not it. The engines name their own settings, which no user of a Client sees.
func limitOption(err error) string {
	var p *h1.ParseError
	var s h2.StreamError
	var c h2.ConnError
	rule := ""
	switch {
	case errors.As(err, &p):
		rule = p.Rule
	case errors.As(err, &s):
		rule = s.Rule
	case errors.As(err, &c):
		rule = c.Rule
	}
	limit, ok := strings.CutPrefix(rule, "limit: ")
	if !ok {
		return ""
	}
	switch limit, _, _ = strings.Cut(limit, ","); limit {
	case "Limits.HeadBytes", "DecoderConfig.ListBytes", "DecoderConfig.BlockBytes":
		return "MaxHeaderBytes"
	case "Limits.Fields", "DecoderConfig.Fields":
		return "MaxHeaderFields"
	}
	return ""
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is matches ErrHTTP, ErrRequest and, where it is one, ErrTransport.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrHTTP, ErrRequest:
		return true
	case ErrTLS:
		// An alert that came after the handshake, as when a server of TLS 1.3
		// refuses a client certificate.
		var te *tls.Error
		return errors.As(e.Err, &te)
	case ErrTransport:
		var we *wire.Error
		if !errors.As(e.Err, &we) || we.Kind == wire.KindCanceled && !we.Timeout() {
			return false
		}
		return we.Kind != wire.KindRequestBody && we.Kind != wire.KindClosed
	}
	return false
}

// Timeout reports whether a timeout or the context's deadline passed; with
// Temporary it makes *Error a net.Error.
func (e *Error) Timeout() bool { return errors.Is(e.Err, wire.ErrTimeout) }

// Temporary reports the same as Timeout.
//
// Deprecated: ask Timeout, or errors.Is with a sentinel.
func (e *Error) Temporary() bool { return e.Timeout() }

// wrap puts the request's facts around an engine's or the pool's error.
func wrap(req *Request, conn *ConnInfo, err error) error {
	if e, ok := err.(*Error); ok {
		// Further down it would be another request's, whose response is the
		// body of this one.
		return e
	}
	e := &Error{Op: "request", Request: req, Conn: conn, Err: err}
	var we *wire.Error
	if errors.As(err, &we) {
		e.Op, e.Sent = we.Phase.String(), we.Sent
	}
	return e
}

// wrapOp is wrap for an error that comes from the caller's code or from a
// transport; op says which.
func wrapOp(op string, req *Request, err error) error {
	var we *wire.Error
	if _, ok := err.(*Error); ok || errors.As(err, &we) {
		return wrap(req, nil, err)
	}
	return &Error{Op: op, Request: req, Err: err}
}

// IsRetryable reports whether sending the same request again may succeed and
// cannot do harm: the server did not look at the request, nothing of it was
// sent, or its method may be repeated (RFC 9110 §9.2.2; any with an
// Idempotency-Key) and the failure was a timeout or one of the connection, which
// may have cut the answer short. A certificate that was refused, a broken protocol
// and a context that has ended are not retryable, nor is a request whose body cannot
// be made anew.
func IsRetryable(err error) bool {
	var e *Error
	var we *wire.Error
	if !errors.As(err, &e) || !errors.As(e.Err, &we) || e.Request == nil || !e.Request.canResend() {
		return false
	}
	if we.Kind == wire.KindUnprocessed {
		return true
	}
	return passing(we) && (!we.Sent || e.Request.canRepeat())
}

// passing reports a failure of the network or a timeout, which may be over the
// next time.
func passing(err error) bool {
	var e *wire.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Kind {
	case wire.KindTimeout, wire.KindDisconnected:
		return true
	case wire.KindNetwork:
		return e.Phase != wire.PhaseTLS
	case wire.KindProtocol:
		// An answer that the end of its connection has cut short, be it a FIN or
		// a reset.
		return e.Remote && (e.Phase == wire.PhaseHead || e.Phase == wire.PhaseBody) && errors.Is(e.Err, io.ErrUnexpectedEOF)
	}
	return false
}

// StatusError is what Response.Err returns for a status that is not 2xx.
type StatusError struct {
	// Response is the one with that status, never nil.
	Response *Response
}

// Error returns the status, the redacted URL, where a redirect goes, and the
// start of the body.
func (e *StatusError) Error() string {
	r := e.Response
	if r == nil { // the zero StatusError
		return "httpx: no response"
	}
	s := "httpx: "
	if r.Request != nil { // that of a test may have none
		s += printable([]byte(r.Request.Method)) + " " + r.URL.Redacted() + ": "
	}
	s += excerpt(r.Status())
	if to := r.locationText(); to != "" {
		s += ": redirect location: " + excerpt(to)
	}
	if b := r.Bytes(); len(b) > 0 {
		const most = 512
		more := ""
		if len(b) > most {
			b, more = b[:most], "…"
		}
		s += ": " + printable([]byte(r.charset().decode(b))) + more
	}
	return s
}

// Is matches ErrHTTP.
func (e *StatusError) Is(target error) bool { return target == ErrHTTP }

// excerpt is the start of a text that the server has written, which may be as long
// as a response head.
func excerpt(s string) string {
	const most = 512
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…" // the cut may be within a character
}

// printable keeps a peer's bytes from moving the cursor, splitting a log line or
// turning the order of what is read.
func printable(b []byte) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0xfffd || unicode.Is(unicode.Bidi_Control, r):
			return '.'
		}
		return r
	}, strings.ToValidUTF8(string(b), "."))
}
