package h1

import (
	"bytes"

	"gohttpx.dev/internal/grammar"
)

const ruleStart = "RFC 9112 §4: a response starts with HTTP-version"

// ScanHead looks for the end of the response head at the start of src. It
// returns end, the length of the head with its final empty line, or 0 and
// resume if more bytes are needed: call it again with all of src so far and
// resume as from, and the work is linear however the bytes arrive. The first
// call takes from 0.
//
// Lines may end in CRLF or LF here; Parser.Response judges that. One empty line
// before the status line is taken for a part of the head. What can be no HTTP
// response fails at once, so that a peer that speaks another protocol is not
// waited for: the error is a *ParseError. ScanHead does not bound the length of
// the head; that is up to the owner of src.
func ScanHead(src []byte, from int) (end, resume int, err error) {
	start := 0
	if len(src) > 0 && (src[0] == '\r' || src[0] == '\n') {
		if start = emptyLine(src, 0); start == 0 {
			if len(src) < 2 {
				return 0, 0, nil
			}
			return 0, 0, broken(ruleStart, "CR", 0)
		}
	}
	const magic = "HTTP/1."
	if from < start+len(magic) {
		for i := start; i < min(len(src), start+len(magic)); i++ {
			if src[i] != magic[i-start] {
				return 0, 0, broken(ruleStart, "not HTTP/1: "+grammar.ByteName(src[i]), i)
			}
		}
	}
	end, resume = scanEnd(src, max(from, start))
	return end, resume, nil
}

// ScanTrailers does for a trailer section what ScanHead does for a head: end is
// the length of the section with its final empty line, which may be all of it.
func ScanTrailers(src []byte, from int) (end, resume int) {
	if from == 0 && len(src) > 0 {
		if n := emptyLine(src, 0); n > 0 {
			return n, 0
		}
		if src[0] == '\r' && len(src) == 1 {
			return 0, 0
		}
	}
	return scanEnd(src, from)
}

// scanEnd looks from byte from on for a line end that an empty line follows.
func scanEnd(src []byte, from int) (end, resume int) {
	for i := from; i < len(src); {
		k := bytes.IndexByte(src[i:], '\n')
		if k < 0 {
			break
		}
		i += k
		if n := emptyLine(src, i+1); n > 0 {
			return i + 1 + n, 0
		}
		if len(src)-i <= 2 {
			// LF, or LF CR: the next byte decides.
			if len(src)-i == 1 || src[i+1] == '\r' {
				return 0, i
			}
		}
		i++
	}
	return 0, len(src)
}

// emptyLine returns the length of the line end that stands at i, else 0.
func emptyLine(src []byte, i int) int {
	switch {
	case i < len(src) && src[i] == '\n':
		return 1
	case i+1 < len(src) && src[i] == '\r' && src[i+1] == '\n':
		return 2
	}
	return 0
}
