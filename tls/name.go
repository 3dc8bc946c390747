package tls

import (
	"errors"
	"net"
	"net/netip"
	"strings"
)

// serverName makes of a host, with or without a port, the name to verify: lower
// case, no port, no brackets, no zone, no trailing dot. crypto/tls sends it as
// SNI unless it is an IP address (RFC 6066 §3).
func serverName(host string) (string, error) {
	name := host
	if h, _, err := net.SplitHostPort(name); err == nil {
		name = h
	} else if strings.HasPrefix(name, "[") && strings.HasSuffix(name, "]") {
		name = name[1 : len(name)-1]
	}
	if ip, err := netip.ParseAddr(name); err == nil {
		return ip.WithZone("").String(), nil // RFC 6874: a zone is for this host only
	}
	// RFC 6066 §3: the name is sent "without a trailing dot".
	name = strings.TrimSuffix(name, ".")
	if name == "" {
		return "", errors.New("the server has no name")
	}
	for i := 0; i < len(name); i++ {
		if c := name[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(":/[]%@", c) >= 0 {
			return "", &nameError{host}
		}
	}
	return strings.ToLower(name), nil
}

// nameError is a host that cannot be a server name.
type nameError struct{ host string }

func (e *nameError) Error() string {
	return quote(e.host) + " is neither a host name in ASCII nor an IP address"
}
