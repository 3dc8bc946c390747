package httpx_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"gohttpx.dev/httpx"
)

// A reader that has said io.EOF says it again, whatever has become of the
// connection: json.Decoder asks once more after the last value.
func TestEndOfBodyStays(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"a":1}`)
	}))
	t.Cleanup(srv.Close)
	for _, tt := range []struct {
		name  string
		body  func(*httpx.Response) io.Reader
		close bool
	}{
		{"Body", func(r *httpx.Response) io.Reader { return r.Body }, false},
		{"Body, closed after its end", func(r *httpx.Response) io.Reader { return r.Body }, true},
		{"RawBody", func(r *httpx.Response) io.Reader { return r.RawBody() }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newClient(t, httpx.WithLimits(httpx.Limits{MaxConnections: 1}))
			first, err := c.Stream(context.Background(), "GET", srv.URL)
			if err != nil {
				t.Fatal(err)
			}
			body := tt.body(first)
			dec := json.NewDecoder(body)
			var v map[string]int
			if err := dec.Decode(&v); err != nil || v["a"] != 1 {
				t.Fatalf("got %v, %v", v, err)
			}
			if n, err := body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
				t.Errorf("at the end: %d, %v", n, err)
			}
			if tt.close {
				first.Close()
			}
			second, err := c.Stream(context.Background(), "GET", srv.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer second.Close()
			if !second.Conn().Reused {
				t.Fatal("the connection was not used again")
			}
			if err := dec.Decode(&v); err != io.EOF {
				t.Errorf("the next value: %v", err)
			}
			if n, err := body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
				t.Errorf("when the connection has served another: %d, %v", n, err)
			}
		})
	}
}
