package faults

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/internal/leak"
	"gohttpx.dev/internal/memconn"
)

func TestMain(m *testing.M) { os.Exit(leak.Main(m)) }

// ends is a connection through an injector.
type ends struct {
	in             *Injector
	client, server net.Conn
}

// The three ways to take a connection. In each both ends can be half-closed.
var ways = []struct {
	name string
	make func(t *testing.T, p Plan) ends
}{
	{"proxy", func(t *testing.T, p Plan) ends {
		in := New(Same(p))
		l := listen(t)
		addr, err := in.Proxy(l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		client, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return ends{in, client, server}
	}},
	{"dial", func(t *testing.T, p Plan) ends {
		in := New(Same(p))
		a, b := memconn.Pipe()
		dial := in.Dial(func(context.Context, string, string) (net.Conn, error) { return a, nil })
		client, err := dial(context.Background(), "tcp", "example.test:80")
		if err != nil {
			t.Fatal(err)
		}
		return ends{in, client, b}
	}},
	{"listener", func(t *testing.T, p Plan) ends {
		in := New(Same(p))
		a, b := memconn.Pipe()
		server, err := in.Listener(oneListener{b}).Accept()
		if err != nil {
			t.Fatal(err)
		}
		return ends{in, a, server}
	}},
}

type oneListener struct{ nc net.Conn }

func (l oneListener) Accept() (net.Conn, error) { return l.nc, nil }
func (l oneListener) Close() error              { return nil }
func (l oneListener) Addr() net.Addr            { return l.nc.LocalAddr() }

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// everyWay runs the test over sockets and, in a bubble, over memory connections.
// Afterwards the injector is closed, which must not hang, and nothing of it be
// left.
func everyWay(t *testing.T, p Plan, test func(t *testing.T, e ends)) {
	t.Helper()
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			run := func(t *testing.T) {
				e := w.make(t, p)
				limit := time.Now().Add(time.Minute)
				e.client.SetDeadline(limit)
				e.server.SetDeadline(limit)
				test(t, e)
				e.in.Close()
				if n := e.in.Open(); n != 0 {
					t.Errorf("%d connections are open after Close", n)
				}
				e.client.Close()
				e.server.Close()
			}
			if w.name == "proxy" {
				run(t)
			} else {
				synctest.Test(t, run)
			}
		})
	}
}

func send(t *testing.T, nc net.Conn, s string) {
	t.Helper()
	if _, err := io.WriteString(nc, s); err != nil {
		t.Fatalf("Write(%q): %v", s, err)
	}
}

// receive reads to the end and wants these bytes and this end: "EOF" or "reset".
func receive(t *testing.T, who string, nc net.Conn, want, end string) {
	t.Helper()
	b, err := io.ReadAll(nc)
	if string(b) != want {
		t.Errorf("%s received %q, want %q", who, b, want)
	}
	switch {
	case end == "EOF" && err == nil, end == "reset" && isReset(err):
	default:
		t.Errorf("%s: the end is %v, want %s", who, err, end)
	}
}

func exactly(t *testing.T, who string, nc net.Conn, want string) {
	t.Helper()
	b := make([]byte, len(want))
	if n, err := io.ReadFull(nc, b); string(b[:n]) != want {
		t.Errorf("%s received %q, %v; want %q", who, b[:n], err, want)
	}
}

func at(n int64, do Action) Way    { return Way{Faults: []Fault{{At: n, Do: do}}} }
func early(n int64, do Action) Way { return Way{Faults: []Fault{{At: n, Do: do, Eager: true}}} }

func TestNothingIsDoneWithoutAPlan(t *testing.T) {
	everyWay(t, Plan{}, func(t *testing.T, e ends) {
		send(t, e.client, "request")
		e.client.(interface{ CloseWrite() error }).CloseWrite()
		receive(t, "server", e.server, "request", "EOF")
		send(t, e.server, "response")
		e.server.Close()
		receive(t, "client", e.client, "response", "EOF")
		e.client.Close()
		if n := e.in.Count(); n != 1 {
			t.Errorf("Count = %d, want 1", n)
		}
	})
}

func TestAResetIsHandedOn(t *testing.T) {
	everyWay(t, Plan{}, func(t *testing.T, e ends) {
		send(t, e.client, "request")
		exactly(t, "server", e.server, "request")
		reset(e.server)
		receive(t, "client", e.client, "", "reset")
	})
}

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		name           string
		plan           Plan
		client, server string // what each receives
	}{
		{"down at 0", Plan{Down: at(0, Cut)}, "", "request"},
		{"down in the middle", Plan{Down: at(3, Cut)}, "res", "request"},
		{"down in the middle, eager", Plan{Down: early(3, Cut)}, "res", "request"},
		{"down at the end, eager", Plan{Down: early(8, Cut)}, "response", "request"},
		{"up in the middle", Plan{Up: at(3, Cut)}, "", "req"},
		{"up at 0", Plan{Up: at(0, Cut)}, "", ""},
		{"up at 0, eager", Plan{Up: early(0, Cut)}, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			everyWay(t, tt.plan, func(t *testing.T, e ends) {
				send(t, e.client, "request")
				exactly(t, "server", e.server, tt.server)
				if tt.server == "request" {
					send(t, e.server, "response")
				}
				receive(t, "client", e.client, tt.client, "EOF")
				receive(t, "server", e.server, "", "EOF")
				send(t, e.client, "more") // lost, and no error
			})
		})
	}
}

func TestReset(t *testing.T) {
	everyWay(t, Plan{Down: at(3, Reset)}, func(t *testing.T, e ends) {
		send(t, e.client, "request")
		exactly(t, "server", e.server, "request")
		send(t, e.server, "response")
		receive(t, "client", e.client, "res", "reset")
		receive(t, "server", e.server, "", "reset")
	})
}

func TestResetAtOnce(t *testing.T) {
	for _, w := range ways[1:] {
		synctest.Test(t, func(t *testing.T) {
			e := w.make(t, Plan{Down: early(0, Reset)})
			receive(t, "client", e.client, "", "reset")
			receive(t, "server", e.server, "", "reset")
			e.client.Close()
			e.server.Close()
			e.in.Close()
		})
	}
	in := New(Same(Plan{Down: early(0, Reset)}))
	defer in.Close()
	l := listen(t)
	addr, err := in.Proxy(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	wantDialReset(t, addr)
}

// wantDialReset wants a reset, be it while dialling or after.
func wantDialReset(t *testing.T, addr string) {
	t.Helper()
	client, err := net.Dial("tcp", addr)
	if err == nil {
		_, err = io.ReadAll(client)
		client.Close()
	}
	if !isReset(err) {
		t.Errorf("err = %v, want a reset", err)
	}
}

func TestHalfClose(t *testing.T) {
	everyWay(t, Plan{Up: at(3, HalfClose)}, func(t *testing.T, e ends) {
		send(t, e.client, "request")
		receive(t, "server", e.server, "req", "EOF")
		send(t, e.server, "response")
		exactly(t, "client", e.client, "response")
		send(t, e.client, "more") // lost
		send(t, e.server, "again")
		e.server.Close()
		receive(t, "client", e.client, "again", "EOF")
	})
}

func TestBlackHole(t *testing.T) {
	everyWay(t, Plan{Down: at(3, BlackHole)}, func(t *testing.T, e ends) {
		send(t, e.client, "request")
		exactly(t, "server", e.server, "request")
		send(t, e.server, "response")
		exactly(t, "client", e.client, "res")
		if _, ok := e.server.(*Conn); !ok { // the owner's Close ends a black hole
			e.server.Close() // and of that too the client hears nothing
		}
		silent(t, e.client)
	})
}

// silent wants nothing to be there to be read.
func silent(t *testing.T, nc net.Conn) {
	t.Helper()
	nc.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if n, err := nc.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Read = %d, %v; want nothing", n, err)
	}
	nc.SetReadDeadline(time.Time{})
}

func TestStallUntilReleased(t *testing.T) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			run := func(t *testing.T) {
				release := make(chan struct{})
				e := w.make(t, Plan{Down: Way{Faults: []Fault{
					{At: 3, Do: Stall, Release: release}, {At: 5, Do: Corrupt, Mask: 1}, {At: 6, Do: Cut},
				}}})
				send(t, e.server, "response")
				exactly(t, "client", e.client, "res")
				silent(t, e.client)
				close(release)
				receive(t, "client", e.client, "poo", "EOF")
				e.client.Close()
				e.server.Close()
				e.in.Close()
			}
			if w.name == "proxy" {
				run(t)
			} else {
				synctest.Test(t, run)
			}
		})
	}
}

func TestStallTakesNoMoreThanTheBuffers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := New(Same(Plan{Up: at(0, Stall), Buffer: 10}))
		a, b := memconn.Pipe()
		client := in.Wrap(a)
		client.SetWriteDeadline(time.Now().Add(time.Second))
		n, err := client.Write(make([]byte, 1<<20))
		if !errors.Is(err, os.ErrDeadlineExceeded) || n > 30 {
			t.Errorf("Write = %d, %v; want a few bytes", n, err)
		}
		client.Close()
		receive(t, "server", b, "", "EOF")
		b.Close()
		in.Close()
	})
}

// A test that ends with connections in every bad state.
func TestCloseEndsWhateverIsUnderWay(t *testing.T) {
	for _, p := range []Plan{
		{Down: at(1, Stall), Up: at(1, Stall)},
		{Down: at(1, BlackHole), Up: at(1, BlackHole)},
		{Down: at(1, Cut)},
		{Down: Way{Delay: time.Hour}, Up: Way{Jitter: time.Hour}},
		{Down: Way{Rate: 1}, Up: Way{Rate: 1, Drip: true}},
		{},
	} {
		everyWay(t, p, func(t *testing.T, e ends) {
			send(t, e.client, "request")
			send(t, e.server, "response")
			e.in.Close()
			if _, err := io.ReadAll(e.client); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the client's end is open after Close")
			}
			if _, err := io.ReadAll(e.server); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the server's end is open after Close")
			}
			if _, err := e.in.Proxy("127.0.0.1:1"); err != ErrClosed {
				t.Errorf("Proxy after Close: %v", err)
			}
		})
	}
}

// The owner's Close ends the connection behind, whatever the plan holds back; what
// was sent before still arrives.
func TestOwnersClose(t *testing.T) {
	for _, tt := range []struct {
		name string
		plan Plan
		want string
	}{
		{"late", Plan{Up: Way{Delay: time.Second}, Down: Way{Delay: time.Hour}}, "request"},
		{"slow", Plan{Up: Way{Rate: 2}}, "request"},
		{"stalled", Plan{Up: at(3, Stall)}, "req"},
		{"black hole", Plan{Up: at(3, BlackHole)}, "req"},
		{"cut", Plan{Up: at(3, Cut)}, "req"},
		{"other way stalled", Plan{Down: at(3, Stall)}, "request"},
		{"other way black hole", Plan{Down: at(0, BlackHole)}, "request"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in := New(Same(tt.plan))
				a, b := memconn.Pipe()
				client := in.Wrap(a)
				send(t, b, "response")
				send(t, client, "request")
				synctest.Wait()
				client.Close()
				receive(t, "server", b, tt.want, "EOF")
				synctest.Wait()
				if !a.Closed() || in.Open() != 0 {
					t.Errorf("the connection behind: closed %v; %d open", a.Closed(), in.Open())
				}
				b.Close()
				in.Close()
			})
		})
	}
}

func TestCorrupt(t *testing.T) {
	w := Way{Split: 2, Faults: []Fault{{At: 7, Do: Corrupt}, {At: 2, Do: Corrupt, Mask: 0x20}}}
	everyWay(t, Plan{Up: w}, func(t *testing.T, e ends) {
		send(t, e.client, "abcdefgh")
		exactly(t, "server", e.server, "abCdefg\x97")
	})
}

func TestDripAndSplit(t *testing.T) {
	want := bytes.Repeat([]byte("0123456789"), 100)
	for _, tt := range []struct {
		name   string
		way    Way
		writes int64
	}{
		{"drip", Way{Drip: true}, 1000},
		{"split", Way{Split: 7}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			counts := func() int64 {
				in := New(Same(Plan{Down: tt.way, Seed: 5}))
				a, b := memconn.Pipe()
				client := in.Wrap(a)
				send(t, b, string(want))
				b.Close()
				receive(t, "client", client, string(want), "EOF")
				n := in2writes(client)
				client.Close()
				in.Close()
				return n
			}
			n := counts()
			if tt.writes > 0 && n != tt.writes || n < 1000/7 {
				t.Errorf("%s: %d writes for 1000 bytes", tt.name, n)
			}
			if again := counts(); again != n {
				t.Errorf("%s: %d writes, and %d with the same seed", tt.name, n, again)
			}
		})
	}
}

// in2writes is how many writes the injector has made towards its Conn.
func in2writes(nc net.Conn) int64 {
	return nc.(*Conn).link.near.(*memconn.Conn).Counts().Writes
}

func TestTime(t *testing.T) {
	for _, tt := range []struct {
		name     string
		way      Way
		min, max time.Duration // until all 100 bytes have come
	}{
		{"delay", Way{Delay: 3 * time.Second}, 3 * time.Second, 3 * time.Second},
		{"jitter", Way{Delay: time.Second, Jitter: time.Second}, time.Second + 1, 2 * time.Second},
		{"rate", Way{Rate: 50}, 99 * time.Second / 50, 2 * time.Second},
		{"drip at a rate", Way{Rate: 10, Drip: true}, 99 * time.Second / 10, 10 * time.Second},
		{"late and slow", Way{Delay: time.Second, Rate: 50}, 149 * time.Second / 50, 3 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in := New(Same(Plan{Down: tt.way}))
				a, b := memconn.Pipe()
				client := in.Wrap(a)
				start := time.Now()
				send(t, b, string(make([]byte, 100)))
				exactly(t, "client", client, string(make([]byte, 100)))
				if d := time.Since(start); d < tt.min || d > tt.max {
					t.Errorf("took %v, want %v to %v", d, tt.min, tt.max)
				}
				client.Close()
				b.Close()
				in.Close()
			})
		})
	}
}

// Jitter may not change the order of the bytes.
func TestJitterKeepsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := New(Same(Plan{Down: Way{Jitter: time.Second}, Seed: 9}))
		a, b := memconn.Pipe()
		client := in.Wrap(a)
		go func() {
			for c := range 100 {
				b.Write([]byte{byte(c)})
				synctest.Wait() // a piece of its own
			}
			b.Close()
		}()
		got, err := io.ReadAll(client)
		if len(got) != 100 || err != nil {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
		for i, c := range got {
			if int(c) != i {
				t.Fatalf("byte %d is %d", i, c)
			}
		}
		client.Close()
		in.Close()
	})
}

func TestEachConnectionHasItsPlan(t *testing.T) {
	in := New(Only(1, Plan{Down: at(0, Reset)}))
	defer in.Close()
	l := listen(t)
	addr, err := in.Proxy(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for k := range 3 {
		client, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		send(t, server, "response")
		if k == 1 {
			receive(t, "client", client, "", "reset")
		} else {
			server.Close()
			receive(t, "client", client, "response", "EOF")
		}
		client.Close()
		server.Close()
	}
	if n := in.Count(); n != 3 {
		t.Errorf("Count = %d, want 3", n)
	}
}

func TestNobodyBehindTheProxy(t *testing.T) {
	l := listen(t)
	to := l.Addr().String()
	l.Close()
	in := New(nil)
	defer in.Close()
	addr, err := in.Proxy(to)
	if err != nil {
		t.Fatal(err)
	}
	wantDialReset(t, addr)
}

func TestDialFails(t *testing.T) {
	in := New(nil)
	boom := errors.New("boom")
	dial := in.Dial(func(context.Context, string, string) (net.Conn, error) { return nil, boom })
	if _, err := dial(context.Background(), "tcp", "x"); err != boom {
		t.Errorf("err = %v", err)
	}
	in.Close()
	a, b := memconn.Pipe()
	dial = in.Dial(func(context.Context, string, string) (net.Conn, error) { return a, nil })
	if _, err := dial(context.Background(), "tcp", "x"); err != ErrClosed || !a.Closed() {
		t.Errorf("after Close: err = %v, closed %v", err, a.Closed())
	}
	if _, err := in.Listener(oneListener{b}).Accept(); err != ErrClosed || !b.Closed() {
		t.Errorf("Accept after Close: err = %v, closed %v", err, b.Closed())
	}
	c, d := memconn.Pipe()
	if nc := in.Wrap(c); !c.Closed() || !nc.(*Conn).Closed() {
		t.Error("Wrap after Close gives an open connection")
	}
	d.Close()
}

func TestNames(t *testing.T) {
	for a, want := range map[Action]string{Cut: "cut", Corrupt: "corrupt", BlackHole: "black hole", 99: "action 99"} {
		if got := a.String(); got != want {
			t.Errorf("%d: %q, want %q", uint8(a), got, want)
		}
	}
}

func TestOwnersReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := New(nil)
		a, b := memconn.Pipe()
		client := in.Wrap(a)
		if client.LocalAddr() != a.LocalAddr() || client.RemoteAddr() != a.RemoteAddr() {
			t.Errorf("addresses: %v, %v", client.LocalAddr(), client.RemoteAddr())
		}
		reset(client)
		receive(t, "server", b, "", "reset")
		synctest.Wait()
		if !a.Closed() || in.Open() != 0 {
			t.Errorf("the connection behind: closed %v; %d open", a.Closed(), in.Open())
		}
		b.Close()
		in.Close()
	})
}
