package measure

import (
	"syscall"
	"time"
)

// cpuTime returns the CPU time of this process so far, all threads. Windows
// counts it in ticks of the scheduler, so slices should be long.
func cpuTime() (user, system time.Duration, err error) {
	self, err := syscall.GetCurrentProcess()
	if err != nil {
		return 0, 0, err
	}
	var created, exited, inKernel, inUser syscall.Filetime
	if err := syscall.GetProcessTimes(self, &created, &exited, &inKernel, &inUser); err != nil {
		return 0, 0, err
	}
	return ticks(inUser), ticks(inKernel), nil
}

// ticks converts a duration in units of 100 ns, which is what Filetime holds
// here.
func ticks(f syscall.Filetime) time.Duration {
	return time.Duration(uint64(f.HighDateTime)<<32|uint64(f.LowDateTime)) * 100
}
