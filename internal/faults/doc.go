// Package faults is a bad network for tests: it stands between any client and any
// server and delays, cuts, resets, stalls, splits or spoils what goes by.
//
// # Overview
//
// New makes an Injector with a plan for every connection: the function gets the
// connection's number, 0 for the first, so that the second can be worse than the
// first. An Injector takes connections in three ways, all with the same faults:
//
//   - Proxy listens on loopback in front of an address, for what needs sockets;
//   - Dial wraps a dial function, and Wrap one connection, on the client's side;
//   - Listener wraps a listener, on the server's side.
//
// The last two give out memory connections (internal/memconn), so that with a
// memory connection behind them a whole exchange runs inside a testing/synctest
// bubble: delays and rates follow the fake clock, and a stall is at rest.
//
// A Plan has two ways: Up is what the client sends, Down what it receives. A Way has
// a manner (Delay, Jitter, Rate, Drip, Split), which alters no byte, and a list of
// Faults, each of which strikes at an offset in the way's bytes:
//
//	in := faults.New(faults.Same(faults.Plan{
//		Down: faults.Way{Drip: true, Faults: []faults.Fault{{At: 117, Do: faults.Reset}}},
//	}))
//	defer in.Close()
//	addr, err := in.Proxy(server.Addr)
//
// A fault at offset N lets N bytes pass and strikes when the next one comes. So a cut
// at 0 of what the server sends comes in the place of its first byte, and not before
// the request; a fault at the very end of the bytes never strikes. One that is Eager
// strikes as soon as the N bytes have passed.
//
// What the injector does not do itself it hands on: the end of a stream as the end of
// a stream, a reset as a reset.
//
// # Concurrency
//
// All methods may be called concurrently. A connection has five goroutines. They
// end with the connection; Close ends all connections and waits for them. In a
// synctest bubble the Injector, and the Release channels, are made in the bubble.
//
// # Limitations
//
// A connection that stalls, or that was cut while its peer does not close, stays
// until Close (or until its owner closes it, where Dial, Wrap or Listener gave it
// out): there is no other way to learn that the peer has gone.
//
// After a Cut each side can still write, and what it writes is lost: the FIN comes
// without the RST with which a system answers bytes for a closed socket. Reset over TCP
// relies on the peer's system to keep what it has received, as Linux does; on memory
// connections the bytes before the reset always arrive.
//
// Between the two sides there are buffers (the sockets' own, or 64 KiB of memory
// unless Plan.Buffer says otherwise, and one piece of 16 KiB in each way), so that
// a writer notices a stall only when they are full.
package faults
