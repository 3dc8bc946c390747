package memconn

import (
	"io"
	"net"
	"time"
)

// DefaultSize is how many bytes may be on their way in each direction of a
// Pipe.
const DefaultSize = 64 << 10

// Conn is one end of a pair.
type Conn struct {
	in, out       *half // immutable after PipeSize
	local, remote addr  // immutable after PipeSize
}

var _ net.Conn = (*Conn)(nil)

type addr string

func (addr) Network() string  { return "mem" }
func (a addr) String() string { return string(a) }

// Pipe returns two connected ends with DefaultSize bytes of buffer each way.
func Pipe() (a, b *Conn) { return PipeSize(DefaultSize) }

// PipeSize is Pipe with n bytes of buffer each way; n ≤ 0 means DefaultSize.
func PipeSize(n int) (a, b *Conn) {
	if n <= 0 {
		n = DefaultSize
	}
	ab, ba := newHalf(n), newHalf(n)
	return &Conn{in: ba, out: ab, local: "mem:a", remote: "mem:b"},
		&Conn{in: ab, out: ba, local: "mem:b", remote: "mem:a"}
}

// Read reads what the peer has written and waits for the first byte. Errors are
// *net.OpError over net.ErrClosed, os.ErrDeadlineExceeded or ECONNRESET; the
// end of the stream is a bare io.EOF.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	return n, c.opError("read", err)
}

// Write writes all of p and waits for room in the buffer. Errors are
// *net.OpError over net.ErrClosed, os.ErrDeadlineExceeded, EPIPE or ECONNRESET.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	return n, c.opError("write", err)
}

// Close closes this end: its own calls fail with net.ErrClosed, the peer reads
// what is on its way and then io.EOF, and the peer's writes fail with EPIPE. A
// second Close fails with net.ErrClosed.
func (c *Conn) Close() error { return c.close(false, true) }

// Reset closes this end the hard way (a TCP RST): what is on its way is lost,
// and the peer's calls fail with ECONNRESET.
func (c *Conn) Reset() error { return c.close(true, false) }

// ResetAfter is Reset, but what is on its way to the peer arrives: the peer reads
// it and then fails with ECONNRESET, as on a system that keeps what it received
// before the RST.
func (c *Conn) ResetAfter() error { return c.close(true, true) }

// close closes this end. keep: what is on its way to the peer arrives.
func (c *Conn) close(reset, keep bool) error {
	again := false
	c.in.do(func() {
		if again = c.in.rclosed; again {
			return
		}
		c.in.rclosed = true
		c.in.wreset = reset
		c.in.buf, c.in.r, c.in.w = nil, 0, 0
		c.in.rdead.stop()
	})
	if again {
		return c.opError("close", net.ErrClosed)
	}
	c.out.do(func() {
		c.out.wclosed, c.out.wshut = true, true
		c.out.reset = reset
		if !keep {
			c.out.buf, c.out.r, c.out.w = nil, 0, 0
		}
		c.out.wdead.stop()
	})
	return nil
}

// CloseWrite ends the stream to the peer, which reads what is on its way and
// then io.EOF. This end can still read; its writes fail with EPIPE.
func (c *Conn) CloseWrite() error {
	var err error
	c.out.do(func() {
		if c.out.wclosed {
			err = c.opError("close", net.ErrClosed)
		}
		c.out.wshut = true
	})
	return err
}

// LocalAddr returns this end's address, of network "mem".
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the peer's address.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets both deadlines; the zero time means none. After Close it
// fails with net.ErrClosed.
func (c *Conn) SetDeadline(t time.Time) error {
	if c.Closed() {
		return c.opError("set", net.ErrClosed)
	}
	c.in.rdead.set(t)
	c.out.wdead.set(t)
	return nil
}

// SetReadDeadline is SetDeadline for Read alone.
func (c *Conn) SetReadDeadline(t time.Time) error {
	if c.Closed() {
		return c.opError("set", net.ErrClosed)
	}
	c.in.rdead.set(t)
	return nil
}

// SetWriteDeadline is SetDeadline for Write alone.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	if c.Closed() {
		return c.opError("set", net.ErrClosed)
	}
	c.out.wdead.set(t)
	return nil
}

// MaxRead makes every Read of this end return at most n bytes; 1 is byte by
// byte, n ≤ 0 as many as fit.
func (c *Conn) MaxRead(n int) { c.in.do(func() { c.in.maxRead = n }) }

// SetCapacity sets how many bytes that this end has written may wait for the
// peer; n ≤ 0 means DefaultSize. Bytes beyond a lowered limit stay.
func (c *Conn) SetCapacity(n int) {
	if n <= 0 {
		n = DefaultSize
	}
	c.out.do(func() { c.out.limit = n })
}

// Closed reports whether this end was closed or reset by its owner.
func (c *Conn) Closed() bool {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	return c.in.rclosed
}

// Buffered is the number of bytes that Read could return without waiting.
func (c *Conn) Buffered() int {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	return c.in.w - c.in.r
}

// Ended reports whether the peer will send no more: it has closed, half-closed
// or reset. Bytes may still be buffered.
func (c *Conn) Ended() bool {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	return c.in.wshut
}

// Counts is what has gone through one end.
type Counts struct {
	// BytesRead and BytesWritten count what Read has returned and Write has
	// taken.
	BytesRead, BytesWritten int64
	// Reads and Writes count the calls, failed ones included.
	Reads, Writes int64
	// Waiting is the number of bytes written and not yet read by the peer.
	Waiting int
}

// Counts returns a snapshot.
func (c *Conn) Counts() Counts {
	var n Counts
	c.in.mu.Lock()
	n.BytesRead, n.Reads = c.in.bytesOut, c.in.reads
	c.in.mu.Unlock()
	c.out.mu.Lock()
	n.BytesWritten, n.Writes, n.Waiting = c.out.bytesIn, c.out.writes, c.out.w-c.out.r
	c.out.mu.Unlock()
	return n
}

func (c *Conn) opError(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: "mem", Source: c.local, Addr: c.remote, Err: err}
}
