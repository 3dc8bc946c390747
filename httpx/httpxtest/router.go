package httpxtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"gohttpx.dev/httpx"
)

// ErrNoRoute: a Router was sent a request that no route takes. The text lists the
// routes there are.
var ErrNoRoute = errors.New("no route")

// Router is a transport that answers by a table of routes and keeps a log. Make
// it with NewRouter.
type Router struct {
	mux    *http.ServeMux
	mu     sync.Mutex
	routes []*Route // guarded by mu
	calls  []*Call  // guarded by mu
}

// NewRouter makes a router without routes.
func NewRouter() *Router { return &Router{mux: http.NewServeMux()} }

// Route is one entry of the table, and the script of its answers. Answers are
// given in the order in which they were added, the last one again and again;
// without any the answer is 200 (OK) and empty.
type Route struct {
	router  *Router
	pattern string
	steps   []*spec // guarded by router.mu
	calls   int     // guarded by router.mu
}

// On adds a route. The pattern is one of http.ServeMux: "[METHOD ][HOST]/[PATH]",
// with wildcards as {id} and {rest...}; the most specific one takes a request.
// Ports and queries are not looked at. As there, a pattern that is none, or that
// conflicts with another one, panics.
func (r *Router) On(pattern string) *Route {
	route := &Route{router: r, pattern: pattern}
	r.mux.Handle(pattern, route)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.routes = append(r.routes, route)
	return route
}

// Respond adds an answer.
func (t *Route) Respond(status int, opts ...ResponseOption) *Route {
	return t.add(newSpec(status, opts))
}

// Fail adds an answer that is an error, such as httpx.ErrConnect. Of the options
// only Delay counts.
func (t *Route) Fail(err error, opts ...ResponseOption) *Route {
	s := newSpec(0, opts)
	s.err = err
	return t.add(s)
}

// Func adds an answer that f gives. Of the options only Delay counts.
func (t *Route) Func(f func(*httpx.Request) (*httpx.Response, error), opts ...ResponseOption) *Route {
	s := newSpec(0, opts)
	s.answer = f
	return t.add(s)
}

func (t *Route) add(s *spec) *Route {
	t.router.mu.Lock()
	defer t.router.mu.Unlock()
	t.steps = append(t.steps, s)
	return t
}

// ServeHTTP tells a Router that the route takes the request. It is there for
// http.ServeMux.
func (t *Route) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if m, ok := w.(*match); ok {
		m.route, m.std = t, r
	}
}

// match is what the ServeMux finds. It is no writer: what the ServeMux answers by
// itself is dropped.
type match struct {
	route *Route
	std   *http.Request
}

func (*match) Header() http.Header         { return http.Header{} }
func (*match) Write(p []byte) (int, error) { return len(p), nil }
func (*match) WriteHeader(int)             {}

// RoundTrip implements httpx.Transport.
func (r *Router) RoundTrip(ctx context.Context, req *httpx.Request) (*httpx.Response, error) {
	call, err := read(ctx, req)
	if err != nil {
		return nil, err
	}
	if call.std.Host == "" {
		call.std.Host = call.std.URL.Host
	}
	call.std.RequestURI = req.URL.Target()
	var m match
	r.mux.ServeHTTP(&m, call.std)
	step := r.note(call, &m)
	switch {
	case m.route == nil:
		return nil, r.noRoute(req)
	case step.delay > 0:
		t := time.NewTimer(step.delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
		}
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case step.err != nil:
		return nil, step.err
	case step.answer != nil:
		return step.answer(call.Request)
	}
	return step.response(req.Method), nil
}

// note logs a call and takes the next step of its route.
func (r *Router) note(c *Call, m *match) *spec {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, c)
	if m.route == nil {
		return nil
	}
	t := m.route
	c.Route, c.std = t.pattern, m.std
	t.calls++
	if len(t.steps) == 0 {
		return newSpec(200, nil)
	}
	return t.steps[min(t.calls, len(t.steps))-1]
}

func (r *Router) noRoute(req *httpx.Request) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	for _, t := range r.routes {
		b.WriteString("\n\t" + t.pattern)
	}
	if len(r.routes) == 0 {
		b.WriteString(" none: see Router.On")
	}
	return fmt.Errorf("httpxtest: %w for %s; there are:%s", ErrNoRoute, req, b.String())
}

// Calls returns the log: all requests, those without a route too, the oldest
// first.
func (r *Router) Calls() []*Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.calls)
}

// Reset empties the log and starts the scripts from the beginning.
func (r *Router) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = nil
	for _, t := range r.routes {
		t.calls = 0
	}
}

func sortedKeys(h http.Header) []string { return slices.Sorted(maps.Keys(h)) }

func canonical(name string) string { return http.CanonicalHeaderKey(name) }
