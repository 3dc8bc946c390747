package httpx

import (
	"bytes"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"

	"gohttpx.dev/h1"
	"gohttpx.dev/wire"
)

// h1 returns nc with a tap on it.
func (d *dumper) h1(nc net.Conn, info *wire.ConnInfo) net.Conn {
	c := d.conn(info)
	t := &tap{Conn: nc}
	t.out = tapSide{connDump: c, direction: '>', tap: t}
	t.in = tapSide{connDump: c, direction: '<', tap: t}
	return t
}

// tap is a connection of HTTP/1.1 that is listened in on. One goroutine reads and
// one writes at a time, as the engine has it.
type tap struct {
	net.Conn
	out, in tapSide // the writer's, the reader's
	once    sync.Once

	mu     sync.Mutex
	method string // guarded by mu; of the last request
	raw    bool   // guarded by mu; it is HTTP no longer
}

func (t *tap) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	t.in.feed(p[:n])
	return n, err
}

func (t *tap) Write(p []byte) (int, error) {
	n, err := t.Conn.Write(p)
	t.out.feed(p[:n])
	return n, err
}

// CloseWrite is for a connection that was handed over.
func (t *tap) CloseWrite() error {
	if cw, ok := t.Conn.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return net.ErrClosed
}

func (t *tap) Close() error {
	t.once.Do(func() { t.in.lines('*', "closed") })
	return t.Conn.Close()
}

// tapState is what the next bytes of one direction are.
type tapState uint8

const (
	tapHead     tapState = iota // a start line and fields, up to the empty line
	tapLength                   // content of a known length
	tapChunks                   // chunked content
	tapTrailers                 // what follows that
	tapRest                     // content until the end, or no HTTP at all
)

// maxTapHead bounds what is kept of a head that does not end.
const maxTapHead = 1 << 20

// tapSide follows the messages of one direction.
type tapSide struct {
	connDump
	direction byte
	tap       *tap

	state  tapState
	buf    []byte // of a head or a trailer section
	resume int    // where to look for its end
	left   int64  // of the content
	chunks h1.ChunkDecoder
	shown  int
}

// feed takes bytes as they pass.
func (s *tapSide) feed(p []byte) {
	for len(p) > 0 {
		if s.state < tapRest && s.tap.isRaw() {
			s.state = tapRest
		}
		switch s.state {
		case tapHead, tapTrailers:
			s.buf = append(s.buf, p...)
			p = nil
			n := s.section()
			if n == 0 {
				if len(s.buf) > maxTapHead {
					s.lines(s.direction, fmt.Sprintf("a head of more than %d bytes", maxTapHead))
					s.buf, s.state = nil, tapRest
				}
				return
			}
			p, s.buf, s.resume = s.buf[n:], nil, 0
		case tapLength:
			n := int(min(int64(len(p)), s.left))
			s.content(p[:n])
			p = p[n:]
			if s.left -= int64(n); s.left == 0 {
				s.state = tapHead
			}
		case tapChunks:
			data, n, done, err := s.chunks.Next(p)
			if len(data) > 0 {
				s.content(data)
			}
			p = p[n:]
			switch {
			case err != nil:
				s.lines(s.direction, "chunked coding is broken")
				s.state = tapRest
			case done:
				s.state = tapTrailers
			}
		case tapRest:
			s.content(p)
			p = nil
		}
	}
}

func (s *tapSide) content(p []byte) {
	line, n := s.connDump.content(p, s.shown)
	s.shown += n
	s.lines(s.direction, line)
}

// section shows the head or the trailer section at the start of buf, if it is
// there, and returns its length. What follows depends on it.
func (s *tapSide) section() int {
	var end int
	if s.state == tapTrailers {
		if end, s.resume = h1.ScanTrailers(s.buf, s.resume); end > 0 {
			if lines := s.masked(s.buf[:end], false); len(lines) > 1 {
				s.lines(s.direction, lines...)
			}
			s.state = tapHead
		}
		return end
	}
	if s.direction == '>' {
		// A request: ScanTrailers looks for the empty line as well.
		end, s.resume = h1.ScanTrailers(s.buf, s.resume)
	} else {
		var err error
		if end, s.resume, err = h1.ScanHead(s.buf, s.resume); err != nil {
			s.lines(s.direction, "what comes is no HTTP/1.1 response")
			s.state = tapRest
			s.content(s.buf)
			return len(s.buf)
		}
	}
	if end == 0 {
		return 0
	}
	head := s.buf[:end]
	s.shown = 0
	s.lines(s.direction, s.masked(head, true)...)
	if s.direction == '>' {
		s.afterRequest(head)
	} else {
		s.afterResponse(head)
	}
	return end
}

// masked is a section, line by line, without its secrets.
func (s *tapSide) masked(section []byte, start bool) []string {
	var lines []string
	secret := false
	for raw := range bytes.Lines(section) {
		line := strings.TrimRight(string(raw), "\r\n")
		name, value, ok := strings.Cut(line, ":")
		switch {
		case line == "":
		case start:
			start = false
			if s.direction == '>' && !s.Secrets {
				if method, rest, ok := strings.Cut(line, " "); ok {
					target, version, _ := strings.Cut(rest, " ")
					line = method + " " + redactTarget(target) + " " + version
				}
			}
			line = printable([]byte(line))
		case line[0] == ' ' || line[0] == '\t': // folded: it belongs to the value above
			if secret {
				line = " [secure]"
			}
			line = printable([]byte(line))
		case !ok:
			line = strconv.Quote(line)
		default:
			f := wire.Field{Name: strings.TrimRight(name, " \t"), Value: strings.Trim(value, " \t")}
			secret = isSecret(f) && !s.Secrets
			line = s.field(f)
		}
		lines = append(lines, line)
	}
	return lines
}

// afterRequest finds out what follows a request head that we have written
// ourselves.
func (s *tapSide) afterRequest(head []byte) {
	method, _, _ := strings.Cut(string(head), " ")
	s.tap.mu.Lock()
	s.tap.method = method
	s.tap.mu.Unlock()
	s.state = tapHead
	for raw := range bytes.Lines(head) {
		name, value, _ := strings.Cut(strings.TrimSpace(string(raw)), ":")
		value = strings.TrimSpace(value)
		switch {
		case wire.EqualFold(name, "Transfer-Encoding"):
			s.state = tapChunks
			s.chunks.Reset(h1.Limits{}, s.rules)
			return
		case wire.EqualFold(name, "Content-Length"):
			if n, err := strconv.ParseInt(value, 10, 64); err == nil && n > 0 {
				s.state, s.left = tapLength, n
			}
		}
	}
}

// afterResponse decides it as the engine does.
func (s *tapSide) afterResponse(head []byte) {
	s.tap.mu.Lock()
	method := s.tap.method
	s.tap.mu.Unlock()
	var res wire.Response
	s.state = tapRest
	if n, err := h1.ParseResponse(head, &res, s.rules); n == 0 || err != nil {
		return
	}
	framing, length, err := h1.BodyFraming(method, &res, s.rules)
	if err != nil {
		return
	}
	switch framing {
	case h1.NoBody:
		s.state = tapHead
	case h1.Length:
		if s.state, s.left = tapLength, length; length == 0 {
			s.state = tapHead
		}
	case h1.Chunked:
		s.state = tapChunks
		s.chunks.Reset(h1.Limits{}, s.rules)
	case h1.Switched:
		s.tap.mu.Lock()
		s.tap.raw = true
		s.tap.mu.Unlock()
	}
}

func (t *tap) isRaw() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.raw
}
