package report

import (
	"fmt"
	"html/template"
	"io"
	"time"

	"gohttpx.dev/bench/measure"
)

// HTML writes one file with charts and the state of the aims: without scripts,
// without anything from elsewhere, in the colours that the reader's system prefers.
// about is text on the machine and the run.
func HTML(w io.Writer, about string, all []Scenario) error {
	p := page{About: about}
	for _, o := range Judge(all) {
		word, note := o.Word()
		if !o.Ran {
			p.Unseen++
			continue
		}
		p.Aims = append(p.Aims, aimRow{o.Scene, o.Aim.String(), o.verdictText(), word, note})
	}
	for _, s := range all {
		p.Scenarios = append(p.Scenarios, s.section())
	}
	return htmlPage.Execute(w, p)
}

// page is what the template knows.
type page struct {
	About     string
	Aims      []aimRow
	Unseen    int // aims that were not looked at
	Scenarios []section
}

type aimRow struct{ Scene, Aim, Measured, Word, Note string }

type section struct {
	Title, LeftOut string
	Without        string // who is absent
	Charts         []chart
	Notes          []string
	Ratios         []ratioRow
}

type chart struct {
	Title string
	SVG   template.HTML
}

type ratioRow struct{ Ours, Other, CPU, Rate string }

func (s Scenario) section() section {
	out := section{Title: s.Title(), LeftOut: s.LeftOut, Without: s.without()}
	if len(s.Idle) > 0 {
		title := fmt.Sprintf("Bytes of heap per connection, of %d", s.Idle[0].Conns)
		out.Charts = append(out.Charts, chart{title, bars(title, s.idleBars())})
	}
	if len(s.Results) == 0 {
		return out
	}
	title := "Client CPU per request, µs"
	if s.Content > 0 {
		title = "Client CPU, seconds per GB"
	}
	out.Charts = append(out.Charts, chart{title, bars(title, s.cpuBars())})
	if s.Measure == Rate {
		title := "Requests per second"
		if s.Content > 0 {
			title = "MB per second"
		}
		out.Charts = append(out.Charts, chart{title, bars(title, s.rateBars())})
	}
	if s.Content == 0 {
		title := "Time of a request: p50, p99, p99.9, logarithmic"
		out.Charts = append(out.Charts, chart{title, spans(title, s.latencySpans())})
	}
	for _, k := range s.kept() {
		out.Notes = append(out.Notes, fmt.Sprintf("%s keeps %s of its throughput beside a slow reader", k.name, cell(k.verdict)))
	}
	out.Notes = append(out.Notes, s.certainty())
	for _, r := range s.Results {
		for _, o := range s.Results {
			if r.Subject.Ours && !o.Subject.Ours && alike(r, o) {
				out.Ratios = append(out.Ratios, ratioRow{
					r.Subject.Name, o.Subject.Name,
					cell(measure.Compare(r.Slices, o.Slices)),
					cell(measure.CompareBy(r.Slices, o.Slices, (*measure.Slice).Rate)),
				})
			}
		}
	}
	return out
}

// cpuBars are the medians over the rounds with their intervals.
func (s Scenario) cpuBars() (rows []bar) {
	unit := 1e3
	if s.Content > 0 {
		unit = float64(s.Content) // nanoseconds per byte are seconds per GB
	}
	for _, r := range s.Results {
		text := "%.2f [%.2f, %.2f]"
		if s.Content > 0 {
			text = "%.3f [%.3f, %.3f]"
		}
		rows = append(rows, barOf(r, text, func(x *measure.Slice) float64 { return x.CPUPer() / unit }))
	}
	return rows
}

func (s Scenario) rateBars() (rows []bar) {
	unit := 1.0
	if s.Content > 0 {
		unit = float64(s.Content) / 1e6
	}
	for _, r := range s.Results {
		rows = append(rows, barOf(r, "%.0f [%.0f, %.0f]", func(x *measure.Slice) float64 { return x.Rate() * unit }))
	}
	return rows
}

func barOf(r *measure.Result, text string, f func(*measure.Slice) float64) bar {
	xs := make([]float64, len(r.Slices))
	for i, x := range r.Slices {
		xs[i] = f(x)
	}
	v := measure.VerdictOf(xs)
	return bar{
		name: r.Subject.Name, ours: r.Subject.Ours, value: v.Median, low: v.Low, high: v.High,
		text: fmt.Sprintf(text, v.Median, v.Low, v.High), describe: r.Subject.Name + ": " + r.Subject.What,
	}
}

func (s Scenario) idleBars() (rows []bar) {
	for _, r := range s.Idle {
		v := measure.VerdictOf(r.Heap)
		rows = append(rows, bar{
			name: r.Subject.Name, ours: r.Subject.Ours, value: max(v.Median, 0), low: max(v.Low, 0), high: max(v.High, 0),
			text:     fmt.Sprintf("%.0f, stack %.0f", v.Median, measure.Median(r.Stack)),
			describe: r.Subject.Name + ": " + r.Subject.What,
		})
	}
	return rows
}

func (s Scenario) latencySpans() (rows []span) {
	for _, r := range s.Results {
		if r.Subject.External {
			continue
		}
		h := r.Latency()
		q := []time.Duration{h.Quantile(0.5), h.Quantile(0.99), h.Quantile(0.999)}
		row := span{name: r.Subject.Name, ours: r.Subject.Ours, text: fmt.Sprintf("%s, %s, %s", brief(q[0]), brief(q[1]), brief(q[2]))}
		for _, d := range q {
			row.values = append(row.values, float64(d))
		}
		rows = append(rows, row)
	}
	return rows
}

// brief is d with three digits or so.
func brief(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(100 * time.Nanosecond).String()
}

var htmlPage = template.Must(template.New("").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width"/>
<title>Benchmark</title>
<style>
:root { color-scheme: light dark; --text: #1b1f24; --back: #fff; --faint: #6b7280; --line: #d5d9df; --ours: #1668c7; --theirs: #9aa5b1; --holds: #1a7f37; --missed: #c02626; --open: #9a6700; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e7eb; --back: #14171a; --faint: #9aa3ad; --line: #363c43; --ours: #4d9bf0; --theirs: #66717d; --holds: #4ac26b; --missed: #ff7b72; --open: #d9a93a; }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); margin: 0; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem 1.5rem 4rem; }
h2 { margin-top: 2.5rem; } h3 { font-size: 1rem; margin-bottom: .2rem; }
table { border-collapse: collapse; } th, td { text-align: left; padding: .2rem 1rem .2rem 0; border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; }
pre, .note { color: var(--faint); } .holds { color: var(--holds); } .missed { color: var(--missed); } .open { color: var(--open); }
svg { width: 100%; height: auto; font: 12px system-ui, sans-serif; }
svg text { fill: var(--text); } svg .name { text-anchor: end; } svg .value { font-variant-numeric: tabular-nums; }
.ours { fill: var(--ours); } .theirs { fill: var(--theirs); } .line { stroke-width: 2; } .line.ours { stroke: var(--ours); } .line.theirs { stroke: var(--theirs); }
.interval { stroke: var(--text); fill: none; } .axis { stroke: var(--line); }
</style>
</head>
<body>
<main>
<h1>Benchmark</h1>
<pre>{{.About}}</pre>
<p>Intervals are by order statistics over paired rounds, of at least 95 % if there are six. Ratios are within a round, ours as a multiple of the other.</p>
<h2>Aims</h2>
{{if .Aims}}<table>
<tr><th>scenario</th><th>aim</th><th>measured</th><th></th></tr>
{{range .Aims}}<tr><td>{{.Scene}}</td><td>{{.Aim}}</td><td>{{.Measured}}</td><td><span class="{{.Word}}">{{.Word}}</span> <span class="note">{{.Note}}</span></td></tr>
{{end}}</table>{{end}}
{{if .Unseen}}<p class="note">{{.Unseen}} aims are about scenarios or subjects that were not run.</p>{{end}}
{{range .Scenarios}}<h2>{{.Title}}</h2>
{{if .LeftOut}}<p class="open">Left out: {{.LeftOut}}</p>{{end}}
{{if .Without}}<p class="open">{{.Without}}</p>{{end}}
{{range .Charts}}<h3>{{.Title}}</h3>
{{.SVG}}
{{end}}{{range .Notes}}<p class="note">{{.}}</p>
{{end}}{{if .Ratios}}<details><summary>Ratios</summary><table>
<tr><th>ours</th><th>other</th><th>CPU</th><th>throughput</th></tr>
{{range .Ratios}}<tr><td>{{.Ours}}</td><td>{{.Other}}</td><td>{{.CPU}}</td><td>{{.Rate}}</td></tr>
{{end}}</table></details>{{end}}
{{end}}</main>
</body>
</html>
`))
