package proxy

import (
	"encoding/base64"
	"strings"

	"gohttpx.dev/internal/grammar"
	"gohttpx.dev/wire"
)

// Basic returns the value of Proxy-Authorization for user and password in the
// Basic scheme (RFC 7617 §2), in UTF-8. A user with a colon and control bytes in
// either are refused, because the proxy would read something else. The value is
// as good as the password.
func Basic(username, password string) (string, error) {
	if strings.IndexByte(username, ':') >= 0 {
		return "", usage(StepCredentials, "a user with a colon cannot be sent by the Basic scheme (RFC 7617 §2)")
	}
	if grammar.HasControl(username) || grammar.HasControl(password) {
		return "", usage(StepCredentials, "user or password has a control byte, which the Basic scheme does not allow (RFC 7617 §2)")
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(username+":"+password)), nil
}

// ForwardTarget returns the target of a request that a proxy is to forward: the
// absolute-form (RFC 9112 §3.2.2). target is the one that the origin would get:
// path and query, or "*" (RFC 9112 §3.2.4: which becomes a URI without a path).
// authority is host[:port] as in Host.
func ForwardTarget(scheme, authority, target string) (string, error) {
	if i := wire.BadAuthority(authority); i >= 0 {
		return "", usage(StepForward, "the origin is no host[:port] at byte %d (RFC 9112 §3.2.2)", i)
	}
	if authority[0] == '[' && strings.IndexByte(authority, '%') >= 0 {
		return "", usage(StepForward, "the origin has an IPv6 zone, which means nothing to another host")
	}
	switch {
	case scheme == "":
		return "", usage(StepForward, "the origin has no scheme (RFC 9112 §3.2.2)")
	case target == "*":
		target = ""
	case target == "" || target[0] != '/':
		return "", usage(StepForward, "the target is neither a path nor \"*\" (RFC 9112 §3.2.2)")
	}
	return scheme + "://" + authority + target, nil
}

// ForwardFields appends to dst the fields of a request that a proxy is to
// forward, and returns it: those meant for the proxy, then Proxy-Authorization
// with the value auth unless that is "", then the request's own. A name that the
// request has too is left out of the former: the request wins, also with a
// Proxy-Authorization of its own.
func ForwardFields(dst, proxy wire.Fields, auth string, request wire.Fields) wire.Fields {
	for _, f := range proxy {
		if auth != "" && wire.EqualFold(f.Name, "Proxy-Authorization") {
			continue
		}
		if !request.Has(f.Name) {
			dst = append(dst, f)
		}
	}
	if auth != "" && !request.Has("Proxy-Authorization") {
		dst = append(dst, wire.Field{Name: "Proxy-Authorization", Value: auth, Sensitive: true})
	}
	return append(dst, request...)
}

// OriginFields returns the fields of a request that goes to an origin, directly
// or through a tunnel: without Proxy-Authorization, which is for proxies only
// (RFC 9110 §11.7.2), and without the old Proxy-Connection. It returns fields
// itself if there is nothing to leave out, and never changes its array.
func OriginFields(fields wire.Fields) wire.Fields {
	if !fields.Has("Proxy-Authorization") && !fields.Has("Proxy-Connection") {
		return fields
	}
	out := make(wire.Fields, 0, len(fields))
	for _, f := range fields {
		if !wire.EqualFold(f.Name, "Proxy-Authorization") && !wire.EqualFold(f.Name, "Proxy-Connection") {
			out = append(out, f)
		}
	}
	return out
}
