// Package pool keeps connections and shares them among requests.
//
// # Overview
//
// A Pool knows nothing of HTTP/1.1 or HTTP/2. It counts exchange slots: a Conn
// says how many it has (one over HTTP/1.1, many over HTTP/2), the pool reserves
// them, and the engine frees them and says so through Conn.OnChange. RoundTrip
// takes a slot, lets the engine use it, and repeats a request that met a dead
// connection where that is safe.
//
// A request that finds a connection with a free slot takes it: the one used
// last among those with one slot, so that hot connections stay hot and cold
// ones expire; the least loaded among shared ones. Otherwise it queues at its
// origin and, if the limits allow, a connection is dialled. Whatever comes free
// goes to the oldest request of that origin. When Config.MaxConnections is reached,
// the request that has waited longest anywhere comes first: an idle connection
// of another origin is closed for it, or an abandoned dial, and a connection
// that comes free while it waits is closed rather than handed to a younger
// request of its own origin. Without that rule a busy origin would starve the
// others.
//
// Dials belong to the pool: a request that gives up leaves its dial to the
// next one, and if there is none the connection is parked. A dial that fails
// fails only the request it was started for; others that were waiting for it
// get a dial of their own.
//
// Waiting is charged to two clocks, of which neither restarts, not even when
// the request is repeated: Timeouts.Connect while a dial that may serve the
// request is in flight, Timeouts.Pool at all other times.
//
// # Concurrency
//
// All methods may be called concurrently. One mutex guards all state; it is
// never held while a connection is dialled, checked or closed, nor while a
// hook runs. Lock order: the pool's mutex, then whatever Conn.State and
// Conn.Reserve take. The pool runs no goroutine of its own: one per dial in
// flight, and one timer while connections are idle or have an age limit.
//
// # Errors
//
// RoundTrip returns a *wire.Error: the engine's, with Sent set if any of the attempts
// may have sent something; that of Dial, made one of PhaseDial and KindNetwork if it was
// another error; or the pool's own. These are wire.ErrPoolTimeout, whose text says which
// limit was reached, with how many connections open and requests waiting;
// wire.ErrConnectTimeout while a dial ran; the context's error, in one of
// wire.KindCanceled; and wire.ErrClosed after Close and Shutdown.
//
// # Limitations
//
// A connection counts against the limits until it is closed, also while it
// drains, and so does a dial that was cancelled until Dial has returned.
//
// When a request for another origin is starved by shared connections that are
// never idle, one of these is drained for it, and only as new requests for it
// arrive.
//
// A request between two attempts holds no connection: Shutdown does not see it,
// and its second attempt may find the pool closed.
//
// The least loaded of shared connections is exact among up to eight; beyond,
// it is the least loaded of eight, taken in turn.
package pool
