package httpx_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"gohttpx.dev/httpx"
	"gohttpx.dev/tls"
)

// logBook keeps what a logger writes, as JSON.
type logBook struct{ page }

func (b *logBook) logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(b, &slog.HandlerOptions{Level: level}))
}

// take returns the records since the last call.
func (b *logBook) take(t *testing.T) (records []map[string]any) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	d := json.NewDecoder(&b.buf)
	for {
		var r map[string]any
		if err := d.Decode(&r); err == io.EOF {
			return records
		} else if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
}

func messages(records []map[string]any) (ms []string) {
	for _, r := range records {
		ms = append(ms, r["level"].(string)+" "+r["msg"].(string))
	}
	return ms
}

func TestLogger(t *testing.T) {
	tries := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/there?token=s3cret", http.StatusFound)
		case "/flaky":
			if tries++; tries == 1 {
				w.WriteHeader(503)
			}
		case "/breaks":
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "half")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		case "/slow":
			<-r.Context().Done()
		default:
			io.WriteString(w, "hello")
		}
	}))
	defer s.Close()

	t.Run("A22.3 B24 one Info record per call, with the facts", func(t *testing.T) {
		b := new(logBook)
		c := newClient(t, httpx.WithLogger(b.logger(slog.LevelInfo)))
		url := strings.Replace(s.URL, "http://", "http://user:s3cret@", 1) + "/items?key=s3cret"
		for range 2 {
			if _, err := c.Get(ctx, url); err != nil {
				t.Fatal(err)
			}
		}
		if strings.Contains(b.String(), "s3cret") {
			t.Errorf("a secret is in the log: %s", b.String())
		}
		records := b.take(t)
		if want := []string{"INFO http request", "INFO http request"}; !slices.Equal(messages(records), want) {
			t.Fatalf("the records are %q", records)
		}
		r := records[1]
		for key, want := range map[string]any{
			"method": "GET", "url": s.URL + "/items?key=…", "status": 200.0, "proto": "HTTP/1.1", "bytes": 5.0,
			"reused": true, "remote": s.Listener.Addr().String(), "attempts": 1.0,
		} {
			if r[key] != want {
				t.Errorf("%s is %v, want %v", key, r[key], want)
			}
		}
		if r["duration"].(float64) <= 0 || r["call"] == records[0]["call"] || records[0]["reused"] != false {
			t.Errorf("the records are %v and %v", records[0], r)
		}
	})

	t.Run("A22.3 off by default, and by nil for a request", func(t *testing.T) {
		b := new(logBook)
		old := slog.Default()
		slog.SetDefault(b.logger(slog.LevelDebug))
		defer slog.SetDefault(old)
		if _, err := newClient(t).Get(ctx, s.URL); err != nil {
			t.Fatal(err)
		}
		if _, err := newClient(t, httpx.WithLogger(slog.Default())).Get(ctx, s.URL, httpx.WithLogger(nil)); err != nil {
			t.Fatal(err)
		}
		if b.String() != "" {
			t.Errorf("logged: %s", b.String())
		}
	})

	t.Run("A22.3 B24 Debug records for every request that goes out, with masked headers, and for the phases", func(t *testing.T) {
		b := new(logBook)
		c := newClient(t, httpx.WithLogger(b.logger(slog.LevelDebug)), httpx.WithFollowRedirects(true), httpx.WithHeader("Authorization", "Bearer s3cret"))
		if _, err := c.Get(ctx, s.URL+"/moved"); err != nil {
			t.Fatal(err)
		}
		text := b.String()
		if strings.Contains(text, "s3cret") {
			t.Errorf("a secret is in the log: %s", text)
		}
		if !strings.Contains(text, "Authorization: [secure]") {
			t.Errorf("the header section is not in %s", text)
		}
		records := b.take(t)
		want := []string{
			"DEBUG http send", "DEBUG pool wait", "DEBUG connect start", "DEBUG connect done", "DEBUG pool acquire", "DEBUG conn", "DEBUG wrote head", "DEBUG wrote request", "DEBUG first byte", "DEBUG http head",
			"DEBUG http redirect", "DEBUG http send", "DEBUG conn", "DEBUG wrote head", "DEBUG wrote request", "DEBUG first byte", "DEBUG http head", "INFO http request",
		}
		got := messages(records)
		if len(got) == len(want) { // the dial has a goroutine of its own
			slices.Sort(got[1:5])
			slices.Sort(want[1:5])
		}
		if !slices.Equal(got, want) {
			t.Errorf("the records are\n%s\nand should be\n%s", strings.Join(messages(records), "\n"), strings.Join(want, "\n"))
		}
		for _, r := range records {
			if r["call"] != records[0]["call"] {
				t.Errorf("another call: %v", r)
			}
		}
		if last := records[len(records)-1]; last["attempts"] != 2.0 || last["url"] != s.URL+"/there?token=…" {
			t.Errorf("the last record is %v", last)
		}
	})

	t.Run("A22.3 errors at Error, an ended context and a retry at Warn", func(t *testing.T) {
		b := new(logBook)
		c := newClient(t, httpx.WithLogger(b.logger(slog.LevelInfo)), httpx.WithRetry(httpx.Retry{MinWait: time.Microsecond}))
		c.Get(ctx, "http://127.0.0.1:1/", httpx.NoRetry())
		in, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		defer cancel()
		c.Get(in, s.URL+"/slow")
		if _, err := c.Get(ctx, s.URL+"/flaky"); err != nil {
			t.Fatal(err)
		}
		c.Get(ctx, s.URL+"/breaks", httpx.NoRetry())
		records := b.take(t)
		if want := []string{"ERROR http request failed", "WARN http request failed", "WARN http retry", "INFO http request", "ERROR http request failed"}; !slices.Equal(messages(records), want) {
			t.Fatalf("the records are %q", messages(records))
		}
		if e := records[0]["err"].(map[string]any); e["op"] != "dial" {
			t.Errorf("the error is %v", e)
		}
		if records[2]["status"] != 503.0 || records[3]["attempts"] != 2.0 {
			t.Errorf("the retry is %v, its request %v", records[2], records[3])
		}
	})

	t.Run("A22.3 a stream's record comes when its body is over", func(t *testing.T) {
		b := new(logBook)
		c := newClient(t, httpx.WithLogger(b.logger(slog.LevelInfo)))
		resp, err := c.Stream(ctx, "GET", s.URL)
		if err != nil {
			t.Fatal(err)
		}
		if got := b.take(t); len(got) != 0 {
			t.Errorf("before its end: %v", got)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Close()
		if got := b.take(t); len(got) != 1 || got[0]["bytes"] != 5.0 {
			t.Errorf("the records are %v", got)
		}
		resp, err = c.Stream(ctx, "GET", s.URL+"/breaks")
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Close()
		if got := b.take(t); err == nil || len(got) != 1 || got[0]["level"] != "ERROR" || got[0]["status"] != 200.0 {
			t.Errorf("the records are %v after %v", got, err)
		}
	})

	t.Run("B24 a transport of one's own is logged too", func(t *testing.T) {
		b := new(logBook)
		c := newClient(t, httpx.WithLogger(b.logger(slog.LevelDebug)), httpx.WithTransport(transportFunc(func(_ context.Context, r *httpx.Request) (*httpx.Response, error) {
			if r.URL.Path() == "/bad" {
				return nil, errors.New("no way")
			}
			return &httpx.Response{StatusCode: 204}, nil
		})))
		c.Get(ctx, "http://example.org/")
		c.Get(ctx, "http://example.org/bad")
		if want := []string{"DEBUG http send", "DEBUG http head", "INFO http request", "DEBUG http send", "DEBUG http no response", "ERROR http request failed"}; !slices.Equal(messages(b.take(t)), want) {
			t.Errorf("the records are %q", messages(b.take(t)))
		}
	})
}

func TestLogValues(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	t.Run("B24 LogValue of requests, responses and errors", func(t *testing.T) {
		c := newClient(t, httpx.WithTLS(tls.Options{InsecureSkipVerify: true}))
		resp, err := c.Get(ctx, s.URL+"/?q=s3cret")
		if err != nil {
			t.Fatal(err)
		}
		_, failed := c.Get(ctx, "http://127.0.0.1:1/?q=s3cret")
		b := new(logBook)
		b.logger(slog.LevelInfo).Info("values", "request", resp.Request, "response", resp, "error", failed, "none", (*httpx.Request)(nil), "empty", &httpx.Response{})
		if strings.Contains(b.String(), "s3cret") {
			t.Errorf("a secret is in %s", b.String())
		}
		r := b.take(t)[0]
		if got := fmt.Sprint(r["response"].(map[string]any)["proto"], r["response"].(map[string]any)["status"]); got != "HTTP/2200" {
			t.Errorf("the response is %s", got)
		}
		if r["request"].(map[string]any)["method"] != "GET" || r["error"].(map[string]any)["op"] != "dial" {
			t.Errorf("the record is %v", r)
		}
	})
}
