// Package peer is the other side in tests: a scripted HTTP/1.1 or HTTP/2 server
// over any net.Conn, a scripted loopback listener, and certificates made in memory.
//
// # Overview
//
// H1 returns both ends of a pair in memory. The engine under test gets one, the
// script drives the other, line by line: wait for a request, send these bytes,
// see that the connection is closed. Every expectation carries a sentence which
// says what ought to be true, and which is printed when it is not. The script
// reads requests with a strict reader of its own, so that an engine is never
// checked against itself.
//
// H2 is the same for HTTP/2, frame by frame, over h2's codec: it answers nothing
// by itself, not even SETTINGS.
//
// Listen does the same over TCP, for what needs a socket, and CA issues
// certificates for TLS.
//
// # Concurrency
//
// One goroutine drives a Script or H2Script. A failed expectation closes the connection, so
// that the engine on the other side wakes up, and ends the test with FailNow; a
// script that runs beside the test goroutine should be started with Go.
//
// # Limitations
//
// It is for tests only. WantIdle is exact inside a testing/synctest bubble and
// waits a short while outside.
package peer
