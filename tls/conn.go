package tls

import (
	stdtls "crypto/tls"
	"io"
	"net"
	"sync/atomic"

	"gohttpx.dev/internal/await"
)

// Conn is a TLS connection that can be probed while it is idle.
type Conn struct {
	net.Conn // what reads and writes; immutable after Handshake, like the rest

	name  string                  // of the server
	std   *stdtls.Conn            // Conn; nil if it is a Handshaker's
	state *stdtls.ConnectionState // of a Handshaker's, else nil

	splits bool // TLS 1.0, of which a write may be two records

	below rawConn // what was given to Handshake; between it and std
}

// Raw returns the connection beneath TLS, as it was given to Handshake. Closing
// it ends the connection at once; Close may wait for a peer that does not read,
// because it sends close_notify first.
func (c *Conn) Raw() net.Conn { return c.below.Conn }

// NetConn is Raw, under the name that crypto/tls gives it.
func (c *Conn) NetConn() net.Conn { return c.below.Conn }

// ConnectionState returns what was agreed on; nothing, if c is a zero Conn.
func (c *Conn) ConnectionState() stdtls.ConnectionState {
	switch {
	case c.std != nil:
		return c.std.ConnectionState()
	case c.state != nil:
		return *c.state
	}
	return stdtls.ConnectionState{}
}

// CloseWrite sends close_notify, where the implementation can do that.
func (c *Conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return net.ErrClosed
}

// Read reads. An alert of the server is an *Error: with TLS 1.3 that is how it
// refuses a client certificate, since the client's handshake is over before the
// server has seen it (RFC 8446 §4.4.2.4).
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil && isAlert(err) {
		err = &Error{ServerName: c.name, Err: err, after: true}
	}
	return n, err
}

// Probe reports whether the connection, on which nobody reads, is still good.
// It takes in session tickets; close_notify, the end of the stream, an error and
// data that nobody asked for make it false, and the connection is then to be
// closed. It does not block and ignores deadlines. What cannot be looked at is
// taken to be good (see the package's Limitations). It must not overlap a Read.
func (c *Conn) Probe() bool {
	if c.std == nil {
		return true
	}
	var b [1]byte
	n, err := c.probeRead(b[:])
	return n == 0 && err == errProbe
}

// Quiet reports whether the Read that has just returned data left nothing behind:
// crypto/tls holds no further bytes, and the socket had none. Where it does, there
// is no need for a Probe. It belongs to the reading goroutine; false proves
// nothing.
func (c *Conn) Quiet() bool { return c.std != nil && c.below.records.usedUp() }

// WriteAwait writes p as Write does. If p fits into one record, and the socket took
// it at once, it may then wait: until the socket has something to read, until the
// read deadline has passed or until the connection is closed. It says whether it
// has waited. It saves a system call of a client that reads next, and tells
// nothing: what can be read already does not end the wait, so the read deadline
// must be short. It must not overlap another Write or a Read.
func (c *Conn) WriteAwait(p []byte) (n int, waited bool, err error) {
	if c.std == nil || c.splits || len(p) > oneRecord {
		n, err = c.Conn.Write(p)
		return n, false, err
	}
	c.below.awaiting.Store(true)
	n, err = c.Conn.Write(p)
	return n, !c.below.awaiting.Swap(false) && err == nil, err
}

// oneRecord is the longest p, in bytes, that crypto/tls surely writes as one
// record: the first of a connection are small, to fit into a packet each.
const oneRecord = 1 << 10

// probeRead is Read, but errProbe where that would wait.
func (c *Conn) probeRead(p []byte) (int, error) {
	c.below.probing.Store(true)
	defer c.below.probing.Store(false)
	return c.Conn.Read(p)
}

// errProbe stands for "no bytes now". Its Temporary method keeps crypto/tls
// from remembering it as the end of the connection, and a half-received record
// waits in crypto/tls for the rest.
var errProbe net.Error = probeError{}

type probeError struct{}

func (probeError) Error() string   { return "tls: no bytes to read" }
func (probeError) Timeout() bool   { return true }
func (probeError) Temporary() bool { return true }

// errCut is the end of the stream where close_notify should have come. To
// crypto/tls an io.EOF between two records is as good as that alert, so that
// content which ends with the connection could be cut short unseen (RFC 8446
// §6.1, RFC 9112 §9.8).
var errCut error = cutError{}

type cutError struct{}

func (cutError) Error() string { return "connection ended without close_notify" }
func (cutError) Unwrap() error { return io.ErrUnexpectedEOF }

// rawConn is what crypto/tls reads from and writes to: nc, but for Reads while
// probing is set, and a Write while awaiting is.
type rawConn struct {
	net.Conn // immutable

	probing  atomic.Bool
	awaiting atomic.Bool // cleared by the Write that has waited
	records  records     // of whoever reads
}

func (r *rawConn) Write(p []byte) (int, error) {
	if tcp, ok := r.Conn.(*net.TCPConn); ok && r.awaiting.Load() {
		n, waited, err := await.Write(tcp, p)
		if waited {
			r.awaiting.Store(false)
		}
		return n, err
	}
	return r.Conn.Write(p)
}

func (r *rawConn) Read(p []byte) (int, error) {
	if !r.probing.Load() {
		n, err := r.Conn.Read(p)
		r.records.feed(p[:n], len(p))
		if err == io.EOF {
			err = errCut
		}
		return n, err
	}
	if inner, ok := r.Conn.(*Conn); ok && inner.std != nil { // TLS within TLS
		return inner.probeRead(p)
	}
	n, err := readNow(r.Conn, p)
	r.records.feed(p[:n], len(p))
	return n, err
}
