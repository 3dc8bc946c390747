package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

// runMerge is "load merge": the reports of several runs as one.
func runMerge(args []string, con console) int {
	var out outputs
	fs := flag.NewFlagSet("load merge", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	out.define(fs)
	files, err := parseMixed(fs, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(con.out, mergeUsage)
		fs.SetOutput(con.out)
		fs.PrintDefaults()
		return exitOK
	case err == nil && len(files) == 0:
		err = errors.New("merge: no files")
	case err == nil:
		err = out.check()
	}
	if err != nil {
		return con.fail(exitUsage, fmt.Errorf("%w\nload merge -h lists the flags", err))
	}
	var all *result
	for _, name := range files {
		r, err := readHist(name)
		if err != nil {
			return con.fail(exitUsage, err)
		}
		switch {
		case all == nil:
			all = r
		case (all.Rate > 0) != (r.Rate > 0):
			return con.fail(exitUsage, fmt.Errorf("%s: an open and a closed loop do not add up: their latency means different things", name))
		default:
			all.merge(r)
		}
	}
	return publish(all, out, con)
}

const mergeUsage = `Usage: load merge [-json FILE] [-html FILE] [-hist FILE] FILE.hist ...

Makes one report of the -hist files of several runs, which are taken to have been
made at the same time: rates and connections add up.

Flags:
`
