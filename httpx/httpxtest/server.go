package httpxtest

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
)

// ByteServer starts a server on this machine that sends exactly these bytes, for
// tests of what no real server sends, and returns its URL. Each request is read
// to its end and answered by the next script, whatever connection it comes on;
// after a script that is not the last the connection stays open, after the last
// it is closed, and what comes then is closed unanswered. It ends with the test.
func ByteServer(tb testing.TB, scripts ...string) (url string) {
	tb.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s := &byteServer{scripts: scripts, conns: map[net.Conn]bool{}}
	// Ends with the listener; waited for by the clean-up, as are those it starts.
	s.wg.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			s.wg.Go(func() { s.serve(nc) })
		}
	})
	tb.Cleanup(func() {
		ln.Close()
		s.mu.Lock()
		s.closed = true
		for nc := range s.conns {
			nc.Close()
		}
		s.mu.Unlock()
		s.wg.Wait()
	})
	return "http://" + ln.Addr().String()
}

type byteServer struct {
	wg sync.WaitGroup

	mu      sync.Mutex
	scripts []string          // guarded by mu
	conns   map[net.Conn]bool // guarded by mu
	closed  bool              // guarded by mu
}

func (s *byteServer) serve(nc net.Conn) {
	defer nc.Close()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.conns[nc] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.conns, nc)
		s.mu.Unlock()
	}()
	for br := bufio.NewReader(nc); ; {
		req, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return
		}
		s.mu.Lock()
		if len(s.scripts) == 0 {
			s.mu.Unlock()
			return
		}
		say := s.scripts[0]
		s.scripts = s.scripts[1:]
		last := len(s.scripts) == 0
		s.mu.Unlock()
		if _, err := io.WriteString(nc, say); err != nil || last {
			return
		}
	}
}
