package server

import (
	"bytes"
	"errors"
	"net"
	"strconv"
)

const (
	// TokenLen is the length of a request token in bytes.
	TokenLen = 16
	// MaxSize is the largest content that is served, in bytes.
	MaxSize = 128 << 20

	readBuffer = 4 << 10 // a request head longer than this ends the connection
)

// Serve answers requests on l until Accept fails, which it does when l is
// closed; that is no error. Connections end when their peer ends them.
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
			if _, err := nc.Write(resp.answer(head)); err != nil {
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

// answer returns the response to a request head. It is valid until the next
// call.
func (r *response) answer(head []byte) []byte {
	size, token, ok := parseTarget(head)
	if !ok {
		return []byte("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
	}
	if r.buf == nil || r.size != size {
		r.lay(size)
	}
	copy(r.buf[r.body:], token)
	return r.buf
}

// lay builds the response for a size.
func (r *response) lay(size int) {
	r.buf = append(r.buf[:0], "HTTP/1.1 200 OK\r\n"+
		"Server: bench\r\n"+
		"Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"+
		"Content-Type: application/octet-stream\r\n"+
		"Cache-Control: max-age=0, no-store\r\n"+
		"ETag: \"5f3c-61a0b2c4d8e40\"\r\n"+
		"Content-Length: "...)
	r.buf = strconv.AppendInt(r.buf, int64(size), 10)
	r.buf = append(r.buf, "\r\n\r\n"...)
	r.size, r.body = size, len(r.buf)
	for i := range size {
		r.buf = append(r.buf, 'a'+byte(i%26))
	}
}

// parseTarget reads "GET /<size>/<token> " at the start of head.
func parseTarget(head []byte) (size int, token []byte, ok bool) {
	target, found := bytes.CutPrefix(head, []byte("GET /"))
	if !found {
		return 0, nil, false
	}
	i := 0
	for ; i < len(target) && target[i] >= '0' && target[i] <= '9'; i++ {
		size = size*10 + int(target[i]-'0')
		if size > MaxSize {
			return 0, nil, false
		}
	}
	if i == 0 || size < TokenLen || len(target) < i+1+TokenLen+1 || target[i] != '/' || target[i+1+TokenLen] != ' ' {
		return 0, nil, false
	}
	return size, target[i+1 : i+1+TokenLen], true
}
