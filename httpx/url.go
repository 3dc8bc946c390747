package httpx

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// maxURLBytes bounds the length of a URL that is accepted.
const maxURLBytes = 64 << 10

// URL is a parsed and normalised http or https URL, or a reference relative to
// a client's base URL. It is immutable and safe for concurrent use.
//
// Normalised means: scheme and host in lower case, the host as an A-label (RFC
// 5891), no default port and no leading zeros in another, no dot segments (RFC 3986 §5.2.4), and bytes that may
// not stand in a URL percent-encoded. An escape that is there already is never
// encoded again.
type URL struct {
	scheme    string // "http", "https", or "" for a relative reference
	user      string // raw user information, without "@"
	host      string // lower case; IPv6 without brackets
	port      string // without leading zeros, "" if it is the scheme's default
	authority string // host[:port], the value of Host
	addr      string // host:port, the port always present
	target    string // path and query as sent; never empty for an absolute URL
	path      string // "" or starting with "/" for an absolute URL
	query     string // without "?"
	fragment  string // without "#"
	hasQuery  bool
}

// ParseURL parses an absolute URL or a relative reference. The error matches
// ErrInvalidURL and says at which byte which rule was broken; a scheme other
// than http and https matches ErrUnsupportedScheme.
func ParseURL(s string) (*URL, error) {
	u := new(URL)
	if err := u.parse(s); err != nil {
		return nil, err
	}
	return u, nil
}

func (u *URL) parse(s string) error {
	if len(s) > maxURLBytes {
		return invalidURL("%d bytes are more than the %d that a URL may have", len(s), maxURLBytes)
	}
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] == 0x7f {
			return invalidURL("control byte 0x%02x at offset %d", s[i], i)
		}
	}
	rest := s
	if i := strings.IndexByte(rest, '#'); i >= 0 {
		u.fragment = escapeURL(rest[i+1:], urlFragment)
		rest = rest[:i]
	}
	if i := strings.IndexByte(rest, ':'); i > 0 && isScheme(rest[:i]) {
		u.scheme = strings.ToLower(rest[:i])
		rest = rest[i+1:]
		if u.scheme != "http" && u.scheme != "https" {
			if port, _, _ := strings.Cut(rest, "/"); port != "" && validPort(port) {
				return &Error{Op: "url", Err: fmt.Errorf("%w %q: if that is a host, write http:// or https:// before it", ErrUnsupportedScheme, u.scheme)}
			}
			return &Error{Op: "url", Err: fmt.Errorf("%w %q: use http or https", ErrUnsupportedScheme, u.scheme)}
		}
		if !strings.HasPrefix(rest, "//") {
			return invalidURL("%s: must be followed by //", u.scheme)
		}
		rest = rest[2:]
		end := strings.IndexAny(rest, "/?")
		if end < 0 {
			end = len(rest)
		}
		if err := u.parseAuthority(rest[:end]); err != nil {
			return err
		}
		rest = rest[end:]
	}
	u.setPathAndQuery(rest)
	return nil
}

// setPathAndQuery takes the part behind the authority. Where nothing had to be
// changed, path, query and target are substrings of it.
func (u *URL) setPathAndQuery(s string) {
	path, query, hasQuery := strings.Cut(s, "?")
	p := escapeURL(path, urlPath)
	if u.scheme != "" && strings.Contains(p, "/.") {
		p = removeDotSegments(p)
	}
	q := escapeURL(query, urlQuery)
	u.path, u.query, u.hasQuery = p, q, hasQuery
	switch {
	case p == path && q == query && p != "":
		u.target = s
	case hasQuery:
		u.target = orSlash(p) + "?" + q
	default:
		u.target = orSlash(p)
	}
}

func orSlash(p string) string {
	if p == "" {
		return "/"
	}
	return p
}

func (u *URL) parseAuthority(s string) error {
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		u.user = s[:i]
		s = s[i+1:]
		if strings.IndexByte(u.user, '\\') >= 0 {
			// Some parsers take it for "/" and would see another host.
			return invalidURL("a backslash may not stand before the host")
		}
	}
	host, port := s, ""
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return invalidURL("no ] closes the IPv6 address")
		}
		a, err := netip.ParseAddr(s[1:end])
		if err != nil || !a.Is6() {
			return invalidURL("%q is no IPv6 address", s[1:end])
		}
		if a.Zone() != "" {
			return invalidURL("an IPv6 zone identifier may not stand in a URL")
		}
		u.host = strings.ToLower(s[1:end])
		host, port = s[:end+1], s[end+1:]
		if port != "" && port[0] != ':' {
			return invalidURL("%q after the IPv6 address", port)
		}
		port = strings.TrimPrefix(port, ":")
	} else {
		if i := strings.IndexByte(s, ':'); i >= 0 {
			host, port = s[:i], s[i+1:]
		}
		h, err := normalHost(host)
		if err != nil {
			return err
		}
		u.host = h
	}
	if !validPort(port) {
		// Not quoted: of "http://user:pass/word@host" it is half the password.
		return invalidURL("the port is not a number from 0 to 65535")
	}
	written := port
	if port != "" && port[0] == '0' { // "080" is the same port, and the same origin
		if port = strings.TrimLeft(port, "0"); port == "" {
			port = "0"
		}
	}
	u.port = port
	def := "443"
	if u.scheme == "http" {
		def = "80"
	}
	hostport := s // s is what was written: host[:port], and mostly needs no change
	shown := u.host
	if host != "" && host[0] == '[' {
		shown = strings.ToLower(host)
	}
	switch {
	case port == "" || port == def:
		u.port = ""
		u.authority = shown
		u.addr = shown + ":" + def
	case shown == host && port == written:
		u.authority, u.addr = hostport, hostport
	default:
		u.authority = shown + ":" + port
		u.addr = u.authority
	}
	return nil
}

// normalHost lower-cases a name or IPv4 address and turns an internationalised
// one into its A-label form (UTS 46, non-transitional).
func normalHost(h string) (string, error) {
	if h == "" {
		return "", invalidURL("no host: write it as https://example.org/path")
	}
	ascii, upper := true, false
	for i := 0; i < len(h); i++ {
		c := h[i]
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '.', c == '_':
		case 'A' <= c && c <= 'Z':
			upper = true
		case c >= 0x80:
			ascii = false
		default:
			return "", invalidURL("byte %q may not stand in a host", c)
		}
	}
	if !ascii {
		if !utf8.ValidString(h) {
			return "", invalidURL("the host is not UTF-8")
		}
		a, err := idna.Lookup.ToASCII(h)
		if err != nil {
			return "", invalidURL("host %q is no valid internationalised name: %v", h, err)
		}
		h = a
	} else if upper {
		h = strings.ToLower(h)
	}
	// IDNA maps some runes to a dot and others to nothing, and what is left must
	// be looked at again: a dialler takes no host at all for this machine.
	if h == "" || h[0] == '.' || strings.Contains(h, "..") {
		return "", invalidURL("a part of the host is empty")
	}
	if len(h) > 254 || len(h) == 254 && h[253] != '.' {
		return "", invalidURL("a host of %d bytes: at most 253 are allowed", len(h))
	}
	last := strings.TrimSuffix(h, ".")
	last = last[strings.LastIndexByte(last, '.')+1:]
	if endsInNumber(last) {
		if a, err := netip.ParseAddr(h); err != nil || !a.Is4() {
			return "", invalidURL("%q is no IPv4 address", h)
		}
	}
	return h, nil
}

// endsInNumber reports whether a name with this last label is an IPv4 address to
// some: the C library takes 0x7f000001 for 127.0.0.1, and so may a resolver
// that is built on it. The URL standard calls it so, too.
func endsInNumber(last string) bool {
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}

func validPort(p string) bool {
	n := 0
	for i := 0; i < len(p); i++ {
		if p[i] < '0' || p[i] > '9' {
			return false
		}
		if n = n*10 + int(p[i]-'0'); n > 65535 {
			return false
		}
	}
	return true
}

func isScheme(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i] | 0x20
		switch {
		case 'a' <= c && c <= 'z':
		case i > 0 && ('0' <= s[i] && s[i] <= '9' || s[i] == '+' || s[i] == '-' || s[i] == '.'):
		default:
			return false
		}
	}
	return true
}

// removeDotSegments is RFC 3986 §5.2.4 for an absolute path.
func removeDotSegments(p string) string {
	out := make([]string, 0, 8)
	segments := strings.Split(p[1:], "/")
	for i, seg := range segments {
		last := i == len(segments)-1
		switch seg {
		case ".", "..":
			if seg == ".." && len(out) > 0 {
				out = out[:len(out)-1]
			}
			if last {
				out = append(out, "")
			}
		default:
			out = append(out, seg)
		}
	}
	return "/" + strings.Join(out, "/")
}

// IsAbs reports whether u has a scheme and a host.
func (u *URL) IsAbs() bool { return u.scheme != "" }

// Scheme returns "http", "https", or "" for a relative reference.
func (u *URL) Scheme() string { return u.scheme }

// Host returns the host in lower case, IPv6 addresses without brackets.
func (u *URL) Host() string { return u.host }

// Port returns the port, or "" if it is the scheme's default.
func (u *URL) Port() string { return u.port }

// Authority returns host[:port] as it is sent in Host.
func (u *URL) Authority() string { return u.authority }

// Path returns the path as it is sent, percent-encoded.
func (u *URL) Path() string { return u.path }

// RawQuery returns the query as it is sent, without the question mark.
func (u *URL) RawQuery() string { return u.query }

// Fragment returns the fragment, which is never sent.
func (u *URL) Fragment() string { return u.fragment }

// Target returns the request target in origin-form: path and query.
func (u *URL) Target() string { return u.target }

// userPassword decodes the user information.
func (u *URL) userPassword() (user, password string) {
	user, password, _ = strings.Cut(u.user, ":")
	return unescape(user), unescape(password)
}

func unescape(s string) string {
	if d, err := url.PathUnescape(s); err == nil {
		return d
	}
	return s
}

// String returns the URL, user information and all. Redacted is for logs.
func (u *URL) String() string { return u.render(u.user, u.query) }

// Redacted returns the URL without what may be secret: no user information, no
// fragment, and of the query the names alone. A relative reference with an "@"
// may be an absolute URL gone wrong (" https://user:password@host"), and nothing
// of it is shown.
func (u *URL) Redacted() string {
	if u == nil {
		return ""
	}
	if u.scheme == "" && strings.Contains(u.render("", u.query), "@") {
		return "…"
	}
	q := u.query
	if q != "" {
		pairs := strings.Split(q, "&")
		for i, p := range pairs {
			if k, v, ok := strings.Cut(p, "="); ok && v != "" {
				pairs[i] = k + "=…"
			} else if !ok && len(p) > 16 {
				pairs[i] = "…"
			}
		}
		q = strings.Join(pairs, "&")
	}
	r := *u
	r.fragment = ""
	return r.render("", q)
}

func (u *URL) render(user, query string) string {
	var b strings.Builder
	if u.scheme != "" {
		b.WriteString(u.scheme)
		b.WriteString("://")
		if user != "" {
			b.WriteString(user)
			b.WriteByte('@')
		}
		b.WriteString(u.authority)
	}
	b.WriteString(u.path)
	if u.hasQuery {
		b.WriteByte('?')
		b.WriteString(query)
	}
	if u.fragment != "" {
		b.WriteByte('#')
		b.WriteString(u.fragment)
	}
	return b.String()
}

// join puts a relative reference behind the base: its path is appended, not
// resolved, so that "/items" below ".../v1" is ".../v1/items". The base's
// query comes first.
func (u *URL) join(ref *URL) *URL {
	r := *u
	r.fragment = ref.fragment
	path := u.path
	if ref.path != "" {
		path = strings.TrimSuffix(u.path, "/") + "/" + strings.TrimLeft(ref.path, "/")
	}
	query, has := u.query, u.hasQuery
	if ref.hasQuery {
		query, has = joinQuery(query, ref.query), true
	}
	if has {
		path += "?" + query
	}
	r.setPathAndQuery(path)
	return &r
}

// withQuery returns a copy to which pairs are appended.
func (u *URL) withQuery(pairs string) *URL {
	r := *u
	r.setPathAndQuery(u.path + "?" + joinQuery(u.query, pairs))
	return &r
}

func joinQuery(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "&" + b
}

// The sets of bytes that stay as they are, by component (the percent-encode
// sets of the URL standard). "%" stays everywhere: an escape is never escaped.
const (
	urlPath = 1 << iota
	urlQuery
	urlFragment
)

var urlSafe = func() (t [128]byte) {
	for c := byte(0x21); c < 0x7f; c++ {
		t[c] = urlPath | urlQuery | urlFragment
	}
	for _, c := range "\"#<>?`{}" {
		t[c] &^= urlPath
	}
	for _, c := range "\"#<>" {
		t[c] &^= urlQuery
	}
	for _, c := range "\"<>`" {
		t[c] &^= urlFragment
	}
	return t
}()

func escapeURL(s string, set byte) string {
	n := 0
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 || urlSafe[s[i]]&set == 0 {
			n++
		}
	}
	if n == 0 {
		return s
	}
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, len(s)+2*n)
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 0x80 || urlSafe[c]&set == 0 {
			b = append(b, '%', hex[c>>4], hex[c&15])
		} else {
			b = append(b, c)
		}
	}
	return string(b)
}

func invalidURL(format string, args ...any) error {
	return &Error{Op: "url", Err: fmt.Errorf("%w: %s", ErrInvalidURL, fmt.Sprintf(format, args...))}
}
