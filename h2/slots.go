package h2

import (
	"sync/atomic"

	"gohttpx.dev/wire"
)

// slots counts the exchanges of a connection in one word, so that the pool's
// questions never wait for the connection's lock.
//
//	    ┌────────────── claim ───────────────┐
//	    │      reserve              begin    ▼
//	free slot ─────────► held slot ───────► running
//	    ▲                   │ release          │ free
//	    └───────────────────┴──────────────────┘
//
// Draining and closed stop reserve; whoever holds a slot may still begin, and is
// told there what has become of the connection.
type slots struct{ word atomic.Uint64 }

const (
	slotBits      = 20
	slotMask      = 1<<slotBits - 1
	slotRunning   = 1               // one running exchange
	slotHeld      = 1 << slotBits   // one reservation
	slotLimit     = 2 * slotBits    // where the limit stands
	slotDraining  = uint64(1) << 60 // no new exchanges
	slotClosed    = uint64(1) << 61 // set with slotDraining; neither is ever unset
	slotUnwilling = slotDraining | slotClosed
)

func slotRun(w uint64) uint64  { return w & slotMask }
func slotHold(w uint64) uint64 { return w >> slotBits & slotMask }
func slotMax(w uint64) uint64  { return w >> slotLimit & slotMask }
func slotUsed(w uint64) uint64 { return slotRun(w) + slotHold(w) }

// slotFree reports whether w has a free slot.
func slotFree(w uint64) bool { return w&slotUnwilling == 0 && slotUsed(w) < slotMax(w) }

// reserve claims a slot.
func (s *slots) reserve() bool {
	for {
		w := s.word.Load()
		if !slotFree(w) {
			return false
		}
		if s.word.CompareAndSwap(w, w+slotHeld) {
			return true
		}
	}
}

// begin turns a reservation into an exchange, or a free slot if there is no
// reservation.
func (s *slots) begin() bool {
	for {
		w := s.word.Load()
		n := w + slotRunning
		switch {
		case slotHold(w) > 0:
			n -= slotHeld
		case !slotFree(w):
			return false
		}
		if s.word.CompareAndSwap(w, n) {
			return true
		}
	}
}

// claim begins an exchange in a free slot, and leaves the reservations to those
// who have them.
func (s *slots) claim() bool {
	for {
		w := s.word.Load()
		if !slotFree(w) {
			return false
		}
		if s.word.CompareAndSwap(w, w+slotRunning) {
			return true
		}
	}
}

// release gives back a reservation, free an exchange. tell is whether the pool
// wants to know; last whether nothing is left of a draining connection.
func (s *slots) release() (tell, last bool) {
	for {
		w := s.word.Load()
		if slotHold(w) == 0 {
			return false, false
		}
		if s.word.CompareAndSwap(w, w-slotHeld) {
			return s.left(w, w-slotHeld)
		}
	}
}

func (s *slots) free() (tell, last bool) {
	w := s.word.Add(^uint64(slotRunning - 1))
	return s.left(w+slotRunning, w)
}

func (s *slots) left(was, is uint64) (tell, last bool) {
	used := slotUsed(is)
	last = used == 0 && is&slotDraining != 0
	return used == 0 || !slotFree(was) && slotFree(is), last
}

// setLimit sets how many exchanges may run. tell is whether there is a free slot
// where there was none.
func (s *slots) setLimit(n uint32) (tell bool) {
	m := uint64(min(n, slotMask))
	for {
		w := s.word.Load()
		v := w&^(uint64(slotMask)<<slotLimit) | m<<slotLimit
		if s.word.CompareAndSwap(w, v) {
			return !slotFree(w) && slotFree(v)
		}
	}
}

// set sets flags. was is the word that it found.
func (s *slots) set(flags uint64) (was uint64) { return s.word.Or(flags) }

// state is what the pool sees.
func (s *slots) state() wire.ConnState {
	w := s.word.Load()
	st := wire.ConnState{Proto: wire.HTTP2, InFlight: int(slotUsed(w)), Limit: int(slotMax(w))}
	switch {
	case w&slotClosed != 0:
		st.Phase = wire.ConnClosed
	case w&slotDraining != 0:
		st.Phase = wire.ConnDraining
	}
	return st
}
