package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"time"
)

// serveEnv makes the program the servers' process; its value is the seed.
const serveEnv = "HTTPX_SOAK_SERVE"

// config is the command line.
type config struct {
	duration    time.Duration
	every       time.Duration
	seed        uint64
	concurrency int
	rate        int
	servers     string
}

func main() {
	if os.Getenv(serveEnv) != "" {
		serve()
		return
	}
	var c config
	flag.DurationVar(&c.duration, "duration", time.Minute, "how long requests are begun")
	flag.DurationVar(&c.every, "every", 10*time.Second, "time between lines of progress")
	flag.Uint64Var(&c.seed, "seed", 0, "makes the same choices again, if not at the same moments; 0 draws one")
	flag.IntVar(&c.concurrency, "concurrency", 64, "requests at a time")
	flag.IntVar(&c.rate, "rate", 0, "requests per second, 0 for as many as will go")
	flag.StringVar(&c.servers, "servers", "", "the program that serves, to have it built without the race detector; empty for this one")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	good, err := soak(ctx, c, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
	if !good {
		os.Exit(1)
	}
}

// soak is one run. It reports whether every promise was kept.
func soak(ctx context.Context, c config, out io.Writer) (good bool, err error) {
	for c.seed == 0 {
		c.seed = rand.Uint64()
	}
	child, err := startChild(c.servers, c.seed)
	if err != nil {
		return false, err
	}
	defer child.stop()
	fmt.Fprintf(out, "seed %d: %d at a time for %v, by %d ways to the servers and through %d proxies\n",
		c.seed, c.concurrency, c.duration, len(child.site.Routes), len(child.site.HTTPProxies)+len(child.site.SOCKSProxies))
	before := measure()
	l, err := newLoad(c, &child.site, out)
	if err != nil {
		return false, err
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, c.duration)
	defer cancel()
	done := make(chan struct{})
	// Ends with the run, which is waited for below.
	go func() {
		defer close(done)
		l.run(ctx)
		l.final()
	}()
	tick, watch := time.NewTicker(c.every), time.NewTicker(time.Second)
	defer tick.Stop()
	defer watch.Stop()
	for over := false; !over; {
		select {
		case <-tick.C:
			fmt.Fprintln(out, l.progress(time.Since(began)))
		case <-watch.C:
			if what := l.hung(); what != "" {
				fmt.Fprintf(out, "%s\n\nFAIL hung for %v: %s\n", stacks(), hangAfter, what)
				return false, nil
			}
		case <-done:
			over = true
		}
	}
	report, err := child.report()
	if err != nil {
		return false, err
	}
	good = l.finish(before, report)
	return good, nil
}

// serverReport is what the servers say at the end.
type serverReport struct {
	Repeated int64 // requests carried out twice that must not be
	Panics   int64
}

// serve is the servers' process: it says where they are, reports when it is told
// anything, and ends with its standard input.
func serve() {
	seed, _ := strconv.ParseUint(os.Getenv(serveEnv), 10, 64)
	s, err := startServers(seed)
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
	defer s.close()
	out := json.NewEncoder(os.Stdout)
	out.Encode(s.site)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		out.Encode(serverReport{s.origin.repeated.Load(), s.origin.panics.Load()})
	}
}

// child is the servers' process from outside, so that what they hold is not
// counted as the client's.
type child struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *json.Decoder
	site site
}

func startChild(program string, seed uint64) (c *child, err error) {
	if program == "" {
		if program, err = os.Executable(); err != nil {
			return nil, err
		}
	}
	c = &child{cmd: exec.Command(program)}
	c.cmd.Env = append(os.Environ(), serveEnv+"="+strconv.FormatUint(seed, 10))
	c.cmd.Stderr = os.Stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	c.out = json.NewDecoder(out)
	if err := c.out.Decode(&c.site); err != nil {
		c.stop()
		return nil, fmt.Errorf("the servers did not start: %w", err)
	}
	return c, nil
}

// report asks how often promises were broken.
func (c *child) report() (r serverReport, err error) {
	if _, err := io.WriteString(c.in, "report\n"); err != nil {
		return r, err
	}
	return r, c.out.Decode(&r)
}

func (c *child) stop() {
	c.in.Close()
	c.cmd.Wait()
}
