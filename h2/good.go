package h2

import (
	"bytes"

	"gohttpx.dev/wire"
)

// Most servers send most fields again and again, in the same order. What was found
// good once is so again: it is not looked at a second time. And what comes a second
// time as a literal is not even decoded a third time: the octets say that it is the
// same. hpack would make strings of it each time, and there are servers that send
// nothing but literals: nginx and HAProxy do.

const (
	goodFields   = 16
	maxGoodField = 128 // bytes of name and value, and of a literal: an idle connection is to keep little
)

// goodField is a field of blocks before, at its place in the block. Only plain ones
// are kept, without an anomaly, of which nothing is to be noted but that they are not
// pseudo-fields; the limits count them each time. What the server calls secret is not
// kept.
type goodField struct{ name, value string }

// goodLiterals are representations of good fields, at the same places, for those that
// were the same twice in a row. Whether octets can stand for a field by themselves is
// said by stateless.
type goodLiterals [goodFields][]byte

// stateless reports whether a representation that starts with c is a literal that
// means the same each time and changes nothing. A literal without indexing does not
// touch the table (RFC 7541 §6.2.2). One with indexing does, unless the table's size
// is 0: it is then empty before and after (§4.4). One that is never to be indexed
// (§6.2.3) is not to be remembered.
func (d *FieldDecoder) stateless(c byte) bool {
	return c&0xf0 == 0 || c&0xc0 == 0x40 && d.noTable
}

// dynamicName reports whether a literal has its name from an entry behind the static
// table, which may be another one each time.
func dynamicName(src []byte) bool {
	const static = 61 // RFC 7541 Appendix A
	bits := 4
	if src[0]&0x40 != 0 {
		bits = 6
	}
	index, _ := integer(src, bits)
	return index > static
}

// decode takes whole representations: literals that are known by their octets, and
// hpack has the others, in the same order.
func (d *FieldDecoder) decode(src []byte) error {
	d.run = src
	from := 0 // what hpack is to have yet
	place := d.place
	// Behind the last place nothing is known, and only a table of size 0 must be
	// watched: it might grow.
	for i := 0; i < len(src) && (place < goodFields || d.noTable); place++ {
		c := src[i]
		if c >= 0x80 && c < 0xff {
			i++
			continue
		}
		keep := place < goodFields && d.stateless(c)
		if keep && d.literals != nil {
			if raw := d.literals[place]; len(raw) > 0 && bytes.HasPrefix(src[i:], raw) {
				if err := d.pass(src[from:i]); err != nil {
					return err
				}
				d.known(place)
				d.unseen = true
				i += len(raw)
				from = i
				continue
			}
		}
		n := representation(src[i:], d.cfg.ListBytes)
		switch {
		case n <= 0:
			// hpack may take it nevertheless, and what follows: unseen.
			d.noTable, d.place = false, goodFields
			return d.pass(src[from:])
		case isUpdate(c):
			d.noTable = c == toNothing
			place--
		case keep && n <= maxGoodField:
			d.marked |= 1 << place
			d.marks[place] = mark{uint32(i), uint8(n)}
		}
		i += n
	}
	d.place = place
	return d.pass(src[from:])
}

// pass gives representations to hpack. Where fields before them were known it must not
// take an update for the first of the block (RFC 7541 §4.2).
func (d *FieldDecoder) pass(src []byte) error {
	if len(src) == 0 {
		return nil
	}
	if d.unseen && isUpdate(src[0]) {
		on := d.dec.EmitEnabled()
		d.dec.SetEmitEnabled(false)
		d.dec.Write(nothing)
		d.dec.SetEmitEnabled(on)
	}
	d.unseen = false
	_, err := d.dec.Write(src)
	return err
}

// mark is where a literal is in what is decoded, and how long.
type mark struct {
	at uint32
	n  uint8
}

// keepLiteral keeps the literal that is marked at the place of a good field, which
// is what it has come to.
func (d *FieldDecoder) keepLiteral(place int) {
	m := d.marks[place]
	src := d.run[m.at:][:m.n]
	if dynamicName(src) {
		return
	}
	if d.literals == nil {
		d.literals = new(goodLiterals)
	}
	d.literals[place] = append(d.literals[place][:0], src...)
}

// setGood makes f the good field of its place, or nothing if it is not fit.
func (d *FieldDecoder) setGood(f *wire.Field, place int, fit bool) {
	if d.literals != nil {
		d.literals[place] = d.literals[place][:0]
	}
	g := &d.good[place]
	g.name, g.value = "", ""
	if fit && !f.Sensitive && len(f.Name)+len(f.Value) <= maxGoodField && kindOf(f.Name) == fieldPlain {
		g.name, g.value = f.Name, f.Value
	}
}
