package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"gohttpx.dev/httpx"
)

// failed is an error of the library's, made by hand.
func failed(op string, err error) error { return &httpx.Error{Op: op, Err: err} }

func TestFailures(t *testing.T) {
	leaf := &x509.Certificate{}
	for _, tc := range []struct {
		name string
		err  error
		code int
		hint string // a part of it; "" for none
	}{
		{"interrupted", failed("body", fmt.Errorf("body: %w", context.Canceled)), 130, ""},
		{"the time is over", failed("head", errors.Join(context.DeadlineExceeded, errMaxTime)), 28, "--max-time"},
		{"the name of another", failed("tls", errors.Join(httpx.ErrTLS, x509.HostnameError{Certificate: leaf, Host: "a"})), 60, "--resolve"},
		{"expired", failed("tls", errors.Join(httpx.ErrTLS, x509.CertificateInvalidError{Cert: leaf, Reason: x509.Expired})), 60, "clock"},
		{"unknown authority", failed("tls", errors.Join(httpx.ErrTLS, x509.UnknownAuthorityError{})), 60, "--cacert"},
		{"another fault of the certificate", failed("tls", &tls.CertificateVerificationError{Err: errors.New("x")}), 60, "--no-verify"},
		{"no TLS", failed("tls", errors.Join(httpx.ErrTLS, tls.RecordHeaderError{})), 35, "http://"},
		{"another fault of TLS", failed("tls", httpx.ErrTLS), 35, ""},
		{"an alert: a certificate is wanted", failed("tls", &net.OpError{Op: "remote error", Err: errors.New("tls: certificate required")}), 58, "--cert"},
		{"another alert", failed("tls", errors.Join(httpx.ErrTLS, &net.OpError{Op: "remote error", Err: errors.New("tls: internal error")})), 35, ""},
		{"the proxy's name", failed("proxy", errors.Join(httpx.ErrProxy, httpx.ErrDNS)), 97, "--proxy"},
		{"no such name", failed("dns", httpx.ErrDNS), 6, "spelled"},
		{"connect timeout", failed("dial", httpx.ErrConnectTimeout), 28, "--timeout"},
		{"read timeout", failed("head", errors.Join(httpx.ErrTimeout, httpx.ErrReadTimeout)), 28, "--timeout"},
		{"refused", failed("dial", httpx.ErrConnect), 7, "running"},
		{"round in circles", failed("redirect", httpx.ErrTooManyRedirects), 47, "--follow-redirects"},
		{"to cleartext", failed("redirect", httpx.ErrRedirectRefused), 47, "--follow-redirects"},
		{"standard input, twice", failed("redirect", httpx.ErrBodyNotReplayable), 65, "--content-file"},
		{"broken coding", failed("decode", httpx.ErrDecoding), 61, "Accept-Encoding"},
		{"HTTP/2 broken", &httpx.Error{Op: "head", Conn: &httpx.ConnInfo{Proto: "HTTP/2"}, Err: errors.Join(httpx.ErrProtocol, httpx.ErrRemoteProtocol)}, 92, "--http1"},
		{"not HTTP", failed("head", httpx.ErrRemoteProtocol), 8, ""},
		{"disk full", failed("save", &fs.PathError{Op: "write", Err: errors.New("no space")}), 23, ""},
		{"not written", fmt.Errorf("404: %w", errNotWritten), 23, ""},
		{"redirected", fmt.Errorf("302: %w", errRedirected), 23, "--follow-redirects"},
		{"no such file to send", failed("request", &fs.PathError{Op: "open", Err: fs.ErrNotExist}), 26, ""},
		{"sending", failed("write", httpx.ErrWrite), 55, ""},
		{"receiving", failed("body", httpx.ErrRead), 56, ""},
		{"something else", errors.New("x"), 1, ""},
	} {
		f := failureOf(tc.err)
		if f.code != tc.code || !strings.Contains(f.hint, tc.hint) || tc.hint == "" && f.hint != "" {
			t.Errorf("%s: code %d, hint %q", tc.name, f.code, f.hint)
		}
		if !strings.Contains(helpText(), fmt.Sprintf("%3d ", f.code)) {
			t.Errorf("%s: help does not tell of code %d", tc.name, f.code)
		}
	}
}

// The same from real failures, with the text that the user gets: one line for
// what happened, one for what may help, and nothing of the server's that acts on a
// terminal.
func TestFailuresInFact(t *testing.T) {
	raw := func(answer string) string {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ln.Close() })
		go func() { // ends with ln
			for {
				nc, err := ln.Accept()
				if err != nil {
					return
				}
				nc.Read(make([]byte, 4<<10))
				io.WriteString(nc, answer)
				nc.Close()
			}
		}()
		return ln.Addr().String()
	}
	odd := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		io.WriteString(w, "not gzip \x1b[2J")
	}))
	defer odd.Close()
	circle := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) }))
	defer circle.Close()
	for _, tc := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"not HTTP", []string{"http://" + raw("\x1b[2Jhello\r\n")}, 8, ""},
		{"nothing", []string{"http://" + raw("")}, 8, ""},
		{"no TLS", []string{"https://" + raw("HTTP/1.1 400 Bad Request\r\n\r\n")}, 35, "hint: try the same URL with http://"},
		{"cut short", []string{"http://" + raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n12345")}, 8, ""},
		{"broken coding", []string{odd.URL}, 61, "hint: -h Accept-Encoding identity"},
		{"a proxy that is none", []string{"http://far.example/", "--proxy", "http://" + raw("\x1b[2J\r\n")}, 0, ""},
		{"a circle", []string{circle.URL, "--follow-redirects"}, 47, "hint: without --follow-redirects"},
		{"a download that is redirected", []string{circle.URL, "-o", "file"}, curlStatus, "hint: --follow-redirects"},
		{"no such CA file", []string{"https://127.0.0.1/", "--cacert", "none\x1b[2J"}, exitUsage, ""},
		{"no such scheme", []string{"gopher://127.0.0.1/"}, exitUsage, ""},
		{"a download into a folder", []string{"http://127.0.0.1:1/", "-o", "testdata"}, 23, "testdata is a folder: "},
		{"a download into no folder", []string{"http://127.0.0.1:1/", "-o", "none\x1b[2J/file"}, 23, "there is no folder none"},
		{"a status that download does not want", []string{odd.URL, "-o", "/nonexistent/dir/file"}, 23, ""},
	} {
		r := htx(t, append(tc.args, "--exit-codes")...)
		if tc.code != 0 && r.code != tc.code || r.code == exitOK || !strings.Contains(r.err, tc.says) {
			t.Errorf("%s: want %d, %q\n%v", tc.name, tc.code, tc.says, r)
		}
		if n := strings.Count(r.err, "\n"); n > 2 || !strings.HasPrefix(r.err, "htx: ") || strings.Contains(r.err, "\x1b") {
			t.Errorf("%s: %q", tc.name, r.err)
		}
	}
}

// A text on which a lexer takes for ever is printed all the same, and so is one
// that a lexer makes something else of.
func TestColoursAreBounded(t *testing.T) {
	text := strings.Repeat("<a b='", 20000) + strings.Repeat("\\", 20000) + "\n"
	for _, mediaType := range []string{"text/html", "application/json", "text/css", "application/javascript", "application/yaml", "text/markdown", "application/x-sh", "application/sql", "text/x-diff", "text/csv"} {
		if got := sgr.ReplaceAllString(coloured(t.Context(), lexerOf(mediaType), text), ""); got != text {
			t.Errorf("%s: %d bytes of %d", mediaType, len(got), len(text))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := coloured(ctx, lexerOf("text/html"), text); sgr.ReplaceAllString(got, "") != text {
		t.Error("an interrupt loses text")
	}
	var out bytes.Buffer
	c := &console{out: &out, colour: true}
	long := "[" + strings.Repeat(`"a",`, mostColoured/4) + "1]"
	if err := c.highlight(t.Context(), "application/json", long); err != nil || out.String() != long {
		t.Errorf("a long text: %v, %d bytes", err, out.Len())
	}
	if lexerOf("text/plain") != nil || lexerOf("application/octet-stream") != nil && kindOf("application/octet-stream") != kindBinary {
		t.Error("plain text and bytes have no syntax")
	}
}

func TestAddressFlags(t *testing.T) {
	for _, tc := range []struct {
		flag, value string
		from, to    string // "": refused
	}{
		{"resolve", "a:80:1.2.3.4", "a:80", "1.2.3.4:80"},
		{"resolve", "a:80:::1", "a:80", "[::1]:80"},
		{"resolve", "[::1]:80:[::2]", "[::1]:80", "[::2]:80"},
		{"resolve", "*:443:1.2.3.4", "*:443", "1.2.3.4:443"},
		{"resolve", "a:80", "", ""},
		{"resolve", "a:80:b", "", ""},
		{"resolve", "a:0:1.2.3.4", "", ""},
		{"resolve", ":80:1.2.3.4", "", ""},
		{"connect-to", "a:80:b:81", "a:80", "b:81"},
		{"connect-to", "a:80::81", "a:80", "a:81"},
		{"connect-to", "a:80:b:", "a:80", "b:80"},
		{"connect-to", "::b:81", "*", "b:81"},
		{"connect-to", ":80:b:81", "*:80", "b:81"},
		{"connect-to", "[::1]:80:[::2]:81", "[::1]:80", "[::2]:81"},
		{"connect-to", "a::b:81", "", ""},
		{"connect-to", ":::", "", ""},
		{"connect-to", "a:80:b", "", ""},
		{"connect-to", "a:80:b:x", "", ""},
		{"connect-to", "a:99999:b:80", "", ""},
	} {
		f, err := parseFlags([]string{"http://a/", "--" + tc.flag, tc.value})
		if tc.from == "" {
			if err == nil {
				t.Errorf("--%s %s passes: %v", tc.flag, tc.value, f.connectTo)
			}
			continue
		}
		if err != nil || f.connectTo[0] != (pair{tc.from, tc.to}) {
			t.Errorf("--%s %s: %v, %v", tc.flag, tc.value, f, err)
		}
	}
}

// No text of a wrong command line has a secret in it.
func TestUsageHasNoSecrets(t *testing.T) {
	for _, args := range [][]string{
		{"--auth=s3cret", "http://a/"},
		{"--auth", "ann", "s3cret", "--auth", "ann", "s3cret", "http://a/"},
		{"--headers=s3cret", "http://a/"},
		{"--auth", "ann", "s3cret", "--bearer", "s3cret", "http://a/"},
		{"--proxy", "http://u:s3cret@%zz/", "http://a/"},
		{"http://u:s3cret@%zz/"},
		{"http://u:s3cret@[/"},
		{"-h", "Authorization", "Bearer s3cret\n", "http://a/"},
		{"--cookies", "a", "s3cret\x01", "http://a/"},
		{"-uann:s3cret", "http://a/"},
		{"--user=ann:s3cret", "http://a/"},
		{"http://a/", "s3cret"},
		{"http://a/", "http://u:s3cret@b/"},
		{"--auth", "ann:s3cret", "http://a/"},
		{"--=s3cret", "http://a/"},
		{"--retry", "s3cret", "http://a/"},
		{"--netrc=s3cret", "http://a/"},
		{"-m", "s3cret s3cret", "http://a/"},
	} {
		if r := htx(t, args...); r.code != exitUsage || strings.Contains(r.out+r.err, "s3cret") {
			t.Errorf("%q: %v", args, r)
		}
	}
}
