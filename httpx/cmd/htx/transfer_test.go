//go:build linux || darwin

package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// noise is n bytes that are the same each time.
func noise(n int64) io.Reader {
	var seed [32]byte
	return io.LimitReader(rand.NewChaCha8(seed), n)
}

func noiseServer(t *testing.T) string {
	return testServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			n, err := io.Copy(io.Discard, r.Body)
			fmt.Fprintf(w, "%d bytes, %v\n", n, err)
			return
		}
		n, err := strconv.ParseInt(r.URL.Query().Get("n"), 10, 64)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
		io.Copy(w, noise(n))
	}), nil)
}

// A hundred mebibytes show a bar and arrive whole, in the memory that one
// mebibyte takes.
func TestLargeTransfers(t *testing.T) {
	url := noiseServer(t)
	const small, large = 1 << 20, 100 << 20
	sum := sha256.New()
	io.Copy(sum, noise(large))
	file := filepath.Join(t.TempDir(), "large")

	t.Run("A25.8 a large download", func(t *testing.T) {
		before := memoryOf(t, url+"?n="+strconv.Itoa(small), "-o", filepath.Join(t.TempDir(), "small"))
		after := memoryOf(t, url+"?n="+strconv.Itoa(large), "-o", file)
		if after > before+24<<20 {
			t.Errorf("%s of memory for the large file, %s for the small one", size(after), size(before))
		}
		digestIs(t, file, sum.Sum(nil))
	})
	t.Run("A25.8 a bar with rate and time", func(t *testing.T) {
		name := filepath.Join(t.TempDir(), "file")
		r := inTerminal(t, invocation{args: []string{url + "?n=" + strconv.Itoa(large), "-o", name}})
		if r.code != exitOK {
			t.Fatal(r)
		}
		bar := strings.Split(r.err, "\r")
		seen := false
		for _, b := range bar {
			seen = seen || strings.Contains(b, "% |") && strings.Contains(b, "█") && strings.Contains(b, "iB/s") && strings.Contains(b, "s:") && strings.Contains(b, "MiB, ")
		}
		if !seen || len(bar) < 5 {
			t.Errorf("no bar in %q", r.err)
		}
		if !strings.Contains(bar[len(bar)-1], "100 %, 100.0 MiB of 100.0 MiB, ") {
			t.Errorf("the last line is %q", bar[len(bar)-1])
		}
		digestIs(t, name, sum.Sum(nil))
		onlyFile(t, name)
	})
	t.Run("A25.8 a bar for an upload", func(t *testing.T) {
		for _, args := range [][]string{{"--content-file", file}, {"-f", "up", file}} {
			r := inTerminal(t, invocation{args: append([]string{url}, args...)})
			if r.code != exitOK || !strings.Contains(r.out, " bytes, <nil>") {
				t.Fatal(r)
			}
			if !strings.Contains(r.err, "sending") || !strings.Contains(r.err, "% |") || !strings.Contains(r.err, "iB/s") || strings.Contains(r.err, "\n") {
				t.Errorf("%q", r.err)
			}
			if r := inPipe(t, invocation{args: append([]string{url}, args...)}); r.code != exitOK || r.err != "" {
				t.Errorf("a pipe shows no upload\n%v", r)
			}
		}
	})
	t.Run("A25.8 a bar for each attempt of an upload", func(t *testing.T) {
		again := failing(1)
		url := testServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			again(w, r)
		}), nil)
		r := inTerminal(t, invocation{args: []string{url, "--content-file", file, "-m", "PUT", "--retry", "1"}})
		_, second, ok := strings.Cut(r.err, "attempt 1: 503 Service Unavailable")
		if r.code != exitOK || !ok || !strings.Contains(second, "  0% |") || !strings.Contains(second, "100 MiB") {
			t.Error(r)
		}
	})
	t.Run("A25.8 nobody reads how it goes on", func(t *testing.T) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		r.Close()
		name := filepath.Join(t.TempDir(), "file")
		cmd := invocation{args: []string{url + "?n=" + strconv.Itoa(large), "-o", name}}.command(t)
		cmd.Stderr = w
		if code := exitCode(t, cmd.Run()); code != exitOK {
			t.Errorf("exit code %d", code)
		}
		digestIs(t, name, sum.Sum(nil))
		onlyFile(t, name)
	})
	t.Run("A25.8 into a device", func(t *testing.T) {
		if r := inPipe(t, invocation{args: []string{url + "?n=1000", "-o", os.DevNull}}); r.code != exitOK || !strings.Contains(r.err, "100 %") {
			t.Error(r)
		}
		if st, err := os.Stat(os.DevNull); err != nil || st.Mode().IsRegular() {
			t.Errorf("%v, %v", st, err)
		}
	})
}

// memoryOf runs the command and returns the most memory it had, in bytes.
func memoryOf(t *testing.T, args ...string) int64 {
	t.Helper()
	cmd := invocation{args: args}.command(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	most := int64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
	if runtime.GOOS == "linux" {
		most <<= 10 // KiB there, bytes on macOS
	}
	return most
}

func digestIs(t *testing.T, name string, want []byte) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	if err != nil || string(sum.Sum(nil)) != string(want) {
		t.Errorf("%d bytes, %v, and another digest", n, err)
	}
}

// Interrupted in the middle, by a signal or by Ctrl-C on the terminal, a download
// leaves nothing behind, and a file that was there stays.
func TestInterruptedDownload(t *testing.T) {
	// Where the tests run in the background these may be ignored, and would be by
	// the command as well.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, os.Interrupt, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(caught) })
	for _, tc := range []struct {
		name string
		run  func(*testing.T, invocation) result
		end  func(p *os.Process, keyboard io.Writer)
	}{
		{"SIGINT", inPipe, func(p *os.Process, _ io.Writer) { p.Signal(os.Interrupt) }},
		{"SIGTERM", inPipe, func(p *os.Process, _ io.Writer) { p.Signal(syscall.SIGTERM) }},
		{"SIGHUP", inPipe, func(p *os.Process, _ io.Writer) { p.Signal(syscall.SIGHUP) }},
		{"Ctrl-C on a terminal", inTerminal, func(_ *os.Process, keyboard io.Writer) { keyboard.Write([]byte{3}) }},
		{"SIGINT on a terminal", inTerminal, func(p *os.Process, _ io.Writer) { p.Signal(os.Interrupt) }},
	} {
		t.Run("A25.8 "+tc.name, func(t *testing.T) {
			t.Parallel()
			// More than the buffers between hold: when all of it is written,
			// some of it is in the file.
			const part = 32 << 20
			sent := make(chan struct{})
			url := testServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", strconv.Itoa(2*part))
				io.Copy(w, noise(part))
				w.(http.Flusher).Flush()
				close(sent)
				<-r.Context().Done()
			}), nil)
			dir := t.TempDir()
			name := filepath.Join(dir, "file")
			if err := os.WriteFile(name, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			r := tc.run(t, invocation{args: []string{"--exit-codes", url, "-o", name}, during: func(p *os.Process, keyboard io.Writer) {
				<-sent
				if parts, err := filepath.Glob(filepath.Join(dir, ".file.*.part")); err != nil || len(parts) != 1 {
					t.Errorf("while it goes on: %v, %v", parts, err)
				}
				tc.end(p, keyboard)
			}})
			if r.code != 130 || !strings.Contains(r.err, " signal received") {
				t.Error(r)
			}
			onlyFile(t, name)
			if b, err := os.ReadFile(name); string(b) != "old" {
				t.Errorf("%d bytes, %v", len(b), err)
			}
		})
	}
}
