package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"

	"golang.org/x/net/http2"
)

// ServeHTTP2 is Serve over HTTP/2.
func ServeHTTP2(l net.Listener) error { return serveHTTP2(l, 0) }

// serveHTTP2 answers the same requests over HTTP/2, by net/http's server: not as
// dumb as the other, but what many Go programs are asked by. net/http takes no
// window of 4 MiB or more; x/net's server, which is the same otherwise, does.
func serveHTTP2(l net.Listener, window int32) error {
	if window > 0 {
		return serveWindow(l, window)
	}
	s := &http.Server{Handler: http.HandlerFunc(answer), HTTP2: &http.HTTP2Config{MaxConcurrentStreams: Streams}}
	s.Protocols = new(http.Protocols)
	s.Protocols.SetHTTP2(true)
	s.Protocols.SetUnencryptedHTTP2(true)
	if err := s.Serve(l); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// serveWindow is serveHTTP2 with a window of so many bytes for each stream and each
// connection.
func serveWindow(l net.Listener, window int32) error {
	s := &http2.Server{MaxConcurrentStreams: Streams, MaxUploadBufferPerConnection: window, MaxUploadBufferPerStream: window}
	for {
		nc, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		// Ended by the peer; nobody waits for it, as in Serve.
		go func() {
			if tc, ok := nc.(*tls.Conn); ok && tc.Handshake() != nil {
				nc.Close()
				return
			}
			s.ServeConn(nc, &http2.ServeConnOpts{Handler: http.HandlerFunc(answer)})
		}()
	}
}

// answer sends the head that the dumb server sends. A POST to any other target
// than those of the dumb server is answered with the number of bytes that came.
func answer(w http.ResponseWriter, r *http.Request) {
	a, ok := parseAsk([]byte(r.Method + " " + r.URL.Path + " "))
	var got arrival
	if r.Method == "POST" {
		buf := make([]byte, 64<<10)
		for err := error(nil); err == nil; {
			var n int
			n, err = r.Body.Read(buf)
			got.add(buf[:n])
			if err != nil && err != io.EOF {
				panic(http.ErrAbortHandler)
			}
		}
	}
	var body []byte
	h := w.Header()
	switch {
	case !ok && r.Method == "POST":
		fmt.Fprintln(w, got.n)
		return
	case !ok || a.kind == KindAll:
		w.WriteHeader(http.StatusNotFound)
		return
	case a.post && !got.right(a):
		w.WriteHeader(http.StatusBadRequest)
		return
	case a.kind == KindFields:
		for i := range Fields {
			h.Set(fieldName(i), fieldValue(i, a.token))
		}
	case a.kind != "":
		var err error
		if body, err = codedContent(a); err != nil {
			panic(http.ErrAbortHandler)
		}
		a.size = len(body)
		h.Set("Content-Encoding", a.kind)
	}
	h.Set("Server", "bench")
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Cache-Control", "max-age=0, no-store")
	h.Set("ETag", `"5f3c-61a0b2c4d8e40"`)
	h.Set("Content-Length", strconv.Itoa(a.size))
	if body == nil {
		body = content(string(a.token), min(a.size, 64<<10))
	}
	// A large one in pieces of the same bytes.
	for rest := a.size; rest > 0; rest -= len(body) {
		body = body[:min(rest, len(body))]
		if _, err := w.Write(body); err != nil {
			return
		}
	}
}

// content is size bytes that begin with the token.
func content(token string, size int) []byte {
	b := make([]byte, size)
	for i := copy(b, token); i < size; i++ {
		b[i] = 'a' + byte(i%26)
	}
	return b
}
