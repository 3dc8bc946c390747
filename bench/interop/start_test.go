package interop

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"text/template"
	"time"
)

const (
	// startTimeout is how long a server may take until it accepts connections.
	startTimeout = 20 * time.Second
	// stopTimeout is how long it may take to end when it is asked to.
	stopTimeout = 3 * time.Second
)

// running is a server that accepts connections.
type running struct {
	plain, secure string // host:port
	// reread makes the server read its configuration anew.
	reread func() error
}

// base is the start of every URL.
func (r running) base(scheme string) string {
	if scheme == "http" {
		return "http://" + r.plain
	}
	return "https://" + strings.Replace(r.secure, "127.0.0.1", "localhost", 1)
}

// speaks lists the schemes.
func (s server) speaks() []string {
	if s.schemes == nil {
		return []string{"http", "https"}
	}
	return s.schemes
}

// start starts s in front of the backend and returns when it accepts
// connections. It ends with t, and on Linux with the test process, however that
// ends.
func (s server) start(t *testing.T, certFile, backend string) running {
	t.Helper()
	var err error
	// A port that is free now may be taken when the server gets to it.
	for range 3 {
		var r running
		if r, err = s.tryStart(t, certFile, backend); err == nil {
			return r
		}
	}
	t.Fatal(err)
	panic("unreachable")
}

func (s server) tryStart(t *testing.T, certFile, backend string) (running, error) {
	dir := openDir(t)
	ports := freePorts(t, 2)
	site := site{
		Dir: dir, Root: docRoot(t), Config: filepath.Join(dir, "config"), Port: ports[0], TLSPort: ports[1],
		Cert: certFile, Backend: backend, IsRoot: os.Getuid() == 0,
	}
	writeFile(t, site.Config, render(t, s.config, site))
	for name, content := range s.files {
		writeFile(t, filepath.Join(dir, name), content)
	}
	var args []string
	for _, a := range s.args {
		args = append(args, render(t, a, site))
	}
	cmd := exec.Command(s.bin, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	log := &lockedBuffer{}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.WaitDelay = stopTimeout // whoever is left behind may hold the pipe
	dieWithParent(cmd)

	started, exited := make(chan error, 1), make(chan struct{})
	// The parent that a child dies with is a thread, on Linux: this goroutine
	// keeps its thread until the child has ended.
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(exited)
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return running{}, fmt.Errorf("%s: %w", s.name, err)
	}
	stop := func() {
		// Asked first, since a killed master leaves its workers behind.
		cmd.Process.Signal(os.Interrupt)
		giveUp := time.AfterFunc(stopTimeout, func() { cmd.Process.Kill() })
		<-exited
		giveUp.Stop()
	}
	host := s.host
	if host == "" {
		host = "127.0.0.1"
	}
	r := running{plain: fmt.Sprintf("%s:%d", host, ports[0]), secure: fmt.Sprintf("%s:%d", host, ports[1])}
	addrs := map[string]string{"http": r.plain, "https": r.secure}
	for _, scheme := range s.speaks() {
		addr := addrs[scheme]
		if err := awaitPort(addr, exited); err != nil {
			stop()
			return running{}, fmt.Errorf("%s: %w\n%s", s.name, err, log)
		}
	}
	r.reread = func() error {
		var args []string
		for _, a := range s.reload {
			args = append(args, render(t, a, site))
		}
		out, err := exec.Command(s.bin, args...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w\n%s", s.bin, err, out)
		}
		return nil
	}
	t.Cleanup(func() {
		stop()
		if t.Failed() {
			t.Logf("%s said:\n%s", s.name, log)
		}
	})
	return r, nil
}

// awaitPort waits until addr accepts a connection or the process has exited.
func awaitPort(addr string, exited <-chan struct{}) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.NewTimer(startTimeout)
	defer end.Stop()
	for {
		nc, err := net.Dial("tcp", addr)
		if err == nil {
			return nc.Close()
		}
		select {
		case <-exited:
			return errors.New("exited before it accepted connections")
		case <-end.C:
			return fmt.Errorf("no connection after %v: %w", startTimeout, err)
		case <-tick.C:
		}
	}
}

// freePorts returns n different ports that nobody listens on.
func freePorts(t *testing.T, n int) (ports []int) {
	t.Helper()
	for range n {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close() // after the last one is found
		ports = append(ports, ln.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

func render(t *testing.T, text string, data site) string {
	t.Helper()
	part := func(i int) func(string) string {
		return func(hostport string) string {
			host, port, _ := net.SplitHostPort(hostport)
			return []string{host, port}[i]
		}
	}
	tmpl, err := template.New("").Funcs(template.FuncMap{"host": part(0), "port": part(1), "modules": loadModules}).Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := tmpl.Execute(&b, data); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// loadModules finds the modules that are not built in.
func loadModules() map[string]string {
	files := map[string]string{}
	for _, m := range apacheModules {
		path := "/usr/lib/apache2/modules/mod_" + m + ".so"
		if _, err := os.Stat(path); err == nil {
			files[m] = path
		}
	}
	return files
}

// lockedBuffer is what a server prints.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
