// Package fuzz holds the fuzz targets of the codecs, the engines, proxy, the cookie
// jar and the client's URLs, written against their exported functions alone, as a
// user of them would.
//
// # Overview
//
// Each target checks properties that hold for every input: nothing panics; an
// input that arrives byte by byte means the same as in one piece; what was
// written can be read back. Targets with Diff in their name, FuzzRequest,
// FuzzChunked and FuzzURL also compare with net/http, net/url or
// golang.org/x/net/http2: the two may disagree only in the ways that are listed
// beside the target, each with its reason.
//
// FuzzDecoders gives bytes to a client as encoded content, and compares with
// compress/gzip and compress/zlib.
//
// FuzzH1Conn and FuzzH2Conn play a script of bytes or frames, pauses and cancels
// against an engine on a fake clock: nothing hangs, every error has its kind,
// nothing is left at the end. FuzzSetCookie asks that a cookie goes to nobody to
// whom net/http/cookiejar would not send it.
//
// FuzzLinks, FuzzEvents and FuzzChallenges write what they have read, and read
// that.
//
// Inputs that once failed are kept in testdata/fuzz and run with every go test.
// To look for more:
//
//	go test -run '^$' -fuzz '^FuzzResponseHead$' -fuzztime 30s ./fuzz
//
// # Concurrency
//
// The targets share nothing.
//
// # Limitations
//
// The package has no code of its own. What a target of a codec accepts is no
// statement about the engines, which have tests with scripted peers.
package fuzz
