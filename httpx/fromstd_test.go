package httpx_test

import (
	"context"
	cryptotls "crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/peer"
)

// stdClient is a client over a fresh http.Transport.
func stdClient(t *testing.T, edit func(*http.Transport), opts ...httpx.ClientOption) *httpx.Client {
	t.Helper()
	tr := new(http.Transport)
	if edit != nil {
		edit(tr)
	}
	return newClient(t, append(opts, httpx.WithTransport(httpx.FromRoundTripper(tr)))...)
}

func TestFromRoundTripper(t *testing.T) {
	ctx := context.Background()
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", answerEcho)
	mux.HandleFunc("/trailers", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "x")
		w.WriteHeader(103)
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("Trailer", "X-Sum")
		fmt.Fprintf(w, "%s %s", b, r.Trailer.Get("X-In"))
		w.Header().Set("X-Sum", "42")
	})
	mux.HandleFunc("/upgrade", upgradeEcho)
	mux.HandleFunc("/hang", func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	mux.HandleFunc("/again", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/echo", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/short", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "9")
		io.WriteString(w, "a")
	})
	mux.HandleFunc("/reset", func(w http.ResponseWriter, r *http.Request) { hijackAndClose(w, "") })
	s := httptest.NewServer(mux)
	defer s.Close()
	c := stdClient(t, nil)
	t.Run("B2 a request goes out as it is", func(t *testing.T) {
		resp, err := c.Do(ctx, "QUERY", s.URL+"/echo?a=1", httpx.String("abc"), httpx.WithHeader("Host", "other.test"), httpx.WithoutHeader("User-Agent"), httpx.WithHeader("X-A", "1"), httpx.WithAddedHeader("x-a", "2"))
		if err != nil {
			t.Fatal(err)
		}
		e, err := httpx.Decode[echoed](resp)
		if err != nil || e.Method != "QUERY" || e.Target != "/echo?a=1" || e.Host != "other.test" || e.Body != "abc" || e.Length != 3 ||
			fmt.Sprint(e.Header["X-A"]) != "[1 2]" || e.Header.Get("User-Agent") != "" {
			t.Errorf("%+v, %v", e, err)
		}
		if resp.Proto != "HTTP/1.1" || resp.Header.Get("content-length") == "" || resp.URL.Path() != "/echo" || resp.BytesReceived() == 0 {
			t.Errorf("%+v", resp)
		}
	})
	t.Run("B2 the target is kept", func(t *testing.T) {
		got := make(chan string, 1)
		p := peer.Listen(t, func(nc net.Conn) {
			p := peer.Over(t, nc)
			got <- p.WantRequest("", "the request").Line()
			p.Respond("200 OK", "")
			p.Close()
		})
		if _, err := c.Get(ctx, "http://"+p.Addr+"/", httpx.WithRequestTarget("/a/../%2F|b")); err != nil {
			t.Fatal(err)
		}
		if line := <-got; line != "GET /a/../%2F|b HTTP/1.1" {
			t.Error(line)
		}
	})
	t.Run("B2 trailers and interim responses", func(t *testing.T) {
		for _, body := range []httpx.RequestOption{httpx.String("abc"), httpx.Reader(io.MultiReader(strings.NewReader("abc")))} {
			var interim string
			resp, err := c.Post(ctx, s.URL+"/trailers", body,
				httpx.WithHeader("Trailer", "X-In"),
				httpx.WithTrailer(func() httpx.Header { return httpx.Header{{Name: "X-In", Value: "in"}} }),
				httpx.OnInformational(func(status int, h httpx.Header) error { interim += fmt.Sprint(status, h.Get("Link")); return nil }))
			if err != nil {
				t.Fatal(err)
			}
			if resp.Text() != "abc in" || resp.Trailer().Get("X-Sum") != "42" || interim != "103x" {
				t.Errorf("%q %v %q", resp.Text(), resp.Trailer(), interim)
			}
		}
	})
	t.Run("B2 a body is sent again after a redirect", func(t *testing.T) {
		resp, err := c.Post(ctx, s.URL+"/again", httpx.String("abc"), httpx.WithFollowRedirects(true))
		if err != nil {
			t.Fatal(err)
		}
		if e, err := httpx.Decode[echoed](resp); err != nil || e.Body != "abc" {
			t.Errorf("%+v, %v", e, err)
		}
	})
	t.Run("B18 101 can be taken over", func(t *testing.T) {
		resp, err := c.Get(ctx, s.URL+"/upgrade", httpx.WithHeader("Connection", "Upgrade"), httpx.WithHeader("Upgrade", "echo"))
		if err != nil {
			t.Fatal(err)
		}
		nc, err := resp.Upgrade()
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		io.WriteString(nc, "x")
		b := make([]byte, 7)
		if _, err := io.ReadFull(nc, b); err != nil || string(b) != "hello x" {
			t.Errorf("%q, %v", b, err)
		}
		if _, err := resp.Upgrade(); !errors.Is(err, httpx.ErrBodyClosed) {
			t.Errorf("a second time: %v", err)
		}
		resp, _ = c.Get(ctx, s.URL+"/echo")
		if _, err := resp.Upgrade(); !errors.Is(err, httpx.ErrNotSwitched) {
			t.Errorf("an ordinary response: %v", err)
		}
	})
	t.Run("B2 errors are ours", func(t *testing.T) {
		ended, cancel := context.WithCancel(ctx)
		cancel()
		late, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
		defer cancel()
		disk := errors.New("disk on fire")
		impatient := stdClient(t, func(tr *http.Transport) { tr.ResponseHeaderTimeout = time.Millisecond })
		secure := httptest.NewUnstartedServer(mux)
		secure.Config.ErrorLog = log.New(io.Discard, "", 0)
		secure.StartTLS()
		defer secure.Close()
		odd := peer.Listen(t, func(nc net.Conn) {
			p := peer.Over(t, nc)
			p.WantRequest("", "the request")
			p.Send("NONSENSE\r\n\r\n")
			p.Close()
		})
		silent := peer.Listen(t, func(nc net.Conn) { io.Copy(io.Discard, nc) })
		for _, tt := range []struct {
			name string
			c    *httpx.Client
			ctx  context.Context
			url  string
			body io.Reader
			want []error
			not  error
		}{
			{"cancelled", c, ended, s.URL + "/echo", nil, []error{context.Canceled}, httpx.ErrTransport},
			{"deadline while reading", c, late, s.URL + "/hang", nil, []error{context.DeadlineExceeded, httpx.ErrTimeout, httpx.ErrTransport}, httpx.ErrNetwork},
			{"timeout of its own", impatient, ctx, "http://" + silent.Addr, nil, []error{httpx.ErrTimeout, httpx.ErrReadTimeout, httpx.ErrTransport}, httpx.ErrNetwork},
			{"nobody listens", c, ctx, "http://127.0.0.1:1", nil, []error{httpx.ErrConnect, httpx.ErrNetwork}, httpx.ErrTimeout},
			{"certificate", c, ctx, secure.URL, nil, []error{httpx.ErrTLS, httpx.ErrConnect}, httpx.ErrTimeout},
			{"no response", c, ctx, s.URL + "/reset", nil, []error{httpx.ErrServerClosedIdle}, httpx.ErrTimeout},
			{"no HTTP", c, ctx, "http://" + odd.Addr, nil, []error{httpx.ErrRemoteProtocol}, httpx.ErrServerClosedIdle},
			{"short body", c, ctx, s.URL + "/short", nil, []error{httpx.ErrRemoteProtocol, io.ErrUnexpectedEOF}, httpx.ErrLocalProtocol},
			{"request body", c, ctx, s.URL + "/echo", io.MultiReader(strings.NewReader("a"), failingReader{disk}), []error{httpx.ErrRequestBody, disk}, httpx.ErrNetwork},
		} {
			var opts []httpx.RequestOption
			if tt.body != nil {
				opts = append(opts, httpx.Reader(tt.body))
			}
			_, err := tt.c.Post(tt.ctx, tt.url, opts...)
			for _, want := range append(tt.want, httpx.ErrRequest) {
				if !errors.Is(err, want) {
					t.Errorf("%s: %v is not %q", tt.name, err, want)
				}
			}
			if errors.Is(err, tt.not) {
				t.Errorf("%s: %v is %q", tt.name, err, tt.not)
			}
		}
	})
	t.Run("B2 Close passes through", func(t *testing.T) {
		rt := &closableRoundTripper{}
		c, err := httpx.New(httpx.WithTransport(httpx.FromRoundTripper(rt)))
		if err != nil {
			t.Fatal(err)
		}
		c.CloseIdle()
		c.Close()
		if rt.idle != 2 || rt.closed != 1 {
			t.Errorf("%+v", rt)
		}
	})
	t.Run("B2 there and back again", func(t *testing.T) {
		inner := newClient(t)
		c := newClient(t, httpx.WithTransport(httpx.FromRoundTripper(inner.RoundTripper())))
		resp, err := c.Post(ctx, s.URL+"/echo", httpx.String("abc"))
		if err != nil {
			t.Fatal(err)
		}
		if e, err := httpx.Decode[echoed](resp); err != nil || e.Body != "abc" {
			t.Errorf("%+v, %v", e, err)
		}
	})
}

type closableRoundTripper struct{ idle, closed int }

func (c *closableRoundTripper) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("none")
}
func (c *closableRoundTripper) CloseIdleConnections() { c.idle++ }
func (c *closableRoundTripper) Close() error          { c.closed++; return nil }

func TestResponseToAndFromStd(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		w.Header().Set("X-A", "1")
		w.WriteHeader(418)
		io.WriteString(w, "short and stout")
		w.Header().Set("X-Sum", "42")
	}))
	defer s.Close()
	c := newClient(t)
	t.Run("A6.17 Std of a buffered response, twice", func(t *testing.T) {
		resp, err := c.Get(context.Background(), s.URL+"/p?q=1")
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			res := resp.Std()
			b, err := io.ReadAll(res.Body)
			if string(b) != "short and stout" || err != nil || res.StatusCode != 418 || res.Header.Get("X-A") != "1" || res.Trailer.Get("X-Sum") != "42" ||
				res.Request.URL.String() != s.URL+"/p?q=1" || res.Body.Close() != nil {
				t.Errorf("%q, %v, %+v", b, err, res)
			}
		}
	})
	t.Run("A6.17 Std of a stream", func(t *testing.T) {
		resp, err := c.Stream(context.Background(), "GET", s.URL)
		if err != nil {
			t.Fatal(err)
		}
		res := resp.Std()
		b, err := io.ReadAll(res.Body)
		if string(b) != "short and stout" || err != nil || res.Trailer.Get("X-Sum") != "42" {
			t.Errorf("%q, %v, %v", b, err, res.Trailer)
		}
		res.Body.Close()
	})
	t.Run("A6.17 FromStd", func(t *testing.T) {
		res, err := http.Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer http.DefaultClient.CloseIdleConnections()
		resp := httpx.FromStd(res)
		if err := resp.Buffer(); err != nil || resp.Text() != "short and stout" || resp.Trailer().Get("X-Sum") != "42" || resp.StatusCode != 418 ||
			resp.Reason != "I'm a teapot" || resp.Header.Get("x-a") != "1" || !strings.Contains(resp.String(), "GET "+s.URL) {
			t.Errorf("%v %q %v", err, resp.Text(), resp)
		}
		var se *httpx.StatusError
		if !errors.As(resp.Err(), &se) {
			t.Error(resp.Err())
		}
	})
	t.Run("A6.17 FromStd of a bare response", func(t *testing.T) {
		resp := httpx.FromStd(&http.Response{StatusCode: 200, TLS: &cryptotls.ConnectionState{}})
		for range resp.Lines() {
			t.Error("a line")
		}
		if resp.Buffer() != nil || resp.Text() != "" || resp.Close() != nil || resp.String() == "" || resp.Err() != nil || resp.Conn().TLS == nil || resp.Elapsed() < 0 {
			t.Errorf("%+v", resp)
		}
	})
	t.Run("A6.17 Request.Std", func(t *testing.T) {
		r, err := httpx.NewRequest("POST", "http://u:p@a.test/x?y=z", httpx.String("abc"), httpx.WithHeader("x-a", "1"))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			req, err := r.Std(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			b, _ := io.ReadAll(req.Body)
			again, _ := req.GetBody()
			b2, _ := io.ReadAll(again)
			if string(b) != "abc" || string(b2) != "abc" || req.URL.String() != "http://a.test/x?y=z" || req.ContentLength != 3 || req.Header["X-A"][0] != "1" {
				t.Errorf("%q %q %+v", b, b2, req)
			}
		}
	})
}
