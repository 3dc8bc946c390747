package httpxtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"gohttpx.dev/httpx"
)

// Exchange is a request and its response, as a Recorder keeps them. Of the
// request there is what Replay goes by; credentials are in URL, Body and Header
// as they were sent and received, so look at a record before you publish it.
type Exchange struct {
	// Method, URL and Body are the request's.
	Method string
	URL    string
	Body   []byte `json:",omitempty"`
	// Status, Header, Content and Trailer are the response's.
	Status  int
	Header  []Field `json:",omitempty"`
	Content []byte  `json:",omitempty"`
	Trailer []Field `json:",omitempty"`
}

// Field is a field line.
type Field struct {
	// Name and Value are as they were sent.
	Name, Value string
}

// Recorder keeps what passes through it. Make it with Record.
type Recorder struct {
	next httpx.Transport

	mu        sync.Mutex
	exchanges []Exchange // guarded by mu
}

// Record returns a transport that has next answer, and keeps requests and
// responses in memory, bodies included: a response is there when it is complete.
// Interim responses and connections that were taken over are not kept.
func Record(next httpx.Transport) *Recorder { return &Recorder{next: next} }

// RoundTrip implements httpx.Transport.
func (r *Recorder) RoundTrip(ctx context.Context, req *httpx.Request) (*httpx.Response, error) {
	call, err := read(ctx, req)
	if err != nil {
		return nil, err
	}
	send := call.Request
	if !req.HasBody() || call.std.GetBody != nil {
		send = req // with its options; a body that can be read but once is in the copy
	}
	resp, err := r.next.RoundTrip(ctx, send)
	if err != nil || resp.StatusCode == 101 {
		return resp, err
	}
	defer resp.Close()
	e := Exchange{Method: req.Method, URL: req.URL.String(), Body: call.Body, Status: resp.StatusCode}
	if resp.Body != nil {
		if e.Content, err = io.ReadAll(resp.Body); err != nil {
			return nil, err
		}
	}
	// What was decoded is kept as such.
	header := resp.Std().Header
	for name, value := range resp.Header.All() {
		if _, has := header[canonical(name)]; has {
			e.Header = append(e.Header, Field{name, value})
		}
	}
	for name, value := range resp.Trailer().All() {
		e.Trailer = append(e.Trailer, Field{name, value})
	}
	r.mu.Lock()
	r.exchanges = append(r.exchanges, e)
	r.mu.Unlock()
	return e.response(), nil
}

// Close closes the transport behind it, if it can be closed.
func (r *Recorder) Close() error {
	if c, ok := r.next.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// Exchanges returns what was recorded, in the order of the responses.
func (r *Recorder) Exchanges() []Exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Exchange(nil), r.exchanges...)
}

// WriteTo writes the record as JSON, for ReadExchanges.
func (r *Recorder) WriteTo(w io.Writer) (int64, error) {
	b, err := json.MarshalIndent(r.Exchanges(), "", "\t")
	if err != nil {
		return 0, err
	}
	n, err := w.Write(append(b, '\n'))
	return int64(n), err
}

// ReadExchanges reads what Recorder.WriteTo has written.
func ReadExchanges(r io.Reader) ([]Exchange, error) {
	var all []Exchange
	if err := json.NewDecoder(r).Decode(&all); err != nil {
		return nil, fmt.Errorf("httpxtest: no record: %w", err)
	}
	return all, nil
}

// ErrNotRecorded: Replay was sent a request that is not in its record, or more
// often than it is.
var ErrNotRecorded = errors.New("not recorded")

// Replay returns a transport that answers from a record. Each exchange answers
// one request, the first that has its method, URL and body and was not used yet.
func Replay(exchanges []Exchange) httpx.Transport {
	return &replayer{left: append([]Exchange(nil), exchanges...)}
}

type replayer struct {
	mu   sync.Mutex
	left []Exchange // guarded by mu
}

// RoundTrip implements httpx.Transport.
func (r *replayer) RoundTrip(ctx context.Context, req *httpx.Request) (*httpx.Response, error) {
	call, err := read(ctx, req)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, e := range r.left {
		if e.Method == req.Method && e.URL == req.URL.String() && bytes.Equal(e.Body, call.Body) {
			r.left = append(r.left[:i], r.left[i+1:]...)
			return e.response(), nil
		}
	}
	return nil, fmt.Errorf("httpxtest: %w: %s with a body of %d bytes; %d exchanges are left", ErrNotRecorded, req, len(call.Body), len(r.left))
}

func (e *Exchange) response() *httpx.Response {
	opts := []ResponseOption{Bytes(e.Content)}
	for _, f := range e.Header {
		opts = append(opts, Header(f.Name, f.Value))
	}
	for _, f := range e.Trailer {
		opts = append(opts, Trailer(f.Name, f.Value))
	}
	return newSpec(e.Status, opts).response(e.Method)
}
