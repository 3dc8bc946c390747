package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	stdtls "crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"hash/crc32"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/mccutchen/go-httpbin/v2/httpbin"
)

// servers are the demo's other side: go-httpbin in cleartext and over TLS, and
// two that behave badly. All listen on loopback, on ports of the system's
// choice.
type servers struct {
	http, https string
	roots       *x509.CertPool
	silent      string
	short       string

	closers []func()
	wg      sync.WaitGroup // every goroutine that listens; stop waits for it
}

// startServers starts them all, or none.
func startServers() (s *servers, err error) {
	s = new(servers)
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	cert, err := makeCertificate()
	if err != nil {
		return nil, err
	}
	s.roots = x509.NewCertPool()
	s.roots.AddCert(cert.Leaf)

	handler := demoHandler()
	if s.http, err = s.serve("http", handler, nil); err != nil {
		return nil, err
	}
	if s.https, err = s.serve("https", handler, &stdtls.Config{Certificates: []stdtls.Certificate{cert}}); err != nil {
		return nil, err
	}
	if s.silent, err = s.accept(func(net.Conn) {}); err != nil {
		return nil, err
	}
	addr, err := s.accept(cutOff)
	s.short = "http://" + addr
	return s, err
}

// stop closes everything and returns when all goroutines have ended.
func (s *servers) stop() {
	for _, c := range s.closers {
		c()
	}
	s.wg.Wait()
}

func listen() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }

// serve runs an HTTP server and returns its base URL.
func (s *servers) serve(scheme string, h http.Handler, cfg *stdtls.Config) (string, error) {
	ln, err := listen()
	if err != nil {
		return "", err
	}
	srv := &http.Server{
		Handler:           h,
		TLSConfig:         cfg,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // the demo breaks connections on purpose
	}
	s.closers = append(s.closers, func() { srv.Close() })
	s.wg.Go(func() {
		if cfg != nil {
			srv.ServeTLS(ln, "", "")
		} else {
			srv.Serve(ln)
		}
	})
	return scheme + "://" + ln.Addr().String(), nil
}

// accept runs a server of bare connections, which stay open until the end
// unless f closes them. f runs on the goroutine that accepts.
func (s *servers) accept(f func(net.Conn)) (addr string, err error) {
	ln, err := listen()
	if err != nil {
		return "", err
	}
	var mu sync.Mutex
	var open []net.Conn // guarded by mu
	s.closers = append(s.closers, func() {
		ln.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, nc := range open {
			nc.Close()
		}
	})
	s.wg.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, nc)
			mu.Unlock()
			f(nc)
		}
	})
	return ln.Addr().String(), nil
}

// What cutOff announces and what it sends.
const (
	cutAnnounced = 1000
	cutSent      = 100
)

// cutOff answers with a tenth of what it announces.
func cutOff(nc net.Conn) {
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(mostStep))
	if _, err := nc.Read(make([]byte, 4<<10)); err != nil {
		return
	}
	fmt.Fprintf(nc, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%0*d", cutAnnounced, cutSent, 0)
}

// largeBytes is the size of what /large answers.
const largeBytes = 256 << 20

// demoHandler is go-httpbin and /large, because go-httpbin's own bodies are
// small.
func demoHandler() http.Handler {
	bin := httpbin.New(
		httpbin.WithMaxBodySize(64<<20),
		httpbin.WithMaxDuration(time.Minute),
	)
	mux := http.NewServeMux()
	mux.Handle("/", bin)
	mux.HandleFunc("GET /large", func(w http.ResponseWriter, r *http.Request) {
		block := make([]byte, 256<<10)
		rand.Read(block)
		sum := crc32.New(castagnoli)
		for range largeBytes / len(block) {
			sum.Write(block)
		}
		w.Header().Set("Content-Length", strconv.Itoa(largeBytes))
		w.Header().Set("X-Crc32c", fmt.Sprintf("%08x", sum.Sum32()))
		for range largeBytes / len(block) {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	})
	return mux
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// makeCertificate makes a certificate that is its own authority, for names or
// else for loopback.
func makeCertificate(names ...string) (stdtls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return stdtls.Certificate{}, err
	}
	now := time.Now()
	tmpl := &x509.Certificate{
		SerialNumber:          big.NewInt(now.UnixNano()),
		Subject:               pkix.Name{CommonName: "htx demo"},
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(24 * time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	if names != nil {
		tmpl.Subject.CommonName, tmpl.DNSNames, tmpl.IPAddresses = names[0], names, nil
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		return stdtls.Certificate{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	return stdtls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, err
}
