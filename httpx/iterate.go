package httpx

import (
	"bytes"
	"fmt"
	"io"
	"iter"
)

// Chunks iterates over the content in pieces of n bytes, the last perhaps
// shorter. With n ≤ 0 pieces come as they are received. A piece is valid until
// the next. The iteration ends at the end of the body or after an error.
func (r *Response) Chunks(n int) iter.Seq2[[]byte, error] { return chunks(r.Body, n) }

func chunks(body io.Reader, n int) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		fill := n > 0
		if !fill {
			n = 32 << 10
		}
		buf := make([]byte, n)
		for {
			var m int
			var err error
			if fill {
				m, err = io.ReadFull(body, buf)
				if err == io.ErrUnexpectedEOF { // io.ReadFull's word for a short last piece
					err = io.EOF
				}
			} else {
				m, err = body.Read(buf)
			}
			if m > 0 && !yield(buf[:m], nil) {
				return
			}
			if err != nil {
				if err != io.EOF {
					yield(nil, err)
				}
				return
			}
		}
	}
}

// Lines iterates over the content line by line, without the line ends: LF, CR
// LF or CR. A line is yielded as soon as its end has come. A line longer than
// WithMaxLineBytes (1 MiB by default) ends the iteration with ErrLineTooLong.
// Lines reads ahead: after a break some of the bytes that follow are lost.
func (r *Response) Lines() iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		limit := 0
		if m := r.Request.more; m != nil {
			limit = m.maxLine
		}
		if limit <= 0 {
			limit = 1 << 20
		}
		buf := make([]byte, 4<<10)
		var line []byte // the start of a line whose end has not come
		skipLF := false // the byte before was CR
		for {
			n, err := r.Body.Read(buf)
			for b := buf[:n]; len(b) > 0; {
				if skipLF {
					skipLF = false
					if b[0] == '\n' {
						b = b[1:]
						continue
					}
				}
				i := bytes.IndexAny(b, "\r\n")
				part := b
				if i >= 0 {
					part = b[:i]
				}
				if len(line)+len(part) > limit {
					yield("", &Error{Op: "body", Request: r.Request, Conn: r.conn(), Sent: true,
						Err: fmt.Errorf("%w: more than %d bytes; see WithMaxLineBytes", ErrLineTooLong, limit)})
					return
				}
				if i < 0 {
					line = append(line, part...)
					break
				}
				s := string(part)
				if len(line) > 0 {
					s = string(append(line, part...))
					line = line[:0]
				}
				skipLF = b[i] == '\r'
				b = b[i+1:]
				if !yield(s, nil) {
					return
				}
			}
			if err != nil {
				if err != io.EOF {
					yield("", err)
				} else if len(line) > 0 {
					yield(string(line), nil)
				}
				return
			}
		}
	}
}
