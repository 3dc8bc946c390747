package faults

import (
	"io"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"time"
)

const (
	pieceSize = 16 << 10 // bytes
	maxPieces = 512      // under way where there is a delay
)

// piece is what was read at once.
type piece struct {
	due time.Time // zero: now
	b   []byte
}

// way is one direction of a link. Two goroutines serve it: one runs read, the
// other carry.
type way struct {
	// immutable after newWay
	link     *link
	src, dst net.Conn
	plan     Way

	pieces chan piece // from read to carry; closed by read
	free   chan []byte
	err    error // set by read before it closes pieces

	// swallow is set by carry, and by the carry of the other way in cut: nothing
	// more is handed on, the end of src neither.
	swallow atomic.Bool

	// goroutine of read only
	late *rand.Rand
	last time.Time // when the last piece is due

	// goroutine of carry only
	faults []Fault // those still to come, by offset
	pos    int64   // bytes that have come by
	sizes  *rand.Rand
	ready  time.Time // when the bandwidth has room for the next byte
}

func newWay(l *link, src, dst net.Conn, plan Way, seed, stream uint64) *way {
	n := 0
	if plan.Delay > 0 || plan.Jitter > 0 {
		n = maxPieces
	}
	return &way{
		link: l, src: src, dst: dst, plan: plan,
		pieces: make(chan piece, n),
		free:   make(chan []byte, 2),
		faults: sorted(plan.Faults),
		late:   rand.New(rand.NewPCG(seed, stream)),
		sizes:  rand.New(rand.NewPCG(seed, stream+2)),
	}
}

// read takes bytes from src until it ends, or the link does.
func (w *way) read() {
	defer close(w.pieces)
	for {
		var b []byte
		select {
		case b = <-w.free:
		default:
			b = make([]byte, pieceSize)
		}
		n, err := w.src.Read(b)
		if n > 0 {
			select {
			case w.pieces <- piece{w.due(), b[:n]}:
			case <-w.link.done:
				return
			}
		}
		if err != nil {
			w.err = err
			return
		}
	}
}

// due is when bytes that have come now arrive.
func (w *way) due() time.Time {
	if w.plan.Delay <= 0 && w.plan.Jitter <= 0 {
		return time.Time{}
	}
	t := time.Now().Add(w.plan.Delay)
	if w.plan.Jitter > 0 {
		t = t.Add(time.Duration(w.late.Int64N(int64(w.plan.Jitter))))
	}
	if t.Before(w.last) {
		t = w.last
	}
	w.last = t
	return t
}

// carry hands the pieces on to dst, with the faults in between.
func (w *way) carry() {
	w.eager()
	for x := range w.pieces {
		if !w.swallow.Load() && w.wait(x.due) {
			w.pass(x.b)
		}
		select {
		case w.free <- x.b[:pieceSize]:
		default:
		}
	}
	switch {
	case w.err == io.EOF && w.link.left.Load():
		// All that the owner had sent before it closed is delivered. The way
		// towards it has nobody to tell.
		if w.src == w.link.inner {
			w.link.end()
		}
	case w.swallow.Load():
	case w.err == io.EOF:
		closeWrite(w.dst)
	case isReset(w.err):
		w.link.abort()
	default: // src was closed: the link has ended
		w.link.end()
	}
}

// pass sends b in pieces, and strikes where a fault is due.
func (w *way) pass(b []byte) {
	for len(b) > 0 && !w.swallow.Load() {
		if f := w.next(); f != nil && f.At <= w.pos {
			w.faults = w.faults[1:]
			w.strike(f, b)
			continue
		}
		n := w.size(len(b))
		if f := w.next(); f != nil {
			n = int(min(int64(n), f.At-w.pos))
		}
		if !w.wait(w.ready) {
			w.swallow.Store(true)
			return
		}
		if w.plan.Rate > 0 {
			w.ready = time.Now().Add(time.Duration(n) * time.Second / time.Duration(w.plan.Rate))
		}
		if _, err := w.dst.Write(b[:n]); err != nil {
			w.swallow.Store(true)
			if !w.link.left.Load() {
				w.link.abort()
			}
			return
		}
		b = b[n:]
		w.pos += int64(n)
		w.eager()
	}
}

// size is how much of n bytes goes into one Write.
func (w *way) size(n int) int {
	if w.plan.Split > 0 {
		n = min(n, 1+w.sizes.IntN(w.plan.Split))
	}
	if w.plan.Drip {
		n = 1
	}
	if w.plan.Rate > 0 { // a fiftieth of a second at once
		n = min(n, max(1, w.plan.Rate/50))
	}
	return n
}

func (w *way) next() *Fault {
	if len(w.faults) == 0 {
		return nil
	}
	return &w.faults[0]
}

// eager strikes the faults that do not wait for the next byte.
func (w *way) eager() {
	for !w.swallow.Load() {
		f := w.next()
		if f == nil || !f.Eager || f.Do == Corrupt || f.At > w.pos {
			return
		}
		w.faults = w.faults[1:]
		w.strike(f, nil)
	}
}

// strike does what the fault says; b starts with the byte it meets.
func (w *way) strike(f *Fault, b []byte) {
	switch f.Do {
	case Corrupt:
		mask := f.Mask
		if mask == 0 {
			mask = 0xff
		}
		b[0] ^= mask
	case Cut:
		w.link.cut()
	case Reset:
		w.swallow.Store(true)
		w.link.abort()
	case HalfClose:
		w.swallow.Store(true)
		closeWrite(w.dst)
	case BlackHole:
		w.swallow.Store(true)
	case Stall:
		select {
		case <-f.Release:
		case <-w.link.unheld:
			w.swallow.Store(true)
		case <-w.link.done:
			w.swallow.Store(true)
		}
	}
}

// wait waits until t and reports whether the link is still there.
func (w *way) wait(t time.Time) bool {
	if d := time.Until(t); !t.IsZero() && d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-w.link.done:
			return false
		}
	}
	return true
}
