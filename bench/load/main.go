package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// The exit codes.
const (
	exitOK          = 0   // every request was answered, and passed the checks
	exitFailed      = 1   // some were not, or did not; or a report could not be written
	exitUsage       = 2   // the command line or a file of it is wrong; nothing was sent
	exitDown        = 3   // no connection could be made; nothing was sent
	exitNotHeld     = 4   // nothing failed, but the rate was not held
	exitInterrupted = 130 // the run was interrupted; what there was is reported
)

func main() {
	if os.Getenv("GOGC") == "" {
		// The heap is small and what is allocated is short-lived: fewer
		// collections, at the price of a few MiB.
		debug.SetGCPercent(800)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second one ends the process
	code := run(ctx, os.Args[1:], console{in: os.Stdin, out: os.Stdout, err: os.Stderr, live: isTerminal(os.Stderr)})
	stop()
	os.Exit(code)
}

// console is where the command reads and writes.
type console struct {
	in       io.Reader
	out, err io.Writer
	live     bool // err is a terminal: the progress may overwrite itself
}

// isTerminal reports whether f is a character device. /dev/null is one too, where
// it does no harm.
func isTerminal(f *os.File) bool {
	fi, err := f.Stat()
	return err == nil && fi.Mode()&os.ModeCharDevice != 0
}

// fail prints an error and returns code.
func (con console) fail(code int, err error) int {
	fmt.Fprintln(con.err, "load:", err)
	return code
}

// run is the whole command; it returns the exit code. The end of ctx is Ctrl-C.
func run(ctx context.Context, args []string, con console) int {
	if len(args) > 0 && args[0] == "merge" {
		return runMerge(args[1:], con)
	}
	o, err := parseFlags(args, con)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return con.fail(exitUsage, fmt.Errorf("%w\nload -h lists the flags", err))
	}
	plan, err := newPlan(o, con.in)
	if err != nil {
		return con.fail(exitUsage, err)
	}
	d, err := newDialer(o, plan)
	if err != nil {
		return con.fail(exitUsage, err)
	}
	endProfile, err := startProfile(o.cpuProfile)
	if err != nil {
		return con.fail(exitUsage, err)
	}
	res, err := execute(ctx, o, plan, d, con)
	if profErr := endProfile(); profErr != nil {
		con.fail(exitFailed, profErr)
	}
	if err != nil {
		if ctx.Err() != nil {
			return con.fail(exitInterrupted, errors.New("interrupted before the first request"))
		}
		return con.fail(exitDown, err)
	}
	return publish(res, o.outputs, con)
}

// publish writes the reports and returns the exit code that the result deserves.
func publish(res *result, out outputs, con console) int {
	err := out.write(res, con)
	switch {
	case err != nil:
		return con.fail(exitFailed, err)
	case res.Interrupted:
		return exitInterrupted
	case res.failed() > 0:
		return exitFailed
	case res.notHeld():
		return exitNotHeld
	}
	return exitOK
}
