// Package fuzz holds the fuzz targets of the codecs, the engines, proxy and the
// client, written against their exported functions alone, as a user of them would.
//
// # Overview
//
// Each target checks properties that hold for every input: nothing panics; an
// input that arrives byte by byte means the same as in one piece; what was
// written can be read back. Targets with Diff in their name, FuzzRequest,
// FuzzChunked, FuzzURL and FuzzMultipart also compare with net/http, net/url or
// golang.org/x/net/http2: the two may disagree only in the ways that are listed
// beside the target, each with its reason.
//
// FuzzDecoders gives bytes to a client as encoded content, and compares with
// compress/gzip and compress/zlib. FuzzText compares with golang.org/x/text,
// FuzzJSONLines with encoding/json, FuzzFilename with mime.
//
// FuzzFraming, FuzzDigest and FuzzCookieDate hold the code against the RFC's own
// words, written down a second time in the target. FuzzCurl reads a command as a
// shell and curl would.
//
// FuzzH1Conn and FuzzH2Conn play a script of bytes or frames, pauses and cancels
// against an engine on a fake clock: nothing hangs, every error has its kind,
// nothing is left at the end. FuzzClient does so with a whole client, and
// FuzzH1Response compares what comes of the bytes with net/http. FuzzSetCookie
// asks that a cookie goes to nobody to whom net/http/cookiejar would not send it.
//
// FuzzLinks, FuzzEvents and FuzzChallenges write what they have read, and read
// that.
//
// Inputs that reach what others do not, and those that once failed, are kept in
// testdata/fuzz under names that say what is odd about them, and run with every go
// test. To look for more:
//
//	make fuzz FUZZTIME=30s PARALLEL=2 TARGETS='Head|Chunked'
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
