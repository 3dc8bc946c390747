package httpx_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"testing"

	"gohttpx.dev/h1"
	"gohttpx.dev/h2"
	"gohttpx.dev/httpx"
	"gohttpx.dev/httpx/httpxtest"
	"gohttpx.dev/proxy"
	"gohttpx.dev/tls"
	"gohttpx.dev/wire"
)

// Values that nobody has filled in may be printed and logged. fmt catches a panic of
// a String method, so that they are called by name as well.
func TestZeroValuesCanBePrinted(t *testing.T) {
	for _, v := range []any{
		&httpx.URL{}, (*httpx.URL)(nil), &httpx.Request{}, (*httpx.Request)(nil), &httpx.Response{}, (*httpx.Response)(nil),
		&httpx.Request{URL: &httpx.URL{}}, &httpx.Response{Request: &httpx.Request{}},
		httpx.Header{},
		httpx.Header(nil),
		httpx.QueryParams{},
		new(httpx.Cookies),
		httpx.Proxy{},
		httpx.Result{},
		httpx.StatusCode(0),
		&httpx.Error{}, &httpx.Error{Request: &httpx.Request{}}, &httpx.StatusError{}, &httpx.StatusError{Response: &httpx.Response{}},
		httpxtest.Response(404).Err(), httpxtest.Response(404),
		httpx.Event{},
		httpx.Link{},
		httpx.Challenge{},
		httpx.Timings{},
		httpx.ConnInfo{},
		httpx.Stats{},
		httpx.Timeouts{},
		httpx.Limits{},
		httpx.Retry{},
		httpx.Attempt{},
		&wire.Error{}, wire.Phase(0), wire.Proto(0), wire.ConnPhase(0), wire.Anomalies(0),
		wire.Fields{},
		&h1.ParseError{}, &h1.RequestError{}, h1.Framing(0),
		h2.Frame{},
		h2.FrameHeader{},
		h2.Setting{},
		h2.StreamError{},
		h2.ConnError{},
		h2.GoAwayError{},
		&h2.RequestError{}, h2.ErrCode(0),
		&proxy.Error{},
		proxy.URL{},
		proxy.Pattern{},
		&tls.Error{}, &tls.PinError{},
	} {
		t.Run(fmt.Sprintf("%T", v), func(t *testing.T) {
			var text strings.Builder
			if s, ok := v.(fmt.Stringer); ok {
				text.WriteString(s.String())
			}
			if s, ok := v.(fmt.GoStringer); ok {
				text.WriteString(s.GoString())
			}
			if err, ok := v.(error); ok {
				text.WriteString(err.Error())
				errors.Is(err, httpx.ErrTimeout)
				errors.Unwrap(err)
			}
			if l, ok := v.(slog.LogValuer); ok {
				l.LogValue()
			}
			fmt.Fprintf(&text, "%v %+v %#v", v, v, v)
			slog.New(slog.NewTextHandler(&text, nil)).Info("", "v", v)
			slog.New(slog.NewJSONHandler(&text, nil)).Info("", "v", []any{v})
			if s := text.String(); strings.Contains(s, "PANIC") || strings.Contains(s, "panicked") {
				t.Error(s)
			}
		})
	}
}

// The JSON of requests and responses is what a log has of them.
func TestJSONOfRequestsAndResponses(t *testing.T) {
	req, err := httpx.NewRequest("GET", "https://u:hunter2@h.test/a?t=hunter2", httpx.WithHeader("X-Token", "hunter2"))
	if err != nil {
		t.Fatal(err)
	}
	resp := httpxtest.Response(302, httpxtest.Header("Set-Cookie", "s=hunter2"), httpxtest.Header("Location", "/?t=hunter2"))
	resp.Request, resp.URL, resp.NextRequest = req, req.URL, req
	resp.History = []*httpx.Response{resp}
	for _, tt := range []struct {
		v    any
		want string
	}{
		{req, `{"method":"GET","url":"https://h.test/a?t=…"}`},
		{[]*httpx.Request{req, nil}, `[{"method":"GET","url":"https://h.test/a?t=…"},null]`},
		{resp.History, `[{"bytes":0,"proto":"HTTP/1.1","remote":"unknown","request":{"method":"GET","url":"https://h.test/a?t=…"},"reused":false,"status":302}]`},
		{&httpx.Request{}, `"no request"`},
		{&httpx.Response{}, `"no response"`},
	} {
		if b, err := json.Marshal(tt.v); string(b) != tt.want || err != nil {
			t.Errorf("%s, %v; want %s", b, err, tt.want)
		}
	}
}

// Functions that are given nil where a function is wanted say so, or have nothing to
// do.
func TestNilFunctions(t *testing.T) {
	c := newClient(t, httpx.WithTransport(httpxtest.Func(func(*httpx.Request) (*httpx.Response, error) {
		t.Error("a request was sent")
		return nil, errors.New("no")
	})))
	t.Run("Each of nothing", func(t *testing.T) {
		for _, opts := range [][]httpx.FanOption{nil, {httpx.FailFast()}, {nil}} {
			for res := range c.Each(ctx, iter.Seq[*httpx.Request](nil), opts...) {
				t.Errorf("%+v", res)
			}
		}
	})
	t.Run("StreamFunc without a function", func(t *testing.T) {
		body := &closedBody{Reader: strings.NewReader("x")}
		err := c.StreamFunc(ctx, "POST", "http://h.test/", nil, httpx.Reader(body))
		var e *httpx.Error
		if !errors.As(err, &e) || !errors.Is(err, httpx.ErrHTTP) || !strings.Contains(err.Error(), "StreamFunc") {
			t.Errorf("%v", err)
		}
		if !body.closed {
			t.Error("the body is not closed")
		}
	})
}

// closedBody says whether it was closed.
type closedBody struct {
	*strings.Reader
	closed bool
}

func (b *closedBody) Close() error { b.closed = true; return nil }

// What has no text is refused as a value, rather than sent as an address.
func TestQueryRefusesWhatHasNoText(t *testing.T) {
	var nilFunc func()
	f := func() {}
	for name, v := range map[string]any{
		"a function": f, "a pointer to one": &f, "no function": nilFunc, "a channel": make(chan int), "functions": []func(){f}, "functions among others": []any{1, f},
	} {
		t.Run(name, func(t *testing.T) {
			for who, err := range map[string]error{
				"Q": httpx.Q("k", v).Err(), "Set": httpx.QueryParams{}.Set("k", v).Err(), "Add": httpx.QueryParams{}.Add("k", v).Err(),
			} {
				if err == nil || !strings.Contains(err.Error(), `"k"`) {
					t.Errorf("%s: %v", who, err)
				}
			}
			if _, err := httpx.New(httpx.WithQuery("k", v)); err == nil || !strings.Contains(err.Error(), "WithQuery") {
				t.Errorf("New: %v", err)
			}
			if _, err := httpx.NewRequest("GET", "http://h.test/", httpx.SetQuery("k", v)); err == nil {
				t.Error("SetQuery takes it")
			}
		})
	}
	if _, err := httpx.NewRequest("GET", "http://h.test/{k}", httpx.WithPathParam("k", f)); err == nil {
		t.Error("WithPathParam takes it")
	}
}
