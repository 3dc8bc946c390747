package httpx

import (
	"bytes"
	"fmt"
	"io"
)

// contents reads r's content for one iteration: that in memory from its start,
// that of a stream from where it stands. It decides when it is called.
func (r *Response) contents() io.Reader {
	if r.buffered {
		return bytes.NewReader(r.body)
	}
	return &onceReader{r, r.total.Load() != 0}
}

// onceReader is the body of a stream, which has but one reading in it.
type onceReader struct {
	resp *Response
	over bool // the body had ended before
}

func (o *onceReader) Read(p []byte) (int, error) {
	n, err := o.resp.Body.Read(p)
	if err != nil && err != io.EOF {
		// One of a body that middleware has put around ours may be bare, and
		// io.ErrUnexpectedEOF is io.ReadFull's word for something harmless.
		return n, wrap(o.resp.Request, o.resp.conn(), err)
	}
	if o.over && n == 0 && err == io.EOF {
		return 0, o.resp.failed("body", fmt.Errorf("%w; Buffer keeps a stream for more than one reading", ErrBodyConsumed))
	}
	return n, err
}

// pieces gives content as it comes.
type pieces interface {
	// next returns a piece, valid until the next call. With an error, io.EOF
	// included, a last piece may come.
	next() ([]byte, error)
}

// bytePieces are the bytes of a reader.
type bytePieces struct {
	r   io.Reader
	buf []byte
}

func newPieces(r io.Reader) *bytePieces { return &bytePieces{r, make([]byte, 16<<10)} }

func (p *bytePieces) next() ([]byte, error) {
	for range 100 {
		if n, err := p.r.Read(p.buf); n > 0 || err != nil {
			return p.buf[:n], err
		}
	}
	return nil, io.ErrNoProgress
}

// textPieces are pieces as text.
type textPieces struct {
	in  pieces
	dec *textDecoder
}

func (p *textPieces) next() ([]byte, error) {
	for {
		b, err := p.in.next()
		if b = p.dec.decode(b, err == io.EOF); len(b) > 0 || err != nil {
			return b, err
		}
	}
}

// textPieces is r's content as text.
func (r *Response) textPieces() pieces {
	r.textRead.Store(true)
	return &textPieces{newPieces(r.contents()), r.charset().decoder()}
}

// lineReader divides pieces into lines. A line is given as soon as its end has
// come: after a CR it does not wait to see whether an LF follows.
type lineReader struct {
	in     pieces
	limit  int    // bytes of a line; negative: none
	onlyLF bool   // a CR ends no line
	part   []byte // what was received and is not yet given
	line   []byte // the start of a line whose end has not come
	lent   bool   // line was given out
	skipLF bool   // the byte before was CR
	err    error  // how the pieces ended
}

// next returns a line without its end, valid until the next call, and whether it
// had one: the last may not. After the last line the error is io.EOF.
func (l *lineReader) next() (line []byte, ended bool, err error) {
	if l.lent {
		l.line, l.lent = l.line[:0], false
	}
	for {
		if l.skipLF && len(l.part) > 0 {
			l.skipLF = false
			if l.part[0] == '\n' {
				l.part = l.part[1:]
			}
		}
		i := l.end(l.part)
		part := l.part
		if i >= 0 {
			part = part[:i]
		}
		if l.limit >= 0 && len(l.line)+len(part) > l.limit {
			l.err, l.part = ErrLineTooLong, nil
			return nil, false, l.err
		}
		if i >= 0 {
			l.skipLF = !l.onlyLF && l.part[i] == '\r'
			l.part = l.part[i+1:]
			if len(l.line) > 0 {
				l.line, l.lent = append(l.line, part...), true
				return l.line, true, nil
			}
			return part, true, nil
		}
		l.line = append(l.line, part...)
		if l.part = nil; l.err != nil {
			if l.err == io.EOF && len(l.line) > 0 {
				l.lent = true
				return l.line, false, nil
			}
			return nil, false, l.err
		}
		l.part, l.err = l.in.next()
	}
}

// end is where the first line of b ends, -1 if it does not.
func (l *lineReader) end(b []byte) int {
	if l.onlyLF {
		return bytes.IndexByte(b, '\n')
	}
	// Step by step, each twice as long: to look for the one all through b, where
	// there is only the other, would be done again for each line.
	for at, step := 0, 64; at < len(b); at, step = at+step, 2*step {
		part := b[at:min(at+step, len(b))]
		i := bytes.IndexByte(part, '\n')
		if i >= 0 {
			part = part[:i]
		}
		if j := bytes.IndexByte(part, '\r'); j >= 0 {
			i = j
		}
		if i >= 0 {
			return at + i
		}
	}
	return -1
}
