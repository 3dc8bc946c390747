package wire

import (
	"crypto/tls"
	"net"
	"strings"
	"time"
)

// Proto is the version of HTTP that a connection speaks or a response names.
type Proto uint8

// The versions. The zero value is none.
const (
	_ Proto = iota
	HTTP10
	HTTP11
	HTTP2
)

// String returns the version as HTTP/1.1 writes it, or "" for the zero value.
func (p Proto) String() string {
	switch p {
	case HTTP10:
		return "HTTP/1.0"
	case HTTP11:
		return "HTTP/1.1"
	case HTTP2:
		return "HTTP/2"
	}
	return ""
}

// Response is what an engine received. The caller owns it and may reuse it for
// another request once its Body has ended or was closed and no Read of it is in
// progress; engines overwrite
// every field and reuse the arrays of Fields and Trailers only through Reset.
type Response struct {
	// Status is the three-digit status code.
	Status int
	// Proto is the version that the response names.
	Proto Proto
	// Reused reports that the connection had served a request before.
	Reused bool
	// Anomalies says which departures from the grammar were forgiven.
	Anomalies Anomalies
	// Reason is the reason phrase as received; "" over HTTP/2.
	Reason string
	// Fields is the header section, in order.
	Fields Fields
	// Trailers is the trailer section, set when Body has reached its end.
	Trailers Fields
	// Body is the content. It must be read to the end or closed, even when it
	// is empty; for a response without content it has ended already.
	Body Body
	// ContentLength is the announced number of body bytes, 0 where there is no
	// body, and -1 where it is unknown.
	ContentLength int64
	// RawHead is the head as received, only if the engine was told to keep it.
	RawHead []byte

	// Conn describes the connection that carried the response. It is shared
	// and immutable.
	Conn *ConnInfo
	// StreamID is the HTTP/2 stream, 0 over HTTP/1.1.
	StreamID uint32
	// Timing holds the durations known when RoundTrip returned.
	Timing Timing
}

// Reset clears r for the next exchange and keeps the capacity of its slices.
// Strings that were taken from r stay valid.
func (r *Response) Reset() {
	clear(r.Fields)
	clear(r.Trailers)
	*r = Response{Fields: r.Fields[:0], Trailers: r.Trailers[:0], RawHead: r.RawHead[:0]}
}

// Timing says how long the parts of an exchange took. Parts that did not happen
// (a reused connection's dial, say) are zero.
type Timing struct {
	// Pool is the wait for a connection, not counting dialling.
	Pool time.Duration
	// Write is from the first byte of the request to its last, or to the
	// response head where that came first.
	Write time.Duration
	// FirstByte is from the end of the request's head (and body, if it was
	// short) to the first byte of the response.
	FirstByte time.Duration
}

// ConnInfo is what is known of a connection. It is made when the connection is
// and never changes.
type ConnInfo struct {
	// Proto is the version of HTTP spoken.
	Proto Proto
	// LocalAddr and RemoteAddr are those of the socket; behind a proxy
	// RemoteAddr is the proxy's.
	LocalAddr, RemoteAddr net.Addr
	// TLS is the state after the handshake with the origin, nil in cleartext.
	TLS *tls.ConnectionState
	// Proxy is the proxy's URL without credentials, "" for none.
	Proxy string
	// DNS, Connect and TLSHandshake are how long the parts of the dial took.
	DNS, Connect, TLSHandshake time.Duration
	// Created is when the connection was ready for its first request.
	Created time.Time
}

// ConnPhase is where a connection stands in its life.
type ConnPhase uint8

// The phases, in the order in which they are passed.
const (
	// ConnOpen takes new exchanges.
	ConnOpen ConnPhase = iota
	// ConnDraining finishes what it has and takes nothing new.
	ConnDraining
	// ConnClosed is over: the socket is closed or about to be.
	ConnClosed
)

// String returns the name of the phase.
func (p ConnPhase) String() string {
	switch p {
	case ConnOpen:
		return "open"
	case ConnDraining:
		return "draining"
	}
	return "closed"
}

// ConnState is a snapshot of a connection's capacity.
type ConnState struct {
	// Proto is the version of HTTP spoken.
	Proto Proto
	// Phase says whether the connection takes new exchanges.
	Phase ConnPhase
	// InFlight is the number of exchanges that run or are reserved.
	InFlight int
	// Limit is how many may run at once: 1 for HTTP/1.1, the peer's stream
	// limit for HTTP/2.
	Limit int
}

// Free is how many more exchanges the connection takes now.
func (s ConnState) Free() int {
	if s.Phase != ConnOpen || s.InFlight >= s.Limit {
		return 0
	}
	return s.Limit - s.InFlight
}

// Anomalies is the set of departures from the grammar that were found in a
// response and accepted, by default or because a rule allowed them.
type Anomalies uint32

// The departures, each with the section of RFC 9112 that it departs from.
const (
	ObsFold             Anomalies = 1 << iota // §5.2: a folded field line, joined by SP
	BareLF                                    // §2.2: LF alone ended a line of the head
	NoReason                                  // §4: no SP after the status code
	RepeatedLength                            // §6.3: equal Content-Length values repeated
	LengthAndTransfer                         // §6.3: both Content-Length and Transfer-Encoding
	SpaceBeforeColon                          // §5.1: whitespace between name and colon
	BadNameByte                               // §5.1: a field name that is no token
	ControlByte                               // §5.5: a control byte in a value
	ChunkLF                                   // §7.1: LF alone in the chunked coding
	DifferentLengths                          // §6.3: Content-Length values that differ
	TransferInHTTP10                          // §6.1: Transfer-Encoding in an HTTP/1.0 message
	LeadingEmptyLine                          // §2.2: an empty line before the status line
	ExcessAfterResponse                       // §6.3: bytes after the end of the response
	ChunkSpace                                // §7.1: whitespace between a chunk size and CRLF
)

var anomalyNames = [...]string{
	"obs-fold", "bare LF", "no reason phrase", "repeated Content-Length", "Content-Length with Transfer-Encoding",
	"space before colon", "bad byte in field name", "control byte in field value", "bare LF in chunk framing",
	"differing Content-Length", "Transfer-Encoding in HTTP/1.0", "empty line before status line", "bytes after the response",
	"space after chunk size",
}

// String lists the departures, separated by ", ".
func (a Anomalies) String() string {
	var names []string
	for i, n := range anomalyNames {
		if a&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	return strings.Join(names, ", ")
}
