package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"gohttpx.dev/bench/server"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == server.ChildArg {
		if err := server.Child(); err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// One short run: both clients, both ways.
func TestRun(t *testing.T) {
	var stdout, stderr bytes.Buffer
	for _, window := range []string{"0", "4"} {
		stdout.Reset()
		if err := run([]string{"-mib", "2", "-rounds", "2", "-rtt", "4ms", "-window", window}, &stdout, &stderr); err != nil {
			t.Fatalf("%v\n%s", err, stderr.String())
		}
		for _, want := range []string{"download: httpx ", "upload: httpx ", "medians of 2 paired rounds"} {
			if !strings.Contains(stdout.String(), want) {
				t.Errorf("no %q in\n%s", want, stdout.String())
			}
		}
	}
	for _, args := range []string{"-mib 0", "-mib 129", "-mib 17592186044416", "-rounds 0", "-window -1", "-window 1025", "-rtt -1s", "extra"} {
		if err := run(strings.Fields(args), &stdout, &stderr); err == nil {
			t.Errorf("%s is taken", args)
		}
	}
}
