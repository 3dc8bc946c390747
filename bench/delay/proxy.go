package delay

import (
	"net"
	"sync"
	"time"
)

const (
	pieceSize = 64 << 10 // bytes
	maxPieces = 2048     // under way in one direction of one connection
)

// Proxy is a listener in front of an address.
type Proxy struct {
	// immutable after Listen
	l      net.Listener
	to     string
	oneWay time.Duration

	wg sync.WaitGroup // all goroutines

	mu     sync.Mutex
	closed bool                  // guarded by mu
	conns  map[net.Conn]struct{} // guarded by mu: both sides of each
}

// Listen starts a proxy for addr. A byte takes oneWay longer in each direction.
func Listen(addr string, oneWay time.Duration) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{l: l, to: addr, oneWay: oneWay, conns: map[net.Conn]struct{}{}}
	p.wg.Go(p.accept)
	return p, nil
}

// Addr is where the proxy listens, host:port.
func (p *Proxy) Addr() string { return p.l.Addr().String() }

// Close ends the proxy and its connections.
func (p *Proxy) Close() error {
	err := p.l.Close()
	p.mu.Lock()
	p.closed = true
	for nc := range p.conns {
		nc.Close()
	}
	p.mu.Unlock()
	p.wg.Wait()
	return err
}

func (p *Proxy) accept() {
	for {
		near, err := p.l.Accept()
		if err != nil {
			return // closed
		}
		far, err := net.Dial("tcp", p.to)
		if err != nil {
			near.Close()
			continue
		}
		if !p.keep(near, far) {
			return
		}
		p.wg.Go(func() {
			var both sync.WaitGroup
			both.Go(func() { p.carry(far, near) })
			both.Go(func() { p.carry(near, far) })
			both.Wait()
			p.drop(near, far)
		})
	}
}

// keep notes the connections, or closes them if the proxy is closed.
func (p *Proxy) keep(ncs ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, nc := range ncs {
		if p.closed {
			nc.Close()
			continue
		}
		p.conns[nc] = struct{}{}
	}
	return !p.closed
}

func (p *Proxy) drop(ncs ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, nc := range ncs {
		nc.Close()
		delete(p.conns, nc)
	}
}

// piece is what was read at once.
type piece struct {
	due time.Time
	b   []byte
}

// carry moves bytes from src to dst until src ends, and then ends dst's half. If
// dst fails both are closed, so that all ends.
func (p *Proxy) carry(dst, src net.Conn) {
	underway, free := make(chan piece, maxPieces), make(chan []byte, maxPieces)
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(underway)
		for {
			var b []byte
			select {
			case b = <-free:
			default:
				b = make([]byte, pieceSize)
			}
			n, err := src.Read(b)
			if n > 0 {
				underway <- piece{time.Now().Add(p.oneWay), b[:n]}
			}
			if err != nil {
				return
			}
		}
	})
	failed := false
	for x := range underway {
		if !failed {
			if wait := time.Until(x.due); wait > 0 {
				<-time.After(wait)
			}
			if _, err := dst.Write(x.b); err != nil {
				failed = true
				src.Close() // the reader ends
				dst.Close()
			}
		}
		select {
		case free <- x.b[:pieceSize]:
		default:
		}
	}
	reader.Wait()
	if tc, ok := dst.(*net.TCPConn); ok && !failed {
		tc.CloseWrite()
	}
}
