package httpx

import (
	"errors"
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

// errProxyBody: a digest over a body that cannot be read twice.
var errProxyBody = errors.New("the proxy wants a digest of the body, which can be read but once")

// first returns the value of Proxy-Authorization for a request before it is
// challenged, "" for none.
func (a *proxyAuth) first(method, uri string, body func(io.Writer) error) (string, error) {
	if a == nil {
		return "", nil
	}
	a.mu.Lock()
	basic, session := a.basic, a.session
	a.mu.Unlock()
	switch {
	case session != nil && (body != nil || !session.Offer().NeedsBody()):
		answer, err := session.Answer(method, uri, body)
		if err == nil {
			return answer.Value, nil
		}
		if errors.Is(err, digest.ErrUsedUp) {
			return "", nil // the proxy will say which nonce is next
		}
		return "", err
	case basic:
		return proxy.Basic(a.user, a.password)
	}
	return "", nil
}

// answer is the answer to a 407 after a request that carried used; ok is false
// where there is none that could do better.
func (a *proxyAuth) answer(challenges []string, method, uri, used string, n int, body func(io.Writer) error) (field string, ok bool, err error) {
	if a == nil {
		return "", false, nil
	}
	list := digest.ParseChallenges(challenges)
	if offer, _ := digest.Choose(list); offer != nil {
		a.mu.Lock()
		tried := n > 0 && a.session != nil && hasScheme(used, "Digest")
		if tried && !offer.Stale {
			a.session = nil
			a.mu.Unlock()
			return "", false, nil
		}
		if a.session == nil || !a.session.Serves(offer) {
			a.session = digest.NewSession(offer, a.user, a.password)
		}
		s := a.session
		a.basic = false
		a.mu.Unlock()
		if offer.NeedsBody() && body == nil {
			return "", false, errProxyBody
		}
		answer, err := s.Answer(method, uri, body)
		if err != nil {
			return "", false, err
		}
		return answer.Value, true, nil
	}
	for _, c := range list {
		if wire.EqualFold(c.Scheme, "Basic") {
			a.mu.Lock()
			again := hasScheme(used, "Basic")
			a.basic = !again
			a.mu.Unlock()
			if again {
				return "", false, nil
			}
			field, err := proxy.Basic(a.user, a.password)
			return field, err == nil, err
		}
	}
	return "", false, nil
}

func hasScheme(field, scheme string) bool {
	return len(field) > len(scheme) && field[len(scheme)] == ' ' && wire.EqualFold(field[:len(scheme)], scheme)
}
