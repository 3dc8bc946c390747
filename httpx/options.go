package httpx

import "errors"

// WithHeader sets a header field, in place of any of that name. A name or a value
// that may not be sent is refused with ErrInvalidHeader.
func WithHeader(name, value string) Option {
	return option(func(s *settings) error {
		s.header.Set(name, value)
		return checkField(name, value)
	})
}

// WithHeaders sets all fields of h, in place of those with their names.
func WithHeaders(h Header) Option {
	return option(func(s *settings) error {
		s.header.Merge(h)
		return h.check()
	})
}

// WithAddedHeader adds a header field beside those of that name.
func WithAddedHeader(name, value string) Option {
	return option(func(s *settings) error {
		s.header.Add(name, value)
		return checkField(name, value)
	})
}

// WithoutHeader removes a header field, for example a default one.
func WithoutHeader(name string) Option {
	return option(func(s *settings) error { s.header.Del(name); return nil })
}

// WithUserAgent sets User-Agent, which is "gohttpx/" and Version by default.
func WithUserAgent(ua string) Option { return WithHeader("User-Agent", ua) }

// PathAsIs leaves the dot segments of a URL's path where they are, "/a/../b",
// which are removed otherwise (RFC 3986 §5.2.4), and sends them so. A client's
// base URL is read so as well if PathAsIs stands before WithBaseURL. A prepared
// request has its URL already: there the option is an error.
func PathAsIs() Option { return pathAsIs{} }

type pathAsIs struct{}

func (pathAsIs) applyClient(c *config) error { c.pathAsIs = true; return nil }

func (pathAsIs) applyRequest(r *Request) error {
	if r.URL != nil && !r.URL.rules.PathAsIs {
		return errors.New("PathAsIs: the URL of a request that is built has no dot segments left: give the option to NewRequest")
	}
	r.pathAsIs = true
	return nil
}

// wantPathAsIs reports whether PathAsIs is among opts: the URL is parsed before
// options are applied.
func wantPathAsIs(opts []RequestOption) bool {
	for _, o := range opts {
		if _, ok := o.(pathAsIs); ok {
			return true
		}
	}
	return false
}

// WithTrailer sets the function that gives the request's trailer section. It is
// called once the body has been sent. nil, the default, is no trailer section.
func WithTrailer(f func() Header) Option {
	return moreOption(func(m *more) error { m.trailer = f; return nil })
}

// OnInformational sets the function that sees 1xx responses other than 101. An
// error from it aborts the request. nil, the default, passes over them.
func OnInformational(f func(status int, h Header) error) Option {
	return moreOption(func(m *more) error { m.interim = f; return nil })
}

// WithMaxLineBytes bounds a line that Response.Lines and JSONLines yield. Zero is
// 1 MiB, Unlimited no bound.
func WithMaxLineBytes(n int) Option {
	return moreOption(func(m *more) error { m.maxLine = n; return nil })
}

// WithRequestTarget sends target as the request target (RFC 9112 §3.2; :path over
// HTTP/2) in place of the URL's path and query: exactly these bytes, for
// "OPTIONS *" and for tests of servers. Host and the connection remain the
// URL's. A redirect does not inherit it. Control bytes and spaces are refused. With
// an absolute URL as target, which is for proxies, a Proxy-Authorization that the
// caller gave is sent; otherwise none goes to an origin.
func WithRequestTarget(target string) RequestOption {
	return requestOption(func(r *Request) error {
		return r.settings.edit(func(m *more) error { m.target = target; return nil })
	})
}
