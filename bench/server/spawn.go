package server

import (
	"bufio"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"gohttpx.dev/bench/delay"
)

// ChildArg is the first argument that makes a binary the server: its main
// calls Child when it finds it.
const ChildArg = "serve-benchmark"

// Process is a server in a process of its own.
type Process struct {
	// Addr is the address of the cleartext port, host:port.
	Addr string
	// TLSAddr is the address of the TLS port.
	TLSAddr string
	// Roots holds the certificate that the TLS port shows.
	Roots *x509.CertPool

	cmd   *exec.Cmd
	stdin io.Closer
	dir   string // to be removed, "" for none

	exited chan struct{} // closed when the child has ended
	err    error         // how, to be read after that
}

// Go is the name of the servers that are part of this module: the dumb one over
// HTTP/1.1, net/http's over HTTP/2.
const Go = "go"

// Config says which server is wanted.
type Config struct {
	// Name is one of Names; empty means Go.
	Name string
	// HTTP2 asks for HTTP/2, and TLS says on which of the two ports it matters;
	// a foreign server has only that one.
	HTTP2, TLS bool
	// Size and Tokens are what a foreign server can be asked for, all others
	// are.
	Size   int
	Tokens []string
	// Window is the flow-control window of Go over HTTP/2, in bytes, of each
	// stream and of the connection; 0 leaves it to the server.
	Window int32
	// Delay is how much later every byte from and to Go arrives than it would
	// (package delay). The work of that is the server's, not the client's.
	Delay time.Duration
}

// Spawn starts the server as a process of its own on free loopback ports. It ends
// when Stop is called or this process ends.
func Spawn(cfg Config) (*Process, error) {
	if cfg.Name != "" && cfg.Name != Go {
		return spawnForeign(cfg)
	}
	kind := childHTTP1
	if cfg.HTTP2 {
		kind = childHTTP2
	}
	return spawnChild(kind, strconv.Itoa(int(cfg.Window)), cfg.Delay.String())
}

// What the child is to do, its second argument.
const (
	childHTTP1   = "http1" // window and delay follow
	childHTTP2   = "http2" // the same
	childForeign = "run"   // the folder and the command follow
)

// spawnChild starts the running binary again.
func spawnChild(args ...string) (*Process, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(exe, append([]string{ChildArg}, args...)...)
	cmd.Stderr = os.Stderr
	apart(cmd)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd, stdin: stdin, exited: make(chan struct{})}
	if args[0] != childForeign {
		err = p.hello(stdout)
	}
	// Ends with the child; Wait must not be called before its words are read.
	go func() {
		p.err = cmd.Wait()
		close(p.exited)
	}()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("server: %w", err), p.Stop())
	}
	return p, nil
}

// hello reads the child's one line: both addresses and the certificate.
func (p *Process) hello(r io.Reader) error {
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		return fmt.Errorf("the child says nothing: %w", err)
	}
	words := strings.Fields(line)
	if len(words) != 3 {
		return fmt.Errorf("the child says %q", line)
	}
	der, err := base64.StdEncoding.DecodeString(words[2])
	if err != nil {
		return err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	p.Addr, p.TLSAddr = words[0], words[1]
	p.Roots = x509.NewCertPool()
	p.Roots.AddCert(cert)
	return nil
}

// Stop ends the child and waits for it.
func (p *Process) Stop() error {
	p.stdin.Close()
	<-p.exited
	err := p.err
	if p.dir != "" {
		err = errors.Join(err, os.RemoveAll(p.dir))
	}
	return err
}

// Ended tells that the server has ended without Stop, or does so within wait: what
// goes wrong then is not the client's fault. It is nil while the server runs.
func (p *Process) Ended(wait time.Duration) error {
	select {
	case <-p.exited:
		return fmt.Errorf("the server has ended: %w", cmp.Or(p.err, errors.New("exit status 0")))
	case <-time.After(wait):
		return nil
	}
}

// Child is the main of the server process: it serves until standard input
// ends, which it does when the parent stops it or dies.
func Child() error {
	signal.Ignore(os.Interrupt) // which is for the parent
	if len(os.Args) > 4 && os.Args[2] == childForeign {
		return runForeign(os.Args[3], os.Args[4:])
	}
	if len(os.Args) != 5 {
		return fmt.Errorf("%s is how a benchmark starts its server, and nothing to be called by hand", ChildArg)
	}
	window, err := strconv.ParseInt(os.Args[3], 10, 32)
	if err != nil {
		return err
	}
	late, err := time.ParseDuration(os.Args[4])
	if err != nil {
		return err
	}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	cert, err := certificate()
	if err != nil {
		return err
	}
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	tlsConfig := &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}}
	serve := Serve
	if os.Args[2] == childHTTP2 {
		tlsConfig.NextProtos = []string{"h2"}
		serve = func(l net.Listener) error { return serveHTTP2(l, int32(window)) }
	}
	secure := tls.NewListener(inner, tlsConfig)
	addrs := []string{plain.Addr().String(), secure.Addr().String()}
	if late > 0 {
		for i := range addrs {
			p, err := delay.Listen(addrs[i], late)
			if err != nil {
				return err
			}
			addrs[i] = p.Addr()
		}
	}
	ended := make(chan error, 3)
	// These three goroutines end with the process.
	go func() { ended <- serve(plain) }()
	go func() { ended <- serve(secure) }()
	go func() { _, err := io.Copy(io.Discard, os.Stdin); ended <- err }()
	fmt.Println(addrs[0], addrs[1], base64.StdEncoding.EncodeToString(cert.Certificate[0]))
	return <-ended
}
