package server

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"text/template"
	"time"
)

// Streams is how many streams a connection may have at once, with every server:
// so many that one connection serves all goroutines of every client. h2o 2.2
// announces 100 all the same.
const Streams = 1000

// startTimeout is how long a foreign server may take until it takes connections.
const startTimeout = 10 * time.Second

// foreign is a server that serves files over HTTP/2, nginx over HTTP/1.1 if that is
// asked for: its command and, if it has one, its configuration, templates over
// site.
type foreign struct {
	args   []string
	config string
}

// site is what the templates know.
type site struct {
	Dir, Root, Config, Cert string // paths
	Port                    int
	HTTP2, TLS, IsRoot      bool
	Streams                 int
}

var foreigners = map[string]foreign{
	"nginx": {args: []string{"-p", "{{.Dir}}", "-c", "{{.Config}}", "-e", "stderr"}, config: `
daemon off;
master_process off;
pid {{.Dir}}/pid;
error_log stderr error;
events { worker_connections 2048; }
http {
  access_log off;
  client_body_temp_path {{.Dir}}/body;
  proxy_temp_path {{.Dir}}/proxy;
  fastcgi_temp_path {{.Dir}}/fastcgi;
  uwsgi_temp_path {{.Dir}}/uwsgi;
  scgi_temp_path {{.Dir}}/scgi;
  sendfile off; # in cleartext head and content would wait for each other (Nagle)
  open_file_cache max=10000 inactive=1h;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  keepalive_time 10h;
  http2_max_concurrent_streams {{.Streams}};
  server {
    listen 127.0.0.1:{{.Port}} {{if .TLS}}ssl{{end}} {{if .HTTP2}}http2{{end}};
    ssl_certificate {{.Cert}};
    ssl_certificate_key {{.Cert}};
    root {{.Root}};
  }
}
`},
	"nghttpd": {args: []string{"-a", "127.0.0.1", "-d", "{{.Root}}", "-m", "{{.Streams}}", "{{if not .TLS}}--no-tls{{end}}", "{{.Port}}", "{{.Cert}}", "{{.Cert}}"}},
	"h2o": {args: []string{"-m", "worker", "-c", "{{.Config}}"}, config: `
listen:
  host: 127.0.0.1
  port: {{.Port}}
{{if .TLS}}
  ssl:
    certificate-file: {{.Cert}}
    key-file: {{.Cert}}
{{end}}
num-threads: 1
{{if .IsRoot}}user: www-data{{end}}
error-log: /dev/stderr
http2-max-concurrent-requests-per-connection: {{.Streams}}
http2-idle-timeout: 36000
hosts:
  default:
    paths:
      /:
        file.dir: {{.Root}}
`},
}

// Names lists the servers that Spawn knows.
func Names() []string {
	return append([]string{Go}, slices.Sorted(maps.Keys(foreigners))...)
}

// spawnForeign lays out the files and starts a foreign server over them.
func spawnForeign(cfg Config) (_ *Process, err error) {
	f, ok := foreigners[cfg.Name]
	if !ok {
		return nil, fmt.Errorf("no server is called %q", cfg.Name)
	}
	bin, err := exec.LookPath(cfg.Name)
	if err != nil {
		return nil, fmt.Errorf("%w (make interop-deps installs it)", err)
	}
	s, roots, err := layOut(cfg)
	defer func() {
		if err != nil && s.Dir != "" {
			os.RemoveAll(s.Dir)
		}
	}()
	if err != nil {
		return nil, err
	}
	args := []string{childForeign, s.Dir, bin}
	for _, a := range f.args {
		if a, err = render(a, s); err != nil {
			return nil, err
		}
		if a != "" {
			args = append(args, a)
		}
	}
	config, err := render(f.config, s)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(s.Config, []byte(config), 0o644); err != nil {
		return nil, err
	}
	p, err := spawnChild(args...)
	if err != nil {
		return nil, err
	}
	p.dir = s.Dir
	p.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port))
	p.TLSAddr, p.Roots = p.Addr, roots
	if err := p.await(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", cfg.Name, err), p.Stop())
	}
	return p, nil
}

// layOut makes a folder with the certificate and a file per token, readable for
// servers that give up root's rights.
func layOut(cfg Config) (s site, roots *x509.CertPool, err error) {
	if s.Dir, err = os.MkdirTemp("", "bench"); err != nil {
		return s, nil, err
	}
	s = site{
		Dir: s.Dir, Root: filepath.Join(s.Dir, "root"), Config: filepath.Join(s.Dir, "config"), Cert: filepath.Join(s.Dir, "cert.pem"),
		HTTP2: cfg.HTTP2, TLS: cfg.TLS, IsRoot: os.Getuid() == 0, Streams: Streams,
	}
	files := filepath.Join(s.Root, strconv.Itoa(cfg.Size))
	if err := errors.Join(os.Chmod(s.Dir, 0o755), os.MkdirAll(files, 0o755)); err != nil {
		return s, nil, err
	}
	for _, token := range cfg.Tokens {
		if err := os.WriteFile(filepath.Join(files, token), content(token, cfg.Size), 0o644); err != nil {
			return s, nil, err
		}
	}
	cert, err := certificate()
	if err != nil {
		return s, nil, err
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		return s, nil, err
	}
	var b bytes.Buffer
	pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})
	pem.Encode(&b, &pem.Block{Type: "PRIVATE KEY", Bytes: key})
	if err := os.WriteFile(s.Cert, b.Bytes(), 0o644); err != nil {
		return s, nil, err
	}
	if roots, err = rootsOf(cert); err != nil {
		return s, nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return s, nil, err
	}
	s.Port = l.Addr().(*net.TCPAddr).Port // free now, and most likely still in a moment
	return s, roots, l.Close()
}

func rootsOf(cert tls.Certificate) (*x509.CertPool, error) {
	c, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(c)
	return roots, nil
}

func render(text string, s site) (string, error) {
	t, err := template.New("").Parse(text)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	err = t.Execute(&b, s)
	return b.String(), err
}

// await waits until the server takes a connection.
func (p *Process) await() error {
	for end := time.Now().Add(startTimeout); ; {
		if err := p.Ended(10 * time.Millisecond); err != nil {
			return err // before another one that has the port is taken for it
		}
		nc, err := net.Dial("tcp", p.Addr)
		if err == nil {
			return nc.Close()
		}
		if time.Now().After(end) {
			return fmt.Errorf("no connection after %v: %w", startTimeout, err)
		}
	}
}

// runForeign is the main of the process between: it runs the command until
// standard input ends, so that neither the server nor its folder outlives the
// benchmark, however that ends.
func runForeign(dir string, command []string) error {
	defer os.RemoveAll(dir)
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }() // ends with the server
	asked := make(chan struct{})
	go func() { io.Copy(io.Discard, os.Stdin); close(asked) }() // ends with the parent
	select {
	case err := <-exited:
		return fmt.Errorf("%s ended: %w", command[0], cmp.Or(err, errors.New("exit status 0")))
	case <-asked:
		cmd.Process.Kill()
		<-exited
		return nil
	}
}
