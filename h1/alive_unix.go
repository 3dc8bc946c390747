//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package h1

import (
	"net"
	"syscall"
)

// quiet looks into the receive queue of an idle socket, and reports whether it is
// open and has nothing to read. What is no socket is taken to be quiet.
//
// It uses Control and not Read, which fails at once when a deadline that was
// set for an earlier exchange has passed, and would condemn a good connection.
func quiet(nc net.Conn) (ok bool) {
	// Of this type the compiler sees that nothing of a look escapes to the heap.
	if tcp, is := nc.(*net.TCPConn); is {
		raw, err := tcp.SyscallConn()
		if err != nil {
			return true
		}
		err = raw.Control(func(fd uintptr) { ok = empty(fd) })
		return err == nil && ok
	}
	sc, is := nc.(syscall.Conn)
	if !is {
		return true
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return true
	}
	var look bool
	err = raw.Control(func(fd uintptr) { look = empty(fd) })
	return err == nil && look
}

// empty reports whether there is nothing to read: no end of the stream, no error,
// no bytes, which would belong to no request (RFC 9112 §9.2).
func empty(fd uintptr) bool {
	for {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		if err != syscall.EINTR {
			return err == syscall.EAGAIN
		}
	}
}
