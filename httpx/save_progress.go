package httpx

import "io"

// Progress is what WithProgress returns: an option of clients, of requests and of
// SaveToFile.
type Progress func(done, total int64)

// WithProgress sets a function that is called as a response body arrives, after
// each read: with the bytes received so far, as Response.BytesReceived counts
// them, and with the announced Content-Length, -1 if there is none. Both are
// before content codings are removed. It is called by the goroutine that reads,
// for Get and the like within the call, and must not block for long. With
// SaveToFile it goes before the request's; of a response that is in memory
// already it is called once, with the length of the content.
func WithProgress(f func(done, total int64)) Progress { return f }

func (p Progress) applyClient(c *config) error   { return c.settings.edit(p.apply) }
func (p Progress) applyRequest(r *Request) error { return r.settings.edit(p.apply) }
func (p Progress) applySave(s *saving)           { s.progress = p }
func (p Progress) apply(m *more) error           { m.received = p; return nil }

// WithUploadProgress sets a function that is called as a request body is read to
// be sent, with the bytes so far and their number, -1 if that is unknown. What
// has been read may wait in buffers before it leaves. Each attempt and each
// redirect that sends the body again begins at 0. It is called by the goroutine
// that sends, and must not block for long.
func WithUploadProgress(f func(done, total int64)) Option {
	return moreOption(func(m *more) error { m.sent = f; return nil })
}

// report calls the progress function, if there is one.
func (r *Response) report() {
	f := r.progress
	if f == nil && r.more != nil {
		f = r.more.received
	}
	if f != nil {
		f(r.received.Load(), r.ContentLength())
	}
}

// countedBody reports what is read of a request body.
type countedBody struct {
	io.ReadCloser
	done, total int64
	report      func(done, total int64)
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.done += int64(n)
		b.report(b.done, b.total)
	}
	return n, err
}

// counted puts m's function around a body of n bytes.
func (m *more) counted(body io.ReadCloser, n int64) io.ReadCloser {
	if m == nil || m.sent == nil {
		return body
	}
	return &countedBody{body, 0, n, m.sent}
}
