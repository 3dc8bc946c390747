package httpx

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"gohttpx.dev/internal/grammar"
	"gohttpx.dev/wire"
)

// Auth authenticates requests. Authenticate runs for each request of a call, so
// again after a redirect within the origin. It may change req, which is a copy of
// the caller's, must send by next, and returns the response that the call goes on
// with. It may call next any number of times, also with requests of its own; a
// response that is not returned must be closed before the next request is sent,
// or its connection is missing meanwhile. The body of a response has not been read:
//
//	resp, err := next(ctx, req)
//	if err != nil || resp.StatusCode != 401 {
//		return resp, err
//	}
//	resp.Close()
//	req.Header.Set("Authorization", …)
//	return next(ctx, req)
//
// next sends one request, through cookies and hooks, and follows no redirect. All
// responses but the last become the History of the last.
//
// An Auth is used by many goroutines at once. Its errors reach the caller as an
// *Error with the Op "auth" unless they are one already; they must not hold
// secrets.
type Auth interface {
	// Authenticate sends req by way of next, which is good until it returns.
	Authenticate(ctx context.Context, req *Request, next func(context.Context, *Request) (*Response, error)) (*Response, error)
}

// OriginAuth is an Auth with an opinion on redirects. Any other stays with the
// origin it was made for: scheme, host and port.
type OriginAuth interface {
	Auth
	// ForOrigin returns what authenticates a request that was redirected from
	// one origin to another; nil for nothing.
	ForOrigin(from, to *URL) Auth
}

// BufferedRequest marks an Auth that reads the request's body, to sign it for
// instance: the body is in memory when Authenticate is called, whatever it was
// made of, and can be sent any number of times.
type BufferedRequest interface {
	Auth
	// BufferedRequest is never called.
	BufferedRequest()
}

// BufferedResponse marks an Auth that reads the bodies of responses: next
// returns them buffered, so that Bytes, Text and JSON have what was sent and
// nothing need be closed.
type BufferedResponse interface {
	Auth
	// BufferedResponse is never called.
	BufferedResponse()
}

// AuthFunc is an Auth that changes the request, a copy of the caller's, and
// nothing else. Its error aborts the call before anything is sent.
type AuthFunc func(*Request) error

// Authenticate sends the request that f has changed.
func (f AuthFunc) Authenticate(ctx context.Context, req *Request, next func(context.Context, *Request) (*Response, error)) (*Response, error) {
	if f == nil {
		return nil, authError(req, errors.New("a nil AuthFunc"))
	}
	if err := f(req); err != nil {
		return nil, authError(req, err)
	}
	return next(ctx, req)
}

// BasicAuth sends user and password with the first request, as UTF-8 (RFC 7617).
// A user with a colon, and control characters in either, are refused before
// anything is sent. The bytes are sent as they are: whoever has passwords beyond
// ASCII normalises them as the server does (RFC 7617 §2.1 says NFC).
func BasicAuth(user, password string) Auth {
	value, err := basicValue(user, password)
	return &fixedAuth{"httpx.BasicAuth", hide(value), err}
}

// basicValue is the field value of RFC 7617 §2.
func basicValue(user, password string) (string, error) {
	switch {
	case grammar.HasControl(user) || grammar.HasControl(password):
		return "", errors.New("user and password may not have control characters (RFC 7617 §2)")
	case strings.Contains(user, ":"):
		return "", errors.New("a user with a colon cannot be sent by Basic (RFC 7617 §2)")
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)), nil
}

// BearerAuth sends a token that does not change (RFC 6750 §2.1). It goes over
// http as over https: who sends it in the clear gives it away. See TokenAuth for
// tokens that expire.
func BearerAuth(token string) Auth {
	value, err := bearerValue(token)
	return &fixedAuth{"httpx.BearerAuth", hide(value), err}
}

func bearerValue(token string) (string, error) {
	if token == "" {
		return "", errors.New("an empty token")
	}
	for i := 0; i < len(token); i++ {
		if token[i] <= ' ' || token[i] >= 0x7f {
			return "", fmt.Errorf("byte %d of the token, of %d, is a blank, a control character or not ASCII (RFC 6750 §2.1)", i, len(token))
		}
	}
	return "Bearer " + token, nil
}

// fixedAuth sends the same value every time.
type fixedAuth struct {
	mask
	value secret
	err   error
}

func (a *fixedAuth) Authenticate(ctx context.Context, req *Request, next func(context.Context, *Request) (*Response, error)) (*Response, error) {
	if a.err != nil {
		return nil, authError(req, a.err)
	}
	setAuthorization(req, a.value())
	return next(ctx, req)
}

// mask is the name by which a value with secrets is printed, whatever the verb.
type mask string

func (m mask) Format(s fmt.State, _ rune) { io.WriteString(s, m.String()) }

func (m mask) String() string { return string(m) + "(…)" }

func (m mask) LogValue() slog.Value { return slog.StringValue(m.String()) }

// secret keeps its string from fmt, which calls no method on a field that is not
// exported but prints what is in it.
type secret func() string

func hide(s string) secret { return func() string { return s } }

// authenticate runs a's flow with what its marks ask for.
func authenticate(ctx context.Context, a Auth, req *Request, next func(context.Context, *Request) (*Response, error)) (*Response, error) {
	if _, ok := a.(BufferedRequest); ok {
		if !req.canResend() {
			if _, err := req.ReadBody(ctx); err != nil {
				return nil, err
			}
		}
	}
	if _, ok := a.(BufferedResponse); ok {
		send := next
		next = func(ctx context.Context, r *Request) (*Response, error) {
			resp, err := send(ctx, r)
			if err == nil {
				err = resp.Buffer()
			}
			if err != nil {
				return nil, err
			}
			return resp, nil
		}
	}
	resp, err := a.Authenticate(ctx, req, next)
	req.content.drop() // if it was not sent, it never will be
	if err == nil && resp == nil {
		err = fmt.Errorf("%T.Authenticate returned neither a response nor an error", a)
	}
	return resp, err
}

// authError is an error of the flow itself. Its cause may be the failure of another
// request, whose phase is not this one's.
func authError(req *Request, err error) error {
	if _, ok := err.(*Error); ok {
		return err
	}
	return &Error{Op: "auth", Request: req, Err: err}
}

// setAuthorization replaces the credentials of r.
func setAuthorization(r *Request, value string) {
	r.Header.Del("Authorization")
	r.Header = append(r.Header, wire.Field{Name: "Authorization", Value: value, Sensitive: true})
}
