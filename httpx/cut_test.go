package httpx_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/faults"
	"gohttpx.dev/internal/memconn"
	"gohttpx.dev/wire"
)

// Connections that end, or stand still, after every byte. An exchange is what a
// server sends for one GET; the first connection gets only so much of it, the
// second all. What has to come out is a function of how far the bytes went, which
// cutState says, and of how the connection ended; the tables are in expect.

// cutExchange is a recorded exchange.
type cutExchange struct {
	name string
	// all is what the server sends on a fresh connection.
	all []byte
	// from is where cutting begins.
	from int
	// state is how far a response is of which n bytes have come.
	state func(n int) cutState
	// content is what of the content is in the first n bytes, the codings of the
	// message removed; coded is set if Content-Encoding remains.
	content func(n int) string
	coded   bool
	want    string // the content, decoded
	trailer string // the trailer field T
	// untilClose: the end of the connection is the end of the content.
	untilClose bool
	// closes: the connection serves no second request.
	closes bool
	// never: no connection brings it whole.
	never bool
	// replayed: a response that is whole says that the request was not processed.
	replayed bool
	h2       bool

	options []httpx.ClientOption
	url     string
	// began is called before each run, if it is not nil.
	began func()
	serve func(x *cutExchange, nc net.Conn)
}

// cutState is how far a response has come.
type cutState int

const (
	cutDialling  cutState = iota // the handshake of TLS is not over
	cutNothing                   // no byte of a response is there
	cutInHead                    // a head is not complete, or not the final one
	cutInBody                    // the content, or the trailer section, is not complete
	cutUnmarked                  // the end of the connection is the end of the content
	cutTruncated                 // the same, where the end had to be announced and was not
	cutWhole
)

// cutFault is how the bytes end.
type cutFault int

const (
	cutFIN cutFault = iota
	cutRST
	cutStall
)

func (f cutFault) String() string { return [...]string{"FIN", "RST", "stall"}[f] }

func (f cutFault) action() faults.Action {
	return [...]faults.Action{faults.Cut, faults.Reset, faults.Stall}[f]
}

// cutTimeout is the connect, the read and the write timeout.
const cutTimeout = time.Second

// cutResult is what comes out of an exchange, or has to.
type cutResult struct {
	kind  wire.Kind // 0: no error of an engine
	phase wire.Phase
	is    error // what errors.Is must say; nil for success
	// content is what was read before the error, or all; empty with an error in
	// buffered calls.
	content string
	trailer string
}

// expect says what has to come out if n bytes arrive.
func (x *cutExchange) expect(n int, f cutFault) cutResult {
	r := cutResult{content: x.content(n)}
	s := x.state(n)
	if s == cutUnmarked && f == cutFIN {
		// RFC 9112 §6.3 item 8: the content is what came before the end.
		s = cutWhole
		if x.coded && r.content != "" && r.content != x.content(len(x.all)) {
			// Of the coding it is not the end.
			r.is = io.ErrUnexpectedEOF
			return r
		}
	}
	set := func(phase wire.Phase, kind wire.Kind, is error) { r.phase, r.kind, r.is = phase, kind, is }
	switch {
	case s == cutWhole:
		r.content, r.trailer = x.want, x.trailer
		if x.untilClose && !x.coded || x.coded && x.content(n) == "" {
			r.content = x.content(n)
		}
	case s == cutDialling && f == cutStall:
		set(wire.PhaseTLS, wire.KindTimeout, httpx.ErrConnectTimeout)
	case s == cutDialling:
		set(wire.PhaseTLS, wire.KindNetwork, httpx.ErrTLS)
	case f == cutStall && s <= cutInHead:
		set(wire.PhaseHead, wire.KindTimeout, httpx.ErrReadTimeout)
	case f == cutStall:
		set(wire.PhaseBody, wire.KindTimeout, httpx.ErrReadTimeout)
	case s == cutNothing:
		set(wire.PhaseHead, wire.KindDisconnected, httpx.ErrServerClosedIdle)
	case s == cutInHead:
		// However the connection ended: it is the head that is broken.
		set(wire.PhaseHead, wire.KindProtocol, httpx.ErrRemoteProtocol)
	case f == cutRST:
		set(wire.PhaseBody, wire.KindNetwork, httpx.ErrRead)
	default:
		set(wire.PhaseBody, wire.KindProtocol, io.ErrUnexpectedEOF)
	}
	return r
}

// cutMode is how the content is read.
type cutMode int

const (
	cutBuffered cutMode = iota
	cutStreamed
	cutDripped // streamed, and every byte comes by itself
)

func (m cutMode) String() string { return [...]string{"buffered", "streamed", "byte by byte"}[m] }

// fetch makes the request and returns what comes out of it.
func (x *cutExchange) fetch(c *httpx.Client, m cutMode) (cutResult, error) {
	ctx := context.Background()
	if m == cutBuffered {
		resp, err := c.Get(ctx, x.url)
		if err != nil {
			if resp != nil {
				return cutResult{}, fmt.Errorf("a response and an error: %v, %w", resp, err)
			}
			return cutResult{}, err
		}
		return cutResult{content: resp.Text(), trailer: resp.Trailer().Get("T")}, nil
	}
	resp, err := c.Stream(ctx, "GET", x.url)
	if err != nil {
		return cutResult{}, err
	}
	defer resp.Close()
	var got []byte
	p := make([]byte, 7)
	for {
		n, err := resp.Body.Read(p)
		got = append(got, p[:n]...)
		if err == io.EOF {
			return cutResult{content: string(got), trailer: resp.Trailer().Get("T")}, nil
		}
		if err != nil {
			// Whoever asks again must not learn that this was the end.
			if n, again := resp.Body.Read(p); n != 0 || again == nil || again == io.EOF {
				return cutResult{}, fmt.Errorf("after the error %w a Read gives %d, %v", err, n, again)
			}
			return cutResult{content: string(got)}, err
		}
	}
}

// judge compares the two.
func (x *cutExchange) judge(got cutResult, err error, want cutResult, m cutMode) error {
	if want.is == nil {
		switch {
		case err != nil:
			return fmt.Errorf("err = %w, want success", err)
		case got != want:
			return fmt.Errorf("content %q, trailer %q, want %q, %q", got.content, got.trailer, want.content, want.trailer)
		}
		return nil
	}
	if err == nil {
		return fmt.Errorf("content %q passes for whole, want %v", got.content, want.is)
	}
	if !errors.Is(err, want.is) {
		return fmt.Errorf("err = %w, want %v", err, want.is)
	}
	var e *httpx.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("err is a %T: %w", err, err)
	}
	if want.kind == 0 {
		if !errors.Is(err, httpx.ErrDecoding) {
			return fmt.Errorf("err = %w, want ErrDecoding", err)
		}
	} else {
		var we *wire.Error
		switch {
		case !errors.As(err, &we):
			return fmt.Errorf("no *wire.Error in %w", err)
		case we.Kind != want.kind || we.Phase != want.phase || e.Op != want.phase.String():
			return fmt.Errorf("kind %d, phase %v, Op %q, want kind %d, %v: %w", we.Kind, we.Phase, e.Op, want.kind, want.phase, err)
		case !we.Remote && we.Kind != wire.KindTimeout:
			return fmt.Errorf("Remote is false: %w", err)
		case e.Sent != (we.Phase >= wire.PhaseWrite):
			return fmt.Errorf("Sent is %v: %w", e.Sent, err)
		case e.Timeout() != (want.kind == wire.KindTimeout):
			return fmt.Errorf("Timeout() is %v: %w", e.Timeout(), err)
		}
	}
	switch {
	case m == cutBuffered:
	case x.coded:
		if !strings.HasPrefix(x.want, got.content) {
			return fmt.Errorf("content %q before %w", got.content, err)
		}
	case got.content != want.content:
		return fmt.Errorf("content %q before the error, want %q: %w", got.content, want.content, err)
	}
	return nil
}

// plan lets n bytes through to the client.
func (x *cutExchange) plan(n int, f cutFault, m cutMode, release chan struct{}) faults.Plan {
	// At the very end there is no next byte to wait for.
	fault := faults.Fault{At: int64(n), Do: f.action(), Eager: n == len(x.all), Release: release}
	return faults.Plan{Down: faults.Way{Drip: m == cutDripped, Faults: []faults.Fault{fault}}}
}

// client is one that connects through dial.
func (x *cutExchange) client(t *testing.T, dial func(ctx context.Context, network, addr string) (net.Conn, error), more ...httpx.ClientOption) *httpx.Client {
	t.Helper()
	opts := []httpx.ClientOption{
		httpx.WithTrustEnv(false),
		httpx.WithDialContext(dial),
		httpx.WithTimeout(cutTimeout),
	}
	opts = append(append(opts, x.options...), more...)
	c, err := httpx.New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// cutAt cuts one exchange at one place and looks at everything: it is called in a
// bubble.
func (x *cutExchange) cutAt(t *testing.T, n int, f cutFault, m cutMode) {
	if x.began != nil {
		x.began()
	}
	release := make(chan struct{})
	in := faults.New(faults.Only(0, x.plan(n, f, m, release)))
	c := x.client(t, in.Dial(func(context.Context, string, string) (net.Conn, error) {
		a, b := memconn.Pipe()
		go x.serve(x, b) // ends with the connection
		return a, nil
	}))
	want := x.expect(n, f)
	start := time.Now()
	got, err := x.fetch(c, m)
	took := time.Since(start)
	if e := x.judge(got, err, want, m); e != nil {
		t.Errorf("%v after %d of %d bytes, %v: %v", f, n, len(x.all), m, e)
	}
	switch {
	case want.kind == wire.KindTimeout && (took < cutTimeout || took > cutTimeout*6/5):
		t.Errorf("stall after %d bytes: the timeout of %v took %v", n, cutTimeout, took)
	case want.kind != wire.KindTimeout && took > 0:
		t.Errorf("%v after %d bytes: waited %v for nothing", f, n, took)
	}
	x.afterwards(t, c, in, n, f, m, want, release)
	c.Close()
	in.Close()
}

// afterwards checks that nothing is left of an exchange that has failed, and that
// the client works as before.
func (x *cutExchange) afterwards(t *testing.T, c *httpx.Client, in *faults.Injector, n int, f cutFault, m cutMode, want cutResult, release chan struct{}) {
	where := fmt.Sprintf("%v after %d of %d bytes, %v", f, n, len(x.all), m)
	settleCut(c, in)
	s := c.Stats().Counts
	if s.Busy != 0 || s.Streams != 0 || s.Waiting != 0 || s.Dialing != 0 {
		t.Errorf("%s: something is left in the pool: %+v", where, s)
	}
	failed := want.is != nil
	kept := !failed && (!x.closes || x.replayed && x.state(n) == cutWhole)
	if x.h2 && f == cutStall && x.state(n) != cutDialling {
		kept = kept || failed // the stream is reset, the connection stays
	}
	if !kept && (s.Open != 0 || in.Open() != 0) {
		t.Errorf("%s: the connection is kept: %d in the pool, %d open", where, s.Open, in.Open())
	}
	close(release)
	resp, err := c.Get(context.Background(), x.url)
	if x.never {
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: the next request: %v, want io.ErrUnexpectedEOF", where, err)
		}
	} else if err != nil || resp.Text() != x.want {
		t.Errorf("%s: the next request fails: %v", where, err)
		return
	}
	s = c.Stats().Counts
	if failed && !kept && (s.Reuses != 0 || s.Replays != 0 || s.Dials != 2 && x.state(n) != cutDialling) {
		t.Errorf("%s: the connection has served again: %+v", where, s)
	}
}

// The exchanges of HTTP/1.1.

// h1Exchange records one. body comes as it is sent.
func h1Exchange(name, head, body string, content func(n int) string, want string) *cutExchange {
	x := &cutExchange{name: name, all: []byte(head + body), want: want, url: "http://server.test/", serve: serveCut}
	x.state = func(n int) cutState {
		switch {
		case n == 0:
			return cutNothing
		case n < len(head):
			return cutInHead
		case x.untilClose:
			return cutUnmarked
		case n < len(head)+len(body):
			return cutInBody
		}
		return cutWhole
	}
	if content == nil {
		content = func(n int) string { return body[:n] }
	}
	x.content = func(n int) string { return content(max(0, n-len(head))) }
	return x
}

// serveCut answers every request with the recorded bytes.
func serveCut(x *cutExchange, nc net.Conn) {
	defer nc.Close()
	br := bufio.NewReader(nc)
	for {
		for {
			line, err := br.ReadString('\n')
			if err != nil {
				return
			}
			if line == "\r\n" {
				break
			}
		}
		if _, err := nc.Write(x.all); err != nil || x.closes {
			return
		}
	}
}

// cutUnchunk returns the content in the first n bytes of a chunked body.
func cutUnchunk(body string) func(n int) string {
	return func(n int) string {
		var content strings.Builder
		for rest := body[:n]; ; {
			line, after, ok := strings.Cut(rest, "\r\n")
			if !ok {
				break
			}
			size := 0
			fmt.Sscanf(line, "%x", &size)
			content.WriteString(after[:min(size, len(after))])
			if size == 0 || size+2 > len(after) {
				break
			}
			rest = after[size+2:]
		}
		return content.String()
	}
}

func cutChunked(pieces ...string) string {
	var b strings.Builder
	for _, p := range pieces {
		fmt.Fprintf(&b, "%x\r\n%s\r\n", len(p), p)
	}
	return b.String()
}

func cutGzip(s string) string {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	w.Name = "a name"
	io.WriteString(w, s)
	w.Close()
	return b.String()
}

const cutText = "what a server has to say, at last"

// cutH1 are the exchanges of HTTP/1.1.
func cutH1() []*cutExchange {
	const ok = "HTTP/1.1 200 OK\r\n"
	length := func(n int) string { return fmt.Sprintf("Content-Length: %d\r\n", n) }
	pieces := cutChunked(cutText[:1], cutText[1:20], cutText[20:])
	last := strings.Replace(pieces, "1\r\n", "01;a=\"b\"\r\n", 1) + "0\r\n\r\n"
	trailers := pieces + "0\r\nT: v\r\nU: w\r\n\r\n"
	gz := cutGzip(cutText)
	gzChunked := cutChunked(gz[:3], gz[3:30], gz[30:]) + "0\r\n\r\n"
	coded := func(x *cutExchange) *cutExchange { x.coded = true; return x }
	untilClose := func(x *cutExchange) *cutExchange { x.untilClose, x.closes = true, true; return x }
	trailer := h1Exchange("trailers", ok+"Transfer-Encoding: chunked\r\nTrailer: T\r\n\r\n", trailers, cutUnchunk(trailers), cutText)
	trailer.trailer = "v"
	once := h1Exchange("length, the last response", ok+"Connection: close\r\n"+length(len(cutText))+"\r\n", cutText, nil, cutText)
	once.closes = true
	return []*cutExchange{
		h1Exchange("length", ok+"Date: today\r\n"+length(len(cutText))+"\r\n", cutText, nil, cutText),
		once,
		h1Exchange("no content", "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", "", nil, ""),
		h1Exchange("chunked", ok+"Transfer-Encoding: chunked\r\n\r\n", last, cutUnchunk(last), cutText),
		trailer,
		untilClose(h1Exchange("until close", ok+"X: y\r\n\r\n", cutText, nil, cutText)),
		untilClose(h1Exchange("until close, HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\n", cutText, nil, cutText)),
		h1Exchange("interim", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"+ok+length(len(cutText))+"\r\n", cutText, nil, cutText),
		coded(h1Exchange("gzip, length", ok+"Content-Encoding: gzip\r\n"+length(len(gz))+"\r\n", gz, nil, cutText)),
		coded(h1Exchange("gzip, chunked", ok+"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", gzChunked, cutUnchunk(gzChunked), cutText)),
		coded(untilClose(h1Exchange("gzip, until close", ok+"Content-Encoding: gzip\r\n\r\n", gz, nil, cutText))),
	}
}
