//go:build unix

package server

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The test binary is its own server, as the command is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == ChildArg {
		if err := Child(); err != nil {
			fmt.Fprintln(os.Stderr, "server:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// spawn starts a server that ends with the test.
func spawn(t *testing.T, cfg Config) *Process {
	t.Helper()
	p, err := Spawn(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop() })
	return p
}

// askOne makes one request and returns the line of the status.
func askOne(t *testing.T, p *Process, secure bool) string {
	t.Helper()
	nc, err := net.Dial("tcp", p.Addr)
	if secure {
		nc, err = tls.Dial("tcp", p.TLSAddr, &tls.Config{RootCAs: p.Roots})
	}
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	fmt.Fprintf(nc, "GET /32/%s HTTP/1.1\r\nHost: x\r\n\r\n", token)
	line, err := bufio.NewReader(nc).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return line
}

func TestSpawn(t *testing.T) {
	const oneWay = 20 * time.Millisecond
	p := spawn(t, Config{Delay: oneWay})
	for secure, trips := range map[bool]time.Duration{false: 1, true: 2} {
		start := time.Now()
		if line := askOne(t, p, secure); line != "HTTP/1.1 200 OK\r\n" {
			t.Errorf("TLS %t: answered %q", secure, line)
		}
		if d := time.Since(start); d < trips*2*oneWay {
			t.Errorf("TLS %t: answered after %v, expected %d round trips of %v", secure, d, trips, 2*oneWay)
		}
	}
	// The keys of a terminal reach its whole foreground; the server is the parent's.
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if line := askOne(t, p, false); line != "HTTP/1.1 200 OK\r\n" || p.Ended(0) != nil {
		t.Errorf("interrupted: answered %q, %v", line, p.Ended(0))
	}
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
	p = spawn(t, Config{})
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := p.Ended(time.Minute); err == nil || !strings.Contains(err.Error(), "the server has ended: signal: killed") {
		t.Errorf("killed: %v", err)
	}
}

// fake puts a program into the PATH, alone.
func fake(t *testing.T, name, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	t.Setenv("TMPDIR", t.TempDir())
}

// left are the files that are left in the folder for such.
func left(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(os.TempDir(), "*"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A server that does not start is known at once, and leaves nothing.
func TestForeignEndsAtOnce(t *testing.T) {
	fake(t, "nghttpd", "exit 3")
	start := time.Now()
	_, err := Spawn(Config{Name: "nghttpd", HTTP2: true, Size: 64, Tokens: []string{token}})
	if err == nil || !strings.Contains(err.Error(), "nghttpd: the server has ended") || time.Since(start) > startTimeout/2 {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
	if files := left(t); len(files) > 0 {
		t.Errorf("left are %q", files)
	}
}

// Neither the server nor its folder outlives the benchmark: here the parent only
// lets go of the pipe, as when it is killed.
func TestForeignIsAbandoned(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	s, _, err := layOut(Config{Size: 64, Tokens: []string{token}})
	if err != nil {
		t.Fatal(err)
	}
	if files := left(t); len(files) != 1 {
		t.Fatalf("laid out are %q", files)
	}
	p, err := spawnChild(childForeign, s.Dir, "/bin/sleep", "60")
	if err != nil {
		t.Fatal(err)
	}
	p.stdin.Close()
	<-p.exited
	if files := left(t); p.err != nil || len(files) > 0 {
		t.Errorf("%v; left are %q", p.err, files)
	}
}
