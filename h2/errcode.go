package h2

import "strconv"

// ErrCode is an error code of RST_STREAM and GOAWAY (RFC 9113 §7). Unknown codes
// are kept as they are.
type ErrCode uint32

// The codes of RFC 9113 §7.
const (
	NoError            ErrCode = 0x0 // not an error: a graceful end
	ProtocolError      ErrCode = 0x1 // the protocol was broken
	InternalError      ErrCode = 0x2 // the sender's own trouble
	FlowControlError   ErrCode = 0x3 // more was sent than the window allows
	SettingsTimeout    ErrCode = 0x4 // SETTINGS were not acknowledged in time
	StreamClosed       ErrCode = 0x5 // a frame came for a stream that has ended
	FrameSizeError     ErrCode = 0x6 // a frame has a wrong size
	RefusedStream      ErrCode = 0x7 // the stream was not looked at
	Cancel             ErrCode = 0x8 // the stream is no longer wanted
	CompressionError   ErrCode = 0x9 // a field block cannot be decoded
	ConnectError       ErrCode = 0xa // the tunnel's TCP connection broke
	EnhanceYourCalm    ErrCode = 0xb // the peer asks for too much
	InadequateSecurity ErrCode = 0xc // TLS is too weak
	HTTP11Required     ErrCode = 0xd // ask again over HTTP/1.1
)

var errCodeNames = [...]string{
	"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
	"FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
	"INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
}

// String returns the name that RFC 9113 gives the code, or the number as
// "code 0x1f".
func (c ErrCode) String() string {
	if int64(c) < int64(len(errCodeNames)) {
		return errCodeNames[c]
	}
	return "code 0x" + strconv.FormatUint(uint64(c), 16)
}
