//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package tls

import (
	"io"
	"net"
	"syscall"
)

// readNow reads what a socket has, without waiting. A type that merely embeds a
// socket is left alone: it may have a Read of its own that must see every byte.
//
// Control and not RawConn.Read, because that one fails without calling back when
// an old read deadline has passed, and would condemn every connection that was
// parked for longer. Of a type that is named here the compiler sees that a call
// lets nothing escape to the heap.
func readNow(nc net.Conn, p []byte) (n int, err error) {
	var look error
	switch c := nc.(type) {
	case *net.TCPConn:
		fd, bad := c.SyscallConn()
		if bad != nil {
			return 0, errProbe
		}
		look = fd.Control(func(fd uintptr) { n, err = recv(fd, p) })
	case *net.UnixConn:
		fd, bad := c.SyscallConn()
		if bad != nil {
			return 0, errProbe
		}
		look = fd.Control(func(fd uintptr) { n, err = recv(fd, p) })
	default:
		return 0, errProbe
	}
	if look != nil {
		return 0, look
	}
	return n, err
}

// recv takes what is there, errProbe if that is nothing.
func recv(fd uintptr, p []byte) (int, error) {
	for {
		n, _, err := syscall.Recvfrom(int(fd), p, syscall.MSG_DONTWAIT)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			return 0, errProbe
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		}
		return n, nil
	}
}
