package httpx_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"gohttpx.dev/httpx"
)

// handlerClient is a client whose requests are answered by h.
func handlerClient(t *testing.T, h http.HandlerFunc, opts ...httpx.HandlerOption) *httpx.Client {
	t.Helper()
	return newClient(t, httpx.WithTransport(httpx.HandlerTransport(h, opts...)))
}

func TestHandlerSeesARequestFromTheWire(t *testing.T) {
	type seen struct {
		Method, URI, Path, Query, Host, Remote, Proto, Body string
		Header                                              http.Header
		Length                                              int64
		Coding                                              []string
		TLS                                                 string
	}
	show := func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		s := seen{r.Method, r.RequestURI, r.URL.Path, r.URL.RawQuery, r.Host, r.RemoteAddr, r.Proto, string(b), r.Header, r.ContentLength, r.TransferEncoding, ""}
		if r.TLS != nil && r.TLS.HandshakeComplete {
			s.TLS = r.TLS.ServerName
		}
		json.NewEncoder(w).Encode(s)
	}
	ask := func(t *testing.T, c *httpx.Client, method, url string, opts ...httpx.RequestOption) seen {
		t.Helper()
		resp, err := c.Do(context.Background(), method, url, opts...)
		if err != nil {
			t.Fatal(err)
		}
		s, err := httpx.Decode[seen](resp)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	c := handlerClient(t, show)
	t.Run("A23.1 the request is as a server shows it", func(t *testing.T) {
		s := ask(t, c, "PUT", "https://api.test:8443/a%2fb?q=1", httpx.String("abc"), httpx.WithHeader("x-lower", "v"))
		if s.Method != "PUT" || s.URI != "/a%2fb?q=1" || s.Path != "/a/b" || s.Query != "q=1" || s.Host != "api.test:8443" ||
			s.Proto != "HTTP/1.1" || s.Body != "abc" || s.Length != 3 || s.Coding != nil || s.TLS != "api.test" || s.Header.Get("X-Lower") != "v" {
			t.Errorf("%+v", s)
		}
		s = ask(t, c, "POST", "http://api.test/", httpx.Reader(io.MultiReader(strings.NewReader("abc"))))
		if s.Length != -1 || len(s.Coding) != 1 || s.Body != "abc" || s.TLS != "" || s.Host != "api.test" {
			t.Errorf("unknown length: %+v", s)
		}
	})
	t.Run("A23.1 RemoteAddr", func(t *testing.T) {
		if s := ask(t, c, "GET", "http://api.test/"); s.Remote != "127.0.0.1:123" {
			t.Errorf("default %q", s.Remote)
		}
		if s := ask(t, handlerClient(t, show, httpx.RemoteAddr("[2001:db8::1]:9")), "GET", "http://api.test/"); s.Remote != "[2001:db8::1]:9" {
			t.Errorf("given %q", s.Remote)
		}
	})
	t.Run("A23.1 MountPath", func(t *testing.T) {
		c := handlerClient(t, show, httpx.MountPath("/api/"))
		if s := ask(t, c, "GET", "http://api.test/api/x?y"); s.Path != "/x" || s.URI != "/api/x?y" {
			t.Errorf("%+v", s)
		}
		if s := ask(t, c, "GET", "http://api.test/api"); s.Path != "/" {
			t.Errorf("%+v", s)
		}
		for _, u := range []string{"/", "/apix", "/other/api"} {
			if resp, err := c.Get(context.Background(), "http://api.test"+u); err != nil || resp.StatusCode != 404 {
				t.Errorf("%s: %v, %v", u, resp, err)
			}
		}
	})
	t.Run("A23.1 a request that breaks HTTP does not reach it", func(t *testing.T) {
		_, err := c.Get(context.Background(), "http://api.test/", httpx.WithHeader("X", "a\r\nb"))
		if !errors.Is(err, httpx.ErrLocalProtocol) {
			t.Error(err)
		}
	})
	t.Run("A23.1 the facts of the connection", func(t *testing.T) {
		resp, err := c.Get(context.Background(), "https://api.test/")
		if err != nil {
			t.Fatal(err)
		}
		if i := resp.Conn(); i.TLS == nil || i.RemoteAddr.String() != "api.test:443" || i.LocalAddr.String() != "127.0.0.1:123" {
			t.Errorf("%+v", i)
		}
	})
}

func TestHandlerPanics(t *testing.T) {
	cause := errors.New("the database is gone")
	h := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/late" {
			io.WriteString(w, "some")
			w.(http.Flusher).Flush()
		}
		if r.URL.Path == "/hijacked" {
			w.(http.Hijacker).Hijack()
		}
		switch r.URL.RawQuery {
		case "abort":
			panic(http.ErrAbortHandler)
		case "error":
			panic(cause)
		}
		panic("boom")
	}
	get := func(c *httpx.Client, url string) error {
		_, err := c.Get(context.Background(), "http://api.test"+url)
		return err
	}
	t.Run("A23.1 a panic is an error that names it", func(t *testing.T) {
		c := handlerClient(t, h)
		for _, u := range []string{"/", "/late", "/hijacked"} {
			err := get(c, u)
			if err == nil || !strings.Contains(err.Error(), "the handler panicked at handler_test.go:") || !strings.Contains(err.Error(), "boom") ||
				!errors.Is(err, httpx.ErrRemoteProtocol) {
				t.Errorf("%s: %v", u, err)
			}
		}
		if err := get(c, "/?error"); !errors.Is(err, cause) {
			t.Errorf("the value of a panic is the cause: %v", err)
		}
	})
	t.Run("A23.1 http.ErrAbortHandler breaks off", func(t *testing.T) {
		c := handlerClient(t, h, httpx.RecoverPanics(false))
		if err := get(c, "/?abort"); !errors.Is(err, httpx.ErrServerClosedIdle) {
			t.Error(err)
		}
		if err := get(c, "/late?abort"); !errors.Is(err, httpx.ErrRemoteProtocol) || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Error(err)
		}
	})
	t.Run("A23.1 RecoverPanics(false) panics in the caller", func(t *testing.T) {
		c := handlerClient(t, h, httpx.RecoverPanics(false))
		for _, u := range []string{"/", "/late"} {
			func() {
				defer func() {
					if v := recover(); v != "boom" {
						t.Errorf("%s: recovered %v", u, v)
					}
				}()
				t.Errorf("%s: returned %v", u, get(c, u))
			}()
		}
	})
	t.Run("A23.1 a handler that ends its goroutine", func(t *testing.T) {
		c := handlerClient(t, func(http.ResponseWriter, *http.Request) {
			runtime.Goexit()
		})
		if err := get(c, "/"); err == nil || !strings.Contains(err.Error(), "Goexit") {
			t.Error(err)
		}
	})
}

func TestHandlerStreams(t *testing.T) {
	ctx := context.Background()
	t.Run("A23.2 streams both ways", func(t *testing.T) {
		c := handlerClient(t, func(w http.ResponseWriter, r *http.Request) {
			rc := http.NewResponseController(w)
			rc.EnableFullDuplex()
			rc.Flush()
			lines := bufio.NewScanner(r.Body)
			for lines.Scan() {
				fmt.Fprintf(w, "got %s\n", lines.Text())
				rc.Flush()
			}
		})
		pr, pw := io.Pipe()
		resp, err := c.Stream(ctx, "POST", "http://api.test/", httpx.Reader(pr))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Close()
		answers := bufio.NewReader(resp.Body)
		for i := range 5 {
			fmt.Fprintf(pw, "%d\n", i)
			if line, err := answers.ReadString('\n'); line != fmt.Sprintf("got %d\n", i) {
				t.Fatalf("%q, %v", line, err)
			}
		}
		pw.Close()
		if rest, err := io.ReadAll(answers); err != nil || len(rest) > 0 {
			t.Errorf("%q, %v", rest, err)
		}
	})
	t.Run("A23.2 Flush delivers the head", func(t *testing.T) {
		release := make(chan struct{})
		c := handlerClient(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(202)
			w.(http.Flusher).Flush()
			<-release
			io.WriteString(w, "late")
		})
		resp, err := c.Stream(ctx, "GET", "http://api.test/")
		if err != nil || resp.StatusCode != 202 {
			t.Fatal(resp, err)
		}
		close(release)
		if err := resp.Buffer(); err != nil || resp.Text() != "late" {
			t.Errorf("%q, %v", resp.Text(), err)
		}
	})
	t.Run("A23.2 trailers and interim responses", func(t *testing.T) {
		c := handlerClient(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "</a.css>")
			w.WriteHeader(103)
			b, _ := io.ReadAll(r.Body)
			w.Header().Set("Trailer", "X-Sum")
			fmt.Fprintf(w, "%s %s", b, r.Trailer.Get("X-In"))
			w.Header().Set("X-Sum", "42")
			w.Header().Set(http.TrailerPrefix+"X-Late", "7")
		})
		var interim []string
		resp, err := c.Post(ctx, "http://api.test/", httpx.String("abc"),
			httpx.WithExpectContinue(time.Minute),
			httpx.WithTrailer(func() httpx.Header { return httpx.Header{{Name: "X-In", Value: "in"}} }),
			httpx.OnInformational(func(status int, h httpx.Header) error {
				interim = append(interim, fmt.Sprint(status, h.Get("Link")))
				return nil
			}))
		if err != nil {
			t.Fatal(err)
		}
		if resp.Text() != "abc in" || resp.Trailer().Get("X-Sum") != "42" || resp.Trailer().Get("X-Late") != "7" ||
			strings.Join(interim, " ") != "103</a.css> 100" {
			t.Errorf("%q %v %q", resp.Text(), resp.Trailer(), interim)
		}
	})
	t.Run("A23.2 Hijack is a pipe", func(t *testing.T) {
		c := handlerClient(t, func(w http.ResponseWriter, r *http.Request) {
			nc, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello ")
			rw.Flush()
			go func() { // the connection outlives the handler
				defer nc.Close()
				io.Copy(nc, rw)
			}()
		})
		resp, err := c.Get(ctx, "http://api.test/", httpx.WithHeader("Upgrade", "echo"))
		if err != nil {
			t.Fatal(err)
		}
		nc, err := resp.Upgrade()
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		go io.WriteString(nc, strings.Repeat("x", 1<<20))
		if b, err := io.ReadAll(io.LimitReader(nc, 6+1<<20)); err != nil || len(b) != 6+1<<20 || string(b[:7]) != "hello x" {
			t.Errorf("%d bytes, %v", len(b), err)
		}
	})
	t.Run("A23.2 deadlines of http.ResponseController", func(t *testing.T) {
		read := make(chan error, 1)
		c := handlerClient(t, func(w http.ResponseWriter, r *http.Request) {
			http.NewResponseController(w).SetReadDeadline(time.Now().Add(-time.Second))
			_, err := r.Body.Read(make([]byte, 1))
			read <- err
		})
		pr, pw := io.Pipe()
		resp, err := c.Stream(ctx, "POST", "http://api.test/", httpx.Reader(pr))
		if err := <-read; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
		pw.Close()
		if err == nil {
			resp.Close()
		}
	})
	t.Run("A23.2 the client's timeouts apply", func(t *testing.T) {
		c := handlerClient(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		if _, err := c.Get(ctx, "http://api.test/", httpx.WithTimeouts(httpx.Timeouts{Read: time.Millisecond})); !errors.Is(err, httpx.ErrReadTimeout) {
			t.Error(err)
		}
	})
}

// However the exchange ends, the handler learns of it and its goroutine ends
// (TestMain looks).
func TestHandlerEnds(t *testing.T) {
	for _, tt := range []struct {
		name   string
		method string
		body   io.Reader
		handle func(w http.ResponseWriter, r *http.Request)
		end    func(cancel func(), resp *httpx.Response) error
	}{
		{name: "A23.2 the client closes early", handle: func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, end: func(_ func(), resp *httpx.Response) error { return resp.Close() }},
		{name: "A23.2 the client's context ends", handle: func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, end: func(cancel func(), resp *httpx.Response) error {
			cancel()
			if err := resp.Buffer(); !errors.Is(err, context.Canceled) {
				return fmt.Errorf("read: %w", err)
			}
			return nil
		}},
		{name: "A23.2 the client never reads", handle: func(w http.ResponseWriter, r *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}, end: func(_ func(), resp *httpx.Response) error { return resp.Close() }},
		{name: "A23.2 the handler never reads", method: "POST", body: endless{}, handle: func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, end: func(_ func(), resp *httpx.Response) error { return resp.Close() }},
		{name: "A23.2 the handler answers and reads nothing", method: "POST", body: endless{}, handle: func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, "no", http.StatusRequestEntityTooLarge)
		}, end: func(_ func(), resp *httpx.Response) error {
			if resp.StatusCode != 413 {
				return fmt.Errorf("status %d", resp.StatusCode)
			}
			return resp.Close()
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var wg sync.WaitGroup
			wg.Add(1)
			c := handlerClient(t, func(w http.ResponseWriter, r *http.Request) {
				defer wg.Done()
				tt.handle(w, r)
			})
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			if tt.method == "" {
				tt.method = "GET"
			}
			var opts []httpx.RequestOption
			if tt.body != nil {
				opts = append(opts, httpx.Reader(tt.body))
			}
			resp, err := c.Stream(ctx, tt.method, "http://api.test/", opts...)
			if err != nil {
				t.Fatal(err)
			}
			if err := tt.end(cancel, resp); err != nil {
				t.Error(err)
			}
			resp.Close()
			wg.Wait()
		})
	}
	t.Run("A23.2 the body's failure is the request's", func(t *testing.T) {
		c := handlerClient(t, func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
		broken := errors.New("disk on fire")
		_, err := c.Post(context.Background(), "http://api.test/", httpx.Reader(io.MultiReader(strings.NewReader("a"), failingReader{broken})))
		if !errors.Is(err, broken) || !errors.Is(err, httpx.ErrRequestBody) {
			t.Error(err)
		}
	})
	t.Run("A23.2 a handler goes on after its response", func(t *testing.T) {
		read, state := make(chan struct{}), make(chan error, 1)
		c := handlerClient(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "2")
			io.WriteString(w, "ok")
			w.(http.Flusher).Flush()
			<-read
			state <- r.Context().Err()
		})
		if resp, err := c.Get(context.Background(), "http://api.test/"); err != nil || resp.Text() != "ok" {
			t.Fatal(resp, err)
		}
		close(read)
		if err := <-state; err != nil {
			t.Errorf("its context has ended: %v", err)
		}
	})
	t.Run("A23.2 Close of the client", func(t *testing.T) {
		c := handlerClient(t, func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		})
		resp, err := c.Stream(context.Background(), "GET", "http://api.test/")
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		if err := resp.Buffer(); !errors.Is(err, httpx.ErrClientClosed) {
			t.Error(err)
		}
	})
}

func TestHandlerManyAtOnce(t *testing.T) {
	c := handlerClient(t, answerEcho)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			body := strings.Repeat("x", i*1000)
			resp, err := c.Post(context.Background(), "http://api.test/", httpx.String(body))
			if err != nil {
				t.Error(err)
				return
			}
			if e, err := httpx.Decode[echoed](resp); err != nil || e.Body != body {
				t.Errorf("%d: %d bytes, %v", i, len(e.Body), err)
			}
		})
	}
	wg.Wait()
}

type failingReader struct{ err error }

func (f failingReader) Read([]byte) (int, error) { return 0, f.err }
