package httpx

import (
	"fmt"

	"gohttpx.dev/wire"
)

// check refuses what may not be sent, before anything is.
func (h Header) check() error {
	for i := range h {
		if err := checkField(h[i].Name, h[i].Value); err != nil {
			return err
		}
	}
	return nil
}

// checkField says which rule a field breaks. Its value is not quoted, and of a
// name only the good start: the rest may be a value.
func checkField(name, value string) error {
	// ":protocol" is the one pseudo-field that is the caller's (RFC 8441 §4); an
	// engine that has no use for it refuses it.
	if !wire.IsToken(name) && name != ":protocol" {
		i := 0
		for i < len(name) && wire.IsTokenByte(name[i]) {
			i++
		}
		if i == len(name) {
			return invalidHeader("a field without a name (RFC 9110 §5.1: field-name = token)")
		}
		return invalidHeader("byte 0x%02x at offset %d of the name %q (RFC 9110 §5.1: field-name = token)", name[i], i, name[:i]+"…")
	}
	if !wire.IsFieldValue(value) {
		i := 0
		for wire.IsValueByte(value[i]) {
			i++
		}
		return invalidHeader("byte 0x%02x at offset %d of the value of %s (RFC 9110 §5.5: no control bytes in a field value)", value[i], i, name)
	}
	return nil
}

// invalidHeader also is ErrLocalProtocol, as the engines' own refusal would be.
func invalidHeader(format string, args ...any) error {
	return &wire.Error{
		Phase: wire.PhaseWrite,
		Kind:  wire.KindProtocol,
		Err:   fmt.Errorf("%w: %s", ErrInvalidHeader, fmt.Sprintf(format, args...)),
	}
}
