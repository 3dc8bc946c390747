package measure

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gohttpx.dev/bench/subject"
)

// In as many rounds as there are subjects, twice over, everyone must have had
// every place, and each order must hold everyone.
func TestOrder(t *testing.T) {
	for n := 1; n <= 9; n++ {
		places := make(map[[2]int]bool)
		for round := range 2 * n {
			seen := make(map[int]bool)
			for place, who := range orderOf(round, n) {
				seen[who] = true
				places[[2]int{who, place}] = true
			}
			if len(seen) != n {
				t.Fatalf("n=%d round %d: %v", n, round, orderOf(round, n))
			}
		}
		if n%2 == 0 && len(places) < n*n/2 || n%2 == 1 && len(places) != n*n {
			t.Errorf("n=%d: %d pairs of subject and place of %d", n, len(places), n*n)
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
		Subjects: []subject.Subject{a.subject("a"), b.subject("b")},
		Options:  subject.Options{Conns: 3},
		Rounds:   4, Slice: time.Millisecond,
		Progress: func(int) { rounds++ },
	}.Run()
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
		Subjects: []subject.Subject{good.subject("good"), bad.subject("bad")},
		Options:  subject.Options{Conns: 2},
		Rounds:   100, Slice: time.Millisecond,
	}.Run()
	if !errors.Is(err, errWrong) || !strings.Contains(err.Error(), "bad") {
		t.Errorf("the error is %v, expected one that names the subject", err)
	}
	if !good.closed || !bad.closed {
		t.Error("a subject was left open")
	}
}
