package wire

// Byte classes of RFC 9110 §5.5 and §5.6.2. One table serves requests that we
// write and responses that we read, over HTTP/1.1 and HTTP/2 alike.
const (
	classToken = 1 << iota // tchar
	classValue             // VCHAR, obs-text, SP, HTAB
	classDigit
)

var class = func() (t [256]byte) {
	for c := 'a'; c <= 'z'; c++ {
		t[c] |= classToken
		t[c-'a'+'A'] |= classToken
	}
	for c := '0'; c <= '9'; c++ {
		t[c] |= classToken | classDigit
	}
	for _, c := range "!#$%&'*+-.^_`|~" {
		t[c] |= classToken
	}
	for c := range 256 {
		if c == '\t' || c >= 0x20 && c != 0x7f {
			t[c] |= classValue
		}
	}
	return t
}()

// IsTokenByte reports whether c is a tchar (RFC 9110 §5.6.2).
func IsTokenByte(c byte) bool { return class[c]&classToken != 0 }

// IsValueByte reports whether c may stand in a field value (RFC 9110 §5.5):
// visible ASCII, SP, HTAB and the bytes from 0x80 up.
func IsValueByte(c byte) bool { return class[c]&classValue != 0 }

// IsToken reports whether s is a token (RFC 9110 §5.6.2): a method or a field
// name. The empty string is none.
func IsToken(s string) bool {
	for i := 0; i < len(s); i++ {
		if class[s[i]]&classToken == 0 {
			return false
		}
	}
	return s != ""
}

// IsFieldValue reports whether every byte of s may stand in a field value
// (RFC 9110 §5.5). It says no to CR, LF, NUL and the other control bytes, which
// is what keeps a value from becoming a second field.
func IsFieldValue(s string) bool {
	for i := 0; i < len(s); i++ {
		if class[s[i]]&classValue == 0 {
			return false
		}
	}
	return true
}

// EqualFold reports whether a and b are equal but for the case of ASCII
// letters. Unlike strings.EqualFold it never equates other letters with ASCII
// ones (U+212A KELVIN SIGN is no k).
func EqualFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		if a[i] != b[i] && lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}
