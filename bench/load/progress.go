package main

import (
	"fmt"
	"time"
)

// progress tells on standard error how the run is going: one line a second, which
// overwrites the last one on a terminal.
type progress struct {
	con  console
	r    *execution
	open bool // a line stands on the terminal without its end
}

func newProgress(con console, r *execution) *progress { return &progress{con: con, r: r} }

// line tells of the time since the last line.
func (p *progress) line(now, since time.Duration, s *slice) {
	what := fmt.Sprintf("%6s  %12s", brief(max(now-p.r.during.from, 0)), rate(float64(s.answered)/since.Seconds()))
	switch {
	case now < p.r.during.from:
		what = fmt.Sprintf("%6s  warming up", brief(p.r.during.from-now))
	case s.latency != nil:
		what += fmt.Sprintf("  p50 %s  p99 %s  max %s", brief(percentile(s.latency, 50)), brief(percentile(s.latency, 99)), brief(maxOf(s.latency)))
	}
	if s.failed > 0 {
		what += fmt.Sprintf("  failed %s", count(s.failed))
	}
	if p.con.live {
		fmt.Fprintf(p.con.err, "\r\x1b[K%s", what)
		p.open = true
		return
	}
	fmt.Fprintln(p.con.err, what)
}

// end takes the line off the terminal.
func (p *progress) end() {
	if p.open {
		fmt.Fprint(p.con.err, "\r\x1b[K")
	}
}
