//go:build !windows

package reset

import "syscall"

// ends are what the system says.
var ends = [...]syscall.Errno{syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED}
