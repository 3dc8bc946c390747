package pool

import (
	"context"
	"math"
	"sync"
	"time"

	"gohttpx.dev/wire"
)

// Defaults of Config.
const (
	DefaultMaxConnections  = 100
	DefaultMaxKeepalive    = 20
	DefaultKeepaliveExpiry = 5 * time.Second
)

// maxDormant is how many origins without a connection are remembered for what
// they speak and for their statistics.
const maxDormant = 256

// Config says what a Pool may hold. It is copied by New.
type Config struct {
	// Dial makes connections. It is required.
	Dial Dial

	// MaxConnections is how many connections may exist at once, over all origins:
	// open ones, those being closed and those being dialled. 0 means
	// DefaultMaxConnections, negative means no limit.
	MaxConnections int
	// MaxConnectionsPerHost is the same for each Key. 0 or negative means no limit
	// but MaxConnections.
	MaxConnectionsPerHost int
	// MaxKeepaliveConnections is how many idle connections are kept, over all origins; busy
	// ones do not count. 0 means DefaultMaxKeepalive, negative means no limit. The
	// one that has been idle longest goes first.
	MaxKeepaliveConnections int
	// MaxKeepalivePerHost is the same for each Key. 0 or negative means no limit
	// but MaxKeepaliveConnections.
	MaxKeepalivePerHost int
	// KeepNone closes every connection that becomes idle while no request
	// waits for it, whatever MaxKeepaliveConnections says.
	KeepNone bool

	// KeepaliveExpiry is how long a connection may stay idle. 0 means
	// DefaultKeepaliveExpiry, negative means no limit.
	KeepaliveExpiry time.Duration
	// MaxConnectionAge is how long a connection takes new requests, give or take a
	// random tenth, so that connections made together do not end together.
	// An older one is closed when its last exchange has ended. 0 or negative
	// means no limit.
	MaxConnectionAge time.Duration

	// Probes reports whether a connection for k may turn out to be shared (as
	// when ALPN may choose h2). While that is unknown, one dial decides for
	// all requests that wait for k; afterwards the origin is known. nil means
	// that every request gets its own dial until a shared connection has been
	// seen. It is called with no lock held, perhaps more than once for a Key.
	Probes func(k Key) bool
}

// Pool keeps connections and shares them among requests.
type Pool struct {
	// immutable after New
	dialer          Dial
	probes          func(Key) bool
	maxConns        int
	maxConnsPerHost int
	maxIdle         int
	maxIdlePerHost  int
	idleTimeout     time.Duration // 0: none
	maxAge          time.Duration // 0: none
	keepNone        bool
	base            time.Time // of the pool's clock

	mu sync.Mutex // guards everything below, and all origins, members, dials and waiters

	origins map[Key]*origin
	dormant list[*origin] // origins with nothing in them, longest first
	seq     uint64        // requests so far: a request's rank by age
	past    Counts        // the counters of origins that were forgotten

	conns    list[*member]   // every connection that counts, oldest first
	idle     list[*member]   // those without an exchange, longest first
	ages     heap[*member]   // by end of life, if there is a MaxConnectionAge
	draining int             // members that finish what they have
	leaving  int             // members being closed and dials cancelled, by us: slots on their way
	doomed   []*member       // to be closed by whoever unlocks
	retiring []*member       // to be drained by whoever unlocks
	timer    *time.Timer     // expire; made when first needed
	armed    bool            // the timer will fire, at alarm
	alarm    time.Duration   // by the clock of now
	dials    list[*dial]     // in flight, oldest first
	surplus  list[*origin]   // origins with a dial that nobody needs, longest first
	waiting  int             // waiters queued, over all origins
	want     heap[*origin]   // origins that need a dial, by their oldest hungry waiter
	need     int             // dials needed by the origins in want
	free     *waiter         // recycled waiters: never in a package-level pool, for a timer or
	nfree    int             // channel made in one synctest bubble must not be used in another
	stopping bool            // Shutdown was called
	closed   bool            // Close was called
	drained  []chan struct{} // closed when a stopping pool has become empty
}

// New returns a pool. It panics if cfg.Dial is nil.
func New(cfg Config) *Pool {
	if cfg.Dial == nil {
		panic("pool: Config.Dial is nil")
	}
	p := &Pool{
		dialer:          cfg.Dial,
		probes:          cfg.Probes,
		maxConns:        limit(cfg.MaxConnections, DefaultMaxConnections),
		maxConnsPerHost: limit(cfg.MaxConnectionsPerHost, math.MaxInt),
		maxIdle:         limit(cfg.MaxKeepaliveConnections, DefaultMaxKeepalive),
		maxIdlePerHost:  limit(cfg.MaxKeepalivePerHost, math.MaxInt),
		idleTimeout:     capped(cfg.KeepaliveExpiry),
		maxAge:          capped(max(cfg.MaxConnectionAge, 0)),
		keepNone:        cfg.KeepNone,
		base:            time.Now(),
		origins:         make(map[Key]*origin),
	}
	switch {
	case cfg.KeepaliveExpiry == 0:
		p.idleTimeout = DefaultKeepaliveExpiry
	case cfg.KeepaliveExpiry < 0:
		p.idleTimeout = 0
	}
	return p
}

// now reads the pool's clock, which counts from New. One clock is read where
// time.Now reads two.
func (p *Pool) now() time.Duration { return time.Since(p.base) }

// capped cuts a duration off at 30 years, so that sums with the clock's reading
// cannot overflow: math.MaxInt64 is a way to say for ever.
func capped(d time.Duration) time.Duration { return min(d, 30*365*24*time.Hour) }

func limit(n, def int) int {
	switch {
	case n == 0:
		return def
	case n < 0:
		return math.MaxInt
	}
	return n
}

// unlock unlocks after having done what must not be done under the mutex:
// connections are closed and drained here and nowhere else. A connection counts
// until its Close has returned, so that the limits hold for sockets and not
// only for our books.
func (p *Pool) unlock() {
	for {
		if m := pop(&p.doomed); m != nil {
			p.mu.Unlock()
			m.c.Close()
			p.mu.Lock()
			p.removeLocked(m)
			p.pumpLocked()
			continue
		}
		if m := pop(&p.retiring); m != nil {
			p.mu.Unlock()
			m.c.Drain()
			p.mu.Lock()
			continue
		}
		p.mu.Unlock()
		return
	}
}

func pop(s *[]*member) *member {
	n := len(*s) - 1
	if n < 0 {
		return nil
	}
	m := (*s)[n]
	(*s)[n] = nil
	*s = (*s)[:n]
	return m
}

// originLocked finds or makes the origin of k. It may unlock for a moment.
func (p *Pool) originLocked(k Key) *origin {
	if o := p.origins[k]; o != nil {
		return o
	}
	may := false
	if p.probes != nil {
		p.mu.Unlock()
		may = p.probes(k)
		p.mu.Lock()
		if o := p.origins[k]; o != nil {
			return o
		}
	}
	o := newOrigin(k, may)
	p.origins[k] = o
	p.tidyLocked(o)
	return o
}

// tidyLocked moves o in or out of the dormant ones, and forgets the one that
// has been so for longest if there are too many.
func (p *Pool) tidyLocked(o *origin) {
	if o.open > 0 || o.dials > 0 || o.waiters.n > 0 {
		p.dormant.remove(&o.dormantNode)
		return
	}
	if !p.dormant.has(&o.dormantNode) {
		p.dormant.pushBack(&o.dormantNode)
	}
	if p.dormant.n > maxDormant {
		p.forgetLocked(p.dormant.front())
	}
}

func (p *Pool) forgetLocked(o *origin) {
	p.dormant.remove(&o.dormantNode)
	delete(p.origins, o.key)
	p.past.add(&o.count)
}

// CloseIdle closes the connections without an exchange, shared ones included,
// and cancels the dials that no request waits for. It also forgets what is
// known of origins without a connection.
func (p *Pool) CloseIdle() {
	p.mu.Lock()
	p.closeIdleLocked()
	for p.dormant.n > 0 {
		p.forgetLocked(p.dormant.front())
	}
	p.unlock()
}

func (p *Pool) closeIdleLocked() {
	for m := p.idle.front(); m != nil; m = p.idle.front() {
		p.doomLocked(m)
	}
	for o := p.surplus.front(); o != nil; o = p.surplus.front() {
		p.cancelLocked(o.loose.front())
	}
	p.disarmLocked()
}

// Close closes every connection, so that exchanges that run fail, fails the
// requests that wait with wire.ErrClosed, and cancels the dials. It does not
// wait for dials to return; a connection that one makes all the same is closed
// at once. It is idempotent and returns nil.
func (p *Pool) Close() error {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		for _, o := range p.origins {
			for w := o.waiters.front(); w != nil; w = o.waiters.front() {
				p.failLocked(w, errClosed(w.o.key))
			}
			p.settleLocked(o)
		}
		for n := p.dials.head; n != nil; n = n.next {
			n.v.cancel()
		}
		for n := p.conns.head; n != nil; n = n.next {
			p.doomLocked(n.v)
		}
		p.disarmLocked()
		p.checkDrainedLocked()
	}
	p.unlock()
	return nil
}

// Shutdown refuses new requests with wire.ErrClosed, lets those that run or
// wait finish, closes connections as they become idle, and returns nil when
// none is left. If ctx ends first it calls Close and returns the context's
// error. The pool is closed when Shutdown has returned.
func (p *Pool) Shutdown(ctx context.Context) error {
	p.mu.Lock()
	p.stopping = true
	ch := make(chan struct{})
	p.drained = append(p.drained, ch)
	p.closeIdleLocked()
	p.checkDrainedLocked()
	p.unlock()
	var err error
	select {
	case <-ch:
	case <-ctx.Done():
		select {
		case <-ch: // both are true; that nothing was cut off matters more
		default:
			err = ctx.Err()
		}
	}
	p.Close()
	return err
}

// checkDrainedLocked wakes Shutdown if nothing is left, or if there is nothing
// to wait for any more because the pool was closed.
func (p *Pool) checkDrainedLocked() {
	if !p.stopping || !p.closed && p.conns.n+p.dials.n+p.waiting > 0 {
		return
	}
	for _, ch := range p.drained {
		close(ch)
	}
	p.drained = nil
}

// changed is the hook of a connection: its state is not what it was.
func (p *Pool) changed(m *member) {
	p.mu.Lock()
	p.reviewLocked(m, false)
	p.pumpLocked()
	p.unlock()
}

func errClosed(k Key) *wire.Error {
	return &wire.Error{Phase: wire.PhasePool, Kind: wire.KindClosed, Err: &closedError{k.Addr}}
}

type closedError struct{ addr string }

func (e *closedError) Error() string {
	return "no connection to " + e.addr + ": the pool is closed"
}
