package httpx

import (
	"iter"
	"log/slog"
	"strings"

	"gohttpx.dev/wire"
)

// Header is a list of field lines: order, case and duplicates are kept as they
// were written or received, and look-ups fold case (RFC 9110 §5.1).
//
// The zero value is empty and ready. Methods that only read may run
// concurrently; the others may not.
type Header wire.Fields

// Get returns the first value of that name, or "".
func (h Header) Get(name string) string { return wire.Fields(h).Get(name) }

// Has reports whether there is a field of that name.
func (h Header) Has(name string) bool { return wire.Fields(h).Has(name) }

// Values returns all values of that name in order.
func (h Header) Values(name string) []string { return wire.Fields(h).Values(name) }

// Set replaces every field of that name by one.
func (h *Header) Set(name, value string) { (*wire.Fields)(h).Set(name, value) }

// Add appends a field.
func (h *Header) Add(name, value string) { (*wire.Fields)(h).Add(name, value) }

// Del removes every field of that name.
func (h *Header) Del(name string) { (*wire.Fields)(h).Del(name) }

// Len returns the number of field lines.
func (h Header) Len() int { return len(h) }

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

// String returns one line a field, with the values of credentials and cookies
// masked, so that it can be logged.
func (h Header) String() string {
	var b strings.Builder
	for i := range h {
		b.WriteString(h[i].Name)
		b.WriteString(": ")
		if isSecret(h[i]) {
			b.WriteString("[secure]")
		} else {
			b.WriteString(printable([]byte(h[i].Value)))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// LogValue is String for log/slog.
func (h Header) LogValue() slog.Value { return slog.StringValue(h.String()) }

func isSecret(f wire.Field) bool {
	if f.Sensitive {
		return true
	}
	for _, n := range [...]string{"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "WWW-Authenticate", "Proxy-Authenticate"} {
		if wire.EqualFold(f.Name, n) {
			return true
		}
	}
	return false
}

// merge replaces every field of h that over names, and appends over.
func (h *Header) merge(over Header) {
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
