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
	kind := "off"
	if s.TLS {
		kind = "on"
	}
	for _, r := range s.Results {
		name := fmt.Sprintf("BenchmarkGET/proto=%s/server=%s/tls=%s/size=%d/c=%d/subject=%s-%d",
			s.proto(), s.server(), kind, s.Size, s.Conns, r.Subject.Name, runtime.GOMAXPROCS(0))
		for _, x := range r.Slices {
			n := time.Duration(x.Requests)
			_, err := fmt.Fprintf(w, "%s\t%d\t%d ns/op\t%d cpu-ns/op\t%d user-ns/op\t%d system-ns/op\t%.0f B/op\t%.2f allocs/op\t%.2f gc/100kop\t%.0f req/s\t%d p50-ns\t%d p99-ns\t%d p99.9-ns\n",
				name, x.Requests, x.Wall/n, x.CPU(), x.User/n, x.System/n, x.BytesPer(), x.AllocsPer(), x.CollectionsPer(), x.Rate(),
				x.Latency.Quantile(0.5), x.Latency.Quantile(0.99), x.Latency.Quantile(0.999))
			if err != nil {
				return err
			}
		}
	}
	return nil
}
