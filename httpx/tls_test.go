package httpx_test

import (
	"cmp"
	"context"
	stdtls "crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/tls"
)

// tlsServer is an origin which answers with the name in the client's certificate.
func tlsServer(t *testing.T, cfg *stdtls.Config) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := "nobody"
		if len(r.TLS.PeerCertificates) > 0 {
			who = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		io.WriteString(w, who)
	}))
	s.TLS = cfg
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// TestTLSErrors: what is wrong is said by name, and found by errors.As.
func TestTLSErrors(t *testing.T) {
	ca, other := peer.NewCA(t), peer.NewCA(t)
	past, future := time.Date(2020, 1, 2, 0, 0, 0, 0, time.UTC), time.Date(2090, 1, 2, 0, 0, 0, 0, time.UTC)
	good := ca.Issue("127.0.0.1")
	selfSigned := peer.NewCA(t, "a.test")
	self := stdtls.Certificate{Certificate: [][]byte{selfSigned.Cert.Raw}, PrivateKey: selfSigned.Key()}
	as := func(target any) func(error) bool {
		return func(err error) bool { return errors.As(err, reflect.New(reflect.TypeOf(target)).Interface()) }
	}
	mutual := func(c *stdtls.Config) {
		c.ClientAuth, c.ClientCAs = stdtls.RequireAndVerifyClientCert, ca.Pool()
	}
	one := func(c stdtls.Certificate) *stdtls.Config {
		return &stdtls.Config{Certificates: []stdtls.Certificate{c}}
	}
	with := func(edit func(*stdtls.Config)) *stdtls.Config { c := one(good); edit(c); return c }
	for _, tt := range []struct {
		name   string
		server *stdtls.Config
		opts   tls.Options
		is     func(error) bool
		text   []string
	}{
		{
			"expired", one(ca.IssueWith(func(c *x509.Certificate) { c.NotAfter = past }, "127.0.0.1")),
			tls.Options{},
			as(x509.CertificateInvalidError{}),
			[]string{`"127.0.0.1" expired on 2020-01-02T00:00:00Z`, "the clock here says 20"},
		},
		{
			"not valid yet", one(ca.IssueWith(func(c *x509.Certificate) { c.NotBefore = future }, "127.0.0.1")),
			tls.Options{},
			as(x509.CertificateInvalidError{}),
			[]string{"not valid before 2090-01-02T00:00:00Z", "the clock here says 20"},
		},
		{
			"wrong name", one(ca.Issue("a.test", "b.test")),
			tls.Options{},
			as(x509.HostnameError{}),
			[]string{`valid for "a.test", "b.test", not for "127.0.0.1"`},
		},
		{
			"unknown issuer", one(other.Issue("127.0.0.1")),
			tls.Options{},
			as(x509.UnknownAuthorityError{}),
			[]string{"test authority", `chain "127.0.0.1", "test authority"`},
		},
		{"self-signed", one(self), tls.Options{ServerName: "a.test"}, as(x509.UnknownAuthorityError{}), []string{"self-signed"}},
		{
			"refused by pin", one(good),
			tls.Options{Pins: []string{tls.Pin(other.Cert)}},
			as(&tls.PinError{}),
			[]string{"Options.Pins", tls.Pin(good.Leaf), tls.Pin(ca.Cert)},
		},
		{
			"old version on offer", with(func(c *stdtls.Config) { c.MinVersion, c.MaxVersion = stdtls.VersionTLS10, stdtls.VersionTLS11 }),
			tls.Options{},
			as(&net.OpError{}),
			[]string{"MinVersion"},
		},
		{
			"version below the client's", with(func(c *stdtls.Config) { c.MaxVersion = stdtls.VersionTLS12 }),
			tls.Options{MinVersion: stdtls.VersionTLS13},
			as(&net.OpError{}),
			[]string{"MinVersion"},
		},
		{"client certificate missing", with(mutual), tls.Options{}, as(&net.OpError{}), []string{"client certificate", "certificate required"}},
		{"client certificate missing, TLS 1.2", with(mutual), tls.Options{MaxVersion: stdtls.VersionTLS12}, as(&net.OpError{}), []string{"client certificate"}},
		{"client certificate of another authority", with(mutual), tls.Options{Certificates: []stdtls.Certificate{other.Issue("c")}}, as(&net.OpError{}), []string{"client certificate"}},
		{
			"client certificate expired, TLS 1.2", with(mutual),
			tls.Options{MaxVersion: stdtls.VersionTLS12, Certificates: []stdtls.Certificate{ca.IssueWith(func(c *x509.Certificate) { c.NotAfter = past }, "c")}},
			as(&net.OpError{}),
			[]string{"client certificate"},
		},
	} {
		t.Run("A21.5 "+tt.name, func(t *testing.T) {
			s := tlsServer(t, tt.server)
			tt.opts.RootCAs = ca.Pool()
			name := cmp.Or(tt.opts.ServerName, "127.0.0.1")
			for _, http2 := range []bool{false, true} {
				c := newClient(t, httpx.WithTLS(tt.opts), httpx.WithHTTP2(http2), httpx.WithHTTP1(!http2))
				_, err := c.Get(t.Context(), s.URL)
				var te *tls.Error
				if !errors.Is(err, httpx.ErrTLS) || !errors.As(err, &te) || te.ServerName != name || !tt.is(err) || errors.Is(err, httpx.ErrProxy) {
					t.Fatalf("HTTP/2 %t: %v", http2, err)
				}
				for _, text := range append(tt.text, name) {
					if !strings.Contains(err.Error(), text) {
						t.Errorf("HTTP/2 %t: no %s in: %v", http2, text, err)
					}
				}
				chain := as(&stdtls.CertificateVerificationError{})
				if certificate := !strings.Contains(tt.name, "version") && !strings.Contains(tt.name, "client"); chain(err) != certificate {
					t.Errorf("with the chain of the server %t: %v", certificate, err)
				}
			}
		})
	}
	t.Run("A21.5 no TLS at all", func(t *testing.T) {
		s := echoServer(t)
		_, err := newClient(t).Get(t.Context(), strings.Replace(s.URL, "http", "https", 1))
		if !errors.Is(err, httpx.ErrTLS) || !as(stdtls.RecordHeaderError{})(err) || !strings.Contains(err.Error(), "http URL") {
			t.Error(err)
		}
	})
}

func TestTLSRows(t *testing.T) {
	ca := peer.NewCA(t)
	cert := ca.Issue("127.0.0.1", "a.test")
	get := func(t *testing.T, c *httpx.Client, url string, opts ...httpx.RequestOption) *httpx.Response {
		t.Helper()
		resp, err := c.Get(t.Context(), url, opts...)
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(caFile, ca.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	plain := tlsServer(t, &stdtls.Config{Certificates: []stdtls.Certificate{cert}})
	mutual := tlsServer(t, &stdtls.Config{Certificates: []stdtls.Certificate{cert}, ClientAuth: stdtls.VerifyClientCertIfGiven, ClientCAs: ca.Pool()})

	t.Run("A2.6 client certificates", func(t *testing.T) {
		dir := t.TempDir()
		certPEM, keyPEM := peer.PEM(t, ca.Issue("joe"))
		files := map[string]string{"cert": string(certPEM), "key": string(keyPEM), "both": string(certPEM) + string(keyPEM)}
		for name, content := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		in := func(name string) string { return filepath.Join(dir, name) }
		for _, o := range []tls.Options{
			{CertFile: in("cert"), KeyFile: in("key")}, {CertFile: in("both")}, {Certificates: []stdtls.Certificate{ca.Issue("joe")}},
		} {
			o.CAFile = caFile
			c := newClient(t, httpx.WithTLS(o))
			if who := get(t, c, mutual.URL).Text(); who != "joe" {
				t.Errorf("presented %q", who)
			}
			if who := get(t, c, mutual.URL, httpx.WithTLS(tls.Options{CAFile: caFile})).Text(); who != "nobody" {
				t.Errorf("without: %q: a connection with the certificate was shared", who)
			}
		}
		for _, o := range []tls.Options{{KeyFile: in("key")}, {CertFile: in("missing")}, {CertFile: in("cert")}, {CertFile: in("cert"), KeyFile: caFile}} {
			if _, err := httpx.New(httpx.WithTLS(o)); err == nil {
				t.Errorf("%q, %q is taken", o.CertFile, o.KeyFile)
			}
		}
	})
	t.Run("A2.6 B43 renewed without a restart", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "c.pem")
		install := func(name string) {
			certPEM, keyPEM := peer.PEM(t, ca.Issue(name))
			if err := os.WriteFile(file+".new", append(certPEM, keyPEM...), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(file+".new", file); err != nil {
				t.Fatal(err)
			}
		}
		install("old")
		c := newClient(t, httpx.WithTLS(tls.Options{CAFile: caFile, CertFile: file}))
		if who := get(t, c, mutual.URL).Text(); who != "old" {
			t.Errorf("presented %q", who)
		}
		install("new")
		if who := get(t, c, mutual.URL).Text(); who != "old" {
			t.Errorf("a connection that exists presents %q", who)
		}
		c.CloseIdle()
		if who := get(t, c, mutual.URL).Text(); who != "new" {
			t.Errorf("a new connection presents %q", who)
		}
	})
	t.Run("A21.1 A19.10 A2.7 roots of the environment", func(t *testing.T) {
		setEnv(t)
		var unknown x509.UnknownAuthorityError
		try := func(opts ...httpx.ClientOption) error {
			_, err := newClient(t, opts...).Get(t.Context(), plain.URL)
			return err
		}
		if err := try(); !errors.As(err, &unknown) {
			t.Error("the authority is known to the system:", err)
		}
		for _, v := range []string{"SSL_CERT_FILE=" + caFile, "SSL_CERT_DIR=" + filepath.Dir(caFile)} {
			setEnv(t, v)
			if err := try(); err != nil {
				t.Errorf("%s: %v", v, err)
			}
			if err := try(httpx.WithTrustEnv(false)); !errors.As(err, &unknown) {
				t.Errorf("%s is not to be trusted: %v", v, err)
			}
			if err := try(httpx.WithTLS(tls.Options{RootCAs: peer.NewCA(t).Pool()})); !errors.As(err, &unknown) {
				t.Errorf("%s beside roots of one's own: %v", v, err)
			}
			c := newClient(t)
			if _, err := c.Get(t.Context(), plain.URL, httpx.WithTrustEnv(false)); !errors.As(err, &unknown) {
				t.Errorf("%s, and a request that does not trust it: %v", v, err)
			}
			get(t, c, plain.URL)
			if _, err := c.Get(t.Context(), plain.URL, httpx.WithTrustEnv(false)); !errors.As(err, &unknown) {
				t.Errorf("%s: a connection was shared: %v", v, err)
			}
			if _, err := c.Get(t.Context(), plain.URL, httpx.WithTrustEnv(true)); err != nil {
				t.Errorf("%s, and a request that says that it trusts it: %v", v, err)
			}
			if _, err := c.Get(t.Context(), plain.URL, httpx.WithTrustEnv(false)); !errors.As(err, &unknown) {
				t.Errorf("%s: its connection was shared: %v", v, err)
			}
		}
		setEnv(t, "SSL_CERT_FILE="+caFile+".missing")
		if err := try(); !errors.Is(err, httpx.ErrTLS) || !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "SSL_CERT_FILE") {
			t.Error(err)
		}
		if _, err := newClient(t).Get(t.Context(), echoServer(t).URL); err != nil {
			t.Error("http needs no roots:", err)
		}
	})
	t.Run("A19.10 B43 key log of the environment", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "keys")
		setEnv(t, "SSLKEYLOGFILE="+path)
		trust := httpx.WithTLS(tls.Options{CAFile: caFile})
		get(t, newClient(t, trust, httpx.WithTrustEnv(false)), plain.URL)
		if _, err := os.Stat(path); err == nil {
			t.Error("written without trust")
		}
		get(t, newClient(t, trust), plain.URL)
		if b, err := os.ReadFile(path); err != nil || !strings.Contains(string(b), "CLIENT_TRAFFIC_SECRET_0 ") {
			t.Errorf("%q, %v", b, err)
		}
	})
	t.Run("A21.2 verification off", func(t *testing.T) {
		c := newClient(t, httpx.WithTLS(tls.Options{InsecureSkipVerify: true}))
		get(t, c, plain.URL)
		if _, err := c.Get(t.Context(), plain.URL, httpx.WithTLS(tls.Options{})); !errors.Is(err, httpx.ErrTLS) {
			t.Error("an unverified connection was shared:", err)
		}
	})
	t.Run("A21.2 is said aloud", func(t *testing.T) {
		setEnv(t, "NO_PROXY=a.test,b*ad")
		var b strings.Builder
		logger := httpx.WithLogger(slog.New(slog.NewTextHandler(&b, nil)))
		for _, o := range []tls.Options{{InsecureSkipVerify: true}, {Base: &stdtls.Config{InsecureSkipVerify: true}}} {
			b.Reset()
			c := newClient(t, logger, httpx.WithTLS(o))
			if log := b.String(); !strings.Contains(log, "level=WARN") || !strings.Contains(log, "TLS verification is off") || !strings.Contains(log, "NO_PROXY") {
				t.Error(log)
			}
			get(t, c, plain.URL)
			if !strings.Contains(b.String(), "verified=false") {
				t.Error(b.String())
			}
		}
		b.Reset()
		get(t, newClient(t, logger, httpx.WithTrustEnv(false), httpx.WithTLS(tls.Options{CAFile: caFile})), plain.URL)
		if log := b.String(); strings.Contains(log, "WARN") || strings.Contains(log, "verified") {
			t.Error(log)
		}
	})
	t.Run("A21.3 ALPN", func(t *testing.T) {
		var mu sync.Mutex
		var offered []string
		s := tlsServer(t, &stdtls.Config{GetConfigForClient: func(h *stdtls.ClientHelloInfo) (*stdtls.Config, error) {
			mu.Lock()
			defer mu.Unlock()
			offered = h.SupportedProtos
			return nil, nil
		}, Certificates: []stdtls.Certificate{cert}})
		base := &stdtls.Config{RootCAs: ca.Pool()}
		for _, tt := range []struct {
			opts []httpx.ClientOption
			want string
		}{
			{[]httpx.ClientOption{httpx.WithHTTP2(false)}, "http/1.1"},
			{nil, "h2,http/1.1"},
			{[]httpx.ClientOption{httpx.WithHTTP2(true), httpx.WithHTTP1(false)}, "h2"},
		} {
			get(t, newClient(t, append(tt.opts, httpx.WithTLS(tls.Options{Base: base}))...), s.URL)
			if got := strings.Join(offered, ","); got != tt.want {
				t.Errorf("offered %q, want %q", got, tt.want)
			}
		}
		if base.NextProtos != nil {
			t.Error("Base was changed")
		}
	})
	t.Run("A21.4 SNI and connect-to", func(t *testing.T) {
		c := newClient(t, httpx.WithTLS(tls.Options{CAFile: caFile}))
		addr := plain.Listener.Addr().String()
		for name, opts := range map[string][]httpx.RequestOption{
			"SNI":        {httpx.WithSNI("a.test"), httpx.WithConnectTo("nowhere.test:443", addr)},
			"connect to": {httpx.WithConnectTo("a.test:443", addr)},
			"all hosts":  {httpx.WithConnectTo("*:443", addr)},
		} {
			url := "https://a.test"
			if name == "SNI" {
				url = "https://nowhere.test"
			}
			if got := get(t, c, url, opts...).Conn().TLS.ServerName; got != "a.test" {
				t.Errorf("%s: %q", name, got)
			}
		}
		if _, err := c.Get(t.Context(), "https://nowhere.test", httpx.WithConnectTo("*", addr)); !errors.Is(err, httpx.ErrTLS) {
			t.Error("the URL's name is the one to verify:", err)
		}
	})
	t.Run("A21.6 what was agreed on", func(t *testing.T) {
		resp := get(t, newClient(t, httpx.WithTLS(tls.Options{CAFile: caFile}), httpx.WithHTTP2(true)), plain.URL)
		state := resp.Conn().TLS
		if state == nil || state.NegotiatedProtocol != "h2" || state.Version != stdtls.VersionTLS13 || len(state.VerifiedChains) != 1 {
			t.Errorf("%+v", state)
		}
	})
	t.Run("A21.7 files are read once", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(file, ca.PEM(), 0o600); err != nil {
			t.Fatal(err)
		}
		c := newClient(t, httpx.WithTLS(tls.Options{CAFile: file}))
		setEnv(t, "SSL_CERT_FILE="+file)
		env := newClient(t)
		get(t, env, plain.URL)
		os.Remove(file)
		for range 2 {
			get(t, c, plain.URL)
			get(t, env, plain.URL)
			c.CloseIdle()
			env.CloseIdle()
		}
	})
	t.Run("B43 resumption within a configuration, never across", func(t *testing.T) {
		c := newClient(t, httpx.WithTLS(tls.Options{CAFile: caFile}))
		resumed := func(c *httpx.Client, opts ...httpx.RequestOption) bool {
			t.Helper()
			defer func() {
				c.CloseIdle()
				runtime.GC() // sessions are not to go with the last connection
			}()
			return get(t, c, plain.URL, opts...).Conn().TLS.DidResume
		}
		other := []httpx.RequestOption{httpx.WithTLS(tls.Options{CAFile: caFile, Pins: []string{tls.Pin(cert.Leaf)}})}
		proxied := []httpx.RequestOption{httpx.WithProxy(newForwarder(t, "").URL)}
		if resumed(c) || !resumed(c) || !resumed(c) {
			t.Error("the second connection resumes the first")
		}
		if resumed(c, other...) || !resumed(c, other...) {
			t.Error("other options have sessions of their own")
		}
		if resumed(c, proxied...) || !resumed(c, proxied...) {
			t.Error("also through a proxy")
		}
		if resumed(newClient(t, httpx.WithTLS(tls.Options{CAFile: caFile}))) {
			t.Error("another client has sessions of its own")
		}
	})
	t.Run("B43 versions", func(t *testing.T) {
		for _, v := range []uint16{stdtls.VersionTLS12, stdtls.VersionTLS13} {
			c := newClient(t, httpx.WithTLS(tls.Options{CAFile: caFile, MinVersion: v, MaxVersion: v}))
			if got := get(t, c, plain.URL).Conn().TLS.Version; got != v {
				t.Error(stdtls.VersionName(got))
			}
		}
	})
	t.Run("B43 pins", func(t *testing.T) {
		c := newClient(t, httpx.WithTLS(tls.Options{CAFile: caFile, Pins: []string{tls.Pin(ca.Cert)}}))
		get(t, c, plain.URL)
		if _, err := httpx.New(httpx.WithTLS(tls.Options{Pins: []string{"sha256/short"}})); err == nil {
			t.Error("a bad pin is taken")
		}
	})
	t.Run("B43 another implementation of TLS", func(t *testing.T) {
		calls := 0
		h := tls.NewHandshaker(func(ctx context.Context, nc net.Conn, cfg *stdtls.Config) (net.Conn, stdtls.ConnectionState, error) {
			calls++
			tc := stdtls.Client(nc, cfg)
			err := tc.HandshakeContext(ctx)
			return struct{ net.Conn }{tc}, tc.ConnectionState(), err
		})
		opts := tls.Options{CAFile: caFile, Handshaker: h}
		c := newClient(t, httpx.WithTLS(opts), httpx.WithHTTP2(true))
		for range 3 {
			if resp := get(t, c, plain.URL, httpx.WithTLS(opts)); resp.Proto != "HTTP/2" || resp.Conn().TLS.Version != stdtls.VersionTLS13 {
				t.Errorf("%s %+v", resp.Proto, resp.Conn().TLS)
			}
		}
		h1 := newClient(t, httpx.WithTLS(opts), httpx.WithHTTP2(false))
		for range 3 {
			get(t, h1, plain.URL)
		}
		if calls != 2 {
			t.Errorf("%d handshakes: connections are not shared", calls)
		}
		proxied := newClient(t, httpx.WithTLS(opts), httpx.WithProxy(newForwarder(t, "").URL))
		get(t, proxied, plain.URL)
	})
}
