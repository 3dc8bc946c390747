package pool

import (
	"context"
	"errors"
	"os"
	"time"

	"gohttpx.dev/wire"
)

// dial is a connection in the making.
type dial struct {
	o      *origin            // immutable
	serves int                // immutable: how many waiters it is hoped to serve
	ctx    context.Context    // immutable
	cancel context.CancelFunc // immutable
	limit  time.Duration      // immutable: its Connect timeout, 0 if there is none
	exact  bool               // immutable: its deadline is that of its owner's clock

	// guarded by Pool.mu
	all      node[*dial] // in Pool.dials until Dial has returned
	loose    node[*dial] // in origin.loose while nobody owns it
	owner    *waiter     // whom its failure fails, while that one waits
	canceled bool        // evicted: nobody counts on it, but its slot is taken
}

// dialLocked starts a dial for the oldest hungry waiter of o. Its context takes
// the values of that request's, but neither its end nor its deadline: the dial
// outlives a request that gives up, and is bounded by Connect alone.
func (p *Pool) dialLocked(o *origin) {
	w := o.edge
	if w.own != nil {
		// A request that came back has taken over what this one's dial may
		// bring. There is always one without: the dials of a queue's own are
		// fewer than it is long.
		for w = o.waiters.front(); w.own != nil; w = w.node.next.v {
		}
	}
	w.charge()
	d := &dial{o: o, serves: o.perDial(), owner: w, limit: w.connectLimit, exact: w.connectUsed == 0}
	d.all.v, d.loose.v = d, d
	ctx := wire.WithTrace(context.WithoutCancel(w.ctx), w.trace)
	if d.limit > 0 {
		d.ctx, d.cancel = context.WithTimeout(ctx, d.limit)
	} else {
		d.ctx, d.cancel = context.WithCancel(ctx)
	}
	w.own = d
	p.dials.pushBack(&d.all)
	o.dials++
	o.cover += d.serves
	o.count.Dials++
	go p.dial(d)
	p.settleLocked(o)
}

// cancelLocked gives up a dial that nobody needs. Its slot comes free when Dial
// has returned; should it succeed all the same, its connection is welcome.
func (p *Pool) cancelLocked(d *dial) {
	d.canceled = true
	d.o.loose.remove(&d.loose)
	d.o.cover -= d.serves
	p.leaving++
	d.cancel()
	p.settleLocked(d.o)
}

// dial runs on a goroutine of its own: dialLocked starts it, it ends when Dial
// returns, which the Connect timeout, an eviction or Close brings about, and
// nobody waits for it.
func (p *Pool) dial(d *dial) {
	c, err := p.dialer(d.ctx, d.o.key)
	if err == nil && c == nil {
		err = errors.New("Dial returned neither a connection nor an error")
	}
	if err != nil {
		c, err = nil, d.failure(err)
	}
	d.cancel()
	m := &member{c: c, o: d.o}
	if c != nil {
		if i, ok := c.(interface{ Info() *wire.ConnInfo }); ok {
			m.info = i.Info()
		}
		c.OnChange(func() { p.changed(m) })
	}

	p.mu.Lock()
	o, owner := d.o, d.owner
	p.dials.remove(&d.all)
	o.dials--
	if d.canceled {
		p.leaving--
	} else {
		o.loose.remove(&d.loose)
		o.cover -= d.serves
	}
	if owner != nil {
		owner.own, d.owner = nil, nil
	}
	var st wire.ConnState
	if c != nil {
		if st = c.State(); st.Phase != wire.ConnOpen {
			err = &wire.Error{
				Phase: wire.PhaseDial, Kind: wire.KindDisconnected, Remote: true,
				Err: &endedEarly{o.key.Addr, m.cause()},
			}
		}
	}
	switch {
	case err != nil:
		if !d.canceled && !p.closed {
			o.count.DialErrors++
		}
		o.fanout = d.serves == manyWaiters || o.fanout
		if owner != nil {
			p.failLocked(owner, err)
		}
		if c != nil {
			defer c.Close()
		}
	case p.closed:
		defer c.Close()
	default:
		o.known, o.limit = true, st.Limit
		p.joinLocked(o, m)
		if owner != nil && owner.queued() {
			owner.arm() // an older one got it: its clock is its own again
		}
	}
	p.settleLocked(o)
	p.pumpLocked()
	p.unlock()
}

// maxStillborn is how often a request whose dial brought a connection that was over
// already is given another: a server that is about to go, or that closes what
// idles, may send GOAWAY before it has heard anything. The first is at once, the
// others after 10, 20 and 40 ms, so that a peer which ends connections as soon as they
// are made is not dialled over and over.
const maxStillborn = 4

func isEndedEarly(err error) bool {
	var e *endedEarly
	return errors.As(err, &e)
}

// endedEarly is a connection that nobody has used.
type endedEarly struct {
	addr  string
	cause error // nil: not known
}

func (e *endedEarly) Error() string {
	s := "the connection to " + e.addr + " ended before its first request"
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	return s
}

func (e *endedEarly) Unwrap() error { return e.cause }

// cause is why the connection is over, as far as its engine tells.
func (m *member) cause() error {
	if e, ok := m.c.(interface{ Err() error }); ok {
		return e.Err()
	}
	return nil
}

// failure makes an *wire.Error of what Dial returned. The dialler knows the
// phase; that the Connect timeout was the reason only the dial knows.
func (d *dial) failure(err error) error {
	late := errors.Is(d.ctx.Err(), context.DeadlineExceeded)
	// A socket's deadline may come an instant before the context's timer.
	if end, ok := d.ctx.Deadline(); ok && !time.Now().Before(end) &&
		(errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)) {
		late = true
	}
	var e *wire.Error
	if errors.As(err, &e) {
		if late && (e.Kind == wire.KindCanceled || e.Kind == wire.KindNetwork) {
			t := *e
			t.Kind, t.Err = wire.KindTimeout, &connectTimeout{d.o.key.Addr, d.limit, e.Err}
			return &t
		}
		return err
	}
	e = &wire.Error{Phase: wire.PhaseDial, Kind: wire.KindNetwork, Err: err}
	if late {
		e.Kind, e.Err = wire.KindTimeout, &connectTimeout{d.o.key.Addr, d.limit, err}
	}
	return e
}

// connectTimeout is the detail of a timeout while connecting.
type connectTimeout struct {
	addr  string
	limit time.Duration
	err   error // what Dial said, or nil
}

func (e *connectTimeout) Error() string {
	s := "no connection to " + e.addr + " within " + e.limit.String()
	// Where there are several steps, whoever takes them says which one it was.
	var at interface{ Doing() string }
	if errors.As(e.err, &at) {
		if doing := at.Doing(); doing != "" {
			s += " (" + doing + ")"
		}
	}
	return s
}

// Unwrap leaves out that the dial's context has ended: who asks for
// context.DeadlineExceeded means a deadline of his own.
func (e *connectTimeout) Unwrap() error {
	if errors.Is(e.err, context.DeadlineExceeded) {
		return nil
	}
	return e.err
}
