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
	return timeLimit(func(all *wire.Timeouts) {
		set := func(dst *time.Duration, d time.Duration) {
			if d != 0 {
				*dst = d
			}
		}
		set(&all.Connect, t.Connect)
		set(&all.Read, t.Read)
		set(&all.Write, t.Write)
		set(&all.Pool, t.Pool)
	})
}

// WithHeaderTimeout bounds the time from the end of the request to the end of
// the response head. Zero, the default, is off, and so is Never.
func WithHeaderTimeout(d time.Duration) Option {
	return timeLimit(func(all *wire.Timeouts) { all.Header = orNever(d) })
}

// WithExpectContinue makes a request with a body ask the server's leave first
// (Expect: 100-continue, RFC 9110 §10.1.1). The body is sent when the leave
// comes or d has passed. Zero or Never is off, the default.
func WithExpectContinue(d time.Duration) Option {
	return timeLimit(func(all *wire.Timeouts) { all.Continue = orNever(d) })
}

// timeLimit changes some of the timeouts.
func timeLimit(f func(*wire.Timeouts)) Option {
	return option(func(s *settings) error { s.limitTime(f); return nil })
}

// limitTime has f change timeouts that nobody else has.
func (s *settings) limitTime(f func(*wire.Timeouts)) {
	all := s.timeLimits()
	f(&all)
	s.timeouts = &all
}

// timeLimits are the timeouts that s says.
func (s *settings) timeLimits() wire.Timeouts {
	if s.timeouts == nil {
		return wire.Timeouts{}
	}
	return *s.timeouts
}

// timeLimitsOver are those that s says, and those of def where it says nothing.
func (s *settings) timeLimitsOver(def *settings) wire.Timeouts {
	t := s.timeLimits()
	if def.timeouts == nil || def.timeouts == s.timeouts {
		return t
	}
	or := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	or(&t.Connect, def.timeouts.Connect)
	or(&t.Read, def.timeouts.Read)
	or(&t.Write, def.timeouts.Write)
	or(&t.Pool, def.timeouts.Pool)
	or(&t.Header, def.timeouts.Header)
	or(&t.Continue, def.timeouts.Continue)
	return t
}

// orNever keeps "off" apart from "not said", which inherits.
func orNever(d time.Duration) time.Duration {
	if d <= 0 {
		return Never
	}
	return d
}
