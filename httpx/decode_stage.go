package httpx

import (
	"bufio"
	"errors"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// decoder decodes one body after another. A Read yields what can be had without
// waiting for more input than it takes, and io.EOF at the end of the coding.
type decoder interface {
	// reset starts with in, which has at least one byte or has failed.
	reset(in *bufio.Reader) error
	Read(p []byte) (int, error)
	// forget lets go of the input, and reports whether reset may follow.
	forget() bool
}

// stage removes one coding. It belongs to one body at a time, and to its reader.
type stage struct {
	name   string
	in     *bufio.Reader
	dec    decoder
	begun  bool
	ended  bool // the coding has; what follows in the input is not known
	out    int64
	err    error
	within *decoding
	home   *sync.Pool // nil: made for this body
}

// The input's buffer is a *bufio.Reader and of this package's making, so that
// flate reads bytes without an interface call, and reads none behind its end.
const stageBuffer = 8 << 10

func stagePool(name string, dec func() decoder) *sync.Pool {
	p := new(sync.Pool)
	p.New = func() any {
		return &stage{name: name, in: bufio.NewReaderSize(nil, stageBuffer), dec: dec(), home: p}
	}
	return p
}

// builtin are the codings that need no WithDecoder.
var builtin = map[string]*sync.Pool{
	"gzip":    stagePool("gzip", func() decoder { return new(gzipDecoder) }),
	"deflate": stagePool("deflate", func() decoder { return new(deflateDecoder) }),
	"br":      stagePool("br", func() decoder { return new(brotliDecoder) }),
	"zstd":    stagePool("zstd", func() decoder { return new(zstdDecoder) }),
}

var errTrailing = errors.New("more bytes follow the end of the coding")

// Read decodes at most len(p) bytes, which must not be 0.
func (s *stage) Read(p []byte) (int, error) {
	for idle, before := 0, s.within.resp.BytesReceived(); s.err == nil; {
		n, err := s.step(p)
		s.out += int64(n)
		if err == nil {
			err = s.within.ratio(s.out)
		}
		s.err = err
		if n > 0 {
			return n, nil // the error, if any, is for the next Read
		}
		if now := s.within.resp.BytesReceived(); now != before {
			idle, before = 0, now
		}
		if idle++; err == nil && idle == 100 {
			s.err = io.ErrNoProgress
		}
	}
	return 0, s.err
}

func (s *stage) step(p []byte) (int, error) {
	if !s.begun {
		// No bytes at all are no content, whatever Content-Encoding says.
		if _, err := s.in.Peek(1); err != nil {
			return 0, err
		}
		s.begun = true
		if err := s.dec.reset(s.in); err != nil {
			return 0, noEOF(err)
		}
	}
	if !s.ended {
		n, err := s.dec.Read(p)
		if s.ended = err == io.EOF; !s.ended || n > 0 {
			if s.ended {
				err = nil
			}
			return n, err
		}
	}
	// To look here also takes what ends the message, so that the connection
	// can serve again.
	switch _, err := s.in.Peek(1); err {
	case nil:
		return 0, errTrailing
	default:
		return 0, err
	}
}

// release ends the stage's work on a body. It is called once, and not while
// Read runs.
func (s *stage) release() {
	again := !s.begun || s.dec.forget()
	s.in.Reset(nil)
	*s = stage{name: s.name, in: s.in, dec: s.dec, home: s.home}
	if again && s.home != nil {
		s.home.Put(s)
	}
}

// noEOF makes an end in the middle of something an error.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// gzipDecoder decodes the members of RFC 1952 one after another. Whether there
// is another one is asked here: gzip.Reader takes a header that is cut in its
// file name for the end.
type gzipDecoder struct {
	gzip.Reader
	in *bufio.Reader
}

func (d *gzipDecoder) reset(in *bufio.Reader) error {
	d.in = in
	if err := d.Reader.Reset(in); err != nil {
		return noEOF(err)
	}
	d.Multistream(false)
	return nil
}

func (d *gzipDecoder) Read(p []byte) (int, error) {
	for {
		n, err := d.Reader.Read(p)
		if err != io.EOF {
			return n, err
		}
		if n > 0 {
			return n, nil
		}
		if _, err := d.in.Peek(1); err != nil {
			return 0, err
		}
		if err := d.reset(d.in); err != nil {
			return 0, err
		}
	}
}

func (d *gzipDecoder) forget() bool {
	d.in, d.Header = nil, gzip.Header{}
	return true
}

// deflateDecoder decodes the zlib format (RFC 1950), which is what "deflate"
// means, and raw deflate (RFC 1951), which some servers send in its name
// (RFC 9110 §8.4.1.2).
type deflateDecoder struct {
	zlib, raw io.ReadCloser // made when first needed
	now       io.Reader
}

func (d *deflateDecoder) reset(in *bufio.Reader) error {
	head, err := in.Peek(2)
	if err != nil {
		return err
	}
	// Method 8, a window of 32 KiB at most, and a check of both bytes: as raw
	// deflate that were a stored block with a padding which is not zero, and
	// which nobody writes.
	if head[0]&0xf == 8 && head[0]>>4 <= 7 && (int(head[0])<<8|int(head[1]))%31 == 0 {
		if d.zlib == nil {
			d.zlib, err = zlib.NewReader(in)
		} else {
			err = d.zlib.(zlib.Resetter).Reset(in, nil)
		}
		d.now = d.zlib
		return err
	}
	if d.raw == nil {
		d.raw = flate.NewReader(in)
	} else {
		err = d.raw.(flate.Resetter).Reset(in, nil)
	}
	d.now = d.raw
	return err
}

func (d *deflateDecoder) Read(p []byte) (int, error) { return d.now.Read(p) }

func (d *deflateDecoder) forget() bool {
	d.now = nil
	return true
}

// brotliDecoder decodes RFC 7932. Its window is 16 MiB at most.
type brotliDecoder struct {
	brotli.Reader
	ended bool
}

func (d *brotliDecoder) reset(in *bufio.Reader) error {
	d.ended = false
	return d.Reset(in)
}

func (d *brotliDecoder) Read(p []byte) (int, error) {
	n, err := d.Reader.Read(p)
	d.ended = err == io.EOF
	return n, err
}

// A brotli.Reader that was left half-way keeps input beyond its Reset.
func (d *brotliDecoder) forget() bool { return d.ended }

// zstdDecoder decodes the frames of RFC 8878 one after another.
type zstdDecoder struct{ d *zstd.Decoder }

// RFC 9659: a decoder of the coding need support no window above 8 MiB, and an
// encoder must not use one.
const zstdWindow = 8 << 20

func (d *zstdDecoder) reset(in *bufio.Reader) (err error) {
	if d.d != nil {
		return d.d.Reset(in)
	}
	// One worker decodes in the caller's goroutine and starts none.
	d.d, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(zstdWindow))
	return err
}

func (d *zstdDecoder) Read(p []byte) (int, error) { return d.d.Read(p) }

func (d *zstdDecoder) forget() bool {
	return d.d != nil && d.d.Reset(nil) == nil // which drops the input
}

// customDecoder is what a function given to WithDecoder makes.
type customDecoder struct {
	open func(io.Reader) (io.ReadCloser, error)
	rc   io.ReadCloser
}

func (d *customDecoder) reset(in *bufio.Reader) error {
	// Nothing of bufio.Reader but Read is promised.
	rc, err := d.open(struct{ io.Reader }{in})
	if err == nil && rc == nil {
		err = errors.New("the function given to WithDecoder returned neither a reader nor an error")
	}
	if err == nil {
		d.rc = rc
	}
	return err
}

func (d *customDecoder) Read(p []byte) (int, error) { return d.rc.Read(p) }

func (d *customDecoder) forget() bool {
	if d.rc != nil {
		d.rc.Close()
	}
	return false
}
