// Command load puts an HTTP server under load and reports how it bore it.
//
//	load https://127.0.0.1:8443/ -c 64 -d 30s
//	load http://127.0.0.1:8080/items -rate 5000 -warmup 2s -html report.html
//	load -requests mix.txt http://127.0.0.1:8080/ -c 8 -streams 32 -h2c
//	load merge a.hist b.hist -html both.html
//
// # Two loops
//
// Without -rate the loop is closed: each connection (each stream of it over
// HTTP/2) sends its next request when it has the last answer. That finds out how
// much a server can do. It is no measure of how long users wait: a server that
// stalls is simply asked less, and the requests that would have waited are never
// sent (coordinated omission).
//
// With -rate the loop is open: requests are due at fixed times, whatever the
// server does, the first connection that is free sends the one that is due, and
// its latency counts from when it was due. A stall is felt by all requests that
// fall into it. If the connections cannot hold the rate, the queue grows, latency
// shows it and the report says so.
//
// # What is counted
//
// Latency is from the start of a request (when it was due, in an open loop) to the
// last byte of its answer, whatever the status. The connections are made before
// the clock starts; a request that has to make one again pays for it. A request
// that ran into a timeout, or was under way at the end and got no answer within
// -grace, is in the latency with the time that it has waited, which is a lower
// bound: leaving it out would flatter the server. One that failed in another way is
// not, since a connection refused within a microsecond says nothing about speed.
//
// Nothing is sent a second time. What fails is counted by kind, with one example.
//
// # How it sends
//
// Below the client httpx and below the pool: with the engines h1 and h2
// themselves. The pool is not in use because it decides which connection a request
// gets; here each of the -c connections has one goroutine that writes and reads
// (HTTP/1.1), or -streams of them beside the connection's own two (HTTP/2). Each
// goroutine has one wire.Request, filled once, and one wire.Response, used again
// and again. A head is written anew for each request: over HTTP/2 it must be, for
// its compression has state, and over HTTP/1.1 that takes 0.2 µs.
package main
