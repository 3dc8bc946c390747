// Package grammar has the small rules of HTTP and of URIs that more than one
// package reads or writes by.
//
// # Overview
//
// Of lists and values: Trim, HasToken, ContentLength. Of bytes: IsDigit,
// BadTokenByte, HasControl, and ByteName for error texts. Of schemes: IsScheme and
// SchemeLen. What stands in package wire is not here a second time.
//
// # Concurrency
//
// The functions have no state.
//
// # Limitations
//
// Lists of quoted strings or of elements with parameters are not read. What a
// breach of a rule means is for the callers to say.
package grammar

import (
	"strconv"
	"strings"

	"gohttpx.dev/wire"
)

// Trim cuts off the optional whitespace around a value (RFC 9110 §5.6.3).
func Trim(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// HasToken reports whether the comma-separated list has the token as an element,
// in any case (RFC 9110 §5.6.1).
func HasToken(list, token string) bool {
	for more := true; more; {
		var one string
		one, list, more = strings.Cut(list, ",")
		if wire.EqualFold(Trim(one), token) {
			return true
		}
	}
	return false
}

// ContentLength reads 1*DIGIT up to 2^63-1 (RFC 9110 §8.6). Zeros before it count
// for nothing, however many; a sign, whitespace or a list is an error.
func ContentLength(s string) (n int64, ok bool) {
	for i := range len(s) {
		c := s[i]
		if !IsDigit(c) || i >= 18 && n > (1<<63-1-int64(c-'0'))/10 { // 18 digits always fit
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, s != ""
}

// IsDigit reports whether c is one of 0 to 9.
func IsDigit(c byte) bool { return '0' <= c && c <= '9' }

// BadTokenByte returns the index of the first byte that is none of a token (RFC
// 9110 §5.6.2), 0 for the empty string, and -1 for a token.
func BadTokenByte(s string) int {
	for i := range len(s) {
		if !wire.IsTokenByte(s[i]) {
			return i
		}
	}
	if s == "" {
		return 0
	}
	return -1
}

// HasControl reports whether s has a control byte of ASCII, HTAB among them.
func HasControl(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return true
		}
	}
	return false
}

// ByteName describes one byte for an error text.
func ByteName(c byte) string {
	switch c {
	case '\r':
		return "CR"
	case '\n':
		return "LF"
	case '\t':
		return "HTAB"
	case ' ':
		return "SP"
	case 0:
		return "NUL"
	}
	if 0x20 < c && c < 0x7f {
		return strconv.QuoteRune(rune(c))
	}
	return "byte 0x" + string("0123456789abcdef"[c>>4]) + string("0123456789abcdef"[c&15])
}

// IsScheme reports whether s is a scheme, in any case (RFC 3986 §3.1).
func IsScheme(s string) bool {
	return s == "https" || s == "http" || s != "" && schemeEnd(s) == len(s)
}

// SchemeLen returns the length of the scheme that s starts with, its ":" not
// counted, and 0 if it starts with none.
func SchemeLen(s string) int {
	if n := schemeEnd(s); n < len(s) && s[n] == ':' {
		return n
	}
	return 0
}

// schemeEnd returns how much of s a scheme could be.
func schemeEnd(s string) int {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z':
		case i > 0 && (IsDigit(c) || c == '+' || c == '-' || c == '.'):
		default:
			return i
		}
	}
	return len(s)
}
