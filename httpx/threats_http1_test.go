package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gohttpx.dev/httpx"
	"gohttpx.dev/internal/peer"
)

// What hostile servers of HTTP/1.1 have tried on clients, against the client as
// its users have it: default options, real sockets. The tables of package h1 have
// the grammar; here it is what an attack costs, what it ends in, and what becomes
// of the connection.

// countedConn counts what is read from a socket. It stays one for the engine.
type countedConn struct {
	*net.TCPConn
	n *atomic.Int64
}

func (c countedConn) Read(p []byte) (int, error) {
	n, err := c.TCPConn.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// countReads makes a client's sockets count what is read from them.
func countReads(n *atomic.Int64) httpx.ClientOption {
	return httpx.WithDialContext(func(ctx context.Context, network, addr string) (net.Conn, error) {
		nc, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return countedConn{nc.(*net.TCPConn), n}, nil
	})
}

// allocated is how much f takes from the heap, the attacker's own included.
func allocated(f func()) int64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// attackWithoutEnd answers a request with first, and then with more until the client
// has had enough: ended is closed then.
func attackWithoutEnd(t *testing.T, first, more string) (s *peer.Server, ended chan struct{}) {
	ended = make(chan struct{})
	lot := []byte(strings.Repeat(more, max(1, 16<<10/len(more))))
	return peer.Listen(t, func(nc net.Conn) {
		defer close(ended)
		p := peer.Over(t, nc)
		p.WantRequest("", "a request")
		if p.TrySend(first) != nil {
			return
		}
		for {
			if _, err := nc.Write(lot); err != nil {
				return
			}
		}
	}), ended
}

const (
	ok200     = "HTTP/1.1 200 OK\r\n"
	inChunks  = ok200 + "Transfer-Encoding: chunked\r\n\r\n"
	kib       = 1 << 10
	readAhead = 64 * kib // what one read may bring beyond the limit
)

func TestThreatsHTTP1Endless(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	for _, tt := range []struct {
		name, first, more string
		opts              []httpx.RequestOption
		want              error
		text              string // in the error
		read, heap        int64  // at most
	}{
		{
			"field lines without end", ok200, "A: b\r\n", nil,
			httpx.ErrRemoteProtocol, "see WithLimits, MaxHeaderBytes", 64*kib + readAhead, 512 * kib,
		},
		{
			"a field line without end", ok200 + "A: ", "b", nil,
			httpx.ErrRemoteProtocol, "see WithLimits, MaxHeaderBytes", 64*kib + readAhead, 512 * kib,
		},
		{
			"a folded line without end", ok200 + "A: b\r\n", " b\r\n", nil,
			httpx.ErrRemoteProtocol, "see WithLimits, MaxHeaderBytes", 64*kib + readAhead, 512 * kib,
		},
		{
			"a status line without end", "HTTP/1.1 200 ", "OK", nil,
			httpx.ErrRemoteProtocol, "see WithLimits, MaxHeaderBytes", 64*kib + readAhead, 512 * kib,
		},
		{
			"1001 field lines", ok200 + strings.Repeat("A: b\r\n", 1001) + "\r\n", "x", nil,
			httpx.ErrRemoteProtocol, "see WithLimits, MaxHeaderFields", 8*kib + readAhead, 1024 * kib,
		},
		{
			"empty lines before the status line", "\r\n", "\r\n", nil,
			httpx.ErrRemoteProtocol, "not HTTP/1", readAhead, 512 * kib,
		},
		{
			"no HTTP at all", "", "\x00", nil,
			httpx.ErrRemoteProtocol, "not HTTP/1", readAhead, 512 * kib,
		},
		{
			"100 (Continue) without end", "", "HTTP/1.1 100 Continue\r\n\r\n", nil,
			httpx.ErrRemoteProtocol, "33 interim responses", readAhead, 512 * kib,
		},
		{
			"large interim responses without end", "", "HTTP/1.1 103 Early Hints\r\nLink: " + x(30*kib) + "\r\n\r\n", nil,
			httpx.ErrRemoteProtocol, "interim responses of", 96*kib + readAhead, 512 * kib,
		},
		{
			"a chunk extension without end", inChunks + "1;a=", "b", nil,
			httpx.ErrRemoteProtocol, "too many bytes of chunk extensions", 4*kib + readAhead, 512 * kib,
		},
		{
			"large extensions of tiny chunks", inChunks, "1;a=" + x(4000) + "\r\nx\r\n", nil,
			httpx.ErrRemoteProtocol, "too many bytes of chunk extensions", 20*kib + readAhead, 512 * kib,
		},
		{
			"digits of a chunk size without end", inChunks, "0", nil,
			httpx.ErrRemoteProtocol, "RFC 9112 §7.1", readAhead, 512 * kib,
		},
		{
			"trailer lines without end", inChunks + "0\r\n", "A: b\r\n", nil,
			httpx.ErrRemoteProtocol, "trailer section is longer", 64*kib + readAhead, 1024 * kib,
		},
		{
			"content without end, buffered", ok200 + "\r\n", "x",
			[]httpx.RequestOption{httpx.WithMaxResponseBytes(100 * kib)},
			httpx.ErrResponseTooLarge, "WithMaxResponseBytes", 100*kib + readAhead, 1024 * kib,
		},
		{
			"chunks without end, buffered", inChunks, "1\r\nx\r\n",
			[]httpx.RequestOption{httpx.WithMaxResponseBytes(10 * kib)},
			httpx.ErrResponseTooLarge, "WithMaxResponseBytes", 60*kib + 256*kib + readAhead, 1024 * kib,
		}, // what is drained
	} {
		t.Run(tt.name, func(t *testing.T) {
			var read atomic.Int64
			s, ended := attackWithoutEnd(t, tt.first, tt.more)
			c := newClient(t, countReads(&read))
			within, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			var err error
			heap := allocated(func() { _, err = c.Get(within, "http://"+s.Addr+"/", tt.opts...) })
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%v, want %v with %q", err, tt.want, tt.text)
			}
			<-ended // the connection is closed
			if n := read.Load(); n > tt.read {
				t.Errorf("%d bytes were read, want %d at most", n, tt.read)
			}
			if heap > tt.heap && !raceEnabled {
				t.Errorf("%d bytes of memory, want %d at most", heap, tt.heap)
			}
			if st := waitForIdle(c); st.Busy+st.Idle != 0 {
				t.Errorf("the connection is still there: %+v", st)
			}
		})
	}
}

// What is announced is not believed: memory grows with what has come.
func TestThreatsHTTP1AnnouncedLength(t *testing.T) {
	for _, tt := range []struct {
		name, send string
		opts       []httpx.RequestOption
		want       error
	}{
		{"a length of almost 2^63", ok200 + "Content-Length: 9223372036854775807\r\n\r\nabc", nil, httpx.ErrResponseTooLarge},
		{"the same, and no limit", ok200 + "Content-Length: 9223372036854775807\r\n\r\nabc", []httpx.RequestOption{httpx.WithMaxResponseBytes(httpx.Unlimited)}, httpx.ErrRemoteProtocol},
		{"a length just within the limit", ok200 + "Content-Length: 1073741824\r\n\r\nabc", nil, httpx.ErrRemoteProtocol},
		{"a length of 2^63", ok200 + "Content-Length: 9223372036854775808\r\n\r\nabc", nil, httpx.ErrRemoteProtocol},
		{"a length of 2^64+3", ok200 + "Content-Length: 18446744073709551619\r\n\r\nabc", nil, httpx.ErrRemoteProtocol},
		{"a chunk of almost 2^63", inChunks + "7fffffffffffffff\r\nabc", nil, httpx.ErrRemoteProtocol},
		{"a chunk of 2^63", inChunks + "8000000000000000\r\nabc", nil, httpx.ErrRemoteProtocol},
		{"a chunk of 2^64+3", inChunks + "10000000000000003\r\nabc", nil, httpx.ErrRemoteProtocol},
		{"encoded, a length just within the limit", ok200 + "Content-Encoding: gzip\r\nContent-Length: 1073741824\r\n\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x00", nil, httpx.ErrRemoteProtocol},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, finish := attacker(t, func(p *peer.Script) {
				p.WantRequest("", "a request")
				p.TrySend(tt.send)
				p.CloseWrite()
				p.WantClosed("the connection cannot be used again")
			})
			c := newClient(t)
			var err error
			heap := allocated(func() { _, err = c.Get(t.Context(), "http://"+s.Addr+"/", tt.opts...) })
			finish()
			if !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			if heap > 1024*kib && !raceEnabled {
				t.Errorf("%d bytes of memory for three that came", heap)
			}
		})
	}
}

// Framing that peers are known to read in different ways. None of it gives a
// response, and nothing of what follows is taken for one.
func TestThreatsHTTP1Framing(t *testing.T) {
	const poison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
	sized := func(line string) string { return ok200 + line + "\r\n\r\n5\r\nhello\r\n0\r\n\r\n" }
	for _, tt := range []struct{ name, send string }{
		{"bare LF after a chunk size", inChunks + "5\nhello\r\n0\r\n\r\n"},
		{"bare LF after chunk data", inChunks + "5\r\nhello\n0\r\n\r\n"},
		{"any two bytes after chunk data", inChunks + "5\r\nhelloxx0\r\n\r\n"},
		{"bare CR after a chunk size", inChunks + "5\rhello\r\n0\r\n\r\n"},
		{"LF in a chunk extension", inChunks + "5;a\nb\r\nhello\r\n0\r\n\r\n"},
		{"CR in a chunk extension", inChunks + "5;a\rb\r\nhello\r\n0\r\n\r\n"},
		{"line end in a quoted extension", inChunks + "5;a=\"\r\nhello\r\n0\r\n\r\n\"\r\nhello\r\n0\r\n\r\n"},
		{"bare LF in trailers", inChunks + "5\r\nhello\r\n0\r\nA: b\n\n"},
		{"space after a chunk size", inChunks + "5 \r\nhello\r\n0\r\n\r\n"},
		{"a chunk size with a sign", inChunks + "+5\r\nhello\r\n0\r\n\r\n"},
		{"a chunk size in C's notation", inChunks + "0x5\r\nhello\r\n0\r\n\r\n"},
		{"a chunk size above 64 bits", inChunks + "10000000000000005\r\nhello\r\n0\r\n\r\n"},
		{"a vertical tab before chunked", sized("Transfer-Encoding: \x0bchunked")},
		{"chunked twice", sized("Transfer-Encoding: chunked, chunked")},
		{"chunked in two lines", sized("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")},
		{"another coding before chunked", sized("Transfer-Encoding: gzip, chunked")},
		{"another coding after chunked", sized("Transfer-Encoding: chunked, identity")},
		{"an empty element after chunked", sized("Transfer-Encoding: chunked,")},
		{"a parameter of chunked", sized("Transfer-Encoding: chunked;q=1")},
		{"chunked in quotes", sized("Transfer-Encoding: \"chunked\"")},
		{"a name that begins like chunked", sized("Transfer-Encoding: chunkedx")},
		{"no coding at all", sized("Transfer-Encoding:")},
		{"a folded Transfer-Encoding", sized("Transfer-Encoding:\r\n chunked")},
		{"a folded Content-Length", ok200 + "Content-Length:\r\n 5\r\n\r\nhello"},
		{"chunked in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
		{"a space before the colon", ok200 + "Content-Length : 5\r\n\r\nhello"},
		{"a tab before the colon", ok200 + "Transfer-Encoding\t: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
		{"no colon", ok200 + "Content-Length 5\r\nContent-Length: 5\r\n\r\nhello"},
		{"a NUL in a name", ok200 + "Content-Length\x00: 5\r\nContent-Length: 5\r\n\r\nhello"},
		{"a NUL in a value", ok200 + "A: b\x00c\r\nContent-Length: 5\r\n\r\nhello"},
		{"a bare CR in a value", ok200 + "A: b\rContent-Length: 9\r\nContent-Length: 5\r\n\r\nhello"},
		{"a bare CR for a line end", "HTTP/1.1 200 OK\rContent-Length: 5\r\n\r\nhello"},
		{"a line end of LF CR", "HTTP/1.1 200 OK\n\rContent-Length: 5\r\n\r\nhello"},
		{"whitespace before the first field", ok200 + " Content-Length: 5\r\n\r\nhello"},
		{"two lengths that differ", ok200 + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"},
		{"a list of lengths that differ", ok200 + "Content-Length: 5, 6\r\n\r\nhello"},
		{"a length with a sign", ok200 + "Content-Length: +5\r\n\r\nhello"},
		{"a negative length", ok200 + "Content-Length: -5\r\n\r\nhello"},
		{"a length in C's notation", ok200 + "Content-Length: 0x5\r\n\r\nhello"},
		{"a length with an underscore", ok200 + "Content-Length: 1_0\r\n\r\nhello12345"},
		{"a length in other digits", ok200 + "Content-Length: \xd9\xa5\r\n\r\nhello"},
		{"an empty length", ok200 + "Content-Length:\r\n\r\nhello"},
		{"101 that nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, finish := attacker(t, func(p *peer.Script) {
				p.WantRequest("", "a request")
				p.TrySend(tt.send + poison)
				p.WantClosed("the connection cannot be used again, and nothing more is sent on it")
			})
			c := newClient(t)
			resp, err := c.Get(t.Context(), "http://"+s.Addr+"/attack")
			if !errors.Is(err, httpx.ErrRemoteProtocol) {
				t.Fatalf("%v %v", resp, err)
			}
			finish()
			if httpx.IsRetryable(err) {
				t.Error("it would be repeated")
			}
			if resp, err := c.Get(t.Context(), "http://"+s.Addr+"/next"); err != nil || resp.Text() != "own" {
				t.Errorf("the next request: %v %v", resp, err)
			}
			if n := s.Accepted(); n != 2 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

// attacker runs attack on the first connection, and answers what comes on others
// with "own". finish waits until attack has returned.
func attacker(t *testing.T, attack func(p *peer.Script)) (s *peer.Server, finish func()) {
	ended := make(chan struct{})
	var first atomic.Bool
	s = peer.Listen(t, func(nc net.Conn) {
		p := peer.Over(t, nc)
		if !first.Swap(true) {
			defer close(ended)
			attack(p)
			return
		}
		p.WantRequest("", "a request")
		p.Respond("200 OK", "own", "Connection: close")
	})
	return s, func() { <-ended }
}

// parked lets the moment pass for which a connection that was just parked is not
// looked at.
func parked() {
	for since := time.Now(); time.Since(since) < 5*time.Millisecond; {
		runtime.Gosched()
	}
}

// A response belongs to the request that asked for it.
func TestThreatsHTTP1ResponseQueue(t *testing.T) {
	const poison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
	for _, tt := range []struct {
		name, method, send string
		later              string // sent when the response was read
	}{
		{"bytes behind a response, in one packet", "GET", ok200 + "Content-Length: 4\r\n\r\ngood" + poison, ""},
		{"bytes behind a long response, in one read", "GET", ok200 + "Content-Length: 20004\r\n\r\ngood" + strings.Repeat("x", 20_000) + poison, ""},
		{"bytes behind the last chunk", "GET", inChunks + "4\r\ngood\r\n0\r\n\r\n" + poison, ""},
		{"bytes behind the trailers", "GET", inChunks + "4\r\ngood\r\n0\r\nA: b\r\n\r\n" + poison, ""},
		{"bytes behind a response without content", "GET", "HTTP/1.1 204 No Content\r\n\r\n" + poison, ""},
		{"content of a response to HEAD", "HEAD", ok200 + "Content-Length: 51\r\n\r\n" + poison, ""},
		{"content with 304", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 51\r\n\r\n" + poison, ""},
		{"length beside chunks", "GET", ok200 + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n", ""},
		{"a response while the connection is idle", "GET", ok200 + "Content-Length: 4\r\n\r\ngood", poison},
		{"an interim response while the connection is idle", "GET", ok200 + "Content-Length: 4\r\n\r\ngood", "HTTP/1.1 100 Continue\r\n\r\n" + poison},
		{"a single byte while the connection is idle", "GET", ok200 + "Content-Length: 4\r\n\r\ngood", "\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			read, sent := make(chan struct{}), make(chan struct{})
			s, finish := attacker(t, func(p *peer.Script) {
				p.WantRequest("", "a request")
				p.Send(tt.send)
				<-read
				if tt.later != "" {
					p.TrySend(tt.later)
				}
				close(sent)
				p.WantClosed("nothing more is sent on it")
			})
			c := newClient(t)
			resp, err := c.Do(t.Context(), tt.method, "http://"+s.Addr+"/attack")
			close(read)
			<-sent
			if err != nil {
				t.Fatal(err)
			}
			if text := strings.TrimRight(resp.Text(), "x"); text != "good" && text != "" {
				t.Errorf("got %q", text)
			}
			parked()
			// A POST could not be repeated: it must not have gone out on the old one.
			if resp, err := c.Post(t.Context(), "http://"+s.Addr+"/next", httpx.String("x")); err != nil || resp.Text() != "own" {
				t.Errorf("the next request: %v %v", resp, err)
			}
			finish()
			if n := s.Accepted(); n != 2 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

// A body that was announced and held back is not sent after a final status, and
// nothing else is sent in its place.
func TestThreatsHTTP1ExpectContinue(t *testing.T) {
	for _, status := range []string{"200 OK", "204 No Content", "307 Temporary Redirect", "401 Unauthorized", "417 Expectation Failed", "503 Service Unavailable"} {
		t.Run("a final "+status+" for 100 (Continue)", func(t *testing.T) {
			s, finish := attacker(t, func(p *peer.Script) {
				p.WantHead("", "a request")
				p.Send("HTTP/1.1 " + status + "\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n")
				p.WantClosed("neither the body nor another request is sent on it")
			})
			c := newClient(t)
			resp, err := c.Post(t.Context(), "http://"+s.Addr+"/attack", httpx.String("body"), httpx.WithExpectContinue(time.Minute))
			if err != nil || !strings.HasPrefix(status, fmt.Sprint(resp.StatusCode)) {
				t.Fatalf("%v %v", resp, err)
			}
			finish()
			if resp, err := c.Get(t.Context(), "http://"+s.Addr+"/next"); err != nil || resp.Text() != "own" {
				t.Errorf("the next request: %v %v", resp, err)
			}
		})
	}
}

// Trailers are what came last, and change nothing of what came before.
func TestThreatsHTTP1Trailers(t *testing.T) {
	t.Run("trailers that look like header fields", func(t *testing.T) {
		s := respond(t, ok200+"Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n5\r\nhello\r\n0\r\n"+
			"Content-Length: 99\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\nLocation: /evil\r\nSet-Cookie: s=evil\r\nConnection: close\r\nX: y\r\n\r\n")
		c := newClient(t, httpx.WithFollowRedirects(true))
		for range 2 {
			resp, err := c.Get(t.Context(), "http://"+s.Addr+"/")
			if err != nil || resp.Text() != "hello" {
				t.Fatalf("%v %v", resp, err)
			}
			for _, name := range []string{"Content-Length", "Content-Encoding", "Location", "Set-Cookie", "Connection", "X"} {
				if resp.Header.Has(name) {
					t.Errorf("%s is among the header fields", name)
				}
			}
			if tr := resp.Trailer(); tr.Get("X") != "y" || tr.Get("Set-Cookie") != "s=evil" {
				t.Errorf("trailers %v", tr)
			}
		}
		if n := c.Cookies().Len(); n != 0 {
			t.Errorf("%d cookies are in the jar", n)
		}
		if n := s.Accepted(); n != 1 {
			t.Errorf("%d connections: a trailer ended one", n)
		}
	})
	t.Run("1001 trailer lines", func(t *testing.T) {
		s := respond(t, inChunks+"5\r\nhello\r\n0\r\n"+strings.Repeat("A: b\r\n", 1001)+"\r\n")
		if _, err := newClient(t).Get(t.Context(), "http://"+s.Addr+"/"); !errors.Is(err, httpx.ErrRemoteProtocol) {
			t.Error(err)
		}
	})
}

// A head that comes in tiny pieces costs as much as one that comes at once.
func TestThreatsHTTP1TinyPieces(t *testing.T) {
	t.Run("a head of 240 KiB, a byte a read", func(t *testing.T) {
		var head strings.Builder
		head.WriteString(ok200)
		for i := range 900 {
			fmt.Fprintf(&head, "A%d: %s\r\n", i, strings.Repeat("x", 260))
		}
		head.WriteString("Content-Length: 2\r\n\r\nok")
		s := respond(t, head.String())
		c := newClient(t, httpx.WithLimits(httpx.Limits{MaxHeaderBytes: 256 << 10}), httpx.WithDialContext(func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := new(net.Dialer).DialContext(ctx, network, addr)
			return byByte{nc}, err
		}))
		heap := allocated(func() {
			if resp, err := c.Get(t.Context(), "http://"+s.Addr+"/"); err != nil || resp.Text() != "ok" || resp.Header.Len() != 901 {
				t.Errorf("%v", err)
			}
		})
		// Memory shows without a clock what would be quadratic; the steps of the scan
		// are counted in h1.
		if heap > 4<<20 && !raceEnabled {
			t.Errorf("%d bytes of memory for a head of %d", heap, head.Len())
		}
	})
}

// byByte gives one byte a read.
type byByte struct{ net.Conn }

func (c byByte) Read(p []byte) (int, error) { return c.Conn.Read(p[:min(1, len(p))]) }
