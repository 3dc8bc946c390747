// Package h2 speaks HTTP/2 as a client (RFC 9113): a codec of frames, settings,
// windows and field blocks, and Conn, an engine that runs many exchanges over one
// connection with them.
//
// # Overview
//
// The codec does no I/O and keeps no time. Whether a frame can be read and
// whether it is legal are two questions, since who studies a peer needs the
// first without the second:
//
//   - ParseFrame takes one frame of any type and with any flags off the front of
//     a buffer; Frame.Check applies the rules of RFC 9113 §6 to it.
//   - Frame's accessors (Data, Fragment, Settings, GoAway, …) read its payload.
//   - Append functions write frames of every type; AppendRaw writes any header,
//     legal or not.
//   - PeerSettings applies the peer's SETTINGS; SendWindow and RecvWindow count
//     flow control.
//   - AppendRequestFields makes the field list of a request, checked and with its
//     pseudo-fields, which FieldEncoder turns into a field block.
//   - FieldDecoder turns the fragments of a field block into the fields of a
//     wire.Response and applies the rules of RFC 9113 §8.
//   - Framer reads and writes frames over any io.ReadWriter, with no engine.
//
// Functions that append return dst longer than it was, or as it was beside an
// error. ParseFrame returns how many bytes it is done with: 0 and no error means
// that more are needed.
//
// Conn is made by NewConn over a connection that has been dialled, with TLS and
// ALPN or in cleartext with prior knowledge. RoundTrip makes an exchange; Open
// gives a stream that the caller drives by hand, WriteFrame sends any frame, and
// Config.OnFrame sees them all. A 2xx answer to CONNECT, plain or extended (RFC
// 8441), can be taken over as a net.Conn. Conn finds out by PING that a peer has
// gone, obeys GOAWAY, and keeps hostile peers within the budgets of guard.go.
//
// HPACK (RFC 7541) is that of golang.org/x/net/http2/hpack. FieldEncoder adds a
// memo of what it has encoded and a rule for what goes into the table;
// FieldDecoder adds the limits, and knows literals again that it has seen.
//
// # Errors
//
// ConnError ends the connection and StreamError one stream; both say who found
// fault with whom, and hold the code for the wire. GoAwayError is the peer's
// GOAWAY. What the caller asked for in vain is a *RequestError inside a
// *wire.Error. Texts never quote a field value.
//
// Conn returns *wire.Error with one of these inside. KindUnprocessed says that
// the peer has not looked at the request (REFUSED_STREAM, or a stream above
// GOAWAY's last), KindDisconnected that the connection ended before a byte of
// the response head. One that ends later breaks the protocol, or is KindNetwork
// if it was reset within the content. What ends one stream leaves the others
// alone: timeouts, resets of it and malformed responses do; what a ConnError
// describes ends them all, and so does a socket that fails.
//
// # Concurrency
//
// Functions may be called from anywhere. FieldEncoder, FieldDecoder, Framer and
// the window types belong to one goroutine, or one lock, at a time. Field blocks
// must be encoded in the order in which they are sent and decoded in the order
// in which they came, whatever becomes of their streams: HPACK has state. The
// methods of Conn may be called concurrently, as pool.Conn asks for.
//
// # Limitations
//
// Server push is not supported: PUSH_PROMISE can be parsed, and its field block
// decoded in order to be dropped. Priorities of RFC 7540 are parsed and mean
// nothing (RFC 9113 §5.3.2); that a stream depends on itself, which RFC 7540
// forbade, is therefore no error. A Dynamic Table Size Update in mid-block is
// refused only if the table has entries. HTTP/1.1's Upgrade to h2c is gone from
// RFC 9113.
//
// A complete response ends its request: what was not sent of a longer one is
// given up with RST_STREAM (CANCEL). A response that was received to its end and
// is not read or closed keeps its slot and its memory; what was received of one
// that failed keeps its memory, and counts, in the same way. A peer is taken for
// dead if it answers no PING within five seconds, even if the answer stands behind
// an upload that the socket has taken and the network has not. Streams cannot be opened
// with WriteFrame, since the engine would not know them.
package h2
