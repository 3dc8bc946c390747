package leak

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"testing"
	"time"
)

// Meter measures how much memory a test takes: objects on the heap and the
// stacks of goroutines. While it runs the collector works early (GOGC=20), so
// that the peak is what was in use, and not what nobody has collected yet.
type Meter struct {
	base   int64
	gogc   int
	stop   chan struct{}
	ended  sync.WaitGroup
	mu     sync.Mutex
	peak   int64 // guarded by mu
	sample []metrics.Sample
}

// NewMeter starts from what is in use now. Stop ends it.
func NewMeter() *Meter {
	m := &Meter{gogc: debug.SetGCPercent(20), stop: make(chan struct{})}
	m.sample = []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	m.base = m.settled()
	// Ends with Stop, which waits for it.
	m.ended.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-m.stop:
				return
			case <-tick.C:
				m.look()
			}
		}
	})
	return m
}

// look takes a sample.
func (m *Meter) look() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	metrics.Read(m.sample)
	n := int64(m.sample[0].Value.Uint64() + m.sample[1].Value.Uint64())
	m.peak = max(m.peak, n)
	return n
}

// settled is what is in use after two collections, which empty sync.Pools too. Each
// processor keeps goroutines that have ended for new ones, with stacks that no
// collection frees: with many of them that is more than what tests look for.
// Processors that are taken away give them up.
func (m *Meter) settled() int64 {
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	runtime.GC()
	runtime.GC()
	return m.look()
}

// Grown is how many bytes are in use above the start, after a collection.
func (m *Meter) Grown() int64 { return m.settled() - m.base }

// Back waits until no more than most bytes are in use above the start, and
// returns how many are: after 10 seconds whatever there is.
func (m *Meter) Back(most int64) int64 {
	n := m.Grown()
	for deadline := time.Now().Add(10 * time.Second); n > most && time.Now().Before(deadline); {
		runtime.Gosched()
		n = m.Grown()
	}
	return n
}

// Peak is the most that was seen above the start.
func (m *Meter) Peak() int64 {
	m.look()
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.peak - m.base
}

// Try has memory measured until there is no fault, three times at most: the collector
// may be late on a busy machine, but what is too much is so again. The test fails with
// the last fault.
func Try(t testing.TB, measure func() (fault string)) {
	t.Helper()
	fault := ""
	for range 3 {
		if fault = measure(); fault == "" {
			return
		}
	}
	t.Error(fault)
}

// Stop ends the measuring and puts the collector back.
func (m *Meter) Stop() {
	close(m.stop)
	m.ended.Wait()
	debug.SetGCPercent(m.gogc)
}
