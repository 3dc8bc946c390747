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
)

// The exit codes.
const (
	exitOK     = 0 // the status is 2xx; every step of the demo is as it should be
	exitFailed = 1 // another status, or no response at all
	exitUsage  = 2 // the command line is wrong; nothing was sent
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second interrupt ends the process
	code := run(ctx, os.Args[1:], stdConsole())
	stop()
	os.Exit(code)
}

// run is the whole command; it returns the exit code.
func run(ctx context.Context, args []string, con *console) int {
	if len(args) > 0 && args[0] == "demo" {
		if len(args) > 1 {
			return con.usage("demo takes no arguments")
		}
		return runDemo(ctx, con)
	}
	f, err := parseFlags(args)
	switch {
	case err == errHelp:
		con.printf("%s", helpText())
		return exitOK
	case err != nil:
		return con.usage("%v", err)
	}
	return runRequest(ctx, f, con)
}
