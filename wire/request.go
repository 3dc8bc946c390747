package wire

import "io"

// Request is what an engine sends. The caller fills it and must not change it
// until RoundTrip has returned; no engine keeps it longer, though an upload that is
// under way then goes on with Body, Trailers and Trace.
type Request struct {
	// Method is a token (RFC 9110 §9.1), sent as it is. Empty means GET.
	Method string
	// Scheme is "http" or "https".
	Scheme string
	// Authority is host[:port], the value of Host or :authority, without user
	// information. A Host field in Fields takes its place over HTTP/1.1.
	Authority string
	// Target is the request target exactly as sent (RFC 9112 §3.2): the path
	// and query for origin-form, a whole URI for absolute-form, host:port for
	// CONNECT, "*" for OPTIONS.
	Target string
	// Fields are sent in this order and case (lower case over HTTP/2).
	// Framing fields (Content-Length, Transfer-Encoding) are added by the
	// engine where they are missing.
	Fields Fields

	// Body is the content, nil for none. It is closed exactly once on every
	// path, also when RoundTrip fails, and perhaps while a Read is in
	// progress.
	Body io.ReadCloser
	// BodyLen is the length of Body in bytes, or negative if unknown. Body
	// must deliver just as many: too few or too many is ErrLocalProtocol.
	BodyLen int64
	// Rewind makes the body anew for a replay; nil if that cannot be done.
	Rewind func() (io.ReadCloser, error)
	// Trailers, if set, is called once after the body has been read to its
	// end and gives the trailer section. It makes HTTP/1.1 use chunked.
	Trailers func() Fields

	// Timeouts hold for this request.
	Timeouts Timeouts
	// Idempotent marks a request that may be sent twice although its method
	// does not say so, for example because it carries an idempotency key.
	Idempotent bool
	// Trace, if set, sees the request's events. It may be nil.
	Trace *Trace
}

// CloseBody closes Body if there is one. It does not make a second call safe.
func (r *Request) CloseBody() {
	if r.Body != nil {
		r.Body.Close()
	}
}

// CanRepeat reports whether the request may be sent a second time although the
// first one may have been processed: its method is idempotent (RFC 9110
// §9.2.2) or it says so itself.
func (r *Request) CanRepeat() bool {
	if r.Idempotent {
		return true
	}
	switch r.Method {
	case "", "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE":
		return true
	}
	return false
}

// CanRewind reports whether the body, if any, can be made anew.
func (r *Request) CanRewind() bool { return r.Body == nil || r.Rewind != nil }
