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
	for _, tt := range []struct {
		name   string
		system bool // the kernel's
		f      func()
	}{
		{"spinning", false, func() { spin(time.Millisecond) }},
		{"reading zeros", true, func() { zero.Read(buf) }},
	} {
		s, err := bench(t, tt.f).Run(100 * time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if (s.System > s.User) != tt.system || s.User+s.System < time.Millisecond {
			t.Errorf("%s: %v of the user's and %v of the system's in %v", tt.name, s.User, s.System, s.Wall)
		}
	}
}
