// Package httpx is an HTTP client: pooled, bounded and pleasant.
//
// # Overview
//
// The package-level functions (Get, Post, Do, Stream, …) use one shared client.
// New makes a client of one's own, with defaults for all its requests and one
// bounded pool of connections. Options are the same words at both levels: what
// a request does not say, the client says; headers and query parameters merge,
// the rest overrides.
//
// A response is buffered: there is nothing to close. Stream and SendStream
// leave the body on the connection; then Close is the caller's duty. A buffered
// response has at most 1 GiB, unless WithMaxResponseBytes says otherwise: stream
// what may be large.
//
// Content that comes as gzip, deflate, br or zstd is decoded, and Accept-Encoding
// asks for these (WithDecoding, WithDecoder). RawBody has it as received. Content
// that is broken, is cut short or grows more than a thousandfold is an error:
// ErrDecoding.
//
// A request that meets a connection which the server has just closed goes out
// on another one, if its method (or an Idempotency-Key) and its body allow that.
// Nothing else is repeated; IsRetryable says what a caller may repeat.
//
// # A request's way
//
// Redirects are not followed unless WithFollowRedirects says so. Each request
// that goes out passes authentication, WithRetry, cookies, the functions of
// OnRequest, middleware and the transport; its response comes back the same way.
// The environment (HTTP_PROXY and the like) has a say unless WithTrustEnv takes
// it away.
//
// # Timeouts
//
// Four inactivity timeouts, five seconds each, are in force unless told
// otherwise: Connect, Read, Write and Pool. They bound waiting, not the whole
// request; a deadline on the context does that. Never switches one off. A
// deadline that has passed matches ErrTimeout, as the four do.
//
// # Limits
//
// By default a client has at most 100 connections and keeps at most 20 idle
// ones, for five seconds each. See Limits. Those of one response are
// WithMaxResponseBytes and WithMaxDecodeRatio.
//
// # Concurrency
//
// A Client is safe for concurrent use. A Request may be sent by many goroutines
// at once as long as nobody changes it. A Response belongs to one goroutine;
// only its Close may be called from another.
//
// # Errors
//
// Every failure is an *Error. Ask errors.Is with the sentinels (ErrTimeout,
// ErrConnect, ErrRemoteProtocol, …); a cancelled context is found by
// errors.Is(err, context.Canceled). A status that is not 2xx is no failure:
// Response.Err turns it into one.
//
// # Limitations
//
// HTTP/3, a cache and automatic configuration of proxies are not part of it. A
// proxy is spoken to over HTTP/1.1; there is no chain of proxies, no SOCKS4 and no
// NTLM. The proxy settings of macOS and Windows are not read, the environment is.
package httpx
