package h2

// table holds the running streams by their identifiers. These count up by two, so
// that a ring finds a stream without hashing; what the ring has gone around while
// an old stream still runs is kept in a map. The ring has less than four times as many
// places as there were streams at once, or tableMin, and no more than tableMax.
//
// What is in it has the identifier under which it was put and is not over: a
// stream leaves in finishLocked, before its object can serve another.
type table struct {
	ring []*stream // by half the identifier; a power of two, nil before the first
	old  map[uint32]*stream
	n    int
}

const (
	tableMin = 16
	tableMax = 4096
)

func (t *table) at(id uint32) **stream { return &t.ring[id/2%uint32(len(t.ring))] }

// len is how many there are.
func (t *table) len() int { return t.n }

// get returns the stream, or nil.
func (t *table) get(id uint32) *stream {
	if t.n == 0 {
		return nil
	}
	if s := *t.at(id); s != nil && s.id == id {
		return s
	}
	return t.old[id]
}

// put adds a stream, which has the highest identifier so far.
func (t *table) put(s *stream) {
	t.n++
	if len(t.ring) < tableMax && 2*t.n > len(t.ring) {
		t.grow()
	}
	t.place(s)
}

// place puts a stream into the ring, and what stood there aside.
func (t *table) place(s *stream) {
	p := t.at(s.id)
	if was := *p; was != nil {
		if t.old == nil {
			t.old = map[uint32]*stream{}
		}
		t.old[was.id] = was
	}
	*p = s
}

// grow doubles the ring.
func (t *table) grow() {
	was := t.ring
	t.ring = make([]*stream, max(2*len(was), tableMin))
	for _, s := range was {
		if s != nil {
			t.place(s)
		}
	}
}

// remove takes a stream out.
func (t *table) remove(s *stream) {
	if t.n == 0 {
		return
	}
	if p := t.at(s.id); *p == s {
		*p = nil
		t.n--
	} else if t.old[s.id] == s {
		delete(t.old, s.id)
		t.n--
	}
}

// all yields the streams, in no order. They may be removed meanwhile.
func (t *table) all(yield func(*stream) bool) {
	for _, s := range t.ring {
		if s != nil && !yield(s) {
			return
		}
	}
	for _, s := range t.old {
		if !yield(s) {
			return
		}
	}
}
