// Package wire is the vocabulary that the engines (h1, h2), the pool and the
// client share: fields, a request, a response, a body handle, timeouts, trace
// hooks and one error type.
//
// # Overview
//
// It holds values only. Nothing here does I/O, starts a goroutine or reads a
// clock, and it imports the standard library alone. A type lives here only if
// at least two of h1, h2, pool and proxy need it; everything else belongs to
// the package that uses it.
//
// A Request is filled by the caller and read by an engine; a Response is owned
// by the caller and filled by an engine, so that both can be reused without an
// allocation.
//
// # Concurrency
//
// Values are not synchronised. Body is the exception: Close may be called
// while a Read is in progress, and a handle that has outlived its exchange
// fails with ErrBodyClosed instead of reading the next response.
//
// # Errors
//
// Engines and pool return *Error, which the client's errors wrap. Ask errors.Is with the sentinels of
// this package, or errors.As for the phase, the kind and whether any byte of
// the request was sent.
//
// # Limitations
//
// Names and values are strings: all strings of one response head are substrings
// of one string, so a retained short value keeps its whole head in memory
// (strings.Clone it if that matters).
package wire
