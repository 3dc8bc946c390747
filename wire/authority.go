package wire

import (
	"strconv"
	"strings"
)

// BadAuthority returns the index of the first byte that keeps s from being
// uri-host [":" port] (RFC 3986 §3.2.2, §3.2.3) with a host, or -1. Whether an
// address in brackets is one is not looked at.
func BadAuthority(s string) int {
	i := 0
	if s != "" && s[0] == '[' {
		end := strings.IndexByte(s, ']')
		if end <= 1 {
			return max(end, 0)
		}
		for i = 1; i < end; i++ {
			if !isHostByte(s[i]) && s[i] != ':' {
				return i
			}
		}
		i++
	} else {
		for i < len(s) && isHostByte(s[i]) {
			i++
		}
		if i == 0 {
			return 0
		}
	}
	if i == len(s) {
		return -1
	}
	if s[i] != ':' {
		return i
	}
	for i++; i < len(s); i++ {
		if !isDigit(s[i]) {
			return i
		}
	}
	return -1
}

// HasPort reports whether s, a valid authority, ends in a port from 1 to 65535.
func HasPort(s string) bool {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return false
	}
	n, err := strconv.ParseUint(s[i+1:], 10, 16)
	return err == nil && n > 0
}

// isHostByte reports whether c may stand in a reg-name (RFC 3986 §3.2.2).
func isHostByte(c byte) bool {
	switch {
	case 'a' <= c|0x20 && c|0x20 <= 'z', isDigit(c):
		return true
	}
	switch c {
	case '-', '.', '_', '~', '%', '!', '$', '&', '\'', '(', ')', '*', '+', ',', ';', '=':
		return true
	}
	return false
}

func isDigit(c byte) bool { return class[c]&classDigit != 0 }
