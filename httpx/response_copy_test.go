package httpx_test

import (
	"context"
	"io"
	"net/http"
	"reflect"
	"testing"
	"time"

	"gohttpx.dev/httpx"
)

// copying hands out a copy of what another transport returns. go vet warns of
// that, but many do it to change a field.
type copying struct {
	httpx.Transport
	wrap bool
}

func (c copying) RoundTrip(ctx context.Context, req *httpx.Request) (*httpx.Response, error) {
	resp, err := c.Transport.RoundTrip(ctx, req)
	if err != nil {
		return nil, err
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
		c := newClient(t, httpx.WithTransport(copying{httpx.HandlerTransport(handler), wrap}), httpx.WithMaxInFlight(1))
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
