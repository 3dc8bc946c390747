package digest

import (
	"strings"

	"gohttpx.dev/wire"
)

// Challenge is one challenge of a WWW-Authenticate or Proxy-Authenticate field.
type Challenge struct {
	// Scheme is as the server wrote it; schemes fold case.
	Scheme string
	// Token68 is what some schemes have in place of parameters.
	Token68 string
	// Params are the parameters, their names in lower case, quotes and
	// backslashes removed. Of a name that is there twice the first counts. Nil
	// for none.
	Params map[string]string
}

// ParseChallenges reads the values of all fields of one name, in order. A
// challenge that breaks the grammar is left out, and its neighbours stay.
//
// Beyond RFC 9110 §11.2 an unquoted value may have bytes that are in no token, as
// the "=" at the end of base64 has.
func ParseChallenges(values []string) []Challenge {
	var list []Challenge
	open := false // the last of list takes parameters
	for _, v := range values {
		// A list may be split at any comma (RFC 9110 §5.3), so parameters at
		// the start of a field belong to the challenge before it.
		s := scanner{s: v}
		first := false // the scheme stands right before, without a comma
		for s.element() {
			name := s.token()
			blank := s.blanks()
			ok := name != ""
			switch {
			case ok && s.peek() == '=':
				var value string
				if value, ok = s.value(); ok && open {
					ok = list[len(list)-1].set(name, value)
				}
			case ok && (s.atComma() || blank):
				if first { // a second word without a comma between
					ok = false
					break
				}
				list, open = append(list, Challenge{Scheme: name}), true
				if s.atComma() {
					break
				}
				if list[len(list)-1].Token68 = s.token68(); list[len(list)-1].Token68 == "" {
					first = true
					continue
				}
			default:
				ok = false
			}
			first = false
			if !ok || !s.atComma() {
				if open {
					list, open = list[:len(list)-1], false
				}
				s.skipElement()
			}
		}
	}
	return list
}

// set reports false for a parameter of a challenge that has none.
func (c *Challenge) set(name, value string) bool {
	if c.Token68 != "" {
		return false
	}
	if c.Params == nil {
		c.Params = map[string]string{}
	}
	name = strings.ToLower(name)
	if _, there := c.Params[name]; !there {
		c.Params[name] = value
	}
	return true
}

// ParseInfo reads Authentication-Info or Proxy-Authentication-Info: parameters
// alone (RFC 7615 §3). What breaks the grammar is left out.
func ParseInfo(values []string) map[string]string {
	var c Challenge
	for _, v := range values {
		s := scanner{s: v}
		for s.element() {
			name := s.token()
			s.blanks()
			if name != "" && s.peek() == '=' {
				if value, ok := s.value(); ok && s.atComma() {
					c.set(name, value)
				}
			}
			s.skipElement()
		}
	}
	return c.Params
}

// scanner walks over one field value.
type scanner struct {
	s string
	i int
}

// element goes to the next element of the list; empty ones are ignored (RFC 9110
// §5.6.1.2).
func (s *scanner) element() bool {
	for s.i < len(s.s) && (isBlank(s.s[s.i]) || s.s[s.i] == ',') {
		s.i++
	}
	return s.i < len(s.s)
}

func (s *scanner) peek() byte {
	if s.i < len(s.s) {
		return s.s[s.i]
	}
	return 0
}

// atComma reports whether the element ends here.
func (s *scanner) atComma() bool {
	s.blanks()
	return s.i == len(s.s) || s.s[s.i] == ','
}

func (s *scanner) blanks() (some bool) {
	from := s.i
	for s.i < len(s.s) && isBlank(s.s[s.i]) {
		s.i++
	}
	return s.i > from
}

func (s *scanner) token() string {
	from := s.i
	for s.i < len(s.s) && wire.IsTokenByte(s.s[s.i]) {
		s.i++
	}
	return s.s[from:s.i]
}

// token68 returns "" and stays where it is if there is none.
func (s *scanner) token68() string {
	i := s.i
	for i < len(s.s) && isToken68(s.s[i]) {
		i++
	}
	if i == s.i {
		return ""
	}
	for i < len(s.s) && s.s[i] == '=' {
		i++
	}
	end := scanner{s.s, i}
	if !end.atComma() {
		return ""
	}
	t := s.s[s.i:i]
	s.i = i
	return t
}

// value takes "=" and the value of a parameter.
func (s *scanner) value() (v string, ok bool) {
	s.i++
	s.blanks()
	if s.peek() == '"' {
		return s.quoted()
	}
	from := s.i
	for s.i < len(s.s) && !isBlank(s.s[s.i]) && s.s[s.i] != ',' && s.s[s.i] != '"' && wire.IsValueByte(s.s[s.i]) {
		s.i++
	}
	return s.s[from:s.i], s.i > from
}

// quoted takes a quoted-string (RFC 9110 §5.6.4).
func (s *scanner) quoted() (v string, ok bool) {
	s.i++
	from := s.i
	var b []byte // what has been unescaped, up to from
	for ; s.i < len(s.s); s.i++ {
		switch c := s.s[s.i]; {
		case c == '"':
			s.i++
			return string(append(b, s.s[from:s.i-1]...)), true
		case c == '\\':
			b = append(b, s.s[from:s.i]...)
			s.i++
			from = s.i
			if s.i == len(s.s) || !wire.IsValueByte(s.s[s.i]) {
				return "", false
			}
		case !wire.IsValueByte(c):
			return "", false
		}
	}
	return "", false
}

// skipElement goes to the comma that ends a broken element, past those in quoted
// strings that are whole.
func (s *scanner) skipElement() {
	for s.i < len(s.s) && s.s[s.i] != ',' {
		if s.s[s.i] != '"' {
			s.i++
		} else if _, ok := s.quoted(); !ok {
			s.i = len(s.s)
		}
	}
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

func isToken68(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return strings.IndexByte("-._~+/", c) >= 0
}
