package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"gohttpx.dev/bench/report"
	"gohttpx.dev/bench/scene"
)

// chosenScenes reads the value of -scenario.
func chosenScenes(s string) (some []scene.Scene, short bool, err error) {
	seen := map[string]bool{}
	for word := range strings.SplitSeq(s, ",") {
		found := false
		for _, one := range scene.All() {
			matches, err := path.Match(word, one.Name)
			if err != nil {
				return nil, false, err
			}
			if !matches && word != "all" && (word != "short" || !one.Short) {
				continue
			}
			found = true
			if !seen[one.Name] {
				seen[one.Name] = true
				some = append(some, one)
			}
		}
		if !found {
			return nil, false, fmt.Errorf("no scenario is called %q; -list shows all", word)
		}
	}
	return some, s == "short", nil
}

// checkScenes looks for flags that do not go with -scenario.
func (f flags) checkScenes(fs *flag.FlagSet) (err error) {
	fs.Visit(func(x *flag.Flag) {
		switch x.Name {
		case "c", "tls", "proto", "server", "size", "cancellable", "cpuprofile", "memprofile":
			err = fmt.Errorf("-%s is for a GET without a name: a scenario has its own", x.Name)
		}
	})
	switch {
	case err != nil:
		return err
	case fs.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", fs.Arg(0))
	case f.rounds < 1 || f.slice <= 0:
		return errRounds
	case f.idle < 0:
		return errors.New("-idle must not be negative")
	}
	return nil
}

// runScenes runs the scenarios one after the other. One that is not to be had on
// this machine is left out, with the reason.
func runScenes(ctx context.Context, f flags, stderr io.Writer) (all []report.Scenario, err error) {
	started := time.Now()
	env := scene.Env{
		Rounds: f.rounds, Slice: f.slice, Short: f.short, Only: f.subjects, IdleConns: f.idle,
		Progress: func(name string, round, rounds int) {
			fmt.Fprintf(stderr, "%s: %d of %d, %.0f s\n", name, round, rounds, time.Since(started).Seconds())
		},
	}
	for _, s := range f.scenes {
		one, err := s.Run(ctx, env)
		if errors.Is(err, scene.ErrUnavailable) {
			one.LeftOut = err.Error()
			fmt.Fprintf(stderr, "%s: left out: %v\n", s.Name, err)
		} else if err != nil {
			return all, fmt.Errorf("%s: %w", s.Name, err)
		}
		all = append(all, one)
	}
	return all, nil
}
