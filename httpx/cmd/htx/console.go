package main

import (
	"fmt"
	"io"
	"os"

	"github.com/fatih/color"
	"golang.org/x/term"
)

// console is where the command writes. Immutable; used by one goroutine.
type console struct {
	out, err io.Writer
	// outTerminal and errTerminal: a person looks at it, so output is made
	// readable, and may be redrawn.
	outTerminal, errTerminal bool
	// colour: out and err may hold escape sequences.
	colour bool
}

func stdConsole() *console {
	c := &console{out: os.Stdout, err: os.Stderr, outTerminal: isTerminal(os.Stdout), errTerminal: isTerminal(os.Stderr)}
	// https://no-color.org: any value but the empty one means no colours.
	c.colour = c.outTerminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return c
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

func (c *console) printf(format string, args ...any) { fmt.Fprintf(c.out, format, args...) }

// complain writes one line to standard error.
func (c *console) complain(format string, args ...any) {
	fmt.Fprintf(c.err, "htx: "+format+"\n", args...)
}

func (c *console) usage(format string, args ...any) int {
	c.complain(format, args...)
	fmt.Fprintln(c.err, "htx --help tells what there is")
	return exitUsage
}

// paint colours s where colours are wanted.
func (c *console) paint(s string, attrs ...color.Attribute) string {
	if !c.colour {
		return s
	}
	p := color.New(attrs...)
	p.EnableColor() // the decision was made above, not by the package
	return p.Sprint(s)
}

func (c *console) bold(s string) string  { return c.paint(s, color.Bold) }
func (c *console) faint(s string) string { return c.paint(s, color.Faint) }
func (c *console) green(s string) string { return c.paint(s, color.FgGreen) }
func (c *console) red(s string) string   { return c.paint(s, color.FgRed) }
func (c *console) cyan(s string) string  { return c.paint(s, color.FgCyan) }
