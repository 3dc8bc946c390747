//go:build unix

package measure

import (
	"os"
	"testing"
	"time"
)

// CPU time is this process's, and goes where it belongs.
func TestCPUTime(t *testing.T) {
	zero, err := os.Open("/dev/zero")
	if err != nil {
		t.Fatal(err)
	}
	defer zero.Close()
	buf := make([]byte, 1<<20)
	share := func(f func()) float64 { // the system's
		s, err := bench(t, f).Run(100 * time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if s.User+s.System < time.Millisecond {
			t.Errorf("%v of the user's and %v of the system's in %v", s.User, s.System, s.Wall)
		}
		return float64(s.System) / float64(s.User+s.System)
	}
	// Not more: the race detector has work of its own with what is read.
	if spinning, reading := share(func() { spin(time.Millisecond) }), share(func() { zero.Read(buf) }); spinning >= reading {
		t.Errorf("the system has %.2f of the CPU time of spinning, and %.2f of that of reading", spinning, reading)
	}
}
