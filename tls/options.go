package tls

import (
	stdtls "crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// sessions is how many resumable sessions a Client keeps, one or two per
// server.
const sessions = 256

// Options says how to speak TLS. The zero value verifies servers against the
// roots of the operating system and offers TLS 1.2 and 1.3. A field that is set
// wins over Base.
type Options struct {
	// Base is where the rest comes from: everything that crypto/tls can do and
	// that has no field here. It is cloned, never changed, and must not be
	// changed after NewClient.
	Base *stdtls.Config

	// CAFile is a PEM file with the authorities to trust instead of the
	// system's and the environment's.
	CAFile string
	// RootCAs are the authorities to trust instead of the system's. With
	// CAFile both are trusted; the pool itself is not changed.
	RootCAs *x509.CertPool

	// CertFile is a PEM file with the client's certificate chain, KeyFile one
	// with its key. Without KeyFile the key is looked for in CertFile. A Client
	// reads them again when they have changed: new connections present the new
	// certificate and resume no session of the old one, those that exist keep
	// it. Files that cannot be used, half-written ones for instance, leave the
	// last good certificate in place.
	CertFile, KeyFile string
	// Certificates are client certificates. The first that the server accepts
	// is used; that of CertFile comes first. If any is given, those of Base and
	// its GetClientCertificate are not used.
	Certificates []stdtls.Certificate

	// ServerName takes the place of the host in SNI and in the verification of
	// the server's certificate. Empty: each host's own name.
	ServerName string
	// MinVersion and MaxVersion bound the version (stdtls.VersionTLS12 and so
	// on). Zero: Base's, or crypto/tls's default, TLS 1.2 and the latest.
	MinVersion, MaxVersion uint16
	// ALPN are the protocols to offer, the best first. nil: Base's; empty but
	// not nil: none.
	ALPN []string

	// Pins are the keys of which the server must have one: each "sha256/" and the
	// base64 of the SHA-256 of a SubjectPublicKeyInfo (see Pin), in any
	// certificate of a verified chain: the server's own, an intermediate's, the
	// authority's. Pins come on top of the verification. With
	// InsecureSkipVerify, where no chain is verified, only the server's own
	// certificate counts. Empty: any key.
	Pins []string

	// KeyLogWriter receives the secrets of every connection in the NSS key log
	// format, which lets others decrypt the traffic.
	KeyLogWriter io.Writer
	// InsecureSkipVerify accepts any certificate for any name.
	InsecureSkipVerify bool

	// Environment has the roots and the key log where no option and not Base
	// has any; see FromEnvironment. nil: crypto/x509's own way to find roots,
	// and no key log.
	Environment *Environment
	// Handshaker takes the place of crypto/tls; nil is crypto/tls.
	Handshaker *Handshaker
}

// Config loads the files and returns a new *crypto/tls.Config, which is the
// caller's. ServerName is empty in it unless it was set here or in Base. The
// files of the client certificate are not watched, and Handshaker has no part in
// it. Its errors name the option or file that is wrong.
func (o Options) Config() (*stdtls.Config, error) {
	cfg, _, err := o.config()
	if err != nil {
		return nil, err
	}
	if o.asksEnvironment(cfg) {
		if cfg.RootCAs, err = o.Environment.Roots(); err != nil {
			return nil, fmt.Errorf("tls: %w", err)
		}
	}
	return cfg, nil
}

// asksEnvironment reports whether the roots are the environment's.
func (o *Options) asksEnvironment(cfg *stdtls.Config) bool {
	return o.Environment != nil && cfg.RootCAs == nil && !cfg.InsecureSkipVerify
}

// config is Config without the environment's roots, which are loaded when first
// needed; file is the client certificate on disk, nil for none.
func (o *Options) config() (cfg *stdtls.Config, file *certFile, err error) {
	cfg = &stdtls.Config{}
	if o.Base != nil {
		cfg = o.Base.Clone()
	}
	if err := o.setVersions(cfg); err != nil {
		return nil, nil, err
	}
	if err := o.setRoots(cfg); err != nil {
		return nil, nil, err
	}
	if file, err = o.setCertificates(cfg); err != nil {
		return nil, nil, err
	}
	if o.ServerName != "" {
		cfg.ServerName = o.ServerName
	}
	if cfg.ServerName != "" {
		name, err := serverName(cfg.ServerName)
		if err != nil {
			return nil, nil, fmt.Errorf("tls: option ServerName: %w", err)
		}
		cfg.ServerName = name
	}
	if o.ALPN != nil {
		for _, p := range o.ALPN {
			// RFC 7301 §3.1: opaque ProtocolName<1..2^8-1>.
			if p == "" || len(p) > 255 {
				return nil, nil, fmt.Errorf("tls: option ALPN: %q is not 1 to 255 bytes long", p)
			}
		}
		cfg.NextProtos = slices.Clone(o.ALPN)
	}
	if o.KeyLogWriter != nil {
		cfg.KeyLogWriter = o.KeyLogWriter
	}
	if cfg.KeyLogWriter == nil && o.Environment != nil && o.Environment.keyLog != "" {
		cfg.KeyLogWriter = keyLogFile(o.Environment.keyLog)
	}
	if o.InsecureSkipVerify {
		cfg.InsecureSkipVerify = true
	}
	if err := checkPins(o.Pins); err != nil {
		return nil, nil, err
	}
	if len(o.Pins) > 0 {
		cfg.VerifyConnection = pinned(slices.Clone(o.Pins), cfg.VerifyConnection)
	}
	// A resumed session is not verified again. So a cache that the caller
	// shares by way of Base is used only by those who trust and present what
	// Base does.
	if cfg.ClientSessionCache == nil || o.changesTrust() {
		cfg.ClientSessionCache = stdtls.NewLRUClientSessionCache(sessions)
	}
	return cfg, file, nil
}

func (o *Options) changesTrust() bool {
	return o.CAFile != "" || o.RootCAs != nil || o.CertFile != "" || len(o.Certificates) > 0 ||
		o.ServerName != "" || o.MinVersion != 0 || o.MaxVersion != 0 || o.InsecureSkipVerify ||
		len(o.Pins) > 0 || o.Environment.changesRoots()
}

func (o *Options) setVersions(cfg *stdtls.Config) error {
	if o.MinVersion != 0 {
		cfg.MinVersion = o.MinVersion
	}
	if o.MaxVersion != 0 {
		cfg.MaxVersion = o.MaxVersion
	}
	for _, v := range []uint16{cfg.MinVersion, cfg.MaxVersion} {
		if v != 0 && (v < stdtls.VersionTLS10 || v > stdtls.VersionTLS13) {
			return fmt.Errorf("tls: version 0x%04x is none of TLS 1.0 to 1.3", v)
		}
	}
	if cfg.MaxVersion != 0 && cfg.MinVersion > cfg.MaxVersion {
		return fmt.Errorf("tls: MinVersion %s is above MaxVersion %s",
			stdtls.VersionName(cfg.MinVersion), stdtls.VersionName(cfg.MaxVersion))
	}
	return nil
}

func (o *Options) setRoots(cfg *stdtls.Config) error {
	if o.RootCAs != nil {
		cfg.RootCAs = o.RootCAs
	}
	if o.CAFile == "" {
		return nil
	}
	pem, err := os.ReadFile(o.CAFile)
	if err != nil {
		return fmt.Errorf("tls: CA file: %w", err)
	}
	pool := x509.NewCertPool()
	if o.RootCAs != nil {
		pool = o.RootCAs.Clone()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return fmt.Errorf("tls: CA file %q holds no PEM certificate", o.CAFile)
	}
	cfg.RootCAs = pool
	return nil
}

func (o *Options) setCertificates(cfg *stdtls.Config) (file *certFile, err error) {
	var certs []stdtls.Certificate
	switch {
	case o.CertFile != "":
		if file, err = openCertFile(o.CertFile, o.KeyFile); err != nil {
			return nil, err
		}
		certs = append(certs, file.loaded)
	case o.KeyFile != "":
		return nil, errors.New("tls: option KeyFile is set without CertFile")
	}
	if certs = append(certs, o.Certificates...); len(certs) > 0 {
		cfg.Certificates, cfg.GetClientCertificate = certs, nil
	}
	return file, nil
}
