package httpx

import "strings"

// The sets of bytes that stay as they are, by component (the percent-encode
// sets of the URL standard). "%" stays everywhere: an escape is never escaped.
const (
	urlPath = 1 << iota
	urlQuery
	urlFragment
	urlUser  // a user name or a password
	urlPlain // unreserved (RFC 3986 §2.3): what no component ever escapes
	urlStd   // what net/url takes in the encoded form of a path or fragment
)

var urlSafe = func() (t [128]byte) {
	for c := byte(0x21); c < 0x7f; c++ {
		t[c] = urlPath | urlQuery | urlFragment | urlUser
		if 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			t[c] |= urlPlain | urlStd
		}
	}
	for _, c := range "!$&'()*+,;=:@[]/?%" {
		t[c] |= urlStd
	}
	for _, c := range "\"#<>?`{}" {
		t[c] &^= urlPath | urlUser
	}
	for _, c := range "\"#<>" {
		t[c] &^= urlQuery
	}
	for _, c := range "\"<>`" {
		t[c] &^= urlFragment
	}
	for _, c := range `/:;=@[\]^|` {
		t[c] &^= urlUser
	}
	return t
}()

const upperHex = "0123456789ABCDEF"

// escapeURL percent-encodes the bytes of s that are not in the set. Control
// bytes and those above 0x7f never are.
func escapeURL(s string, set byte) string {
	n := 0
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 || urlSafe[s[i]]&set == 0 {
			n++
		}
	}
	if n == 0 {
		return s
	}
	b := make([]byte, 0, len(s)+2*n)
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 0x80 || urlSafe[c]&set == 0 {
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		} else {
			b = append(b, c)
		}
	}
	return string(b)
}

// escapeUserinfo escapes what was written before the "@": the first colon parts
// the user name from the password, all others belong to it.
func escapeUserinfo(s string) string {
	name, password, has := strings.Cut(s, ":")
	n, p := escapeURL(name, urlUser), escapeURL(password, urlUser)
	switch {
	case n == name && p == password:
		return s
	case !has:
		return n
	}
	return n + ":" + p
}

// unescape decodes the escapes of s. What only looks like one stays as it is.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if isEscape(s, i) {
			b = append(b, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
		} else {
			b = append(b, s[i])
		}
	}
	return string(b)
}

// strayPercent returns the offset of the first "%" of s that starts no escape,
// or -1.
func strayPercent(s string) int {
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && !isEscape(s, i) {
			return i
		}
	}
	return -1
}

// isEscape reports whether an escape starts at s[i].
func isEscape(s string, i int) bool {
	return s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2])
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// unhex is the value of a hexadecimal digit.
func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// escapeStray escapes each "%" of s that starts no escape.
func escapeStray(s string) string {
	i := strayPercent(s)
	if i < 0 {
		return s
	}
	return s[:i] + "%25" + escapeStray(s[i+1:])
}
