package httpx_test

import (
	"bufio"
	"context"
	stdtls "crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gohttpx.dev/h2"
	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/tls"
)

// What hostile servers of HTTP/2, and of TLS, have done to clients, as far as it
// is the client as a whole that must hold: which connection a request goes to,
// and how often it is sent. What one connection holds out is in package h2.

// A connection in cleartext must not serve https, however well it would do.
func TestThreatsPoolKey(t *testing.T) {
	for _, tt := range []struct {
		name string
		opts []httpx.ClientOption
		h2   bool
	}{
		{"an https request over a cleartext HTTP/2 connection", []httpx.ClientOption{httpx.WithHTTP1(false)}, true},
		{"an https request over a cleartext HTTP/1.1 connection", nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var mu sync.Mutex
			var first []string // bytes of each connection
			var requests atomic.Int64
			s := peer.Listen(t, func(nc net.Conn) {
				br := bufio.NewReader(nc)
				b, _ := br.Peek(3)
				mu.Lock()
				first = append(first, string(b))
				mu.Unlock()
				if len(b) > 0 && b[0] == 0x16 {
					return // that was a ClientHello, and is all we wanted
				}
				if !tt.h2 {
					for {
						r, err := http.ReadRequest(br)
						if err != nil {
							return
						}
						requests.Add(1)
						io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"+r.URL.Path[:2])
					}
				}
				p := peer.H2Over(t, replaced{nc, br})
				p.WantPreface("a connection starts with the preface")
				p.SendSettings()
				for {
					f, err := p.TryNext()
					if err != nil {
						return
					}
					if f.Type == h2.FrameHeaders {
						requests.Add(1)
						p.Respond(f.StreamID, "200", "ok")
					}
				}
			})
			c := newClient(t, tt.opts...)
			ctx := t.Context()
			for range 2 {
				if _, err := c.Get(ctx, "http://"+s.Addr+"/a"); err != nil {
					t.Fatal(err)
				}
			}
			if st := c.Stats(); st.Idle != 1 && st.Open != 1 {
				t.Fatalf("no connection waits: %+v", st)
			}
			if resp, err := c.Get(ctx, "https://"+s.Addr+"/secret"); err == nil {
				t.Errorf("answered with %d", resp.StatusCode)
			}
			mu.Lock()
			defer mu.Unlock()
			if len(first) != 2 || first[1][0] != 0x16 || requests.Load() != 2 {
				t.Errorf("connections began with %q, and had %d requests", first, requests.Load())
			}
		})
	}
	t.Run("an http request over a TLS connection", func(t *testing.T) {
		var served atomic.Int64
		s, opt := http2Server(t, true, func(w http.ResponseWriter, r *http.Request) { served.Add(1) })
		c := newClient(t, opt)
		if _, err := c.Get(t.Context(), s.URL); err != nil {
			t.Fatal(err)
		}
		// The server says in HTTP/1.1 that it speaks TLS.
		resp, err := c.Get(t.Context(), "http"+strings.TrimPrefix(s.URL, "https"))
		if err == nil && resp.StatusCode != 400 || served.Load() != 1 || c.Stats().Dials != 2 {
			t.Errorf("%v, %v; %d requests served over %d connections", resp, err, served.Load(), c.Stats().Dials)
		}
	})
	// The same host and port, and connections that are not the same.
	t.Run("other TLS options and credentials", func(t *testing.T) {
		ca := peer.NewCA(t)
		cert := ca.Issue("127.0.0.1", "a.test")
		for proto, on := range map[string]bool{"HTTP/2": true, "HTTP/1.1": false} {
			s := tlsServer(t, &stdtls.Config{Certificates: []stdtls.Certificate{cert}, ClientAuth: stdtls.VerifyClientCertIfGiven, ClientCAs: ca.Pool()})
			c := newClient(t, httpx.WithHTTP2(on), httpx.WithTLS(tls.Options{RootCAs: ca.Pool(), Certificates: []stdtls.Certificate{ca.Issue("joe")}}))
			for i, o := range []struct {
				opts []httpx.RequestOption
				who  string
			}{
				{nil, "joe"},
				{[]httpx.RequestOption{httpx.WithTLS(tls.Options{RootCAs: ca.Pool()})}, "nobody"},
				{[]httpx.RequestOption{httpx.WithTLS(tls.Options{RootCAs: ca.Pool(), Certificates: []stdtls.Certificate{ca.Issue("ann")}})}, "ann"},
				{[]httpx.RequestOption{httpx.WithTLS(tls.Options{InsecureSkipVerify: true})}, "nobody"},
				{[]httpx.RequestOption{httpx.WithSNI("a.test")}, "joe"},
			} {
				for range 2 {
					resp, err := c.Get(t.Context(), s.URL, o.opts...)
					if err != nil || resp.Text() != o.who || resp.Proto != proto {
						t.Fatalf("%s, %d: %v, %v, want %s", proto, i, resp, err, o.who)
					}
				}
				if n := c.Stats().Dials; n != uint64(i+1) {
					t.Errorf("%s: %d connections after %d kinds of request", proto, n, i+1)
				}
			}
			// Nor does one without a check serve who asks for one.
			if _, err := c.Get(t.Context(), s.URL, httpx.WithTLS(tls.Options{RootCAs: peer.NewCA(t).Pool()})); !errors.Is(err, httpx.ErrTLS) {
				t.Errorf("%s: got %v", proto, err)
			}
		}
	})
	t.Run("IDN full stops", func(t *testing.T) {
		s := peer.Listen(t, func(nc net.Conn) {
			br := bufio.NewReader(nc)
			for {
				r, err := http.ReadRequest(br)
				if err != nil {
					return
				}
				io.WriteString(nc, "HTTP/1.1 200 OK\r\nSet-Cookie: from=dot; Path=/\r\nContent-Length: "+
					string('0'+rune(len(r.Host)%10))+"\r\nX-Cookie: "+r.Header.Get("Cookie")+"\r\n\r\n"+strings.Repeat("x", len(r.Host)%10))
			}
		})
		_, port, _ := net.SplitHostPort(s.Addr)
		c := newClient(t, httpx.WithHosts(map[string][]netip.Addr{"a.test": {netip.MustParseAddr("127.0.0.1")}}))
		for i, stop := range []string{".", "\u3002", "\uff0e", "\uff61"} {
			resp, err := c.Get(t.Context(), "http://a"+stop+"test:"+port+"/")
			if err != nil {
				t.Fatalf("%q: %v", stop, err)
			}
			if got := resp.Header.Get("X-Cookie"); i > 0 && got != "from=dot" || resp.Request.URL.Host() != "a.test" {
				t.Errorf("%q: cookie %q, host %q: not the same host", stop, got, resp.Request.URL.Host())
			}
		}
		if n := c.Stats().Dials; n != 1 {
			t.Errorf("%d connections to one host", n)
		}
	})
	t.Run("names of protocols in error texts", func(t *testing.T) {
		const evil = "x\x1b[31m\r\nINFO all is well"
		ca := peer.NewCA(t)
		s := peer.ListenTLS(t, &stdtls.Config{Certificates: []stdtls.Certificate{ca.Issue("127.0.0.1")}, NextProtos: []string{evil}}, func(nc *stdtls.Conn) { nc.Handshake() })
		c := newClient(t, httpx.WithTLS(tls.Options{RootCAs: ca.Pool(), ALPN: []string{evil, "h2"}}))
		_, err := c.Get(t.Context(), "https://"+s.Addr)
		if !errors.Is(err, httpx.ErrTLS) && !errors.Is(err, httpx.ErrRemoteProtocol) || strings.ContainsAny(err.Error(), "\r\n\x1b") || !strings.Contains(err.Error(), `x\x1b[31m\r\nINFO`) {
			t.Errorf("got %q", err)
		}
	})
}

// replaced is a connection with another reader.
type replaced struct {
	net.Conn
	r io.Reader
}

func (c replaced) Read(p []byte) (int, error) { return c.r.Read(p) }

// What a server may have a client do again, and how often.
func TestThreatsRepetition(t *testing.T) {
	for _, tt := range []struct {
		name   string
		method string
		refuse func(p *peer.H2Script, id uint32)
		most   int64
	}{
		{"REFUSED_STREAM for ever", "GET", func(p *peer.H2Script, id uint32) { p.TrySend(h2.AppendRSTStream(nil, id, h2.RefusedStream)) }, 9},
		{"REFUSED_STREAM for ever, of a POST", "POST", func(p *peer.H2Script, id uint32) { p.TrySend(h2.AppendRSTStream(nil, id, h2.RefusedStream)) }, 9},
		{"GOAWAY of stream 0 for ever", "GET", func(p *peer.H2Script, id uint32) { p.TrySend(h2.AppendGoAway(nil, 0, h2.NoError, "")) }, 9},
		{"GOAWAY of stream 0 for ever, ENHANCE_YOUR_CALM", "GET", func(p *peer.H2Script, id uint32) { p.TrySend(h2.AppendGoAway(nil, 0, h2.EnhanceYourCalm, "")) }, 9},
		// Not what a client may repeat: it may have been carried out.
		{"INTERNAL_ERROR", "POST", func(p *peer.H2Script, id uint32) { p.TrySend(h2.AppendRSTStream(nil, id, h2.InternalError)) }, 1},
		{"GOAWAY above the stream", "POST", func(p *peer.H2Script, id uint32) {
			p.TrySend(h2.AppendGoAway(nil, id, h2.InternalError, ""))
			p.Close()
		}, 1},
		{"SETTINGS with MAX_FRAME_SIZE of 0", "POST", func(p *peer.H2Script, id uint32) {
			p.TrySend(h2.AppendSettings(nil, h2.Setting{ID: h2.SettingMaxFrameSize}))
		}, 1},
		{"two WINDOW_UPDATEs of 2^31-1", "POST", func(p *peer.H2Script, id uint32) {
			p.TrySend(h2.AppendWindowUpdate(h2.AppendWindowUpdate(nil, 0, h2.MaxWindow), 0, h2.MaxWindow))
		}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var asked atomic.Int64
			s := peer.Listen(t, func(nc net.Conn) {
				p := peer.H2Over(t, nc)
				p.WantPreface("a connection starts with the preface")
				p.TrySend(h2.AppendSettings(nil))
				for {
					f, err := p.TryNext()
					if err != nil {
						return
					}
					if f.Type == h2.FrameHeaders {
						asked.Add(1)
						tt.refuse(p, f.StreamID)
					}
				}
			})
			c := newClient(t, httpx.WithHTTP1(false))
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			began := time.Now()
			_, err := c.Do(ctx, tt.method, "http://"+s.Addr+"/")
			if !errors.Is(err, httpx.ErrUnprocessed) && !errors.Is(err, httpx.ErrRemoteProtocol) && !errors.Is(err, httpx.ErrServerClosedIdle) {
				t.Errorf("got %v", err)
			}
			n := asked.Load()
			if n > tt.most || n == 0 {
				t.Errorf("asked %d times, want %d at most", n, tt.most)
			}
			// 10, 20, 40… ms before the third repetition and those after it,
			// give or take a quarter.
			if d := time.Since(began); n == 9 && d < 400*time.Millisecond {
				t.Errorf("9 times within %v: there are no pauses", d)
			}
			if st := waitForIdle(c); st.Busy != 0 || st.Waiting != 0 {
				t.Errorf("something is left in the pool: %+v", st)
			}
		})
	}
}
