package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"gohttpx.dev/bench/scene"
	"gohttpx.dev/bench/server"
	"gohttpx.dev/bench/subject"
)

// The test binary is its own server, as the command is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == server.ChildArg {
		if err := server.Child(); err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// One short run of everything: all subjects, cleartext and TLS, tables and
// file.
func TestRun(t *testing.T) {
	for _, kind := range []string{"-tls=false", "-tls=true"} {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			var stdout, stderr bytes.Buffer
			err := run([]string{kind, "-c", "1,4", "-rounds", "2", "-slice", "2ms", "-out", dir, "-machine", "here"}, &stdout, &stderr)
			if err != nil {
				t.Fatalf("%v\n%s", err, stderr.String())
			}
			files, _ := filepath.Glob(filepath.Join(dir, "*-here.txt"))
			if len(files) != 1 {
				t.Fatalf("%d files in the results directory", len(files))
			}
			file, err := os.ReadFile(files[0])
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range subject.Speaking(subject.HTTP1) {
				if n := strings.Count(string(file), fmt.Sprintf("/subject=%s-%d\t", s.Name, runtime.GOMAXPROCS(0))); n != 4 {
					t.Errorf("%d lines of %s in the file, expected 2 rounds at 2 numbers of goroutines", n, s.Name)
				}
				if n := strings.Count(stdout.String(), s.Name+" "); n < 2 {
					t.Errorf("%s is not in both tables", s.Name)
				}
			}
			if !strings.Contains(stdout.String(), files[0]) {
				t.Error("the output does not say where the file is")
			}
		})
	}
}

// The same over HTTP/2, with every server that is there.
func TestRunHTTP2(t *testing.T) {
	for _, name := range server.Names() {
		for _, proto := range []string{"h2", "h2c"} {
			t.Run(name+"/"+proto, func(t *testing.T) {
				if _, err := exec.LookPath(name); err != nil && name != server.Go {
					if os.Getenv("INTEROP_REQUIRED") != "" {
						t.Fatalf("%v, and INTEROP_REQUIRED is set", err)
					}
					t.Skipf("%v; make interop-deps installs it", err)
				}
				var stdout, stderr bytes.Buffer
				err := run([]string{"-proto", proto, "-server", name, "-c", "1,40", "-rounds", "2", "-slice", "2ms", "-out", ""}, &stdout, &stderr)
				if err != nil {
					t.Fatalf("%v\n%s", err, stderr.String())
				}
				for _, s := range subject.Speaking(subject.HTTP2) {
					if n := strings.Count(stdout.String(), s.Name+" "); n < 2 {
						t.Errorf("%s is not in both tables", s.Name)
					}
				}
				if !strings.Contains(stdout.String(), "from "+name+", HTTP/2") {
					t.Errorf("no title in\n%s", stdout.String())
				}
			})
		}
	}
}

func TestProfiles(t *testing.T) {
	dir := t.TempDir()
	cpu, mem := filepath.Join(dir, "cpu.prof"), filepath.Join(dir, "mem.prof")
	var out bytes.Buffer
	err := run([]string{"-subjects", "floor", "-c", "1", "-rounds", "1", "-slice", "1ms", "-out", "", "-cpuprofile", cpu, "-memprofile", mem}, &out, &out)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{cpu, mem} {
		if info, err := os.Stat(name); err != nil || info.Size() == 0 {
			t.Errorf("no profile in %s: %v", name, err)
		}
	}
}

func TestFlags(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"-c 0", "no positive number"},
		{"-c 1,,2", "no positive number"},
		{"-subjects nobody", "no subject is called"},
		{"-subjects floor,floor", "named twice"},
		{"-rounds 0", "must be positive"},
		{"-slice 0s", "must be positive"},
		{"-size 15", "-size must be"},
		{"-cpuprofile x", "exactly one subject"},
		{"-c 1,2 -subjects floor -memprofile x", "exactly one subject"},
		{"extra", "unexpected argument"},
		{"-proto h3", "-proto must be"},
		{"-server nobody", "-server must be"},
		{"-server nginx", "-server is for HTTP/2"},
		{"-proto h2c -tls", "without TLS"},
		{"-proto h2 -subjects fasthttp", "speaks no HTTP/2"},
		{"-subjects xnet", "speaks no HTTP/1.1"},
		{"-scenario nobody", "no scenario is called"},
		{"-scenario h1-*,[", "syntax error"},
		{"-scenario idle -c 4", "-c is for a GET without a name"},
		{"-scenario idle -idle -1", "must not be negative"},
		{"-scenario idle -rounds 0", "must be positive"},
		{"-scenario idle extra", "unexpected argument"},
	} {
		var out bytes.Buffer
		if err := run(strings.Fields(tt.args), &out, &out); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: the error is %v, expected %q in it", tt.args, err, tt.want)
		}
	}
	var out bytes.Buffer
	if err := run([]string{"-list"}, &out, &out); err != nil || strings.Count(out.String(), "\n") != len(subject.All())+1+len(scene.All()) {
		t.Errorf("-list: %v\n%s", err, out.String())
	}
}

// Scenarios by name, with a report; the list is the same as in the package.
func TestRunScenes(t *testing.T) {
	dir := t.TempDir()
	page, tables := filepath.Join(dir, "report.html"), filepath.Join(dir, "tables.md")
	var stdout, stderr bytes.Buffer
	err := run([]string{"-scenario", "h1-1,idle*,h1-1", "-idle", "20", "-subjects", "nethttp,httpx", "-rounds", "2", "-slice", "2ms", "-out", dir, "-html", page, "-markdown", tables}, &stdout, &stderr)
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	for _, want := range []string{"h1-1: GET 1 KiB", "idle: idle connections", "idle-tls: idle connections", "aims: ", page, tables} {
		if n := strings.Count(stdout.String(), want); n != 1 {
			t.Errorf("%d times %q in\n%s", n, want, stdout.String())
		}
	}
	for name, want := range map[string]string{page: "<svg", tables: "| idle | `httpx` | 20 |"} {
		if file, err := os.ReadFile(name); err != nil || !strings.Contains(string(file), want) {
			t.Errorf("%s: %v, or no %q", name, err, want)
		}
	}
}
