package server

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
)

const (
	// TokenLen is the length of a request token in bytes.
	TokenLen = 16
	// MaxSize is the largest content that is served or taken, in bytes.
	MaxSize = 128 << 20

	readBuffer = 4 << 10 // a request head longer than this ends the connection
)

// Serve answers requests on l until Accept fails, which it does when l is
// closed; that is no error. Connections end when their peer ends them or asks for
// it.
func Serve(l net.Listener) error {
	for {
		nc, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		// One goroutine per connection, ended by the peer; nobody waits for
		// it, for the process ends with the benchmark.
		go serveConn(nc)
	}
}

func serveConn(nc net.Conn) {
	defer nc.Close()
	var resp response
	buf := make([]byte, readBuffer)
	have := 0
	for {
		n, err := nc.Read(buf[have:])
		have += n
		if err != nil {
			return
		}
		rest := buf[:have]
		for {
			head, after, whole := cutHead(rest)
			if !whole {
				break
			}
			if a, ok := parseAsk(head); !ok {
				_, err = nc.Write([]byte("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))
			} else if a.isPlain() {
				_, err = nc.Write(resp.answer(a))
			} else {
				after, err = answerOther(nc, a, after)
			}
			if err != nil || bytes.Contains(head, []byte("onnection: close")) {
				return
			}
			rest = after
		}
		have = copy(buf, rest)
		if have == len(buf) {
			return // a head without an end
		}
	}
}

// cutHead splits the first request head from what follows it.
func cutHead(b []byte) (head, rest []byte, whole bool) {
	i := bytes.Index(b, []byte("\r\n\r\n"))
	if i < 0 {
		return nil, b, false
	}
	return b[:i], b[i+4:], true
}

// response is one answer in wire form, reused for as long as the size stays
// the same.
type response struct {
	buf  []byte
	size int // of the content that buf holds
	body int // where in buf the content starts
}

// answer returns the response to a request for plain content. It is valid until
// the next call.
func (r *response) answer(a ask) []byte {
	if r.buf == nil || r.size != a.size {
		r.buf = appendHead(r.buf[:0], a.size, "")
		r.size, r.body = a.size, len(r.buf)
		r.buf = append(r.buf, content(string(a.token), a.size)...)
	}
	copy(r.buf[r.body:], a.token)
	return r.buf
}

// appendHead adds the head that all answers have, and further field lines.
func appendHead(b []byte, size int, more string) []byte {
	b = append(b, "HTTP/1.1 200 OK\r\n"+
		"Server: bench\r\n"+
		"Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"+
		"Content-Type: application/octet-stream\r\n"+
		"Cache-Control: max-age=0, no-store\r\n"+
		"ETag: \"5f3c-61a0b2c4d8e40\"\r\n"+
		"Content-Length: "...)
	b = strconv.AppendInt(b, int64(size), 10)
	b = append(b, "\r\n"...)
	b = append(b, more...)
	return append(b, "\r\n"...)
}

// answerOther answers what the fast path does not. The content of a POST is read,
// of which after is what has come; it returns what has come of the next request.
func answerOther(nc net.Conn, a ask, after []byte) (rest []byte, err error) {
	body, more := []byte(nil), ""
	switch {
	case a.post:
		if after, err = receive(nc, a, after); err != nil {
			return nil, err
		}
	case a.kind == KindAll:
		all.wait(a.n)
	case a.kind == KindFields:
		for i := range Fields {
			more += fieldName(i) + ": " + fieldValue(i, a.token) + "\r\n"
		}
	case a.kind != "":
		if body, err = codedContent(a); err != nil {
			return nil, err
		}
		more = "Content-Encoding: " + a.kind + "\r\n"
	}
	if body != nil {
		_, err = nc.Write(append(appendHead(nil, len(body), more), body...))
		return after, err
	}
	// A large one in pieces, the first with the token.
	piece := content(string(a.token), min(a.size, pieceSize))
	if _, err = nc.Write(append(appendHead(nil, a.size, more), piece...)); err != nil {
		return nil, err
	}
	for left := a.size - len(piece); left > 0; left -= len(piece) {
		piece = piece[:min(left, len(piece))]
		if _, err = nc.Write(piece); err != nil {
			return nil, err
		}
	}
	return after, nil
}

// receive reads the content of a POST. One that is not what was announced ends the
// connection with an answer 400.
func receive(nc net.Conn, a ask, after []byte) (rest []byte, err error) {
	var got arrival
	mine := after[:min(a.n, len(after))]
	rest = after[len(mine):]
	got.add(mine)
	if got.n < a.n {
		buf := make([]byte, min(a.n-got.n, pieceSize))
		for got.n < a.n {
			n, err := nc.Read(buf[:min(len(buf), a.n-got.n)])
			got.add(buf[:n])
			if err != nil {
				return nil, err
			}
		}
	}
	if !got.right(a) {
		nc.Write([]byte("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
		return nil, fmt.Errorf("a POST without its token")
	}
	return rest, nil
}
