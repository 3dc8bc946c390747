// Package h1 speaks HTTP/1.1 as a client (RFC 9112): a codec of pure functions,
// and Conn, an engine that runs exchanges over one connection with them.
//
// # Overview
//
// The codec does no I/O, keeps no time and owns no buffer. It can be used
// without the engine:
//
//   - AppendRequest writes a request head, having checked all of it;
//     AppendChunk and AppendLastChunk write a chunked body.
//   - ScanHead finds the end of a response head however its bytes arrive,
//     Parser.Response parses it, BodyFraming says where the content ends and
//     KeepAlive whether the connection may serve another request.
//   - ChunkDecoder takes a chunked body apart; ScanTrailers and Parser.Trailers
//     read the trailer section behind it.
//
// Functions that append return dst longer than it was, or as it was beside an
// error. Functions that parse return how many bytes they are done with: 0 and no
// error means that more are needed.
//
// Rules is the set of departures from the grammar that are accepted; its zero
// value is right for the open Internet. What was accepted is noted in
// wire.Response.Anomalies. Limits bounds what one response may cost.
//
// Conn makes one exchange at a time. NewConn takes a connection that has been
// dialled; the caller of RoundTrip does the reading and writing.
//
// # Errors
//
// What the peer did wrong is a *ParseError, with the rule, the offset and what
// was found; what the caller asked for in vain is a *RequestError. Both come
// from the engine inside a *wire.Error. Their texts never quote a field value.
//
// # Concurrency
//
// The codec's functions may be called from anywhere. A Parser or ChunkDecoder
// belongs to one goroutine at a time. The methods of Conn may be called
// concurrently, as pool.Conn asks for.
//
// # Limitations
//
// HTTP/0.9, pipelining and transfer codings other than chunked are not
// supported; a response with any other coding is an error. The strings of a head
// are parts of one string: clone one that is kept for long. A request target is
// written as it is: characters that RFC 3986 wants percent-encoded pass if they
// are visible ASCII, since URLs in use have them. Which form of target a request
// needs depends on whether it goes to a proxy, which the caller knows. A folded
// Content-Length or Transfer-Encoding is refused, although RFC 9112 §5.2 would
// have the fold replaced. To a server of which nothing is known a body of
// unknown length is sent chunked, as if it spoke HTTP/1.1; on a connection that
// has brought an HTTP/1.0 response it is refused (RFC 9112 §6.1).
package h1
