package httpx

import (
	"net/http"
	"time"
)

// WithCookieJar makes j keep the cookies, in place of a jar of the client's own;
// nil keeps none. A *Cookies has more methods than an http.CookieJar needs.
func WithCookieJar(j http.CookieJar) ClientOption {
	return clientOption(func(c *config) error {
		if own, ok := j.(*Cookies); ok && own == nil {
			j = nil
		}
		c.jar, c.jarSet = j, true
		return nil
	})
}

// WithCookie gives a client a cookie for the host of its base URL, or for the
// host that c.Domain names, with a leading dot (".example.org") also for those
// below it; without either it is an error. It goes into the jar.
//
// On a request it is sent with that one alone, to the origin that the request is
// for, beside those of the jar and in place of any of the same name; c's other
// attributes mean nothing. A Cookie field given by WithHeader is sent as it is,
// and nothing besides.
func WithCookie(c *http.Cookie) Option { return cookieOption{c} }

type cookieOption struct{ cookie *http.Cookie }

func (o cookieOption) applyClient(c *config) error {
	if o.cookie == nil {
		return invalidCookie("", "nil")
	}
	c.cookies = append(c.cookies, o.cookie)
	return nil
}

func (o cookieOption) applyRequest(r *Request) error {
	if o.cookie == nil {
		return invalidCookie("", "nil")
	}
	if err := checkCookie(o.cookie); err != nil {
		return err
	}
	cookie := *o.cookie // what was checked is what is sent
	return r.settings.edit(func(m *more) error { m.cookies = append(m.cookies, &cookie); return nil })
}

// seedCookies puts the cookies of WithCookie into the jar.
func (c *config) seedCookies() error {
	for _, cookie := range c.cookies {
		if err := seedCookie(c.jar, c.base, cookie); err != nil {
			return err
		}
	}
	return nil
}

// Cookies returns the client's jar. It is nil if the client keeps no cookies, or
// in an http.CookieJar of another make.
func (c *Client) Cookies() *Cookies {
	j, _ := c.jar.(*Cookies)
	return j
}

// hasCookies reports whether there may be a cookie for the jar to add.
func (c *Client) hasCookies() bool {
	switch j := c.jar.(type) {
	case nil:
		return false
	case *Cookies:
		return j.count.Load() > 0
	}
	return true
}

// addCookies writes the Cookie field, unless the caller has.
func (c *Client) addCookies(req *Request) error {
	m := req.more
	if req.Header.Has("Cookie") {
		return nil
	}
	var value []byte
	j, ours := c.jar.(*Cookies)
	switch {
	case m.noJar || c.jar == nil:
		value = appendCookies(nil, m.cookies)
	case ours:
		value = j.appendHeader(nil, req.URL.scheme == "https", req.URL.Host(), req.URL.Path(), time.Now(), m.cookies)
	default:
		var all []*http.Cookie
		for _, cookie := range c.jar.Cookies(req.URL.Std()) {
			if checkCookie(cookie) == nil && !namesCookie(m.cookies, cookie.Name) {
				all = append(all, cookie)
			}
		}
		value = appendCookies(nil, append(all, m.cookies...))
	}
	if len(value) > 0 {
		req.Header.Add("Cookie", string(value))
	}
	return nil
}

// keepCookies gives what a response sets to the jar.
func (c *Client) keepCookies(resp *Response) {
	if c.jar == nil || !resp.Header.Has("Set-Cookie") {
		return
	}
	u := resp.URL
	if j, ours := c.jar.(*Cookies); ours {
		j.receive(u.scheme == "https", u.Host(), u.Path(), resp.Header.Values("Set-Cookie"), time.Now())
		return
	}
	c.jar.SetCookies(u.Std(), resp.Cookies())
}

// Cookies returns the cookies that the response sets, the first fifty. Lines
// that are not a cookie are left out.
func (r *Response) Cookies() []*http.Cookie {
	return parseSetCookies(r.Header.Values("Set-Cookie"), limitOr(0, 50))
}
