package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress shows how much has been received: as a bar that is redrawn on a
// terminal, with the rate and the time that remains, else in a few plain lines.
// It is used by one goroutine.
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

// newProgress is for a terminal that is so many columns wide, or for none: 0.
func newProgress(w io.Writer, columns int, total int64) *progress {
	p := &progress{w: w, total: total, start: time.Now(), bar: newBar(w, columns, total, "  ")}
	p.next = p.step()
	return p
}

// Columns that a bar's line takes at the most, without the bar itself and what
// stands in front.
const (
	detailsColumns = 64 // with total and time: "   1% || (1023 KiB/1023 MiB, 1023 KiB/s) [59h59m59s:9999h59m59s]"
	shortColumns   = 31 // without: "   1% || (1023 KiB, 1023 KiB/s)"
	mostBar        = 30
	leastBar       = 5
)

// newBar makes a bar whose line is shorter than the terminal is wide: one that
// goes on in the next line cannot be taken away. nil if there is no terminal, or
// too little of it.
func newBar(w io.Writer, columns int, total int64, what string) *progressbar.ProgressBar {
	room := columns - 1 - len(what)
	detailed := room >= detailsColumns+leastBar
	if room -= shortColumns; detailed {
		room -= detailsColumns - shortColumns
	}
	if room < leastBar {
		return nil
	}
	return progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetWidth(min(room, mostBar)),
		progressbar.OptionShowBytes(true),
		progressbar.OptionShowTotalBytes(detailed),
		progressbar.OptionShowCount(),
		progressbar.OptionUseIECUnits(true),
		progressbar.OptionSetPredictTime(detailed),
		progressbar.OptionSetElapsedTime(detailed),
		progressbar.OptionThrottle(50*time.Millisecond),
		progressbar.OptionSetDescription(what),
		progressbar.OptionSetSpinnerChangeInterval(0), // else it starts a goroutine
	)
}

func (p *progress) step() int64 {
	if p.total < 0 {
		return lineStep
	}
	return max(p.total/4, 1)
}

// Write counts b. It never fails.
func (p *progress) Write(b []byte) (int, error) {
	p.set(p.done + int64(len(b)))
	return len(b), nil
}

// set says how much is done.
func (p *progress) set(done int64) {
	p.done = done
	switch {
	case p.bar != nil:
		p.bar.Set64(done) // a terminal that is gone is no reason to stop
	case p.done >= p.next && (p.total < 0 || p.done < p.total):
		fmt.Fprintf(p.w, "  %s\n", p)
		for p.next <= p.done {
			p.next += p.step()
		}
	}
}

// clear takes the bar away.
func (p *progress) clear() {
	if p.bar != nil {
		p.bar.Clear()
		fmt.Fprint(p.w, "\r")
		p.bar = nil
	}
}

// finish takes the bar away and writes the last line.
func (p *progress) finish() {
	p.clear()
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

// leastUpload is the shortest request body that has a bar.
const leastUpload = 1 << 20

// upload shows on a terminal how much of a request has been sent.
type upload struct {
	w       io.Writer
	columns int // as newProgress has it

	mu   sync.Mutex
	done int64                    // guarded by mu; as last reported
	bar  *progressbar.ProgressBar // guarded by mu; nil before the first byte and after the last
	over bool                     // guarded by mu; the response is there, or will not come
}

// report is for WithUploadProgress: the goroutine that sends calls it.
func (u *upload) report(done, total int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.over || total >= 0 && total < leastUpload {
		return
	}
	if u.bar != nil && done < u.done { // it is sent once more
		u.bar.Clear()
		u.bar = nil
	}
	u.done = done
	if u.bar == nil {
		u.bar = newBar(u.w, u.columns, total, "  sending")
	}
	if u.bar != nil {
		u.bar.Set64(done)
	}
}

// end takes the bar away for good.
func (u *upload) end() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.over = true
	if u.bar != nil {
		u.bar.Clear()
		fmt.Fprint(u.w, "\r")
		u.bar = nil
	}
}
