package httpx

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"

	"gohttpx.dev/wire"
)

// ClientOption configures a client.
type ClientOption interface{ applyClient(*config) error }

// RequestOption configures one request.
type RequestOption interface{ applyRequest(*Request) error }

// Option is both: a client's default, or one request's own.
type Option interface {
	ClientOption
	RequestOption
}

// settings are what both levels may say. A request starts with a copy of its
// client's.
type settings struct {
	header   Header
	query    []pair
	timeouts *wire.Timeouts // never changed in place; nil: nothing is said
	more     *more
	owned    bool // more is ours alone and may be changed
	alone    bool // no client's: edits are kept, for the client that sends it

	ownQuery  bool // a request's SetQuery: query is all there is
	percent20 bool // SpaceAsPercent20
	pathAsIs  bool
	expanded  bool // WithPathParam has been at the URL
}

// more are the settings that few requests have, apart so that a request which
// has none of them stays small. It is shared with the client and with copies of
// a request until one of them edits it; nil says nothing.
type more struct {
	// Of the message.
	target  string // the request target as it is to be sent; "": the URL's
	cookies []*http.Cookie
	noJar   bool
	interim func(status int, h Header) error
	trailer func() Header

	// Of the way through the client.
	auth         Auth
	noAuth       bool
	follow       bool
	maxRedirects int // 0: the default
	downgrade    bool
	policy       func(next *Request, via []*Response) error
	sensitive    []string
	onRequest    []func(*Request) error
	onResponse   []func(*Response) error
	retry        *retrier
	limiters     []Limiter // each is asked before a request goes out
	traces       []*Trace
	logger       *slog.Logger // nil: none

	// Of the connection.
	conn []connOption
	sni  string

	// Of the response.
	maxLine    int
	maxEvent   int
	charset    string
	detector   func([]byte) string
	unmarshal  func([]byte, any) error
	accept     []int // statuses that are no error; none: 2xx
	mustAccept bool
	received   func(done, total int64)
	sent       func(done, total int64)
	reconnect  Reconnect
	maxBody    int64 // 0: the default; negative: none
	maxRatio   int64 // the same
	noDecoding bool
	decoders   map[string]func(io.Reader) (io.ReadCloser, error) // by coding; nil: none. Never changed in place

	edits []func(*more) error // what a request without a client was given
}

// edit runs f on settings that nobody else has.
func (s *settings) edit(f func(*more) error) error {
	if !s.owned {
		s.more, s.owned = s.more.clone(), true
	}
	if s.alone {
		s.more.edits = append(s.more.edits, f)
	}
	return f(s.more)
}

// clone returns a copy to which may be appended. That of nil is empty.
func (m *more) clone() *more {
	if m == nil {
		return new(more)
	}
	c := *m
	c.cookies = slices.Clip(c.cookies)
	c.sensitive = slices.Clip(c.sensitive)
	c.onRequest = slices.Clip(c.onRequest)
	c.onResponse = slices.Clip(c.onResponse)
	c.limiters = slices.Clip(c.limiters)
	c.traces = slices.Clip(c.traces)
	c.conn = slices.Clip(c.conn)
	c.edits = slices.Clip(c.edits)
	return &c
}

// over returns what holds for a request without a client that is sent by the
// one whose settings client are: the client's way through, and of the message
// nothing but the request's own.
func (m *more) over(client *more) *more {
	base := client.clone()
	base.auth, base.noAuth = nil, false // the user in its own URL holds
	base.cookies, base.noJar = nil, true
	base.target, base.trailer = "", nil
	if m != nil {
		for _, f := range m.edits {
			_ = f(base) // it was asked when the request was made
		}
	}
	return base
}

// option changes the settings that every request copies.
type option func(*settings) error

func (o option) applyClient(c *config) error   { return o(&c.settings) }
func (o option) applyRequest(r *Request) error { return o(&r.settings) }

// moreOption changes one of the rarer settings.
type moreOption func(*more) error

func (o moreOption) applyClient(c *config) error   { return c.settings.edit(o) }
func (o moreOption) applyRequest(r *Request) error { return r.settings.edit(o) }

// clientOption concerns a client only.
type clientOption func(*config) error

func (o clientOption) applyClient(c *config) error { return o(c) }

// requestOption concerns one request only.
type requestOption func(*Request) error

func (o requestOption) applyRequest(r *Request) error { return o(r) }

var errNilOption = errors.New("a nil option")
