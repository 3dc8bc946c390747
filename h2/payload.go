package h2

import (
	"encoding/binary"
	"iter"
)

// The accessors read a payload as that of the named type, whatever f.Type is.
// They are meant for frames that Check has found legal; on others they return
// what there is, zero or empty, and never panic. What they return aliases
// f.Payload.

// EndStream reports whether the frame ends the peer's side of its stream.
func (f Frame) EndStream() bool {
	return (f.Type == FrameData || f.Type == FrameHeaders) && f.Flags.Has(FlagEndStream)
}

// EndHeaders reports whether the frame ends a field block.
func (f Frame) EndHeaders() bool {
	switch f.Type {
	case FrameHeaders, FramePushPromise, FrameContinuation:
		return f.Flags.Has(FlagEndHeaders)
	}
	return false
}

// Ack reports whether a SETTINGS or PING frame is an acknowledgement.
func (f Frame) Ack() bool {
	return (f.Type == FrameSettings || f.Type == FramePing) && f.Flags.Has(FlagAck)
}

// Data returns the content of a DATA frame without its padding. Flow control
// counts len(f.Payload), padding and all (RFC 9113 §6.1).
func (f Frame) Data() []byte { return f.unpadded() }

// Padding is how many bytes of the payload are padding, the length field
// included.
func (f Frame) Padding() int { return len(f.Payload) - len(f.unpadded()) }

// unpadded returns the payload without padding; empty if the padding is too
// long.
func (f Frame) unpadded() []byte {
	p := f.Payload
	switch f.Type {
	case FrameData, FrameHeaders, FramePushPromise:
	default:
		return p
	}
	if !f.Flags.Has(FlagPadded) || len(p) == 0 {
		return p
	}
	end := max(len(p)-int(p[0]), 1)
	return p[1:end:end]
}

// Fragment returns the piece of a field block that a HEADERS, PUSH_PROMISE or
// CONTINUATION frame carries, without padding and what stands before it.
func (f Frame) Fragment() []byte {
	p := f.unpadded()
	fixed := 0
	switch {
	case f.Type == FrameHeaders && f.Flags.Has(FlagPriority):
		fixed = 5
	case f.Type == FramePushPromise:
		fixed = 4
	}
	return p[min(fixed, len(p)):]
}

// Priority is the deprecated priority signal of RFC 7540 (RFC 9113 §5.3.2).
type Priority struct {
	// Depends is the stream on which this one depends.
	Depends   uint32
	Exclusive bool
	// Weight is the weight as it is on the wire, one less than it means.
	Weight uint8
}

// Priority returns the signal of a PRIORITY frame, or of a HEADERS frame that
// has one.
func (f Frame) Priority() (p Priority, ok bool) {
	b := f.unpadded()
	if len(b) < 5 || f.Type != FramePriority && (f.Type != FrameHeaders || !f.Flags.Has(FlagPriority)) {
		return p, false
	}
	v := binary.BigEndian.Uint32(b)
	return Priority{Depends: v & MaxStreamID, Exclusive: v>>31 != 0, Weight: b[4]}, true
}

// Code returns the error code of a RST_STREAM frame.
func (f Frame) Code() ErrCode { return ErrCode(f.word(0)) }

// Reset returns a RST_STREAM frame as an error.
func (f Frame) Reset() StreamError {
	return StreamError{ID: f.StreamID, Code: f.Code(), Reset: true}
}

// Settings yields the settings of a SETTINGS frame in order.
func (f Frame) Settings() iter.Seq[Setting] {
	return func(yield func(Setting) bool) {
		for p := f.Payload; len(p) >= settingLen; p = p[settingLen:] {
			if !yield(Setting{SettingID(binary.BigEndian.Uint16(p)), binary.BigEndian.Uint32(p[2:])}) {
				return
			}
		}
	}
}

// PushPromise returns the promised stream of a PUSH_PROMISE frame and its
// fragment of the field block.
func (f Frame) PushPromise() (promised uint32, fragment []byte) {
	p := f.unpadded()
	if len(p) < 4 {
		return 0, nil
	}
	return binary.BigEndian.Uint32(p) & MaxStreamID, p[4:]
}

// Ping returns the data of a PING frame.
func (f Frame) Ping() (data [8]byte) {
	copy(data[:], f.Payload)
	return data
}

// GoAway returns a GOAWAY frame as an error. Its Debug is a copy; all of the
// debug data is f.Payload[8:].
func (f Frame) GoAway() GoAwayError {
	e := GoAwayError{LastID: f.word(0) & MaxStreamID, Code: ErrCode(f.word(4))}
	if len(f.Payload) > 8 {
		debug := f.Payload[8:]
		e.Debug = string(debug[:min(len(debug), maxDebug)])
	}
	return e
}

// Increment returns the increment of a WINDOW_UPDATE frame.
func (f Frame) Increment() uint32 { return f.word(0) & MaxWindow }

// PriorityUpdate returns what a PRIORITY_UPDATE frame says (RFC 9218 §7.1): the
// stream, and the value of the priority field.
func (f Frame) PriorityUpdate() (id uint32, value []byte) {
	if len(f.Payload) < 4 {
		return 0, nil
	}
	return f.word(0) & MaxStreamID, f.Payload[4:]
}

// word returns the four bytes at i, 0 if they are not there.
func (f Frame) word(i int) uint32 {
	if len(f.Payload) < i+4 {
		return 0
	}
	return binary.BigEndian.Uint32(f.Payload[i:])
}
