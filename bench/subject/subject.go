package subject

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
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
	// External marks another program, whose Client is a Program.
	External bool
	// Can reports whether the client can do what is asked for, beside the
	// version; nil means that it does plain GETs on connections of its own only.
	Can func(Options) bool
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

// Job is what a request is for.
type Job string

// The jobs.
const (
	Get  Job = ""     // content of Size bytes, into memory
	Post Job = "post" // Upload bytes of JSON, answered with Size bytes
	Down Job = "down" // content of Size bytes, piece by piece
	Up   Job = "up"   // Upload bytes from a reader that gives them out once
)

// Options are the same for every subject of a run.
type Options struct {
	// Proto is what is spoken; empty means HTTP1.
	Proto Proto
	// Addr is the server, host:port.
	Addr string
	// Roots, if set, asks for TLS and holds the server's certificate.
	Roots *x509.CertPool
	// Conns is the cap of connections, open and idle, and the number of
	// goroutines if Goroutines is 0. Over HTTP/2 the servers take so many streams
	// that one connection does.
	Conns int
	// Goroutines is how many make requests if they are more than Conns.
	Goroutines int
	// Job is what they do.
	Job Job
	// Size is the number of content bytes per response, at least
	// server.TokenLen.
	Size int
	// Upload is the number of content bytes per request of a Post or Up, at least
	// 64.
	Upload int
	// Kind is one of the server's kinds of answer: a content coding, which must be
	// decoded, or server.KindFields, whose last field is looked at, or
	// server.KindAll.
	Kind string
	// Fresh asks for a new connection per request.
	Fresh bool
	// SmallFirst makes the first request of each goroutine one for
	// server.TokenLen bytes, or with as many: it makes the connection.
	SmallFirst bool
	// Timeout takes the place of the constant of that name if it is not 0: where
	// many connections are made at once.
	Timeout time.Duration
	// SlowReader makes goroutine 0 one that reads a large answer slowly. Its
	// exchange returns ErrUncounted.
	SlowReader bool
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

// ErrUncounted is returned by an exchange that is no request.
var ErrUncounted = errors.New("not to be counted")

// All lists the subjects in the order of the table: the floor, the rivals, and
// ours from the engine upwards.
func All() []Subject {
	return []Subject{floor, netHTTP, netHTTPTimeout, netHTTPKept, xNet, fastHTTP, fastHTTPKept, restyClient, h2load, engine, pooled, prepared, public}
}

// Speaks reports whether s can take part in a run about p; empty means HTTP1.
func (s Subject) Speaks(p Proto) bool {
	if p == HTTP1 || p == "" {
		return !s.HTTP2Only
	}
	return !s.HTTP1Only
}

// Takes reports whether s can take part in a run with these options.
func (s Subject) Takes(o Options) bool {
	plain := o.Job == Get && o.Kind == "" && !o.Fresh && !o.SlowReader && (o.Goroutines == 0 || o.Goroutines == o.Conns)
	return s.Speaks(o.Proto) && (plain || s.Can != nil && s.Can(o))
}

// Speaking lists the clients that speak p: not those that are other programs.
func Speaking(p Proto) (some []Subject) {
	for _, s := range All() {
		if s.Speaks(p) && !s.External {
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

func (o Options) timeout() time.Duration { return cmp.Or(o.Timeout, Timeout) }

func (o Options) context() context.Context {
	if o.Context == nil {
		return context.Background()
	}
	return o.Context()
}

// isHTTP2 reports whether HTTP/2 is asked for.
func (o Options) isHTTP2() bool { return o.Proto == HTTP2 || o.Proto == HTTP2Cleartext }
