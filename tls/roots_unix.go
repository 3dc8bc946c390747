//go:build unix && !darwin && !ios

package tls

import (
	"crypto/x509"
	"os"
	"sync"
)

// systemFiles are where systems keep their authorities in one file, the first
// that exists counts, and systemDirs where they keep them one by one: Debian,
// Fedora, SUSE, Alpine, FreeBSD, NetBSD, OpenBSD, illumos.
var (
	systemFiles = []string{
		"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/pki/tls/certs/ca-bundle.crt",
		"/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem", "/etc/openssl/certs/ca-certificates.crt", "/usr/local/share/certs/ca-root-nss.crt",
		"/usr/local/etc/ssl/cert.pem", "/etc/certs/ca-certificates.crt",
	}
	systemDirs = []string{"/etc/ssl/certs", "/etc/pki/tls/certs", "/etc/openssl/certs", "/usr/local/share/certs"}
)

// namedAtStart: crypto/x509 may have read the variables before anybody took them
// out of the environment.
var namedAtStart = rootsNamed()

func rootsNamed() bool { return os.Getenv("SSL_CERT_FILE") != "" || os.Getenv("SSL_CERT_DIR") != "" }

// ownSystemRoots returns the system's authorities, nil for those that
// crypto/x509 takes: these are the same unless its variables are set.
func ownSystemRoots() *x509.CertPool {
	if !x509Asks() {
		return nil
	}
	return systemRoots()
}

// x509Asks reports whether crypto/x509 goes by the environment, now or by what
// it found there before.
func x509Asks() bool { return namedAtStart || rootsNamed() }

// systemRoots loads the system's authorities, once for all clients. An empty
// pool is what it is: where the environment has no say, it is not asked for want
// of something better.
var systemRoots = sync.OnceValue(func() *x509.CertPool {
	pool := x509.NewCertPool()
	for _, path := range systemFiles {
		if pem, err := os.ReadFile(path); err == nil && pool.AppendCertsFromPEM(pem) {
			return pool
		}
	}
	for _, dir := range systemDirs {
		if found, _ := appendDir(pool, dir); found {
			return pool
		}
	}
	return pool
})
