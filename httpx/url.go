package httpx

import (
	"fmt"
	"strings"

	"gohttpx.dev/internal/grammar"
)

// maxURLBytes bounds the length of a URL that is accepted.
const maxURLBytes = 64 << 10

// URL is a parsed and normalised http or https URL, or a reference relative to
// a client's base URL. It is immutable, UnmarshalText apart, and safe for
// concurrent use. Make one with ParseURL.
//
// Normalised means: scheme and host in lower case, the host as an A-label (RFC
// 5891) or in the canonical form of its IPv6 address (RFC 5952), no default port
// and no leading zeros in another, no dot segments (RFC 3986 §5.2.4), and bytes
// that may not stand in a URL percent-encoded. An escape that is there already
// is never encoded again and never decoded: "%2e%2e" is no dot segment, and a
// URL that was signed stays as it was.
type URL struct {
	scheme    string // "http", "https", or "" for a relative reference
	user      string // user information, percent-encoded, without "@"
	authority string // host[:port], the value of Host: no zone
	addr      string // host:port to connect to: the port always present, the zone too
	target    string // path and query as sent; "/" for the empty path
	fragment  string // without "#"

	// Host, port, path and query are parts of these, and every request has a URL.
	hostEnd  uint16 // of authority: the host, brackets included, ends here
	pathEnd  uint32 // of target: the path ends here
	noPath   bool   // target starts with a slash that the URL does not have
	hasQuery bool
	rules    URLRules // how it was parsed; what is derived from it follows them
}

// URLRules say where ParseURLWith departs from ParseURL.
type URLRules struct {
	// PathAsIs leaves dot segments where they are, "/a/../b", instead of
	// removing them (RFC 3986 §5.2.4). Resolve still removes those of a
	// reference that is relative to the path.
	PathAsIs bool
	// StrictPercent refuses a "%" that is not followed by two hexadecimal
	// digits (RFC 3986 §2.1). Else it stays as it is.
	StrictPercent bool
}

// ParseURL parses an absolute URL or a relative reference of at most 65536
// bytes. The error matches ErrInvalidURL and says which rule was broken, of a
// control byte also where; a scheme other than http and https matches
// ErrUnsupportedScheme.
func ParseURL(s string) (*URL, error) { return ParseURLWith(s, URLRules{}) }

// ParseURLWith is ParseURL under other rules.
func ParseURLWith(s string, rules URLRules) (*URL, error) {
	u := &URL{rules: rules}
	if err := u.parse(s); err != nil {
		return nil, err
	}
	return u, nil
}

// parse fills u, of which nothing but rules is set.
func (u *URL) parse(s string) error {
	if len(s) > maxURLBytes {
		return invalidURL("%d bytes are more than the %d that a URL may have", len(s), maxURLBytes)
	}
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] == 0x7f {
			return invalidURL("control byte 0x%02x at offset %d", s[i], i)
		}
	}
	if u.rules.StrictPercent {
		if i := strayPercent(s); i >= 0 {
			return invalidURL("the %% at offset %d is not followed by two hexadecimal digits (RFC 3986 §2.1): write %%25", i)
		}
	}
	rest := s
	if i := strings.IndexByte(rest, '#'); i >= 0 {
		u.fragment = escapeURL(rest[i+1:], urlFragment)
		rest = rest[:i]
	}
	if i := strings.IndexByte(rest, ':'); i > 0 && grammar.IsScheme(rest[:i]) {
		switch u.scheme = rest[:i]; u.scheme {
		case "http", "https":
		default:
			u.scheme = strings.ToLower(u.scheme)
		}
		rest = rest[i+1:]
		if u.scheme != "http" && u.scheme != "https" {
			if port, _, _ := strings.Cut(rest, "/"); port != "" && validPort(port) {
				return unsupportedScheme(u.scheme, "if that is a host, write http:// or https:// before it")
			}
			return unsupportedScheme(u.scheme, "use http or https")
		}
		if !strings.HasPrefix(rest, "//") {
			return invalidURL("%s: must be followed by //", u.scheme)
		}
		rest = rest[2:]
		end := 0
		for end < len(rest) && rest[end] != '/' && rest[end] != '?' {
			end++
		}
		if err := u.parseAuthority(rest[:end]); err != nil {
			if strings.Contains(rest[end:], "@") || strings.Contains(u.fragment, "@") {
				// What was taken for the host may be a part of the password: it is
				// not quoted.
				return invalidURL("what stands before the path is no host and port (in a user or password write / as %%2F, ? as %%3F, # as %%23, @ as %%40)")
			}
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
	if u.scheme != "" && !u.rules.PathAsIs && strings.Contains(p, "/.") {
		p = removeDotSegments(p)
	}
	q := escapeURL(query, urlQuery)
	switch {
	case p == path && q == query && p != "":
		u.target = s
	case hasQuery:
		u.target = orSlash(p) + "?" + q
	default:
		u.target = orSlash(p)
	}
	u.pathEnd, u.noPath, u.hasQuery = uint32(len(orSlash(p))), p == "", hasQuery
}

func orSlash(p string) string {
	if p == "" {
		return "/"
	}
	return p
}

// parseAuthority takes what stands between "//" and the path. The scheme is set.
func (u *URL) parseAuthority(s string) error {
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		if strings.IndexByte(s[:i], '\\') >= 0 {
			// Some parsers take it for "/" and would see another host.
			return invalidURL("a backslash may not stand before the host")
		}
		u.user = escapeUserinfo(s[:i])
		s = s[i+1:]
	}
	var host, name, port, zone string // name is host normalised
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return invalidURL("no ] closes the IPv6 address")
		}
		var err error
		if name, zone, err = parseIPv6(s[1:end]); err != nil {
			return err
		}
		host, port = s[:end+1], s[end+1:]
		if port != "" && port[0] != ':' {
			return invalidURL("no : between the IPv6 address and the port")
		}
		port = strings.TrimPrefix(port, ":")
	} else {
		host, port, _ = strings.Cut(s, ":")
		var err error
		if name, err = normalHost(host); err != nil {
			return err
		}
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
	shown, dialled := name, name
	if host[0] == '[' {
		if len(host) == len(name)+2 && host[1:len(host)-1] == name {
			shown = host
		} else {
			shown = "[" + name + "]"
		}
		if dialled = shown; zone != "" {
			// The zone is for this machine alone: it is not sent in Host.
			dialled = "[" + name + "%" + zone + "]"
		}
	}
	u.hostEnd = uint16(len(shown))
	def := defaultPort(u.scheme)
	switch {
	case port == "" || port == def:
		u.authority = shown
		u.addr = dialled + ":" + def
	case shown == host && port == written: // s is host:port and needs no change
		u.authority, u.addr = s, s
	default:
		u.authority = shown + ":" + port
		if u.addr = u.authority; zone != "" {
			u.addr = dialled + ":" + port
		}
	}
	return nil
}

func defaultPort(scheme string) string {
	if scheme == "http" {
		return "80"
	}
	return "443"
}

func invalidURL(format string, args ...any) error {
	return &Error{Op: "url", Err: fmt.Errorf("%w: %s", ErrInvalidURL, fmt.Sprintf(format, args...))}
}

func unsupportedScheme(scheme, advice string) error {
	return &Error{Op: "url", Err: fmt.Errorf("%w %q: %s", ErrUnsupportedScheme, scheme, advice)}
}
