package httpx

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"

	"gohttpx.dev/h1"
	"gohttpx.dev/wire"
)

// DumpOptions say how WithDump writes.
type DumpOptions struct {
	// BodyBytes is how many bytes of each message's content, or of each DATA
	// frame, are shown. Zero shows none, negative all; sizes are always shown.
	BodyBytes int
	// Secrets shows what is masked otherwise: credentials and cookies as
	// Header.String masks them, values of queries, and fragments and user
	// information. Content is never masked: see BodyBytes.
	Secrets bool
}

// WithDump writes to w what is said on each connection above TLS: HTTP/1.1 as it
// is sent and received, and the frames of HTTP/2 with their fields decoded. Each
// line begins with the number of the connection and a direction:
//
//	#1 * HTTP/1.1 to 192.0.2.1:80
//	#1 > GET /items?page=… HTTP/1.1
//	#1 > Host: example.org
//	#1 >
//	#1 < HTTP/1.1 200 OK
//	#1 < Content-Length: 5
//	#1 <
//	#1 < 5 bytes
//
// What is agreed on with proxies (CONNECT, SOCKS5) is not part of it. Bytes that
// are no text are escaped. Whole lines are written, one call of Write at a time;
// a slow w slows down all connections, and its errors are ignored. Connections of
// HTTP/2 write between requests too, and a little after Close: a w that is read
// meanwhile needs a lock. It is for looking at single requests, not for traffic.
func WithDump(w io.Writer, o DumpOptions) ClientOption {
	return poolOption("WithDump", func(c *config) error {
		if w == nil {
			return errors.New("WithDump: nil")
		}
		c.dump = &dumper{DumpOptions: o, w: w}
		return nil
	})
}

// dumper writes the lines of all connections. The nil one writes nothing.
type dumper struct {
	DumpOptions // immutable
	rules       h1.Rules

	mu    sync.Mutex
	w     io.Writer // guarded by mu; so written to, which is what makes lines whole
	conns int       // guarded by mu; how many there were
}

// connDump writes the lines of one connection.
type connDump struct {
	*dumper
	id int
}

func (d *dumper) conn(info *wire.ConnInfo) connDump {
	d.mu.Lock()
	d.conns++
	c := connDump{d, d.conns}
	d.mu.Unlock()
	via := ""
	if info.Proxy != "" {
		via = " via " + info.Proxy
	}
	c.lines('*', fmt.Sprintf("%v to %v%s", info.Proto, addrOf(info.RemoteAddr), via))
	return c
}

// lines writes lines at once, so that no other connection's come between.
func (c connDump) lines(direction byte, lines ...string) {
	var b bytes.Buffer
	for _, l := range lines {
		fmt.Fprintf(&b, "#%d %c", c.id, direction)
		if l != "" {
			b.WriteByte(' ')
			b.WriteString(l)
		}
		b.WriteByte('\n')
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _ = c.w.Write(b.Bytes())
}

// content describes bytes of which shown have been shown before.
func (c connDump) content(p []byte, shown int) (line string, more int) {
	line = strconv.Itoa(len(p)) + " bytes"
	most := len(p)
	if c.BodyBytes >= 0 {
		most = min(most, max(c.BodyBytes-shown, 0))
	}
	if most > 0 {
		line += ": " + strconv.QuoteToASCII(string(p[:most]))
		if most < len(p) {
			line += "…"
		}
	}
	return line, most
}

// field is a field line, masked if it has to be.
func (c connDump) field(f wire.Field) string {
	value := f.Value
	switch {
	case c.Secrets:
	case f.Name == ":path", f.Name == ":authority":
		value = redactTarget(value)
	default:
		value = masked(f)
	}
	return printable([]byte(f.Name)) + ": " + printable([]byte(value))
}
