package h1

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"gohttpx.dev/wire"
)

// The defaults of Config.
const (
	DefaultReadBuffer = 4 << 10
	DefaultDrainBytes = 256 << 10
	DefaultDrainTime  = 50 * time.Millisecond
)

// Config says how a connection behaves. The zero Config is a good one. It is
// copied by NewConn.
type Config struct {
	// Rules says which departures from the grammar are accepted; 0 is what
	// RFC 9112 lets a client accept safely.
	Rules Rules
	// Limits bounds what one response may cost.
	Limits Limits
	// KeepRawHead makes Response.RawHead hold the final head as received.
	KeepRawHead bool

	// ReadBufferSize is the size of the buffer that an exchange starts with,
	// in bytes; 0 or less is DefaultReadBuffer. It grows for a longer head, up
	// to Limits.HeadBytes, and an idle connection has none.
	ReadBufferSize int
	// DrainBytes is how much unread content, with its chunk framing, a closed
	// body may have for the connection to be kept: that much is read and dropped.
	// 0 is DefaultDrainBytes, negative is none.
	DrainBytes int
	// DrainTime bounds how long that may take, and with it Body.Close, which
	// may take 50 ms more for an upload that is about to end, and for a TLS
	// alert. 0 is DefaultDrainTime, negative is none.
	DrainTime time.Duration
	// MaxRequests closes the connection after so many exchanges; 0 or less is
	// no limit.
	MaxRequests int

	// Info describes the connection in responses; if nil it is made from the
	// net.Conn. It must not change any more.
	Info *wire.ConnInfo
	// Probe looks at an idle connection without blocking and reports whether
	// it is still good: no end of stream, no data out of turn. It is never
	// called beside a read or another Probe. It may be nil:
	// a socket is then looked at by the engine, on Unix, and any other
	// connection is taken to be good.
	Probe func() bool
	// Quiet, beside Probe, reports whether the last read has left nothing
	// behind, neither in the socket nor above it; the reading goroutine calls
	// it. It may be nil: then every idle connection is probed before it is used.
	Quiet func() bool
	// RawConn is the socket beneath a TLS connection, which is closed first where
	// waiting for a TLS alert to be written could take long; nil means the
	// connection itself.
	RawConn net.Conn
}

// Conn is one HTTP/1.1 connection. It runs one exchange at a time.
//
// All methods may be called concurrently, except that SendRaw, ReadHead and
// Detach are for a caller who drives the connection alone. Reads of a response
// body must not overlap; its Close may come at any time.
//
// Thousands of them may be idle: what only an exchange needs is in its work.
type Conn struct {
	// immutable after NewConn
	nc       net.Conn
	cfg      *settings
	over     *layer // nil for nothing between us and nc
	info     *wire.ConnInfo
	epoch    time.Time
	onChange func() // set before first use

	slot  slot
	plain bool // nc is a socket: a write can go on after a deadline; immutable
	// sent is whether a byte of the running exchange's request may have gone:
	// set before the first write, and taken back if that took none.
	sent atomic.Bool
	ex   exchange
	// parked says how Healthy must look: see park.
	parked atomic.Int64

	// owner of the exchange only (see exState)
	*work        // nil between exchanges
	served int   // exchanges begun
	readBy int64 // the socket's read deadline, 0: none
	old    bool  // the last response was HTTP/1.0
	slow   bool  // the last response came later than lookAfter

	// whoever writes: the owner of the exchange, or the uploader while it runs
	writeBy int64 // the socket's write deadline, 0: none

	// up is made by the first upload. Owner of the exchange only; upload has its
	// own rules.
	up *upload

	// probing is held during Config.Probe, which does not block.
	probing sync.Mutex

	mu      sync.Mutex
	cause   *cause // guarded by mu; why the connection was killed, the first one
	failure error  // guarded by mu; what the exchange ended with, if exFailed
}

// NewConn returns a connection over nc, which it owns from now on: it is closed
// by Close, by an error, or when an exchange ends that allows no other. NewConn
// does no I/O and starts no goroutine.
//
// An nc with the method WriteAwait of tls.Conn gets some of its writes by that: a
// type which embeds one, and has a Write of its own, needs a WriteAwait as well.
func NewConn(nc net.Conn, cfg Config) *Conn {
	c := &Conn{nc: nc, cfg: settingsOf(&cfg), over: layerOf(&cfg), info: cfg.Info, epoch: time.Now()}
	if c.info == nil {
		c.info = &wire.ConnInfo{
			Proto:      wire.HTTP11,
			LocalAddr:  nc.LocalAddr(),
			RemoteAddr: nc.RemoteAddr(),
			Created:    c.epoch,
		}
	}
	switch nc.(type) {
	case *net.TCPConn, *net.UnixConn:
		c.plain = true
	}
	return c
}

// Info describes the connection.
func (c *Conn) Info() *wire.ConnInfo { return c.info }

// Reserve claims the exchange slot. It reports false if the slot is taken, or
// the connection draining or closed. It does not block.
func (c *Conn) Reserve() bool { return c.slot.reserve() }

// Release gives back a slot that RoundTrip did not use. It calls the hook.
func (c *Conn) Release() {
	changed, closed := c.slot.release()
	if closed {
		c.closeSocket(false)
	}
	if changed {
		c.notify()
	}
}

// State is a snapshot. It does not block.
func (c *Conn) State() wire.ConnState { return c.slot.state() }

// OnChange sets the hook, before first use. It is called, with no lock held,
// after the slot came free (the exchange ended or Release was called), after
// Drain, and after the connection was closed for whatever reason. A connection
// that ends with its exchange is announced once.
func (c *Conn) OnChange(f func()) { c.onChange = f }

func (c *Conn) notify() {
	if c.onChange != nil {
		c.onChange()
	}
}

// Drain refuses new exchanges, and closes the connection when the running one
// ends or the reserved slot is given back: now, if there is neither.
func (c *Conn) Drain() {
	changed, closed := c.slot.drain()
	if closed {
		c.closeSocket(false)
	}
	if changed {
		c.notify()
	}
}

// Close closes the connection. A running exchange fails with KindClosed, and so
// does a stream that was handed over. It returns nil and waits for nobody; only
// the closure alert of an idle TLS connection may take up to 50 ms.
func (c *Conn) Close() error {
	c.kill(cause{err: &wire.Error{Kind: wire.KindClosed, Err: errOwner}})
	return nil
}

// closeSocket closes the connection, once: only whoever has set slotClosed may
// call it. The hard way is for a connection on which a write may stand still: the
// socket first, so that nothing above it has anybody to wait for.
func (c *Conn) closeSocket(hard bool) {
	if c.over == nil || c.over.raw == nil {
		c.nc.Close()
		return
	}
	if hard {
		c.over.raw.Close()
		c.nc.Close() // which may hold more than the socket
		return
	}
	// RFC 9112 §9.8: a TLS client sends a closure alert before it closes. A
	// peer that reads nothing must not hold it up.
	t := time.AfterFunc(alertTime, func() { c.over.raw.Close() })
	c.nc.Close()
	t.Stop()
}

// alertTime is for how long a closure alert may take to be written.
const alertTime = 50 * time.Millisecond

// Healthy looks at an idle connection without blocking. It reports false if the
// connection is draining or closed, or if the peer has ended it or sent
// something that nobody asked for. It does not look, and reports true, before
// the first exchange (TLS session tickets may have come), while an exchange
// runs, and for a short time after one that left nothing behind.
func (c *Conn) Healthy() bool {
	w := c.slot.word.Load()
	if w&(slotClosed|slotDraining) != 0 {
		return false
	}
	if w&slotRunning != 0 {
		return true
	}
	switch at := c.parked.Load(); {
	case at == parkedNever:
		return true
	case at != parkedDoubtful && c.now()-at < int64(parkedFresh):
		return true
	case c.probed():
		// A probe must not overlap a read: RoundTrip waits for it.
		c.probing.Lock()
		defer c.probing.Unlock()
		return c.slot.word.Load()&slotRunning != 0 || c.over.probe()
	}
	return quiet(c.nc)
}

const (
	// parkedNever: no exchange was made yet.
	parkedNever = 0
	// parkedDoubtful: the last read was not seen to have emptied the socket.
	parkedDoubtful = -1
	// parkedFresh is for how long after the head of an exchange that has left
	// nothing behind no look is taken: a busy pool hands connections on within
	// it, and the look costs a system call. It is short, because content that
	// follows a response to HEAD would be taken for the next response (RFC 9112
	// §9.2), and a POST to a peer that has just closed cannot be repeated.
	parkedFresh = time.Millisecond
)

// park notes when the connection became idle, for Healthy.
func (c *Conn) park() {
	if c.quiet {
		c.parked.Store(c.lastAt)
	} else {
		c.parked.Store(parkedDoubtful)
	}
}
