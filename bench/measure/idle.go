package measure

import (
	"fmt"
	"runtime"
	"sync"

	"gohttpx.dev/bench/subject"
)

// Idle is what a client keeps for connections that nobody uses.
type Idle struct {
	Subject subject.Subject
	// Conns is how many were open, each of which had one small answer.
	Conns int
	// Heap and Stack are the bytes per connection that are in use after a
	// collection, beyond those before the client was made. Buffers of the kernel
	// are not in it.
	Heap, Stack []float64
}

// MeasureIdle opens e's connections rounds times, e.Options.Conns of them: each
// answers one request at the same time, for which e.Options must ask with
// server.KindAll.
func MeasureIdle(e Entry, rounds int) (*Idle, error) {
	r := &Idle{Subject: e.Subject, Conns: e.Options.Conns}
	// The runtime keeps what it has made for a goroutine for ever: that of the
	// goroutines here, and of two for each connection, is there before.
	park(3 * e.Options.Conns)
	for range rounds {
		heap, stack := inUse()
		c, err := e.Subject.Open(e.Options)
		if err == nil {
			if err = askAll(c, e.Options.Conns); err != nil {
				c.Close()
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Subject.Name, err)
		}
		heapEnd, stackEnd := inUse()
		c.Close()
		n := float64(e.Options.Conns)
		r.Heap = append(r.Heap, (heapEnd-heap)/n)
		r.Stack = append(r.Stack, (stackEnd-stack)/n)
	}
	return r, nil
}

// askAll makes one request from each of n goroutines, and keeps nothing of them.
func askAll(c subject.Client, n int) error {
	exchanges := make([]subject.Exchange, n)
	for i := range exchanges {
		var err error
		if exchanges[i], err = c.Worker(i); err != nil {
			return err
		}
	}
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range exchanges {
		all.Go(func() { errs[i] = exchanges[i]() })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// park starts n goroutines, all of which live at once, and waits for them.
func park(n int) {
	var all sync.WaitGroup
	open := make(chan struct{})
	for range n {
		all.Go(func() { <-open })
	}
	close(open)
	all.Wait()
}

// inUse returns the bytes of heap and of stacks. The second collection empties
// what sync.Pool keeps of the first; stacks of ended goroutines go with it, but for
// those that a processor keeps for new ones until it is taken away.
func inUse() (heap, stack float64) {
	var m runtime.MemStats
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc), float64(m.StackInuse)
}
