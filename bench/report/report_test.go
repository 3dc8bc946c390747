package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"gohttpx.dev/bench/measure"
	"gohttpx.dev/bench/subject"
)

// result makes slices with a CPU time per request of cpu[i] microseconds.
func result(name string, ours bool, cpu ...int) *measure.Result {
	r := &measure.Result{Subject: subject.Subject{Name: name, Ours: ours}}
	for _, us := range cpu {
		s := &measure.Slice{
			Requests: 1000,
			Wall:     time.Second,
			User:     time.Duration(us) * 400 * time.Microsecond,
			System:   time.Duration(us) * 600 * time.Microsecond,
			Allocs:   5000,
			Bytes:    64_000,

			Collections: 3,
		}
		s.Latency.Add(10 * time.Microsecond)
		r.Slices = append(r.Slices, s)
	}
	return r
}

func many(n, us int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = us
	}
	return all
}

func scenario(rounds int) Scenario {
	return Scenario{Conns: 64, Size: 1024, Results: []*measure.Result{
		result("nethttp", false, many(rounds, 20)...),
		result("fasthttp", false, many(rounds, 10)...),
		result("httpx", true, many(rounds, 8)...),
	}}
}

func print(t *testing.T, f func(w *bytes.Buffer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := f(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTable(t *testing.T) {
	got := print(t, func(w *bytes.Buffer) error { return Table(w, scenario(15)) })
	if !strings.Contains(got, "GET 1024 bytes, HTTP/1.1, cleartext, 64 goroutines\n") {
		t.Errorf("no title in\n%s", got)
	}
	for row, want := range map[string]string{
		"nethttp":  "nethttp 1000 20.00 8.00 12.00 5.00 64 300.0 10 10 10",
		"fasthttp": "fasthttp 1000 10.00 4.00 6.00 5.00 64 300.0 10 10 10",
		"httpx":    "httpx 1000 8.00 3.20 4.80 5.00 64 300.0 10 10 10",
	} {
		found := false
		for line := range strings.Lines(got) {
			found = found || strings.Join(strings.Fields(line), " ") == want
		}
		if !found {
			t.Errorf("the row of %s is not %q in\n%s", row, want, got)
		}
	}
}

func TestRatios(t *testing.T) {
	got := print(t, func(w *bytes.Buffer) error { return Ratios(w, scenario(15)) })
	for _, want := range []string{"0.40 [0.40, 0.40]", "0.80 [0.80, 0.80]", "median of 15 paired rounds, [interval of 96 %])"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	got = print(t, func(w *bytes.Buffer) error { return Ratios(w, scenario(14)) })
	if !strings.Contains(got, "too few for a verdict") {
		t.Errorf("14 rounds pass for a verdict:\n%s", got)
	}
	alone := scenario(15)
	alone.Results = alone.Results[:2]
	if got := print(t, func(w *bytes.Buffer) error { return Ratios(w, alone) }); got != "" {
		t.Errorf("ratios without one of ours:\n%s", got)
	}
}

// The lines must be what Go's benchmark format asks for: a name, a count, then
// pairs of number and unit.
func TestLines(t *testing.T) {
	got := print(t, func(w *bytes.Buffer) error { return Lines(w, scenario(2)) })
	n := 0
	for line := range strings.Lines(got) {
		n++
		words := strings.Fields(line)
		if !strings.HasPrefix(words[0], "BenchmarkGET/proto=h1/server=go/tls=off/size=1024/c=64/subject=") || len(words)%2 != 0 || words[1] != "1000" {
			t.Errorf("line %q", line)
		}
		for i := 2; i < len(words); i += 2 {
			var x float64
			if _, err := fmt.Sscan(words[i], &x); err != nil {
				t.Errorf("%q before %q is no number", words[i], words[i+1])
			}
		}
	}
	if n != 6 {
		t.Errorf("%d lines for 3 subjects in 2 rounds", n)
	}
	long := scenario(1)
	long.Results[0].Slices[0].Requests, long.Results[0].Slices[0].Wall = 3, 4*time.Second
	got += print(t, func(w *bytes.Buffer) error { return Lines(w, long) })
	for _, want := range []string{"\t0.75 req/s\t", "\t8000 cpu-ns/op\t", "\t5.00 allocs/op\t", "\t64 B/op\t", "\t300.00 gc/100kop\t", "\t1000 req/s\t", "\t1000000 ns/op\t"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}
