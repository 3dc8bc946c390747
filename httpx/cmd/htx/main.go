// Command htx sends HTTP requests from the command line, and shows by
// "htx demo" what the client behind it does.
//
//	htx https://example.org -p page 2 -v
//	htx http://127.0.0.1:8080/items -j '{"name":"lamp"}'
//	htx https://example.org/large.iso -o large.iso
//	htx demo
//
// On a terminal it prints the status line, the headers and the body, made
// readable; in a pipe it prints the body alone, byte for byte. The exit code is
// 0 if the final status is 2xx, 1 if it is another or the request failed, and 2
// if the command line is wrong.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"gohttpx.dev/httpx"
)

// The exit codes.
const (
	exitOK     = 0 // the status is 2xx; every step of the demo is as it should be
	exitFailed = 1 // another status, or no response at all
	exitUsage  = 2 // the command line is wrong; nothing was sent
)

func main() {
	ctx, stop := context.Background(), func() {}
	if list := endings(); len(list) > 0 { // no signal would stand for all
		ctx, stop = signal.NotifyContext(ctx, list...)
		context.AfterFunc(ctx, stop) // a second one ends the process
	}
	code := run(ctx, os.Args[1:], stdConsole())
	stop()
	os.Exit(code)
}

// endings are the signals that end a request in good order, so that half a
// download leaves nothing behind. Those that whoever started the process has
// switched off, as nohup does, stay off.
func endings() []os.Signal {
	var list []os.Signal
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			list = append(list, s)
		}
	}
	return list
}

// run is the whole command; it returns the exit code.
func run(ctx context.Context, args []string, con *console) int {
	own, out := *con, &sink{w: con.out}
	own.out = out
	own.err = &lockedWriter{w: con.err} // the client's goroutines write to it, too
	f := new(flags)
	code := own.run(ctx, args, f)
	// What prints looks at no error, and need not. With -o the file is what
	// matters, and it is there.
	if code == exitOK && out.err != nil && f.download == "" {
		return own.fail(f, out.err)
	}
	return code
}

// run reads args into f and does what they say.
func (c *console) run(ctx context.Context, args []string, f *flags) int {
	if len(args) > 0 && args[0] == "demo" {
		if len(args) > 1 {
			return c.usage("demo takes no arguments")
		}
		return runDemo(ctx, c)
	}
	read, err := parseFlags(args)
	if err != nil {
		return c.usage("%s", plain(err))
	}
	*f = *read
	switch {
	case f.help:
		c.printf("%s", helpText())
		return exitOK
	case f.version:
		c.printf("htx %s\n", httpx.Version)
		return exitOK
	}
	if f.noColor {
		c.colour, c.errColour = false, false
	}
	return runRequest(ctx, f, c)
}
