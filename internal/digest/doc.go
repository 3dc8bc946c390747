// Package digest reads challenges and answers those of the Digest scheme, for
// servers and proxies alike.
//
// # Overview
//
// ParseChallenges reads WWW-Authenticate and Proxy-Authenticate (RFC 9110
// §11.6.1), ParseInfo what a success says in Authentication-Info. Choose takes the
// strongest Digest challenge that can be answered. A Session is the use of one
// nonce: Answer makes the value of Authorization or Proxy-Authorization for one
// request after another.
//
// RFC 7616 is followed, with RFC 2069 where a server names no qop. The algorithms
// are MD5, SHA-256, SHA-512-256 and, unregistered but met, SHA and SHA-512, each
// with its -sess form.
//
// # Concurrency
//
// Functions share nothing. A Session may be used by any number of goroutines and
// gives no nonce count twice.
//
// # Limitations
//
// User and password are hashed as they are, as the UTF-8 that Go strings mostly
// hold, and not normalised. A challenge of more than 4 KiB is not answered.
package digest
