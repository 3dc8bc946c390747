//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package tls

import (
	"io"
	"syscall"
)

const canPeek = true

// recv takes what the socket has, into r.p, and leaves n and err in r.
func (r *rawConn) recv(fd uintptr) {
	for {
		n, _, err := syscall.Recvfrom(int(fd), r.p, syscall.MSG_DONTWAIT)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			r.n, r.err = 0, errProbe
		case err != nil:
			r.n, r.err = 0, err
		case n == 0:
			r.n, r.err = 0, io.EOF
		default:
			r.n, r.err = n, nil
		}
		return
	}
}
