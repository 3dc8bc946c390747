package fuzz_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"gohttpx.dev/proxy"
	"gohttpx.dev/wire"
)

// playback is a peer that sends src in pieces of step bytes and then ends the
// stream. It takes whatever is written.
type playback struct {
	net.Conn // nil: no other method is called
	src      []byte
	step     int
	closed   bool
	sent     []byte
}

func (c *playback) Read(p []byte) (int, error) {
	if c.closed {
		return 0, net.ErrClosed
	}
	n := copy(p[:min(len(p), c.step)], c.src)
	if c.src = c.src[n:]; n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (c *playback) Write(p []byte) (int, error)     { c.sent = append(c.sent, p...); return len(p), nil }
func (c *playback) Close() error                    { c.closed = true; return nil }
func (c *playback) SetReadDeadline(time.Time) error { return nil }

// negotiated checks the error of a negotiation: its type, that it keeps the
// secret, and who closes the connection.
func negotiated(t *testing.T, err error, nc *playback) *proxy.Error {
	if (err != nil) != nc.closed {
		t.Fatalf("error %v, closed %v", err, nc.closed)
	}
	if err == nil {
		return nil
	}
	var w *wire.Error
	var e *proxy.Error
	if !errors.As(err, &w) || !errors.As(err, &e) || w.Phase != wire.PhaseProxy || !w.Remote || e.Step == "" || e.Err == nil {
		t.Fatalf("error %#v", err)
	}
	if w.Kind != wire.KindRefused && w.Kind != wire.KindProtocol && w.Kind != wire.KindNetwork {
		t.Fatalf("kind %d: %v", w.Kind, err)
	}
	if strings.Contains(err.Error(), "open sesame") {
		t.Fatalf("the password is shown: %v", err)
	}
	return e
}

// socksLength is how many bytes the answers at the start of src have, without
// and with the answer to a password, if they grant the request; else -1.
func socksLength(src []byte, user bool) int {
	n := 2
	if len(src) < n || src[0] != 5 || src[1] != 0 && (src[1] != 2 || !user) {
		return -1
	}
	if src[1] == 2 {
		if n += 2; len(src) < n || src[2] != 1 || src[3] != 0 {
			return -1
		}
	}
	reply := src[n:]
	if len(reply) < 5 || reply[0] != 5 || reply[1] != 0 {
		return -1
	}
	size, ok := map[byte]int{1: 4 + 4 + 2, 4: 4 + 16 + 2, 3: 4 + 1 + int(reply[4]) + 2}[reply[3]]
	if !ok || len(reply) < size {
		return -1
	}
	return n + size
}

// socksAsked is what the target is in a request (RFC 1928 §5).
var socksAsked = map[string]string{
	"example.org:443":    "\x03\x0bexample.org\x01\xbb",
	"192.0.2.7:80":       "\x01\xc0\x00\x02\x07\x00\x50",
	"[2001:db8::1]:8080": "\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x1f\x90",
}

// What a SOCKS5 proxy may answer: all at once and byte by byte mean the same,
// and nothing behind the reply is read. What is asked does not matter to that, and
// is asked in the order and the bytes of RFC 1928 and RFC 1929.
func FuzzSOCKSReply(f *testing.F) {
	f.Add([]byte("\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00220 hello"), false)
	f.Add([]byte("\x05\x02\x01\x00\x05\x00\x00\x03\x04name\x04\x38"), true)
	f.Add([]byte("\x05\x00\x05\x00\x00\x040123456789abcdef\x00\x01"), true)
	f.Add([]byte("\x05\x02\x01\x01"), true)
	f.Add([]byte("\x05\x00\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00"), false)
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"), false)
	f.Fuzz(func(t *testing.T, src []byte, user bool) {
		texts := [2]string{}
		for addr, asked := range socksAsked {
			s := &proxy.SOCKS{Addr: addr}
			if user {
				s.Username, s.Password = "joe", "open sesame"
			}
			for i, step := range []int{len(src) + 1, 1} {
				nc := &playback{src: src, step: step}
				err := s.Connect(context.Background(), nc)
				if e := negotiated(t, err, nc); e != nil {
					texts[i] = err.Error()
					if e.ReplyCode != 0 && !slices.Contains(src, byte(e.ReplyCode)) {
						t.Fatalf("reply %d was not sent: %q", e.ReplyCode, src)
					}
				}
				n := socksLength(src, user)
				if (err == nil) != (n >= 0) {
					t.Fatalf("%q: %v, but the length is %d", src, err, n)
				}
				if n >= 0 && len(nc.src) != len(src)-n {
					t.Fatalf("%q: %d bytes are left, want %d", src, len(nc.src), len(src)-n)
				}
				want := "\x05\x01\x00"
				if user {
					want = "\x05\x02\x00\x02"
				}
				if len(src) > 1 && src[1] == 2 {
					want += "\x01\x03joe\x0bopen sesame"
				}
				want += "\x05\x01\x00" + asked
				if sent := string(nc.sent); !strings.HasPrefix(want, sent) || err == nil && sent != want {
					t.Fatalf("%q for %s: %q was sent, want %q", src, addr, sent, want)
				}
			}
		}
		if texts[0] != texts[1] {
			t.Fatalf("%q: %s; byte by byte: %s", src, texts[0], texts[1])
		}
	})
}

// What an HTTP proxy may answer to CONNECT. With answers to its 407s the pieces
// may matter: a byte behind a 407 that has arrived makes its connection useless.
func FuzzConnectResponse(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 Connection established\r\n\r\n220 hello",
		"HTTP/1.0 200\n\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 299 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n",
		"HTTP/1.1 403 No\r\n\r\nuntil the close",
		"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nnoHTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 407 No\r\nProxy-Connection: close\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\n\r\n",
		"\x15\x03\x03\x00\x02\x02\x46",
	} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, src []byte, answers bool) {
		texts, bodies := [2]string{}, [2]string{}
		for i, step := range []int{len(src) + 1, 1} {
			tun := &proxy.Tunnel{Addr: "example.org:443", Authorization: "Basic open sesame"}
			asked := 0
			if answers {
				tun.Authorize = func([]string, string, string) (string, bool, error) {
					asked++
					return "Digest open sesame", true, nil
				}
			}
			nc := &playback{src: src, step: step}
			got, err := tun.Connect(context.Background(), nc)
			if asked > 3 {
				t.Fatalf("asked %d times", asked)
			}
			if e := negotiated(t, err, nc); e != nil {
				texts[i], bodies[i] = err.Error(), string(e.Body)
				if got != nil || len(e.Body) > 4<<10 || errors.Is(err, proxy.ErrRedial) && asked == 0 {
					t.Fatalf("%v with %v and %d bytes", err, got, len(e.Body))
				}
				continue
			}
			br := bufio.NewReader(bytes.NewReader(nc.sent))
			for range asked + 1 {
				r, err := http.ReadRequest(br)
				if err != nil || r.Method != "CONNECT" || r.Host != "example.org:443" || r.ContentLength != 0 || len(r.Header["Proxy-Authorization"]) != 1 {
					t.Fatalf("%q was sent: %v", nc.sent, err)
				}
			}
			if br.Buffered() > 0 {
				t.Fatalf("%q was sent", nc.sent)
			}
			rest, err := io.ReadAll(got)
			if err != nil || !strings.HasSuffix(string(src), string(rest)) || len(rest) >= len(src) {
				t.Fatalf("%q after %q, %v", rest, src, err)
			}
			bodies[i] = string(rest)
		}
		if answers {
			return
		}
		if texts[0] != texts[1] || !strings.HasPrefix(bodies[0], bodies[1]) && !strings.HasPrefix(bodies[1], bodies[0]) {
			t.Fatalf("%q: %s, %q; byte by byte: %s, %q", src, texts[0], bodies[0], texts[1], bodies[1])
		}
	})
}

// Lists of exceptions, patterns and proxies' URLs: what was read can be written
// and read again, and the order of a list does not matter.
func FuzzNoProxy(f *testing.F) {
	for _, no := range []string{
		"", "*", "localhost, .example.com;example.org:8080", "10.0.0.0/8,fd00::/8,[::1]:80,::ffff:1.2.3.4", "https://*.a.test,all://b.test:1,://",
		"http://joe:open%20sesame@[fe80::1%25eth0]:3128/", "socks5h://joe@h",
	} {
		f.Add(no, "http", "a.example.com", "8080")
		f.Add(no, "https", "[fe80::1%25.example.com]", "")
	}
	f.Fuzz(func(t *testing.T, no, scheme, host, port string) {
		with := func(no string) *proxy.Env {
			e, err := proxy.FromEnvironment(func(name string) (string, bool) {
				v, ok := map[string]string{"NO_PROXY": no, "ALL_PROXY": "http://p", "https_proxy": "q:1"}[name]
				return v, ok
			})
			if err != nil {
				t.Fatal(err)
			}
			return e
		}
		e := with(no)
		got, err := e.ProxyFor(scheme, host, port)
		if err != nil {
			t.Fatal(err)
		}
		first := -1
		routes := e.Routes()
		for i, r := range routes {
			if again, err := proxy.ParsePattern(r.Pattern.String()); err != nil || again != r.Pattern {
				t.Fatalf("%v read back is %v, %v", r.Pattern, again, err)
			}
			if i > 0 && proxy.Compare(routes[i-1].Pattern, r.Pattern) > 0 {
				t.Fatalf("%v comes before %v", routes[i-1].Pattern, r.Pattern)
			}
			if first < 0 && r.Pattern.Match(scheme, host, port) {
				first = i
			}
		}
		if first < 0 && got != nil || first >= 0 && routes[first].Proxy != got {
			t.Fatalf("%v, but the route is number %d", got, first)
		}
		list := strings.Split(no, ",")
		slices.Reverse(list)
		back, err := with(strings.Join(list, ",")).ProxyFor(scheme, host, port)
		if err != nil || (got == nil) != (back == nil) || got != nil && *got != *back {
			t.Fatalf("%v, the other way round %v, %v", got, back, err)
		}

		if u, err := proxy.ParseURL(no); err == nil {
			again, err := proxy.ParseURL(u.Redacted())
			u.Username, u.Password = "", ""
			if err != nil || again != u {
				t.Fatalf("%v read back is %v, %v", u, again, err)
			}
		} else if strings.Contains(err.Error(), "open") {
			t.Fatalf("the password is shown: %v", err)
		}
	})
}
