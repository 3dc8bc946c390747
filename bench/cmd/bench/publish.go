package main

import (
	"bytes"
	"errors"
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
		if err := errors.Join(report.Table(&tables, s), report.Ratios(&tables, s)); err != nil {
			return err
		}
	}
	fmt.Fprintln(&tables)
	if err := report.Aims(&tables, scenarios); err != nil {
		return err
	}
	if _, err := stdout.Write(tables.Bytes()); err != nil {
		return err
	}
	var about bytes.Buffer
	header(&about, f)
	for _, x := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{f.html, func(w io.Writer) error { return report.HTML(w, about.String(), scenarios) }},
		{f.markdown, func(w io.Writer) error { return report.Markdown(w, scenarios) }},
	} {
		if x.name == "" {
			continue
		}
		var b bytes.Buffer
		if err := x.write(&b); err != nil {
			return err
		}
		if err := os.WriteFile(x.name, b.Bytes(), 0o644); err != nil {
			return err
		}
		fmt.Fprintln(stdout, "\nreport:", x.name)
	}
	if f.out == "" {
		return nil
	}
	file := about
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
			switch m.Path {
			case "github.com/valyala/fasthttp", "github.com/go-resty/resty/v2", "golang.org/x/net":
				name := strings.TrimSuffix(m.Path, "/v2")
				fmt.Fprintf(w, "%s: %s\n", name[strings.LastIndexByte(name, '/')+1:], m.Version)
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
	if f.scenes == nil {
		fmt.Fprintf(w, "server: %s\n", f.server)
	}
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
