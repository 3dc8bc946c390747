package httpx

import (
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// maxZone bounds the name of a network interface in a URL, in bytes.
const maxZone = 63

// parseIPv6 takes what stands between the brackets of a host and returns the
// address in canonical form (RFC 5952 §4) and its zone, if it has one.
//
// RFC 9844 took the zones of RFC 6874 out of URLs again, yet an interface has no
// other place to stand. They are accepted in the escaped form alone, of
// addresses that are local to a link (RFC 4007 §6: no others need one), and
// without a dot: what a zone says can then be mistaken for a domain neither by a
// proxy rule nor by whoever compares hosts.
func parseIPv6(s string) (addr, zone string, err error) {
	text, zone, hasZone := strings.Cut(s, "%")
	a, err := netip.ParseAddr(text)
	if err != nil || !a.Is6() {
		return "", "", invalidURL("%q is no IPv6 address", text)
	}
	if hasZone {
		if zone, err = parseZone(a, zone); err != nil {
			return "", "", err
		}
	}
	var buf [48]byte
	if canonical := a.AppendTo(buf[:0]); string(canonical) != text {
		return string(canonical), zone, nil
	}
	return text, zone, nil
}

// parseZone takes what stands behind the "%".
func parseZone(a netip.Addr, s string) (string, error) {
	zone, escaped := strings.CutPrefix(s, "25")
	switch {
	case !escaped:
		return "", invalidURL("the %% before an IPv6 zone must be escaped: [fe80::1%%25eth0]")
	case zone == "" || len(zone) > maxZone:
		return "", invalidURL("an IPv6 zone of %d bytes: 1 to %d are allowed", len(zone), maxZone)
	case !a.IsLinkLocalUnicast() && !a.IsLinkLocalMulticast() && !a.IsInterfaceLocalMulticast():
		return "", invalidURL("an IPv6 zone may stand in a link-local address only (fe80::/10)")
	}
	for i := 0; i < len(zone); i++ {
		c := zone[i]
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return "", invalidURL("byte %q may not stand in an IPv6 zone; the number of the interface always may", c)
		}
	}
	return zone, nil
}

// normalHost lower-cases a name or IPv4 address and turns an internationalised
// one into its A-label form (UTS 46, non-transitional).
func normalHost(h string) (string, error) {
	if h == "" {
		return "", invalidURL("no host: write it as https://example.org/path")
	}
	ascii, upper := true, false
	for i := 0; i < len(h); i++ {
		c := h[i]
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '.', c == '_':
		case 'A' <= c && c <= 'Z':
			upper = true
		case c >= 0x80:
			ascii = false
		default:
			return "", invalidURL("byte %q may not stand in a host", c)
		}
	}
	if !ascii {
		if !utf8.ValidString(h) {
			return "", invalidURL("the host is not UTF-8")
		}
		a, err := idna.Lookup.ToASCII(h)
		if err != nil {
			return "", invalidURL("host %q is no valid internationalised name: %v", h, err)
		}
		h = a
	} else if upper {
		h = strings.ToLower(h)
	}
	// IDNA maps some runes to a dot and others to nothing, so that this must be
	// asked of what is left: a dialler takes no host at all for this machine.
	label := 0 // where the last one starts
	for i := 0; i < len(h); i++ {
		if h[i] != '.' {
			continue
		}
		if i == label {
			return "", invalidURL("a part of the host is empty")
		}
		if i+1 < len(h) {
			label = i + 1
		}
	}
	if h == "" {
		return "", invalidURL("a part of the host is empty")
	}
	if len(h) > 254 || len(h) == 254 && h[253] != '.' {
		return "", invalidURL("a host of %d bytes: at most 253 are allowed", len(h))
	}
	if endsInNumber(strings.TrimSuffix(h[label:], ".")) {
		if a, err := netip.ParseAddr(h); err != nil || !a.Is4() {
			return "", invalidURL("%q is no IPv4 address", h)
		}
	}
	return h, nil
}

// endsInNumber reports whether a name with this last label is an IPv4 address to
// some: the C library takes 0x7f000001 for 127.0.0.1, and so may a resolver
// that is built on it. The URL standard calls it so, too.
func endsInNumber(last string) bool {
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		for i := 0; i < len(hex); i++ {
			if !isHex(hex[i]) {
				return false
			}
		}
		return true
	}
	for i := 0; i < len(last); i++ {
		if last[i] < '0' || last[i] > '9' {
			return false
		}
	}
	return last != ""
}

func validPort(p string) bool {
	n := 0
	for i := 0; i < len(p); i++ {
		if p[i] < '0' || p[i] > '9' {
			return false
		}
		if n = n*10 + int(p[i]-'0'); n > 65535 {
			return false
		}
	}
	return true
}
