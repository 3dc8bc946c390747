package peer

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2/hpack"

	"gohttpx.dev/h2"
	"gohttpx.dev/internal/memconn"
)

// H2Script drives one HTTP/2 connection from the server's side, frame by frame.
// Nothing is answered by itself; Start makes the usual beginning.
type H2Script struct {
	// Conn is the script's end; *memconn.Conn after H2.
	Conn net.Conn
	// Patience is how long the script waits for the client; the package's
	// unless it is set to something else.
	Patience time.Duration

	t    testing.TB
	wg   sync.WaitGroup
	step string

	buf []byte // received and not used
	enc *hpack.Encoder
	eb  strings.Builder
	dec *hpack.Decoder
	out []byte
}

// H2 returns a connection in memory for the engine under test, and the script
// that plays its HTTP/2 server. Both are closed when the test ends.
func H2(t testing.TB) (*memconn.Conn, *H2Script) {
	t.Helper()
	a, b := memconn.PipeSize(1 << 20)
	t.Cleanup(func() { a.Close() })
	return a, H2Over(t, b)
}

// H2Over returns a script over any connection, which it closes when the test
// ends.
func H2Over(t testing.TB, nc net.Conn) *H2Script {
	p := &H2Script{Conn: nc, Patience: Patience, t: t}
	p.enc = hpack.NewEncoder(&p.eb)
	p.dec = hpack.NewDecoder(4096, nil)
	t.Cleanup(func() {
		nc.Close()
		p.wg.Wait()
	})
	return p
}

// Go runs f on a goroutine of its own, which the end of the test waits for.
func (p *H2Script) Go(f func()) { p.wg.Go(f) }

func (p *H2Script) fail(why, format string, args ...any) {
	p.t.Helper()
	p.Conn.Close()
	p.t.Fatalf("peer: %s: %s: %s", p.step, why, fmt.Sprintf(format, args...))
}

// Next returns the next frame, its payload copied.
func (p *H2Script) Next(why string) h2.Frame {
	p.t.Helper()
	f, err := p.next()
	if err != nil {
		p.fail(why, "reading a frame: %v", err)
	}
	return f
}

func (p *H2Script) next() (h2.Frame, error) {
	p.Conn.SetReadDeadline(time.Now().Add(p.Patience))
	for {
		f, n, err := h2.ParseFrame(p.buf, h2.MaxMaxFrameSize)
		if err != nil {
			return f, err
		}
		if n > 0 {
			f.Payload = append([]byte(nil), f.Payload...)
			p.buf = p.buf[n:]
			return f, nil
		}
		if err := p.more(); err != nil {
			return f, err
		}
	}
}

func (p *H2Script) more() error {
	var b [32 << 10]byte
	n, err := p.Conn.Read(b[:])
	p.buf = append(p.buf, b[:n]...)
	if n > 0 {
		return nil
	}
	return err
}

// WantPreface waits for the client's preface, SETTINGS and, if there is one, the
// connection's WINDOW_UPDATE; it returns the settings and the update.
func (p *H2Script) WantPreface(why string) (settings []h2.Setting, window uint32) {
	p.t.Helper()
	p.step = "want preface"
	p.Conn.SetReadDeadline(time.Now().Add(p.Patience))
	for len(p.buf) < len(h2.Preface) {
		if err := p.more(); err != nil {
			p.fail(why, "%v after %q", err, p.buf)
		}
	}
	if string(p.buf[:len(h2.Preface)]) != h2.Preface {
		p.fail(why, "got %q", p.buf[:len(h2.Preface)])
	}
	p.buf = p.buf[len(h2.Preface):]
	f := p.Next(why)
	if f.Type != h2.FrameSettings || f.Ack() {
		p.fail(why, "got %v, want SETTINGS", f.FrameHeader)
	}
	for s := range f.Settings() {
		settings = append(settings, s)
	}
	if f, n, _ := h2.ParseFrame(p.buf, 0); n > 0 && f.Type == h2.FrameWindowUpdate && f.StreamID == 0 {
		window = f.Increment()
		p.buf = p.buf[n:]
	}
	return settings, window
}

// Start is the usual beginning: the preface, our SETTINGS with its
// acknowledgement, and the acknowledgement of the client's.
func (p *H2Script) Start(settings ...h2.Setting) {
	p.t.Helper()
	p.WantPreface("a connection starts with the preface")
	p.SendSettings(settings...)
	p.SendRaw(h2.AppendSettingsAck(nil))
	p.WantSettingsAck("SETTINGS are acknowledged")
}

// Want waits for a frame of the type on the stream.
func (p *H2Script) Want(t h2.FrameType, id uint32, why string) h2.Frame {
	p.t.Helper()
	p.step = fmt.Sprintf("want %v on stream %d", t, id)
	f := p.Next(why)
	if f.Type != t || f.StreamID != id {
		p.fail(why, "got %v", f.FrameHeader)
	}
	return f
}

// WantSettingsAck waits for the acknowledgement of our SETTINGS.
func (p *H2Script) WantSettingsAck(why string) {
	p.t.Helper()
	if f := p.Want(h2.FrameSettings, 0, why); !f.Ack() {
		p.fail(why, "got %v, want an acknowledgement", f.FrameHeader)
	}
}

// Head is what WantHeaders has received.
type Head struct {
	ID     uint32
	Fields []hpack.HeaderField
	End    bool
}

// Get returns the value of the first field of that name, or "".
func (h *Head) Get(name string) string {
	for _, f := range h.Fields {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// WantHeaders waits for the head of a request on the stream id, 0 for any, whose
// method and path must be line (any if "").
func (p *H2Script) WantHeaders(id uint32, line, why string) *Head {
	p.t.Helper()
	p.step = fmt.Sprintf("want HEADERS %q on stream %d", line, id)
	f := p.Next(why)
	if f.Type != h2.FrameHeaders || id != 0 && f.StreamID != id {
		p.fail(why, "got %v", f.FrameHeader)
	}
	h := p.Decode(f, why)
	if got := h.Get(":method") + " " + h.Get(":path"); line != "" && got != line {
		p.fail(why, "got %q", got)
	}
	return h
}

// Decode decodes the block that starts with f, and reads its continuations.
func (p *H2Script) Decode(f h2.Frame, why string) *Head {
	p.t.Helper()
	block := append([]byte(nil), f.Fragment()...)
	h := &Head{ID: f.StreamID, End: f.EndStream()}
	for end := f.EndHeaders(); !end; {
		f := p.Want(h2.FrameContinuation, h.ID, why)
		block = append(block, f.Payload...)
		end = f.EndHeaders()
	}
	var err error
	if h.Fields, err = p.dec.DecodeFull(block); err != nil {
		p.fail(why, "decoding: %v", err)
	}
	return h
}

// WantData waits for one DATA frame with this content and END_STREAM if end.
func (p *H2Script) WantData(id uint32, data string, end bool, why string) {
	p.t.Helper()
	f := p.Want(h2.FrameData, id, why)
	if string(f.Data()) != data || f.EndStream() != end {
		p.fail(why, "got %.60q, end %v; want %.60q, end %v", f.Data(), f.EndStream(), data, end)
	}
}

// WantBody waits for DATA frames up to END_STREAM and returns their content.
func (p *H2Script) WantBody(id uint32, why string) string {
	p.t.Helper()
	var b strings.Builder
	for {
		f := p.Want(h2.FrameData, id, why)
		b.Write(f.Data())
		if f.EndStream() {
			return b.String()
		}
	}
}

// WantRST waits for RST_STREAM on the stream with the code. WINDOW_UPDATE frames
// before it are passed over.
func (p *H2Script) WantRST(id uint32, code h2.ErrCode, why string) {
	p.t.Helper()
	p.step = fmt.Sprintf("want RST_STREAM %v on stream %d", code, id)
	f := p.pastUpdates(why)
	if f.Type != h2.FrameRSTStream || f.StreamID != id {
		p.fail(why, "got %v", f.FrameHeader)
	}
	if f.Code() != code {
		p.fail(why, "got %v", f.Code())
	}
}

func (p *H2Script) pastUpdates(why string) h2.Frame {
	p.t.Helper()
	for {
		if f := p.Next(why); f.Type != h2.FrameWindowUpdate {
			return f
		}
	}
}

// WantGoAway waits for GOAWAY with the code, and then for the connection to be
// closed. Other frames before it are passed over.
func (p *H2Script) WantGoAway(code h2.ErrCode, why string) h2.GoAwayError {
	p.t.Helper()
	p.step = fmt.Sprintf("want GOAWAY %v", code)
	for {
		f := p.Next(why)
		if f.Type != h2.FrameGoAway {
			continue
		}
		g := f.GoAway()
		if g.Code != code {
			p.fail(why, "got %v", g)
		}
		p.WantClosed("the connection is closed after GOAWAY")
		return g
	}
}

// WantClosed waits until the client has closed the connection, and fails if a
// frame comes before.
func (p *H2Script) WantClosed(why string) {
	p.t.Helper()
	p.step = "want closed"
	f, err := p.next()
	switch {
	case err == nil:
		p.fail(why, "got %v", f.FrameHeader)
	case err != io.EOF && !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, errReset):
		p.fail(why, "got %v", err)
	}
}

// WantIdle checks that the client sends nothing and keeps the connection open.
func (p *H2Script) WantIdle(why string) {
	p.t.Helper()
	p.step = "want idle"
	if len(p.buf) == 0 {
		if m, ok := p.Conn.(*memconn.Conn); ok && settle() {
			switch {
			case m.Buffered() > 0:
				p.Conn.SetReadDeadline(time.Time{})
				p.more()
			case m.Ended():
				p.fail(why, "the client has closed the connection")
			}
		} else {
			p.Conn.SetReadDeadline(time.Now().Add(idleFor))
			if err := p.more(); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				p.fail(why, "got %v", err)
			}
		}
	}
	if len(p.buf) > 0 {
		h, _ := h2.ParseFrameHeader(p.buf)
		p.fail(why, "got %v", h)
	}
}

// Block encodes fields given as name, value, name, value…
func (p *H2Script) Block(fields ...string) []byte {
	p.eb.Reset()
	for i := 0; i+1 < len(fields); i += 2 {
		p.enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return []byte(p.eb.String())
}

// SendRaw sends bytes in one Write.
func (p *H2Script) SendRaw(b []byte) {
	p.t.Helper()
	p.Conn.SetWriteDeadline(time.Now().Add(p.Patience))
	if _, err := p.Conn.Write(b); err != nil {
		p.fail("the client takes what is sent", "%v", err)
	}
}

// TrySend is SendRaw for a client that may have gone.
func (p *H2Script) TrySend(b []byte) error {
	p.Conn.SetWriteDeadline(time.Now().Add(p.Patience))
	_, err := p.Conn.Write(b)
	return err
}

// SendSettings sends a SETTINGS frame.
func (p *H2Script) SendSettings(settings ...h2.Setting) {
	p.t.Helper()
	p.SendRaw(h2.AppendSettings(nil, settings...))
}

// SendHeaders sends a field block.
func (p *H2Script) SendHeaders(id uint32, end bool, fields ...string) {
	p.t.Helper()
	p.SendRaw(h2.AppendHeaders(nil, id, p.Block(fields...), h2.HeadersOptions{EndStream: end}))
}

// SendData sends content in as many DATA frames as it needs.
func (p *H2Script) SendData(id uint32, data string, end bool) {
	p.t.Helper()
	p.out = p.out[:0]
	for {
		n := min(len(data), h2.MinMaxFrameSize)
		p.out = h2.AppendData(p.out, id, []byte(data[:n]), end && n == len(data), 0)
		if data = data[n:]; data == "" {
			break
		}
	}
	p.SendRaw(p.out)
}

// Respond sends a response: a head with the status, and the content.
func (p *H2Script) Respond(id uint32, status, body string, fields ...string) {
	p.t.Helper()
	fields = append([]string{":status", status}, fields...)
	if body == "" {
		p.SendHeaders(id, true, fields...)
		return
	}
	p.SendHeaders(id, false, fields...)
	p.SendData(id, body, true)
}

// Close closes the connection. Closing one that is closed is fine.
func (p *H2Script) Close() { p.Conn.Close() }

// Pending reports whether a frame, or a part of one, has come and was not taken.
// It does not wait, and is meant for memory connections.
func (p *H2Script) Pending() bool {
	if len(p.buf) > 0 {
		return true
	}
	m, ok := p.Conn.(*memconn.Conn)
	return ok && m.Buffered() > 0
}

// WantHeadersPastUpdates is WantHeaders for any request; WINDOW_UPDATE frames
// before it are passed over.
func (p *H2Script) WantHeadersPastUpdates(why string) *Head {
	p.t.Helper()
	p.step = "want HEADERS past WINDOW_UPDATE"
	f := p.pastUpdates(why)
	if f.Type != h2.FrameHeaders {
		p.fail(why, "got %v", f.FrameHeader)
	}
	return p.Decode(f, why)
}

// TryNext is Next for a client that may go.
func (p *H2Script) TryNext() (h2.Frame, error) { return p.next() }
