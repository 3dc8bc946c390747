package peer

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"gohttpx.dev/internal/memconn"
)

// Patience is how long a script waits for its client, and for how long it must
// see nothing to call a real connection idle.
const (
	Patience = 2 * time.Minute
	idleFor  = 30 * time.Millisecond
)

// Script drives one connection from the server's side.
type Script struct {
	// Conn is the script's end; *memconn.Conn after H1.
	Conn net.Conn

	t    testing.TB
	br   *bufio.Reader
	wg   sync.WaitGroup // goroutines of Go
	step string         // what the script is at, for messages; script goroutine only
}

// H1 returns a connection in memory for the engine under test, and the script
// that plays its HTTP/1.1 server. Both are closed when the test ends.
func H1(t testing.TB) (*memconn.Conn, *Script) {
	t.Helper()
	a, b := memconn.Pipe()
	t.Cleanup(func() { a.Close() })
	return a, Over(t, b)
}

// Over returns a script over any connection, which it closes when the test
// ends.
func Over(t testing.TB, nc net.Conn) *Script {
	p := &Script{Conn: nc, t: t, br: bufio.NewReader(nc)}
	t.Cleanup(func() {
		nc.Close()
		p.wg.Wait()
	})
	return p
}

// Go runs f on a goroutine of its own, which the end of the test waits for.
func (p *Script) Go(f func()) { p.wg.Go(f) }

// fail prints the sentence and what was seen instead, and ends the goroutine.
// The connection is closed first, so that nobody waits for the script.
func (p *Script) fail(why, format string, args ...any) {
	p.t.Helper()
	p.Conn.Close()
	p.t.Fatalf("peer: %s: %s: %s", p.step, why, fmt.Sprintf(format, args...))
}

// at names the step and gives its reads Patience.
func (p *Script) at(step string) {
	p.step = step
	p.Conn.SetReadDeadline(time.Now().Add(Patience))
}

// WantHead waits for a request head, whose request line must be line (any if
// "").
func (p *Script) WantHead(line, why string) *Request {
	p.t.Helper()
	p.at("want head " + line)
	return p.head(line, why)
}

func (p *Script) head(line, why string) *Request {
	p.t.Helper()
	r, err := readHead(p.br)
	if err != nil {
		p.fail(why, "reading the request head: %v", err)
	}
	if line != "" && r.Line() != line {
		p.fail(why, "got request line %q, want %q", r.Line(), line)
	}
	return r
}

// WantBody waits for the rest of a request whose head WantHead has returned,
// and fills in its Body, Chunks and Trailers. The content must be body.
func (p *Script) WantBody(r *Request, body, why string) {
	p.t.Helper()
	p.at("want body of " + r.Line())
	if err := readBody(p.br, r); err != nil {
		p.fail(why, "reading the request body: %v (%d bytes so far)", err, len(r.RawBody))
	}
	if r.Body != body {
		p.fail(why, "got a body of %d bytes %.200q, want %d bytes %.200q", len(r.Body), r.Body, len(body), body)
	}
}

// WantRequest waits for a whole request, body and all, whose request line must
// be line (any if "").
func (p *Script) WantRequest(line, why string) *Request {
	p.t.Helper()
	p.at("want request " + line)
	r := p.head(line, why)
	if err := readBody(p.br, r); err != nil {
		p.fail(why, "reading the request body: %v (%d bytes so far)", err, len(r.RawBody))
	}
	return r
}

// WantBytes waits for exactly these bytes.
func (p *Script) WantBytes(want, why string) {
	p.t.Helper()
	p.at(fmt.Sprintf("want bytes %.60q", want))
	got := make([]byte, len(want))
	n, err := io.ReadFull(p.br, got)
	if string(got[:n]) != want {
		p.fail(why, "got %q, %v; want %q", got[:n], err, want)
	}
}

// WantClosed waits until the client has closed its side, and fails if it sends
// anything before.
func (p *Script) WantClosed(why string) {
	p.t.Helper()
	p.at("want closed")
	switch _, err := p.br.Peek(1); {
	case err == nil:
		p.fail(why, "got bytes instead: %.200q", p.buffered())
	case err != io.EOF && !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, errReset):
		p.fail(why, "got %v", err)
	}
}

// WantIdle checks that the client sends nothing and keeps the connection open.
// Inside a synctest bubble it lets every other goroutine come to rest and looks
// then, without moving the clock; outside it looks for 30 ms.
func (p *Script) WantIdle(why string) {
	p.t.Helper()
	p.step = "want idle"
	if m, ok := p.Conn.(*memconn.Conn); ok && settle() {
		if p.br.Buffered() > 0 || m.Buffered() > 0 {
			p.Conn.SetReadDeadline(time.Time{})
			p.br.Peek(1)
			p.fail(why, "got %.200q", p.buffered())
		}
		if m.Ended() {
			p.fail(why, "the client has closed the connection")
		}
		return
	}
	p.Conn.SetReadDeadline(time.Now().Add(idleFor))
	switch _, err := p.br.Peek(1); {
	case err == nil:
		p.fail(why, "got %.200q", p.buffered())
	case !errors.Is(err, os.ErrDeadlineExceeded):
		p.fail(why, "got %v", err)
	}
}

// settle waits until all other goroutines of the bubble are blocked. It reports
// false outside a bubble, where synctest.Wait panics.
func settle() (ok bool) {
	defer func() { ok = recover() == nil }()
	synctest.Wait()
	return
}

func (p *Script) buffered() []byte {
	b, _ := p.br.Peek(p.br.Buffered())
	return b
}

// Send sends the parts, joined, in one Write.
func (p *Script) Send(parts ...string) {
	p.t.Helper()
	s := strings.Join(parts, "")
	p.step = fmt.Sprintf("send %.60q", s)
	p.Conn.SetWriteDeadline(time.Now().Add(Patience))
	if n, err := io.WriteString(p.Conn, s); err != nil {
		p.fail("the client takes what is sent", "%d of %d bytes: %v", n, len(s), err)
	}
}

// TrySend is Send for a client that may have gone: it returns the error.
func (p *Script) TrySend(s string) error {
	p.Conn.SetWriteDeadline(time.Now().Add(Patience))
	_, err := io.WriteString(p.Conn, s)
	return err
}

// SendBytes sends s one byte per Write. A client that is slower still sees
// several at once; memconn's MaxRead(1) on its end makes that certain.
func (p *Script) SendBytes(s string) {
	p.t.Helper()
	for i := range len(s) {
		p.Send(s[i : i+1])
	}
}

// Respond sends a response with Content-Length: status is "200 OK", fields are
// lines without CRLF.
func (p *Script) Respond(status, body string, fields ...string) {
	p.t.Helper()
	head := "HTTP/1.1 " + status + "\r\n"
	for _, f := range fields {
		head += f + "\r\n"
	}
	p.Send(head, fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body)), body)
}

// CloseWrite ends the stream to the client, which reads to the end of what was
// sent. The script can still read.
func (p *Script) CloseWrite() {
	p.t.Helper()
	p.step = "close write"
	cw, ok := p.Conn.(interface{ CloseWrite() error })
	if !ok {
		p.fail("the connection can be half-closed", "a %T cannot", p.Conn)
	}
	if err := cw.CloseWrite(); err != nil {
		p.fail("the connection is half-closed", "%v", err)
	}
}

// Close closes the connection. Closing one that is closed is fine.
func (p *Script) Close() { p.Conn.Close() }

// Reset closes the connection with a TCP reset, or what stands for one: bytes
// on their way are lost.
func (p *Script) Reset() {
	p.t.Helper()
	p.step = "reset"
	switch c := p.Conn.(type) {
	case *memconn.Conn:
		c.Reset()
	case *net.TCPConn:
		c.SetLinger(0) // close(2) then sends RST
		c.Close()
	default:
		p.fail("the connection can be reset", "a %T cannot", p.Conn)
	}
}
