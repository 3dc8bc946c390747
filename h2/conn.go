package h2

import (
	"context"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"gohttpx.dev/internal/reset"
	"gohttpx.dev/wire"
)

// Conn is one HTTP/2 connection, which runs many exchanges at once.
//
// All methods may be called concurrently. Reads of one response body must not
// overlap; its Close may come at any time.
//
// Two goroutines belong to a connection: the reader and the writer, which
// NewConn starts and the end of the connection ends. A request costs none,
// unless its body is neither short nor absent: it is then sent by one of its own.
//
// There is one lock. It is never held across I/O, a hook or the caller's code.
// What is to be sent is appended to one buffer under it, so that the order of
// stream numbers, of what HPACK has encoded and of what is written is the same;
// and a caller who gives up leaves whole frames behind.
type Conn struct {
	// immutable after NewConn
	nc           net.Conn
	raw          net.Conn // nc, or the socket beneath it
	plain        bool     // nc is a socket: a write can go on after a deadline
	cfg          Config   // defaults resolved
	info         *wire.ConnInfo
	epoch        time.Time
	ours         localSettings
	streamWindow uint32                 // what a new stream's window is
	onChange     atomic.Pointer[func()] // the reader runs before it is set
	socketWrite  int64                  // the socket's write limit in nanoseconds, 0: none

	slots slots
	heard atomic.Int64 // when something was last received
	alive atomic.Int64 // when the peer last gave a sign of life: see ping.go
	wrote atomic.Int64 // when the socket last took something

	mu sync.Mutex

	// guarded by mu
	tell    bool        // call the hook after unlocking
	end     *ending     // why the connection is over, or nil
	closer  *time.Timer // closes the socket then, at the latest
	streams table
	free    []*stream // objects to be used again
	nextID  uint32
	begun   int // streams begun
	guard   guard

	timer     *time.Timer
	alarm     int64 // when the timer fires, 0: not set
	due       deadlines
	looked    int // how often a stream was looked at, for tests
	timersOff bool

	// guarded by mu: what we send
	peer     PeerSettings
	settled  chan struct{} // closed when the peer's first SETTINGS have come, or never will
	enc      *FieldEncoder
	block    []byte // of enc
	wbuf     []byte // frames to be written
	spare    []byte // the other buffer
	taken    int64  // bytes handed to the socket so far
	flushed  int64  // of them, what it took
	writing  bool   // the writer, or an uploader, is in a socket write
	parked   bool   // the writer sleeps on wcond
	wcond    sync.Cond
	writeErr error         // the socket takes no more
	writeEnd chan struct{} // closed when the write under way is over; nil: nobody waits
	ending   []ending1     // streams whose last byte is in wbuf
	sent     []ending1     // and in what is being written
	rooms    []*stream     // heads that wait for room
	sendWin  SendWindow
	granted  uint32 // by how much the peer has last opened it
	sendq    sendQueue
	self     *stream // whose uploader writes by itself and is in a write of its stream, or nil

	// guarded by mu: what we receive
	acked    bool // our SETTINGS were acknowledged
	recvWin  RecvWindow
	buffered *account // received and not read
	withheld int64    // of it, not credited to the connection
	goaway   *GoAwayError
	promised uint32 // the highest stream that the peer has promised
	rtt      int64  // the shortest round trip seen, 0: none
	pinger   pinger

	in reader // reader goroutine only

	dmu     sync.Mutex
	writeBy int64 // guarded by dmu: the socket's write deadline, 0: none
	closing bool  // guarded by dmu: the deadline is set for good
}

// NewConn returns a connection over nc, which it owns from now on. It writes the
// preface, the SETTINGS and the window of the connection, bounded by ctx, and
// does not wait for the peer's: requests may follow at once. After an error nc
// is closed.
func NewConn(ctx context.Context, nc net.Conn, cfg Config) (*Conn, error) {
	cfg = cfg.withDefaults()
	c := &Conn{
		nc: nc, raw: cfg.RawConn, cfg: cfg, info: cfg.Info, epoch: time.Now(), ours: cfg.local(),
		nextID: 1,
		peer:   NewPeerSettings(), enc: NewFieldEncoder(EncoderConfig{TableSize: cfg.TableSize}),
		settled:     make(chan struct{}),
		sendWin:     NewSendWindow(initialWindow),
		granted:     initialWindow,
		recvWin:     NewRecvWindow(uint32(cfg.ConnWindow)),
		socketWrite: limitOf(wire.Limit(cfg.Write)),
		guard:       guard{left: allowance},
		buffered:    &account{budget: cfg.Budget},
	}
	// Bodies that are neither read nor closed are not to use up the budget for
	// ever. They refer to the connection.
	runtime.AddCleanup(c, (*account).close, c.buffered)
	if c.raw == nil {
		c.raw = nc
		if t, ok := nc.(interface{ NetConn() net.Conn }); ok {
			c.raw = t.NetConn() // crypto/tls and its like
		}
	}
	switch nc.(type) {
	case *net.TCPConn, *net.UnixConn:
		c.plain = true
	}
	if c.info == nil {
		c.info = &wire.ConnInfo{
			Proto:      wire.HTTP2,
			LocalAddr:  nc.LocalAddr(),
			RemoteAddr: nc.RemoteAddr(),
			Created:    c.epoch,
		}
	}
	// Until the peer has acknowledged a smaller window than the initial one,
	// it may fill that.
	c.streamWindow = max(c.ours.window, initialWindow)
	c.wcond.L = &c.mu
	c.slots.setLimit(c.streamLimit(assumedStreams))
	c.in.init(c)
	c.heard.Store(c.now())
	c.alive.Store(c.now())
	c.pinger.sentSettings = c.now()

	hello := append(make([]byte, 0, 128), Preface...)
	hello = AppendSettings(hello, cfg.Settings...)
	hello = AppendWindowUpdate(hello, 0, uint32(cfg.ConnWindow-initialWindow))
	if err := c.hello(ctx, hello); err != nil {
		c.raw.Close() // first, so that no alert has to get through
		c.nc.Close()
		return nil, err
	}
	c.mu.Lock()
	c.taken = int64(len(hello))
	c.flushed = c.taken
	c.pingLocked(c.now())
	c.settingsTimerLocked(c.now())
	c.mu.Unlock()
	// Both end when the connection does: the writer closes the socket, which
	// wakes the reader.
	go c.writeLoop()
	go c.readLoop()
	return c, nil
}

// lastWord looks for what a peer that takes no bytes any more has said before,
// nil if that was nothing.
func (c *Conn) lastWord() error {
	c.nc.SetReadDeadline(time.Now().Add(closeTime))
	for range 16 {
		if _, err := c.nc.Read(make([]byte, 4<<10)); err != nil {
			if isEnd(err) || reset.Deadline(err) {
				return nil
			}
			return err
		}
	}
	return nil
}

// hello writes the preface.
func (c *Conn) hello(ctx context.Context, p []byte) error {
	if c.socketWrite > 0 {
		c.nc.SetWriteDeadline(time.Now().Add(time.Duration(c.socketWrite)))
	}
	stop := context.AfterFunc(ctx, func() {
		if c.nc.SetWriteDeadline(c.epoch.Add(-time.Second)) != nil {
			c.raw.Close() // which cannot be told otherwise
		}
	})
	c.showFrames(p[len(Preface):])
	_, err := c.nc.Write(p)
	if !stop() && ctx.Err() != nil {
		return wire.Canceled(ctx, wire.PhaseWrite, true)
	}
	if err != nil {
		e := &wire.Error{Phase: wire.PhaseWrite, Kind: wire.KindNetwork, Remote: true, Sent: true, Err: err}
		if reset.Deadline(err) {
			e.Kind = wire.KindTimeout
		} else if word := c.lastWord(); word != nil {
			e.Err = word
		}
		return e
	}
	c.nc.SetWriteDeadline(time.Time{})
	return nil
}

// streamLimit is the peer's limit within ours.
func (c *Conn) streamLimit(peer uint32) uint32 {
	if c.cfg.MaxConcurrent > 0 {
		return uint32(min(int64(peer), int64(c.cfg.MaxConcurrent)))
	}
	return peer
}

// Info describes the connection.
func (c *Conn) Info() *wire.ConnInfo { return c.info }

// PeerSettings returns the peer's settings as they stand; Received says whether
// any have come.
func (c *Conn) PeerSettings() PeerSettings {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.peer
}

// Reserve claims a slot for one exchange. It reports false if as many run as the
// peer and Config allow, or the connection is draining or closed. It does not
// block.
func (c *Conn) Reserve() bool { return c.slots.reserve() }

// Release gives back a slot that RoundTrip did not use.
func (c *Conn) Release() {
	tell, last := c.slots.release()
	if last {
		c.mu.Lock()
		c.endLocked(ending{kind: wire.KindClosed, code: NoError, err: errDrained})
		c.tell = c.tell || tell
		c.unlock()
		return
	}
	if tell {
		c.notify()
	}
}

// State is a snapshot. It does not block. Limit is 100 until the peer's SETTINGS
// arrive, and may be 0 after.
func (c *Conn) State() wire.ConnState { return c.slots.state() }

// Healthy reports whether the connection takes exchanges, without blocking. It
// has a reader at all times, so that there is nothing to look at.
func (c *Conn) Healthy() bool { return c.slots.word.Load()&slotUnwilling == 0 }

// OnChange sets the hook, before first use. It is called, with no lock held,
// when a slot came free where there was none, when the last exchange has ended,
// when the peer has raised its limit from nothing, and when the connection
// begins to drain or ends.
func (c *Conn) OnChange(f func()) { c.onChange.Store(&f) }

func (c *Conn) notify() {
	if f := c.onChange.Load(); f != nil {
		(*f)()
	}
}

// unlock unlocks, and calls the hook if it is due.
func (c *Conn) unlock() {
	tell := c.tell
	c.tell = false
	c.mu.Unlock()
	if tell {
		c.notify()
	}
}

// Drain refuses new exchanges, and closes the connection with GOAWAY when the
// last one has ended: now, if there is none.
func (c *Conn) Drain() {
	c.mu.Lock()
	c.drainLocked()
	c.unlock()
}

func (c *Conn) drainLocked() {
	was := c.slots.set(slotDraining)
	if was&slotDraining == 0 {
		c.tell = true
	}
	if slotUsed(was) == 0 {
		c.endLocked(ending{kind: wire.KindClosed, code: NoError, err: errDrained})
	}
}

// Close ends the connection with GOAWAY. Exchanges that run fail with
// KindClosed. It waits for nobody, and returns nil: what is left to be done is
// bounded by a second.
func (c *Conn) Close() error {
	c.mu.Lock()
	c.endLocked(ending{kind: wire.KindClosed, code: NoError, err: errOwner, owner: true})
	c.unlock()
	return nil
}
