package h1

import (
	"math"
	"strconv"

	"gohttpx.dev/internal/grammar"
	"gohttpx.dev/wire"
)

// The rules of the chunked coding, for error texts.
const (
	ruleChunkSize  = "RFC 9112 §7.1: chunk-size = 1*HEXDIG"
	ruleChunkRange = "RFC 9112 §7.1: a chunk size above 2^63-1 or of more than 16 digits cannot be handled"
	ruleChunkLine  = "RFC 9112 §7.1: chunk-size [ chunk-ext ] CRLF"
	ruleChunkData  = "RFC 9112 §7.1: chunk-data CRLF"
	ruleChunkExt   = "RFC 9112 §7.1.1: chunk-ext = *( BWS \";\" BWS chunk-ext-name [ BWS \"=\" BWS chunk-ext-val ] )"
	ruleExtLine    = "limit: Limits.ChunkExtBytes"
	ruleExtTotal   = "limit: Limits.ChunkExtBytes, four times for a whole body beside its data"
)

// chunkState is where a ChunkDecoder stands. One line of the coding passes
//
//	size → (pad → extStart → extName → (extEquals → extValue | quoted ⇄ escape))* → lineLF
//
// and goes on with data → dataCR → dataLF → size, or, for size 0, with done.
type chunkState uint8

const (
	chunkSize      chunkState = iota // at a digit of chunk-size
	chunkPad                         // whitespace after the size or a quoted value
	chunkExtStart                    // after ";"
	chunkExtName                     // inside a name
	chunkExtPad                      // whitespace after a name: "=" may come
	chunkExtEquals                   // after "="
	chunkExtValue                    // inside a token
	chunkQuoted                      // inside a quoted-string
	chunkEscape                      // after "\" inside a quoted-string
	chunkLineLF                      // after CR at the end of the line
	chunkData                        // inside chunk-data
	chunkDataCR                      // after chunk-data
	chunkDataLF                      // after CR behind chunk-data
	chunkDone                        // after the line of the last chunk
)

// ChunkDecoder takes the chunked transfer coding apart (RFC 9112 §7.1). It does
// no I/O and keeps no bytes. The zero ChunkDecoder is ready and has the default
// rules and limits.
//
// Extensions are parsed, counted and thrown away ("A recipient MUST ignore
// unrecognized chunk extensions"). Lines end in CRLF; only AllowChunkLF lets LF
// alone pass.
type ChunkDecoder struct {
	rules     Rules
	state     chunkState
	digits    uint8 // of the chunk size being read
	blank     bool  // whitespace came last, outside quotes
	ready     bool  // limits are set
	anomalies wire.Anomalies
	rest      int64 // the chunk size being read, then the bytes of data that are due
	maxExt    int64 // extension bytes that one line may have
	ext       int64 // extension bytes of this line
	spare     int64 // extension bytes that the body may still have
	offset    int64 // bytes consumed
	err       error // the first error, for good
}

// Reset makes d ready for another body. Of the limits only ChunkExtBytes is
// used.
func (d *ChunkDecoder) Reset(limits Limits, rules Rules) {
	ext := int64(limits.withDefaults().ChunkExtBytes)
	*d = ChunkDecoder{rules: rules, ready: true, maxExt: ext, spare: 4 * ext}
}

// Anomalies says what was accepted beyond the grammar so far.
func (d *ChunkDecoder) Anomalies() wire.Anomalies { return d.anomalies }

// Next decodes from the start of src. It returns the next piece of data, if
// any, which aliases src, and n, the number of bytes of src that are done with;
// what is left is for the next call. With data it may leave bytes that it could
// decode; without, it has taken all of src or the coding is done.
//
// done reports that the line of the last chunk has been consumed. The trailer
// section follows, with at least its empty line: see ScanTrailers and
// Parser.Trailers. An error is a *ParseError, lasts, and has its offset from the
// start of the body.
func (d *ChunkDecoder) Next(src []byte) (data []byte, n int, done bool, err error) {
	if d.err != nil {
		return nil, 0, false, d.err
	}
	if !d.ready {
		d.Reset(Limits{}, Default)
	}
	for n < len(src) && d.state != chunkDone {
		if d.state == chunkData {
			k := int(min(d.rest, int64(len(src)-n)))
			data = src[n : n+k : n+k]
			n += k
			d.rest -= int64(k)
			if d.spare < math.MaxInt64-int64(k) {
				d.spare += int64(k)
			}
			if d.rest == 0 {
				d.state = chunkDataCR
			}
			break
		}
		if rule := d.step(src[n]); rule != "" {
			e := broken(rule, grammar.ByteName(src[n]), 0)
			if rule == ruleExtLine || rule == ruleExtTotal {
				e.What = "too many bytes of chunk extensions"
			}
			e.Offset = d.offset + int64(n)
			d.err = e
			return nil, n, false, e
		}
		n++
	}
	d.offset += int64(n)
	return data, n, d.state == chunkDone, nil
}

// step takes one byte that is no data. It returns the rule that c breaks, or "".
func (d *ChunkDecoder) step(c byte) string {
	switch d.state {
	case chunkSize:
		if v := unhex(c); v >= 0 {
			// The range is checked before the shift: 16 digits hold 64 bits.
			if d.digits == 16 || d.rest > math.MaxInt64>>4 {
				return ruleChunkRange
			}
			d.rest = d.rest<<4 | int64(v)
			d.digits++
			return ""
		}
		if d.digits == 0 {
			return ruleChunkSize
		}
		return d.delimiter(c)
	case chunkLineLF:
		if c != '\n' {
			return ruleChunkLine
		}
		d.endLine()
		return ""
	case chunkDataCR:
		switch {
		case c == '\r':
			d.state = chunkDataLF
		case c == '\n' && d.rules.allows(AllowChunkLF):
			d.anomalies |= wire.ChunkLF
			d.state = chunkSize
		default:
			return ruleChunkData
		}
		return ""
	case chunkDataLF:
		if c != '\n' {
			return ruleChunkData
		}
		d.state = chunkSize
		return ""
	}
	return d.extension(c)
}

// extension takes one byte of a chunk extension.
func (d *ChunkDecoder) extension(c byte) string {
	switch d.state {
	case chunkExtStart:
		switch {
		case isBlank(c):
		case wire.IsTokenByte(c):
			d.state = chunkExtName
		default:
			return ruleChunkExt
		}
	case chunkExtName, chunkExtPad:
		switch {
		case d.state == chunkExtName && wire.IsTokenByte(c):
		case c == '=':
			d.state = chunkExtEquals
		case isBlank(c):
			d.state, d.blank = chunkExtPad, true
		case d.state == chunkExtPad:
			return d.padded(c)
		default:
			return d.delimiter(c)
		}
	case chunkExtEquals:
		switch {
		case isBlank(c):
		case c == '"':
			d.state = chunkQuoted
		case wire.IsTokenByte(c):
			d.state = chunkExtValue
		default:
			return ruleChunkExt
		}
	case chunkExtValue:
		if !wire.IsTokenByte(c) {
			return d.delimiter(c)
		}
	case chunkQuoted, chunkEscape:
		// CR and LF are no bytes of a quoted-string: a peer that looks for the
		// line end without parsing it would see another chunk here.
		switch {
		case !wire.IsValueByte(c):
			return ruleChunkExt
		case d.state == chunkEscape:
			d.state = chunkQuoted
		case c == '\\':
			d.state = chunkEscape
		case c == '"':
			d.state, d.blank = chunkPad, false
		}
	case chunkPad:
		if !isBlank(c) {
			return d.padded(c)
		}
		d.blank = true
	}
	return d.count()
}

// delimiter takes what follows a size, a name or a value.
func (d *ChunkDecoder) delimiter(c byte) string {
	switch {
	case c == '\r':
		d.state = chunkLineLF
		return ""
	case c == '\n' && d.rules.allows(AllowChunkLF):
		d.anomalies |= wire.ChunkLF
		d.endLine()
		return ""
	case c == ';':
		d.state = chunkExtStart
		return d.count()
	case isBlank(c):
		d.state, d.blank = chunkPad, true
		return d.count()
	case d.state == chunkSize:
		return ruleChunkLine
	}
	return ruleChunkExt
}

// padded takes what follows whitespace, or a quoted value.
func (d *ChunkDecoder) padded(c byte) string {
	// BWS belongs to a ";" or "=" that follows it, not to the line end.
	if d.blank && c != ';' {
		if c != '\r' && c != '\n' || !d.rules.allows(AllowChunkSpace) {
			return ruleChunkLine
		}
		d.anomalies |= wire.ChunkSpace
	}
	return d.delimiter(c)
}

// count counts one byte of extensions.
func (d *ChunkDecoder) count() string {
	d.ext++
	d.spare--
	switch {
	case d.ext > d.maxExt:
		return ruleExtLine
	case d.spare < 0:
		return ruleExtTotal
	}
	return ""
}

// endLine goes on after the line of a chunk.
func (d *ChunkDecoder) endLine() {
	d.digits, d.ext = 0, 0
	d.state = chunkData
	if d.rest == 0 {
		d.state = chunkDone
	}
}

// AppendChunk appends data as one chunk. Nothing is appended for no data: a
// chunk of size 0 would be the last one.
func AppendChunk(dst, data []byte) []byte {
	if len(data) == 0 {
		return dst
	}
	dst = appendChunkSize(dst, len(data))
	dst = append(dst, data...)
	return append(dst, "\r\n"...)
}

// appendChunkSize appends the line that begins a chunk of n bytes.
func appendChunkSize(dst []byte, n int) []byte {
	dst = strconv.AppendUint(dst, uint64(n), 16)
	return append(dst, "\r\n"...)
}

// AppendLastChunk appends the last chunk, the trailer section and the empty
// line that end a chunked body. Trailer fields that are malformed, or that must
// be known before the content (RFC 9110 §6.5.1), are refused: the error is a
// *wire.Error with KindProtocol and Sent, since the head has gone out before,
// around a *RequestError, and dst comes back as it was.
func AppendLastChunk(dst []byte, trailers wire.Fields) ([]byte, error) {
	for i := range trailers {
		f := &trailers[i]
		err := checkField(f)
		if err == nil && notInTrailers(f.Name) {
			err = unsendable(ruleTrailer, f.Name, "not allowed as a trailer field", -1)
		}
		if err != nil {
			err.Sent = true
			return dst, err
		}
	}
	dst = append(dst, "0\r\n"...)
	dst = appendFields(dst, trailers)
	return append(dst, "\r\n"...), nil
}

// trailerNever lists fields that RFC 9110 §6.5.1 keeps out of trailer sections:
// those for framing, routing, request modifiers, authentication, content format
// and response control.
var trailerNever = [...]string{
	"Transfer-Encoding", "Content-Length", "Trailer",
	"Host", "Connection", "Keep-Alive", "Proxy-Connection", "TE", "Upgrade",
	"Cache-Control", "Expect", "Max-Forwards", "Pragma", "Range",
	"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range",
	"Authorization", "Proxy-Authorization", "Proxy-Authenticate", "WWW-Authenticate", "Cookie", "Set-Cookie",
	"Content-Encoding", "Content-Type", "Content-Range",
	"Age", "Date", "Expires", "Location", "Retry-After", "Vary",
}

func notInTrailers(name string) bool {
	for _, n := range trailerNever {
		if wire.EqualFold(n, name) {
			return true
		}
	}
	return false
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// unhex returns the value of a HEXDIG, or -1.
func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
