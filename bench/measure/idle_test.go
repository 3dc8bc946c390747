package measure

import (
	"strings"
	"testing"

	"gohttpx.dev/bench/subject"
)

// hoard is a client that keeps so many bytes for each connection, from its request
// on until Close.
type hoard struct {
	each   int
	fail   error
	kept   [][]byte
	closed *int // calls of Close
}

func (h *hoard) Worker(i int) (subject.Exchange, error) {
	return func() error { h.kept[i] = make([]byte, h.each); return h.fail }, nil
}

func (h *hoard) Close() { *h.closed++ }

func TestMeasureIdle(t *testing.T) {
	const n, each = 200, 8 << 10
	for _, fail := range []error{nil, errWrong} {
		closed := 0
		s := subject.Subject{Name: "hoard", Open: func(o subject.Options) (subject.Client, error) {
			return &hoard{each: each, fail: fail, kept: make([][]byte, o.Conns), closed: &closed}, nil
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
			t.Errorf("%v bytes each of %d connections, expected %d", r.Heap, r.Conns, each)
		}
	}
}
