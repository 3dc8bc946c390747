//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package h1

import (
	"net"
	"sync/atomic"
	"syscall"
)

// peeker looks into the receive queue of an idle socket.
type peeker struct {
	// immutable after newPeeker
	raw  syscall.RawConn
	look func(fd uintptr) // made once: a new closure would be an allocation

	// broken is set once a look has found an end, an error or data. It never
	// goes back, so that looks may overlap.
	broken atomic.Bool
}

// newPeeker returns nil if nc is not a socket.
func newPeeker(nc net.Conn) *peeker {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	p := &peeker{raw: raw}
	p.look = func(fd uintptr) {
		var b [1]byte
		for {
			_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
			switch err {
			case syscall.EINTR:
				continue
			case syscall.EAGAIN:
				return // nothing there: alive
			}
			// The end of the stream, an error, or bytes that belong to no
			// request (RFC 9112 §9.2).
			p.broken.Store(true)
			return
		}
	}
	return p
}

// quiet reports whether the socket is open and has nothing to read.
//
// It uses Control and not Read, which fails at once when a deadline that was
// set for an earlier exchange has passed, and would condemn a good connection.
func (p *peeker) quiet() bool {
	if err := p.raw.Control(p.look); err != nil {
		return false
	}
	return !p.broken.Load()
}
