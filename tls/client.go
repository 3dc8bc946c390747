package tls

import (
	"context"
	stdtls "crypto/tls"
	"errors"
	"net"
	"sync"
)

// maxNames bounds how many server names a Client keeps a configuration for.
const maxNames = 1024

// Client shakes hands as a TLS client, always with the same options.
type Client struct {
	// Immutable after NewClient.
	handshaker *Handshaker
	pins       []string
	override   string       // of the server's name, "" for none
	env        *Environment // has the roots; nil if it is not asked
	file       *certFile    // the client certificate on disk; nil for none

	mu     sync.Mutex
	base   *stdtls.Config            // guarded by mu, like the rest; the config itself is never changed
	rooted bool                      // base has what env says
	number int                       // of the certificate that base has from file
	byName map[string]*stdtls.Config // base with ServerName set
}

// NewClient loads what o names and returns a Client. Its errors are those of
// Options.Config, but for the environment's roots: what is wrong with these is
// told to the handshakes that need them.
func NewClient(o Options) (*Client, error) {
	cfg, file, err := o.config()
	if err != nil {
		return nil, err
	}
	c := &Client{
		handshaker: o.Handshaker, pins: append([]string(nil), o.Pins...), override: cfg.ServerName,
		file: file, base: cfg, byName: make(map[string]*stdtls.Config),
	}
	if file != nil {
		c.number = file.number
	}
	if o.asksEnvironment(cfg) {
		c.env = o.Environment
	}
	return c, nil
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
	// The socket, because TLS beneath this one would say goodbye first, which a
	// peer that does not read can draw out for seconds.
	end := context.AfterFunc(ctx, func() { socket(nc).Close() })
	tc, err := c.shake(ctx, nc, cfg)
	if !end() && !errors.Is(err, ctx.Err()) {
		err = ctx.Err() // not what came of the closed socket
	}
	if err != nil {
		socket(nc).Close()
		if tc != nil {
			tc.Close()
		}
		nc.Close()
		return nil, &Error{ServerName: cfg.ServerName, Err: err}
	}
	return tc, nil
}

func (c *Client) shake(ctx context.Context, nc net.Conn, cfg *stdtls.Config) (*Conn, error) {
	if c.handshaker != nil {
		return c.handshaker.run(ctx, nc, cfg, c.pins)
	}
	tc := &Conn{name: cfg.ServerName, below: rawConn{Conn: nc}}
	tc.std = stdtls.Client(&tc.below, cfg)
	tc.Conn = tc.std
	if err := tc.std.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	tc.splits = tc.std.ConnectionState().Version < stdtls.VersionTLS12
	return tc, nil
}

// socket is the connection at the bottom of those that say what they are over.
func socket(nc net.Conn) net.Conn {
	for range 8 {
		over, ok := nc.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		below := over.NetConn()
		if below == nil {
			break
		}
		nc = below
	}
	return nc
}

func (c *Client) config(host string) (*stdtls.Config, error) {
	name := c.override
	if name == "" {
		var err error
		if name, err = serverName(host); err != nil {
			return nil, err
		}
	}
	if c.env != nil {
		if _, err := c.env.Roots(); err != nil {
			return nil, err
		}
	}
	var cert stdtls.Certificate
	number := 0
	if c.file != nil {
		cert, number = c.file.current()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.env != nil && !c.rooted {
		c.base = c.base.Clone()
		c.base.RootCAs, _ = c.env.Roots() // loaded above
		c.rooted = true
	}
	if number > c.number {
		c.renewLocked(cert, number)
	}
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

// renewLocked puts a new client certificate in the place of the first. Sessions go
// with the old one: a server knows whose a resumed session is from its ticket,
// and asks for no certificate (RFC 8446 §2.2). A connection that was made before
// still puts its tickets where it got its configuration.
func (c *Client) renewLocked(cert stdtls.Certificate, number int) {
	base := c.base.Clone()
	base.Certificates = append([]stdtls.Certificate{cert}, base.Certificates[1:]...)
	base.ClientSessionCache = stdtls.NewLRUClientSessionCache(sessions)
	c.base, c.number = base, number
	clear(c.byName)
}
