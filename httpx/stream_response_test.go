package httpx_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/tls"
)

// oneAnswer serves the bytes and closes.
func oneAnswer(t *testing.T, text string) (url string) {
	s := peer.Listen(t, func(nc net.Conn) {
		p := peer.Over(t, nc)
		p.WantRequest("", "a whole request")
		p.Send(text)
	})
	return "http://" + s.Addr + "/"
}

func TestResponseRows(t *testing.T) {
	ctx := context.Background()
	for _, tt := range []struct{ name, head, proto, reason, status string }{
		{"A6.1 the phrase of the wire", "HTTP/1.1 200 Very Fine", "HTTP/1.1", "Very Fine", "200 Very Fine"},
		{"A6.1 no phrase", "HTTP/1.1 404 ", "HTTP/1.1", "", "404 Not Found"},
		{"A6.1 an unknown status", "HTTP/1.1 299 ", "HTTP/1.1", "", "299"},
		{"A6.2 HTTP/1.0", "HTTP/1.0 200 OK", "HTTP/1.0", "OK", "200 OK"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp, err := newClient(t).Get(ctx, oneAnswer(t, tt.head+"\r\nConnection: close\r\n\r\nx"))
			if err != nil || resp.Reason != tt.reason || resp.Status() != tt.status || resp.Proto != tt.proto || resp.Text() != "x" {
				t.Errorf("%v %v", resp, err)
			}
		})
	}
	t.Run("A6.2 a transport that says none", func(t *testing.T) {
		if resp := received(t, false, false, "", ""); resp.Proto != "HTTP/1.1" {
			t.Error(resp.Proto)
		}
	})
	overBoth(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/from":
			http.SetCookie(w, &http.Cookie{Name: "n", Value: "v"})
			http.Redirect(w, r, "/auth#there", http.StatusFound)
		case "/auth":
			if _, _, ok := r.BasicAuth(); !ok {
				w.Header().Set("WWW-Authenticate", `Digest realm="r", nonce="n", qop="auth"`)
				if r.Header.Get("Authorization") == "" {
					w.WriteHeader(401)
					return
				}
			}
			io.WriteString(w, "in")
		case "/trailer":
			w.Header().Set("Trailer", "X-Sum")
			io.WriteString(w, "content")
			w.(http.Flusher).Flush()
			w.Header().Set("X-Sum", "1")
			w.Header().Set(http.TrailerPrefix+"X-Late", "2")
		case "/forever":
			for r.Context().Err() == nil {
				w.Write(make([]byte, 10_000))
			}
		}
	}, func(t *testing.T, c *httpx.Client, url string) {
		t.Run("A6.1 status, A6.2 protocol", func(t *testing.T) {
			resp, err := c.Get(ctx, url)
			h2 := strings.Contains(t.Name(), "HTTP2")
			if err != nil || resp.StatusCode != 200 || resp.Status() != "200 OK" || resp.Proto != map[bool]string{true: "HTTP/2", false: "HTTP/1.1"}[h2] {
				t.Errorf("%v %s %v", resp, resp.Proto, err)
			}
		})
		t.Run("A6.2 the same", func(t *testing.T) {
			resp, err := c.Head(ctx, url)
			if err != nil || !strings.HasPrefix(resp.Proto, "HTTP/") {
				t.Errorf("%v", err)
			}
		})
		t.Run("A6.3 history has redirects and challenges", func(t *testing.T) {
			resp, err := c.Get(ctx, url+"/from", httpx.WithFollowRedirects(true), httpx.WithAuth(httpx.DigestAuth("u", "p")))
			if err != nil {
				t.Fatal(err)
			}
			var codes []int
			for _, r := range resp.History {
				codes = append(codes, r.StatusCode)
			}
			if !slices.Equal(codes, []int{302, 401}) || resp.Text() != "in" || resp.URL.String() != url+"/auth#there" || resp.Request.URL != resp.URL || resp.NextRequest != nil {
				t.Errorf("%v %v", codes, resp)
			}
			if cs := resp.History[0].Cookies(); len(cs) != 1 || cs[0].Value != "v" || resp.History[0].NextRequest != nil {
				t.Errorf("%v", cs)
			}
		})
		t.Run("A6.3 the next request, by hand", func(t *testing.T) {
			resp, err := c.Get(ctx, url+"/from")
			if err != nil || resp.NextRequest == nil || len(resp.History) != 0 {
				t.Fatalf("%v %v", resp, err)
			}
			if next, err := c.Send(ctx, resp.NextRequest); err != nil || next.StatusCode != 401 || next.NextRequest != nil {
				t.Errorf("%v %v", next, err)
			}
		})
		t.Run("A6.11 bytes while they come", func(t *testing.T) {
			resp, err := c.Stream(ctx, "GET", url+"/forever")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Close()
			n := int64(0)
			for chunk, err := range resp.Chunks(3000) {
				if n += int64(len(chunk)); err != nil || resp.BytesReceived() != n || resp.WireBytes() != n {
					t.Fatalf("%d of %d, %v", resp.BytesReceived(), n, err)
				}
				if n > 100_000 {
					break
				}
			}
		})
		t.Run("A6.15 the connection outlives the body", func(t *testing.T) {
			resp, err := c.Get(ctx, url)
			if err != nil {
				t.Fatal(err)
			}
			c.CloseIdle()
			conn := resp.Conn()
			if conn.Proto != resp.Proto || "http://"+conn.RemoteAddr.String() != url || conn.LocalAddr == nil || conn.TLS != nil || conn.Proxy != "" || (conn.StreamID != 0) != (resp.Proto == "HTTP/2") {
				t.Errorf("%+v", conn)
			}
			again, err := c.Get(ctx, url)
			if err != nil || again.Conn().Reused {
				t.Errorf("%+v", again.Conn())
			}
			if again, err = c.Get(ctx, url); err != nil || !again.Conn().Reused {
				t.Errorf("%+v", again.Conn())
			}
		})
		t.Run("A6.3 trailers at the end of the body", func(t *testing.T) {
			resp, err := c.Stream(ctx, "GET", url+"/trailer")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Close()
			if resp.Trailer().Len() != 0 {
				t.Errorf("before the end: %v", resp.Trailer())
			}
			collect(resp.Lines())
			if tr := resp.Trailer(); tr.Get("X-Sum") != "1" || tr.Get("x-late") != "2" || resp.Header.Has("X-Sum") {
				t.Errorf("%v", tr)
			}
		})
	})
	t.Run("A6.15 TLS facts after the body", func(t *testing.T) {
		s := httptest.NewUnstartedServer(http.HandlerFunc(answerEcho))
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.StartTLS()
		defer s.Close()
		c := newClient(t, httpx.WithTLS(tls.Options{RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}))
		resp, err := c.Get(ctx, s.URL)
		if err != nil {
			t.Fatal(err)
		}
		c.CloseIdle()
		if st := resp.Conn().TLS; st == nil || !st.HandshakeComplete || len(st.PeerCertificates) == 0 {
			t.Errorf("%+v", st)
		}
		if d := resp.Timings(); d.TLS <= 0 || d.Connect <= 0 {
			t.Errorf("A6.12: %+v", d)
		}
	})
	t.Run("A6.12 timings at any time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := memClient(t, httpx.WithTimeout(httpx.Never))
			resp, err := c.Stream(t.Context(), "GET", "http://server/drip")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Close()
			if resp.Elapsed() != 0 {
				t.Errorf("%v", resp.Elapsed())
			}
			n := 0
			for range resp.Chunks(1) {
				if n++; resp.Elapsed() != time.Duration(n)*time.Second {
					t.Errorf("%v after %d s", resp.Elapsed(), n)
				}
			}
			pause(t, time.Hour)
			if d := resp.Timings().Total; d < 20*time.Second || d > 21*time.Second || d != resp.Elapsed() {
				t.Errorf("it stops at the end of the body: %v", d)
			}
		})
	})
}

// Close before the end of the body.
func TestEarlyClose(t *testing.T) {
	ctx := context.Background()
	var canceled atomic.Int32
	gone := make(chan struct{}, 10)
	h := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/small" {
			w.Write(make([]byte, 10_000))
			return
		}
		if r.URL.Path == "/large" {
			w.Header().Set("Content-Length", "100000000")
		}
		for {
			if _, err := w.Write(make([]byte, 10_000)); err != nil || r.Context().Err() != nil {
				canceled.Add(1)
				gone <- struct{}{}
				return
			}
		}
	}
	overBoth(t, h, func(t *testing.T, c *httpx.Client, url string) {
		for path, stays := range map[string]bool{"/small": true, "/large": false, "/endless": false} {
			t.Run("A6.14 "+path[1:], func(t *testing.T) {
				h2 := strings.Contains(t.Name(), "HTTP2")
				for range 2 {
					resp, err := c.Stream(ctx, "GET", url+path)
					if err != nil {
						t.Fatal(err)
					}
					if _, err := io.ReadFull(resp.Body, make([]byte, 100)); err != nil {
						t.Fatal(err)
					}
					start := time.Now()
					if err := resp.Close(); err != nil || time.Since(start) > 10*time.Second {
						t.Errorf("Close: %v after %v", err, time.Since(start))
					}
					if path != "/small" {
						<-gone // the server is told
					}
				}
				resp, err := c.Get(ctx, url+"/small")
				if err != nil || resp.Conn().Reused != (stays || h2) {
					t.Errorf("reused %v, %v", resp.Conn().Reused, err)
				}
			})
		}
	})
	if canceled.Load() != 8 {
		t.Errorf("%d", canceled.Load())
	}
}

// Errors of a response tell what they are, and nothing secret.
func TestResponseErrors(t *testing.T) {
	ctx := context.Background()
	t.Run("A24 a body that is cut off", func(t *testing.T) {
		resp, err := newClient(t).Stream(ctx, "GET", oneAnswer(t, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc")+"?token=secret")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Close()
		got, err := collect(resp.Lines())
		var e *httpx.Error
		if len(got) != 0 || !errors.Is(err, httpx.ErrTransport) || !errors.Is(err, httpx.ErrRemoteProtocol) || !errors.As(err, &e) || e.Op != "body" || !e.Sent || e.Conn == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("A24 an error with a status is no request error", func(t *testing.T) {
		err := error(&httpx.StatusError{Response: received(t, false, false, "", "")})
		if !errors.Is(err, httpx.ErrHTTP) || errors.Is(err, httpx.ErrRequest) || errors.Is(err, httpx.ErrTransport) {
			t.Error(err)
		}
	})
	t.Run("A24 limits and types are no errors of the transport", func(t *testing.T) {
		_, err1 := collect(received(t, false, true, "", "abc", httpx.WithMaxLineBytes(1)).Lines())
		_, err2 := collect(received(t, false, true, "", "abc").Events())
		_, err3 := httpx.Decode[int](received(t, false, true, "", "abc"))
		for _, err := range []error{err1, err2, err3} {
			if !errors.Is(err, httpx.ErrRequest) || errors.Is(err, httpx.ErrTransport) || errors.Is(err, httpx.ErrTimeout) || httpx.IsRetryable(err) {
				t.Errorf("%v", err)
			}
		}
	})
}
