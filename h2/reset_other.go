//go:build !windows

package h2

import (
	"errors"
	"syscall"
)

// isReset reports whether the peer has broken the connection.
func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNABORTED)
}
