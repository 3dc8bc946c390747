package h2

import "encoding/binary"

// AppendFrameHeader appends a header as it is; the upper bits of Length and
// StreamID are cut off.
func AppendFrameHeader(dst []byte, h FrameHeader) []byte {
	id := h.StreamID & MaxStreamID
	if h.R {
		id |= 1 << 31
	}
	return append(dst, byte(h.Length>>16), byte(h.Length>>8), byte(h.Length), byte(h.Type), byte(h.Flags),
		byte(id>>24), byte(id>>16), byte(id>>8), byte(id))
}

// AppendRaw appends a header as it is and then payload, though the header may
// announce another length: for frames that lie.
func AppendRaw(dst []byte, h FrameHeader, payload []byte) []byte {
	return append(AppendFrameHeader(dst, h), payload...)
}

// AppendFrame appends a frame with the length that its payload has, which must
// be at most MaxMaxFrameSize. Nothing else of it is checked.
func AppendFrame(dst []byte, f Frame) []byte { return AppendRaw(dst, f.header(), f.Payload) }

// Padding says how much padding a frame gets: none if 0, else that many bytes,
// from 1 to 256, the length field included.
type Padding uint16

// MaxPadding is the most padding that a frame can have.
const MaxPadding Padding = 256

// add appends the length field and returns the flag for it.
func (p Padding) add(dst []byte) []byte {
	if p == 0 {
		return dst
	}
	return append(dst, byte(min(p, MaxPadding)-1))
}

// fill appends the zeros.
func (p Padding) fill(dst []byte) []byte {
	var zeros [MaxPadding - 1]byte
	if p <= 1 {
		return dst
	}
	return append(dst, zeros[:min(p, MaxPadding)-1]...)
}

func (p Padding) flag() Flags {
	if p == 0 {
		return 0
	}
	return FlagPadded
}

// AppendData appends one DATA frame. The caller keeps data and padding within
// the peer's MAX_FRAME_SIZE and both windows; padding counts as data does.
func AppendData(dst []byte, id uint32, data []byte, end bool, pad Padding) []byte {
	pad = min(pad, MaxPadding)
	h := FrameHeader{Length: uint32(len(data)) + uint32(pad), Type: FrameData, Flags: pad.flag(), StreamID: id}
	if end {
		h.Flags |= FlagEndStream
	}
	dst = pad.add(AppendFrameHeader(dst, h))
	return pad.fill(append(dst, data...))
}

// HeadersOptions are what a HEADERS frame may have besides its field block.
type HeadersOptions struct {
	// EndStream says that no DATA frame follows.
	EndStream bool
	// Pad pads the HEADERS frame.
	Pad Padding
	// Priority, if not nil, adds the deprecated signal of RFC 7540.
	Priority *Priority
	// MaxFrame is the peer's MAX_FRAME_SIZE in bytes. Less than
	// MinMaxFrameSize counts as that, more than MaxMaxFrameSize as that.
	MaxFrame uint32
	// Fragment, if positive, makes frames shorter than MaxFrame: that many
	// bytes of the field block in each.
	Fragment int
}

// AppendHeaders appends a field block as one HEADERS frame and as many
// CONTINUATION frames as it needs (RFC 9113 §4.3).
func AppendHeaders(dst []byte, id uint32, block []byte, o HeadersOptions) []byte {
	// A peer that announces a MAX_FRAME_SIZE of 0 must not make this loop
	// stand still: whatever the options say, each frame takes a byte or more.
	most := int(min(max(o.MaxFrame, MinMaxFrameSize), MaxMaxFrameSize))
	step := most
	if o.Fragment > 0 {
		step = min(o.Fragment, most)
	}
	pad := min(o.Pad, MaxPadding)
	extra := int(pad)
	h := FrameHeader{Type: FrameHeaders, Flags: pad.flag(), StreamID: id}
	if o.EndStream {
		h.Flags |= FlagEndStream
	}
	if o.Priority != nil {
		h.Flags |= FlagPriority
		extra += 5
	}
	first := block[:min(len(block), step, most-extra)]
	rest := block[len(first):]
	if len(rest) == 0 {
		h.Flags |= FlagEndHeaders
	}
	h.Length = uint32(len(first) + extra)
	dst = pad.add(AppendFrameHeader(dst, h))
	if o.Priority != nil {
		dst = o.Priority.append(dst)
	}
	dst = pad.fill(append(dst, first...))
	return AppendContinuation(dst, id, rest, step)
}

// AppendContinuation appends rest as CONTINUATION frames of at most step bytes,
// the last of them with END_HEADERS; none if rest is empty. A step that is not
// positive counts as MinMaxFrameSize.
func AppendContinuation(dst []byte, id uint32, rest []byte, step int) []byte {
	if step <= 0 {
		step = MinMaxFrameSize
	}
	step = min(step, MaxMaxFrameSize)
	for len(rest) > 0 {
		piece := rest[:min(len(rest), step)]
		rest = rest[len(piece):]
		h := FrameHeader{Length: uint32(len(piece)), Type: FrameContinuation, StreamID: id}
		if len(rest) == 0 {
			h.Flags = FlagEndHeaders
		}
		dst = AppendRaw(dst, h, piece)
	}
	return dst
}

// HeadersLen is the number of bytes that AppendHeaders appends for a field block
// of n bytes.
func HeadersLen(n int, o HeadersOptions) int {
	most := int(min(max(o.MaxFrame, MinMaxFrameSize), MaxMaxFrameSize))
	step := most
	if o.Fragment > 0 {
		step = min(o.Fragment, most)
	}
	extra := int(min(o.Pad, MaxPadding))
	if o.Priority != nil {
		extra += 5
	}
	rest := n - min(n, step, most-extra)
	return n + extra + FrameHeaderLen*(1+(rest+step-1)/step)
}

func (p Priority) append(dst []byte) []byte {
	v := p.Depends & MaxStreamID
	if p.Exclusive {
		v |= 1 << 31
	}
	return append(binary.BigEndian.AppendUint32(dst, v), p.Weight)
}

// AppendPriority appends a PRIORITY frame, which is deprecated.
func AppendPriority(dst []byte, id uint32, p Priority) []byte {
	return p.append(AppendFrameHeader(dst, FrameHeader{Length: 5, Type: FramePriority, StreamID: id}))
}

// AppendRSTStream appends a RST_STREAM frame.
func AppendRSTStream(dst []byte, id uint32, code ErrCode) []byte {
	dst = AppendFrameHeader(dst, FrameHeader{Length: 4, Type: FrameRSTStream, StreamID: id})
	return binary.BigEndian.AppendUint32(dst, uint32(code))
}

// AppendSettings appends a SETTINGS frame with the settings in their order, of
// which there may be 2,730 in a frame that any peer takes.
func AppendSettings(dst []byte, settings ...Setting) []byte {
	dst = AppendFrameHeader(dst, FrameHeader{Length: uint32(len(settings) * settingLen), Type: FrameSettings})
	for _, s := range settings {
		dst = binary.BigEndian.AppendUint16(dst, uint16(s.ID))
		dst = binary.BigEndian.AppendUint32(dst, s.Value)
	}
	return dst
}

// AppendSettingsAck appends the acknowledgement of the peer's SETTINGS.
func AppendSettingsAck(dst []byte) []byte {
	return AppendFrameHeader(dst, FrameHeader{Type: FrameSettings, Flags: FlagAck})
}

// AppendPushPromise appends a PUSH_PROMISE frame with a whole field block, which
// the caller keeps within the frame size. Clients never send one (RFC 9113
// §8.4); test servers do.
func AppendPushPromise(dst []byte, id, promised uint32, block []byte) []byte {
	dst = AppendFrameHeader(dst, FrameHeader{
		Length: uint32(4 + len(block)), Type: FramePushPromise, Flags: FlagEndHeaders, StreamID: id,
	})
	dst = binary.BigEndian.AppendUint32(dst, promised&MaxStreamID)
	return append(dst, block...)
}

// AppendPing appends a PING frame, or with ack the answer to one.
func AppendPing(dst []byte, data [8]byte, ack bool) []byte {
	h := FrameHeader{Length: 8, Type: FramePing}
	if ack {
		h.Flags = FlagAck
	}
	return append(AppendFrameHeader(dst, h), data[:]...)
}

// AppendGoAway appends a GOAWAY frame.
func AppendGoAway(dst []byte, last uint32, code ErrCode, debug string) []byte {
	dst = AppendFrameHeader(dst, FrameHeader{Length: uint32(8 + len(debug)), Type: FrameGoAway})
	dst = binary.BigEndian.AppendUint32(dst, last&MaxStreamID)
	dst = binary.BigEndian.AppendUint32(dst, uint32(code))
	return append(dst, debug...)
}

// AppendWindowUpdate appends a WINDOW_UPDATE frame, of the connection if id is 0.
// An increment of 0 would be an error to the peer, and nothing is appended.
func AppendWindowUpdate(dst []byte, id, increment uint32) []byte {
	if increment == 0 {
		return dst
	}
	dst = AppendFrameHeader(dst, FrameHeader{Length: 4, Type: FrameWindowUpdate, StreamID: id})
	return binary.BigEndian.AppendUint32(dst, increment&MaxWindow)
}

// AppendPriorityUpdate appends a PRIORITY_UPDATE frame (RFC 9218 §7.1) about the
// stream id, with the value that the priority field would have: "u=1, i".
func AppendPriorityUpdate(dst []byte, id uint32, value string) []byte {
	dst = AppendFrameHeader(dst, FrameHeader{Length: uint32(4 + len(value)), Type: FramePriorityUpdate})
	dst = binary.BigEndian.AppendUint32(dst, id&MaxStreamID)
	return append(dst, value...)
}
