package measure

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Buckets must tile the line: each value lies in one whose upper end is no
// smaller and at most 6.25 % larger.
func TestHistogramBuckets(t *testing.T) {
	last := -1
	for v := time.Duration(0); v < time.Minute; v += 1 + v/100 {
		i := bucketOf(v)
		if i < last || i > last+1 {
			t.Fatalf("%v is in bucket %d, right after bucket %d", v, i, last)
		}
		last = i
		if u := upperEnd(i); u < v || float64(u) > float64(v)*1.0625 {
			t.Fatalf("%v is in bucket %d, which ends at %v", v, i, u)
		}
		if bucketOf(upperEnd(i)) != i || bucketOf(upperEnd(i)+1) == i {
			t.Fatalf("bucket %d does not end at %v", i, upperEnd(i))
		}
	}
}

func TestHistogramOutOfRange(t *testing.T) {
	var h Histogram
	h.Add(-time.Second)
	h.Add(time.Hour)
	if h.Count() != 2 || h.Quantile(0.5) != 0 || h.Quantile(1) < time.Minute {
		t.Errorf("count %d, median %v, maximum %v", h.Count(), h.Quantile(0.5), h.Quantile(1))
	}
	if q := new(Histogram).Quantile(0.5); q != 0 {
		t.Errorf("the median of nothing is %v", q)
	}
}

func TestHistogramQuantiles(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var a, b Histogram
	var all []time.Duration
	for i := range 10_001 {
		d := time.Duration(r.ExpFloat64() * 1e6)
		all = append(all, d)
		if i%3 == 0 {
			a.Add(d)
		} else {
			b.Add(d)
		}
	}
	a.Merge(&b)
	slices.Sort(all)
	for _, q := range []float64{0.001, 0.5, 0.9, 0.99, 0.999, 1} {
		want := all[min(int(q*float64(len(all))), len(all)-1)]
		got := a.Quantile(q)
		if float64(got) < 0.99*float64(want) || float64(got) > 1.07*float64(want) {
			t.Errorf("quantile %v is %v, should be about %v", q, got, want)
		}
	}
}

// A quantile is the smallest value with so many up to it, not one before that.
func TestHistogramRanks(t *testing.T) {
	var h Histogram
	for _, d := range []time.Duration{1, 2, 3} {
		h.Add(d)
	}
	for q, want := range map[float64]time.Duration{0.01: 1, 1. / 3: 1, 0.34: 2, 0.5: 2, 0.67: 3, 0.999: 3, 1: 3} {
		if got := h.Quantile(q); got != want {
			t.Errorf("quantile %v of 1, 2, 3 is %d, expected %d", q, got, want)
		}
	}
}
