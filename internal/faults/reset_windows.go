package faults

import "syscall"

// errReset is what this system says for a reset: Winsock has a code of its own.
const errReset = syscall.WSAECONNRESET
