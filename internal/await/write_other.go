//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package await

import "net"

// Waits is whether Write ever waits on this system.
const Waits = false

// Write writes p; it never waits.
func Write(nc *net.TCPConn, p []byte) (n int, waited bool, err error) {
	n, err = nc.Write(p)
	return n, false, err
}
