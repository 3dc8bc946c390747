package tls

import (
	stdtls "crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gohttpx.dev/internal/peer"
)

func environment(pairs ...string) *Environment {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return FromEnvironment(func(name string) (string, bool) { v, ok := m[name]; return v, ok })
}

func TestEnvironmentRoots(t *testing.T) {
	a, b := peer.NewCA(t), peer.NewCA(t)
	fileA, dirB := file(t, "a.pem", a.PEM()), filepath.Dir(file(t, "b.pem", b.PEM()))
	if err := os.WriteFile(filepath.Join(dirB, "README"), []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := t.TempDir()
	two := a.Pool()
	two.AddCert(b.Cert)
	missing := filepath.Join(empty, "missing")
	for _, tt := range []struct {
		name string
		env  *Environment
		want *x509.CertPool
		text string // of the error
	}{
		{"a file", environment("SSL_CERT_FILE", fileA), a.Pool(), ""},
		{"a folder with other files in it", environment("SSL_CERT_DIR", dirB), b.Pool(), ""},
		{"two folders", environment("SSL_CERT_DIR", dirB+string(os.PathListSeparator)+filepath.Dir(fileA)), two, ""},
		{"a folder that is missing before one that is not", environment("SSL_CERT_DIR", missing+string(os.PathListSeparator)+dirB), b.Pool(), ""},
		{"the file before the folder", environment("SSL_CERT_FILE", fileA, "SSL_CERT_DIR", dirB), a.Pool(), ""},
		{"an empty value", environment("SSL_CERT_FILE", "", "SSL_CERT_DIR", dirB), b.Pool(), ""},
		{"a missing file", environment("SSL_CERT_FILE", missing, "SSL_CERT_DIR", dirB), nil, "SSL_CERT_FILE"},
		{"a file without a certificate", environment("SSL_CERT_FILE", filepath.Join(dirB, "README")), nil, "SSL_CERT_FILE"},
		{"an empty folder", environment("SSL_CERT_DIR", empty), nil, "SSL_CERT_DIR"},
	} {
		t.Run("A19.10 "+tt.name, func(t *testing.T) {
			got, err := tt.env.Roots()
			if tt.want != nil && (err != nil || !got.Equal(tt.want)) {
				t.Errorf("not these authorities (%v)", err)
			}
			if tt.want == nil && (err == nil || !strings.Contains(err.Error(), tt.text)) {
				t.Errorf("%v, want an error about %s", err, tt.text)
			}
			cfg, err := Options{Environment: tt.env}.Config()
			if (err != nil) != (tt.want == nil) || err == nil && !cfg.RootCAs.Equal(tt.want) {
				t.Errorf("Config: %v", err)
			}
		})
	}
	t.Run("A19.10 options and Base win", func(t *testing.T) {
		env := environment("SSL_CERT_FILE", missing)
		for _, o := range []Options{
			{RootCAs: b.Pool()}, {CAFile: filepath.Join(dirB, "b.pem")}, {Base: &stdtls.Config{RootCAs: b.Pool()}},
		} {
			o.Environment = env
			if cfg, err := o.Config(); err != nil || !cfg.RootCAs.Equal(b.Pool()) {
				t.Error(err)
			}
		}
		if _, err := (Options{Environment: env, InsecureSkipVerify: true}).Config(); err != nil {
			t.Error("roots that nobody asks for are loaded:", err)
		}
	})
	t.Run("A21.1 what is wrong is told to the handshake", func(t *testing.T) {
		c := client(t, Options{Environment: environment("SSL_CERT_FILE", missing)})
		s := server(t, &stdtls.Config{Certificates: []stdtls.Certificate{a.Issue(host)}})
		_, err := c.Handshake(t.Context(), dial(t, s.Addr), host)
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "SSL_CERT_FILE") {
			t.Error(err)
		}
	})
	t.Run("A21.1 a later change is another environment's", func(t *testing.T) {
		s := server(t, &stdtls.Config{Certificates: []stdtls.Certificate{a.Issue(host)}})
		t.Setenv("SSL_CERT_FILE", fileA)
		before := client(t, Options{Environment: FromEnvironment(os.LookupEnv)})
		t.Setenv("SSL_CERT_FILE", filepath.Join(dirB, "b.pem"))
		shake(t, before, s, host)
		var unknown x509.UnknownAuthorityError
		for name, e := range map[string]*Environment{"changed": FromEnvironment(os.LookupEnv), "not asked": FromEnvironment(nil)} {
			if _, err := client(t, Options{Environment: e}).Handshake(t.Context(), dial(t, s.Addr), host); !errors.As(err, &unknown) {
				t.Error(name, err)
			}
		}
	})
}

func TestEnvironmentKeyLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	ca := peer.NewCA(t)
	s := server(t, &stdtls.Config{Certificates: []stdtls.Certificate{ca.Issue(host)}})
	env := environment("SSLKEYLOGFILE", path)
	shake(t, client(t, Options{RootCAs: ca.Pool(), Environment: env}), s, host)
	first, err := os.ReadFile(path)
	if err != nil || !strings.HasPrefix(string(first), "CLIENT_") || !strings.HasSuffix(string(first), "\n") {
		t.Fatalf("%q, %v", first, err)
	}
	shake(t, client(t, Options{RootCAs: ca.Pool(), Environment: env}), s, host)
	if both, _ := os.ReadFile(path); len(both) <= len(first) || !strings.HasPrefix(string(both), string(first)) {
		t.Errorf("%q is not appended to", both)
	}
	// A log that cannot be written stops nobody.
	shake(t, client(t, Options{RootCAs: ca.Pool(), Environment: environment("SSLKEYLOGFILE", filepath.Join(path, "below a file"))}), s, host)
}
