package faults

import (
	"context"
	"errors"
	"net"
	"sync"

	"gohttpx.dev/internal/memconn"
)

// ErrClosed is what Dial, Accept and Proxy fail with after Close.
var ErrClosed = errors.New("faults: the injector is closed")

// Injector makes connections bad, each by its plan.
type Injector struct {
	plan   func(n int) Plan // immutable after New
	ctx    context.Context  // ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup // every goroutine

	mu        sync.Mutex
	closed    bool                      // guarded by mu
	next      int                       // guarded by mu: the number of the next connection
	links     map[*link]struct{}        // guarded by mu: those not yet ended
	listeners map[net.Listener]struct{} // guarded by mu: those of Proxy
}

// New returns an Injector. plan is called once per connection, in the order in
// which they are made, with 0 for the first; nil means no faults.
func New(plan func(n int) Plan) *Injector {
	if plan == nil {
		plan = Same(Plan{})
	}
	in := &Injector{plan: plan, links: map[*link]struct{}{}, listeners: map[net.Listener]struct{}{}}
	in.ctx, in.cancel = context.WithCancel(context.Background())
	return in
}

// Count is the number of connections so far.
func (in *Injector) Count() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.next
}

// Open is the number of connections that have not ended on both sides.
func (in *Injector) Open() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.links)
}

// Close ends the listeners of Proxy and all connections, and returns when every
// goroutine has ended. A second Close does nothing.
func (in *Injector) Close() error {
	in.mu.Lock()
	in.closed = true
	in.cancel()
	for l := range in.listeners {
		l.Close()
	}
	for l := range in.links {
		l.end()
	}
	in.mu.Unlock()
	in.wg.Wait()
	return nil
}

// Proxy listens on loopback in front of the TCP address to and returns its own,
// host:port. It ends with Close. A client whose connection to the address cannot
// be made is reset.
func (in *Injector) Proxy(to string) (addr string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		l.Close()
		return "", ErrClosed
	}
	in.listeners[l] = struct{}{}
	// Ends when Close closes the listener, and waits for it.
	in.wg.Go(func() { in.accept(l, to) })
	return l.Addr().String(), nil
}

func (in *Injector) accept(l net.Listener, to string) {
	for {
		near, err := l.Accept()
		if err != nil {
			return
		}
		plan, ok := in.number()
		if !ok {
			near.Close()
			return
		}
		// Ends with the dial, which Close ends.
		in.wg.Go(func() {
			var d net.Dialer
			far, err := d.DialContext(in.ctx, "tcp", to)
			if err != nil {
				reset(near)
				return
			}
			in.start(newLink(in, near, far, nil, plan))
		})
	}
}

// number returns the plan of the next connection, or false after Close.
func (in *Injector) number() (Plan, bool) {
	in.mu.Lock()
	if in.closed {
		in.mu.Unlock()
		return Plan{}, false
	}
	n := in.next
	in.next++
	in.mu.Unlock()
	return in.plan(n), true
}

// start runs the link, or closes it if the injector is closed.
func (in *Injector) start(l *link) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		l.end()
		return false
	}
	in.links[l] = struct{}{}
	// Ends with the link, which Close ends.
	in.wg.Go(l.run)
	return true
}

func (in *Injector) drop(l *link) {
	in.mu.Lock()
	delete(in.links, l)
	in.mu.Unlock()
}

// Wrap takes a client's connection and returns the one for the client to use. The
// returned one owns nc: Close closes both. After Close of the Injector it is a
// closed one.
func (in *Injector) Wrap(nc net.Conn) net.Conn {
	plan, _ := in.number()
	a, b := memconn.PipeSize(plan.Buffer)
	return in.give(newLink(in, b, nc, b, plan), a, nc)
}

// give starts the link and returns the end that the test's code uses.
func (in *Injector) give(l *link, inner *memconn.Conn, outer net.Conn) *Conn {
	if !in.start(l) {
		inner.Close()
	}
	return &Conn{Conn: inner, link: l, outer: outer}
}

// Dial returns a dial function whose connections are wrapped.
func (in *Injector) Dial(dial func(ctx context.Context, network, addr string) (net.Conn, error)) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		nc, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		if in.ctx.Err() != nil {
			nc.Close()
			return nil, ErrClosed
		}
		return in.Wrap(nc), nil
	}
}

// Listener returns a listener that wraps what l accepts, for the server's side: the
// server's connections read Up and write Down. Its Close closes l.
func (in *Injector) Listener(l net.Listener) net.Listener { return &listener{l, in} }

type listener struct {
	net.Listener
	in *Injector
}

func (l *listener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	plan, ok := l.in.number()
	if !ok {
		nc.Close()
		return nil, ErrClosed
	}
	a, b := memconn.PipeSize(plan.Buffer)
	return l.in.give(newLink(l.in, nc, b, b, plan), a, nc), nil
}

// Conn is a connection that Dial, Wrap or Listener has given out.
type Conn struct {
	*memconn.Conn
	link  *link
	outer net.Conn
}

// Close closes the connection and the one behind it. Bytes on their way still
// arrive there, in their time; a stall and a black hole end, and what they hold
// is lost.
func (c *Conn) Close() error {
	c.link.leave() // first: the end of the stream is then known to be a Close
	return c.Conn.Close()
}

// Reset closes both with a reset; what is on its way is lost.
func (c *Conn) Reset() error {
	err := c.Conn.Reset()
	c.link.abort()
	return err
}

// ResetAfter is Reset: there is nothing that the other side could still receive in
// time.
func (c *Conn) ResetAfter() error { return c.Reset() }

// LocalAddr is that of the connection behind.
func (c *Conn) LocalAddr() net.Addr { return c.outer.LocalAddr() }

// RemoteAddr is that of the connection behind.
func (c *Conn) RemoteAddr() net.Addr { return c.outer.RemoteAddr() }
