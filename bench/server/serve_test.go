package server

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
)

const token = "0123456789abcdef"

// talk serves one connection over a pipe, writes the pieces and returns all
// that is answered.
func talk(t *testing.T, pieces ...string) string {
	t.Helper()
	a, b := net.Pipe()
	go serveConn(b)
	done := make(chan []byte)
	go func() {
		all, _ := io.ReadAll(a)
		done <- all
	}()
	for _, p := range pieces {
		if _, err := io.WriteString(a, p); err != nil {
			break // the server has hung up, which the answer will show
		}
	}
	// A last request, whose answer says that all before it were read.
	io.WriteString(a, "GET /end HTTP/1.1\r\n\r\n")
	a.Close()
	return string(<-done)
}

func TestServeConn(t *testing.T) {
	get := "GET /32/" + token + " HTTP/1.1\r\nHost: x\r\n\r\n"
	post := "POST /32/" + token + "/18 HTTP/1.1\r\nContent-Length: 18\r\n\r\n{" + token + "}"
	bytewise := strings.Split(get, "")
	for _, tt := range []struct {
		name   string
		pieces []string
		ok     int // answers 200
		no     int // answers 404
	}{
		{"one request", []string{get}, 1, 0},
		{"byte by byte", bytewise, 1, 0},
		{"two in one write", []string{get + get}, 2, 0},
		{"cut inside the empty line", []string{get[:len(get)-1], "\n" + get}, 2, 0},
		{"POST", []string{post}, 1, 0},
		{"POST byte by byte, and a GET", strings.Split(post+get, ""), 2, 0},
		{"a hundred fields", []string{"GET /fields/32/" + token + " HTTP/1.1\r\n\r\n"}, 1, 0},
		{"all of one", []string{"GET /all/32/" + token + "/1 HTTP/1.1\r\n\r\n"}, 1, 0},
		{"larger than a piece", []string{"GET /300000/" + token + " HTTP/1.1\r\n\r\n" + get}, 2, 0},
		{"asked to close", []string{strings.Replace(get, "Host", "Connection: close\r\nHost", 1), get}, 1, 0},
		{"POST without a token in its content", []string{strings.Replace(post, "{"+token, "{x", 1), get}, 0, 0},
		{"POST without a length", []string{"POST /32/" + token + " HTTP/1.1\r\n\r\n"}, 0, 1},
		{"GET with a length", []string{"GET /32/" + token + "/5 HTTP/1.1\r\n\r\n"}, 0, 1},
		{"another kind", []string{"GET /deflate/32/" + token + " HTTP/1.1\r\n\r\n"}, 0, 1},
		{"another method", []string{strings.Replace(get, "GET", "PUT", 1)}, 0, 1},
		{"no size", []string{"GET /" + token + " HTTP/1.1\r\n\r\n"}, 0, 1},
		{"size below the token", []string{"GET /15/" + token + " HTTP/1.1\r\n\r\n"}, 0, 1},
		{"size without a bound", []string{"GET /99999999999999999999/" + token + " HTTP/1.1\r\n\r\n"}, 0, 1},
		{"short token", []string{"GET /32/0123 HTTP/1.1\r\n\r\n"}, 0, 1},
		{"head without an end", []string{"GET /" + strings.Repeat("x", readBuffer)}, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := talk(t, tt.pieces...)
			if n := strings.Count(got, "HTTP/1.1 200 OK\r\n"); n != tt.ok {
				t.Errorf("%d answers 200, want %d: %q", n, tt.ok, got)
			}
			if n := strings.Count(got, "\r\n\r\n"+token); n != tt.ok {
				t.Errorf("the token came back %d times, want %d: %q", n, tt.ok, got)
			}
			if n := strings.Count(got, " 404 "); n < tt.no {
				t.Errorf("%d answers 404, want %d: %q", n, tt.no, got)
			}
		})
	}
}

func TestResponseChangesSize(t *testing.T) {
	var r response
	for _, size := range []string{"16", "1024", "16"} {
		a, ok := parseAsk([]byte("GET /" + size + "/" + token + " HTTP/1.1"))
		if !ok {
			t.Fatal("not understood")
		}
		got := r.answer(a)
		head, body, _ := bytes.Cut(got, []byte("\r\n\r\n"))
		if !bytes.Contains(head, []byte("Content-Length: "+size)) || len(body) != r.size || !bytes.HasPrefix(body, []byte(token)) {
			t.Errorf("size %s: %q", size, got)
		}
	}
}
