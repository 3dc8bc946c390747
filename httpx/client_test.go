package httpx_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"gohttpx.dev/httpx"
	"gohttpx.dev/tls"
)

func newClient(t *testing.T, opts ...httpx.ClientOption) *httpx.Client {
	t.Helper()
	c, err := httpx.New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s := waitForIdle(c); s.Busy != 0 || s.Waiting != 0 {
			t.Errorf("something is left in the pool: %+v", s)
		}
		c.Close()
	})
	return c
}

// echo answers with what it was asked, as JSON.
type echoed struct {
	Method, Target, Host, Body string
	Header                     http.Header
	Trailer                    http.Header
	Length                     int64
	Encoding                   []string
}

func echoServer(t *testing.T) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(answerEcho))
	t.Cleanup(s.Close)
	return s
}

func answerEcho(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), 400)
		return
	}
	json.NewEncoder(w).Encode(echoed{r.Method, r.RequestURI, r.Host, string(b), r.Header, r.Trailer, r.ContentLength, r.TransferEncoding})
}

func TestVerbs(t *testing.T) {
	s, c, ctx := echoServer(t), newClient(t), context.Background()
	for method, do := range map[string]func(context.Context, string, ...httpx.RequestOption) (*httpx.Response, error){
		"GET": c.Get, "OPTIONS": c.Options, "DELETE": c.Delete, "POST": c.Post, "PUT": c.Put, "PATCH": c.Patch,
	} {
		resp, err := do(ctx, s.URL+"/x?y=1", httpx.WithQuery("z", 2))
		if err != nil {
			t.Fatal(err)
		}
		e, err := httpx.Decode[echoed](resp)
		if err != nil || e.Method != method || e.Target != "/x?y=1&z=2" || "http://"+e.Host != s.URL {
			t.Errorf("%s: %+v, %v", method, e, err)
		}
		if resp.StatusCode != 200 || resp.Reason != "OK" || resp.Proto != "HTTP/1.1" || resp.Err() != nil {
			t.Errorf("%s: %s %s %s", method, resp.Proto, resp.Status(), resp.Err())
		}
	}
	resp, err := c.Head(ctx, s.URL+"/")
	if err != nil || len(resp.Bytes()) != 0 || resp.StatusCode != 200 {
		t.Errorf("HEAD: %v, %v", resp, err)
	}
	if resp, err := httpx.Get(ctx, s.URL+"/"); err != nil || resp.StatusCode != 200 {
		t.Errorf("package-level Get: %v", err)
	}
	if old := httpx.SetDefault(nil); old != nil {
		old.Close()
	}
}

func TestBodies(t *testing.T) {
	s, c, ctx := echoServer(t), newClient(t), context.Background()
	path := filepath.Join(t.TempDir(), "body")
	large := strings.Repeat("0123456789abcdef", 8<<10) // 128 KiB: beyond one write
	if err := os.WriteFile(path, []byte(large), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name        string
		opt         httpx.RequestOption
		body, ctype string
		length      int64
	}{
		{"JSON keeps < > &", httpx.JSON(map[string]string{"a": "<&>"}), `{"a":"<&>"}`, "application/json", 11},
		{"JSON null", httpx.JSON(nil), "null", "application/json", 4},
		{"Form", httpx.Form(url.Values{"b": {"1", "2"}, "a": {"x y"}}), "a=x+y&b=1&b=2", "application/x-www-form-urlencoded", 13},
		{"Bytes", httpx.Bytes([]byte("abc")), "abc", "", 3},
		{"empty Bytes", httpx.Bytes(nil), "", "", 0},
		{"String", httpx.String("abc"), "abc", "", 3},
		{"large String", httpx.String(large), large, "", int64(len(large))},
		{"Reader of known length", httpx.Reader(strings.NewReader("abc")), "abc", "", 3},
		{"Reader of unknown length", httpx.Reader(io.MultiReader(strings.NewReader("abc"), strings.NewReader("def"))), "abcdef", "", -1},
		{"large Reader of unknown length", httpx.Reader(io.MultiReader(strings.NewReader(large))), large, "", -1},
		{"File", httpx.File(path), large, "", int64(len(large))},
	} {
		resp, err := c.Post(ctx, s.URL, tt.opt)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var e echoed
		if err := resp.JSON(&e); err != nil || e.Body != tt.body || e.Header.Get("Content-Type") != tt.ctype || e.Length != tt.length {
			t.Errorf("%s: %d bytes, type %q, length %d, %v", tt.name, len(e.Body), e.Header.Get("Content-Type"), e.Length, err)
		}
		if tt.length < 0 && !slices.Equal(e.Encoding, []string{"chunked"}) {
			t.Errorf("%s: coding %q", tt.name, e.Encoding)
		}
	}
	resp, err := c.Post(ctx, s.URL, httpx.JSON(1), httpx.WithHeader("content-type", "application/problem+json"))
	if err != nil {
		t.Fatal(err)
	}
	if e, _ := httpx.Decode[echoed](resp); e.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("a Content-Type of the caller's wins: %q", e.Header["Content-Type"])
	}
}

func TestPreparedRequest(t *testing.T) {
	s, ctx := echoServer(t), context.Background()
	c := newClient(t, httpx.WithHeader("X-App", "a"), httpx.WithHeader("X-Keep", "k"))
	r, err := c.NewRequest("POST", s.URL+"/p", httpx.String("body"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Del("x-app")
	for range 3 {
		resp, err := c.Send(ctx, r, httpx.WithHeader("X-Once", "1"), httpx.WithQuery("n", 1))
		if err != nil {
			t.Fatal(err)
		}
		e, _ := httpx.Decode[echoed](resp)
		if e.Body != "body" || e.Header.Get("X-App") != "" || e.Header.Get("X-Keep") != "k" || e.Header.Get("X-Once") != "1" || e.Target != "/p?n=1" {
			t.Errorf("got %+v", e)
		}
	}
	if r.Header.Has("X-Once") || r.URL.Target() != "/p" {
		t.Errorf("options of one send stay out of the request: %v %v", r.Header, r.URL)
	}
	bare, err := httpx.NewRequest("GET", s.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Send(ctx, bare)
	if err != nil {
		t.Fatal(err)
	}
	if e, _ := httpx.Decode[echoed](resp); len(e.Header) != 0 {
		t.Errorf("a stand-alone request is sent as it is: %v", e.Header)
	}
}

// The server writes reason phrases and Locations, too.
func TestStatusErrorHasAnEnd(t *testing.T) {
	long := strings.Repeat("ä", 10_000)
	s := respond(t, "HTTP/1.1 302 "+long+"\r\nLocation: /"+strings.Repeat("y", 20_000)+"\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n{")
	c := newClient(t)
	resp, err := c.Get(context.Background(), "http://"+s.Addr+"/")
	if err != nil {
		t.Fatal(err)
	}
	var v any
	for _, err := range []error{resp.Err(), resp.JSON(&v)} {
		if text := fmt.Sprint(err); len(text) > 2000 || !strings.Contains(text, "302 ää") || !utf8.ValidString(text) {
			t.Errorf("%d bytes: %.100s", len(text), text)
		}
	}
	if resp.Reason != long {
		t.Error("the reason phrase itself is whole")
	}
}

func TestStatusError(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(404)
		io.WriteString(w, "no such item\x1b[31m\u202e\n"+strings.Repeat("x", 1000))
	}))
	defer s.Close()
	c := newClient(t)
	resp, err := c.Get(context.Background(), s.URL+"/item?token=secret")
	if err != nil {
		t.Fatal(err)
	}
	err = resp.Err()
	var se *httpx.StatusError
	if !errors.As(err, &se) || se.Response != resp || !errors.Is(err, httpx.ErrHTTP) {
		t.Fatalf("%T %v", err, err)
	}
	text := err.Error()
	if !strings.Contains(text, "404 Not Found") || !strings.Contains(text, "no such item") || !strings.Contains(text, "/item?token=…") {
		t.Errorf("the text has status, URL and the start of the body: %s", text)
	}
	if strings.Contains(text, "secret") || strings.ContainsAny(text, "\x1b\n\u202e") || len(text) > 800 {
		t.Errorf("the text has no secrets, no control bytes and an end: %q", text)
	}
	if !resp.IsClientError() || !resp.IsError() || resp.IsSuccess() || resp.IsServerError() || resp.IsRedirect() || resp.IsInformational() {
		t.Error("predicates")
	}
}

func TestTrailersInterimAndContinue(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(103)
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("Trailer", "X-Sum")
		fmt.Fprintf(w, "%s|%s|%s", b, r.Trailer.Get("X-Digest"), r.Header.Get("Expect"))
		w.Header().Set("X-Sum", "42")
	}))
	defer s.Close()
	c := newClient(t)
	var interim []string
	resp, err := c.Post(context.Background(), s.URL, httpx.Reader(io.MultiReader(strings.NewReader("abc"))),
		httpx.WithTrailer(func() httpx.Header { return httpx.Header{{Name: "X-Digest", Value: "d"}} }),
		httpx.WithHeader("Trailer", "X-Digest"),
		httpx.WithExpectContinue(httpx.DefaultTimeout),
		httpx.OnInformational(func(status int, h httpx.Header) error {
			interim = append(interim, fmt.Sprint(status, h.Get("Link")))
			return nil
		}))
	if err != nil {
		t.Fatal(err)
	}
	if resp.Text() != "abc|d|100-continue" || resp.Trailer().Get("x-sum") != "42" {
		t.Errorf("%q, trailer %v", resp.Text(), resp.Trailer())
	}
	if !slices.Equal(interim, []string{"103</style.css>; rel=preload", "100"}) {
		t.Errorf("interim responses: %q", interim)
	}
	stop := errors.New("stop")
	if _, err := c.Get(context.Background(), s.URL, httpx.OnInformational(func(int, httpx.Header) error { return stop })); !errors.Is(err, stop) {
		t.Errorf("an error of the hook ends the request: %v", err)
	}
}

func TestUpgrade(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		nc, rw, _ := w.(http.Hijacker).Hijack()
		defer nc.Close()
		io.WriteString(nc, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello ")
		line, _ := bufio.NewReader(rw).ReadString('\n')
		io.WriteString(nc, line)
	}))
	defer s.Close()
	c := newClient(t)
	resp, err := c.Get(context.Background(), s.URL, httpx.WithHeader("Connection", "Upgrade"), httpx.WithHeader("Upgrade", "echo"))
	if err != nil {
		t.Fatal(err)
	}
	nc, err := resp.Upgrade()
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(nc, "world\n")
	if b, err := io.ReadAll(nc); err != nil || string(b) != "hello world\n" {
		t.Errorf("%q, %v", b, err)
	}
	nc.Close()
	ordinary := echoServer(t)
	resp, err = c.Get(context.Background(), ordinary.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := resp.Upgrade(); !errors.Is(err, httpx.ErrNotSwitched) {
		t.Errorf("Upgrade of an ordinary response: %v", err)
	}
}

func TestTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(answerEcho))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	pool := s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	c := newClient(t, httpx.WithTLS(tls.Options{RootCAs: pool}))
	for i := range 2 {
		resp, err := c.Get(context.Background(), s.URL)
		if err != nil {
			t.Fatal(err)
		}
		info, timings := resp.Conn(), resp.Timings()
		if info.TLS == nil || info.TLS.NegotiatedProtocol != "http/1.1" || info.Reused != (i == 1) || info.Proto != "HTTP/1.1" || info.RemoteAddr.String() != s.Listener.Addr().String() {
			t.Errorf("request %d: %+v", i, info)
		}
		if (timings.TLS > 0) != (i == 0) || timings.Total <= 0 || timings.FirstByte <= 0 {
			t.Errorf("request %d: %+v", i, timings)
		}
	}
	for name, opts := range map[string][]httpx.ClientOption{
		"unknown authority": nil,
		"wrong name":        {httpx.WithTLS(tls.Options{RootCAs: pool, ServerName: "other.test"})},
	} {
		_, err := newClient(t, opts...).Get(context.Background(), s.URL)
		if !errors.Is(err, httpx.ErrTLS) || !errors.Is(err, httpx.ErrConnect) || httpx.IsRetryable(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// tls.Options.ALPN: nil leaves the choice to the client, empty offers nothing.
func TestALPN(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%q", r.TLS.NegotiatedProtocol)
	}))
	s.StartTLS()
	defer s.Close()
	for _, tt := range []struct {
		offer []string
		want  string
	}{{nil, `"http/1.1"`}, {[]string{}, `""`}, {[]string{"http/1.1"}, `"http/1.1"`}} {
		c := newClient(t, httpx.WithTLS(tls.Options{InsecureSkipVerify: true, ALPN: tt.offer}))
		resp, err := c.Get(context.Background(), s.URL)
		if err != nil || resp.Text() != tt.want {
			t.Errorf("%#v: %v, %v; want %s", tt.offer, resp, err, tt.want)
		}
	}
}

func TestHeaderTextIsOneLineAField(t *testing.T) {
	h := httpx.Header{{Name: "X", Value: "a\r\nforged: \x1b[2J"}, {Name: "Cookie", Value: "hunter2"}}
	if got, want := h.String(), "X: a  forged: .[2J\nCookie: [secure]\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestConnectTo(t *testing.T) {
	s := echoServer(t)
	addr := s.Listener.Addr().String()
	for _, from := range []string{"api.test:80", "API.test:*", "*:80", "*"} {
		c := newClient(t, httpx.WithConnectTo(from, addr))
		resp, err := c.Get(context.Background(), "http://api.test/x")
		if err != nil {
			t.Fatalf("%s: %v", from, err)
		}
		if e, _ := httpx.Decode[echoed](resp); e.Host != "api.test" {
			t.Errorf("%s: Host %q", from, e.Host)
		}
	}
}

func TestConnectToRefuses(t *testing.T) {
	for _, tt := range [][2]string{{"api.test", "127.0.0.1:1"}, {"", "127.0.0.1:1"}, {"api.test:80", "127.0.0.1"}} {
		if c, err := httpx.New(httpx.WithConnectTo(tt[0], tt[1])); err == nil {
			c.Close()
			t.Errorf("%q → %q would never be used", tt[0], tt[1])
		}
	}
}

// 0.0.0.0 and :: choose the family and nothing else.
func TestLocalAddr(t *testing.T) {
	for _, tt := range []struct {
		local, listen string
		ok            bool
	}{
		{"127.0.0.1", "127.0.0.1:0", true},
		{"0.0.0.0", "127.0.0.1:0", true},
		{"::", "127.0.0.1:0", false},
		{"::", "[::1]:0", true},
		{"0.0.0.0", "[::1]:0", false},
	} {
		l, err := net.Listen("tcp", tt.listen)
		if err != nil {
			t.Logf("this machine has no %s: %v", tt.listen, err)
			continue
		}
		s := httptest.NewUnstartedServer(http.HandlerFunc(answerEcho))
		s.Listener.Close()
		s.Listener = l
		s.Start()
		c := newClient(t, httpx.WithLocalAddr(netip.MustParseAddr(tt.local)))
		if _, err := c.Get(context.Background(), s.URL); (err == nil) != tt.ok || err != nil && !errors.Is(err, httpx.ErrConnect) {
			t.Errorf("%s to %s: %v", tt.local, s.URL, err)
		}
		s.Close()
	}
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(answerEcho)}
	go s.Serve(ln)
	defer s.Close()
	resp, err := newClient(t, httpx.WithUnixSocket(path)).Get(context.Background(), "http://docker/x")
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(err)
	}
}

func TestConnectErrors(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := "http://" + ln.Addr().String()
	ln.Close()
	ctx := context.Background()
	_, err = newClient(t).Get(ctx, refused)
	var e *httpx.Error
	if !errors.Is(err, httpx.ErrConnect) || errors.Is(err, httpx.ErrDNS) || !errors.As(err, &e) || e.Op != "dial" || e.Sent || !httpx.IsRetryable(err) {
		t.Errorf("refused: %v", err)
	}
	noDNS := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no resolver here")
	}}
	_, err = newClient(t, httpx.WithResolver(noDNS)).Get(ctx, "http://name.test/")
	if !errors.Is(err, httpx.ErrDNS) || !errors.Is(err, httpx.ErrConnect) || !errors.As(err, &e) || e.Op != "dns" {
		t.Errorf("no such name: %v", err)
	}
	boom := errors.New("boom")
	_, err = newClient(t, httpx.WithDialContext(func(context.Context, string, string) (net.Conn, error) { return nil, boom })).Get(ctx, "http://name.test/")
	if !errors.Is(err, boom) || !errors.Is(err, httpx.ErrConnect) {
		t.Errorf("own dialler: %v", err)
	}
	_, err = newClient(t, httpx.WithDialContext(func(context.Context, string, string) (net.Conn, error) { return nil, nil })).Get(ctx, "http://name.test/")
	if !errors.Is(err, httpx.ErrConnect) {
		t.Errorf("own dialler without a result: %v", err)
	}
}

func TestErrorTextsKeepSecrets(t *testing.T) {
	c := newClient(t, httpx.WithDialContext(func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("x") }))
	_, err := c.Get(context.Background(), "http://user:hunter2@e.test/p?token=hunter2#hunter2", httpx.WithHeader("Authorization", "hunter2"))
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "GET http://e.test/p?token=…") {
		t.Errorf("%v", err)
	}
	_, err = c.Get(context.Background(), "http://user:hunter2@e.test/p", httpx.WithHeader("X-Key", "hunter2\n"))
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}

func TestUserInfoIsBasic(t *testing.T) {
	s, c := echoServer(t), newClient(t)
	at := strings.Replace(s.URL, "http://", "http://us%40er:p%3Aw@", 1)
	resp, err := c.Get(context.Background(), at)
	if err != nil {
		t.Fatal(err)
	}
	if e, _ := httpx.Decode[echoed](resp); e.Header.Get("Authorization") != "Basic dXNAZXI6cDp3" {
		t.Errorf("got %q", e.Header)
	}
}

func TestClosedClient(t *testing.T) {
	s := echoServer(t)
	c := newClient(t)
	resp, err := c.Stream(context.Background(), "GET", s.URL)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	resp.Close()
	if _, err := c.Get(context.Background(), s.URL); !errors.Is(err, httpx.ErrClientClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestShutdownWaitsForBodies(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write(bytes.Repeat([]byte("x"), 1<<20))
	}))
	defer s.Close()
	c := newClient(t)
	resp, err := c.Stream(context.Background(), "GET", s.URL)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- c.Shutdown(context.Background()) }()
	if b, err := io.ReadAll(resp.Body); err != nil || len(b) != 1<<20 {
		t.Errorf("the body that ran: %d bytes, %v", len(b), err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	c = newClient(t)
	if resp, err = c.Stream(context.Background(), "GET", s.URL); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := c.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown with an ended context: %v", err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Error("Shutdown with an ended context closes what runs")
	}
	resp.Close()
}

func TestCanceled(t *testing.T) {
	started := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(started)
		<-r.Context().Done() // the client's socket is closed at once
	}))
	defer s.Close()
	cause := errors.New("the user left")
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() {
		<-started
		cancel(cause)
	}()
	_, err := newClient(t).Get(ctx, s.URL)
	var e *httpx.Error
	if errors.Is(err, httpx.ErrTransport) {
		t.Errorf("the transport has not failed: %v", err)
	}
	if !errors.Is(err, context.Canceled) || !errors.Is(err, cause) || !errors.As(err, &e) || !e.Sent || e.Timeout() || httpx.IsRetryable(err) {
		t.Errorf("%v", err)
	}
}

func TestShortBodyIsAnError(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		nc, _, _ := w.(http.Hijacker).Hijack()
		io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
		nc.Close()
	}))
	defer s.Close()
	_, err := newClient(t).Get(context.Background(), s.URL)
	var e *httpx.Error
	if !errors.Is(err, httpx.ErrRemoteProtocol) || !errors.Is(err, io.ErrUnexpectedEOF) || !errors.As(err, &e) || e.Op != "body" || e.Conn == nil {
		t.Errorf("%v", err)
	}
	if !strings.Contains(fmt.Sprint(err), "received 3 bytes, expected 10") {
		t.Errorf("the text says how much is missing: %v", err)
	}
}
