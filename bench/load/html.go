package main

import (
	"html"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// asHTML is the report with plots: one file, without scripts and without anything
// from elsewhere, in the colours that the reader's system prefers.
func (r *result) asHTML() ([]byte, error) {
	var l lines
	title := html.EscapeString(r.Name)
	l.f("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n")
	l.f("<title>load: %s</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n<h1>%s</h1>\n<p>%s; begun %s</p>\n",
		title, style, title, html.EscapeString(r.how()), r.Started.Format(time.RFC3339))
	for _, w := range r.warnings() {
		l.f("<p class=\"warning\">%s</p>\n", html.EscapeString(w))
	}
	r.htmlNumbers(&l)
	r.htmlLatency(&l)
	l.f("<h2>Latency over time</h2>\n<p>By when the answers came, in the time of grace too, in slices of %s, on a logarithmic scale.</p>\n", brief(r.width))
	r.latencyPlot().write(&l)
	l.f("<h2>Answers over time</h2>\n")
	r.ratePlot().write(&l)
	l.f("<h2>Latency by percentile</h2>\n<p>Each step to the right is a tenth of the requests of the one before.</p>\n")
	r.percentilePlot().write(&l)
	r.htmlCounts(&l)
	l.f("</main>\n</body>\n</html>\n")
	return l.Bytes(), nil
}

func (r *result) htmlNumbers(l *lines) {
	l.f("<table>\n")
	for _, row := range [][3]string{
		{"Answered", count(r.Answered), rate(r.Throughput)},
		{"Failed", count(r.Failed), ""},
		{"Unsent", count(r.Unsent), unsentNote},
		{"Content", bytesText(float64(r.Content)), bytesText(r.ContentRate) + "/s"},
		{"Received", bytesText(float64(r.BytesIn)), bytesText(r.RateIn) + "/s, on the wire"},
		{"Sent", bytesText(float64(r.BytesOut)), bytesText(r.RateOut) + "/s"},
		{"Connections", count(r.Dials), "made, on average in " + brief(r.meanDial())},
		{"Warm-up", count(r.Warm), "requests, in no other number; " + count(r.WarmFailed) + " failed"},
	} {
		if row[0] == "Unsent" && r.Unsent == 0 {
			continue
		}
		l.f("<tr><th>%s</th><td>%s</td><td class=\"note\">%s</td></tr>\n", row[0], row[1], row[2])
	}
	l.f("</table>\n")
}

func (r *result) htmlLatency(l *lines) {
	l.f("<h2>Latency</h2>\n<table>\n<tr><th></th>")
	for _, p := range percentiles {
		l.f("<th>%s</th>", p.name)
	}
	l.f("<th>max</th><th>mean</th><th>stdev</th></tr>\n")
	row := func(name string, h *hdrhistogram.Histogram) {
		l.f("<tr><th>%s</th>", name)
		for _, p := range percentiles {
			l.f("<td>%s</td>", brief(percentile(h, p.p)))
		}
		l.f("<td>%s</td><td>%s</td><td>%s</td></tr>\n", brief(maxOf(h)), brief(meanOf(h)), brief(stdevOf(h)))
	}
	if r.wait == nil {
		row("Latency", r.latency)
	} else {
		row("From when due", r.latency)
		row("Sent late by", r.wait)
	}
	l.f("</table>\n")
}

func (r *result) htmlCounts(l *lines) {
	l.f("<h2>Answers</h2>\n<table>\n<tr><th>Status</th><th>Count</th></tr>\n")
	for _, code := range slices.Sorted(maps.Keys(r.Statuses)) {
		l.f("<tr><td>%d</td><td>%s</td></tr>\n", code, count(r.Statuses[code]))
	}
	l.f("</table>\n")
	if len(r.Failures) == 0 {
		return
	}
	l.f("<h2>Failures</h2>\n<table>\n<tr><th>Kind</th><th>Count</th><th>Example</th></tr>\n")
	for _, kind := range slices.Sorted(maps.Keys(r.Failures)) {
		f := r.Failures[kind]
		l.f("<tr><td>%s</td><td>%s</td><td class=\"note\">%s</td></tr>\n", html.EscapeString(kind), count(f.Count), html.EscapeString(f.Example))
	}
	l.f("</table>\n")
}

// seconds is where a slice lies on the axis of time: its middle.
func (r *result) seconds(i int) float64 { return (float64(i) + 0.5) * r.width.Seconds() }

// length is the end of the axis of time.
func (r *result) length() float64 {
	return max(r.Elapsed, float64(len(r.slices))*r.width.Seconds(), r.width.Seconds())
}

func (r *result) latencyPlot() *plot {
	p := &plot{
		x: axis{to: r.length(), text: func(v float64) string { return digits(v) + " s" }},
		y: axis{log: true, text: func(v float64) string { return brief(time.Duration(v)) }},
	}
	for n, q := range []struct {
		name string
		of   float64
	}{{"max", 100}, {"p99", 99}, {"p50", 50}} {
		line := series{name: q.name, class: n}
		for i, s := range r.slices {
			if s.latency == nil {
				line.gap()
				continue
			}
			line.add(r.seconds(i), float64(max(percentile(s.latency, q.of), 1)))
		}
		p.series = append(p.series, line)
	}
	return p.fit()
}

func (r *result) ratePlot() *plot {
	p := &plot{
		x: axis{to: r.length(), text: func(v float64) string { return digits(v) + " s" }},
		y: axis{text: func(v float64) string { return rate(v) }},
	}
	answered, failed := series{name: "answered", class: 2}, series{name: "failed", class: 0}
	for i, s := range r.slices {
		// The last slice may be shorter than the others. Behind it are the answers
		// that came in the time of grace, when nothing was sent.
		wide := min(r.width.Seconds(), r.Elapsed-float64(i)*r.width.Seconds())
		if wide <= 0.1*r.width.Seconds() && i > 0 || wide <= 0 {
			continue
		}
		answered.add(r.seconds(i), float64(s.answered)/wide)
		failed.add(r.seconds(i), float64(s.failed)/wide)
	}
	p.series = append(p.series, answered)
	if r.Failed > 0 {
		p.series = append(p.series, failed)
	}
	return p.fit()
}

// percentilePlot has the number of nines on its x axis: where 1 in 10ˣ requests
// takes longer.
func (r *result) percentilePlot() *plot {
	most := min(math.Log10(float64(max(r.latency.TotalCount(), 10))), 6)
	p := &plot{
		x: axis{to: math.Ceil(most), ticks: 1, text: func(v float64) string {
			if v == 0 {
				return "0 %"
			}
			return digits(100-math.Pow(10, 2-v)) + " %"
		}},
		y: axis{text: func(v float64) string { return brief(time.Duration(v)) }},
	}
	row := func(name string, class int, h *hdrhistogram.Histogram) {
		line := series{name: name, class: class}
		for x := 0.0; x < most; x += 0.05 {
			line.add(x, float64(percentile(h, 100-math.Pow(10, 2-x))))
		}
		line.add(most, float64(maxOf(h)))
		p.series = append(p.series, line)
	}
	if r.wait != nil {
		row("sent late by", 1, r.wait)
	}
	row("latency", 2, r.latency)
	return p.fit()
}

const style = `
:root { color-scheme: light dark; --back: #fff; --text: #1b1b1b; --quiet: #666; --rule: #ddd; --s0: #c0392b; --s1: #b9770e; --s2: #1f6fb2; --warn: #fbe3e0 }
@media (prefers-color-scheme: dark) { :root { --back: #15181c; --text: #e4e4e4; --quiet: #9a9a9a; --rule: #363b42; --s0: #ff8274; --s1: #f0b95a; --s2: #6db5f2; --warn: #4a2420 } }
body { background: var(--back); color: var(--text); font: 15px/1.5 system-ui, sans-serif; margin: 0 }
main { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.3rem; overflow-wrap: anywhere } h2 { font-size: 1.05rem; margin-top: 2rem }
p { color: var(--quiet) } .warning { background: var(--warn); color: var(--text); padding: .5rem 1rem; border-radius: 4px }
table { border-collapse: collapse; display: block; overflow-x: auto } th, td { padding: .2rem .8rem; text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; border-bottom: 1px solid var(--rule) }
th:first-child, .note { text-align: left } th { font-weight: 600 } .note { color: var(--quiet); white-space: normal; overflow-wrap: anywhere }
svg { width: 100%; height: auto } svg text { fill: var(--quiet); font: 12px system-ui, sans-serif }
.grid { stroke: var(--rule) } .s0, .s1, .s2 { fill: none; stroke-width: 1.8; stroke-linejoin: round } .s0 { stroke: var(--s0) } .s1 { stroke: var(--s1) } .s2 { stroke: var(--s2) }
`
