package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// actAsHTX makes this test binary the command.
const actAsHTX = "HTX_TEST_ACT_AS_HTX"

func TestMain(m *testing.M) {
	if os.Getenv(actAsHTX) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// mostProcess is the longest that a run of the command may take on a machine
// that is busy.
const mostProcess = 2 * time.Minute

// invocation is a run of the command in a process of its own.
type invocation struct {
	args  []string
	env   []string
	stdin string
	// asked is what the command writes to standard error before it waits for
	// stdin, "" if it does not ask.
	asked string
	// during is called once asked is there, instead of writing stdin. keyboard
	// is nil in a pipe.
	during func(p *os.Process, keyboard io.Writer)
}

// command makes the process, in an environment that holds nothing of the
// machine's.
func (i invocation) command(t *testing.T) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), mostProcess)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, exe, i.args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append([]string{actAsHTX + "=1", "HOME=" + cmd.Dir, "TERM=xterm", "SYSTEMROOT=" + os.Getenv("SYSTEMROOT"), "GOCOVERDIR=" + cmd.Dir}, i.env...)
	return cmd
}

// inPipe runs it with its output in pipes.
func inPipe(t *testing.T, i invocation) result {
	t.Helper()
	cmd := i.command(t)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(i.stdin), &out, &errs
	if i.during != nil {
		w := &watcher{want: i.asked, seen: make(chan struct{})}
		cmd.Stderr = w
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if i.asked != "" {
			<-w.seen
		}
		i.during(cmd.Process, nil)
		return result{exitCode(t, cmd.Wait()), out.String(), w.String()}
	}
	return result{exitCode(t, cmd.Run()), out.String(), errs.String()}
}

func exitCode(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	t.Fatal(err)
	return -1
}

// where is an environment that the command runs in.
type where struct {
	name     string
	terminal bool
	run      func(*testing.T, invocation) result
}

// everywhere are a pipe and, where there are any, a pseudo-terminal.
var everywhere = []where{{"in a pipe", false, inPipe}}

func (w where) String() string { return w.name }

var _ fmt.Stringer = where{}
