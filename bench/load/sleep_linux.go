package main

import (
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// sleeper sleeps to within some microseconds. The runtime's own timers do not on
// Linux: it waits in epoll_wait, which counts in milliseconds, and a request that
// leaves a millisecond late would have that in its latency. A timerfd makes
// epoll_wait return in time.
type sleeper struct {
	f     *os.File
	fd    uintptr
	ended atomic.Bool
	buf   [8]byte
}

// From linux/timerfd.h and linux/time.h.
const (
	clockMonotonic = 1
	timerCloseExec = syscall.O_CLOEXEC
	timerNonblock  = syscall.O_NONBLOCK
)

// timerSpec is struct itimerspec.
type timerSpec struct{ interval, value syscall.Timespec }

func newSleeper() (*sleeper, error) {
	fd, _, errno := syscall.Syscall(syscall.SYS_TIMERFD_CREATE, clockMonotonic, timerCloseExec|timerNonblock, 0)
	if errno != 0 {
		return nil, os.NewSyscallError("timerfd_create", errno)
	}
	return &sleeper{f: os.NewFile(fd, "timer"), fd: fd}, nil
}

// sleep returns after d, or when interrupt is called.
func (s *sleeper) sleep(d time.Duration) {
	if d <= 0 || s.ended.Load() {
		return
	}
	spec := timerSpec{value: syscall.NsecToTimespec(int64(d))}
	if _, _, errno := syscall.Syscall6(syscall.SYS_TIMERFD_SETTIME, s.fd, 0, uintptr(unsafe.Pointer(&spec)), 0, 0, 0); errno != 0 {
		time.Sleep(d) // worse, and never seen
		return
	}
	s.f.Read(s.buf[:]) // an error is the interrupt
}

// interrupt ends the sleep that there may be, and all later ones.
func (s *sleeper) interrupt() {
	s.ended.Store(true)
	s.f.SetReadDeadline(time.Unix(1, 0))
}

func (s *sleeper) close() { s.f.Close() }
