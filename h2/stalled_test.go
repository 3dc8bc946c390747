package h2_test

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"gohttpx.dev/h2"
	"gohttpx.dev/wire"
)

// stallRig is a connection to the server of golang.org/x/net, for fast readers
// beside some that stand still.
type stallRig struct {
	c      *h2.Conn
	budget *h2.Budget
	size   int // what a fast reader reads, in bytes
}

func newStallRig(tb testing.TB, size int) *stallRig {
	r := &stallRig{budget: h2.NewBudget(1 << 30), size: size}
	r.c = xnet(tb, h2.Config{Budget: r.budget}, func(w http.ResponseWriter, req *http.Request) {
		n, _ := strconv.Atoi(req.URL.Path[1:])
		piece := make([]byte, 32<<10)
		for n > 0 {
			k, err := w.Write(piece[:min(n, len(piece))])
			if err != nil {
				return
			}
			n -= k
		}
	})
	return r
}

// round is how long 63 fast readers take beside so many that stand still, each
// of which has a window full of unread bytes.
func (r *stallRig) round(tb testing.TB, stalled int) time.Duration {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for range stalled {
		var res wire.Response
		if err := r.c.RoundTrip(ctx, never(get("/8388608")), &res); err != nil {
			tb.Fatal(err)
		}
		defer res.Body.Close()
	}
	for deadline := time.Now().Add(time.Minute); r.budget.Used() < int64(stalled)*h2.DefaultStreamWindow; runtime.Gosched() {
		if time.Now().After(deadline) {
			tb.Fatalf("%d bytes are buffered of %d stalled readers", r.budget.Used(), stalled)
		}
	}
	path := "/" + strconv.Itoa(r.size)
	var wg sync.WaitGroup
	began := time.Now()
	for range 63 {
		wg.Go(func() {
			var res wire.Response
			if err := r.c.RoundTrip(ctx, never(get(path)), &res); err != nil {
				tb.Error(err)
				return
			}
			defer res.Body.Close()
			if n, err := io.Copy(io.Discard, res.Body); err != nil || n != int64(r.size) {
				tb.Errorf("beside %d stalled readers: %d bytes, %v", stalled, n, err)
			}
		})
	}
	wg.Wait()
	return time.Since(began)
}

// kept is which part of their throughput the fast readers keep beside 1 and
// beside 8 stalled ones: the median over interleaved rounds.
func (r *stallRig) kept(tb testing.TB, rounds int) (one, eight float64) {
	counts := []int{0, 1, 8}
	var ones, eights []float64
	r.round(tb, 0)
	for i := range rounds {
		var took [9]time.Duration
		for j := range counts {
			n := counts[(i+j)%len(counts)]
			took[n] = r.round(tb, n)
		}
		ones = append(ones, float64(took[0])/float64(took[1]))
		eights = append(eights, float64(took[0])/float64(took[8]))
	}
	slices.Sort(ones)
	slices.Sort(eights)
	return ones[rounds/2], eights[rounds/2]
}

// Readers that stand still cost those beside them next to nothing. The bound is
// wide, and there are ten tries, since machines under test are busy: what the
// engine costs shows in each of them. BenchmarkStalledReaders gives the number.
func TestStalledReadersThroughput(t *testing.T) {
	size, rounds, bound := 1<<20, 11, 0.7
	if raceEnabled {
		size, rounds, bound = 128<<10, 5, 0.5 // it is there for the races
	}
	r := newStallRig(t, size)
	var one, eight float64
	for range 10 {
		one, eight = r.kept(t, rounds)
		t.Logf("kept beside one: %.2f, beside eight: %.2f", one, eight)
		if one >= bound && eight >= bound {
			return
		}
	}
	t.Errorf("63 fast readers keep %.2f of their throughput beside one that stands still, %.2f beside eight", one, eight)
}

// BenchmarkStalledReaders reports which part of their throughput 63 fast readers
// keep. Use -benchtime 1x: one operation is 31 rounds of each kind.
func BenchmarkStalledReaders(b *testing.B) {
	r := newStallRig(b, 2<<20)
	for b.Loop() {
		one, eight := r.kept(b, 31)
		b.ReportMetric(one, "kept-beside-1")
		b.ReportMetric(eight, "kept-beside-8")
	}
}
