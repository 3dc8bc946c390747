package httpx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"
	"sync/atomic"
)

// JSONLines iterates over content that has one JSON value a line, ended by LF or
// CR LF, as log and batch APIs send it (application/x-ndjson, application/jsonl).
// Content-Type is not asked. Blank lines are skipped. A line that is not the JSON
// wanted ends the iteration with an error that names its number, the first
// being 1, and so does a line above WithMaxLineBytes with ErrLineTooLong. The
// text is UTF-8, with or without a byte order mark. It begins and ends as
// Response.Chunks does, and reads ahead as Response.Lines does.
func JSONLines[T any](r *Response) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		l := lineReader{in: newPieces(r.contents()), limit: r.maxLine(), onlyLF: true}
		for n := 1; ; n++ {
			line, _, err := l.next()
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(zero, r.lineError(err, l.limit))
				return
			}
			if n == 1 {
				line = bytes.TrimPrefix(line, []byte("\ufeff"))
			}
			if line = bytes.Trim(line, " \t\r"); len(line) == 0 {
				continue
			}
			var v T
			if err := r.unmarshal(line, &v); err != nil {
				yield(zero, r.failed("decode", fmt.Errorf("line %d, of %d bytes, is not the JSON wanted: %w", n, len(line), err)))
				return
			}
			if !yield(v, nil) {
				return
			}
		}
	}
}

// JSONLinesBody makes the values of seq the body, one JSON text a line, encoded as
// JSON does and when they are to be sent: each leaves without waiting for the
// next. What cannot be encoded fails the request, of which a part has been sent
// then. It can be sent once, since seq may not be able to begin again.
// Content-Type is application/x-ndjson.
//
// seq is ranged over by the goroutine that sends, and stopped early when that
// ends: a seq that is waiting then is stopped when it yields the next time.
func JSONLinesBody[T any](seq iter.Seq[T]) Body {
	if seq == nil {
		return Body{err: errors.New("JSONLinesBody: nil")}
	}
	return Body{content: content{
		contentType: "application/x-ndjson",
		once:        new(atomic.Bool),
		open: func() (io.ReadCloser, int64, error) {
			r := new(linesBody)
			r.enc = json.NewEncoder(&r.text)
			r.enc.SetEscapeHTML(false)
			next, stop := iter.Pull(seq)
			r.next = func() (any, bool) {
				v, ok := next()
				return v, ok
			}
			r.stop = stop
			return r, -1, nil
		},
	}}
}

// linesBody is one send of JSONLinesBody.
type linesBody struct {
	closed atomic.Bool

	mu   sync.Mutex // of the rest; held while seq runs
	next func() (any, bool)
	stop func()
	enc  *json.Encoder
	text bytes.Buffer
	n    int
	err  error
}

func (b *linesBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	n, err := b.read(p)
	b.mu.Unlock()
	if b.closed.Load() { // and Close may have found us busy
		b.Close()
	}
	return n, err
}

func (b *linesBody) read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if b.closed.Load() {
		return 0, errors.New("JSONLinesBody: read after Close")
	}
	if b.text.Len() == 0 && b.err == nil {
		b.fill()
	}
	if b.text.Len() > 0 {
		return b.text.Read(p)
	}
	return 0, b.err
}

func (b *linesBody) fill() {
	v, ok := b.next()
	if !ok {
		b.err = io.EOF
		return
	}
	b.n++
	if err := b.enc.Encode(v); err != nil {
		b.err = fmt.Errorf("JSONLinesBody: value %d: %w", b.n, err)
		b.stop()
	}
}

// Close does not wait for a Read that seq holds up: that one stops it.
func (b *linesBody) Close() error {
	b.closed.Store(true)
	if b.mu.TryLock() {
		defer b.mu.Unlock()
		b.stop()
	}
	return nil
}
