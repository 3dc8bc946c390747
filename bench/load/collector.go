package main

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// The slices of a run are as wide as it takes for no more than maxSlices, but no
// less than minWidth.
const (
	maxSlices = 200
	minWidth  = 100 * time.Millisecond
)

// slice is what happened in one part of the run, of collector.width.
type slice struct {
	answered, failed int64
	latency          *hdrhistogram.Histogram // coarse
}

func (s *slice) add(o *slice) {
	s.answered += o.answered
	s.failed += o.failed
	if o.latency != nil {
		if s.latency == nil {
			s.latency = newHist(coarse)
		}
		s.latency.Merge(o.latency)
	}
}

// collector takes away what the shards have, from time to time, and puts it in
// slices. All but ask and done belongs to its goroutine until that has ended.
type collector struct {
	r      *execution
	show   *progress
	latest slice // since the last line of progress
	spare  *hdrhistogram.Histogram
	total  *hdrhistogram.Histogram
	slices []slice
	width  time.Duration

	ask  chan time.Duration // finish: up to when the slices go
	done chan struct{}      // closed when run has returned
}

func newCollector(r *execution, con console) *collector {
	c := &collector{
		r: r, spare: newHist(histDigits), total: newHist(histDigits), width: minWidth,
		ask: make(chan time.Duration), done: make(chan struct{}),
	}
	for r.o.duration > 0 && r.o.duration/c.width > maxSlices/4 {
		c.width *= 2
	}
	if !r.o.quiet {
		c.show = newProgress(con, r)
	}
	return c
}

// run collects until finish is called.
func (c *collector) run() {
	defer close(c.done)
	ticker := time.NewTicker(min(c.width, time.Second))
	defer ticker.Stop()
	told := time.Duration(0)
	for {
		select {
		case <-ticker.C:
			now := c.r.now()
			c.collect(now - c.r.from)
			if c.show != nil && now-told >= time.Second {
				c.show.line(now, now-told, &c.latest)
				told, c.latest = now, slice{}
			}
		case at := <-c.ask:
			c.collect(at)
			if c.show != nil {
				c.show.end()
			}
			return
		}
	}
}

// finish collects what is left, counted as if it had come just before at, the
// length of the run, and waits for run to end.
func (c *collector) finish(at time.Duration) {
	c.ask <- at
	<-c.done
}

// collect empties the shards into the slice that ends at or after at, which counts
// from the end of the warm-up.
func (c *collector) collect(at time.Duration) {
	got := slice{}
	for _, s := range c.r.shards {
		s.mu.Lock()
		have := s.now
		s.now = sliceData{latency: c.spare}
		s.mu.Unlock()
		got.answered += have.answered
		got.failed += have.failed
		if have.latency.TotalCount() > 0 {
			if got.latency == nil {
				got.latency = newHist(coarse)
			}
			got.latency.Merge(have.latency)
			c.total.Merge(have.latency)
			have.latency.Reset()
		}
		c.spare = have.latency
	}
	c.latest.add(&got)
	if at <= 0 && got.answered+got.failed == 0 {
		return // warming up
	}
	i := int(max(at-1, 0) / c.width)
	for i >= maxSlices {
		c.slices = halve(c.slices)
		c.width *= 2
		i = int(max(at-1, 0) / c.width)
	}
	for len(c.slices) <= i {
		c.slices = append(c.slices, slice{})
	}
	c.slices[i].add(&got)
}

// halve makes one slice of two.
func halve(s []slice) []slice {
	for i := 0; i < len(s); i += 2 {
		if i+1 < len(s) {
			s[i].add(&s[i+1])
		}
		s[i/2] = s[i]
	}
	return s[:(len(s)+1)/2]
}
