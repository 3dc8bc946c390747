package main

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// The range and precision of the histograms, in nanoseconds. All have the same, so
// that they can be added up.
const (
	histLowest  = 100
	histHighest = int64(time.Hour)
	histDigits  = 3 // a thousandth of the value, or 64 ns: the power of two below histLowest
	coarse      = 2 // for the slices of a run, of which there are many
)

func newHist(digits int) *hdrhistogram.Histogram {
	return hdrhistogram.New(histLowest, histHighest, digits)
}

// addTo counts d; what is beyond the range is counted at its end.
func addTo(h *hdrhistogram.Histogram, d time.Duration) {
	// The value is within the range: there is no error.
	_ = h.RecordValue(min(max(int64(d), 0), histHighest))
}

// percentile reads a percentile as a duration.
func percentile(h *hdrhistogram.Histogram, p float64) time.Duration {
	return time.Duration(h.ValueAtPercentile(p))
}

// maxOf reads the maximum. That of a histogram with nothing in it is 0: Max would
// return the end of its first bucket.
func maxOf(h *hdrhistogram.Histogram) time.Duration { return percentile(h, 100) }
