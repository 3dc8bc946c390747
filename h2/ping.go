package h2

import (
	"encoding/binary"
	"fmt"
	"time"

	"gohttpx.dev/wire"
)

// A peer that has gone without a word is found out by PING: when nothing was
// received for Config.PingInterval, one is sent, and Config.PingTimeout is how
// long the answer may take. After half of that the connection is drained, so
// that new requests go elsewhere; after all of it, it ends.
//
// Servers count PINGs against abuse, and some take no more than two without
// content in between. So the third and later ones come at double the interval
// each, up to five minutes, until a response brings something, or a new request
// is sent on a connection that has been silent.
type pinger struct {
	// guarded by Conn.mu
	sentSettings int64 // when our SETTINGS were sent
	sent         int64 // when the outstanding PING was sent, 0: none is
	number       uint64
	barren       int   // PINGs since there was content
	asked        int64 // when the first request was begun after the last word
}

const (
	freePings    = 2
	maxPingPause = 5 * time.Minute
)

// pingPrefix marks our PINGs: one that a researcher injects is told from them.
const pingPrefix = 0x68747078 << 32

// ask says that a request was begun.
func (p *pinger) ask(c *Conn, now int64) {
	if p.asked <= c.heard.Load() {
		p.asked = now
		p.barren = 0
		if p.sent == 0 && c.cfg.PingInterval > 0 {
			c.armLocked(now + int64(c.cfg.PingInterval))
		}
	}
}

// content says that a response has brought something.
func (p *pinger) content(c *Conn, now int64) {
	if p.barren > 0 {
		p.barren = 0
		if p.sent == 0 && c.cfg.PingInterval > 0 {
			c.armLocked(now + int64(c.cfg.PingInterval))
		}
	}
}

// pause is how long silence may last before the next PING.
func (p *pinger) pause(interval time.Duration) int64 {
	for i := freePings; i <= p.barren && interval < maxPingPause; i++ {
		interval = min(2*interval, maxPingPause)
	}
	return int64(interval)
}

// pingLocked does what is due and sets the timer for what comes next.
func (c *Conn) pingLocked(now int64) {
	p := &c.pinger
	if c.cfg.PingInterval < 0 || c.end != nil {
		return
	}
	heard := c.heard.Load()
	if p.sent == 0 {
		due := max(heard, p.asked) + p.pause(c.cfg.PingInterval)
		if now < due {
			c.armLocked(due)
			return
		}
		p.sent = now
		p.number++
		p.barren++
		var data [8]byte
		binary.BigEndian.PutUint64(data[:], pingPrefix|p.number&(1<<32-1))
		c.wbuf = AppendPing(c.wbuf, data, false)
		c.flushLocked()
	}
	// Anything that comes is a sign of life: the answer may stand behind it.
	since, limit := max(p.sent, heard), int64(c.cfg.PingTimeout)
	switch {
	case now-since >= limit:
		c.endLocked(ending{kind: wire.KindTimeout, code: NoError, lost: true,
			err: fmt.Errorf("h2: no answer to a PING for %v, and nothing else received for %v", time.Duration(limit), time.Duration(now-heard))})
	case now-since >= limit/2:
		c.drainLocked()
		c.armLocked(since + limit)
	default:
		c.armLocked(since + limit/2)
	}
}

// ping takes a PING frame.
func (c *Conn) ping(f Frame) error {
	c.mu.Lock()
	defer c.unlock()
	p := &c.pinger
	data := f.Ping()
	if f.Ack() {
		if n := binary.BigEndian.Uint64(data[:]); p.sent != 0 && n == pingPrefix|p.number&(1<<32-1) {
			c.measureLocked(p.sent)
			p.sent = 0
			return nil
		}
		return c.guard.spend(c.heard.Load(), f.Type)
	}
	if err := c.guard.spend(c.heard.Load(), f.Type); err != nil {
		return err
	}
	c.wbuf = AppendPing(c.wbuf, data, true)
	c.flushLocked()
	return c.guard.queue()
}
