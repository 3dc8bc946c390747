package tls

import (
	"bytes"
	"context"
	stdtls "crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gohttpx.dev/internal/memconn"
	"gohttpx.dev/internal/peer"
)

const host = "example.test"

// server is a crypto/tls server that echoes.
func server(t *testing.T, cfg *stdtls.Config) *peer.Server {
	t.Helper()
	return peer.ListenTLS(t, cfg, func(nc *stdtls.Conn) { io.Copy(nc, nc) })
}

func client(t *testing.T, o Options) *Client {
	t.Helper()
	c, err := NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	return nc
}

func shake(t *testing.T, c *Client, s *peer.Server, host string) *Conn {
	t.Helper()
	tc, err := c.Handshake(t.Context(), dial(t, s.Addr), host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tc.Close() })
	return tc
}

// echo sends a byte and reads it back, by which session tickets come in too.
func echo(t *testing.T, tc net.Conn) {
	t.Helper()
	var b [1]byte
	if _, err := tc.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(tc, b[:]); err != nil || b[0] != 'x' {
		t.Fatalf("echo: %q, %v", b, err)
	}
}

func TestHandshake(t *testing.T) {
	ca := peer.NewCA(t)
	var mu sync.Mutex
	var sni []string
	cert := ca.Issue(host, "127.0.0.1", "::1")
	s := server(t, &stdtls.Config{
		NextProtos: []string{"http/1.1"},
		GetCertificate: func(h *stdtls.ClientHelloInfo) (*stdtls.Certificate, error) {
			mu.Lock()
			defer mu.Unlock()
			sni = append(sni, h.ServerName)
			return &cert, nil
		},
	})
	for _, tt := range []struct{ name, host, sni string }{
		{"name", host, host},
		{"name with port", host + ":443", host},
		{"name with dot", host + ".", host},
		{"name in capitals", strings.ToUpper(host), host},
		{"IPv4", "127.0.0.1:443", ""}, // RFC 6066 §3: no literal addresses in SNI
		{"IPv6", "[::1]:443", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nc := dial(t, s.Addr)
			tc, err := client(t, Options{RootCAs: ca.Pool(), ALPN: []string{"h2", "http/1.1"}}).Handshake(t.Context(), nc, tt.host)
			if err != nil {
				t.Fatal(err)
			}
			defer tc.Close()
			echo(t, tc)
			if p := tc.ConnectionState().NegotiatedProtocol; p != "http/1.1" {
				t.Errorf("protocol %q, want the one that both know", p)
			}
			if tc.Raw() != nc {
				t.Error("Raw is not what Handshake was given")
			}
			mu.Lock()
			defer mu.Unlock()
			if got := sni[len(sni)-1]; got != tt.sni {
				t.Errorf("SNI %q, want %q", got, tt.sni)
			}
		})
	}
	t.Run("override", func(t *testing.T) {
		c := client(t, Options{RootCAs: ca.Pool(), ServerName: host})
		shake(t, c, s, "elsewhere.test")
		shake(t, c, s, "") // the override needs no other name
		mu.Lock()
		defer mu.Unlock()
		if got := sni[len(sni)-1]; got != host {
			t.Errorf("SNI %q, want the override", got)
		}
	})
}

func TestVersions(t *testing.T) {
	ca := peer.NewCA(t)
	cert := ca.Issue(host)
	for _, tt := range []struct {
		name                 string
		clientMin, clientMax uint16
		serverMin, serverMax uint16
		want                 uint16 // 0: none in common
	}{
		{"defaults", 0, 0, 0, 0, stdtls.VersionTLS13},
		{"client up to 1.2", 0, stdtls.VersionTLS12, 0, 0, stdtls.VersionTLS12},
		{"server up to 1.2", 0, 0, 0, stdtls.VersionTLS12, stdtls.VersionTLS12},
		{"client from 1.3, server up to 1.2", stdtls.VersionTLS13, 0, 0, stdtls.VersionTLS12, 0},
		{"server from 1.3, client up to 1.2", 0, stdtls.VersionTLS12, stdtls.VersionTLS13, 0, 0},
		{"server up to 1.1, client asks for no less than 1.2", 0, 0, stdtls.VersionTLS10, stdtls.VersionTLS11, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := server(t, &stdtls.Config{Certificates: []stdtls.Certificate{cert}, MinVersion: tt.serverMin, MaxVersion: tt.serverMax})
			c := client(t, Options{RootCAs: ca.Pool(), MinVersion: tt.clientMin, MaxVersion: tt.clientMax})
			tc, err := c.Handshake(t.Context(), dial(t, s.Addr), host)
			if tt.want == 0 {
				if err == nil || !strings.Contains(err.Error(), "version") {
					t.Fatalf("error %v, want one about the version", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer tc.Close()
			if v := tc.ConnectionState().Version; v != tt.want {
				t.Errorf("%s, want %s", stdtls.VersionName(v), stdtls.VersionName(tt.want))
			}
		})
	}
}

func TestVerificationErrors(t *testing.T) {
	ca, other := peer.NewCA(t), peer.NewCA(t)
	edit := func(f func(*x509.Certificate)) stdtls.Certificate { return ca.IssueWith(f, host) }
	own := peer.NewCA(t, host)
	for _, tt := range []struct {
		name string
		cert stdtls.Certificate
		host string
		as   any
		want []string
	}{
		{"other name", ca.Issue("a.test", "b.test"), host, new(x509.HostnameError), []string{`valid for "a.test", "b.test", not for "example.test"`}},
		{"many names", ca.Issue("1.test", "2.test", "3.test", "4.test", "5.test", "6.test", "7.test"), host, new(x509.HostnameError), []string{`"5.test", 2 more, not for`}},
		{"other address", ca.Issue("127.0.0.1"), "127.0.0.2", new(x509.HostnameError), []string{`127.0.0.1, not for "127.0.0.2"`}},
		{"no names", edit(func(c *x509.Certificate) { c.DNSNames = nil }), host, new(x509.HostnameError), []string{"no alternative name"}},
		{"expired", edit(func(c *x509.Certificate) { c.NotAfter = time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC) }), host, new(x509.CertificateInvalidError), []string{"expired on 2001-02-03T04:05:06Z"}},
		{"not yet valid", edit(func(c *x509.Certificate) { c.NotBefore = time.Date(2090, 2, 3, 4, 5, 6, 0, time.UTC) }), host, new(x509.CertificateInvalidError), []string{"not valid before 2090-02-03T04:05:06Z"}},
		{"unknown authority", other.Issue(host), host, new(x509.UnknownAuthorityError), []string{`certificate of "example.test" is signed by an authority that is not trusted: "test authority"`, "candidate authority"}},
		{"self-signed", stdtls.Certificate{Certificate: [][]byte{own.Cert.Raw}, PrivateKey: own.Key()}, host, new(x509.UnknownAuthorityError), []string{"self-signed"}},
		{"wrong usage", edit(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }), host, new(x509.CertificateInvalidError), []string{"incompatible key usage"}},
		{"control bytes in the name", other.IssueWith(func(c *x509.Certificate) { c.Subject.CommonName = "x\r\ny\x1b[2J" }, host), host, new(x509.UnknownAuthorityError), []string{`"x\r\ny\x1b[2J"`}},
		{"no common name", other.IssueWith(func(c *x509.Certificate) { c.Subject.CommonName = "" }, host), host, new(x509.UnknownAuthorityError), []string{`certificate of "example.test" is`}},
		{"very long name", other.IssueWith(func(c *x509.Certificate) { c.Subject.CommonName = strings.Repeat("x", 5000) }, host), host, new(x509.UnknownAuthorityError), []string{`xxx"…`}},
	} {
		for _, version := range []uint16{stdtls.VersionTLS12, stdtls.VersionTLS13} {
			t.Run(tt.name+" "+stdtls.VersionName(version), func(t *testing.T) {
				s := server(t, &stdtls.Config{Certificates: []stdtls.Certificate{tt.cert}})
				nc := dial(t, s.Addr)
				_, err := client(t, Options{RootCAs: ca.Pool(), MaxVersion: version}).Handshake(t.Context(), nc, tt.host)
				var e *Error
				var cv *stdtls.CertificateVerificationError
				if !errors.As(err, &e) || e.ServerName != tt.host || !errors.As(err, &cv) || len(cv.UnverifiedCertificates) == 0 {
					t.Fatalf("error %v (%T), want *Error with the chain in it", err, err)
				}
				if !errors.As(err, tt.as) {
					t.Errorf("no %T in %v", tt.as, err)
				}
				for _, w := range append(tt.want, fmt.Sprintf("tls: handshake with %q: ", tt.host)) {
					if !strings.Contains(err.Error(), w) {
						t.Errorf("error %q does not say %q", err, w)
					}
				}
				if strings.ContainsAny(err.Error(), "\r\n\x1b") || len(err.Error()) > 1000 {
					t.Errorf("the peer's bytes are in the text as they are: %.2000q", err)
				}
				if _, err := nc.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
					t.Errorf("the connection is left open: %v", err)
				}
				// With no verification it works.
				shake(t, client(t, Options{InsecureSkipVerify: true}), s, tt.host)
			})
		}
	}
}

func TestNotTLS(t *testing.T) {
	s := peer.Listen(t, func(nc net.Conn) { io.WriteString(nc, "HTTP/1.1 400 Bad Request\r\n\r\n") })
	_, err := client(t, Options{}).Handshake(t.Context(), dial(t, s.Addr), host)
	if e := (stdtls.RecordHeaderError{}); !errors.As(err, &e) || !strings.Contains(err.Error(), "use an http URL") {
		t.Errorf("error %v", err)
	}
	if _, err = client(t, Options{}).Handshake(t.Context(), dial(t, s.Addr), "a b"); err == nil || !strings.Contains(err.Error(), `"a b"`) {
		t.Errorf("odd name: error %v", err)
	}
}

// RFC 9112 §9.8: a client that gets an incomplete close "MUST treat" content
// that ends with the connection as incomplete. RFC 8446 §6.1: close_notify is
// the end of the data.
func TestEndWithoutClosureAlert(t *testing.T) {
	ca := peer.NewCA(t)
	for _, version := range []uint16{stdtls.VersionTLS12, stdtls.VersionTLS13} {
		for name, tt := range map[string]struct {
			end  func(*stdtls.Conn)
			want error
		}{
			"close_notify": {func(nc *stdtls.Conn) { nc.Close() }, io.EOF},
			"FIN alone":    {func(nc *stdtls.Conn) { nc.NetConn().Close() }, io.ErrUnexpectedEOF},
		} {
			s := peer.ListenTLS(t, &stdtls.Config{Certificates: []stdtls.Certificate{ca.Issue(host)}}, func(nc *stdtls.Conn) {
				io.WriteString(nc, "all of it?")
				tt.end(nc)
			})
			tc := shake(t, client(t, Options{RootCAs: ca.Pool(), MaxVersion: version}), s, host)
			var buf [100]byte
			n, err := tc.Read(buf[:])
			for err == nil {
				var m int
				m, err = tc.Read(buf[n:])
				n += m
			}
			if string(buf[:n]) != "all of it?" || !errors.Is(err, tt.want) {
				t.Errorf("%s, %s: read %q, then %v, want %v", name, stdtls.VersionName(version), buf[:n], err, tt.want)
			}
		}
	}
	s := peer.Listen(t, func(nc net.Conn) {})
	if _, err := client(t, Options{}).Handshake(t.Context(), dial(t, s.Addr), host); err == nil || !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("end in the handshake: %v", err)
	}
}

func TestProtocolThatNobodyOffered(t *testing.T) {
	ca := peer.NewCA(t)
	s := server(t, &stdtls.Config{Certificates: []stdtls.Certificate{ca.Issue(host)}, NextProtos: []string{"one"}})
	_, err := client(t, Options{RootCAs: ca.Pool(), ALPN: []string{"two"}}).Handshake(t.Context(), dial(t, s.Addr), host)
	var alert *net.OpError
	if !errors.As(err, &alert) || alert.Op != "remote error" || !strings.Contains(err.Error(), "no application protocol") {
		t.Errorf("error %v, want the server's alert", err)
	}
}

func TestClientCertificates(t *testing.T) {
	ca := peer.NewCA(t)
	cert := ca.Issue("a client")
	certPEM, keyPEM := peer.PEM(t, cert)
	seen := make(chan string, 1)
	s := peer.ListenTLS(t, &stdtls.Config{
		Certificates: []stdtls.Certificate{ca.Issue(host)}, ClientCAs: ca.Pool(), ClientAuth: stdtls.RequireAndVerifyClientCert,
	}, func(nc *stdtls.Conn) {
		if nc.Handshake() != nil {
			return
		}
		seen <- nc.ConnectionState().PeerCertificates[0].Subject.CommonName
		io.Copy(nc, nc)
	})
	for _, o := range []Options{
		{Certificates: []stdtls.Certificate{cert}},
		{CertFile: file(t, "c.pem", certPEM), KeyFile: file(t, "k.pem", keyPEM)},
	} {
		o.RootCAs = ca.Pool()
		echo(t, shake(t, client(t, o), s, host))
		if got := <-seen; got != "a client" {
			t.Errorf("the server saw %q", got)
		}
	}
	// Without one, TLS 1.2 says so in the handshake (1.3 only afterwards).
	_, err := client(t, Options{RootCAs: ca.Pool(), MaxVersion: stdtls.VersionTLS12}).Handshake(t.Context(), dial(t, s.Addr), host)
	if alert := (*net.OpError)(nil); !errors.As(err, &alert) || alert.Op != "remote error" {
		t.Errorf("without a certificate: %v, want the server's alert", err)
	}
}

func TestKeyLog(t *testing.T) {
	ca := peer.NewCA(t)
	s := server(t, &stdtls.Config{Certificates: []stdtls.Certificate{ca.Issue(host)}})
	var log bytes.Buffer
	shake(t, client(t, Options{RootCAs: ca.Pool(), KeyLogWriter: &log}), s, host)
	if !strings.Contains(log.String(), "CLIENT_TRAFFIC_SECRET_0 ") {
		t.Errorf("key log: %q", log.String())
	}
}

func TestResumption(t *testing.T) {
	ca := peer.NewCA(t)
	for _, version := range []uint16{stdtls.VersionTLS12, stdtls.VersionTLS13} {
		t.Run(stdtls.VersionName(version), func(t *testing.T) {
			s := server(t, &stdtls.Config{Certificates: []stdtls.Certificate{ca.Issue(host, "other.test")}})
			resumed := func(c *Client, host string) bool {
				tc := shake(t, c, s, host)
				echo(t, tc)
				return tc.ConnectionState().DidResume
			}
			o := Options{RootCAs: ca.Pool(), MaxVersion: version}
			c := client(t, o)
			if resumed(c, host) {
				t.Error("the first connection resumes")
			}
			if !resumed(c, host) || !resumed(c, host+".:443") {
				t.Error("the next ones do not resume")
			}
			if resumed(c, "other.test") {
				t.Error("another name resumes the session")
			}
			// Another Client never sees it, whatever its options.
			if resumed(client(t, o), host) {
				t.Error("another Client of the same options resumes the session")
			}
			strict := client(t, Options{RootCAs: peer.NewCA(t).Pool(), MaxVersion: version})
			if tc, err := strict.Handshake(t.Context(), dial(t, s.Addr), host); err == nil {
				tc.Close()
				t.Error("a Client that does not trust the authority got a connection")
			}
			// Not even through a cache that they share by way of Base.
			base := &stdtls.Config{ClientSessionCache: stdtls.NewLRUClientSessionCache(8), RootCAs: ca.Pool(), MaxVersion: version}
			if resumed(client(t, Options{Base: base}), host) || !resumed(client(t, Options{Base: base}), host) {
				t.Error("the cache of Base is not used by those who take it as it is")
			}
			if tc, err := client(t, Options{Base: base, RootCAs: x509.NewCertPool()}).Handshake(t.Context(), dial(t, s.Addr), host); err == nil {
				tc.Close()
				t.Error("the session was resumed although the authority is not trusted")
			}
		})
	}
}

func TestEndOfContext(t *testing.T) {
	a, b := memconn.Pipe() // the server says nothing
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := client(t, Options{}).Handshake(ctx, a, host)
		done <- err
	}()
	if _, err := b.Read(make([]byte, 1)); err != nil { // the hello is under way
		t.Fatal(err)
	}
	cancel()
	err := <-done
	if e := (*Error)(nil); !errors.Is(err, context.Canceled) || !errors.As(err, &e) {
		t.Errorf("error %v, want *Error over context.Canceled", err)
	}
	if !a.Closed() {
		t.Error("the connection is left open")
	}
	a, _ = memconn.Pipe()
	ctx, cancel = context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := client(t, Options{}).Handshake(ctx, a, host); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want context.DeadlineExceeded", err)
	}
	if !a.Closed() {
		t.Error("the connection is left open")
	}
}

// The socket is closed because the context has ended: whoever shakes hands sees the
// former, the caller is told of the latter. crypto/tls sees either.
func TestEndOfContextIsTheError(t *testing.T) {
	a, b := memconn.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	own := NewHandshaker(func(_ context.Context, nc net.Conn, _ *stdtls.Config) (net.Conn, stdtls.ConnectionState, error) {
		cancel()
		_, err := nc.Read(make([]byte, 1)) // ends when nc is closed
		nc.Close()
		return nil, stdtls.ConnectionState{}, err
	})
	_, err := client(t, Options{Handshaker: own}).Handshake(ctx, a, host)
	if e := (*Error)(nil); !errors.Is(err, context.Canceled) || !errors.As(err, &e) {
		t.Errorf("error %v, want *Error over context.Canceled", err)
	}
	if !a.Closed() {
		t.Error("the connection is left open")
	}
	b.Close()
}

func TestManyNamesStayBounded(t *testing.T) {
	c := client(t, Options{})
	for i := range 3 * maxNames {
		cfg, err := c.config(fmt.Sprintf("h%d.test:443", i))
		if err != nil || cfg.ServerName != fmt.Sprintf("h%d.test", i) {
			t.Fatalf("%v, %+v", err, cfg)
		}
		again, _ := c.config(fmt.Sprintf("H%d.test.", i))
		if again != cfg || cfg.ClientSessionCache != c.base.ClientSessionCache {
			t.Fatal("the same name gives another configuration")
		}
		if len(c.byName) > maxNames {
			t.Fatalf("%d configurations are kept", len(c.byName))
		}
	}
	if c.base.ServerName != "" {
		t.Error("the common configuration was changed")
	}
}
