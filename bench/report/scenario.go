package report

import (
	"fmt"

	"gohttpx.dev/bench/measure"
)

// Scenario is one result set: what was asked for, by how many goroutines.
type Scenario struct {
	Conns   int
	Size    int
	TLS     bool
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
	return fmt.Sprintf("GET %d bytes, HTTP/1.1, %s, %d %s", s.Size, kind, s.Conns, goroutines)
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
