package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// askSecrets asks for what the command line has left open by a "-".
func (f *flags) askSecrets(ctx context.Context, con *console) (err error) {
	switch f.promptsFor() {
	case "--auth USER":
		f.auth.value, err = con.askSecret(ctx, "password of "+tame(f.auth.name))
	case "--bearer":
		f.bearer, err = con.askSecret(ctx, "token")
	}
	return err
}

// askSecret reads a line that a terminal does not show. From a pipe it reads
// the first line.
func (c *console) askSecret(ctx context.Context, what string) (string, error) {
	stdin := os.Stdin
	read := func() (string, error) { return firstLine(stdin) }
	fd := int(stdin.Fd())
	terminal := term.IsTerminal(fd)
	if terminal {
		// Raw, so that the terminal shows nothing from before the prompt on.
		before, err := term.MakeRaw(fd)
		if err != nil {
			return "", err
		}
		defer term.Restore(fd, before)
		read = func() (string, error) {
			return term.NewTerminal(struct {
				io.Reader
				io.Writer
			}{stdin, c.err}, "").ReadPassword(what + ": ")
		}
	}
	type answer struct {
		secret string
		err    error
	}
	// Nothing can end a read from a terminal, and not from every pipe. So it has
	// a goroutine, which after a signal is left behind: the process is about to
	// end.
	done := make(chan answer, 1)
	go func() {
		secret, err := read()
		done <- answer{secret, err}
	}()
	var a answer
	select {
	case a = <-done:
	case <-ctx.Done():
		a.err = fmt.Errorf("%w: the %s was not entered", context.Cause(ctx), what)
	}
	if terminal && a.err != nil {
		fmt.Fprint(c.err, "\r\n")
	}
	if a.err == io.EOF {
		a.err = fmt.Errorf("standard input ended before the %s", what)
		if terminal { // Ctrl-C and Ctrl-D, which are no signals now
			a.err = fmt.Errorf("%w: the %s was not entered", context.Canceled, what)
		}
	}
	return a.secret, a.err
}

// firstLine reads up to the end of a line, or of all.
func firstLine(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, 64<<10)).ReadString('\n')
	if line != "" && err == io.EOF {
		err = nil
	}
	return strings.TrimRight(line, "\r\n"), err
}
