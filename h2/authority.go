package h2

// schemeLen returns the length of the scheme that s starts with (RFC 3986
// §3.1), 0 for none.
func schemeLen(s string) int {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z':
		case i > 0 && (isDigit(c) || c == '+' || c == '-' || c == '.'):
		case i > 0 && c == ':':
			return i
		default:
			return 0
		}
	}
	return 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isScheme reports whether s is a scheme (RFC 3986 §3.1).
func isScheme(s string) bool {
	return s == "https" || s == "http" || s != "" && schemeLen(s+":") == len(s)
}
