package pool

import (
	"time"

	"gohttpx.dev/wire"
)

// Counts is what a pool or an origin has now and has done so far.
type Counts struct {
	Open    int `json:"open"`    // connections that count: idle, busy, draining and being closed
	Idle    int `json:"idle"`    // of Open, those without an exchange
	Busy    int `json:"busy"`    // of Open, the others
	Streams int `json:"streams"` // exchanges that run or are about to: one of HTTP/1.1, any number of HTTP/2
	Dialing int `json:"dialing"` // dials in flight
	Waiting int `json:"waiting"` // requests that wait

	Dials      uint64        `json:"dials"`       // dials started
	DialErrors uint64        `json:"dial_errors"` // of Dials, those that failed; evicted ones do not count
	Reuses     uint64        `json:"reuses"`      // exchanges begun on a connection that had served before
	Replays    uint64        `json:"replays"`     // exchanges repeated on another connection
	Evicted    uint64        `json:"evicted"`     // connections and dials given up for another request at MaxConnections
	Expired    uint64        `json:"expired"`     // connections ended by KeepaliveExpiry or MaxConnectionAge
	Trimmed    uint64        `json:"trimmed"`     // connections closed by MaxKeepaliveConnections or MaxKeepalivePerHost
	Stale      uint64        `json:"stale"`       // connections found dead when they were to be reused
	Waits      uint64        `json:"waits"`       // requests that found no free slot
	WaitTime   time.Duration `json:"wait_ns"`     // sum of how long these waited, dialling included
}

func (c *Counts) add(o *Counts) {
	c.Open += o.Open
	c.Idle += o.Idle
	c.Busy += o.Busy
	c.Streams += o.Streams
	c.Dialing += o.Dialing
	c.Waiting += o.Waiting
	c.Dials += o.Dials
	c.DialErrors += o.DialErrors
	c.Reuses += o.Reuses
	c.Replays += o.Replays
	c.Evicted += o.Evicted
	c.Expired += o.Expired
	c.Trimmed += o.Trimmed
	c.Stale += o.Stale
	c.Waits += o.Waits
	c.WaitTime += o.WaitTime
}

// Stats is a snapshot of a pool, with names for JSON.
type Stats struct {
	// Counts is the sum over all origins, forgotten ones included.
	Counts
	// Origins are those remembered, in no order.
	Origins []OriginStats `json:"origins"`
}

// OriginStats is the part of one origin.
type OriginStats struct {
	// Key says whose the counts are.
	Key Key
	Counts
}

// Stats takes a snapshot. It holds the pool's mutex for a time proportional to
// the number of origins and connections.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Stats{Counts: p.past, Origins: make([]OriginStats, 0, len(p.origins))}
	streams := map[*origin]int{}
	for n := p.conns.head; n != nil; n = n.next {
		streams[n.v.o] += n.v.c.State().InFlight
	}
	for _, o := range p.origins {
		c := o.count
		c.Streams = streams[o]
		c.Open, c.Idle, c.Busy, c.Dialing, c.Waiting = o.open, o.idle, o.open-o.idle, o.dials, o.waiters.n
		s.Counts.add(&c)
		s.Origins = append(s.Origins, OriginStats{o.key, c})
	}
	return s
}

// ConnStats describes one connection.
type ConnStats struct {
	// Key says what the connection is for.
	Key Key
	// State is its phase and how many requests it has and takes.
	State wire.ConnState
	// Info is nil if the engine does not tell.
	Info *wire.ConnInfo
	// Idle is how long the connection has been idle; 0 if it is not, or if
	// there is no KeepaliveExpiry.
	Idle time.Duration
}

// Conns lists the connections, oldest first. It holds the pool's mutex for a
// time proportional to their number.
func (p *Pool) Conns() []ConnStats {
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	cs := make([]ConnStats, 0, p.conns.n)
	for n := p.conns.head; n != nil; n = n.next {
		m := n.v
		c := ConnStats{Key: m.o.key, State: m.c.State(), Info: m.info}
		if p.idle.has(&m.idle) && p.idleTimeout > 0 {
			c.Idle = max(now-m.idleSince, 0)
		}
		cs = append(cs, c)
	}
	return cs
}
