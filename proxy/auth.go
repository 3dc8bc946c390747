package proxy

import (
	"sync"

	"gohttpx.dev/internal/digest"
	"gohttpx.dev/wire"
)

// Credentials are a user and a password for one proxy. It remembers the nonce of
// its Digest challenges, so that one Credentials should serve all connections to
// the proxy, and no other proxy. It is safe for concurrent use.
type Credentials struct {
	username, password string // immutable
	basic              string // immutable; "" if the Basic scheme cannot carry them
	basicErr           error  // immutable; why

	mu      sync.Mutex
	session *digest.Session // guarded by mu; nil before a Digest challenge
}

// NewCredentials returns the credentials. Control bytes are refused, since no
// scheme takes them; a colon in the user leaves Digest alone (RFC 7617 §2).
func NewCredentials(username, password string) (*Credentials, error) {
	if hasControl(username) || hasControl(password) {
		return nil, usage(StepCredentials, "user or password has a control byte, which neither Basic (RFC 7617 §2) nor Digest (RFC 7616 §3.4) allows")
	}
	c := &Credentials{username: username, password: password}
	c.basic, c.basicErr = Basic(username, password)
	return c, nil
}

// String names the type and tells nothing.
func (c *Credentials) String() string { return "proxy.Credentials(…)" }

// GoString is the same.
func (c *Credentials) GoString() string { return c.String() }

// Begin starts the authentication of one tunnel or one forwarded request:
//
//	a := c.Begin()
//	t.Authorization, t.Authorize = a.First("CONNECT", t.Addr, true), a.Next
func (c *Credentials) Begin() *Answers { return &Answers{c: c} }

// Answers is the use of Credentials for one tunnel or request. It is not safe
// for concurrent use.
type Answers struct {
	c         *Credentials
	session   *digest.Session // of the last value, if it was Digest
	sentBasic bool
	asked     int // calls of Next that had a Digest answer
}

// First returns the value of Proxy-Authorization to send before the proxy has
// asked, "" for none: Digest if the proxy has offered that before, else Basic if
// basic says so. Basic sent unasked saves a round trip, or a connection, with
// each tunnel; it also tells the password to whoever listens on the way to the
// proxy, though the proxy may prefer Digest. method is that of the request and
// uri its target as sent: for CONNECT host:port.
func (a *Answers) First(method, uri string, basic bool) string {
	a.c.mu.Lock()
	s := a.c.session
	a.c.mu.Unlock()
	if s != nil {
		if answer, err := s.Answer(method, uri, nil); err == nil && !s.Offer().NeedsBody() {
			a.session = s
			return answer.Value
		}
		a.c.forget(s)
	}
	if !basic {
		return ""
	}
	a.sentBasic = a.c.basic != ""
	return a.c.basic
}

// Next answers the challenges of a 407, the values of its Proxy-Authenticate
// fields: the strongest Digest that can be answered, else Basic, each of them
// once, and Digest again if the proxy calls the nonce stale (RFC 7616 §3.3). ok
// is false if user and password were refused, or if neither scheme is offered.
// The error says why a challenge cannot be answered. It is a Tunnel.Authorize.
//
// A challenge that protects the content (qop auth-int alone) is answered as for
// a request without content.
func (a *Answers) Next(challenges []string, method, uri string) (value string, ok bool, err error) {
	list := digest.ParseChallenges(challenges)
	offer, why := digest.Choose(list)
	if offer != nil {
		if a.asked > 0 && !offer.Stale || a.asked > 1 {
			a.c.forget(a.session)
			return "", false, nil
		}
		a.asked++
		a.session = a.c.adopt(offer)
		answer, err := a.session.Answer(method, uri, nil)
		if err != nil {
			a.c.forget(a.session)
			return "", false, err
		}
		return answer.Value, true, nil
	}
	a.c.forget(a.session)
	for _, c := range list {
		if !wire.EqualFold(c.Scheme, "Basic") || a.sentBasic {
			continue
		}
		a.sentBasic = true
		return a.c.basic, a.c.basicErr == nil, a.c.basicErr
	}
	if why == digest.ErrNoOffer {
		why = nil
	}
	return "", false, why
}

// adopt returns the session that answers a challenge: the one there is, if it
// counts the uses of this nonce.
func (c *Credentials) adopt(o *digest.Offer) *digest.Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session == nil || !c.session.Serves(o) {
		c.session = digest.NewSession(o, c.username, c.password)
	}
	return c.session
}

// forget leaves a session that is of no more use.
func (c *Credentials) forget(s *digest.Session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s != nil && c.session == s {
		c.session = nil
	}
}
