package peer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"
)

// CA is a certificate authority that lives in memory.
type CA struct {
	// Cert is the authority's own certificate.
	Cert *x509.Certificate

	t   testing.TB
	key *ecdsa.PrivateKey
}

// The certificates are good for the real clock and for synctest's, which starts
// in 2000.
var (
	notBefore = time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)
	notAfter  = time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
)

// NewCA makes an authority (ECDSA P-256). With DNS names its own certificate is
// also a self-signed one for a server.
func NewCA(t testing.TB, names ...string) *CA {
	t.Helper()
	tmpl := template("test authority")
	tmpl.DNSNames = names
	tmpl.IsCA, tmpl.BasicConstraintsValid = true, true
	tmpl.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	ca := &CA{t: t, key: newKey(t)}
	ca.Cert = ca.sign(tmpl, tmpl, ca.key)
	return ca
}

// Cert returns a server certificate for the names and IP addresses ("localhost"
// and 127.0.0.1 without any), and the pool with the authority that issued it.
func Cert(t testing.TB, names ...string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	ca := NewCA(t)
	if len(names) == 0 {
		names = []string{"localhost", "127.0.0.1"}
	}
	return ca.Issue(names...), ca.Pool()
}

// Key returns the private key of the authority.
func (ca *CA) Key() *ecdsa.PrivateKey { return ca.key }

// Pool returns a pool that trusts the authority and nobody else.
func (ca *CA) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(ca.Cert)
	return p
}

// PEM returns the authority's certificate as a CERTIFICATE block.
func (ca *CA) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Cert.Raw})
}

// Issue returns a certificate for servers and clients with these DNS names and
// IP addresses.
func (ca *CA) Issue(names ...string) tls.Certificate {
	ca.t.Helper()
	return ca.IssueWith(nil, names...)
}

// IssueWith is Issue; edit, if not nil, may change the certificate before it is
// signed: its dates, its key usage.
func (ca *CA) IssueWith(edit func(*x509.Certificate), names ...string) tls.Certificate {
	ca.t.Helper()
	name := "test"
	if len(names) > 0 {
		name = names[0]
	}
	tmpl := template(name)
	tmpl.KeyUsage = x509.KeyUsageDigitalSignature
	tmpl.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			tmpl.IPAddresses = append(tmpl.IPAddresses, ip)
		} else {
			tmpl.DNSNames = append(tmpl.DNSNames, n)
		}
	}
	if edit != nil {
		edit(tmpl)
	}
	key := newKey(ca.t)
	cert := ca.sign(tmpl, ca.Cert, key)
	return tls.Certificate{Certificate: [][]byte{cert.Raw, ca.Cert.Raw}, PrivateKey: key, Leaf: cert}
}

// PEM returns c's chain as CERTIFICATE blocks and its key as a PRIVATE KEY
// block.
func PEM(t testing.TB, c tls.Certificate) (cert, key []byte) {
	t.Helper()
	for _, der := range c.Certificate {
		cert = append(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatalf("peer: %v", err)
	}
	return cert, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func (ca *CA) sign(tmpl, parent *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	ca.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, &key.PublicKey, ca.key)
	if err != nil {
		ca.t.Fatalf("peer: %v", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		ca.t.Fatalf("peer: %v", err)
	}
	return cert
}

func template(name string) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    notBefore,
		NotAfter:     notAfter,
	}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("peer: %v", err)
	}
	return key
}
