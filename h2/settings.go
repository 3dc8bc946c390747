package h2

import "strconv"

// settingLen is the length of one setting in bytes.
const settingLen = 6

// SettingID names a setting. Any value can be read and written.
type SettingID uint16

// The settings of RFC 9113 §6.5.2, RFC 8441 §3 and RFC 9218 §2.1.
const (
	SettingHeaderTableSize      SettingID = 0x1
	SettingEnablePush           SettingID = 0x2
	SettingMaxConcurrentStreams SettingID = 0x3
	SettingInitialWindowSize    SettingID = 0x4
	SettingMaxFrameSize         SettingID = 0x5
	SettingMaxHeaderListSize    SettingID = 0x6
	SettingEnableConnect        SettingID = 0x8
	SettingNoRFC7540Priorities  SettingID = 0x9
)

var settingNames = [...]string{
	"", "HEADER_TABLE_SIZE", "ENABLE_PUSH", "MAX_CONCURRENT_STREAMS", "INITIAL_WINDOW_SIZE", "MAX_FRAME_SIZE",
	"MAX_HEADER_LIST_SIZE", "", "ENABLE_CONNECT_PROTOCOL", "NO_RFC7540_PRIORITIES",
}

// String returns the setting's name, or its number as "setting 0x7".
func (id SettingID) String() string {
	if int(id) < len(settingNames) && settingNames[id] != "" {
		return settingNames[id]
	}
	return "setting 0x" + strconv.FormatUint(uint64(id), 16)
}

// Setting is one setting.
type Setting struct {
	// ID may be one that nobody knows; receivers ignore those.
	ID SettingID
	// Value is of no use by itself: what it counts depends on ID.
	Value uint32
}

// String gives the setting as "MAX_FRAME_SIZE=16384".
func (s Setting) String() string {
	return s.ID.String() + "=" + strconv.FormatUint(uint64(s.Value), 10)
}

// The rules of settings, for error texts.
const (
	rulePush         = "RFC 9113 §6.5.2: ENABLE_PUSH is 0 or 1"
	rulePushServer   = "RFC 9113 §6.5.2: a server does not set ENABLE_PUSH to 1"
	ruleWindow       = "RFC 9113 §6.5.2: INITIAL_WINDOW_SIZE is at most 2^31-1"
	ruleFrameSize    = "RFC 9113 §6.5.2: MAX_FRAME_SIZE is from 2^14 to 2^24-1"
	ruleConnect      = "RFC 8441 §3: ENABLE_CONNECT_PROTOCOL is 0 or 1"
	ruleConnectBack  = "RFC 8441 §3: ENABLE_CONNECT_PROTOCOL does not go back to 0"
	rulePriorities   = "RFC 9218 §2.1: NO_RFC7540_PRIORITIES is 0 or 1"
	rulePrioritiesTo = "RFC 9218 §2.1: NO_RFC7540_PRIORITIES does not change after the first SETTINGS"
)

// Check reports a value that is illegal whoever sends it, as a ConnError.
// Unknown settings are always right (RFC 9113 §6.5.2).
func (s Setting) Check() error {
	switch s.ID {
	case SettingEnablePush:
		if s.Value > 1 {
			return s.bad(ProtocolError, rulePush)
		}
	case SettingInitialWindowSize:
		if s.Value > MaxWindow {
			return s.bad(FlowControlError, ruleWindow)
		}
	case SettingMaxFrameSize:
		if s.Value < MinMaxFrameSize || s.Value > MaxMaxFrameSize {
			return s.bad(ProtocolError, ruleFrameSize)
		}
	case SettingEnableConnect:
		if s.Value > 1 {
			return s.bad(ProtocolError, ruleConnect)
		}
	case SettingNoRFC7540Priorities:
		if s.Value > 1 {
			return s.bad(ProtocolError, rulePriorities)
		}
	}
	return nil
}

func (s Setting) bad(code ErrCode, rule string) error {
	return ConnError{Code: code, Rule: rule, What: s.String()}
}

// Unlimited is the value of MaxConcurrentStreams and MaxHeaderListSize where the
// peer has set none.
const Unlimited = 1<<32 - 1

// PeerSettings are a server's settings as they stand. NewPeerSettings gives the
// initial values.
type PeerSettings struct {
	// HeaderTableSize bounds the dynamic table of our encoder, in bytes.
	HeaderTableSize uint32
	// MaxConcurrentStreams bounds how many streams we may have open.
	MaxConcurrentStreams uint32
	// InitialWindowSize is the window of a new stream, in bytes; at most
	// MaxWindow.
	InitialWindowSize uint32
	// MaxFrameSize bounds the payload of our frames, in bytes; from
	// MinMaxFrameSize to MaxMaxFrameSize.
	MaxFrameSize uint32
	// MaxHeaderListSize bounds our field sections, in bytes as FieldListSize
	// counts.
	MaxHeaderListSize uint32
	// EnableConnect reports that extended CONNECT may be used (RFC 8441).
	EnableConnect bool
	// NoRFC7540Priorities reports that the old priorities are ignored.
	NoRFC7540Priorities bool
	// Received reports that a SETTINGS frame has come.
	Received bool
}

// NewPeerSettings returns the values that hold before any SETTINGS has come (RFC
// 9113 §6.5.2).
func NewPeerSettings() PeerSettings {
	return PeerSettings{
		HeaderTableSize:      4096,
		MaxConcurrentStreams: Unlimited,
		InitialWindowSize:    65535,
		MaxFrameSize:         MinMaxFrameSize,
		MaxHeaderListSize:    Unlimited,
	}
}

// Apply applies a SETTINGS frame of a server that Check has found legal, in the
// order of its settings, and returns by how much the window of every open stream
// changes. An acknowledgement changes nothing. The error is a ConnError, and p
// is then as it was.
//
// The same setting may come more than once; HeaderTableSizes tells the least and
// the last of them, which FieldEncoder needs.
func (p *PeerSettings) Apply(f Frame) (windowDelta int64, err error) {
	if f.Ack() {
		return 0, nil
	}
	n := *p
	for s := range f.Settings() {
		if err := n.set(s); err != nil {
			return 0, err
		}
	}
	if p.Received && n.NoRFC7540Priorities != p.NoRFC7540Priorities {
		return 0, ConnError{Code: ProtocolError, Rule: rulePrioritiesTo, What: SettingNoRFC7540Priorities.String()}
	}
	n.Received = true
	windowDelta = int64(n.InitialWindowSize) - int64(p.InitialWindowSize)
	*p = n
	return windowDelta, nil
}

func (p *PeerSettings) set(s Setting) error {
	if err := s.Check(); err != nil {
		return err
	}
	switch s.ID {
	case SettingHeaderTableSize:
		p.HeaderTableSize = s.Value
	case SettingEnablePush:
		if s.Value != 0 {
			return s.bad(ProtocolError, rulePushServer)
		}
	case SettingMaxConcurrentStreams:
		p.MaxConcurrentStreams = s.Value
	case SettingInitialWindowSize:
		p.InitialWindowSize = s.Value
	case SettingMaxFrameSize:
		p.MaxFrameSize = s.Value
	case SettingMaxHeaderListSize:
		p.MaxHeaderListSize = s.Value
	case SettingEnableConnect:
		if s.Value == 0 && p.EnableConnect {
			return s.bad(ProtocolError, ruleConnectBack)
		}
		p.EnableConnect = s.Value == 1
	case SettingNoRFC7540Priorities:
		p.NoRFC7540Priorities = s.Value == 1
	}
	return nil
}

// HeaderTableSizes returns the least and the last HEADER_TABLE_SIZE of a
// SETTINGS frame. ok is false if there is none.
func HeaderTableSizes(f Frame) (least, last uint32, ok bool) {
	if f.Ack() {
		return 0, 0, false
	}
	for s := range f.Settings() {
		if s.ID == SettingHeaderTableSize {
			if !ok || s.Value < least {
				least = s.Value
			}
			last, ok = s.Value, true
		}
	}
	return least, last, ok
}
