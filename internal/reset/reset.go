// Package reset tells whether a peer has broken a connection, or a deadline of ours
// has passed, from what the system says of it.
//
// # Overview
//
// Is, GaveUp and Deadline are asked of the error of a read or a write, Broken of a
// write's alone. What the system says differs: Windows has numbers of its own, which
// package syscall does not map to those of Unix.
//
// # Concurrency
//
// The functions have no state.
//
// # Limitations
//
// What a proxy in the way or a TLS implementation says in words is not looked at.
package reset

import (
	"errors"
	"os"
	"syscall"
)

// Is reports whether the peer has ended the connection for reading and writing:
// a reset, an abort, or a write after its end.
func Is(err error) bool {
	for _, errno := range ends { // errors.As would see the first of joined errors only
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// GaveUp reports whether it is the system that has ended the connection, as it does
// when nobody answers it any more (ETIMEDOUT) or a network is away. The peer may be
// well, and may have received what was sent before.
func GaveUp(err error) bool {
	var errno syscall.Errno
	return errors.As(err, &errno) && !Is(err)
}

// Broken reports whether a write was told of a reset, or that the system has given
// up: a read after that meets an end which is none. After the peer's FIN it is told
// EPIPE, which says nothing of how the peer's bytes ended.
func Broken(err error) bool { return GaveUp(err) || Is(err) && !errors.Is(err, syscall.EPIPE) }

// Deadline reports whether a call on a connection ended by its deadline. The system's
// ETIMEDOUT says Timeout as well, but it is the end of the connection.
func Deadline(err error) bool {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return true
	}
	var t interface{ Timeout() bool }
	var errno syscall.Errno
	return errors.As(err, &t) && t.Timeout() && !errors.As(err, &errno)
}
