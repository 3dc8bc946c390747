package main

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress is a writer that shows how much has gone through it: as a bar that
// is redrawn on a terminal, else in a few plain lines.
type progress struct {
	w     io.Writer
	bar   *progressbar.ProgressBar // nil: plain lines
	total int64                    // -1: unknown
	start time.Time

	done int64
	next int64 // the next plain line is due at so many bytes
}

// lineStep is how often a plain line comes where the total is not known.
const lineStep = 64 << 20

func newProgress(w io.Writer, terminal bool, total int64) *progress {
	p := &progress{w: w, total: total, start: time.Now()}
	if terminal {
		p.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(w),
			progressbar.OptionSetWidth(30),
			progressbar.OptionShowBytes(true),
			progressbar.OptionShowTotalBytes(true),
			progressbar.OptionShowCount(),
			progressbar.OptionUseIECUnits(true),
			progressbar.OptionThrottle(50*time.Millisecond),
			progressbar.OptionSetDescription("  "),
			progressbar.OptionSetSpinnerChangeInterval(0), // else it starts a goroutine
		)
	}
	p.next = p.step()
	return p
}

func (p *progress) step() int64 {
	if p.total < 0 {
		return lineStep
	}
	return max(p.total/4, 1)
}

// Write counts b. It never fails.
func (p *progress) Write(b []byte) (int, error) {
	p.done += int64(len(b))
	switch {
	case p.bar != nil:
		p.bar.Add64(int64(len(b))) // a terminal that is gone is no reason to stop
	case p.done >= p.next && (p.total < 0 || p.done < p.total):
		fmt.Fprintf(p.w, "  %s\n", p)
		for p.next <= p.done {
			p.next += p.step()
		}
	}
	return len(b), nil
}

// finish takes the bar away and writes the last line.
func (p *progress) finish() {
	if p.bar != nil {
		p.bar.Clear()
		fmt.Fprint(p.w, "\r")
	}
	fmt.Fprintf(p.w, "  %s\n", p)
}

// String is where things stand: "25 %, 16.0 MiB of 64.0 MiB, 812.3 MB/s".
func (p *progress) String() string {
	rate := float64(p.done) / max(time.Since(p.start).Seconds(), 1e-9) / 1e6
	if p.total <= 0 {
		return fmt.Sprintf("%s, %.1f MB/s", size(p.done), rate)
	}
	return fmt.Sprintf("%3d %%, %s of %s, %.1f MB/s", p.done*100/p.total, size(p.done), size(p.total), rate)
}
