package bufpool

import (
	"sync"
	"testing"
)

func TestClasses(t *testing.T) {
	for _, tt := range []struct{ n, want int }{
		{0, 4096},
		{1, 4096},
		{4096, 4096},
		{4097, 8192},
		{16384, 16384},
		{16385, 18432},
		{16393, 18432},
		{18433, 32768},
		{65536, 65536},
		{100_000, 131072},
		{262144, 262144},
		{262145, 262145},
	} {
		b := Get(tt.n)
		if len(b) != tt.want || cap(b) != tt.want {
			t.Errorf("Get(%d): len %d, cap %d, want %d", tt.n, len(b), cap(b), tt.want)
		}
		Put(b)
	}
}

func TestForeignBuffersAreDropped(t *testing.T) {
	Put(nil)
	Put(make([]byte, 10))
	Put(make([]byte, 5000))
	if b := Get(10); len(b) != 4096 {
		t.Fatalf("got %d bytes", len(b))
	}
}

func TestReslicedComesBackWhole(t *testing.T) {
	Put(Get(1)[:0])
	for range 8 {
		if b := Get(1); len(b) != 4096 {
			t.Fatalf("got %d bytes, want a whole class", len(b))
		}
	}
}

func TestNoAllocation(t *testing.T) {
	if raceEnabled {
		t.Log("the race detector drops pooled items at random")
		return
	}
	for _, n := range []int{1, 5000, 16384, 30000, 65536, 70000, 262144} {
		Put(Get(n))
		if got := testing.AllocsPerRun(200, func() { Put(Get(n)) }); got != 0 {
			t.Errorf("Get(%d) and Put: %v allocations", n, got)
		}
	}
}

// Two owners at once would be seen by the race detector and by the check.
func TestOneOwner(t *testing.T) {
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for range 500 {
				b := Get(1000)
				for i := range b {
					b[i] = byte(g)
				}
				for i := range b {
					if b[i] != byte(g) {
						t.Errorf("buffer of %d was written by %d", g, b[i])
						return
					}
				}
				Put(b)
			}
		})
	}
	wg.Wait()
}
