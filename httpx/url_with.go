package httpx

import (
	"strings"

	"gohttpx.dev/internal/grammar"
)

// The With methods return a copy in which one part is another. They take a part
// as it may stand in a URL: what may not is percent-encoded, and an escape stays
// one. Of plain text a "%" is to be written "%25"; user names, passwords and
// query parameters are the exceptions, which are always plain text. A value that
// a host, port or scheme cannot have gives an error that matches ErrInvalidURL
// or ErrUnsupportedScheme.

// WithScheme replaces the scheme: "http" or "https". A port that is its default
// goes.
func (u *URL) WithScheme(scheme string) (*URL, error) {
	if !grammar.IsScheme(scheme) {
		return nil, invalidURL("%q is no scheme", scheme)
	}
	r := *u
	if r.scheme = strings.ToLower(scheme); r.scheme != "http" && r.scheme != "https" {
		return nil, unsupportedScheme(r.scheme, "use http or https")
	}
	if !u.IsAbs() {
		return nil, invalidURL("a relative reference has no host to give a scheme to")
	}
	return r.placed(u.zonedAuthority())
}

// WithHost replaces the host, by a name or an address, IPv6 with or without its
// brackets. The port stays.
func (u *URL) WithHost(host string) (*URL, error) {
	bracketed := strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]")
	if strings.Contains(host, ":") && !bracketed {
		host = "[" + host + "]"
	}
	if u.Port() != "" {
		host += ":" + u.Port()
	}
	return u.WithAuthority(host)
}

// WithPort replaces the port: 0 to 65535 in decimal, "" for the default.
func (u *URL) WithPort(port string) (*URL, error) {
	authority := strings.TrimSuffix(u.zonedAuthority(), ":"+u.Port())
	if port != "" {
		authority += ":" + port
	}
	return u.WithAuthority(authority)
}

// WithAuthority replaces host and port: host[:port]. The user information stays.
func (u *URL) WithAuthority(authority string) (*URL, error) {
	if !u.IsAbs() {
		return nil, invalidURL("a relative reference has no scheme to reach a host by")
	}
	if strings.Contains(authority, "@") {
		return nil, invalidURL("user information is no part of the authority here: use WithUserPassword")
	}
	r := *u
	return r.placed(authority)
}

// placed finishes a copy of which the scheme is set.
func (u *URL) placed(authority string) (*URL, error) {
	if len(authority) > maxURLBytes {
		return nil, invalidURL("%d bytes are more than the %d that a URL may have", len(authority), maxURLBytes)
	}
	if err := u.parseAuthority(authority); err != nil {
		return nil, err
	}
	return u, nil
}

// WithUser replaces the user information by a user name in plain text, without a
// password. The empty name removes it.
func (u *URL) WithUser(name string) *URL {
	r := *u
	r.user = escapeURL(strings.ReplaceAll(name, "%", "%25"), urlUser)
	return &r
}

// WithUserPassword replaces the user information by a user name and a password,
// both in plain text.
func (u *URL) WithUserPassword(name, password string) *URL {
	r := u.WithUser(name)
	r.user += ":" + escapeURL(strings.ReplaceAll(password, "%", "%25"), urlUser)
	return r
}

// WithPath replaces the path. That of an absolute URL gets a slash in front if it
// has none, and loses its dot segments, unless u was parsed with PathAsIs.
func (u *URL) WithPath(path string) *URL {
	path = escapeURL(path, urlPath)
	switch {
	case u.IsAbs():
		if path != "" && path[0] != '/' {
			path = "/" + path
		}
	default:
		// RFC 3986 §4.2: "a:b" would be read as a URL of scheme a.
		if name, _, _ := strings.Cut(path, "/"); strings.Contains(name, ":") {
			path = "./" + path
		}
	}
	r := *u
	r.setParts(path, u.RawQuery(), u.hasQuery)
	return &r
}

// WithRawQuery replaces the query, of which the question mark is no part. The
// empty one removes it.
func (u *URL) WithRawQuery(query string) *URL {
	r := *u
	r.setParts(u.Path(), query, query != "")
	return &r
}

// WithQuery replaces the query by q, form-encoded. Without parameters there is
// no question mark either.
func (u *URL) WithQuery(q QueryParams) *URL { return u.WithRawQuery(q.Encode()) }

// AddQuery appends a parameter. What was there stays to the byte.
func (u *URL) AddQuery(key, value string) *URL {
	return u.withQuery(encodeQuery([]pair{{key, value}}, false))
}

// SetQuery gives the first parameter of that key the value and removes the
// others; without one it appends. The other parameters stay to the byte.
func (u *URL) SetQuery(key, value string) *URL {
	return u.replaceQuery(key, encodeQuery([]pair{{key, value}}, false))
}

// DelQuery removes every parameter of that key. The others stay to the byte. With
// the last one the question mark goes.
func (u *URL) DelQuery(key string) *URL { return u.replaceQuery(key, "") }

// MergeQuery removes the parameters that q names and appends q. The others stay
// to the byte.
func (u *URL) MergeQuery(q QueryParams) *URL {
	r := u
	for _, k := range q.Keys() {
		r = r.DelQuery(k)
	}
	if q.Len() == 0 {
		return r
	}
	return r.withQuery(q.Encode())
}

// replaceQuery puts encoded in the place of the first parameter of that key, or
// at the end, and removes the others. "" only removes.
func (u *URL) replaceQuery(key, encoded string) *URL {
	var kept []string
	if u.RawQuery() != "" {
		kept = strings.Split(u.RawQuery(), "&")
	}
	n, removed := 0, false
	for _, p := range kept {
		if name, _, _ := strings.Cut(p, "="); p == "" || formUnescape(name) != key {
			kept[n] = p
			n++
			continue
		}
		removed = true
		if encoded != "" {
			kept[n], encoded = encoded, ""
			n++
		}
	}
	kept = kept[:n]
	switch {
	case encoded != "":
		kept = append(kept, encoded)
	case !removed:
		return u
	}
	r := *u
	r.setParts(u.Path(), strings.Join(kept, "&"), len(kept) > 0)
	return &r
}

// WithFragment replaces the fragment. The empty one removes it.
func (u *URL) WithFragment(fragment string) *URL {
	r := *u
	r.fragment = escapeURL(fragment, urlFragment)
	return &r
}

// setParts sets path and query from parts in which a question mark is part of
// the path where it is escaped alone.
func (u *URL) setParts(path, query string, hasQuery bool) {
	if hasQuery {
		path += "?" + query
	}
	u.setPathAndQuery(path)
}
