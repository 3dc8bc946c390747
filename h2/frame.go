package h2

import (
	"encoding/binary"
	"strconv"
)

// Preface is what a client sends before its first frame (RFC 9113 §3.4).
const Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

const (
	// FrameHeaderLen is the length of a frame header in bytes.
	FrameHeaderLen = 9
	// MinMaxFrameSize is the initial and smallest SETTINGS_MAX_FRAME_SIZE.
	MinMaxFrameSize = 1 << 14
	// MaxMaxFrameSize is the largest, and the most that a length can say.
	MaxMaxFrameSize = 1<<24 - 1
	// MaxStreamID is the highest stream identifier.
	MaxStreamID = 1<<31 - 1
	// MaxWindow is the largest flow-control window (RFC 9113 §6.9.1).
	MaxWindow = 1<<31 - 1
)

// FrameType is the type of a frame. Any value can be read and written.
type FrameType uint8

// The types of RFC 9113 §6, and of the extensions that clients meet.
const (
	FrameData           FrameType = 0x0
	FrameHeaders        FrameType = 0x1
	FramePriority       FrameType = 0x2
	FrameRSTStream      FrameType = 0x3
	FrameSettings       FrameType = 0x4
	FramePushPromise    FrameType = 0x5
	FramePing           FrameType = 0x6
	FrameGoAway         FrameType = 0x7
	FrameWindowUpdate   FrameType = 0x8
	FrameContinuation   FrameType = 0x9
	FrameAltSvc         FrameType = 0xa  // RFC 7838 §4
	FrameOrigin         FrameType = 0xc  // RFC 8336 §2
	FramePriorityUpdate FrameType = 0x10 // RFC 9218 §7.1
)

var frameNames = [...]string{
	"DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY", "WINDOW_UPDATE",
	"CONTINUATION", "ALTSVC", "", "ORIGIN", "", "", "", "PRIORITY_UPDATE",
}

// String returns the type's name, or its number as "frame type 0xb".
func (t FrameType) String() string {
	if int(t) < len(frameNames) && frameNames[t] != "" {
		return frameNames[t]
	}
	return "frame type 0x" + strconv.FormatUint(uint64(t), 16)
}

// Flags are the flags of a frame; what a bit means depends on the type.
type Flags uint8

// The flags of RFC 9113 §6.
const (
	FlagEndStream  Flags = 0x01 // DATA, HEADERS
	FlagAck        Flags = 0x01 // SETTINGS, PING
	FlagEndHeaders Flags = 0x04 // HEADERS, PUSH_PROMISE, CONTINUATION
	FlagPadded     Flags = 0x08 // DATA, HEADERS, PUSH_PROMISE
	FlagPriority   Flags = 0x20 // HEADERS
)

// Has reports whether all bits of v are set.
func (f Flags) Has(v Flags) bool { return f&v == v }

// FrameHeader is the nine bytes before a payload (RFC 9113 §4.1), each of them
// kept.
type FrameHeader struct {
	// Length is the length of the payload in bytes; 24 bits count.
	Length uint32
	Type   FrameType
	Flags  Flags
	// R is the reserved bit. It is to be ignored on receipt and unset when
	// sending.
	R bool
	// StreamID is the stream, 0 for the connection; 31 bits count.
	StreamID uint32
}

// String gives the header as "HEADERS stream=1 flags=0x5 length=20".
func (h FrameHeader) String() string {
	s := h.Type.String() + " stream=" + strconv.FormatUint(uint64(h.StreamID), 10)
	if h.Flags != 0 {
		s += " flags=0x" + strconv.FormatUint(uint64(h.Flags), 16)
	}
	if h.R {
		s += " R"
	}
	return s + " length=" + strconv.FormatUint(uint64(h.Length), 10)
}

// Frame is one frame, of any type and legal or not.
type Frame struct {
	FrameHeader
	// Payload is all that follows the header, padding and all. What ParseFrame
	// returns aliases its input.
	Payload []byte
}

// ParseFrameHeader parses the first nine bytes of src. It reports false if there
// are fewer.
func ParseFrameHeader(src []byte) (FrameHeader, bool) {
	if len(src) < FrameHeaderLen {
		return FrameHeader{}, false
	}
	id := binary.BigEndian.Uint32(src[5:])
	return FrameHeader{
		Length:   uint32(src[0])<<16 | uint32(src[1])<<8 | uint32(src[2]),
		Type:     FrameType(src[3]),
		Flags:    Flags(src[4]),
		R:        id>>31 != 0,
		StreamID: id & MaxStreamID,
	}, true
}

const ruleMaxFrame = "RFC 9113 §4.2: no frame exceeds SETTINGS_MAX_FRAME_SIZE"

// ParseFrame takes one frame off the front of src: n is its length with the
// header, and f.Payload aliases src. If src ends before the frame does, n is 0
// and err nil. Nothing but the length is checked; see Frame.Check.
//
// max is the most that the payload may have, the MAX_FRAME_SIZE that we
// announced; 0 means MinMaxFrameSize. A longer frame is a ConnError with
// FrameSizeError as soon as its header is there, and f holds that header.
func ParseFrame(src []byte, max uint32) (f Frame, n int, err error) {
	h, ok := ParseFrameHeader(src)
	if !ok {
		return Frame{}, 0, nil
	}
	if max == 0 {
		max = MinMaxFrameSize
	}
	if h.Length > max {
		// RFC 9113 §4.2 lets it be a stream error where no state is lost; but
		// then the payload, up to 16 MiB, would have to be read.
		return Frame{FrameHeader: h}, 0, ConnError{FrameSizeError, ruleMaxFrame, h.String()}
	}
	n = FrameHeaderLen + int(h.Length)
	if len(src) < n {
		return Frame{}, 0, nil
	}
	return Frame{h, src[FrameHeaderLen:n:n]}, n, nil
}
