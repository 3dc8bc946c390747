package h2

import (
	"strconv"

	"gohttpx.dev/wire"
)

// ConnError ends the connection (RFC 9113 §5.4.1). The codec returns it for what
// the peer did wrong; Code is what GOAWAY should say.
type ConnError struct {
	// Code is the error code.
	Code ErrCode
	// Rule is the rule that was broken, with its section, or the limit that was
	// passed: "RFC 9113 §6.5: a SETTINGS frame is on stream 0".
	Rule string
	// What is what was found. It never quotes a field value.
	What string
}

// Error gives the code, what was found and which rule it breaks.
func (e ConnError) Error() string {
	return "h2: connection error " + e.Code.String() + because(e.What, e.Rule)
}

// StreamError ends one stream (RFC 9113 §5.4.2).
type StreamError struct {
	// ID is the stream.
	ID uint32
	// Code is the error code.
	Code ErrCode
	// Reset reports that the peer ended the stream by RST_STREAM. Otherwise it
	// is us who do so, for what the peer did wrong.
	Reset bool
	// Rule and What are as in ConnError; empty if Reset.
	Rule, What string
}

// Error says "h2: stream 5 reset by peer: CANCEL", or what we found fault with.
func (e StreamError) Error() string {
	s := "h2: stream " + strconv.FormatUint(uint64(e.ID), 10)
	if e.Reset {
		return s + " reset by peer: " + e.Code.String()
	}
	return s + " error " + e.Code.String() + because(e.What, e.Rule)
}

// GoAwayError is the peer's GOAWAY (RFC 9113 §6.8).
type GoAwayError struct {
	// LastID is the highest stream that the peer may have acted upon.
	LastID uint32
	// Code is the error code; NoError for a graceful end.
	Code ErrCode
	// Debug is the debug data, cut to 256 bytes.
	Debug string
}

// maxDebug bounds what is kept of GOAWAY's debug data.
const maxDebug = 256

// Error gives the last stream, the code and the debug data, quoted.
func (e GoAwayError) Error() string {
	s := "h2: peer is going away after stream " + strconv.FormatUint(uint64(e.LastID), 10) + ": " + e.Code.String()
	if e.Debug != "" {
		s += " " + strconv.QuoteToASCII(e.Debug)
	}
	return s
}

// RequestError is a request that cannot be written because it would be
// malformed, or is more than the peer takes. It comes inside a *wire.Error with
// KindProtocol and neither Remote nor Sent.
type RequestError struct {
	// Rule is the rule that would be broken, with its section.
	Rule string
	// Part is the part at fault: "method", "target", "authority", "scheme",
	// "protocol", "body", or the name of a field.
	Part string
	// Offset is the position of the byte at fault within the part, or -1.
	Offset int
	// What is what is wrong with it. It never quotes a field value.
	What string
}

// Error names the part, what is wrong with it and which rule it would break.
func (e *RequestError) Error() string {
	s := "h2: " + e.Part + ": " + e.What
	if e.Offset >= 0 {
		s += " at byte " + strconv.Itoa(e.Offset)
	}
	return s + " (" + e.Rule + ")"
}

// because joins what was found and the rule that it breaks.
func because(what, rule string) string {
	s := ""
	if what != "" {
		s = ": " + what
	}
	if rule != "" {
		s += " (" + rule + ")"
	}
	return s
}

// unsendable returns the local error of a request that would break rule.
func unsendable(rule, part, what string, offset int) *wire.Error {
	return &wire.Error{
		Phase: wire.PhaseWrite,
		Kind:  wire.KindProtocol,
		Err:   &RequestError{Rule: rule, Part: part, Offset: offset, What: what},
	}
}
