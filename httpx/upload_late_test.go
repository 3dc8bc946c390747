package httpx_test

import (
	"context"
	"io"
	"net/http"
	"testing"

	"gohttpx.dev/httpx"
)

// An answer that comes early leaves an upload behind that still needs what the
// request says of itself: here its trailers. Other requests are sent meanwhile,
// each of which takes up what is free for use again.
func TestUploadOutlivesRoundTrip(t *testing.T) {
	for _, proto := range []string{"HTTP/1.1", "HTTP/2"} {
		t.Run(proto, func(t *testing.T) {
			trailer := make(chan string, 1)
			s, opt := http2Server(t, true, func(w http.ResponseWriter, r *http.Request) {
				if r.Method != "POST" {
					return
				}
				rc := http.NewResponseController(w)
				rc.EnableFullDuplex()
				rc.Flush()
				b, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				trailer <- string(b) + " " + r.Trailer.Get("Sum")
			})
			c := newClient(t, opt, httpx.WithHTTP2(proto == "HTTP/2"))
			body, rest := io.Pipe()
			resp, err := c.Stream(context.Background(), "POST", s.URL, httpx.Reader(body),
				httpx.WithHeader("Trailer", "Sum"), httpx.WithTrailer(func() httpx.Header { return httpx.Header{{Name: "Sum", Value: "42"}} }))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Close()
			if resp.Proto != proto {
				t.Fatalf("it is %s", resp.Proto)
			}
			for range 3 {
				if _, err := c.Get(context.Background(), s.URL); err != nil {
					t.Fatal(err)
				}
			}
			io.WriteString(rest, "late")
			rest.Close()
			if got := <-trailer; got != "late 42" {
				t.Errorf("the server got %q", got)
			}
			if err := resp.Buffer(); err != nil {
				t.Error(err)
			}
		})
	}
}
