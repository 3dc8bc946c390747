package h1

import (
	"net"
	"sync/atomic"
	"time"
)

// settings are what connections of one Config have in common, with limits and
// defaults resolved. They never change.
type settings struct {
	Rules          Rules
	Limits         Limits
	KeepRawHead    bool
	ReadBufferSize int
	DrainBytes     int
	DrainTime      time.Duration
	MaxRequests    int
}

// lastSettings are those of the connection made last. Most processes make all
// of theirs with the same Config, and a copy in each would be as large as the
// rest of an idle one.
var lastSettings atomic.Pointer[settings]

// settingsOf resolves cfg.
func settingsOf(cfg *Config) *settings {
	s := settings{
		Rules:          cfg.Rules,
		Limits:         cfg.Limits.withDefaults(),
		KeepRawHead:    cfg.KeepRawHead,
		ReadBufferSize: cfg.ReadBufferSize,
		DrainBytes:     cfg.DrainBytes,
		DrainTime:      cfg.DrainTime,
		MaxRequests:    cfg.MaxRequests,
	}
	if s.ReadBufferSize <= 0 {
		s.ReadBufferSize = DefaultReadBuffer
	}
	if s.DrainBytes == 0 {
		s.DrainBytes = DefaultDrainBytes
	}
	if s.DrainTime == 0 {
		s.DrainTime = DefaultDrainTime
	}
	if last := lastSettings.Load(); last != nil && *last == s {
		return last
	}
	shared := &s
	lastSettings.Store(shared)
	return shared
}

// layer is what a Config says of a connection that is more than a socket: TLS,
// for one.
type layer struct {
	probe, quiet func() bool
	raw          net.Conn
}

// layerOf returns nil if cfg has nothing of it.
func layerOf(cfg *Config) *layer {
	if cfg.Probe == nil && cfg.Quiet == nil && cfg.RawConn == nil {
		return nil
	}
	return &layer{probe: cfg.Probe, quiet: cfg.Quiet, raw: cfg.RawConn}
}

// probed reports whether Config.Probe is set.
func (c *Conn) probed() bool { return c.over != nil && c.over.probe != nil }

// drained reports whether a read that got less than there was room for has left
// nothing behind. It has emptied a socket. Of a TLS connection it is one record,
// and only Quiet knows what is behind it.
func (c *Conn) drained() bool {
	return !c.probed() || c.over.quiet != nil && c.over.quiet()
}

// bottom is the socket: nc, or Config.RawConn beneath it.
func (c *Conn) bottom() net.Conn {
	if c.over != nil && c.over.raw != nil {
		return c.over.raw
	}
	return c.nc
}
