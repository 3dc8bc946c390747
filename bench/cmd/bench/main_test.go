package main

import (
	"bytes"
	"context"
	"errors"
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
			err := run(t.Context(), []string{kind, "-c", "1,4", "-rounds", "2", "-slice", "2ms", "-out", dir, "-machine", "here"}, &stdout, &stderr)
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
				err := run(t.Context(), []string{"-proto", proto, "-server", name, "-c", "1,40", "-rounds", "2", "-slice", "2ms", "-out", ""}, &stdout, &stderr)
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
	err := run(t.Context(), []string{"-subjects", "floor", "-c", "1", "-rounds", "1", "-slice", "1ms", "-out", "", "-cpuprofile", cpu, "-memprofile", mem}, &out, &out)
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
		{"-c 0", "is no number from 1"},
		{"-c 1000000", "is no number from 1"},
		{"-c 1,4,1", "1 is there twice"},
		{"-heap -1", "-heap must be"},
		{"-heap 1000000000", "-heap must be"},
		{"-procs -1", "-procs must not"},
		{"-machine a/b", "-machine must be"},
		{"-scenario idle -heap -1", "-heap must be"},
		{"-idle 5", "-idle is for"},
		{"-proto h2 -server nginx -size 100000000 -c 64", "MiB of files"},
		{"-scenario idle -idle 1 -out /dev/null/x", "-out: mkdir"},
		{"-scenario idle -idle 1 -out= -html /nowhere/x", "-html: open"},
		{"-scenario idle -idle 1 -out= -markdown /", "-markdown: open"},
		{"-subjects floor -c 1 -out= -cpuprofile /nowhere/x", "-cpuprofile: open"},
		{"-subjects floor -c 1 -out= -memprofile /nowhere/x", "-memprofile: open"},
		{"-c 1,,2", "is no number from 1"},
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
		if err := run(t.Context(), strings.Fields(tt.args), &out, &out); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: the error is %v, expected %q in it", tt.args, err, tt.want)
		}
	}
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-list"}, &out, &out); err != nil || strings.Count(out.String(), "\n") != len(subject.All())+1+len(scene.All()) {
		t.Errorf("-list: %v\n%s", err, out.String())
	}
}

// watched is a writer that calls f for what is written.
type watched struct{ f func(line string) }

func (w watched) Write(p []byte) (int, error) { w.f(string(p)); return len(p), nil }

// What an interrupted run has finished is published, and says that it is not all.
func TestInterrupted(t *testing.T) {
	for _, tt := range []struct{ args, at, has, hasNot string }{
		{"-scenario h1-1,connect", "connect: 1 of 2", "h1-1: GET", "connect: GET"},
		{"-subjects floor -c 1,3", "c=3: round 1 of 2", "1 goroutine\n", "3 goroutines"},
	} {
		dir := t.TempDir()
		ctx, cancel := context.WithCancelCause(t.Context())
		var stdout bytes.Buffer
		stderr := watched{func(line string) {
			if strings.HasPrefix(line, tt.at) {
				cancel(errInterrupted)
			}
		}}
		args := append(strings.Fields(tt.args), "-rounds", "2", "-slice", "2ms", "-machine", "here", "-out", dir)
		if err := run(ctx, args, &stdout, stderr); !errors.Is(err, errInterrupted) {
			t.Errorf("%s: the error is %v", tt.args, err)
		}
		if out := stdout.String(); !strings.Contains(out, tt.has) || strings.Contains(out, tt.hasNot) {
			t.Errorf("%s: expected %q and not %q in\n%s", tt.args, tt.has, tt.hasNot, out)
		}
		files, _ := filepath.Glob(filepath.Join(dir, "*-here.txt"))
		if len(files) != 1 {
			t.Fatalf("%d files in the results directory", len(files))
		}
		if file, err := os.ReadFile(files[0]); err != nil || strings.Count(string(file), "\n# incomplete: c") != 1 || !strings.Contains(string(file), "interrupted\n") {
			t.Errorf("%v; not said to be incomplete:\n%s", err, file)
		}
	}
}

// -heap is held while the clock runs, and -procs is what the client has.
func TestHeapAndProcs(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	dir := t.TempDir()
	least := uint64(1 << 62)
	stderr := watched{func(string) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		least = min(least, m.HeapAlloc)
	}}
	var stdout bytes.Buffer
	err := run(t.Context(), []string{"-subjects", "floor", "-c", "1", "-rounds", "2", "-slice", "1ms", "-heap", "64", "-procs", "1", "-out", dir, "-machine", "here"}, &stdout, stderr)
	if err != nil {
		t.Fatal(err)
	}
	if least < 64<<20 || least > 1<<40 {
		t.Errorf("%d bytes live", least)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.txt"))
	if file, err := os.ReadFile(files[0]); err != nil || !strings.Contains(string(file), "\ngomaxprocs: 1\n") || !strings.Contains(string(file), "\nheap-mib: 64\n") {
		t.Errorf("%v in\n%s", err, file)
	}
}

// Two runs in one minute have two files, and one report that cannot be written does
// not cost the others.
func TestPublish(t *testing.T) {
	dir := t.TempDir()
	notAFile := filepath.Join(dir, "folder")
	if err := os.Mkdir(notAFile, 0o755); err != nil {
		t.Fatal(err)
	}
	f := flags{out: dir, machine: "here", html: notAFile, markdown: filepath.Join(dir, "tables.md")}
	for range 12 {
		var stdout bytes.Buffer
		if err := publish(f, nil, nil, &stdout); err == nil || !strings.Contains(err.Error(), "is a directory") {
			t.Errorf("the error is %v", err)
		}
		if n := strings.Count(stdout.String(), dir); n != 2 {
			t.Errorf("%d files are named in %q", n, stdout.String())
		}
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*-here*.txt")); len(files) != 12 {
		t.Errorf("%d files after 12 runs: %q", len(files), files)
	}
	if f.checkFiles() == nil {
		t.Error("a folder is taken for a file that can be written")
	}
	f.html = filepath.Join(dir, "report.html")
	if err := f.checkFiles(); err != nil {
		t.Error(err)
	}
	if all, _ := filepath.Glob(filepath.Join(dir, "*")); len(all) != 14 {
		t.Errorf("the check left something: %q", all)
	}
	if hidden, _ := filepath.Glob(filepath.Join(dir, ".probe*")); len(hidden) != 0 {
		t.Errorf("the check left %q", hidden)
	}
}

// Scenarios by name, with a report; the list is the same as in the package.
func TestRunScenes(t *testing.T) {
	dir := t.TempDir()
	page, tables := filepath.Join(dir, "report.html"), filepath.Join(dir, "tables.md")
	var stdout, stderr bytes.Buffer
	err := run(t.Context(), []string{"-scenario", "h1-1,idle*,h1-1", "-idle", "20", "-subjects", "nethttp,httpx", "-rounds", "2", "-slice", "2ms", "-out", dir, "-html", page, "-markdown", tables}, &stdout, &stderr)
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
