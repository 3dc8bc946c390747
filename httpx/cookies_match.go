package httpx

import (
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"strings"
)

// cookieOrigin is where a cookie comes from or is to go.
type cookieOrigin struct {
	secure bool
	host   string // canonical: see cookieHost
	path   string // of the URL, as it is sent
	// Only where a cookie comes from: site is the host's registrable domain,
	// beyond which none of its cookies goes; single says that there are no names
	// below host to share cookies with.
	site   string
	single bool
}

// originOf is for a host that URL.parse has made canonical.
func originOf(secure bool, host, path string) cookieOrigin {
	if strings.IndexByte(host, ':') >= 0 {
		if h, ok := cookieHost(host); ok {
			host = h
		}
	}
	return cookieOrigin{secure: secure, host: host, path: path}
}

// originOfURL reports false for what is neither http nor https or has no host.
// The path is the one that is sent: decoded, "/a%2Fb" would be below "/a".
func originOfURL(u *url.URL) (cookieOrigin, bool) {
	if u == nil || u.Scheme != "http" && u.Scheme != "https" {
		return cookieOrigin{}, false
	}
	host, ok := cookieHost(u.Hostname())
	return cookieOrigin{secure: u.Scheme == "https", host: host, path: u.EscapedPath()}, ok
}

// cookieHost is the canonical form of a host (RFC 6265bis §5.1.2): lower case,
// A-labels, IPv6 addresses without brackets in their shortest form and never
// with a zone. A trailing dot is kept: to a resolver with a search list it
// makes another host.
func cookieHost(h string) (string, bool) {
	if strings.IndexByte(h, ':') >= 0 {
		a, err := netip.ParseAddr(h)
		if err != nil || a.Zone() != "" {
			return "", false
		}
		return a.String(), true
	}
	h, err := normalHost(h)
	return h, err == nil
}

// isAddress reports whether a canonical host is an IP address. No name ends in
// a number: normalHost sees to it.
func isAddress(host string) bool {
	return strings.IndexByte(host, ':') >= 0 || endsInNumber(host[strings.LastIndexByte(host, '.')+1:])
}

// siteOf returns the registrable domain of a canonical host. An address, a
// public suffix and a name with a trailing dot, which the list does not know,
// are sites by themselves, and single.
func siteOf(host string, list cookiejar.PublicSuffixList) (site string, single bool) {
	if host == "" || host[len(host)-1] == '.' || isAddress(host) {
		return host, true
	}
	suffix := list.PublicSuffix(host)
	if suffix == "" {
		suffix = host[strings.LastIndexByte(host, '.')+1:]
	}
	if !belowDomain(host, suffix) {
		return host, true // a public suffix itself, or a list gone wrong
	}
	rest := host[:len(host)-len(suffix)-1]
	return host[strings.LastIndexByte(rest, '.')+1:], false
}

// belowDomain reports whether host ends in "." + domain.
func belowDomain(host, domain string) bool {
	n := len(host) - len(domain)
	return n > 0 && host[n-1] == '.' && host[n:] == domain
}

// domainMatch is RFC 6265bis §5.1.3 for canonical names.
func domainMatch(host, domain string) bool {
	return host == domain || belowDomain(host, domain) && !isAddress(host)
}

// defaultPath is RFC 6265bis §5.1.4: the directory of the request's path.
func defaultPath(path string) string {
	if path == "" || path[0] != '/' {
		return "/"
	}
	if i := strings.LastIndexByte(path, '/'); i > 0 {
		return path[:i]
	}
	return "/"
}

// pathMatch is RFC 6265bis §5.1.4. A request without a path asks for "/".
func pathMatch(request, cookie string) bool {
	if request == "" {
		request = "/"
	}
	return request == cookie ||
		strings.HasPrefix(request, cookie) && (cookie[len(cookie)-1] == '/' || request[len(cookie)] == '/')
}
