package subject

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"gohttpx.dev/bench/server"
)

const (
	// Timeout is the inactivity timeout of every subject that has one: the
	// default of this library.
	Timeout = 5 * time.Second
	// IdleTimeout is how long connections stay while other subjects run.
	IdleTimeout = 10 * time.Minute
)

// Subject is one way of using one client.
type Subject struct {
	// Name is a word without '/' or spaces.
	Name string
	// Ours marks the subjects that are this library.
	Ours bool
	// What says in a few words how the client is used.
	What string
	// HTTP1Only marks those that speak no HTTP/2, HTTP2Only those that speak
	// nothing else.
	HTTP1Only, HTTP2Only bool
	// Open makes the client. It need not connect yet.
	Open func(Options) (Client, error)
}

// Proto is the version of HTTP that a run is about.
type Proto string

// The versions: HTTP2 stands for TLS and ALPN, HTTP2Cleartext for prior knowledge.
const (
	HTTP1          Proto = "h1"
	HTTP2          Proto = "h2"
	HTTP2Cleartext Proto = "h2c"
)

// Options are the same for every subject of a run.
type Options struct {
	// Proto is what is spoken; empty means HTTP1.
	Proto Proto
	// Addr is the server, host:port.
	Addr string
	// Roots, if set, asks for TLS and holds the server's certificate.
	Roots *x509.CertPool
	// Conns is the number of goroutines and the cap of connections, open and
	// idle. Over HTTP/2 the servers take so many streams that one connection
	// does.
	Conns int
	// Size is the number of content bytes per response, at least
	// server.TokenLen.
	Size int
	// Context, if set, is called once per goroutine and returns the context of
	// its requests, for the clients that take one. nil is
	// context.Background for all.
	Context func() context.Context
}

// Client is an open subject.
type Client interface {
	// Worker returns the exchange of goroutine i.
	Worker(i int) (Exchange, error)
	// Close closes all connections. No exchange runs.
	Close()
}

// Exchange makes one request and checks the response.
type Exchange func() error

// All lists the subjects in the order of the table: the floor, the rivals, and
// ours from the engine upwards.
func All() []Subject {
	return []Subject{floor, netHTTP, netHTTPTimeout, xNet, fastHTTP, engine, pooled, prepared, public}
}

// Speaks reports whether s can take part in a run about p; empty means HTTP1.
func (s Subject) Speaks(p Proto) bool {
	if p == HTTP1 || p == "" {
		return !s.HTTP2Only
	}
	return !s.HTTP1Only
}

// Speaking lists those that speak p.
func Speaking(p Proto) (some []Subject) {
	for _, s := range All() {
		if s.Speaks(p) {
			some = append(some, s)
		}
	}
	return some
}

// Named returns the subject of that name.
func Named(name string) (Subject, error) {
	for _, s := range All() {
		if s.Name == name {
			return s, nil
		}
	}
	return Subject{}, fmt.Errorf("no subject is called %q", name)
}

// scheme returns "http" or "https".
func (o Options) scheme() string {
	if o.Roots != nil {
		return "https"
	}
	return "http"
}

func (o Options) context() context.Context {
	if o.Context == nil {
		return context.Background()
	}
	return o.Context()
}

// around is how many tokens a goroutine goes around.
const around = 8

// isHTTP2 reports whether HTTP/2 is asked for.
func (o Options) isHTTP2() bool { return o.Proto == HTTP2 || o.Proto == HTTP2Cleartext }

// Tokens are those that n goroutines ask for.
func Tokens(n int) (all []string) {
	for worker := range n {
		for i := range around {
			all = append(all, token(worker, i))
		}
	}
	return all
}

func token(worker, i int) string { return fmt.Sprintf("%012x%04x", worker, i) }

// calls are the requests of one goroutine, made before the clock runs.
type calls struct {
	size    int
	at      int // the current one
	tokens  [around]string
	targets [around]string // origin form
	urls    [around]string
}

func newCalls(o Options, worker int) *calls {
	c := &calls{size: o.Size}
	for i := range around {
		c.tokens[i] = token(worker, i)
		c.targets[i] = fmt.Sprintf("/%d/%s", o.Size, c.tokens[i])
		c.urls[i] = o.scheme() + "://" + o.Addr + c.targets[i]
	}
	return c
}

// next moves on to the next request and returns its index.
func (c *calls) next() int {
	c.at = (c.at + 1) % around
	return c.at
}

// check compares a response with what the current request must be answered.
func (c *calls) check(status int, body []byte) error {
	if status != 200 {
		return fmt.Errorf("status %d", status)
	}
	if len(body) != c.size {
		return fmt.Errorf("%d bytes of content, expected %d", len(body), c.size)
	}
	if string(body[:server.TokenLen]) != c.tokens[c.at] {
		return fmt.Errorf("the answer to %q, expected that to %q", body[:server.TokenLen], c.tokens[c.at])
	}
	return nil
}

// errLong is a response longer than expected.
var errLong = errors.New("more content than expected")
