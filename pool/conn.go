package pool

import (
	"context"

	"gohttpx.dev/wire"
)

// Conn is what the pool needs from a connection. *h1.Conn and *h2.Conn satisfy
// it without importing this package. All methods may be called concurrently.
//
// The engine owns its slots and tells the pool through the OnChange hook; the
// response body therefore needs no wrapper of the pool's, and a request that
// finds an idle connection costs the pool no allocation.
type Conn interface {
	// Reserve claims one exchange slot without blocking: an atomic, never
	// behind I/O. It reports false when the connection is full, draining or
	// closed.
	Reserve() bool
	// Release gives back a slot that RoundTrip did not use.
	Release()
	// RoundTrip uses one reserved slot. It returns when the response head is
	// in res. The slot is free again when res.Body has reached its end or was
	// closed, or when RoundTrip fails.
	RoundTrip(ctx context.Context, req *wire.Request, res *wire.Response) error
	// State is a snapshot of phase and capacity.
	State() wire.ConnState
	// Healthy is a non-blocking look at an idle connection before it is handed
	// out: false if the peer has closed it or has spoken out of turn.
	Healthy() bool
	// OnChange sets the one hook, before first use. The engine calls it
	// whenever State may have changed in a way that the pool cares for: a slot
	// came free where there was none, the connection became idle, draining or
	// closed. It calls without an argument and holding no lock, and the pool
	// reads State under its own lock, so that late or reordered calls do no
	// harm.
	OnChange(func())
	// Drain refuses new exchanges and closes when the last one ends.
	Drain()
	// Close closes now; exchanges that run fail.
	Close() error
}

// Dial makes a connection for k. The context carries the deadline of the whole
// dial, is detached from the request that asked for it, and holds that
// request's wire.Trace. Dial must return soon after the context has ended.
type Dial func(ctx context.Context, k Key) (Conn, error)
