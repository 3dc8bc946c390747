package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"

	"gohttpx.dev/httpx"
)

// A failure is a kind of error: what may help, and curl's exit code for it.
type failure struct {
	is   func(error) bool
	code int // for --exit-codes
	hint string
}

// curlStatus is the exit code for a status that is not 2xx, with --exit-codes;
// curl's, with --fail.
const curlStatus = 22

// failures are tried in order: the more exact stand before those that include
// them.
var failures = []failure{
	{when(context.Canceled), 130, ""},
	{maxTimePassed, 28, "--max-time SECONDS sets how long everything may take together"},

	{asA[x509.HostnameError], 60, "use a name that the certificate has; --resolve HOST:PORT:ADDR keeps a name and goes to another address"},
	{expired, 60, "if that is not so, this machine's clock is wrong; --no-verify goes on regardless"},
	{asA[x509.UnknownAuthorityError], 60, "--cacert FILE trusts its authority; --no-verify accepts any certificate"},
	{asA[*tls.CertificateVerificationError], 60, "--no-verify accepts any certificate"},
	{asA[tls.RecordHeaderError], 35, "try the same URL with http:// in place of https://"},
	{wantsCertificate, 58, "--cert FILE and --key FILE present a client certificate"},

	{when(httpx.ErrProxy), 97, "check --proxy, or HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY in the environment"},
	{when(httpx.ErrDNS), 6, "is the name spelled right? --resolve HOST:PORT:ADDR gives it an address"},
	{when(httpx.ErrConnectTimeout), 28, "--timeout SECONDS waits longer"},
	{when(httpx.ErrTLS), 35, ""},
	{when(httpx.ErrTimeout), 28, "--timeout SECONDS waits longer"},
	{when(httpx.ErrConnect), 7, "is the server running, and the port right?"},

	{when(httpx.ErrTooManyRedirects), 47, "without --follow-redirects each of them is shown"},
	{when(httpx.ErrRedirectRefused), 47, "without --follow-redirects the redirect is shown"},
	{when(httpx.ErrBodyNotReplayable), 65, "give the content by --content-file FILE, which can be read again"},
	{when(httpx.ErrDecoding), 61, "-h Accept-Encoding identity asks for content that is not encoded"},
	{overHTTP2, 92, "--http1, and no --h2c, does without HTTP/2"},
	{when(httpx.ErrRemoteProtocol), 8, ""},
	{when(errRedirected), 23, "--follow-redirects goes where it leads"},
	{writesFile, 23, ""},
	{readsFile, 26, ""},
	{when(httpx.ErrWrite), 55, ""},
	{when(httpx.ErrRead), 56, ""},
}

// theOther is what no kind fits.
const theOther = 1

// failureOf finds the kind of err.
func failureOf(err error) failure {
	for _, f := range failures {
		if f.is(err) {
			return f
		}
	}
	return failure{code: theOther}
}

func when(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

func asA[T error](err error) bool {
	var e T
	return errors.As(err, &e)
}

// errMaxTime is the cause with which --max-time ends the context.
var errMaxTime = errors.New("the time of --max-time is over")

func maxTimePassed(err error) bool { return errors.Is(err, errMaxTime) }

func expired(err error) bool {
	var e x509.CertificateInvalidError
	return errors.As(err, &e) && e.Reason == x509.Expired
}

// wantsCertificate reports an alert of the server's: certificate_required (RFC
// 8446 §6.2), or bad_certificate, by which TLS 1.2 says it. The type of alerts is
// not exported by crypto/tls.
func wantsCertificate(err error) bool {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" || op.Err == nil {
		return false
	}
	text := op.Err.Error()
	return strings.Contains(text, "certificate required") || strings.Contains(text, "bad certificate")
}

func overHTTP2(err error) bool {
	var e *httpx.Error
	return errors.As(err, &e) && e.Conn != nil && e.Conn.Proto == "HTTP/2" && errors.Is(err, httpx.ErrProtocol)
}

func writesFile(err error) bool {
	var e *httpx.Error
	if errors.As(err, &e) {
		return e.Op == "save"
	}
	return errors.Is(err, errNotWritten)
}

// errNotWritten: what was received could not be written.
var errNotWritten = errors.New("not written")

// errRedirected: what was received leads elsewhere. It is an errNotWritten.
var errRedirected = fmt.Errorf("%w", errNotWritten)

func readsFile(err error) bool {
	return asA[*fs.PathError](err) || errors.Is(err, httpx.ErrRequestBody)
}

// fail says what went wrong and what may help, and returns the exit code.
func (c *console) fail(f *flags, err error) int {
	kind := failureOf(err)
	c.complain("%s", c.errColour.red(plain(err)))
	if kind.hint != "" {
		c.complain("%s %s", c.errColour.bold("hint:"), kind.hint)
	}
	if f.exitCodes {
		return kind.code
	}
	return exitFailed
}

// plain is the text of err in one line, without the library's name in front,
// without what a terminal would act on, and where a context's cause is told,
// without what it caused.
func plain(err error) string {
	text := strings.TrimPrefix(err.Error(), "httpx: ")
	for _, c := range []error{context.Canceled, context.DeadlineExceeded} {
		text = strings.ReplaceAll(text, c.Error()+": ", "")
	}
	return strings.ReplaceAll(tame(text), "\n", " ")
}
