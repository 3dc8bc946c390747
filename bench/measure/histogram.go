package measure

import (
	"math/bits"
	"time"
)

// Histogram counts durations in buckets whose width is 1/16 to 1/32 of the
// value: a percentile read from it is at most 6 % too high. The zero value is
// empty.
type Histogram struct {
	counts [buckets]uint32
}

const (
	subBits = 4 // 16 buckets for each doubling
	octaves = 33
	buckets = octaves << subBits // up to a minute, of nanoseconds
)

// Add counts d once. Durations beyond the last bucket are counted in it.
func (h *Histogram) Add(d time.Duration) { h.counts[bucketOf(d)]++ }

// Merge adds the counts of o.
func (h *Histogram) Merge(o *Histogram) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
}

// Count returns how many durations were counted.
func (h *Histogram) Count() int {
	n := 0
	for _, c := range h.counts {
		n += int(c)
	}
	return n
}

// Quantile returns the upper end of the bucket that holds the q-th part of the
// durations, 0 < q ≤ 1; 0 if there are none.
func (h *Histogram) Quantile(q float64) time.Duration {
	total := h.Count()
	if total == 0 {
		return 0
	}
	want := max(int(q*float64(total)+0.999999), 1)
	for i, c := range h.counts {
		if want -= int(c); want <= 0 {
			return upperEnd(i)
		}
	}
	return upperEnd(buckets - 1)
}

// bucketOf counts linearly up to 2^(subBits+1), then keeps the leading
// subBits+1 bits.
func bucketOf(d time.Duration) int {
	v := uint64(max(d, 0))
	shift := max(bits.Len64(v)-subBits-1, 0)
	return min(shift<<subBits+int(v>>shift), buckets-1)
}

// upperEnd is the largest duration in bucket i.
func upperEnd(i int) time.Duration {
	if i < 2<<subBits {
		return time.Duration(i)
	}
	shift := i>>subBits - 1
	lead := uint64(i - shift<<subBits)
	return time.Duration((lead+1)<<shift - 1)
}
