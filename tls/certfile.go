package tls

import (
	stdtls "crypto/tls"
	"fmt"
	"os"
	"sync"
)

// certFile is a client certificate on disk, which is read again when its files
// change.
type certFile struct {
	cert, key string // paths; immutable

	mu     sync.Mutex         // orders reading the files too, so that the last state wins
	loaded stdtls.Certificate // guarded by mu, like the rest
	seen   [2]os.FileInfo     // of the files that loaded comes from
	number int                // counts what has been loaded
}

// openCertFile reads the files for the first time.
func openCertFile(cert, key string) (*certFile, error) {
	if key == "" {
		key = cert
	}
	f := &certFile{cert: cert, key: key}
	return f, f.read(f.look())
}

func (f *certFile) look() (seen [2]os.FileInfo) {
	seen[0], _ = os.Stat(f.cert)
	seen[1], _ = os.Stat(f.key)
	return seen
}

func (f *certFile) read(seen [2]os.FileInfo) error {
	c, err := stdtls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return fmt.Errorf("tls: client certificate %q with key %q: %w", f.cert, f.key, err)
	}
	f.loaded, f.seen = c, seen
	f.number++
	return nil
}

// current returns the certificate and its number. Files that cannot be used,
// since they are just being written for instance, leave the last good one in
// place; they are tried again the next time.
func (f *certFile) current() (stdtls.Certificate, int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	// Looked at before they are read: what changes in between is seen next time.
	if now := f.look(); !same(now[0], f.seen[0]) || !same(now[1], f.seen[1]) {
		f.read(now)
	}
	return f.loaded, f.number
}

// same reports whether a file is as it was. A file that another was renamed
// over may have its time and size.
func same(now, then os.FileInfo) bool {
	if now == nil || then == nil {
		return false
	}
	return now.ModTime().Equal(then.ModTime()) && now.Size() == then.Size() && os.SameFile(now, then)
}
