package h2

import (
	"errors"
	"syscall"
)

const (
	wsaeConnAborted = syscall.Errno(10053) // WSAECONNABORTED
	wsaeConnReset   = syscall.Errno(10054) // WSAECONNRESET
	wsaeShutdown    = syscall.Errno(10058) // WSAESHUTDOWN
)

// isReset reports whether the peer has broken the connection.
func isReset(err error) bool {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return false
	}
	switch errno {
	case wsaeConnAborted, wsaeConnReset, wsaeShutdown, syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE:
		return true
	}
	return false
}
