package h2

import (
	"golang.org/x/net/http2/hpack"

	"gohttpx.dev/wire"
)

// FieldEncoder turns field sections into field blocks (RFC 9113 §4.3). There is
// one for each connection, and its blocks must be sent in the order in which
// they were encoded, whatever becomes of their streams.
//
// A field goes into the dynamic table when it is seen for the second time: what
// differs from request to request (paths, identifiers, dates) would only drive
// out what stays the same. A sensitive field never does.
//
// A FieldEncoder belongs to one lock. Its memory is bounded: the table, and at
// most 64 KiB of memo.
type FieldEncoder struct {
	enc  *hpack.Encoder
	buf  []byte // what the field that is being encoded comes to
	memo memo

	ours    uint32 // the largest table that we want
	size    uint32 // the size that the encoder has
	gen     uint64 // counts what voids the memo
	block   uint32 // counts blocks
	noMemo  bool
	resized bool // the next field must have updates before it
}

// EncoderConfig is how a FieldEncoder works.
type EncoderConfig struct {
	// TableSize bounds the dynamic table in bytes, whatever the peer allows.
	// Zero means 4096, the initial value of HEADER_TABLE_SIZE; negative means
	// no table.
	TableSize int
	// NoMemo encodes every field anew. What comes out is the same: it is for
	// tests and for measuring.
	NoMemo bool
}

const initialTable = 4096

// NewFieldEncoder returns the encoder of a new connection.
func NewFieldEncoder(cfg EncoderConfig) *FieldEncoder {
	e := &FieldEncoder{ours: initialTable, size: initialTable, gen: 1, noMemo: cfg.NoMemo}
	e.enc = hpack.NewEncoder((*fieldBytes)(e))
	switch {
	case cfg.TableSize < 0:
		e.ours = 0
	case cfg.TableSize > 0:
		e.ours = uint32(min(cfg.TableSize, 1<<20))
	}
	if e.ours > initialTable {
		e.enc.SetMaxDynamicTableSizeLimit(e.ours)
	} else if e.ours < initialTable {
		e.resize(e.ours)
	}
	return e
}

// fieldBytes is the io.Writer of the hpack.Encoder.
type fieldBytes FieldEncoder

func (b *fieldBytes) Write(p []byte) (int, error) {
	b.buf = append(b.buf, p...)
	return len(p), nil
}

// SetPeerTableSize applies the HEADER_TABLE_SIZE of one SETTINGS frame of the
// peer, as HeaderTableSizes gives it; the next block then starts with the
// updates that RFC 7541 §4.2 demands, of the least size and of the last. Call it
// before the acknowledgement is written.
func (e *FieldEncoder) SetPeerTableSize(least, last uint32) {
	least, last = min(least, last, e.ours), min(last, e.ours)
	if least < e.size {
		e.resize(least)
	}
	if last != e.size {
		e.resize(last)
	}
}

func (e *FieldEncoder) resize(n uint32) {
	// SetMaxDynamicTableSizeLimit would shrink the table without noting the
	// least size, hence never that.
	e.enc.SetMaxDynamicTableSize(n)
	e.size = n
	e.resized = true
	// Evictions shift nothing, but they void; and the next field has to go
	// through the encoder, which puts the update before it.
	e.gen++
}

// TableSize is how large the dynamic table may now become, in bytes.
func (e *FieldEncoder) TableSize() int { return int(e.size) }

// Append encodes fields as they are, in their order, and appends the block to
// dst. Nothing is checked: AppendRequestFields and AppendTrailerFields have done
// so, or the caller means to send what is malformed.
func (e *FieldEncoder) Append(dst []byte, fields wire.Fields) []byte {
	e.block++
	for i := range fields {
		dst = e.field(dst, &fields[i])
	}
	return dst
}

func (e *FieldEncoder) field(dst []byte, f *wire.Field) []byte {
	m := e.memo.find(f, e.block)
	if m != nil && m.gen == e.gen && !e.noMemo {
		return append(dst, m.out...)
	}
	if m == nil && f.Name == PseudoPath && !e.resized && !e.noMemo && !f.Sensitive && !inStaticTable(f) {
		// What differs from request to request need not be looked for in the
		// table. The bytes are those that hpack would write.
		start := len(dst)
		dst = appendText(append(dst, indexPath), f.Value)
		e.memo.add(f, dst[start:], 0, e.block)
		return dst
	}
	e.buf = e.buf[:0]
	h := hpack.HeaderField(*f)
	// As never-indexed literal a field leaves the table alone. Without the bit
	// that says never, it is a literal without indexing (RFC 7541 §6.2.2,
	// §6.2.3: the rest is the same).
	plain := m == nil && !f.Sensitive && !inStaticTable(f)
	h.Sensitive = h.Sensitive || plain
	e.enc.WriteField(h) // fieldBytes.Write never fails
	e.resized = false
	start := skipUpdates(e.buf)
	if plain {
		e.buf[start] &^= 0x10
	}
	dst = append(dst, e.buf...)
	out := e.buf[start:]
	gen := e.gen
	switch {
	case out[0]&0xc0 == 0x40:
		// It was inserted: indices have moved, and this field will be an
		// indexed one.
		e.gen++
		gen = 0
	case plain:
		gen = 0 // if it comes again, it may be inserted
	}
	if m == nil {
		e.memo.add(f, out, gen, e.block)
	} else {
		e.memo.renew(m, out, gen)
	}
	if cap(e.buf) > maxMemoField {
		e.buf = nil
	}
	return dst
}

// indexPath is a :path of the static table (RFC 7541 Appendix A).
const indexPath = 5

// appendText appends a string literal (RFC 7541 §5.2), by Huffman code if that is
// shorter.
func appendText(dst []byte, s string) []byte {
	n := hpack.HuffmanEncodeLength(s)
	if n < uint64(len(s)) {
		dst = appendLength(dst, 0x80, n)
		return hpack.AppendHuffmanString(dst, s)
	}
	return append(appendLength(dst, 0, uint64(len(s))), s...)
}

// appendLength appends an integer with a prefix of seven bits (RFC 7541 §5.1).
func appendLength(dst []byte, first byte, n uint64) []byte {
	if n < 0x7f {
		return append(dst, first|byte(n))
	}
	dst = append(dst, first|0x7f)
	for n -= 0x7f; n >= 0x80; n >>= 7 {
		dst = append(dst, 0x80|byte(n))
	}
	return append(dst, byte(n))
}

// skipUpdates returns the index after the Dynamic Table Size Updates that p
// starts with (RFC 7541 §6.3).
func skipUpdates(p []byte) int {
	i := 0
	for i < len(p) && isUpdate(p[i]) {
		more := p[i]&0x1f == 0x1f
		for i++; more && i < len(p); i++ {
			more = p[i]&0x80 != 0
		}
	}
	return i
}

// inStaticTable reports whether the static table has the field with its value
// (RFC 7541 Appendix A), among those that requests have.
func inStaticTable(f *wire.Field) bool {
	switch f.Name {
	case PseudoMethod:
		return f.Value == "GET" || f.Value == "POST"
	case PseudoPath:
		return f.Value == "/" || f.Value == "/index.html"
	case PseudoScheme:
		return f.Value == "http" || f.Value == "https"
	case "accept-encoding":
		return f.Value == "gzip, deflate"
	case PseudoAuthority:
		return false
	}
	return f.Value == ""
}
