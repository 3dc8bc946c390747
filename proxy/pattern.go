package proxy

import (
	"cmp"
	"net/netip"
	"strconv"
	"strings"

	"gohttpx.dev/internal/grammar"
)

// Pattern is a set of origins: the key of a mount, or an entry of NO_PROXY. It
// is comparable: equal values match the same origins. The zero Pattern matches
// every origin.
type Pattern struct {
	scheme string // lower case, "" for all
	port   string // without leading zeros, "" for all
	kind   hostKind
	name   string       // of hostTree, hostBelow and hostName; lower case, no final dot
	net    netip.Prefix // of hostNet and hostAddr; masked, no IPv4 in IPv6
}

// hostKind is what a pattern says of the host.
type hostKind uint8

const (
	hostAny   hostKind = iota // *
	hostNet                   // 10.0.0.0/8
	hostTree                  // *x.com: x.com and what is below it
	hostBelow                 // *.x.com: what is below x.com
	hostName                  // x.com
	hostAddr                  // 10.0.0.1
)

// ParsePattern parses scheme://host[:port]:
//
//   - The scheme is one, or "all".
//   - The host is a name; "*x.com" for x.com and all names below it;
//     "*.x.com", or ".x.com", for all names below x.com and not x.com itself;
//     an IP address, IPv6 in brackets; a network as "10.0.0.0/8" or
//     "[fd00::]/8"; "*" or nothing for every host.
//   - A pattern with a port matches that port only, even if it is the scheme's
//     default; one without matches all ports.
//
// Names are folded to lower case and a final dot is dropped; a zone of an IPv6
// address is ignored, and an IPv4 address in an IPv6 one is that IPv4 address. A
// name never matches an IP address nor the other way round. The error is an
// *Error with StepPattern.
func ParsePattern(s string) (Pattern, error) {
	scheme, host, ok := strings.Cut(s, "://")
	if !ok {
		return Pattern{}, usage(StepPattern, "no \"://\": write all:// before a host for every scheme, as in all://*.example.org")
	}
	p, why := parsePattern(strings.ToLower(scheme), host)
	if why != "" {
		return Pattern{}, usage(StepPattern, "%s", why)
	}
	return p, nil
}

func parsePattern(scheme, host string) (p Pattern, why string) {
	if scheme != "all" {
		if !grammar.IsScheme(scheme) {
			return p, "what stands before \"://\" is no scheme (RFC 3986 §3.1); write all for every scheme"
		}
		p.scheme = scheme
	}
	if strings.IndexByte(host, '@') >= 0 {
		return p, "a pattern has no user information"
	}
	return p, p.setHost(strings.ToLower(strings.TrimSuffix(host, "/")))
}

// setHost takes what follows "://", in lower case.
func (p *Pattern) setHost(s string) (why string) {
	if s == "" {
		return ""
	}
	host, port := s, ""
	i := strings.LastIndexByte(s, ':')
	switch {
	case s[0] == '[':
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return "no ] after the IPv6 address"
		}
		rest := s[end+1:]
		if i := strings.IndexByte(rest, ':'); i >= 0 {
			if rest, port = rest[:i], rest[i+1:]; port == "" {
				return "no port after the colon"
			}
		}
		host = s[1:end] + rest // [fd00::]/8
		if rest != "" && rest[0] != '/' || strings.IndexByte(host, ':') < 0 {
			return "no IPv6 address or network in the brackets"
		}
	case i >= 0 && strings.IndexByte(s, ':') == i:
		if host, port = s[:i], s[i+1:]; port == "" {
			return "no port after the colon"
		}
	}
	if port != "" {
		n, ok := parsePort(port)
		if !ok {
			return "the port is no number from 1 to 65535"
		}
		p.port = n
	}
	return p.setName(host)
}

// setName takes a host without port and brackets.
func (p *Pattern) setName(s string) (why string) {
	if s == "*" {
		return ""
	}
	if addr, bits, ok := strings.Cut(s, "/"); ok {
		net, ok := parseNet(addr, bits)
		if !ok {
			return "neither a host nor a network in CIDR notation (RFC 4632 §3.1); a pattern has no path"
		}
		p.kind, p.net = hostNet, net
		return ""
	}
	if a, ok := parseIP(s); ok {
		p.kind, p.net = hostAddr, netip.PrefixFrom(a, a.BitLen())
		return ""
	}
	p.kind = hostName
	switch {
	case strings.HasPrefix(s, "*."):
		p.kind, s = hostBelow, s[2:]
	case strings.HasPrefix(s, "."):
		p.kind, s = hostBelow, s[1:]
	case strings.HasPrefix(s, "*"):
		p.kind, s = hostTree, s[1:]
	}
	if strings.IndexByte(s, '*') >= 0 {
		return "a * stands only at the start of the host, for the names below it"
	}
	if why := badName(s); why != "" {
		return why
	}
	p.name = strings.TrimSuffix(s, ".")
	return ""
}

// parseNet parses a network; host bits are cleared.
func parseNet(addr, bits string) (netip.Prefix, bool) {
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return netip.Prefix{}, false
	}
	n, err := strconv.ParseUint(bits, 10, 8)
	if err != nil || int(n) > a.BitLen() {
		return netip.Prefix{}, false
	}
	if a.Is4In6() && n >= 96 {
		a, n = a.Unmap(), n-96
	}
	net, err := a.WithZone("").Prefix(int(n))
	return net, err == nil
}

// parseIP parses an IP address. Its zone is dropped, so that nothing in one can
// look like the end of a name ("[::1%25.example.com]").
func parseIP(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	return a.WithZone("").Unmap(), err == nil
}

// Match reports whether the origin is in the set. host may have brackets, a
// zone, a final dot and any case; port may be "" for the default one of http,
// https, ws and wss.
func (p Pattern) Match(scheme, host, port string) bool {
	return p.match(toOrigin(scheme, host, port))
}

// origin is what patterns are matched against.
type origin struct {
	scheme, name, port string
	addr               netip.Addr // of an IP address; name is "" then
}

func toOrigin(scheme, host, port string) origin {
	o := origin{scheme: strings.ToLower(scheme), port: port}
	if port == "" {
		switch o.scheme {
		case "http", "ws":
			o.port = "80"
		case "https", "wss":
			o.port = "443"
		}
	} else if n, ok := parsePort(port); ok {
		o.port = n
	}
	if len(host) > 2 && host[0] == '[' && host[len(host)-1] == ']' {
		host = host[1 : len(host)-1]
	}
	if a, ok := parseIP(host); ok {
		o.addr = a
		return o
	}
	// No name has these bytes, and what has them may look like any name.
	if strings.ContainsAny(host, ":%[]/@") {
		return o
	}
	o.name = strings.TrimSuffix(strings.ToLower(host), ".")
	return o
}

func (p Pattern) match(o origin) bool {
	if p.scheme != "" && p.scheme != o.scheme || p.port != "" && p.port != o.port {
		return false
	}
	switch p.kind {
	case hostAny:
		return true
	case hostNet, hostAddr:
		return o.addr.IsValid() && p.net.Contains(o.addr)
	case hostName:
		return o.name == p.name
	}
	rest, ok := strings.CutSuffix(o.name, p.name)
	if !ok || rest == "" {
		return ok && p.kind == hostTree
	}
	return len(rest) > 1 && rest[len(rest)-1] == '.'
}

// Compare returns a negative number if a is more specific than b and comes
// before it in a table, a positive one if b is, and else 0. An exact host is
// more specific than a network or a set of names, of which the longer one wins;
// every host comes last. Among equal hosts a port is more specific than none,
// and then a scheme more than all.
//
// It is a total preorder: for patterns that are equal here, the order of the
// table decides (slices.SortStableFunc).
func Compare(a, b Pattern) int {
	return cmp.Or(
		cmp.Compare(b.rank(), a.rank()),
		cmp.Compare(b.length(), a.length()),
		cmp.Compare(given(b.port), given(a.port)),
		cmp.Compare(given(b.scheme), given(a.scheme)),
	)
}

func (p Pattern) rank() int {
	switch p.kind {
	case hostAny:
		return 0
	case hostName, hostAddr:
		return 2
	}
	return 1
}

// length orders sets of hosts: those of one family that overlap at all lie one
// within the other, and the longer prefix or suffix is the inner one.
func (p Pattern) length() int {
	switch p.kind {
	case hostNet:
		return p.net.Bits()
	case hostTree:
		return 2 * len(p.name)
	case hostBelow:
		return 2*len(p.name) + 1
	}
	return 0
}

func given(s string) int {
	if s == "" {
		return 0
	}
	return 1
}

// String returns the pattern in the form that ParsePattern takes.
func (p Pattern) String() string {
	s := cmp.Or(p.scheme, "all") + "://"
	switch p.kind {
	case hostAny:
		s += "*"
	case hostTree:
		s += "*" + p.name
	case hostBelow:
		s += "*." + p.name
	case hostName:
		s += p.name
	case hostNet, hostAddr:
		a := p.net.Addr().String()
		if p.net.Addr().Is6() {
			a = "[" + a + "]"
		}
		if s += a; p.kind == hostNet {
			s += "/" + strconv.Itoa(p.net.Bits())
		}
	}
	if p.port != "" {
		s += ":" + p.port
	}
	return s
}
