package httpx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"gohttpx.dev/internal/digest"
	"gohttpx.dev/internal/grammar"
)

// DigestAuth answers the challenges of the Digest scheme (RFC 7616): MD5, SHA,
// SHA-256, SHA-512-256 and SHA-512, each with its -sess form; qop auth, auth-int
// where auth is not offered, and none (RFC 2069). Of several challenges the
// strongest is answered; Basic never is.
//
// The first request to an origin goes without credentials and is sent again after
// its 401. Later ones take the nonce that is known and count it up, those of other
// goroutines too, as far as the challenge's domain reaches. A request is sent a
// second time at most, and a third if the server calls the nonce stale.
//
// A request that must be sent again and whose body can be sent but once is an
// error that matches ErrBodyNotReplayable; with auth-int it is found before sending.
// A 401 with nothing but Digest challenges that cannot be answered, by an unknown
// algorithm for instance, is an error too.
//
// The user may have any character but control characters. User and password are
// sent as the bytes they are, not normalised.
func DigestAuth(user, password string, opts ...DigestOption) Auth {
	a := &digestAuth{mask: "httpx.DigestAuth", user: user, password: hide(password)}
	for _, o := range opts {
		if o != nil {
			o(a)
		}
	}
	return a
}

// DigestOption changes what DigestAuth does.
type DigestOption func(*digestAuth)

// DigestMutual demands that the server prove, too, that it knows the password, by
// the rspauth of Authentication-Info (RFC 7616 §3.5). A response below 400 to a
// request with credentials that lacks the proof is an error, and so is a server
// that offers no qop auth. The proof covers the request and not the response's
// content.
func DigestMutual() DigestOption { return func(a *digestAuth) { a.mutual = true } }

type digestAuth struct {
	mask
	user     string // immutable, as are the next two
	password secret
	mutual   bool

	mu     sync.Mutex
	spaces map[string][]*space // by origin, newest first; guarded by mu
}

// space is a nonce and where it may be used unasked.
type space struct {
	*digest.Session
	domain []string // prefixes of targets at the origin; nil: all of it
	live   bool     // guarded by digestAuth.mu; not replaced, refused or used up
}

// The most that is remembered. Old nonces stay so that a server which hands one
// out twice sees no count twice.
const (
	maxDigestOrigins = 256
	maxDigestNonces  = 16 // an origin
)

func (a *digestAuth) Authenticate(ctx context.Context, req *Request, next func(context.Context, *Request) (*Response, error)) (*Response, error) {
	if grammar.HasControl(a.user) || grammar.HasControl(a.password()) {
		return nil, authError(req, errors.New("user and password may not have control characters"))
	}
	origin, target := req.URL.scheme+"://"+req.URL.addr, digestTarget(req)
	s := a.known(origin, target)
	for again := 0; ; again++ {
		var answer *digest.Answer
		if s != nil {
			var err error
			if answer, err = a.answer(req, s, target); err == digest.ErrUsedUp {
				a.retire(s) // the server will say which nonce is next
				req.Header.Del("Authorization")
			} else if err != nil {
				return nil, authError(req, err)
			} else {
				setAuthorization(req, answer.Value)
			}
		}
		resp, err := next(ctx, req)
		if err != nil || !answeredBy(resp, req.URL) {
			return resp, err
		}
		if resp.StatusCode != 401 {
			if answer != nil {
				if err := a.accepted(origin, s, answer, resp); err != nil {
					resp.Close()
					return nil, authError(req, err)
				}
			}
			return resp, nil
		}
		offer, why := digest.Choose(digest.ParseChallenges(resp.Header.Values("WWW-Authenticate")))
		if again > 0 && s != nil && (offer == nil || !offer.Stale || again > 1) {
			a.retire(s)
			return resp, nil
		}
		if why == digest.ErrNoOffer {
			return resp, nil
		}
		if why == nil && !req.canResend() {
			why = ErrBodyNotReplayable
		}
		resp.Close()
		if why != nil {
			return nil, authError(req, fmt.Errorf("401: %w", why))
		}
		s = a.adopt(origin, offer)
	}
}

// digestTarget is the request target as it is sent: RFC 7616 §3.4.6 compares the
// uri with it.
func digestTarget(req *Request) string {
	if m := req.more; m != nil && m.target != "" {
		return m.target
	}
	if req.Method == "CONNECT" {
		return req.URL.addr
	}
	return req.URL.target
}

// answer makes the credentials of one request.
func (a *digestAuth) answer(req *Request, s *space, target string) (*digest.Answer, error) {
	if a.mutual && s.Offer().NeedsBody() {
		return nil, errors.New("the server offers Digest by auth-int alone, which DigestMutual cannot verify")
	}
	return s.Answer(req.Method, target, func(w io.Writer) error {
		if !req.HasBody() {
			return nil
		}
		if !req.canResend() {
			return fmt.Errorf("auth-int hashes the body before it is sent, and it can be read but once: use a body that can be made again (RFC 7616 §3.4.3): %w", ErrBodyNotReplayable)
		}
		body, _, err := req.Body().Open()
		if err != nil {
			return err
		}
		defer body.Close()
		_, err = io.Copy(w, body)
		return err
	})
}

// accepted reads what the server says of itself and of the next nonce.
func (a *digestAuth) accepted(origin string, s *space, answer *digest.Answer, resp *Response) error {
	info := digest.ParseInfo(resp.Header.Values("Authentication-Info"))
	if a.mutual && resp.StatusCode < 400 {
		if err := answer.Verify(info); err != nil {
			return err
		}
	}
	if nonce := info["nextnonce"]; nonce != "" && len(nonce) <= digest.MaxChallenge {
		a.remember(origin, &space{Session: s.Next(nonce), domain: s.domain})
	}
	return nil
}

// known returns the newest nonce that may be used for a target unasked.
func (a *digestAuth) known(origin, target string) *space {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.spaces[origin] {
		if s.live && s.covers(target) {
			return s
		}
	}
	return nil
}

// covers reports whether the protection space has the target in it. RFC 7616 §3.3:
// every URI that one of the list is a prefix of.
func (s *space) covers(target string) bool {
	if s.domain == nil {
		return true
	}
	for _, prefix := range s.domain {
		if len(target) >= len(prefix) && target[:len(prefix)] == prefix {
			return true
		}
	}
	return false
}

// adopt begins with a challenge, or goes on where its nonce is known.
func (a *digestAuth) adopt(origin string, o *digest.Offer) *space {
	return a.remember(origin, &space{Session: digest.NewSession(o, a.user, a.password()), domain: domainOf(origin, o)})
}

// domainOf returns the prefixes that lie in the origin. Others are left out: no
// server may have us send credentials elsewhere.
func domainOf(origin string, o *digest.Offer) []string {
	if len(o.Domain) == 0 {
		return nil
	}
	list := []string{}
	for _, d := range o.Domain {
		if d[0] == '/' && (len(d) == 1 || d[1] != '/') {
			list = append(list, d)
		} else if u, err := ParseURL(d); err == nil && u.IsAbs() && u.scheme+"://"+u.addr == origin {
			list = append(list, u.target)
		}
	}
	return list
}

// remember puts s, or the session there is with its nonce, in front.
func (a *digestAuth) remember(origin string, s *space) *space {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.spaces == nil {
		a.spaces = map[string][]*space{}
	}
	old, known := a.spaces[origin]
	if !known && len(a.spaces) >= maxDigestOrigins {
		for o := range a.spaces { // any
			delete(a.spaces, o)
			break
		}
	}
	for _, x := range old {
		if x.Serves(s.Offer()) {
			s = x
			break
		}
	}
	list := append(make([]*space, 0, len(old)+1), s)
	for _, x := range old {
		if x == s {
			continue
		}
		if x.Offer().Realm == s.Offer().Realm {
			x.live = false
		}
		list = append(list, x)
	}
	s.live = true
	a.spaces[origin] = list[:min(len(list), maxDigestNonces)]
	return s
}

// retire keeps a nonce from being used unasked. Its count goes on.
func (a *digestAuth) retire(s *space) {
	a.mu.Lock()
	s.live = false
	a.mu.Unlock()
}
