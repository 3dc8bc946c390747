package httpx

import (
	"context"
	"fmt"
	"io"

	"gohttpx.dev/wire"
)

// Body returns what the request sends; the zero Body if that is nothing. With a
// Multipart body it goes by the boundary in Header, which must not be changed
// after that.
func (r *Request) Body() Body {
	c, err := r.content.bound(r.Header)
	if err != nil {
		return Body{content: r.content, err: err}
	}
	return Body{content: c}
}

// ReadBody reads the request's body into memory and returns it, nil if there is
// none. From then on the request sends these bytes, any number of times, whatever
// its body was before. All of it is held in memory, however large it is:
// Request.Body().Len() tells beforehand, where it is known.
//
// The bytes must not be changed. ReadBody changes the request, so nothing else
// may use it at the same time. When ctx ends first, its error is returned, and a
// body that can be sent but once is lost; it is closed, though a Read that is in
// progress then may take its time to return.
func (r *Request) ReadBody(ctx context.Context) ([]byte, error) {
	if r.content.open == nil {
		return nil, nil
	}
	b, err := r.load(ctx)
	if err != nil {
		return nil, wrap(r, nil, err)
	}
	r.content = bytesContent(b, r.content.contentType)
	return b, nil
}

func (r *Request) load(ctx context.Context) ([]byte, error) {
	if ctx == nil {
		ctx = context.Background()
	}
	if ctx.Err() != nil {
		return nil, wire.Canceled(ctx, wire.PhaseWrite, false)
	}
	fault := func(err error) error {
		return &wire.Error{Phase: wire.PhaseWrite, Kind: wire.KindRequestBody, Err: err}
	}
	c, err := r.content.bound(r.Header)
	if err != nil {
		return nil, fault(err)
	}
	body, n, err := c.take()
	if err != nil {
		return nil, fault(err)
	}
	if m, ok := body.(*memory); ok {
		return io.ReadAll(m)
	}
	type result struct {
		b   []byte
		err error
	}
	// The reader ends when the body does or when a Read fails, which Close makes
	// it do. Nobody waits for it after ctx has ended: a Read may take no notice.
	read := make(chan result, 1)
	go func() {
		b, err := io.ReadAll(body)
		read <- result{b, err}
	}()
	select {
	case got := <-read:
		body.Close()
		if got.err == nil && n >= 0 && int64(len(got.b)) != n {
			got.err = fmt.Errorf("the body has %d bytes, where %d were announced", len(got.b), n)
		}
		if got.err != nil {
			return nil, fault(got.err)
		}
		return got.b, nil
	case <-ctx.Done():
		go body.Close() // Close may have to wait for Read
		return nil, wire.Canceled(ctx, wire.PhaseWrite, false)
	}
}
