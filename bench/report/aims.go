package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"gohttpx.dev/bench/measure"
)

// Aim is what the project wants to keep, in one or more scenarios.
type Aim struct {
	// Scenes are names of package scene.
	Scenes []string
	// Subject is one of ours, Against the rivals of whom the best counts; none for
	// what is no ratio.
	Subject string
	Against []string
	// Of is what is bounded, and Bound how: from above, but for Throughput.
	Of    Quantity
	Bound float64
}

// Quantity is what an aim is about.
type Quantity int

// The quantities.
const (
	CPU        Quantity = iota // CPU time per request, a ratio
	Throughput                 // requests per second, a ratio, bounded from below
	Allocs                     // heap objects per request
	IdleHeap                   // heap bytes per idle connection
)

// Outcome says whether an aim holds in a scenario.
type Outcome struct {
	Aim   Aim
	Scene string
	// Ran tells that the scenario was measured with those who take part in the
	// aim; without it Verdict says nothing.
	Ran     bool
	Verdict measure.Verdict
}

var (
	http1Wide = []string{"h1-64", "h1-256"}
	http2Fast = scenes("nghttpd-64", "nghttpd-256", "h2o-64", "h2o-256")
	http2One  = scenes("nghttpd-1", "h2o-1", "nginx-1")
	http2Slow = scenes("nginx-64", "nginx-256")
	bulkHTTP1 = []string{"down-h1", "up-h1"}
	bulkHTTP2 = []string{"down-h2", "up-h2"}
)

// scenes are both kinds of HTTP/2.
func scenes(names ...string) (all []string) {
	for _, proto := range []string{"h2-", "h2c-"} {
		for _, name := range names {
			all = append(all, proto+name)
		}
	}
	return all
}

var aims = []Aim{
	{http1Wide, "httpx", []string{"nethttp"}, CPU, 0.4},
	{http1Wide, "httpx", []string{"fasthttp"}, CPU, 1.0},
	{http1Wide, "engine", []string{"floor"}, CPU, 1.2},
	{[]string{"h1-1"}, "httpx", []string{"fasthttp"}, CPU, 1.05},
	{[]string{"tls-64"}, "httpx", []string{"nethttp"}, CPU, 0.5},
	{[]string{"tls-64"}, "httpx", []string{"fasthttp"}, CPU, 1.15},
	{http2Fast, "httpx", []string{"nethttp"}, CPU, 0.25},
	{http2Slow, "httpx", []string{"nethttp"}, CPU, 0.55},
	{http2One, "httpx", []string{"nethttp"}, CPU, 0.7},
	{http2Fast, "httpx-prepared", []string{"h2load"}, CPU, 1.5},
	{bulkHTTP1, "httpx", []string{"nethttp", "fasthttp"}, CPU, 1.05},
	{bulkHTTP2, "httpx", []string{"nethttp", "xnet"}, CPU, 1.05},
	{[]string{"far-down"}, "httpx", []string{"nethttp"}, Throughput, 2},
	{[]string{"h1-64"}, "httpx", nil, Allocs, 7},
	{[]string{"h1-64"}, "httpx-prepared", nil, Allocs, 5},
	{scenes("nghttpd-64", "h2o-64", "nginx-64"), "httpx", nil, Allocs, 9},
	{scenes("nghttpd-64", "h2o-64", "nginx-64"), "httpx-prepared", nil, Allocs, 7},
	{[]string{"idle"}, "httpx", nil, IdleHeap, 1024},
	{[]string{"idle-tls"}, "httpx", nil, IdleHeap, 6144},
}

// String says what is wanted.
func (a Aim) String() string {
	bound := fmt.Sprintf("%.2f × %s", a.Bound, strings.Join(a.Against, " or "))
	if len(a.Against) > 1 {
		bound = fmt.Sprintf("%.2f × the best of %s", a.Bound, strings.Join(a.Against, ", "))
	}
	switch a.Of {
	case Throughput:
		return fmt.Sprintf("%s ≥ %s in throughput", a.Subject, bound)
	case Allocs:
		return fmt.Sprintf("%s ≤ %.0f allocations", a.Subject, a.Bound)
	case IdleHeap:
		return fmt.Sprintf("%s ≤ %.0f bytes of heap each", a.Subject, a.Bound)
	}
	return fmt.Sprintf("%s ≤ %s", a.Subject, bound)
}

// Judge returns the outcome of every aim in every scenario that it has.
func Judge(all []Scenario) (outcomes []Outcome) {
	for _, a := range aims {
		for _, name := range a.Scenes {
			o := Outcome{Aim: a, Scene: name}
			if i := slices.IndexFunc(all, func(s Scenario) bool { return s.key() == name }); i >= 0 {
				o.Verdict, o.Ran = a.verdict(all[i])
			}
			outcomes = append(outcomes, o)
		}
	}
	return outcomes
}

// verdict is what was measured; ok tells whether all took part.
func (a Aim) verdict(s Scenario) (v measure.Verdict, ok bool) {
	if a.Of == IdleHeap {
		for _, r := range s.Idle {
			if r.Subject.Name == a.Subject {
				return measure.Verdict{Rounds: len(r.Heap), Median: measure.Median(r.Heap), Low: slices.Min(r.Heap), High: slices.Max(r.Heap)}, true
			}
		}
		return v, false
	}
	ours := s.find(a.Subject)
	var others [][]*measure.Slice
	for _, name := range a.Against {
		if r := s.find(name); r != nil {
			others = append(others, r.Slices)
		}
	}
	switch {
	case ours == nil, len(others) < len(a.Against): // the best of some is not the best of all
		return v, false
	case a.Of == Allocs:
		xs := make([]float64, len(ours.Slices))
		for i, x := range ours.Slices {
			// The runtime's own are in it, a few in a slice.
			xs[i] = float64(int(x.AllocsPer()*10+0.5)) / 10
		}
		return measure.VerdictOf(xs), true
	case a.Of == Throughput:
		return measure.CompareBy(ours.Slices, others[0], (*measure.Slice).Rate), true
	}
	return measure.CompareBest(ours.Slices, others...), true
}

// The words for an outcome.
const (
	Holds  = "holds"
	Missed = "missed"
	Open   = "open"
)

// Word is one of Holds, Missed and Open, and note why it is open.
func (o Outcome) Word() (word, note string) {
	v, bound := o.Verdict, o.Aim.Bound
	if !o.Ran {
		return Open, "not run"
	}
	if o.Aim.Of == Throughput { // the other way round
		v.Low, v.Median, v.High, bound = -v.High, -v.Median, -v.Low, -bound
	}
	switch {
	case v.Rounds < measure.MinRounds && o.Aim.Of != IdleHeap: // which is a count, and hardly varies
		return Open, "too few rounds to say"
	case v.High <= bound:
		return Holds, ""
	case v.Low > bound:
		return Missed, ""
	case v.Median <= bound:
		return Open, "median within, interval not"
	}
	return Open, "median beyond, interval not"
}

func (o Outcome) verdictText() string {
	switch {
	case !o.Ran:
		return "-"
	case o.Aim.Of == IdleHeap:
		return fmt.Sprintf("%.0f [%.0f, %.0f]", o.Verdict.Median, o.Verdict.Low, o.Verdict.High)
	case o.Aim.Of == Allocs:
		return fmt.Sprintf("%.1f [%.1f, %.1f]", o.Verdict.Median, o.Verdict.Low, o.Verdict.High)
	}
	return cell(o.Verdict)
}

// Aims prints which aims bear on the scenarios and whether they hold, and counts
// those that were not looked at.
func Aims(w io.Writer, all []Scenario) error {
	counts := map[string]int{}
	unseen := 0
	for _, o := range Judge(all) {
		if !o.Ran {
			unseen++
			continue
		}
		word, note := o.Word()
		counts[word]++
		if note != "" {
			note = " (" + note + ")"
		}
		if _, err := fmt.Fprintf(w, "aim: %s: %s: %s, %s%s\n", o.Scene, o.Aim, o.verdictText(), word, note); err != nil {
			return err
		}
	}
	if len(counts) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "aims: %d hold, %d missed, %d open, %d not run\n", counts[Holds], counts[Missed], counts[Open], unseen)
	return err
}
