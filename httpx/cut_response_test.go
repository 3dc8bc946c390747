package httpx_test

import (
	"iter"
	"testing"
	"testing/synctest"

	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/faults"
)

// settleCut lets all that is under way in the bubble come to rest.
func settleCut(*httpx.Client, *faults.Injector) { synctest.Wait() }

var allCuts = []cutFault{cutFIN, cutRST, cutStall}

// cutEverywhere cuts the exchange at every byte, in every manner.
func cutEverywhere(t *testing.T, x *cutExchange, modes ...cutMode) {
	for _, f := range allCuts {
		cutEach(t, x, f, modes...)
	}
}

// cutOffsets are the offsets from from to n, both included. With the race detector,
// under which all of it takes ten times as long, every seventh and the last: it is
// there to find races, and these are not in the offsets.
func cutOffsets(from, n int) iter.Seq[int] {
	step := 1
	if raceEnabled {
		step = 7
	}
	return func(yield func(int) bool) {
		for ; from < n; from += step {
			if !yield(from) {
				return
			}
		}
		yield(n)
	}
}

// cutEach cuts the exchange at every byte. One bubble has them all, and must be
// empty at the end.
func cutEach(t *testing.T, x *cutExchange, f cutFault, modes ...cutMode) {
	for _, m := range modes {
		t.Run(f.String()+"/"+m.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for n := range cutOffsets(x.from, len(x.all)) {
					if x.cutAt(t, n, f, m); t.Failed() {
						return // the other offsets say the same
					}
				}
			})
		})
	}
}

func TestCutHTTP1AtEveryByte(t *testing.T) {
	for _, x := range cutH1() {
		t.Run(x.name, func(t *testing.T) {
			cutEverywhere(t, x, cutBuffered, cutStreamed, cutDripped)
		})
	}
}
