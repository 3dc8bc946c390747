package h2

import (
	"math/rand/v2"
	"testing"
)

// The table against a map, with streams that live so long that the ring goes around
// them many times.
func TestTable(t *testing.T) {
	for seed := range uint64(24) {
		r := rand.New(rand.NewPCG(seed, 0))
		var tab table
		want := map[uint32]*stream{}
		id := uint32(1 + 2*r.Uint32N(1<<20))
		if seed%4 == 3 {
			id = MaxStreamID - 2*5000 // its last number is the last there is
		}
		live := 1 + r.IntN(3000)>>r.IntN(12)
		var seen []uint32 // what there was at some time, and a few that stay
		for i := range 5000 {
			if len(want) < live {
				s := &stream{}
				s.id = id
				id += 2
				tab.put(s)
				want[s.id] = s
				seen = append(seen, s.id)
			} else {
				for k, s := range want { // any but the oldest
					if len(want) > 1 && (r.IntN(8) == 0 || k <= seen[min(3, (live-1)/2)] && i < 4900) {
						continue
					}
					tab.remove(s)
					tab.remove(s) // the second time nothing
					delete(want, k)
					break
				}
			}
			probe := id - 2*r.Uint32N(64)
			if i%2 == 0 {
				probe = seen[r.IntN(len(seen))>>r.IntN(12)]
			}
			if tab.get(probe) != want[probe] || tab.get(probe+1) != nil || tab.get(0) != nil || tab.len() != len(want) {
				t.Fatalf("seed %d: %d of %d streams, or another at %d", seed, tab.len(), len(want), probe)
			}
		}
		if most := min(max(tableMin, 4*live-1), tableMax); len(tab.ring) > most {
			t.Errorf("seed %d: %d places for %d streams", seed, len(tab.ring), live)
		}
		for s := range tab.all {
			if want[s.id] != s {
				t.Fatalf("seed %d: stream %d is none", seed, s.id)
			}
			tab.remove(s)
			delete(want, s.id)
		}
		if len(want) != 0 || tab.len() != 0 || len(tab.old) != 0 {
			t.Errorf("seed %d: %d streams were not listed", seed, len(want))
		}
	}
}
