package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"gohttpx.dev/httpx"
)

func TestResponses(t *testing.T) {
	with := func(o ...httpx.RequestOption) []httpx.RequestOption { return o }
	field := func(name, want string) func(t *testing.T, r *httpx.Response) {
		return func(t *testing.T, r *httpx.Response) {
			t.Helper()
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
	}
	size := func(n int) func(t *testing.T, r *httpx.Response) {
		return func(t *testing.T, r *httpx.Response) {
			t.Helper()
			if len(r.Bytes()) != n {
				t.Errorf("%d bytes, want %d", len(r.Bytes()), n)
			}
		}
	}
	protocols(t, func(t *testing.T, b bin) {
		calls := []call{
			{name: "gzip", path: "/gzip", check: holds(`"gzipped": true`)},
			{name: "deflate", path: "/deflate", check: holds(`"deflated": true`)},
			{name: "gzip left as it is", path: "/gzip", opts: with(httpx.WithDecoding(false)), check: func(t *testing.T, r *httpx.Response) {
				if !bytes.HasPrefix(r.Bytes(), []byte{0x1f, 0x8b}) || r.Header.Get("Content-Encoding") != "gzip" {
					t.Errorf("%v %q", r.Header, r.Bytes()[:2])
				}
			}},
			{name: "UTF-8", path: "/encoding/utf8", check: holds("∮ E⋅da = Q")},
			{name: "JSON", path: "/json", check: func(t *testing.T, r *httpx.Response) {
				v := decode[struct{ Slideshow struct{ Author string } }](t, r)
				if v.Slideshow.Author != "Yours Truly" {
					t.Errorf("%+v", v)
				}
			}},
			{name: "XML", path: "/xml", check: holds("<slideshow")},
			{name: "HTML", path: "/html", check: holds("Herman Melville")},
			{name: "image by its kind", path: "/image/png", check: func(t *testing.T, r *httpx.Response) {
				if _, err := png.Decode(bytes.NewReader(r.Bytes())); err != nil || r.Header.Get("Content-Type") != "image/png" {
					t.Error(err)
				}
			}},
			{name: "image by Accept", path: "/image", opts: with(httpx.WithHeader("Accept", "image/svg+xml")), check: field("Content-Type", "image/svg+xml")},
			{name: "bytes", path: "/bytes/100000", opts: with(httpx.WithQuery("seed", 1)), check: size(100_000)},
			{name: "bytes in chunks", path: "/stream-bytes/100000", opts: with(httpx.WithQuery("chunk_size", 999)), check: size(100_000)},
			{name: "range whole", path: "/range/1000", check: size(1000)},
			{name: "range", path: "/range/1000", opts: with(httpx.WithHeader("Range", "bytes=26-51")), status: http.StatusPartialContent, check: func(t *testing.T, r *httpx.Response) {
				if r.Text() != "abcdefghijklmnopqrstuvwxyz" || r.Header.Get("Content-Range") != "bytes 26-51/1000" {
					t.Errorf("%v %q", r.Header, r.Text())
				}
			}},
			{name: "range beyond the end", path: "/range/10", opts: with(httpx.WithHeader("Range", "bytes=20-")), status: http.StatusRequestedRangeNotSatisfiable},
			{name: "drip", path: "/drip", opts: with(httpx.WithQuery("numbytes", 20, "duration", "100ms", "delay", 0)), check: size(20)},
			{name: "drip with another status", path: "/drip", opts: with(httpx.WithQuery("numbytes", 2, "duration", "1ms", "delay", 0, "code", 418)), status: http.StatusTeapot, check: size(2)},
			{name: "trailers", path: "/trailers", opts: with(httpx.WithQuery("X-Sum", "42", "X-Other", "z")), check: func(t *testing.T, r *httpx.Response) {
				if tr := r.Trailer(); tr.Get("X-Sum") != "42" || tr.Get("X-Other") != "z" || tr.Len() != 2 {
					t.Errorf("trailers %v", tr)
				}
			}},
			{name: "links", path: "/links/3", opts: with(httpx.WithFollowRedirects(true)), check: func(t *testing.T, r *httpx.Response) {
				hops(1, "/links/3/0")(t, r)
				next, err := r.URL.Resolve("/links/3/2")
				if err != nil || !strings.Contains(r.Text(), `href="/links/3/2"`) {
					t.Fatal(err, r.Text())
				}
				if resp, err := b.Get(t.Context(), next.String()); err != nil || resp.StatusCode != http.StatusOK {
					t.Error(resp, err)
				}
			}},
			{name: "cache", path: "/cache", check: func(t *testing.T, r *httpx.Response) {
				resp, err := b.Get(t.Context(), "/cache", httpx.WithHeader("If-Modified-Since", r.Header.Get("Last-Modified")))
				if err != nil || resp.StatusCode != http.StatusNotModified || len(resp.Bytes()) != 0 || resp.Err() == nil {
					t.Errorf("%v %v", resp, err)
				}
			}},
			{name: "Link fields", path: "/response-headers", opts: with(httpx.WithQuery("Link", `</2>; rel="next", </a,b>; title="x, y"; rel=last`)), check: func(t *testing.T, r *httpx.Response) {
				if links := r.Links(); len(links) != 2 || !strings.HasSuffix(links[0].URL, "/2") || !strings.HasSuffix(links[1].URL, "/a,b") {
					t.Errorf("%+v", links)
				}
			}},
			{name: "cache control", path: "/cache/60", check: field("Cache-Control", "public, max-age=60")},
			{name: "ETag, the same", path: "/etag/x", opts: with(httpx.WithHeader("If-None-Match", `"x"`)), status: http.StatusNotModified},
			{name: "ETag, another", path: "/etag/x", opts: with(httpx.WithHeader("If-Match", `"y"`)), status: http.StatusPreconditionFailed},
			{name: "fields of one's choice", path: "/response-headers", opts: with(httpx.WithQuery("X-A", "1", "X-A", "2", "X-B", "ü")), check: func(t *testing.T, r *httpx.Response) {
				if got := fmt.Sprint(r.Header.Values("X-A"), r.Header.Get("X-B")); got != "[1 2]ü" {
					t.Errorf("%s", got)
				}
			}},
			{name: "base64", path: "/base64/aHR0cHg=", check: holds("httpx")},
			{name: "a short delay", path: "/delay/0.05", check: func(t *testing.T, r *httpx.Response) {
				if d := r.Elapsed(); d < 50*time.Millisecond {
					t.Errorf("after %v", d)
				}
			}},
		}
		for _, status := range []int{200, 201, 202, 204, 205, 301, 304, 400, 401, 402, 404, 406, 407, 410, 418, 429, 500, 503, 599} {
			calls = append(calls, call{name: fmt.Sprint("status ", status), path: fmt.Sprint("/status/", status), status: status, check: func(t *testing.T, r *httpx.Response) {
				if (r.Err() == nil) != (status < 300) || r.IsClientError() != (status/100 == 4) || r.IsServerError() != (status/100 == 5) {
					t.Errorf("%d: %v", status, r.Err())
				}
			}})
		}
		b.run(t, calls)

		t.Run("stream of JSON lines", func(t *testing.T) {
			resp, err := b.Stream(t.Context(), "GET", "/stream/10")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Close()
			n := 0
			for line, err := range resp.Lines() {
				var v struct{ ID int }
				if err == nil {
					err = json.Unmarshal([]byte(line), &v)
				}
				if err != nil || v.ID != n {
					t.Fatalf("line %d: %q %v", n, line, err)
				}
				n++
			}
			if n != 10 {
				t.Errorf("%d lines", n)
			}
		})
		t.Run("server-sent events", func(t *testing.T) {
			resp, err := b.Stream(t.Context(), "GET", "/sse?count=5&duration=50ms&delay=0")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Close()
			n := 0
			for event, err := range resp.Events() {
				var v struct{ ID int }
				if err == nil {
					err = json.Unmarshal([]byte(event.Data), &v)
				}
				if err != nil || v.ID != n || event.Type != "ping" {
					t.Fatalf("event %d: %+v %v", n, event, err)
				}
				n++
			}
			if n != 5 {
				t.Errorf("%d events", n)
			}
		})
		t.Run("JSON lines", func(t *testing.T) {
			resp, err := b.Get(t.Context(), "/stream/3")
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for v, err := range httpx.JSONLines[struct{ ID int }](resp) {
				if err != nil || v.ID != n {
					t.Errorf("line %d: %+v %v", n, v, err)
				}
				n++
			}
			if n != 3 {
				t.Errorf("%d lines", n)
			}
		})
		t.Run("a stream left early", func(t *testing.T) {
			for range 3 {
				resp, err := b.Stream(t.Context(), "GET", "/drip?duration=20s&delay=0&numbytes=20")
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadFull(resp.Body, make([]byte, 1)); err != nil {
					t.Error(err)
				}
				resp.Close()
			}
			if busy := b.Stats().Busy; busy != 0 {
				t.Errorf("%d busy", busy)
			}
		})
		t.Run("a delay beyond the read timeout", func(t *testing.T) {
			_, err := b.Get(t.Context(), "/delay/20", httpx.WithTimeouts(httpx.Timeouts{Read: 20 * time.Millisecond}))
			if !errors.Is(err, httpx.ErrReadTimeout) {
				t.Error(err)
			}
		})
		t.Run("a drip beyond the deadline", func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			_, err := b.Get(ctx, "/drip?duration=20s&delay=0&numbytes=1000")
			if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, httpx.ErrTimeout) {
				t.Error(err)
			}
		})
		t.Run("unstable, with retries", func(t *testing.T) {
			always := httpx.Retry{Attempts: 50, Statuses: []int{500}, MinWait: time.Nanosecond, MaxWait: time.Nanosecond, Budget: -1}
			for range 20 {
				resp, err := b.Get(t.Context(), "/unstable", httpx.WithRetry(always))
				if err != nil || resp.StatusCode != http.StatusOK {
					t.Fatal(resp, err)
				}
			}
		})
	})
}
