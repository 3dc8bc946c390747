//go:build !windows

package peer

import "syscall"

// errReset is what a socket reports after a reset.
const errReset = syscall.ECONNRESET
