package httpx

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"gohttpx.dev/wire"
)

// Response is a response. From Do, Get and the like its body is in memory and
// nothing needs to be closed; from Stream and SendStream the body is still on
// the connection, and Close is the caller's duty.
type Response struct {
	// StatusCode is the three-digit status.
	StatusCode int
	// Reason is the reason phrase as received; it may be empty. HTTP/2 has none:
	// then it is the registered one.
	Reason string
	// Proto is "HTTP/1.0", "HTTP/1.1" or "HTTP/2".
	Proto string
	// Header is the header section, in the order and case received.
	Header Header
	// URL is the URL that was requested.
	URL *URL
	// Request is the request that was sent.
	Request *Request
	// Body reads the content, from memory or from the connection, without the
	// codings that Content-Encoding names (see WithDecoding). It is never nil in
	// what a client returns.
	Body io.ReadCloser
	// History are the responses that led here, the oldest first: redirects that
	// were followed and challenges that were answered. Their bodies are gone.
	History []*Response
	// NextRequest is what a redirect that was not followed calls for. Send it
	// with the client to follow by hand. nil for all other responses.
	NextRequest *Request

	// Every request makes one of these: in the garbage collector's sizes 448 bytes.
	body      []byte                   // the content, once buffered is set
	off       int                      // in body: where Body reads on
	received  atomic.Int64             // bytes of content read from the connection
	source    io.ReadCloser            // the body that another transport gave; nil: the engine's
	decoding  atomic.Pointer[decoding] // nil until somebody reads
	more      *more                    // what was said of responses; nil: nothing
	start     moment
	total     atomic.Int64            // nanoseconds from start to the end of the body; 0: not ended
	atEnd     atomic.Pointer[endHook] // nil: nobody waits for it
	progress  func(done, total int64) // SaveToFile's; nil: the request's, if any
	self      *Response               // r, once it is complete; a copy that somebody makes is not
	found     atomic.Pointer[foundCharset]
	textRead  atomic.Bool // text has been given out
	lease     lease       // of the request's body
	buffered  bool
	buffering bool // Buffer has been called; the reader's
	atEOF     bool // the content has been read to its end; the reader's
	traced    bool // the traces will be told of the end

	wire wire.Response // the engine's side, in the same allocation
}

// moment is a time that durations are measured from, in nanoseconds since some
// other.
type moment int64

var theOther = time.Now()

func now() moment { return moment(time.Since(theOther)) }

func (m moment) since() time.Duration { return time.Duration(now() - m) }

// ownBody is what Body is as long as nobody has put another in its place.
func (r *Response) ownBody() *streamBody { return (*streamBody)(r) }

// complete says that r is whole: a client or a transport of ours has filled it in.
func (r *Response) complete() { r.Body, r.self = r.ownBody(), r }

// Buffer reads the rest of the content into memory and frees the connection.
// It does nothing for a response that is buffered already. Above 1 GiB it fails
// with ErrResponseTooLarge, unless WithMaxResponseBytes says otherwise.
func (r *Response) Buffer() error {
	if r.buffered {
		return nil
	}
	var b []byte
	err := io.EOF
	if r.Body == nil {
		r.Body = http.NoBody
	}
	if r.Body != r.ownBody() { // middleware or a hook has put its own around it
		r.buffering = true
		limit := r.limit() // its output may be more than what ours has counted
		b, err = io.ReadAll(io.LimitReader(r.Body, max(limit, limit+1)))
		if err == nil && int64(len(b)) > limit {
			err = r.tooLarge("read", limit)
		}
		if err != nil {
			r.Body.Close()
			return r.ended(err)
		}
		r.Body.Close()
		r.stop()
		r.complete()
		r.body, r.buffered = b, true
		return nil
	}
	if r.source != nil || !r.wire.Body.Ended() {
		r.buffering = true
		b, err = readAll(r)
	}
	if err := r.ended(err); err != io.EOF {
		rawBody{r}.Close()
		return err
	}
	r.body, r.buffered = b, true
	return nil
}

// readAll reads to the end and returns io.EOF with all there was. It trusts the
// announced length for no more than 64 KiB at once, so that a peer which
// announces much and sends little costs little.
func readAll(r *Response) ([]byte, error) {
	const trust = 64 << 10
	size, announced := int64(512), r.ContentLength()
	if announced >= 0 {
		if r.decoder() != plainBody {
			size, announced = max(size, bufferedGuess*min(announced, trust)), -1
		} else {
			size = announced
		}
		size = min(size, trust)
	}
	buf := make([]byte, 0, max(size, 1))
	for {
		if len(buf) == cap(buf) {
			if int64(len(buf)) == announced {
				// All of it, but not the end, which over HTTP/2 may come in a
				// frame of its own: a larger buffer would be for nothing.
				probe := make([]byte, 1)
				n, err := r.read(probe)
				buf = append(buf, probe[:n]...)
				if err != nil {
					return buf, err
				}
				continue
			}
			want := int64(2 * cap(buf))
			if int64(len(buf)) < announced {
				want = min(want, announced)
			}
			grown := make([]byte, len(buf), want)
			copy(grown, buf)
			buf = grown
		}
		n, err := r.read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err != nil {
			return buf, err
		}
	}
}

// adopt makes r the response to req, where another transport than ours made it.
func (r *Response) adopt(req *Request) {
	r.more = req.more
	if r.Request == nil || r.Request.URL == nil {
		r.Request = req
	}
	if r.URL == nil {
		r.URL = r.Request.URL
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	if r.Proto == "" {
		r.Proto = "HTTP/1.1"
	}
	if r.self == r {
		return // it came from the network, or has been buffered
	}
	r.start = now()
	if r.Body != http.NoBody {
		r.source = r.Body
	}
	if other, ok := r.Body.(*streamBody); ok || r.self != nil {
		// Made of another, which decodes, and tells of its end.
		r.decoding.Store(plainBody)
		r.traced = r.traced || ok && other.traced
	}
	r.complete()
}

// Close ends the exchange. A body that was not read to its end is drained a
// little or its connection closed. Close may be called twice, and while another
// goroutine reads.
func (r *Response) Close() error {
	if r.Body == nil { // a middleware has made it
		return nil
	}
	return r.Body.Close()
}

// Bytes returns the content of a buffered response. For a stream it returns
// nil until Buffer has been called. It must not be changed.
func (r *Response) Bytes() []byte { return r.body }

// Decode is JSON with the type as a parameter.
func Decode[T any](r *Response) (T, error) {
	var v T
	err := r.JSON(&v)
	return v, err
}

// Status returns code and reason, "404 Not Found"; without a reason phrase the
// registered one.
func (r *Response) Status() string {
	reason := r.Reason
	if reason == "" {
		reason = http.StatusText(r.StatusCode)
	}
	return strings.TrimSpace(strconv.Itoa(r.StatusCode) + " " + printable([]byte(reason)))
}

// String returns the request line with the redacted URL, and the status.
func (r *Response) String() string {
	if r == nil {
		return "no response"
	}
	return r.Request.String() + ": " + r.Status()
}

// GoString is String, so that %#v shows no secret of the request either.
func (r *Response) GoString() string { return "httpx.Response(" + r.String() + ")" }

// IsInformational reports a 1xx status.
func (r *Response) IsInformational() bool { return r.StatusCode/100 == 1 }

// IsSuccess reports a 2xx status.
func (r *Response) IsSuccess() bool { return r.StatusCode/100 == 2 }

// IsRedirect reports a 3xx status.
func (r *Response) IsRedirect() bool { return r.StatusCode/100 == 3 }

// IsClientError reports a 4xx status.
func (r *Response) IsClientError() bool { return r.StatusCode/100 == 4 }

// IsServerError reports a 5xx status.
func (r *Response) IsServerError() bool { return r.StatusCode/100 == 5 }

// IsError reports a 4xx or 5xx status.
func (r *Response) IsError() bool { return r.IsClientError() || r.IsServerError() }

// ContentLength returns the announced length of the body that follows, -1 if
// unknown: 0 after HEAD, whatever Content-Length says. Where the content is
// encoded, that is the length before decoding.
func (r *Response) ContentLength() int64 {
	if r.source != nil {
		return -1
	}
	return r.wire.ContentLength
}

// Trailer returns the trailer section; it is there once the body has been read
// to its end.
func (r *Response) Trailer() Header { return Header(r.wire.Trailers) }

// Anomalies says which departures from RFC 9112 the server was forgiven.
func (r *Response) Anomalies() wire.Anomalies { return r.wire.Anomalies }

// Upgrade takes the connection over after 101 (Switching Protocols), or after a
// 2xx answer to CONNECT. No timeout applies to it any longer, the context of
// the request no longer matters, and closing it is the caller's duty. For any
// other response the error is ErrNotSwitched.
func (r *Response) Upgrade() (net.Conn, error) {
	nc, err := r.wire.Body.Detach()
	if err != nil {
		return nil, wrap(r.Request, r.conn(), err)
	}
	r.stop()
	return nc, nil
}

// ConnInfo says which connection carried a response.
type ConnInfo struct {
	// Proto is the protocol that the connection speaks.
	Proto string
	// LocalAddr and RemoteAddr are the socket's.
	LocalAddr, RemoteAddr net.Addr
	// TLS is the state after the handshake, nil in cleartext.
	TLS *tls.ConnectionState
	// Proxy is the proxy's URL without credentials, "" for none.
	Proxy string
	// StreamID is the HTTP/2 stream, 0 over HTTP/1.1.
	StreamID uint32
	// Reused reports that the connection had served a request before.
	Reused bool
}

// Conn returns the facts of the connection. They outlive it.
func (r *Response) Conn() ConnInfo {
	if c := r.conn(); c != nil {
		return *c
	}
	return ConnInfo{}
}

func (r *Response) conn() *ConnInfo {
	c := r.wire.Conn
	if c == nil {
		return nil
	}
	return connInfo(c, r.wire.StreamID, r.wire.Reused)
}

func connInfo(c *wire.ConnInfo, stream uint32, reused bool) *ConnInfo {
	return &ConnInfo{
		Proto: c.Proto.String(), LocalAddr: c.LocalAddr, RemoteAddr: c.RemoteAddr, TLS: c.TLS,
		Proxy: c.Proxy, StreamID: stream, Reused: reused,
	}
}

// Timings says where the time of a request went. DNS, Connect and TLS are zero
// on a reused connection.
type Timings struct {
	// Pool is the wait for a connection, not counting its dial.
	Pool time.Duration
	// DNS, Connect and TLS are the parts of the dial.
	DNS, Connect, TLS time.Duration
	// Write is the sending of the request, FirstByte the wait from there to
	// the response.
	Write, FirstByte time.Duration
	// Total is from the call to the end of the body, or to now where that has
	// not come.
	Total time.Duration
}

// Timings returns where the time went. It may be asked at any time.
func (r *Response) Timings() Timings {
	t := Timings{
		Pool: r.wire.Timing.Pool, Write: r.wire.Timing.Write, FirstByte: r.wire.Timing.FirstByte,
		Total: r.Elapsed(),
	}
	if c := r.wire.Conn; c != nil && !r.wire.Reused {
		t.DNS, t.Connect, t.TLS = c.DNS, c.Connect, c.TLSHandshake
	}
	return t
}

// Elapsed returns the time from the call to the end of the body, or to now
// where that has not come.
func (r *Response) Elapsed() time.Duration {
	if d := r.total.Load(); d != 0 {
		return time.Duration(d)
	}
	return r.start.since()
}
