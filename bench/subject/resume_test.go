package subject

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// Where every request has a connection of its own, a client that resumes its TLS
// sessions does half the work of one that does not: all do, or they cannot be
// compared.
func TestSessionsAreResumed(t *testing.T) {
	const size = 64
	for _, s := range Speaking(HTTP1) {
		if !s.Takes(Options{Fresh: true}) {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			var full, resumed atomic.Int32
			srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(rightBody(r, size))) }))
			srv.TLS = &tls.Config{VerifyConnection: func(cs tls.ConnectionState) error {
				if cs.DidResume {
					resumed.Add(1)
				} else {
					full.Add(1)
				}
				return nil
			}}
			srv.StartTLS()
			defer srv.Close()
			roots := x509.NewCertPool()
			roots.AddCert(srv.Certificate())
			exchange(t, s, Options{Addr: srv.Listener.Addr().String(), Roots: roots, Conns: 1, Size: size, Fresh: true})
			if full.Load() != 1 || resumed.Load() != 9 {
				t.Errorf("%d full handshakes and %d resumed ones for 10 requests, expected 1 and 9", full.Load(), resumed.Load())
			}
		})
	}
}
