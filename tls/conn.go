package tls

import (
	stdtls "crypto/tls"
	"io"
	"net"
	"sync/atomic"
	"syscall"
)

// Conn is a TLS connection that can be probed while it is idle.
type Conn struct {
	net.Conn // what reads and writes; immutable after Handshake, like the rest

	below net.Conn // as it was given to Handshake
	name  string   // of the server

	std *stdtls.Conn // Conn; nil if it is a Handshaker's
	raw *rawConn     // between std and below

	state stdtls.ConnectionState // of a Handshaker's
}

// Raw returns the connection beneath TLS, as it was given to Handshake. Closing
// it ends the connection at once; Close may wait for a peer that does not read,
// because it sends close_notify first.
func (c *Conn) Raw() net.Conn { return c.below }

// NetConn is Raw, under the name that crypto/tls gives it.
func (c *Conn) NetConn() net.Conn { return c.below }

// ConnectionState returns what was agreed on.
func (c *Conn) ConnectionState() stdtls.ConnectionState {
	if c.std == nil {
		return c.state
	}
	return c.std.ConnectionState()
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
func (c *Conn) Quiet() bool { return c.std != nil && c.raw.records.usedUp() }

// probeRead is Read, but errProbe where that would wait.
func (c *Conn) probeRead(p []byte) (int, error) {
	c.raw.probing.Store(true)
	defer c.raw.probing.Store(false)
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
// probing is set.
type rawConn struct {
	net.Conn // immutable

	probing atomic.Bool
	records records // of whoever reads

	// What the probe uses; nil where nc cannot be looked at. Immutable, but
	// for the three that peek's closure works on.
	inner *Conn           // nc itself is one of ours: TLS within TLS
	fd    syscall.RawConn // nc's socket
	peek  func(fd uintptr)
	p     []byte // Probe's caller only, like n and err
	n     int
	err   error
}

// newRawConn looks for the socket. A type that merely embeds a socket is left
// alone: it may have a Read of its own that must see every byte.
func newRawConn(nc net.Conn) *rawConn {
	r := &rawConn{Conn: nc}
	switch c := nc.(type) {
	case *Conn:
		if c.std != nil {
			r.inner = c
		}
	case *net.TCPConn:
		r.fd, _ = c.SyscallConn()
	case *net.UnixConn:
		r.fd, _ = c.SyscallConn()
	}
	if r.fd != nil {
		r.peek = r.recv // made once: a probe allocates no closure
	}
	return r
}

func (r *rawConn) Read(p []byte) (int, error) {
	switch {
	case !r.probing.Load():
		n, err := r.Conn.Read(p)
		r.records.feed(p[:n], len(p))
		if err == io.EOF {
			err = errCut
		}
		return n, err
	case r.inner != nil:
		return r.inner.probeRead(p)
	case r.fd != nil && canPeek:
		return r.readNow(p)
	}
	return 0, errProbe
}

// readNow reads without waiting. Control and not RawConn.Read, because that one
// fails without calling back when an old read deadline has passed, and would
// condemn every connection that was parked for longer.
func (r *rawConn) readNow(p []byte) (int, error) {
	r.p = p
	err := r.fd.Control(r.peek)
	r.p = nil
	if err != nil {
		return 0, err
	}
	r.records.feed(p[:r.n], len(p))
	return r.n, r.err
}
