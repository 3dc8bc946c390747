package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"strings"
	"testing"
	"time"

	"gohttpx.dev/httpx"
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

func TestDemo(t *testing.T) {
	for _, terminal := range []bool{false, true} {
		t.Run(fmt.Sprintf("terminal %v", terminal), func(t *testing.T) {
			start := time.Now()
			r := htxOn(t, &console{outTerminal: terminal, errTerminal: terminal, colour: painter(terminal)}, "demo")
			if r.code != exitOK || r.err != "" {
				t.Fatal(r)
			}
			if d := time.Since(start); d > 15*time.Second {
				t.Errorf("the demo took %s", d)
			}
			for _, want := range []string{
				`the server understood page=["2"] tag=["new" "a&b"]`,
				"the lamp came back as {Name:desk Watts:7}",
				"404 Not Found",
				"100 %, 256.0 MiB of 256.0 MiB",
				"dials 1, reuses 9",
				"TLS 1.3",
				"pool timeout", "connect timeout", "read timeout", "write timeout",
				"context canceled: the user has closed the window",
				"connections open 0, dials under way 0, waiting 0",
				fmt.Sprintf("%d steps, all as they should be", len(steps())),
			} {
				if !strings.Contains(r.out, want) {
					t.Errorf("no %q in\n%s", want, r.out)
				}
			}
			if n := strings.Count(r.out, "✓"); n != len(steps()) {
				t.Errorf("%d ticks for %d steps", n, len(steps()))
			}
			if got := strings.Contains(r.out, "\x1b["); got != terminal {
				t.Errorf("escape sequences: %v", got)
			}
			if !terminal && strings.Contains(r.out, "\r") {
				t.Error("a plain line holds a carriage return")
			}
		})
	}
}

// A step that is not as it should be ends the demo with exit code 1.
func TestDemoStepFails(t *testing.T) {
	var after bool
	ok := step{title: "fine", run: func(context.Context, *tour) (string, error) { return "one\ntwo", nil }}
	bad := step{title: "odd", run: func(context.Context, *tour) (string, error) { return "", wanted("colour", "red", "blue") }}
	late := step{title: "late", run: func(context.Context, *tour) (string, error) { after = true; return "", nil }}
	var out, errs strings.Builder
	tr := &tour{con: &console{out: &out, err: &errs}}
	if code := tr.take(t.Context(), []step{ok, bad, late}); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	if after || !strings.Contains(out.String(), "✗ colour: wanted blue, got red") || strings.Contains(out.String(), "as they should be") ||
		!strings.Contains(errs.String(), "step 2 (odd)") {
		t.Errorf("%s\n%s", &out, &errs)
	}
}

// The checks of the demo can fail.
func TestDemoChecks(t *testing.T) {
	timeout := &httpx.Error{Op: "head", Sent: true, Err: httpx.ErrReadTimeout}
	if _, err := timeoutResult(timeout, "", "httpx.ErrWriteTimeout", httpx.ErrWriteTimeout, true); err == nil {
		t.Error("one timeout passes for another")
	}
	if _, err := timeoutResult(nil, "", "httpx.ErrReadTimeout", httpx.ErrReadTimeout, false); err == nil {
		t.Error("no error passes for a timeout")
	}
	_, early := timed(func() error { return timeout })
	if errors.Is(early, httpx.ErrReadTimeout) || early == nil {
		t.Error("a timeout that comes at once passes")
	}
	c, err := httpx.New()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s, err := startServers()
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	held, err := c.Stream(t.Context(), "GET", s.http+"/large")
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	last := lastStep()
	if _, err := last.run(ctx, &tour{http: s.http, clients: []*httpx.Client{c}}); err == nil {
		t.Error("a response that is still open passes for nothing left behind")
	}
}

// Interrupted, the demo ends at once.
func TestDemoInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs strings.Builder
	if code := run(ctx, []string{"demo"}, &console{out: &out, err: &errs}); code != exitFailed || errs.String() != "htx: demo: interrupted in step 1 (GET with a query)\n" {
		t.Errorf("exit code %d\n%s\n%s", code, &out, &errs)
	}
}
