package h2

import "encoding/binary"

// The rules of frames, for error texts.
const (
	ruleDataStream     = "RFC 9113 §6.1: a DATA frame is associated with a stream"
	ruleHeadersStream  = "RFC 9113 §6.2: a HEADERS frame is associated with a stream"
	rulePriorityStream = "RFC 9113 §6.3: a PRIORITY frame identifies a stream"
	ruleResetStream    = "RFC 9113 §6.4: a RST_STREAM frame is associated with a stream"
	ruleSettingsStream = "RFC 9113 §6.5: a SETTINGS frame is on stream 0"
	rulePushStream     = "RFC 9113 §6.6: a PUSH_PROMISE frame is associated with a stream"
	rulePingStream     = "RFC 9113 §6.7: a PING frame is on stream 0"
	ruleGoAwayStream   = "RFC 9113 §6.8: a GOAWAY frame is on stream 0"
	ruleContStream     = "RFC 9113 §6.10: a CONTINUATION frame is associated with a stream"
	ruleUpdateStream   = "RFC 9218 §7.1: a PRIORITY_UPDATE frame is on stream 0"

	ruleDataPad     = "RFC 9113 §6.1: padding is shorter than the payload"
	ruleHeadersPad  = "RFC 9113 §6.2: padding is shorter than the payload"
	rulePushPad     = "RFC 9113 §6.6: padding is shorter than the payload"
	ruleMandatory   = "RFC 9113 §4.2: a frame has room for its mandatory fields"
	rulePriorityLen = "RFC 9113 §6.3: a PRIORITY frame has 5 octets"
	ruleResetLen    = "RFC 9113 §6.4: a RST_STREAM frame has 4 octets"
	ruleAckLen      = "RFC 9113 §6.5: a SETTINGS frame with ACK is empty"
	ruleSettingsLen = "RFC 9113 §6.5: a SETTINGS frame has a multiple of 6 octets"
	rulePingLen     = "RFC 9113 §6.7: a PING frame has 8 octets"
	ruleWindowLen   = "RFC 9113 §6.9: a WINDOW_UPDATE frame has 4 octets"
	ruleIncrement   = "RFC 9113 §6.9: a window increment is not 0"
	rulePromised    = "RFC 9113 §5.1.1: a server's stream has an even identifier that is not 0"
	ruleUpdateZero  = "RFC 9218 §7.1: a PRIORITY_UPDATE frame names a stream"
)

// Check reports what is wrong with a frame by itself, whatever came before it:
// that it is on stream 0 or not as its type demands, has a size that its type
// allows, less padding than payload, and no value that is always wrong (RFC 9113
// §6). The error is a ConnError or a StreamError with the code that the RFC
// demands. Frames of unknown type are always right, and unknown flags and the
// reserved bit do not matter (§4.1).
//
// The values of SETTINGS are checked by Setting.Check; which frame may follow
// which, in what state and from whom, by the engine.
func (f Frame) Check() error {
	n := len(f.Payload)
	switch f.Type {
	case FrameData:
		if f.StreamID == 0 {
			return f.bad(ProtocolError, ruleDataStream)
		}
		return f.checkPadding(0, ruleDataPad)
	case FrameHeaders:
		if f.StreamID == 0 {
			return f.bad(ProtocolError, ruleHeadersStream)
		}
		fixed := 0
		if f.Flags.Has(FlagPriority) {
			fixed = 5
		}
		return f.checkPadding(fixed, ruleHeadersPad)
	case FramePriority:
		switch {
		case f.StreamID == 0:
			return f.bad(ProtocolError, rulePriorityStream)
		case n != 5:
			return f.badStream(FrameSizeError, rulePriorityLen)
		}
	case FrameRSTStream:
		switch {
		case f.StreamID == 0:
			return f.bad(ProtocolError, ruleResetStream)
		case n != 4:
			return f.bad(FrameSizeError, ruleResetLen)
		}
	case FrameSettings:
		switch {
		case f.StreamID != 0:
			return f.bad(ProtocolError, ruleSettingsStream)
		case f.Flags.Has(FlagAck) && n != 0:
			return f.bad(FrameSizeError, ruleAckLen)
		case n%settingLen != 0:
			return f.bad(FrameSizeError, ruleSettingsLen)
		}
	case FramePushPromise:
		if f.StreamID == 0 {
			return f.bad(ProtocolError, rulePushStream)
		}
		if err := f.checkPadding(4, rulePushPad); err != nil {
			return err
		}
		if id, _ := f.PushPromise(); id == 0 || id&1 != 0 {
			return f.bad(ProtocolError, rulePromised)
		}
	case FramePing:
		switch {
		case f.StreamID != 0:
			return f.bad(ProtocolError, rulePingStream)
		case n != 8:
			return f.bad(FrameSizeError, rulePingLen)
		}
	case FrameGoAway:
		switch {
		case f.StreamID != 0:
			return f.bad(ProtocolError, ruleGoAwayStream)
		case n < 8:
			return f.bad(FrameSizeError, ruleMandatory)
		}
	case FrameWindowUpdate:
		if n != 4 {
			return f.bad(FrameSizeError, ruleWindowLen)
		}
		if binary.BigEndian.Uint32(f.Payload)&MaxWindow == 0 {
			// "errors on the connection flow-control window MUST be treated as
			// a connection error".
			if f.StreamID == 0 {
				return f.bad(ProtocolError, ruleIncrement)
			}
			return f.badStream(ProtocolError, ruleIncrement)
		}
	case FrameContinuation:
		if f.StreamID == 0 {
			return f.bad(ProtocolError, ruleContStream)
		}
	case FramePriorityUpdate:
		switch {
		case f.StreamID != 0:
			return f.bad(ProtocolError, ruleUpdateStream)
		case n < 4:
			return f.bad(FrameSizeError, ruleMandatory)
		case binary.BigEndian.Uint32(f.Payload)&MaxStreamID == 0:
			return f.bad(ProtocolError, ruleUpdateZero)
		}
	}
	return nil
}

// checkPadding checks that a frame with fixed bytes before its variable part has
// room for them and for its padding.
func (f Frame) checkPadding(fixed int, rule string) error {
	n := len(f.Payload)
	if !f.Flags.Has(FlagPadded) {
		if n < fixed {
			return f.bad(FrameSizeError, ruleMandatory)
		}
		return nil
	}
	if n < 1+fixed {
		return f.bad(FrameSizeError, ruleMandatory)
	}
	// Where there are fixed fields, padding that is shorter than the payload
	// and yet reaches into them is just as impossible.
	if int(f.Payload[0]) > n-1-fixed {
		return f.bad(ProtocolError, rule)
	}
	return nil
}

// bad returns a ConnError about f.
func (f Frame) bad(code ErrCode, rule string) error {
	return ConnError{Code: code, Rule: rule, What: f.header().String()}
}

// badStream returns a StreamError about f.
func (f Frame) badStream(code ErrCode, rule string) error {
	return StreamError{ID: f.StreamID, Code: code, Rule: rule, What: f.header().String()}
}

// header returns the header with the length that the payload has.
func (f Frame) header() FrameHeader {
	h := f.FrameHeader
	h.Length = uint32(len(f.Payload))
	return h
}
