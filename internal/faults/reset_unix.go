//go:build !windows

package faults

import "syscall"

// errReset is what a socket reports after a reset.
const errReset = syscall.ECONNRESET
