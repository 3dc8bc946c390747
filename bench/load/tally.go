package main

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"gohttpx.dev/wire"
)

// maxExample bounds the example of a failure, in bytes: what a peer has chosen may
// be in it.
const maxExample = 200

// failure is one kind of failed request.
type failure struct {
	Count   int64  `json:"count"`
	Example string `json:"example"`
}

// The kinds of failure that are not an engine's.
const (
	kindStatus     = "check-status"
	kindLen        = "check-len"
	kindPrefix     = "check-prefix"
	kindUnfinished = "unfinished"
	kindTimeout    = "timeout" // that of -timeout
)

// kindOf names the kind of an error of the engines or the dialer.
func kindOf(err error) string {
	var e *wire.Error
	if !errors.As(err, &e) {
		return "other"
	}
	for _, k := range []struct {
		is   error
		name string
	}{
		{wire.ErrConnectTimeout, "connect-timeout"},
		{wire.ErrWriteTimeout, "write-timeout"},
		{wire.ErrReadTimeout, "read-timeout"},
		{context.DeadlineExceeded, kindTimeout},
		{wire.ErrProxy, "proxy"},
		{wire.ErrDNS, "dns"},
		{wire.ErrTLS, "tls"},
		{wire.ErrConnect, "connect"},
		{wire.ErrServerClosedIdle, "disconnected"},
		{wire.ErrUnprocessed, "unprocessed"},
		{wire.ErrLocalProtocol, "request"},
		{wire.ErrProtocol, "protocol"},
		{wire.ErrWrite, "write"},
		{wire.ErrRead, "read"},
		{wire.ErrClosed, "closed"},
	} {
		if errors.Is(err, k.is) {
			return k.name
		}
	}
	return "other"
}

// exampleOf is the text of an error, bounded, on one line and fit for a terminal.
func exampleOf(err error) string {
	text := printable(strings.Join(strings.Fields(err.Error()), " "))
	if len(text) > maxExample {
		text = strings.ToValidUTF8(text[:maxExample], "") + "…"
	}
	return text
}

// waitedInVain reports whether a failure of this kind is in the latency, with the
// time waited.
func waitedInVain(kind string) bool {
	switch kind {
	case "connect-timeout", "write-timeout", "read-timeout", kindTimeout, kindUnfinished:
		return true
	}
	return false
}

// sample is one request, as its goroutine saw it. Times are since the start of the
// run.
type sample struct {
	due, sent, end time.Duration
	status         int   // 0: no answer
	content        int64 // bytes
	err            error // why it failed, by kind
	kind           string
}

// counts is what a run adds up, besides the histograms.
type counts struct {
	Answered int64              `json:"answered"` // requests with a whole answer, right or wrong
	Failed   int64              `json:"failed"`   // requests without one, or with a wrong one
	Content  int64              `json:"content_bytes"`
	Statuses map[int]int64      `json:"statuses"`
	Failures map[string]failure `json:"failures"`
	// What was answered before the end of the run, not in the time of grace: that
	// is what makes the rates.
	InTime        int64 `json:"in_time"`
	InTimeContent int64 `json:"in_time_content_bytes"`
}

func (c *counts) add(o *counts) {
	c.Answered += o.Answered
	c.Failed += o.Failed
	c.InTime += o.InTime
	c.InTimeContent += o.InTimeContent
	c.Content += o.Content
	for code, n := range o.Statuses {
		c.status(code, n)
	}
	for kind, f := range o.Failures {
		c.fail(kind, f)
	}
}

func (c *counts) status(code int, n int64) {
	if c.Statuses == nil {
		c.Statuses = map[int]int64{}
	}
	c.Statuses[code] += n
}

func (c *counts) fail(kind string, more failure) {
	if c.Failures == nil {
		c.Failures = map[string]failure{}
	}
	f := c.Failures[kind]
	f.Count += more.Count
	if f.Example == "" {
		f.Example = more.Example
	}
	c.Failures[kind] = f
}

// shard is where some of the goroutines put their samples. There are a few of
// them, so that goroutines seldom meet and histograms, which are large, are few.
type shard struct {
	mu       sync.Mutex
	counts   counts      // without Statuses, for which there is
	statuses [1000]int64 // by code
	// The slice under way, and those before it that the collector has not taken
	// away yet.
	now  sliceData
	past []sliceData
	// An empty histogram for the next slice, from the collector.
	spare   *hdrhistogram.Histogram
	latency *hdrhistogram.Histogram // of the whole run
	// wait is how long requests were due before they were sent; nil in a closed
	// loop.
	wait *hdrhistogram.Histogram
	// Requests of the warm-up.
	warm, warmFailed int64

	_ [64]byte // the next shard is another core's
}

// sliceData is what one shard has for a slice of the run.
type sliceData struct {
	index            int                     // of the slice, in widths of the span
	latency          *hdrhistogram.Histogram // coarse; nil: nothing was put there
	answered, failed int64
}

// empty reports whether there is nothing in it.
func (d *sliceData) empty() bool {
	return d.answered+d.failed == 0 && (d.latency == nil || d.latency.TotalCount() == 0)
}

// span is the part of a run that is counted: from the end of the warm-up until
// sending ends. from and width are immutable.
type span struct {
	from  time.Duration
	width time.Duration // of a slice, at the beginning of the run
	until atomic.Int64  // a time.Duration; earlier after Ctrl-C than it was planned
}

// end is when sending ends.
func (s *span) end() time.Duration { return time.Duration(s.until.Load()) }

// index is the slice of an answer that came at t. What comes in the time of grace
// is in slices of its own: the last one before it is no fuller than the others.
func (s *span) index(t time.Duration) int {
	i := int(max(t-s.from-1, 0) / s.width)
	if end := s.end(); t > end {
		i = max(i, s.slices(end))
	}
	return i
}

// slices is how many there are up to t.
func (s *span) slices(t time.Duration) int {
	return int((max(t-s.from, 0) + s.width - 1) / s.width)
}

// total is what the shard has counted so far.
func (s *shard) total() counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	var c counts
	c.add(&s.counts)
	for code, n := range s.statuses {
		if n > 0 {
			c.status(code, n)
		}
	}
	return c
}

// record counts one sample.
func (s *shard) record(x *sample, during *span) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x.due < during.from {
		s.warm++
		if x.err != nil {
			s.warmFailed++
		}
		return
	}
	if s.wait != nil {
		addTo(s.wait, x.sent-x.due)
	}
	s.enter(during.index(x.end))
	if x.status != 0 {
		s.counts.Answered++
		s.counts.Content += x.content
		s.statuses[min(max(x.status, 0), len(s.statuses)-1)]++
		s.now.answered++
		if x.end <= during.end() {
			s.counts.InTime++
			s.counts.InTimeContent += x.content
		}
	}
	if x.err != nil {
		s.counts.Failed++
		s.now.failed++
		if s.counts.Failures[x.kind].Count == 0 {
			s.counts.fail(x.kind, failure{Example: exampleOf(x.err)})
		}
		s.counts.fail(x.kind, failure{Count: 1})
	}
	if x.status != 0 || waitedInVain(x.kind) {
		addTo(s.now.latency, x.end-x.due)
		addTo(s.latency, x.end-x.due)
	}
}

// enter makes the i-th slice the one under way, if it is later. mu is held.
func (s *shard) enter(i int) {
	if s.now.latency != nil && i <= s.now.index {
		// A sample that was overtaken on its way here is in the next slice.
		return
	}
	if !s.now.empty() {
		s.past = append(s.past, s.now)
		s.now.latency = nil
	}
	s.now.index, s.now.answered, s.now.failed = i, 0, 0
	if s.now.latency == nil {
		if s.now.latency, s.spare = s.spare, nil; s.now.latency == nil {
			s.now.latency = newHist(coarse)
		}
	}
}

// take returns the slices so far. What comes later for the one under way is in
// what the next call returns.
func (s *shard) take() []sliceData {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.past
	if !s.now.empty() {
		all = append(all, s.now)
		s.now.latency, s.now.answered, s.now.failed = nil, 0, 0
	}
	s.past = nil
	return all
}

// give leaves an empty histogram for a slice to come.
func (s *shard) give(h *hdrhistogram.Histogram) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spare = h
}
