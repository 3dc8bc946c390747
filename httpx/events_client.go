package httpx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"time"

	"gohttpx.dev/wire"
)

// Reconnect says how Client.Events connects again. Its zero value is the
// default.
type Reconnect struct {
	// Attempts is how many connections in a row may end, or not even come
	// about, without an event before the last error is yielded. Zero is no
	// bound but the context; negative: one.
	Attempts int
	// Delay is the wait before a new connection as long as the server has not
	// said one in a retry field. Default 3 s.
	Delay time.Duration
	// MaxDelay bounds all waits, also what the server asks for. Default 60 s.
	MaxDelay time.Duration
	// OnWait, if not nil, is called before each wait, with what ended the
	// connection: io.EOF where the server closed it in good order.
	OnWait func(err error, wait time.Duration)
}

// WithReconnect sets how Client.Events connects again.
func WithReconnect(p Reconnect) Option {
	return moreOption(func(m *more) error { m.reconnect = p; return nil })
}

// minReconnect keeps a server that says "retry: 0" from being asked without a
// pause.
const minReconnect = 50 * time.Millisecond

// Events sends a request for server-sent events and iterates over them. When the
// connection ends it connects again, with Last-Event-ID set to the id of the last
// event, so that the server can go on where it was: as the EventSource of a
// browser does (HTML Standard §9.2).
//
// It waits as long as the last retry field says, else Reconnect.Delay; after
// further connections without an event twice as long each time, up to
// Reconnect.MaxDelay. Up to a quarter is added at random, so that clients which
// lost a server together do not come back together.
//
// The iteration ends when the caller breaks; without an error when the server
// answers 204, its way to say that it is over; and with one as the last thing
// that is yielded: a *StatusError for any other status than 200; ErrContentType
// for content that is no event stream; ErrEventTooLarge; the context's; a failure
// that another attempt would not mend, such as a bad certificate; that of the
// last attempt where Reconnect bounds them; and ErrBodyNotReplayable if the
// request has a body that can be sent but once.
//
// Accept and Cache-Control are set, and the read timeout is off, because a stream
// may be silent for long: instead it bounds the wait for the response head. opts
// go before all of that; WithTimeouts(Timeouts{Read: d}) takes a stream for dead
// that is silent for d, and connects again.
func (c *Client) Events(ctx context.Context, method, url string, opts ...RequestOption) iter.Seq2[Event, error] {
	if ctx == nil {
		ctx = context.Background()
	}
	return func(yield func(Event, error) bool) {
		req, err := buildRequest(c, method, url, append(c.eventOptions(), opts...))
		if err != nil {
			yield(Event{}, err)
			return
		}
		s := eventSource{client: c, req: req, retry: -1, yield: yield}
		if req.more != nil {
			s.policy = req.more.reconnect
		}
		s.run(ctx)
	}
}

func (c *Client) eventOptions() []RequestOption {
	opts := []RequestOption{
		WithHeader("Accept", "text/event-stream"), WithHeader("Cache-Control", "no-store"),
		WithTimeouts(Timeouts{Read: Never}),
	}
	wait := c.timeLimits().Read
	if c.network != nil && wait == 0 {
		wait = c.network.timeLimits().Read
	}
	if wait == 0 {
		wait = DefaultTimeout
	}
	if c.timeLimits().Header == 0 && wait > 0 {
		opts = append(opts, WithHeaderTimeout(wait))
	}
	return opts
}

// eventSource is one call of Client.Events.
type eventSource struct {
	client *Client
	req    *Request
	policy Reconnect
	yield  func(Event, error) bool

	id     string
	known  bool // the stream has set id
	retry  time.Duration
	misses int // connections without an event, in a row
}

func (s *eventSource) run(ctx context.Context) {
	for {
		err, over := s.connect(ctx)
		if over {
			if err != nil {
				s.yield(Event{}, err)
			}
			return
		}
		if most := s.policy.Attempts; most != 0 && s.misses >= max(most, 1) {
			if err == io.EOF {
				err = &Error{Op: "body", Request: s.req, Sent: true, Err: fmt.Errorf("the stream of events has ended %d times without an event: %w", s.misses, io.ErrUnexpectedEOF)}
			}
			s.yield(Event{}, err)
			return
		}
		if !s.req.canResend() {
			s.yield(Event{}, &Error{Op: "request", Request: s.req, Sent: true, Err: fmt.Errorf("%w: the stream of events has ended, and to go on needs the request again: %w", ErrBodyNotReplayable, err)})
			return
		}
		wait := s.wait()
		if s.policy.OnWait != nil {
			s.policy.OnWait(err, wait)
		}
		if !sleep(ctx, wait) {
			s.yield(Event{}, &Error{Op: "body", Request: s.req, Err: wire.Canceled(ctx, wire.PhaseBody, false)})
			return
		}
	}
}

// connect is one connection. over says that there shall be no other.
func (s *eventSource) connect(ctx context.Context) (err error, over bool) {
	s.misses++
	req := s.req.Clone()
	if s.known {
		req.Header.Del("Last-Event-ID")
		// An id that may be in no field (RFC 9110 §5.5) cannot be told.
		if s.id != "" && wire.IsFieldValue(s.id) {
			req.Header.Set("Last-Event-ID", s.id)
		}
	}
	resp, err := s.client.send(ctx, req, true)
	if err != nil {
		return err, ctx.Err() != nil || !passing(err) && !errors.Is(err, wire.ErrUnprocessed)
	}
	defer resp.Close()
	switch resp.StatusCode {
	case 200:
	case 204:
		return nil, true
	default:
		resp.start64()
		return &StatusError{resp}, true
	}
	events, err := resp.eventReader()
	if err != nil {
		return err, true
	}
	events.id, events.nextID, events.retry = s.id, s.id, s.retry
	for {
		e, err := events.next()
		if events.id != s.id {
			s.id, s.known = events.id, true
		}
		s.retry = events.retry
		if err != nil {
			broken := err == io.EOF || errors.Is(err, ErrTransport) && !errors.Is(err, ErrClientClosed)
			return err, ctx.Err() != nil || !broken
		}
		s.misses = 0
		if !s.yield(e, nil) {
			return nil, true
		}
	}
}

// wait is how long to wait before the next connection.
func (s *eventSource) wait() time.Duration {
	most := s.policy.MaxDelay
	if most <= 0 {
		most = time.Minute
	}
	d := s.retry
	if d < 0 {
		if d = s.policy.Delay; d <= 0 {
			d = 3 * time.Second
		}
	}
	d = min(max(d, minReconnect), most)
	for i := 1; i < s.misses && d < most; i++ {
		d += min(d, most-d)
	}
	return d + rand.N(min(d/4, most-d)+1) // both sums are within most, however large that is
}
