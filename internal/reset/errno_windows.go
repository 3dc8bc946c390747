package reset

import "syscall"

// ends are what the system says, and what package syscall makes of some of it.
var ends = [...]syscall.Errno{
	10053, // WSAECONNABORTED
	10054, // WSAECONNRESET
	10058, // WSAESHUTDOWN
	syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE,
}
