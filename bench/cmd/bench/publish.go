package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"gohttpx.dev/bench/report"
)

// checkFiles finds out whether what publish and profile write can be written, before
// the clock runs and not after an hour.
func (f flags) checkFiles() error {
	if f.out != "" {
		if err := os.MkdirAll(f.out, 0o755); err != nil {
			return fmt.Errorf("-out: %w", err)
		}
		probe, err := os.CreateTemp(f.out, ".probe")
		if err != nil {
			return fmt.Errorf("-out: %w", err)
		}
		if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
			return fmt.Errorf("-out: %w", err)
		}
	}
	for _, x := range []struct{ name, file string }{
		{"html", f.html}, {"markdown", f.markdown}, {"cpuprofile", f.cpuProfile}, {"memprofile", f.memProfile},
	} {
		if x.file == "" {
			continue
		}
		_, missing := os.Stat(x.file)
		probe, err := os.OpenFile(x.file, os.O_WRONLY|os.O_CREATE, 0o644)
		if err != nil {
			return fmt.Errorf("-%s: %w", x.name, err)
		}
		err = probe.Close()
		if missing != nil { // an empty file would be taken for a report
			err = errors.Join(err, os.Remove(x.file))
		}
		if err != nil {
			return fmt.Errorf("-%s: %w", x.name, err)
		}
	}
	return nil
}

// publish prints the tables and saves them with every round's numbers. The file
// is input for benchstat, which skips the tables. What cannot be written does not
// keep it from writing the rest. ended is the error that ended the run, if one did.
func publish(f flags, scenarios []report.Scenario, ended error, stdout io.Writer) error {
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
	_, err := stdout.Write(tables.Bytes())
	errs := []error{err}
	var about bytes.Buffer
	header(&about, f, ended)
	save := func(say string, write func(io.Writer) error, open func() (*os.File, error)) {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			errs = append(errs, err)
			return
		}
		file, err := open()
		if err != nil {
			errs = append(errs, err)
			return
		}
		_, err = file.Write(b.Bytes())
		if err = errors.Join(err, file.Close()); err == nil {
			_, err = fmt.Fprintln(stdout, "\n"+say, file.Name())
		}
		errs = append(errs, err)
	}
	if f.html != "" {
		save("report:", func(w io.Writer) error { return report.HTML(w, about.String(), scenarios) },
			func() (*os.File, error) { return os.Create(f.html) })
	}
	if f.markdown != "" {
		save("report:", func(w io.Writer) error { return report.Markdown(w, scenarios) },
			func() (*os.File, error) { return os.Create(f.markdown) })
	}
	if f.out != "" {
		save("saved as", func(w io.Writer) error {
			if _, err := w.Write(about.Bytes()); err != nil {
				return err
			}
			for _, s := range scenarios {
				if err := report.Lines(w, s); err != nil {
					return err
				}
			}
			for line := range strings.Lines(tables.String()) {
				fmt.Fprintln(w, strings.TrimRight("# "+line, " \n"))
			}
			return nil
		}, f.resultFile)
	}
	return errors.Join(errs...)
}

// resultFile makes a new file in f.out: two runs in one minute have two.
func (f flags) resultFile() (*os.File, error) {
	base := filepath.Join(f.out, time.Now().Format("2006-01-02T1504")+"-"+f.machine)
	name := base + ".txt"
	for i := 2; ; i++ {
		file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if !errors.Is(err, fs.ErrExist) {
			return file, err
		}
		name = fmt.Sprintf("%s-%d.txt", base, i)
	}
}

// header writes what the numbers depend on, as benchstat's configuration lines.
func header(w io.Writer, f flags, ended error) {
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
	if ended != nil {
		for line := range strings.Lines(ended.Error()) {
			fmt.Fprintf(w, "# incomplete: %s\n", strings.TrimSpace(line))
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
