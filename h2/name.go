package h2

import (
	"strconv"
	"strings"
	"sync/atomic"

	"gohttpx.dev/internal/grammar"
	"gohttpx.dev/wire"
)

// The rules of names and values, for error texts.
const (
	ruleName  = "RFC 9110 §5.1: a field name is a token"
	ruleValue = "RFC 9110 §5.5: no control byte in a field value"
)

// fieldKind says which fields are not just passed on.
type fieldKind uint8

const (
	fieldPlain fieldKind = iota
	fieldHost
	fieldConnection
	fieldCoding // Transfer-Encoding
	fieldHop    // the other connection-specific ones (RFC 9113 §8.2.2)
	fieldTE
	fieldLength // Content-Length
	fieldExpect
	fieldCookie
	fieldPseudo
)

// nameKind is kindOf, of a name of which known was found.
func nameKind(k *knownName, name string) fieldKind {
	if k != nil {
		return k.kind
	}
	return kindOf(name)
}

// kindOf returns the kind of a field by its name, in any case.
func kindOf(name string) fieldKind {
	switch len(name) {
	case len("te"):
		if wire.EqualFold(name, "te") {
			return fieldTE
		}
	case len("host"):
		if wire.EqualFold(name, "host") {
			return fieldHost
		}
	case len("expect"): // and cookie
		if wire.EqualFold(name, "expect") {
			return fieldExpect
		}
		if wire.EqualFold(name, "cookie") {
			return fieldCookie
		}
	case len("upgrade"):
		if wire.EqualFold(name, "upgrade") {
			return fieldHop
		}
	case len("connection"): // and keep-alive
		if wire.EqualFold(name, "connection") {
			return fieldConnection
		}
		if wire.EqualFold(name, "keep-alive") {
			return fieldHop
		}
	case len("content-length"):
		if wire.EqualFold(name, "content-length") {
			return fieldLength
		}
	case len("proxy-connection"):
		if wire.EqualFold(name, "proxy-connection") {
			return fieldHop
		}
	case len("transfer-encoding"):
		if wire.EqualFold(name, "transfer-encoding") {
			return fieldCoding
		}
	}
	if name != "" && name[0] == ':' {
		return fieldPseudo
	}
	return fieldPlain
}

// shortCookie: values below this length can be guessed through the table.
const shortCookie = 20

// isSensitive reports whether the field must stay out of the table.
func isSensitive(k *knownName, f *wire.Field) bool {
	if k != nil {
		return f.Sensitive || k.secret || k.kind == fieldCookie && len(f.Value) < shortCookie
	}
	return f.Sensitive || isSecret(f.Name) || len(f.Value) < shortCookie && kindOf(f.Name) == fieldCookie
}

// isSecret reports whether a field of that name holds credentials.
func isSecret(name string) bool {
	return len(name) == len("authorization") && wire.EqualFold(name, "authorization") ||
		len(name) == len("proxy-authorization") && wire.EqualFold(name, "proxy-authorization")
}

// checkField checks the name and the value of a field to be sent. k is what is
// known of the name.
func checkField(k *knownName, f *wire.Field) error {
	if k != nil {
		return checkValue(f)
	}
	if f.Name != "" && f.Name[0] == ':' {
		return unsendable(rulePseudo, "field name", "':'", 0)
	}
	if i := grammar.BadTokenByte(f.Name); i >= 0 {
		what := "empty"
		if i < len(f.Name) {
			what = grammar.ByteName(f.Name[i])
		}
		// Of a bad name only its good start is shown: the rest may be a value.
		return unsendable(ruleName, "field name "+strconv.Quote(f.Name[:i]), what, i)
	}
	return checkValue(f)
}

func checkValue(f *wire.Field) error {
	if i := plainEnd(f.Value); i < len(f.Value) {
		return unsendable(ruleValue, f.Name, grammar.ByteName(f.Value[i]), i)
	}
	return nil
}

// plainEnd returns the index of the first byte that may not stand in a field
// value, or len(s).
func plainEnd(s string) int {
	const (
		ones = 0x0101010101010101
		tops = 0x80 * ones
	)
	i := 0
	for i < len(s) {
		// Eight bytes at once: those below 0x20, and 0x7f, set a top bit. A
		// borrow may set one too many, and HTAB is among them, so the bytes
		// of such a word are looked at one by one.
		if i+8 <= len(s) {
			x := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
				uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
			y := x ^ 0x7f*ones
			if ((x-0x20*ones)&^x|(y-ones)&^y)&tops == 0 {
				i += 8
				continue
			}
		}
		for end := min(i+8, len(s)); i < end; i++ {
			if !wire.IsValueByte(s[i]) {
				return i
			}
		}
	}
	return i
}

// lowered remembers names in lower case, so that a client's "User-Agent" costs
// an allocation once and not once per request. It is shared by all connections
// and bounded: 256 names of at most 64 bytes, of which one that falls on the
// place of another takes it.
var lowered [256]atomic.Pointer[loweredName]

type loweredName struct{ name, lower string }

const maxLowered = 64

// lowerKnown is lowerName, of a name of which known was found.
func lowerKnown(k *knownName, name string) string {
	if k != nil {
		return k.lower
	}
	return lowerName(name)
}

// lowerName returns name with A to Z in lower case.
func lowerName(name string) string {
	upper := 0
	for upper < len(name) && (name[upper] < 'A' || name[upper] > 'Z') {
		upper++
	}
	if upper == len(name) {
		return name
	}
	h := uint32(len(name))
	for i := range len(name) {
		h = h*31 + uint32(name[i])
	}
	slot := &lowered[(h^h>>8)%uint32(len(lowered))]
	if l := slot.Load(); l != nil && l.name == name {
		return l.lower
	}
	b := []byte(name)
	for i := upper; i < len(b); i++ {
		if 'A' <= b[i] && b[i] <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	lower := string(b)
	if len(name) <= maxLowered {
		slot.Store(&loweredName{strings.Clone(name), lower})
	}
	return lower
}
