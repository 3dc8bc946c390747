package wire

import (
	"io"
	"net"
)

// Body is a handle on the content of one response: a value, not an allocation.
//
// It names its exchange, so that a handle which has outlived it fails with
// ErrBodyClosed instead of reading the next response on a reused connection.
// The zero Body is an empty one.
//
// Close may be called while a Read is in progress, which then fails; Reads must
// not overlap. Close is idempotent. Close before the end gives the connection
// up or drains it, as the engine sees fit.
type Body struct {
	src BodySource
	id  uint64
}

// BodySource is the engine's side of Body. id is what was given to NewBody; an
// engine answers ErrBodyClosed for any other exchange than the current one.
type BodySource interface {
	// ReadBody reads like io.Reader.
	ReadBody(id uint64, p []byte) (int, error)
	// CloseBody ends the exchange; it returns nil for one that has ended.
	CloseBody(id uint64) error
}

// Detacher is a BodySource whose connection or stream can be taken over after
// 101 (Switching Protocols) or a 2xx answer to CONNECT.
type Detacher interface {
	// DetachBody returns the byte stream that follows the response head,
	// bytes that have already been read included.
	DetachBody(id uint64) (net.Conn, error)
}

// NewBody returns the handle on the exchange id of src.
func NewBody(src BodySource, id uint64) Body { return Body{src, id} }

// Read reads content. It returns io.EOF at its end and an *Error where the
// content is cut short, garbled or late.
func (b Body) Read(p []byte) (int, error) {
	if b.src == nil {
		return 0, io.EOF
	}
	return b.src.ReadBody(b.id, p)
}

// Close ends the exchange.
func (b Body) Close() error {
	if b.src == nil {
		return nil
	}
	return b.src.CloseBody(b.id)
}

// Detach takes the byte stream over after 101 (Switching Protocols) or a 2xx
// answer to CONNECT. No timeout applies to it any longer, and closing it is the
// caller's duty. For any other response it returns ErrNotSwitched.
func (b Body) Detach() (net.Conn, error) {
	if d, ok := b.src.(Detacher); ok {
		return d.DetachBody(b.id)
	}
	return nil, ErrNotSwitched
}

// Ended reports whether the handle is that of a response without content.
func (b Body) Ended() bool { return b.src == nil }
