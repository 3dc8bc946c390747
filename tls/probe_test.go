//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package tls

import (
	stdtls "crypto/tls"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"gohttpx.dev/internal/memconn"
	"gohttpx.dev/internal/peer"
)

var versions = []uint16{stdtls.VersionTLS12, stdtls.VersionTLS13}

// step runs what a test tells the server to do with its end.
type step func(*stdtls.Conn)

// probed returns a connection, one exchange old, and the way to its server.
func probed(t *testing.T, version uint16) (*Conn, chan<- step) {
	t.Helper()
	ca := peer.NewCA(t)
	steps := make(chan step)
	s := peer.ListenTLS(t, &stdtls.Config{Certificates: []stdtls.Certificate{ca.Issue(host)}}, func(nc *stdtls.Conn) {
		io.CopyN(nc, nc, 1)
		for f := range steps {
			f(nc)
		}
	})
	t.Cleanup(func() { close(steps) })
	tc := shake(t, client(t, Options{RootCAs: ca.Pool(), MaxVersion: version}), s, host)
	echo(t, tc)
	return tc, steps
}

// becomes waits until Probe says want: what the server did is on its way.
func becomes(t *testing.T, tc *Conn, want bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); tc.Probe() != want; runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("Probe stays %v", !want)
		}
	}
}

func TestProbe(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   step
	}{
		{"close_notify and FIN", func(nc *stdtls.Conn) { nc.Close() }},
		{"close_notify alone", func(nc *stdtls.Conn) { nc.CloseWrite() }},
		{"FIN alone", func(nc *stdtls.Conn) { nc.NetConn().(*net.TCPConn).CloseWrite() }},
		{"reset", func(nc *stdtls.Conn) { nc.NetConn().(*net.TCPConn).SetLinger(0); nc.NetConn().Close() }},
		{"data out of turn", func(nc *stdtls.Conn) { io.WriteString(nc, "HTTP/1.1 408 Request Timeout\r\n\r\n") }},
		{"no TLS", func(nc *stdtls.Conn) { io.WriteString(nc.NetConn(), "HTTP/1.1 408 Request Timeout\r\n\r\n") }},
	} {
		for _, version := range versions {
			t.Run(tt.name+" "+stdtls.VersionName(version), func(t *testing.T) {
				tc, steps := probed(t, version)
				for range 3 {
					if !tc.Probe() {
						t.Fatal("an idle connection is called dead")
					}
				}
				// A deadline that was armed long ago must not matter.
				tc.SetReadDeadline(time.Unix(1, 0))
				if !tc.Probe() {
					t.Fatal("an old deadline makes it dead")
				}
				tc.SetReadDeadline(time.Time{})
				steps <- func(nc *stdtls.Conn) { io.CopyN(nc, nc, 1) }
				echo(t, tc) // probing has done no harm
				steps <- tt.do
				becomes(t, tc, false)
				if tc.Probe() {
					t.Error("dead, then good again")
				}
			})
		}
	}
}

// countingCache tells when a session has come in.
type countingCache struct {
	stdtls.ClientSessionCache
	mu   sync.Mutex
	puts int
}

func (c *countingCache) Put(key string, s *stdtls.ClientSessionState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.puts++
	c.ClientSessionCache.Put(key, s)
}

func (c *countingCache) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.puts
}

// RFC 8446 §4.6.1: a server may send NewSessionTicket at any time after the
// handshake. It makes the socket readable, yet the connection is good.
func TestProbeTakesSessionTickets(t *testing.T) {
	ca := peer.NewCA(t)
	cache := &countingCache{ClientSessionCache: stdtls.NewLRUClientSessionCache(1)}
	s := server(t, &stdtls.Config{Certificates: []stdtls.Certificate{ca.Issue(host)}})
	tc := shake(t, client(t, Options{Base: &stdtls.Config{RootCAs: ca.Pool(), ClientSessionCache: cache}}), s, host)
	for end := time.Now().Add(10 * time.Second); cache.count() == 0; runtime.Gosched() {
		if !tc.Probe() {
			t.Fatal("a ticket makes the connection dead")
		}
		if time.Now().After(end) {
			t.Fatal("no ticket came")
		}
	}
	if !tc.Probe() {
		t.Fatal("the connection is dead after its ticket")
	}
	echo(t, tc)
}

// holdConn writes half of what it is given and keeps the rest back.
type holdConn struct {
	net.Conn
	hold bool // server goroutine only
	rest []byte
}

func (c *holdConn) Write(p []byte) (int, error) {
	if !c.hold {
		return c.Conn.Write(p)
	}
	c.rest = append(c.rest, p[len(p)/2:]...)
	n, err := c.Conn.Write(p[:len(p)/2])
	if err == nil {
		n = len(p)
	}
	return n, err
}

// halfway returns a connection whose server, at the first call of next, sends half
// of a record with "hello" in it, and at the second the rest.
func halfway(t *testing.T, version uint16) (tc *Conn, next func()) {
	t.Helper()
	ca := peer.NewCA(t)
	cert := ca.Issue(host)
	ask, done := make(chan bool), make(chan bool, 2)
	s := peer.Listen(t, func(nc net.Conn) {
		hc := &holdConn{Conn: nc}
		tc := stdtls.Server(hc, &stdtls.Config{Certificates: []stdtls.Certificate{cert}})
		io.CopyN(tc, tc, 1)
		<-ask
		hc.hold = true
		io.WriteString(tc, "hello")
		done <- true
		<-ask
		nc.Write(hc.rest)
		done <- true
		io.Copy(io.Discard, nc)
	})
	t.Cleanup(func() { close(ask) }) // before the server's, which waits for the handler
	tc = shake(t, client(t, Options{RootCAs: ca.Pool(), MaxVersion: version}), s, host)
	echo(t, tc)
	return tc, func() { ask <- true; <-done }
}

func TestProbeAmidARecord(t *testing.T) {
	for _, version := range versions {
		t.Run(stdtls.VersionName(version), func(t *testing.T) {
			tc, next := halfway(t, version)
			next()
			for range 100 { // the half is here, or comes meanwhile
				if !tc.Probe() {
					t.Fatal("half a record is taken for data")
				}
			}
			next()
			becomes(t, tc, false)
		})
	}
}

func TestReadGoesOnAfterHalfARecordWasProbed(t *testing.T) {
	for _, version := range versions {
		t.Run(stdtls.VersionName(version), func(t *testing.T) {
			tc, next := halfway(t, version)
			next()
			for range 100 {
				tc.Probe()
			}
			next()
			got := make([]byte, 5)
			if _, err := io.ReadFull(tc, got); err != nil || string(got) != "hello" {
				t.Errorf("read %q, %v", got, err)
			}
		})
	}
}

// What is not a socket is taken to be good, unless crypto/tls holds bytes that
// have come too early.
func TestProbeWithoutSocket(t *testing.T) {
	ca := peer.NewCA(t)
	a, b := memconn.Pipe()
	defer b.Close()
	srv := stdtls.Server(b, &stdtls.Config{Certificates: []stdtls.Certificate{ca.Issue(host)}})
	done := make(chan error, 1)
	go func() { done <- srv.Handshake() }()
	tc, err := client(t, Options{RootCAs: ca.Pool()}).Handshake(t.Context(), a, host)
	if err != nil {
		t.Fatal(err)
	}
	defer tc.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if !tc.Probe() {
		t.Error("a connection in memory is called dead")
	}
	io.WriteString(srv, "one")
	io.WriteString(srv, "two")
	if _, err := io.ReadFull(tc, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	if tc.Probe() {
		t.Error("a record that was read along with the last one is overlooked")
	}
}

func TestProbeTLSWithinTLS(t *testing.T) {
	ca := peer.NewCA(t)
	cfg := &stdtls.Config{Certificates: []stdtls.Certificate{ca.Issue(host)}}
	end := make(chan bool)
	finish := sync.OnceFunc(func() { close(end) })
	s := peer.ListenTLS(t, cfg, func(outer *stdtls.Conn) {
		inner := stdtls.Server(outer, cfg)
		io.CopyN(inner, inner, 1)
		<-end
		inner.Close()
	})
	t.Cleanup(finish)
	c := client(t, Options{RootCAs: ca.Pool()})
	outer := shake(t, c, s, host)
	inner, err := c.Handshake(t.Context(), outer, host)
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	echo(t, inner)
	if inner.Raw() != outer || !inner.Probe() {
		t.Error("an idle connection is called dead")
	}
	finish()
	becomes(t, inner, false)
}

func TestProbeAllocations(t *testing.T) {
	tc, _ := probed(t, stdtls.VersionTLS13)
	if n := testing.AllocsPerRun(100, func() { tc.Probe() }); n > 2 {
		t.Errorf("%v allocations per Probe, want 2 at most", n)
	}
}

func BenchmarkProbe(b *testing.B) {
	ca := peer.NewCA(b)
	s := peer.ListenTLS(b, &stdtls.Config{Certificates: []stdtls.Certificate{ca.Issue(host)}}, func(nc *stdtls.Conn) { io.Copy(nc, nc) })
	c, err := NewClient(Options{RootCAs: ca.Pool()})
	if err != nil {
		b.Fatal(err)
	}
	nc, err := net.Dial("tcp", s.Addr)
	if err != nil {
		b.Fatal(err)
	}
	tc, err := c.Handshake(b.Context(), nc, host)
	if err != nil {
		b.Fatal(err)
	}
	defer tc.Close()
	b.ReportAllocs()
	for b.Loop() {
		if !tc.Probe() {
			b.Fatal("dead")
		}
	}
}
