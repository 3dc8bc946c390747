package proxy

import (
	"net"
	"sync"
)

// replay is a connection of which some bytes have been read already.
type replay struct {
	net.Conn

	mu   sync.Mutex
	lead []byte // guarded by mu; what Read returns first
}

// Read returns what has been read already, then reads from the connection.
func (c *replay) Read(p []byte) (int, error) {
	c.mu.Lock()
	if len(c.lead) > 0 {
		n := copy(p, c.lead)
		if c.lead = c.lead[n:]; len(c.lead) == 0 {
			c.lead = nil
		}
		c.mu.Unlock()
		return n, nil
	}
	c.mu.Unlock()
	return c.Conn.Read(p)
}

// CloseWrite ends the writing half, where the connection can do that.
func (c *replay) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return net.ErrClosed
}

// NetConn returns the connection beneath, for those who look for a socket to
// close.
func (c *replay) NetConn() net.Conn { return c.Conn }
