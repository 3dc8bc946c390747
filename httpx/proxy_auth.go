package httpx

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"gohttpx.dev/internal/digest"
	"gohttpx.dev/proxy"
	"gohttpx.dev/wire"
)

// proxyAuth answers the challenges of one proxy, and remembers what it wanted
// for the requests that follow.
type proxyAuth struct {
	user, password string // immutable

	mu      sync.Mutex
	basic   bool            // guarded by mu; the proxy has asked for Basic
	session *digest.Session // guarded by mu; the proxy has asked for Digest
}

// proxyAnswer is a value of Proxy-Authorization, "" for none, and where it is from.
type proxyAnswer struct {
	value   string
	basic   bool
	session *digest.Session // nil: not Digest
}

// errProxyBody: a digest over a body that cannot be read twice.
var errProxyBody = errors.New("the proxy wants a digest of the body, which can be read but once")

// first returns what a request carries before it is challenged.
func (a *proxyAuth) first(method, uri string, body func(io.Writer) error) (proxyAnswer, error) {
	if a == nil {
		return proxyAnswer{}, nil
	}
	a.mu.Lock()
	basic, session := a.basic, a.session
	a.mu.Unlock()
	switch {
	case session != nil && (body != nil || !session.Offer().NeedsBody()):
		answer, err := a.digest(session, method, uri, body)
		if errors.Is(err, digest.ErrUsedUp) {
			return proxyAnswer{}, nil // the proxy will say which nonce is next
		}
		return answer, err
	case basic:
		value, err := proxy.Basic(a.user, a.password)
		return proxyAnswer{value: value, basic: true}, err
	}
	return proxyAnswer{}, nil
}

func (a *proxyAuth) digest(s *digest.Session, method, uri string, body func(io.Writer) error) (proxyAnswer, error) {
	answer, err := s.Answer(method, uri, body)
	if err != nil {
		return proxyAnswer{}, err
	}
	return proxyAnswer{value: answer.Value, session: s}, nil
}

// answer is the answer to a 407 after a request that carried used; ok is false
// where there is none that could do better. It is an error if the proxy offers
// nothing but a Digest that cannot be answered.
func (a *proxyAuth) answer(challenges []string, method, uri string, used proxyAnswer, n int, body func(io.Writer) error) (answer proxyAnswer, ok bool, err error) {
	if a == nil {
		return proxyAnswer{}, false, nil
	}
	list := digest.ParseChallenges(challenges)
	offer, why := digest.Choose(list)
	if offer != nil {
		a.mu.Lock()
		if n > 0 && used.session != nil && !offer.Stale {
			if a.session == used.session { // another request may have found a better one
				a.session = nil
			}
			a.mu.Unlock()
			return proxyAnswer{}, false, nil
		}
		if a.session == nil || !a.session.Serves(offer) {
			a.session = digest.NewSession(offer, a.user, a.password)
		}
		s := a.session
		a.basic = false
		a.mu.Unlock()
		if offer.NeedsBody() && body == nil {
			return proxyAnswer{}, false, errProxyBody
		}
		answer, err = a.digest(s, method, uri, body)
		return answer, err == nil, err
	}
	for _, c := range list {
		if wire.EqualFold(c.Scheme, "Basic") {
			a.mu.Lock()
			a.basic = !used.basic
			a.mu.Unlock()
			if used.basic {
				return proxyAnswer{}, false, nil
			}
			value, err := proxy.Basic(a.user, a.password)
			return proxyAnswer{value: value, basic: true}, err == nil, err
		}
	}
	if why != digest.ErrNoOffer {
		return proxyAnswer{}, false, fmt.Errorf("407: %w", why)
	}
	return proxyAnswer{}, false, nil
}
