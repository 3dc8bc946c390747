package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"gohttpx.dev/httpx"
	"gohttpx.dev/tls"
)

// A step is one thing that the demo shows. It checks what it shows: an error
// ends the demo.
type step struct {
	title string
	// code is the gist, as a user of the library would write it.
	code string
	run  func(ctx context.Context, t *tour) (result string, err error)
}

// mostStep bounds a step, so that a fault cannot hang the demo.
const mostStep = 10 * time.Second

// tour is the state that the steps share; one goroutine uses it.
type tour struct {
	con   *console
	http  string // base URLs of the test server
	https string
	roots *x509.CertPool // trusts the test server

	silent string // an address where connections are accepted and nothing else
	short  string // the base URL of a server that cuts its response off

	client *httpx.Client // for http
	// clients are all that were made, to be looked at in the last step.
	clients []*httpx.Client
}

// runDemo starts the servers, takes the steps and returns the exit code.
func runDemo(ctx context.Context, con *console) int {
	// The servers are of this process; a proxy of the machine's would not find them.
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		os.Unsetenv(name)
	}
	s, err := startServers()
	if err != nil {
		con.complain("demo: %v", err)
		return exitFailed
	}
	defer s.stop()
	t := &tour{con: con, http: s.http, https: s.https, roots: s.roots, silent: s.silent, short: s.short}
	defer func() {
		for _, c := range t.clients {
			c.Close()
		}
	}()
	if t.client, err = t.newClient(httpx.WithBaseURL(t.http)); err != nil {
		con.complain("demo: %v", err)
		return exitFailed
	}
	con.printf("%s\n\n", con.bold("htx demo: what the HTTP client does, step by step"))
	con.printf("The servers run within this program, on loopback, and end with it:\n")
	con.printf("  %s  go-httpbin\n  %s the same over TLS, certificate made a moment ago\n\n", t.http, t.https)
	return t.take(ctx, steps())
}

// steps is the whole demo, in order.
func steps() []step {
	return append(append(mainSteps(), tlsSteps()...), append(faultSteps(), lastStep())...)
}

// take runs the steps until one is not as it should be.
func (t *tour) take(ctx context.Context, all []step) int {
	start := time.Now()
	for i, s := range all {
		t.con.printf("%s\n", t.con.bold(fmt.Sprintf("%2d. %s", i+1, s.title)))
		for line := range strings.Lines(s.code) {
			t.con.printf("    %s\n", t.con.cyan(strings.TrimSuffix(line, "\n")))
		}
		began := time.Now()
		result, err := s.bounded(ctx, t)
		if result != "" {
			for line := range strings.Lines(result) {
				t.con.printf("  %s %s\n", t.con.faint("→"), strings.TrimSuffix(line, "\n"))
			}
		}
		if err != nil && ctx.Err() != nil {
			t.con.complain("demo: interrupted in step %d (%s)", i+1, s.title)
			return exitFailed
		}
		if err != nil {
			t.con.printf("  %s\n", t.con.red("✗ "+err.Error()))
			t.con.complain("demo: step %d (%s) is not as it should be: %v", i+1, s.title, err)
			return exitFailed
		}
		t.con.printf("  %s %s\n\n", t.con.green("✓"), t.con.faint(short(time.Since(began))))
	}
	t.con.printf("%s\n", t.con.green(t.con.bold(fmt.Sprintf("%d steps, all as they should be, in %s", len(all), short(time.Since(start))))))
	return exitOK
}

func (s *step) bounded(ctx context.Context, t *tour) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, mostStep, errors.New("the step took too long"))
	defer cancel()
	return s.run(ctx, t)
}

// newClient makes a client that the last step will look at.
func (t *tour) newClient(opts ...httpx.ClientOption) (*httpx.Client, error) {
	c, err := httpx.New(opts...)
	if err == nil {
		t.clients = append(t.clients, c)
	}
	return c, err
}

// secureClient makes one that trusts the test server's certificate.
func (t *tour) secureClient() (*httpx.Client, error) {
	return t.newClient(httpx.WithBaseURL(t.https), httpx.WithTLS(tls.Options{RootCAs: t.roots}))
}

// lastStep looks at every client that was used.
func lastStep() step {
	return step{
		title: "Nothing is left behind",
		code:  "client.Shutdown(ctx)\nclient.Stats()",
		run: func(ctx context.Context, t *tour) (string, error) {
			dials, reuses, failed := int64(0), int64(0), int64(0)
			for i, c := range t.clients {
				// Shutdown waits for what is in use: a leak would make it late.
				if err := c.Shutdown(ctx); err != nil {
					return "", fmt.Errorf("client %d of %d: Shutdown: %w", i+1, len(t.clients), err)
				}
				s := c.Stats()
				if s.Open != 0 || s.Busy != 0 || s.Dialing != 0 || s.Waiting != 0 {
					return "", fmt.Errorf("after Shutdown client %d of %d has %d open connections, %d dials and %d waiters", i+1, len(t.clients), s.Open, s.Dialing, s.Waiting)
				}
				dials, reuses, failed = dials+int64(s.Dials), reuses+int64(s.Reuses), failed+int64(s.DialErrors)
				if _, err := c.Get(ctx, t.http+"/get"); !errors.Is(err, httpx.ErrClientClosed) {
					return "", fmt.Errorf("a request after Shutdown: wanted ErrClientClosed, got %v", err)
				}
			}
			return fmt.Sprintf("%d clients, %d dials, %d of them refused or given up, %d requests on connections kept alive\n"+
				"connections open 0, dials under way 0, waiting 0", len(t.clients), dials, failed, reuses), nil
		},
	}
}
