package httpx

import (
	"strings"
	"unicode/utf8"

	"gohttpx.dev/wire"
)

// LinkParam is a parameter of a Link, or of another field of that form.
type LinkParam struct {
	// Name is in lower case, with the "*" of an extended value (RFC 8187).
	Name string
	// Value is without quotes and their escapes. That of an extended value is
	// as received: see Text.
	Value string
}

// Text returns the value; of an extended one (RFC 8187 §3.2) what it stands for,
// "" if it is malformed or in a charset other than UTF-8 and ISO-8859-1.
func (p LinkParam) Text() string {
	if !strings.HasSuffix(p.Name, "*") {
		return p.Value
	}
	charset, rest, _ := strings.Cut(p.Value, "'")
	_, text, ok := strings.Cut(rest, "'")
	if !ok || strayPercent(text) >= 0 {
		return ""
	}
	text = unescape(text)
	switch lowerASCII(charset) {
	case "utf-8":
		if utf8.ValidString(text) {
			return text
		}
	case "iso-8859-1":
		b := make([]rune, len(text))
		for i := range len(text) {
			b[i] = rune(text[i])
		}
		return string(b)
	}
	return ""
}

// parseParams reads *( OWS ";" OWS [ name [ BWS "=" BWS value ] ] ), where value
// is a token or a quoted string, from the start of s. It forgives what it can:
// an unquoted value goes on to the next ";" or space, or comma if s is a list. rest
// is what follows: empty, or if s is a list, what begins at a comma.
func parseParams(s string, list bool) (ps []LinkParam, rest string) {
	ends := ";"
	if list {
		ends = ";,"
	}
	for {
		// Up to the next parameter, over what belongs to none.
		i := strings.IndexAny(s, ends)
		if i < 0 {
			return ps, ""
		}
		if s[i] == ',' {
			return ps, s[i:]
		}
		s = trimOWS(s[i+1:])
		n := 0
		for n < len(s) && wire.IsTokenByte(s[n]) {
			n++
		}
		name := s[:n]
		if s = trimOWS(s[n:]); s == "" || s[0] != '=' {
			if name != "" {
				ps = append(ps, LinkParam{Name: lowerASCII(name)})
			}
			continue
		}
		var value string
		if s = trimOWS(s[1:]); s != "" && s[0] == '"' {
			value, s = unquote(s[1:])
		} else {
			n := strings.IndexAny(s, ends+" \t")
			if n < 0 {
				n = len(s)
			}
			value, s = s[:n], s[n:]
		}
		if name != "" {
			ps = append(ps, LinkParam{lowerASCII(name), value})
		}
	}
}

// unquote reads the rest of a quoted string (RFC 9110 §5.6.4). One without an end
// goes to the end of s.
func unquote(s string) (value, rest string) {
	i := strings.IndexAny(s, `"\`)
	if i >= 0 && s[i] == '"' {
		return s[:i], s[i+1:]
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:]
		case '\\':
			if i++; i == len(s) {
				return b.String(), ""
			}
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}

func trimOWS(s string) string { return strings.TrimLeft(s, " \t") }
