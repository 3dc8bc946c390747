package h2

import (
	"fmt"
	"io"
)

// Framer reads and writes frames over any io.ReadWriter, with no engine: it
// sends what it is told, answers nothing and checks nothing but lengths. Check
// and the decoders are there for who wants them.
//
// ReadFrame belongs to one goroutine at a time, and so does writing; the two do
// not disturb each other.
type Framer struct {
	rw  io.ReadWriter
	max uint32 // what we announced as MAX_FRAME_SIZE

	// Of the reader.
	buf  []byte
	r, w int // unread bytes are buf[r:w]
	rerr error

	// Of the writer.
	out []byte
}

// framerBuffer is the size of the read buffer: a largest usual frame and what
// comes with it.
const framerBuffer = 64 << 10

// NewFramer returns a Framer that takes frames of up to max bytes, 0 for
// MinMaxFrameSize. It does not write the preface.
func NewFramer(rw io.ReadWriter, max uint32) *Framer {
	if max == 0 {
		max = MinMaxFrameSize
	}
	return &Framer{rw: rw, max: min(max, MaxMaxFrameSize)}
}

// ReadFrame reads the next frame. Its payload is valid until the next call.
//
// The error is io.EOF if the input ends between two frames, and wraps
// io.ErrUnexpectedEOF if it ends within one; a ConnError if the frame is too
// long, whose header is then returned; or that of the reader.
func (fr *Framer) ReadFrame() (Frame, error) {
	for {
		f, n, err := ParseFrame(fr.buf[fr.r:fr.w], fr.max)
		if n > 0 || err != nil {
			fr.r += n
			return f, err
		}
		if fr.rerr != nil {
			return Frame{}, fr.readError()
		}
		fr.fill()
	}
}

func (fr *Framer) readError() error {
	if fr.rerr != io.EOF {
		return fr.rerr
	}
	if n := fr.w - fr.r; n > 0 {
		return fmt.Errorf("h2: %d bytes of a frame: %w", n, io.ErrUnexpectedEOF)
	}
	return io.EOF
}

// fill reads once, having made room. The buffer grows with what has come, not
// with what a header announces.
func (fr *Framer) fill() {
	if fr.r == fr.w {
		fr.r, fr.w = 0, 0
	}
	if fr.w == len(fr.buf) {
		if fr.r == 0 {
			fr.buf = append(fr.buf, make([]byte, max(framerBuffer, len(fr.buf)))...)
		} else {
			fr.w = copy(fr.buf, fr.buf[fr.r:fr.w])
			fr.r = 0
		}
	}
	for range 100 {
		n, err := fr.rw.Read(fr.buf[fr.w:])
		fr.w += n
		fr.rerr = err
		if n > 0 || err != nil {
			return
		}
	}
	fr.rerr = io.ErrNoProgress
}

// WriteFrame writes one frame, with the length that its payload has, which must
// be at most MaxMaxFrameSize.
func (fr *Framer) WriteFrame(f Frame) error {
	if len(f.Payload) > MaxMaxFrameSize {
		return fmt.Errorf("h2: payload of %d bytes: a frame has at most %d", len(f.Payload), MaxMaxFrameSize)
	}
	fr.out = AppendFrame(fr.out[:0], f)
	return fr.WriteRaw(fr.out)
}

// WriteRaw writes bytes as they are: the preface, or what the Append functions
// have made.
func (fr *Framer) WriteRaw(p []byte) error {
	_, err := fr.rw.Write(p)
	return err
}
