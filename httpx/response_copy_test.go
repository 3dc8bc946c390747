package httpx_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"gohttpx.dev/httpx"
)

// copying hands out a copy of what another transport returns. go vet warns of
// that, but many do it to change a field.
type copying struct {
	httpx.Transport
	wrap  bool // with a Body of its own around the other
	fresh bool // a Response of its own with that Body
}

func (c copying) RoundTrip(ctx context.Context, req *httpx.Request) (*httpx.Response, error) {
	resp, err := c.Transport.RoundTrip(ctx, req)
	if err != nil {
		return nil, err
	}
	if c.fresh {
		return &httpx.Response{StatusCode: resp.StatusCode, Header: resp.Header, Body: resp.Body}, nil
	}
	other := new(httpx.Response)
	reflect.ValueOf(other).Elem().Set(reflect.ValueOf(resp).Elem())
	if c.wrap {
		other.Body = struct{ io.ReadCloser }{resp.Body}
	}
	return other, nil
}

// What waits for the end of a response, here the turn of the next request, gets to
// know of it from a copy too.
func TestCopiedResponseEnds(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "content") })
	for _, wrap := range []bool{false, true} {
		c := newClient(t, httpx.WithTransport(copying{Transport: httpx.HandlerTransport(handler), wrap: wrap}), httpx.WithMaxInFlight(1))
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		for i := range 3 {
			resp, err := c.Stream(ctx, "GET", "http://host/")
			if err != nil {
				t.Fatalf("wrapped %v, request %d: %v", wrap, i, err)
			}
			if b, err := io.ReadAll(resp.Body); string(b) != "content" || err != nil {
				t.Errorf("got %q, %v", b, err)
			}
			if err := resp.Close(); err != nil {
				t.Error(err)
			}
		}
		if resp, err := c.Get(ctx, "http://host/"); err != nil || resp.Text() != "content" {
			t.Errorf("buffered: %v", err)
		}
	}
}

// What one Response has decoded a copy of it does not decode again.
func TestCopiedResponseIsDecodedOnce(t *testing.T) {
	handler := encodedServer(func() sent { return sent{coding: "gzip", body: byName("gzip").encode(small)} })
	for name, tr := range map[string]copying{
		"a copy": {}, "with a body around": {wrap: true}, "another with the body": {fresh: true},
	} {
		t.Run(name, func(t *testing.T) {
			tr.Transport = httpx.HandlerTransport(handler)
			c := newClient(t, httpx.WithTransport(tr))
			resp, err := c.Get(t.Context(), "http://host/")
			if err != nil || resp.Text() != small || !resp.Uncompressed() {
				t.Errorf("buffered: %v, %v", resp, err)
			}
			resp, err = c.Stream(t.Context(), "GET", "http://host/")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Close()
			if b, err := io.ReadAll(resp.Body); string(b) != small || err != nil || !resp.Uncompressed() {
				t.Errorf("%.20q, %v", b, err)
			}
		})
	}
}

// What is to be told at the end of a response is told once of it and its copy.
func TestCopiedResponseEndsOnce(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "content") }))
	t.Cleanup(s.Close)
	for _, tr := range []copying{{}, {wrap: true}, {fresh: true}} {
		network, err := httpx.NewTransport()
		if err != nil {
			t.Fatal(err)
		}
		tr.Transport = network
		ends := 0
		c := newClient(t, httpx.WithTransport(tr), httpx.WithTrace(&httpx.Trace{Ended: func(*httpx.Response, int64, error) { ends++ }}))
		if resp, err := c.Get(t.Context(), s.URL); err != nil || resp.Text() != "content" {
			t.Errorf("%v, %v", resp, err)
		}
		network.Close()
		if ends != 1 {
			t.Errorf("%+v: told %d times", tr, ends)
		}
	}
}
