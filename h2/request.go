package h2

import (
	"slices"
	"strconv"
	"strings"

	"gohttpx.dev/internal/grammar"
	"gohttpx.dev/wire"
)

// The rules of requests, for error texts.
const (
	ruleMethod      = "RFC 9110 §9.1: method = token"
	ruleScheme      = "RFC 9113 §8.3.1: one valid :scheme"
	rulePath        = "RFC 9113 §8.3.1: :path is a path with its query, or \"*\" for OPTIONS"
	rulePathByte    = "RFC 9113 §8.3.1: no whitespace, control byte, fragment or byte above 0x7f in :path"
	ruleAuthority   = "RFC 9113 §8.3.1: :authority is uri-host [ \":\" port ], without userinfo"
	ruleNoAuthority = "RFC 9110 §4.2.1: an http URI has a host"
	ruleHostTarget  = "RFC 9113 §8.3.1: Host does not differ from :authority"
	ruleOneHost     = "RFC 9110 §7.2: one Host"
	ruleConnectTo   = "RFC 9113 §8.5: :authority of CONNECT is host:port"
	ruleProtocol    = "RFC 8441 §4: :protocol is a token, once, in a CONNECT request"
	rulePseudo      = "RFC 9113 §8.3: no pseudo-field but those that are defined"
	ruleSendCoding  = "RFC 9113 §8.1: no transfer coding"
	ruleSendOne     = "RFC 9110 §8.6: one Content-Length"
	ruleSendLength  = "RFC 9110 §8.6: Content-Length is the length of the content"
	ruleNoContent   = "RFC 9110 §9.3: no content in a CONNECT or TRACE request"
	ruleTraceSecret = "RFC 9110 §9.3.8: no sensitive field in a TRACE request"
	ruleExpect      = "RFC 9110 §10.1.1: no 100-continue expectation without content"
	ruleTrailer     = "RFC 9110 §6.5.1: no field in trailers that is needed before the content"
	ruleListSize    = "RFC 9113 §10.5.1: the peer's MAX_HEADER_LIST_SIZE"
)

// The pseudo-fields of requests.
const (
	PseudoMethod    = ":method"
	PseudoScheme    = ":scheme"
	PseudoAuthority = ":authority"
	PseudoPath      = ":path"
	PseudoProtocol  = ":protocol" // RFC 8441 §4
)

// defaultOrder is that of most clients.
var defaultOrder = [...]string{PseudoMethod, PseudoScheme, PseudoAuthority, PseudoPath, PseudoProtocol}

// RequestOptions say how a request is written.
type RequestOptions struct {
	// PseudoOrder is the order of the pseudo-fields; those that are missing
	// follow in the default order :method, :scheme, :authority, :path,
	// :protocol. Names that are none are ignored.
	PseudoOrder []string
	// SplitCookies makes one field line of each cookie-pair, so that those that
	// stay the same compress better (RFC 9113 §8.2.3). Default off.
	SplitCookies bool
}

// RequestInfo is what the engine has to know of a request it sends.
type RequestInfo struct {
	// Length is the length of the content in bytes, -1 if unknown.
	Length int64
	// EndStream reports that nothing follows the header section.
	EndStream bool
	// Continue reports that 100 (Continue) is asked for.
	Continue bool
	// Connect reports that a 2xx answer makes the stream a tunnel, and Extended
	// that this needs ENABLE_CONNECT_PROTOCOL of the peer (RFC 8441 §4).
	Connect, Extended bool
	// ListSize is FieldListSize of the fields.
	ListSize uint64
}

// AppendRequestFields appends the header section of r to dst: its pseudo-fields,
// then r.Fields in their order with names in lower case, and then what is
// missing:
//
//   - content-length: r.BodyLen if it is known and there is a body; without one
//     0 for POST, PUT and PATCH. A Content-Length in r.Fields must equal
//     BodyLen, or stands for it if that is negative.
//   - expect: 100-continue if r has content and Timeouts.Continue is positive,
//     unless r.Fields has an Expect.
//
// What HTTP/2 has no place for is left out (RFC 9113 §8.2.2): Connection and the
// fields that it names, Proxy-Connection, Keep-Alive, Upgrade, and a
// Transfer-Encoding of "chunked"; any other is an error. Of TE only "trailers"
// is sent. Host becomes :authority. Whitespace around values, which is no part
// of them (RFC 9110 §5.5), is cut off. Authorization, Proxy-Authorization and
// cookies shorter than 20 bytes, which can be guessed one byte at a time (RFC
// 7541 §7.1.3), come out Sensitive.
//
// The target may be in origin-form, asterisk-form or absolute-form, as for
// HTTP/1.1. For CONNECT it is host:port; with a field ":protocol" in r.Fields it
// is extended CONNECT, whose target is that of any other request.
//
// All of r is checked, and nothing of the connection is needed, so that this may
// be done before the connection's lock is taken. The error is a *wire.Error with
// KindProtocol, neither Remote nor Sent, around a *RequestError, and dst comes
// back as it was.
func AppendRequestFields(dst wire.Fields, r *wire.Request, o RequestOptions) (wire.Fields, RequestInfo, error) {
	w := requestWriter{start: len(dst), fields: dst, r: r, method: r.Method, length: -1}
	if w.method == "" {
		w.method = "GET"
	}
	if err := w.write(o); err != nil {
		return dst, RequestInfo{}, err
	}
	w.info.ListSize = FieldListSize(w.fields[w.start:])
	return w.fields, w.info, nil
}

// requestWriter is the state of AppendRequestFields.
type requestWriter struct {
	start  int
	fields wire.Fields
	r      *wire.Request
	method string
	info   RequestInfo

	// What look has found.
	protocol, host             string
	hasHost, hasConnection, te bool
	expect                     bool
	length                     int // index of Content-Length in r.Fields, -1 for none
}

func (w *requestWriter) write(o RequestOptions) error {
	if i := grammar.BadTokenByte(w.method); i >= 0 {
		return unsendable(ruleMethod, "method", grammar.ByteName(w.method[i]), i)
	}
	if err := w.look(); err != nil {
		return err
	}
	if err := w.content(); err != nil {
		return err
	}
	if err := w.pseudo(o.PseudoOrder); err != nil {
		return err
	}
	w.regular(o.SplitCookies)
	return nil
}

// look checks r.Fields and finds those that matter.
func (w *requestWriter) look() error {
	trace := w.method == "TRACE"
	for i := range w.r.Fields {
		f := &w.r.Fields[i]
		if f.Name == PseudoProtocol {
			if w.protocol != "" || w.method != "CONNECT" || !wire.IsToken(f.Value) {
				return unsendable(ruleProtocol, PseudoProtocol, "not allowed here, or no token", -1)
			}
			w.protocol = f.Value
			continue
		}
		k := known.find(f.Name)
		if err := checkField(k, f); err != nil {
			return err
		}
		if trace && isSensitive(k, f) {
			return unsendable(ruleTraceSecret, f.Name, "sensitive", -1)
		}
		switch nameKind(k, f.Name) {
		case fieldHost:
			if w.hasHost {
				return unsendable(ruleOneHost, "Host", "more than one", -1)
			}
			w.hasHost, w.host = true, grammar.Trim(f.Value)
		case fieldConnection:
			w.hasConnection = true
		case fieldCoding:
			if !wire.EqualFold(grammar.Trim(f.Value), "chunked") {
				return unsendable(ruleSendCoding, "Transfer-Encoding", "not just chunked", -1)
			}
		case fieldLength:
			if w.length >= 0 {
				return unsendable(ruleSendOne, "Content-Length", "more than one", -1)
			}
			w.length = i
		case fieldExpect:
			w.expect = true
			w.info.Continue = w.info.Continue || grammar.HasToken(f.Value, "100-continue")
		}
	}
	return nil
}

// content decides how long the content is and what follows the header section.
func (w *requestWriter) content() error {
	r, info := w.r, &w.info
	none := r.Body == nil && r.Trailers == nil
	if w.method == "CONNECT" || w.method == "TRACE" {
		if !none {
			return unsendable(ruleNoContent, "body", "not allowed with this method", -1)
		}
	}
	if r.Body != nil {
		info.Length = max(r.BodyLen, -1)
	}
	if w.length >= 0 {
		n, ok := grammar.ContentLength(grammar.Trim(r.Fields[w.length].Value))
		switch {
		case !ok:
			return unsendable(ruleSendLength, "Content-Length", "no valid number", -1)
		case info.Length >= 0 && n != info.Length:
			return unsendable(ruleSendLength, "Content-Length",
				strconv.FormatInt(n, 10)+", but the body has "+strconv.FormatInt(info.Length, 10)+" bytes", -1)
		}
		info.Length = n
	}
	if info.Continue && info.Length == 0 {
		return unsendable(ruleExpect, "Expect", "100-continue without content", -1)
	}
	info.Connect = w.method == "CONNECT"
	info.Extended = w.protocol != ""
	info.EndStream = info.Length == 0 && r.Trailers == nil && !info.Connect
	return nil
}

// pseudo appends the pseudo-fields.
func (w *requestWriter) pseudo(order []string) error {
	scheme, authority, path, err := w.target()
	if err != nil {
		return err
	}
	values := [...]string{w.method, scheme, authority, path, w.protocol} // as in defaultOrder
	add := func(i int) {
		if values[i] != "" {
			w.fields = append(w.fields, wire.Field{Name: defaultOrder[i], Value: values[i]})
			values[i] = ""
		}
	}
	for _, name := range order {
		if i := slices.Index(defaultOrder[:], name); i >= 0 {
			add(i)
		}
	}
	for i := range values {
		add(i)
	}
	return nil
}

// target returns the values of three pseudo-fields, "" for those that are left
// out.
func (w *requestWriter) target() (scheme, authority, path string, err error) {
	r := w.r
	authority = r.Authority
	if w.hasHost {
		authority = w.host
	}
	if w.method == "CONNECT" && w.protocol == "" {
		// RFC 9113 §8.5: ":scheme" and ":path" are omitted.
		if wire.BadAuthority(r.Target) >= 0 || !wire.HasPort(r.Target) {
			return "", "", "", unsendable(ruleConnectTo, "target", "no host:port", -1)
		}
		return "", r.Target, "", nil
	}
	scheme, path = lowerName(r.Scheme), r.Target
	if n := grammar.SchemeLen(path); n > 0 && strings.HasPrefix(path[n:], "://") {
		// Absolute-form, as HTTP/1.1 has it for proxies.
		rest := path[n+len("://"):]
		end := strings.IndexAny(rest, "/?#")
		if end < 0 {
			end = len(rest)
		}
		if authority != "" && !wire.EqualFold(authority, rest[:end]) {
			return "", "", "", unsendable(ruleHostTarget, "authority", "differs from that of the target", -1)
		}
		scheme, authority, path = lowerName(path[:n]), rest[:end], rest[end:]
		switch {
		case path == "" && w.method == "OPTIONS":
			path = "*"
		case path == "":
			path = "/"
		case path[0] == '?':
			path = "/" + path
		}
	}
	if !grammar.IsScheme(scheme) {
		return "", "", "", unsendable(ruleScheme, "scheme", "no scheme", -1)
	}
	if authority == "" && (scheme == "http" || scheme == "https") {
		return "", "", "", unsendable(ruleNoAuthority, "authority", "empty", -1)
	}
	if i := wire.BadAuthority(authority); i >= 0 && authority != "" {
		return "", "", "", unsendable(ruleAuthority, "authority", "no valid host[:port]", i)
	}
	for i := range len(path) {
		if c := path[i]; c <= ' ' || c >= 0x7f || c == '#' {
			return "", "", "", unsendable(rulePathByte, "target", grammar.ByteName(c), i)
		}
	}
	if path == "" || path[0] != '/' && (path != "*" || w.method != "OPTIONS") {
		return "", "", "", unsendable(rulePath, "target", "neither a path nor a URI", -1)
	}
	return scheme, authority, path, nil
}

// regular appends r.Fields and what is missing.
func (w *requestWriter) regular(splitCookies bool) {
	r := w.r
	for i := range r.Fields {
		f := &r.Fields[i]
		k := known.find(f.Name)
		kind := nameKind(k, f.Name)
		switch kind {
		case fieldHost, fieldConnection, fieldCoding, fieldHop, fieldPseudo:
			continue
		case fieldTE:
			// RFC 9113 §8.2.2: TE has no value other than "trailers".
			if !w.te && grammar.HasToken(f.Value, "trailers") {
				w.te = true
				w.fields = append(w.fields, wire.Field{Name: "te", Value: "trailers"})
			}
			continue
		}
		if w.hasConnection && w.named(f.Name) {
			continue
		}
		out := wire.Field{Name: lowerKnown(k, f.Name), Value: grammar.Trim(f.Value), Sensitive: isSensitive(k, f)}
		if kind == fieldCookie && splitCookies {
			w.cookies(out, f.Sensitive)
			continue
		}
		w.fields = append(w.fields, out)
	}
	info := &w.info
	switch {
	case w.length >= 0 || info.Length < 0 || info.Connect:
	case r.Body != nil || w.method == "POST" || w.method == "PUT" || w.method == "PATCH":
		w.fields = append(w.fields, wire.Field{Name: "content-length", Value: strconv.FormatInt(info.Length, 10)})
	}
	if r.Body != nil && info.Length != 0 && !w.expect && r.Timeouts.Continue > 0 {
		info.Continue = true
		w.fields = append(w.fields, wire.Field{Name: "expect", Value: "100-continue"})
	}
}

// named reports whether a Connection field names the field.
func (w *requestWriter) named(name string) bool {
	for i := range w.r.Fields {
		f := &w.r.Fields[i]
		if kindOf(f.Name) == fieldConnection && grammar.HasToken(f.Value, name) {
			return true
		}
	}
	return false
}

// cookies appends one field line for each cookie-pair of f.
func (w *requestWriter) cookies(f wire.Field, sensitive bool) {
	rest, more := f.Value, true
	for more {
		var one string
		one, rest, more = strings.Cut(rest, ";")
		if one = grammar.Trim(one); one == "" {
			continue
		}
		c := wire.Field{Name: f.Name, Value: one, Sensitive: sensitive || len(one) < shortCookie}
		w.fields = append(w.fields, c)
	}
}

// AppendTrailerFields appends a trailer section to dst, with names in lower
// case and values without the whitespace around them. Fields that frame or route
// a message, and pseudo-fields, are errors (RFC 9110 §6.5.1). The error is as
// that of AppendRequestFields, but Sent is up to the caller to set.
func AppendTrailerFields(dst wire.Fields, trailers wire.Fields) (wire.Fields, error) {
	start := len(dst)
	out := dst
	for i := range trailers {
		f := &trailers[i]
		k := known.find(f.Name)
		err := checkField(k, f)
		kind := nameKind(k, f.Name)
		if err == nil && (kind != fieldPlain && kind != fieldCookie || isSecret(f.Name)) {
			err = unsendable(ruleTrailer, f.Name, "not allowed in trailers", -1)
		}
		if err != nil {
			clear(out[start:])
			return dst, err
		}
		out = append(out, wire.Field{Name: lowerKnown(k, f.Name), Value: grammar.Trim(f.Value), Sensitive: isSensitive(k, f)})
	}
	return out, nil
}

// FieldListSize is the size of a field section as MAX_HEADER_LIST_SIZE counts
// it (RFC 9113 §6.5.2): the bytes of names and values, and 32 for each field.
func FieldListSize(f wire.Fields) uint64 {
	n := uint64(0)
	for i := range f {
		n += uint64(len(f[i].Name)) + uint64(len(f[i].Value)) + 32
	}
	return n
}

// CheckListSize reports a field section of size bytes that is larger than the
// peer takes, as a local error, before anything is written.
func CheckListSize(size uint64, max uint32) error {
	if max != Unlimited && size > uint64(max) {
		return unsendable(ruleListSize, "fields",
			strconv.FormatUint(size, 10)+" bytes, but the peer takes "+strconv.FormatUint(uint64(max), 10), -1)
	}
	return nil
}
