//go:build !linux

package main

import (
	"sync"
	"time"
)

// sleeper sleeps as precisely as the runtime's timers do, which here wait in terms
// of nanoseconds (kqueue) or on a timer of high resolution (Windows).
type sleeper struct {
	ended chan struct{}
	once  sync.Once
}

func newSleeper() (*sleeper, error) { return &sleeper{ended: make(chan struct{})}, nil }

// sleep returns after d, or when interrupt is called.
func (s *sleeper) sleep(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.ended:
	}
}

// interrupt ends the sleep that there may be, and all later ones.
func (s *sleeper) interrupt() { s.once.Do(func() { close(s.ended) }) }

func (s *sleeper) close() {}
