package measure

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// The ranks are those of the tables in the textbooks.
func TestIntervalRank(t *testing.T) {
	for _, tt := range []struct {
		n, k       int
		confidence float64
	}{
		{1, 1, 0},
		{2, 1, 0.5},
		{5, 1, 0.9375},
		{6, 1, 0.96875},
		{9, 2, 0.9609},
		{15, 4, 0.9648},
		{20, 6, 0.9586},
		{25, 8, 0.9567},
		{100, 40, 0.9648},
	} {
		k, confidence := intervalRank(tt.n)
		if k != tt.k || math.Abs(confidence-tt.confidence) > 1e-4 {
			t.Errorf("n=%d: rank %d with %.4f, expected %d with %.4f", tt.n, k, confidence, tt.k, tt.confidence)
		}
	}
}

// The interval must hold what it promises for a skewed distribution as well.
func TestIntervalCovers(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	median := math.Ln2 // of the exponential distribution
	hit, trials := 0, 4000
	for range trials {
		ratios := make([]float64, 15)
		for i := range ratios {
			ratios[i] = r.ExpFloat64()
		}
		if v := VerdictOf(ratios); v.Low <= median && median <= v.High {
			hit++
		}
	}
	if got := float64(hit) / float64(trials); got < 0.95 || got > 0.98 {
		t.Errorf("the interval holds the median in %.3f of the trials, promised 0.965", got)
	}
}

func TestCompare(t *testing.T) {
	slice := func(cpu time.Duration) *Slice { return &Slice{Requests: 10, User: 6 * cpu, System: 4 * cpu} }
	var a, b []*Slice
	for i := range 15 {
		load := time.Duration(100 + 50*i) // the machine gets slower and slower
		a = append(a, slice(load))
		b = append(b, slice(2*load))
	}
	if v := Compare(a, b); v.Rounds != 15 || v.Median != 0.5 || v.Low != 0.5 || v.High != 0.5 {
		t.Errorf("pairs of equal ratio: %+v", v)
	}
	if v := Compare(a, nil); v.Rounds != 0 {
		t.Errorf("no pairs: %+v", v)
	}
}

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		xs   []float64
		want float64
	}{{nil, 0}, {[]float64{7}, 7}, {[]float64{3, 1}, 2}, {[]float64{9, 1, 5}, 5}} {
		if got := Median(tt.xs); got != tt.want {
			t.Errorf("Median(%v) = %v, expected %v", tt.xs, got, tt.want)
		}
	}
}
