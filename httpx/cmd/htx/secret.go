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
		f.auth.value, err = con.askSecret(ctx, "password of "+tame(f.auth.name)+": ")
	case "--bearer":
		f.bearer, err = con.askSecret(ctx, "token: ")
	}
	return err
}

// askSecret reads a line that a terminal does not show. From a pipe it reads
// the first line.
func (c *console) askSecret(ctx context.Context, prompt string) (string, error) {
	fd := int(os.Stdin.Fd())
	if !term.IsTerminal(fd) {
		line, err := bufio.NewReader(io.LimitReader(os.Stdin, 64<<10)).ReadString('\n')
		if err != nil && (err != io.EOF || line == "") {
			return "", fmt.Errorf("reading it from standard input: %w", err)
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	// Raw, so that the terminal shows nothing from before the prompt on.
	before, err := term.MakeRaw(fd)
	if err != nil {
		return "", err
	}
	defer term.Restore(fd, before)
	type answer struct {
		secret string
		err    error
	}
	// Nothing can end a read from a terminal. So it has a goroutine, which
	// after a signal is left behind: the process is about to end.
	done := make(chan answer, 1)
	go func() {
		secret, err := term.NewTerminal(struct {
			io.Reader
			io.Writer
		}{os.Stdin, c.err}, "").ReadPassword(prompt)
		done <- answer{secret, err}
	}()
	select {
	case a := <-done:
		if a.err == io.EOF { // Ctrl-C and Ctrl-D, which are no signals now
			fmt.Fprint(c.err, "\r\n")
			a.err = fmt.Errorf("%w: nothing was entered", context.Canceled)
		}
		return a.secret, a.err
	case <-ctx.Done():
		fmt.Fprint(c.err, "\r\n")
		return "", context.Cause(ctx)
	}
}
