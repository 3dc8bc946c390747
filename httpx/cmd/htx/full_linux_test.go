package main

import (
	"os"
	"strings"
	"testing"
)

// A disk that is full is no file that cannot be read, which is what curl's 26 is.
func TestFullDisk(t *testing.T) {
	url := testServer(t, fixed("text/plain", "content\n"), nil)
	t.Run("A25.11 standard output", func(t *testing.T) {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer full.Close()
		var errs strings.Builder
		cmd := invocation{args: []string{url, "--exit-codes"}}.command(t)
		cmd.Stdout, cmd.Stderr = full, &errs
		if code := exitCode(t, cmd.Run()); code != 23 || !strings.Contains(errs.String(), "not written: ") {
			t.Errorf("exit code %d: %s", code, &errs)
		}
	})
	t.Run("A25.8 a download", func(t *testing.T) {
		if r := htx(t, url, "-o", "/dev/full", "--exit-codes"); r.code != 23 || !strings.Contains(r.err, "not written: write /dev/full: ") {
			t.Error(r)
		}
	})
	t.Run("A25.8 the head of a download", func(t *testing.T) {
		var errs strings.Builder
		name := t.TempDir() + "/file"
		code := run(t.Context(), []string{url, "-i", "-o", name}, &console{out: &fullDisk{}, err: &errs})
		if b, err := os.ReadFile(name); code != exitOK || string(b) != "content\n" {
			t.Errorf("exit code %d, %q, %v: %s", code, b, err, &errs)
		}
	})
}
