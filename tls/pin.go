package tls

import (
	"crypto/sha256"
	stdtls "crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"strings"
)

// pinPrefix names the hash of a pin.
const pinPrefix = "sha256/"

// Pin returns the pin of a certificate: "sha256/" and the base64 of the SHA-256
// of its SubjectPublicKeyInfo. It stays the same when a certificate is renewed
// with its key.
func Pin(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return pinPrefix + base64.StdEncoding.EncodeToString(sum[:])
}

// PinError is a server whose certificates have none of the pinned keys.
type PinError struct {
	// Pins are those of the chain, the server's own first.
	Pins []string
}

// Error says which pins were seen: whoever has renewed a key finds the new one
// there.
func (e *PinError) Error() string {
	if len(e.Pins) == 0 {
		return "no certificate whose key could be among Options.Pins"
	}
	return "no key of the server's certificates is among Options.Pins; those are " + strings.Join(e.Pins, ", ")
}

func checkPins(pins []string) error {
	for _, p := range pins {
		sum, ok := strings.CutPrefix(p, pinPrefix)
		b, err := base64.StdEncoding.DecodeString(sum)
		if !ok || err != nil || len(b) != sha256.Size {
			return fmt.Errorf("tls: option Pins: %s is not sha256/ and 44 characters of base64 (see Pin)", quote(p))
		}
	}
	return nil
}

// pinned wraps a VerifyConnection, which is asked first.
func pinned(pins []string, next func(stdtls.ConnectionState) error) func(stdtls.ConnectionState) error {
	return func(s stdtls.ConnectionState) error {
		if next != nil {
			if err := next(s); err != nil {
				return err
			}
		}
		return verifyPins(pins, s)
	}
}

// verifyPins looks for a pin in the chains that were verified. Where nothing was,
// only the server's own certificate counts: its key has signed the handshake, but
// the others are just what the server has sent, and anybody can send them.
func verifyPins(pins []string, s stdtls.ConnectionState) error {
	chains := s.VerifiedChains
	if len(chains) == 0 && len(s.PeerCertificates) > 0 {
		chains = [][]*x509.Certificate{s.PeerCertificates[:1]}
	}
	wrong := &PinError{}
	for _, chain := range chains {
		for _, c := range chain {
			pin := Pin(c)
			for _, p := range pins {
				if p == pin {
					return nil
				}
			}
			if len(wrong.Pins) < 8 {
				wrong.Pins = append(wrong.Pins, pin)
			}
		}
	}
	return &stdtls.CertificateVerificationError{UnverifiedCertificates: s.PeerCertificates, Err: wrong}
}
