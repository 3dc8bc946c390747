package httpx

// WithHeader sets a header field, in place of any of that name.
func WithHeader(name, value string) Option {
	return option(func(s *settings) error { s.header.Set(name, value); return nil })
}

// WithHeaders sets all fields of h, in place of those with their names.
func WithHeaders(h Header) Option {
	return option(func(s *settings) error { s.header.merge(h); return nil })
}

// WithAddedHeader adds a header field beside those of that name.
func WithAddedHeader(name, value string) Option {
	return option(func(s *settings) error { s.header.Add(name, value); return nil })
}

// WithoutHeader removes a header field, for example a default one.
func WithoutHeader(name string) Option {
	return option(func(s *settings) error { s.header.Del(name); return nil })
}

// WithUserAgent sets User-Agent.
func WithUserAgent(ua string) Option { return WithHeader("User-Agent", ua) }

// WithQuery adds query parameters, keys and values in turn. They are appended
// to the URL's own; a request's replace the client's of the same key. A slice
// repeats its key, a []byte is text, nil is the empty string, and what is no
// string is written as fmt.Sprint does.
func WithQuery(keysAndValues ...any) Option {
	ps, err := queryPairs(keysAndValues)
	return option(func(s *settings) error {
		s.query = append(s.query[:len(s.query):len(s.query)], ps...)
		return err
	})
}

// WithTrailer sets the function that gives the request's trailer section. It is
// called once the body has been sent.
func WithTrailer(f func() Header) Option {
	return moreOption(func(m *more) error { m.trailer = f; return nil })
}

// OnInformational sets the function that sees 1xx responses other than 101. An
// error from it aborts the request.
func OnInformational(f func(status int, h Header) error) Option {
	return moreOption(func(m *more) error { m.interim = f; return nil })
}

// WithMaxLineBytes bounds a line that Response.Lines yields. Zero is 1 MiB.
func WithMaxLineBytes(n int) Option {
	return moreOption(func(m *more) error { m.maxLine = n; return nil })
}

// WithRequestTarget sends target as the request target (RFC 9112 §3.2; :path over
// HTTP/2) in place of the URL's path and query: exactly these bytes, for
// "OPTIONS *" and for tests of servers. Host and the connection remain the
// URL's. A redirect does not inherit it. Control bytes and spaces are refused.
func WithRequestTarget(target string) RequestOption {
	return requestOption(func(r *Request) error {
		return r.settings.edit(func(m *more) error { m.target = target; return nil })
	})
}
