// Package subject holds the clients that are compared, one small file each.
//
// # Overview
//
// A Subject opens a Client with the same caps for all: Conns connections to
// one host, all of which may be idle, for ten minutes. A Client gives each
// goroutine its own Exchange: a call makes one request, reads the whole answer
// and checks it. Each client is used the way its documentation asks a careful
// user to use it, and the choice is stated at the top of its file.
//
// Tokens and URLs are made before the clock runs. Each goroutine goes around a
// few of them, so that an answer to the previous request is found out, and no
// subject pays for formatting.
//
// # Concurrency
//
// A Client serves as many goroutines as Options say; an Exchange belongs to one.
// Worker is called by one goroutine at a time.
//
// # Limitations
//
// GET and POST over HTTP/1.1 or HTTP/2, cleartext or TLS, in the forms that Options
// has; Subject.Takes tells who can do what.
package subject
