package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"

	"gohttpx.dev/h1"
	"gohttpx.dev/internal/digest"
	"gohttpx.dev/internal/grammar"
	"gohttpx.dev/wire"
)

const (
	// keepBody bounds Error.Body.
	keepBody = 4 << 10
	// drainBody bounds the content of a 407 that is read away to use the
	// connection again.
	drainBody = 64 << 10
	// bodyWait bounds the wait for the content of a refusal, which is of less
	// worth than an error that comes soon.
	bodyWait = time.Second
)

// Tunnel asks an HTTP proxy for a tunnel by CONNECT (RFC 9110 §9.3.6). It is
// filled by the caller and serves for one tunnel: Connect may be called again
// after ErrRedial only, and not concurrently.
type Tunnel struct {
	// Addr is the target, host:port, an IPv6 address in brackets.
	Addr string
	// Fields are sent to the proxy after Host, in their order and case. A
	// Proxy-Authorization among them gives way to Authorization and to the
	// answers of Authorize. Without an Accept, "Accept: */*" is added.
	Fields wire.Fields
	// Authorization is the value of Proxy-Authorization in the first request,
	// "" for none. See Basic.
	Authorization string
	// Authorize, if set, answers a 407. It is given the values of all
	// Proxy-Authenticate fields, the method "CONNECT" and Addr, and returns the
	// value of Proxy-Authorization; ok is false where it has no answer, or no
	// better one than before. It is asked three times at most. An error ends
	// the negotiation; its text is shown and must hold no secret.
	Authorize func(challenges []string, method, uri string) (field string, ok bool, err error)
	// Response, if set, sees the answer that decides: a 2xx, which it may
	// refuse by an error, or the refusal that Connect is going to report. A
	// 407 that is answered is not shown. It must not keep nor change fields.
	Response func(status int, fields wire.Fields) error
	// Limits bounds the heads of the answers: HeadBytes, Fields and Interim are
	// used. Zero means the defaults of h1.
	Limits h1.Limits
	// Rules says what departures from RFC 9112 are accepted in them.
	Rules h1.Rules

	answer  string // takes the place of Authorization; set by a 407
	answers int
}

// Connect makes the tunnel over nc, a fresh connection to the proxy, and
// returns the connection through it: nc itself, or one that first replays the
// bytes which came right behind the answer's head. Such bytes are the target's:
// a server that speaks first has sent them. They do not come from a TLS server,
// whose client then sees the handshake fail on them.
//
// The context bounds all of it and nothing after it. An error is a *wire.Error
// around an *Error, and nc has been closed. It matches ErrRedial where Connect
// is to be called again with a fresh connection.
func (t *Tunnel) Connect(ctx context.Context, nc net.Conn) (net.Conn, error) {
	x := &exchange{talk: begin(ctx, nc, t.Addr), limits: t.Limits, parser: h1.Parser{Rules: t.Rules, MaxFields: t.Limits.Fields}}
	if x.limits.HeadBytes <= 0 {
		x.limits.HeadBytes = h1.DefaultHeadBytes
	}
	if x.limits.Interim <= 0 {
		x.limits.Interim = h1.DefaultInterim
	}
	if err := x.end(StepConnect, t.negotiate(x)); err != nil {
		return nil, err
	}
	if x.r == x.w {
		return nc, nil
	}
	return &replay{Conn: nc, lead: x.buf[x.r:x.w:x.w]}, nil
}

// negotiate sends requests until one is answered for good.
func (t *Tunnel) negotiate(x *exchange) error {
	if what := badTarget(t.Addr); what != "" {
		return x.unsendable(StepConnect, "the target %s (RFC 9112 §3.2.3)", what)
	}
	for answered := false; ; answered = true {
		head, err := t.request()
		if err != nil {
			// Its text quotes no value; its phase is not the one to show.
			var e *h1.RequestError
			if errors.As(err, &e) {
				return x.unsendable(StepConnect, "%w", e)
			}
			return x.unsendable(StepConnect, "%w", err)
		}
		if err := x.ctx.Err(); err != nil {
			return x.failed(StepConnect, "before the request", err)
		}
		_, werr := x.nc.Write(head)
		// A proxy may answer and close without having read all.
		res := new(wire.Response)
		if err := x.final(res); err != nil {
			var e *wire.Error
			if answered && x.r == x.w && errors.As(err, &e) && e.Kind == wire.KindNetwork {
				// It has closed behind its 407 without saying that it would.
				return refused(&Error{Step: StepConnect, Addr: t.Addr, StatusCode: 407, Err: ErrRedial})
			}
			if werr != nil {
				return x.failed(StepConnect, "writing the request", werr)
			}
			return err
		}
		if res.Status/100 == 2 {
			// RFC 9110 §9.3.6: Content-Length and Transfer-Encoding of a 2xx
			// answer are ignored.
			return t.see(x, res)
		}
		again, err := t.refusal(x, res)
		if !again {
			return err
		}
	}
}

// request writes the head.
func (t *Tunnel) request() ([]byte, error) {
	auth := t.Authorization
	if t.answers > 0 {
		auth = t.answer
	}
	fields := make(wire.Fields, 0, len(t.Fields)+2)
	if !t.Fields.Has("Accept") {
		fields.Add("Accept", "*/*")
	}
	fields = append(fields, t.Fields...)
	if auth != "" {
		fields.Del("Proxy-Authorization")
		fields = append(fields, wire.Field{Name: "Proxy-Authorization", Value: auth, Sensitive: true})
	}
	return h1.AppendRequest(nil, &wire.Request{Method: "CONNECT", Scheme: "http", Authority: t.Addr, Target: t.Addr, Fields: fields}, t.Rules)
}

// see shows the answer that decides to the hook.
func (t *Tunnel) see(x *exchange, res *wire.Response) error {
	if t.Response == nil {
		return nil
	}
	err := t.Response(res.Status, res.Fields)
	if err == nil {
		return nil
	}
	return &wire.Error{Phase: wire.PhaseProxy, Kind: wire.KindRefused, Err: &Error{
		Step: StepConnect, Addr: t.Addr, StatusCode: res.Status, Reason: res.Reason, Fields: res.Fields,
		Err: fmt.Errorf("the answer was refused: %w", err),
	}}
}

// refusal deals with an answer that is no 2xx: it finds an answer to a 407, to
// be sent on the same connection if again is true, or returns the error.
func (t *Tunnel) refusal(x *exchange, res *wire.Response) (again bool, err error) {
	had := t.Authorization != "" || t.answers > 0 || t.Fields.Has("Proxy-Authorization")
	e := &Error{Step: StepConnect, Addr: t.Addr, StatusCode: res.Status, Reason: res.Reason, Fields: res.Fields}
	framing, length, ferr := h1.BodyFraming("CONNECT", res, t.Rules)
	if res.Status == 407 && t.Authorize != nil && t.answers < digest.MaxProxyAnswers {
		field, ok, err := t.Authorize(res.Fields.Values("Proxy-Authenticate"), "CONNECT", t.Addr)
		if err != nil {
			e.Err = fmt.Errorf("the proxy's challenge cannot be answered: %w", err)
			return false, refused(e)
		}
		if ok {
			t.answer = field
			t.answers++
			if ferr == nil && h1.KeepAlive(res, false) && !closes(res.Fields) {
				if _, whole := x.content(framing, length, drainBody); whole && x.r == x.w {
					return true, nil
				}
			}
			e.Err = ErrRedial
			return false, refused(e)
		}
	}
	if ferr == nil {
		e.Body, _ = x.content(framing, length, keepBody)
	}
	if err := t.see(x, res); err != nil {
		return false, err
	}
	e.Err = errors.New(refusalText(res.Status, had))
	return false, refused(e)
}

// closes reports whether the proxy says by the old Proxy-Connection field that
// it will close.
func closes(fields wire.Fields) bool {
	for _, v := range fields.Values("Proxy-Connection") {
		if grammar.HasToken(v, "close") {
			return true
		}
	}
	return false
}

// refusalText says what a status means here, and what to do.
func refusalText(status int, had bool) string {
	s := fmt.Sprintf("the proxy answered %d", status)
	switch {
	case status == 407 && had:
		return s + " Proxy Authentication Required to the credentials that were sent: check user and password, and which schemes its Proxy-Authenticate field offers (RFC 9110 §15.5.8)"
	case status == 407:
		return s + " Proxy Authentication Required: give user and password for the proxy (RFC 9110 §15.5.8)"
	case status == 400:
		return s + " Bad Request: does it allow CONNECT? (RFC 9110 §9.3.6)"
	case status == 403:
		return s + " Forbidden: its rules do not allow a tunnel to this host or port (RFC 9110 §15.5.4)"
	case status == 405 || status == 501:
		return s + ": it does not serve CONNECT (RFC 9110 §9.3.6); is this the address of a proxy?"
	case status == 502 || status == 503 || status == 504:
		return s + ": it could not reach the target, or is overloaded (RFC 9110 §15.6)"
	case status/100 == 3:
		return s + ", a redirection, which is not followed by CONNECT (RFC 9110 §9.3.6)"
	}
	return s + " where only 2xx opens a tunnel (RFC 9110 §9.3.6)"
}

// badTarget says what is wrong with a target, "" for nothing.
func badTarget(addr string) string {
	if wire.BadAuthority(addr) >= 0 || !wire.HasPort(addr) {
		return "is no host:port with a port from 1 to 65535 and an IPv6 address in brackets"
	}
	if addr[0] != '[' {
		return ""
	}
	a, err := netip.ParseAddr(addr[1:strings.IndexByte(addr, ']')])
	switch {
	case err != nil || !a.Is6():
		return "has no IPv6 address in its brackets"
	case a.Zone() != "":
		return "has an IPv6 zone, which means nothing to another host"
	}
	return ""
}

// exchange is a talk in HTTP.
type exchange struct {
	*talk
	limits h1.Limits
	parser h1.Parser

	buf  []byte
	r, w int // buf[r:w] is read and not used
}

// more reads at least one byte into the buffer, which may grow to limit bytes.
func (x *exchange) more(limit int) error {
	if x.r > 0 {
		copy(x.buf, x.buf[x.r:x.w])
		x.r, x.w = 0, x.w-x.r
	}
	if x.w == len(x.buf) {
		grown := make([]byte, min(max(2*len(x.buf), 4<<10), limit))
		copy(grown, x.buf[:x.w])
		x.buf = grown
	}
	for range 100 {
		n, err := x.nc.Read(x.buf[x.w:])
		x.w += n
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// final reads heads until one is no interim response.
func (x *exchange) final(res *wire.Response) error {
	for interim, bytes := 0, 0; ; {
		n, err := x.head(res)
		if err != nil {
			return err
		}
		if res.Status/100 != 1 {
			return nil
		}
		if res.Status == 101 {
			return x.garbled(StepConnect, errors.New("the proxy answered 101 (Switching Protocols), which is no answer to CONNECT (RFC 9110 §7.8)"))
		}
		interim++
		if bytes += n; interim > x.limits.Interim || bytes > x.limits.HeadBytes {
			return x.garbled(StepConnect, fmt.Errorf("%d interim responses of %d bytes are above the limit of %d and %d bytes",
				interim, bytes, x.limits.Interim, x.limits.HeadBytes))
		}
	}
}

// head reads one head and returns its length.
func (x *exchange) head(res *wire.Response) (int, error) {
	for from := 0; ; {
		src := x.buf[x.r:x.w]
		end, resume, err := h1.ScanHead(src, from)
		if err != nil {
			if len(src) > 0 && (src[0] == 0x15 || src[0] == 0x16) {
				err = fmt.Errorf("%w; that looks like TLS: is it an https:// proxy?", err)
			} else if len(src) > 0 && src[0] == 5 {
				err = fmt.Errorf("%w; that looks like SOCKS5: is it a socks5:// proxy?", err)
			}
			return 0, x.garbled(StepConnect, err)
		}
		if end > x.limits.HeadBytes || end == 0 && len(src) >= x.limits.HeadBytes {
			return 0, x.garbled(StepConnect, &h1.ParseError{
				Rule: "limit: Limits.HeadBytes", Offset: -1, What: fmt.Sprintf("the head of the proxy's answer is longer than %d bytes", x.limits.HeadBytes),
			})
		}
		if end > 0 {
			n, err := x.parser.Response(src, res)
			if err == nil && n == 0 {
				err = errors.New("the head of the proxy's answer has no end")
			}
			if err != nil {
				return 0, x.garbled(StepConnect, err)
			}
			x.r += n
			return n, nil
		}
		from = resume
		if err := x.more(x.limits.HeadBytes); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
				if len(src) == 0 {
					return 0, x.failed(StepConnect, "the proxy closed the connection without an answer", err)
				}
				return 0, x.failed(StepConnect, "the proxy closed the connection within the head of its answer", err)
			}
			return 0, x.failed(StepConnect, "waiting for the proxy's answer", err)
		}
	}
}

// content reads up to limit bytes of the content of a refusal, trailers and
// framing included, for bodyWait at most. It returns its start, and whether it
// has been read to its end.
func (x *exchange) content(f h1.Framing, length int64, limit int) (body []byte, whole bool) {
	x.nc.SetReadDeadline(time.Now().Add(bodyWait))
	defer x.nc.SetReadDeadline(time.Time{})
	keep := func(data []byte) {
		body = append(body, data[:min(len(data), keepBody-len(body))]...)
	}
	chunks, trailers := h1.ChunkDecoder{}, false
	chunks.Reset(x.limits, x.parser.Rules)
	for used := 0; used <= limit; {
		src := x.buf[x.r:x.w]
		n := 0
		switch {
		case f == h1.Length:
			n = int(min(length, int64(len(src))))
			keep(src[:n])
			if length -= int64(n); length == 0 {
				x.r += n
				return body, true
			}
		case f == h1.UntilClose:
			n = len(src)
			keep(src)
		case f != h1.Chunked:
			return nil, true
		case trailers:
			end, _ := h1.ScanTrailers(src, 0)
			if end > 0 {
				x.r += end
				return body, true
			}
			if len(src) >= keepBody {
				return body, false
			}
		default:
			data, k, done, err := chunks.Next(src)
			if err != nil {
				return body, false
			}
			keep(data)
			n, trailers = k, done
			if done || k > 0 && k < len(src) {
				x.r += n
				used += n
				continue // there may be more in the buffer
			}
		}
		x.r += n
		used += n
		if err := x.more(max(len(x.buf), keepBody)); err != nil {
			return body, f == h1.UntilClose && err == io.EOF
		}
	}
	return body, false
}
