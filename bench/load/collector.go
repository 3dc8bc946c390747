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
	slices []slice
	width  time.Duration // that of the span, doubled as often as it takes

	ask  chan struct{} // finish
	done chan struct{} // closed when run has returned
}

// widthFor is how wide the slices of a run of that length are to begin with; 0 is
// a run whose length is not known.
func widthFor(d time.Duration) time.Duration {
	w := minWidth
	for d/w > maxSlices/4 {
		w *= 2
	}
	return w
}

func newCollector(r *execution, con console) *collector {
	c := &collector{
		r: r, width: r.during.width,
		ask: make(chan struct{}), done: make(chan struct{}),
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
			c.collect()
			if c.show != nil && now-told >= time.Second {
				c.show.line(now, now-told, &c.latest)
				told, c.latest = now, slice{}
			}
		case <-c.ask:
			c.collect()
			c.reach(c.r.during.slices(c.r.during.end()) - 1)
			if c.show != nil {
				c.show.end()
			}
			return
		}
	}
}

// finish collects what is left, and waits for run to end.
func (c *collector) finish() {
	c.ask <- struct{}{}
	<-c.done
}

// collect empties the shards into the slices.
func (c *collector) collect() {
	for _, s := range c.r.shards {
		for _, have := range s.take() {
			got := slice{answered: have.answered, failed: have.failed}
			if have.latency.TotalCount() > 0 {
				got.latency = have.latency
			}
			c.latest.add(&got)
			c.slices[c.reach(have.index)].add(&got)
			have.latency.Reset()
			s.give(have.latency)
		}
	}
}

// reach makes the slices go as far as the i-th of the span's width, and returns
// which of them that is.
func (c *collector) reach(i int) int {
	at := func() int { return i / int(c.width/c.r.during.width) }
	for at() >= maxSlices {
		c.slices = halve(c.slices)
		c.width *= 2
	}
	for len(c.slices) <= at() {
		c.slices = append(c.slices, slice{})
	}
	return at()
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
