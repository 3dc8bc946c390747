package h1

// Rules says which departures from RFC 9112 are accepted. It is a set of bits;
// zero is Default.
//
// By default a recipient is as lenient as the RFC lets a client be without
// making the end of a message ambiguous. The first group of bits stands for
// what Default accepts: it matters only beside Strict, to widen it again by one
// oddity. The second group is refused unless asked for. Whatever a bit lets
// through is noted in wire.Response.Anomalies.
//
// Some things are refused whatever the bits: CR or NUL inside a line, a field
// line without a colon or without a name, whitespace before the first field
// line, a folded Content-Length or Transfer-Encoding, any transfer coding but a
// single "chunked", CR or LF inside a chunk extension, a chunk size or a
// Content-Length above 2^63-1, any version but HTTP/1.x.
type Rules uint32

// Default is the zero value.
const Default Rules = 0

// Strict switches off all that Default accepts beyond the grammar.
const Strict Rules = 1 << 0

// Accepted by Default; beside Strict each widens it by one oddity.
const (
	// AllowObsFold joins a folded field line by SP. RFC 9112 §5.2: "A user
	// agent that receives an obs-fold in a response message that is not within
	// a "message/http" container MUST replace each received obs-fold with one
	// or more SP octets prior to interpreting the field value."
	AllowObsFold Rules = 1 << (iota + 1)
	// AllowBareLF takes LF alone for the end of a line of the head. RFC 9112
	// §2.2: "a recipient MAY recognize a single LF as a line terminator and
	// ignore any preceding CR."
	AllowBareLF
	// AllowNoReason takes a status line that ends after the status code. RFC
	// 9112 §4 asks for the SP even where the reason phrase is empty; many
	// servers forget it, and "A client SHOULD ignore the reason-phrase content".
	AllowNoReason
	// AllowRepeatedLength takes equal Content-Length values for one. RFC 9112
	// §6.3 item 5: "unless the field value can be successfully parsed as a
	// comma-separated list […], all values in the list are valid, and all
	// values in the list are the same".
	AllowRepeatedLength
	// AllowLengthAndTransfer lets Transfer-Encoding win over Content-Length;
	// the connection ends with the response. RFC 9112 §6.3 item 3: "Such a
	// message might indicate an attempt to perform request smuggling […] or
	// response splitting […] and ought to be handled as an error."
	AllowLengthAndTransfer
)

// Refused unless asked for.
const (
	// AllowSpaceBeforeColon drops whitespace between a field name and its
	// colon. RFC 9112 §5.1: "No whitespace is allowed between the field name
	// and colon."
	AllowSpaceBeforeColon Rules = 1 << (iota + 6)
	// AllowBadName takes field names with other bytes than those of a token
	// (RFC 9110 §5.1), though no control byte, SP or colon.
	AllowBadName
	// AllowCTL keeps control bytes in field values and reason phrases, except
	// NUL, CR and LF. RFC 9110 §5.5: "Field values containing other CTL
	// characters are also invalid; however, recipients MAY retain such
	// characters for the sake of robustness when they appear within a safe
	// context".
	AllowCTL
	// AllowLeadingEmptyLine skips one empty line before the status line. RFC
	// 9112 §2.2 lets servers do so; nothing lets a client.
	AllowLeadingEmptyLine
	// AllowTransferInHTTP10 decodes the chunked coding in an HTTP/1.0
	// response; the connection ends with it. RFC 9112 §6.1: such a recipient
	// "MUST treat the message as if the framing is faulty, even if a
	// Content-Length is present, and close the connection after processing the
	// message."
	AllowTransferInHTTP10
	// AllowChunkLF takes LF alone for CRLF after a chunk size, after chunk
	// data and in the trailer section. RFC 9112 §7.1 knows CRLF only, and
	// recipients that differ here can be made to disagree about where a
	// message ends.
	AllowChunkLF
	// AllowChunkSpace takes SP and HTAB between a chunk size and its CRLF.
	AllowChunkSpace
	// AllowRawTarget lets AppendRequest write bytes from 0x80 up in a request
	// target. RFC 3986 §2 has them percent-encoded.
	AllowRawTarget
)

// Unsafe: these make it ambiguous where a message ends, and exist to study
// peers that are. Never use them for a connection that is shared.
const (
	// UnsafeFirstLengthWins takes the first of several differing
	// Content-Length values. RFC 9112 §6.3 item 5: "the message framing is
	// invalid and the recipient MUST treat it as an unrecoverable error".
	UnsafeFirstLengthWins Rules = 1 << 31
)

// lax is what Default accepts beyond the grammar.
const lax = AllowObsFold | AllowBareLF | AllowNoReason | AllowRepeatedLength | AllowLengthAndTransfer

// allows reports whether bit is accepted, by itself or by default.
func (r Rules) allows(bit Rules) bool {
	return r&bit != 0 || r&Strict == 0 && bit&lax != 0
}

// The defaults of Limits.
const (
	DefaultHeadBytes     = 64 << 10
	DefaultFields        = 1000
	DefaultInterim       = 32
	DefaultChunkExtBytes = 4 << 10
	DefaultTrailerBytes  = 64 << 10
)

// Limits bounds what one response may cost. Zero or a negative number means the
// default: there is no "unlimited", since every one of these is a door for a
// hostile peer.
type Limits struct {
	// HeadBytes bounds one head, status line and final empty line included;
	// the heads of all interim responses of one exchange count together as
	// one more. Default 64 KiB; at most 1 GiB.
	HeadBytes int
	// Fields bounds the number of field lines of one head or trailer section.
	// Default 1000.
	Fields int
	// Interim bounds the number of 1xx responses before the final one. Default
	// 32.
	Interim int
	// ChunkExtBytes bounds the extensions of one chunk. All those of one body
	// together may take four times as much, plus one byte for each byte of
	// data. Default 4 KiB.
	ChunkExtBytes int
	// TrailerBytes bounds the trailer section. Default 64 KiB; at most 1 GiB.
	TrailerBytes int
}

// withDefaults returns l with every number resolved.
func (l Limits) withDefaults() Limits {
	const most = 1 << 30 // offsets are 32 bits wide
	set := func(n *int, def int) {
		if *n <= 0 {
			*n = def
		}
		*n = min(*n, most)
	}
	set(&l.HeadBytes, DefaultHeadBytes)
	set(&l.Fields, DefaultFields)
	set(&l.Interim, DefaultInterim)
	set(&l.ChunkExtBytes, DefaultChunkExtBytes)
	set(&l.TrailerBytes, DefaultTrailerBytes)
	return l
}
