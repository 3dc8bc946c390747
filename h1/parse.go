package h1

import (
	"encoding/binary"
	"math/bits"
	"strings"

	"gohttpx.dev/internal/grammar"
	"gohttpx.dev/wire"
)

// The rules of the head, for error texts.
const (
	ruleVersion   = "RFC 9112 §2.3: HTTP-version is \"HTTP/1.\" and a digit"
	ruleStatus    = "RFC 9112 §4: status-line = HTTP-version SP status-code SP [ reason-phrase ]"
	ruleCode      = "RFC 9110 §15: a status code is three digits, 100 to 999"
	ruleEmptyLine = "RFC 9112 §4: nothing comes before the status line"
	ruleLine      = "RFC 9112 §2.2: a line ends in CRLF"
	ruleCR        = "RFC 9112 §2.2: CR stands only before LF"
	ruleFirst     = "RFC 9112 §2.2: no whitespace before the first field line"
	ruleName      = "RFC 9110 §5.1: a field name is a token"
	ruleColon     = "RFC 9112 §5.1: no whitespace between field name and colon"
	ruleNoColon   = "RFC 9112 §5: field-line = field-name \":\" OWS field-value OWS"
	ruleValue     = "RFC 9110 §5.5: no control byte in a field value"
	ruleFold      = "RFC 9112 §5.2: no folded field line"
	ruleFoldFrame = "RFC 9112 §5.2: no folded field line where it decides the framing"
	ruleFields    = "limit: Limits.Fields"
	ruleHeadBytes = "limit: Limits.HeadBytes"

	ruleInterim      = "limit: Limits.Interim, and Limits.HeadBytes for all of them"
	ruleTrailerBytes = "limit: Limits.TrailerBytes"
)

// maxSection bounds what Parser looks at, so that offsets fit 32 bits.
const maxSection = 1 << 30

// Parser parses response heads and trailer sections. The zero Parser is ready
// and has the default rules and limits. It keeps no reference to what it was
// given and may be used again at once, though not concurrently.
type Parser struct {
	// Rules says what is accepted.
	Rules Rules
	// MaxFields bounds the number of field lines of one section. Zero or a
	// negative number means DefaultFields.
	MaxFields int
	// Anomalies says what the last call has accepted beyond the grammar.
	Anomalies wire.Anomalies
}

// Response parses one head with its final empty line at the start of src and
// fills Status, Proto, Reason, Fields and Anomalies of r; the array of r.Fields
// is used again if it is large enough. It returns the length of the head. Bytes
// after it are not looked at.
//
// If src ends before the head does, n is 0, err is nil and r is untouched; find
// the end with ScanHead first, or the work is quadratic. An error is a
// *ParseError, and r is untouched as well.
//
// All strings of r are parts of one string, which is the only allocation if
// r.Fields is large enough and no line was folded.
func (p *Parser) Response(src []byte, r *wire.Response) (n int, err error) {
	p.Anomalies = 0
	if len(src) > maxSection {
		n, err = p.Response(src[:maxSection], r)
		return n, tooLong(n, err)
	}
	var st statusLine
	i, err := p.status(src, &st)
	if i == 0 || err != nil {
		return 0, err
	}
	var scratch [spansInline]span
	spans, n, err := p.section(src, i, scratch[:0], headLines)
	if n == 0 || err != nil {
		return 0, err
	}
	head := string(src[:n])
	r.Status, r.Proto, r.Anomalies = st.code, st.proto, p.Anomalies
	r.Reason = head[st.reason:st.reasonEnd]
	old := r.Fields
	if cap(old) < len(spans) {
		r.Fields = make(wire.Fields, len(spans))
	} else {
		r.Fields = old[:len(spans)]
		if len(old) > len(spans) {
			clear(old[len(spans):]) // they would keep an older head in memory
		}
	}
	fill(r.Fields, spans, head)
	return n, nil
}

// ParseResponse is Parser.Response with the default limits.
func ParseResponse(src []byte, r *wire.Response, rules Rules) (n int, err error) {
	p := Parser{Rules: rules}
	return p.Response(src, r)
}

// Trailers parses a trailer section with its final empty line at the start of
// src (RFC 9112 §7.1.2), and appends its fields to dst. It returns the length
// of the section, at least 1. Its lines end in CRLF: they are a part of the
// chunked framing, so that a bare LF needs AllowChunkLF.
//
// If src ends before the section does, n is 0, err is nil and fields is dst.
// An error is a *ParseError, and fields is dst as well. The fields are as they
// came: none of them may be taken for a header field (RFC 9110 §6.5.1).
func (p *Parser) Trailers(src []byte, dst wire.Fields) (fields wire.Fields, n int, err error) {
	p.Anomalies = 0
	if len(src) > maxSection {
		fields, n, err = p.Trailers(src[:maxSection], dst)
		return fields, n, tooLong(n, err)
	}
	var scratch [spansInline]span
	spans, n, err := p.section(src, 0, scratch[:0], trailerLines)
	if n == 0 || err != nil {
		return dst, 0, err
	}
	if len(spans) == 0 {
		return dst, n, nil
	}
	old := len(dst)
	if cap(dst)-old < len(spans) {
		fields = make(wire.Fields, old+len(spans))
		copy(fields, dst)
	} else {
		fields = dst[:old+len(spans)]
	}
	fill(fields[old:], spans, string(src[:n]))
	return fields, n, nil
}

// ParseTrailers is Parser.Trailers with the default limits.
func ParseTrailers(src []byte, dst wire.Fields, rules Rules) (fields wire.Fields, n int, err error) {
	p := Parser{Rules: rules}
	return p.Trailers(src, dst)
}

// tooLong is the error of a section that did not end within maxSection.
func tooLong(n int, err error) error {
	if n == 0 && err == nil {
		return broken(ruleHeadBytes, "section longer than 1 GiB", maxSection)
	}
	return err
}

// span says where one field stands in the section.
type span struct {
	name, nameEnd, value, valueEnd uint32
	folded                         bool
}

// spansInline fields are parsed without scratch memory from the heap.
const spansInline = 32

// fill makes fields of spans, all of them parts of s.
func fill(fields wire.Fields, spans []span, s string) {
	for i := range spans {
		sp := &spans[i]
		v := s[sp.value:sp.valueEnd]
		if sp.folded {
			v = unfold(v)
		}
		fields[i] = wire.Field{Name: s[sp.name:sp.nameEnd], Value: v}
	}
}

// unfold replaces each obs-fold by one SP.
func unfold(v string) string {
	var b strings.Builder
	b.Grow(len(v))
	for {
		i := strings.IndexAny(v, "\r\n")
		if i < 0 {
			b.WriteString(grammar.Trim(v))
			return b.String()
		}
		b.WriteString(grammar.Trim(v[:i]))
		b.WriteByte(' ')
		v = strings.TrimLeft(v[i:], "\r\n")
	}
}

type statusLine struct {
	code              int
	proto             wire.Proto
	reason, reasonEnd int
}

// status parses the status line. It returns the index of the line after it, or
// 0 if more bytes are needed.
func (p *Parser) status(src []byte, st *statusLine) (int, error) {
	i := 0
	if len(src) > 0 && (src[0] == '\r' || src[0] == '\n') {
		if !p.Rules.allows(AllowLeadingEmptyLine) {
			return 0, broken(ruleEmptyLine, grammar.ByteName(src[0]), 0)
		}
		next, err := p.lineEnd(src, 0, headLines)
		if next == 0 || err != nil {
			return 0, err
		}
		p.Anomalies |= wire.LeadingEmptyLine
		i = next
	}
	const magic = "HTTP/1."
	for k := range len(magic) {
		if i+k >= len(src) {
			return 0, nil
		}
		if src[i+k] != magic[k] {
			return 0, broken(ruleVersion, grammar.ByteName(src[i+k]), i+k)
		}
	}
	i += len(magic)
	// The minor version, SP, three digits.
	for k := range 5 {
		if i+k >= len(src) {
			return 0, nil
		}
		c := src[i+k]
		switch k {
		case 0:
			if !grammar.IsDigit(c) {
				return 0, broken(ruleVersion, grammar.ByteName(c), i+k)
			}
		case 1:
			if c != ' ' {
				return 0, broken(ruleStatus, grammar.ByteName(c), i+k)
			}
		default:
			// RFC 9110 §15: the first digit is the class, and no class is 0.
			if !grammar.IsDigit(c) || k == 2 && c == '0' {
				return 0, broken(ruleCode, grammar.ByteName(c), i+k)
			}
		}
	}
	st.proto = wire.HTTP11 // RFC 9110 §2.5: a higher minor version is read as the highest known
	if src[i] == '0' {
		st.proto = wire.HTTP10
	}
	st.code = int(src[i+2]-'0')*100 + int(src[i+3]-'0')*10 + int(src[i+4]-'0')
	i += 5
	if i >= len(src) {
		return 0, nil
	}
	switch c := src[i]; c {
	case ' ':
		i++
	case '\r', '\n':
		if !p.Rules.allows(AllowNoReason) {
			return 0, broken(ruleStatus, "no SP after the status code", i)
		}
		p.Anomalies |= wire.NoReason
	default:
		return 0, broken(ruleStatus, grammar.ByteName(c), i)
	}
	end, err := p.text(src, i)
	if end == len(src) || err != nil {
		return 0, err
	}
	st.reason, st.reasonEnd = i, end
	return p.lineEnd(src, end, headLines)
}

// lines says what may end the lines of a section.
type lines uint8

const (
	headLines lines = iota
	trailerLines
)

// lineEnd returns the index after the line end at src[i], which is CR or LF,
// or 0 if the next byte is needed.
func (p *Parser) lineEnd(src []byte, i int, in lines) (int, error) {
	if src[i] == '\r' {
		if i+1 >= len(src) {
			return 0, nil
		}
		if src[i+1] == '\n' {
			return i + 2, nil
		}
		// RFC 9112 §2.2: a recipient "of such a bare CR MUST consider that
		// element to be invalid".
		return 0, broken(ruleCR, "bare CR", i)
	}
	bit, anomaly := AllowBareLF, wire.BareLF
	if in == trailerLines {
		bit, anomaly = AllowChunkLF, wire.ChunkLF
	}
	if !p.Rules.allows(bit) {
		return 0, broken(ruleLine, "bare LF", i)
	}
	p.Anomalies |= anomaly
	return i + 1, nil
}

// section parses field lines from src[i] to the empty line that ends them, and
// returns the index after that, or 0 if more bytes are needed.
func (p *Parser) section(src []byte, i int, spans []span, in lines) ([]span, int, error) {
	most := p.MaxFields
	if most <= 0 {
		most = DefaultFields
	}
	for i < len(src) {
		c := src[i]
		if c == '\r' || c == '\n' {
			n, err := p.lineEnd(src, i, in)
			return spans, n, err
		}
		if c == ' ' || c == '\t' {
			next, err := p.fold(src, i, spans, in)
			if next == 0 || err != nil {
				return spans, 0, err
			}
			i = next
			continue
		}
		if len(spans) == most {
			return spans, 0, broken(ruleFields, "one field line too many", i)
		}
		start := i
		for i < len(src) && wire.IsTokenByte(src[i]) {
			i++
		}
		if i == len(src) {
			break
		}
		nameEnd := i
		if src[i] != ':' || i == start {
			var err error
			if nameEnd, i, err = p.oddName(src, start, i); nameEnd == 0 || err != nil {
				return spans, 0, err
			}
		}
		i++
		for i < len(src) && (src[i] == ' ' || src[i] == '\t') {
			i++
		}
		value := i
		end := plain(src, i)
		next := end + 2
		if next > len(src) || src[end] != '\r' || src[end+1] != '\n' {
			// Not the usual line.
			var err error
			if end, err = p.text(src, end); end == len(src) || err != nil {
				return spans, 0, err
			}
			if next, err = p.lineEnd(src, end, in); next == 0 || err != nil {
				return spans, 0, err
			}
		}
		if len(spans) == cap(spans) {
			spans = append(make([]span, 0, 4*cap(spans)), spans...)
		}
		spans = spans[:len(spans)+1]
		sp := &spans[len(spans)-1]
		sp.name, sp.nameEnd = uint32(start), uint32(nameEnd)
		sp.value, sp.valueEnd = uint32(value), uint32(trimEnd(src, value, end))
		sp.folded = false
		i = next
	}
	return spans, 0, nil
}

// oddName goes on where a field name that began at start has a byte at i that
// is neither of a token nor the colon. It returns the end of the name and the
// index of the colon; an end of 0 if more bytes are needed.
func (p *Parser) oddName(src []byte, start, i int) (nameEnd, colon int, err error) {
	nameEnd = -1
	for ; i < len(src); i++ {
		switch c := src[i]; {
		case c == ':':
			if i == start {
				return 0, 0, broken(ruleName, "no field name", i)
			}
			if nameEnd < 0 {
				nameEnd = i
			}
			return nameEnd, i, nil
		case c == '\r' || c == '\n':
			return 0, 0, broken(ruleNoColon, "no colon in the line", i)
		case c == ' ' || c == '\t':
			if !p.Rules.allows(AllowSpaceBeforeColon) {
				return 0, 0, broken(ruleColon, grammar.ByteName(c), i)
			}
			p.Anomalies |= wire.SpaceBeforeColon
			if nameEnd < 0 {
				nameEnd = i
			}
		case nameEnd >= 0:
			return 0, 0, broken(ruleName, "whitespace inside a field name, before "+grammar.ByteName(c), i)
		case wire.IsTokenByte(c):
		case c < ' ' || c == 0x7f || !p.Rules.allows(AllowBadName):
			return 0, 0, broken(ruleName, grammar.ByteName(c), i)
		default:
			p.Anomalies |= wire.BadNameByte
		}
	}
	return 0, 0, nil
}

// fold joins the line at i, which starts with whitespace, to the last field. It
// returns the index of the line after it, or 0 if more bytes are needed.
func (p *Parser) fold(src []byte, i int, spans []span, in lines) (int, error) {
	if len(spans) == 0 {
		return 0, broken(ruleFirst, grammar.ByteName(src[i]), i)
	}
	if !p.Rules.allows(AllowObsFold) {
		return 0, broken(ruleFold, grammar.ByteName(src[i])+" at the start of a line", i)
	}
	sp := &spans[len(spans)-1]
	if isFraming(src[sp.name:sp.nameEnd]) {
		return 0, broken(ruleFoldFrame, grammar.ByteName(src[i])+" at the start of a line", i)
	}
	for i < len(src) && (src[i] == ' ' || src[i] == '\t') {
		i++
	}
	end, err := p.text(src, i)
	if end == len(src) || err != nil {
		return 0, err
	}
	next, err := p.lineEnd(src, end, in)
	if next == 0 || err != nil {
		return 0, err
	}
	p.Anomalies |= wire.ObsFold
	if end = trimEnd(src, i, end); end > i {
		if sp.value == sp.valueEnd {
			sp.value = uint32(i)
		} else {
			sp.folded = true
		}
		sp.valueEnd = uint32(end)
	}
	return next, nil
}

// text returns the index of the CR or LF that ends the text at i, or len(src).
func (p *Parser) text(src []byte, i int) (int, error) {
	for {
		i = plain(src, i)
		if i == len(src) {
			return i, nil
		}
		switch c := src[i]; {
		case c == '\r' || c == '\n':
			return i, nil
		case c == '\t':
		case c == 0 || !p.Rules.allows(AllowCTL):
			// RFC 9110 §5.5: a recipient of CR, LF or NUL in a value "MUST
			// either reject the message or replace each of those characters
			// with SP".
			return 0, broken(ruleValue, grammar.ByteName(c), i)
		default:
			p.Anomalies |= wire.ControlByte
		}
		i++
	}
}

// plain returns the index of the first byte from i on that is below 0x20 or
// 0x7f, or len(src). It looks at eight bytes at once: subtracting 0x20 from a
// byte below that borrows and sets its top bit, as does subtracting 1 from 0.
// A borrow may mark the byte above as well, hence only the lowest mark counts.
func plain(src []byte, i int) int {
	const (
		ones = 0x0101010101010101
		tops = 0x80 * ones
	)
	for ; i+8 <= len(src); i += 8 {
		x := binary.LittleEndian.Uint64(src[i:])
		y := x ^ 0x7f*ones
		if m := ((x-0x20*ones)&^x | (y-ones)&^y) & tops; m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for ; i < len(src); i++ {
		if src[i] < ' ' || src[i] == 0x7f {
			return i
		}
	}
	return i
}

// trimEnd returns the end of src[i:end] without trailing whitespace.
func trimEnd(src []byte, i, end int) int {
	for end > i && (src[end-1] == ' ' || src[end-1] == '\t') {
		end--
	}
	return end
}

// isFraming reports whether name is one of the two fields that say where a
// message ends.
func isFraming(name []byte) bool {
	switch len(name) {
	case len("Content-Length"):
		return wire.EqualFold(string(name), "Content-Length")
	case len("Transfer-Encoding"):
		return wire.EqualFold(string(name), "Transfer-Encoding")
	}
	return false
}
