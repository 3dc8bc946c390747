package httpxtest

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"testing"

	"gohttpx.dev/httpx"
)

// Call is an entry of a Router's log.
type Call struct {
	// Request is a copy of the request that was sent.
	Request *httpx.Request
	// Body is its content, in full.
	Body []byte
	// Trailer is its trailer section.
	Trailer httpx.Header
	// Route is the pattern of the route that took it, "" if none did.
	Route string

	std *http.Request // as the route has matched it
}

// PathValue is the value of a wildcard in the route's pattern; "" if it has none
// of that name.
func (c *Call) PathValue(name string) string { return c.std.PathValue(name) }

// Query is the first value of a parameter in the URL; "" if there is none.
func (c *Call) Query(name string) string { return c.std.URL.Query().Get(name) }

// String is the method and the redacted URL.
func (c *Call) String() string { return c.Request.String() }

// AssertHeader fails the test unless the first field of that name has the value;
// "" is for none.
func (c *Call) AssertHeader(tb testing.TB, name, want string) {
	tb.Helper()
	if got := c.Request.Header.Get(name); got != want {
		tb.Errorf("%s: %s is %q, want %q", c, name, got, want)
	}
}

// AssertBody fails the test unless the body is want.
func (c *Call) AssertBody(tb testing.TB, want string) {
	tb.Helper()
	if string(c.Body) != want {
		tb.Errorf("%s: the body is %q, want %q", c, c.Body, want)
	}
}

// AssertJSON fails the test unless the body is JSON that says the same as that
// of want.
func (c *Call) AssertJSON(tb testing.TB, want any) {
	tb.Helper()
	text, err := json.Marshal(want)
	if err != nil {
		tb.Errorf("AssertJSON: %v", err)
		return
	}
	var got, wanted any
	if err := json.Unmarshal(c.Body, &got); err != nil {
		tb.Errorf("%s: the body is no JSON: %v", c, err)
		return
	}
	if err := json.Unmarshal(text, &wanted); err != nil {
		tb.Errorf("AssertJSON: %v", err)
		return
	}
	if !reflect.DeepEqual(got, wanted) {
		tb.Errorf("%s: the body is %s, want %s", c, c.Body, text)
	}
}

// AssertCalled fails the test unless the route with that pattern has taken so
// many requests.
func (r *Router) AssertCalled(tb testing.TB, pattern string, times int) {
	tb.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range r.routes {
		if t.pattern == pattern {
			if t.calls != times {
				tb.Errorf("%s was called %d times, want %d", pattern, t.calls, times)
			}
			return
		}
	}
	tb.Errorf("there is no route %q", pattern)
}

// AssertCalls fails the test unless the log is exactly that: for each request its
// method, a space and its path.
func (r *Router) AssertCalls(tb testing.TB, want ...string) {
	tb.Helper()
	var got []string
	for _, c := range r.Calls() {
		got = append(got, c.Request.Method+" "+c.Request.URL.Path())
	}
	if !slices.Equal(got, want) {
		tb.Errorf("calls:\n got %q\nwant %q", got, want)
	}
}

// AssertDone fails the test if a route was called less often than its script has
// answers, or not at all.
func (r *Router) AssertDone(tb testing.TB) {
	tb.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range r.routes {
		if want := max(len(t.steps), 1); t.calls < want {
			tb.Errorf("%s was called %d times, want at least %d", t.pattern, t.calls, want)
		}
	}
}
