package httpx

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gohttpx.dev/h1"
	"gohttpx.dev/internal/memconn"
	"gohttpx.dev/wire"
)

// HandlerOption configures HandlerTransport.
type HandlerOption func(*handlerTransport)

// RemoteAddr is what the handler sees as Request.RemoteAddr, host:port. The
// default is 127.0.0.1:123.
func RemoteAddr(a string) HandlerOption { return func(t *handlerTransport) { t.remote = a } }

// MountPath puts the handler below a path: what begins with it has it taken off,
// as http.StripPrefix does, and for everything else the answer is 404 (Not
// Found). RequestURI stays whole.
func MountPath(path string) HandlerOption {
	return func(t *handlerTransport) { t.mount = "/" + strings.Trim(path, "/") }
}

// RecoverPanics says what becomes of a panic of the handler. With true, the
// default, the request fails with an error that names it; with false it panics
// in the caller, from RoundTrip or while the body is read. http.ErrAbortHandler
// is always an error, as from a server that breaks off.
func RecoverPanics(on bool) HandlerOption { return func(t *handlerTransport) { t.repanic = !on } }

// HandlerTransport has requests answered by h, in this process and without a
// socket; nil is http.DefaultServeMux. Behind it is the server of net/http over a
// connection in memory, one for each request, and so the handler meets what it
// would meet in production: the request as it comes off the wire, bodies that
// stream both ways, a response that is on its way when it is flushed, ends or
// passes 2 KiB, trailers, 1xx responses, "Expect: 100-continue",
// http.ResponseController, and Hijack, for a connection that Response.Upgrade
// hands to the caller. For https there is Request.TLS, but no TLS.
//
// The handler's context ends when the caller's does and when the caller closes
// the response early; it holds nothing of the caller's. The client's timeouts
// apply. Nothing is left behind once the response has been read or closed and the
// handler has returned.
//
// The transport has a Close, which breaks off what runs; it can be used further.
func HandlerTransport(h http.Handler, opts ...HandlerOption) Transport {
	if h == nil {
		h = http.DefaultServeMux
	}
	t := &handlerTransport{handler: h, remote: "127.0.0.1:123", running: map[*served]struct{}{}}
	for _, o := range opts {
		o(t)
	}
	if t.mount != "" && t.mount != "/" {
		t.handler = mountAt(t.mount, h)
	}
	t.server = &http.Server{
		Handler: http.HandlerFunc(serveHandler),
		ConnContext: func(ctx context.Context, nc net.Conn) context.Context {
			return context.WithValue(ctx, servedKey{}, nc.(*handlerEnd).x)
		},
		ConnState: func(nc net.Conn, s http.ConnState) {
			if s == http.StateHijacked {
				nc.(*handlerEnd).x.hijacked.Store(true)
			}
		},
	}
	return t
}

// mountAt is h below prefix.
func mountAt(prefix string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, ok := strings.CutPrefix(r.URL.Path, prefix)
		raw, rawOK := strings.CutPrefix(r.URL.RawPath, prefix)
		if !ok || path != "" && path[0] != '/' || r.URL.RawPath != "" && !rawOK {
			http.NotFound(w, r)
			return
		}
		u := *r.URL
		u.Path, u.RawPath = cmp.Or(path, "/"), raw
		below := *r
		below.URL = &u
		h.ServeHTTP(w, &below)
	})
}

type handlerTransport struct {
	handler http.Handler
	server  *http.Server
	remote  string
	mount   string
	repanic bool

	mu      sync.Mutex
	running map[*served]struct{} // guarded by mu
}

// RoundTrip implements Transport.
func (t *handlerTransport) RoundTrip(ctx context.Context, r *Request) (*Response, error) {
	if r == nil {
		return nil, &Error{Op: "request", Err: errors.New("a nil request")}
	}
	if ctx == nil {
		ctx = context.Background()
	}
	resp := &Response{Request: r, URL: r.URL, more: r.more, start: now()}
	resp.complete()
	w := new(wire.Request)
	if err := r.fill(ctx, w, r.more, nil); err != nil {
		return nil, wrap(r, nil, err)
	}
	x := &served{t: t, info: wire.ConnInfo{
		Proto: wire.HTTP11, LocalAddr: handlerAddr(t.remote), RemoteAddr: handlerAddr(r.URL.addr), Created: time.Now(),
	}}
	if r.URL.scheme == "https" {
		x.info.TLS = &tls.ConnectionState{
			Version: tls.VersionTLS13, HandshakeComplete: true,
			CipherSuite: tls.TLS_AES_128_GCM_SHA256, ServerName: r.URL.Host(),
		}
	}
	x.start()
	answered := false
	defer func() {
		if !answered { // it failed, or a hook has panicked
			x.conn.Close()
		}
	}()
	if err := x.conn.RoundTrip(ctx, w, &resp.wire); err != nil {
		return nil, wrap(r, nil, x.blame(err))
	}
	answered = true
	if !resp.wire.Body.Ended() {
		x.body = resp.wire.Body
		resp.wire.Body = wire.NewBody(x, 0)
	}
	resp.StatusCode = resp.wire.Status
	resp.Reason = resp.wire.Reason
	resp.Proto = resp.wire.Proto.String()
	resp.Header = Header(resp.wire.Fields)
	return resp, nil
}

// Close breaks off what runs.
func (t *handlerTransport) Close() error {
	t.mu.Lock()
	running := make([]*served, 0, len(t.running))
	for x := range t.running {
		running = append(running, x)
	}
	t.mu.Unlock()
	for _, x := range running {
		x.conn.Close()
	}
	return nil
}

// served is one request to a handler, and the content of the response to it.
type served struct {
	t        *handlerTransport
	info     wire.ConnInfo   // immutable after start
	conn     *h1.Conn        // immutable after start
	far      *memconn.Conn   // the handler's end; immutable after start
	gone     context.Context // ends with the connection; immutable after start
	leave    func()          // ends gone; immutable after start
	body     wire.Body       // immutable once RoundTrip has returned
	hijacked atomic.Bool
	panicked atomic.Pointer[handlerPanic]
	over     atomic.Int32 // how many of response and handler have ended, as bits
}

const (
	responseOver = 1 << iota
	handlerOver
)

type servedKey struct{}

// start makes the connection and has the server serve it. The server's goroutine
// ends when the connection is closed and the handler has returned.
func (x *served) start() {
	near, far := memconn.Pipe()
	x.far = far
	x.gone, x.leave = context.WithCancel(context.Background())
	x.conn = h1.NewConn(near, h1.Config{Info: &x.info, DrainBytes: -1})
	x.conn.OnChange(x.changed)
	x.t.mu.Lock()
	x.t.running[x] = struct{}{}
	x.t.mu.Unlock()
	x.t.server.Serve(&oneListener{conn: &handlerEnd{Conn: far, x: x}})
}

// changed is called by the engine: the exchange, or the stream that followed it,
// is over, or the connection is closed.
func (x *served) changed() {
	switch s := x.conn.State(); {
	case s.Phase == wire.ConnClosed:
		x.leave()
		x.t.mu.Lock()
		delete(x.t.running, x)
		x.t.mu.Unlock()
	case s.InFlight == 0:
		x.end(responseOver)
	}
}

// end closes the connection when both sides have come to their end: to close it
// before would end the handler's context, which a client that keeps its
// connections would not do.
func (x *served) end(side int32) {
	if x.over.Or(side)|side == responseOver|handlerOver {
		x.conn.Close()
	}
}

// ReadBody implements wire.BodySource.
func (x *served) ReadBody(_ uint64, p []byte) (int, error) {
	n, err := x.body.Read(p)
	if err != nil && err != io.EOF {
		err = x.blame(err)
	}
	return n, err
}

// CloseBody implements wire.BodySource.
func (x *served) CloseBody(uint64) error { return x.body.Close() }

// DetachBody implements wire.Detacher.
func (x *served) DetachBody(uint64) (net.Conn, error) { return x.body.Detach() }

// blame names the panic that is the cause of err, or passes it on.
func (x *served) blame(err error) error {
	p := x.panicked.Load()
	var we *wire.Error
	if p == nil || !errors.As(err, &we) || we.Kind == wire.KindCanceled || we.Kind == wire.KindClosed {
		return err
	}
	if x.t.repanic && p.value != nil {
		panic(p.value)
	}
	e := *we
	e.Err = p
	return &e
}

// serveHandler is the server's handler: it sets the request to rights, calls the
// transport's, and keeps a panic from the server, which would log it.
func serveHandler(w http.ResponseWriter, r *http.Request) {
	x := r.Context().Value(servedKey{}).(*served)
	if x.info.TLS != nil {
		state := *x.info.TLS
		r.TLS = &state
	}
	// The server sees that the client has gone only once the request's body has
	// been read.
	ctx, cancel := context.WithCancel(r.Context())
	stop := context.AfterFunc(x.gone, cancel)
	if r.Trailer == nil && r.TransferEncoding != nil {
		r.Trailer = http.Header{} // for the copy to have it as well
	}
	returned := false
	defer func() {
		stop()
		cancel()
		v := recover()
		if !returned && v != http.ErrAbortHandler {
			x.panicked.Store(&handlerPanic{v, panickedAt()})
		}
		if !returned && x.hijacked.Load() {
			x.far.Close() // the server has washed its hands of it
		}
		x.end(handlerOver)
		if v != nil {
			panic(http.ErrAbortHandler)
		}
	}()
	x.t.handler.ServeHTTP(w, r.WithContext(ctx))
	returned = true
}

// handlerPanic is what a handler has panicked with.
type handlerPanic struct {
	value any    // nil: runtime.Goexit
	where string // file:line
}

func (p *handlerPanic) Error() string {
	if p.value == nil {
		return "the handler ended its goroutine (runtime.Goexit)"
	}
	return fmt.Sprintf("the handler panicked at %s: %v", p.where, p.value)
}

// panickedAt finds where, for a deferred function.
func panickedAt() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for below := false; ; {
		f, more := frames.Next()
		switch runtimes := strings.HasPrefix(f.Function, "runtime."); {
		case runtimes:
			below = true
		case below || !more:
			return filepath.Base(f.File) + ":" + strconv.Itoa(f.Line)
		}
		if !more {
			return "an unknown place"
		}
	}
}

// Unwrap returns the value, if that is an error.
func (p *handlerPanic) Unwrap() error {
	err, _ := p.value.(error)
	return err
}

// handlerEnd is the handler's end of the connection. It has no CloseWrite, for
// which the server would wait half a second.
type handlerEnd struct {
	net.Conn
	x *served
}

func (e *handlerEnd) LocalAddr() net.Addr  { return e.x.info.RemoteAddr }
func (e *handlerEnd) RemoteAddr() net.Addr { return e.x.info.LocalAddr }

// oneListener has one connection to give and ends then; the server goes on with
// the connection.
type oneListener struct{ conn net.Conn }

func (l *oneListener) Accept() (net.Conn, error) {
	if l.conn == nil {
		return nil, net.ErrClosed
	}
	nc := l.conn
	l.conn = nil
	return nc, nil
}

func (l *oneListener) Close() error   { return nil }
func (l *oneListener) Addr() net.Addr { return noAddr{} }

type handlerAddr string

func (handlerAddr) Network() string  { return "mem" }
func (a handlerAddr) String() string { return string(a) }
