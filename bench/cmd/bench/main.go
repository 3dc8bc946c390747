// Command bench measures the HTTP clients in package subject against each
// other. See the README of the module for how to run it and how to read what it
// prints.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"gohttpx.dev/bench/measure"
	"gohttpx.dev/bench/report"
	"gohttpx.dev/bench/scene"
	"gohttpx.dev/bench/server"
	"gohttpx.dev/bench/subject"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == server.ChildArg {
		if err := server.Child(); err != nil {
			fmt.Fprintln(os.Stderr, "server:", err)
			os.Exit(1)
		}
		return
	}
	if err := keepPages(); err != nil {
		fmt.Fprintln(os.Stderr, "bench: clients that allocate pay for pages anew in each slice:", err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	go func() { // ends with the process
		<-interrupts
		cancel(errInterrupted)
		signal.Stop(interrupts) // the next one ends it at once
	}()
	switch err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		if errors.Is(err, errInterrupted) {
			os.Exit(130)
		}
		os.Exit(1)
	}
}

// errInterrupted is the end of a run by the user.
var errInterrupted = errors.New("interrupted")

// defaultHeapMiB is the live heap of a small service. Without it a benchmark's heap is
// 4 MiB, and the collector runs every 1,500 requests of a client that allocates.
const defaultHeapMiB = 16

// flags are the command line.
type flags struct {
	conns       []int
	rounds      int
	slice       time.Duration
	size        int
	tls         bool
	proto       subject.Proto
	server      string
	cancellable bool
	subjects    []subject.Subject
	heapMiB     int
	procs       int
	out         string
	machine     string
	cpuProfile  string
	memProfile  string
	list        bool
	scenes      []scene.Scene
	short       bool // the scenes are those of the short run
	html        string
	markdown    string
	idle        int
}

func parse(args []string, stderr io.Writer) (flags, error) {
	f := flags{conns: []int{1, 64, 256}}
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Func("c", "numbers of goroutines, and of connections, `n,…` (default 1,64,256)", func(s string) (err error) {
		f.conns, err = numbers(s)
		return err
	})
	fs.Func("subjects", "who takes part, `name,…` (default all, see -list)", func(s string) (err error) {
		f.subjects, err = chosen(s)
		return err
	})
	fs.IntVar(&f.rounds, "rounds", measure.MinRounds, "rounds; each subject has one slice in each")
	fs.DurationVar(&f.slice, "slice", 400*time.Millisecond, "length of a slice, a tenth more to warm up")
	fs.IntVar(&f.size, "size", 1024, "content bytes per response")
	fs.BoolVar(&f.tls, "tls", false, "over TLS, which -proto h2 always is")
	fs.StringVar((*string)(&f.proto), "proto", string(subject.HTTP1), "h1, h2 or h2c (HTTP/2 in cleartext)")
	fs.StringVar(&f.server, "server", server.Go, "who answers: "+strings.Join(server.Names(), ", "))
	fs.BoolVar(&f.cancellable, "cancellable", false, "give requests a context that could be cancelled")
	fs.IntVar(&f.heapMiB, "heap", defaultHeapMiB, "live heap to hold beside, in MiB, as a program has that does something; with next to none the garbage collector runs far more often than in any")
	fs.IntVar(&f.procs, "procs", 0, "GOMAXPROCS of the client (default Go's own)")
	fs.StringVar(&f.out, "out", "results", "`directory` of the file with all rounds; empty for none")
	fs.StringVar(&f.machine, "machine", fmt.Sprintf("%s-%s-%dcpu", runtime.GOOS, runtime.GOARCH, runtime.NumCPU()), "`name` of this machine in the file's name")
	fs.StringVar(&f.cpuProfile, "cpuprofile", "", "write a CPU profile to `file`; takes one subject and one -c")
	fs.StringVar(&f.memProfile, "memprofile", "", "write a profile of every allocation to `file`; takes one subject and one -c, and makes all slow")
	fs.BoolVar(&f.list, "list", false, "list the subjects and the scenarios")
	fs.Func("scenario", "scenarios to run in place of one GET, `name,…`; * stands for any text, all for all, short for those that the aims are about, with fewer subjects", func(s string) (err error) {
		f.scenes, f.short, err = chosenScenes(s)
		return err
	})
	fs.IntVar(&f.idle, "idle", 0, "connections of the scenarios about idle ones (default 10000, short 500, or what the system permits)")
	fs.StringVar(&f.html, "html", "", "write a report with charts to `file`")
	fs.StringVar(&f.markdown, "markdown", "", "write the outcome as tables in Markdown to `file`")
	if err := fs.Parse(args); err != nil {
		return f, err
	}
	switch {
	case f.heapMiB < 0 || f.heapMiB > maxHeapMiB:
		return f, fmt.Errorf("-heap must be from 0 to %d", maxHeapMiB)
	case f.procs < 0:
		return f, errors.New("-procs must not be negative")
	case f.machine == "" || strings.ContainsAny(f.machine, `/\`):
		return f, errors.New("-machine must be a name without / and \\, for it is part of a file's name")
	case f.scenes != nil:
		return f, f.checkScenes(fs)
	case f.idle != 0:
		return f, errors.New("-idle is for the scenarios about idle connections")
	}
	if f.subjects == nil {
		f.subjects = subject.Speaking(f.proto)
	}
	switch {
	case f.proto != subject.HTTP1 && f.proto != subject.HTTP2 && f.proto != subject.HTTP2Cleartext:
		return f, fmt.Errorf("-proto must be %s, %s or %s", subject.HTTP1, subject.HTTP2, subject.HTTP2Cleartext)
	case !slices.Contains(server.Names(), f.server):
		return f, fmt.Errorf("-server must be one of %s", strings.Join(server.Names(), ", "))
	case f.proto == subject.HTTP2Cleartext && f.tls:
		return f, errors.New("-proto h2c is without TLS")
	case f.proto == subject.HTTP1 && f.server != server.Go:
		return f, errors.New("-server is for HTTP/2; over HTTP/1.1 the server is our own")
	case slices.ContainsFunc(f.subjects, func(s subject.Subject) bool { return !s.Speaks(f.proto) }):
		return f, fmt.Errorf("one of the subjects speaks no %s", map[bool]string{true: "HTTP/1.1", false: "HTTP/2"}[f.proto == subject.HTTP1])
	case fs.NArg() > 0:
		return f, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	case f.rounds < 1 || f.slice <= 0:
		return f, errRounds
	case f.size < server.TokenLen || f.size > server.MaxSize:
		return f, fmt.Errorf("-size must be from %d to %d", server.TokenLen, server.MaxSize)
	case f.server != server.Go && len(subject.Tokens(1))*slices.Max(f.conns)*f.size > maxFiles:
		return f, fmt.Errorf("-size and -c ask for more than %d MiB of files, which %s serves", maxFiles>>20, f.server)
	case f.cpuProfile+f.memProfile != "" && (len(f.subjects) != 1 || len(f.conns) != 1):
		return f, errors.New("a profile takes exactly one subject and one -c, or it would mix them")
	}
	f.tls = f.tls || f.proto == subject.HTTP2
	return f, nil
}

const (
	// maxHeapMiB is far beyond what is of use.
	maxHeapMiB = 16 << 10
	// maxConns is beyond what one address has ports for.
	maxConns = 1 << 16
	// maxFiles is how many bytes of files are laid out for a foreign server.
	maxFiles = 1 << 30
)

var errRounds = errors.New("-rounds and -slice must be positive")

func numbers(s string) ([]int, error) {
	var ns []int
	for word := range strings.SplitSeq(s, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 || n > maxConns {
			return nil, fmt.Errorf("%q is no number from 1 to %d", word, maxConns)
		}
		if slices.Contains(ns, n) {
			return nil, fmt.Errorf("%d is there twice", n)
		}
		ns = append(ns, n)
	}
	return ns, nil
}

func chosen(s string) ([]subject.Subject, error) {
	var all []subject.Subject
	for word := range strings.SplitSeq(s, ",") {
		one, err := subject.Named(word)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(all, func(x subject.Subject) bool { return x.Name == one.Name }) {
			return nil, fmt.Errorf("%s is named twice", word)
		}
		all = append(all, one)
	}
	return all, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	f, err := parse(args, stderr)
	if err != nil {
		return err
	}
	if f.list {
		for _, s := range subject.All() {
			fmt.Fprintf(stdout, "%-16s %s\n", s.Name, s.What)
		}
		fmt.Fprintln(stdout)
		for _, s := range scene.All() {
			fmt.Fprintf(stdout, "%-16s %s\n", s.Name, s.What)
		}
		return nil
	}
	if f.procs > 0 {
		runtime.GOMAXPROCS(f.procs)
	}
	// Live but never looked at: without pointers it costs the collector
	// nothing to mark, and only raises the heap size that starts a cycle.
	ballast := make([]byte, f.heapMiB<<20)
	defer runtime.KeepAlive(ballast)

	if err := f.checkFiles(); err != nil {
		return err
	}
	measureIt := measureAll
	if f.scenes != nil {
		measureIt = runScenes
	}
	scenarios, err := measureIt(ctx, f, stderr)
	if len(scenarios) == 0 {
		return err
	}
	// What was measured before an error is as good as it would be without.
	return errors.Join(err, publish(f, scenarios, err, stdout))
}

// measureAll runs one plan per number of goroutines.
func measureAll(ctx context.Context, f flags, stderr io.Writer) (all []report.Scenario, err error) {
	p, err := server.Spawn(server.Config{
		Name: f.server, HTTP2: f.proto != subject.HTTP1, TLS: f.tls, Size: f.size, Tokens: subject.Tokens(slices.Max(f.conns)),
	})
	if err != nil {
		return nil, err
	}
	defer p.Stop()
	stop, err := profile(f)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	o := subject.Options{Proto: f.proto, Addr: p.Addr, Size: f.size}
	if f.tls {
		o.Addr, o.Roots = p.TLSAddr, p.Roots
	}
	if f.cancellable {
		parent, cancel := context.WithCancel(context.Background())
		defer cancel()
		o.Context = func() context.Context {
			// Each goroutine has one of its own, so that they do not meet at
			// its lock; cancelling the parent releases all.
			ctx, cancel := context.WithCancel(parent)
			context.AfterFunc(parent, cancel)
			return ctx
		}
	}
	for _, c := range f.conns {
		o.Conns = c
		started := time.Now()
		results, err := measure.Plan{
			Entries: measure.Entries(f.subjects, o), Rounds: f.rounds, Slice: f.slice,
			Progress: func(round int) {
				fmt.Fprintf(stderr, "c=%d: round %d of %d, %.0f s\n", c, round, f.rounds, time.Since(started).Seconds())
			},
		}.Run(ctx)
		if err != nil {
			return all, errors.Join(fmt.Errorf("c=%d: %w", c, err), p.Ended(200*time.Millisecond))
		}
		all = append(all, report.Scenario{Conns: c, Size: f.size, TLS: f.tls, Proto: f.proto, Server: f.server, Results: results})
	}
	return all, nil
}
