//go:build linux || darwin

package main

import (
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/creack/pty"
)

func init() { everywhere = append(everywhere, where{"on a terminal", true, inTerminal}) }

// inTerminal runs the command on pseudo-terminals, one for standard input and
// output, which controls the process, and one for standard error. Line ends are
// as the program wrote them.
func inTerminal(t *testing.T, i invocation) result {
	t.Helper()
	cmd := i.command(t)
	out, errs := openTerminal(t, ""), openTerminal(t, i.asked)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = out.tty, out.tty, errs.tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// The process has its own; with these open nobody would see its end.
	out.tty.Close()
	errs.tty.Close()
	if i.asked != "" {
		<-errs.text.seen
	}
	if i.during != nil {
		i.during(cmd.Process, out.pty)
	} else if _, err := out.pty.WriteString(i.stdin); err != nil {
		t.Error(err)
	}
	code := exitCode(t, cmd.Wait())
	return result{code, out.all(), errs.all()}
}

// terminal is a pseudo-terminal and what was written to it.
type terminal struct {
	pty, tty *os.File
	text     *watcher
	read     sync.WaitGroup
}

func openTerminal(t *testing.T, wait string) *terminal {
	t.Helper()
	p, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(p, &pty.Winsize{Rows: 40, Cols: 100}); err != nil {
		t.Fatal(err)
	}
	term := &terminal{pty: p, tty: tty, text: &watcher{want: wait, seen: make(chan struct{})}}
	// Ends when the last descriptor of the terminal's other side is closed.
	term.read.Go(func() { io.Copy(term.text, p) })
	t.Cleanup(func() { tty.Close(); p.Close() })
	return term
}

// all returns what was written, when nobody can write any more.
func (t *terminal) all() string {
	t.read.Wait()
	return strings.ReplaceAll(t.text.String(), "\r\n", "\n")
}
