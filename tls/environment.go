package tls

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// Environment is what SSL_CERT_FILE, SSL_CERT_DIR and SSLKEYLOGFILE say. It is
// immutable and safe for concurrent use.
//
// crypto/x509 reads the first two by itself, but on some systems only, once per
// process, and adds the system's folders to the file of SSL_CERT_FILE. Here they
// mean the same everywhere, and what they say counts for whoever reads them.
type Environment struct {
	file, dir, keyLog string

	once  sync.Once
	roots *x509.CertPool // set by once, like err
	err   error
}

// FromEnvironment reads the variables through lookup, which is os.LookupEnv or a
// function like it; nil stands for an empty environment, in which the roots are
// the system's whatever the process's environment says.
//
//   - SSL_CERT_FILE is a PEM file with the authorities to trust instead of the
//     system's;
//   - SSL_CERT_DIR, asked if that is not set, is a list of folders of such files,
//     separated as in PATH;
//   - SSLKEYLOGFILE is a file to which the secrets of every connection are
//     appended: see Options.KeyLogWriter.
//
// Empty values count as not set. No file is touched before it is needed.
func FromEnvironment(lookup func(string) (string, bool)) *Environment {
	e := new(Environment)
	if lookup != nil {
		e.file, _ = lookup("SSL_CERT_FILE")
		e.dir, _ = lookup("SSL_CERT_DIR")
		e.keyLog, _ = lookup("SSLKEYLOGFILE")
	}
	return e
}

// Roots loads the authorities when it is first called. nil without an error are
// those that crypto/x509 takes by itself. An error names the variable: whoever
// has set it does not want the system's authorities instead.
func (e *Environment) Roots() (*x509.CertPool, error) {
	e.once.Do(func() {
		switch {
		case e.file != "":
			e.roots, e.err = rootsOfFile(e.file)
		case e.dir != "":
			e.roots, e.err = rootsOfDirs(filepath.SplitList(e.dir))
		default:
			e.roots = ownSystemRoots()
		}
	})
	return e.roots, e.err
}

// changesRoots reports whether e may have other roots than crypto/x509 takes.
func (e *Environment) changesRoots() bool {
	return e != nil && (e.file != "" || e.dir != "" || x509Asks())
}

func rootsOfFile(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("environment: SSL_CERT_FILE: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("environment: SSL_CERT_FILE: %q holds no PEM certificate", path)
	}
	return pool, nil
}

func rootsOfDirs(dirs []string) (*x509.CertPool, error) {
	pool, found, errs := x509.NewCertPool(), false, []error(nil)
	for _, dir := range dirs {
		got, err := appendDir(pool, dir)
		found = found || got
		if err != nil {
			errs = append(errs, err)
		}
	}
	if !found {
		return nil, fmt.Errorf("environment: SSL_CERT_DIR: no PEM certificate in %q: %w", dirs, errors.Join(append(errs, os.ErrNotExist)...))
	}
	return pool, nil
}

// appendDir adds what PEM certificates the files of a folder hold. A folder of
// certificates holds other files too, and dangling links, so they are passed
// over.
func appendDir(pool *x509.CertPool, dir string) (found bool, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false, err
	}
	for _, entry := range entries {
		if pem, err := os.ReadFile(filepath.Join(dir, entry.Name())); err == nil && pool.AppendCertsFromPEM(pem) {
			found = true
		}
	}
	return found, nil
}

// keyLogFile appends to a file, which it opens for each line: nobody would know
// when to close it, and connections are made seldom. It is comparable, so that
// options with the same file make the same connections.
type keyLogFile string

// Write appends a line. An error does not fail the connection that is logged:
// crypto/tls would, and a log is not worth that.
func (f keyLogFile) Write(line []byte) (int, error) {
	file, err := os.OpenFile(string(f), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		file.Write(line)
		file.Close()
	}
	return len(line), nil
}
