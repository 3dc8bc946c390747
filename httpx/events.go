package httpx

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"strings"
	"time"
)

var (
	// ErrEventTooLarge: Events met an event above WithMaxEventBytes.
	ErrEventTooLarge = errors.New("event too large")
	// ErrContentType: the content is of another type than what it was to be read
	// as.
	ErrContentType = errors.New("unexpected Content-Type")
)

// defaultMaxEvent is WithMaxEventBytes where nothing is said.
const defaultMaxEvent = 1 << 20

// Event is one of a stream of server-sent events (HTML Standard §9.2).
type Event struct {
	// ID is the last id that the stream has set, by this event or an earlier
	// one; "" if none. It is what a request that continues the stream says in
	// Last-Event-ID.
	ID string
	// Type is what the event field says, "message" if there is none.
	Type string
	// Data are the data lines, with a line feed between them.
	Data string
	// Retry is the last reconnection time that the stream has set, 0 if none.
	Retry time.Duration
}

// WithMaxEventBytes bounds an event that is read, and a single line of the
// stream. Zero is 1 MiB, Unlimited no bound.
func WithMaxEventBytes(n int) Option {
	return moreOption(func(m *more) error { m.maxEvent = n; return nil })
}

// Events iterates over server-sent events, each as soon as the blank line behind
// it has come. The Content-Type must be text/event-stream, else the error is
// ErrContentType; an event above WithMaxEventBytes is ErrEventTooLarge. The text
// is UTF-8 whatever the charset of Content-Type, with U+FFFD for what is not. An
// event that the end of the stream cuts off is dropped. It begins and ends as
// Chunks does, and reads ahead as Lines does.
//
// The stream ends when the connection does: Client.Events connects again. A
// stream that is silent for longer than the read timeout is an error, so
// WithTimeouts(Timeouts{Read: Never}) is often wanted.
func (r *Response) Events() iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		s, err := r.eventReader()
		if err != nil {
			yield(Event{}, err)
			return
		}
		for {
			e, err := s.next()
			if err == io.EOF {
				return
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// eventReader returns a reader of r's events, if it has any.
func (r *Response) eventReader() (*eventReader, error) {
	ct := r.Header.Get("Content-Type")
	if mediaType(ct) != "text/event-stream" {
		return nil, r.failed("body", fmt.Errorf("%w: %.100q where text/event-stream is needed, with the status %s", ErrContentType, ct, excerpt(r.Status())))
	}
	limit := 0
	if r.more != nil {
		limit = r.more.maxEvent
	}
	s := newEventReader(r.contents(), limit)
	s.resp = r
	return s, nil
}

// mediaType is the type and subtype of a Content-Type, in lower case.
func mediaType(ct string) string {
	t, _, _ := strings.Cut(ct, ";")
	return lowerASCII(strings.Trim(t, " \t"))
}

// ReadEvents iterates over server-sent events that come from elsewhere than a
// response. An event of more than maxBytes ends it with ErrEventTooLarge; zero is
// 1 MiB, Unlimited no bound. It does not close rd.
func ReadEvents(rd io.Reader, maxBytes int) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		s := newEventReader(rd, maxBytes)
		for {
			e, err := s.next()
			if err == io.EOF || !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// eventReader parses a stream of events (HTML Standard §9.2.6).
type eventReader struct {
	lines lineReader
	limit int
	resp  *Response // nil: none

	// Of the stream.
	id    string        // of the last event
	retry time.Duration // -1: not said

	// Of the event that is being read.
	nextID, kind string
	data         []byte
	some         bool // a data line has come
}

func newEventReader(rd io.Reader, limit int) *eventReader {
	if limit == 0 {
		limit = defaultMaxEvent
	}
	dec := charsetUTF8.decoder()
	dec.only8 = true
	return &eventReader{
		lines: lineReader{in: &textPieces{newPieces(rd), dec}, limit: limit},
		limit: limit,
		retry: -1,
	}
}

// next returns the next event. At the end of the stream the error is io.EOF.
func (s *eventReader) next() (Event, error) {
	for {
		line, ended, err := s.lines.next()
		if errors.Is(err, ErrLineTooLong) {
			err = s.tooLarge()
		}
		if err != nil {
			return Event{}, err
		}
		switch {
		case !ended:
			// What is in an unfinished line may be half of a value.
		case len(line) == 0:
			if e, ok := s.dispatch(); ok {
				return e, nil
			}
		default:
			s.field(string(line))
			if n := len(s.data) + len(s.kind) + len(s.nextID); s.limit >= 0 && n > s.limit {
				return Event{}, s.tooLarge()
			}
		}
	}
}

// dispatch ends an event. One without a data line is none, but its id counts.
func (s *eventReader) dispatch() (e Event, ok bool) {
	s.id = s.nextID
	if ok = s.some; ok {
		e = Event{ID: s.id, Type: s.kind, Data: string(s.data), Retry: max(s.retry, 0)}
		if e.Type == "" {
			e.Type = "message"
		}
	}
	s.data, s.kind, s.some = s.data[:0], "", false
	if cap(s.data) > 64<<10 { // one large event need not cost for ever
		s.data = nil
	}
	return e, ok
}

func (s *eventReader) field(line string) {
	name, value, _ := strings.Cut(line, ":")
	value = strings.TrimPrefix(value, " ")
	switch name {
	case "data":
		if s.some {
			s.data = append(s.data, '\n')
		}
		s.data, s.some = append(s.data, value...), true
	case "event":
		s.kind = value
	case "id":
		if strings.IndexByte(value, 0) < 0 {
			s.nextID = value
		}
	case "retry":
		if ms, ok := digits(value); ok {
			s.retry = ms
		}
	}
}

// digits reads milliseconds, the largest that can be told if there are more.
func digits(s string) (time.Duration, bool) {
	const most = math.MaxInt64 / int64(time.Millisecond)
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n := int64(0)
	for i := 0; i < len(s); i++ {
		if n = n*10 + int64(s[i]-'0'); n >= most {
			return math.MaxInt64, true
		}
	}
	return time.Duration(n) * time.Millisecond, true
}

func (s *eventReader) tooLarge() error {
	err := fmt.Errorf("%w: more than %d bytes; see WithMaxEventBytes", ErrEventTooLarge, s.limit)
	if s.resp == nil {
		return err
	}
	return s.resp.failed("body", err)
}
