package h1

import (
	"sync/atomic"

	"gohttpx.dev/wire"
)

// Everything that decides who may do what with a connection lives here: the
// slot, which the pool counts, and the exchange, which a body handle names.
// Both are single words, so that no question about them waits for I/O.

// slot is the connection's one exchange slot and its phase.
//
//	          Reserve            begin
//	free ───────────► held ───────────► held+running ──┐
//	  ▲                │ Release              │ free   │ beginRaw
//	  ├────────────────┴──────────────────────┘        ▼
//	  │                                          held+running+raw
//	  ▼ drain, close: at once when free, else when the slot comes free
//	closed
type slot struct{ word atomic.Uint32 }

const (
	slotHeld     uint32 = 1 << iota // reserved, or an exchange runs
	slotRunning                     // an exchange runs
	slotRaw                         // the caller drives the connection; held to the end
	slotDraining                    // no new exchanges
	slotClosed                      // the socket is closed or about to be; never unset
)

// reserve claims the slot.
func (s *slot) reserve() bool { return s.word.CompareAndSwap(0, slotHeld) }

// begin turns a reservation into an exchange, or makes both out of a free slot.
// It returns the word that it found; the exchange has begun if and only if ok.
func (s *slot) begin(with uint32) (found uint32, ok bool) {
	for {
		w := s.word.Load()
		if w&(slotClosed|slotRunning) != 0 {
			return w, false
		}
		if s.word.CompareAndSwap(w, w|slotHeld|slotRunning|with) {
			return w, true
		}
	}
}

// release undoes reserve. changed is whether there was a reservation, closed
// whether the connection is over by this.
func (s *slot) release() (changed, closed bool) {
	for {
		w := s.word.Load()
		if w&slotHeld == 0 || w&slotRunning != 0 {
			return false, false
		}
		n := w &^ slotHeld
		if w&slotDraining != 0 {
			n |= slotClosed
		}
		if s.word.CompareAndSwap(w, n) {
			return true, n&^w&slotClosed != 0
		}
	}
}

// free ends the exchange and gives its slot back. closed is whether the
// connection is over by this: it was to be, or it was draining.
func (s *slot) free(closing bool) (closed bool) {
	for {
		w := s.word.Load()
		n := w &^ (slotHeld | slotRunning | slotRaw)
		if closing || w&slotDraining != 0 {
			n |= slotClosed
		}
		if s.word.CompareAndSwap(w, n) {
			return n&^w&slotClosed != 0
		}
	}
}

// drain refuses new exchanges. changed is whether it did not before, closed
// whether the connection is over by this.
func (s *slot) drain() (changed, closed bool) {
	for {
		w := s.word.Load()
		n := w | slotDraining
		if w&slotHeld == 0 {
			n |= slotClosed
		}
		if s.word.CompareAndSwap(w, n) {
			return n != w, n&^w&slotClosed != 0
		}
	}
}

// close ends everything and returns the word that it found.
func (s *slot) close() (found uint32) { return s.word.Or(slotClosed) }

// state is what the pool sees.
func (s *slot) state() wire.ConnState {
	w := s.word.Load()
	st := wire.ConnState{Proto: wire.HTTP11, Limit: 1}
	if w&slotHeld != 0 {
		st.InFlight = 1
	}
	switch {
	case w&slotClosed != 0:
		st.Phase = wire.ConnClosed
	case w&slotDraining != 0:
		st.Phase = wire.ConnDraining
	}
	return st
}

// exState is where an exchange stands.
//
//	         start           head with content       enter
//	ended ──────────► busy ────────────────────► open ─────► reading
//	  ▲                 │                        │  ▲ leave     │ │ CloseBody
//	  │   no content,   │        CloseBody,      │  └───────────┘ ▼
//	  │   error, drained│◄───────abort: claim────┘             dropped
//	  └─────────────────┴──────────────────────────────────────────┘
//
// One goroutine at a time owns the exchange, and with it the buffer, the
// decoder and the deadlines: whoever made it busy or reading. An exchange that
// was dropped is still its reader's, who ends it.
type exState uint64

const (
	exBusy     exState = iota // RoundTrip, a drain or an abort is at work
	exOpen                    // the body is the caller's; nobody is in it
	exReading                 // ReadBody is in it
	exDropped                 // CloseBody came while ReadBody was in it
	exEOF                     // ended: the body was read to its end
	exFailed                  // ended: Conn.failure says how
	exClosed                  // ended: the body was closed
	exDetached                // ended for us: the stream was handed over
)

const exBits = 3

// exchange is the number of the current exchange and its state in one word: a
// handle on an older one is told from the current one without a lock.
type exchange struct{ word atomic.Uint64 }

// start begins the next exchange. Only the owner of the slot may call it.
func (e *exchange) start() (id uint64) {
	id = e.word.Load()>>exBits + 1
	e.word.Store(id<<exBits | uint64(exBusy))
	return id
}

// load returns the state of the exchange id; ok is false if another one has
// taken its place.
func (e *exchange) load(id uint64) (s exState, ok bool) {
	w := e.word.Load()
	return exState(w & (1<<exBits - 1)), w>>exBits == id
}

// id is the number of the current exchange.
func (e *exchange) id() uint64 { return e.word.Load() >> exBits }

// move goes from one state to another, and fails if the exchange was in
// neither the one nor current.
func (e *exchange) move(id uint64, from, to exState) bool {
	return e.word.CompareAndSwap(id<<exBits|uint64(from), id<<exBits|uint64(to))
}

// claim takes ownership of an exchange that nobody is in.
func (e *exchange) claim() (id uint64, ok bool) {
	id = e.id()
	return id, e.move(id, exOpen, exBusy)
}

// end puts the owned exchange into its last state.
func (e *exchange) end(s exState) { e.word.Store(e.id()<<exBits | uint64(s)) }
