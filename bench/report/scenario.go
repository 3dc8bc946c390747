package report

import (
	"fmt"

	"gohttpx.dev/bench/measure"
	"gohttpx.dev/bench/subject"
)

// Scenario is one result set: what was asked for, by how many goroutines.
type Scenario struct {
	Conns int
	Size  int
	TLS   bool
	// Proto and Server are what is spoken with whom; empty means HTTP/1.1 and
	// "go".
	Proto   subject.Proto
	Server  string
	Results []*measure.Result
}

// Title names the scenario for people.
func (s Scenario) Title() string {
	kind := "cleartext"
	if s.TLS {
		kind = "TLS"
	}
	goroutines := "goroutines"
	if s.Conns == 1 {
		goroutines = "goroutine"
	}
	version, from := "HTTP/1.1", ""
	if s.proto() != subject.HTTP1 {
		version, from = "HTTP/2", " from "+s.server()
	}
	return fmt.Sprintf("GET %d bytes%s, %s, %s, %d %s", s.Size, from, version, kind, s.Conns, goroutines)
}

func (s Scenario) proto() subject.Proto {
	if s.Proto == "" {
		return subject.HTTP1
	}
	return s.Proto
}

func (s Scenario) server() string {
	if s.Server == "" {
		return "go"
	}
	return s.Server
}

// find returns the result of a subject, nil if it did not take part.
func (s Scenario) find(name string) *measure.Result {
	for _, r := range s.Results {
		if r.Subject.Name == name {
			return r
		}
	}
	return nil
}
