package faults

import (
	"fmt"
	"time"
)

// Plan is what happens to one connection. The zero Plan does nothing.
type Plan struct {
	// Up is what the client sends, Down what it receives.
	Up, Down Way
	// Seed is for Jitter and Split: the same seed makes the same choices.
	Seed uint64
	// Buffer is how many bytes wait in each way of a connection that Dial, Wrap or
	// Listener gives out; 0 means 64 KiB.
	Buffer int
}

// Way is what happens in one direction.
type Way struct {
	// Delay is how much later every byte arrives. Order and rate stay.
	Delay time.Duration
	// Jitter adds a random time below it to the Delay of each piece. A piece never
	// overtakes the one before.
	Jitter time.Duration
	// Rate is the bandwidth in bytes per second; 0 means no limit.
	Rate int
	// Drip sends one byte per Write; with Rate also one by one in time.
	Drip bool
	// Split sends pieces of 1 to Split bytes, at random; 0 means as they come.
	Split int
	// Faults strike at their offsets, in the order of the offsets. After a Cut, a
	// Reset, a HalfClose or a BlackHole none of the rest does.
	Faults []Fault
}

// Fault is one thing that happens at one place.
type Fault struct {
	// At is the offset in the bytes of the way: so many pass unharmed.
	At int64
	// Do is what happens then.
	Do Action
	// Eager makes the fault strike as soon as At bytes have passed, not when the
	// next one comes. Without meaning for Corrupt.
	Eager bool
	// Release ends a Stall when it is closed; nil never does.
	Release <-chan struct{}
	// Mask is what Corrupt flips in the byte; 0 flips all eight bits.
	Mask byte
}

// Action is what a Fault does.
type Action uint8

// The actions.
const (
	_ Action = iota
	// Cut ends the connection in order (FIN) towards both sides. What either sends
	// afterwards is lost.
	Cut
	// Reset ends the connection with a reset (RST) towards both sides.
	Reset
	// HalfClose ends this way in order (FIN); the other one goes on. What the
	// sender still sends is lost.
	HalfClose
	// BlackHole takes this and all later bytes and says nothing, not even that the
	// sender has ended.
	BlackHole
	// Stall stops this way until Release, and takes no more bytes meanwhile.
	Stall
	// Corrupt changes one byte.
	Corrupt
)

var actionNames = [...]string{"none", "cut", "reset", "half-close", "black hole", "stall", "corrupt"}

// String returns the action in lower case.
func (a Action) String() string {
	if int(a) < len(actionNames) {
		return actionNames[a]
	}
	return fmt.Sprintf("action %d", uint8(a))
}

// Same gives every connection the same plan.
func Same(p Plan) func(n int) Plan { return func(int) Plan { return p } }

// Only gives the k-th connection, 0 for the first, the plan and the others none.
func Only(k int, p Plan) func(n int) Plan {
	return func(n int) Plan {
		if n == k {
			return p
		}
		return Plan{}
	}
}
