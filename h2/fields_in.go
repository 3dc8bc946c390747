package h2

import (
	"errors"
	"strconv"

	"golang.org/x/net/http2/hpack"

	"gohttpx.dev/wire"
)

// The rules of field blocks, for error texts.
const (
	ruleDecode      = "RFC 9113 §4.3: a field block can be decoded"
	ruleTableUpdate = "RFC 9113 §4.3.1: after a reduction of the table a field block starts with its update"
	ruleBlockBytes  = "limit: DecoderConfig.BlockBytes"
	ruleBlockFrames = "limit: DecoderConfig.BlockFrames"
	ruleListBytes   = "limit: DecoderConfig.ListBytes"
	ruleFields      = "limit: DecoderConfig.Fields"
	ruleString      = "limit: DecoderConfig.ListBytes, by one string"
)

// The defaults of DecoderConfig.
const (
	DefaultBlockBytes  = 64 << 10
	DefaultBlockFrames = 128
	DefaultListBytes   = 64 << 10
	DefaultFields      = 1000
)

// DecoderConfig bounds what one field block may cost. Zero or a negative number
// means the default: there is no "unlimited", since every one of these is a door
// for a hostile peer.
type DecoderConfig struct {
	// BlockBytes bounds the encoded bytes of one block; past it the connection
	// ends. Default 64 KiB.
	BlockBytes int
	// BlockFrames bounds the frames of one block, empty ones included; past it
	// the connection ends. Default 128.
	BlockFrames int
	// ListBytes bounds what a block comes to: the bytes of names and values,
	// and 32 for each field, as MAX_HEADER_LIST_SIZE counts. Past it the stream
	// ends, or the connection if it is a single string. Default 64 KiB.
	ListBytes int
	// Fields bounds the number of fields, pseudo-fields included. Past it the
	// stream ends. Default 1000.
	Fields int
	// Rules says what is accepted beyond RFC 9113.
	Rules Rules
}

// BlockKind says what a field block is to be.
type BlockKind uint8

const (
	// ResponseBlock is a header section, of an interim or a final response.
	ResponseBlock BlockKind = iota
	// TrailerBlock is a trailer section.
	TrailerBlock
	// DiscardBlock belongs to a stream that is gone, or was refused: it is
	// decoded only to keep the table (RFC 9113 §4.3).
	DiscardBlock
)

// FieldDecoder turns field blocks into the fields of responses. There is one for
// each connection, and every block must pass through it in the order in which
// they came: Begin, then Write for each frame, then End.
//
// A message that breaks the rules of RFC 9113 §8 is a StreamError, returned by
// End when the block is over, so that the table is right for the next one. What
// cannot be decoded, or passes the limits of a block, is a ConnError; the
// decoder is then of no more use.
//
// A FieldDecoder belongs to one goroutine. It keeps nothing of what it is given.
type FieldDecoder struct {
	dec *hpack.Decoder
	cfg DecoderConfig // resolved; immutable

	updated bool  // a table size update was seen
	must    bool  // the next block has to start with one
	fatal   error // the ConnError that was returned

	// Of the current block.
	kind   BlockKind
	end    bool
	id     uint32
	res    *wire.Response
	bytes  int
	frames int
	list   int
	count  int
	head   head
	tail   tail
	err    error // the StreamError to come
	section

	// Of blocks before: see good.go.
	good     [goodFields]goodField
	literals *goodLiterals // nil before the first
	noTable  bool          // the peer has set the table's size to 0

	place  int  // of the next field in the block
	unseen bool // the field before was known, and hpack has not had it

	// Of what is decoded now: literals that may be kept, by their places.
	run    []byte
	marked uint16
	marks  [goodFields]mark
}

// NewFieldDecoder returns the decoder of a new connection. Its table has up to
// 4096 bytes until SetTableSize says otherwise.
func NewFieldDecoder(cfg DecoderConfig) *FieldDecoder {
	set := func(n *int, def int) {
		if *n <= 0 {
			*n = def
		}
		*n = min(*n, 1<<30)
	}
	set(&cfg.BlockBytes, DefaultBlockBytes)
	set(&cfg.BlockFrames, DefaultBlockFrames)
	set(&cfg.ListBytes, DefaultListBytes)
	set(&cfg.Fields, DefaultFields)
	d := &FieldDecoder{cfg: cfg}
	d.dec = hpack.NewDecoder(initialTable, d.emit)
	d.dec.SetMaxStringLength(cfg.ListBytes)
	return d
}

// SetTableSize says that the peer has acknowledged the HEADER_TABLE_SIZE that we
// have sent. After a reduction the next block must start with an update (RFC
// 9113 §4.3.1); that is demanded only of a peer whose table has the size it
// began with, since of any other it is not known.
func (d *FieldDecoder) SetTableSize(n uint32) {
	d.must = d.must || n < initialTable && !d.updated
	d.dec.SetAllowedMaxDynamicTableSize(n)
}

// Begin starts a block of the stream id. Fields and the like of res are cleared
// for a ResponseBlock, and Trailers for a TrailerBlock; their arrays are used
// again. res may be nil for a DiscardBlock. end is END_STREAM of the HEADERS
// frame.
func (d *FieldDecoder) Begin(kind BlockKind, id uint32, end bool, res *wire.Response) {
	d.kind, d.id, d.end, d.res = kind, id, end, res
	d.bytes, d.frames, d.list, d.count, d.err = 0, 0, 0, 0, nil
	d.place, d.unseen = 0, false
	d.tail.drop()
	d.head = atStart
	d.section = section{rules: d.cfg.Rules, length: -1}
	d.dec.SetEmitEnabled(kind != DiscardBlock)
	switch kind {
	case ResponseBlock:
		clear(res.Fields)
		res.Fields = res.Fields[:0]
		res.Status, res.Proto, res.Reason = 0, wire.HTTP2, ""
		res.ContentLength, res.Anomalies, res.StreamID = -1, 0, id
	case TrailerBlock:
		clear(res.Trailers)
		res.Trailers = res.Trailers[:0]
	}
}

// Write decodes one fragment of the block. The error is a ConnError.
func (d *FieldDecoder) Write(fragment []byte) error { return d.write(fragment, false) }

// write is Write; last says that no other fragment follows, so that nothing of
// this one need be kept.
func (d *FieldDecoder) write(fragment []byte, last bool) error {
	if d.fatal != nil {
		return d.fatal
	}
	d.frames++
	if d.frames > d.cfg.BlockFrames {
		return d.fail(EnhanceYourCalm, ruleBlockFrames, "field block in too many frames")
	}
	if len(fragment) == 0 {
		return nil // End sees to what is not whole
	}
	d.bytes += len(fragment)
	if d.bytes > d.cfg.BlockBytes {
		return d.fail(EnhanceYourCalm, ruleBlockBytes, "field block too long")
	}
	if d.bytes == len(fragment) { // the first byte
		update := isUpdate(fragment[0])
		if d.must && !update {
			return d.fail(CompressionError, ruleTableUpdate, "no table size update")
		}
		d.updated = d.updated || update
		d.must = false
	}
	var err error
	for d.head != pastUpdate && len(fragment) > 0 && err == nil {
		fragment, err = d.update(fragment)
	}
	if err == nil && len(fragment) > 0 {
		fragment = d.tail.join(fragment)
		n := len(fragment)
		if !last {
			n = whole(fragment, d.cfg.ListBytes)
		}
		err = d.decode(fragment[:n])
		d.run, d.marked = nil, 0
		d.tail.keep(fragment[n:])
	}
	if err != nil {
		return d.refused(err)
	}
	return nil
}

// refused is what an error of hpack comes to.
func (d *FieldDecoder) refused(err error) error {
	if errors.Is(err, hpack.ErrStringLength) {
		return d.fail(EnhanceYourCalm, ruleString, "field too long")
	}
	return d.fail(CompressionError, ruleDecode, err.Error())
}

// head is where a block stands in the table size update that it may begin with.
type head uint8

const (
	atStart head = iota
	inUpdate
	pastUpdate
)

// update passes the first table size update, or what there is of it, to hpack,
// and returns what follows. RFC 7541 §4.2 has two of them in a row where the size
// has changed twice; hpack takes only one, unless told that a block begins.
func (d *FieldDecoder) update(src []byte) (rest []byte, err error) {
	i, more := 0, true
	if d.head == atStart {
		if !isUpdate(src[0]) {
			d.head = pastUpdate
			return src, nil
		}
		i, more = 1, src[0]&0x1f == 0x1f
		d.noTable = src[0] == toNothing
	}
	for more && i < len(src) {
		more = src[i]&0x80 != 0
		i++
	}
	if _, err = d.dec.Write(src[:i]); err != nil {
		return nil, err
	}
	d.head = inUpdate
	if !more {
		d.head = pastUpdate
		d.dec.Close() // it has all of the update
	}
	return src[i:], nil
}

// isUpdate reports whether a field representation that starts with c is a
// Dynamic Table Size Update (RFC 7541 §6.3).
func isUpdate(c byte) bool { return c&0xe0 == 0x20 }

// toNothing is the Dynamic Table Size Update to 0. There is no other way to write it.
const toNothing = 0x20

// End ends the block. The error is a StreamError if the message is malformed, in
// which case res holds what was decoded before the fault, or a ConnError.
func (d *FieldDecoder) End() error {
	if d.fatal != nil {
		return d.fatal
	}
	err := d.pass(d.tail.b) // what is not whole is an error
	if closed := d.dec.Close(); err == nil {
		err = closed
	}
	if d.tail.b != nil && err == nil {
		// hpack remembers where it has read last, and so a whole buffer.
		d.dec.SetEmitEnabled(false)
		d.dec.Write(nothing)
		d.dec.Close()
	}
	d.tail.drop()
	if err != nil {
		return d.refused(err)
	}
	res := d.res
	d.res = nil
	switch {
	case d.err != nil:
		return d.err
	case d.kind == DiscardBlock:
		return nil
	case d.kind == TrailerBlock:
		res.Anomalies |= d.anomalies
		if !d.end {
			return d.malformed(ruleTrailersEnd, "trailers without END_STREAM")
		}
		return nil
	case d.status == 0:
		return d.malformed(ruleStatus, "no :status")
	case d.status < 200 && d.end:
		return d.malformed(ruleInterimEnd, "END_STREAM with status "+strconv.Itoa(d.status))
	}
	res.Status, res.ContentLength, res.Anomalies = d.status, d.length, d.anomalies
	return nil
}

// Size is what the current block has come to so far, as ListBytes counts.
func (d *FieldDecoder) Size() int { return d.list }

// fail notes the end of the connection.
func (d *FieldDecoder) fail(code ErrCode, rule, what string) error {
	d.tail.drop()
	d.fatal = ConnError{Code: code, Rule: rule, What: what + " on stream " + strconv.FormatUint(uint64(d.id), 10)}
	return d.fatal
}

func (d *FieldDecoder) malformed(rule, what string) error {
	return StreamError{ID: d.id, Code: ProtocolError, Rule: rule, What: what}
}

// emit takes one decoded field. It is called by hpack.
func (d *FieldDecoder) emit(h hpack.HeaderField) {
	if d.err != nil {
		return
	}
	i := d.count
	d.list += len(h.Name) + len(h.Value) + 32
	d.count++
	if d.list > d.cfg.ListBytes || d.count > d.cfg.Fields || i >= goodFields || h.Name == "" ||
		h.Name != d.good[i].name || h.Value != d.good[i].value {
		d.fresh(wire.Field(h), i)
		return
	}
	d.regular = true
	if d.marked>>i&1 != 0 {
		d.keepLiteral(i)
	}
	d.add(wire.Field(h))
}

// known takes the good field of a place, whose literal has come.
func (d *FieldDecoder) known(i int) {
	if d.err != nil || d.kind == DiscardBlock {
		return
	}
	f := wire.Field{Name: d.good[i].name, Value: d.good[i].value}
	d.list += len(f.Name) + len(f.Value) + 32
	d.count++
	if d.list > d.cfg.ListBytes || d.count > d.cfg.Fields {
		d.fresh(f, i)
		return
	}
	d.regular = true
	d.add(f)
}

// add appends a field that is good.
func (d *FieldDecoder) add(f wire.Field) {
	if d.kind == TrailerBlock {
		d.res.Trailers = append(d.res.Trailers, f)
	} else {
		d.res.Fields = append(d.res.Fields, f)
	}
}

// fresh takes a field that is counted, and not the good one of its place i.
func (d *FieldDecoder) fresh(f wire.Field, i int) {
	switch {
	case d.list > d.cfg.ListBytes:
		d.err = StreamError{ID: d.id, Code: EnhanceYourCalm, Rule: ruleListBytes, What: "field section too large"}
	case d.count > d.cfg.Fields:
		d.err = StreamError{ID: d.id, Code: EnhanceYourCalm, Rule: ruleFields, What: "one field too many"}
	default:
		value := f.Value
		was := d.anomalies
		d.anomalies = 0
		if rule, what := d.check(&f, d.kind == TrailerBlock); rule != "" {
			d.err = d.malformed(rule, what)
		} else if i < goodFields {
			d.setGood(&f, i, d.anomalies == 0 && f.Value == value)
		}
		d.anomalies |= was
	}
	if d.err != nil {
		d.dec.SetEmitEnabled(false) // and so no more strings than the table needs
		return
	}
	if f.Name[0] != ':' {
		d.add(f)
	}
}
