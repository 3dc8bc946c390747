//go:build unix

package measure

import (
	"syscall"
	"time"
)

// cpuTime returns the CPU time of this process so far, all threads.
func cpuTime() (user, system time.Duration, err error) {
	var ru syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &ru); err != nil {
		return 0, 0, err
	}
	return time.Duration(ru.Utime.Nano()), time.Duration(ru.Stime.Nano()), nil
}
