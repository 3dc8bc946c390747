package httpx_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gohttpx.dev/h2"
	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/peer"
	ourtls "gohttpx.dev/tls"
)

// notes is what hooks have seen, in order.
type notes struct {
	mu  sync.Mutex
	all []string // guarded by mu
}

func (n *notes) add(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, fmt.Sprintf(format, args...))
}

func (n *notes) note(s string) { n.add("%s", s) }

// take returns what was seen since the last call.
func (n *notes) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := n.all
	n.all = nil
	return all
}

func (n *notes) has(what string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Contains(n.all, what)
}

// tracing notes every event by its name.
func tracing(n *notes) *httpx.Trace {
	ok := func(err error) string {
		if err != nil {
			return " failed"
		}
		return ""
	}
	return &httpx.Trace{
		Redirect:     func(r *httpx.Response, next *httpx.Request) { n.add("Redirect %d %s", r.StatusCode, next.URL.Path()) },
		Retry:        func(a httpx.Attempt) { n.add("Retry %d", a.Number) },
		GetConn:      func(scheme, addr string) { n.note("GetConn " + scheme) },
		PoolWait:     func() { n.add("PoolWait") },
		PoolAcquire:  func(_ time.Duration, err error) { n.note("PoolAcquire" + ok(err)) },
		GotConn:      func(c httpx.ConnInfo, _ time.Duration) { n.add("GotConn %s reused=%t", c.Proto, c.Reused) },
		DNSStart:     func(host string) { n.note("DNSStart " + host) },
		DNSDone:      func(_ []net.IPAddr, err error) { n.note("DNSDone" + ok(err)) },
		ConnectStart: func(network, addr string) { n.add("ConnectStart") },
		ConnectDone:  func(network, addr string, err error) { n.note("ConnectDone" + ok(err)) },
		ProxyStart:   func(_, target string) { n.note("ProxyStart " + target) },
		ProxyDone:    func(_, _ string, err error) { n.note("ProxyDone" + ok(err)) },
		TLSStart:     func() { n.add("TLSStart") },
		TLSDone:      func(s tls.ConnectionState, err error) { n.note("TLSDone " + s.NegotiatedProtocol + ok(err)) },
		WroteHead:    func() { n.add("WroteHead") },
		WroteRequest: func(err error) { n.note("WroteRequest" + ok(err)) },
		Wait100:      func() { n.add("Wait100") },
		FlowStall:    func(stream uint32) { n.add("FlowStall %d", stream) },
		FirstByte:    func() { n.add("FirstByte") },
		Interim:      func(status int, _ httpx.Header) error { n.add("Interim %d", status); return nil },
		Ended:        func(r *httpx.Response, got int64, err error) { n.add("Ended %d %d%s", r.StatusCode, got, ok(err)) },
		H2Frame:      func(_ httpx.ConnInfo, out bool, f h2.Frame) { n.add("H2Frame %t %v", out, f.Type) },
	}
}

// without leaves out what begins with one of the prefixes.
func without(all []string, prefixes ...string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(s, p) })
	})
}

// dialEvents are those of a new connection.
var dialEvents = []string{"PoolWait", "PoolAcquire", "DNS", "Connect"}

func TestTraceEvents(t *testing.T) {
	same := func(t *testing.T, got []string, want ...string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("the events are\n%s\nand should be\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}

	t.Run("A22.4 the events of a request over HTTP/1.1, new connection and old", func(t *testing.T) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }))
		defer s.Close()
		n := new(notes)
		c := newClient(t, httpx.WithTrace(tracing(n)))
		url := strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
		if _, err := c.Get(ctx, url, httpx.WithConnectTo("*", s.Listener.Addr().String())); err != nil {
			t.Fatal(err)
		}
		same(t, n.take(), "GetConn http", "PoolWait", "ConnectStart", "ConnectDone", "PoolAcquire", "GotConn HTTP/1.1 reused=false",
			"WroteHead", "WroteRequest", "FirstByte", "Ended 200 5")
		if _, err := c.Get(ctx, url, httpx.WithConnectTo("*", s.Listener.Addr().String())); err != nil {
			t.Fatal(err)
		}
		same(t, n.take(), "GetConn http", "GotConn HTTP/1.1 reused=true", "WroteHead", "WroteRequest", "FirstByte", "Ended 200 5")
	})

	t.Run("A22.4 DNS events, and an error of the look-up", func(t *testing.T) {
		n := new(notes)
		c := newClient(t, httpx.WithTrace(tracing(n)), httpx.WithResolver(&net.Resolver{
			PreferGo: true,
			Dial:     func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no name server") },
		}))
		if _, err := c.Get(ctx, "http://name.invalid/"); !errors.Is(err, httpx.ErrDNS) {
			t.Fatalf("%v is not ErrDNS", err)
		}
		same(t, n.take(), "GetConn http", "PoolWait", "DNSStart name.invalid", "DNSDone failed", "PoolAcquire failed")
	})

	t.Run("A22.4 the events of HTTP/2, frames and TLS among them", func(t *testing.T) {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "</a>; rel=preload")
			w.WriteHeader(103)
			io.Copy(w, r.Body)
		}))
		s.EnableHTTP2 = true
		s.StartTLS()
		defer s.Close()
		n := new(notes)
		c := newClient(t, httpx.WithTLS(ourtls.Options{InsecureSkipVerify: true}), httpx.WithTrace(tracing(n)))
		if _, err := c.Post(ctx, s.URL, httpx.String("hello")); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"H2Frame true SETTINGS", "H2Frame false SETTINGS", "H2Frame true HEADERS", "H2Frame false HEADERS", "H2Frame true DATA"} {
			if !n.has(want) {
				t.Errorf("no event %q", want)
			}
		}
		same(t, without(n.take(), "H2Frame"), "GetConn https", "PoolWait", "ConnectStart", "ConnectDone", "TLSStart", "TLSDone h2", "PoolAcquire",
			"GotConn HTTP/2 reused=false", "WroteHead", "WroteRequest", "FirstByte", "Interim 103", "Ended 200 5")
	})

	t.Run("A22.4 a stalled upload, GOAWAY and PING", func(t *testing.T) {
		n, stalled := new(notes), make(chan struct{})
		var once sync.Once
		s := peer.Listen(t, func(nc net.Conn) {
			p := peer.H2Over(t, nc)
			p.WantPreface("the beginning")
			p.SendSettings()
			for got := 0; got < 65535; { // the windows
				if f := p.Next("content"); f.Type == h2.FrameData {
					got += len(f.Payload)
				}
			}
			<-stalled
			p.SendRaw(h2.AppendPing(nil, [8]byte{1}, false))
			p.SendRaw(h2.AppendWindowUpdate(nil, 1, 1<<20))
			p.SendRaw(h2.AppendWindowUpdate(nil, 0, 1<<20))
			p.SendRaw(h2.AppendGoAway(nil, 1, h2.NoError, "bye"))
			for !p.Next("content").EndStream() {
			}
			p.Respond(1, "204", "")
		})
		trace := tracing(n)
		stall := trace.FlowStall
		trace.FlowStall = func(stream uint32) { stall(stream); once.Do(func() { close(stalled) }) }
		c := newClient(t, httpx.WithHTTP1(false), httpx.WithTrace(trace))
		if _, err := c.Post(ctx, "http://"+s.Addr, httpx.Bytes(make([]byte, 100_000))); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"FlowStall 1", "H2Frame false PING", "H2Frame true PING", "H2Frame false GOAWAY", "H2Frame false WINDOW_UPDATE"} {
			if !n.has(want) {
				t.Errorf("no event %q in %q", want, n.all)
			}
		}
	})

	t.Run("A22.4 redirects, retries and the ends of responses", func(t *testing.T) {
		failed := false
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path == "/old":
				http.Redirect(w, r, "/new", http.StatusFound)
			case !failed:
				failed = true
				w.WriteHeader(503)
			default:
				io.WriteString(w, "new")
			}
		}))
		defer s.Close()
		n := new(notes)
		c := newClient(t, httpx.WithFollowRedirects(true), httpx.WithRetry(httpx.Retry{MinWait: time.Microsecond}))
		if _, err := c.Get(ctx, s.URL+"/old", httpx.WithTrace(tracing(n))); err != nil {
			t.Fatal(err)
		}
		same(t, without(n.take(), append(dialEvents, "GetConn", "GotConn", "Wrote", "FirstByte")...),
			"Ended 302 0", "Redirect 302 /new", "Ended 503 0", "Retry 1", "Ended 200 3")
	})

	t.Run("A22.4 a tunnel through a proxy", func(t *testing.T) {
		s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
		defer s.Close()
		p := peer.Listen(t, func(nc net.Conn) {
			up, err := net.Dial("tcp", s.Listener.Addr().String())
			if err != nil {
				nc.Close()
				return
			}
			buf := make([]byte, 4096)
			nc.Read(buf)
			io.WriteString(nc, "HTTP/1.1 200 OK\r\n\r\n")
			go func() { io.Copy(up, nc); up.Close() }()
			io.Copy(nc, up)
			nc.Close()
		})
		n := new(notes)
		c := newClient(t, httpx.WithTLS(ourtls.Options{InsecureSkipVerify: true}), httpx.WithProxy("http://"+p.Addr), httpx.WithTrace(tracing(n)))
		if _, err := c.Get(ctx, "https://origin.example/"); err != nil {
			t.Fatal(err)
		}
		if got := without(n.take(), "GetConn", "Pool", "GotConn", "Wrote", "First", "Ended"); !slices.Equal(got, []string{
			"ConnectStart", "ConnectDone", "ProxyStart origin.example:443", "ProxyDone", "TLSStart", "TLSDone http/1.1",
		}) {
			t.Errorf("the events are %q", got)
		}
	})

	t.Run("A22.4 client's, request's and context's hooks are all called", func(t *testing.T) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(103) }))
		defer s.Close()
		n := new(notes)
		c := newClient(t, httpx.WithTrace(&httpx.Trace{FirstByte: func() { n.add("client") }}))
		derived, err := c.With(httpx.WithTrace(&httpx.Trace{FirstByte: func() { n.add("derived") }}))
		if err != nil {
			t.Fatal(err)
		}
		in := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotFirstResponseByte: func() { n.add("context") }})
		if _, err := derived.Get(in, s.URL, httpx.WithTrace(&httpx.Trace{FirstByte: func() { n.add("request") }}),
			httpx.OnInformational(func(status int, _ httpx.Header) error { n.add("informational %d", status); return nil })); err != nil {
			t.Fatal(err)
		}
		same(t, n.take(), "context", "client", "derived", "request", "informational 103")
		if _, err := c.Get(ctx, s.URL); err != nil {
			t.Fatal(err)
		}
		same(t, n.take(), "client")
		if _, err := httpx.New(httpx.WithTrace(nil)); err == nil {
			t.Error("WithTrace(nil) is no error")
		}
	})

	t.Run("A22.4 Ended comes once for a stream that is closed, and says what failed", func(t *testing.T) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "half")
			w.(http.Flusher).Flush()
			if r.URL.Path == "/breaks" {
				panic(http.ErrAbortHandler)
			}
			<-r.Context().Done()
		}))
		defer s.Close()
		n := new(notes)
		c := newClient(t)
		resp, err := c.Stream(ctx, "GET", s.URL, httpx.WithTrace(tracing(n)))
		if err != nil {
			t.Fatal(err)
		}
		resp.Close()
		resp.Close()
		same(t, without(n.take(), append(dialEvents, "G", "W", "F")...), "Ended 200 0")
		if _, err = c.Get(ctx, s.URL+"/breaks", httpx.WithTrace(tracing(n))); err == nil {
			t.Fatal("half a body is a whole one")
		}
		same(t, without(n.take(), append(dialEvents, "G", "W", "F")...), "Ended 200 4 failed")
	})
}

func TestClientTraceOfContext(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hints" {
			w.WriteHeader(103)
		}
		io.Copy(w, r.Body)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	addr := s.Listener.Addr().String()
	resolver := hostsFile{"named.example": "127.0.0.1"}
	for _, tt := range []struct {
		name string
		h2   bool
	}{{"HTTP/1.1", false}, {"HTTP/2", true}} {
		t.Run("B22 A22.4 every hook of httptrace.ClientTrace over "+tt.name, func(t *testing.T) {
			n := new(notes)
			trace := &httptrace.ClientTrace{
				GetConn: func(hostPort string) { n.note("GetConn " + hostPort) },
				GotConn: func(i httptrace.GotConnInfo) {
					n.add("GotConn %t %v", i.Reused, i.Conn.RemoteAddr())
					if _, err := i.Conn.Read(nil); err == nil {
						t.Error("the connection can be read")
					}
				},
				GotFirstResponseByte: func() { n.add("GotFirstResponseByte") },
				Got100Continue:       func() { n.add("Got100Continue") },
				Got1xxResponse:       func(code int, _ textproto.MIMEHeader) error { n.add("Got1xxResponse %d", code); return nil },
				DNSStart:             func(i httptrace.DNSStartInfo) { n.note("DNSStart " + i.Host) },
				DNSDone:              func(i httptrace.DNSDoneInfo) { n.add("DNSDone %v", i.Err) },
				ConnectStart:         func(network, addr string) { n.note("ConnectStart " + addr) },
				ConnectDone:          func(network, addr string, err error) { n.add("ConnectDone %v", err) },
				TLSHandshakeStart:    func() { n.add("TLSHandshakeStart") },
				TLSHandshakeDone:     func(tls.ConnectionState, error) { n.add("TLSHandshakeDone") },
				WroteHeaderField:     func(key string, v []string) { n.add("WroteHeaderField %s %q", key, v) },
				WroteHeaders:         func() { n.add("WroteHeaders") },
				Wait100Continue:      func() { n.add("Wait100Continue") },
				WroteRequest:         func(i httptrace.WroteRequestInfo) { n.add("WroteRequest %v", i.Err) },
			}
			c := newClient(t, httpx.WithTLS(ourtls.Options{InsecureSkipVerify: true}), httpx.WithHTTP2(tt.h2), httpx.WithoutDefaultHeaders(),
				httpx.WithResolver(resolver))
			_, port, _ := net.SplitHostPort(addr)
			in := httptrace.WithClientTrace(ctx, trace)
			if _, err := c.Post(in, "https://named.example:"+port+"/", httpx.String("body"), httpx.WithHeader("X-A", "b"),
				httpx.WithExpectContinue(time.Minute)); err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{
				"GetConn named.example:" + port, "GotConn false " + addr, "GotFirstResponseByte", "Got100Continue", "Got1xxResponse 100",
				"DNSStart named.example", "DNSDone <nil>", "ConnectStart " + addr, "ConnectDone <nil>", "TLSHandshakeStart", "TLSHandshakeDone",
				`WroteHeaderField X-A ["b"]`, `WroteHeaderField Host ["named.example:` + port + `"]`, "WroteHeaders", "Wait100Continue", "WroteRequest <nil>",
			} {
				if !n.has(want) {
					t.Errorf("no %q in %q", want, n.all)
				}
			}
		})
		t.Run("B22 an error of Got1xxResponse aborts over "+tt.name, func(t *testing.T) {
			stop := errors.New("enough")
			c := newClient(t, httpx.WithTLS(ourtls.Options{InsecureSkipVerify: true}), httpx.WithHTTP2(tt.h2))
			in := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
				Got1xxResponse: func(int, textproto.MIMEHeader) error { return stop },
			})
			if _, err := c.Get(in, s.URL+"/hints"); !errors.Is(err, stop) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestTimingsOfResponse(t *testing.T) {
	t.Run("B22 timings in the response: dial once, first byte every time", func(t *testing.T) {
		s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
		defer s.Close()
		c := newClient(t, httpx.WithTLS(ourtls.Options{InsecureSkipVerify: true}))
		first, err := c.Get(ctx, s.URL)
		if err != nil {
			t.Fatal(err)
		}
		second, err := c.Get(ctx, s.URL)
		if err != nil {
			t.Fatal(err)
		}
		a, b := first.Timings(), second.Timings()
		if a.Connect <= 0 || a.TLS <= 0 || a.FirstByte <= 0 || a.Total < a.Connect+a.TLS+a.FirstByte {
			t.Errorf("the first: %+v", a)
		}
		if b.Connect != 0 || b.TLS != 0 || b.FirstByte <= 0 || b.Total < b.FirstByte {
			t.Errorf("the second: %+v", b)
		}
	})
}
