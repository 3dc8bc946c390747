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

// answer sends the head that the dumb server sends. A POST is answered with the
// number of bytes that came.
func answer(w http.ResponseWriter, r *http.Request) {
	if r.Method == "POST" {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		fmt.Fprintln(w, n)
		return
	}
	size, token, ok := parseTarget([]byte("GET " + r.URL.Path + " "))
	if !ok || r.Method != "GET" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Server", "bench")
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Cache-Control", "max-age=0, no-store")
	h.Set("ETag", `"5f3c-61a0b2c4d8e40"`)
	h.Set("Content-Length", strconv.Itoa(size))
	// A large one in pieces of the same bytes.
	rest := size
	for b := content(string(token), min(size, 64<<10)); rest > 0; rest -= len(b) {
		b = b[:min(rest, len(b))]
		if _, err := w.Write(b); err != nil {
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
