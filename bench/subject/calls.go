package subject

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"gohttpx.dev/bench/server"
)

// around is how many tokens a goroutine goes around.
const around = 8

// Tokens are those that n goroutines ask for.
func Tokens(n int) (all []string) {
	for worker := range n {
		for i := range around {
			all = append(all, token(worker, i))
		}
	}
	return all
}

func token(worker, i int) string { return fmt.Sprintf("%012x%04x", worker, i) }

// calls are the requests of one goroutine, made before the clock runs.
type calls struct {
	o       Options
	size    int // of the current answer
	at      int // the current one
	tokens  [around]string
	targets [around]string // origin form
	urls    [around]string
	bodies  [around][]byte // of a Post
	// small are the target and URL of the first request with SmallFirst, "" when
	// it was made.
	small, smallURL string
}

func newCalls(o Options, worker int) *calls {
	c := &calls{o: o, size: o.Size}
	for i := range around {
		c.tokens[i] = token(worker, i)
		c.targets[i] = target(o, c.tokens[i])
		c.urls[i] = o.scheme() + "://" + o.Addr + c.targets[i]
		if o.Job == Post {
			c.bodies[i] = jsonOf(c.tokens[i], o.Upload)
		}
	}
	if o.SmallFirst {
		tiny := o
		tiny.Size, tiny.Upload = server.TokenLen, min(o.Upload, minUpload)
		c.small = target(tiny, c.tokens[1]) // next starts there
		c.smallURL = o.scheme() + "://" + o.Addr + c.small
	}
	return c
}

// minUpload has room for a token.
const minUpload = 64

func target(o Options, token string) string {
	t := fmt.Sprintf("/%d/%s", o.Size, token)
	if o.Kind != "" {
		t = "/" + o.Kind + t
	}
	switch {
	case o.Upload > 0:
		t += fmt.Sprintf("/%d", o.Upload)
	case o.Kind == server.KindAll:
		t += fmt.Sprintf("/%d", o.Conns)
	}
	return t
}

// jsonOf is a JSON object of size bytes with the token.
func jsonOf(token string, size int) []byte {
	start, end := `{"token":"`+token+`","text":"`, `"}`
	return []byte(start + strings.Repeat("x", max(size-len(start)-len(end), 0)) + end)
}

// next moves on to the next request and returns its index.
func (c *calls) next() int {
	c.at = (c.at + 1) % around
	return c.at
}

// call is one transfer: what is asked for and how many bytes go which way.
type call struct {
	target, url string
	token       string
	size        int // of the answer
	upload      int // 0 for none
}

// transfer moves on like next, for Down and Up.
func (c *calls) transfer() call {
	i := c.next()
	x := call{c.targets[i], c.urls[i], c.tokens[i], c.o.Size, c.o.Upload}
	if c.small != "" {
		x.target, x.url, x.size, x.upload = c.small, c.smallURL, server.TokenLen, min(c.o.Upload, minUpload)
		c.small = ""
	}
	return x
}

// check compares a response with what the current request must be answered.
func (c *calls) check(status int, body []byte) error {
	if status != 200 {
		return fmt.Errorf("status %d", status)
	}
	if len(body) != c.size {
		return fmt.Errorf("%d bytes of content, expected %d", len(body), c.size)
	}
	if string(body[:server.TokenLen]) != c.tokens[c.at] {
		return fmt.Errorf("the answer to %q, expected that to %q", body[:server.TokenLen], c.tokens[c.at])
	}
	return nil
}

// checkField compares the field that a response with many has last.
func (c *calls) checkField(value string) error {
	if value != c.tokens[c.at] {
		return fmt.Errorf("field %s is %q, expected %q", server.LastField, value, c.tokens[c.at])
	}
	return nil
}

// hasFields reports whether checkField is to be called.
func (c *calls) hasFields() bool { return c.o.Kind == server.KindFields }

// errLong is a response longer than expected.
var errLong = errors.New("more content than expected")

// pieceSize is the buffer that a Down reads into, in bytes.
const pieceSize = 64 << 10

// drain reads r to its end into buf and checks length and token.
func (x call) drain(status int, r io.Reader, buf []byte) error {
	if status != 200 {
		return fmt.Errorf("status %d", status)
	}
	n := 0
	for ended := false; !ended; {
		// Not once more after io.EOF, which may come with the last bytes: a
		// wire.Body is another exchange's then.
		room := buf
		if n < server.TokenLen {
			room = buf[n:]
		}
		m, err := r.Read(room)
		if n < server.TokenLen && n+m >= server.TokenLen && string(buf[:server.TokenLen]) != x.token {
			return fmt.Errorf("the answer to %q, expected that to %q", buf[:server.TokenLen], x.token)
		}
		n += m
		if ended = err == io.EOF; err != nil && !ended {
			return err
		}
	}
	if n != x.size {
		return fmt.Errorf("%d bytes of content, expected %d", n, x.size)
	}
	return nil
}

// source is the content of an Up: the token, then zeros. It is read once, and has
// no other method by which a client could do without reading.
type source struct {
	token string
	left  int
}

func (x call) source() *source { return &source{x.token, x.upload} }

func (s *source) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	p = p[:min(s.left, len(p))]
	n := copy(p, s.token)
	s.token = s.token[n:]
	clear(p[n:])
	s.left -= len(p)
	return len(p), nil
}

func (*source) Close() error { return nil }
