package proxy_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/h1"
	"gohttpx.dev/internal/memconn"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/proxy"
	"gohttpx.dev/wire"
)

const target = "example.org:443"

const connectLine = "CONNECT example.org:443 HTTP/1.1"

const ok = "HTTP/1.1 200 Connection established\r\n\r\n"

func TestConnectRequest(t *testing.T) {
	for _, tt := range []struct {
		name string
		t    proxy.Tunnel
		want string
	}{
		{
			"A19.3 host and port, Host, Accept",
			proxy.Tunnel{Addr: target},
			"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\nAccept: */*\r\n\r\n",
		},
		{
			"A19.3 an IPv6 target in brackets",
			proxy.Tunnel{Addr: "[2001:db8::1]:8443"},
			"CONNECT [2001:db8::1]:8443 HTTP/1.1\r\nHost: [2001:db8::1]:8443\r\nAccept: */*\r\n\r\n",
		},
		{
			"A19.3 the proxy's own fields, in order and case",
			proxy.Tunnel{Addr: target, Fields: wire.Fields{{Name: "X-b", Value: "1"}, {Name: "accept", Value: "text/plain"}, {Name: "x-A", Value: ""}}},
			"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\nX-b: 1\r\naccept: text/plain\r\nx-A: \r\n\r\n",
		},
		{
			"A19.1 credentials before they are asked for",
			proxy.Tunnel{Addr: target, Authorization: "Basic am9lOnB3", Fields: wire.Fields{{Name: "proxy-authorization", Value: "other"}}},
			"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\nAccept: */*\r\nProxy-Authorization: Basic am9lOnB3\r\n\r\n",
		},
		{
			"credentials among the fields",
			proxy.Tunnel{Addr: target, Fields: wire.Fields{{Name: "Proxy-Authorization", Value: "Bearer x"}}},
			"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\nAccept: */*\r\nProxy-Authorization: Bearer x\r\n\r\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(p *peer.Script) {
				p.WantBytes(tt.want, "just the head of a CONNECT request")
				p.Send(ok)
				pong(p)
			}, func(ctx context.Context, _ context.CancelCauseFunc, nc *memconn.Conn) {
				got, err := tt.t.Connect(ctx, nc)
				if err != nil {
					t.Fatal(err)
				}
				if got != net.Conn(nc) {
					t.Errorf("a %T, though nothing came behind the head", got)
				}
				pingPong(t, got)
			})
		})
	}
}

func TestConnectAnswers(t *testing.T) {
	for _, tt := range []struct {
		name, answer, rest string
	}{
		{"200", ok, ""},
		{"another 2xx", "HTTP/1.1 299 Fine\r\n\r\n", ""},
		{"HTTP/1.0 without a reason", "HTTP/1.0 200\r\n\r\n", ""},
		{"lines that end in LF", "HTTP/1.1 200 OK\nA: b\n\n", ""},
		{"framing fields, which mean nothing", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", ""},
		{"interim responses", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: <x>\r\n\r\n" + ok, ""},
		{"bytes behind the head", ok, "220 the target speaks first\r\n"},
		{"a head and bytes behind it of more than one buffer", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 9000) + "\r\n\r\n", strings.Repeat("y", 3000)},
	} {
		for _, step := range []string{"whole", "byte by byte"} {
			t.Run(tt.name+", "+step, func(t *testing.T) {
				bubble(t, func(p *peer.Script) {
					p.WantHead(connectLine, "the request")
					p.Send(tt.answer + tt.rest)
					pong(p)
				}, func(ctx context.Context, cancel context.CancelCauseFunc, nc *memconn.Conn) {
					if step != "whole" {
						nc.MaxRead(1)
					}
					tun := &proxy.Tunnel{Addr: target}
					got, err := tun.Connect(ctx, nc)
					if err != nil {
						t.Fatal(err)
					}
					cancel(nil) // has no hold on the tunnel
					synctest.Wait()
					b := make([]byte, len(tt.rest))
					if _, err := io.ReadFull(got, b); err != nil || string(b) != tt.rest {
						t.Errorf("%.40q, %v", b, err)
					}
					pingPong(t, got)
					if over, ok := got.(interface{ NetConn() net.Conn }); ok && over.NetConn() != net.Conn(nc) {
						t.Error("it does not say what it is over")
					}
					if half, ok := got.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
						t.Error("it cannot be half-closed")
					}
				})
			})
		}
	}
}

func TestConnectRefused(t *testing.T) {
	page := strings.Repeat("why ", 2000)
	for _, tt := range []struct {
		name, answer string
		auth         string
		status       int
		text         string
		body         string
	}{
		{
			"A19.3 a 407 without credentials", "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n",
			"", 407, "proxy: CONNECT example.org:443: the proxy answered 407 Proxy Authentication Required: give user and password", "",
		},
		{"A19.3 a 407 to credentials", "HTTP/1.1 407 No\r\nContent-Length: 3\r\n\r\nno!", "basic", 407, "check user and password", "no!"},
		{"a reason and a body that tell the password", "HTTP/1.1 403 " + secret + "\r\nX: " + secret + "\r\nContent-Length: 16\r\n\r\n" + secret, "basic", 403, "403 Forbidden: its rules", secret},
		{"502", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "", 502, "could not reach the target", ""},
		{"a redirection", "HTTP/1.1 302 Found\r\nLocation: http://else/\r\nContent-Length: 0\r\n\r\n", "", 302, "not followed", ""},
		{"405", "HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n", "", 405, "does not serve CONNECT", ""},
		{"400", "HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n", "", 400, "allow CONNECT?", ""},
		{"418", "HTTP/1.1 418 No\r\nContent-Length: 0\r\n\r\n", "", 418, "only 2xx opens a tunnel", ""},
		{"a long body", "HTTP/1.1 403 No\r\nContent-Length: 8000\r\n\r\n" + page, "", 403, "403", page[:4096]},
		{"a chunked body", "HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab\n\r\n2;x=y\r\ncd\r\n0\r\nT: u\r\n\r\n", "", 403, "403", "ab\ncd"},
		{"a body that is not framed well", "HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabX", "", 403, "403", "ab"},
		{"a body that says two lengths", "HTTP/1.1 403 No\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "", 403, "403", ""},
		{"a body that does not end", "HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nab", "", 403, "403", "ab"},
		{"a body until the close that does not come", "HTTP/1.1 403 No\r\n\r\nab", "", 403, "403", "ab"},
	} {
		for _, step := range []string{"whole", "byte by byte"} {
			t.Run(tt.name+", "+step, func(t *testing.T) {
				bubble(t, func(p *peer.Script) {
					p.WantHead(connectLine, "the request")
					p.Send(tt.answer)
					p.WantClosed("a refusal is the end of the connection")
				}, func(ctx context.Context, _ context.CancelCauseFunc, nc *memconn.Conn) {
					if step != "whole" {
						nc.MaxRead(1)
					}
					tun := &proxy.Tunnel{Addr: target}
					if tt.auth != "" {
						tun.Authorization = basicOf(t)
					}
					start := time.Now()
					_, err := tun.Connect(ctx, nc)
					e := want(t, err, wire.KindRefused, true, proxy.StepConnect, tt.text)
					if e.StatusCode != tt.status || e.Reason == "" || len(e.Fields) == 0 && !strings.Contains(tt.answer, " No\r\n\r\n") || e.Addr != target {
						t.Errorf("%+v", e)
					}
					if !bytes.Equal(e.Body, []byte(tt.body)) {
						t.Errorf("body of %d bytes %.40q", len(e.Body), e.Body)
					}
					if !errors.Is(err, wire.ErrProxy) || errors.Is(err, proxy.ErrRedial) {
						t.Error("matches ErrRedial, or not ErrProxy")
					}
					if d := time.Since(start); d > time.Second {
						t.Errorf("the refusal took %v", d)
					}
					closed(t, nc)
				})
			})
		}
	}
}

func TestConnectBroken(t *testing.T) {
	for _, tt := range []struct {
		name, answer string
		tun          proxy.Tunnel
		kind         wire.Kind
		text         string
	}{
		{"closed before an answer", "", proxy.Tunnel{}, wire.KindNetwork, "closed the connection without an answer"},
		{"closed within the head", "HTTP/1.1 200 OK\r\nA", proxy.Tunnel{}, wire.KindNetwork, "within the head"},
		{"closed after an interim response", "HTTP/1.1 100 Continue\r\n\r\n", proxy.Tunnel{}, wire.KindNetwork, "without an answer"},
		{"no HTTP", "SSH-2.0-x\r\n", proxy.Tunnel{}, wire.KindProtocol, "RFC 9112"},
		{"TLS", "\x15\x03\x03\x00\x02\x02\x46", proxy.Tunnel{}, wire.KindProtocol, "is it an https:// proxy?"},
		{"SOCKS", "\x05\xff", proxy.Tunnel{}, wire.KindProtocol, "is it a socks5:// proxy?"},
		{"a field without a colon", "HTTP/1.1 200 OK\r\nabc\r\n\r\n", proxy.Tunnel{}, wire.KindProtocol, "RFC 9112 §5"},
		{"101", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", proxy.Tunnel{}, wire.KindProtocol, "101"},
		{"too many interim responses", strings.Repeat("HTTP/1.1 102 P\r\n\r\n", 33), proxy.Tunnel{}, wire.KindProtocol, "33 interim responses"},
		{
			"interim responses that are too long together", strings.Repeat("HTTP/1.1 102 P\r\nA: "+strings.Repeat("b", 70)+"\r\n\r\n", 3),
			proxy.Tunnel{Limits: h1.Limits{HeadBytes: 200}},
			wire.KindProtocol, "interim responses of",
		},
		{"a head without end", "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("b", 300<<10), proxy.Tunnel{}, wire.KindProtocol, "longer than 65536 bytes"},
		{
			"a head above a limit of the caller's", "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("b", 80) + "\r\n\r\n",
			proxy.Tunnel{Limits: h1.Limits{HeadBytes: 100}},
			wire.KindProtocol, "longer than 100 bytes",
		},
		{"too many fields", "HTTP/1.1 200 OK\r\nA: b\r\nA: c\r\n\r\n", proxy.Tunnel{Limits: h1.Limits{Fields: 1}}, wire.KindProtocol, "Limits.Fields"},
		{"strict rules", "HTTP/1.1 200 OK\n\n", proxy.Tunnel{Rules: h1.Strict}, wire.KindProtocol, "RFC 9112 §2.2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(p *peer.Script) {
				p.WantHead(connectLine, "the request")
				p.TrySend(tt.answer)
				p.CloseWrite()
				p.WantClosed("nothing else is sent")
			}, func(ctx context.Context, _ context.CancelCauseFunc, nc *memconn.Conn) {
				tt.tun.Addr, tt.tun.Authorization = target, basicOf(t)
				_, err := tt.tun.Connect(ctx, nc)
				want(t, err, tt.kind, true, proxy.StepConnect, tt.text)
				closed(t, nc)
			})
		})
	}
	t.Run("a reset", func(t *testing.T) {
		bubble(t, func(p *peer.Script) {
			p.WantHead("", "the request")
			p.Reset()
		}, func(ctx context.Context, _ context.CancelCauseFunc, nc *memconn.Conn) {
			_, err := (&proxy.Tunnel{Addr: target}).Connect(ctx, nc)
			want(t, err, wire.KindNetwork, true, proxy.StepConnect, "waiting for the proxy's answer")
			closed(t, nc)
		})
	})
	t.Run("a refusal before the request", func(t *testing.T) {
		bubble(t, func(p *peer.Script) {
			p.Send("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
			p.Close()
		}, func(ctx context.Context, _ context.CancelCauseFunc, nc *memconn.Conn) {
			synctest.Wait() // the write will fail
			_, err := (&proxy.Tunnel{Addr: target}).Connect(ctx, nc)
			want(t, err, wire.KindRefused, true, proxy.StepConnect, "503")
		})
	})
}

func TestConnectUnsendable(t *testing.T) {
	for _, tt := range []struct {
		name string
		tun  proxy.Tunnel
		text string
	}{
		{"no port", proxy.Tunnel{Addr: "example.org"}, "RFC 9112 §3.2.3"},
		{"port 0", proxy.Tunnel{Addr: "example.org:0"}, "RFC 9112 §3.2.3"},
		{"IPv6 without brackets", proxy.Tunnel{Addr: "2001:db8::1:443"}, "brackets"},
		{"a line end in the host", proxy.Tunnel{Addr: "a\r\nX: y:443"}, "RFC 9112 §3.2.3"},
		{"A name in brackets", proxy.Tunnel{Addr: "[example.org]:443"}, "no IPv6 address"},
		{"a zone", proxy.Tunnel{Addr: "[fe80::1%25eth0]:443"}, "zone"},
		{"a line end in a field", proxy.Tunnel{Addr: target, Fields: wire.Fields{{Name: "X", Value: "a\r\n" + secret}}}, "X: CR"},
		{"a line end in the credentials", proxy.Tunnel{Addr: target, Authorization: secret + "\r\n"}, "Proxy-Authorization"},
		{"content", proxy.Tunnel{Addr: target, Fields: wire.Fields{{Name: "Transfer-Encoding", Value: "chunked"}}}, "Transfer-Encoding"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nc, _ := peer.H1(t)
			_, err := tt.tun.Connect(context.Background(), nc)
			want(t, err, wire.KindProtocol, false, proxy.StepConnect, tt.text)
			if n := nc.Counts().BytesWritten; n > 0 {
				t.Errorf("%d bytes were sent", n)
			}
			closed(t, nc)
		})
	}
}

func TestConnectAuthorize(t *testing.T) {
	const challenge = "Proxy-Authenticate: Basic realm=\"x\", Digest realm=\"x\"\r\nProxy-Authenticate: Digest nonce=n\r\n"
	type round struct{ auth, answer string }
	const again = "again" // the caller's second connection starts here
	for _, tt := range []struct {
		name   string
		rounds []round
		asked  int
		err    string
	}{
		{"A19.1 a 407 is answered on the same connection", []round{
			{"", "HTTP/1.1 407 No\r\n" + challenge + "Content-Length: 3\r\n\r\nno!"},
			{"answer 1", ok},
		}, 1, ""},
		{"A19.1 a better scheme than the first guess", []round{
			{"basic", "HTTP/1.1 407 No\r\n" + challenge + "Content-Length: 0\r\n\r\n"},
			{"answer 1", ok},
		}, 1, ""},
		{"a chunked 407 with trailers", []round{
			{"", "HTTP/1.1 407 No\r\n" + challenge + "Transfer-Encoding: chunked\r\n\r\n3\r\nno!\r\n0\r\nA: b\r\n\r\n"},
			{"answer 1", ok},
		}, 1, ""},
		{"an interim response before each", []round{
			{"", "HTTP/1.1 102 P\r\n\r\nHTTP/1.1 407 No\r\n" + challenge + "Content-Length: 0\r\n\r\n"},
			{"answer 1", "HTTP/1.1 102 P\r\n\r\n" + ok},
		}, 1, ""},
		{"a stale nonce", []round{
			{"", "HTTP/1.1 407 No\r\n" + challenge + "Content-Length: 0\r\n\r\n"},
			{"answer 1", "HTTP/1.1 407 No\r\n" + challenge + "Content-Length: 0\r\n\r\n"},
			{"answer 2", ok},
		}, 2, ""},
		{"A19.1 Connection: close asks for a fresh connection", []round{
			{"", "HTTP/1.1 407 No\r\n" + challenge + "Connection: close\r\nContent-Length: 0\r\n\r\n"},
			{again, ""},
			{"answer 1", ok},
		}, 1, ""},
		{"Proxy-Connection: close", []round{
			{"", "HTTP/1.1 407 No\r\n" + challenge + "Proxy-Connection: x, Close\r\nContent-Length: 0\r\n\r\n"},
			{again, ""},
			{"answer 1", ok},
		}, 1, ""},
		{"HTTP/1.0", []round{
			{"", "HTTP/1.0 407 No\r\n" + challenge + "Content-Length: 0\r\n\r\n"},
			{again, ""},
			{"answer 1", ok},
		}, 1, ""},
		{"a body until the close", []round{
			{"", "HTTP/1.1 407 No\r\n" + challenge + "\r\nno!"},
			{again, ""},
			{"answer 1", ok},
		}, 1, ""},
		{"a body that does not come", []round{
			{"", "HTTP/1.1 407 No\r\n" + challenge + "Content-Length: 5\r\n\r\nno!"},
			{again, ""},
			{"answer 1", ok},
		}, 1, ""},
		{"a body that is too long", []round{
			{"", "HTTP/1.1 407 No\r\n" + challenge + "Content-Length: 80000\r\n\r\n" + strings.Repeat("x", 80000)},
			{again, ""},
			{"answer 1", ok},
		}, 1, ""},
		{"bytes behind the body", []round{
			{"", "HTTP/1.1 407 No\r\n" + challenge + "Content-Length: 3\r\n\r\nno!HTTP/1.1 200 OK\r\n\r\n"},
			{again, ""},
			{"answer 1", ok},
		}, 1, ""},
		{"three answers are refused", []round{
			{"", "HTTP/1.1 407 No\r\n" + challenge + "Content-Length: 0\r\n\r\n"},
			{"answer 1", "HTTP/1.1 407 No\r\n" + challenge + "Content-Length: 0\r\n\r\n"},
			{"answer 2", "HTTP/1.1 407 No\r\n" + challenge + "Connection: close\r\nContent-Length: 0\r\n\r\n"},
			{again, ""},
			{"answer 3", "HTTP/1.1 407 No\r\n" + challenge + "Content-Length: 0\r\n\r\n"},
		}, 3, "407 Proxy Authentication Required to the credentials that were sent"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked, shown := 0, 0
				tun := &proxy.Tunnel{Addr: target, Authorize: func(challenges []string, method, uri string) (string, bool, error) {
					asked++
					if len(challenges) != 2 || method != "CONNECT" || uri != target {
						t.Errorf("asked with %q, %s %s", challenges, method, uri)
					}
					return "answer " + string('0'+rune(asked)), true, nil
				}, Response: func(status int, _ wire.Fields) error {
					shown = status
					return nil
				}}
				if tt.rounds[0].auth == "basic" {
					tun.Authorization = "basic"
				}
				var got net.Conn
				var err error
				for rest := tt.rounds; ; {
					part := rest
					rest = nil
					for i, r := range part {
						if r.auth == again {
							part, rest = part[:i], part[i+1:]
							break
						}
					}
					nc, p := peer.H1(t)
					p.Go(func() {
						for _, r := range part {
							if a := p.WantHead(connectLine, "a request").Get("Proxy-Authorization"); a != r.auth {
								t.Errorf("Proxy-Authorization %q, want %q", a, r.auth)
							}
							p.TrySend(r.answer)
						}
					})
					got, err = tun.Connect(context.Background(), nc)
					if rest == nil {
						break
					}
					want(t, err, wire.KindRefused, true, proxy.StepConnect, "needs a fresh")
					if !errors.Is(err, proxy.ErrRedial) || got != nil || shown != 0 {
						t.Fatalf("%v, %v, shown %d", got, err, shown)
					}
					closed(t, nc)
				}
				if tt.err != "" {
					want(t, err, wire.KindRefused, true, proxy.StepConnect, tt.err)
					if errors.Is(err, proxy.ErrRedial) || shown != 407 {
						t.Errorf("shown %d, %v", shown, err)
					}
				} else if err != nil || got == nil || shown != 200 {
					t.Fatalf("%v, shown %d", err, shown)
				}
				if asked != tt.asked {
					t.Errorf("asked %d times", asked)
				}
			})
		})
	}

	t.Run("no answer", func(t *testing.T) {
		bubble(t, func(p *peer.Script) {
			p.WantHead("", "the request")
			p.Respond("407 No", "", "Proxy-Authenticate: Negotiate")
			p.WantClosed("it has no answer")
		}, func(ctx context.Context, _ context.CancelCauseFunc, nc *memconn.Conn) {
			_, err := (&proxy.Tunnel{Addr: target, Authorize: func([]string, string, string) (string, bool, error) { return "", false, nil }}).Connect(ctx, nc)
			want(t, err, wire.KindRefused, true, proxy.StepConnect, "407")
		})
	})
	t.Run("a challenge that cannot be answered", func(t *testing.T) {
		broken := errors.New("algorithm ROT13 is not supported")
		bubble(t, func(p *peer.Script) {
			p.WantHead("", "the request")
			p.Respond("407 No", "", "Proxy-Authenticate: Digest algorithm=ROT13")
			p.WantClosed("it has no answer")
		}, func(ctx context.Context, _ context.CancelCauseFunc, nc *memconn.Conn) {
			_, err := (&proxy.Tunnel{Addr: target, Authorize: func([]string, string, string) (string, bool, error) { return "", false, broken }}).Connect(ctx, nc)
			want(t, err, wire.KindRefused, true, proxy.StepConnect, "ROT13")
			if !errors.Is(err, broken) {
				t.Error(err)
			}
		})
	})
}

func TestConnectResponseHook(t *testing.T) {
	no := errors.New("not from this proxy")
	for _, tt := range []struct {
		name, answer string
		refuse       bool
	}{
		{"B45 sees a 200", "HTTP/1.1 200 OK\r\nX-Route: a\r\n\r\n", false},
		{"B45 refuses a 200", "HTTP/1.1 200 OK\r\nX-Route: a\r\n\r\n", true},
		{"B45 sees a 403", "HTTP/1.1 403 No\r\nX-Route: a\r\nContent-Length: 0\r\n\r\n", false},
		{"B45 refuses a 403", "HTTP/1.1 403 No\r\nX-Route: a\r\nContent-Length: 0\r\n\r\n", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(p *peer.Script) {
				p.WantHead("", "the request")
				p.Send(tt.answer)
			}, func(ctx context.Context, _ context.CancelCauseFunc, nc *memconn.Conn) {
				calls := 0
				_, err := (&proxy.Tunnel{Addr: target, Response: func(status int, f wire.Fields) error {
					calls++
					if !strings.Contains(tt.answer, "1.1 "+map[int]string{200: "200", 403: "403"}[status]) || f.Get("x-route") != "a" {
						t.Errorf("%d %v", status, f)
					}
					if tt.refuse {
						return no
					}
					return nil
				}}).Connect(ctx, nc)
				if calls != 1 {
					t.Errorf("called %d times", calls)
				}
				switch {
				case tt.refuse:
					e := want(t, err, wire.KindRefused, false, proxy.StepConnect, "not from this proxy")
					if !errors.Is(err, no) || e.StatusCode == 0 {
						t.Error(err)
					}
					closed(t, nc)
				case strings.Contains(tt.answer, "403"):
					want(t, err, wire.KindRefused, true, proxy.StepConnect, "403")
				case err != nil:
					t.Error(err)
				}
			})
		})
	}
}

// hangs are the places at which a proxy may stop: it sends this much.
var hangs = []struct {
	name, sent, text string
}{
	{"before its answer", "", "waiting for the proxy's answer"},
	{"within its head", "HTTP/1.1 200 OK\r\nA:", "waiting for the proxy's answer"},
	{"after an interim response", "HTTP/1.1 100 Continue\r\n\r\n", "waiting for the proxy's answer"},
	{"after a 407 that was answered", "HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n", "waiting for the proxy's answer"},
}

func TestConnectEnds(t *testing.T) {
	answer := func([]string, string, string) (string, bool, error) { return "x", true, nil }
	for _, tt := range hangs {
		t.Run("A15.2 the deadline holds when the proxy stops "+tt.name, func(t *testing.T) {
			bubble(t, func(p *peer.Script) {
				p.WantHead("", "the request")
				p.Send(tt.sent)
				if strings.Contains(tt.sent, "407") {
					p.WantHead("", "the answer")
				}
				p.WantClosed("the deadline has passed")
			}, func(ctx context.Context, _ context.CancelCauseFunc, nc *memconn.Conn) {
				ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
				defer cancel()
				start := time.Now()
				_, err := (&proxy.Tunnel{Addr: target, Authorize: answer}).Connect(ctx, nc)
				want(t, err, wire.KindCanceled, false, proxy.StepConnect, tt.text)
				if d := time.Since(start); d != 5*time.Second || !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, wire.ErrTimeout) {
					t.Errorf("after %v: %v", d, err)
				}
				closed(t, nc)
			})
		})
		t.Run("a cancel when the proxy stops "+tt.name, func(t *testing.T) {
			bubble(t, func(p *peer.Script) {
				p.WantHead("", "the request")
				p.Send(tt.sent)
				if strings.Contains(tt.sent, "407") {
					p.WantHead("", "the answer")
				}
				p.WantClosed("it was cancelled")
			}, func(ctx context.Context, cancel context.CancelCauseFunc, nc *memconn.Conn) {
				why := errors.New("the user has left")
				time.AfterFunc(time.Second, func() { cancel(why) })
				_, err := (&proxy.Tunnel{Addr: target, Authorize: answer}).Connect(ctx, nc)
				want(t, err, wire.KindCanceled, false, proxy.StepConnect, tt.text)
				if !errors.Is(err, context.Canceled) || !errors.Is(err, why) {
					t.Error(err)
				}
				closed(t, nc)
			})
		})
	}
	t.Run("a context that has ended", func(t *testing.T) {
		nc, _ := peer.H1(t)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, err := (&proxy.Tunnel{Addr: target}).Connect(ctx, nc)
		want(t, err, wire.KindCanceled, false, proxy.StepConnect, "before the request")
		closed(t, nc)
	})
	t.Run("a proxy that does not read", func(t *testing.T) {
		bubble(t, func(*peer.Script) {}, func(ctx context.Context, _ context.CancelCauseFunc, nc *memconn.Conn) {
			nc.SetCapacity(10)
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			_, err := (&proxy.Tunnel{Addr: target}).Connect(ctx, nc)
			want(t, err, wire.KindCanceled, false, proxy.StepConnect, "writing the request")
			closed(t, nc)
		})
	})
	for _, tt := range []struct {
		name string
		wait time.Duration
	}{{"before the request", 0}, {"after it", time.Millisecond}} {
		cert, roots := peer.Cert(t, "proxy.test")
		t.Run("A19.4 over TLS to a proxy that stops reading "+tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				nc, p := peer.H1(t)
				server := tls.Server(p.Conn, &tls.Config{Certificates: []tls.Certificate{cert}, Time: func() time.Time { return now }})
				p.Go(func() { server.Handshake() })
				client := tls.Client(nc, &tls.Config{RootCAs: roots, ServerName: "proxy.test", Time: func() time.Time { return now }})
				if err := client.Handshake(); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				// What TLS would say at a Close finds no room.
				if tt.wait == 0 {
					nc.SetCapacity(1)
				} else {
					time.AfterFunc(tt.wait, func() { nc.SetCapacity(1) })
				}
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				defer cancel()
				start := time.Now()
				_, err := (&proxy.Tunnel{Addr: target}).Connect(ctx, client)
				want(t, err, wire.KindCanceled, false, proxy.StepConnect, "")
				if d := time.Since(start); d != time.Second {
					t.Errorf("it took %v", d)
				}
				closed(t, nc)
			})
		})
	}
	t.Run("the deadline of a refusal's body is taken off", func(t *testing.T) {
		bubble(t, func(p *peer.Script) {
			p.WantHead("", "the request")
			p.Respond("407 No", "no")
			p.WantHead("", "the answer")
			p.Send(ok)
			time.Sleep(time.Hour)
			p.Send("x")
		}, func(ctx context.Context, _ context.CancelCauseFunc, nc *memconn.Conn) {
			got, err := (&proxy.Tunnel{Addr: target, Authorize: answer}).Connect(ctx, nc)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := got.Read(make([]byte, 1)); err != nil {
				t.Error(err, errors.Is(err, os.ErrDeadlineExceeded))
			}
		})
	})
}

// now is when certificates are checked: the fake clock stands before they begin.
var now = time.Now()
