package measure

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gohttpx.dev/bench/subject"
)

// Entry is who takes part and how.
type Entry struct {
	Subject subject.Subject
	Options subject.Options
}

// Entries are all of subjects with the same options.
func Entries(subjects []subject.Subject, o subject.Options) (all []Entry) {
	for _, s := range subjects {
		all = append(all, Entry{s, o})
	}
	return all
}

// Plan is a run of one scenario at one number of goroutines.
type Plan struct {
	Entries []Entry
	// Rounds is how often each subject has its slice, and Slice how long that
	// is.
	Rounds int
	Slice  time.Duration
	// Once makes a slice one request on a new connection, instead of as many as
	// there is time for.
	Once bool
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
// are not those of right answers are worth nothing. So does the end of ctx, between
// two slices.
func (p Plan) Run(ctx context.Context) (results []*Result, err error) {
	benches := make([]*Bench, len(p.Entries))
	defer func() {
		for _, b := range benches {
			if b != nil {
				b.Close()
			}
		}
	}()
	for i, e := range p.Entries {
		results = append(results, &Result{Subject: e.Subject})
		if p.Once {
			continue
		}
		if benches[i], err = Open(e.Subject, e.Options); err != nil {
			return nil, err
		}
	}
	requests := firstRequests
	for round := range p.Rounds {
		for _, i := range orderOf(round, len(benches)) {
			var s *Slice
			switch {
			case ctx.Err() != nil:
				err = context.Cause(ctx)
			case p.Once:
				s, err = once(p.Entries[i])
			case benches[i].program != nil:
				s, err = benches[i].RunProgram(requests)
			default:
				if s, err = benches[i].Run(p.Slice); err == nil {
					requests = max(s.Requests, 1)
				}
			}
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

// firstRequests is how many another program makes if it comes first; after that
// it is as many as the subject before it made.
const firstRequests = 2000

// once is a slice of one request.
func once(e Entry) (*Slice, error) {
	b, err := Open(e.Subject, e.Options)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	return b.Once()
}

// orderOf returns who comes when: a Latin square in which everyone follows everyone
// else equally often, so that no one is always measured in the caches and on the heap
// that the same other one has left (E. J. Williams, 1949). It takes n rounds, or 2n,
// every other one turned around, if n is odd.
func orderOf(round, n int) []int {
	order := make([]int, n)
	for i := range order {
		step := (i + 1) / 2 // 0, 1, -1, 2, -2, …
		if i%2 == 0 {
			step = -step
		}
		order[i] = ((step+round)%n + n) % n
	}
	if n%2 == 1 && round%2 == 1 {
		slices.Reverse(order)
	}
	return order
}
