package peer

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/internal/memconn"
)

// recorder is a testing.TB that keeps what a failed expectation prints.
type recorder struct {
	testing.TB
	failed string
}

func (r *recorder) Helper()        {}
func (r *recorder) Cleanup(func()) {}
func (r *recorder) Fatalf(format string, args ...any) {
	r.failed = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// failure runs f, a script on which an expectation should fail, and returns
// what was printed.
func failure(t *testing.T, nc net.Conn, f func(*Script)) string {
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(Over(r, nc))
	}()
	<-done
	return r.failed
}

func send(t *testing.T, nc net.Conn, s string) {
	t.Helper()
	if _, err := io.WriteString(nc, s); err != nil {
		t.Fatal(err)
	}
}

func TestWantRequest(t *testing.T) {
	for _, tt := range []struct {
		name, in, body, raw string
		chunks, trailer     string
	}{
		{name: "no body", in: "GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
		{name: "length", in: "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", body: "abc", raw: "abc"},
		{name: "length 0", in: "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"},
		{
			name: "chunked", in: "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-T: v\r\n\r\n",
			body: "abc0123456789", raw: "3\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-T: v\r\n\r\n", chunks: "[3 10]", trailer: "v",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nc, p := H1(t)
			send(t, nc, tt.in+"next")
			r := p.WantRequest("GET / HTTP/1.1", "the request comes")
			if r.Get("host") != "x" || r.Body != tt.body || r.RawBody != tt.raw || r.Trailers.Get("x-t") != tt.trailer {
				t.Errorf("got %+v", r)
			}
			if tt.chunks != "" && fmt.Sprint(r.Chunks) != tt.chunks {
				t.Errorf("chunks %v, want %s", r.Chunks, tt.chunks)
			}
			if r.Head+r.RawBody != tt.in {
				t.Errorf("head and body are %q", r.Head+r.RawBody)
			}
			p.WantBytes("next", "what follows is not swallowed")
		})
	}
}

func TestHeadThenBody(t *testing.T) {
	nc, p := H1(t)
	send(t, nc, "PUT /f HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
	r := p.WantHead("PUT /f HTTP/1.1", "the head comes alone")
	p.WantIdle("no body before 100")
	p.Send("HTTP/1.1 100 Continue\r\n\r\n")
	send(t, nc, "hi")
	p.WantBody(r, "hi", "then the body")
	p.Respond("200 OK", "yes", "X-A: b")
	const want = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 3\r\n\r\nyes"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(nc, got); string(got) != want {
		t.Errorf("got %q, %v", got, err)
	}
	nc.Close()
	p.WantClosed("the client is done")
}

func TestFailuresSayWhy(t *testing.T) {
	head := func(line string) func(*Script) {
		return func(p *Script) { p.WantRequest(line, "the sentence") }
	}
	for _, tt := range []struct {
		name, in string
		script   func(*Script)
		want     string
	}{
		{"other request line", "GET /a HTTP/1.1\r\n\r\n", head("GET /b HTTP/1.1"), `got request line "GET /a HTTP/1.1"`},
		{"nothing", "", head(""), "EOF"},
		{"cut in the line", "GET /", head(""), "unexpected EOF"},
		{"cut in the head", "GET / HTTP/1.1\r\nHost: x\r\n", head(""), "unexpected EOF"},
		{"cut in the body", "GET / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", head(""), "unexpected EOF (2 bytes so far)"},
		{"bare LF", "GET / HTTP/1.1\n\n", head(""), "bare LF"},
		{"bare CR", "GET / HTTP/1.1\rX\r\n\r\n", head(""), "bare CR"},
		{"NUL in value", "GET / HTTP/1.1\r\nA: \x00\r\n\r\n", head(""), "control byte"},
		{"space before colon", "GET / HTTP/1.1\r\nA : b\r\n\r\n", head(""), "without a valid name"},
		{"folded line", "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", head(""), "without a valid name"},
		{"space in target", "GET /a b HTTP/1.1\r\n\r\n", head(""), "not a request line"},
		{"two framings", "GET / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", head(""), "framing twice"},
		{"odd length", "GET / HTTP/1.1\r\nContent-Length: +3\r\n\r\n", head(""), "is no number"},
		{"odd coding", "GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", head(""), "want chunked"},
		{"odd chunk size", "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\n", head(""), "chunk size line"},
		{"chunk too long", "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", head(""), "want CRLF"},
		{"other bytes", "xyz", func(p *Script) { p.WantBytes("xya", "the sentence") }, `got "xyz"`},
		{"bytes before close", "xyz", func(p *Script) { p.WantClosed("the sentence") }, `"xyz"`},
		{"bytes while idle", "xyz", func(p *Script) { p.WantIdle("the sentence") }, `"xyz"`},
		{"closed while idle", "", func(p *Script) { p.WantIdle("the sentence") }, "EOF"},
		{"other body", "GET / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab", func(p *Script) { p.WantBody(p.WantHead("", ""), "ac", "the sentence") }, `"ab"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, b := memconn.Pipe()
			send(t, a, tt.in)
			a.CloseWrite()
			got := failure(t, b, tt.script)
			if !strings.Contains(got, tt.want) || !strings.Contains(got, "the sentence") {
				t.Errorf("printed %q, want the sentence and %q", got, tt.want)
			}
			if !b.Closed() {
				t.Error("the connection is open: the client would wait for ever")
			}
		})
	}
}

func TestIdleInABubbleDoesNotMoveTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nc, p := H1(t)
		start := time.Now()
		p.WantIdle("nothing was sent")
		if d := time.Since(start); d != 0 {
			t.Errorf("the clock moved by %v", d)
		}
		go io.WriteString(nc, "x")
		got := failure(t, p.Conn, func(p *Script) { p.WantIdle("the sentence") })
		if !strings.Contains(got, `"x"`) {
			t.Errorf("printed %q, want the byte that came", got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		nc, p := H1(t)
		nc.Close()
		got := failure(t, p.Conn, func(p *Script) { p.WantIdle("the sentence") })
		if !strings.Contains(got, "closed") {
			t.Errorf("printed %q, want that it is closed", got)
		}
	})
}

func TestEndings(t *testing.T) {
	nc, p := H1(t)
	p.SendBytes("abc")
	if n := p.Conn.(*memconn.Conn).Counts().Writes; n != 3 {
		t.Errorf("SendBytes made %d writes, want 3", n)
	}
	p.CloseWrite()
	if got, err := io.ReadAll(nc); string(got) != "abc" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	send(t, nc, "still open")
	p.WantBytes("still open", "the other direction lives")

	nc, p = H1(t)
	p.Reset()
	if _, err := nc.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("after Reset: %v", err)
	}
	if err := p.TrySend("x"); !errors.Is(err, net.ErrClosed) {
		t.Errorf("TrySend after Reset: %v", err)
	}

	nc, p = H1(t)
	nc.Reset()
	p.WantClosed("a reset counts as closed")
}

func TestListen(t *testing.T) {
	s := Listen(t, func(nc net.Conn) {
		p := Over(t, nc)
		p.WantRequest("GET / HTTP/1.1", "over TCP too")
		p.WantIdle("one request only")
		p.Respond("204 No Content", "")
		p.Reset()
	})
	nc, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	send(t, nc, "GET / HTTP/1.1\r\n\r\n")
	io.ReadAll(nc)
	idle, err := net.Dial("tcp", s.Addr) // its handler waits until Close
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	send(t, idle, "GET / HTTP/1.1\r\n\r\n")
	bufio.NewReader(idle).ReadString('\n') // the handler runs
	s.Close()
	if n, open := s.Accepted(), s.Open(); n != 2 || open != 0 {
		t.Errorf("%d accepted, %d open after Close; want 2 and 0", n, open)
	}
	if nc, err := net.Dial("tcp", s.Addr); err == nil {
		nc.Close()
		t.Error("it still listens after Close")
	}
}

func TestCertificates(t *testing.T) {
	ca := NewCA(t)
	cert := ca.Issue("example.test", "127.0.0.1", "::1")
	s := ListenTLS(t, &tls.Config{Certificates: []tls.Certificate{cert}}, func(nc *tls.Conn) { io.Copy(nc, nc) })
	for _, name := range []string{"example.test", "127.0.0.1", "::1"} {
		c, err := tls.Dial("tcp", s.Addr, &tls.Config{RootCAs: ca.Pool(), ServerName: name})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		c.Close()
	}
	if _, err := tls.Dial("tcp", s.Addr, &tls.Config{RootCAs: ca.Pool(), ServerName: "other.test"}); err == nil {
		t.Error("another name is accepted")
	}
	old := ca.IssueWith(func(c *x509.Certificate) { c.NotAfter = c.NotBefore.Add(time.Hour) }, "old.test")
	if _, err := old.Leaf.Verify(x509.VerifyOptions{Roots: ca.Pool()}); err == nil {
		t.Error("an expired certificate is accepted")
	}
	certPEM, keyPEM := PEM(t, cert)
	if _, err := tls.X509KeyPair(certPEM, keyPEM); err != nil {
		t.Error(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca.PEM()) || !pool.Equal(ca.Pool()) {
		t.Error("the PEM of the authority is not the authority")
	}
	own, roots := Cert(t)
	if _, err := own.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "localhost"}); err != nil {
		t.Error(err)
	}
}
