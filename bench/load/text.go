package main

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// The percentiles of the reports.
var percentiles = []struct {
	p    float64
	name string
}{{50, "p50"}, {75, "p75"}, {90, "p90"}, {99, "p99"}, {99.9, "p99.9"}, {99.99, "p99.99"}}

// unsentNote says what becomes of requests for which no connection was free at the
// end of an open loop whose rate was held.
const unsentNote = "were due before the end, and are in no latency"

// text is the report on standard output.
func (r *result) text() []byte {
	var l lines
	l.f("%s\n%s\n\n", printable(r.Name), r.how())
	for _, w := range r.warnings() {
		l.f("%s\n\n", w)
	}
	l.f("Answered       %14s  %s\n", count(r.Answered), rate(r.Throughput))
	l.f("Failed         %14s\n", count(r.Failed))
	if r.Unsent > 0 && !r.notHeld() {
		l.f("Unsent         %14s  %s\n", count(r.Unsent), unsentNote)
	}
	l.f("Content        %14s  %s/s\n", bytesText(float64(r.Content)), bytesText(r.ContentRate))
	l.f("Received       %14s  %s/s, on the wire\n", bytesText(float64(r.BytesIn)), bytesText(r.RateIn))
	l.f("Sent           %14s  %s/s\n", bytesText(float64(r.BytesOut)), bytesText(r.RateOut))
	l.f("Connections    %14s  made, on average in %s\n", count(r.Dials), brief(r.meanDial()))
	if r.Warm > 0 {
		l.f("Warm-up        %14s  requests, %s of them failed; in no other number\n", count(r.Warm), count(r.WarmFailed))
	}
	l.f("\n")
	r.latencyTable(&l)
	if len(r.Statuses) > 0 {
		l.f("\nStatus\n")
		for _, code := range slices.Sorted(maps.Keys(r.Statuses)) {
			l.f("  %-12d %14s\n", code, count(r.Statuses[code]))
		}
	}
	if len(r.Failures) > 0 {
		l.f("\nFailures, with an example of each\n")
		for _, kind := range slices.Sorted(maps.Keys(r.Failures)) {
			l.f("  %-16s %10s  %s\n", printable(kind), count(r.Failures[kind].Count), printable(r.Failures[kind].Example))
		}
	}
	return l.Bytes()
}

// how is the second line: what kind of run it was.
func (r *result) how() string {
	words := []string{printable(r.Proto), plural(r.Conns, "connection")}
	if r.Streams > 1 {
		words[1] += " × " + plural(r.Streams, "stream")
	}
	if r.Rate > 0 {
		words = append(words, "open loop at "+rate(r.Rate))
	} else {
		words = append(words, "closed loop")
	}
	words = append(words, brief(time.Duration(r.Elapsed*float64(time.Second))))
	if r.Runs > 1 {
		words = append(words, plural(r.Runs, "run"))
	}
	return strings.Join(words, ", ")
}

// warnings are the sentences that nobody should miss.
func (r *result) warnings() (all []string) {
	if r.Interrupted {
		all = append(all, "interrupted: this is what there was until then")
	}
	if r.notHeld() {
		all = append(all, "rate not held: achieved "+rate(r.Throughput)+" of "+rate(r.Rate)+"; "+count(r.Unsent)+" of "+count(r.Offered)+
			" requests that were due were never sent")
	}
	return all
}

func (r *result) meanDial() time.Duration {
	if r.Dials == 0 {
		return 0
	}
	return time.Duration(r.DialTime / float64(r.Dials) * float64(time.Second))
}

// latencyTable writes the percentiles.
func (r *result) latencyTable(l *lines) {
	heads, values := []string{"Latency"}, []string{""}
	waits := []string{"Sent late by"}
	for _, p := range percentiles {
		heads = append(heads, p.name)
		values = append(values, brief(percentile(r.latency, p.p)))
		if r.wait != nil {
			waits = append(waits, brief(percentile(r.wait, p.p)))
		}
	}
	heads = append(heads, "max", "mean", "stdev")
	values = append(values, brief(maxOf(r.latency)), brief(meanOf(r.latency)), brief(stdevOf(r.latency)))
	rows := [][]string{heads, values}
	if r.wait != nil {
		values[0] = "From when due"
		rows = append(rows, append(waits, brief(maxOf(r.wait)), brief(meanOf(r.wait)), brief(stdevOf(r.wait))))
	}
	for _, row := range rows {
		for i, cell := range row {
			pad := max(map[bool]int{true: 15, false: 9}[i == 0]-utf8.RuneCountInString(cell), 1)
			if i == 0 {
				l.f("%s%s", cell, strings.Repeat(" ", pad))
			} else {
				l.f("%s%s", strings.Repeat(" ", pad), cell)
			}
		}
		l.f("\n")
	}
}
