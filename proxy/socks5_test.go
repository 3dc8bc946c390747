package proxy_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/internal/memconn"
	"gohttpx.dev/internal/peer"
	"gohttpx.dev/proxy"
	"gohttpx.dev/wire"
)

const (
	greetNone = "\x05\x01\x00"
	greetUser = "\x05\x02\x00\x02"
	authBytes = "\x01\x03joe\x10" + secret
	wantHost  = "\x05\x01\x00\x03\x0bexample.org\x01\xbb"
	granted   = "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"
)

func socks(user bool) *proxy.SOCKS {
	if user {
		return &proxy.SOCKS{Addr: target, Username: "joe", Password: secret}
	}
	return &proxy.SOCKS{Addr: target}
}

func TestSOCKSRequest(t *testing.T) {
	long := strings.Repeat("a", 255)
	for _, tt := range []struct{ name, addr, want string }{
		{"A19.5 a name", target, wantHost},
		{"A19.5 an IPv4 address", "192.0.2.7:80", "\x05\x01\x00\x01\xc0\x00\x02\x07\x00\x50"},
		{"A19.5 an IPv6 address", "[2001:db8::1]:8080", "\x05\x01\x00\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x1f\x90"},
		{"IPv4 in IPv6", "[::ffff:192.0.2.7]:80", "\x05\x01\x00\x01\xc0\x00\x02\x07\x00\x50"},
		{"a name of 255 bytes", long + ":65535", "\x05\x01\x00\x03\xff" + long + "\xff\xff"},
		{"a name of one byte", "a:1", "\x05\x01\x00\x03\x01a\x00\x01"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(p *peer.Script) {
				p.WantBytes(greetNone, "no authentication is offered")
				p.Send("\x05\x00")
				p.WantBytes(tt.want, "the request")
				p.Send(granted)
				pong(p)
			}, func(ctx context.Context, _ context.CancelCauseFunc, nc *memconn.Conn) {
				if err := (&proxy.SOCKS{Addr: tt.addr}).Connect(ctx, nc); err != nil {
					t.Fatal(err)
				}
				pingPong(t, nc)
			})
		})
	}
}

func TestSOCKSReplies(t *testing.T) {
	for _, tt := range []struct {
		name  string
		user  bool
		auth  bool
		reply string
	}{
		{"A19.5 an IPv4 address was bound", false, false, granted},
		{"A19.5 an IPv6 address was bound", false, false, "\x05\x00\x00\x04" + strings.Repeat("\x01", 16) + "\x04\x38"},
		{"A19.5 a name was bound", false, false, "\x05\x00\x00\x03\x04name\x04\x38"},
		{"an empty name was bound", false, false, "\x05\x00\x00\x03\x00\x04\x38"},
		{"a name of 255 bytes was bound", false, false, "\x05\x00\x00\x03\xff" + strings.Repeat("n", 255) + "\x04\x38"},
		{"a reserved byte that is set", false, false, "\x05\x00\xff" + granted[3:]},
		{"A19.5 user and password", true, true, granted},
		{"user and password offered and not wanted", true, false, granted},
	} {
		for _, step := range []string{"whole", "byte by byte", "trailing bytes"} {
			t.Run(tt.name+", "+step, func(t *testing.T) {
				bubble(t, func(p *peer.Script) {
					p.WantBytes(map[bool]string{true: greetUser, false: greetNone}[tt.user], "the greeting")
					if tt.auth {
						p.Send("\x05\x02")
						p.WantBytes(authBytes, "user and password")
						p.Send("\x01\x00")
					} else {
						p.Send("\x05\x00")
					}
					p.WantBytes(wantHost, "the request")
					if step == "trailing bytes" {
						p.Send(tt.reply, "220 the target speaks first")
					} else {
						p.Send(tt.reply)
					}
					pong(p)
				}, func(ctx context.Context, cancel context.CancelCauseFunc, nc *memconn.Conn) {
					if step == "byte by byte" {
						nc.MaxRead(1)
					}
					if err := socks(tt.user).Connect(ctx, nc); err != nil {
						t.Fatal(err)
					}
					cancel(nil) // has no hold on the connection
					synctest.Wait()
					if step == "trailing bytes" {
						b := make([]byte, 27)
						if _, err := io.ReadFull(nc, b); err != nil || string(b) != "220 the target speaks first" {
							t.Errorf("%q, %v", b, err)
						}
					}
					pingPong(t, nc)
				})
			})
		}
	}
}

// socksFaults are what a proxy may answer instead: to the greeting, to the
// password and to the request, the last of which is the fault.
var socksFaults = []struct {
	name    string
	user    bool
	answers []string
	kind    wire.Kind
	step    proxy.Step
	code    int
	text    string
}{
	{"SOCKS4", false, []string{"\x00\x5b"}, wire.KindProtocol, proxy.StepGreeting, 0, "SOCKS4 proxies"},
	{"HTTP", false, []string{"HTTP/1.1 400 Bad Request\r\n\r\n"}, wire.KindProtocol, proxy.StepGreeting, 0, "is it an http:// proxy?"},
	{"TLS", false, []string{"\x15\x03\x03\x00\x02\x02\x46"}, wire.KindProtocol, proxy.StepGreeting, 0, "is it an https:// proxy?"},
	{"another version in the greeting", false, []string{"\x06\x00"}, wire.KindProtocol, proxy.StepGreeting, 0, "version 0x06 in byte 0 of the choice of a method, where 5 stands (RFC 1928 §3)"},
	{"A19.5 authentication is wanted", false, []string{"\x05\xff"}, wire.KindRefused, proxy.StepGreeting, 0xff, "give user and password"},
	{"no method is taken", true, []string{"\x05\xff"}, wire.KindRefused, proxy.StepGreeting, 0xff, "nothing else to offer"},
	{"a password that was not offered", false, []string{"\x05\x02"}, wire.KindProtocol, proxy.StepGreeting, 0, "method 2, which was not offered"},
	{"GSS-API", true, []string{"\x05\x01"}, wire.KindProtocol, proxy.StepGreeting, 0, "method 0x01 in byte 1, which was not offered"},
	{"a method that nobody knows", true, []string{"\x05\x80"}, wire.KindProtocol, proxy.StepGreeting, 0, "0x80"},
	{"closed before the method", true, []string{""}, wire.KindNetwork, proxy.StepGreeting, 0, "after 0 of 2 bytes of the choice"},
	{"closed within the method", true, []string{"\x05"}, wire.KindNetwork, proxy.StepGreeting, 0, "after 1 of 2 bytes of the choice"},
	{"A19.5 a wrong password", true, []string{"\x05\x02", "\x01\x01"}, wire.KindRefused, proxy.StepAuth, 1, "did not accept user and password, status 1"},
	{"another version in the answer to the password", true, []string{"\x05\x02", "\x05\x00"}, wire.KindProtocol, proxy.StepAuth, 0, "where 1 stands (RFC 1929 §2)"},
	{"closed before the answer to the password", true, []string{"\x05\x02", ""}, wire.KindNetwork, proxy.StepAuth, 0, "after 0 of 2"},
	{"reply 1", false, []string{"\x05\x00", "\x05\x01" + granted[2:]}, wire.KindRefused, proxy.StepRequest, 1, "general failure"},
	{"reply 2", false, []string{"\x05\x00", "\x05\x02" + granted[2:]}, wire.KindRefused, proxy.StepRequest, 2, "not allowed by the proxy's rules"},
	{"reply 3", false, []string{"\x05\x00", "\x05\x03" + granted[2:]}, wire.KindRefused, proxy.StepRequest, 3, "network unreachable"},
	{"reply 4", false, []string{"\x05\x00", "\x05\x04" + granted[2:]}, wire.KindRefused, proxy.StepRequest, 4, "host unreachable"},
	{"reply 5", false, []string{"\x05\x00", "\x05\x05" + granted[2:]}, wire.KindRefused, proxy.StepRequest, 5, "connection refused by the target"},
	{"reply 6", false, []string{"\x05\x00", "\x05\x06" + granted[2:]}, wire.KindRefused, proxy.StepRequest, 6, "TTL expired"},
	{"reply 7", false, []string{"\x05\x00", "\x05\x07" + granted[2:]}, wire.KindRefused, proxy.StepRequest, 7, "command not supported"},
	{"reply 8", false, []string{"\x05\x00", "\x05\x08" + granted[2:]}, wire.KindRefused, proxy.StepRequest, 8, "address type not supported"},
	{"reply 9", false, []string{"\x05\x00", "\x05\x09" + granted[2:]}, wire.KindRefused, proxy.StepRequest, 9, "reply 9: a code that has no meaning"},
	{"reply 255, and no more bytes", true, []string{"\x05\x02", "\x01\x00", "\x05\xff"}, wire.KindRefused, proxy.StepRequest, 255, "reply 255"},
	{"another version in the reply", false, []string{"\x05\x00", "\x04" + granted[1:]}, wire.KindProtocol, proxy.StepRequest, 0, "version 0x04 in byte 0 of the reply"},
	{"an address type that nobody knows", false, []string{"\x05\x00", "\x05\x00\x00\x02\x00"}, wire.KindProtocol, proxy.StepRequest, 0, "address type 0x02 in byte 3 of the reply, where 1, 3 or 4 stands (RFC 1928 §6)"},
	{"closed before the reply", false, []string{"\x05\x00", ""}, wire.KindNetwork, proxy.StepRequest, 0, "after 0 of 2 bytes of the reply"},
	{"closed within the reply", false, []string{"\x05\x00", granted[:3]}, wire.KindNetwork, proxy.StepRequest, 0, "after 1 of 2 bytes of the reply"},
	{"closed before a name's length", false, []string{"\x05\x00", "\x05\x00\x00\x03"}, wire.KindNetwork, proxy.StepRequest, 0, "length of the bound name"},
	{"closed within the bound address", false, []string{"\x05\x00", granted[:9]}, wire.KindNetwork, proxy.StepRequest, 0, "after 5 of 6 bytes of the bound address"},
}

// playSOCKS sends each answer when its turn has come.
func playSOCKS(p *peer.Script, user bool, answers []string) {
	asked := []string{greetNone, wantHost}
	if user {
		asked = []string{greetUser, authBytes, wantHost}
	}
	for i, a := range answers {
		p.WantBytes(asked[i], "what comes next")
		p.TrySend(a)
	}
}

func TestSOCKSFaults(t *testing.T) {
	for _, tt := range socksFaults {
		for _, step := range []string{"whole", "byte by byte"} {
			t.Run(tt.name+", "+step, func(t *testing.T) {
				bubble(t, func(p *peer.Script) {
					playSOCKS(p, tt.user, tt.answers)
					p.CloseWrite()
					p.WantClosed("the negotiation has failed")
				}, func(ctx context.Context, _ context.CancelCauseFunc, nc *memconn.Conn) {
					if step != "whole" {
						nc.MaxRead(1)
					}
					err := socks(tt.user).Connect(ctx, nc)
					e := want(t, err, tt.kind, true, tt.step, tt.text)
					if e.ReplyCode != tt.code || e.Addr != target {
						t.Errorf("%+v", e)
					}
					if !errors.Is(err, wire.ErrProxy) || tt.kind == wire.KindNetwork && !errors.Is(err, io.ErrUnexpectedEOF) {
						t.Errorf("%v is not what it should be", err)
					}
					closed(t, nc)
				})
			})
		}
	}
	t.Run("a reset", func(t *testing.T) {
		bubble(t, func(p *peer.Script) {
			p.WantBytes(greetNone, "the greeting")
			p.Reset()
		}, func(ctx context.Context, _ context.CancelCauseFunc, nc *memconn.Conn) {
			want(t, socks(false).Connect(ctx, nc), wire.KindNetwork, true, proxy.StepGreeting, "waiting for the choice of a method")
			closed(t, nc)
		})
	})
}

func TestSOCKSUnsendable(t *testing.T) {
	for _, tt := range []struct {
		name string
		s    proxy.SOCKS
		step proxy.Step
		text string
	}{
		{"A19.5 a name of 256 bytes", proxy.SOCKS{Addr: strings.Repeat("a", 256) + ":443"}, proxy.StepRequest, "256 bytes: SOCKS5 has room for 255 (RFC 1928 §5), and it is not resolved locally"},
		{"a name of 70000 bytes", proxy.SOCKS{Addr: strings.Repeat("a", 70000) + ":443"}, proxy.StepRequest, "70000 bytes"},
		{"no port", proxy.SOCKS{Addr: "example.org"}, proxy.StepRequest, "port"},
		{"port 65536", proxy.SOCKS{Addr: "example.org:65536"}, proxy.StepRequest, "port"},
		{"no name", proxy.SOCKS{Addr: ":443"}, proxy.StepRequest, "host:port"},
		{"a zone", proxy.SOCKS{Addr: "[fe80::1%eth0]:443"}, proxy.StepRequest, "zone"},
		{"a name in brackets", proxy.SOCKS{Addr: "[a]:443"}, proxy.StepRequest, "brackets"},
		{"NUL in the name", proxy.SOCKS{Addr: "a\x00b:443"}, proxy.StepRequest, "host:port"},
		{"a user of 256 bytes", proxy.SOCKS{Addr: target, Username: strings.Repeat("u", 256), Password: secret}, proxy.StepAuth, "the user has 256 bytes: SOCKS5 takes 1 to 255 (RFC 1929 §2)"},
		{"a password of 256 bytes", proxy.SOCKS{Addr: target, Username: "joe", Password: secret + strings.Repeat("p", 240)}, proxy.StepAuth, "the password has 256 bytes"},
		{"no password", proxy.SOCKS{Addr: target, Username: "joe"}, proxy.StepAuth, "the password has 0 bytes"},
		{"no user", proxy.SOCKS{Addr: target, Password: secret}, proxy.StepAuth, "the user has 0 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nc, _ := peer.H1(t)
			want(t, tt.s.Connect(context.Background(), nc), wire.KindProtocol, false, tt.step, tt.text)
			if n := nc.Counts().BytesWritten; n > 0 {
				t.Errorf("%d bytes were sent", n)
			}
			closed(t, nc)
		})
	}
}

func TestSOCKSEnds(t *testing.T) {
	for _, tt := range []struct {
		name    string
		user    bool
		answers []string
		step    proxy.Step
	}{
		{"before the method", true, []string{""}, proxy.StepGreeting},
		{"within the method", true, []string{"\x05"}, proxy.StepGreeting},
		{"before the answer to the password", true, []string{"\x05\x02", ""}, proxy.StepAuth},
		{"before the reply", true, []string{"\x05\x02", "\x01\x00", ""}, proxy.StepRequest},
		{"within the reply", false, []string{"\x05\x00", granted[:3]}, proxy.StepRequest},
		{"within the bound address", false, []string{"\x05\x00", granted[:9]}, proxy.StepRequest},
	} {
		t.Run("A19.5 C36 the deadline holds when the proxy stops "+tt.name, func(t *testing.T) {
			bubble(t, func(p *peer.Script) {
				playSOCKS(p, tt.user, tt.answers)
				p.WantClosed("the deadline has passed")
			}, func(ctx context.Context, _ context.CancelCauseFunc, nc *memconn.Conn) {
				ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
				defer cancel()
				start := time.Now()
				err := socks(tt.user).Connect(ctx, nc)
				want(t, err, wire.KindCanceled, false, tt.step, "waiting for")
				if d := time.Since(start); d != 5*time.Second || !errors.Is(err, wire.ErrTimeout) {
					t.Errorf("after %v: %v", d, err)
				}
				closed(t, nc)
			})
		})
		t.Run("a cancel when the proxy stops "+tt.name, func(t *testing.T) {
			bubble(t, func(p *peer.Script) {
				playSOCKS(p, tt.user, tt.answers)
				p.WantClosed("it was cancelled")
			}, func(ctx context.Context, cancel context.CancelCauseFunc, nc *memconn.Conn) {
				time.AfterFunc(time.Second, func() { cancel(nil) })
				err := socks(tt.user).Connect(ctx, nc)
				want(t, err, wire.KindCanceled, false, tt.step, "waiting for")
				if !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				closed(t, nc)
			})
		})
	}
	t.Run("a proxy that does not read", func(t *testing.T) {
		bubble(t, func(*peer.Script) {}, func(ctx context.Context, _ context.CancelCauseFunc, nc *memconn.Conn) {
			nc.SetCapacity(2)
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			want(t, socks(true).Connect(ctx, nc), wire.KindCanceled, false, proxy.StepGreeting, "sending the greeting")
			closed(t, nc)
		})
	})
	t.Run("a context that has ended", func(t *testing.T) {
		nc, _ := peer.H1(t)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		want(t, socks(true).Connect(ctx, nc), wire.KindCanceled, false, proxy.StepGreeting, "sending the greeting")
		if n := nc.Counts().BytesWritten; n > 0 {
			t.Errorf("%d bytes were sent", n)
		}
		closed(t, nc)
	})
}
