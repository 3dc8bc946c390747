package h2

import "gohttpx.dev/wire"

// memo remembers fields that were encoded, and what they came to. It is two
// things at once: the record of what was seen before, which decides what goes
// into the dynamic table, and a cache of representations. A representation holds
// as long as nothing is inserted, evicted or resized, which FieldEncoder counts
// in its generation.
//
// It has 16 sets of 4 places; in a set the place that was used longest ago is
// given up.
type memo struct {
	places []memoField // nil before the first field
	bytes  int         // of names, values and representations
}

const (
	memoSets = 16
	memoWays = 4
	// maxMemoField bounds name and value together: a field that would take up
	// more of a table of 4096 bytes is not for indexing.
	maxMemoField = 3 << 10
	// maxMemoBytes bounds what is remembered; beyond it all is forgotten.
	maxMemoBytes = 48 << 10
)

type memoField struct {
	name, value string
	sensitive   bool
	gen         uint64 // when out holds; 0 never
	used        uint32 // the block that had it last
	out         []byte
}

// set returns the places in which a field may be. The hash looks at lengths and
// a few bytes only: what it confuses is compared.
func (m *memo) set(f *wire.Field) []memoField {
	h := uint32(len(f.Name))*7 + uint32(len(f.Value))*13
	if n := len(f.Name); n > 0 {
		h += uint32(f.Name[n-1])*3 + uint32(f.Name[n/2])*5
	}
	if n := len(f.Value); n > 0 {
		h += uint32(f.Value[n-1])*11 + uint32(f.Value[n/2])*17
	}
	h ^= h >> 4
	i := int(h%memoSets) * memoWays
	return m.places[i : i+memoWays]
}

// find returns the field's place, or nil if it was not seen, or long ago.
func (m *memo) find(f *wire.Field, block uint32) *memoField {
	if m.places == nil {
		return nil
	}
	set := m.set(f)
	for i := range set {
		p := &set[i]
		if p.name == f.Name && p.value == f.Value && p.sensitive == f.Sensitive && p.used != 0 {
			p.used = block
			return p
		}
	}
	return nil
}

// add remembers a field that find has not found.
func (m *memo) add(f *wire.Field, out []byte, gen uint64, block uint32) {
	n := len(f.Name) + len(f.Value)
	if n > maxMemoField {
		return
	}
	if m.places == nil || m.bytes+n+len(out) > maxMemoBytes {
		*m = memo{places: make([]memoField, memoSets*memoWays)}
	}
	set := m.set(f)
	old := &set[0]
	for i := range set {
		if set[i].used < old.used {
			old = &set[i]
		}
	}
	m.bytes -= len(old.name) + len(old.value) + cap(old.out)
	keep := old.out[:0]
	if cap(keep) > 2*len(out)+64 {
		keep = nil
	}
	*old = memoField{f.Name, f.Value, f.Sensitive, gen, max(block, 1), append(keep, out...)}
	m.bytes += n + cap(old.out)
}

// renew notes what a field has come to now.
func (m *memo) renew(p *memoField, out []byte, gen uint64) {
	m.bytes -= cap(p.out)
	p.out = append(p.out[:0], out...)
	p.gen = gen
	m.bytes += cap(p.out)
}
