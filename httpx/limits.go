package httpx

import "time"

// Unlimited switches a limit off.
const Unlimited = -1

// Limits bound what a client holds. Zero is the default, Unlimited (any
// negative value) is no limit, except where a field says otherwise.
type Limits struct {
	// MaxConnections bounds the connections of all hosts, dials included.
	// Default 100.
	MaxConnections int
	// MaxConnectionsPerHost bounds those to one scheme, host and port. Default
	// none.
	MaxConnectionsPerHost int
	// MaxKeepaliveConnections bounds the idle ones; busy ones do not count.
	// Default 20.
	MaxKeepaliveConnections int
	// MaxKeepalivePerHost bounds the idle ones to one scheme, host and port.
	// Default none.
	MaxKeepalivePerHost int
	// KeepaliveExpiry closes a connection that has been idle for so long.
	// Default 5 s.
	KeepaliveExpiry time.Duration
	// MaxConnectionAge retires a connection so long after it was made, give or
	// take a tenth, so that new addresses of a name are found. Default none.
	MaxConnectionAge time.Duration
	// MaxRequestsPerConnection retires a connection after so many requests.
	// Default none.
	MaxRequestsPerConnection int
	// MaxHeaderBytes bounds a response head. Default 64 KiB; it cannot be
	// switched off.
	MaxHeaderBytes int
	// MaxHeaderFields bounds the field lines of a response head. Default 1000;
	// it cannot be switched off.
	MaxHeaderFields int
}

// WithLimits sets the limits that are not zero.
func WithLimits(l Limits) ClientOption {
	return poolOption("WithLimits", func(c *config) error {
		set := func(dst *int, n int) {
			if n != 0 {
				*dst = n
			}
		}
		set(&c.limits.MaxConnections, l.MaxConnections)
		set(&c.limits.MaxConnectionsPerHost, l.MaxConnectionsPerHost)
		set(&c.limits.MaxKeepaliveConnections, l.MaxKeepaliveConnections)
		set(&c.limits.MaxKeepalivePerHost, l.MaxKeepalivePerHost)
		set(&c.limits.MaxRequestsPerConnection, l.MaxRequestsPerConnection)
		set(&c.limits.MaxHeaderBytes, l.MaxHeaderBytes)
		set(&c.limits.MaxHeaderFields, l.MaxHeaderFields)
		if l.KeepaliveExpiry != 0 {
			c.limits.KeepaliveExpiry = l.KeepaliveExpiry
		}
		if l.MaxConnectionAge != 0 {
			c.limits.MaxConnectionAge = l.MaxConnectionAge
		}
		return nil
	})
}
