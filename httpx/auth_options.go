package httpx

// WithAuth sets how requests authenticate. A request's takes the place of the
// client's, both that of the URL's user information, which is sent as Basic.
// Credentials go to the scheme, host and port of the request that the caller
// made and nowhere else: not behind a redirect to another. nil is NoAuth.
func WithAuth(a Auth) Option {
	return moreOption(func(m *more) error { m.auth, m.noAuth = a, a == nil; return nil })
}

// NoAuth sends a request without authentication: neither the client's nor the
// URL's user information.
func NoAuth() Option {
	return moreOption(func(m *more) error { m.auth, m.noAuth = nil, true; return nil })
}
