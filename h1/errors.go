package h1

import (
	"strconv"

	"gohttpx.dev/wire"
)

// ParseError is a response that breaks the grammar, or a limit. The engine
// wraps it in a *wire.Error with KindProtocol and Remote set.
type ParseError struct {
	// Rule is the rule that was broken, with its section: "RFC 9112 §5.1: no
	// whitespace between field name and colon".
	Rule string
	// Offset is where: bytes from the start of what was parsed (the head, the
	// trailer section, the chunked body), or -1 where the fault has no place.
	Offset int64
	// What is what was found there. It never quotes a field value.
	What string
}

// Error says what was found, where, and which rule it breaks.
func (e *ParseError) Error() string {
	s := "h1: " + e.What
	if e.Offset >= 0 {
		s += " at byte " + strconv.FormatInt(e.Offset, 10)
	}
	return s + " (" + e.Rule + ")"
}

// RequestError is a request that cannot be written because it would break the
// grammar. AppendRequest wraps it in a *wire.Error with KindProtocol and
// neither Remote nor Sent.
type RequestError struct {
	// Rule is the rule that would be broken, with its section.
	Rule string
	// Part is the part at fault: "method", "target", "authority", or the name
	// of a field.
	Part string
	// Offset is the position of the byte at fault within the part, or -1.
	Offset int
	// What is what is wrong with it. It never quotes a field value.
	What string
}

// Error names the part, what is wrong with it and which rule it would break.
func (e *RequestError) Error() string {
	s := "h1: " + e.Part + ": " + e.What
	if e.Offset >= 0 {
		s += " at byte " + strconv.Itoa(e.Offset)
	}
	return s + " (" + e.Rule + ")"
}

// broken returns a ParseError.
func broken(rule, what string, offset int) *ParseError {
	return &ParseError{Rule: rule, Offset: int64(offset), What: what}
}

// unsendable returns the local error of a request that would break rule.
func unsendable(rule, part, what string, offset int) *wire.Error {
	return &wire.Error{
		Phase: wire.PhaseWrite,
		Kind:  wire.KindProtocol,
		Err:   &RequestError{Rule: rule, Part: part, Offset: offset, What: what},
	}
}
