package measure

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/bench/subject"
)

// In as many rounds as there are subjects, twice over if their number is odd,
// everyone must have had every place and every other one as predecessor, equally
// often; each order must hold everyone.
func TestOrder(t *testing.T) {
	for n := 1; n <= 11; n++ {
		times := 1 + n%2
		places, pairs := make(map[[2]int]int), make(map[[2]int]int)
		for round := range times * n {
			order := orderOf(round, n)
			seen := make(map[int]bool)
			for place, who := range order {
				seen[who] = true
				places[[2]int{who, place}]++
				if place > 0 {
					pairs[[2]int{order[place-1], who}]++
				}
			}
			if len(seen) != n || len(order) != n {
				t.Fatalf("n=%d round %d: %v", n, round, order)
			}
		}
		for who := range n {
			for other := range n {
				if got := places[[2]int{who, other}]; got != times {
					t.Errorf("n=%d: %d is at place %d %d times, expected %d", n, who, other, got, times)
				}
				if got := pairs[[2]int{who, other}]; who != other && got != times {
					t.Errorf("n=%d: %d comes right before %d %d times, expected %d", n, who, other, got, times)
				}
			}
		}
	}
}

// counted is a subject that answers at once and fails when told to.
type counted struct {
	calls  atomic.Int64
	failAt int64
	closed bool
}

var errWrong = errors.New("a wrong answer")

func (c *counted) Worker(int) (subject.Exchange, error) {
	return func() error {
		if n := c.calls.Add(1); c.failAt > 0 && n >= c.failAt {
			return errWrong
		}
		return nil
	}, nil
}

func (c *counted) Close() { c.closed = true }

func (c *counted) subject(name string) subject.Subject {
	return subject.Subject{Name: name, Open: func(subject.Options) (subject.Client, error) { return c, nil }}
}

func TestPlanRun(t *testing.T) {
	var a, b counted
	rounds := 0
	results, err := Plan{
		Entries: Entries([]subject.Subject{a.subject("a"), b.subject("b")}, subject.Options{Conns: 3}),
		Rounds:  4, Slice: time.Millisecond,
		Progress: func(int) { rounds++ },
	}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != 2 || len(results[0].Slices) != 4 || len(results[1].Slices) != 4 || rounds != 4 {
		t.Fatalf("%d results after %d rounds: %+v", len(results), rounds, results)
	}
	made := 0
	for _, s := range results[0].Slices {
		if s.Requests < 3 || s.Latency.Count() != s.Requests || s.Wall < time.Millisecond {
			t.Errorf("slice of %d requests, %d latencies, %v", s.Requests, s.Latency.Count(), s.Wall)
		}
		made += s.Requests
	}
	if warm := a.calls.Load() - int64(made); warm < 3*4 {
		t.Errorf("%d requests were not counted; each of 3 goroutines warms up in each of 4 rounds", warm)
	}
	if !a.closed || !b.closed {
		t.Error("a subject was left open")
	}
}

func TestPlanStopsAtAWrongAnswer(t *testing.T) {
	good, bad := counted{}, counted{failAt: 100}
	_, err := Plan{
		Entries: Entries([]subject.Subject{good.subject("good"), bad.subject("bad")}, subject.Options{Conns: 2}),
		Rounds:  100, Slice: time.Millisecond,
	}.Run(t.Context())
	if !errors.Is(err, errWrong) || !strings.Contains(err.Error(), "bad") {
		t.Errorf("the error is %v, expected one that names the subject", err)
	}
	if !good.closed || !bad.closed {
		t.Error("a subject was left open")
	}
}

// An interrupted plan ends with the slice that runs.
func TestPlanInterrupted(t *testing.T) {
	var a, b counted
	ctx, cancel := context.WithCancelCause(t.Context())
	rounds := 0
	_, err := Plan{
		Entries: Entries([]subject.Subject{a.subject("a"), b.subject("b")}, subject.Options{Conns: 1}),
		Rounds:  100, Slice: time.Millisecond,
		Progress: func(round int) {
			if rounds = round; round == 2 {
				cancel(errWrong)
			}
		},
	}.Run(ctx)
	if !errors.Is(err, errWrong) || rounds != 2 {
		t.Errorf("after %d rounds: %v", rounds, err)
	}
	if !a.closed || !b.closed {
		t.Error("a subject was left open")
	}
}

// A slice of one request has a connection of its own, made by a request that is not
// counted.
func TestPlanOnce(t *testing.T) {
	var a counted
	opened := 0
	s := a.subject("a")
	open := s.Open
	s.Open = func(o subject.Options) (subject.Client, error) { opened++; return open(o) }
	results, err := Plan{Entries: Entries([]subject.Subject{s}, subject.Options{Conns: 1}), Rounds: 3, Slice: time.Hour, Once: true}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if opened != 3 || a.calls.Load() != 6 || len(results[0].Slices) != 3 || results[0].Slices[2].Requests != 1 || !a.closed {
		t.Errorf("opened %d times, %d calls, %d slices", opened, a.calls.Load(), len(results[0].Slices))
	}
}

// What is no request counts for nothing, but is no failure.
func TestUncounted(t *testing.T) {
	s := subject.Subject{Name: "aside", Open: func(subject.Options) (subject.Client, error) { return aside{}, nil }}
	results, err := Plan{Entries: Entries([]subject.Subject{s}, subject.Options{Conns: 1, Goroutines: 2}), Rounds: 1, Slice: time.Millisecond}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if x := results[0].Slices[0]; x.Requests == 0 || x.Requests != x.Latency.Count() {
		t.Errorf("%d requests, %d latencies", x.Requests, x.Latency.Count())
	}
	if _, err := (Plan{Entries: Entries([]subject.Subject{s}, subject.Options{Conns: 1}), Rounds: 1, Slice: time.Millisecond}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "aside: no request") {
		t.Errorf("a slice without a request: the error is %v", err)
	}
}

// Who is no request may end late, as a slow reader does in its pause: the time of a
// slice ends with the last request.
func TestLateAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		s := subject.Subject{Name: "late", Open: func(subject.Options) (subject.Client, error) { return late{calls: &calls}, nil }}
		results, err := Plan{Entries: Entries([]subject.Subject{s}, subject.Options{Conns: 2}), Rounds: 2, Slice: 100 * time.Millisecond}.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range results[0].Slices {
			if x.Wall != 105*time.Millisecond || x.Requests != 15 || x.Rate() != 15/0.105 {
				t.Errorf("%d requests in %v, expected 15 of 7 ms each", x.Requests, x.Wall)
			}
		}
		if calls != 2*(2+15) {
			t.Errorf("%d requests in 2 rounds, expected 15 and a tenth more of the time to warm up in each", calls)
		}
	})
}

// late is a client whose requests take 7 ms and whose first goroutine pauses for 80.
type late struct {
	aside
	calls *int // requests
}

func (l late) Worker(i int) (subject.Exchange, error) {
	return func() error {
		if i == 0 {
			<-time.After(80 * time.Millisecond)
			return subject.ErrUncounted
		}
		*l.calls++
		<-time.After(7 * time.Millisecond)
		return nil
	}, nil
}

// aside is a client whose first goroutine makes no requests.
type aside struct{}

func (aside) Worker(i int) (subject.Exchange, error) {
	return func() error {
		if i == 0 {
			return subject.ErrUncounted
		}
		return nil
	}, nil
}

func (aside) Close() {}

// program pretends to be another program, which takes a second to start and a
// millisecond per request.
type program struct {
	aside
	asked []int
}

func (p *program) Run(n int) (subject.Usage, error) {
	p.asked = append(p.asked, n)
	d := time.Duration(n) * time.Millisecond
	return subject.Usage{Wall: time.Second + 3*d, User: time.Second + 2*d, System: d}, nil
}

// Another program makes as many requests as the subject before it, and its start
// is not counted.
func TestProgram(t *testing.T) {
	var a counted
	p := new(program)
	external := subject.Subject{Name: "program", External: true, Open: func(subject.Options) (subject.Client, error) { return p, nil }}
	results, err := Plan{Entries: Entries([]subject.Subject{a.subject("a"), external}, subject.Options{Conns: 1}), Rounds: 1, Slice: time.Millisecond}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := results[0].Slices[0].Requests
	x := results[1].Slices[0]
	if len(p.asked) != 2 || p.asked[0] != 1 || p.asked[1] != n+1 || x.Requests != n || x.CPU() != 3*time.Millisecond || x.Wall != time.Duration(n)*3*time.Millisecond || x.User != time.Duration(n)*2*time.Millisecond {
		t.Errorf("asked for %v where %d were made; %d requests, CPU %v each", p.asked, n, x.Requests, x.CPU())
	}
}

func TestCompareBest(t *testing.T) {
	of := func(us ...int) (all []*Slice) {
		for _, u := range us {
			all = append(all, &Slice{Requests: 1, User: time.Duration(u) * time.Microsecond, Wall: time.Second})
		}
		return all
	}
	if v := CompareBest(of(10, 10, 10), of(30, 5, 30), of(20, 20, 20)); v.Median != 0.5 || v.High != 0.5 {
		t.Errorf("%+v, expected 0.5 of the one with a median of 20", v)
	}
}
