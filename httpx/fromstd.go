package httpx

import (
	"cmp"
	"context"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"gohttpx.dev/wire"
)

// FromStd makes a Response of one of net/http, whose body it takes over: closing
// the one closes the other. The order of the fields is lost and their case is
// canonical; they are sorted by name. Trailer, ContentLength, Proto and the state
// of TLS are kept, and after 101 (Switching Protocols) or a 2xx answer to CONNECT
// Upgrade works if the body is an io.ReadWriteCloser.
//
// Request and URL are those of res.Request; a client that gets the response from
// its transport sets them where there is none.
func FromStd(res *http.Response) *Response { return fromStd(context.Background(), res, nil) }

// fromStd is FromStd for the answer to req, which may be nil, under ctx.
func fromStd(ctx context.Context, res *http.Response, req *Request) *Response {
	r := &Response{
		StatusCode: res.StatusCode,
		Reason:     strings.TrimSpace(strings.TrimPrefix(res.Status, strconv.Itoa(res.StatusCode))),
		Proto:      protoOf(res.ProtoMajor, res.ProtoMinor).String(),
		Header:     headerFromStd(res.Header),
		Request:    req,
		start:      now(),
	}
	if req == nil {
		r.Request = requestFromStd(res.Request)
	} else {
		r.more = req.more
	}
	r.URL = r.Request.URL
	r.complete()
	r.wire = wire.Response{
		Status: res.StatusCode, Proto: protoOf(res.ProtoMajor, res.ProtoMinor), ContentLength: res.ContentLength,
		Conn: &wire.ConnInfo{Proto: protoOf(res.ProtoMajor, res.ProtoMinor), TLS: res.TLS},
	}
	if r.Request.Method == "HEAD" {
		r.wire.ContentLength = 0 // of the body that follows
	}
	if res.Body == nil || res.Body == http.NoBody {
		r.wire.ContentLength = 0
		r.wire.Trailers = wire.Fields(headerFromStd(res.Trailer))
	} else {
		r.wire.Body = wire.NewBody(&stdSource{ctx: ctx, res: res, dst: &r.wire, connect: r.Request.Method == "CONNECT"}, 0)
	}
	return r
}

// protoOf reads a version; one that is not known is taken for HTTP/1.1.
func protoOf(major, minor int) wire.Proto {
	switch {
	case major == 2:
		return wire.HTTP2
	case major == 1 && minor == 0:
		return wire.HTTP10
	}
	return wire.HTTP11
}

// requestFromStd keeps what is to be known of a request that has been sent. The
// result is never nil, but has no URL where req has none.
func requestFromStd(req *http.Request) *Request {
	if req == nil {
		return &Request{Method: "GET"}
	}
	r := &Request{Method: cmp.Or(req.Method, "GET"), Header: headerFromStd(req.Header)}
	if req.URL != nil {
		r.URL, _ = ParseURL(req.URL.String())
	}
	return r
}

// headerFromStd lists the fields sorted by name, as a map has no order.
func headerFromStd(h http.Header) Header {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	var out Header
	for _, name := range names {
		for _, v := range h[name] {
			out.Add(name, v)
		}
	}
	return out
}

// stdHeader is the other way round.
func stdHeader(h Header) http.Header {
	out := make(http.Header, len(h))
	for i := range h {
		name := textproto.CanonicalMIMEHeaderKey(h[i].Name)
		out[name] = append(out[name], h[i].Value)
	}
	return out
}

// stdSource is the content of a response of net/http, as an engine's.
type stdSource struct {
	ctx     context.Context // of the request
	res     *http.Response
	dst     *wire.Response // which gets the trailers
	connect bool
	ended   atomic.Bool // closed or handed over
}

// ReadBody implements wire.BodySource.
func (s *stdSource) ReadBody(_ uint64, p []byte) (int, error) {
	if s.ended.Load() {
		return 0, wire.ErrBodyClosed
	}
	n, err := s.res.Body.Read(p)
	switch {
	case err == nil:
		return n, nil
	case err == io.EOF:
		s.dst.Trailers = wire.Fields(headerFromStd(s.res.Trailer))
		return n, io.EOF
	case s.ended.Load():
		return n, wire.ErrBodyClosed
	}
	return n, stdError(s.ctx, wire.PhaseBody, err)
}

// CloseBody implements wire.BodySource.
func (s *stdSource) CloseBody(uint64) error {
	if s.ended.Swap(true) {
		return nil
	}
	return s.res.Body.Close()
}

// DetachBody implements wire.Detacher.
func (s *stdSource) DetachBody(uint64) (net.Conn, error) {
	rwc, ok := s.res.Body.(io.ReadWriteCloser)
	if !ok || s.res.StatusCode != 101 && (!s.connect || s.res.StatusCode/100 != 2) {
		return nil, wire.ErrNotSwitched
	}
	if s.ended.Swap(true) {
		return nil, wire.ErrBodyClosed
	}
	if nc, ok := rwc.(net.Conn); ok {
		return nc, nil
	}
	return &stdStream{ReadWriteCloser: rwc}, nil
}

// stdStream makes a net.Conn of a body that can be written to. It has no
// addresses and no deadlines.
type stdStream struct{ io.ReadWriteCloser }

func (*stdStream) LocalAddr() net.Addr              { return noAddr{} }
func (*stdStream) RemoteAddr() net.Addr             { return noAddr{} }
func (*stdStream) SetDeadline(time.Time) error      { return http.ErrNotSupported }
func (*stdStream) SetReadDeadline(time.Time) error  { return http.ErrNotSupported }
func (*stdStream) SetWriteDeadline(time.Time) error { return http.ErrNotSupported }

// noAddr is the address of what has none.
type noAddr struct{}

func (noAddr) Network() string { return "unknown" }
func (noAddr) String() string  { return "unknown" }

// Std makes a response of net/http of r. A stream's body is r's own, and closing
// it is the caller's duty once; a buffered one is there as often as Std is
// called. Field names become canonical and their order is lost;
// Transfer-Encoding and Trailer are in members of their own, as net/http has it,
// and content that is decoded is marked as Uncompressed.
// Trailer has its keys from the start and its values at the end of the body.
// After 101 (Switching Protocols), or a 2xx answer to CONNECT, Body is an
// io.ReadWriteCloser, and Upgrade is not to be called any more. Request is a copy
// without a body.
func (r *Response) Std() *http.Response {
	res := &http.Response{
		Status:        r.Status(),
		StatusCode:    r.StatusCode,
		Proto:         r.Proto,
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        stdHeader(r.Header),
		ContentLength: r.ContentLength(),
		TLS:           r.Conn().TLS,
	}
	switch r.Proto {
	case "HTTP/2":
		res.Proto, res.ProtoMajor, res.ProtoMinor = "HTTP/2.0", 2, 0
	case "HTTP/1.0":
		res.ProtoMinor = 0
	}
	if req := r.Request; req != nil && req.URL != nil {
		res.Request, _ = (&Request{Method: req.Method, URL: req.URL, Header: req.Header}).Std(context.Background())
	}
	res.TransferEncoding = takeTransferEncoding(res.Header)
	res.Trailer = takeTrailerKeys(res.Header)
	connection := strings.ToLower(strings.Join(res.Header["Connection"], ","))
	res.Close = strings.Contains(connection, "close") || r.Proto == "HTTP/1.0" && !strings.Contains(connection, "keep-alive")
	method := "GET"
	if r.Request != nil {
		method = r.Request.Method
	}
	if method == "HEAD" {
		res.ContentLength = -1
		if n, err := strconv.ParseInt(res.Header.Get("Content-Length"), 10, 64); err == nil && n >= 0 {
			res.ContentLength = n
		}
	}
	if d := r.decoder(); d != plainBody && d != rawTaken && d != closedBody {
		res.Header.Del("Content-Encoding")
		res.Header.Del("Content-Length")
		res.ContentLength, res.Uncompressed = -1, true
	}
	switch {
	case r.buffered:
		if method != "HEAD" {
			res.ContentLength = int64(len(r.body))
		}
		res.Body = &stdBody{Reader: strings.NewReader(string(r.body)), r: r, res: res}
	case r.StatusCode == 101 || method == "CONNECT" && r.IsSuccess():
		if nc, err := r.Upgrade(); err == nil {
			res.Body = nc
			break
		}
		res.Body = r.Body
	case r.Body == r.ownBody() && r.source == nil && r.wire.Body.Ended():
		res.Body = http.NoBody
		(&stdBody{r: r, res: res}).fillTrailer() // over HTTP/2 it may have come with the head
		r.stop()
	default:
		res.Body = &stdBody{Reader: r.Body, r: r, res: res}
	}
	return res
}

func takeTransferEncoding(h http.Header) []string {
	te := h["Transfer-Encoding"]
	delete(h, "Transfer-Encoding")
	if len(te) == 0 {
		return nil
	}
	delete(h, "Content-Length") // RFC 9112 §6.3 item 3
	return []string{"chunked"}
}

// takeTrailerKeys turns the announcement of trailers (RFC 9110 §6.6.2) into
// keys without values; nil if there is none.
func takeTrailerKeys(h http.Header) http.Header {
	var keys http.Header
	for _, list := range h["Trailer"] {
		for name := range strings.SplitSeq(list, ",") {
			if name = textproto.CanonicalMIMEHeaderKey(strings.Trim(name, " \t")); name != "" {
				if keys == nil {
					keys = http.Header{}
				}
				keys[name] = nil
			}
		}
	}
	delete(h, "Trailer")
	return keys
}

// stdBody is the body of a response that was turned into one of net/http.
type stdBody struct {
	io.Reader
	r   *Response
	res *http.Response
}

func (b *stdBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	switch {
	case err == io.EOF:
		b.fillTrailer()
	case err != nil:
		err = stdReadError(err)
	}
	return n, err
}

func (b *stdBody) fillTrailer() {
	t := stdHeader(b.r.Trailer())
	if len(t) == 0 {
		return
	}
	if b.res.Trailer == nil {
		b.res.Trailer = t
		return
	}
	for name, vs := range t {
		b.res.Trailer[name] = vs
	}
}

func (b *stdBody) Close() error {
	if b.r.buffered {
		return nil
	}
	return b.r.Close()
}

// Std makes a request of net/http of r, to be sent once, under ctx. It takes
// r's body, which must be closed; one that can be made anew gets a GetBody. The
// order and the case of the fields are lost, and with them the timeouts, the
// hooks and the options of the connection; user information in the URL is left
// out. A request without User-Agent stays without one. Trailers have the keys
// that a Trailer field announces, and their values when the body has been read.
func (r *Request) Std(ctx context.Context) (*http.Request, error) {
	if r.URL == nil || !r.URL.IsAbs() {
		r.content.drop()
		return nil, invalidURL("the request has no absolute URL")
	}
	u, err := url.Parse(r.URL.render("", r.URL.RawQuery()))
	if err != nil {
		r.content.drop()
		return nil, &Error{Op: "url", Request: r, Err: err}
	}
	target := r.URL.target
	if r.more != nil && r.more.target != "" {
		target = r.more.target
	}
	if u.RequestURI() != target && r.Method != "CONNECT" {
		u.Opaque, u.RawQuery, u.ForceQuery = target, "", false
	}
	req := (&http.Request{
		Method: r.Method, URL: u, Header: stdHeader(r.Header), Host: r.Header.Get("Host"),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	delete(req.Header, "Host")
	delete(req.Header, "Content-Length")
	if !r.Header.Has("User-Agent") {
		req.Header["User-Agent"] = nil // or net/http adds its own
	}
	chunked := r.Header.Has("Transfer-Encoding")
	delete(req.Header, "Transfer-Encoding")
	if r.content.open != nil {
		if err := r.stdContent(req); err != nil {
			return nil, &Error{Op: "request", Request: r, Err: &wire.Error{Phase: wire.PhaseWrite, Kind: wire.KindRequestBody, Err: err}}
		}
	}
	if m := r.more; m != nil && m.trailer != nil {
		req.Trailer = takeTrailerKeys(req.Header)
		if req.Trailer == nil {
			req.Trailer = http.Header{}
		}
		if req.Body == nil || req.Body == http.NoBody {
			req.Body = io.NopCloser(strings.NewReader(""))
		}
		req.Body = &trailedBody{ReadCloser: req.Body, req: req, trailer: m.trailer}
		req.ContentLength, req.GetBody, chunked = -1, nil, true
	}
	if chunked && req.Body != nil {
		req.ContentLength, req.TransferEncoding = -1, []string{"chunked"}
	}
	return req, nil
}

// stdContent opens the body for req.
func (r *Request) stdContent(req *http.Request) error {
	body, n, err := r.content.take()
	if err != nil {
		return err
	}
	req.Body, req.ContentLength = body, n
	if n == 0 { // to net/http that would be an unknown length
		body.Close()
		req.Body = http.NoBody
	}
	if r.content.canRepeat() {
		open := r.content.open
		req.GetBody = func() (io.ReadCloser, error) {
			again, _, err := open()
			return again, err
		}
	}
	if n != 0 && r.timeLimits().Continue > 0 && req.Header.Get("Expect") == "" {
		req.Header.Set("Expect", "100-continue")
	}
	return nil
}

// trailedBody gives a request its trailers when its content has been read.
type trailedBody struct {
	io.ReadCloser
	req     *http.Request
	trailer func() Header
}

func (b *trailedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF && b.trailer != nil {
		for name, vs := range stdHeader(b.trailer()) {
			b.req.Trailer[name] = vs
		}
		b.trailer = nil
	}
	return n, err
}
