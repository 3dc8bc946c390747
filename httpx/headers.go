package httpx

import (
	"iter"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"gohttpx.dev/wire"
)

// Header is a list of field lines: order, case and duplicates are kept as they
// were written or received, and look-ups fold case (RFC 9110 §5.1). Values are
// bytes; no character set is assumed. What may not be sent is refused when it is
// sent, with ErrInvalidHeader.
//
// The zero value is empty and ready. Methods that only read may run
// concurrently; the others may not.
type Header wire.Fields

// FromStdHeader makes a Header of one of net/http, which keeps no order: the
// names are sorted, and the values of one name stay in order.
func FromStdHeader(h http.Header) Header {
	names := make([]string, 0, len(h))
	n := 0
	for name, values := range h {
		names = append(names, name)
		n += len(values)
	}
	slices.Sort(names)
	out := make(Header, 0, n)
	for _, name := range names {
		for _, v := range h[name] {
			out.Add(name, v)
		}
	}
	return out
}

// ToStd returns a copy as net/http has it: names in canonical form, and no order
// among them.
func (h Header) ToStd() http.Header {
	out := make(http.Header, len(h))
	for i := range h {
		out.Add(h[i].Name, h[i].Value)
	}
	return out
}

// Get returns the first value of that name, or "". Join returns all.
func (h Header) Get(name string) string { return wire.Fields(h).Get(name) }

// Has reports whether there is a field of that name.
func (h Header) Has(name string) bool { return wire.Fields(h).Has(name) }

// Values returns the value of every field line of that name in order, undivided;
// nil if there is none.
func (h Header) Values(name string) []string { return wire.Fields(h).Values(name) }

// Set gives the first field of that name the value and removes the others of that
// name; without one it appends.
func (h *Header) Set(name, value string) { (*wire.Fields)(h).Set(name, value) }

// Add appends a field.
func (h *Header) Add(name, value string) { (*wire.Fields)(h).Add(name, value) }

// Del removes every field of that name.
func (h *Header) Del(name string) { (*wire.Fields)(h).Del(name) }

// Merge removes every field of h that over names, and appends over.
func (h *Header) Merge(over Header) {
	if len(over) == 0 {
		return
	}
	s := *h
	n := 0
	for i := range s {
		if !over.Has(s[i].Name) {
			s[n] = s[i]
			n++
		}
	}
	*h = append(s[:n], over...)
}

// Len returns the number of field lines.
func (h Header) Len() int { return len(h) }

// Names returns the names, each once, in the order and the case in which they
// first stand.
func (h Header) Names() []string {
	names := make([]string, 0, len(h))
	seen := make(map[string]bool, len(h))
	for i := range h {
		if key := lowerASCII(h[i].Name); !seen[key] {
			seen[key] = true
			names = append(names, h[i].Name)
		}
	}
	return names
}

// Clone returns an independent copy.
func (h Header) Clone() Header { return Header(wire.Fields(h).Clone()) }

// All iterates over name and value of every field line, in order.
func (h Header) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for i := range h {
			if !yield(h[i].Name, h[i].Value) {
				return
			}
		}
	}
}

// Raw returns a copy of the field lines, in their order and case.
func (h Header) Raw() []wire.Field { return wire.Fields(h).Clone() }

// Equal reports whether the two have the same field lines, whatever their order
// and the case of the names.
func (h Header) Equal(o Header) bool {
	if len(h) != len(o) {
		return false
	}
	type line struct{ name, value string }
	count := make(map[line]int, len(h))
	for i := range h {
		count[line{lowerASCII(h[i].Name), h[i].Value}]++
	}
	for i := range o {
		l := line{lowerASCII(o[i].Name), o[i].Value}
		if count[l]--; count[l] < 0 {
			return false
		}
	}
	return true
}

// lowerASCII folds what RFC 9110 §5.1 folds. strings.ToLower would take U+212A
// KELVIN SIGN for a k.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}

// String returns one line a field, with the values of credentials and cookies
// masked, and those of queries in URLs (Location, Referer and the like), so that
// it can be logged.
func (h Header) String() string {
	var b strings.Builder
	for i := range h {
		b.WriteString(printable([]byte(h[i].Name)))
		b.WriteString(": ")
		b.WriteString(printable([]byte(masked(h[i]))))
		b.WriteByte('\n')
	}
	return b.String()
}

// GoString is what %#v prints: String.
func (h Header) GoString() string { return "httpx.Header{\n" + h.String() + "}" }

// LogValue is String for log/slog. The JSON of a Header, and so of one in a list or a
// struct that is logged by slog.JSONHandler, has the values as they are.
func (h Header) LogValue() slog.Value { return slog.StringValue(h.String()) }

// secretNames are the fields whose values are credentials. The last ones are in
// no RFC, and in common use.
var secretNames = [...]string{
	"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "WWW-Authenticate", "Proxy-Authenticate",
	"Authentication-Info", "Proxy-Authentication-Info", "X-Api-Key", "X-Auth-Token", "X-Csrf-Token", "X-Amz-Security-Token",
}

func isSecret(f wire.Field) bool {
	if f.Sensitive {
		return true
	}
	for _, n := range secretNames {
		if wire.EqualFold(f.Name, n) {
			return true
		}
	}
	return false
}
