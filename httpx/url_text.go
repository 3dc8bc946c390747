package httpx

import (
	"log/slog"
	"net/url"
	"strings"

	"gohttpx.dev/internal/grammar"
)

// String returns the URL, user information and all. Redacted is for logs.
func (u *URL) String() string {
	if u == nil {
		return ""
	}
	return u.render(u.user, u.RawQuery())
}

// GoString is what %#v prints: Redacted, in quotes.
func (u *URL) GoString() string { return "httpx.URL(\"" + u.Redacted() + "\")" }

// LogValue is Redacted for log/slog. In a list or a struct slog.JSONHandler writes
// MarshalText instead.
func (u *URL) LogValue() slog.Value { return slog.StringValue(u.Redacted()) }

// Redacted returns the URL without what may be secret: no user information, no
// fragment, and of the query the names alone. A relative reference with an "@"
// may be an absolute URL gone wrong (" https://user:password@host"), and nothing
// of it is shown.
func (u *URL) Redacted() string {
	if u == nil {
		return ""
	}
	if u.scheme == "" && strings.Contains(u.render("", u.RawQuery()), "@") {
		return "…"
	}
	q := u.RawQuery()
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
		b.WriteString(u.zonedAuthority())
	}
	b.WriteString(u.Path())
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

// Equal reports whether the two are the same URL once normalised: whether their
// Strings are. "http://e.org" and "http://e.org/" are two URLs in that sense,
// although the same is sent for both.
func (u *URL) Equal(v *URL) bool {
	if u == nil || v == nil {
		return u == v
	}
	return u.String() == v.String()
}

// MarshalText returns String, password and all, so that it can be read back.
func (u *URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText is ParseURL into u, of which nothing is kept. It is left as it
// was if that fails.
func (u *URL) UnmarshalText(text []byte) error {
	v, err := ParseURL(string(text))
	if err == nil {
		*u = *v
	}
	return err
}

// Std returns u as net/url has it. net/url writes some bytes escaped that we
// leave as they are ("|", a "%" that starts no escape), so that its String may
// differ from ours while it means the same.
func (u *URL) Std() *url.URL {
	s := &url.URL{
		Scheme:      u.scheme,
		Path:        unescape(u.Path()),
		RawPath:     stdEscaped(u.Path()),
		RawQuery:    u.RawQuery(),
		ForceQuery:  u.hasQuery && u.RawQuery() == "",
		Fragment:    unescape(u.fragment),
		RawFragment: stdEscaped(u.fragment),
	}
	if s.Path == s.RawPath {
		s.RawPath = ""
	}
	if s.Fragment == s.RawFragment {
		s.RawFragment = ""
	}
	if !u.IsAbs() {
		return s
	}
	s.Host = u.authority
	if zone := u.Zone(); zone != "" {
		s.Host = strings.Replace(s.Host, "]", "%"+zone+"]", 1)
	}
	if u.user != "" {
		name, password := u.userPassword()
		s.User = url.User(name)
		if strings.Contains(u.user, ":") {
			s.User = url.UserPassword(name, password)
		}
	}
	return s
}

// stdEscaped is s as an encoded path that net/url takes. Were one byte not to its
// liking, it would forget all of it and encode the decoded path anew, in which an
// escaped "/" is one like any other.
func stdEscaped(s string) string { return escapeStray(escapeURL(s, urlStd)) }

// checkStdOrigin refuses what would end a scheme or a host in the text of a URL. No
// parser has put it there: a program has, with a name that came from elsewhere, and
// would send to another path or host than it believes.
func checkStdOrigin(s *url.URL) error {
	if s.Scheme != "" && !grammar.IsScheme(s.Scheme) {
		return invalidURL("the scheme has a byte that none may have (RFC 3986 §3.1)")
	}
	if i := strings.IndexAny(s.Host, `/?#@\`); i >= 0 {
		return invalidURL("byte %q may not stand in a host", s.Host[i])
	}
	return nil
}

// FromStdURL reads a URL of net/url as ParseURL reads its String.
func FromStdURL(s *url.URL) (*URL, error) {
	if s == nil {
		return nil, invalidURL("a nil *url.URL")
	}
	if err := checkStdOrigin(s); err != nil {
		return nil, err
	}
	host, port, hasPort := strings.Cut(s.Host, ":")
	if strings.IndexFunc(host, func(r rune) bool { return r >= 0x80 }) < 0 {
		return ParseURL(s.String())
	}
	// net/url would write the host percent-encoded, which is none to us.
	host, err := normalHost(host)
	if err != nil {
		return nil, err
	}
	if hasPort {
		host += ":" + port
	}
	c := *s
	c.Host = host
	return ParseURL(c.String())
}
