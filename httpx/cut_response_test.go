package httpx_test

import (
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

// cutEach cuts the exchange at every byte. One bubble has them all, and must be
// empty at the end.
func cutEach(t *testing.T, x *cutExchange, f cutFault, modes ...cutMode) {
	for _, m := range modes {
		t.Run(f.String()+"/"+m.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for n := 0; n <= len(x.all) && !t.Failed(); n++ {
					x.cutAt(t, n, f, m)
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
