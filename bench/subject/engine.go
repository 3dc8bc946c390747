package subject

import (
	"context"
	"errors"

	"gohttpx.dev/bench/server"
	"gohttpx.dev/h1"
	"gohttpx.dev/h2"
	"gohttpx.dev/pool"
	"gohttpx.dev/wire"
)

// engine is an engine by itself: over HTTP/1.1 one connection per goroutine, over
// HTTP/2 one for as many as the server takes streams, and per goroutine one wire.Request and one wire.Response
// used again and again.
var engine = Subject{
	Name: "engine",
	Ours: true,
	What: "Conn.RoundTrip, reused wire.Response, no pool",
	Can: func(o Options) bool {
		return canWire(o) && (o.Goroutines == 0 || o.Goroutines == o.Conns)
	},
	Open: func(o Options) (Client, error) { return &engineClient{o: o}, nil },
}

// pooled is the same through the pool.
var pooled = Subject{
	Name: "pool",
	Ours: true,
	What: "pool.RoundTrip, reused wire.Response",
	Can:  canWire,
	Open: func(o Options) (Client, error) {
		e := &engineClient{o: o}
		e.pool = pool.New(pool.Config{
			Dial:                    func(ctx context.Context, _ pool.Key) (pool.Conn, error) { return e.newConn(ctx) },
			Probes:                  func(pool.Key) bool { return o.isHTTP2() },
			MaxConnections:          o.Conns,
			MaxConnectionsPerHost:   o.Conns,
			MaxKeepaliveConnections: o.Conns,
			KeepaliveExpiry:         IdleTimeout,
		})
		return e, nil
	},
}

// canWire leaves out what the layers below httpx do not do: content codings, and
// connections that are not kept.
func canWire(o Options) bool {
	return (o.Kind == "" || o.Kind == server.KindFields || o.Kind == server.KindAll) && !o.Fresh && !o.SlowReader
}

type engineClient struct {
	o     Options
	pool  *pool.Pool // nil: one connection per goroutine
	conns []pool.Conn
	users int // goroutines of the last of conns
}

func (e *engineClient) newConn(ctx context.Context) (pool.Conn, error) {
	nc, err := e.o.connect(ctx)
	if err != nil {
		return nil, err
	}
	if e.o.isHTTP2() {
		return h2.NewConn(ctx, nc, h2.Config{RawConn: rawConn(nc)})
	}
	return h1.NewConn(nc, h1.Config{RawConn: rawConn(nc)}), nil
}

func (e *engineClient) Worker(i int) (Exchange, error) {
	c := newCalls(e.o, i)
	send, err := e.sender()
	if err != nil {
		return nil, err
	}
	return e.exchange(c, send), nil
}

// sendFunc carries one exchange.
type sendFunc func(context.Context, *wire.Request, *wire.Response) error

// sender returns what carries the exchanges of one more goroutine.
func (e *engineClient) sender() (sendFunc, error) {
	if e.pool != nil {
		key := pool.Key{Scheme: e.o.scheme(), Addr: e.o.Addr}
		return func(ctx context.Context, req *wire.Request, res *wire.Response) error {
			return e.pool.RoundTrip(ctx, key, req, res)
		}, nil
	}
	if n := len(e.conns); n == 0 || e.users == e.conns[n-1].State().Limit {
		conn, err := e.newConn(context.Background())
		if err != nil {
			return nil, err
		}
		conn.OnChange(func() {})
		e.conns, e.users = append(e.conns, conn), 0
		if e.o.isHTTP2() {
			// With the answer the server's limit of streams is there.
			if err := e.try(sendOn(conn)); err != nil {
				return nil, err
			}
		}
	}
	e.users++
	return sendOn(e.conns[len(e.conns)-1]), nil
}

func sendOn(conn pool.Conn) sendFunc {
	return func(ctx context.Context, req *wire.Request, res *wire.Response) error {
		if !conn.Reserve() {
			return errors.New("the connection takes no further request")
		}
		return conn.RoundTrip(ctx, req, res)
	}
}

// try makes one exchange, a small one if others are transfers.
func (e *engineClient) try(send sendFunc) error {
	var res wire.Response
	size := min(e.o.Size, pieceSize)
	req := wire.Request{Scheme: e.o.scheme(), Authority: e.o.Addr, Target: target(Options{Size: size}, token(0, 0))}
	if err := send(context.Background(), &req, &res); err != nil {
		return err
	}
	_, err := readBody(res.Body, make([]byte, size+1))
	return err
}

func (e *engineClient) Close() {
	for _, c := range e.conns {
		c.Close()
	}
	if e.pool != nil {
		e.pool.Close()
	}
}
