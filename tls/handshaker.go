package tls

import (
	"context"
	stdtls "crypto/tls"
	"errors"
	"net"
)

// HandshakeFunc makes TLS on nc as a client. cfg is what crypto/tls would be
// given, for this very server: its ServerName, NextProtos, RootCAs, Certificates
// and the rest are to be obeyed, and it must not be changed. The function returns
// the connection to read and write, whose Close closes nc, and the state: at
// least NegotiatedProtocol, Version and PeerCertificates. It closes nc itself on
// an error. When ctx ends, nc is closed beneath it.
type HandshakeFunc func(ctx context.Context, nc net.Conn, cfg *stdtls.Config) (net.Conn, stdtls.ConnectionState, error)

// Handshaker is an implementation of TLS other than crypto/tls. Options with the
// same one share connections; functions cannot be compared.
type Handshaker struct{ shake HandshakeFunc }

// NewHandshaker returns a Handshaker that calls f. Verification is f's: only
// Options.Pins are checked on what it returns.
func NewHandshaker(f HandshakeFunc) *Handshaker { return &Handshaker{f} }

// run calls the function and checks what it says.
func (h *Handshaker) run(ctx context.Context, nc net.Conn, cfg *stdtls.Config, pins []string) (*Conn, error) {
	made, state, err := h.shake(ctx, nc, cfg)
	switch {
	case err != nil:
		return nil, err
	case made == nil:
		return nil, errors.New("the Handshaker returned neither a connection nor an error")
	case len(pins) > 0:
		if err := verifyPins(pins, state); err != nil {
			socket(nc).Close() // first, so that no goodbye has to get through
			made.Close()
			return nil, err
		}
	}
	return &Conn{Conn: made, below: rawConn{Conn: nc}, name: cfg.ServerName, state: &state}, nil
}
