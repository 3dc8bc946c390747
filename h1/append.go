package h1

import (
	"strconv"
	"strings"

	"gohttpx.dev/internal/grammar"
	"gohttpx.dev/wire"
)

// The rules of requests, for error texts.
const (
	ruleMethod       = "RFC 9110 §9.1: method = token"
	ruleTarget       = "RFC 9112 §3.2: request-target"
	ruleTargetByte   = "RFC 9112 §3.2: no whitespace, control byte, fragment or byte above 0x7f in request-target"
	ruleAuthForm     = "RFC 9112 §3.2.3: the target of CONNECT is host:port"
	ruleAsterisk     = "RFC 9112 §3.2.4: \"*\" is the target of OPTIONS only"
	ruleUserinfo     = "RFC 9110 §4.2.4: no userinfo in an http or https target"
	ruleHost         = "RFC 9112 §3.2: one Host, uri-host [ \":\" port ]"
	ruleHostTarget   = "RFC 9112 §3.2: Host is identical to the authority of the target URI"
	ruleSendLength   = "RFC 9110 §8.6: Content-Length is the length of the content"
	ruleSendOne      = "RFC 9110 §8.6: one Content-Length"
	ruleSendBoth     = "RFC 9112 §6.2: no Content-Length beside Transfer-Encoding"
	ruleChunked10    = "RFC 9112 §6.1: no Transfer-Encoding to a server of HTTP/1.0"
	ruleSendCoding   = "RFC 9112 §6.1: the only transfer coding sent is \"chunked\", once"
	ruleNoContent    = "RFC 9110 §9.3: no content in a CONNECT or TRACE request"
	ruleTraceSecret  = "RFC 9110 §9.3.8: no sensitive field in a TRACE request"
	ruleExpect       = "RFC 9110 §10.1.1: no 100-continue expectation without content"
	ruleTE           = "RFC 9112 §7.4: \"chunked\" is not listed in TE"
	ruleTrailer      = "RFC 9110 §6.5.1: no field in trailers that is needed before the content"
	ruleNoAuthority  = "RFC 9110 §4.2.1: an http URI has a host"
	ruleSendAlone    = "RFC 9112 §6.1: Transfer-Encoding announces a message body"
	ruleTrailersNeed = "RFC 9112 §6.5: trailers need the chunked coding"
)

// AppendRequest appends the head of r as HTTP/1.1 (RFC 9112 §3): the request
// line, Host unless r.Fields has one, r.Fields in their order and case, and then
// what is missing:
//
//   - Content-Length: r.BodyLen, or Transfer-Encoding: chunked where BodyLen is
//     negative or Trailers is set; without a body Content-Length: 0 for POST,
//     PUT and PATCH, and nothing for the other methods. A Content-Length in
//     r.Fields must equal BodyLen, or stands for it if that is negative; a
//     Transfer-Encoding in r.Fields must be "chunked", which is then used.
//   - Expect: 100-continue if r has content and Timeouts.Continue is positive,
//     unless r.Fields has an Expect.
//   - Connection, with the options TE and Upgrade, for those of the two fields
//     that r.Fields has without the option.
//
// All of r is checked before the first byte is appended. The error is a
// *wire.Error with KindProtocol, neither Remote nor Sent, around a
// *RequestError, and dst comes back as it was. Its text quotes no value.
//
// The target is written as it is. It may be in any form that suits the method
// (RFC 9112 §3.2); its characters are checked only as far as they could change
// what the request line means. Of rules only AllowRawTarget is used.
func AppendRequest(dst []byte, r *wire.Request, rules Rules) ([]byte, error) {
	method := methodOf(r)
	if i := grammar.BadTokenByte(method); i >= 0 {
		return dst, unsendable(ruleMethod, "method", grammar.ByteName(method[i]), i)
	}
	if err := checkTarget(method, r.Target, rules); err != nil {
		return dst, err
	}
	for i := range r.Fields {
		if err := checkField(&r.Fields[i]); err != nil {
			return dst, err
		}
	}
	m, err := look(r.Fields)
	if err != nil {
		return dst, err
	}
	host, err := hostOf(method, r, &m)
	if err != nil {
		return dst, err
	}
	chunked, length, err := m.framing(method, r)
	if err != nil {
		return dst, err
	}
	content := r.Body != nil && (chunked || length > 0)
	if m.continues && !content {
		return dst, unsendable(ruleExpect, "Expect", "100-continue without content", -1)
	}
	if method == "TRACE" {
		for i := range r.Fields {
			if r.Fields[i].Sensitive || isSecret(r.Fields[i].Name) {
				return dst, unsendable(ruleTraceSecret, r.Fields[i].Name, "sensitive", -1)
			}
		}
	}

	dst = append(dst, method...)
	dst = append(dst, ' ')
	dst = append(dst, r.Target...)
	dst = append(dst, " HTTP/1.1\r\n"...)
	if m.host < 0 {
		// RFC 9110 §7.2: Host "as the first field in the header section".
		dst = append(dst, "Host: "...)
		dst = append(dst, host...)
		dst = append(dst, "\r\n"...)
	}
	dst = appendFields(dst, r.Fields)
	switch {
	case m.length >= 0 || m.coding >= 0:
	case chunked:
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	case r.Body != nil || method == "POST" || method == "PUT" || method == "PATCH":
		dst = append(dst, "Content-Length: "...)
		dst = strconv.AppendInt(dst, length, 10)
		dst = append(dst, "\r\n"...)
	}
	if content && !m.expect && r.Timeouts.Continue > 0 {
		dst = append(dst, "Expect: 100-continue\r\n"...)
	}
	if m.te || m.upgrade {
		switch te, upgrade := m.te && !hasOption(r.Fields, "te"), m.upgrade && !hasOption(r.Fields, "upgrade"); {
		case te && upgrade:
			dst = append(dst, "Connection: TE, Upgrade\r\n"...)
		case te:
			dst = append(dst, "Connection: TE\r\n"...)
		case upgrade:
			dst = append(dst, "Connection: Upgrade\r\n"...)
		}
	}
	return append(dst, "\r\n"...), nil
}

// RequestFraming says how the content of a request that AppendRequest accepts
// is delimited: by the chunked coding, or else by its length in bytes, 0 for
// none. With Trailers it is chunked even if there is no Body: the last chunk and
// the trailer section must be sent all the same.
func RequestFraming(r *wire.Request) (chunked bool, length int64) {
	m, err := look(r.Fields)
	if err == nil {
		chunked, length, _ = m.framing(methodOf(r), r)
	}
	return chunked, length
}

// ExpectsContinue reports whether the head that AppendRequest writes for r asks
// for 100 (Continue).
func ExpectsContinue(r *wire.Request) bool {
	m, err := look(r.Fields)
	if err != nil || m.expect {
		return err == nil && m.continues
	}
	if r.Body == nil || r.Timeouts.Continue <= 0 {
		return false
	}
	chunked, length, err := m.framing(methodOf(r), r)
	return err == nil && (chunked || length > 0)
}

func methodOf(r *wire.Request) string {
	if r.Method == "" {
		return "GET"
	}
	return r.Method
}

// marks are the fields of a request that the codec has to know of.
type marks struct {
	host, length, coding int  // index of the field, -1 for none
	expect, continues    bool // has Expect; asks for 100-continue
	te, upgrade          bool // has TE; has Upgrade
}

// look finds the fields that matter, and refuses what they must not say.
func look(fields wire.Fields) (m marks, err *wire.Error) {
	m.host, m.length, m.coding = -1, -1, -1
	for i := range fields {
		f := &fields[i]
		switch len(f.Name) {
		case len("TE"):
			if wire.EqualFold(f.Name, "TE") {
				m.te = true
				if hasCoding(f.Value, "chunked") {
					return m, unsendable(ruleTE, "TE", "lists chunked", -1)
				}
			}
		case len("Host"):
			if wire.EqualFold(f.Name, "Host") {
				if m.host >= 0 {
					return m, unsendable(ruleHost, "Host", "more than one", -1)
				}
				m.host = i
			}
		case len("Expect"):
			if wire.EqualFold(f.Name, "Expect") {
				m.expect = true
				m.continues = m.continues || grammar.HasToken(f.Value, "100-continue")
			}
		case len("Upgrade"):
			m.upgrade = m.upgrade || wire.EqualFold(f.Name, "Upgrade")
		case len("Content-Length"):
			if wire.EqualFold(f.Name, "Content-Length") {
				if m.length >= 0 {
					return m, unsendable(ruleSendOne, "Content-Length", "more than one", -1)
				}
				m.length = i
			}
		case len("Transfer-Encoding"):
			if wire.EqualFold(f.Name, "Transfer-Encoding") {
				if m.coding >= 0 || !wire.EqualFold(grammar.Trim(f.Value), "chunked") {
					return m, unsendable(ruleSendCoding, "Transfer-Encoding", "not just chunked", -1)
				}
				m.coding = i
			}
		}
	}
	if m.length >= 0 && m.coding >= 0 {
		return m, unsendable(ruleSendBoth, "Content-Length", "beside Transfer-Encoding", -1)
	}
	return m, nil
}

// framing decides how the content of r is delimited and whether the fields say
// so.
func (m *marks) framing(method string, r *wire.Request) (chunked bool, length int64, err *wire.Error) {
	none := r.Body == nil && r.Trailers == nil
	if !none && (method == "CONNECT" || method == "TRACE") {
		return false, 0, unsendable(ruleNoContent, "body", "not allowed with this method", -1)
	}
	if !none {
		length = r.BodyLen
	}
	if m.length >= 0 {
		n, rule := parseLength(grammar.Trim(r.Fields[m.length].Value))
		switch {
		case rule != "":
			return false, 0, unsendable(rule, "Content-Length", "no valid number", -1)
		case r.Trailers != nil:
			return false, 0, unsendable(ruleTrailersNeed, "Content-Length", "beside trailers", -1)
		case length >= 0 && n != length:
			return false, 0, unsendable(ruleSendLength, "Content-Length",
				strconv.FormatInt(n, 10)+", but the body has "+strconv.FormatInt(length, 10)+" bytes", -1)
		}
		return false, n, nil
	}
	if m.coding >= 0 {
		if none {
			return false, 0, unsendable(ruleSendAlone, "Transfer-Encoding", "without a body", -1)
		}
		return true, -1, nil
	}
	if r.Trailers != nil || length < 0 {
		return true, -1, nil
	}
	return false, length, nil
}

// hostOf returns the value of the Host field to add, having checked it or the
// one that r.Fields has.
func hostOf(method string, r *wire.Request, m *marks) (string, *wire.Error) {
	if m.host >= 0 {
		// RFC 9112 §3.2: it is empty "If the authority component is missing
		// or undefined for the target URI", which only the user can know.
		v := grammar.Trim(r.Fields[m.host].Value)
		if i := wire.BadAuthority(v); i >= 0 && v != "" {
			return "", unsendable(ruleHost, "Host", "no valid host[:port]", i)
		}
		return "", nil
	}
	host := r.Authority
	if host == "" && method == "CONNECT" {
		host = r.Target
	}
	if host == "" {
		return "", unsendable(ruleNoAuthority, "authority", "empty", -1)
	}
	if i := wire.BadAuthority(host); i >= 0 {
		return "", unsendable(ruleHost, "authority", "no valid host[:port]", i)
	}
	if method != "CONNECT" {
		if a, ok := targetAuthority(r.Target); ok && !wire.EqualFold(a, host) {
			return "", unsendable(ruleHostTarget, "authority", "differs from that of the target", -1)
		}
	}
	return host, nil
}

// checkTarget checks the form and the bytes of a request target.
func checkTarget(method, target string, rules Rules) *wire.Error {
	if target == "" {
		return unsendable(ruleTarget, "target", "empty", -1)
	}
	for i := range len(target) {
		c := target[i]
		if c <= ' ' || c == 0x7f || c == '#' || c >= 0x80 && !rules.allows(AllowRawTarget) {
			return unsendable(ruleTargetByte, "target", grammar.ByteName(c), i)
		}
	}
	switch {
	case method == "CONNECT":
		if wire.BadAuthority(target) >= 0 || !wire.HasPort(target) {
			return unsendable(ruleAuthForm, "target", "no host:port", -1)
		}
	case target == "*":
		if method != "OPTIONS" {
			return unsendable(ruleAsterisk, "target", "\"*\"", -1)
		}
	case target[0] == '/':
	default:
		n := grammar.SchemeLen(target)
		if n == 0 || n+1 == len(target) {
			return unsendable(ruleTarget, "target", "neither a path nor a URI", -1)
		}
		if a, ok := targetAuthority(target); ok {
			if i := strings.LastIndexByte(a, '@'); i >= 0 {
				return unsendable(ruleUserinfo, "target", "userinfo", n+len("://")+i)
			}
		} else if wire.EqualFold(target[:n], "http") || wire.EqualFold(target[:n], "https") {
			return unsendable(ruleNoAuthority, "target", "no host", -1)
		}
	}
	return nil
}

// isSecret reports whether a field of that name holds credentials.
func isSecret(name string) bool {
	return wire.EqualFold(name, "Authorization") || wire.EqualFold(name, "Proxy-Authorization") || wire.EqualFold(name, "Cookie")
}

// targetAuthority returns the authority of a target in absolute-form.
func targetAuthority(target string) (string, bool) {
	n := grammar.SchemeLen(target)
	if n == 0 || !strings.HasPrefix(target[n:], "://") {
		return "", false
	}
	a := target[n+len("://"):]
	if i := strings.IndexAny(a, "/?"); i >= 0 {
		a = a[:i]
	}
	return a, a != ""
}

// checkField checks the name and the value of one field.
func checkField(f *wire.Field) *wire.Error {
	if i := grammar.BadTokenByte(f.Name); i >= 0 {
		what := "empty"
		if i < len(f.Name) {
			what = grammar.ByteName(f.Name[i])
		}
		// Of a bad name only its good start is shown: the rest may be a value.
		return unsendable(ruleName, "field name "+strconv.Quote(f.Name[:i]), what, i)
	}
	if !wire.IsFieldValue(f.Value) {
		for i := range len(f.Value) {
			if !wire.IsValueByte(f.Value[i]) {
				return unsendable(ruleValue, f.Name, grammar.ByteName(f.Value[i]), i)
			}
		}
	}
	return nil
}

func appendFields(dst []byte, fields wire.Fields) []byte {
	for i := range fields {
		dst = append(dst, fields[i].Name...)
		dst = append(dst, ": "...)
		dst = append(dst, fields[i].Value...)
		dst = append(dst, "\r\n"...)
	}
	return dst
}

// hasCoding reports whether the list has the coding, with or without
// parameters.
func hasCoding(list, coding string) bool {
	for more := true; more; {
		var one string
		one, list, more = strings.Cut(list, ",")
		one, _, _ = strings.Cut(one, ";")
		if wire.EqualFold(grammar.Trim(one), coding) {
			return true
		}
	}
	return false
}
