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
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "subject\treq/s\tCPU µs/req\tuser\tsystem\tallocs\tbytes\tGC/100k\tp50 µs\tp99 µs\tp99.9 µs\t")
	for _, r := range s.Results {
		latency := r.Latency()
		fmt.Fprintf(t, "%s\t%.0f\t%.2f\t%.2f\t%.2f\t%.2f\t%.0f\t%.1f\t%.0f\t%.0f\t%.0f\t\n",
			r.Subject.Name,
			r.MedianOf((*measure.Slice).Rate),
			r.MedianOf(func(x *measure.Slice) float64 { return micros(x.CPU()) }),
			r.MedianOf(func(x *measure.Slice) float64 { return micros(x.User) / float64(x.Requests) }),
			r.MedianOf(func(x *measure.Slice) float64 { return micros(x.System) / float64(x.Requests) }),
			r.MedianOf((*measure.Slice).AllocsPer),
			r.MedianOf((*measure.Slice).BytesPer),
			r.MedianOf((*measure.Slice).CollectionsPer),
			micros(latency.Quantile(0.5)), micros(latency.Quantile(0.99)), micros(latency.Quantile(0.999)))
	}
	return t.Flush()
}

// Ratios prints our subjects against all others: the median of the paired
// rounds' CPU ratios and its interval.
func Ratios(w io.Writer, s Scenario) error {
	var ours, others []*measure.Result
	for _, r := range s.Results {
		if r.Subject.Ours {
			ours = append(ours, r)
		} else {
			others = append(others, r)
		}
	}
	if len(ours) == 0 || len(others) == 0 {
		return nil
	}
	fmt.Fprintln(w, "\nclient CPU per request, ours as a multiple of")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "\t")
	for _, o := range others {
		fmt.Fprintf(t, "%s\t", o.Subject.Name)
	}
	fmt.Fprintln(t)
	var last measure.Verdict
	for _, r := range ours {
		fmt.Fprintf(t, "%s\t", r.Subject.Name)
		for _, o := range others {
			last = measure.Compare(r.Slices, o.Slices)
			fmt.Fprintf(t, "%s\t", cell(last))
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	note := ""
	if last.Rounds < measure.MinRounds {
		note = fmt.Sprintf("; too few for a verdict, which takes %d", measure.MinRounds)
	}
	_, err := fmt.Fprintf(w, "(median of %d paired rounds, [interval of %.0f %%]%s)\n", last.Rounds, 100*last.Confidence, note)
	return err
}

func cell(v measure.Verdict) string {
	return fmt.Sprintf("%.2f [%.2f, %.2f]", v.Median, v.Low, v.High)
}

func micros(d time.Duration) float64 { return float64(d) / 1e3 }
