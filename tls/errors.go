package tls

import (
	"bytes"
	stdtls "crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Error is a handshake that failed, or an alert of the server after it. Err keeps the detail for errors.As:
// *crypto/tls.CertificateVerificationError, *PinError, x509.HostnameError,
// x509.UnknownAuthorityError, x509.CertificateInvalidError,
// crypto/tls.RecordHeaderError, and *net.OpError for an alert ("remote error")
// or a broken connection; or for errors.Is the context's error.
type Error struct {
	// ServerName is the name that was asked for, without port.
	ServerName string
	// Err is what crypto/tls said. It is never nil.
	Err error

	after bool // the handshake was over
}

// Error names the server and what was wrong. Whatever the peer has chosen is
// quoted and bounded in it.
func (e *Error) Error() string {
	if e.after {
		return "tls: connection with " + quote(e.ServerName) + ": " + explain(e.Err)
	}
	return "tls: handshake with " + quote(e.ServerName) + ": " + explain(e.Err)
}

// Unwrap returns the detail.
func (e *Error) Unwrap() error { return e.Err }

func explain(err error) string {
	var host x509.HostnameError
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var noTLS stdtls.RecordHeaderError
	switch {
	case err == nil: // the zero Error
		return "no detail"
	case errors.As(err, &noTLS):
		return "the server does not speak TLS; if it speaks plain HTTP, use an http URL"
	case errors.Is(err, errCut):
		return "the server ended the connection"
	case errors.As(err, &host) && host.Certificate != nil:
		return explainHost(host)
	case errors.As(err, &unknown) && unknown.Cert != nil:
		leaf := unknown.Cert
		var chain *stdtls.CertificateVerificationError
		if errors.As(err, &chain) && len(chain.UnverifiedCertificates) > 0 {
			leaf = chain.UnverifiedCertificates[0]
		}
		return explainUnknown(unknown, leaf) + sentChain(chain)
	case errors.As(err, &invalid) && invalid.Cert != nil:
		return explainInvalid(invalid)
	}
	if what := explainAlert(err); what != "" {
		return what
	}
	if strings.Contains(err.Error(), "server selected unsupported protocol version") {
		return printable(strings.TrimPrefix(err.Error(), "tls: ")) + ": it is older or newer than MinVersion and MaxVersion allow (TLS 1.2 and up by default)"
	}
	// crypto/tls starts its texts with "tls: " too.
	return printable(strings.TrimPrefix(err.Error(), "tls: "))
}

func explainHost(e x509.HostnameError) string {
	const most = 5
	var names []string
	for _, n := range e.Certificate.DNSNames {
		names = append(names, quote(n))
	}
	for _, ip := range e.Certificate.IPAddresses {
		names = append(names, ip.String())
	}
	switch n := len(names); {
	case n == 0:
		return "certificate of " + subject(e.Certificate) + " has no alternative name, so it is valid for no host"
	case n > most:
		names = append(names[:most], fmt.Sprintf("%d more", n-most))
	}
	return fmt.Sprintf("certificate is valid for %s, not for %s", strings.Join(names, ", "), quote(e.Host))
}

func explainUnknown(e x509.UnknownAuthorityError, leaf *x509.Certificate) string {
	who := "certificate of " + subject(leaf)
	if selfSigned(leaf) {
		return who + " is self-signed and not trusted"
	}
	// e.Cert is where the chain broke off: the last that the server has sent,
	// which may be the untrusted authority itself.
	s := who + " is signed by an authority that is not trusted: " + quote(e.Cert.Issuer.CommonName)
	// x509 knows of an authority with the right name whose check failed.
	if _, hint, ok := strings.Cut(e.Error(), " (possibly because of "); ok {
		s += ", perhaps because of " + printable(strings.TrimSuffix(hint, ")"))
	}
	return s
}

// sentChain lists the certificates that the server has sent, where there are
// several: the one that is missing comes after them.
func sentChain(e *stdtls.CertificateVerificationError) string {
	if e == nil || len(e.UnverifiedCertificates) < 2 {
		return ""
	}
	const most = 5
	var names []string
	for i, c := range e.UnverifiedCertificates {
		if i == most {
			names = append(names, fmt.Sprintf("%d more", len(e.UnverifiedCertificates)-most))
			break
		}
		names = append(names, subject(c))
	}
	return "; the server sent the chain " + strings.Join(names, ", ")
}

func selfSigned(c *x509.Certificate) bool { return bytes.Equal(c.RawIssuer, c.RawSubject) }

func explainInvalid(e x509.CertificateInvalidError) string {
	who := "certificate of " + subject(e.Cert)
	if e.Reason != x509.Expired {
		return who + ": " + printable(strings.TrimPrefix(e.Error(), "x509: "))
	}
	// x509 puts both ends of the period under one reason; only the detail tells
	// them apart, and it goes by the configuration's clock.
	if strings.Contains(e.Detail, " is before ") {
		return who + " is not valid before " + e.Cert.NotBefore.UTC().Format(time.RFC3339) + clock(e.Detail)
	}
	return who + " expired on " + e.Cert.NotAfter.UTC().Format(time.RFC3339) + clock(e.Detail)
}

// clock is what time it was for x509: a wrong clock is as good a reason as a
// wrong certificate.
func clock(detail string) string {
	now, ok := strings.CutPrefix(detail, "current time ")
	if now, _, _ = strings.Cut(now, " "); !ok {
		return ""
	}
	return "; the clock here says " + printable(now)
}

// subject names a certificate by the first name that it has.
func subject(c *x509.Certificate) string {
	names := append([]string{c.Subject.CommonName}, c.DNSNames...)
	for _, n := range append(names, c.Subject.Organization...) {
		if n != "" {
			return quote(n)
		}
	}
	return "no name"
}

// quote quotes a string that the peer or the caller has chosen, and cuts a long
// one short.
func quote(s string) string {
	const most = 100
	if len(s) > most {
		return strconv.QuoteToASCII(s[:most]) + "…"
	}
	return strconv.QuoteToASCII(s)
}

// printable makes control bytes in a text visible and cuts a long one short.
func printable(s string) string {
	const most = 500
	cut := ""
	if len(s) > most {
		s, cut = s[:most], "…"
	}
	q := strconv.Quote(s)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`) + cut
}
