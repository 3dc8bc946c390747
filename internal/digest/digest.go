package digest

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"strings"

	"gohttpx.dev/wire"
)

// algorithm is a hash function that challenges may name.
type algorithm struct {
	name     string
	new      func() hash.Hash
	strength int
}

// RFC 7616 §6.1. SHA and SHA-512 are in no registry, but some servers name them.
var algorithms = [...]algorithm{
	{"MD5", md5.New, 1},
	{"SHA", sha1.New, 2},
	{"SHA-256", sha256.New, 3},
	{"SHA-512-256", sha512.New512_256, 4},
	{"SHA-512", sha512.New, 4},
}

// Offer is a Digest challenge that can be answered.
type Offer struct {
	Realm, Nonce string
	// Domain lists the URIs of the protection space; none is all of the server.
	// A proxy's means nothing (RFC 7616 §3.3).
	Domain []string
	// Stale: user and password were not at fault, the nonce was too old.
	Stale bool

	opaque   string
	named    string // the algorithm as the server wrote it
	new      func() hash.Hash
	strength int
	session  bool // -sess
	qop      string
	userhash bool
	utf8     bool
}

// The values of qop; "" is RFC 2069.
const (
	qopAuth    = "auth"
	qopAuthInt = "auth-int"
)

// ErrNoOffer: there are challenges, and none is Digest.
var ErrNoOffer = errors.New("no Digest challenge")

// Choose returns the strongest of the Digest challenges that can be answered, of
// equally strong ones the first (RFC 7616 §3.7). The error is ErrNoOffer if there
// is no Digest challenge, else it says what is wrong with the first.
func Choose(list []Challenge) (*Offer, error) {
	var best *Offer
	err := ErrNoOffer
	for _, c := range list {
		if !wire.EqualFold(c.Scheme, "Digest") {
			continue
		}
		o, why := offer(c)
		switch {
		case why != nil && err == ErrNoOffer:
			err = why
		case why == nil && (best == nil || o.strength > best.strength):
			best = o
		}
	}
	if best != nil {
		return best, nil
	}
	return nil, err
}

// MaxChallenge bounds what is remembered and echoed of a challenge, and of a nonce
// that comes with an answer, in bytes.
const MaxChallenge = 4 << 10

// MaxProxyAnswers is how often a 407 is answered for one request or tunnel: once
// for a refused first guess, once more for a nonce that has become stale, and one in
// reserve.
const MaxProxyAnswers = 3

func offer(c Challenge) (*Offer, error) {
	total := 0
	for name, value := range c.Params {
		total += len(name) + len(value)
	}
	if total > MaxChallenge {
		return nil, fmt.Errorf("a Digest challenge of %d bytes, more than %d", total, MaxChallenge)
	}
	for _, must := range [...]string{"realm", "nonce"} {
		if _, ok := c.Params[must]; !ok {
			return nil, fmt.Errorf("a Digest challenge without %s (RFC 7616 §3.3)", must)
		}
	}
	o := &Offer{
		Realm:    c.Params["realm"],
		Nonce:    c.Params["nonce"],
		Domain:   strings.Fields(c.Params["domain"]),
		Stale:    wire.EqualFold(c.Params["stale"], "true"),
		opaque:   c.Params["opaque"],
		named:    "MD5",
		userhash: wire.EqualFold(c.Params["userhash"], "true"),
		utf8:     wire.EqualFold(c.Params["charset"], "UTF-8"),
	}
	if a, ok := c.Params["algorithm"]; ok {
		o.named = a
	}
	base := o.named
	if n := len(base) - len("-sess"); n > 0 && wire.EqualFold(base[n:], "-sess") {
		base, o.session = base[:n], true
	}
	for _, a := range algorithms {
		if wire.EqualFold(a.name, base) {
			o.new, o.strength = a.new, a.strength
		}
	}
	if o.new == nil {
		return nil, fmt.Errorf("the Digest algorithm %.40q is not known", o.named)
	}
	if list, ok := c.Params["qop"]; ok && list != "" {
		for q := range strings.SplitSeq(list, ",") {
			q = strings.Trim(q, " \t")
			switch {
			case wire.EqualFold(q, qopAuth):
				o.qop = qopAuth
			case wire.EqualFold(q, qopAuthInt) && o.qop == "":
				o.qop = qopAuthInt
			}
		}
		if o.qop == "" {
			return nil, fmt.Errorf("the Digest qop %.40q is not known", list)
		}
	}
	return o, nil
}

// NeedsBody reports whether the body goes into the answer (qop auth-int).
func (o *Offer) NeedsBody() bool { return o.qop == qopAuthInt }

// sum is H of RFC 7616 §3.3 over parts joined by colons, in hexadecimal.
func (o *Offer) sum(parts ...string) string {
	h := o.new()
	for i, p := range parts {
		if i > 0 {
			h.Write([]byte{':'})
		}
		h.Write([]byte(p))
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}
