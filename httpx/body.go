package httpx

import (
	"fmt"
	"io"
	"sync/atomic"

	"gohttpx.dev/wire"
)

// streamBody is a Response as its own Body: the connection's bytes, or the buffer
// once they have been read into one.
type streamBody Response

// Format is for all verbs: what prints a body by its fields would print the
// response, secrets and all, and an encoder would go round in it.
func (s *streamBody) Format(f fmt.State, _ rune) { io.WriteString(f, s.what()) }

// MarshalText is Format, for encoders.
func (s *streamBody) MarshalText() ([]byte, error) { return []byte(s.what()), nil }

func (s *streamBody) what() string { return "the body of " + (*Response)(s).String() }

func (s *streamBody) Read(p []byte) (int, error) {
	r := (*Response)(s)
	if r.buffered {
		if r.off >= len(r.body) {
			return 0, io.EOF
		}
		n := copy(p, r.body[r.off:])
		r.off += n
		return n, nil
	}
	n, err := r.read(p)
	return n, r.ended(err)
}

func (s *streamBody) Close() error {
	// Whether Buffer has ended is not asked: it may be running. The engine
	// knows that an exchange is over.
	r := (*Response)(s)
	err := rawBody{r}.Close()
	if !r.decoding.CompareAndSwap(nil, closedBody) {
		r.decoding.Load().close()
	}
	r.stop()
	if err != nil {
		return wrap(r.Request, r.conn(), err)
	}
	return nil
}

// rawBody is the content as it was received, from the engine or from another
// transport, up to the limit. It is all that is closed and drained: nothing is
// decoded for that.
type rawBody struct{ resp *Response }

func (b rawBody) Read(p []byte) (n int, err error) {
	r := b.resp
	if r.atEOF {
		return 0, io.EOF // the engine may have another exchange on the connection by now
	}
	limit, received := r.limit(), r.received.Load()
	p, ok := within(p, received, limit)
	if !ok || r.ContentLength() > limit {
		return 0, r.tooLarge("received", limit)
	}
	if r.source != nil {
		n, err = r.source.Read(p)
	} else {
		n, err = r.wire.Body.Read(p)
	}
	if received = r.received.Add(int64(n)); received > limit {
		return int(max(int64(n)-(received-limit), 0)), r.tooLarge("received", limit)
	}
	r.atEOF = err == io.EOF
	if n > 0 {
		r.report()
	}
	return n, err
}

func (b rawBody) Close() error {
	if b.resp.source != nil {
		return b.resp.source.Close()
	}
	return b.resp.wire.Body.Close()
}

// ended wraps a read error and stops the clock at the end.
func (r *Response) ended(err error) error {
	switch {
	case err == nil:
		return nil
	case err == io.EOF:
		r.stop()
		return io.EOF
	case err == wire.ErrBodyClosed:
		return &Error{Op: "body", Request: r.Request, Conn: r.conn(), Sent: true, Err: err}
	}
	err = wrap(r.Request, r.conn(), err)
	r.stopWith(err)
	return err
}

func (r *Response) stop() { r.stopWith(nil) }

// stopWith stops the clock and has what waits for the end done, once; err is why
// the content failed.
func (r *Response) stopWith(err error) {
	r.total.CompareAndSwap(0, int64(max(r.start.since(), 1)))
	r.lease.end()
	for h := r.atEnd.Swap(nil); h != nil; h = h.next {
		if !h.done.Swap(true) { // else a copy of r had it done
			h.f(err)
		}
	}
}

// endHook is what is to be done when a response is over. A list, the last given
// first.
type endHook struct {
	f    func(error)
	next *endHook
	done atomic.Bool
}

// onEnd has f called once, when the response is over: at once if it is.
func (r *Response) onEnd(f func(error)) {
	h := &endHook{f: f}
	for h.next = r.atEnd.Load(); !r.atEnd.CompareAndSwap(h.next, h); h.next = r.atEnd.Load() {
	}
	if r.total.Load() != 0 {
		r.stop()
	}
}
