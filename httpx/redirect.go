package httpx

import (
	"errors"
	"fmt"
	"strings"

	"gohttpx.dev/wire"
)

// defaultMaxRedirects is how many redirects are followed where nothing else is
// said.
const defaultMaxRedirects = 20

var (
	// ErrTooManyRedirects: the chain of redirects is longer than WithMaxRedirects
	// allows.
	ErrTooManyRedirects = errors.New("too many redirects")
	// ErrRedirectRefused: a redirect that is not followed, from https to http or
	// to a scheme that is neither.
	ErrRedirectRefused = errors.New("redirect refused")
	// ErrBodyNotReplayable: the request would have to be sent once more, and its
	// body can be read but once.
	ErrBodyNotReplayable = errors.New("the request body cannot be sent a second time")
	// ErrUseLastResponse, returned by a function of WithRedirectPolicy, ends the
	// chain without an error: the redirect itself is the response.
	ErrUseLastResponse = errors.New("use the last response")
)

// WithFollowRedirects says whether redirects are followed (RFC 9110 §15.4). They
// are not by default: the response is then the redirect itself, and
// Response.NextRequest the request that would follow.
//
// 301, 302, 303, 307 and 308 with a Location are followed. A 303 turns every
// method but HEAD into GET, a 302 too, a 301 only POST; then, and after any 303,
// the body and the fields about it are left out. Otherwise the body is sent again,
// and one that cannot be made anew ends the chain with ErrBodyNotReplayable. Once the chain
// has left the scheme, host and port where it began, credentials are gone for the
// rest of it, also if it comes back: Authorization, Proxy-Authorization, Cookie,
// fields marked sensitive and those of WithSensitiveHeaders; cookies of the jar
// go where they belong.
func WithFollowRedirects(on bool) Option {
	return moreOption(func(m *more) error { m.follow = on; return nil })
}

// WithMaxRedirects bounds how many redirects are followed; one more is
// ErrTooManyRedirects. The default is 20; 0 follows none, and a negative number is
// an error. Responses to challenges do not count.
func WithMaxRedirects(n int) Option {
	return moreOption(func(m *more) error {
		if n < 0 {
			return fmt.Errorf("WithMaxRedirects: %d: a negative number; 0 follows none", n)
		}
		m.maxRedirects = n
		if n == 0 {
			m.maxRedirects = -1
		}
		return nil
	})
}

// WithRedirectPolicy sets a function that is asked before each redirect that
// would be followed. next may be changed, and where its URL is led to another host
// its fields go there too; via are the responses so far, the
// oldest first and the redirect last. An error from it ends the chain and is
// returned; ErrUseLastResponse makes the redirect the response.
func WithRedirectPolicy(f func(next *Request, via []*Response) error) Option {
	return moreOption(func(m *more) error { m.policy = f; return nil })
}

// WithRedirectDowngrade says whether a redirect from https to http is followed.
// By default it is refused (ErrRedirectRefused).
func WithRedirectDowngrade(on bool) Option {
	return moreOption(func(m *more) error { m.downgrade = on; return nil })
}

// WithSensitiveHeaders names fields that, like Authorization, stay at the origin
// that they were meant for.
func WithSensitiveHeaders(names ...string) Option {
	return moreOption(func(m *more) error { m.sensitive = append(m.sensitive, names...); return nil })
}

// isRedirect reports a status that redirects, with a Location (RFC 9110 §15.4).
func (r *Response) isRedirect() bool {
	switch r.StatusCode {
	case 301, 302, 303, 307, 308:
		return r.Header.Has("Location")
	}
	return false
}

// HasRedirectLocation reports a redirect that can be followed: 301, 302, 303,
// 307 or 308 with a Location.
func (r *Response) HasRedirectLocation() bool { return r.isRedirect() }

// redirect returns the request that resp calls for. With an error the request may
// still be there: it can be sent by the caller, but not followed.
func redirect(req *Request, resp *Response, m *more) (*Request, error) {
	location := resp.Header.Get("Location")
	u, err := req.URL.Resolve(location)
	if err != nil {
		return nil, fmt.Errorf("the Location of a %d is not a URL: %w", resp.StatusCode, redirectError{err})
	}
	if u.fragment == "" {
		u.fragment = req.URL.fragment // RFC 9110 §10.2.2
	}
	if u.user != req.URL.user || !u.sameOrigin(req.URL) {
		u.user = "" // of the server's choice: RFC 9110 §4.2.4
	}
	next := req.Clone()
	next.URL = u
	if next.more != nil {
		next.settings.owned = false
		_ = next.settings.edit(func(m *more) error { m.target = ""; return nil })
	}
	if method := redirectMethod(req.Method, resp.StatusCode); method != req.Method || resp.StatusCode == 303 {
		next.Method = method
		next.content = content{}
		for _, name := range [...]string{
			"Content-Length", "Content-Type", "Content-Encoding", "Content-Language",
			"Content-Location", "Content-Disposition", "Content-Range", "Content-MD5", "Content-Digest", "Repr-Digest",
			"Digest", "Transfer-Encoding", "Trailer", "Expect",
		} {
			next.Header.Del(name)
		}
		if next.more != nil {
			_ = next.settings.edit(func(m *more) error { m.trailer = nil; return nil })
		}
	}
	if !u.sameOrigin(req.URL) {
		next.leaveOrigin(m)
	}
	switch {
	case u.scheme == "http" && req.URL.scheme == "https" && (m == nil || !m.downgrade):
		return next, fmt.Errorf("%w: from https to http: see WithRedirectDowngrade", ErrRedirectRefused)
	case !next.content.canRepeat():
		return next, fmt.Errorf("%w, as a %d asks: make it by Bytes, File, ReadSeeker or BodyFunc, or load it by Request.ReadBody", ErrBodyNotReplayable, resp.StatusCode)
	}
	return next, nil
}

// sameOrigin reports equal scheme, host and port.
func (u *URL) sameOrigin(v *URL) bool { return u.scheme == v.scheme && u.addr == v.addr }

// redirectError is a bad Location: the server's fault, not the caller's URL's.
type redirectError struct{ err error }

func (e redirectError) Error() string { return strings.TrimPrefix(e.err.Error(), "httpx: ") }
func (e redirectError) Is(target error) bool {
	return target == ErrRemoteProtocol || target == ErrProtocol
}
func (e redirectError) Unwrap() error { return e.err }

// redirectMethod is the method after a redirect. A 301 may turn POST into GET, a
// 302 too (RFC 9110 §15.4.2, §15.4.3); that a 302 does so with every method is
// what user agents do.
func redirectMethod(method string, status int) string {
	switch {
	case method == "HEAD", status == 307, status == 308:
		return method
	case status == 301 && method != "POST":
		return method
	}
	return "GET"
}

// leaveOrigin takes out what was meant for the origin before.
func (r *Request) leaveOrigin(m *more) {
	kept := r.Header[:0]
	for _, f := range r.Header {
		if !staysBehind(f, m) {
			kept = append(kept, f)
		}
	}
	r.Header = kept
	if r.more != nil {
		_ = r.settings.edit(func(m *more) error { m.sni, m.cookies = "", nil; return nil })
	}
}

func staysBehind(f wire.Field, m *more) bool {
	return isSecret(f) || wire.EqualFold(f.Name, "Host") || m.isSensitive(f.Name)
}

// isSensitive reports a field that WithSensitiveHeaders names.
func (m *more) isSensitive(name string) bool {
	if m == nil {
		return false
	}
	for _, n := range m.sensitive {
		if wire.EqualFold(name, n) {
			return true
		}
	}
	return false
}

// mayFollow asks the limit and the policy.
func (x *exchange) mayFollow(next *Request, resp *Response, redirects int) error {
	limit := x.more.maxRedirects
	if limit == 0 {
		limit = defaultMaxRedirects
	}
	if redirects >= limit {
		return fmt.Errorf("%w: %d were followed: see WithMaxRedirects", ErrTooManyRedirects, redirects)
	}
	if x.more.policy == nil {
		return nil
	}
	via := append(x.history[:len(x.history):len(x.history)], resp)
	if err := x.more.policy(next, via); err != nil {
		return err
	}
	return next.checkURL()
}

// wrapRedirect puts the facts of the redirect around an error.
func wrapRedirect(resp *Response, err error) error {
	if e, ok := err.(*Error); ok {
		return e
	}
	return &Error{Op: "redirect", Request: resp.Request, Conn: resp.conn(), Sent: true, Err: err}
}
