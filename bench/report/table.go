package report

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"gohttpx.dev/bench/measure"
)

// Table prints one row per subject: medians over the rounds, and the latency
// of all rounds together.
func Table(w io.Writer, s Scenario) error {
	fmt.Fprintf(w, "\n%s\n", s.Title())
	if s.LeftOut != "" {
		_, err := fmt.Fprintf(w, "left out: %s\n", s.LeftOut)
		return err
	}
	if s.without() != "" {
		fmt.Fprintln(w, s.without())
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	switch {
	case s.Idle != nil:
		fmt.Fprintln(t, "subject\tconnections\theap bytes each\tstack bytes each\trounds\t")
		for _, r := range s.Idle {
			fmt.Fprintf(t, "%s\t%d\t%.0f\t%.0f\t%d\t\n", r.Subject.Name, r.Conns, measure.Median(r.Heap), measure.Median(r.Stack), len(r.Heap))
		}
	case s.Content > 0:
		fmt.Fprintln(t, "subject\tMB/s\tCPU s/GB\tuser\tsystem\tallocs\tbytes\tGC/GB\t")
		gb := float64(s.Content) / 1e9
		for _, r := range s.Results {
			per := func(f func(*measure.Slice) float64) float64 { return r.MedianOf(f) / gb }
			fmt.Fprintf(t, "%s\t%.0f\t%.3f\t%.3f\t%.3f\t%.0f\t%.0f\t%.2f\t\n",
				r.Subject.Name,
				r.MedianOf((*measure.Slice).Rate)*gb*1e3,
				per(func(x *measure.Slice) float64 { return x.CPUPer() / 1e9 }),
				per(func(x *measure.Slice) float64 { return x.User.Seconds() / float64(x.Requests) }),
				per(func(x *measure.Slice) float64 { return x.System.Seconds() / float64(x.Requests) }),
				r.MedianOf((*measure.Slice).AllocsPer),
				r.MedianOf((*measure.Slice).BytesPer),
				per((*measure.Slice).CollectionsPer)/1e5)
		}
	default:
		fmt.Fprintln(t, "subject\treq/s\tCPU µs/req\tuser\tsystem\tallocs\tbytes\tGC/100k\tp50 µs\tp99 µs\tp99.9 µs\t")
		for _, r := range s.Results {
			heap, waits := "-\t-\t-", "-\t-\t-"
			if !r.Subject.External { // of which neither is known
				latency := r.Latency()
				heap = fmt.Sprintf("%.2f\t%.0f\t%.1f", r.MedianOf((*measure.Slice).AllocsPer), r.MedianOf((*measure.Slice).BytesPer), r.MedianOf((*measure.Slice).CollectionsPer))
				waits = fmt.Sprintf("%.0f\t%.0f\t%.0f", micros(latency.Quantile(0.5)), micros(latency.Quantile(0.99)), micros(latency.Quantile(0.999)))
			}
			fmt.Fprintf(t, "%s\t%.0f\t%.2f\t%.2f\t%.2f\t%s\t%s\t\n",
				r.Subject.Name,
				r.MedianOf((*measure.Slice).Rate),
				r.MedianOf(func(x *measure.Slice) float64 { return micros(x.CPU()) }),
				r.MedianOf(func(x *measure.Slice) float64 { return micros(x.User) / float64(x.Requests) }),
				r.MedianOf(func(x *measure.Slice) float64 { return micros(x.System) / float64(x.Requests) }),
				heap, waits)
		}
	}
	return t.Flush()
}

// Ratios prints our subjects against all others: the median of the paired
// rounds' ratios and its interval, of CPU time and of what the scenario is about
// beside. Where subjects have a slow reader beside, it prints what they keep of
// their throughput.
func Ratios(w io.Writer, s Scenario) error {
	var ours, others []*measure.Result
	for _, r := range s.Results {
		if r.Subject.Ours {
			ours = append(ours, r)
		} else {
			others = append(others, r)
		}
	}
	if len(ours) > 0 && len(others) > 0 {
		if err := ratios(w, s, OnlyCPU, ours, others); err != nil {
			return err
		}
		if s.Measure != OnlyCPU {
			if err := ratios(w, s, s.Measure, ours, others); err != nil {
				return err
			}
		}
	}
	for _, k := range s.kept() {
		fmt.Fprintf(w, "%s keeps %s of its throughput beside a slow reader\n", k.name, cell(k.verdict))
	}
	return nil
}

func ratios(w io.Writer, s Scenario, m Measure, ours, others []*measure.Result) error {
	title, f := m.of()
	fmt.Fprintf(w, "\n%s\n", title)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "\t")
	for _, o := range others {
		fmt.Fprintf(t, "%s\t", o.Subject.Name)
	}
	fmt.Fprintln(t)
	for _, r := range ours {
		fmt.Fprintf(t, "%s\t", r.Subject.Name)
		for _, o := range others {
			if m == LongWait && o.Subject.External || !alike(r, o) {
				fmt.Fprint(t, "-\t")
				continue
			}
			fmt.Fprintf(t, "%s\t", cell(measure.CompareBy(r.Slices, o.Slices, f)))
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "(%s)\n", s.certainty())
	return err
}

func cell(v measure.Verdict) string {
	return fmt.Sprintf("%.2f [%.2f, %.2f]", v.Median, v.Low, v.High)
}

func micros(d time.Duration) float64 { return float64(d) / 1e3 }
