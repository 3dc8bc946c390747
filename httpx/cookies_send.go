package httpx

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// each calls use, with the jar locked, for every cookie that goes to o, in order
// (RFC 6265bis §5.8.3), except those that own names.
func (j *Cookies) each(o cookieOrigin, now time.Time, own []*http.Cookie, use func(*jarCookie)) {
	now = now.Round(0)
	room := limitOr(j.config.MaxHeaderBytes, 8182)
	old := false
	j.mu.Lock()
	defer j.mu.Unlock()
	site := j.siteLocked(o.host)
	for _, c := range j.sites[site] {
		switch {
		case c.expired(now):
			old = true
		case c.secure && !o.secure,
			c.domain != o.host && (c.hostOnly || !domainMatch(o.host, c.domain)),
			!pathMatch(o.path, c.path),
			namesCookie(own, c.name):
		default:
			if n := cookieSize(c.name, c.value, c.quoted) + len("=; "); n-len("; ") <= room {
				room -= n
				c.used = now
				use(c)
			}
		}
	}
	if old {
		j.removeLocked(site, func(c *jarCookie) bool { return c.expired(now) })
	}
}

// siteLocked finds the site under which host's cookies are, if there are any,
// without asking the list of public suffixes: that costs more.
func (j *Cookies) siteLocked(host string) string {
	for s, more := host, true; more; _, s, more = strings.Cut(s, ".") {
		if _, ok := j.sites[s]; ok {
			return s
		}
	}
	return ""
}

func namesCookie(own []*http.Cookie, name string) bool {
	for _, c := range own {
		if c.Name == name {
			return true
		}
	}
	return false
}

// appendHeader appends the value of Cookie for a request: the jar's cookies,
// then the request's own, which were checked and replace the jar's of the same
// name. host and path are those of receive. A nil or empty jar costs nothing;
// where nothing is appended there is no field to send.
func (j *Cookies) appendHeader(dst []byte, secure bool, host, path string, now time.Time, own []*http.Cookie) []byte {
	if j != nil && j.count.Load() > 0 {
		n := len(dst)
		j.each(originOf(secure, host, path), now, own, func(c *jarCookie) {
			dst = appendPair(dst, len(dst) > n, c.name, c.value, c.quoted)
		})
		if len(own) > 0 && len(dst) > n {
			dst = append(dst, "; "...)
		}
	}
	return appendCookies(dst, own)
}

// appendCookies appends name=value pairs, which were checked.
func appendCookies(dst []byte, cs []*http.Cookie) []byte {
	for i, c := range cs {
		dst = appendPair(dst, i > 0, c.Name, c.Value, c.Quoted)
	}
	return dst
}

// appendPair writes a value as it was received: RFC 6265bis §5.8.3 step 4.
func appendPair(dst []byte, more bool, name, value string, quoted bool) []byte {
	if more {
		dst = append(dst, "; "...)
	}
	dst = append(dst, name...)
	dst = append(dst, '=')
	if quoted {
		dst = append(dst, '"')
	}
	dst = append(dst, value...)
	if quoted {
		dst = append(dst, '"')
	}
	return dst
}

// cookieHeader returns the value of Cookie for cookies that somebody else
// chose, or says what is wrong with one of them. None is "".
func cookieHeader(cs []*http.Cookie) (string, error) {
	for _, c := range cs {
		if err := checkCookie(c); err != nil {
			return "", err
		}
	}
	return string(appendCookies(nil, cs)), nil
}

// seedCookie puts a client's own cookie into its jar: for the host that its
// Domain names (see Cookies.Set), else for that of the base URL alone, which may
// be nil. Path is "/" unless the cookie says otherwise.
func seedCookie(jar http.CookieJar, base *URL, c *http.Cookie) error {
	if err := checkCookie(c); err != nil {
		return err
	}
	if c.Domain == "" && base == nil {
		return invalidCookie(c.Name, "it is for no host: set its Domain, or give the client a base URL")
	}
	if jar == nil {
		return invalidCookie(c.Name, "the client keeps no cookies")
	}
	cc := *c
	if cc.Path == "" {
		cc.Path = "/"
	}
	own, ours := jar.(*Cookies)
	if ours && cc.Domain != "" {
		return own.Set(&cc)
	}
	if ours {
		return own.store(&cc, own.from(base.scheme == "https", base.Host(), base.Path()), time.Now())
	}
	u := &url.URL{Scheme: "https", Path: "/"}
	if cc.Domain == "" {
		u.Scheme, u.Host = base.scheme, base.authority
	} else {
		d, below := strings.CutPrefix(cc.Domain, ".")
		host, ok := cookieHost(d)
		if !ok {
			return invalidCookie(c.Name, "its Domain is no host")
		}
		if u.Host = host; strings.Contains(host, ":") {
			u.Host = "[" + host + "]"
		}
		if !below {
			cc.Domain = ""
		}
	}
	jar.SetCookies(u, []*http.Cookie{&cc})
	return nil
}
