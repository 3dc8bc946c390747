// Package memconn is a buffered net.Conn pair in memory, for in-process
// handlers and for tests.
//
// # Overview
//
// Pipe returns two ends. What one writes the other reads, through a buffer of
// 64 KiB each way, so that a test may write a response before anybody reads it
// (net.Pipe has no buffer, and two peers that write at once stand still). An
// end behaves like a TCP socket where an engine can tell: end of stream after
// the buffered bytes, net.ErrClosed after its own Close, EPIPE once the peer has
// closed, ECONNRESET after Reset and ResetAfter, os.ErrDeadlineExceeded after a
// deadline. Reads can be cut into pieces, the buffer can be made small, and every
// end counts its bytes and calls.
//
// # Concurrency
//
// All methods may be called concurrently. Blocking uses sync.Cond and
// deadlines use time.AfterFunc: a pair that was made inside a testing/synctest
// bubble blocks durably and its deadlines follow the fake clock.
//
// # Limitations
//
// There is no file descriptor behind an end, so it is no syscall.Conn. Bytes
// written before Close always arrive; TCP may lose them to a reset.
package memconn
