package measure

import (
	"cmp"
	"math"
	"slices"
)

// Verdict is the ratio of what was measured of one subject to that of another, CPU
// time per request if nothing else is said.
type Verdict struct {
	// Rounds is the number of pairs.
	Rounds int
	// Median is the middle of the ratios.
	Median float64
	// Low and High enclose the true median with a probability of at least
	// Confidence, whatever the ratios' distribution.
	Low, High, Confidence float64
}

// MinRounds is how many pairs a verdict needs.
const MinRounds = 15

// Compare pairs the slices of a and b, which must come from the same rounds in
// the same order.
func Compare(a, b []*Slice) Verdict { return CompareBy(a, b, (*Slice).CPUPer) }

// CompareBy is Compare for another number than CPU time per request.
func CompareBy(a, b []*Slice, f func(*Slice) float64) Verdict {
	ratios := make([]float64, min(len(a), len(b)))
	for i := range ratios {
		ratios[i] = f(a[i]) / f(b[i])
	}
	return VerdictOf(ratios)
}

// CompareBest compares a with the best of others: the one whose median of CPU time
// per request is the least.
func CompareBest(a []*Slice, others ...[]*Slice) Verdict {
	best := slices.MinFunc(others, func(x, y []*Slice) int { return cmp.Compare(medianCPU(x), medianCPU(y)) })
	return Compare(a, best)
}

func medianCPU(s []*Slice) float64 {
	xs := make([]float64, len(s))
	for i := range s {
		xs[i] = s[i].CPUPer()
	}
	return Median(xs)
}

// VerdictOf gives the median of ratios and its interval of 95 %.
func VerdictOf(ratios []float64) Verdict {
	r := slices.Sorted(slices.Values(ratios))
	n := len(r)
	if n == 0 {
		return Verdict{}
	}
	k, confidence := intervalRank(n)
	return Verdict{Rounds: n, Median: Median(r), Low: r[k-1], High: r[n-k], Confidence: confidence}
}

// Median returns the middle of xs, which need not be sorted; 0 if there are
// none.
func Median(xs []float64) float64 {
	s := slices.Sorted(slices.Values(xs))
	n := len(s)
	if n == 0 {
		return 0
	}
	return (s[(n-1)/2] + s[n/2]) / 2
}

// intervalRank returns the largest k for which the k-th smallest and the k-th
// largest of n values enclose the median with 95 %, and what they do enclose
// it with. How many of n values lie below the median is binomial with p = 1/2,
// so the interval misses with 2·P(X < k). Below six values not even the
// extremes reach 95 %; they are given then, with what they reach.
func intervalRank(n int) (k int, confidence float64) {
	term := math.Exp2(-float64(n)) // P(X = 0)
	below := term                  // P(X < 1)
	k, confidence = 1, 1-2*below
	for i := 1; i <= n/2; i++ {
		term *= float64(n-i+1) / float64(i)
		below += term // P(X < i+1)
		if 1-2*below < 0.95 {
			break
		}
		k, confidence = i+1, 1-2*below
	}
	return k, max(confidence, 0)
}
