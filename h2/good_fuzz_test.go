package h2

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"

	"gohttpx.dev/wire"
)

// representations are what FuzzKnownLiterals makes blocks of: all kinds, some in two
// forms, and some that are wrong at times.
var representations = []string{
	"\x88", "\x8b", "\x90", "\xbe", "\xbf", "\xc0", "\xff\x00", "\x80", // indexed
	"\x00\x03x-a\x03abc", "\x00\x03x-a\x03abd", "\x00\x03x-b\x00", "\x0f\x27\x05nginx", "\x0f\x0d\x0242", "\x00\x82\xf2\xbf\x81\x1f", // without indexing
	"\x0f\x2e\x01w", "\x0f\x2f\x01w", "\x0f\x30\x01w", "\x08\x03200", "\x00\x01A\x01x", "\x00\x01a\x01\n", "\x00\x03x-a\x81\xff",
	"\x40\x03x-a\x03abc", "\x40\x03x-a\x03abd", "\x40\x03x-b\x00", "\x76\x05nginx", "\x5c\x0242", "\x40\x82\xf2\xbf\x81\x1f", // with indexing
	"\x7e\x01w", "\x7f\x00\x01w", "\x48\x03200", "\x40\x01A\x01x", "\x40\x03x-a\x81\xff",
	"\x10\x03x-a\x03abc", "\x1f\x27\x05nginx", "\x1f\x2f\x01w", // never indexed
	"\x20", "\x21", "\x3f\x09", "\x3f\x20", "\x3f\xe1\x1f", "\x3f\xe2\x1f", "\x3f\xe1\x9f\x80\x80\x80\x80\x00", // updates
	"\x00\x03x-", "\x40\x03x-a\x7f", "\x3f\xe1", // cut
	"\x00\x01a\x7f\x41" + strings.Repeat("v", 192),
}

// FuzzKnownLiterals decodes blocks of one connection by three decoders: one that
// knows literals again, one that forgets them before each block, and hpack alone. The
// input has for each block a byte that says what it is, one for the pieces it comes
// in, and representations by number, up to a 0xff.
func FuzzKnownLiterals(f *testing.F) {
	index := func(s ...string) (b []byte) {
		for _, r := range s {
			b = append(b, byte(slices.Index(representations, r)))
		}
		return append(b, 0xff)
	}
	one := append([]byte{0, 0}, index("\x88", "\x00\x03x-a\x03abc", "\x76\x05nginx", "\x0f\x2f\x01w")...)
	f.Add(slices.Repeat(one, 4))
	for _, update := range []string{"\x20", "\x3f\x09", "\x3f\xe1\x1f", "\x3f\xe1\x9f\x80\x80\x80\x80\x00"} {
		for kind := range byte(4) {
			again := append([]byte{kind, kind}, index("\x88", "\x40\x03x-a\x03abc", "\x76\x05nginx", update, "\x40\x03x-b\x00", "\xbe")...)
			first := append([]byte{0, 9}, index("\x20", "\x88", "\x40\x03x-a\x03abc", "\x76\x05nginx")...)
			f.Add(slices.Concat(first, first, again, again, first, again))
		}
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		cfg := DecoderConfig{ListBytes: 600, Fields: 20, BlockFrames: 1 << 20, BlockBytes: 1 << 30} // hpack has no bound for a block
		d, twin := NewFieldDecoder(cfg), NewFieldDecoder(cfg)
		var theirs wire.Fields
		plain := hpack.NewDecoder(initialTable, func(h hpack.HeaderField) { theirs = append(theirs, wire.Field(h)) })
		plain.SetMaxStringLength(cfg.ListBytes)
		for len(script) > 2 && d.fatal == nil {
			kind, step := BlockKind(script[0]%4%3), 1+int(script[1]%32)
			if script[1] >= 128 {
				step = 1 << 20
			}
			script = script[2:]
			n := slices.Index(script, 0xff)
			if n < 0 {
				n = len(script)
			}
			var src []byte
			for _, i := range script[:n] {
				src = append(src, representations[int(i)%len(representations)]...)
			}
			script = script[min(n+1, len(script)):]

			forget(twin)
			var res, res1 wire.Response
			err := decodeIn(d, kind, &res, step, src)
			err1 := decodeIn(twin, kind, &res1, step, src)
			if !reflect.DeepEqual(err, err1) || !reflect.DeepEqual(res, res1) || d.Size() != twin.Size() || d.count != twin.count {
				t.Fatalf("% .300x:\ngot    %v %+v\nwithout %v %+v", src, err, res, err1, res1)
			}
			if n := kept(d); n > goodFields*maxGoodField {
				t.Fatalf("%d bytes of literals are kept", n)
			}

			theirs = nil
			plain.SetEmitEnabled(kind != DiscardBlock)
			err2 := alone(plain, src)
			_, fatal := err.(ConnError)
			switch {
			case fatal && err2 == nil:
				t.Fatalf("% .300x: %v, hpack takes it", src, err)
			case fatal:
				return
			case err2 != nil && err == nil:
				t.Fatalf("% .300x: hpack: %v", src, err2)
			case err2 != nil:
				return // what is not wanted any more is not decoded either
			case err == nil && kind != DiscardBlock:
				got := res.Fields
				if kind == TrailerBlock {
					got = res.Trailers
				}
				if theirs = slices.DeleteFunc(theirs, func(f wire.Field) bool { return f.Name == ":status" }); !slices.Equal(got, theirs) {
					t.Fatalf("% .300x: %v\nhpack: %v", src, got, theirs)
				}
			}
		}
		if d.fatal != nil {
			return
		}
		// The tables are the same, the sizes that they may have as well.
		for i := range byte(40) {
			var fields [3][]hpack.HeaderField
			var ok [3]bool
			for k, dec := range []*hpack.Decoder{d.dec, twin.dec, plain} {
				dec.SetEmitEnabled(true)
				var err error
				fields[k], err = dec.DecodeFull([]byte{0xbe + i})
				ok[k] = err == nil
			}
			if ok[0] != ok[1] || ok[0] != ok[2] || !reflect.DeepEqual(fields[0], fields[1]) || !reflect.DeepEqual(fields[0], fields[2]) {
				t.Fatalf("entry %d: %v %v", i, fields, ok)
			}
			if !ok[0] {
				break
			}
		}
	})
}

// decodeIn decodes one block that comes in pieces of step bytes.
func decodeIn(d *FieldDecoder, kind BlockKind, res *wire.Response, step int, src []byte) error {
	d.Begin(kind, 5, true, res)
	for len(src) > 0 {
		n := min(step, len(src))
		if err := d.write(slices.Clone(src[:n]), step >= 16 && n == len(src)); err != nil {
			return err
		}
		src = src[n:]
	}
	return d.End()
}

// alone decodes a block by hpack, and the table size update at its start by itself,
// since hpack takes no two in a row.
func alone(d *hpack.Decoder, src []byte) error {
	if len(src) > 0 && isUpdate(src[0]) {
		n := 1
		for more := src[0]&0x1f == 0x1f; more && n < len(src); n++ {
			more = src[n]&0x80 != 0
		}
		if _, err := d.Write(src[:n]); err != nil {
			return err
		}
		if n < len(src) {
			if err := d.Close(); err != nil {
				return err
			}
		}
		src = src[n:]
	}
	if _, err := d.Write(src); err != nil {
		return err
	}
	return d.Close()
}
