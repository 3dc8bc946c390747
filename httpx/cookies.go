package httpx

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/publicsuffix"
)

var (
	// ErrCookieConflict: Cookies.Get found several cookies; Domain and Path
	// narrow it down.
	ErrCookieConflict = errors.New("several cookies have that name")
	// ErrNoCookie: Cookies.Get found none. It is net/http's own.
	ErrNoCookie = http.ErrNoCookie
	// ErrInvalidCookie: the cookie breaks RFC 6265bis or our limits.
	ErrInvalidCookie = errors.New("invalid cookie")
)

// CookiesConfig says how a jar works. The zero value is the default.
type CookiesConfig struct {
	// PublicSuffixes says under which names anybody may register, so that a
	// cookie for all of them is refused (RFC 6265bis §5.7). nil is the list
	// that golang.org/x/net/publicsuffix carries.
	PublicSuffixes cookiejar.PublicSuffixList
	// MaxPerSite bounds the cookies of one registrable domain and all names
	// below it. Default 180, Unlimited is none.
	MaxPerSite int
	// MaxTotal bounds the cookies of the jar. Default 3000, Unlimited is none.
	MaxTotal int
	// MaxPerResponse bounds the Set-Cookie lines that are read from one
	// response, the first ones. Default 50, Unlimited is none.
	MaxPerResponse int
	// MaxHeaderBytes bounds the Cookie value of one request; cookies that do
	// not fit are left out. Default 8182, which many servers can just take;
	// Unlimited is none.
	MaxHeaderBytes int
}

// Cookies is a cookie jar after RFC 6265bis. It is an http.CookieJar that can
// also be listed, changed and saved. The zero value is an empty jar with the
// default configuration. It is safe for concurrent use and must not be copied.
//
// A cookie goes to the host that set it, or with a Domain attribute also to the
// names below that domain, and to no other. Secure cookies come from https and
// go to https alone, loopback addresses included. An http origin can neither
// replace nor remove one. A lifetime is at most 400 days. Name and value have
// at most 4096 bytes together; what is larger, or holds a control byte, is
// refused. SameSite, HttpOnly and Partitioned are kept and do not matter here:
// there is no page on whose behalf a request is made.
//
// Where cookies come out of the jar by Get and All and go in by Set, their
// Domain starts with a dot if they are sent to the names below it too, and does
// not if they belong to that host alone.
//
// The syntax is that of http.ParseSetCookie: a cookie without a name, or with
// quotes or non-ASCII bytes within its value, is ignored.
type Cookies struct {
	config CookiesConfig // immutable after NewCookies

	count atomic.Int64 // of stored cookies; lets an empty jar cost nothing

	mu    sync.Mutex
	sites map[string][]*jarCookie // guarded by mu; by registrable domain, each in the order in which they are sent
	seq   uint64                  // guarded by mu; of the cookie made last
}

// NewCookies makes an empty jar.
func NewCookies(config CookiesConfig) *Cookies { return &Cookies{config: config} }

func limitOr(n, def int) int {
	switch {
	case n == 0:
		return def
	case n < 0:
		return int(^uint(0) >> 1)
	}
	return n
}

func (j *Cookies) suffixes() cookiejar.PublicSuffixList {
	if j.config.PublicSuffixes != nil {
		return j.config.PublicSuffixes
	}
	return publicsuffix.List
}

// SetCookies stores what a response to u has set, as far as RFC 6265bis allows;
// it is a method of http.CookieJar. SetFor says what was wrong with a cookie.
func (j *Cookies) SetCookies(u *url.URL, cookies []*http.Cookie) {
	o, ok := originOfURL(u)
	if !ok {
		return
	}
	o.site, o.single = siteOf(o.host, j.suffixes())
	now := time.Now()
	for _, c := range cookies[:min(len(cookies), limitOr(j.config.MaxPerResponse, 50))] {
		_ = j.store(c, o, now) // a refused cookie is ignored: §5.7
	}
}

// Cookies returns the cookies to send to u, name and value only, in the order
// in which they are sent; it is a method of http.CookieJar.
func (j *Cookies) Cookies(u *url.URL) []*http.Cookie {
	if j.count.Load() == 0 {
		return nil
	}
	o, ok := originOfURL(u)
	if !ok {
		return nil
	}
	var out []*http.Cookie
	j.each(o, time.Now(), nil, func(c *jarCookie) {
		out = append(out, &http.Cookie{Name: c.name, Value: c.value, Quoted: c.quoted})
	})
	return out
}

// CookieFilter narrows which cookies a method of Cookies is about.
type CookieFilter func(*cookieFilter)

type cookieFilter struct {
	name, domain, path       string
	byName, byDomain, byPath bool
	impossible               bool // the domain is none
}

// Domain narrows to the cookies of exactly this domain, with or without those
// that its subdomains get too; a leading dot does not matter.
func Domain(d string) CookieFilter {
	return func(f *cookieFilter) {
		host, ok := cookieHost(strings.TrimPrefix(d, "."))
		f.domain, f.byDomain = host, true
		f.impossible = f.impossible || !ok
	}
}

// Path narrows to the cookies with exactly this path.
func Path(p string) CookieFilter {
	return func(f *cookieFilter) { f.path, f.byPath = p, true }
}

func newCookieFilter(by []CookieFilter) *cookieFilter {
	f := new(cookieFilter)
	for _, b := range by {
		if b != nil {
			b(f)
		}
	}
	return f
}

func (f *cookieFilter) match(c *jarCookie) bool {
	return !f.impossible && (!f.byName || c.name == f.name) &&
		(!f.byDomain || c.domain == f.domain) && (!f.byPath || c.path == f.path)
}

// Get returns a copy of the cookie of that name. If there is none, or none left
// after narrowing, the error matches ErrNoCookie; if there are several,
// ErrCookieConflict. Names are case-sensitive.
func (j *Cookies) Get(name string, by ...CookieFilter) (*http.Cookie, error) {
	f := newCookieFilter(by)
	f.name, f.byName = name, true
	found := j.list(f)
	switch len(found) {
	case 0:
		return nil, &Error{Op: "cookie", Err: fmt.Errorf("cookie %s: %w", shownName(name), ErrNoCookie)}
	case 1:
		return found[0].cookie(), nil
	}
	return nil, &Error{Op: "cookie", Err: fmt.Errorf("cookie %s: %w: narrow it down by Domain or Path", shownName(name), ErrCookieConflict)}
}

// Set stores a cookie for the host that its Domain names, and with a leading
// dot for all names below it. Path is "/" unless it says otherwise. The caller
// is trusted as an https origin is. A cookie that has expired removes the one
// it would replace. The error matches ErrInvalidCookie and never shows the
// value.
func (j *Cookies) Set(c *http.Cookie) error {
	if c == nil {
		return invalidCookie("", "there is none: it is nil")
	}
	d, below := strings.CutPrefix(c.Domain, ".")
	if d == "" {
		return invalidCookie(c.Name, "it has no Domain: set one, or use SetFor")
	}
	host, ok := cookieHost(d)
	if !ok {
		return invalidCookie(c.Name, "its Domain is no host")
	}
	cc := *c
	cc.Domain = ""
	if below {
		cc.Domain = host
	}
	if cc.Path == "" {
		cc.Path = "/"
	}
	o := j.from(true, host, "/")
	if below && o.single {
		return invalidCookie(c.Name, "its Domain is an address or a public suffix, under which all have nothing in common: leave out the dot")
	}
	return j.store(&cc, o, time.Now())
}

// SetFor stores a cookie as if a response from that URL had set it: without a
// Domain it belongs to the URL's host alone, and without a Path to the URL's
// directory. The error matches ErrInvalidURL or ErrInvalidCookie.
func (j *Cookies) SetFor(url string, c *http.Cookie) error {
	u, err := ParseURL(url)
	if err != nil {
		return err
	}
	if !u.IsAbs() {
		return invalidURL("%q has no scheme: write it as https://example.org/path", u.Redacted())
	}
	return j.store(c, j.from(u.scheme == "https", u.Host(), u.Path()), time.Now())
}

// Delete removes the cookies of that name and returns how many there were.
func (j *Cookies) Delete(name string, by ...CookieFilter) int {
	f := newCookieFilter(by)
	f.name, f.byName = name, true
	return j.remove(f)
}

// Clear removes all cookies, or those that are left after narrowing, and
// returns how many there were.
func (j *Cookies) Clear(by ...CookieFilter) int { return j.remove(newCookieFilter(by)) }

// All iterates over copies of the cookies that there are when the iteration
// starts, by domain, then in the order in which they are sent. The jar may be
// changed meanwhile.
func (j *Cookies) All() iter.Seq[*http.Cookie] {
	return func(yield func(*http.Cookie) bool) {
		for _, c := range j.list(new(cookieFilter)) {
			if !yield(c.cookie()) {
				return
			}
		}
	}
}

// Len returns the number of cookies.
func (j *Cookies) Len() int { return len(j.list(new(cookieFilter))) }

// String says how many cookies there are, and nothing of them.
func (j *Cookies) String() string { return fmt.Sprintf("httpx.Cookies(%d)", j.count.Load()) }

// LogValue is String for log/slog.
func (j *Cookies) LogValue() slog.Value { return slog.StringValue(j.String()) }

// list returns copies of the cookies that match, in the order of All.
func (j *Cookies) list(f *cookieFilter) []jarCookie {
	if j.count.Load() == 0 {
		return nil
	}
	now := time.Now()
	var out []jarCookie
	j.mu.Lock()
	for _, cs := range j.sites {
		for _, c := range cs {
			if !c.expired(now) && f.match(c) {
				out = append(out, *c)
			}
		}
	}
	j.mu.Unlock()
	slices.SortFunc(out, func(a, b jarCookie) int {
		return cmp.Or(cmp.Compare(a.domain, b.domain), sendOrder(&a, &b))
	})
	return out
}

// remove counts only what was still valid: an expired cookie is not there.
func (j *Cookies) remove(f *cookieFilter) int {
	now := time.Now()
	n := 0
	j.mu.Lock()
	defer j.mu.Unlock()
	for site := range j.sites {
		j.removeLocked(site, func(c *jarCookie) bool {
			if !f.match(c) {
				return false
			}
			if !c.expired(now) {
				n++
			}
			return true
		})
	}
	return n
}

// shownName is a cookie's name for an error text, which a caller may have mixed
// up with the value.
func shownName(name string) string {
	if len(name) > 64 {
		name = name[:64] + "…"
	}
	return fmt.Sprintf("%q", name)
}

func invalidCookie(name, reason string) error {
	return &Error{Op: "cookie", Err: fmt.Errorf("%w %s: %s", ErrInvalidCookie, shownName(name), reason)}
}
