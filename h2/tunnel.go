package h2

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"gohttpx.dev/wire"
)

// A 2xx answer to CONNECT, plain or extended (RFC 9113 §8.5, RFC 8441), makes the
// stream a stream of bytes. It can be read through the body, or taken over as a
// net.Conn.

// DetachBody hands the stream id over, for wire.Body. No timeout and no context
// applies to it any more. It holds its slot until the net.Conn is closed.
func (s *stream) DetachBody(id uint64) (net.Conn, error) {
	c := s.c
	c.mu.Lock()
	defer c.unlock()
	switch {
	case s.id != uint32(id) || s.detached:
		return nil, wire.ErrBodyClosed
	case s.over && s.err == io.EOF:
		return nil, wire.ErrNotSwitched
	case s.over:
		return nil, s.err
	case !s.tunnel:
		return nil, wire.ErrNotSwitched
	case s.reading:
		return nil, s.errorLocked(wire.KindProtocol, false, errors.New("h2: the stream is being read"))
	}
	if s.stop != nil && !s.stop() {
		// The context has ended; the hook resets the stream now.
		return nil, s.errorLocked(wire.KindCanceled, false, errors.New("h2: the request's context has ended"))
	}
	s.stop = nil
	s.detached = true
	s.res = nil
	return &tunnel{s: s, id: s.id}, nil
}

// tunnel is a stream that was handed over.
type tunnel struct {
	s  *stream
	id uint32

	rmu, wmu sync.Mutex // one Read and one Write at a time
}

func (t *tunnel) opError(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	if err == wire.ErrBodyClosed || err == errStopped {
		err = net.ErrClosed
	}
	return &net.OpError{Op: op, Net: "h2", Source: t.LocalAddr(), Addr: t.RemoteAddr(), Err: err}
}

// Read reads what the peer sends; io.EOF is its END_STREAM.
func (t *tunnel) Read(p []byte) (int, error) {
	t.rmu.Lock()
	defer t.rmu.Unlock()
	c := t.s.c
	c.mu.Lock()
	n, err := t.s.readLocked(t.id, p)
	c.unlock()
	return n, t.opError("read", err)
}

// Write sends p, as the windows allow.
func (t *tunnel) Write(p []byte) (int, error) {
	t.wmu.Lock()
	defer t.wmu.Unlock()
	s := t.s
	s.c.mu.Lock()
	defer s.c.unlock()
	if s.id == t.id {
		s.cut = false // of the write before
		if s.sendDeadline != 0 && s.c.now() >= s.sendDeadline {
			return 0, t.opError("write", errDeadline)
		}
	}
	n := len(p)
	err := s.writeLocked(context.Background(), t.id, p, false, 0)
	if err != nil {
		n = 0
		if s.id == t.id && s.cut {
			n = len(p) - s.left
		}
	}
	return n, t.opError("write", err)
}

// CloseWrite ends our side with END_STREAM.
func (t *tunnel) CloseWrite() error {
	t.wmu.Lock()
	defer t.wmu.Unlock()
	return t.opError("close", t.s.write(context.Background(), t.id, nil, true, 0))
}

// Close ends the stream: our side by END_STREAM, and the peer's, if it has not
// ended, by RST_STREAM. It waits for nobody.
func (t *tunnel) Close() error {
	s := t.s
	c := s.c
	c.mu.Lock()
	defer c.unlock()
	if s.id != t.id {
		return nil
	}
	s.told = true
	if s.over {
		s.err = wire.ErrBodyClosed
		s.dropLocked()
		s.recycleLocked()
		return nil
	}
	if !s.localEnd && !s.pending() {
		c.wbuf = AppendData(c.wbuf, s.id, nil, true, 0)
		s.localEnd = true
		c.flushLocked()
	}
	s.resetLocked(Cancel, wire.ErrBodyClosed, true)
	return nil
}

// LocalAddr is our address of the connection beneath.
func (t *tunnel) LocalAddr() net.Addr { return t.s.c.info.LocalAddr }

// RemoteAddr is the peer's address of the connection beneath.
func (t *tunnel) RemoteAddr() net.Addr { return t.s.c.info.RemoteAddr }

// SetDeadline sets both deadlines; the zero time means none.
func (t *tunnel) SetDeadline(at time.Time) error { return t.deadline(at, true, true) }

// SetReadDeadline is SetDeadline for Read alone.
func (t *tunnel) SetReadDeadline(at time.Time) error { return t.deadline(at, true, false) }

// SetWriteDeadline is SetDeadline for Write alone.
func (t *tunnel) SetWriteDeadline(at time.Time) error { return t.deadline(at, false, true) }

func (t *tunnel) deadline(at time.Time, read, write bool) error {
	s := t.s
	c := s.c
	c.mu.Lock()
	defer c.unlock()
	if s.id != t.id || s.over {
		return t.opError("set", net.ErrClosed)
	}
	by := int64(0)
	if !at.IsZero() {
		by = max(c.now()+int64(min(time.Until(at), 30*365*24*time.Hour)), 1)
	}
	if read {
		s.readDeadline = by
		wakeUp(s.wake)
	}
	if write {
		s.sendDeadline = by
		wakeUp(s.sendWake)
	}
	return nil
}

var errDeadline = os.ErrDeadlineExceeded
