package measure

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"gohttpx.dev/bench/subject"
)

// doing is a client whose exchanges call f.
type doing struct {
	aside
	f func()
}

func (d doing) Worker(int) (subject.Exchange, error) {
	return func() error { d.f(); return nil }, nil
}

// bench opens a subject with one goroutine that calls f.
func bench(t *testing.T, f func()) *Bench {
	t.Helper()
	s := subject.Subject{Name: "doing", Open: func(subject.Options) (subject.Client, error) { return doing{f: f}, nil }}
	b, err := Open(s, subject.Options{Conns: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// spin takes CPU time without a system call but for the clock, which is none on
// most systems.
func spin(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		for x := range 10_000 {
			sink.Add(int64(x))
		}
	}
}

var sink atomic.Int64

// What a slice counts is what happened in it, and nothing that was before.
func TestSliceCountsItsOwn(t *testing.T) {
	spin(200 * time.Millisecond) // CPU time of before
	const objects = 100
	keep := make([]*[1024]byte, objects)
	cpu := func() time.Duration {
		t.Helper()
		user, system, err := cpuTime()
		if err != nil {
			t.Fatal(err)
		}
		return user + system
	}
	b := bench(t, func() {
		for i := range keep {
			keep[i] = new([1024]byte)
		}
		// However coarse the system counts, and however few requests there are.
		for now := cpu(); cpu() == now; {
			spin(time.Microsecond)
		}
	})
	for range 2 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		cpuBefore := cpu()
		s, err := b.Run(30 * time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		cpuAfter := cpu()
		runtime.ReadMemStats(&after)
		// Beside the requests there is what takes less than one of them: a goroutine.
		n := uint64(s.Requests)
		if s.Allocs < n*objects || s.Allocs >= (n+1)*objects {
			t.Errorf("%d objects of %d requests, expected %d each", s.Allocs, n, objects)
		}
		if s.Bytes < n*objects*1024 || s.Bytes >= (n+1)*objects*1024 {
			t.Errorf("%d bytes of %d requests, expected %d each", s.Bytes, n, objects*1024)
		}
		// One collection before the clock runs is not counted.
		if all := int(after.NumGC - before.NumGC); s.Bytes > 64<<20 && s.Collections < 1 || s.Collections >= all {
			t.Errorf("%d collections counted of %d", s.Collections, all)
		}
		if took, most := s.User+s.System, cpuAfter-cpuBefore; took <= 0 || took > most {
			t.Errorf("%v of CPU time where %v passed from before to after", took, most)
		}
	}
}

// The heap is collected before the warm-up, not during it by chance.
func TestSliceStartsWithACollection(t *testing.T) {
	var first uint32
	b := bench(t, func() {
		if first == 0 {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			first = m.NumGC
		}
	})
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if _, err := b.Run(time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if first <= m.NumGC {
		t.Error("the first request ran before a collection")
	}
}
