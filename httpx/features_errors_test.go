package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/peer"
)

// tree is every sentinel, so that a failure can be asked for all of them.
var tree = map[string]error{
	"Request": httpx.ErrRequest, "Transport": httpx.ErrTransport,
	"Timeout": httpx.ErrTimeout, "PoolTimeout": httpx.ErrPoolTimeout, "ConnectTimeout": httpx.ErrConnectTimeout,
	"WriteTimeout": httpx.ErrWriteTimeout, "ReadTimeout": httpx.ErrReadTimeout,
	"Network": httpx.ErrNetwork, "Connect": httpx.ErrConnect, "DNS": httpx.ErrDNS, "TLS": httpx.ErrTLS, "Read": httpx.ErrRead, "Write": httpx.ErrWrite,
	"Protocol": httpx.ErrProtocol, "LocalProtocol": httpx.ErrLocalProtocol, "RemoteProtocol": httpx.ErrRemoteProtocol,
	"ServerClosedIdle": httpx.ErrServerClosedIdle, "Unprocessed": httpx.ErrUnprocessed, "Proxy": httpx.ErrProxy, "RequestBody": httpx.ErrRequestBody,
	"ClientClosed": httpx.ErrClientClosed, "BodyConsumed": httpx.ErrBodyConsumed, "BodyNotReplayable": httpx.ErrBodyNotReplayable,
	"InvalidURL": httpx.ErrInvalidURL, "UnsupportedScheme": httpx.ErrUnsupportedScheme, "InvalidHeader": httpx.ErrInvalidHeader,
	"TooManyRedirects": httpx.ErrTooManyRedirects, "RedirectRefused": httpx.ErrRedirectRefused,
	"Decoding": httpx.ErrDecoding, "NotSwitched": httpx.ErrNotSwitched, "CookieConflict": httpx.ErrCookieConflict,
}

// Each sentinel comes from a real failure, with the operation, and with a text
// that says what happened and holds no secret.
func TestErrorTree(t *testing.T) {
	ctx := context.Background()
	answer := func(text string) func(t *testing.T) (string, []httpx.ClientOption) {
		return func(t *testing.T) (string, []httpx.ClientOption) {
			s := peer.Listen(t, func(nc net.Conn) {
				p := peer.Over(t, nc)
				p.WantHead("", "a request")
				if text != "" {
					p.Send(text)
				}
			})
			return "http://" + s.Addr, nil
		}
	}
	silent := func(t *testing.T) (string, []httpx.ClientOption) {
		s := peer.Listen(t, func(nc net.Conn) { io.Copy(io.Discard, nc) })
		return "http://" + s.Addr, nil
	}
	short := func(set func(d time.Duration) httpx.Timeouts) []httpx.RequestOption {
		return []httpx.RequestOption{httpx.WithTimeouts(set(10 * time.Millisecond))}
	}
	dialled := func(err error) func(t *testing.T) (string, []httpx.ClientOption) {
		return func(*testing.T) (string, []httpx.ClientOption) {
			return "http://a.example", []httpx.ClientOption{httpx.WithDialContext(func(context.Context, string, string) (net.Conn, error) { return nil, err })}
		}
	}
	redirect := func(to string) func(t *testing.T) (string, []httpx.ClientOption) {
		return answer("HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + to + "\r\n\r\n")
	}
	for _, tt := range []struct {
		name   string
		server func(t *testing.T) (url string, opts []httpx.ClientOption)
		opts   []httpx.RequestOption
		op     string
		sent   bool
		is     string // sentinels beside Request
		text   string // a part of it
	}{
		{"connect timeout", func(t *testing.T) (string, []httpx.ClientOption) {
			return "http://a.example", []httpx.ClientOption{httpx.WithDialContext(func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() })}
		}, short(func(d time.Duration) httpx.Timeouts { return httpx.Timeouts{Connect: d} }), "dial", false, "Transport Timeout ConnectTimeout", "connect timeout: "},
		{
			"read timeout", silent, short(func(d time.Duration) httpx.Timeouts { return httpx.Timeouts{Read: d} }), "head", true,
			"Transport Timeout ReadTimeout", "nothing received for 10ms",
		},
		{"read timeout amid content", func(t *testing.T) (string, []httpx.ClientOption) {
			s := peer.Listen(t, func(nc net.Conn) {
				io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
				io.Copy(io.Discard, nc)
			})
			return "http://" + s.Addr, nil
		}, short(func(d time.Duration) httpx.Timeouts { return httpx.Timeouts{Read: d} }), "", true, "Transport Timeout ReadTimeout", "read timeout"},
		{
			"write timeout", func(t *testing.T) (string, []httpx.ClientOption) {
				s := peer.Listen(t, func(nc net.Conn) { <-t.Context().Done() })
				return "http://" + s.Addr, nil
			}, append(short(func(d time.Duration) httpx.Timeouts { return httpx.Timeouts{Write: d} }), httpx.Reader(endless{})), "write", true,
			"Transport Timeout WriteTimeout", "write timeout",
		},
		{"refused", func(t *testing.T) (string, []httpx.ClientOption) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			return "http://" + ln.Addr().String(), nil
		}, nil, "dial", false, "Transport Network Connect", "dial tcp 127.0.0.1"},
		{"no such name", func(t *testing.T) (string, []httpx.ClientOption) {
			r := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no resolver here") }}
			return "http://name.test", []httpx.ClientOption{httpx.WithResolver(r)}
		}, nil, "dns", false, "Transport Network Connect DNS", "name.test"},
		{"own dialler", dialled(errors.New("boom")), nil, "dial", false, "Transport Network Connect", "boom"},
		{
			"unknown authority", func(t *testing.T) (string, []httpx.ClientOption) { return secureEcho(t), nil }, nil, "tls", false,
			"Transport Network Connect TLS", "certificate",
		},
		{
			"gone before the response", answer(""),
			[]httpx.RequestOption{httpx.String("x")},
			"head", true,
			"Transport Network Protocol RemoteProtocol ServerClosedIdle", "server disconnected without sending a response",
		},
		{"gone within the head", answer("HTTP/1.1 200 OK\r\nContent-Le"), nil, "head", true, "Transport Protocol RemoteProtocol", "middle of a response head"},
		{
			"gone within the content", answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), nil, "body", true,
			"Transport Protocol RemoteProtocol", "received 3 bytes, expected 10",
		},
		{"no HTTP", answer("220 mail.example ESMTP\r\n"), nil, "head", true, "Transport Protocol RemoteProtocol", "remote protocol error"},
		{
			"two lengths", answer("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx"), nil, "head", true,
			"Transport Protocol RemoteProtocol", "Content-Length",
		},
		{
			"endless head", answer("HTTP/1.1 200 OK\r\nA: " + strings.Repeat("a", 300<<10)), nil, "head", true,
			"Transport Protocol RemoteProtocol", "longer than 65536 bytes",
		},
		{
			"too little body", silent,
			[]httpx.RequestOption{httpx.WithHeader("Content-Length", "3"), httpx.Reader(struct{ io.Reader }{strings.NewReader("x")})},
			"write", false,
			"Transport Protocol LocalProtocol", "after 1 of its announced 3 bytes",
		},
		{"body that fails", silent, []httpx.RequestOption{httpx.Reader(io.MultiReader(strings.NewReader("x"), badReader{}))}, "write", true, "RequestBody", "bad reader"},
		{
			"field with a line end", answer(""),
			[]httpx.RequestOption{httpx.WithHeader("X-A", "secret\r\nX-B: 1")},
			"request", false,
			"Transport Protocol LocalProtocol InvalidHeader", "X-A",
		},
		{"JSON of NaN", answer(""), []httpx.RequestOption{httpx.JSON(math.NaN())}, "request", false, "", "NaN"},
		{"two bodies", answer(""), []httpx.RequestOption{httpx.String("a"), httpx.JSON(1)}, "request", false, "", "two bodies"},
		{"target with a blank", silent, []httpx.RequestOption{httpx.WithRequestTarget("/a b")}, "", false, "Transport Protocol LocalProtocol", "target"},
		{"no scheme", func(*testing.T) (string, []httpx.ClientOption) { return "a.example/path", nil }, nil, "url", false, "InvalidURL", "https://example.org/path"},
		{"port out of range", func(*testing.T) (string, []httpx.ClientOption) { return "http://a.example:99999", nil }, nil, "url", false, "InvalidURL", "port"},
		{"another scheme", func(*testing.T) (string, []httpx.ClientOption) { return "gopher://a.example", nil }, nil, "", false, "UnsupportedScheme", "gopher"},
		{
			"redirected in a circle", redirect("/"),
			[]httpx.RequestOption{httpx.WithFollowRedirects(true), httpx.WithMaxRedirects(0)},
			"redirect", true,
			"TooManyRedirects", "WithMaxRedirects",
		},
		{
			"redirected to nonsense", redirect("http://[::1"),
			[]httpx.RequestOption{httpx.WithFollowRedirects(true)},
			"redirect", true,
			"Protocol RemoteProtocol InvalidURL", "Location",
		},
		{
			"redirected to a file", redirect("file:///etc/passwd"),
			[]httpx.RequestOption{httpx.WithFollowRedirects(true)},
			"", true,
			"Protocol RemoteProtocol UnsupportedScheme", "file",
		},
		{"proxy that refuses", func(t *testing.T) (string, []httpx.ClientOption) {
			s := peer.Listen(t, func(nc net.Conn) {
				p := peer.Over(t, nc)
				p.WantHead("", "CONNECT")
				p.Send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
			})
			return "https://a.example", []httpx.ClientOption{httpx.WithProxy("http://u:secret@" + s.Addr)}
		}, nil, "proxy", false, "Transport Proxy", "403"},
		{"closed", func(t *testing.T) (string, []httpx.ClientOption) { return "http://closed.example", nil }, nil, "pool", false, "ClientClosed", "closed"},
		{"gzip that is none", answer("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain"), nil, "decode", true, "Decoding", "gzip"},
		{"hook", answer(""), []httpx.RequestOption{httpx.OnRequest(func(*httpx.Request) error { return errors.New("not today") })}, "hook", false, "", "not today"},
	} {
		t.Run("A24 "+tt.name, func(t *testing.T) {
			url, opts := tt.server(t)
			c := newClient(t, opts...)
			if tt.name == "closed" {
				c.Close()
			}
			if !strings.HasPrefix(url, "a.") {
				url += "/path?token=secret"
			}
			_, err := c.Do(ctx, "POST", url, tt.opts...)
			var e *httpx.Error
			if !errors.As(err, &e) || !errors.Is(err, httpx.ErrHTTP) || !errors.Is(err, httpx.ErrRequest) {
				t.Fatalf("not of the tree: %T %v", err, err)
			}
			if tt.op != "" && e.Op != tt.op {
				t.Errorf("Op %q, want %q: %v", e.Op, tt.op, err)
			}
			if e.Sent != tt.sent {
				t.Errorf("Sent %t: %v", e.Sent, err)
			}
			for name, sentinel := range tree {
				want := strings.Contains(" Request "+tt.is+" ", " "+name+" ")
				if errors.Is(err, sentinel) != want {
					t.Errorf("Err%s: %t, want %t: %v", name, !want, want, err)
				}
			}
			if !strings.Contains(err.Error(), tt.text) || !strings.HasPrefix(err.Error(), "httpx: ") || strings.Contains(err.Error(), "secret") || strings.ContainsAny(err.Error(), "\r\n") {
				t.Errorf("text %q should have %q and no secret", err, tt.text)
			}
			if got := e.Timeout(); got != errors.Is(err, httpx.ErrTimeout) {
				t.Errorf("Timeout() is %t: %v", got, err)
			}
		})
	}
	t.Run("A24 pool timeout, with the pool's numbers", func(t *testing.T) {
		w := newWeb(t, httpx.WithLimits(httpx.Limits{MaxConnections: 1}), httpx.WithTimeouts(httpx.Timeouts{Pool: 10 * time.Millisecond}))
		w.page("http://a.example/", pour)
		held, err := w.Stream(ctx, "GET", "http://a.example/")
		if err != nil {
			t.Fatal(err)
		}
		defer held.Close()
		_, err = w.Get(ctx, "http://a.example/2")
		var e *httpx.Error
		if !errors.Is(err, httpx.ErrPoolTimeout) || !errors.Is(err, httpx.ErrTimeout) || !errors.As(err, &e) || e.Op != "pool" || e.Sent || !strings.Contains(err.Error(), "1 in use") {
			t.Errorf("%v", err)
		}
	})
	t.Run("A24 a status", func(t *testing.T) {
		w := newWeb(t)
		w.page("http://a.example/", func(rw http.ResponseWriter, r *http.Request) { http.Error(rw, "no such item", http.StatusNotFound) })
		resp, err := w.Get(ctx, "http://user:secret@a.example/?token=secret")
		if err != nil {
			t.Fatal(err)
		}
		err = resp.Err()
		var se *httpx.StatusError
		if !errors.As(err, &se) || se.Response != resp || !errors.Is(err, httpx.ErrHTTP) || errors.Is(err, httpx.ErrRequest) {
			t.Fatalf("%T %v", err, err)
		}
		for _, want := range []string{"404", "Not Found", "GET http://a.example/", "no such item"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q lacks %q", err, want)
			}
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q", err)
		}
	})
	t.Run("A24 the context's end is inside", func(t *testing.T) {
		url, _ := silent(t)
		c := newClient(t)
		ctx, cancel := context.WithCancelCause(ctx)
		why := errors.New("the user left")
		go cancel(why)
		_, err := c.Get(ctx, url)
		if !errors.Is(err, context.Canceled) || !errors.Is(err, why) || !errors.Is(err, httpx.ErrRequest) || errors.Is(err, httpx.ErrTransport) || errors.Is(err, httpx.ErrTimeout) {
			t.Errorf("cancelled: %v", err)
		}
		late, stop := context.WithTimeout(context.Background(), 10*time.Millisecond)
		defer stop()
		_, err = c.Get(late, url)
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, httpx.ErrTimeout) || errors.Is(err, httpx.ErrReadTimeout) {
			t.Errorf("deadline: %v", err)
		}
	})
	t.Run("A24 on a used connection", func(t *testing.T) {
		s := peer.Listen(t, func(nc net.Conn) {
			p := peer.Over(t, nc)
			p.WantHead("", "the first request")
			p.Respond("204 No Content", "")
			p.WantHead("", "the second one")
			p.Send("garbage\r\n\r\n")
		})
		c := newClient(t)
		if _, err := c.Get(ctx, "http://"+s.Addr+"/1"); err != nil {
			t.Fatal(err)
		}
		_, err := c.Get(ctx, "http://"+s.Addr+"/2")
		var e *httpx.Error
		if !errors.As(err, &e) || e.Conn == nil || !e.Conn.Reused || e.Request == nil || e.Request.URL.Path() != "/2" {
			t.Errorf("%v %+v", err, e)
		}
	})
	t.Run("A24 attempts", func(t *testing.T) {
		url, _ := answer("")(t)
		c := newClient(t, httpx.WithRetry(httpx.Retry{Attempts: 3, MinWait: 1, MaxWait: 1}))
		_, err := c.Get(ctx, url)
		var e *httpx.Error
		if !errors.As(err, &e) || e.Attempts != 3 || !strings.Contains(err.Error(), "after 3 attempts") {
			t.Errorf("%v %+v", err, e)
		}
	})
	t.Run("A24 a cookie that is there twice", func(t *testing.T) {
		j := httpx.NewCookies(httpx.CookiesConfig{})
		for _, host := range []string{"http://a.example/", "http://b.example/"} {
			if err := j.SetFor(host, &http.Cookie{Name: "c", Value: "secret"}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := j.Get("c"); !errors.Is(err, httpx.ErrCookieConflict) || !errors.Is(err, httpx.ErrHTTP) || strings.Contains(fmt.Sprint(err), "secret") {
			t.Errorf("%v", err)
		}
	})
	t.Run("A24 no Upgrade", func(t *testing.T) {
		w := newWeb(t)
		resp, err := w.Get(ctx, "http://a.example/")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := resp.Upgrade(); !errors.Is(err, httpx.ErrNotSwitched) || !errors.Is(err, httpx.ErrHTTP) {
			t.Errorf("%v", err)
		}
	})
}

type badReader struct{}

func (badReader) Read([]byte) (int, error) { return 0, errors.New("bad reader") }

// secureEcho is the URL of a TLS server that nobody knows.
func secureEcho(t *testing.T) string {
	w := newWeb(t)
	resp, err := w.Get(context.Background(), "https://a.example/")
	if err != nil {
		t.Fatal(err)
	}
	return "https://" + resp.Conn().RemoteAddr.String()
}
