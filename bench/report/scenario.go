package report

import (
	"fmt"
	"strings"

	"gohttpx.dev/bench/measure"
	"gohttpx.dev/bench/subject"
)

// Scenario is one result set: what was asked for, by how many goroutines.
type Scenario struct {
	// Name is that of package scene, What its title; both may be empty for a GET
	// that has no name.
	Name, What string
	Conns      int
	Size       int
	TLS        bool
	// Proto and Server are what is spoken with whom; empty means HTTP/1.1 and
	// "go".
	Proto  subject.Proto
	Server string
	// Content is the bytes of content per request if that is what it is about:
	// the table then counts bytes and not requests.
	Content int
	// Measure is what is compared beside CPU time.
	Measure Measure
	Results []*measure.Result
	// Idle are the results of a scenario about idle connections, which has no
	// others.
	Idle []*measure.Idle
	// LeftOut says why there are no results, if that is so.
	LeftOut string
	// Absent are subjects that would have taken part if they were installed.
	Absent []string
}

// Measure is a number that is compared beside CPU time.
type Measure int

// The numbers.
const (
	OnlyCPU  Measure = iota
	Rate             // requests per second: larger is better
	LongWait         // p99.9 of a request's time
)

func (m Measure) of() (title string, f func(*measure.Slice) float64) {
	switch m {
	case Rate:
		return "throughput, ours as a multiple of", (*measure.Slice).Rate
	case LongWait:
		return "p99.9 of the time of a request, ours as a multiple of", func(s *measure.Slice) float64 { return float64(s.Latency.Quantile(0.999)) }
	}
	return "client CPU per request, ours as a multiple of", (*measure.Slice).CPUPer
}

// Title names the scenario for people.
func (s Scenario) Title() string {
	if s.What != "" {
		return s.Name + ": " + s.What
	}
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

// key is the name by which aims know the scenario: a GET of 1 KiB without a name
// has the one of the scene that is the same.
func (s Scenario) key() string {
	switch {
	case s.Name != "":
		return s.Name
	case s.Size != 1024:
		return ""
	case s.proto() != subject.HTTP1 && s.server() == "go":
		return fmt.Sprintf("%s-%d", s.proto(), s.Conns)
	case s.proto() != subject.HTTP1:
		return fmt.Sprintf("%s-%s-%d", s.proto(), s.server(), s.Conns)
	case s.TLS:
		return fmt.Sprintf("tls-%d", s.Conns)
	}
	return fmt.Sprintf("h1-%d", s.Conns)
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

// without says who is absent, "" if nobody is.
func (s Scenario) without() string {
	if len(s.Absent) == 0 {
		return ""
	}
	return "not installed: " + strings.Join(s.Absent, ", ")
}

// slowed ends the name of a subject that has a slow reader beside, as package scene
// calls it.
const slowed = "+slow"

// alike reports whether both have a slow reader beside, or neither: others are not
// compared.
func alike(a, b *measure.Result) bool {
	return strings.HasSuffix(a.Subject.Name, slowed) == strings.HasSuffix(b.Subject.Name, slowed)
}

// kept is how much of its throughput a subject keeps beside a slow reader.
type kept struct {
	name    string
	verdict measure.Verdict
}

func (s Scenario) kept() (all []kept) {
	for _, r := range s.Results {
		if alone, ok := strings.CutSuffix(r.Subject.Name, slowed); ok && s.find(alone) != nil {
			all = append(all, kept{alone, measure.CompareBy(r.Slices, s.find(alone).Slices, (*measure.Slice).Rate)})
		}
	}
	return all
}

// certainty says how much the intervals of a scenario are worth.
func (s Scenario) certainty() string {
	if len(s.Results) == 0 || len(s.Results[0].Slices) == 0 {
		return ""
	}
	v := measure.VerdictOf(make([]float64, len(s.Results[0].Slices)))
	text := fmt.Sprintf("median of %d paired rounds, [interval of %.0f %%]", v.Rounds, 100*v.Confidence)
	if v.Rounds < measure.MinRounds {
		text += fmt.Sprintf("; too few for a verdict, which takes %d", measure.MinRounds)
	}
	return text
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
