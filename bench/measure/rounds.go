package measure

import (
	"fmt"
	"time"

	"gohttpx.dev/bench/subject"
)

// Plan is a run of one scenario at one number of goroutines.
type Plan struct {
	Subjects []subject.Subject
	Options  subject.Options
	// Rounds is how often each subject has its slice, and Slice how long that
	// is.
	Rounds int
	Slice  time.Duration
	// Progress, if set, is called after each round.
	Progress func(round int)
}

// Result is the slices of one subject, one per round.
type Result struct {
	Subject subject.Subject
	Slices  []*Slice
}

// Latency is that of all rounds together.
func (r *Result) Latency() *Histogram {
	all := new(Histogram)
	for _, s := range r.Slices {
		all.Merge(&s.Latency)
	}
	return all
}

// MedianOf returns the median over the rounds of what f reads off a slice.
func (r *Result) MedianOf(f func(*Slice) float64) float64 {
	xs := make([]float64, len(r.Slices))
	for i, s := range r.Slices {
		xs[i] = f(s)
	}
	return Median(xs)
}

// Run runs the plan. All subjects stay open throughout, so that none pays for
// connecting. Any wrong or missing answer ends it with an error: numbers that
// are not those of right answers are worth nothing.
func (p Plan) Run() (results []*Result, err error) {
	benches := make([]*Bench, 0, len(p.Subjects))
	defer func() {
		for _, b := range benches {
			b.Close()
		}
	}()
	for _, s := range p.Subjects {
		b, err := Open(s, p.Options)
		if err != nil {
			return nil, err
		}
		benches = append(benches, b)
		results = append(results, &Result{Subject: s})
	}
	for round := range p.Rounds {
		for _, i := range orderOf(round, len(benches)) {
			s, err := benches[i].Run(p.Slice)
			if err != nil {
				return nil, fmt.Errorf("round %d: %w", round+1, err)
			}
			results[i].Slices = append(results[i].Slices, s)
		}
		if p.Progress != nil {
			p.Progress(round + 1)
		}
	}
	return results, nil
}

// orderOf rotates the subjects by one each round and turns every other round
// around, so that none always has the same place or the same predecessor.
func orderOf(round, n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = (i + round) % n
		if round%2 == 1 {
			order[i] = n - 1 - order[i]
		}
	}
	return order
}
