package h2

import (
	"cmp"
	"reflect"
	"strings"
	"testing"

	"gohttpx.dev/wire"
)

// A decoder that has seen the block before, or one like it, says of a block what a
// new one says.
func TestGoodFields(t *testing.T) {
	all := AllowSpaceAround | AllowCTL | AllowUpperCase | AllowBadName | AllowConnectionFields
	long := strings.Repeat("v", maxGoodField)
	blocks := []struct {
		name string
		nv   []string
	}{
		{"plain", []string{":status", "200", "server", "a", "x-one", "1", "x-two", "2"}},
		{"another value", []string{":status", "200", "server", "b", "x-one", "1", "x-two", "2"}},
		{"moved by one", []string{":status", "200", "x-one", "1", "x-two", "2", "server", "a"}},
		{"long value", []string{":status", "200", "server", long, "x-one", "1"}},
		{"whitespace around", []string{":status", "200", "server", " a ", "x-one", "1"}},
		{"control byte", []string{":status", "200", "server", "a\x01", "x-one", "1"}},
		{"upper case", []string{":status", "200", "Server", "a", "x-one", "1"}},
		{"bad name", []string{":status", "200", "ser(ver", "a", "x-one", "1"}},
		{"connection", []string{":status", "200", "connection", "close", "x-one", "1"}},
		{"lengths that differ", []string{":status", "200", "content-length", "1", "content-length", "2"}},
		{"lengths that do not", []string{":status", "200", "content-length", "1", "content-length", "1"}},
		{"status late", []string{"server", "a", ":status", "200"}},
		{"status late, at the place of a good field", []string{":status", "200", "server", "a", ":status", "200"}},
		{"no status", []string{"x-one", "1", "server", "a"}},
		{"empty name", []string{":status", "200", "", "a"}},
		{"line feed", []string{":status", "200", "server", "a\n"}},
		{"more than are remembered", strings.Fields(":status 200 " + strings.Repeat("a b ", goodFields+3))},
	}
	for _, rules := range []Rules{0, all} {
		for _, kind := range []BlockKind{ResponseBlock, TrailerBlock} {
			for _, a := range blocks {
				for _, b := range blocks {
					cfg := DecoderConfig{Rules: rules}
					want := in(NewFieldDecoder(cfg), kind, true, literals(b.nv...))
					d := NewFieldDecoder(cfg)
					in(d, kind, true, literals(a.nv...))
					for range 2 {
						if got := in(d, kind, true, literals(b.nv...)); !reflect.DeepEqual(got, want) {
							t.Errorf("%q after %q: %+v, want %+v", b.name, a.name, got, want)
						}
					}
					for i, g := range d.good {
						if len(g.name)+len(g.value) > maxGoodField {
							t.Errorf("%q: %d bytes are kept at %d", b.name, len(g.value), i)
						}
					}
				}
			}
		}
	}
	// What is kept of a value is not the end of a long string of whitespace.
	d := NewFieldDecoder(DecoderConfig{Rules: all})
	in(d, ResponseBlock, true, literals(":status", "200", "server", strings.Repeat(" ", 5000)+"a", "x-one", "1"))
	if g := d.good[1]; g.name != "" || d.good[2].value != "1" {
		t.Errorf("%+v is kept", g)
	}
	// Nor is a secret (RFC 7541 §6.2.3), of which it is still said each time that it is.
	d = NewFieldDecoder(DecoderConfig{})
	plain := append([]byte{0x88}, literals("x-key", "hush")...)
	secret := append([]byte{0x88, 0x10}, plain[2:]...)
	for i, src := range [][]byte{secret, plain, secret} {
		var res wire.Response
		d.Begin(ResponseBlock, 1, true, &res)
		if err := cmp.Or(d.Write(src), d.End()); err != nil {
			t.Fatal(err)
		}
		if is := res.Fields[0].Sensitive; is != (i != 1) {
			t.Errorf("block %d: sensitive is %v", i, is)
		}
		if kept := d.good[1].value; i == 0 && kept != "" {
			t.Errorf("%q is kept", kept)
		}
	}
	// The limits count what is known to be good.
	src := literals(":status", "200", "server", "a", "x-one", "1")
	d = NewFieldDecoder(DecoderConfig{Fields: 2})
	first := in(d, ResponseBlock, true, src)
	if again := in(d, ResponseBlock, true, src); first.Err == "" || !reflect.DeepEqual(first, again) {
		t.Errorf("%+v, then %+v", first, again)
	}
}

// literals encodes without the table (RFC 7541 §6.2.2).
func literals(nv ...string) []byte {
	var b []byte
	for i := 0; i < len(nv); i += 2 {
		b = append(b, 0)
		b = append(appendLength(b, 0, uint64(len(nv[i]))), nv[i]...)
		b = append(appendLength(b, 0, uint64(len(nv[i+1]))), nv[i+1]...)
	}
	return b
}
