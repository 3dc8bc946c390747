package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// testServers starts what the tests of flags talk to, and returns what puts
// their names in.
func testServers(t *testing.T) (fill func(string) string) {
	t.Helper()
	dir := t.TempDir()
	cert, err := makeCertificate()
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("note.txt", "a note\n")
	write("netrc", "machine 127.0.0.1 login ned password s3cret\n")
	write("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})))
	write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))

	bin := demoHandler()
	plain := testServer(t, bin, nil)
	secure := testServer(t, bin, &tls.Config{Certificates: []tls.Certificate{cert}})
	mutual := testServer(t, bin, &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAnyClientCert})
	proxy := testServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A forward proxy for one host, which is never looked up.
		if r.URL.Host != "far.example" {
			http.Error(w, "no such host: "+r.URL.Host, http.StatusBadGateway)
			return
		}
		r.Header.Set("X-Through", "proxy")
		bin.ServeHTTP(w, r)
	}), nil)
	h2c := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "%s it is", r.Proto) }))
	h2c.Config.Protocols = new(http.Protocols)
	h2c.Config.Protocols.SetUnencryptedHTTP2(true)
	h2c.Start()
	t.Cleanup(h2c.Close)
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()

	portOf := func(url string) string { return url[strings.LastIndexByte(url, ':')+1:] }
	all := strings.NewReplacer(
		"{dir}", dir, "{http}", plain, "{https}", secure, "{mutual}", mutual, "{proxy}", proxy, "{h2c}", h2c.URL,
		"{port}", portOf(plain), "{tlsport}", portOf(secure), "{gone}", "http://"+gone.Addr().String(),
		"{silent}", testServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), nil),
		"{bare}", testServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Method) }), nil),
		"{plain}", testServer(t, fixed("text/plain", "one\r\ntwo\r"), nil),
		"{array}", testServer(t, fixed("application/json", "\ufeff [ {\"a\": 1},\n [2], \"\x7f\" ] "), nil),
		"{twice}", testServer(t, failing(1), nil),
		"{thrice}", testServer(t, failing(1<<20), nil),
	)
	return all.Replace
}

// testServer starts a server and returns its URL.
func testServer(t *testing.T, h http.Handler, cfg *tls.Config) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = quiet()
	if cfg == nil {
		s.Start()
	} else {
		s.TLS, s.EnableHTTP2 = cfg, true
		s.StartTLS()
	}
	t.Cleanup(s.Close)
	return s.URL
}

// fixed answers the same on every day.
func fixed(contentType, content string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Date", "today")
		io.WriteString(w, content)
	}
}

// failing answers every second request well if n is 1; of more it is every
// n+1st.
func failing(n int64) http.HandlerFunc {
	var seen atomic.Int64
	return func(w http.ResponseWriter, _ *http.Request) {
		if seen.Add(1)%(n+1) != 0 {
			w.Header().Set("Retry-After", "0")
			http.Error(w, "not yet", http.StatusServiceUnavailable)
			return
		}
		io.WriteString(w, "at last")
	}
}
