package httpx

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"gohttpx.dev/wire"
)

const (
	maxCookieBytes    = 4096                 // of name and value: RFC 6265bis §5.6
	maxAttributeBytes = 1024                 // of an attribute's value: §5.6
	maxSetCookieBytes = 16 << 10             // of a whole line: four full attributes fit
	maxCookieAge      = 400 * 24 * time.Hour // §5.5
)

// jarCookie is a stored cookie (RFC 6265bis §5.7).
type jarCookie struct {
	name, value string
	quoted      bool   // value was in quotes, and is sent so
	domain      string // canonical, without a leading dot
	hostOnly    bool
	path        string
	expires     time.Time // zero: it lasts as long as the jar
	created     time.Time
	used        time.Time // guarded by Cookies.mu
	seq         uint64    // orders what was created at the same time
	secure      bool
	httpOnly    bool
	partitioned bool
	sameSite    http.SameSite
}

func (c *jarCookie) expired(now time.Time) bool {
	return !c.expires.IsZero() && !c.expires.After(now)
}

// same reports whether c replaces o: §5.7.
func (c *jarCookie) same(o *jarCookie) bool {
	return c.name == o.name && c.domain == o.domain && c.hostOnly == o.hostOnly && c.path == o.path
}

// cookie returns a copy for the caller.
func (c *jarCookie) cookie() *http.Cookie {
	hc := &http.Cookie{
		Name: c.name, Value: c.value, Quoted: c.quoted, Domain: c.domain, Path: c.path, Expires: c.expires,
		Secure: c.secure, HttpOnly: c.httpOnly, SameSite: c.sameSite, Partitioned: c.partitioned,
	}
	if !c.hostOnly {
		hc.Domain = "." + c.domain
	}
	return hc
}

// sendOrder is RFC 6265bis §5.8.3: longer paths first, then older cookies.
func sendOrder(a, b *jarCookie) int {
	return cmp.Or(cmp.Compare(len(b.path), len(a.path)), a.created.Compare(b.created), cmp.Compare(a.seq, b.seq))
}

// from is originOf with the site.
func (j *Cookies) from(secure bool, host, path string) cookieOrigin {
	o := originOf(secure, host, path)
	o.site, o.single = siteOf(o.host, j.suffixes())
	return o
}

// receive stores what the Set-Cookie lines of a response say. host is
// canonical, as URL.parse leaves it, path the one that was sent.
func (j *Cookies) receive(secure bool, host, path string, setCookie []string, now time.Time) {
	if len(setCookie) == 0 {
		return
	}
	o := j.from(secure, host, path)
	for _, c := range parseSetCookies(setCookie, limitOr(j.config.MaxPerResponse, 50)) {
		_ = j.store(c, o, now) // a refused cookie is ignored: §5.7
	}
}

// parseSetCookies reads the first most lines and leaves out those that are not
// cookies.
func parseSetCookies(lines []string, most int) []*http.Cookie {
	lines = lines[:min(len(lines), most)]
	out := make([]*http.Cookie, 0, len(lines))
	for _, l := range lines {
		if len(l) > maxSetCookieBytes || hasCookieControl(l) {
			continue
		}
		if c, err := http.ParseSetCookie(withoutBlanks(l)); err == nil {
			out = append(out, c)
		}
	}
	return out
}

// withoutBlanks drops the blanks around every "=", which RFC 6265bis §5.6 does
// and http.ParseSetCookie does not.
func withoutBlanks(line string) string {
	if !strings.Contains(line, " =") && !strings.Contains(line, "= ") && !strings.Contains(line, "\t") {
		return line
	}
	parts := strings.Split(line, ";")
	for i, p := range parts {
		if name, value, ok := strings.Cut(p, "="); ok {
			parts[i] = strings.Trim(name, " \t") + "=" + strings.Trim(value, " \t")
		}
	}
	return strings.Join(parts, ";")
}

// hasCookieControl reports whether s holds a byte for which RFC 6265bis §5.6 ignores
// the whole line: any control byte but the tab.
func hasCookieControl(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 && s[i] != '\t' || s[i] == 0x7f {
			return true
		}
	}
	return false
}

// checkCookie says what is wrong with a cookie's name and value.
func checkCookie(c *http.Cookie) error {
	switch {
	case c == nil:
		return invalidCookie("", "there is none: it is nil")
	case !wire.IsToken(c.Name):
		return invalidCookie(c.Name, "its name is no token (RFC 9110 §5.6.2)")
	case cookieSize(c.Name, c.Value, c.Quoted) > maxCookieBytes:
		return invalidCookie(c.Name, "name and value have more than 4096 bytes")
	case strings.Trim(c.Value, " ") != c.Value && !c.Quoted:
		return invalidCookie(c.Name, "its value starts or ends with a space, which the server would not see")
	}
	for i := 0; i < len(c.Value); i++ {
		if b := c.Value[i]; b < 0x20 || b >= 0x7f || b == '"' || b == ';' || b == '\\' {
			return invalidCookie(c.Name, "its value holds a byte that may not stand there (RFC 6265 §4.1.1): encode it")
		}
	}
	return nil
}

// cookieSize is what RFC 6265bis §5.6 bounds.
func cookieSize(name, value string, quoted bool) int {
	n := len(name) + len(value)
	if quoted {
		n += len(`""`)
	}
	return n
}

// newJarCookie is the storage model of RFC 6265bis §5.7 as far as it needs no
// other cookie. An expired cookie is no error: it removes what it replaces.
func newJarCookie(c *http.Cookie, o cookieOrigin, now time.Time) (*jarCookie, error) {
	if err := checkCookie(c); err != nil {
		return nil, err
	}
	if len(c.Raw) > maxSetCookieBytes || hasCookieControl(c.Raw) {
		return nil, invalidCookie(c.Name, "its line is too long or holds a control byte")
	}
	// Clones, because the strings are part of a whole response head.
	jc := &jarCookie{
		name: strings.Clone(c.Name), value: strings.Clone(c.Value), quoted: c.Quoted, created: now, used: now,
		secure: c.Secure, httpOnly: c.HttpOnly, partitioned: c.Partitioned, sameSite: c.SameSite,
	}
	var err error
	if jc.domain, jc.hostOnly, err = cookieDomain(c, o); err != nil {
		return nil, err
	}
	if jc.path, err = cookiePath(c, o); err != nil {
		return nil, err
	}
	jc.expires = cookieExpiry(c, now)
	if c.Secure && !o.secure {
		return nil, invalidCookie(c.Name, "Secure, and set over http")
	}
	return jc, jc.checkPrefix(c.Domain == "", c.Path == "/")
}

// checkPrefix keeps the promises that a name makes (§5.4), in whatever case:
// there are servers that do not mind it.
func (c *jarCookie) checkPrefix(noDomain, rootPath bool) error {
	if hasPrefixFold(c.name, "__Secure-") && !c.secure {
		return invalidCookie(c.name, "a name with __Secure- promises Secure")
	}
	if hasPrefixFold(c.name, "__Host-") && !(c.secure && c.hostOnly && noDomain && rootPath) {
		return invalidCookie(c.name, "a name with __Host- promises Secure, no Domain and Path=/")
	}
	return nil
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && wire.EqualFold(s[:len(prefix)], prefix)
}

// cookieDomain is the Domain part of §5.7. Where the RFC refuses a Domain that is a
// public suffix, one above the host's own public suffix is refused too: nobody
// can speak for it.
func cookieDomain(c *http.Cookie, o cookieOrigin) (domain string, hostOnly bool, err error) {
	if _, bad := unparsed(c, "domain"); bad {
		return "", false, invalidCookie(c.Name, "its Domain is no host")
	}
	d := strings.TrimPrefix(c.Domain, ".")
	if d == "" || len(c.Domain) > maxAttributeBytes {
		return strings.Clone(o.host), true, nil
	}
	d, ok := cookieHost(d)
	switch {
	case !ok || c.Domain[0] == '.' && isAddress(d): // ".127.0.0.1": no browser takes it
		return "", false, invalidCookie(c.Name, "its Domain is no host")
	case d == o.host:
		return strings.Clone(d), o.single, nil
	case !domainMatch(o.host, d):
		return "", false, invalidCookie(c.Name, "its Domain is that of others")
	case o.single || d != o.site && !belowDomain(d, o.site):
		return "", false, invalidCookie(c.Name, "its Domain is a public suffix")
	}
	return strings.Clone(d), false, nil
}

// cookiePath is the Path part of §5.7 and §5.6.4.
func cookiePath(c *http.Cookie, o cookieOrigin) (string, error) {
	p := c.Path
	if v, bad := unparsed(c, "path"); bad && strings.HasPrefix(v, "/") {
		return "", invalidCookie(c.Name, "its Path can be no request's")
	}
	if p == "" || p[0] != '/' || len(p) > maxAttributeBytes {
		p = defaultPath(o.path)
	}
	if err := checkCookiePath(p); err != "" {
		return "", invalidCookie(c.Name, err)
	}
	return strings.Clone(p), nil
}

// checkCookiePath also bounds what a request's path may bring in.
func checkCookiePath(p string) string {
	if len(p) > maxAttributeBytes {
		return "its path has more than 1024 bytes"
	}
	for i := 0; i < len(p); i++ {
		if p[i] < 0x20 || p[i] >= 0x7f {
			return "its Path can be no request's"
		}
	}
	return ""
}

// cookieExpiry: Max-Age wins over Expires, and neither goes
// beyond 400 days. http.ParseSetCookie leaves out dates in the older forms,
// mostly in 1970, and numbers that are too large; both mean something.
func cookieExpiry(c *http.Cookie, now time.Time) time.Time {
	latest := now.Add(maxCookieAge)
	age, at := c.MaxAge, c.Expires
	if v, bad := unparsed(c, "max-age"); bad && age == 0 {
		age = maxAge(v)
	}
	if at.IsZero() && c.RawExpires != "" {
		at, _ = parseCookieDate(c.RawExpires)
	}
	switch {
	case age < 0:
		return time.Unix(0, 0)
	case age > int(maxCookieAge/time.Second):
		at = latest
	case age > 0:
		at = now.Add(time.Duration(age) * time.Second)
	case at.After(latest):
		at = latest
	}
	return at.UTC()
}

// unparsed returns the value of an attribute which http.ParseSetCookie did not
// understand.
func unparsed(c *http.Cookie, attribute string) (value string, ok bool) {
	for _, u := range c.Unparsed {
		name, v, _ := strings.Cut(u, "=")
		if wire.EqualFold(strings.Trim(name, " \t"), attribute) {
			value, ok = strings.Trim(v, " \t"), true
		}
	}
	return value, ok
}

// store keeps a cookie that came from o, or says why not.
func (j *Cookies) store(c *http.Cookie, o cookieOrigin, now time.Time) error {
	now = now.Round(0) // the monotonic clock may stand still while the machine sleeps
	jc, err := newJarCookie(c, o, now)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if !jc.secure && !o.secure && j.shadowsSecureLocked(jc, o.site, now) {
		return invalidCookie(c.Name, "a Secure cookie has that name, and http may not touch it")
	}
	j.putLocked(jc, o.site, now)
	return nil
}

// shadowsSecureLocked leaves Secure cookies alone (§5.7): it reports a cookie from http that would stand in
// for a Secure one, or push it back.
func (j *Cookies) shadowsSecureLocked(c *jarCookie, site string, now time.Time) bool {
	for _, o := range j.sites[site] {
		if o.secure && o.name == c.name && !o.expired(now) && pathMatch(c.path, o.path) &&
			(domainMatch(o.domain, c.domain) || domainMatch(c.domain, o.domain)) {
			return true
		}
	}
	return false
}

// putLocked stores c in place of the same cookie, whose creation time stays, or
// at its place in the order, and makes room.
func (j *Cookies) putLocked(c *jarCookie, site string, now time.Time) {
	cs := j.sites[site]
	if i := slices.IndexFunc(cs, c.same); i >= 0 && !cs[i].expired(now) && !c.expired(now) {
		c.created, c.seq = cs[i].created, cs[i].seq
		cs[i] = c
		return
	}
	j.removeLocked(site, func(o *jarCookie) bool { return o.expired(now) || c.same(o) })
	if c.expired(now) {
		return
	}
	j.seq++
	c.seq = j.seq
	if j.sites == nil {
		j.sites = map[string][]*jarCookie{}
	}
	cs = j.sites[site]
	i, _ := slices.BinarySearchFunc(cs, c, sendOrder)
	if len(cs) == 0 {
		site = strings.Clone(site) // the key must not hold a whole URL in memory
	}
	j.sites[site] = slices.Insert(cs, i, c)
	j.count.Add(1)
	j.evictLocked(site, now)
}

// removeLocked removes the cookies of a site for which drop reports true.
func (j *Cookies) removeLocked(site string, drop func(*jarCookie) bool) {
	cs, ok := j.sites[site]
	if !ok {
		return
	}
	kept := slices.DeleteFunc(cs, drop)
	j.count.Add(int64(len(kept) - len(cs)))
	if len(kept) == 0 {
		delete(j.sites, site)
	} else {
		j.sites[site] = kept
	}
}

// evictLocked brings the jar back under its limits after one more cookie (§5.7,
// end): expired ones go first, then within a site those without Secure, so that
// http cannot push out what https has set, then those that were not used for
// the longest time.
func (j *Cookies) evictLocked(site string, now time.Time) {
	if cs := j.sites[site]; len(cs) > limitOr(j.config.MaxPerSite, 180) {
		v := slices.MinFunc(cs, func(a, b *jarCookie) int {
			if a.secure != b.secure {
				if b.secure {
					return -1
				}
				return 1
			}
			return leastUsed(a, b)
		})
		j.removeLocked(site, func(c *jarCookie) bool { return c == v })
	}
	if j.count.Load() <= int64(limitOr(j.config.MaxTotal, 3000)) {
		return
	}
	var v *jarCookie
	var from string
search:
	for s, cs := range j.sites {
		for _, c := range cs {
			if c.expired(now) {
				v, from = c, s
				break search
			}
			if v == nil || leastUsed(c, v) < 0 {
				v, from = c, s
			}
		}
	}
	j.removeLocked(from, func(c *jarCookie) bool { return c == v })
}

func leastUsed(a, b *jarCookie) int {
	return cmp.Or(a.used.Compare(b.used), cmp.Compare(a.seq, b.seq))
}
