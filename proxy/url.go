package proxy

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"gohttpx.dev/internal/grammar"
)

// maxURLBytes bounds a proxy's URL.
const maxURLBytes = 8 << 10

// URL is a proxy. It is comparable: equal values mean the same proxy, asked as
// the same user.
type URL struct {
	// Scheme is "http" or "https" for an HTTP proxy, reached in cleartext or
	// over TLS, "socks5" for a SOCKS5 proxy that is given addresses, "socks5h"
	// for one that is given names.
	Scheme string
	// Host is a name in lower case or an IP address, IPv6 without brackets and
	// perhaps with a zone ("fe80::1%eth0").
	Host string
	// Port is a number from 1 to 65535 without leading zeros; by default 80 for
	// http, 443 for https and 1080 for socks5 and socks5h.
	Port string
	// Username and Password are percent-decoded. Both are "" for none.
	Username, Password string
}

// ParseURL parses scheme://[user[:password]@]host[:port]. One "/" may follow;
// another path, a query and a fragment are refused, since nothing would come of
// them. An IPv6 address stands in brackets and may have a zone, after "%25" (RFC
// 6874 §2) or "%". A name beyond ASCII is refused: its A-label form ("xn--…") is
// what goes over the wire.
//
// An error is an *Error with StepURL. It quotes neither user nor password, nor
// what may be a part of one.
func ParseURL(s string) (URL, error) {
	u, why := parseURL(s)
	if why != "" {
		return URL{}, usage(StepURL, "%s", why)
	}
	return u, nil
}

func parseURL(s string) (u URL, why string) {
	if len(s) > maxURLBytes {
		return u, "longer than 8 KiB"
	}
	if grammar.HasControl(s) || strings.IndexByte(s, ' ') >= 0 {
		return u, "a control byte or a space, which have to be percent-encoded (RFC 3986 §2)"
	}
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		return u, "no scheme: write http://, https://, socks5:// or socks5h:// before the host"
	}
	u.Scheme = strings.ToLower(scheme)
	switch u.Scheme {
	case "http":
		u.Port = "80"
	case "https":
		u.Port = "443"
	case "socks5", "socks5h":
		u.Port = "1080"
	case "socks4", "socks4a", "socks":
		return u, "SOCKS4 is not supported: use socks5, or socks5h for names that the proxy resolves"
	default:
		return u, "a scheme that is not supported: use http, https, socks5 or socks5h"
	}
	end := strings.IndexAny(rest, "/?#\\")
	if end < 0 {
		end = len(rest)
	}
	authority, tail := rest[:end], rest[end:]
	if tail != "" && tail != "/" {
		return u, "a path, query or fragment after the host, which a proxy does not have (an automatic configuration file is not read; in a user or password write / as %2F, ? as %3F, # as %23)"
	}
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		user, password, _ := strings.Cut(authority[:i], ":")
		authority = authority[i+1:]
		var err1, err2 error
		u.Username, err1 = url.PathUnescape(user)
		u.Password, err2 = url.PathUnescape(password)
		if err1 != nil || err2 != nil {
			return u, "a bad escape in user or password: write % as %25 (RFC 3986 §2.1)"
		}
	}
	return u, u.setHost(authority)
}

// setHost takes host[:port].
func (u *URL) setHost(s string) (why string) {
	port := ""
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return "no ] after the IPv6 address (RFC 3986 §3.2.2)"
		}
		host := strings.Replace(s[1:end], "%25", "%", 1)
		a, err := netip.ParseAddr(host)
		if err != nil || !a.Is6() {
			return "no IPv6 address in the brackets (RFC 3986 §3.2.2)"
		}
		for i := range len(a.Zone()) {
			if c := a.Zone()[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("%[]/@:", c) >= 0 {
				return "a byte in the IPv6 zone that cannot be a part of it (RFC 6874 §2)"
			}
		}
		u.Host, s = a.String(), s[end+1:]
		if s != "" && s[0] != ':' {
			return "something other than a port after the IPv6 address"
		}
		port = strings.TrimPrefix(s, ":")
	} else {
		if strings.Count(s, ":") > 1 {
			return "more than one colon after user and password: an IPv6 address stands in brackets (RFC 3986 §3.2.2)"
		}
		s, port, _ = strings.Cut(s, ":")
		if why := badName(s); why != "" {
			return why
		}
		u.Host = strings.ToLower(s)
	}
	if port == "" {
		return ""
	}
	n, ok := parsePort(port)
	if !ok {
		return "the port is no number from 1 to 65535 (in a user or password write / as %2F, @ as %40)"
	}
	u.Port = n
	return ""
}

// badName says what is wrong with a name or an IPv4 address, "" for nothing.
func badName(s string) string {
	if s == "" {
		return "no host"
	}
	if len(s) > 254 || len(s) == 254 && s[253] != '.' {
		return "a name of more than 253 bytes (RFC 1035 §3.1)"
	}
	if s[0] == '.' || strings.Contains(s, "..") {
		return "an empty label in the name (RFC 1035 §3.1)"
	}
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9', c == '-', c == '.', c == '_':
		case c >= 0x80:
			return "a name beyond ASCII: write its A-label form, xn--… (RFC 5890 §2.3.2.1)"
		default:
			return "a byte that a host cannot have (RFC 3986 §3.2.2)"
		}
	}
	return ""
}

// parsePort returns the number without leading zeros.
func parsePort(s string) (string, bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return "", false
		}
	}
	n, err := strconv.ParseUint(s, 10, 16)
	return strconv.FormatUint(n, 10), err == nil && n > 0
}

// Addr returns host:port for dialling, an IPv6 address in brackets with its
// zone.
func (u URL) Addr() string {
	if strings.IndexByte(u.Host, ':') >= 0 {
		return "[" + u.Host + "]:" + u.Port
	}
	return u.Host + ":" + u.Port
}

// HasUser reports whether there is a user or a password.
func (u URL) HasUser() bool { return u.Username != "" || u.Password != "" }

// IsSOCKS reports whether it is a SOCKS5 proxy.
func (u URL) IsSOCKS() bool { return u.Scheme == "socks5" || u.Scheme == "socks5h" }

// RemoteNames reports whether the proxy is given names and resolves them:
// always, except with socks5.
func (u URL) RemoteNames() bool { return u.Scheme != "socks5" }

// Redacted returns the URL without user and password, the port included.
func (u URL) Redacted() string {
	if u.Scheme == "" {
		return ""
	}
	return u.Scheme + "://" + strings.Replace(u.Addr(), "%", "%25", 1)
}

// String is Redacted, so that no print shows a password.
func (u URL) String() string { return u.Redacted() }

// GoString is Redacted as well.
func (u URL) GoString() string { return "proxy.URL(" + u.Redacted() + ")" }
