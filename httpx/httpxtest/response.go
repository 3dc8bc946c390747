package httpxtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"gohttpx.dev/httpx"
)

// ResponseOption says what a response has.
type ResponseOption func(*spec)

// spec is a response to be made, as often as it is needed.
type spec struct {
	status  int
	reason  string
	header  httpx.Header
	trailer httpx.Header
	body    []byte
	stream  io.Reader // in place of body
	delay   time.Duration
	err     error // in place of all the rest
	answer  func(*httpx.Request) (*httpx.Response, error)
}

func newSpec(status int, opts []ResponseOption) *spec {
	s := &spec{status: status}
	for _, o := range opts {
		o(s)
	}
	return s
}

// Response makes a response. With a body of known length it has a
// Content-Length. A status outside 100 to 999, and a value that is no JSON, are
// mistakes in the test, and panic.
func Response(status int, opts ...ResponseOption) *httpx.Response {
	return newSpec(status, opts).response("GET")
}

// response makes the answer to a request with that method.
func (s *spec) response(method string) *httpx.Response {
	if s.status < 100 || s.status > 999 {
		panic(fmt.Sprintf("httpxtest: %d is no status code (RFC 9110 §15)", s.status))
	}
	res := &http.Response{
		StatusCode: s.status, Status: strconv.Itoa(s.status) + " " + s.reason,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Request: &http.Request{Method: method},
	}
	header := s.header.Clone()
	switch {
	case method == "HEAD", s.status < 200, s.status == 204, s.status == 304: // RFC 9110 §6.4.1
		res.Body = http.NoBody
	case s.stream != nil:
		res.Body, res.ContentLength = io.NopCloser(s.stream), -1
		if rc, ok := s.stream.(io.ReadCloser); ok {
			res.Body = rc
		}
	default:
		res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(s.body)), int64(len(s.body))
	}
	if s.stream == nil && s.status >= 200 && s.status != 204 && s.status != 304 && !header.Has("Content-Length") {
		header.Add("Content-Length", strconv.Itoa(len(s.body)))
	}
	if len(s.trailer) > 0 {
		res.Trailer = http.Header{}
		for name, value := range s.trailer.All() {
			res.Trailer.Add(name, value)
		}
	}
	r := httpx.FromStd(res)
	r.Header = header // in order
	return r
}

// Reason sets the reason phrase, in place of the registered one.
func Reason(phrase string) ResponseOption { return func(s *spec) { s.reason = phrase } }

// Header adds a field.
func Header(name, value string) ResponseOption {
	return func(s *spec) { s.header.Add(name, value) }
}

// Trailer adds a field to the trailer section, which is there when the body has
// been read.
func Trailer(name, value string) ResponseOption {
	return func(s *spec) { s.trailer.Add(name, value) }
}

func content(contentType string, b []byte) ResponseOption {
	return func(s *spec) {
		s.body, s.stream = b, nil
		if contentType != "" && !s.header.Has("Content-Type") {
			s.header.Add("Content-Type", contentType)
		}
	}
}

// Bytes makes b the body. No Content-Type is set.
func Bytes(b []byte) ResponseOption { return content("", bytes.Clone(b)) }

// Text makes text the body, as text/plain in UTF-8.
func Text(text string) ResponseOption { return content("text/plain; charset=utf-8", []byte(text)) }

// HTML makes html the body, as text/html in UTF-8.
func HTML(html string) ResponseOption { return content("text/html; charset=utf-8", []byte(html)) }

// JSON makes the JSON text of v the body. It panics if there is none.
func JSON(v any) ResponseOption {
	b, err := json.Marshal(v)
	if err != nil {
		panic("httpxtest: JSON: " + err.Error())
	}
	return content("application/json", b)
}

// Stream makes what r delivers the body, of unknown length; where r is an
// io.Closer it is closed with the body. It can be read once. A Router gives the last
// answer of a route again and again: there a Stream serves the first request, and
// the others get what r has left, as a rule nothing. Route.Func can make a Response
// with a Stream for each.
func Stream(r io.Reader) ResponseOption { return func(s *spec) { s.stream = r } }

// Delay has a Router wait before it answers; the request's context may end the
// wait. It means nothing to Response.
func Delay(d time.Duration) ResponseOption { return func(s *spec) { s.delay = d } }
