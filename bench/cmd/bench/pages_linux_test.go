package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// showPages has the test's own program start itself anew and say with what.
const showPages = "BENCH_TEST_SHOW_PAGES"

func init() {
	if os.Getenv(showPages) == "" {
		return
	}
	if err := keepPages(); err != nil {
		os.Stdout.WriteString(err.Error())
	}
	os.Stdout.WriteString(os.Getenv("GODEBUG"))
	os.Exit(0)
}

func TestKeepPages(t *testing.T) {
	for env, want := range map[string]string{
		"":                           "madvdontneed=0",
		"gctrace=0":                  "gctrace=0,madvdontneed=0",
		"madvdontneed=1,cpu.avx=on":  "madvdontneed=1,cpu.avx=on",
		"madvdontneed=0,inittrace=0": "madvdontneed=0,inittrace=0",
	} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), showPages+"=1", "GODEBUG="+env)
		out, err := cmd.Output()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("GODEBUG=%q: %q, %v; want %q", env, got, err, want)
		}
	}
}
