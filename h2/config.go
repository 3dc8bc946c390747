package h2

import (
	"net"
	"slices"
	"time"

	"gohttpx.dev/wire"
)

// The defaults of Config.
const (
	DefaultStreamWindow    = 1 << 20
	DefaultConnWindow      = 4 << 20
	DefaultMaxStreamWindow = 16 << 20
	DefaultConnBuffer      = 64 << 20
	DefaultPingInterval    = 15 * time.Second
	DefaultPingTimeout     = 5 * time.Second
	DefaultSettingsTimeout = 30 * time.Second
	DefaultInterim         = 32 // one number for both protocols: h1.DefaultInterim
)

// assumedStreams is the stream limit until the peer's SETTINGS arrive. RFC 9113
// §6.5.2 recommends that no peer sets less.
const assumedStreams = 100

// Config says how a connection behaves. The zero Config is a good one. It is
// copied by NewConn.
type Config struct {
	// Settings are what the preface announces, in this order and with any
	// identifiers; the engine keeps to those that it knows, and takes the
	// initial values of RFC 9113 §6.5.2 for those that are missing. nil means
	// HEADER_TABLE_SIZE=4096, ENABLE_PUSH=0, INITIAL_WINDOW_SIZE=1 MiB,
	// MAX_FRAME_SIZE=16384 and MAX_HEADER_LIST_SIZE=Fields.ListBytes. An empty
	// slice that is not nil announces nothing.
	Settings []Setting
	// ConnWindow is the connection's window in bytes, announced by a
	// WINDOW_UPDATE behind the preface; it grows with the streams' windows. 0
	// is DefaultConnWindow, negative sends no update and means 65,535.
	ConnWindow int
	// MaxStreamWindow bounds what the window of a stream may grow to, in bytes,
	// while the application keeps up. 0 is DefaultMaxStreamWindow, negative
	// means that windows do not grow.
	MaxStreamWindow int
	// ConnBuffer bounds what may be received and not read on all streams of the
	// connection together, in bytes: beyond it the peer gets no credit for the
	// connection until something is read. It is at least the connection's
	// window. 0 or less is DefaultConnBuffer.
	ConnBuffer int
	// Budget bounds the same for all connections that share it. nil means one
	// for the whole process, of DefaultBudget bytes.
	Budget *Budget

	// Fields bounds what one field block may cost, and holds the Rules that
	// responses are checked by.
	Fields DecoderConfig
	// TableSize bounds the table of our encoder, as in EncoderConfig.
	TableSize int
	// Request says how requests are written: the order of the pseudo-fields,
	// for one.
	Request RequestOptions
	// Interim bounds the number of interim responses to one request. 0 or less
	// is DefaultInterim. Their fields together may take Fields.ListBytes.
	Interim int

	// MaxConcurrent bounds the streams that are open at once, besides the
	// peer's limit. 0 or less is no bound of ours.
	MaxConcurrent int
	// MaxRequests drains the connection after so many streams; 0 or less is no
	// limit.
	MaxRequests int

	// PingInterval is how long the peer may give no sign of life until a PING
	// asks whether it is still there. An idle connection asks less and less
	// often; and the third question without content in between is an empty
	// SETTINGS, since servers hold PINGs against clients; ping.go has more. 0
	// is DefaultPingInterval, negative means that nothing is asked.
	PingInterval time.Duration
	// PingTimeout is how long the answer may take. After half of it the
	// connection takes no new streams, after all of it the connection ends. 0
	// or less is DefaultPingTimeout.
	PingTimeout time.Duration
	// SettingsTimeout is how long the peer may take to acknowledge our SETTINGS
	// (RFC 9113 §6.5.3); past it the connection ends with SETTINGS_TIMEOUT. 0
	// is DefaultSettingsTimeout, negative is no limit.
	SettingsTimeout time.Duration
	// Write bounds the time in which the socket takes no bytes; past it the
	// connection ends. 0 is wire.DefaultTimeout, negative is no limit. Where
	// the net.Conn has no deadlines, the PINGs find such a peer out.
	Write time.Duration

	// OnFrame sees every frame: those received as soon as they are read, legal
	// or not, and those sent just before they are written. It is called by the
	// reading and by the writing goroutine, which may overlap, and holds them
	// up: it may call what does not wait, State and Close for two, but no
	// RoundTrip, no WriteFrame, and nothing of a Stream but Reset. The payload
	// is valid during the call only.
	OnFrame func(out bool, f Frame)

	// Info describes the connection in responses; if nil it is made from the
	// net.Conn. It must not change any more.
	Info *wire.ConnInfo
	// RawConn is the socket beneath a TLS connection, which is closed first where
	// waiting for a TLS alert to be written could take long; nil means what the
	// connection's method NetConn returns, if it has one, or itself.
	RawConn net.Conn
}

// withDefaults resolves the zeros.
func (cfg Config) withDefaults() Config {
	set := func(n *int, def int) {
		if *n <= 0 {
			*n = def
		}
	}
	set(&cfg.Fields.ListBytes, DefaultListBytes)
	set(&cfg.Interim, DefaultInterim)
	set(&cfg.ConnBuffer, DefaultConnBuffer)
	switch {
	case cfg.ConnWindow == 0:
		cfg.ConnWindow = DefaultConnWindow
	case cfg.ConnWindow < initialWindow:
		cfg.ConnWindow = initialWindow
	}
	cfg.ConnWindow = min(cfg.ConnWindow, MaxWindow)
	cfg.ConnBuffer = max(cfg.ConnBuffer, cfg.ConnWindow)
	switch {
	case cfg.MaxStreamWindow == 0:
		cfg.MaxStreamWindow = DefaultMaxStreamWindow
	case cfg.MaxStreamWindow < 0:
		cfg.MaxStreamWindow = 0
	}
	if cfg.Budget == nil {
		cfg.Budget = processBudget
	}
	if cfg.Settings == nil {
		cfg.Settings = []Setting{
			// The initial value, said for those who take it as a question: nginx and
			// HAProxy, which never use the table, answer that its size is 0, and the
			// decoder may then know their literals again.
			{SettingHeaderTableSize, initialTable},
			{SettingEnablePush, 0},
			{SettingInitialWindowSize, DefaultStreamWindow},
			{SettingMaxFrameSize, MinMaxFrameSize},
			{SettingMaxHeaderListSize, uint32(min(cfg.Fields.ListBytes, 1<<30))},
		}
	} else {
		cfg.Settings = slices.Clone(cfg.Settings)
	}
	if cfg.PingInterval == 0 {
		cfg.PingInterval = DefaultPingInterval
	}
	if cfg.PingTimeout <= 0 {
		cfg.PingTimeout = DefaultPingTimeout
	}
	if cfg.SettingsTimeout == 0 {
		cfg.SettingsTimeout = DefaultSettingsTimeout
	}
	for _, d := range []*time.Duration{&cfg.PingInterval, &cfg.PingTimeout, &cfg.SettingsTimeout} {
		*d = time.Duration(limitOf(*d))
	}
	cfg.Request.PseudoOrder = slices.Clone(cfg.Request.PseudoOrder)
	return cfg
}

// initialWindow is the window of streams and of the connection before anybody
// has changed it (RFC 9113 §6.9.2).
const initialWindow = 65535

// localSettings is what we have announced, as far as the engine acts on it.
type localSettings struct {
	table  uint32
	window uint32
	frame  uint32
	push   bool
}

func (cfg *Config) local() localSettings {
	l := localSettings{table: initialTable, window: initialWindow, frame: MinMaxFrameSize, push: true}
	for _, s := range cfg.Settings {
		if s.Check() != nil {
			continue // a researcher's; the peer will end the connection
		}
		switch s.ID {
		case SettingHeaderTableSize:
			l.table = s.Value
		case SettingInitialWindowSize:
			l.window = s.Value
		case SettingMaxFrameSize:
			l.frame = s.Value
		case SettingEnablePush:
			l.push = s.Value != 0
		}
	}
	return l
}
