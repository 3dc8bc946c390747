package main

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// result is what a run, or several that were merged, came to.
type result struct {
	Name        string    `json:"name"`  // without secrets
	Proto       string    `json:"proto"` // HTTP/1.1 or HTTP/2
	Started     time.Time `json:"started"`
	Runs        int       `json:"runs"` // merged: more than 1
	Conns       int       `json:"connections"`
	Streams     int       `json:"streams"`
	Rate        float64   `json:"rate"`    // wanted, per second; 0: closed loop
	Elapsed     float64   `json:"elapsed"` // seconds, the longest of all runs
	Interrupted bool      `json:"interrupted"`
	// Throughput is InTime by Elapsed, added up over the runs; the others likewise,
	// in bytes per second.
	Throughput  float64 `json:"throughput"`
	ContentRate float64 `json:"content_per_second"` // of InTimeContent
	RateIn      float64 `json:"bytes_in_per_second"`
	RateOut     float64 `json:"bytes_out_per_second"`
	// Unsent requests were due in an open loop and never sent, Offered all that
	// were due.
	Unsent  int64 `json:"unsent"`
	Offered int64 `json:"offered"`

	counts
	Warm       int64   `json:"warmup_requests"`
	WarmFailed int64   `json:"warmup_failed"`
	Dials      int64   `json:"dials"`
	DialTime   float64 `json:"dial_seconds"` // of all dials together
	BytesIn    int64   `json:"bytes_in"`     // on the sockets, while it was sent
	BytesOut   int64   `json:"bytes_out"`

	latency, wait *hdrhistogram.Histogram // wait is nil in a closed loop
	slices        []slice
	width         time.Duration
}

// At the end of a run, whose rate was held, there may be unsent so many of the
// requests that were due, or as many as are due in so many seconds: a moment's
// pause of the machine may happen to be there.
const (
	notHeldShare   = 0.01
	notHeldSeconds = 0.1
)

// failed is how many requests have failed, or were not answered as they should.
func (r *result) failed() int64 { return r.Failed }

// notHeld reports whether the connections could not send as many requests as were
// due.
func (r *result) notHeld() bool {
	return r.Rate > 0 && float64(r.Unsent) > max(notHeldShare*float64(r.Offered), notHeldSeconds*r.Rate)
}

// result puts together what the execution has left behind.
func (r *execution) result(out outcome, col *collector) *result {
	elapsed := max(out.stopped-r.during.from, 0)
	res := &result{
		Name: r.plan.name, Proto: out.proto.String(), Started: r.base.Add(r.during.from).UTC(), Runs: 1,
		Conns: r.o.conns, Streams: r.o.streams, Rate: r.o.rate,
		Elapsed: elapsed.Seconds(), Interrupted: out.interrupted, Unsent: out.unsent,
		BytesIn: out.in, BytesOut: out.out,
		counts:  counts{Statuses: map[int]int64{}, Failures: map[string]failure{}},
		latency: newHist(histDigits), slices: col.slices, width: col.width,
	}
	for _, s := range r.shards {
		c := s.total()
		res.counts.add(&c)
		res.latency.Merge(s.latency)
		res.Warm += s.warm
		res.WarmFailed += s.warmFailed
		if s.wait != nil {
			if res.wait == nil {
				res.wait = newHist(histDigits)
			}
			res.wait.Merge(s.wait)
		}
	}
	for _, l := range r.links {
		res.Dials += int64(l.dials)
		res.DialTime += l.dialTime.Seconds()
	}
	if r.pace != nil {
		end := min(out.stopped, r.until)
		res.Offered = max(r.pace.dueBefore(end)-r.pace.dueBefore(r.during.from), 0)
		res.Unsent = min(res.Unsent, res.Offered)
	}
	if elapsed > 0 {
		for _, v := range []struct {
			rate *float64
			n    int64
		}{{&res.Throughput, res.InTime}, {&res.ContentRate, res.InTimeContent}, {&res.RateIn, res.BytesIn}, {&res.RateOut, res.BytesOut}} {
			*v.rate = float64(v.n) / elapsed.Seconds()
		}
	}
	return res
}

// merge adds the result of another run, which is taken to have been at the same
// time: rates and connections add up, and slices lie on each other from the start
// of each run.
func (r *result) merge(o *result) {
	if o.Name != r.Name {
		r.Name = "several targets"
	}
	if o.Proto != r.Proto {
		r.Proto = "several protocols"
	}
	if o.Started.Before(r.Started) {
		r.Started = o.Started
	}
	r.Runs += o.Runs
	r.Conns += o.Conns
	r.Streams = max(r.Streams, o.Streams)
	r.Rate += o.Rate
	r.Elapsed = max(r.Elapsed, o.Elapsed)
	r.Interrupted = r.Interrupted || o.Interrupted
	r.Throughput += o.Throughput
	r.ContentRate += o.ContentRate
	r.RateIn += o.RateIn
	r.RateOut += o.RateOut
	r.Unsent += o.Unsent
	r.Offered += o.Offered
	r.counts.add(&o.counts)
	r.Warm += o.Warm
	r.WarmFailed += o.WarmFailed
	r.Dials += o.Dials
	r.DialTime += o.DialTime
	r.BytesIn += o.BytesIn
	r.BytesOut += o.BytesOut
	r.latency.Merge(o.latency)
	if o.wait != nil {
		if r.wait == nil {
			r.wait = newHist(histDigits)
		}
		r.wait.Merge(o.wait)
	}
	for r.width < o.width {
		r.slices, r.width = halve(r.slices), r.width*2
	}
	for o.width < r.width {
		o.slices, o.width = halve(o.slices), o.width*2
	}
	for i := range o.slices {
		if i == len(r.slices) {
			r.slices = append(r.slices, slice{})
		}
		r.slices[i].add(&o.slices[i])
	}
}
