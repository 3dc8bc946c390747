// Package server is the dumb, fast HTTP/1.1 server that the benchmarks run
// against.
//
// # Overview
//
// It exists to be cheap, so that the client is what is measured: one goroutine
// and two buffers per connection, no parsing beyond the request line, and a
// response that was laid out once and is patched in place. It answers
//
//	GET /<size>/<token>
//
// with a head of six field lines and size bytes of content, the first
// sixteen of which are the token. A client that checks them knows that the
// response is the answer to its own request and not to an earlier one. Further
// targets ask for a content coding, for a hundred field lines, for an answer that
// waits until many have asked, and
//
//	POST /<size>/<token>/<n>
//
// takes n bytes of content, which must have the token near their start.
//
// It runs in a process of its own (see Spawn), because the CPU time of the
// client is read from the operating system per process.
//
// # Concurrency
//
// Serve runs one goroutine per connection and ends with its listener.
//
// # Limitations
//
// It is no HTTP server: it believes what it is sent, knows no method but GET
// and POST with a length, and no timeouts. Run it on loopback only.
package server
