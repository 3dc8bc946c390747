package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"gohttpx.dev/bench/measure"
	"gohttpx.dev/bench/subject"
)

func aimsOf(t *testing.T, all ...Scenario) string {
	return print(t, func(w *bytes.Buffer) error { return Aims(w, all) })
}

func TestAims(t *testing.T) {
	mixed := func(low, high int) []int { return append(many(8, low), many(8, high)...) }
	for _, tt := range []struct {
		name string
		ours []int
		want string
	}{
		{"far below", many(15, 5), "holds"},
		{"just at it", many(15, 8), "holds"},
		{"above", many(15, 12), "missed"},
		{"spread, median below", append(mixed(7, 10), 7), "open (median within, interval not)"},
		{"spread, median above", append(mixed(7, 10), 10), "open (median beyond, interval not)"},
		{"at it and above", append(mixed(8, 10), 8), "open (median within, interval not)"},
		{"too few rounds", many(14, 5), "open (too few rounds to say)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := scenario(len(tt.ours))
			s.Results[2] = result("httpx", true, tt.ours...)
			line, _, _ := strings.Cut(aimsOf(t, s), "\n")
			if !strings.HasPrefix(line, "aim: h1-64: httpx ≤ 0.40 × nethttp: ") || !strings.HasSuffix(line, ", "+tt.want) {
				t.Errorf("got %q, expected it to end in %q", line, tt.want)
			}
		})
	}
	other := scenario(15)
	other.Size = 2048
	if got := aimsOf(t, other); got != "" {
		t.Errorf("aims for another scenario:\n%s", got)
	}
}

// Each quantity has its own direction and its own rounds.
func TestAimQuantities(t *testing.T) {
	rated := func(times int) *measure.Result {
		r := result("httpx", true, many(15, 1)...)
		for _, s := range r.Slices {
			s.Wall /= time.Duration(times)
		}
		return r
	}
	far := func(ours *measure.Result) Scenario {
		return Scenario{Name: "far-down", Content: 1e8, Results: []*measure.Result{result("nethttp", false, many(15, 1)...), ours}}
	}
	idle := func(heap ...float64) Scenario {
		return Scenario{Name: "idle", Idle: []*measure.Idle{{Subject: subject.Subject{Name: "httpx"}, Conns: 10, Heap: heap, Stack: heap}}}
	}
	bulk := Scenario{Name: "down-h1", Content: 1e8, Results: []*measure.Result{
		result("nethttp", false, many(15, 20)...), result("fasthttp", false, many(15, 10)...), result("httpx", true, many(15, 11)...),
	}}
	without := bulk
	without.Results = []*measure.Result{bulk.Results[0], bulk.Results[2]}
	for _, tt := range []struct {
		name, want string
		s          Scenario
	}{
		{"throughput ten times as high", "in throughput: 10.00 [10.00, 10.00], holds\n", far(rated(10))},
		{"throughput the same", "in throughput: 1.00 [1.00, 1.00], missed\n", far(rated(1))},
		{"few idle bytes", "≤ 1024 bytes of heap each: 900 [800, 1000], holds\n", idle(800, 900, 1000)},
		{"more idle bytes once", "900 [800, 1025], open (median within, interval not)\n", idle(800, 900, 1025)},
		{"more idle bytes always", "2000 [2000, 2000], missed\n", idle(2000)},
		{"beside the best of two", "the best of nethttp, fasthttp: 1.10 [1.10, 1.10], missed\n", bulk},
		{"without one of two", "", without},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := aimsOf(t, tt.s)
			if !strings.Contains(got, tt.want) || tt.want == "" && got != "" {
				t.Errorf("no %q in %q", tt.want, got)
			}
		})
	}
	// A few of the runtime's are in it, a tenth is not.
	for allocs, want := range map[uint64]string{7040: "7.0 [7.0, 7.0], holds", 7060: "7.1 [7.1, 7.1], missed"} {
		s := scenario(15)
		for _, x := range s.Results[2].Slices {
			x.Allocs = allocs
		}
		if got := aimsOf(t, s); !strings.Contains(got, "httpx ≤ 7 allocations: "+want+"\n") {
			t.Errorf("%d allocations of 1000 requests: no %q in\n%s", allocs, want, got)
		}
	}
	// 5 allocations each.
	if got := aimsOf(t, scenario(15)); !strings.Contains(got, "aim: h1-64: httpx ≤ 7 allocations: 5.0 [5.0, 5.0], holds\n") {
		t.Errorf("no allocations in\n%s", got)
	}
}
