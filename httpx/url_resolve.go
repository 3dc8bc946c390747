package httpx

import "strings"

// Resolve resolves a reference against u as RFC 3986 §5 says: it is how a
// Location or a link of a document at u is read. It is not how a client's base
// URL works, below which a path is appended. The error is ParseURL's: of a
// reference with another scheme than http and https it matches
// ErrUnsupportedScheme.
//
// "http:path" is refused: an http URL has a host (RFC 9110 §4.2.1), and §5.2.2
// lets only what must live with older references read it as a path.
func (u *URL) Resolve(ref string) (*URL, error) {
	if strings.HasPrefix(ref, "//") && u.IsAbs() {
		return ParseURLWith(u.scheme+":"+ref, u.rules)
	}
	r, err := ParseURLWith(ref, u.rules)
	if err != nil {
		return nil, err
	}
	return u.ResolveURL(r)
}

// ResolveURL is Resolve of a reference that has been parsed. Of one that starts
// with "//" an internationalised host must be in its A-label form.
func (u *URL) ResolveURL(ref *URL) (*URL, error) {
	switch {
	case ref.IsAbs():
		return ref, nil
	case !u.IsAbs():
		return nil, invalidURL("a reference is resolved against an absolute URL, and %q has no scheme", u.Redacted())
	case strings.HasPrefix(ref.Path(), "//"): // a network-path reference, RFC 3986 §4.2
		return ParseURLWith(u.scheme+":"+ref.String(), ref.rules)
	}
	r := *u
	r.fragment = ref.fragment
	switch {
	case ref.Path() == "" && !ref.hasQuery:
		return &r, nil
	case ref.Path() == "":
		r.setPathAndQuery(u.Path() + "?" + ref.RawQuery())
		return &r, nil
	}
	path := ref.Path()
	if path[0] != '/' {
		// RFC 3986 §5.2.3: behind the last slash, and an empty path is "/". Here
		// the dots are the reference's way to say where, also under PathAsIs.
		path = removeDotSegments(orSlash(u.Path()[:strings.LastIndexByte(u.Path(), '/')+1]) + path)
	}
	if ref.hasQuery {
		path += "?" + ref.RawQuery()
	}
	r.setPathAndQuery(path)
	return &r, nil
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

// join puts a relative reference behind the base: its path is appended, not
// resolved, so that "/items" below ".../v1" is ".../v1/items". The base's
// query comes first.
func (u *URL) join(ref *URL) *URL {
	r := *u
	r.rules = ref.rules
	r.fragment = ref.fragment
	path := u.Path()
	if ref.Path() != "" {
		path = strings.TrimSuffix(u.Path(), "/") + "/" + strings.TrimLeft(ref.Path(), "/")
	}
	query, has := u.RawQuery(), u.hasQuery
	if ref.hasQuery {
		query, has = joinQuery(query, ref.RawQuery()), true
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
	r.setPathAndQuery(u.Path() + "?" + joinQuery(u.RawQuery(), pairs))
	return &r
}

func joinQuery(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "&" + b
}
