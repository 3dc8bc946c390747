package report

import (
	"fmt"
	"io"

	"gohttpx.dev/bench/measure"
)

// Markdown writes tables for a README: how each aim fares, the client's CPU time as a
// multiple of the others', and what some scenarios are about beside.
func Markdown(w io.Writer, all []Scenario) error {
	fmt.Fprint(w, "| scenario | aim | measured | |\n|---|---|---|---|\n")
	for _, o := range Judge(all) {
		word, note := o.Word()
		if note != "" {
			word += " (" + note + ")"
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", o.Scene, o.Aim, o.verdictText(), word)
	}
	fmt.Fprint(w, "\n| scenario | subject | as a multiple of | client CPU | allocations |\n|---|---|---|---|---|\n")
	for _, s := range all {
		for _, ours := range s.Results {
			if !ours.Subject.Ours {
				continue
			}
			for _, o := range s.Results {
				if !o.Subject.Ours && alike(ours, o) {
					fmt.Fprintf(w, "| %s | `%s` | `%s` | %s | %.1f |\n", s.key(), ours.Subject.Name, o.Subject.Name,
						cell(measure.Compare(ours.Slices, o.Slices)), ours.MedianOf((*measure.Slice).AllocsPer))
				}
			}
		}
	}
	fmt.Fprint(w, "\n| scenario | subject | MB/s | client CPU s/GB |\n|---|---|---|---|\n")
	for _, s := range all {
		if s.Content == 0 {
			continue
		}
		gb := float64(s.Content) / 1e9
		for _, r := range s.Results {
			fmt.Fprintf(w, "| %s | `%s` | %.0f | %.3f |\n", s.key(), r.Subject.Name,
				r.MedianOf((*measure.Slice).Rate)*gb*1e3, r.MedianOf((*measure.Slice).CPUPer)/1e9/gb)
		}
	}
	fmt.Fprint(w, "\n| scenario | subject | of its throughput beside a slow reader |\n|---|---|---|\n")
	for _, s := range all {
		for _, k := range s.kept() {
			fmt.Fprintf(w, "| %s | `%s` | %s |\n", s.key(), k.name, cell(k.verdict))
		}
	}
	_, err := fmt.Fprint(w, "\n| scenario | subject | connections | heap bytes each | stack bytes each |\n|---|---|---|---|---|\n")
	for _, s := range all {
		for _, r := range s.Idle {
			_, err = fmt.Fprintf(w, "| %s | `%s` | %d | %.0f | %.0f |\n", s.key(), r.Subject.Name, r.Conns, measure.Median(r.Heap), measure.Median(r.Stack))
		}
	}
	return err
}
