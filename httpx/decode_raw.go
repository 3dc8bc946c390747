package httpx

import (
	"fmt"
	"io"
	"iter"
)

// Uncompressed reports whether Content-Encoding names codings which Body and
// Bytes are free of. It is false where there were none, for a 206, whose content
// is a part of the encoded form, and where a coding is not known: then the
// content is as received.
func (r *Response) Uncompressed() bool {
	if r.decoding.Load() == rawTaken {
		return false
	}
	codings, err := r.decodes()
	return err == nil && len(codings) > 0
}

// RawBody reads the content as received, with its codings. It shares the
// position with Body: of a content that is encoded, one of them can be read, and
// the other then fails with ErrBodyConsumed, as RawBody does for a response that
// is buffered. Closing it closes the response.
func (r *Response) RawBody() io.ReadCloser { return rawReader{r} }

// RawChunks is Chunks over RawBody.
func (r *Response) RawChunks(n int) iter.Seq2[[]byte, error] { return chunks(r.RawBody(), n) }

// BytesReceived returns how many bytes of content have been read from the
// connection so far: without chunk framing, and before codings are removed. It
// may be called while another goroutine reads.
func (r *Response) BytesReceived() int64 { return r.received.Load() }

// WireBytes is BytesReceived by a name that says on which side of the codings it
// counts.
func (r *Response) WireBytes() int64 { return r.BytesReceived() }

type rawReader struct{ resp *Response }

func (b rawReader) Read(p []byte) (int, error) {
	r := b.resp
	d := r.decoding.Load()
	if d == nil {
		d = plainBody
		if codings, err := r.decodes(); err != nil || len(codings) > 0 {
			d = rawTaken
		}
		if !r.decoding.CompareAndSwap(nil, d) {
			d = closedBody
		}
	}
	switch {
	case !r.buffered && (d == plainBody || d == rawTaken):
		n, err := rawBody{r}.Read(p)
		return n, r.ended(err)
	case !r.buffered && d == closedBody:
		_, err := r.read(nil)
		return 0, r.ended(err)
	}
	return 0, &Error{
		Op: "body", Request: r.Request, Conn: r.conn(), Sent: true,
		Err: fmt.Errorf("%w: it was buffered or decoded; take RawBody of a stream, and before Body", ErrBodyConsumed),
	}
}

func (b rawReader) Close() error { return b.resp.Close() }
