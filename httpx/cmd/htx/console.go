package main

import (
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/fatih/color"
	"golang.org/x/term"
)

// console is where the command writes. Immutable once run has it.
type console struct {
	out io.Writer // used by one goroutine
	err io.Writer // by several, which run makes safe
	// outTerminal and errTerminal: a person looks at it, so output is made
	// readable, and may be redrawn.
	outTerminal, errTerminal bool
	columns                  int // how wide the terminal is; 0: not known
	// colour and errColour: out and err may hold escape sequences.
	colour, errColour painter
}

func stdConsole() *console {
	c := &console{out: os.Stdout, err: os.Stderr, outTerminal: isTerminal(os.Stdout), errTerminal: isTerminal(os.Stderr)}
	for _, f := range []*os.File{os.Stdout, os.Stderr} {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil {
			c.columns = w // of standard error where both are terminals: it has the bars
		}
	}
	// https://no-color.org: any value but the empty one means no colours.
	if os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" {
		c.colour, c.errColour = painter(c.outTerminal), painter(c.errTerminal)
	}
	return c
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// barColumns is what newProgress wants to know of a stream: how wide a terminal
// is, 0 for what is none.
func (c *console) barColumns(terminal bool) int {
	switch {
	case !terminal:
		return 0
	case c.columns <= 0:
		return 80
	}
	return c.columns
}

func (c *console) printf(format string, args ...any) { fmt.Fprintf(c.out, format, args...) }

// complain writes one line to standard error.
func (c *console) complain(format string, args ...any) {
	fmt.Fprintf(c.err, "htx: "+format+"\n", args...)
}

// tell writes lines that are beside the matter to standard error.
func (c *console) tell(s string) { fmt.Fprintln(c.err, c.errColour.faint(s)) }

func (c *console) usage(format string, args ...any) int {
	c.complain(format, args...)
	fmt.Fprintln(c.err, "htx --help tells what there is")
	return exitUsage
}

func (c *console) bold(s string) string  { return c.colour.bold(s) }
func (c *console) faint(s string) string { return c.colour.faint(s) }
func (c *console) green(s string) string { return c.colour.green(s) }
func (c *console) red(s string) string   { return c.colour.red(s) }
func (c *console) cyan(s string) string  { return c.colour.cyan(s) }

// painter colours what it is given, if it is true.
type painter bool

func (p painter) paint(s string, attrs ...color.Attribute) string {
	if !p {
		return s
	}
	c := color.New(attrs...)
	c.EnableColor() // the decision was made before, not by the package
	return c.Sprint(s)
}

func (p painter) bold(s string) string  { return p.paint(s, color.Bold) }
func (p painter) faint(s string) string { return p.paint(s, color.Faint) }
func (p painter) green(s string) string { return p.paint(s, color.FgGreen) }
func (p painter) red(s string) string   { return p.paint(s, color.FgRed) }
func (p painter) cyan(s string) string  { return p.paint(s, color.FgCyan) }

// sink writes to w and remembers the first failure.
type sink struct {
	w   io.Writer
	err error // an errNotWritten
}

func (s *sink) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if err != nil {
		err = fmt.Errorf("%w: %w", errNotWritten, err)
		if s.err == nil {
			s.err = err
		}
	}
	return n, err
}

// lockedWriter lets several goroutines write to w, one call at a time.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
