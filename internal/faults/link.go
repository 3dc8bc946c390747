package faults

import (
	"errors"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
)

// link is one connection: the client's side is near, the server's is far.
type link struct {
	in        *Injector
	near, far net.Conn
	up, down  *way
	// inner is near or far, whichever is the memory connection to a Conn; nil for
	// a Proxy's.
	inner net.Conn

	ended sync.Once
	done  chan struct{} // closed by end and abort: nothing waits any more

	left   atomic.Bool // the owner of the Conn has closed it
	freed  sync.Once
	unheld chan struct{} // closed by cut and leave: no stall holds any more
}

func newLink(in *Injector, near, far, inner net.Conn, plan Plan) *link {
	l := &link{in: in, near: near, far: far, inner: inner, done: make(chan struct{}), unheld: make(chan struct{})}
	l.up = newWay(l, near, far, plan.Up, plan.Seed, 1)
	l.down = newWay(l, far, near, plan.Down, plan.Seed, 2)
	return l
}

// run carries both ways and returns when both have ended.
func (l *link) run() {
	defer l.in.drop(l)
	defer l.end()
	var both sync.WaitGroup
	both.Go(l.up.read)
	both.Go(l.down.read)
	both.Go(l.up.carry)
	both.Go(l.down.carry)
	both.Wait()
}

// end closes both sides, which ends every goroutine of the link.
func (l *link) end() {
	l.ended.Do(func() {
		close(l.done)
		l.near.Close()
		l.far.Close()
	})
}

// abort is end with a reset towards both sides.
func (l *link) abort() {
	l.ended.Do(func() {
		close(l.done)
		reset(l.near)
		reset(l.far)
	})
}

// cut ends the stream towards both sides. Both are read on until they end: a
// socket that is closed with bytes unread answers with a reset.
func (l *link) cut() {
	l.up.swallow.Store(true)
	l.down.swallow.Store(true)
	l.unhold()
	closeWrite(l.near)
	closeWrite(l.far)
}

// leave notes that the owner of the Conn closes it.
func (l *link) leave() {
	l.left.Store(true)
	l.unhold()
}

func (l *link) unhold() { l.freed.Do(func() { close(l.unheld) }) }

// closeWrite ends the stream to nc's peer; one that has no halves is closed.
func closeWrite(nc net.Conn) {
	if c, ok := nc.(interface{ CloseWrite() error }); ok {
		c.CloseWrite()
		return
	}
	nc.Close()
}

// reset closes nc with a reset; one that cannot be reset is closed.
func reset(nc net.Conn) {
	switch c := nc.(type) {
	case interface{ ResetAfter() error }:
		c.ResetAfter()
		return
	case interface{ Reset() error }:
		c.Reset()
		return
	case interface{ SetLinger(int) error }:
		c.SetLinger(0) // close(2) then sends RST
	}
	nc.Close()
}

// isReset reports that the peer has reset the connection.
func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, errReset)
}

func sorted(faults []Fault) []Fault {
	return slices.SortedStableFunc(slices.Values(faults), func(a, b Fault) int {
		switch {
		case a.At < b.At:
			return -1
		case a.At > b.At:
			return 1
		}
		return 0
	})
}
