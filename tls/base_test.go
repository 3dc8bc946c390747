package tls

import (
	"crypto/ecdh"
	"crypto/rand"
	stdtls "crypto/tls"
	"encoding/binary"
	"testing"

	"gohttpx.dev/internal/peer"
)

// What crypto/tls can do and Options has no field for comes by way of Base.
func TestBaseSurvives(t *testing.T) {
	ca := peer.NewCA(t)
	t.Run("B43 post-quantum by default", func(t *testing.T) {
		s := server(t, &stdtls.Config{Certificates: []stdtls.Certificate{ca.Issue(host)}})
		if got := shake(t, client(t, Options{RootCAs: ca.Pool()}), s, host).ConnectionState().CurveID; got != stdtls.X25519MLKEM768 {
			t.Errorf("key exchange %v", got)
		}
		base := &stdtls.Config{CurvePreferences: []stdtls.CurveID{stdtls.X25519}}
		if got := shake(t, client(t, Options{RootCAs: ca.Pool(), Base: base}), s, host).ConnectionState().CurveID; got != stdtls.X25519 {
			t.Errorf("key exchange %v, want the one of Base", got)
		}
	})
	t.Run("B43 encrypted client hello", func(t *testing.T) {
		key, err := ecdh.X25519().GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		config := echConfig(key.PublicKey().Bytes(), "public.test")
		var seen string
		cert := ca.Issue(host, "public.test")
		s := server(t, &stdtls.Config{
			GetCertificate: func(h *stdtls.ClientHelloInfo) (*stdtls.Certificate, error) {
				seen = h.ServerName
				return &cert, nil
			},
			EncryptedClientHelloKeys: []stdtls.EncryptedClientHelloKey{{Config: config, PrivateKey: key.Bytes()}},
		})
		list := binary.BigEndian.AppendUint16(nil, uint16(len(config)))
		base := &stdtls.Config{EncryptedClientHelloConfigList: append(list, config...)}
		tc := shake(t, client(t, Options{RootCAs: ca.Pool(), Base: base, Pins: []string{Pin(ca.Cert)}}), s, host)
		if !tc.ConnectionState().ECHAccepted {
			t.Error("the client hello was not encrypted")
		}
		echo(t, tc)
		if seen != host {
			t.Errorf("inner name %q", seen)
		}
	})
}

// echConfig is an ECHConfig (Encrypted Client Hello, §4) with one suite: HKDF-SHA256 and
// AES-128-GCM.
func echConfig(publicKey []byte, name string) []byte {
	b := []byte{1}                               // config_id
	b = binary.BigEndian.AppendUint16(b, 0x0020) // DHKEM(X25519, HKDF-SHA256)
	b = binary.BigEndian.AppendUint16(b, uint16(len(publicKey)))
	b = append(b, publicKey...)
	b = append(b, 0, 4, 0, 1, 0, 1) // one suite
	b = append(b, 0, byte(len(name)))
	b = append(b, name...)
	b = append(b, 0, 0) // no extensions
	out := binary.BigEndian.AppendUint16(nil, 0xfe0d)
	out = binary.BigEndian.AppendUint16(out, uint16(len(b)))
	return append(out, b...)
}
