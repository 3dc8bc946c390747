package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"gohttpx.dev/bench/report"
)

// publish prints the tables and saves them with every round's numbers. The file
// is input for benchstat, which skips the tables.
func publish(f flags, scenarios []report.Scenario, stdout io.Writer) error {
	var tables bytes.Buffer
	for _, s := range scenarios {
		for _, print := range []func(io.Writer, report.Scenario) error{report.Table, report.Ratios, report.Aims} {
			if err := print(&tables, s); err != nil {
				return err
			}
		}
	}
	if _, err := stdout.Write(tables.Bytes()); err != nil {
		return err
	}
	if f.out == "" {
		return nil
	}
	var file bytes.Buffer
	header(&file, f)
	for _, s := range scenarios {
		if err := report.Lines(&file, s); err != nil {
			return err
		}
	}
	for line := range strings.Lines(tables.String()) {
		file.WriteString(strings.TrimRight("# "+line, " \n") + "\n")
	}
	if err := os.MkdirAll(f.out, 0o755); err != nil {
		return err
	}
	name := filepath.Join(f.out, fmt.Sprintf("%s-%s.txt", time.Now().Format("2006-01-02T1504"), f.machine))
	if err := os.WriteFile(name, file.Bytes(), 0o644); err != nil {
		return err
	}
	_, err := fmt.Fprintln(stdout, "\nsaved as", name)
	return err
}

// header writes what the numbers depend on, as benchstat's configuration lines.
func header(w io.Writer, f flags) {
	fmt.Fprintf(w, "goos: %s\ngoarch: %s\npkg: gohttpx.dev/bench\n", runtime.GOOS, runtime.GOARCH)
	if cpu := cpuModel(); cpu != "" {
		fmt.Fprintf(w, "cpu: %s\n", cpu)
	}
	fmt.Fprintf(w, "go: %s\n", runtime.Version())
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "github.com/valyala/fasthttp" {
				fmt.Fprintf(w, "fasthttp: %s\n", m.Version)
			}
		}
		for _, v := range info.Settings {
			// A comment: as a configuration line it would keep benchstat from
			// setting two revisions side by side.
			if v.Key == "vcs.revision" || v.Key == "vcs.modified" {
				fmt.Fprintf(w, "# %s %s\n", v.Key, v.Value)
			}
		}
	}
	fmt.Fprintf(w, "server: %s\n", f.server)
	fmt.Fprintf(w, "cpus: %d\ngomaxprocs: %d\nslice: %v\nheap-mib: %d\ncancellable: %t\n\n",
		runtime.NumCPU(), runtime.GOMAXPROCS(0), f.slice, f.heapMiB, f.cancellable)
}

// cpuModel returns the processor's name where the system tells it in a file.
func cpuModel() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
