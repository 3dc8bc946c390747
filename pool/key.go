package pool

// Key says which connections are alike: requests with equal keys may share one.
type Key struct {
	// Scheme is "http" or "https". It is part of the key, so that a request
	// for https never rides a cleartext connection to the same host and port.
	Scheme string `json:"scheme"`
	// Addr is host:port, in lower case and with the port always present; an
	// IPv6 address is in brackets.
	Addr string `json:"addr"`
	// Profile stands for everything else that makes connections differ: TLS
	// options, proxy, protocol, local address. It must be comparable, and
	// equal values must mean interchangeable connections. nil is the default
	// of the pool's Dial.
	Profile any `json:"-"`
}
