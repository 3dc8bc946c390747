//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package await

import (
	"net"
	"os"
	"syscall"
)

// Waits is whether Write ever waits on this system.
const Waits = true

// Write writes p as nc.Write does, within its write deadline. If the socket took
// all of it at once, Write then waits until there is something to read that was
// not there before, until the read deadline has passed, or until nc is closed,
// and says that it has waited.
func Write(nc *net.TCPConn, p []byte) (n int, waited bool, err error) {
	raw, err := nc.SyscallConn()
	if err != nil {
		return 0, false, err
	}
	wrote := false
	// RawConn.Read forgets what was readable, once, before it calls the function
	// first; from then on nothing that arrives is missed. Writing within it, the
	// answer cannot come before that. It calls again when there is something.
	// Its own error is a read's: of a deadline that had passed, or of a closed
	// connection, which the write below meets as well, or the read to come.
	raw.Read(func(fd uintptr) bool {
		if wrote {
			return true
		}
		wrote = true
		n, err = write(fd, p)
		waited = err == nil && n == len(p)
		return !waited
	})
	switch {
	case waited:
		return n, true, nil
	case err != nil:
		return n, false, &net.OpError{Op: "write", Net: "tcp", Source: nc.LocalAddr(), Addr: nc.RemoteAddr(), Err: os.NewSyscallError("write", err)}
	}
	m, err := nc.Write(p[n:])
	return n + m, false, err
}

// write writes what the socket takes without waiting, which may be nothing.
func write(fd uintptr, p []byte) (int, error) {
	for {
		n, err := syscall.Write(int(fd), p)
		switch err {
		case nil:
			return n, nil
		case syscall.EINTR:
		case syscall.EAGAIN:
			return 0, nil
		default:
			return 0, err
		}
	}
}
