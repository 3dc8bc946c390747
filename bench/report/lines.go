package report

import (
	"fmt"
	"io"
	"runtime"
	"time"
)

// Lines writes one benchmark line per subject and round. The key=value parts of
// the name let benchstat split by any of them, for example with -col /subject.
func Lines(w io.Writer, s Scenario) error {
	for _, r := range s.Idle {
		for i := range r.Heap {
			_, err := fmt.Fprintf(w, "%s\t%d\t%.0f heap-B/conn\t%.0f stack-B/conn\n", s.lineName(r.Subject.Name), r.Conns, r.Heap[i], r.Stack[i])
			if err != nil {
				return err
			}
		}
	}
	for _, r := range s.Results {
		for _, x := range r.Slices {
			n := time.Duration(x.Requests)
			fmt.Fprintf(w, "%s\t%d\t%d ns/op\t%d cpu-ns/op\t%d user-ns/op\t%d system-ns/op\t%.6g req/s",
				s.lineName(r.Subject.Name), x.Requests, x.Wall/n, x.CPU(), x.User/n, x.System/n, x.Rate())
			if !r.Subject.External {
				fmt.Fprintf(w, "\t%.0f B/op\t%.2f allocs/op\t%.2f gc/100kop\t%d p50-ns\t%d p99-ns\t%d p99.9-ns",
					x.BytesPer(), x.AllocsPer(), x.CollectionsPer(), x.Latency.Quantile(0.5), x.Latency.Quantile(0.99), x.Latency.Quantile(0.999))
			}
			if s.Content > 0 {
				gb := float64(s.Content) / 1e9
				fmt.Fprintf(w, "\t%.1f MB/s\t%.4f cpu-s/GB", x.Rate()*gb*1e3, x.CPUPer()/1e9/gb)
			}
			if _, err := fmt.Fprintln(w); err != nil {
				return err
			}
		}
	}
	return nil
}

// lineName is the benchmark name of a subject.
func (s Scenario) lineName(subject string) string {
	kind, scene, verb := "off", "", "GET"
	if s.TLS {
		kind = "on"
	}
	if s.Name != "" {
		verb, scene = "Scene", "/scenario="+s.Name
	}
	return fmt.Sprintf("Benchmark%s%s/proto=%s/server=%s/tls=%s/size=%d/c=%d/subject=%s-%d",
		verb, scene, s.proto(), s.server(), kind, s.Size, s.Conns, subject, runtime.GOMAXPROCS(0))
}
