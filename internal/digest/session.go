package digest

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
)

// Session answers requests with the nonce of one challenge. It keeps a hash of
// the password and not the password.
type Session struct {
	// Immutable after NewSession.
	offer  Offer
	user   string // as it is sent, name and all
	base   string // H(user:realm:password), in a -sess algorithm with nonce and cnonce
	cnonce string // of all requests, in a -sess algorithm

	count atomic.Uint64
}

// ErrUsedUp: a nonce has been used 2^32-1 times and has no more counts.
var ErrUsedUp = errors.New("the Digest nonce is used up")

// NewSession begins with a challenge.
func NewSession(o *Offer, user, password string) *Session {
	return newSession(o, user, password, newCNonce())
}

func newSession(o *Offer, user, password, cnonce string) *Session {
	s := &Session{offer: *o, base: o.sum(user, o.Realm, password)}
	if o.session {
		// RFC 7616 §3.4.2: the session key is made once, of the first cnonce.
		s.cnonce = cnonce
		s.base = o.sum(s.base, o.Nonce, cnonce)
	}
	switch {
	case o.userhash:
		s.user = "username=" + quote(o.sum(user, o.Realm)) // §3.4.4
	case o.utf8 && !isASCII(user):
		s.user = "username*=UTF-8''" + extValue(user) // §3.4, RFC 8187
	default:
		s.user = "username=" + quote(user)
	}
	return s
}

// newCNonce returns 128 bits from the system's generator, which does not fail.
func newCNonce() string {
	var b [16]byte
	rand.Read(b[:])
	return base64.RawStdEncoding.EncodeToString(b[:])
}

// Offer returns the challenge that s answers. It must not be changed.
func (s *Session) Offer() *Offer { return &s.offer }

// Serves reports whether s already counts the uses of this challenge's nonce: a
// server may give the same to several clients at once.
func (s *Session) Serves(o *Offer) bool {
	return s.offer.Nonce == o.Nonce && s.offer.Realm == o.Realm && s.offer.opaque == o.opaque &&
		s.offer.strength == o.strength && s.offer.named == o.named && s.offer.qop == o.qop
}

// Next returns a session that goes on with the nonce that the server wants to see
// next (RFC 7616 §3.5), counting from one. The key of a -sess algorithm stays.
func (s *Session) Next(nonce string) *Session {
	n := &Session{offer: s.offer, user: s.user, base: s.base, cnonce: s.cnonce}
	n.offer.Nonce = nonce
	return n
}

// Answer is what authenticates one request.
type Answer struct {
	// Value is the value of Authorization or Proxy-Authorization. It is secret.
	Value string

	session                 *Session
	count, cnonce, uri, qop string
}

// Answer answers for a request. uri is the request target exactly as it is sent:
// for CONNECT the authority. body writes the content to w; it is called where the
// challenge wants the body protected, and nil is no content.
func (s *Session) Answer(method, uri string, body func(w io.Writer) error) (*Answer, error) {
	n := s.count.Add(1)
	if n > 0xffffffff {
		return nil, ErrUsedUp
	}
	cnonce := s.cnonce
	if cnonce == "" {
		cnonce = newCNonce()
	}
	return s.answer(method, uri, body, uint32(n), cnonce)
}

func (s *Session) answer(method, uri string, body func(w io.Writer) error, n uint32, cnonce string) (*Answer, error) {
	o := &s.offer
	a := &Answer{session: s, count: fmt.Sprintf("%08x", n), cnonce: cnonce, uri: uri, qop: o.qop}
	a2 := []string{method, uri} // §3.4.3
	if o.qop == qopAuthInt {
		h := o.new()
		if body != nil {
			if err := body(h); err != nil {
				return nil, err
			}
		}
		a2 = append(a2, fmt.Sprintf("%x", h.Sum(nil)))
	}
	var b strings.Builder
	b.WriteString("Digest ")
	b.WriteString(s.user)
	b.WriteString(", realm=" + quote(o.Realm))
	b.WriteString(", nonce=" + quote(o.Nonce))
	b.WriteString(", uri=" + quote(uri))
	b.WriteString(`, response="` + a.response(a2) + `"`)
	b.WriteString(", algorithm=" + o.named)
	if o.opaque != "" {
		b.WriteString(", opaque=" + quote(o.opaque))
	}
	if o.qop != "" {
		b.WriteString(", qop=" + o.qop + ", nc=" + a.count)
	}
	if o.qop != "" || o.session {
		b.WriteString(", cnonce=" + quote(cnonce))
	}
	if o.userhash {
		b.WriteString(", userhash=true")
	}
	a.Value = b.String()
	return a, nil
}

// response is the digest of RFC 7616 §3.4.1, or without qop that of RFC 2069.
func (a *Answer) response(a2 []string) string {
	s, o := a.session, &a.session.offer
	if a.qop == "" {
		return o.sum(s.base, o.Nonce, o.sum(a2...))
	}
	return o.sum(s.base, o.Nonce, a.count, a.cnonce, a.qop, o.sum(a2...))
}

// ErrServer: the server has not shown that it knows the password.
var ErrServer = errors.New("the server's Authentication-Info does not prove that it knows the password (RFC 7616 §3.5)")

// Verify checks the rspauth of the response's Authentication-Info, read by
// ParseInfo. It protects no response body.
func (a *Answer) Verify(info map[string]string) error {
	if a.qop == "" || info["qop"] == qopAuthInt || info["rspauth"] != a.response([]string{"", a.uri}) {
		return ErrServer
	}
	for name, want := range map[string]string{"cnonce": a.cnonce, "nc": a.count} {
		if got, ok := info[name]; ok && got != want {
			return ErrServer
		}
	}
	return nil
}

// quote makes a quoted-string (RFC 9110 §5.6.4).
func quote(s string) string {
	if strings.ContainsAny(s, `"\`) {
		s = strings.NewReplacer(`"`, `\"`, `\`, `\\`).Replace(s)
	}
	return `"` + s + `"`
}

// extValue is value-chars of RFC 8187 §3.2.1.
func extValue(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("!#$&+-.^_`|~", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
