package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"gohttpx.dev/bench/measure"
	"gohttpx.dev/bench/subject"
)

// everything is one scenario of each kind.
func everything() []Scenario {
	slowed := scenario(15)
	slowed.Name, slowed.What, slowed.Measure = "slow-reader", "fast ones beside a slow one", Rate
	slowed.Results = append(slowed.Results, result("httpx+slow", true, many(15, 9)...))
	external := scenario(15)
	external.Name, external.What = "h2-nghttpd-64", "GET <1 KiB>"
	external.Results = append(external.Results, &measure.Result{
		Subject: subject.Subject{Name: "h2load", External: true},
		Slices:  result("", false, many(15, 4)...).Slices,
	})
	external.Absent = []string{"h3load", "<other>"}
	return []Scenario{
		scenario(15), slowed, external,
		{Name: "down-h1", What: "100 MiB", Content: 100 << 20, Measure: Rate, Results: scenario(15).Results},
		{Name: "idle", What: "idle", Idle: []*measure.Idle{{Subject: subject.Subject{Name: "httpx", Ours: true}, Conns: 10, Heap: []float64{-3, 500}, Stack: []float64{0, 0}}}},
		{Name: "h2-h2o-1", What: "h2o", LeftOut: "h2o is not there"},
	}
}

// The page is well formed, and has what was measured.
func TestHTML(t *testing.T) {
	got := print(t, func(w *bytes.Buffer) error { return HTML(w, "cpu: <this>", everything()) })
	d := xml.NewDecoder(strings.NewReader(got))
	d.Strict, d.Entity = true, xml.HTMLEntity
	charts, bars := 0, 0
	for {
		tok, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, got)
		}
		if e, ok := tok.(xml.StartElement); ok {
			switch e.Name.Local {
			case "svg":
				charts++
			case "rect":
				bars++
				for _, a := range e.Attr {
					var x float64
					if _, err := fmt.Sscan(a.Value, &x); a.Name.Local == "width" && (err != nil || x < 0 || x > innerWidth+0.1 || math.IsNaN(x)) {
						t.Errorf("a bar is %q wide", a.Value)
					}
				}
			case "script", "link", "img":
				t.Errorf("a page with %s", e.Name.Local)
			}
		}
	}
	if charts != 2+3+2+2+1 || bars != 3+8+4+6+1 {
		t.Errorf("%d charts with %d bars", charts, bars)
	}
	for _, want := range []string{"cpu: &lt;this&gt;", "GET &lt;1 KiB&gt;", `<span class="holds">holds</span>`, "h2o is not there", "not installed: h3load, &lt;other&gt;", "httpx keeps 1.00 [1.00, 1.00] of its throughput", "median of 15 paired rounds, [interval of 96 %]</p>", "prefers-color-scheme: dark", "8.00 [8.00, 8.00]"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestKinds(t *testing.T) {
	all := everything()
	text := print(t, func(w *bytes.Buffer) error {
		for _, s := range all {
			if err := Table(w, s); err != nil {
				return err
			}
			if err := Ratios(w, s); err != nil {
				return err
			}
		}
		return nil
	})
	for _, want := range []string{
		"httpx keeps 1.00 [1.00, 1.00] of its throughput beside a slow reader", "left out: h2o is not there", "not installed: h3load, <other>\n",
		"throughput, ours as a multiple of", "MB/s  CPU s/GB", "heap bytes each", "4.00  1.60    2.40       -      -        -       -       -         -",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	md := print(t, func(w *bytes.Buffer) error { return Markdown(w, all) })
	for _, want := range []string{
		"| h1-64 | httpx ≤ 0.40 × nethttp | 0.40 [0.40, 0.40] | holds |", "| idle | httpx ≤ 1024 bytes of heap each | 248 [-3, 500] | holds |",
		"| h1-1 | httpx ≤ 1.05 × fasthttp | - | open (not run) |", "| h1-64 | `httpx` | `fasthttp` | 0.80 [0.80, 0.80] | 5.0 |", "| idle | `httpx` | 10 | 248 | 0 |",
		"| slow-reader | `httpx` | 1.00 [1.00, 1.00] |",
	} {
		if !strings.Contains(md, want+"\n") {
			t.Errorf("no %q in\n%s", want, md)
		}
	}
	// Who has a slow reader beside is compared with nobody who has none.
	page := print(t, func(w *bytes.Buffer) error { return HTML(w, "", all[1:2]) })
	for _, table := range []string{md, page} {
		if !strings.Contains(table, "httpx") || strings.Contains(table, "`httpx+slow` | `") || strings.Contains(table, "<td>httpx&#43;slow</td>") {
			t.Errorf("unlike ones are compared in\n%s", table)
		}
	}
	if row := "httpx+slow                  -                  -\n"; !strings.Contains(text, row) {
		t.Errorf("no %q in\n%s", row, text)
	}
	for line := range strings.Lines(md) {
		if line != "\n" && (!strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "|---") || !strings.HasSuffix(line, "|\n")) {
			t.Errorf("%q is no row", line)
		}
	}
	lines := print(t, func(w *bytes.Buffer) error {
		for _, s := range all {
			if err := Lines(w, s); err != nil {
				return err
			}
		}
		return nil
	})
	for line := range strings.Lines(lines) {
		words := strings.Fields(line)
		if !strings.HasPrefix(words[0], "Benchmark") || len(words)%2 != 0 {
			t.Errorf("line %q", line)
		}
	}
	for _, want := range []string{"BenchmarkScene/scenario=down-h1/", "heap-B/conn", "MB/s", "cpu-s/GB"} {
		if !strings.Contains(lines, want) {
			t.Errorf("no %q in\n%s", want, lines)
		}
	}
}
