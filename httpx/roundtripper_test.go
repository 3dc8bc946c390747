package httpx_test

import (
	"bufio"
	"compress/gzip"
	"context"
	cryptotls "crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httptrace"
	"net/http/httputil"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/tls"
)

// upgradeEcho switches to a protocol that sends back what it gets.
func upgradeEcho(w http.ResponseWriter, _ *http.Request) {
	nc, rw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	defer nc.Close()
	io.WriteString(nc, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello ")
	io.Copy(nc, rw)
}

func wantEcho(t *testing.T, res *http.Response) {
	t.Helper()
	rwc, ok := res.Body.(io.ReadWriteCloser)
	if res.StatusCode != 101 || !ok {
		t.Fatalf("%d, body %T", res.StatusCode, res.Body)
	}
	defer rwc.Close()
	r := bufio.NewReader(rwc)
	for _, say := range []string{"one", "two"} {
		io.WriteString(rwc, say+"\n")
		if line, err := r.ReadString('\n'); strings.TrimPrefix(line, "hello ") != say+"\n" {
			t.Fatalf("%q, %v", line, err)
		}
	}
}

func TestRoundTripperUnderHTTPClient(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "id", Value: "7", Path: "/"})
		http.Redirect(w, r, "/home", http.StatusSeeOther)
	})
	mux.HandleFunc("/home", func(w http.ResponseWriter, r *http.Request) {
		c, _ := r.Cookie("id")
		fmt.Fprintf(w, "%s cookie=%v agent=%s key=%q", r.Method, c, r.UserAgent(), r.Header.Get("X-Key"))
	})
	mux.HandleFunc("/again", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/echo", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	mux.HandleFunc("/hang", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/upgrade", upgradeEcho)
	s := httptest.NewServer(mux)
	defer s.Close()
	jar, _ := cookiejar.New(nil)
	c := newClient(t, httpx.WithHeader("X-Key", "secret"), httpx.WithUserAgent("us/1"), httpx.WithFollowRedirects(true), httpx.WithAuth(httpx.BasicAuth("u", "p")))
	std := &http.Client{Transport: c.RoundTripper(), Jar: jar}
	defer std.CloseIdleConnections()
	text := func(res *http.Response, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	t.Run("B1 redirects and cookies are http.Client's", func(t *testing.T) {
		if got := text(std.Post(s.URL+"/login", "text/plain", strings.NewReader("x"))); got != `GET cookie=id=7 agent=us/1 key=""` {
			t.Error(got)
		}
	})
	t.Run("B1 the adapter itself sends one request", func(t *testing.T) {
		req, _ := http.NewRequest("GET", s.URL+"/login", nil)
		res, err := c.RoundTripper().RoundTrip(req)
		if err != nil || res.StatusCode != 303 || res.Request != req {
			t.Fatal(res, err)
		}
		res.Body.Close()
	})
	t.Run("B1 GetBody sends the body again", func(t *testing.T) {
		if got := text(std.Post(s.URL+"/again", "text/plain", strings.NewReader("twice"))); got != "twice" {
			t.Error(got)
		}
	})
	t.Run("B1 http.Client.Timeout", func(t *testing.T) {
		impatient := &http.Client{Transport: c.RoundTripper(), Timeout: 10 * time.Millisecond}
		_, err := impatient.Get(s.URL + "/hang")
		var ue *url.Error
		if !errors.As(err, &ue) || !ue.Timeout() || !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
	t.Run("B1 a context that is cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		req, _ := http.NewRequestWithContext(ctx, "GET", s.URL+"/hang", nil)
		if _, err := std.Do(req); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	t.Run("B18 101 is an io.ReadWriteCloser", func(t *testing.T) {
		req, _ := http.NewRequest("GET", s.URL+"/upgrade", nil)
		req.Header.Set("Connection", "Upgrade")
		req.Header.Set("Upgrade", "echo")
		res, err := std.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		wantEcho(t, res)
	})
	t.Run("B1 httputil.ReverseProxy, upgrade included", func(t *testing.T) {
		target, _ := url.Parse(s.URL)
		front := httptest.NewServer(&httputil.ReverseProxy{
			Transport: c.RoundTripper(),
			Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		})
		defer front.Close()
		if got := text(http.Post(front.URL+"/echo", "", io.MultiReader(strings.NewReader("by proxy")))); got != "by proxy" {
			t.Error(got)
		}
		req, _ := http.NewRequest("GET", front.URL+"/upgrade", nil)
		req.Header.Set("Connection", "Upgrade")
		req.Header.Set("Upgrade", "echo")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		wantEcho(t, res)
	})
	http.DefaultClient.CloseIdleConnections()
	waitForIdle(c) // the proxy closes its side when it sees ours closed
}

// What goes out, byte for byte.
func TestRoundTripperOnTheWire(t *testing.T) {
	send := func(t *testing.T, req *http.Request, answer string, opts ...httpx.ClientOption) (head, body string, res *http.Response) {
		t.Helper()
		got := make(chan *peer.Request, 1)
		s := peer.Listen(t, func(nc net.Conn) {
			p := peer.Over(t, nc)
			r := p.WantRequest("", "the request")
			got <- r
			p.Send(answer)
			p.Close()
		})
		c := newClient(t, append(opts, httpx.WithConnectTo("*", s.Addr))...)
		res, err := c.RoundTripper().RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { res.Body.Close() })
		r := <-got
		return r.Head, string(r.Body), res
	}
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	t.Run("B1 requests", func(t *testing.T) {
		for _, tt := range []struct {
			name string
			req  *http.Request
			head string
			body string
		}{
			{
				"no method, no header", &http.Request{URL: &url.URL{Scheme: "http", Host: "e.test", Path: "/a b"}},
				"GET /a%20b HTTP/1.1\r\nHost: e.test\r\nUser-Agent: gohttpx/" + httpx.Version + "\r\nAccept-Encoding: gzip\r\n\r\n", "",
			},
			{
				"opaque", &http.Request{Header: http.Header{"User-Agent": nil, "Accept-Encoding": {"x"}}, URL: &url.URL{Scheme: "http", Host: "e.test", Opaque: "/%2f/../x"}},
				"GET /%2f/../x HTTP/1.1\r\nHost: e.test\r\nAccept-Encoding: x\r\n\r\n", "",
			},
			{
				"absolute form", &http.Request{Header: http.Header{"User-Agent": {""}, "Range": {"bytes=0-"}}, URL: &url.URL{Scheme: "http", Host: "e.test", Opaque: "//e.test/x"}},
				"GET http://e.test/x HTTP/1.1\r\nHost: e.test\r\nRange: bytes=0-\r\n\r\n", "",
			},
			{
				"OPTIONS *", &http.Request{Method: "OPTIONS", Header: http.Header{"User-Agent": {""}, "Accept-Encoding": {"x"}}, URL: &url.URL{Scheme: "http", Host: "e.test", Path: "*"}},
				"OPTIONS * HTTP/1.1\r\nHost: e.test\r\nAccept-Encoding: x\r\n\r\n", "",
			},
			{
				"Host, Close and http.NoBody", &http.Request{
					Method: "POST", Host: "other.test", Close: true, Body: http.NoBody,
					Header: http.Header{"User-Agent": {"ua"}, "Accept-Encoding": {"x"}, "Host": {"ignored"}, "Content-Length": {"9"}, "x-b": {"2", " 3 "}}, URL: &url.URL{Scheme: "http", Host: "e.test"},
				},
				"POST / HTTP/1.1\r\nHost: other.test\r\nAccept-Encoding: x\r\nUser-Agent: ua\r\nx-b: 2\r\nx-b: 3\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", "",
			},
			{
				"known length", &http.Request{Method: "PUT", Body: io.NopCloser(strings.NewReader("abc")), ContentLength: 3, Header: http.Header{"User-Agent": nil, "Accept-Encoding": {"x"}}, URL: &url.URL{Scheme: "http", Host: "e.test"}},
				"PUT / HTTP/1.1\r\nHost: e.test\r\nAccept-Encoding: x\r\nContent-Length: 3\r\n\r\n", "abc",
			},
			{
				"unknown length", &http.Request{Method: "PUT", Body: io.NopCloser(strings.NewReader("abc")), ContentLength: -1, Header: http.Header{"User-Agent": nil, "Accept-Encoding": {"x"}}, URL: &url.URL{Scheme: "http", Host: "e.test"}},
				"PUT / HTTP/1.1\r\nHost: e.test\r\nAccept-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n", "abc",
			},
			{
				"length 0 with a body is unknown", &http.Request{Method: "PUT", Body: io.NopCloser(strings.NewReader("abc")), Header: http.Header{"User-Agent": nil, "Accept-Encoding": {"x"}}, URL: &url.URL{Scheme: "http", Host: "e.test"}},
				"PUT / HTTP/1.1\r\nHost: e.test\r\nAccept-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n", "abc",
			},
			{
				"chunked although known", &http.Request{Method: "PUT", TransferEncoding: []string{"chunked"}, Body: io.NopCloser(strings.NewReader("abc")), ContentLength: 3, Header: http.Header{"User-Agent": nil, "Accept-Encoding": {"x"}}, URL: &url.URL{Scheme: "http", Host: "e.test"}},
				"PUT / HTTP/1.1\r\nHost: e.test\r\nAccept-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n", "abc",
			},
		} {
			before := fmt.Sprint(tt.req.Header, *tt.req.URL, tt.req.Host, tt.req.Method)
			head, body, _ := send(t, tt.req, ok)
			if head != tt.head || body != tt.body {
				t.Errorf("%s:\n got %q %q\nwant %q %q", tt.name, head, body, tt.head, tt.body)
			}
			if after := fmt.Sprint(tt.req.Header, *tt.req.URL, tt.req.Host, tt.req.Method); after != before {
				t.Errorf("%s: the request was changed: %s", tt.name, after)
			}
		}
	})
	get := func() *http.Request {
		req, _ := http.NewRequest("GET", "http://e.test/", nil)
		return req
	}
	t.Run("B1 responses", func(t *testing.T) {
		_, _, res := send(t, get(), "HTTP/1.1 404 Not There\r\nx-a: 1\r\nX-A: 2\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, x-none\r\nConnection: close\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n")
		if res.Status != "404 Not There" || res.Proto != "HTTP/1.1" || res.ProtoMajor != 1 || res.ProtoMinor != 1 || res.ContentLength != -1 || !res.Close || res.Uncompressed ||
			!slices.Equal(res.Header["X-A"], []string{"1", "2"}) || !slices.Equal(res.TransferEncoding, []string{"chunked"}) || res.Header.Get("Trailer") != "" {
			t.Errorf("%+v", res)
		}
		if vs, has := res.Trailer["X-Sum"]; !has || vs != nil || len(res.Trailer) != 2 {
			t.Errorf("before the end: %v", res.Trailer)
		}
		if b, err := io.ReadAll(res.Body); string(b) != "ok" || err != nil || res.Trailer.Get("X-Sum") != "1" || res.Trailer.Get("X-More") != "2" {
			t.Errorf("%q, %v, %v", b, err, res.Trailer)
		}
		res.Body.Close()
		_, _, res = send(t, get(), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")
		if _, err := io.ReadAll(res.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("a body that is cut short: %v", err)
		}
		_, _, res = send(t, get(), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab")
		res.Body.Close()
		if _, err := res.Body.Read(make([]byte, 1)); err != http.ErrBodyReadAfterClose {
			t.Errorf("read after Close: %v", err)
		}
		head := get()
		head.Method = "HEAD"
		_, _, res = send(t, head, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Encoding: gzip\r\n\r\n")
		if res.ContentLength != 5 || res.Body != http.NoBody || res.Uncompressed {
			t.Errorf("HEAD: %+v", res)
		}
		_, _, res = send(t, get(), "HTTP/1.1 204 No Content\r\n\r\n")
		if res.ContentLength != 0 || res.Body != http.NoBody {
			t.Errorf("204: %+v", res)
		}
	})
	t.Run("B1 gzip that nobody asked for by hand", func(t *testing.T) {
		var z strings.Builder
		zw := gzip.NewWriter(&z)
		io.WriteString(zw, "decoded")
		zw.Close()
		answer := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: GZIP\r\nContent-Length: %d\r\n\r\n%s", z.Len(), z.String())
		_, _, res := send(t, get(), answer)
		if b, err := io.ReadAll(res.Body); string(b) != "decoded" || err != nil || !res.Uncompressed || res.ContentLength != -1 || res.Header.Get("Content-Encoding")+res.Header.Get("Content-Length") != "" {
			t.Errorf("%q, %v, %+v", b, err, res)
		}
		own := get()
		own.Header.Set("Accept-Encoding", "gzip")
		_, _, res = send(t, own, answer)
		if b, err := io.ReadAll(res.Body); string(b) != z.String() || err != nil || res.Uncompressed || res.ContentLength != int64(z.Len()) {
			t.Errorf("asked for by hand: %q, %v, %+v", b, err, res)
		}
		_, _, res = send(t, get(), "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope")
		if _, err := io.ReadAll(res.Body); err == nil || err == io.EOF {
			t.Errorf("broken: %v", err)
		}
	})
}

func TestRoundTripperClosesTheBody(t *testing.T) {
	s := echoServer(t)
	open, closed := newClient(t), newClient(t)
	closed.Close()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	refuse := errors.New("refused")
	hooked := newClient(t, httpx.OnRequest(func(*httpx.Request) error { return refuse }))
	short := newClient(t, httpx.WithMiddleware(func(httpx.Transport) httpx.Transport {
		return transportFunc(func(context.Context, *httpx.Request) (*httpx.Response, error) {
			return &httpx.Response{StatusCode: 200}, nil
		})
	}))
	for name, tt := range map[string]struct {
		c    *httpx.Client
		edit func(*http.Request)
	}{
		"B1 closes the body: sent":                {open, func(*http.Request) {}},
		"B1 closes the body: no URL":              {open, func(r *http.Request) { r.URL = nil }},
		"B1 closes the body: no host":             {open, func(r *http.Request) { r.URL = &url.URL{Scheme: "http"} }},
		"B1 closes the body: other scheme":        {open, func(r *http.Request) { r.URL = &url.URL{Scheme: "ftp", Host: "e.test"} }},
		"B1 closes the body: bad field":           {open, func(r *http.Request) { r.Header.Set("X", "a\x00b") }},
		"B1 closes the body: bad trailer":         {open, func(r *http.Request) { r.Trailer = http.Header{"Content-Length": nil} }},
		"B1 closes the body: bad method":          {open, func(r *http.Request) { r.Method = "A B" }},
		"B1 closes the body: closed client":       {closed, func(*http.Request) {}},
		"B1 closes the body: context ended":       {open, func(r *http.Request) { *r = *r.WithContext(ended) }},
		"B1 closes the body: a hook says no":      {hooked, func(*http.Request) {}},
		"B1 closes the body: nobody listens":      {open, func(r *http.Request) { r.URL.Host = "127.0.0.1:1" }},
		"B1 closes the body: middleware answered": {short, func(*http.Request) {}},
	} {
		for _, again := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				body := &closable{Reader: strings.NewReader("abc")}
				req, _ := http.NewRequest("POST", s.URL, body)
				if again {
					req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("abc")), nil }
				}
				tt.edit(req)
				if res, err := tt.c.RoundTripper().RoundTrip(req); err == nil {
					res.Body.Close()
				}
				if n := body.times(); n != 1 {
					t.Errorf("closed %d times", n)
				}
			})
		}
	}
}

func TestRoundTripperTrailersAndTrace(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 1 {
			w.Header().Set("Link", "x")
			w.WriteHeader(103)
		}
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("Trailer", "X-Sum")
		fmt.Fprintf(w, "%s %s", b, r.Trailer.Get("X-In"))
		w.Header().Set("X-Sum", "42")
	})
	s := httptest.NewTLSServer(h)
	defer s.Close()
	roots := s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	c := newClient(t, httpx.WithTLS(tls.Options{RootCAs: roots}))
	var mu sync.Mutex
	var events []string
	note := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, fmt.Sprintf(format, args...))
	}
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
		GetConn:              func(string) { note("GetConn") },
		GotConn:              func(i httptrace.GotConnInfo) { note("GotConn %v %v", i.Reused, i.Conn.RemoteAddr() != nil) },
		DNSStart:             func(i httptrace.DNSStartInfo) { note("DNSStart %s", i.Host) },
		DNSDone:              func(i httptrace.DNSDoneInfo) { note("DNSDone %v", i.Err) },
		ConnectStart:         func(string, string) { note("ConnectStart") },
		ConnectDone:          func(_, _ string, err error) { note("ConnectDone %v", err) },
		TLSHandshakeStart:    func() { note("TLSHandshakeStart") },
		TLSHandshakeDone:     func(_ cryptotls.ConnectionState, err error) { note("TLSHandshakeDone %v", err) },
		WroteHeaders:         func() { note("WroteHeaders") },
		WroteHeaderField:     func(k string, v []string) { note("WroteHeaderField %s", k) },
		WroteRequest:         func(i httptrace.WroteRequestInfo) { note("WroteRequest %v", i.Err) },
		Wait100Continue:      func() { note("Wait100Continue") },
		Got100Continue:       func() { note("Got100Continue") },
		GotFirstResponseByte: func() { note("GotFirstResponseByte") },
		Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			note("Got1xxResponse %d %s", code, h.Get("Link"))
			return nil
		},
	})
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	c2 := newClient(t, httpx.WithTLS(tls.Options{RootCAs: roots, ServerName: "example.com"}))
	t.Run("B1 trailers both ways, 1xx and httptrace", func(t *testing.T) {
		req, _ := http.NewRequestWithContext(ctx, "POST", "https://localhost:"+port+"/", nil)
		req.Trailer = http.Header{"X-In": nil}
		req.Header.Set("Expect", "100-continue")
		req.Body = io.NopCloser(readerFunc(func(p []byte) (int, error) {
			req.Trailer.Set("X-In", "in")
			return copy(p, "abc"), io.EOF
		}))
		res, err := c2.RoundTripper().RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(res.Body)
		res.Body.Close()
		if string(b) != "abc in" || err != nil || res.Trailer.Get("X-Sum") != "42" || res.TLS == nil || !res.TLS.HandshakeComplete {
			t.Errorf("%q, %v, %v", b, err, res.Trailer)
		}
		mu.Lock()
		defer mu.Unlock()
		all := strings.Join(events, "\n")
		for _, want := range []string{
			"GetConn", "GotConn false true", "DNSStart localhost", "DNSDone <nil>", "ConnectStart", "ConnectDone <nil>", "TLSHandshakeStart",
			"TLSHandshakeDone <nil>", "WroteHeaders", "WroteHeaderField Host", "WroteHeaderField Expect", "WroteRequest <nil>", "Wait100Continue", "Got100Continue",
			"GotFirstResponseByte", "Got1xxResponse 103 x", "Got1xxResponse 100 ",
		} {
			n := strings.Count("\n"+all+"\n", "\n"+want+"\n")
			if n == 0 || n > 1 && want != "ConnectStart" {
				t.Errorf("%q was called %d times in\n%s", want, n, all)
			}
		}
	})
	t.Run("B1 an error of Got1xxResponse", func(t *testing.T) {
		stop := errors.New("stop")
		ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
			Got1xxResponse: func(int, textproto.MIMEHeader) error { return stop },
		})
		req, _ := http.NewRequestWithContext(ctx, "GET", s.URL, nil)
		if _, err := c.RoundTripper().RoundTrip(req); !errors.Is(err, stop) {
			t.Error(err)
		}
	})
	t.Run("B1 over HTTP/2", func(t *testing.T) {
		s, opt := http2Server(t, true, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Upgrade") != "" {
				upgradeEcho(w, r)
				return
			}
			h(w, r)
		})
		c := newClient(t, opt, httpx.WithHTTP2(true))
		req, _ := http.NewRequest("POST", s.URL, io.MultiReader(strings.NewReader("abc")))
		req.Trailer = http.Header{"X-In": {"in"}}
		res, err := c.RoundTripper().RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(res.Body)
		res.Body.Close()
		if string(b) != "abc in" || err != nil || res.Trailer.Get("X-Sum") != "42" || res.Proto != "HTTP/2.0" || res.ProtoMajor != 2 {
			t.Errorf("%q, %v, %v %v", b, err, res.Trailer, res.Proto)
		}
		up, _ := http.NewRequest("GET", s.URL, nil)
		up.Header.Set("Connection", "Upgrade")
		up.Header.Set("Upgrade", "echo")
		if res, err = c.RoundTripper().RoundTrip(up); err != nil {
			t.Fatal(err)
		}
		wantEcho(t, res)
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
