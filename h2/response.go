package h2

import (
	"gohttpx.dev/internal/grammar"
	"gohttpx.dev/wire"
)

// Rules says which departures from RFC 9113 are accepted in responses. It is a
// set of bits; zero accepts none.
//
// Some things are refused whatever the bits: CR, LF and NUL in a value, SP,
// colon and control bytes in a name, pseudo-fields that are unknown, repeated,
// misplaced or in trailers, a status that is no number, Content-Length values
// that differ.
type Rules uint32

const (
	// AllowSpaceAround cuts off SP and HTAB around a value. RFC 9113 §8.2.1:
	// "A field value MUST NOT start or end with an ASCII whitespace character".
	AllowSpaceAround Rules = 1 << iota
	// AllowCTL keeps other control bytes in values (RFC 9110 §5.5).
	AllowCTL
	// AllowUpperCase takes names with upper-case letters. RFC 9113 §8.2: "Field
	// names MUST be converted to lowercase when constructing an HTTP/2 message."
	AllowUpperCase
	// AllowBadName takes names with visible ASCII that is none of a token.
	AllowBadName
	// AllowConnectionFields drops connection-specific fields. RFC 9113 §8.2.2:
	// "Any message containing connection-specific header fields MUST be treated
	// as malformed."
	AllowConnectionFields
)

// The rules of responses, for error texts.
const (
	ruleStatus      = "RFC 9113 §8.3.2: every response has one :status"
	ruleCode        = "RFC 9110 §15: a status code is three digits, 100 to 999"
	ruleSwitching   = "RFC 9113 §8.6: no 101 (Switching Protocols)"
	ruleUnknown     = "RFC 9113 §8.3: no pseudo-field but :status in a response"
	ruleOnce        = "RFC 9113 §8.3: no pseudo-field is repeated"
	ruleFirst       = "RFC 9113 §8.3: pseudo-fields come before the others"
	ruleInTrailers  = "RFC 9113 §8.1: no pseudo-field in trailers"
	ruleTrailersEnd = "RFC 9113 §8.1: what follows a final response ends the stream"
	ruleInterimEnd  = "RFC 9113 §8.1: an interim response does not end the stream"
	ruleUpper       = "RFC 9113 §8.2.1: no upper case in a field name"
	ruleInName      = "RFC 9113 §8.2.1: a field name has no control byte, SP, colon or byte above 0x7e"
	ruleInValue     = "RFC 9113 §8.2.1: no NUL, LF or CR in a field value"
	ruleAround      = "RFC 9113 §8.2.1: no whitespace around a field value"
	ruleSpecific    = "RFC 9113 §8.2.2: no connection-specific field"
	ruleLengths     = "RFC 9110 §8.6: one valid Content-Length"
)

// section is the state of the rules within one field section.
type section struct {
	rules     Rules
	status    int
	length    int64 // Content-Length, -1 for none
	regular   bool  // a field that is no pseudo-field has come
	anomalies wire.Anomalies
}

// check applies RFC 9113 §8.2 and §8.3 to one field. It returns the rule that is
// broken and what was found, or "". A field that a rule drops gets a name of
// ":", as it then is none of the fields.
func (s *section) check(f *wire.Field, trailers bool) (rule, what string) {
	if f.Name != "" && f.Name[0] == ':' {
		return s.pseudo(f, trailers)
	}
	s.regular = true
	if rule, what = s.name(f.Name); rule != "" {
		return rule, what
	}
	if rule, what = s.value(f); rule != "" {
		return rule, what
	}
	switch kindOf(f.Name) {
	case fieldConnection, fieldCoding, fieldHop, fieldTE:
		if s.rules&AllowConnectionFields == 0 {
			return ruleSpecific, f.Name
		}
		f.Name = ":"
	case fieldLength:
		if trailers {
			break
		}
		n, ok := grammar.ContentLength(f.Value)
		if !ok {
			return ruleLengths, "content-length that is no number"
		}
		if s.length >= 0 {
			if n != s.length {
				return ruleLengths, "content-length values that differ"
			}
			s.anomalies |= wire.RepeatedLength
		}
		s.length = n
	}
	return "", ""
}

func (s *section) pseudo(f *wire.Field, trailers bool) (rule, what string) {
	switch {
	case trailers:
		return ruleInTrailers, "pseudo-field"
	case f.Name != ":status":
		return ruleUnknown, "another pseudo-field"
	case s.status != 0:
		return ruleOnce, ":status again"
	case s.regular:
		return ruleFirst, ":status after another field"
	}
	v := f.Value
	if len(v) != 3 || v[0] < '1' || v[0] > '9' || !grammar.IsDigit(v[1]) || !grammar.IsDigit(v[2]) {
		return ruleCode, ":status that is no status code"
	}
	s.status = int(v[0]-'0')*100 + int(v[1]-'0')*10 + int(v[2]-'0')
	if s.status == 101 {
		return ruleSwitching, ":status 101"
	}
	return "", ""
}

// name checks a name that does not start with a colon.
func (s *section) name(name string) (rule, what string) {
	if name == "" {
		return ruleName, "empty field name"
	}
	for i := range len(name) {
		switch c := name[i]; {
		case 'A' <= c && c <= 'Z':
			if s.rules&AllowUpperCase == 0 {
				return ruleUpper, grammar.ByteName(c) + " in a field name"
			}
			s.anomalies |= wire.BadNameByte
		case wire.IsTokenByte(c):
		case c <= ' ' || c >= 0x7f || c == ':':
			return ruleInName, grammar.ByteName(c) + " in a field name"
		case s.rules&AllowBadName == 0:
			return ruleName, grammar.ByteName(c) + " in a field name"
		default:
			s.anomalies |= wire.BadNameByte
		}
	}
	return "", ""
}

// value checks a value, and cuts off the whitespace around it if that is
// allowed.
func (s *section) value(f *wire.Field) (rule, what string) {
	v := f.Value
	if v == "" {
		return "", ""
	}
	for i := plainEnd(v); i < len(v); i++ {
		c := v[i]
		switch {
		case wire.IsValueByte(c):
			continue
		case c == 0 || c == '\n' || c == '\r':
			return ruleInValue, grammar.ByteName(c) + " in the value of " + f.Name
		case s.rules&AllowCTL == 0:
			return ruleValue, grammar.ByteName(c) + " in the value of " + f.Name
		}
		s.anomalies |= wire.ControlByte
	}
	if isSpace(v[0]) || isSpace(v[len(v)-1]) {
		if s.rules&AllowSpaceAround == 0 {
			return ruleAround, "whitespace around the value of " + f.Name
		}
		f.Value = grammar.Trim(v)
	}
	return "", ""
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }
