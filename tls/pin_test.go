package tls

import (
	stdtls "crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"testing"

	"gohttpx.dev/internal/peer"
)

func TestPins(t *testing.T) {
	ca, other := peer.NewCA(t), peer.NewCA(t)
	cert := ca.Issue(host)
	leaf, root, wrong := Pin(cert.Leaf), Pin(ca.Cert), Pin(other.Cert)
	// The server sends a certificate that has nothing to do with its chain.
	planted := cert
	planted.Certificate = append([][]byte{}, cert.Certificate...)
	planted.Certificate = append(planted.Certificate, other.Cert.Raw)
	for _, version := range []uint16{stdtls.VersionTLS12, stdtls.VersionTLS13} {
		s := server(t, &stdtls.Config{Certificates: []stdtls.Certificate{planted}, MaxVersion: version})
		for _, tt := range []struct {
			name     string
			pins     []string
			insecure bool
			ok       bool
		}{
			{"leaf", []string{leaf}, false, true},
			{"authority", []string{root}, false, true},
			{"one of two", []string{wrong, root}, false, true},
			{"another key", []string{wrong}, false, false},
			{"unverified leaf", []string{leaf}, true, true},
			{"unverified authority", []string{root}, true, false},
			{"unverified, planted", []string{wrong}, true, false},
		} {
			t.Run("B43 "+stdtls.VersionName(version)+" "+tt.name, func(t *testing.T) {
				c := client(t, Options{RootCAs: ca.Pool(), Pins: tt.pins, InsecureSkipVerify: tt.insecure})
				for range 2 { // a resumed session is no way around
					tc, err := c.Handshake(t.Context(), dial(t, s.Addr), host)
					if tt.ok {
						if err != nil {
							t.Fatal(err)
						}
						echo(t, tc)
						tc.Close()
						continue
					}
					var pin *PinError
					var chain *stdtls.CertificateVerificationError
					if !errors.As(err, &pin) || !errors.As(err, &chain) || !strings.Contains(err.Error(), leaf) {
						t.Fatalf("%v, want one that tells the pins seen", err)
					}
				}
			})
		}
	}
	t.Run("B43 Base is asked too", func(t *testing.T) {
		no := errors.New("base says no")
		base := &stdtls.Config{VerifyConnection: func(stdtls.ConnectionState) error { return no }}
		s := server(t, &stdtls.Config{Certificates: []stdtls.Certificate{cert}})
		_, err := client(t, Options{Base: base, RootCAs: ca.Pool(), Pins: []string{leaf}}).Handshake(t.Context(), dial(t, s.Addr), host)
		if !errors.Is(err, no) {
			t.Error(err)
		}
	})
	for _, bad := range []string{"", leaf[len("sha256/"):], "sha256/AAAA", "sha1/" + leaf, leaf + "=", strings.Replace(leaf, "sha256/", "sha256//", 1)} {
		if _, err := NewClient(Options{Pins: []string{leaf, bad}}); err == nil || !strings.Contains(err.Error(), "Pins") {
			t.Errorf("pin %q: %v", bad, err)
		}
	}
	if e := verifyPins([]string{leaf}, stdtls.ConnectionState{VerifiedChains: [][]*x509.Certificate{}}); e == nil {
		t.Error("no certificate at all has the pinned key")
	}
}
