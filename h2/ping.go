package h2

import (
	"encoding/binary"
	"fmt"
	"time"

	"gohttpx.dev/wire"
)

// A peer that has gone without a word is found out by asking: when it has given
// no sign of life for Config.PingInterval, a PING is sent, and Config.PingTimeout
// is how long the answer may take. After half of that the connection is drained,
// so that new requests go elsewhere; after all of it, it ends. So whoever waits
// for a peer that is gone is told within the sum of the two, 20 s by default.
//
// A sign of life is a whole frame, or a further KiB of one: a peer that sends a
// frame byte by byte for ever is as good as gone.
//
// Servers count PINGs against abuse: those of gRPC take no more than two without
// content in between. So the third and later questions are empty SETTINGS, which
// the peer "MUST" acknowledge "immediately" (RFC 9113 §6.5.3) and which ask
// the same. While a stream is open they come at the usual interval, four a
// minute; on an idle connection at double the interval each, up to five minutes.
// Tomcat's overheadCountFactor counts both: there a response that is silent for
// more than two minutes needs a longer interval.
type pinger struct {
	// guarded by Conn.mu
	sentSettings int64 // when our SETTINGS were sent
	sent         int64 // when the outstanding question was sent, 0: none is
	at           int64 // where it ends in all that we write
	settings     bool  // it is SETTINGS
	number       uint64
	barren       int   // questions since there was content
	asked        int64 // when the first request was begun after the last word
}

const (
	freePings    = 2
	maxPingPause = 5 * time.Minute
	lifePiece    = 1 << 10 // bytes of a frame that are a sign of life
)

// pingPrefix marks our PINGs: one that a researcher injects is told from them.
const pingPrefix = 0x68747078 << 32

// ask says that a request was begun.
func (p *pinger) ask(c *Conn, now int64) {
	alive := c.alive.Load()
	if p.asked <= alive {
		p.asked = now
	}
	if p.barren >= freePings {
		p.rearm(c, max(alive, p.asked))
	}
}

// content says that a response has brought something.
func (p *pinger) content(c *Conn, now int64) {
	if p.barren > 0 {
		p.barren = 0
		p.rearm(c, now)
	}
}

// rearm ends the long pauses, for silence that has lasted since.
func (p *pinger) rearm(c *Conn, since int64) {
	if p.sent == 0 && c.cfg.PingInterval > 0 {
		c.armLocked(since + int64(c.cfg.PingInterval))
	}
}

// pauseLocked is how long silence may last before the next question.
func (c *Conn) pauseLocked() int64 {
	interval := c.cfg.PingInterval
	if c.streams.len() == 0 {
		for i := freePings; i <= c.pinger.barren && interval < maxPingPause; i++ {
			interval = min(2*interval, maxPingPause)
		}
	}
	return int64(interval)
}

// pingLocked does what is due and sets the timer for what comes next.
func (c *Conn) pingLocked(now int64) {
	p := &c.pinger
	if c.cfg.PingInterval < 0 || c.end != nil {
		return
	}
	alive := c.alive.Load()
	if p.sent == 0 {
		due := max(alive, p.asked) + c.pauseLocked()
		if now < due {
			c.armLocked(due)
			return
		}
		c.questionLocked(now)
	}
	// Anything that comes is a sign of life: the answer may stand behind it. So
	// is what the socket takes before it has taken the question.
	since, limit := max(p.sent, alive), int64(c.cfg.PingTimeout)
	if c.flushed < p.at {
		since = max(since, c.wrote.Load())
	}
	switch {
	case now-since >= limit:
		c.endLocked(ending{
			kind: wire.KindTimeout, code: NoError, lost: true,
			err: fmt.Errorf("h2: no answer to a PING for %v, and nothing else received for %v", time.Duration(limit), time.Duration(now-alive)),
		})
	case now-since >= limit/2:
		c.drainLocked()
		c.armLocked(since + limit)
	default:
		c.armLocked(since + limit/2)
	}
}

// questionLocked asks the peer for an answer.
func (c *Conn) questionLocked(now int64) {
	p := &c.pinger
	p.sent = now
	p.settings = p.barren >= freePings && c.acked
	p.barren++
	if p.settings {
		c.wbuf = AppendSettings(c.wbuf)
	} else {
		p.number++
		var data [8]byte
		binary.BigEndian.PutUint64(data[:], pingPrefix|p.number&(1<<32-1))
		c.wbuf = AppendPing(c.wbuf, data, false)
	}
	p.at = c.offset()
	c.flushLocked()
}

// answeredLocked takes the answer to the question.
func (c *Conn) answeredLocked() {
	c.measureLocked(c.pinger.sent)
	c.pinger.sent = 0
}

// ping takes a PING frame.
func (c *Conn) ping(f Frame) error {
	c.readerLock()
	p := &c.pinger
	data := f.Ping()
	if f.Ack() {
		if n := binary.BigEndian.Uint64(data[:]); p.sent != 0 && !p.settings && n == pingPrefix|p.number&(1<<32-1) {
			c.answeredLocked()
			return nil
		}
		return c.guard.spend(c.heard.Load(), f.Type)
	}
	if err := c.guard.spend(c.heard.Load(), f.Type); err != nil {
		return err
	}
	c.wbuf = AppendPing(c.wbuf, data, true)
	c.flushLocked()
	c.answerLocked()
	return nil
}
