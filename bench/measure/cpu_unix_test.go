//go:build unix

package measure

import (
	"os"
	"testing"
	"time"
)

// CPU time is this process's, and goes where it belongs.
func TestCPUTime(t *testing.T) {
	random, err := os.Open("/dev/urandom") // the system works for what it gives
	if err != nil {
		t.Fatal(err)
	}
	defer random.Close()
	buf := make([]byte, 64<<10)
	// The system divides what it knows exactly, the sum, by what it saw at its
	// ticks: a few in 100 ms. So a share is a sum of slices.
	var spinning, reading Slice
	add := func(sum *Slice, f func()) {
		s, err := bench(t, f).Run(100 * time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if s.User+s.System < time.Millisecond {
			t.Errorf("%v of the user's and %v of the system's in %v", s.User, s.System, s.Wall)
		}
		sum.User += s.User
		sum.System += s.System
	}
	share := func(s *Slice) float64 { return float64(s.System) / float64(s.User+s.System) }
	for range 50 {
		add(&spinning, func() { spin(time.Millisecond) })
		add(&reading, func() { random.Read(buf) })
		// Not more: the race detector has work of its own with what is read.
		if share(&spinning) < share(&reading) {
			return
		}
	}
	t.Errorf("the system has %.2f of the CPU time of spinning, and %.2f of that of reading", share(&spinning), share(&reading))
}
