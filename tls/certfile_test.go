package tls

import (
	stdtls "crypto/tls"
	"os"
	"path/filepath"
	"testing"

	"gohttpx.dev/internal/peer"
)

// presents returns a server that tells whose certificate it was shown.
func presents(t *testing.T, ca *peer.CA) *peer.Server {
	t.Helper()
	cfg := &stdtls.Config{Certificates: []stdtls.Certificate{ca.Issue(host)}, ClientAuth: stdtls.RequireAndVerifyClientCert, ClientCAs: ca.Pool()}
	return peer.ListenTLS(t, cfg, func(nc *stdtls.Conn) {
		var b [1]byte
		for {
			if _, err := nc.Read(b[:]); err != nil {
				return
			}
			nc.Write([]byte(nc.ConnectionState().PeerCertificates[0].Subject.CommonName[:1]))
		}
	})
}

func TestClientCertificateIsReadAgain(t *testing.T) {
	ca := peer.NewCA(t)
	s := presents(t, ca)
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "c"), filepath.Join(dir, "k")
	// Renamed into place, as whoever renews certificates does it.
	install := func(path string, content []byte) {
		t.Helper()
		if err := os.WriteFile(path+".new", content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	certA, keyA := peer.PEM(t, ca.Issue("a"))
	install(certFile, certA)
	install(keyFile, keyA)
	c := client(t, Options{RootCAs: ca.Pool(), CertFile: certFile, KeyFile: keyFile})
	ask := func(tc *Conn) string {
		t.Helper()
		var b [1]byte
		if _, err := tc.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := tc.Read(b[:]); err != nil {
			t.Fatal(err)
		}
		return string(b[:])
	}
	first := shake(t, c, s, host)
	if who := ask(first); who != "a" {
		t.Fatalf("presented %q", who)
	}
	again := shake(t, c, s, host)
	if who := ask(again); who != "a" || !again.ConnectionState().DidResume {
		t.Fatalf("presented %q, resumed %t", who, again.ConnectionState().DidResume)
	}

	certB, keyB := peer.PEM(t, ca.Issue("b"))
	install(certFile, certB)
	half := shake(t, c, s, host) // the key is the old one still
	if who := ask(half); who != "a" {
		t.Errorf("with half of a pair: presented %q", who)
	}
	install(keyFile, keyB)
	renewed := shake(t, c, s, host)
	if who := ask(renewed); who != "b" || renewed.ConnectionState().DidResume {
		t.Errorf("renewed: presented %q, resumed %t", who, renewed.ConnectionState().DidResume)
	}
	ask(first) // a ticket of the old certificate may come late
	later := shake(t, c, s, host)
	if who := ask(later); who != "b" || !later.ConnectionState().DidResume {
		t.Errorf("then: presented %q, resumed %t", who, later.ConnectionState().DidResume)
	}
	os.Remove(keyFile)
	if who := ask(shake(t, c, s, host)); who != "b" {
		t.Errorf("without a key file: presented %q", who)
	}
}
