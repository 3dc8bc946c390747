package httpx

import (
	"errors"
	"fmt"
	"io"
	"iter"
)

// The iterators of a response share these rules. Of content in memory each
// iteration begins at the start. Of a stream it begins where the one before, or
// a Read of Body, has stopped; once the body has been read to its end, another
// iteration fails with ErrBodyConsumed, and after Close with ErrBodyClosed. An
// error is the last that is yielded.

// Chunks iterates over the content in pieces of n bytes, the last perhaps
// shorter and none empty. With n ≤ 0 pieces come as they are received. A piece is
// valid until the next. The iteration ends at the end of the body or after an
// error. Content in memory is iterated over from its start each time, a stream
// but once: then the error is ErrBodyConsumed.
func (r *Response) Chunks(n int) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) { chunks(r.contents(), n)(yield) }
}

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

// TextChunks iterates over the content as text, decoded as Charset says and with
// U+FFFD for what is not valid. Pieces come as they are received; none is empty
// and none ends within a character. It begins and ends as Chunks does.
func (r *Response) TextChunks() iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		in := r.textPieces()
		for {
			b, err := in.next()
			if len(b) > 0 && !yield(string(b), nil) {
				return
			}
			if err != nil {
				if err != io.EOF {
					yield("", err)
				}
				return
			}
		}
	}
}

// Lines iterates over the lines of the content as text, decoded as Charset says,
// without the line ends: LF, CR LF or CR, and no other. A line is yielded as soon
// as its end has come. A line longer than WithMaxLineBytes (1 MiB by default) of
// UTF-8 ends the iteration with ErrLineTooLong. Lines begins and ends as Chunks
// does; it reads ahead, so that after a break some of the bytes that follow are
// lost from a stream.
func (r *Response) Lines() iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		l := lineReader{in: r.textPieces(), limit: r.maxLine()}
		for {
			line, _, err := l.next()
			if err == io.EOF {
				return
			}
			if err != nil {
				yield("", r.lineError(err, l.limit))
				return
			}
			if !yield(string(line), nil) {
				return
			}
		}
	}
}

func (r *Response) maxLine() int {
	if r.more != nil && r.more.maxLine != 0 {
		return r.more.maxLine
	}
	return 1 << 20
}

func (r *Response) lineError(err error, limit int) error {
	if errors.Is(err, ErrLineTooLong) {
		return r.failed("body", fmt.Errorf("%w: more than %d bytes; see WithMaxLineBytes", ErrLineTooLong, limit))
	}
	return err
}
