package tls

import (
	"context"
	stdtls "crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"gohttpx.dev/internal/memconn"
	"gohttpx.dev/internal/peer"
)

func TestHandshaker(t *testing.T) {
	ca := peer.NewCA(t)
	s := server(t, &stdtls.Config{Certificates: []stdtls.Certificate{ca.Issue(host)}, NextProtos: []string{"h2"}})
	calls := 0
	h := NewHandshaker(func(ctx context.Context, nc net.Conn, cfg *stdtls.Config) (net.Conn, stdtls.ConnectionState, error) {
		calls++
		tc := stdtls.Client(nc, cfg)
		err := tc.HandshakeContext(ctx)
		return tc, tc.ConnectionState(), err
	})
	tc := shake(t, client(t, Options{RootCAs: ca.Pool(), ALPN: []string{"h2"}, Handshaker: h}), s, host)
	echo(t, tc)
	if p := tc.ConnectionState().NegotiatedProtocol; calls != 1 || p != "h2" {
		t.Errorf("%d calls, protocol %q", calls, p)
	}
	if !tc.Probe() || tc.Quiet() {
		t.Error("what cannot be looked at is taken to be good, and not to be quiet")
	}
	if err := tc.CloseWrite(); err != nil {
		t.Error(err)
	}

	var pin *PinError
	if _, err := client(t, Options{RootCAs: ca.Pool(), Handshaker: NewHandshaker(
		func(ctx context.Context, nc net.Conn, cfg *stdtls.Config) (net.Conn, stdtls.ConnectionState, error) {
			return nc, stdtls.ConnectionState{}, nil // no TLS at all
		}), Pins: []string{Pin(ca.Cert)}}).Handshake(t.Context(), dial(t, s.Addr), host); !errors.As(err, &pin) {
		t.Errorf("a Handshaker without certificates passes pins: %v", err)
	}
	no := NewHandshaker(func(context.Context, net.Conn, *stdtls.Config) (net.Conn, stdtls.ConnectionState, error) {
		return nil, stdtls.ConnectionState{}, nil
	})
	if _, err := client(t, Options{Handshaker: no}).Handshake(t.Context(), dial(t, s.Addr), host); err == nil {
		t.Error("nothing is no connection")
	}
	a, b := memconn.Pipe()
	defer b.Close()
	ctx, cancel := context.WithCancel(t.Context())
	stuck := NewHandshaker(func(_ context.Context, nc net.Conn, _ *stdtls.Config) (net.Conn, stdtls.ConnectionState, error) {
		cancel()
		_, err := nc.Read(make([]byte, 1)) // heeds no context
		return nil, stdtls.ConnectionState{}, err
	})
	if _, err := client(t, Options{Handshaker: stuck}).Handshake(ctx, a, host); err == nil || !a.Closed() {
		t.Error("the end of the context breaks it off:", err)
	}
}

// A Conn that nobody has filled in is of no use, and says so.
func TestZeroConn(t *testing.T) {
	var c Conn
	if s := c.ConnectionState(); s.HandshakeComplete || c.Raw() != nil || c.NetConn() != nil || c.Quiet() {
		t.Errorf("%+v", s)
	}
	if err := c.CloseWrite(); err != net.ErrClosed {
		t.Error(err)
	}
}

func TestFingerprintTellsApart(t *testing.T) {
	f := func(context.Context, net.Conn, *stdtls.Config) (net.Conn, stdtls.ConnectionState, error) {
		return nil, stdtls.ConnectionState{}, nil
	}
	h := NewHandshaker(f)
	write := func(n int) writerFunc { return func(p []byte) (int, error) { return n, nil } }
	env := FromEnvironment(nil)
	same := []Options{
		{},
		{Pins: []string{"a"}},
		{Pins: []string{"b"}},
		{Handshaker: h},
		{Handshaker: NewHandshaker(f)},
		{Environment: env},
		{Environment: FromEnvironment(nil)},
		{KeyLogWriter: keyLogFile("a")},
		{KeyLogWriter: keyLogFile("b")},
		{KeyLogWriter: &strings.Builder{}},
	}
	seen := map[string]int{}
	for i, o := range same {
		if j, ok := seen[o.Fingerprint()]; ok {
			t.Errorf("%d and %d are one", i, j)
		}
		seen[o.Fingerprint()] = i
		if again := o; again.Fingerprint() != o.Fingerprint() {
			t.Errorf("%d is two", i)
		}
	}
	// Closures of the same function cannot be told apart, so none is another.
	if a, b := (Options{KeyLogWriter: write(1)}), (Options{KeyLogWriter: write(2)}); a.Fingerprint() == b.Fingerprint() {
		t.Error("two functions are one")
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// A writer whose texts do not tell it apart from others.
type secretive struct {
	id   any
	list [2]secretID
}

type secretID string

func (secretID) String() string             { return "secret" }
func (secretID) GoString() string           { return "secret" }
func (secretive) GoString() string          { return "secretive" }
func (secretive) Write([]byte) (int, error) { return 0, nil }

type number int

func (number) String() string             { return "number" }
func (number) GoString() string           { return "number" }
func (number) Format(s fmt.State, _ rune) { io.WriteString(s, "number") }
func (number) Write([]byte) (int, error)  { return 0, nil }

func TestFingerprintAsksNoMethod(t *testing.T) {
	type number2 struct{ number }
	p, q := new(int), new(int)
	writers := []io.Writer{
		number(1), number(2),
		number2{1},
		number2{2},
		secretive{},
		secretive{id: 1},
		secretive{id: 2},
		secretive{id: "1"},
		secretive{id: 1.5},
		secretive{id: secretID("a")},
		secretive{id: secretID("b")},
		secretive{list: [2]secretID{"a", "b"}},
		secretive{list: [2]secretID{"a b"}},
		secretive{id: p},
		secretive{id: q},
		secretive{id: true},
		secretive{id: number(1)},
		secretive{id: int64(1)},
		secretive{id: uint8(1)},
		secretive{id: uint8(2)},
		secretive{id: false},
		secretive{id: 2i},
		secretive{id: 3i},
		secretive{id: 2.5},
	}
	seen := map[string]int{}
	for i, w := range writers {
		print := Options{KeyLogWriter: w}.Fingerprint()
		if j, ok := seen[print]; ok {
			t.Errorf("%d and %d are one", i, j)
		}
		seen[print] = i
		if print != (Options{KeyLogWriter: w}).Fingerprint() {
			t.Errorf("%d is two", i)
		}
	}
	a := Options{KeyLogWriter: secretive{id: []int{}}}
	if again := a; a.Fingerprint() == again.Fingerprint() {
		t.Error("what cannot be compared is the same")
	}
}

// closing tells that it has been closed.
type closing struct {
	net.Conn
	closed bool
}

func (c *closing) Close() error { c.closed = true; return c.Conn.Close() }

func TestHandshakerIsClosed(t *testing.T) {
	ca := peer.NewCA(t)
	for name, with := range map[string]struct {
		pins []string
		end  bool
	}{
		"pins refuse it":                  {[]string{Pin(ca.Cert)}, false},
		"the context has ended meanwhile": {nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			below, far := memconn.Pipe()
			defer far.Close()
			var made *closing
			h := NewHandshaker(func(_ context.Context, nc net.Conn, _ *stdtls.Config) (net.Conn, stdtls.ConnectionState, error) {
				if made = (&closing{Conn: nc}); with.end {
					cancel()
				}
				return made, stdtls.ConnectionState{}, nil
			})
			if _, err := client(t, Options{Handshaker: h, Pins: with.pins}).Handshake(ctx, below, host); err == nil || !made.closed || !below.Closed() {
				t.Errorf("closed %t, the socket %t: %v", made.closed, below.Closed(), err)
			}
		})
	}
}
