package tls

import (
	"context"
	stdtls "crypto/tls"
	"net"
	"sync"
)

// maxNames bounds how many server names a Client keeps a configuration for.
const maxNames = 1024

// Client shakes hands as a TLS client, always with the same options.
type Client struct {
	base *stdtls.Config // immutable after NewClient; its ServerName, if any, is the override

	mu     sync.Mutex
	byName map[string]*stdtls.Config // guarded by mu; base with ServerName set
}

// NewClient loads what o names and returns a Client. Its errors are those of
// Options.Config.
func NewClient(o Options) (*Client, error) {
	cfg, err := o.Config()
	if err != nil {
		return nil, err
	}
	return &Client{base: cfg, byName: make(map[string]*stdtls.Config)}, nil
}

// Handshake makes TLS on nc, with the server that host names: a host name or IP
// address; a port, brackets, a zone and a trailing dot are left out. The end of
// ctx breaks it off. Handshake owns nc: it is closed when an error is returned,
// which is an *Error.
func (c *Client) Handshake(ctx context.Context, nc net.Conn, host string) (*Conn, error) {
	cfg, err := c.config(host)
	if err != nil {
		nc.Close()
		return nil, &Error{ServerName: host, Err: err}
	}
	raw := newRawConn(nc)
	tc := stdtls.Client(raw, cfg)
	if err := tc.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, &Error{ServerName: cfg.ServerName, Err: err}
	}
	return &Conn{Conn: tc, raw: raw}, nil
}

func (c *Client) config(host string) (*stdtls.Config, error) {
	if c.base.ServerName != "" {
		return c.base, nil
	}
	name, err := serverName(host)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	cfg := c.byName[name]
	if cfg == nil {
		if len(c.byName) >= maxNames {
			clear(c.byName) // a clone costs a microsecond, so no finer rule is worth it
		}
		cfg = c.base.Clone()
		cfg.ServerName = name
		c.byName[name] = cfg
	}
	return cfg, nil
}
