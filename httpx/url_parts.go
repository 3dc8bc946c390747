package httpx

import (
	"strings"

	"golang.org/x/net/idna"
)

// IsAbs reports whether u has a scheme and a host.
func (u *URL) IsAbs() bool { return u.scheme != "" }

// Scheme returns "http", "https", or "" for a relative reference.
func (u *URL) Scheme() string { return u.scheme }

// Username returns the user name, decoded.
func (u *URL) Username() string {
	name, _ := u.userPassword()
	return name
}

// Password returns the password, decoded.
func (u *URL) Password() string {
	_, password := u.userPassword()
	return password
}

// Userinfo returns user name and password as they stand before the "@":
// percent-encoded, with a colon between them if there is a password.
func (u *URL) Userinfo() string { return u.user }

// Host returns the host in lower case: a name as its A-label (RFC 5891), an IPv6
// address without brackets and zone. It is the form to compare; UnicodeHost is
// the one to show.
func (u *URL) Host() string {
	h := u.authority[:u.hostEnd]
	if h != "" && h[0] == '[' {
		h = h[1 : len(h)-1]
	}
	return h
}

// UnicodeHost returns the host with every label in Unicode that can be, for
// people to read. Hosts that differ may look the same in it.
func (u *URL) UnicodeHost() string {
	if !strings.Contains(u.Host(), "xn--") {
		return u.Host()
	}
	labels := strings.Split(u.Host(), ".")
	for i, l := range labels { // one that is broken keeps no other from being shown
		if s, err := idna.Display.ToUnicode(l); err == nil {
			labels[i] = s
		}
	}
	return strings.Join(labels, ".")
}

// Zone returns the zone of a link-local IPv6 address, decoded, or "". It names an
// interface of this machine, says where to connect to and is sent to nobody.
func (u *URL) Zone() string {
	_, zone, has := strings.Cut(u.addr, "%")
	if !has {
		return ""
	}
	return zone[:strings.IndexByte(zone, ']')]
}

// Port returns the port, or "" if it is the scheme's default.
func (u *URL) Port() string {
	if int(u.hostEnd) == len(u.authority) {
		return ""
	}
	return u.authority[u.hostEnd+1:]
}

// Authority returns host[:port] as it is sent in Host: without user information
// and zone.
func (u *URL) Authority() string { return u.authority }

// zonedAuthority is Authority with the zone, as it stands in a URL.
func (u *URL) zonedAuthority() string {
	zone := u.Zone()
	if zone == "" {
		return u.authority
	}
	return strings.Replace(u.authority, "]", "%25"+zone+"]", 1)
}

// connectTarget is the target of CONNECT (RFC 9112 §3.2.3): the port always, the
// zone never.
func (u *URL) connectTarget() string {
	zone := u.Zone()
	if zone == "" {
		return u.addr
	}
	return strings.Replace(u.addr, "%"+zone, "", 1)
}

// Origin returns scheme://host[:port] (RFC 6454 §6.1), the zone included, or ""
// for a relative reference. Two URLs have one origin exactly if these are equal.
func (u *URL) Origin() string {
	if !u.IsAbs() {
		return ""
	}
	return u.scheme + "://" + u.zonedAuthority()
}

// Path returns the path as it is sent, percent-encoded; "" if there is none, for
// which "/" is sent.
func (u *URL) Path() string {
	if u.noPath {
		return ""
	}
	return u.target[:u.pathEnd]
}

// DecodedPath returns the path with its escapes decoded, an empty one as "/" if
// u is absolute. It cannot be turned back: "/a%2Fb" reads as "/a/b".
func (u *URL) DecodedPath() string {
	if u.Path() == "" && u.IsAbs() {
		return "/"
	}
	return unescape(u.Path())
}

// Target returns the request target in origin-form (RFC 9112 §3.2.1): path and
// query exactly as they are sent.
func (u *URL) Target() string { return u.target }

// RawPath is Target, under the name that httpx has for it.
func (u *URL) RawPath() string { return u.target }

// RawQuery returns the query as it is sent, without the question mark.
func (u *URL) RawQuery() string {
	if !u.hasQuery {
		return ""
	}
	return u.target[u.pathEnd+1:]
}

// HasQuery reports whether there is a question mark, be it with nothing behind.
func (u *URL) HasQuery() bool { return u.hasQuery }

// Query returns the parameters of the query, decoded.
func (u *URL) Query() QueryParams { return ParseQuery(u.RawQuery()) }

// Fragment returns the fragment, percent-encoded. It is never sent.
func (u *URL) Fragment() string { return u.fragment }

// userPassword decodes the user information.
func (u *URL) userPassword() (user, password string) {
	user, password, _ = strings.Cut(u.user, ":")
	return unescape(user), unescape(password)
}
