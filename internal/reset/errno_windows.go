package reset

import "syscall"

const (
	wsaeConnAborted = syscall.Errno(10053) // WSAECONNABORTED
	wsaeConnReset   = syscall.Errno(10054) // WSAECONNRESET
	wsaeShutdown    = syscall.Errno(10058) // WSAESHUTDOWN
)

func is(errno syscall.Errno) bool {
	switch errno {
	case wsaeConnAborted, wsaeConnReset, wsaeShutdown, syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE:
		return true
	}
	return false
}
