// Package await writes to a socket and waits for the answer in one go.
//
// # Overview
//
// A read that comes right after a request was written finds nothing: it costs a
// system call to learn that, and then the goroutine parks. Write parks it without
// that call. What it does after the write is a wait and nothing else: it reads no
// byte and reports no error of the reading side, so that a read after it sees all
// that it would have seen.
//
// # Concurrency
//
// Write may be called beside a read, but holds it up.
//
// # Limitations
//
// What became readable before Write was called does not end the wait: the end of
// the stream is the common case. So the caller sets a read deadline that is short
// enough to look then, and does not call Write where something may be there.
//
// Only on Unix does it wait; elsewhere it is net.TCPConn.Write.
package await
