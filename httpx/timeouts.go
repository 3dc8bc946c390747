package httpx

import (
	"time"

	"gohttpx.dev/wire"
)

// DefaultTimeout is each of the four timeouts where nothing else is said.
const DefaultTimeout = wire.DefaultTimeout

// Never switches a timeout off.
const Never = wire.Never

// Timeouts are limits on inactivity. Zero inherits: a request takes the
// client's, the client five seconds. Never (any negative value) is off.
type Timeouts struct {
	// Connect bounds DNS, TCP and TLS together.
	Connect time.Duration
	// Read bounds the time without a byte from the server. It starts when the
	// request is fully sent. A server that sends a byte now and then never
	// trips it: WithHeaderTimeout and the context's deadline bound the whole.
	Read time.Duration
	// Write bounds the time in which the server takes no byte.
	Write time.Duration
	// Pool bounds the wait for a free connection.
	Pool time.Duration
}

// WithTimeout sets all four timeouts to d. They are 5 s each by default. Zero
// changes nothing, Never switches them off.
func WithTimeout(d time.Duration) Option {
	return WithTimeouts(Timeouts{Connect: d, Read: d, Write: d, Pool: d})
}

// WithTimeouts sets those of the four timeouts that are not zero; they are 5 s
// each by default. Never switches one off.
func WithTimeouts(t Timeouts) Option {
	return option(func(s *settings) error {
		set := func(dst *time.Duration, d time.Duration) {
			if d != 0 {
				*dst = d
			}
		}
		set(&s.timeouts.Connect, t.Connect)
		set(&s.timeouts.Read, t.Read)
		set(&s.timeouts.Write, t.Write)
		set(&s.timeouts.Pool, t.Pool)
		return nil
	})
}

// WithHeaderTimeout bounds the time from the end of the request to the end of
// the response head. Zero, the default, is off, and so is Never.
func WithHeaderTimeout(d time.Duration) Option {
	return option(func(s *settings) error { s.timeouts.Header = orNever(d); return nil })
}

// WithExpectContinue makes a request with a body ask the server's leave first
// (Expect: 100-continue, RFC 9110 §10.1.1). The body is sent when the leave
// comes or d has passed. Zero or Never is off, the default.
func WithExpectContinue(d time.Duration) Option {
	return option(func(s *settings) error { s.timeouts.Continue = orNever(d); return nil })
}

// orNever keeps "off" apart from "not said", which inherits.
func orNever(d time.Duration) time.Duration {
	if d <= 0 {
		return Never
	}
	return d
}
