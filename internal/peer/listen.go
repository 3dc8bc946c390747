package peer

import (
	"crypto/tls"
	"net"
	"sync"
	"testing"
)

// Server accepts connections on loopback and hands each to a function.
type Server struct {
	// Addr is where it listens, "127.0.0.1:port".
	Addr string

	ln net.Listener
	wg sync.WaitGroup // the accept loop and every handler

	mu       sync.Mutex
	conns    map[net.Conn]bool // guarded by mu; the accepted ones that are open
	accepted int               // guarded by mu
	closed   bool              // guarded by mu
}

// Listen starts a TCP server on loopback. handler runs on a goroutine per
// connection, and the connection is closed when it returns. When the test ends,
// or at Close, the listener and all connections are closed and every handler is
// waited for.
func Listen(t testing.TB, handler func(nc net.Conn)) *Server {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("peer: %v", err)
	}
	return Serve(t, ln, handler)
}

// ListenTLS is Listen for a TLS server. handler runs before the handshake and
// may do it when it likes; the first Read or Write does it otherwise.
func ListenTLS(t testing.TB, cfg *tls.Config, handler func(nc *tls.Conn)) *Server {
	t.Helper()
	return Listen(t, func(nc net.Conn) {
		c := tls.Server(nc, cfg)
		handler(c)
		c.Close() // sends close_notify
	})
}

// Serve is Listen on a listener of the caller's.
func Serve(t testing.TB, ln net.Listener, handler func(nc net.Conn)) *Server {
	s := &Server{Addr: ln.Addr().String(), ln: ln, conns: map[net.Conn]bool{}}
	// Ends when Close closes the listener, which waits for it.
	s.wg.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			if !s.add(nc) {
				nc.Close()
				return
			}
			// Ends with the handler, which Close wakes by closing nc.
			s.wg.Go(func() {
				defer s.remove(nc)
				handler(nc)
			})
		}
	})
	t.Cleanup(s.Close)
	return s
}

func (s *Server) add(nc net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.conns[nc] = true
	s.accepted++
	return true
}

func (s *Server) remove(nc net.Conn) {
	nc.Close()
	s.mu.Lock()
	delete(s.conns, nc)
	s.mu.Unlock()
}

// Accepted is the number of connections so far.
func (s *Server) Accepted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted
}

// Open is the number of connections whose handler still runs.
func (s *Server) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Close closes the listener and all connections and waits for the handlers.
// The end of the test calls it too.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	for nc := range s.conns {
		nc.Close()
	}
	s.mu.Unlock()
	s.ln.Close()
	s.wg.Wait()
}
