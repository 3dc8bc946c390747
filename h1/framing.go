package h1

import (
	"strings"

	"gohttpx.dev/internal/grammar"
	"gohttpx.dev/wire"
)

// The rules of framing, for error texts.
const (
	ruleBoth        = "RFC 9112 §6.3: Content-Length with Transfer-Encoding"
	ruleLength      = "RFC 9110 §8.6: Content-Length = 1*DIGIT"
	ruleLengthRange = "RFC 9110 §8.6: a Content-Length above 2^63-1 cannot be handled"
	ruleSameLength  = "RFC 9112 §6.3: Content-Length values differ"
	ruleOneLength   = "RFC 9110 §8.6: one Content-Length"
	ruleCoding      = "RFC 9112 §6.1: the only transfer coding understood is \"chunked\", once and alone"
	ruleCoding10    = "RFC 9112 §6.1: Transfer-Encoding in an HTTP/1.0 message"
)

// Framing says how the end of a response's content is found.
type Framing uint8

// The kinds of framing, after RFC 9112 §6.3.
const (
	// NoBody: the response ends with its head (item 1).
	NoBody Framing = iota
	// Length: a number of bytes (item 6).
	Length
	// Chunked: the chunked transfer coding (item 4).
	Chunked
	// UntilClose: all bytes until the connection ends (item 8).
	UntilClose
	// Switched: another protocol or a tunnel follows the head (101, and item 2).
	Switched
)

// String returns the kind in words.
func (f Framing) String() string {
	switch f {
	case NoBody:
		return "no body"
	case Length:
		return "length"
	case Chunked:
		return "chunked"
	case UntilClose:
		return "until close"
	case Switched:
		return "switched"
	}
	return "unknown"
}

// BodyFraming decides how the content of r, the answer to a request with that
// method, is delimited (RFC 9112 §6.3). The number is the length of the content
// for Length, 0 for NoBody and Switched, and -1 where it is not known
// beforehand; it is stored as r.ContentLength too. What was accepted beyond the
// grammar is added to r.Anomalies.
//
// An error is a *ParseError without an offset: nobody can say where such a
// response ends, so that the connection must be closed.
func BodyFraming(method string, r *wire.Response, rules Rules) (Framing, int64, error) {
	f, n, err := framing(method, r, rules)
	if err == nil {
		r.ContentLength = n
	}
	return f, n, err
}

func framing(method string, r *wire.Response, rules Rules) (Framing, int64, error) {
	switch {
	case r.Status == 101:
		return Switched, 0, nil
	case method == "HEAD", 100 <= r.Status && r.Status < 200, r.Status == 204, r.Status == 304:
		// Item 1: "regardless of the header fields present in the message".
		return NoBody, 0, nil
	case method == "CONNECT" && 200 <= r.Status && r.Status < 300:
		// Item 2: "A client MUST ignore any Content-Length or
		// Transfer-Encoding header fields received in such a message."
		return Switched, 0, nil
	}
	codings, lengths := 0, 0
	var coding, length string
	for i := range r.Fields {
		f := &r.Fields[i]
		switch len(f.Name) {
		case len("Content-Length"):
			if wire.EqualFold(f.Name, "Content-Length") {
				lengths++
				length = f.Value
			}
		case len("Transfer-Encoding"):
			if wire.EqualFold(f.Name, "Transfer-Encoding") {
				codings++
				coding = f.Value
			}
		}
	}
	if codings > 0 {
		if r.Proto == wire.HTTP10 && !rules.allows(AllowTransferInHTTP10) {
			return 0, 0, broken(ruleCoding10, "Transfer-Encoding in HTTP/1.0", -1)
		}
		// Any other coding, list or repetition is refused: peers are known to
		// differ over them, and a coding that is not understood hides the end.
		if codings > 1 || !wire.EqualFold(coding, "chunked") {
			return 0, 0, broken(ruleCoding, "another Transfer-Encoding", -1)
		}
		if r.Proto == wire.HTTP10 {
			r.Anomalies |= wire.TransferInHTTP10
		}
		if lengths > 0 {
			if !rules.allows(AllowLengthAndTransfer) {
				return 0, 0, broken(ruleBoth, "Content-Length with Transfer-Encoding", -1)
			}
			// Item 3: "the Transfer-Encoding overrides the Content-Length."
			r.Anomalies |= wire.LengthAndTransfer
		}
		return Chunked, -1, nil
	}
	if lengths == 1 {
		if n, ok := grammar.ContentLength(length); ok {
			return Length, n, nil
		}
	}
	if lengths > 0 {
		n, err := contentLength(r, rules)
		return Length, n, err
	}
	return UntilClose, -1, nil
}

// contentLength reads all Content-Length values of r, which may be lists (item 5).
func contentLength(r *wire.Response, rules Rules) (int64, error) {
	length, seen := int64(0), false
	for i := range r.Fields {
		if !wire.EqualFold(r.Fields[i].Name, "Content-Length") {
			continue
		}
		rest, more := r.Fields[i].Value, true
		for more {
			var one string
			one, rest, more = strings.Cut(rest, ",")
			n, rule := parseLength(grammar.Trim(one))
			switch {
			case rule != "":
				return 0, broken(rule, "invalid Content-Length", -1)
			case !seen:
				length, seen = n, true
			case n != length:
				if !rules.allows(UnsafeFirstLengthWins) {
					return 0, broken(ruleSameLength, "differing Content-Length", -1)
				}
				r.Anomalies |= wire.DifferentLengths
			default:
				if !rules.allows(AllowRepeatedLength) {
					return 0, broken(ruleOneLength, "repeated Content-Length", -1)
				}
				r.Anomalies |= wire.RepeatedLength
			}
		}
	}
	return length, nil
}

// parseLength reads a Content-Length; rule is the broken one, or "".
func parseLength(s string) (n int64, rule string) {
	n, ok := grammar.ContentLength(s)
	switch {
	case ok:
		return n, ""
	case s != "" && strings.Trim(s, "0123456789") == "":
		return 0, ruleLengthRange
	}
	return 0, ruleLength
}

// KeepAlive reports whether the connection may be used again after r, as far as
// r says so itself (RFC 9112 §9.3); ask after BodyFraming. reqClose is whether
// the request asked for the connection to be closed. Content that ends with the
// connection, and bytes that follow the response, are for the caller to judge.
func KeepAlive(r *wire.Response, reqClose bool) bool {
	// RFC 9112 §6.1, §6.3: close after a response whose framing is doubtful.
	const doubtful = wire.LengthAndTransfer | wire.TransferInHTTP10 | wire.DifferentLengths
	if reqClose || r.Anomalies&doubtful != 0 {
		return false
	}
	if hasOption(r.Fields, "close") {
		return false
	}
	return r.Proto == wire.HTTP11 || hasOption(r.Fields, "keep-alive")
}

// hasOption reports whether one of the Connection fields lists the option (RFC
// 9110 §7.6.1); option is in lower case.
func hasOption(fields wire.Fields, option string) bool {
	for i := range fields {
		if len(fields[i].Name) == len("Connection") && wire.EqualFold(fields[i].Name, "Connection") &&
			grammar.HasToken(fields[i].Value, option) {
			return true
		}
	}
	return false
}
