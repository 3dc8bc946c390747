package tls

import (
	stdtls "crypto/tls"
	"crypto/x509"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"gohttpx.dev/internal/peer"
)

// file writes content to a file of the test's own and returns its path.
func file(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConfigTakesOptionsOverBase(t *testing.T) {
	ca, other := peer.NewCA(t), peer.NewCA(t)
	cert := ca.Issue("client")
	base := &stdtls.Config{
		RootCAs:              other.Pool(),
		MinVersion:           stdtls.VersionTLS13,
		NextProtos:           []string{"base"},
		ServerName:           "base.test",
		Certificates:         []stdtls.Certificate{other.Issue("base")},
		GetClientCertificate: func(*stdtls.CertificateRequestInfo) (*stdtls.Certificate, error) { panic("not asked") },
		CurvePreferences:     []stdtls.CurveID{stdtls.X25519},
	}
	before := base.Clone()
	alpn := []string{"h2", "http/1.1"}
	cfg, err := Options{
		Base: base, RootCAs: ca.Pool(), MinVersion: stdtls.VersionTLS12, MaxVersion: stdtls.VersionTLS12,
		ALPN: alpn, ServerName: "Own.test.", Certificates: []stdtls.Certificate{cert}, KeyLogWriter: io.Discard, InsecureSkipVerify: true,
	}.Config()
	if err != nil {
		t.Fatal(err)
	}
	alpn[0] = "changed later"
	if cfg.MinVersion != stdtls.VersionTLS12 || cfg.MaxVersion != stdtls.VersionTLS12 || cfg.ServerName != "own.test" ||
		!reflect.DeepEqual(cfg.NextProtos, []string{"h2", "http/1.1"}) || !cfg.RootCAs.Equal(ca.Pool()) ||
		len(cfg.Certificates) != 1 || cfg.Certificates[0].Leaf != cert.Leaf || cfg.GetClientCertificate != nil ||
		cfg.KeyLogWriter == nil || !cfg.InsecureSkipVerify || cfg.ClientSessionCache == nil || len(cfg.CurvePreferences) != 1 {
		t.Errorf("got %+v", cfg)
	}
	// Functions are never DeepEqual; compare the rest.
	if base.GetClientCertificate == nil {
		t.Error("Base was changed")
	}
	a, b := base.Clone(), before
	a.GetClientCertificate, b.GetClientCertificate = nil, nil
	if !reflect.DeepEqual(a, b) {
		t.Errorf("Base was changed: %+v, was %+v", a, b)
	}
}

func TestConfigKeepsWhatBaseSays(t *testing.T) {
	cache := stdtls.NewLRUClientSessionCache(1)
	base := &stdtls.Config{
		MinVersion: stdtls.VersionTLS13, NextProtos: []string{"base"}, ServerName: "base.test",
		RootCAs: x509.NewCertPool(), ClientSessionCache: cache, KeyLogWriter: io.Discard, InsecureSkipVerify: true,
	}
	cfg, err := Options{Base: base}.Config()
	if err != nil {
		t.Fatal(err)
	}
	if cfg == base || cfg.MinVersion != base.MinVersion || cfg.NextProtos[0] != "base" || cfg.ServerName != "base.test" ||
		cfg.RootCAs != base.RootCAs || cfg.ClientSessionCache != cache || cfg.KeyLogWriter == nil || !cfg.InsecureSkipVerify {
		t.Errorf("got %+v", cfg)
	}
	if cfg, _ = (Options{Base: base, ALPN: []string{}}).Config(); len(cfg.NextProtos) != 0 {
		t.Errorf("empty ALPN: %q is offered", cfg.NextProtos)
	}
	// Whoever trusts or presents something else must not resume its sessions.
	for name, o := range map[string]Options{
		"roots":       {RootCAs: x509.NewCertPool()},
		"insecure":    {InsecureSkipVerify: true},
		"name":        {ServerName: "x"},
		"version":     {MaxVersion: stdtls.VersionTLS13},
		"certificate": {Certificates: make([]stdtls.Certificate, 1)},
	} {
		o.Base = base
		if cfg, err := o.Config(); err != nil || cfg.ClientSessionCache == cache {
			t.Errorf("%s: the session cache of Base is shared (%v)", name, err)
		}
	}
}

func TestConfigFiles(t *testing.T) {
	ca, other := peer.NewCA(t), peer.NewCA(t)
	cert, key := peer.PEM(t, ca.Issue("client"))
	both := file(t, "both.pem", append(append([]byte{}, cert...), key...))
	caFile, certFile, keyFile := file(t, "ca.pem", ca.PEM()), file(t, "c.pem", cert), file(t, "k.pem", key)

	for _, o := range []Options{{CertFile: certFile, KeyFile: keyFile}, {CertFile: both}} {
		cfg, err := o.Config()
		if err != nil || len(cfg.Certificates) != 1 {
			t.Errorf("%s with %q: %v", o.CertFile, o.KeyFile, err)
		}
	}
	cfg, err := Options{CAFile: caFile}.Config()
	if err != nil || !cfg.RootCAs.Equal(ca.Pool()) {
		t.Errorf("CA file: %v, want its authority and no other", err)
	}
	pool := other.Pool()
	cfg, err = Options{CAFile: caFile, RootCAs: pool}.Config()
	want := other.Pool()
	want.AddCert(ca.Cert)
	if err != nil || !cfg.RootCAs.Equal(want) {
		t.Errorf("CA file and pool: %v, want both", err)
	}
	if !pool.Equal(other.Pool()) {
		t.Error("the caller's pool was changed")
	}
	if cfg, _ = (Options{}).Config(); cfg.RootCAs != nil {
		t.Error("without options the system's roots must be used")
	}
}

func TestConfigErrorsSayWhat(t *testing.T) {
	_, key := peer.PEM(t, peer.NewCA(t).Issue("x"))
	empty := file(t, "empty\n.pem", nil)
	for _, tt := range []struct {
		name string
		o    Options
		want []string
	}{
		{"no such CA file", Options{CAFile: "/does/not/exist.pem"}, []string{"CA file", "/does/not/exist.pem"}},
		{"CA file without certificate", Options{CAFile: empty}, []string{`empty\n.pem"`, "no PEM certificate"}},
		{"no such certificate", Options{CertFile: "/no/c.pem", KeyFile: "/no/k.pem"}, []string{"client certificate", "/no/c.pem"}},
		{"key of no certificate", Options{CertFile: file(t, "k.pem", key)}, []string{"client certificate", "k.pem"}},
		{"key alone", Options{KeyFile: "k.pem"}, []string{"KeyFile", "without CertFile"}},
		{"versions crossed", Options{MinVersion: stdtls.VersionTLS13, MaxVersion: stdtls.VersionTLS12}, []string{"TLS 1.3 is above", "TLS 1.2"}},
		{"unknown version", Options{MinVersion: 7}, []string{"0x0007"}},
		{"SSL 3", Options{MaxVersion: 0x0300}, []string{"0x0300"}},
		{"empty protocol", Options{ALPN: []string{"h2", ""}}, []string{"ALPN"}},
		{"endless protocol", Options{ALPN: []string{strings.Repeat("x", 256)}}, []string{"ALPN"}},
		{"odd name", Options{ServerName: "a b"}, []string{"ServerName", `"a b"`}},
		{"name in Base", Options{Base: &stdtls.Config{ServerName: "ü.test"}}, []string{"ServerName"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := NewClient(tt.o)
			if err == nil {
				t.Fatal("no error")
			}
			for _, w := range append(tt.want, "tls: ") {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q does not say %q", err, w)
				}
			}
		})
	}
}

func TestServerName(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"plain", "example.org", "example.org"},
		{"upper case", "EXAMPLE.Org", "example.org"},
		{"port", "example.org:443", "example.org"},
		{"empty port", "example.org:", "example.org"},
		{"trailing dot", "example.org.", "example.org"},
		{"trailing dot and port", "example.org.:8443", "example.org"},
		{"underscore", "_a.example.org", "_a.example.org"},
		{"IPv4", "127.0.0.1", "127.0.0.1"},
		{"IPv4 and port", "127.0.0.1:80", "127.0.0.1"},
		{"IPv6", "::1", "::1"},
		{"IPv6 in brackets", "[::1]", "::1"},
		{"IPv6 and port", "[::1]:443", "::1"},
		{"IPv6 written long", "[0:0::0:1]:443", "::1"},
		{"IPv6 with zone", "[fe80::1%eth0]:443", "fe80::1"},
		{"nothing", "", ""},
		{"port alone", ":443", ""},
		{"dot alone", ".", ""},
		{"space", "exa mple.org", ""},
		{"CRLF", "example.org\r\n", ""},
		{"NUL", "example.org\x00", ""},
		{"not ASCII", "bücher.example", ""},
		{"Kelvin sign", "\u212aelvin.example", ""},
		{"user", "user@example.org", ""},
		{"path", "example.org/x", ""},
		{"zone on a name", "example.org%25x", ""},
		{"bracket left open", "[::1", ""},
		{"two ports", "a:1:2", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := serverName(tt.in)
			if got != tt.want || (err == nil) != (tt.want != "") {
				t.Errorf("serverName(%q) = %q, %v; want %q", tt.in, got, err, tt.want)
			}
		})
	}
}
