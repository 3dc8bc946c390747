package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"gohttpx.dev/bench/measure"
)

// told are all forms of one scenario.
func told(t *testing.T, s Scenario) (table, lines, md, page string) {
	t.Helper()
	table = print(t, func(w *bytes.Buffer) error {
		if err := Table(w, s); err != nil {
			return err
		}
		return Ratios(w, s)
	})
	lines = print(t, func(w *bytes.Buffer) error { return Lines(w, s) })
	md = print(t, func(w *bytes.Buffer) error { return Markdown(w, []Scenario{s}) })
	page = print(t, func(w *bytes.Buffer) error { return HTML(w, "", []Scenario{s}) })
	return table, lines, md, page
}

func wants(t *testing.T, form, text string, want ...string) {
	t.Helper()
	squeezed := strings.Join(strings.Fields(text), " ")
	for _, one := range want {
		if !strings.Contains(squeezed, one) {
			t.Errorf("%s: no %q in\n%s", form, one, text)
		}
	}
}

// 10 transfers of 100 MB in a second, 0.3 and 0.7 s of CPU time, 3 collections.
func TestContentNumbers(t *testing.T) {
	s := Scenario{Name: "down-x", What: "x", Content: 1e8, Measure: Rate, Results: []*measure.Result{result("nethttp", false, 1), result("httpx", true, 1)}}
	for _, r := range s.Results {
		*r.Slices[0] = measure.Slice{Requests: 10, Wall: time.Second, User: 300 * time.Millisecond, System: 700 * time.Millisecond, Allocs: 70, Bytes: 900, Collections: 3}
	}
	s.Results[0].Slices[0].Wall *= 4
	table, lines, md, page := told(t, s)
	wants(t, "table", table, "httpx 1000 1.000 0.300 0.700 7 90 3.00 ", "nethttp 250 1.000 ", "httpx 4.00 [4.00, 4.00] ", "median of 1 paired rounds, [interval of 0 %]; too few")
	wants(t, "lines", lines, "100000000 ns/op 100000000 cpu-ns/op 30000000 user-ns/op 70000000 system-ns/op 10 req/s 90 B/op 7.00 allocs/op 30000.00 gc/100kop", "1000.0 MB/s 1.0000 cpu-s/GB", "2.5 req/s")
	wants(t, "markdown", md, "| down-x | `httpx` | 1000 | 1.000 |", "| down-x | `nethttp` | 250 | 1.000 |", "| down-x | `httpx` | `nethttp` | 1.00 [1.00, 1.00] | 7.0 |")
	wants(t, "page", page, "1.000 [1.000, 1.000]", "1000 [1000, 1000]", "<td>4.00 [4.00, 4.00]</td>", "too few for a verdict")
}

// What waits are told of is p50, p99 and p99.9, each in its place.
func TestLatencyNumbers(t *testing.T) {
	s := scenario(1)
	s.Measure = LongWait
	s.Results = s.Results[1:]
	for i, r := range s.Results {
		h := &r.Slices[0].Latency
		*h = measure.Histogram{}
		for range 9_000 {
			h.Add(1000)
		}
		for range 980 {
			h.Add(2000)
		}
		for range 20 {
			h.Add(time.Duration(4000 << i))
		}
	}
	table, lines, _, page := told(t, s)
	wants(t, "table", table, "fasthttp 1000 10.00 4.00 6.00 5.00 64 300.0 1 2 4 ", "httpx 1000 8.00 3.20 4.80 5.00 64 300.0 1 2 8 ",
		"p99.9 of the time of a request, ours as a multiple of fasthttp httpx 2.0")
	wants(t, "lines", lines, "1023 p50-ns 2047 p99-ns 4095 p99.9-ns", "1023 p50-ns 2047 p99-ns 8191 p99.9-ns", "3200 user-ns/op 4800 system-ns/op")
	wants(t, "page", page, "1µs, 2µs, 4.1µs", "1µs, 2µs, 8.2µs", "8.00 [8.00, 8.00]", "10.00 [10.00, 10.00]")
}

// An interval has its lower end first, in text and in the drawing.
func TestIntervals(t *testing.T) {
	s := scenario(15)
	s.Results = []*measure.Result{result("nethttp", false, many(15, 10)...), result("httpx", true, 10, 10, 10, 20, 20, 20, 20, 20, 20, 20, 20, 40, 40, 40, 40)}
	table, _, md, page := told(t, s)
	wants(t, "table", table, "httpx 2.00 [2.00, 4.00]")
	wants(t, "markdown", md, "| h1-64 | `httpx` | `nethttp` | 2.00 [2.00, 4.00] | 5.0 |")
	// 530 of the 860 units are for 40 µs, from 150 on; the second row is 24 lower.
	wants(t, "page", page, "20.00 [20.00, 40.00]", `width="265.0"`, `d="M415.0 38.0V46.0M415.0 42.0H680.0M680.0 38.0V46.0"`)
}
