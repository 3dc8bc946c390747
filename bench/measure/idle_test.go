package measure

import (
	"runtime"
	"strings"
	"sync"
	"testing"

	"gohttpx.dev/bench/subject"
)

// hoard is a client that keeps so many bytes for each connection, from its request
// on until Close, and a goroutine with a stack to match. What it has in a sync.Pool
// beside is not kept for connections.
type hoard struct {
	each   int
	fail   error
	kept   [][]byte
	closed *int // calls of Close
	spare  sync.Pool
	parked sync.WaitGroup
	end    chan struct{}
}

func (h *hoard) Worker(i int) (subject.Exchange, error) {
	return func() error {
		h.kept[i] = make([]byte, h.each)
		h.spare.Put(new([32 << 10]byte))
		if h.fail == nil {
			deep := make(chan struct{})
			h.parked.Go(func() { // ended by Close
				wait(8, h.end, deep)
			})
			<-deep
		}
		return h.fail
	}, nil
}

// wait has a stack of 8 KiB and more.
func wait(calls int, end, deep chan struct{}) byte {
	if calls == 0 {
		close(deep)
		<-end
		return 0
	}
	var frame [1 << 10]byte
	frame[calls] = wait(calls-1, end, deep)
	return frame[calls/2]
}

func (h *hoard) Close() {
	*h.closed++
	close(h.end)
	h.parked.Wait()
}

func TestMeasureIdle(t *testing.T) {
	const n, each = 200, 8 << 10
	// What the runtime has for each processor is nothing beside 10,000 connections,
	// but would be beside 200.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(min(runtime.GOMAXPROCS(0), 4)))
	for _, fail := range []error{nil, errWrong} {
		closed := 0
		s := subject.Subject{Name: "hoard", Open: func(o subject.Options) (subject.Client, error) {
			return &hoard{each: each, fail: fail, kept: make([][]byte, o.Conns), closed: &closed, end: make(chan struct{})}, nil
		}}
		r, err := MeasureIdle(Entry{s, subject.Options{Conns: n}}, 2)
		if fail != nil {
			if err == nil || !strings.Contains(err.Error(), "hoard") {
				t.Errorf("the error is %v, expected one that names the subject", err)
			}
			if closed != 1 {
				t.Errorf("closed %d times after an error", closed)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if closed != 2 {
			t.Errorf("closed %d times in 2 rounds", closed)
		}
		if len(r.Heap) != 2 || r.Conns != n || Median(r.Heap) < each || Median(r.Heap) > each+1024 {
			t.Errorf("%v bytes of heap each of %d connections, expected %d", r.Heap, r.Conns, each)
		}
		if x := Median(r.Stack); x < 6<<10 || x > 20<<10 {
			t.Errorf("%v bytes of stack each", r.Stack)
		}
	}
}
