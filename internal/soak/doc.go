// Command soak runs the whole client against a bad world for as long as one
// likes, and says whether every promise was kept.
//
// # Overview
//
// make soak DURATION=5m runs it under the race detector. A second process holds
// the servers, over HTTP/1.1 and HTTP/2, in cleartext and over TLS, and what stands
// before them: nothing; delays, drips and low rates; cuts, resets, half-closes,
// stalls and black holes at any byte; changed bytes (package internal/faults); and
// proxies for CONNECT and SOCKS5, one of each kind good and one behind faults.
//
// One client, with one pool, sends requests of every kind: all methods and uploads
// (in memory, seekable, made anew, readable once, of unknown length, forms, failing
// and ending too early), Expect: 100-continue, redirects, retries, deadlines and
// timeouts of any length, and cancels after a random time or at one event of the
// trace. Answers come plain, compressed, chunked with trailers, after a 103, before
// the upload was read, or end with the connection; they are read at once, as a
// stream, in chunks, by line, through net/http, or not to their end. Besides there
// are fan-outs, clients that are closed or shut down in the midst of requests, and a
// lull every 15 seconds in which connections idle, expire and are closed.
//
// Every answer repeats the id of its request, in head, 103, content and trailer, and
// names the digest of the body that the server has read. At the end these must be
// zero, or the exit status is 1: wrong answers, which are another request's and those
// that are not whole; errors that the request at hand may not end in; requests that
// may not be repeated and were carried out twice; panics; pool slots, connections,
// request bodies, goroutines and file descriptors that are left. So must no request
// hang.
//
// The seed is printed. The same one makes the same choices again, but not at the same
// moments. ARGS takes -concurrency, -rate and -every.
//
// # Concurrency
//
// Each worker, 64 by default, makes one request after the other.
//
// # Limitations
//
// Bytes are changed within TLS, where that must be noticed, and in cleartext, where
// nobody can tell: there (class "scrambled") answers and repetitions are not checked,
// everything else is. A content in cleartext that ends with the connection may be cut
// short unnoticed (RFC 9112 §8), and is checked as far as it goes. File descriptors
// are counted where the system lists them in /proc/self/fd or /dev/fd.
package main
