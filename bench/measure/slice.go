package measure

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"gohttpx.dev/bench/subject"
)

// Slice is what was seen of one subject in one round.
type Slice struct {
	// Requests is how many were made; each was answered rightly.
	Requests int
	// Wall is how long they took together, from the start to the end of the last.
	Wall time.Duration
	// User and System are the CPU time of this process meanwhile.
	User, System time.Duration
	// Allocs and Bytes are the heap objects and bytes allocated meanwhile.
	Allocs, Bytes uint64
	// Collections is how often the garbage collector ran meanwhile. A slice
	// with none has not paid for its garbage.
	Collections int
	// Latency counts each request's time.
	Latency Histogram
}

// CPU is the CPU time per request.
func (s *Slice) CPU() time.Duration { return s.per(s.User + s.System) }

// CPUPer is the same in nanoseconds, with their fractions.
func (s *Slice) CPUPer() float64 { return float64(s.User+s.System) / float64(max(s.Requests, 1)) }

func (s *Slice) per(d time.Duration) time.Duration {
	return d / time.Duration(max(s.Requests, 1))
}

// Rate is requests per second.
func (s *Slice) Rate() float64 { return float64(s.Requests) / s.Wall.Seconds() }

// AllocsPer is the heap objects per request.
func (s *Slice) AllocsPer() float64 { return float64(s.Allocs) / float64(max(s.Requests, 1)) }

// BytesPer is the heap bytes per request.
func (s *Slice) BytesPer() float64 { return float64(s.Bytes) / float64(max(s.Requests, 1)) }

// CollectionsPer is the collections per 100,000 requests.
func (s *Slice) CollectionsPer() float64 {
	return 1e5 * float64(s.Collections) / float64(max(s.Requests, 1))
}

// Bench is an open subject with its goroutines' exchanges.
type Bench struct {
	Subject subject.Subject

	client  subject.Client
	program subject.Program // client if it is another program, else nil
	workers []worker
}

// worker is one goroutine's part. The padding keeps two of them off one cache
// line.
type worker struct {
	exchange subject.Exchange
	latency  Histogram
	requests int
	ended    time.Time // the last request
	err      error
	_        [64]byte
}

// Open opens the subject for the goroutines that o asks for.
func Open(s subject.Subject, o subject.Options) (*Bench, error) {
	c, err := s.Open(o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	if s.External {
		return &Bench{Subject: s, client: c, program: c.(subject.Program)}, nil
	}
	b := &Bench{Subject: s, client: c, workers: make([]worker, max(o.Conns, o.Goroutines))}
	for i := range b.workers {
		if b.workers[i].exchange, err = c.Worker(i); err != nil {
			c.Close()
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	return b, nil
}

// Close closes the subject's connections.
func (b *Bench) Close() { b.client.Close() }

// Run warms the subject up, then measures it for d. It ends when every request
// that was begun has ended, so that none is counted in part.
func (b *Bench) Run(d time.Duration) (*Slice, error) {
	// The garbage of whoever ran before is not ours. Collecting it also
	// empties every sync.Pool, which is why the warm-up follows.
	runtime.GC()
	if err := b.loop(d / 10); err != nil {
		return nil, err
	}
	return b.timed(d)
}

// Once makes one request that is not counted, which makes the connection, and
// measures the next one. It takes one goroutine.
func (b *Bench) Once() (*Slice, error) {
	runtime.GC()
	if err := b.loop(0); err != nil {
		return nil, err
	}
	return b.timed(0)
}

// timed measures one loop.
func (b *Bench) timed(d time.Duration) (*Slice, error) {
	for i := range b.workers {
		b.workers[i].requests = 0
		b.workers[i].latency = Histogram{}
		b.workers[i].ended = time.Time{}
	}
	s := &Slice{Wall: 1} // at least, for a coarse clock
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	user, system, err := cpuTime()
	if err != nil {
		return nil, err
	}
	start := time.Now()
	err = b.loop(d)
	userEnd, systemEnd, err2 := cpuTime()
	runtime.ReadMemStats(&after)
	if err != nil {
		return nil, err
	}
	if err2 != nil {
		return nil, err2
	}
	s.User, s.System = userEnd-user, systemEnd-system
	s.Allocs, s.Bytes = after.Mallocs-before.Mallocs, after.TotalAlloc-before.TotalAlloc
	s.Collections = int(after.NumGC - before.NumGC)
	for i := range b.workers {
		w := &b.workers[i]
		s.Requests += w.requests
		s.Latency.Merge(&w.latency)
		// Not when the last goroutine ended, which may be one that is pausing.
		if w.requests > 0 {
			s.Wall = max(s.Wall, w.ended.Sub(start))
		}
	}
	if s.Requests == 0 {
		return nil, fmt.Errorf("%s: no request was made in a slice", b.Subject.Name)
	}
	return s, nil
}

// RunProgram lets another program make n requests. What a run with one takes, the
// start of the process and the handshake, is measured beside and subtracted: the
// others are warm. The slice knows nothing of heap and latency.
func (b *Bench) RunProgram(n int) (*Slice, error) {
	least, err := b.program.Run(1)
	if err == nil {
		var u subject.Usage
		if u, err = b.program.Run(n + 1); err == nil {
			return &Slice{
				Requests: n,
				Wall:     max(u.Wall-least.Wall, 1),
				User:     max(u.User-least.User, 0),
				System:   max(u.System-least.System, 0),
			}, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", b.Subject.Name, err)
}

// loop lets every worker make requests until d has passed, and at least one.
func (b *Bench) loop(d time.Duration) error {
	var all sync.WaitGroup
	end := time.Now().Add(d)
	for i := range b.workers {
		w := &b.workers[i]
		// Started here, ended by the clock or the first error, waited for
		// below.
		all.Go(func() { w.run(end) })
	}
	all.Wait()
	for i := range b.workers {
		if err := b.workers[i].err; err != nil {
			return fmt.Errorf("%s: %w", b.Subject.Name, err)
		}
	}
	return nil
}

func (w *worker) run(end time.Time) {
	begun := time.Now()
	for {
		err := w.exchange()
		now := time.Now()
		switch {
		case err == nil:
			w.requests, w.ended = w.requests+1, now
			w.latency.Add(now.Sub(begun))
		case !errors.Is(err, subject.ErrUncounted):
			w.err = err
			return
		}
		if !now.Before(end) {
			return
		}
		begun = now
	}
}
