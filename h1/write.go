package h1

import (
	"errors"
	"io"
	"net"
	"os"
	"unsafe"

	"gohttpx.dev/internal/bufpool"
	"gohttpx.dev/internal/reset"
	"gohttpx.dev/internal/source"
	"gohttpx.dev/wire"
)

// The writing half: plain writes with their progress, vectors and files on TCP,
// and which bodies they are good for.

// writePiece bounds one write of a connection that cannot tell how far it got:
// a TLS record. Each has the whole write limit.
const writePiece = 16 << 10

// write writes p within the write limit, which bounds the time without
// progress. u is the uploader that writes, or nil. The error is a *wire.Error.
//
// If mayAwait is set, p is the end of the request, and the wait for the response
// may begin with it.
func (c *Conn) write(u *upload, p []byte, now int64, mayAwait bool) error {
	progress := now
	for {
		piece := p
		if !c.plain && len(piece) > writePiece {
			piece = piece[:writePiece]
		}
		c.armWrite(now, c.lim.write)
		if u != nil && u.stopped.Load() {
			return errStopped
		}
		before := c.sent.Swap(true)
		n, err := c.put(piece, now, mayAwait && len(piece) == len(p))
		if err == nil && n < len(piece) {
			err = io.ErrShortWrite // or it might be tried for ever
		}
		p = p[n:]
		if err == nil && len(p) == 0 {
			return nil
		}
		if n == 0 && !before {
			c.sent.Store(false)
		}
		now = c.now()
		if progress, err = c.wrote(u, int64(n), err, now, progress); err != nil {
			return err
		}
	}
}

// wrote judges one write: it returns the time of the last progress if there is
// to be another, or why there is not.
func (c *Conn) wrote(u *upload, n int64, err error, now, progress int64) (int64, error) {
	if n > 0 {
		progress = now
		if u != nil {
			u.progress.Store(now)
		}
	}
	switch {
	case err == nil:
		return progress, nil
	case u != nil && u.stopped.Load():
		return 0, errStopped
	case !reset.Deadline(err):
		e := c.writeError(err)
		if u != nil && reset.Broken(err) {
			u.told.Store(e)
		}
		return 0, e
	case c.plain && (c.lim.write == 0 || now-progress < c.lim.write):
		return progress, nil // a deadline of armWrite's, to look for progress
	}
	return 0, c.writeTimeout(c.lim.write)
}

// writeError says what a failed write means.
func (c *Conn) writeError(err error) *wire.Error {
	e := &wire.Error{Phase: wire.PhaseWrite, Kind: wire.KindNetwork, Remote: true, Sent: c.sent.Load(), Err: err}
	if reset.Is(err) || errors.Is(err, io.ErrClosedPipe) {
		e.Kind = wire.KindDisconnected
	}
	return e
}

// resetTold returns the reset that a write of this exchange was told of, or that the
// system has given up, or nil. A socket tells of it but once: a read after that meets
// an ordinary end, which must not pass for the end of content.
func (c *Conn) resetTold() error {
	if e := c.writeErr; e != nil && reset.Broken(e.Err) {
		return e.Err
	}
	u := c.up
	if u == nil {
		return nil
	}
	if w := u.where.Load(); c.active && (w == upSocket || w == upTail) && c.awaitEnd() {
		u.done <- struct{}{} // its end is still to be noted, by whoever settles it
	}
	if e := u.told.Load(); e != nil {
		return e.Err
	}
	return nil
}

// sendMemory sends a body that hands over its bytes in one piece: they are not
// copied where the socket takes a vector, or a piece by itself.
func (u *upload) sendMemory(w io.WriterTo, r io.Reader) *wire.Error {
	if !u.chunked {
		n := int64(r.(source.Sized).Len())
		if err := lengthError(n, u.length, true); err != nil {
			return u.fault(wire.KindProtocol, err)
		}
	}
	var to memoryWriter
	to.u = u
	if !u.enter() {
		return errStopped
	}
	_, err := w.WriteTo(&to)
	u.leave()
	switch {
	case to.err != nil:
		return to.err
	case err != nil:
		return u.fault(wire.KindRequestBody, err)
	case u.chunked:
		return u.finishChunks(u.lead())
	}
	if err := lengthError(u.total, u.length, true); err != nil {
		return u.fault(wire.KindProtocol, err)
	}
	u.sentAt.Store(u.c.now())
	return nil
}

// memoryWriter is what a body in memory writes itself to.
type memoryWriter struct {
	u   *upload
	err *wire.Error
}

// WriteString keeps io.WriteString from copying the whole body.
func (w *memoryWriter) WriteString(s string) (int, error) {
	return w.Write(unsafe.Slice(unsafe.StringData(s), len(s)))
}

func (w *memoryWriter) Write(p []byte) (n int, err error) {
	u := w.u
	u.leave()
	defer u.enter()
	for n < len(p) {
		piece := p[n:min(len(p), n+memoryPiece)]
		u.total += int64(len(piece))
		if !u.chunked && u.total > u.length {
			w.err = u.fault(wire.KindProtocol, lengthError(u.total, u.length, true))
			return n, w.err
		}
		if !u.chunked && u.total == u.length {
			u.where.Store(upTail)
		}
		if w.err = u.sendPiece(piece); w.err != nil {
			return n, w.err
		}
		n += len(piece)
	}
	return n, nil
}

// memoryPiece bounds one vector, and one chunk.
const memoryPiece = 1 << 20

// sendPiece sends the head, if it is still to be sent, and one piece of
// content, which it does not copy if it is large.
func (u *upload) sendPiece(piece []byte) *wire.Error {
	if u.buf == nil {
		u.buf = bufpool.Get(uploadBuffer)
	}
	lead := u.buf[:len(u.lead())] // the head stands at its start
	end := ""
	if u.chunked {
		lead = appendChunkSize(lead, len(piece))
		end = "\r\n"
	}
	if len(lead)+len(piece)+len(end) <= len(u.buf) {
		return u.write(append(append(lead, piece...), end...))
	}
	if tcp, ok := u.c.nc.(*net.TCPConn); ok {
		return u.vec.write(u, tcp, lead, piece, end)
	}
	k := len(u.buf) - len(lead)
	if k < 0 {
		k = 0 // a chunk's line behind a head that fills the buffer
	}
	if err := u.write(append(lead, piece[:k]...)); err != nil {
		return err
	}
	if err := u.write(piece[k:]); err != nil || end == "" {
		return err
	}
	return u.write(crlf)
}

// vector is a gathering write: net.Buffers and its array, which would escape to
// the heap for each write.
type vector struct {
	parts [3][]byte
	bufs  net.Buffers
}

var crlf = []byte("\r\n")

// write writes the parts on TCP within the write limit.
func (v *vector) write(u *upload, tcp *net.TCPConn, lead, piece []byte, end string) *wire.Error {
	c := u.c
	n := 0
	for _, p := range [...][]byte{lead, piece, crlf[:len(end)]} {
		if len(p) > 0 {
			v.parts[n] = p
			n++
		}
	}
	defer clear(v.parts[:])
	v.bufs = v.parts[:n]
	now := c.now()
	progress := now
	for {
		c.armWrite(now, c.lim.write)
		if u.stopped.Load() {
			return errStopped
		}
		before := c.sent.Swap(true)
		n, err := v.bufs.WriteTo(tcp)
		if n == 0 && !before {
			c.sent.Store(false)
		}
		now = c.now()
		if progress, err = c.wrote(u, n, err, now, progress); err != nil {
			return err.(*wire.Error)
		}
		if len(v.bufs) == 0 {
			u.wroteHead()
			return nil
		}
	}
}

// regularFile returns a body that is a file on disk, whose reads do not block.
func regularFile(body io.ReadCloser) (*os.File, bool) {
	f, ok := body.(*os.File)
	if !ok {
		return nil, false
	}
	st, err := f.Stat()
	return f, err == nil && st.Mode().IsRegular()
}

// filePiece bounds one system call that sends from a file.
const filePiece = 4 << 20

// sendFile sends a file from where it stands, without its bytes passing through
// this process where the system can do that.
func (u *upload) sendFile(f *os.File, tcp *net.TCPConn) *wire.Error {
	start, err := f.Seek(0, io.SeekCurrent)
	var size int64
	if err == nil {
		var st os.FileInfo
		if st, err = f.Stat(); err == nil {
			size = st.Size() - start
		}
	}
	if err != nil {
		return u.fault(wire.KindRequestBody, err)
	}
	if err := lengthError(max(size, 0), u.length, true); err != nil {
		return u.fault(wire.KindProtocol, err)
	}
	if err := u.sendHead(); err != nil {
		return err
	}
	c := u.c
	now := c.now()
	progress := now
	for u.total < u.length {
		if u.length-u.total <= filePiece {
			u.where.Store(upTail)
		}
		c.armWrite(now, c.lim.write)
		if u.stopped.Load() {
			return errStopped
		}
		n, err := tcp.ReadFrom(&io.LimitedReader{R: f, N: min(u.length-u.total, filePiece)})
		u.total += n
		now = c.now()
		switch {
		case err == nil && n == 0:
			return u.fault(wire.KindProtocol, lengthError(u.total, u.length, true))
		case err != nil && isFileError(err):
			return u.fault(wire.KindRequestBody, err)
		}
		var werr error
		if progress, werr = c.wrote(u, n, err, now, progress); werr != nil {
			return werr.(*wire.Error)
		}
		if err != nil {
			// Bytes may have been read that were not sent.
			if _, err := f.Seek(start+u.total, io.SeekStart); err != nil {
				return u.fault(wire.KindRequestBody, err)
			}
		}
	}
	u.sentAt.Store(now)
	return nil
}

// isFileError reports whether the reading side of ReadFrom has failed.
func isFileError(err error) bool {
	var pe *os.PathError
	return errors.As(err, &pe)
}
