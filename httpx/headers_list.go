package httpx

import (
	"strings"

	"gohttpx.dev/wire"
)

// Join returns the values of all field lines of that name as one (RFC 9110
// §5.3): with ", " between them, and "; " for Cookie (RFC 6265 §4.2.1). The lines
// of Set-Cookie cannot be one (RFC 9110 §5.3): of it Join returns the first value,
// as Get does. Values returns them all.
func (h Header) Join(name string) string {
	if wire.EqualFold(name, "Set-Cookie") {
		return h.Get(name)
	}
	sep := ", "
	if wire.EqualFold(name, "Cookie") {
		sep = "; "
	}
	return strings.Join(h.Values(name), sep)
}

// Tokens returns the elements of a list field, over all its lines (RFC 9110
// §5.6.1): what stands between commas that are outside of quoted strings, without
// the whitespace around it and without empty elements. Quotes and parameters stay
// as they are. A quoted string that does not end reaches to the end of its line.
//
// It is for fields that are lists by their definition. The commas of a date
// (Expires), of a comment (User-Agent) and of a link's target (Link) are not those
// of a list.
func (h Header) Tokens(name string) []string {
	var list []string
	for _, v := range h.Values(name) {
		list = appendList(list, v)
	}
	return list
}

func appendList(list []string, s string) []string {
	start, quoted := 0, false
	element := func(end int) {
		if e := strings.Trim(s[start:end], " \t"); e != "" {
			list = append(list, e)
		}
		start = end + 1
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\': // RFC 9110 §5.6.4: quoted-pair
			i++
		case !quoted && c == ',':
			element(i)
		}
	}
	element(len(s))
	return list
}
