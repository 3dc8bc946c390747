package httpx

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"

	"gohttpx.dev/wire"
)

// The limits of decoding that no option has set.
const (
	maxCodings    = 5       // of one response
	defaultRatio  = 1000    // decoded bytes for each received
	ratioFloor    = 8 << 20 // decoded bytes below which the ratio does not matter
	maxBuffered   = 1 << 30 // bytes of content that is buffered
	bufferedGuess = 4       // decoded bytes for each announced, to begin with
)

// What a response's decoding may point at beside one that works.
var (
	plainBody  = new(decoding) // the content is what was received
	rawTaken   = new(decoding) // RawBody has read of it
	closedBody = new(decoding) // closed before anybody read
)

// decoding turns what was received into the content, through one stage for each
// coding. Its reader uses it; Close may come from another goroutine.
type decoding struct {
	resp   *Response
	stages []*stage // the first reads what was received, the last gives the content
	one    [1]*stage
	out    int64
	err    error // sticky
	rawErr error // what the body as received failed with, io.EOF included

	mu                         sync.Mutex
	reading, closed, forgotten bool // guarded by mu; stages are released by whoever sets forgotten
}

// decodes returns the codings to be removed from r's content, in the order in
// which they were applied; none if it is to be left as it is.
func (r *Response) decodes() ([]string, error) {
	m := r.more
	if m != nil && m.noDecoding || r.source == nil && r.wire.Body.Ended() {
		return nil, nil
	}
	switch {
	case r.StatusCode/100 == 1, r.StatusCode == 204, r.StatusCode == 304, r.Request.Method == "HEAD":
		return nil, nil // there is no content
	case r.StatusCode == 206:
		// A part of the encoded form (RFC 9110 §14.2) cannot be decoded alone.
		return nil, nil
	case r.Request.Method == "CONNECT" && r.IsSuccess():
		return nil, nil
	}
	var codings []string
	known := true
	for i := range r.Header {
		if !wire.EqualFold(r.Header[i].Name, "Content-Encoding") {
			continue
		}
		for rest, more := r.Header[i].Value, true; more; {
			var name string
			name, rest, more = strings.Cut(rest, ",")
			name = strings.ToLower(strings.Trim(name, " \t"))
			if name == "" || name == "identity" {
				continue
			}
			if len(codings) == maxCodings {
				return nil, fmt.Errorf("%w: Content-Encoding names more than %d codings; WithDecoding(false) gives the body as received", ErrDecoding, maxCodings)
			}
			codings = append(codings, name)
			known = known && m.decodes(name)
		}
	}
	if !known {
		return nil, nil
	}
	return codings, nil
}

// decodes reports whether there is a decoder for a coding, in lower case.
func (m *more) decodes(name string) bool {
	if m != nil {
		if f, ok := m.decoders[name]; ok {
			return f != nil
		}
	}
	if name == "x-gzip" {
		return m.decodes("gzip") // RFC 9110 §8.4.1.3
	}
	return builtin[name] != nil
}

// newStage returns the stage for a coding for which decodes is true.
func (m *more) newStage(name string) *stage {
	if m != nil {
		if f := m.decoders[name]; f != nil {
			return customStage(name, f)
		}
	}
	if name == "x-gzip" {
		return m.newStage("gzip")
	}
	return builtin[name].Get().(*stage)
}

// decoder says how the content is read. It decides when it is first called,
// which is by the first to read.
func (r *Response) decoder() *decoding {
	d := r.decoding.Load()
	if d != nil {
		return d
	}
	codings, err := r.decodes()
	if err == nil && len(codings) == 0 {
		d = plainBody
	} else {
		d = &decoding{resp: r, err: err}
		if err != nil {
			d.err = r.decodeError(err)
		}
		d.stages = d.one[:0]
		in := io.Reader((*rawInput)(d))
		for i := len(codings) - 1; i >= 0; i-- { // the last applied goes first
			s := r.more.newStage(codings[i])
			s.within = d
			s.in.Reset(in)
			d.stages = append(d.stages, s)
			in = s
		}
	}
	if !r.decoding.CompareAndSwap(nil, d) { // closed
		d.close()
		return r.decoding.Load()
	}
	return d
}

// read reads content.
func (r *Response) read(p []byte) (int, error) {
	switch d := r.decoder(); d {
	case plainBody:
		return rawBody{r}.Read(p)
	case closedBody:
		if r.source != nil {
			return 0, wire.ErrBodyClosed
		}
		return rawBody{r}.Read(p) // the engine knows what to say
	case rawTaken:
		return 0, &Error{
			Op: "body", Request: r.Request, Conn: r.conn(), Sent: true,
			Err: fmt.Errorf("%w: what RawBody has read of it cannot be decoded any more", ErrBodyConsumed),
		}
	default:
		return d.Read(p)
	}
}

// rawInput is a decoding's view of the body as received.
type rawInput decoding

func (d *rawInput) Read(p []byte) (int, error) {
	if d.rawErr != nil {
		return 0, d.rawErr
	}
	n, err := rawBody{d.resp}.Read(p)
	d.rawErr = err
	return n, err
}

// Read decodes no more than p holds, and gives no more than the limit.
func (d *decoding) Read(p []byte) (int, error) {
	if d.err != nil || len(p) == 0 {
		return 0, d.err
	}
	if !d.enter() {
		return 0, wire.ErrBodyClosed
	}
	defer d.leave()
	limit := d.resp.limit()
	p, ok := within(p, d.out, limit)
	var n int
	var err error
	if ok {
		n, err = d.stages[len(d.stages)-1].Read(p)
		d.out += int64(n)
	}
	if d.out > limit {
		// Buffer brings its limit to a stream that may be past it already.
		n = int(max(int64(n)-(d.out-limit), 0))
		err = d.resp.tooLarge("decoded", limit)
	} else if err != nil && err != io.EOF {
		err = d.cause()
	}
	if err != nil {
		d.err = err
		d.forget()
	}
	return n, err
}

// cause is the error of the stage nearest to what was received, or of that
// itself: stages behind it may have put it in words of their own.
func (d *decoding) cause() error {
	if d.rawErr != nil && d.rawErr != io.EOF {
		return d.rawErr
	}
	for _, s := range d.stages {
		switch {
		case s.err == nil || s.err == io.EOF:
		case errors.Is(s.err, ErrDecodedTooLarge):
			return d.resp.decodeError(s.err)
		default:
			return d.resp.decodeError(fmt.Errorf("%w: %s, after %d bytes received and %d decoded: %w",
				ErrDecoding, s.name, d.resp.BytesReceived(), s.out, s.err))
		}
	}
	return d.resp.decodeError(ErrDecoding)
}

// ratio fails if out decoded bytes of any stage are too many for what was
// received: a chain whose middle is huge costs as much as one whose end is.
func (d *decoding) ratio(out int64) error {
	if out <= ratioFloor {
		return nil
	}
	most := int64(defaultRatio)
	if m := d.resp.more; m != nil && m.maxRatio != 0 {
		most = m.maxRatio
	}
	received := d.resp.BytesReceived()
	if most < 0 || out/most <= received {
		return nil
	}
	return fmt.Errorf("%w: %d bytes from %d, more than %d for one; see WithMaxDecodeRatio", ErrDecodedTooLarge, out, received, most)
}

func (r *Response) decodeError(err error) error {
	return &Error{Op: "decode", Request: r.Request, Conn: r.conn(), Sent: true, Err: err}
}

// enter and leave enclose a Read, so that the stages are released when none
// runs: by a Close, or by the Read that it met.
func (d *decoding) enter() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reading = !d.closed
	return d.reading
}

func (d *decoding) leave() {
	d.mu.Lock()
	d.reading = false
	closed := d.closed
	d.mu.Unlock()
	if closed {
		d.forget()
	}
}

func (d *decoding) close() {
	if d.resp == nil {
		return // one of those that stand for something else
	}
	d.mu.Lock()
	d.closed = true
	reading := d.reading
	d.mu.Unlock()
	if !reading {
		d.forget()
	}
}

// forget releases the stages, once. It is called by the Read that runs, or when
// none does and none will.
func (d *decoding) forget() {
	d.mu.Lock()
	again := d.forgotten
	d.forgotten = true
	d.mu.Unlock()
	if again {
		return
	}
	for i := len(d.stages) - 1; i >= 0; i-- {
		d.stages[i].release()
	}
	d.stages, d.one[0] = nil, nil
}

// limit is the most content that may be read, decoded and as received.
func (r *Response) limit() int64 {
	var n int64
	if r.more != nil {
		n = r.more.maxBody
	}
	if n == 0 && r.buffering {
		n = maxBuffered
	}
	if n <= 0 {
		return math.MaxInt64
	}
	return n
}

// within shortens p to what is left of a limit and one byte more, which shows
// that the limit is not enough. It reports false where that has been seen.
func within(p []byte, done, limit int64) ([]byte, bool) {
	rest := limit - done
	if rest < 0 {
		return nil, false
	}
	if int64(len(p)) > rest {
		p = p[:rest+1]
	}
	return p, true
}

func (r *Response) tooLarge(what string, limit int64) error {
	return &Error{
		Op: "body", Request: r.Request, Conn: r.conn(), Sent: true,
		Err: fmt.Errorf("%w: more than %d bytes %s; see WithMaxResponseBytes", ErrResponseTooLarge, limit, what),
	}
}
