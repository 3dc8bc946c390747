package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"gohttpx.dev/httpx"
)

// resources is what the process holds.
type resources struct {
	goroutines int
	files      int // descriptors; -1 where they cannot be counted
	heap       int64
}

func measure() resources {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what is in a sync.Pool lives through the first
	runtime.ReadMemStats(&m)
	return resources{runtime.NumGoroutine(), openFiles(), int64(m.HeapAlloc)}
}

// openFiles counts the descriptors, where the system has a folder of them.
func openFiles() int {
	for _, dir := range []string{"/proc/self/fd", "/dev/fd"} {
		if d, err := os.ReadDir(dir); err == nil {
			return len(d)
		}
	}
	return -1
}

// measureAfter waits, ten seconds at most, until no more is held than before.
func measureAfter(before resources) resources {
	for end := time.Now().Add(10 * time.Second); ; pause(context.Background(), 20*time.Millisecond) {
		if runtime.NumGoroutine() <= before.goroutines && openFiles() <= before.files || time.Now().After(end) {
			return measure()
		}
	}
}

// total adds up an outcome over the classes.
func (l *load) total(o outcome) (n int64) {
	for _, c := range classes {
		n += l.counts[c][o].Load()
	}
	return n
}

// progress is one line.
func (l *load) progress(elapsed time.Duration) string {
	n := l.requests.Load()
	failed := n - l.total(answered) - l.total(closedEarly) - l.total(cancelled) - l.total(late) - l.total(bad) - l.total(unexpected)
	s := l.client.Stats()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return fmt.Sprintf("%5.0fs %8d requests (%.0f/s): %d answered, %d closed early, %d cancelled, %d late, %d failed as they may, %d wrong, %d unexpected; %d of %d connections busy, %d goroutines, heap %s",
		elapsed.Seconds(), n, float64(n)/elapsed.Seconds(), l.total(answered), l.total(closedEarly), l.total(cancelled), l.total(late), failed, l.total(bad), l.total(unexpected),
		s.Busy, s.Open, runtime.NumGoroutine(), mib(int64(m.HeapAlloc)))
}

func mib(n int64) string { return strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64) + " MiB" }

// table is how all operations ended, by class.
func (l *load) table(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(name string, cells []string) { fmt.Fprintf(t, "%s\t%s\t\n", name, strings.Join(cells, "\t")) }
	head := []string{}
	for _, c := range classes {
		head = append(head, string(c))
	}
	line("", append(head, "all"))
	for _, o := range outcomes {
		if l.total(o) == 0 {
			continue
		}
		var cells []string
		for _, c := range classes {
			cells = append(cells, fmt.Sprint(l.counts[c][o].Load()))
		}
		line(string(o), append(cells, fmt.Sprint(l.total(o))))
	}
	var cells []string
	for _, c := range classes {
		n := int64(0)
		for _, o := range outcomes {
			n += l.counts[c][o].Load()
		}
		cells = append(cells, fmt.Sprint(l.spent[c].Load()/1e6/max(n, 1)))
	}
	line("ms on average", append(cells, ""))
	t.Flush()
}

// must is something that is zero after a good run.
type must struct {
	what string
	n    int64
}

// finish closes the client and says what is left. It reports whether nothing is.
func (l *load) finish(before resources, srv serverReport) bool {
	// A dial outlives the request that gave up on it, until Connect is over, which may
	// be a minute: Close ends it.
	idle := settled(l.client, func(s httpx.Stats) bool {
		return s.Busy == 0 && s.Streams == 0 && s.Waiting == 0
	})
	used := l.client.Stats().Counts
	l.client.Close()
	closed := settled(l.client, func(s httpx.Stats) bool { return s.Open == 0 && s.Dialing == 0 })
	bodies := openBodies.Load()
	for end := time.Now().Add(10 * time.Second); bodies != 0 && time.Now().Before(end); bodies = openBodies.Load() {
		pause(context.Background(), 10*time.Millisecond)
	}
	after := measureAfter(before)

	musts := []must{
		{"wrong answers", l.total(bad)},
		{"errors that may not happen", l.total(unexpected)},
		{"requests carried out twice that must not be", srv.Repeated},
		{"panics in the servers", srv.Panics},
		{"pool slots in use after the last request", int64(idle.Busy + idle.Streams + idle.Waiting)},
		{"connections open or dialled after Close", int64(closed.Open + closed.Dialing)},
		{"closed clients that kept something", l.slots.Load()},
		{"request bodies not closed", bodies},
		{"goroutines left", int64(max(0, after.goroutines-before.goroutines))},
		{"file descriptors left", int64(max(0, after.files-before.files))},
	}
	good := true
	w := l.out
	fmt.Fprintf(w, "\n%d requests over %d dials (%d failed), %d reuses, %d replays, %d found stale, %d evicted, %d expired, %d waits\n\n",
		l.requests.Load(), used.Dials, used.DialErrors, used.Reuses, used.Replays, used.Stale, used.Evicted, used.Expired, used.Waits)
	l.table(w)
	fmt.Fprintf(w, "\nheap after collection: %s at the start, %s at the end\n", mib(before.heap), mib(after.heap))
	if after.files < 0 {
		fmt.Fprintln(w, "file descriptors cannot be counted on this system")
	}
	for _, m := range musts {
		mark := "ok  "
		if m.n != 0 {
			mark, good = "FAIL", false
		}
		fmt.Fprintf(w, "%s %s: %d\n", mark, m.what, m.n)
	}
	if after.goroutines > before.goroutines {
		fmt.Fprintf(w, "\n%s\n", stacks())
	}
	return good
}
