package httpx_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	stdtls "crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"gohttpx.dev/httpx"
	"gohttpx.dev/tls"
)

// certified is a certificate for one address, and the pool that trusts it.
func certified(t *testing.T, ip net.IP) (stdtls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{ip}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return stdtls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// A zone says which way to go from here: the dialler gets it, the server and its
// certificate do not.
func TestZone(t *testing.T) {
	cert, roots := certified(t, net.ParseIP("fe80::1"))
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Method+" "+r.Host+" "+r.RequestURI)
	}))
	s.TLS = &stdtls.Config{Certificates: []stdtls.Certificate{cert}}
	s.StartTLS()
	defer s.Close()
	dialled := make(chan string, 2)
	c := newClient(t, httpx.WithTLS(tls.Options{RootCAs: roots}), httpx.WithHTTP2(false),
		httpx.WithDialContext(func(ctx context.Context, network, addr string) (net.Conn, error) {
			dialled <- addr
			return new(net.Dialer).DialContext(ctx, network, s.Listener.Addr().String())
		}))
	t.Run("A9.5 a zone is dialled, and neither sent nor certified", func(t *testing.T) {
		resp, err := c.Get(context.Background(), "https://[fe80::1%25eth0]:8443/x")
		if err != nil {
			t.Fatal(err)
		}
		if addr := <-dialled; addr != "[fe80::1%eth0]:8443" || resp.Text() != "GET [fe80::1]:8443 /x" {
			t.Errorf("dialled %s, sent %s", addr, resp.Text())
		}
		// Another interface leads to another machine.
		if _, err := c.Get(context.Background(), "https://[fe80::1%25eth1]:8443/x"); err != nil {
			t.Fatal(err)
		}
		if addr := <-dialled; addr != "[fe80::1%eth1]:8443" {
			t.Errorf("dialled %s", addr)
		}
	})
}
