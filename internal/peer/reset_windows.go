package peer

import "syscall"

// errReset is what a socket reports after a reset: Winsock has a code of its
// own.
const errReset = syscall.WSAECONNRESET
